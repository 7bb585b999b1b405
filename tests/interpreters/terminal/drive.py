"""Runs a program on a terminal of its own and types at it.

    drive.py '[["what is waited for", "what is typed then"], ...]' PROGRAM ARGUMENT...

Prints what the terminal showed, and exits as the program did: with 128 and the number of a signal.
"""

import json
import os
import pty
import select
import sys
import time

DEADLINE = 10.0


def read_until(terminal, shown, start, wanted):
    """Reads until the text is there behind `start`; gives the place after it, None at the end."""
    end = time.monotonic() + DEADLINE
    while wanted is None or wanted not in shown[start:]:
        if not select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0]:
            sys.exit(f"waited in vain for {wanted!r}:\n{shown.decode(errors='replace')}")
        try:
            part = os.read(terminal, 4096)
        except OSError:
            # Linux's way to tell that the other end is closed.
            part = b""
        if not part:
            return None
        shown.extend(part)
    return shown.index(wanted, start) + len(wanted)


def main():
    """Plays the steps."""
    steps, command = json.loads(sys.argv[1]), sys.argv[2:]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    shown, start = bytearray(), 0
    for wanted, typed in steps:
        start = read_until(terminal, shown, start, wanted.encode())
        if start is None:
            break
        os.write(terminal, typed.encode())
    if start is not None:
        read_until(terminal, shown, start, None)
    _, status = os.waitpid(child, 0)
    sys.stdout.write(shown.decode(errors="replace").replace("\r\n", "\n"))
    sys.stdout.flush()
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)


main()
