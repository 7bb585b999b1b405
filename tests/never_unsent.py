#!/usr/bin/env python3
"""Stops, slows and refuses runs of `simulate`, and checks that no order is reported failed that was never sent.

Usage: python3 tests/never_unsent.py [--short] [PROGRAM=target/release/payout-notify] [ROUNDS=3]

Whether an order arrived is read from the merchant's own record: a server on the loopback that notes each
order before it answers. Each situation is played without a journal and with one, where it can be:

- a fast run at 3600x, whose orders wait for longer than the compressed window;
- a slow merchant, few connections, and a window shorter than the wait for room;
- a pipe that brings its rows slowly;
- a fixed rate that the machine is not allowed to keep;
- a pause (SIGSTOP) longer than the window, without a rate and with one;
- a kill (SIGKILL) and an interrupt (SIGINT), each resumed after the window;
- refused resumes (another URL, another key, other flags), and then the right one;
- a resume with a clock that is far ahead, and then the right one;
- a journal that version 0.1 left, with orders exhausted that were never sent;
- a journal whose log is missing or damaged.

No order may be reported exhausted that the merchant never saw, none may be missing at the end, none whose
acknowledgement was recorded may be sent again, and a refused command may not change the journal. --short
plays each situation with fewer orders. Exits with 1 if anything of that does not hold.
"""

import json
import os
import signal
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEY = "ThisIsYourSecretKey123"
# Far longer than any run takes: a hang is a breach, not a wait.
PATIENCE_S = 120
ACKNOWLEDGE = b'{"error_code":"0000"}'
REFUSE = b'{"error_code":"0001"}'


class Breach(Exception):
    """A promise that a situation found broken."""


def check(holds, what):
    if not holds:
        raise Breach(what)


