"""Signed payout notifications as a Locust test; written by `payout-notify export --to locust`.

Set PAYOUT_NOTIFY_KEY for every process, then run it in one process:

    locust -f locustfile.py --headless

or with workers, each of which sends its share of the orders:

    locust -f locustfile.py --worker --master-host HOST
    locust -f locustfile.py --master --headless --expect-workers 2

Every order has fresh ids and a signature of its own. A reply that does not acknowledge counts as a
failure, with the reason. The rate is kept as long as replies take less than about a second.
"""

import hashlib
import hmac
import itertools
import json
import math
import os
import random
import re
import time
import uuid

import gevent
from locust import FastHttpUser, LoadTestShape, events, task
from locust.runners import MasterRunner, WorkerRunner

PLAN = json.loads(r'''@PLAN@''')

KEY = os.fsencode(os.environ.get("PAYOUT_NOTIFY_KEY", ""))
if not KEY:
    raise SystemExit("no key was given: set PAYOUT_NOTIFY_KEY")

COUNT = PLAN["count"]
RATE = PLAN["orders_per_second"]
TIMEOUT = PLAN["timeout_s"]
LONGEST_REPLY = 64 * 1024


# The orders: a choice of texts with places for what differs from order to order.

def draw(kind, number, now_ms, first_id):
    """One value of an order, as text."""
    name, *arguments = kind
    if name == "n":
        return str(number)
    if name == "now":
        return str(now_ms // 1000 - int(arguments[0]))
    if name == "now_ms":
        return str(now_ms)
    if name == "uuid":
        return str(uuid.uuid4())
    if name == "hex":
        return "".join(random.choices("0123456789abcdef", k=int(arguments[0])))
    if name == "id":
        return str(first_id + number)
    low, high = arguments
    return str(random.randint(int(low), int(high)))


def draw_first_id():
    """Where the ids of a run may begin; None where the orders have other ids."""
    kinds = [kind for order in PLAN["orders"] for kind in order["draws"] if kind[0] == "id"]
    return random.randint(int(kinds[0][1]), int(kinds[0][2])) if kinds else None


def join(parts, values):
    """The text of parts: a text stands for itself, a number for the value with that index."""
    return "".join(part if isinstance(part, str) else values[part] for part in parts)


def sign(canonical):
    """The signature of a canonical string."""
    scheme = PLAN["scheme"]
    text = canonical.encode() + scheme["before_key"].encode()
    if scheme["suffix"] == "key":
        text += KEY
    elif scheme["suffix"] == "md5-of-key":
        text += hashlib.md5(KEY).hexdigest().encode()
    if scheme["algorithm"] == "hmac-sha256":
        digest = hmac.new(KEY, text, hashlib.sha256).hexdigest()
    else:
        digest = hashlib.new(scheme["algorithm"], text).hexdigest()
    return digest.upper() if scheme["digest"] == "upper" else digest


# Where the ids of this process begin, unless it is told: no two of its orders share one.
OWN_FIRST_ID = draw_first_id()


def make_order(number, now_ms=None, first_id=None):
    """The signed body of the order with this number, whose id counts from the first."""
    first_id = OWN_FIRST_ID if first_id is None else first_id
    now_ms = int(time.time() * 1000) if now_ms is None else now_ms
    kinds = PLAN["orders"]
    order = random.choices(kinds, weights=[kind["weight"] for kind in kinds])[0]
    values = [draw(kind, number, now_ms, first_id) for kind in order["draws"]]
    return join(order["body"], values + [sign(join(order["canonical"], values))])


# The acknowledgement: the body decides, and only a 2xx reply counts.

class DuplicateMember(ValueError):
    """A member twice in one object: parsers disagree on its value."""


def unique(pairs):
    """An object, without duplicate fields."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise DuplicateMember
    return members


def no_constant(name):
    """Python reads NaN and Infinity; JSON has neither."""
    raise ValueError(name)


def refusal_of_json(text, members):
    """Why a JSON reply does not acknowledge; None where it does."""
    try:
        reply = json.loads(text, object_pairs_hook=unique, parse_constant=no_constant)
    except DuplicateMember:
        return "duplicate-member"
    except (ValueError, RecursionError):
        return "not-json"
    if not isinstance(reply, dict):
        return "not-an-object"
    if members is not None:
        same = all(
            name in reply and json.dumps(reply[name]) == json.dumps(value)
            for name, value in members.items()
        )
        return None if same else "not-the-reply"
    if "error_code" not in reply:
        return "no-code"
    code = reply["error_code"]
    if code == "0000" and isinstance(code, str):
        return None
    if isinstance(code, str):
        # What a merchant may write freely would fill the statistics.
        return f"refused {code}" if re.fullmatch("[0-9]{4}", code) else "refused"
    if isinstance(code, (int, float)) and not isinstance(code, bool):
        return "number-code"
    return "code-type"


ROOT = re.compile(
    r"\ufeff?(?:<\?xml version=([\"'])1\.0\1(?: encoding=([\"'])(?i:utf-8)\2)? ?\?>)?[ \t\r\n]*"
    r"<xml>(.*)</xml>[ \t\r\n]*",
    re.DOTALL,
)
ELEMENT = re.compile(
    r"[ \t\r\n]*<([A-Za-z_][A-Za-z0-9_.-]*)>"
    r"(?:[ \t\r\n]*<!\[CDATA\[((?:[^\]]|\](?!\]>))*)\]\]>[ \t\r\n]*"
    r"|((?:[^<>&]|&(?:amp|lt|gt|quot|apos);)*))"
    r"</\1>[ \t\r\n]*"
)


def return_code(text):
    """The return_code of a reply in the documented form; None of any other.

    That is elements of plain text or CDATA directly below <xml>. This reads no other XML, so that it
    takes no refusal for a success.
    """
    root = ROOT.fullmatch(text)
    if root is None or re.search("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", text):
        return None
    inner, at, codes = root.group(3), 0, []
    while at < len(inner):
        found = ELEMENT.match(inner, at)
        if found is None:
            return None
        name, cdata, plain = found.groups()
        if name == "return_code":
            codes.append(plain.strip(" \t\r\n") if cdata is None else cdata)
        at = found.end()
    return codes[0] if len(codes) == 1 else None


def refusal_of_body(body):
    """Why a reply's body does not acknowledge; None where it does."""
    rule = PLAN["acknowledgement"]
    if len(body) > LONGEST_REPLY:
        return "too-long"
    text = body.strip(b" \t\r\n\x0c")
    if not text:
        return "empty"
    try:
        text = text.decode()
    except UnicodeDecodeError:
        return "not-utf-8"
    if rule["kind"] == "error-code":
        return refusal_of_json(text, None)
    if rule["kind"] == "members":
        return refusal_of_json(text, json.loads(rule["reply"]))
    if rule["kind"] == "return-code":
        return None if return_code(body.decode()) == "SUCCESS" else "not-the-reply"
    return None if text == rule["reply"] else "not-the-reply"


def refusal_of(status, body):
    """Why a reply does not acknowledge, in a few words; None where it does."""
    if status in (301, 302, 303, 307, 308):
        return f"redirect {status}"
    reason = refusal_of_body(body)
    if 200 <= status <= 299:
        return reason
    return f"status-with-right-body {status}" if reason is None else f"status {status}"


# The load: every process has a share of the orders, and every user fixed send times.

class Share:
    """The orders that this process sends."""

    def __init__(self):
        self.numbers = iter(())
        self.users = itertools.count()
        self.set(first=1, count=0, place=0, processes=1, users=1, first_id=OWN_FIRST_ID)

    def set(self, first, count, place, processes, users, first_id):
        """Begins a run: which orders, and the process's place among all."""
        self.numbers = iter(range(first, first + count))
        self.users = itertools.count()
        self.place, self.processes, self.first_id = place, processes, first_id
        self.pace = users / RATE
        self.start = time.monotonic() + 1.0

    def next_start(self):
        """When the next user sends its first order; the users are spread evenly over the pace."""
        return self.start + (next(self.users) * self.processes + self.place) / RATE


SHARE = Share()


def users_for(processes):
    """How many users there are: as many for each process, each with about an order a second."""
    return max(1, math.ceil(RATE / processes)) * processes


def workers_of(runner):
    """The workers that take part."""
    return runner.clients.ready + runner.clients.spawning + runner.clients.running


@events.init.add_listener
def on_init(environment, **_):
    """Lets a worker hear of its share, and lets orders in flight come to their end."""
    environment.stop_timeout = TIMEOUT
    if isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message("share", lambda msg, **_: SHARE.set(**msg.data))


@events.test_start.add_listener
def on_test_start(environment, **_):
    """Shares the orders out."""
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        return
    if not isinstance(runner, MasterRunner):
        SHARE.set(
            first=1,
            count=COUNT,
            place=0,
            processes=1,
            users=users_for(1),
            first_id=draw_first_id(),
        )
        return
    # All workers count their ids from the same place, so no two orders share one.
    workers, first, first_id = workers_of(runner), 1, draw_first_id()
    for place, worker in enumerate(workers):
        count = COUNT // len(workers) + (place < COUNT % len(workers))
        share = {
            "first": first,
            "count": count,
            "place": place,
            "processes": len(workers),
            "users": users_for(len(workers)),
            "first_id": first_id,
        }
        runner.send_message("share", share, client_id=worker.id)
        first += count


class Plan(LoadTestShape):
    """All users from the start, until every order has its reply or the time is over."""

    users = None

    def tick(self):
        """How many users there are now; None ends the run."""
        if self.users is None:
            processes = len(workers_of(self.runner)) if isinstance(self.runner, MasterRunner) else 1
            self.users = users_for(max(1, processes))
        longest = COUNT / RATE + TIMEOUT + 10
        if self.get_run_time() > longest or self.runner.stats.total.num_requests >= COUNT:
            return None
        return (self.users, self.users)


class Platform(FastHttpUser):
    """The platform's sender."""

    host = PLAN["origin"]
    # Locust checks no certificate unless told.
    insecure = False
    network_timeout = TIMEOUT
    connection_timeout = TIMEOUT

    def on_start(self):
        """Waits for this user's place in the sequence."""
        self.due = SHARE.next_start()
        gevent.sleep(max(0.0, self.due - time.monotonic()))

    def wait_time(self):
        """Until the next fixed send time: a slow reply does not shift the later ones."""
        self.due += SHARE.pace
        return max(0.0, self.due - time.monotonic())

    @task
    def notify(self):
        """Sends one order and judges the reply."""
        number = next(SHARE.numbers, None)
        if number is None:
            return
        order, url = make_order(number, first_id=SHARE.first_id), PLAN["url"]
        if PLAN["in_query"]:
            url += ("&" if "?" in url else "?") + order
        with self.client.request(
            PLAN["method"],
            url,
            data=None if PLAN["in_query"] else order.encode(),
            headers={"Content-Type": PLAN["content_type"]},
            name="notify",
            allow_redirects=False,
            catch_response=True,
        ) as response:
            if response.status_code == 0:
                response.failure(f"no reply: {type(response.error).__name__}")
                return
            reason = refusal_of(response.status_code, response.content or b"")
            if reason is None:
                response.success()
            else:
                response.failure(f"not acknowledged: {reason}")
