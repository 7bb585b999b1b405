#!/usr/bin/env python3
"""Kills `simulate --journal` at random moments, resumes it, and checks what the merchant saw.

Usage: python3 tests/kill_resume.py [ROUNDS=100] [BINARY=target/release/payout-notify]

Each round starts a run of 200 orders against a merchant on the loopback that fails a seeded share of
the first attempts. The run is killed with SIGKILL, resumed (in a third of the rounds killed again
first), and judged by the journal and by what the merchant received:

- every order was delivered and ends acknowledged, those that had not begun before the kill too;
- no order that the journal called acknowledged before a resume is sent again after it;
- nothing is sent that the journal had not recorded as intended;
- every attempt without an outcome is named on stderr as unknown, and no other attempt is;
- the exit codes are those of the help.

In a fifth of the rounds the window is shorter than the pause before the resume, and in another fifth the
run is paused (SIGSTOP) for longer than the window first. Then orders that had begun may be exhausted; each
was seen by the merchant, and none is reported failed that was never sent.

KILL_SEED chooses another series of rounds. Exits with 1 if any round broke a promise.
"""

import json
import os
import random
import re
import shutil
import signal
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, namedtuple
from pathlib import Path

ORDERS = 200
FAILING_SHARE = 0.3
RATE = "1500/s"
WINDOW_S = 0.3
# Far longer than any run takes: a hang is a breach, not a wait.
PATIENCE_S = 60
UNKNOWN = re.compile(r"(\S+): attempt (\d+) has an unknown outcome")

Snapshot = namedtuple("Snapshot", "states attempts")


class Merchant(socketserver.ThreadingTCPServer):
    """Records each delivery before it answers; fails a seeded share of the first ones."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Deliveries)
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/notify"
        self.received, self.acknowledged, self.connections = Counter(), set(), 0
        self.seed = 0

    def start_round(self, seed):
        with self.lock:
            self.received, self.acknowledged = Counter(), set()
            self.seed = seed

    def quiet(self):
        """Waits until nothing that a killed sender left in the sockets is still to be read."""
        give_up, quiet_since = time.monotonic() + PATIENCE_S, time.monotonic()
        while time.monotonic() - quiet_since < 0.01:
            check(time.monotonic() < give_up, "connections outlive their sender")
            time.sleep(0.002)
            if self.connections:
                quiet_since = time.monotonic()

    def connect(self, change):
        with self.lock:
            self.connections += change

    def seen(self):
        with self.lock:
            return Counter(self.received)

    def record(self, order_id):
        """Whether this delivery fails, and how: None, or 0 to 2."""
        with self.lock:
            self.received[order_id] += 1
            chance = random.Random(f"{self.seed} {order_id}")
            if self.received[order_id] > 1 or chance.random() >= FAILING_SHARE:
                self.acknowledged.add(order_id)
                return None
        return chance.randrange(3)


class Deliveries(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        self.server.connect(1)
        try:
            while self.serve_one():
                pass
        except (OSError, ValueError):
            # A sender that was killed leaves half a request.
            pass
        finally:
            self.server.connect(-1)

    def serve_one(self):
        if not self.rfile.readline():
            return False
        length = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = json.loads(self.rfile.read(length))
        failure = self.server.record(body["payout_id"])
        if failure == 0:
            return False
        status = b"500 Internal Server Error" if failure == 1 else b"200 OK"
        answer = b'{"error_code":"0001"}' if failure == 2 else b'{"error_code":"0000"}'
        head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.request.sendall(head % (status, len(answer)) + answer)
        return True


class Breach(Exception):
    """A promise that a round found broken."""


def check(holds, what):
    if not holds:
        raise Breach(what)


def some(things):
    things = sorted(things)
    return f"{len(things)}: {things[:3]}"


def snapshot(journal):
    """What the journal says, read from a copy: the file itself is left as the kill left it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        for end in ("", "-wal"):
            source = Path(f"{journal}{end}")
            if source.exists():
                shutil.copyfile(source, f"{copy}{end}")
        base = sqlite3.connect(copy)
        try:
            states = dict(base.execute("SELECT id, state FROM orders"))
            attempts = {
                (order_id, attempt): outcome
                for order_id, attempt, outcome in base.execute(
                    "SELECT id, attempt, outcome FROM attempts JOIN orders ON number = order_number"
                )
            }
        finally:
            base.close()
    return Snapshot(states, attempts)


def owed(found):
    """The attempts that a resume must name: the last of a pending order, without an outcome."""
    last = {}
    for order_id, attempt in found.attempts:
        last[order_id] = max(attempt, last.get(order_id, 0))
    return {
        (order_id, attempt)
        for order_id, attempt in last.items()
        if found.states[order_id] == "pending" and found.attempts[order_id, attempt] is None
    }


