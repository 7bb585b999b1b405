#!/usr/bin/env python3
"""Keeps `listen` under load, with faults and forwarding, and checks that nothing grows and nothing is lost.

Usage: python3 tests/soak.py [SECONDS=3600 | --short] [BINARY=target/release/payout-notify] [--rate 500]

`simulate --rate` sends fresh orders. `listen` keeps each in an inbox, hands it on to a small
application, and answers with a status 500 or a reset now and then, so that the sender comes again.
Every second the memory, threads and descriptors of both are read, and the size of the inbox's files.
--short takes 60 seconds, and the warm-up.

The listener remembers the newest 100,000 orders, so its memory grows until it knows so many. A run whose
first third is over before that begins with a warm-up: as many orders as fill it, as fast as they go.

Exits with 1 if

- the last third's median of memory or of the inbox is more than 10 % + 2 MB above the first third's;
- a process has more threads or descriptors open, at its calmest moment of the last third, than at its
  calmest of the first: a leak lifts that floor, and a busy moment does not;
- a callback is missing: the listener did not see each attempt, the inbox's numbers have a gap or end
  early, or a late acknowledged order does not stand in it with the reply 200;
- an order ended without an acknowledgement, or the rate was not held (to 95 %);
- the listener took a callback for invalid, or did not end as it should.

Reads /proc, so it needs Linux; elsewhere it says so and exits with 0.
"""

import argparse
import asyncio
import collections
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

LONG_S, SHORT_S, BINARY = 3600, 60, Path("target/release/payout-notify")
KEY = "ThisIsYourSecretKey123"
REPLY = "10% 500 | 5% reset | ok"
# So many retries that no order runs out of them: each of the eleven attempts fails with 15 %.
SCHEDULE = ",".join(["1s"] * 10)
MOST_GROWTH, MOST_GROWTH_BYTES = 0.10, 2_000_000
# How many connections are kept depends on the moment. A leak has one for each fault: hundreds in a third of the run.
KEPT_CONNECTIONS = 4
LEAST_RATE = 0.95
# The inbox reaches its limit within this share of the run, and no later than it does with LARGEST_KEEP.
FULL_AFTER, LARGEST_KEEP = 1 / 12, 10_000
# A little more than the listener remembers, and within which share of the run they must have come.
WARM_ORDERS, WARM_AFTER, WARM_PATIENCE_S = 110_000, 1 / 6, 600
# A pause of the machine must not end in a thousand connections at once, whose memory stays taken.
AT_ONCE = "64"
# Longer than retries and the end of a process take; a hang is a fault, not a wait.
PATIENCE_S = 60
ACKNOWLEDGEMENT = b'{"error_code":"0000"}'


async def answer(reader, writer, count):
    """Acknowledges whatever comes on one connection."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    await reader.readexactly(int(line.split(b":")[1]))
            count[0] += 1
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (len(ACKNOWLEDGEMENT), ACKNOWLEDGEMENT)
            )
            await writer.drain()
    except (OSError, EOFError):
        pass
    finally:
        writer.close()


async def serve():
    """The small application: prints its port; prints how many requests came when stdin ends."""
    count = [0]
    server = await asyncio.start_server(lambda *stream: answer(*stream, count), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(count[0], flush=True)


class Process:
    """A process that is watched: its memory in bytes, its threads and its descriptors, second by second."""

    def __init__(self, name, command, folder, **options):
        self.name, self.samples = name, collections.defaultdict(list)
        environment = {"HOME": str(folder), "PAYOUT_NOTIFY_KEY": KEY, "PATH": os.environ["PATH"]}
        self.errors = (folder / f"{name}.errors").open("w+")
        self.process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            **{"stdin": subprocess.DEVNULL, **options},
        )

    def sample(self):
        proc = Path(f"/proc/{self.process.pid}")
        try:
            status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
            descriptors = len(os.listdir(proc / "fd"))
        except OSError:
            return
        # A process that has ended and is not yet waited for has no memory.
        if "VmRSS" in status:
            self.samples["memory"].append(int(status["VmRSS"].split()[0]) * 1024)
            self.samples["threads"].append(int(status["Threads"]))
            self.samples["descriptors"].append(descriptors)

    def said(self):
        """What it wrote to stderr: the end of it."""
        self.errors.flush()
        return Path(self.errors.name).read_text(errors="replace")[-2000:]

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.errors.close()


class Sent(threading.Thread):
    """Reads the sender's events: the last acknowledged orders, and the summary."""

    def __init__(self, stream, keep):
        super().__init__(daemon=True)
        self.stream, self.acknowledged, self.summary = stream, collections.deque(maxlen=keep), None

    def run(self):
        for line in self.stream:
            event = json.loads(line)
            if event["type"] == "delivery-attempt" and event["acknowledged"]:
                self.acknowledged.append(event["order_id"])
            elif event["type"] == "delivery-summary":
                self.summary = event


