"""Merchants without a flaw, each kept by another means: sound.py MODE PORT FOLDER

sqlite          one transaction with a unique key
credits-only, refunds-only    the same, where only one of the statuses moves money
outbox          the order and what is to be booked in one transaction; a worker books within 300 ms, in another
busy            an order that is in work answers "try again"; the lock is in memory, the record on the disk
graceful        at SIGTERM it takes nothing new, completes what it has, and ends
slow-start      takes connections a second after its start
refuses-late    answers a contradiction after a final status with an error code, and changes nothing
totals          the same, where the observer shows the totals of all orders only
known-orders    refuses orders that are not in FOLDER/orders.txt with their amount ("payout_id cents" per line)
postgres        a unique key in PostgreSQL; FOLDER/postgres.socket names the socket of a server with the table
"""
import os, signal, sqlite3, sys, threading, time

from endpoint import ACKNOWLEDGED, BUSY, NOT_KNOWN, TOO_LATE, lines, serve, start_thread

MODE, PORT, FOLDER = sys.argv[1:]
LOCK = threading.Lock()
TABLES = """
CREATE TABLE IF NOT EXISTS ledger (payout_id TEXT PRIMARY KEY, what TEXT NOT NULL, cents INTEGER NOT NULL, status TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (payout_id TEXT PRIMARY KEY, what TEXT NOT NULL, cents INTEGER NOT NULL, status TEXT NOT NULL, is_sent INTEGER NOT NULL DEFAULT 0);
"""


def connect():
    database = sqlite3.connect(os.path.join(FOLDER, "books.db"), isolation_level=None, check_same_thread=False, timeout=5)
    database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + TABLES)
    return database


def insert(database, table, n):
    """Whether the order was not there yet; the unique key decides."""
    values = (n.order, n.what, n.cents, n.status)
    return database.execute(f"INSERT OR IGNORE INTO {table} (payout_id, what, cents, status) VALUES (?, ?, ?, ?)", values).rowcount


def sqlite(n):
    left_out = {"credits-only": "refunded", "refunds-only": "credited"}.get(MODE)
    if n.what == left_out:
        n.cents = 0
    with LOCK:
        if n.what and not insert(DATABASE, "ledger", n) and MODE == "refuses-late":
            booked, = DATABASE.execute("SELECT status FROM ledger WHERE payout_id = ?", (n.order,)).fetchone()
            return ACKNOWLEDGED if booked == n.status else TOO_LATE
    return ACKNOWLEDGED


def known_orders(n):
    if [n.order, str(n.cents)] not in lines(os.path.join(FOLDER, "orders.txt")):
        return NOT_KNOWN
    return sqlite(n)


def outbox(n):
    with LOCK:
        if n.what and insert(DATABASE, "outbox", n):
            ARRIVED.set()
    return ACKNOWLEDGED


def drain():
    """Books what is in the outbox; after a kill it finds there what was left."""
    while True:
        with LOCK:
            rows = DATABASE.execute("SELECT payout_id FROM outbox WHERE NOT is_sent").fetchall()
        if rows:
            time.sleep(0.02)
            with LOCK:
                DATABASE.execute("BEGIN IMMEDIATE")
                DATABASE.executemany("INSERT INTO ledger SELECT payout_id, what, cents, status FROM outbox WHERE payout_id = ?", rows)
                DATABASE.executemany("UPDATE outbox SET is_sent = 1 WHERE payout_id = ?", rows)
                DATABASE.execute("COMMIT")
        ARRIVED.wait(0.2)
        ARRIVED.clear()


ARRIVED, IN_WORK, STOPPING = threading.Event(), set(), threading.Event()


def busy(n):
    with LOCK:
        if n.order in IN_WORK:
            return BUSY
        IN_WORK.add(n.order)
    try:
        time.sleep(0.03)
        return sqlite(n)
    finally:
        IN_WORK.discard(n.order)


def graceful(n):
    if STOPPING.is_set():
        return BUSY
    IN_WORK.add(n)
    time.sleep(0.03)
    try:
        return sqlite(n)
    finally:
        IN_WORK.discard(n)


def stop(*_):
    STOPPING.set()
    start_thread(leave)


def leave():
    while IN_WORK:
        time.sleep(0.01)
    time.sleep(0.05)
    os._exit(0)


def in_postgres(n):
    if n.what:
        with LOCK:
            DATABASE.query("INSERT INTO ledger VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", n.order, n.what, n.cents)
    return ACKNOWLEDGED


if MODE == "postgres":
    import postgres
    with open(os.path.join(FOLDER, "postgres.socket")) as file:
        DATABASE = postgres.Connection(file.read())
else:
    os.makedirs(FOLDER, exist_ok=True)
    DATABASE = connect()
if MODE == "totals":
    open(os.path.join(FOLDER, "totals-only"), "w").close()
if MODE == "outbox":
    start_thread(drain)
if MODE == "graceful":
    signal.signal(signal.SIGTERM, stop)
if MODE == "slow-start":
    time.sleep(1)
ANSWERS = {"outbox": outbox, "busy": busy, "graceful": graceful, "known-orders": known_orders, "postgres": in_postgres}
serve(PORT, ANSWERS.get(MODE, sqlite))