class Tool:
    """One round's command lines."""

    def __init__(self, binary, url, folder, seed, rate, window=None):
        self.journal = Path(folder) / "journal"
        self.out = Path(folder) / "stderr"
        schedule = ["--schedule", "50ms,50ms,100ms,100ms"]
        if window:
            schedule += ["--window", f"{window}s"]
        pace = ["--rate", RATE] if rate else []
        common = [str(binary), "simulate", url, "--journal", str(self.journal)]
        self.start_line = common + ["--count", str(ORDERS), "--seed", str(seed)] + schedule + pace
        # The schedule is in the journal: it need not be given again.
        self.resume_line = common + ["--resume"] + pace

    def run(self, line, kill_after=None, pause=None):
        """The exit code, what was said on stderr, and how long it took."""
        environment = {"PATH": os.environ.get("PATH", ""), "PAYOUT_NOTIFY_KEY": "a key of tests"}
        with open(self.out, "wb") as err:
            begun = time.monotonic()
            child = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, env=environment
            )
            try:
                if pause:
                    time.sleep(kill_after / 2)
                    child.send_signal(signal.SIGSTOP)
                    time.sleep(pause)
                    child.send_signal(signal.SIGCONT)
                child.wait(PATIENCE_S if kill_after is None else kill_after)
            except subprocess.TimeoutExpired:
                child.kill()
                code = child.wait()
                check(kill_after is not None, f"hung for {PATIENCE_S} s")
                check(code in (-9, 0), f"exit {code} under SIGKILL")
            taken = time.monotonic() - begun
        return child.returncode, self.out.read_text("utf-8"), taken

    def start_over(self):
        for end in ("", "-wal", "-shm"):
            Path(f"{self.journal}{end}").unlink(missing_ok=True)


def named(said):
    return {(order_id, int(attempt)) for order_id, attempt in UNKNOWN.findall(said)}


def begin_again(tool, merchant, tally):
    """A run that was killed before it had a journal: a resume is refused, and nothing was sent."""
    check(not merchant.seen(), "sent before there was a journal")
    code, said, _ = tool.run(tool.resume_line)
    check(code == 2, f"resume without a journal: exit {code}: {said}")
    check(str(tool.journal) in said, f"does not name the journal: {said}")
    check(not merchant.seen(), "the refused resume sent something")
    tally["refused resumes"] += 1
    tool.start_over()
    code, said, _ = tool.run(tool.start_line)
    check(code == 0, f"begun again: exit {code}: {said}")


def resume(tool, merchant, before, tally, kill_after):
    """One resume, checked against the journal and the merchant's record from before it."""
    seen = merchant.seen()
    recorded = {order_id for order_id, state in before.states.items() if state == "acknowledged"}
    untold = {order for order in seen if before.states.get(order) is None}
    check(not untold, f"sent but not in the journal: {some(untold)}")
    intended = Counter(order_id for order_id, _ in before.attempts)
    untold = {order for order, count in seen.items() if count > intended[order]}
    check(not untold, f"sent but not intended: {some(untold)}")
    check(not recorded - set(seen), f"acknowledged but never received: {some(recorded - set(seen))}")
    lost = len({order for order, _ in owed(before)} & merchant.acknowledged)
    code, said, _ = tool.run(tool.resume_line, kill_after)
    merchant.quiet()
    after = merchant.seen()
    again = {order for order in recorded if after[order] != seen[order]}
    check(not again, f"acknowledged orders sent again: {some(again)}")
    must, names = owed(before), named(said)
    check(names <= must, f"named as unknown without cause: {some(names - must)}")
    if code == -9:
        # Killed before it could speak, it must not have sent either.
        check(kill_after is not None, "ended by a signal")
        moved = {order for order, _ in must - names if after[order] > seen[order]}
        check(not moved, f"sent again and not named: {some(moved)}")
    else:
        check(code == 0, f"resume: exit {code}: {said}")
        check(names == must, f"unknown but not named: {some(must - names)}")
    tally["unknown attempts named"] += len(names)
    tally["acknowledged before a resume"] += len(recorded)
    tally["of them acknowledged, the reply lost"] += lost
    return code, names


def never_given_up_unsent(tool, merchant, tally):
    """At the end every order was seen; one that is not acknowledged was exhausted by the stop."""
    final = snapshot(tool.journal)
    check(len(final.states) == ORDERS, f"{len(final.states)} orders in the journal")
    seen = merchant.seen()
    unsent = {order for order in final.states if not seen[order]}
    check(not unsent, f"never attempted: {some(unsent)}")
    tally["exhausted by a stop"] += sum(state != "acknowledged" for state in final.states.values())


