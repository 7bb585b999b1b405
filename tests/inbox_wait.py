#!/usr/bin/env python3
"""Waits for callbacks while many others come, and shows how many waits missed theirs and how late they ended.

Usage: python3 tests/inbox_wait.py [WAITS=10000] [BINARY=target/release/payout-notify]

A listener receives 500 callbacks per second from `simulate`. Meanwhile several workers choose orders that
are due in a moment and wait for each: with `inbox wait`, with a tenth of as many requests to the API, and
by hand with a twentieth, which is `inbox list` every 100 ms. A wait misses where it ends without its
callback, or with another. Its reaction is the time from the moment at which the callback was received,
by the listener's clock, until the waiting program's answer was read here; only waits that began before
that moment have one. Exits with 1 if a wait missed, or the median reaction of `inbox wait` is over 20 ms.
"""

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

KEY = "ThisIsYourSecretKey123"
RATE = 500
WORKERS = 6
# How long before its callback a wait begins, about: a process must have started by then.
AHEAD_S = 0.25
WITHIN = "30s"
MEDIAN_MS = 20


def order_id(number):
    return f"W{number:07d}"


def orders(path, count):
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps({
                "payout_id": order_id(number), "payout_cl_id": f"c{number}", "platform_id": "PF0014", "amount": 400000,
                "real_amount": 400000, "fee": 3200, "status": 3, "create_time": 1567614049, "update_time": 1567614111,
            }) + "\n")


class Load:
    """Which order is due: estimated from the newest callback that is known."""

    def __init__(self):
        self.lock, self.newest, self.at = threading.Lock(), 0, None
        self.taken = 0

    def saw(self, number, at):
        with self.lock:
            if number >= self.newest:
                self.newest, self.at = number, at

    def take(self):
        """An order that comes in a moment, which no other wait has."""
        with self.lock:
            due = self.newest + int((time.time() - self.at + AHEAD_S) * RATE)
            self.taken = max(self.taken + 1, due)
            return self.taken


class Listener:
    def __init__(self, program, folder):
        self.program, self.inbox = program, folder / "inbox.db"
        key = folder / "key"
        key.write_text(KEY)
        key.chmod(0o600)
        self.key = key
        self.process = subprocess.Popen(
            [program, "listen", "--bind", ":0", "--key-file", key, "--inbox", self.inbox, "--api", "--format", "json"],
            stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.url, self.api = ready["url"], ready["api"]
        threading.Thread(target=self.read, daemon=True).start()
        self.load = Load()

    def read(self):
        for line in self.process.stdout:
            callback = json.loads(line)
            if callback["type"] == "callback":
                number = int(callback["order"]["payout_id"][1:])
                self.load.saw(number, received_at(callback["received_at"]))

    def wait(self, order):
        ran = subprocess.run([self.program, "inbox", "wait", "--inbox", self.inbox, "--order", order, "--verdict", "valid",
                              "--within", WITHIN, "--format", "json"], capture_output=True, text=True, check=False)
        read_at = time.time()
        entries = [json.loads(line) for line in ran.stdout.splitlines()]
        if ran.returncode != 0 or [entry["order_id"] for entry in entries] != [order]:
            return None, f"{order}: exit {ran.returncode} {ran.stdout}{ran.stderr}"
        return read_at, received_at(entries[0]["received_at"])

    def ask(self, order):
        host = self.api["url"].split("/")[2]
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.request("GET", f"/api/callbacks/wait?order={order}&verdict=valid&within={WITHIN}",
                           headers={"Authorization": f"Bearer {self.api['token']}"})
        answer = json.load(connection.getresponse())
        read_at = time.time()
        connection.close()
        if [row["order"] for row in answer.get("callbacks", [])] != [order]:
            return None, f"{order}: {answer}"
        # The row has milliseconds; the mean of what is cut off is half of one.
        return read_at, answer["callbacks"][0]["at_ms"] / 1000 + 0.0005

    def poll(self, order):
        until = time.time() + 30
        while time.time() < until:
            ran = subprocess.run([self.program, "inbox", "list", "--inbox", self.inbox, "--order", order, "--format", "json"],
                                 capture_output=True, text=True, check=False)
            read_at = time.time()
            if ran.stdout:
                return read_at, received_at(json.loads(ran.stdout.splitlines()[0])["received_at"])
            time.sleep(0.1)
        return None, f"{order}: not listed in 30 s"


def received_at(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def measure(name, count, load, wait):
    """Runs so many waits on all workers; gives what was missed and the reactions in ms."""
    left, lock, missed, reactions = [count], threading.Lock(), [], []

    def work():
        while True:
            with lock:
                if left[0] == 0:
                    return
                left[0] -= 1
            order, began = load.take(), time.time()
            read_at, came = wait(order_id(order))
            with lock:
                if read_at is None:
                    missed.append(came)
                elif came > began:
                    reactions.append((read_at - came) * 1000)

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    parts = statistics.quantiles(reactions, n=100) if len(reactions) > 1 else [0] * 99
    print(f"{name:<14} {count:>6} waits, {len(missed)} missed; {len(reactions)} began before their callback: "
          f"reaction median {parts[49]:.1f} ms, p95 {parts[94]:.1f} ms, p99 {parts[98]:.1f} ms", flush=True)
    for what in missed[:5]:
        print(f"  missed {what}")
    return missed, parts[49]


def main():
    waits = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    program = sys.argv[2] if len(sys.argv) > 2 else "target/release/payout-notify"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listener = Listener(program, folder)
        # More than are needed: the load must outlast the waits.
        count = RATE * 3600
        orders(folder / "orders.ndjson", min(count, waits * 60 + 60_000))
        load = subprocess.Popen(
            [program, "simulate", listener.url, "--from", folder / "orders.ndjson", "--key-file", listener.key,
             "--rate", f"{RATE}/s", "--retries", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while listener.load.at is None or listener.load.newest < RATE:
                assert load.poll() is None, "simulate ended"
                time.sleep(0.05)
            begun, first = time.time(), listener.load.newest
            missed, median = measure("inbox wait", waits, listener.load, listener.wait)
            more, _ = measure("API wait", max(waits // 10, 1), listener.load, listener.ask)
            by_hand, _ = measure("inbox list", max(waits // 20, 1), listener.load, listener.poll)
            rate = (listener.load.newest - first) / (time.time() - begun)
            print(f"{rate:.0f} callbacks per second meanwhile; simulate {'ran' if load.poll() is None else 'had ended'}")
        finally:
            load.terminate()
            load.wait()
            listener.process.terminate()
            listener.process.wait()
    sys.exit(1 if missed or more or by_hand or median > MEDIAN_MS else 0)


if __name__ == "__main__":
    main()