class Soak:
    def __init__(self, options, folder):
        self.options, self.folder, self.faults = options, folder, []
        self.binary = str(options.binary.resolve())
        self.keep = max(100, min(LARGEST_KEEP, int(options.rate * options.seconds * FULL_AFTER)))
        self.sizes, self.processes = [], []

    def expect(self, holds, words):
        print(f"{'ok  ' if holds else 'FAIL'}  {words}", flush=True)
        if not holds:
            self.faults.append(words)

    def start(self, name, *command, **options):
        process = Process(name, command, self.folder, **options)
        self.processes.append(process)
        return process

    def run(self):
        application = self.start(
            "application", sys.executable, __file__, "--application", stdin=subprocess.PIPE
        )
        port = application.process.stdout.readline().strip()
        listener = self.start(
            "listener", self.binary, "listen", "--bind", ":0", "--format", "json", "--quiet",
            "--inbox", "in.db", "--keep", str(self.keep), "--reply", REPLY,
            "--forward-to", f"http://127.0.0.1:{port}/notify",
        )
        ready = json.loads(listener.process.stdout.readline() or "{}")
        if ready.get("type") != "ready":
            sys.exit(f"the listener did not start: {listener.said()}")
        warmed = self.warm(ready["url"])
        sender, sent = self.send(
            "sender", ready["url"], self.options.rate * self.options.seconds,
            "--rate", f"{self.options.rate}/s", "--max-in-flight", AT_ONCE,
        )
        self.watch(listener, sender)
        sent.join(PATIENCE_S)
        listener.process.send_signal(signal.SIGTERM)
        summary, _ = listener.process.communicate(timeout=PATIENCE_S)
        received, _ = application.process.communicate(timeout=PATIENCE_S)
        self.judge_growth(listener, sender)
        if sent.summary is None:
            self.expect(False, f"the sender came to its end: {sender.said()}")
            return
        callbacks = json.loads(summary.strip().splitlines()[-1])
        self.judge_course(sent.summary, callbacks, int(received), warmed)
        self.judge_inbox(sent, callbacks["callbacks"])
        # Its callbacks were all valid, so it ends with 0.
        self.expect(listener.process.returncode == 0, f"the listener's exit: {listener.process.returncode}")

    def send(self, name, url, count, *pace):
        """Starts a sender of that many fresh orders."""
        sender = self.start(
            name, self.binary, "simulate", url, "--format", "json", "--count", str(count),
            "--schedule", SCHEDULE, *pace,
        )
        sent = Sent(sender.process.stdout, self.keep)
        sent.start()
        return sender, sent

    def warm(self, url):
        """Fills what is bounded, where the run itself would do so too late; the attempts that it took."""
        if self.options.rate * self.options.seconds * WARM_AFTER >= WARM_ORDERS:
            return 0
        began = time.monotonic()
        sender, sent = self.send("warm-up", url, WARM_ORDERS, "--concurrency", AT_ONCE)
        sender.process.wait(WARM_PATIENCE_S)
        sent.join(PATIENCE_S)
        if sent.summary is None:
            sys.exit(f"the warm-up did not come to its end: {sender.said()}")
        print(f"warmed up with {WARM_ORDERS} orders in {time.monotonic() - began:.0f} s", flush=True)
        return sent.summary["attempts"]["total"]

    def watch(self, listener, sender):
        """Samples every second until the sender ends."""
        end = time.monotonic() + self.options.seconds + PATIENCE_S
        while sender.process.poll() is None:
            time.sleep(1)
            if time.monotonic() > end:
                self.expect(False, f"the sender ends within {PATIENCE_S} s of its time")
                return
            if listener.process.poll() is not None:
                sys.exit(f"the listener ended by itself: {listener.said()}")
            listener.sample()
            sender.sample()
            self.sizes.append(sum(file.stat().st_size for file in self.folder.glob("in.db*")))

    def judge_growth(self, listener, sender):
        for process in (listener, sender):
            self.flat(f"{process.name}'s memory", process.samples["memory"])
            for what, most_growth in (("threads", 0), ("descriptors", KEPT_CONNECTIONS)):
                first, last = thirds(process.samples[what], min)
                self.expect(
                    last <= first + most_growth, f"{process.name}'s {what}, at the least: {first} -> {last}"
                )
        self.flat("the inbox's files", self.sizes)

    def flat(self, what, samples):
        first, last = thirds(samples, statistics.median)
        self.expect(
            last <= first * (1 + MOST_GROWTH) + MOST_GROWTH_BYTES,
            f"{what}, MB, medians of the first and last third: {first / 1e6:.1f} -> {last / 1e6:.1f}"
            f" (at most {max(samples, default=0) / 1e6:.1f})",
        )

    def judge_course(self, summary, callbacks, received, warmed):
        rate = summary["rate"]["first_notifications_per_second"]
        attempts = warmed + summary["attempts"]["total"]
        self.expect(rate >= self.options.rate * LEAST_RATE, f"orders a second: {rate:.1f}")
        orders = summary["orders"]
        self.expect(
            orders["acknowledged"] == orders["total"],
            f"orders acknowledged: {orders['acknowledged']} of {orders['total']}, in {attempts} attempts",
        )
        self.expect(
            callbacks["valid"] == callbacks["callbacks"] == attempts,
            f"attempts that the listener saw: {callbacks['callbacks']}, of them valid: {callbacks['valid']}",
        )
        self.expect(received == attempts, f"callbacks that the application got: {received}")

    def judge_inbox(self, sent, callbacks):
        """The inbox holds the newest callbacks without a gap, and the late orders' acknowledgements."""
        numbers, acknowledged = [], set()
        export = self.start("export", self.binary, "inbox", "export", "--inbox", "in.db")
        for line in export.process.stdout:
            entry = json.loads(line)
            numbers.append(entry["number"])
            if entry["reply"]["status"] == 200:
                acknowledged.add(entry["order_id"])
        self.expect(export.process.wait(PATIENCE_S) == 0, "the inbox is exported")
        least = min(self.keep, callbacks)
        self.expect(len(numbers) >= least, f"callbacks in the inbox: {len(numbers)} (--keep {self.keep})")
        self.expect(
            numbers == list(range(callbacks - len(numbers) + 1, callbacks + 1)),
            f"their numbers: {numbers[0] if numbers else '-'} to {numbers[-1] if numbers else '-'}",
        )
        # As many as surely stand there; the sender reads replies in another order than they were kept.
        share = len(numbers) * 0.9 * sent.summary["attempts"]["acknowledged"]
        late = list(sent.acknowledged)[-int(share / sent.summary["attempts"]["total"]):]
        missing = [order for order in late if order not in acknowledged]
        self.expect(not missing, f"late acknowledged orders looked up: {len(late)}, missing: {len(missing)}")


