"""A merchant with one chosen bug: shop.py MODE FOLDER

It knows the orders of FOLDER/orders.txt ("payout_cl_id amount" per line) and keeps its books in
FOLDER/books.json: {payout_cl_id: {"credited": cents, "refunded": cents}}. The modes of RIGHT have no
bug; every other mode is named in BUGS with the case that names it.
"""
import hashlib, hmac, json, os, re, sys, threading, time, unicodedata, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# With no bug; of the second and the third, only one status moves money; the last books after its reply.
RIGHT = ["right", "right-credits-only", "right-refunds-only", "right-books-later"]

# Each bug, and the case whose text describes it ("-" where no single case does).
BUGS = {
    # Bookings.
    "acknowledges-only": "-",
    "credits-again": "idem-again",
    "credits-again-later": "idem-again",
    "refunds-again": "idem-failure-again",
    "refunds-cancelled-again": "idem-cancelled-again",
    "knows-orders-by-sign": "idem-signed-again",
    "knows-refunds-by-sign": "idem-failure-signed-again",
    "credits-in-a-race": "idem-at-once",
    "refunds-in-a-race": "idem-failure-at-once",
    "forgets-credits": "idem-replay-after-others",
    "forgets-refunds": "idem-failure-replay-after-others",
    "forgets-after-a-day": "idem-replay",
    "forgets-refunds-after-a-day": "idem-failure-replay",
    "loses-updates": "idem-orders-at-once",
    "loses-refunds": "idem-failure-orders-at-once",
    "remembers-forgeries": "idem-after-forgery",
    "remembers-forged-failures": "idem-failure-after-forgery",
    "pays-after-failure": "idem-success-after-failure",
    "refunds-after-success": "idem-failure-after-success",
    "refunds-failed-and-cancelled": "idem-cancelled-after-failure",
    "first-status-wins": "idem-success-after-processing",
    "processing-is-failure": "idem-failure-after-processing",
    "follows-older-status": "idem-out-of-order",
    "reopens-failures": "idem-failure-out-of-order",
    "cuts-ids": "idem-ids-alike",
    "ids-without-case": "idem-ids-case",
    "trims-ids": "idem-ids-space",
    "credits-failures": "ack-failed",
    "refuses-failures": "ack-failed",
    "ignores-cancelled": "ack-cancelled",
    "credits-twice-at-once": "ack-success",
    "refunds-on-success": "ack-success",
    "credits-without-fee": "-",
    "duplicates-are-errors": "idem-again",
    "refund-duplicates-are-errors": "idem-failure-again",
    "books-then-fails": "-",
    "answers-zero": "ack-success",
    "answers-success": "ack-success",
    "wants-user-agent": "ack-no-user-agent",
    "review-is-failure": "ack-not-final",
    "refunds-real-amount": "ack-failed-unpaid",
    "knows-orders-by-body": "idem-respelled",
    "knows-refunds-by-body": "idem-failure-respelled",
    "knows-orders-by-status-type": "idem-status-text",
    "knows-orders-by-platform-id": "idem-other-platform-id",
    "locks-each-status": "idem-mixed-at-once",
    "closes-on-other-amount": "idem-after-other-amount",
    "closes-failures-on-other-amount": "idem-failure-after-other-amount",
    "books-forged-contents": "idem-failure-after-altered-forgery",
    "forgets-after-a-hundred": "retry-after-all",
    # Signatures.
    "verifies-nothing": "auth-wrong-key",
    "skips-missing-sign": "auth-no-sign",
    "compares-a-prefix": "auth-short-sign",
    "compares-loosely": "auth-sign-true",
    "any-name-case": "auth-name-case-sign",
    "books-before-verifying": "auth-wrong-key",
    "signs-known-fields": "auth-added-field",
    "does-not-sign-status": "auth-changed-status",
    "does-not-sign-fee": "auth-changed-fee",
    "does-not-sign-amount": "auth-changed-amount",
    "trusts-known-signs": "auth-old-signature",
    "unknown-sign-type-passes": "auth-sign-type-unknown",
    "key-of-platform-id": "auth-no-key",
    "accepts-the-retired-key": "auth-retired-key",
    "trusts-amount": "auth-other-amount",
    "takes-smaller-amounts": "auth-smaller-amount",
    "compares-real-amount": "auth-amount-beside-real-amount",
    "trusts-amount-of-failures": "auth-failure-other-amount",
    "acknowledges-other-amounts": "auth-other-amount",
    "knows-every-order": "auth-unknown-order",
    "acknowledges-unknown-orders": "auth-unknown-order",
    "finds-inherited-orders": "auth-reserved-id",
    "finds-payout-ids-as-numbers": "auth-payout-id-zero",
    "cuts-client-ids": "auth-client-id-longer",
    "finds-ids-in-any-case": "auth-id-other-case",
    "finds-trimmed-ids": "auth-id-space",
    "finds-ids-by-their-beginning": "auth-id-longer",
    "finds-ids-by-pattern": "auth-id-wildcard",
    "finds-ids-of-any-width": "auth-id-full-width",
    "finds-ids-as-numbers": "auth-id-zero",
    "books-the-last-status": "auth-duplicate-status",
    "skips-hmac": "auth-hmac-made-up",
    "reads-forms": "auth-form",
    "reads-the-url": "auth-query",
    "merges-the-url": "auth-query-override",
    "missing-status-is-paid": "auth-no-status",
    "unknown-status-is-paid": "auth-unknown-status",
    "unknown-status-is-failure": "auth-unknown-status",
    "reads-the-first-digit": "auth-status-letters",
    "true-is-paid": "auth-status-true",
    "reads-words": "auth-status-word",
    "fields-are-variables": "auth-own-key",
    # What may come.
    "does-not-sort": "interop-shuffled",
    "signs-sign-type": "interop-sign-type",
    "drops-zeros": "interop-zero-fee",
    "keeps-empties": "interop-empty-error-msg",
    "trims-values": "interop-outer-spaces",
    "escapes-unicode": "interop-unicode",
    "encodes-values": "interop-special",
    "normalises-text": "interop-decomposed",
    "sorts-without-case": "interop-name-order",
    "merges-prototypes": "robust-prototype",
    "refuses-error-msg": "interop-error-msg",
    "compares-numbers-strictly": "interop-status-text",
    "dies-of-malformed": "robust-malformed",
}

