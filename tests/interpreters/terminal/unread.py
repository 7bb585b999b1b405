"""Runs a program on a terminal that nobody reads, signals it, and ends with its exit code.

usage: unread.py COMMAND [ARGUMENT...]; it sends SIGINT twice once the program is silent, for what it
printed no longer fits into the terminal.
"""

import os
import signal
import subprocess
import sys
import time

master, slave = os.openpty()
child = subprocess.Popen(sys.argv[1:], stdin=slave, stdout=slave, stderr=slave)


def cpu_time():
    with open(f"/proc/{child.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


# Whoever waits for a terminal uses no CPU. A child that ends meanwhile fails the test by its code.
deadline, quiet, before = time.monotonic() + 60, 0, -1
while quiet < 10 and child.poll() is None and time.monotonic() < deadline:
    time.sleep(0.05)
    spent = cpu_time()
    quiet = quiet + 1 if spent == before else 0
    before = spent
for _ in range(2):
    child.send_signal(signal.SIGINT)
    time.sleep(0.1)
try:
    code = child.wait(timeout=30)
except subprocess.TimeoutExpired:
    child.kill()
    child.wait()
    code = 99
sys.exit(code if code >= 0 else 128 - code)
