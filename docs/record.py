#!/usr/bin/env python3
"""Records docs/session.cast (asciicast v2): the program in a real terminal, as a person runs it.

    cargo build && python3 docs/record.py target/debug/payout-notify

Play it with `asciinema play docs/session.cast`.
"""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time

COLUMNS, ROWS = 110, 32
KEYSTROKE, PAUSE = 0.03, 1.2
LONGEST_WAIT = 60

# A comment, the command that is shown, and one that runs beside it, unseen.
SCENES = [
    ("# The whole story in a second", "payout-notify demo", None),
    ("# Why does this signature not match?",
     "sed s/d2e4534fce8c1d1053bbf59fd8ae4464/9D6465F222EE92D56DD5DF7C86874575/ notification.json | payout-notify verify",
     None),
    ("# Be the merchant; the platform calls from another terminal",
     "payout-notify listen --bind 8787 --count 3 --reply 'fail*2, ok'",
     "sleep 1; payout-notify simulate http://127.0.0.1:8787/ --speed 60x --schedule 30s,60s"),
]


class Cast:
    """The events of the recording, timed from its start."""

    def __init__(self):
        self.now = 0.0
        self.events = []

    def show(self, text, after=0.0):
        self.now += after
        self.events.append([round(self.now, 3), "o", text])

    def type(self, command):
        self.show("\x1b[1;32m$\x1b[0m ")
        for letter in command:
            self.show(letter, KEYSTROKE)
        self.show("\r\n", 0.3)


def run(cast, command, environment, folder):
    """Runs a command on a terminal of its own, and notes what it prints and when."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    child = subprocess.Popen(["sh", "-c", command], stdin=slave, stdout=slave, stderr=slave,
                             env=environment, cwd=folder)
    os.close(slave)
    before, deadline, rest = time.monotonic(), time.monotonic() + LONGEST_WAIT, b""
    while time.monotonic() < deadline:
        ready, _, _ = select.select([master], [], [], 0.2)
        if not ready:
            continue
        try:
            chunk = os.read(master, 65536)
        except OSError:  # The other end is closed: the command has ended.
            break
        if not chunk:
            break
        now = time.monotonic()
        rest += chunk
        text = rest.decode("utf-8", "ignore")
        # A letter that is cut in two is kept for the next chunk.
        rest = rest[len(text.encode()):]
        cast.show(text, now - before)
        before = now
    os.close(master)
    if child.poll() is None and time.monotonic() >= deadline:
        child.kill()
        raise SystemExit(f"it did not end in time: {command}")
    child.wait()


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    docs = os.path.dirname(os.path.abspath(__file__))
    program = os.path.abspath(sys.argv[1])
    cast = Cast()
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(docs, "../fixtures/withdraw-notification.json"), "rb") as source:
            with open(os.path.join(folder, "notification.json"), "wb") as copy:
                copy.write(source.read())
        environment = {
            "PATH": os.path.dirname(program) + ":" + os.environ["PATH"], "HOME": folder,
            "TERM": "xterm-256color", "PAYOUT_NOTIFY_KEY": "ThisIsYourSecretKey123",
        }
        for comment, command, beside in SCENES:
            cast.show(f"\x1b[2m{comment}\x1b[0m\r\n")
            cast.type(command)
            other = beside and subprocess.Popen(
                ["sh", "-c", beside], env=environment, cwd=folder,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            run(cast, command, environment, folder)
            if other:
                other.wait(timeout=LONGEST_WAIT)
            cast.show("\r\n", PAUSE)
    header = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "payout-notify"}
    with open(os.path.join(docs, "session.cast"), "w", encoding="utf-8") as out:
        for line in [header, *cast.events]:
            out.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