KEY = b"ThisIsYourSecretKey123"
SUCCESS, CANCELLED, FAILED = "3", "4", "5"
FIELDS = ["payout_id", "payout_cl_id", "platform_id", "amount", "real_amount", "fee", "status", "create_time",
          "update_time", "error_msg", "sign_type", "sign"]
LOCK = threading.Lock()


class Number(str):
    """A number as it was written."""


def without_duplicates(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a duplicate field")
    return dict(pairs)


def text_of(value, top=True):
    if isinstance(value, Number) or (top and isinstance(value, str)):
        return str(value)
    if isinstance(value, dict):
        return "{%s}" % ",".join(f"{text_of(n, False)}:{text_of(v, False)}" for n, v in value.items())
    if isinstance(value, list):
        return "[%s]" % ",".join(text_of(one, False) for one in value)
    return json.dumps(value, ensure_ascii=False)


class Shop:
    def __init__(self, mode, folder):
        self.mode, self.folder = mode, folder
        self.closed, self.recent, self.signs, self.forged, self.failed = {}, {}, {}, {}, set()
        self.books, self.dead, self.contents = {}, False, {}
        self.save()

    def has(self, *modes):
        return self.mode in modes

    # Books.

    def save(self):
        path = os.path.join(self.folder, "books.json")
        with open(path + ".new", "w") as file:
            json.dump(self.books, file)
        os.replace(path + ".new", path)

    def book(self, order, what, cents):
        racy = {"credited": "loses-updates", "refunded": "loses-refunds"}[what]
        if self.has(racy):
            # Read, change and write without a lock, as with a balance in a row of its own.
            books = json.loads(json.dumps(self.books))
            time.sleep(0.01)
        else:
            LOCK.acquire()
            books = self.books
        entry = books.setdefault(order, {"credited": 0, "refunded": 0})
        if not self.has({"credited": "right-refunds-only", "refunded": "right-credits-only"}[what]):
            entry[what] += cents
        if self.has(racy):
            LOCK.acquire()
            self.books = books
        self.save()
        LOCK.release()

    def known(self):
        with open(os.path.join(self.folder, "orders.txt"), encoding="utf-8") as lines:
            return dict(line.rstrip("\n").rsplit(" ", 1) for line in lines)

    def known_amount(self, order):
        return self.known().get(order)

    # Signatures.

    def is_signed(self, payload):
        names = [name for name in payload if name not in ("sign", "sign_type")]
        if self.has("signs-sign-type") and "sign_type" in payload:
            names.append("sign_type")
        if not self.has("does-not-sort"):
            names.sort(key=str.lower if self.has("sorts-without-case") else None)
        left_out = {"does-not-sign-status": "status", "does-not-sign-fee": "fee", "does-not-sign-amount": "amount"}
        kept = []
        for name in names:
            value = payload[name]
            text = text_of(value)
            if value is None or (value == "" and not self.has("keeps-empties")):
                continue
            if self.has("signs-known-fields") and name not in FIELDS:
                continue
            if self.has("drops-zeros") and text == "0":
                continue
            if self.has("trims-values"):
                text = text.strip()
            if self.has("escapes-unicode"):
                text = json.dumps(text)[1:-1]
            if self.has("normalises-text"):
                text = unicodedata.normalize("NFC", text)
            if self.has("encodes-values"):
                text = urllib.parse.quote(text, safe=" :/.-_")
            kept.append((name, text))
        sign, kind = payload.get("sign"), payload.get("sign_type")
        if self.has("any-name-case"):
            sign = next((v for n, v in payload.items() if n.lower() == "sign"), None)
            kept = [(n, t) for n, t in kept if n.lower() != "sign"]
        if self.has("skips-missing-sign") and not sign:
            return True
        if self.has("compares-loosely") and sign is True:
            return True
        if type(sign) is not str:
            return False
        if self.has("skips-hmac") and kind == "HMAC-SHA256":
            return True
        if left_out.get(self.mode):
            # The field's signature is not looked at: every value that fits is tried.
            return self.matches_any(kept, left_out[self.mode], sign)
        if self.has("unknown-sign-type-passes") and kind not in (None, "", "MD5", "HMAC-SHA256"):
            return True
        return self.matches(kept, sign, kind, payload)

    def matches(self, kept, sign, kind, payload):
        key = KEY
        if self.has("key-of-platform-id") and payload.get("platform_id") != "PF0014":
            key = b""
        if self.has("fields-are-variables"):
            key = str(payload.get("key", KEY.decode())).encode()
        text = "&".join(f"{name}={value}" for name, value in kept)
        expected = self.digest(text, kind, key, sign)
        if self.has("compares-a-prefix"):
            return expected.startswith(sign) and len(sign) > 0
        if self.has("accepts-the-retired-key") and self.digest(text, kind, b"TheKeyBeforeThisOne", sign) == sign:
            return True
        return hmac.compare_digest(expected.encode(), sign.encode())

    def digest(self, text, kind, key, sign):
        if kind is None or kind == "":
            kind = "HMAC-SHA256" if len(sign) == 64 else "MD5"
        if str(kind).upper() == "HMAC-SHA256":
            return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return hashlib.md5(text.encode() + b"&" + key).hexdigest() if str(kind).upper() == "MD5" else ""

    def matches_any(self, kept, field, sign):
        candidates = {"status": [SUCCESS, CANCELLED, FAILED, "2"], "fee": ["95", "0", "1"], "amount": ["12345", "99999"]}
        for value in candidates[field] + [dict(kept).get(field, "")]:
            text = "&".join(f"{name}={value if name == field else own}" for name, own in kept)
            if self.digest(text, None, KEY, sign) == sign:
                return True
        return False

    # One notification.

    def answer(self, body, headers, query=""):
        """The status and the error code."""
        if self.dead:
            return 503, "9999"
        if self.has("wants-user-agent") and "User-Agent" not in headers:
            return 403, "0001"
        last = {}
        if self.has("reads-forms") and "form" in headers.get("Content-Type", ""):
            pairs = urllib.parse.parse_qsl(body.decode())
            return self.take({name: Number(value) if value.isdigit() else value for name, value in pairs})
        try:
            def one_of_each(pairs):
                if not self.has("books-the-last-status"):
                    return without_duplicates(pairs)
                last.update(pairs)
                return dict(reversed(pairs))

            payload = json.loads(body.decode(), object_pairs_hook=one_of_each, parse_int=Number,
                                 parse_float=Number, parse_constant=int)
        except (ValueError, RecursionError):
            self.dead = self.has("dies-of-malformed")
            return 400, "0021"
        if not isinstance(payload, dict):
            return 400, "0021"
        if self.has("merges-prototypes") and "__proto__" in payload:
            self.dead = True
        order = payload.get("payout_cl_id")
        if self.has("books-forged-contents"):
            last = {"status": self.contents.setdefault(order, payload.get("status"))}
        if self.has("books-before-verifying") and type(order) is str and str(payload.get("status")) == SUCCESS:
            if self.closed.setdefault(order, SUCCESS + str(id(payload))).endswith(str(id(payload))):
                self.book(order, "credited", 12345)
        forged = {"remembers-forgeries": SUCCESS, "remembers-forged-failures": FAILED}.get(self.mode)
        if forged and str(payload.get("status")) == forged and order in self.forged:
            return 200, "0004"
        is_known_sign = self.has("trusts-known-signs") and str(payload.get("sign")) in self.signs
        if not (self.has("verifies-nothing") or is_known_sign or self.is_signed(payload)):
            if forged and str(payload.get("status")) == forged:
                self.forged[order] = True
            return 200, "0004"
        self.signs[str(payload.get("sign"))] = True
        if self.has("merges-the-url"):
            last = dict(urllib.parse.parse_qsl(query))
        return self.take({**payload, **last}, body)

    def take(self, payload, body=b""):
        ids = [payload.get(name) for name in ("payout_id", "payout_cl_id", "platform_id")]
        if not all(type(one) is str and one and not re.search("[&=]", one) for one in ids):
            return 400, "0002"
        if not all(isinstance(payload.get(name), (Number, str)) for name in ("amount", "fee", "update_time")):
            return 400, "0002"
        status = payload.get("status")
        if status is None and self.has("missing-status-is-paid"):
            status = Number(SUCCESS)
        if self.has("compares-numbers-strictly") and not isinstance(status, Number):
            # Neither branch is taken.
            return 200, "0000"
        if self.has("true-is-paid") and status is True:
            status = SUCCESS
        if isinstance(status, str):
            if self.has("reads-words"):
                status = {"success": SUCCESS, "failed": FAILED}.get(status, status)
            if self.has("reads-the-first-digit"):
                status = status[:1]
            if not re.fullmatch("[0-6]", status):
                status = {"unknown-status-is-paid": SUCCESS, "unknown-status-is-failure": FAILED}.get(self.mode, status)
        if not isinstance(status, str) or not re.fullmatch("[0-6]", status):
            return 400, "0002"
        if self.has("refuses-error-msg") and status == SUCCESS and payload.get("error_msg"):
            return 400, "0002"
        order = self.found(ids[1])
        known = self.known_amount(order)
        if known is None and self.has("knows-every-order"):
            known = payload["amount"]
        if self.has("finds-inherited-orders") and order in ("constructor", "__proto__"):
            return 200, "0000"
        if known is None:
            return 200, "0000" if self.has("acknowledges-unknown-orders") else "0002"
        if self.has("finds-payout-ids-as-numbers", "cuts-client-ids"):
            # Both ids must fit, and one of them need not fit exactly.
            own = order.replace("CHECK-C", "CHECK-")
            if ids[0] != own and not (self.has("finds-payout-ids-as-numbers") and ids[0].replace("0", "") == own.replace("0", "")):
                return 200, "0002"
        if self.has("takes-smaller-amounts") and int(payload["amount"]) < int(known):
            return self.close(order, str(status), payload, int(payload["amount"]))
        if self.has("compares-real-amount") and known == payload.get("real_amount"):
            return self.close(order, str(status), payload, int(payload["amount"]))
        is_trusted = self.has("trusts-amount-of-failures") and status != SUCCESS
        if known != payload["amount"] and not is_trusted and not self.has("trusts-amount", "does-not-sign-amount", "verifies-nothing"):
            closing = {"closes-on-other-amount": SUCCESS, "closes-failures-on-other-amount": FAILED}.get(self.mode)
            if status == closing:
                self.closed.setdefault(order, status)
            return 200, "0000" if self.has("acknowledges-other-amounts") else "0002"
        return self.close(order, str(status), {**payload, "body": body}, int(known))

    def found(self, order):
        """The id of the order that the shop takes a notification for."""
        loose = {
            "finds-ids-in-any-case": str.lower,
            "finds-trimmed-ids": str.strip,
            "finds-ids-of-any-width": lambda one: unicodedata.normalize("NFKC", one),
            "finds-ids-as-numbers": lambda one: one.replace("0", ""),
            "cuts-client-ids": lambda one: one[:23],
        }.get(self.mode)
        for known in self.known():
            is_pattern = self.has("finds-ids-by-pattern") and re.fullmatch(re.escape(order).replace("%", ".*"), known)
            is_beginning = self.has("finds-ids-by-their-beginning") and order.startswith(known)
            if is_pattern or is_beginning or loose and loose(known) == loose(order):
                return known
        return order

    def key_of(self, order, status, payload):
        """What an order is known by."""
        key = order
        is_success = status == SUCCESS
        if self.has("knows-orders-by-sign") and is_success or self.has("knows-refunds-by-sign") and not is_success:
            key += payload["sign"]
        if self.has("knows-orders-by-body") and is_success or self.has("knows-refunds-by-body") and not is_success:
            key += payload["body"].hex()
        if self.has("knows-orders-by-status-type"):
            key += type(payload["status"]).__name__
        if self.has("knows-orders-by-platform-id"):
            key += payload["platform_id"]
        if self.has("refunds-failed-and-cancelled"):
            key += status
        if self.has("cuts-ids"):
            key = key[:30]
        if self.has("ids-without-case"):
            key = key.lower()
        if self.has("trims-ids"):
            key = key.strip()
        return key

    def close(self, order, status, payload, cents):
        is_success, is_final = status == SUCCESS, status in (SUCCESS, CANCELLED, FAILED)
        key = self.key_of(order, status, payload)
        if self.has("trusts-amount", "does-not-sign-amount", "verifies-nothing") and re.fullmatch("[0-9]+", payload["amount"]):
            cents = int(payload["amount"])
        if self.has("credits-without-fee"):
            cents -= int(payload["fee"])
        if self.has("refunds-real-amount") and status in (CANCELLED, FAILED):
            cents = int(payload["real_amount"])
        if status == "6" and self.has("review-is-failure"):
            status, is_final = FAILED, True
        if status == "2" and self.has("processing-is-failure"):
            status, is_final = FAILED, True
        old = self.closed.get(key)
        if not is_final:
            if self.has("first-status-wins"):
                self.closed.setdefault(key, status)
            if self.has("follows-older-status") and old == SUCCESS or self.has("reopens-failures") and old == FAILED:
                del self.closed[key]
            return 200, "0000"
        old_time = int(payload["update_time"] if payload["update_time"].isdigit() else time.time()) < time.time() - 86400
        is_again = (
            self.has("credits-again") and is_success
            or self.has("refunds-again") and status == FAILED
            or self.has("refunds-cancelled-again") and status == CANCELLED
            or self.has("forgets-after-a-day") and is_success and old_time
            or self.has("forgets-refunds-after-a-day") and not is_success and old_time
        )
        if self.has("forgets-credits") and is_success or self.has("forgets-refunds") and not is_success:
            is_again = key not in list(self.recent)[-5:]
            self.recent.pop(key, None)
            self.recent[key] = True
            old = None if is_again else old
        if self.has("forgets-after-a-hundred"):
            is_again = old is not None and key not in list(self.recent)[-100:]
            self.recent[key] = True
        if self.has("locks-each-status"):
            time.sleep(0.02)
            with LOCK:
                is_new = old is None and (key, status) not in self.recent
                self.recent[key, status] = True
                self.closed.setdefault(key, status)
            return self.move(order, status, cents) if is_new else (200, "0000")
        race = self.has("credits-in-a-race") and is_success or self.has("refunds-in-a-race") and not is_success
        if race:
            is_new = key not in self.closed
            time.sleep(0.02)
            self.closed[key] = status
        else:
            with LOCK:
                is_new = key not in self.closed
                self.closed.setdefault(key, status)
        if self.has("pays-after-failure") and is_success and old in (CANCELLED, FAILED):
            is_again = self.closed[key] != SUCCESS
            self.closed[key] = SUCCESS
        if self.has("refunds-after-success") and not is_success and old == SUCCESS:
            is_again = True
            self.closed[key] = status
        if self.has("credits-again-later") and not is_new and is_success:
            threading.Timer(0.3, self.book, (order, "credited", cents)).start()
            return 200, "0000"
        if not is_new and not is_again:
            if self.has("duplicates-are-errors") and is_success:
                return 200, "0014"
            if self.has("refund-duplicates-are-errors") and not is_success:
                return 200, "0014"
            return 200, "0000"
        return self.move(order, status, cents)

    def move(self, order, status, cents):
        if self.has("acknowledges-only") or self.has("ignores-cancelled") and status == CANCELLED:
            return 200, "0000"
        if self.has("refuses-failures") and status != SUCCESS:
            return 200, "0002"
        if self.has("credits-failures"):
            self.book(order, "credited", cents)
            return 200, "0000"
        what = "credited" if status == SUCCESS else "refunded"
        if self.has("right-books-later"):
            threading.Timer(0.3, self.book, (order, what, cents)).start()
            return 200, "0000"
        self.book(order, what, cents)
        if self.has("credits-twice-at-once") and status == SUCCESS:
            self.book(order, "credited", cents)
        if self.has("refunds-on-success") and status == SUCCESS:
            self.book(order, "refunded", cents)
        if self.has("books-then-fails") and len(self.books) % 9 == 8 and order not in self.failed:
            # The work is done, and not remembered: the next try does it again.
            self.failed.add(order)
            self.closed.pop(order, None)
            return 500, "9999"
        return 200, "0000"


class Handler(BaseHTTPRequestHandler):
    protocol_version, timeout = "HTTP/1.1", 15
    log_message = lambda self, *_: None
    do_HEAD = do_PUT = lambda self: self.reply(405, "0023")

    def reply(self, status, code):
        text = {"error_code": code}
        if code == "0000" and SHOP.has("answers-zero"):
            text = {"error_code": 0}
        content = json.dumps(text).encode()
        if code == "0000" and SHOP.has("answers-success"):
            content = b"success"
        self.send_response(status)
        self.send_header("Content-Type", "application/json;charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        if code != "0000":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def body(self):
        if "Transfer-Encoding" not in self.headers:
            return self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 1 << 20))
        body = b""
        while (size := int(self.rfile.readline(80).split(b";")[0], 16)) > 0:
            body += self.rfile.read(size + 2)[:-2]
        self.rfile.readline(3)
        return body

    def query(self):
        return self.path.partition("?")[2]

    def do_GET(self):
        if not SHOP.has("reads-the-url"):
            return self.reply(405, "0023")
        pairs = urllib.parse.parse_qsl(self.query())
        self.reply(*SHOP.take({name: Number(value) if value.isdigit() else value for name, value in pairs}))

    def do_POST(self):
        kind = self.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if kind != "application/json" and not (SHOP.has("reads-forms") and "form" in kind):
            return self.reply(415, "0022")
        try:
            self.reply(*SHOP.answer(self.body(), self.headers, self.query()))
        except ValueError:
            self.reply(400, "0021")


if sys.argv[1:] == ["--list"]:
    print("\n".join([f"{name} -" for name in RIGHT] + [f"{bug} {case}" for bug, case in BUGS.items()]))
    sys.exit()
if sys.argv[1] not in RIGHT and sys.argv[1] not in BUGS:
    sys.exit(f"no bug is called {sys.argv[1]}")
open(os.path.join(sys.argv[2], "orders.txt"), "a").close()
SHOP = Shop(sys.argv[1], sys.argv[2])
ThreadingHTTPServer.request_queue_size = 128
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}/notify", flush=True)
server.serve_forever()
