"""Prints what a merchant of this folder booked: observe.py FOLDER [--stream]

All orders as one JSON object where that is short, and the order that is asked for (PAYOUT_CHECK_ORDER, or a
line of standard input for `--observe-stream`) where it is not; totals for a merchant that keeps nothing else.
"""
import json, os, sys

FOLDER = sys.argv[1]


def rows():
    """Each booking as order, "credited" or "refunded", cents."""
    ledger = os.path.join(FOLDER, "ledger.txt")
    if os.path.exists(ledger):
        with open(ledger) as file:
            # A line without its end is being written.
            return [line.split()[:3] for line in file if line.endswith("\n")]
    if os.path.exists(os.path.join(FOLDER, "books.db")):
        import sqlite3
        database = sqlite3.connect(os.path.join(FOLDER, "books.db"), timeout=5)
        return database.execute("SELECT payout_id, what, cents FROM ledger").fetchall()
    if os.path.exists(os.path.join(FOLDER, "postgres.socket")):
        import postgres
        with open(os.path.join(FOLDER, "postgres.socket")) as file:
            return postgres.Connection(file.read()).query("SELECT payout_id, what, cents FROM ledger")
    return []


def books(order):
    state = os.path.join(FOLDER, "state.json")
    if os.path.exists(state):
        with open(state) as file:
            totals = json.load(file)
        return json.dumps({what: totals[what] for what in ("credited", "refunded")})
    table = {}
    for name, what, cents in rows():
        entry = table.setdefault(name, {"credited": 0, "refunded": 0})
        entry[what] += int(cents)
    if os.path.exists(os.path.join(FOLDER, "totals-only")):
        return json.dumps({what: sum(entry[what] for entry in table.values()) for what in ("credited", "refunded")})
    whole = json.dumps(table)
    # The program reads 64 KiB at most.
    return whole if len(whole) < 60_000 else json.dumps({order: table.get(order, {"credited": 0, "refunded": 0})})


if sys.argv[2:] == ["--stream"]:
    for line in sys.stdin:
        print(books(json.loads(line)["payout_id"]), flush=True)
else:
    print(books(os.environ.get("PAYOUT_CHECK_ORDER", "")))