class Merchant(socketserver.ThreadingTCPServer):
    """Notes each order before it answers; fails the first attempts of some."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Deliveries)
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/notify"
        self.begin()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def begin(self, delay=0.0, failing=lambda number, times: False):
        with self.lock:
            self.received, self.delay, self.failing = Counter(), delay, failing

    def record(self, order_id):
        with self.lock:
            self.received[order_id] += 1
            times = self.received[order_id]
            number = list(self.received).index(order_id) if times > 1 else len(self.received)
            return REFUSE if self.failing(number, times) else ACKNOWLEDGE

    def seen(self):
        with self.lock:
            return Counter(self.received)

    def wait_for(self, orders):
        give_up = time.monotonic() + PATIENCE_S
        while len(self.seen()) < orders:
            check(time.monotonic() < give_up, f"{len(self.seen())} of {orders} orders arrived")
            time.sleep(0.005)


class Deliveries(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        try:
            while self.serve_one():
                pass
        except (OSError, ValueError):
            # A sender that was killed leaves half a request.
            pass

    def serve_one(self):
        if not self.rfile.readline():
            return False
        length = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        answer = self.server.record(json.loads(self.rfile.read(length))["payout_id"])
        time.sleep(self.server.delay)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.request.sendall(head % len(answer) + answer)
        return True


class Run:
    """One command, and what it printed."""

    def __init__(self, program, url, arguments, key=KEY, stdin=None):
        environment = {"PATH": os.environ.get("PATH", "")}
        if key is not None:
            environment["PAYOUT_NOTIFY_KEY"] = key
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        line = [str(program), "simulate", url, "--format", "json", *arguments]
        stdin = subprocess.PIPE if stdin else subprocess.DEVNULL
        self.child = subprocess.Popen(line, stdin=stdin, stdout=self.out, stderr=self.err, env=environment)

    def end(self):
        try:
            self.code = self.child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise Breach(f"hung for {PATIENCE_S} s")
        self.out.seek(0)
        self.err.seek(0)
        self.said = self.err.read().decode()
        self.lines = [json.loads(line) for line in self.out.read().splitlines() if line.startswith(b"{")]
        return self

    def summary(self):
        found = [line for line in self.lines if line["type"] == "delivery-summary"]
        check(found, f"exit {self.code} without a summary: {self.said}")
        return found[-1]


def complete(merchant, run, orders, what=""):
    """The run says that all were acknowledged, and the merchant has each."""
    summary = run.summary()
    lost = [one for one in summary["failures"] if one["attempts"] == 0]
    check(not lost, f"{what}{len(lost)} reported as {lost[0]['result'] if lost else ''} without an attempt")
    seen = merchant.seen()
    never = summary["orders"]["exhausted"] - sum(
        1 for one in summary["failures"] if one["result"] == "exhausted" and seen[one["order_id"]]
    )
    if summary["orders"]["exhausted"] <= 100:
        check(never <= 0, f"{what}{never} orders are reported exhausted that never arrived")
    check(len(seen) == orders, f"{what}{len(seen)} of {orders} orders arrived; exit {run.code}: {run.said}")
    return summary


def all_good(merchant, run, orders, what=""):
    summary = complete(merchant, run, orders, what)
    check(run.code == 0, f"{what}exit {run.code}: {summary['orders']} {run.said}")
    check(summary["orders"]["acknowledged"] == orders, f"{what}{summary['orders']}")


def journal_state(journal):
    """Bytes of the journal and its log, and what they hold, read from a copy."""
    data = {end: Path(f"{journal}{end}").read_bytes() for end in ("", "-wal") if Path(f"{journal}{end}").exists()}
    with tempfile.TemporaryDirectory() as folder:
        for end, content in data.items():
            Path(f"{folder}/copy{end}").write_bytes(content)
        base = sqlite3.connect(f"{folder}/copy")
        try:
            tables = [name for (name,) in base.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            rows = {name: base.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in tables}
            acknowledged = {
                order_id for (order_id,) in base.execute("SELECT id FROM orders WHERE state = 'acknowledged'")
            }
        finally:
            base.close()
    return data, rows, acknowledged


class Stage:
    """What a situation plays on."""

    def __init__(self, program, merchant, folder, is_short):
        self.program, self.merchant, self.folder, self.is_short = program, merchant, folder, is_short
        self.journal = Path(folder) / "run.db"
        self.seed = 1

    def flags(self, has_journal):
        return ["--journal", str(self.journal)] if has_journal else []

    def run(self, *arguments, **options):
        if "--count" in arguments:
            # Ids that differ for certain: the merchant counts orders by them.
            arguments = [*arguments, "--set", "payout_id=POT{n}"]
        return Run(self.program, self.merchant.url, arguments, **options)

    def resume(self, *arguments, **options):
        return self.run("--journal", str(self.journal), "--resume", *arguments, **options)

    def many(self, short, long):
        return short if self.is_short else long


def fast(stage, has_journal):
    count = stage.many(2000, 20000)
    stage.merchant.begin()
    arguments = ["--count", str(count), "--speed", "3600x", *stage.flags(has_journal)]
    all_good(stage.merchant, stage.run(*arguments).end(), count)


def slow_merchant(stage, has_journal):
    stage.merchant.begin(delay=0.1)
    arguments = ["--count", "24", "--concurrency", "2", "--schedule", "100ms", "--window", "200ms"]
    all_good(stage.merchant, stage.run(*arguments, *stage.flags(has_journal)).end(), 24)


def slow_pipe(stage, has_journal):
    stage.merchant.begin()
    arguments = ["--from", "-", "--schedule", "50ms", "--window", "100ms", *stage.flags(has_journal)]
    run = stage.run(*arguments, stdin=True)
    for number in range(8):
        order = {"payout_id": f"PIPE{number}", "amount": 5, "status": 3}
        run.child.stdin.write(json.dumps(order).encode() + b"\n")
        run.child.stdin.flush()
        time.sleep(0.1)
    run.child.stdin.close()
    all_good(stage.merchant, run.end(), 8)


def held_rate(stage, has_journal):
    stage.merchant.begin(delay=0.1)
    arguments = ["--count", "40", "--rate", "200/s", "--max-in-flight", "2"]
    window = ["--schedule", "50ms", "--window", "100ms", *stage.flags(has_journal)]
    all_good(stage.merchant, stage.run(*arguments, *window).end(), 40)


def paused(stage, has_journal, rate):
    # Every third order is refused once: some wait for their retry when the pause comes.
    stage.merchant.begin(delay=0.02, failing=lambda number, times: number % 3 == 0 and times == 1)
    pace = ["--rate", "50/s"] if rate else ["--concurrency", "2"]
    arguments = ["--count", "120", *pace, "--schedule", "300ms", "--window", "500ms"]
    run = stage.run(*arguments, *stage.flags(has_journal))
    stage.merchant.wait_for(20)
    run.child.send_signal(signal.SIGSTOP)
    time.sleep(2.5)
    run.child.send_signal(signal.SIGCONT)
    summary = complete(stage.merchant, run.end(), 120)
    orders = summary["orders"]
    check(orders["exhausted"] == orders.get("window_ended_while_stopped"), f"not said why: {orders}")
    check(orders["acknowledged"] + orders["exhausted"] == 120, f"{orders}")
    check(orders["exhausted"] < 40, f"those that had not begun lost something: {orders}")


def stopped_and_resumed(stage, rate, sign):
    stage.merchant.begin(delay=0.02, failing=lambda number, times: number % 3 == 0 and times == 1)
    pace = ["--rate", "100/s"] if rate else ["--concurrency", "4"]
    arguments = ["--count", "200", *pace, "--schedule", "200ms", "--window", "400ms"]
    run = stage.run(*arguments, *stage.flags(True))
    stage.merchant.wait_for(30)
    run.child.send_signal(sign)
    run.end()
    if sign == signal.SIGINT:
        check(run.code == 130, f"exit {run.code}: {run.said}")
        orders = run.summary()["orders"]
        check(orders["exhausted"] == 0, f"reported failed when it was stopped: {orders}")
        check(orders.get("not_sent", 0) > 0, f"nothing is called not sent: {orders}")
    time.sleep(1)
    seen, (_, _, recorded) = stage.merchant.seen(), journal_state(stage.journal)
    summary = complete(stage.merchant, stage.resume().end(), 200)
    orders = summary["orders"]
    check(orders["exhausted"] == orders.get("window_ended_while_stopped"), f"not said why: {orders}")
    after = stage.merchant.seen()
    again = {order for order in recorded if after[order] != seen[order]}
    check(not again, f"{len(again)} acknowledged orders were sent again")


def refused(stage):
    stage.merchant.begin(delay=0.02)
    arguments = ["--count", "200", "--concurrency", "4", "--schedule", "200ms", "--window", "400ms"]
    run = stage.run(*arguments, *stage.flags(True))
    stage.merchant.wait_for(30)
    run.child.kill()
    run.end()
    time.sleep(1)
    before, seen = journal_state(stage.journal), stage.merchant.seen()
    wrong = [
        lambda: Run(stage.program, "http://127.0.0.1:9/", ["--journal", str(stage.journal), "--resume"]),
        lambda: stage.resume(key="another key of tests"),
        lambda: stage.resume(key=None),
        lambda: stage.resume("--window", "1h"),
        lambda: stage.resume("--speed", "60x"),
        lambda: stage.resume("--schedule", "1s"),
        lambda: stage.resume("--seed", "99"),
        lambda: stage.resume("--rate", "5/s"),
        lambda: stage.resume("--report", f"json={stage.folder}/missing/report.json"),
    ]
    for case, start in enumerate(wrong):
        run = start().end()
        check(run.code in (2, 4), f"wrong resume {case}: exit {run.code}: {run.said}")
        check("sent again" not in run.said, f"wrong resume {case} says: {run.said}")
        after = journal_state(stage.journal)
        check(after[1] == before[1], f"wrong resume {case} changed what the journal holds")
        check(after[0] == before[0], f"wrong resume {case} changed the journal's bytes")
    check(stage.merchant.seen() == seen, "a refused resume sent something")
    all_good(stage.merchant, stage.resume().end(), 200)


def set_clock(journal, seconds):
    """Moves all times of a journal, as a clock that is wrong by so much at the resume would see them."""
    base = sqlite3.connect(journal)
    sql = "UPDATE attempts SET intended_at_us = intended_at_us + ?1, finished_at_us = finished_at_us + ?1"
    base.execute(f"{sql} WHERE part = 1", [seconds * 1_000_000])
    base.commit()
    base.close()


def wrong_clock(stage):
    stage.merchant.begin(delay=0.05, failing=lambda number, times: number % 3 == 0 and times == 1)
    arguments = ["--count", "60", "--concurrency", "4", "--schedule", "8s", "--window", "60s"]
    run = stage.run(*arguments, *stage.flags(True))
    stage.merchant.wait_for(20)
    run.child.kill()
    run.end()
    set_clock(stage.journal, -200_000)
    orders = complete(stage.merchant, stage.resume().end(), 60)["orders"]
    check(orders["exhausted"] > 0, f"the clock made no difference: {orders}")
    set_clock(stage.journal, 200_000)
    all_good(stage.merchant, stage.resume().end(), 60)


def old_journal(stage):
    """Version 0.1 left it: of twelve orders eight are exhausted after 0 attempts."""
    stage.journal.write_bytes((ROOT / "fixtures/journals/exhausted-without-attempt-0.1.db").read_bytes())
    base = sqlite3.connect(stage.journal)
    base.execute("UPDATE run SET url = ?", [stage.merchant.url])
    base.commit()
    base.close()
    summary = stage.resume().end().summary()
    check(summary["orders"]["acknowledged"] == 12, f"{summary['orders']}")
    seen = set(stage.merchant.seen())
    check(seen == {f"POT{number}" for number in range(5, 13)}, f"sent: {sorted(seen)}")


def without_log(stage):
    stage.merchant.begin(delay=0.01)
    run = stage.run("--count", "200", "--concurrency", "4", *stage.flags(True))
    stage.merchant.wait_for(45)
    run.child.kill()
    run.end()
    log, seen = Path(f"{stage.journal}-wal"), stage.merchant.seen()
    whole = log.read_bytes()
    middle = len(whole) // 2
    # Byte 40 is part of a random salt, so that a fixed value could be the one that is there.
    for case, damaged in enumerate([None, b"", whole[:16], b"\0" * len(whole),
                                    whole[:40] + bytes([whole[40] ^ 1]) + whole[41:],
                                    whole[:middle] + b"x" * 9000 + whole[middle + 9000:]]):
        log.unlink(missing_ok=True)
        if damaged is not None:
            log.write_bytes(damaged)
        run = stage.resume().end()
        check(run.code == 3, f"log {case}: exit {run.code}: {run.said}")
        check("nothing was sent" not in run.said, f"log {case}: {run.said}")
        check("do not start the run again" in run.said, f"log {case}: no safe next step: {run.said}")
    check(stage.merchant.seen() == seen, "something was sent without the log")
    log.write_bytes(whole)
    all_good(stage.merchant, stage.resume().end(), 200)


def situations():
    for has_journal in (False, True):
        name = "with a journal" if has_journal else "without a journal"
        yield f"3600x, {name}", lambda stage, it=has_journal: fast(stage, it)
        yield f"slow merchant, {name}", lambda stage, it=has_journal: slow_merchant(stage, it)
        yield f"slow pipe, {name}", lambda stage, it=has_journal: slow_pipe(stage, it)
        yield f"held rate, {name}", lambda stage, it=has_journal: held_rate(stage, it)
        yield f"pause, {name}", lambda stage, it=has_journal: paused(stage, it, False)
        yield f"pause at a rate, {name}", lambda stage, it=has_journal: paused(stage, it, True)
    for rate in (False, True):
        pace = " at a rate" if rate else ""
        yield f"kill and late resume{pace}", lambda stage, it=rate: stopped_and_resumed(stage, it, signal.SIGKILL)
        yield f"interrupt and late resume{pace}", lambda stage, it=rate: stopped_and_resumed(stage, it, signal.SIGINT)
    yield "refused resumes", refused
    yield "clock ahead", wrong_clock
    yield "a journal of version 0.1", old_journal
    yield "log missing or damaged", without_log


def main():
    words = [word for word in sys.argv[1:] if word != "--short"]
    is_short = "--short" in sys.argv[1:]
    program = Path(words[0] if words else ROOT / "target/release/payout-notify").resolve()
    rounds = int(words[1]) if len(words) > 1 else (1 if is_short else 3)
    all_of_them = [situation for _ in range(rounds) for situation in situations()]
    # Most of them wait most of the time.
    with ThreadPoolExecutor(8 if is_short else 4) as pool:
        breaches = sum(pool.map(lambda it: stage_one(program, is_short, *it), all_of_them))
    print(f"{len(all_of_them)} situations, {breaches} breaches")
    sys.exit(1 if breaches else 0)


def stage_one(program, is_short, name, play):
    merchant = Merchant()
    with tempfile.TemporaryDirectory() as folder:
        try:
            play(Stage(program, merchant, folder, is_short))
            return 0
        except (Breach, sqlite3.Error, KeyError) as breach:
            print(f"{name}: {breach!r}", file=sys.stderr)
            return 1
        finally:
            merchant.shutdown()
            merchant.server_close()


if __name__ == "__main__":
    main()
