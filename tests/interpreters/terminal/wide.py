"""Runs a program on a terminal of so many columns and prints each of its lines that is wider.

usage: wide.py COLUMNS COMMAND [ARGUMENT...]; ends with the program's exit code.
"""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import unicodedata

columns = int(sys.argv[1])
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
os.close(slave)
printed = b""
while True:
    try:
        piece = os.read(master, 65536)
    except OSError:  # The other end is closed.
        break
    if not piece:
        break
    printed += piece


def width(text):
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", printed.decode(errors="replace"))
for line in text.replace("\r\n", "\n").split("\n"):
    # A line that is drawn over and over counts by what is left of it.
    line = line.rstrip("\r").split("\r")[-1]
    # One word alone, such as a path, cannot be broken.
    if width(line) > columns and " " in line.strip():
        print(f"{columns}: {line}")
sys.exit(child.wait())
