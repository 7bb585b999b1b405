#!/usr/bin/env python3
"""Holds the tool against two other readings of the rule, in Python and in Node: equal signatures, equal refusals.

Usage: tests/peers/differential/run.py [COUNT] [SEED] [BINARY]

The peers share no code with the tool, nor with each other. A peer whose interpreter is not there is left out, and
says so. Exits with 1 at the first seed with a difference, and prints it.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import payloads

HERE = pathlib.Path(__file__).resolve().parent
KEY = "ThisIsYourSecretKey123"
ENVIRONMENT = {"PATH": os.environ["PATH"], "PAYOUT_NOTIFY_KEY": KEY}


def run(command, data, accepted=(0,)):
    done = subprocess.run(command, input=data, capture_output=True, env=ENVIRONMENT, check=False)
    if done.returncode not in accepted:
        sys.exit(f"{command[0]} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return done


def ours(binary, lines):
    """The tool's answer to each line: the signature that it puts in, or "refused"."""
    done = run([binary, "sign", "--lines"], b"\n".join(lines) + b"\n", (0, 3))
    told = done.stderr.decode()
    if "more lines are bad" in told:
        # Only the first bad lines are named; fewer lines have fewer bad ones.
        half = len(lines) // 2
        return ours(binary, lines[:half]) + ours(binary, lines[half:])
    refused = {int(number) for number in re.findall(r"^warning: line (\d+)", told, re.M)}
    signed = iter(done.stdout.split(b"\n"))
    return ["refused" if number in refused else json.loads(next(signed))["sign"]
            for number in range(1, len(lines) + 1)]


def verified(binary, lines, answers):
    """How many of the peer's signatures the tool takes, and how many it was given."""
    carried = []
    for line, answer in zip(lines, answers):
        if answer != "refused" and "sign" not in json.loads(line):
            end = line.rindex(b"}")
            comma = b"," if line[:end].strip() != b"{" else b""
            carried.append(line[:end] + comma + f'"sign":"{answer}"'.encode() + b"}")
    done = run([binary, "verify", "--lines", "--format", "json"], b"\n".join(carried) + b"\n", (0, 1))
    return done.stdout.count(b'"signature":"match"'), len(carried)


def main():
    arguments = sys.argv[1:]
    count = int(arguments[0]) if arguments else 100_000
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    binary = arguments[2] if len(arguments) > 2 else "target/release/payout-notify"
    lines = list(payloads.lines(count, seed))
    mine = ours(binary, lines)
    failed = False
    for name, command in (("Python", ["python3", str(HERE / "rule.py")]), ("Node", ["node", str(HERE / "rule.mjs")])):
        if shutil.which(command[0]) is None:
            print(f"{name}: skipped, there is no {command[0]}")
            continue
        theirs = run(command, b"\n".join(lines) + b"\n").stdout.decode().split("\n")[:-1]
        if len(theirs) != len(lines):
            sys.exit(f"{name} gave {len(theirs)} answers to {len(lines)} lines")
        differences = [n for n in range(len(lines)) if mine[n] != theirs[n]]
        for n in differences[:5]:
            print(f"line {n + 1}: {lines[n]!r}\n  the tool {mine[n]}\n  {name} {theirs[n]}")
        matched, carried = verified(binary, lines, theirs)
        refused = mine.count("refused")
        print(f"{name}: {len(lines)} payloads, {refused} refused by both, {len(differences)} differences; "
              f"{matched} of its {carried} signatures verify")
        failed = failed or bool(differences) or matched != carried
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