def thirds(samples, middle):
    """One figure for the first third of the samples and one for the last."""
    third = len(samples) // 3
    if third < 1:
        sys.exit("too short to compare: at least 10 seconds")
    return middle(samples[:third]), middle(samples[-third:])


def main():
    parser = argparse.ArgumentParser(description="Soaks a listener; see the head of this file.")
    parser.add_argument("what", nargs="*", metavar="SECONDS|BINARY", help="how long, and the program")
    parser.add_argument("--short", action="store_true", help=f"{SHORT_S} seconds")
    parser.add_argument("--rate", type=int, default=500, help="orders a second")
    parser.add_argument("--application", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.application:
        asyncio.run(serve())
        return
    options.seconds, options.binary = SHORT_S if options.short else LONG_S, BINARY
    for what in options.what:
        if what.isascii() and what.isdigit():
            options.seconds = int(what)
        else:
            options.binary = Path(what)
    if not Path("/proc/self/fd").is_dir():
        print("the soak needs Linux's /proc; left out")
        return
    if not options.binary.exists():
        sys.exit(f"{options.binary} does not exist; build it first")
    if options.seconds < 10 or options.rate < 1:
        sys.exit("at least 10 seconds, and one order a second")
    # The processes are ended whatever ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    soak = Soak(options, folder)
    try:
        print(f"{options.seconds} s at {options.rate}/s, replies '{REPLY}'", flush=True)
        soak.run()
    finally:
        for process in soak.processes:
            process.end()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if soak.faults else 0)


if __name__ == "__main__":
    main()
