#!/usr/bin/env python3
"""Runs Schemathesis on a listener's API, by docs/openapi.json.

Usage: python3 tests/api.py VENV [BINARY=target/release/payout-notify] [EXAMPLES=150] [SEED=1]

VENV is a virtual environment with Schemathesis: `python3 -m venv VENV && VENV/bin/pip install schemathesis`.
A listener receives callbacks all the while, valid ones and others, because some requests delete them. The
stream of events is left out: it has no end. Waits are limited to 50 ms, and what is sent again goes to a
closed port of this machine. A valid request may be answered with 422: whether a text can be signed, no
schema says. Exits with 1 where the server failed, an answer was not as the document describes it, or
there were fewer than 2,000 requests.
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

KEY = "ThisIsYourSecretKey123"
LEAST_REQUESTS = 2000
PAUSE_S = 0.05
ROOT = Path(__file__).resolve().parent.parent
BODIES = [b'{"payout_id":"POT00000102","amount":400000,"status":3,"sign":"00"}', b"[]", b"\xff", b'{"a":"","b":null}']

# Numbers of callbacks that are there, and no address but one that nobody listens on.
HOOKS = """
import pathlib
import schemathesis

@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict):
        if type(body.get("id")) is int and 0 <= body["id"] < 2**64:
            body["id"] = int(pathlib.Path("newest").read_text())
        if isinstance(body.get("url"), str) and body["url"].lower().startswith("http"):
            body["url"] = "http://127.0.0.1:9/"
    return body
"""


def start(program, folder):
    key = folder / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    listener = subprocess.Popen(
        [program, "listen", "--bind", ":0", "--key-file", key, "--inbox", folder / "inbox.db", "--api", "--format", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return listener, json.loads(listener.stdout.readline())


def post_all_the_while(address, signed, newest, stop):
    bodies = [signed, *BODIES]
    turn = 0
    while not stop.wait(PAUSE_S):
        connection = http.client.HTTPConnection(address, timeout=10)
        connection.request("POST", "/notify", bodies[turn % len(bodies)], {"Content-Type": "application/json"})
        connection.getresponse().read()
        connection.close()
        turn += 1
        # Whole at any time: the hook may read it now.
        fresh = newest.with_suffix(".fresh")
        fresh.write_text(str(turn))
        fresh.replace(newest)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    venv = Path(sys.argv[1])
    program = sys.argv[2] if len(sys.argv) > 2 else "target/release/payout-notify"
    examples, seed = (sys.argv[3:] + ["150", "1"][len(sys.argv[3:]):])[:2]
    program = str(Path(program).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listener, ready = start(program, folder)
        signed = subprocess.run([program, "sign", "--key-file", folder / "key"], input=BODIES[0], capture_output=True, check=True)
        stop = threading.Event()
        poster = threading.Thread(target=post_all_the_while, args=(ready["url"].split("/")[2], signed.stdout.strip(), folder / "newest", stop))
        poster.start()
        threading.Thread(target=listener.stdout.read, daemon=True).start()
        (folder / "hooks.py").write_text(HOOKS)
        # A wait would last for as long as it is told to.
        (folder / "schemathesis.toml").write_text(
            'headers = { Authorization = "Bearer ' + ready["api"]["token"] + '" }\n'
            '[[operations]]\ninclude-operation-id = "waitForCallbacks"\nparameters = { "query.within" = "50ms" }\n'
            '[checks]\npositive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422"]\n')
        report = folder / "report.ndjson"
        ran = subprocess.run(
            [venv / "bin/schemathesis", "run", ROOT / "docs/openapi.json", "--url", ready["api"]["url"].removesuffix("/api"),
             "--exclude-path", "/api/events", "--max-examples", examples, "--seed", seed, "--continue-on-failure",
             "--report", "ndjson", "--report-ndjson-path", report],
            cwd=folder, env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks"}, capture_output=True, text=True, check=False)
        stop.set()
        poster.join()
        alive = listener.poll() is None
        listener.terminate()
        listener.wait()
        requests, statuses = count(report)
    print("\n".join(line[:300] for line in ran.stdout.splitlines()))
    print(ran.stderr, file=sys.stderr)
    by_status = ", ".join(f"{status}: {statuses[status]}" for status in sorted(statuses))
    print(f"{requests} requests answered ({by_status}); the listener {'still runs' if alive else 'ended'}")
    failed = sum(number for status, number in statuses.items() if status >= 500)
    sys.exit(0 if ran.returncode == 0 and alive and failed == 0 and requests >= LEAST_REQUESTS else 1)


def count(report):
    """All answers in a report, and how many have which status."""
    statuses = {}
    for line in report.read_text(encoding="utf-8").splitlines():
        for status in answers(json.loads(line)):
            statuses[status] = statuses.get(status, 0) + 1
    return sum(statuses.values()), statuses


def answers(value):
    if isinstance(value, dict):
        status = value.get("status_code")
        if isinstance(status, int) and "headers" in value:
            yield status
        for inner in value.values():
            yield from answers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from answers(inner)


if __name__ == "__main__":
    main()
