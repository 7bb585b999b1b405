#!/usr/bin/env python3
"""Kills `listen` at random moments under load and checks that nothing acknowledged is lost.

Usage: python3 tests/kill_listen.py [ROUNDS=100] [BINARY=target/release/payout-notify] [LISTEN ARGUMENTS…]

Each round begins with a listener that is killed while it starts; the next one must find a usable inbox.
Then several connections post signed notifications, each with a body of its own, as fast as
replies come. At a random moment the listener is killed with SIGKILL. Then `inbox export` must hold, byte
for byte, every body whose acknowledgement a client had read whole. All rounds share one inbox file, so
each start also opens what the kill before left behind.

KILL_SEED chooses another series of moments. Exits with 1 if a callback was lost. A listener that keeps
nothing must fail: `python3 tests/kill_listen.py 3 BINARY --no-inbox`.
"""

import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

KEY = "ThisIsYourSecretKey123"
CONNECTIONS = 8
# Signed before the load, for each connection and round; who has used them up stops posting.
BODIES = 1000
# Rounds that share one file.
LIFE = 10
# From the first acknowledgement of a round to the kill.
SHORTEST_S, LONGEST_S = 0.0, 0.25
# From the start of the process that is killed before it is used.
LONGEST_START_S = 0.05
# Far longer than anything takes: a hang is a fault, not a wait.
PATIENCE_S = 60
ACKNOWLEDGEMENT = b'{"error_code":"0000"}'


def signed(order_id):
    """A notification as the platform sends it, signed with MD5."""
    fields = {
        "payout_id": order_id, "payout_cl_id": f"c-{order_id}", "platform_id": "PF0014",
        "amount": 400000, "real_amount": 400000, "fee": 3200, "status": 3,
        "create_time": 1567614049, "update_time": 1567614111,
    }
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
    fields["sign"] = hashlib.md5(f"{text}&{KEY}".encode()).hexdigest()
    # An odd space here and there: the inbox has to keep bytes, not meanings.
    return json.dumps(fields, separators=(",", ": " if order_id[-1] in "13579" else ":")).encode()


def request(body):
    return (
        b"POST /notify HTTP/1.1\r\nHost: merchant\r\nContent-Type: application/json;charset=utf-8\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )


class Client(threading.Thread):
    """Posts on one connection and notes the bodies whose acknowledgement it read whole."""

    def __init__(self, address, bodies, began):
        super().__init__(daemon=True)
        self.address, self.bodies, self.began = address, bodies, began
        self.acknowledged, self.refused = [], 0

    def run(self):
        try:
            with socket.create_connection(self.address, PATIENCE_S) as stream:
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with stream.makefile("rb") as replies:
                    for body in self.bodies:
                        stream.sendall(request(body))
                        if self.read(replies) == ACKNOWLEDGEMENT:
                            self.acknowledged.append(body)
                            self.began.set()
                        else:
                            self.refused += 1
        except (OSError, EOFError):
            # The listener is gone, maybe in the middle of a reply.
            pass

    @staticmethod
    def read(replies):
        length, line = None, replies.readline()
        while line.endswith(b"\r\n") and line != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            line = replies.readline()
        body = replies.read(length or 0)
        if line != b"\r\n" or length is None or len(body) < length:
            raise EOFError
        return body


class Trial:
    def __init__(self, binary, arguments, folder):
        self.binary, self.arguments, self.folder = binary, arguments, folder
        self.environment = {"HOME": str(folder), "PAYOUT_NOTIFY_KEY": KEY, "PATH": os.environ["PATH"]}

    def command(self, *arguments, **options):
        return subprocess.Popen(
            [self.binary, *arguments], env=self.environment, cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **options,
        )

    def listen(self):
        keep = [] if "--no-inbox" in self.arguments else ["--inbox", "in.db", "--keep", "1000000000"]
        return self.command("listen", "--bind", ":0", "--format", "json", "--quiet", *keep, *self.arguments)

    def kill_a_start(self, chance):
        listener = self.listen()
        time.sleep(chance.uniform(0, LONGEST_START_S))
        listener.kill()
        listener.communicate()

    def round(self, number, chance):
        """The bodies acknowledged in this round, and how many were refused."""
        self.kill_a_start(chance)
        names = [f"P{number:05}{client:02}" for client in range(CONNECTIONS)]
        bodies = [[signed(f"{name}{index:06}") for index in range(BODIES)] for name in names]
        listener = self.listen()
        try:
            ready = json.loads(listener.stdout.readline() or b"{}")
            if ready.get("type") != "ready":
                sys.exit(f"round {number}: the listener did not start: {ready}")
            host, port = ready["url"].split("/")[2].rsplit(":", 1)
            began = threading.Event()
            clients = [Client((host, int(port)), each, began) for each in bodies]
            for client in clients:
                client.start()
            if not began.wait(PATIENCE_S):
                sys.exit(f"round {number}: nothing was acknowledged")
            time.sleep(chance.uniform(SHORTEST_S, LONGEST_S))
        finally:
            listener.kill()
            listener.wait()
            listener.stdout.close()
        for client in clients:
            client.join(PATIENCE_S)
        acknowledged = {body for client in clients for body in client.acknowledged}
        return acknowledged, sum(client.refused for client in clients)

    def kept(self):
        """The bodies in the inbox."""
        if not (self.folder / "in.db").exists():
            return set()
        export = self.command("inbox", "export", "--inbox", "in.db")
        bodies = {json.loads(line)["body"].encode() for line in export.stdout}
        export.stdout.close()
        if export.wait() != 0:
            sys.exit("the inbox cannot be exported")
        return bodies

    def forget(self):
        """Lets the next round begin with a new file."""
        for name in self.folder.glob("in.db*"):
            name.unlink()


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    binary = Path(sys.argv[2] if len(sys.argv) > 2 else "target/release/payout-notify").resolve()
    if not binary.exists():
        sys.exit(f"{binary} does not exist; build it first")
    folder = Path(tempfile.mkdtemp(prefix="kill-listen-"))
    trial = Trial(binary, sys.argv[3:], folder)
    chance = random.Random(os.environ.get("KILL_SEED", "1"))
    total, lost, refused, unread = 0, 0, 0, 0
    seen = set()
    try:
        for number in range(rounds):
            if number % LIFE == 0:
                unread += len(trial.kept() - seen)
                trial.forget()
                seen = set()
            acknowledged, refusals = trial.round(number, chance)
            total, refused = total + len(acknowledged), refused + refusals
            seen |= acknowledged
            missing = seen - trial.kept()
            for body in sorted(missing)[:3]:
                print(f"round {number}: acknowledged and lost: {body.decode()}")
            lost += len(missing)
            # What is lost is told once.
            seen -= missing
        unread += len(trial.kept() - seen)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(
        f"{rounds} kills under load, {rounds} while starting: {total} callbacks acknowledged, {lost} of them lost; "
        f"{refused} refused; {unread} kept whose reply nobody read"
    )
    sys.exit(1 if lost or not total else 0)


if __name__ == "__main__":
    main()