def play_late(tool, merchant, chance, usual, tally, pause):
    """One round in which the sender is stopped for longer than the window."""
    moment = chance.uniform(usual / 4, usual)
    code, said, _ = tool.run(tool.start_line, moment, pause)
    merchant.quiet()
    check(code in (-9, 0, 1), f"exit {code}: {said}")
    tally["paused"] += pause is not None
    if not tool.journal.exists():
        return tally.update(["killed before the journal"])
    before = snapshot(tool.journal)
    time.sleep(2 * WINDOW_S)
    seen = merchant.seen()
    recorded = {order for order, state in before.states.items() if state == "acknowledged"}
    code, said, _ = tool.run(tool.resume_line)
    check(code in (0, 1), f"late resume: exit {code}: {said}")
    check("after 0 attempts" not in said, f"given up without an attempt: {said}")
    again = {order for order in recorded if merchant.seen()[order] != seen[order]}
    check(not again, f"acknowledged orders sent again: {some(again)}")
    tally["resumed late"] += 1
    return never_given_up_unsent(tool, merchant, tally)


def play(tool, merchant, chance, usual, tally):
    """One round."""
    # One in four dies early, before or in the first sends.
    moment = chance.uniform(0, usual * chance.choice((0.1, 1, 1, 1)))
    code, said, _ = tool.run(tool.start_line, moment)
    merchant.quiet()
    tally["killed" if code == -9 else "ended before the kill"] += 1
    check(code in (-9, 0), f"exit {code}: {said}")
    if not tool.journal.exists():
        tally["killed before the journal"] += 1
        return begin_again(tool, merchant, tally)
    found = snapshot(tool.journal)
    tally["orders that had not begun"] += ORDERS - len(found.states)
    tally["killed before the first send" if not merchant.seen() else "killed while sending"] += code == -9
    told = set()
    if chance.random() < 1 / 3:
        code, names = resume(tool, merchant, found, tally, chance.uniform(0, usual / 2))
        told |= names
        tally["killed again"] += code == -9
        found = snapshot(tool.journal)
    _, names = resume(tool, merchant, found, tally, None)
    told |= names
    final = snapshot(tool.journal)
    check(len(final.states) == ORDERS, f"{len(final.states)} orders in the journal")
    left = {order for order, state in final.states.items() if state != "acknowledged"}
    check(not left, f"not acknowledged at the end: {some(left)}")
    missing = set(final.states) - set(merchant.seen())
    check(not missing, f"never delivered: {some(missing)}")
    silent = {key for key, outcome in final.attempts.items() if outcome is None} - told
    check(not silent, f"unknown for ever and never named: {some(silent)}")


def usual_length(binary, merchant, folder, rate):
    lengths = []
    for seed in range(3):
        merchant.start_round(seed)
        tool = Tool(binary, merchant.url, folder, seed, rate)
        tool.start_over()
        code, said, taken = tool.run(tool.start_line)
        if code != 0:
            sys.exit(f"an undisturbed run fails: exit {code}: {said}")
        tool.start_over()
        lengths.append(taken)
    return sorted(lengths)[1]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    root = Path(__file__).resolve().parent.parent
    binary = Path(sys.argv[2] if len(sys.argv) > 2 else root / "target/release/payout-notify")
    first_seed = int(os.environ.get("KILL_SEED", "1"))
    merchant = Merchant()
    threading.Thread(target=merchant.serve_forever, daemon=True).start()
    tally, breaches, deliveries = Counter(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        usual = {rate: usual_length(binary.resolve(), merchant, folder, rate) for rate in (False, True)}
    for seed in range(first_seed, first_seed + rounds):
        chance, rate = random.Random(seed), seed % 3 == 0
        merchant.start_round(seed)
        with tempfile.TemporaryDirectory() as folder:
            window = WINDOW_S if seed % 5 < 2 else None
            tool = Tool(binary.resolve(), merchant.url, folder, seed, rate, window)
            try:
                if window:
                    pause = 4 * WINDOW_S if seed % 5 == 1 else None
                    play_late(tool, merchant, chance, usual[rate], tally, pause)
                else:
                    play(tool, merchant, chance, usual[rate], tally)
            except (Breach, sqlite3.Error) as breach:
                breaches += 1
                print(f"round {seed}: {breach}", file=sys.stderr)
        deliveries += sum(merchant.seen().values())
    merchant.shutdown()
    counts = ", ".join(f"{name} {count}" for name, count in sorted(tally.items()))
    lengths = " and ".join(f"{length * 1000:.0f} ms" for length in usual.values())
    print(
        f"{rounds} rounds of {ORDERS} orders (usual length {lengths}), {deliveries} deliveries:"
        f" {breaches} breaches; {counts}"
    )
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
