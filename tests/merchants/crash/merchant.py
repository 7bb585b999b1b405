"""A merchant that keeps an append-only ledger, with one chosen flaw: merchant.py MODE PORT FOLDER

Without a flaw (`right`) it writes the booking to the disk before it acknowledges, and reads at its start
what is booked. FOLDER/ledger.txt is what was booked, as "payout_id credited|refunded cents"; observe.py shows
it. `--list` prints the modes, each with the report or the text that describes the flaw.
"""
import collections, contextlib, hashlib, json, os, queue, signal, sys, threading, time

from endpoint import ACKNOWLEDGED, BAD_SIGNATURE, BUSY, TOO_LATE, append, lines, serve, start_thread

MODES = {}
LOCK = threading.Lock()
# Seconds that a call to a database or a wallet takes.
CALL = 0.02


def mode(source, start=None, **serving):
    def add(function):
        MODES[function.__name__.replace("_", "-")] = (function, source, start, serving)
        return function
    return add


def path(name):
    return os.path.join(sys.argv[3], name)


def call():
    time.sleep(CALL)


def write(order, what, cents):
    append(path("ledger.txt"), f"{order} {what} {cents}")


class Seen(set):
    """The orders that were dealt with, in a file of their own."""

    def load(self, name="seen.txt"):
        self.update(line[0] for line in lines(path(name)))

    def record(self, order, name="seen.txt"):
        append(path(name), order)
        self.add(order)


SEEN = Seen()


def book(n):
    """Books in the ledger, which is also the record of what was dealt with."""
    write(n.order, n.what, n.cents)
    SEEN.add(n.order)


def load_ledger():
    SEEN.load("ledger.txt")


def load_record():
    SEEN.load()


@mode("-", load_ledger)
def right(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            call()
            book(n)
    return ACKNOWLEDGED


# What is lost by a kill.

@mode("opencode#28402; Kleppmann, Designing Data-Intensive Applications, chapter 11")
def memory_dedupe(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            call()
            book(n)
    return ACKNOWLEDGED


@mode("Hohpe and Woolf, Enterprise Integration Patterns, Guaranteed Delivery", load_ledger)
def acknowledges_before_commit(n):
    def commit():
        call()
        with LOCK:
            if n.order not in SEEN:
                book(n)
    return (ACKNOWLEDGED, commit) if n.what else ACKNOWLEDGED


@mode("pollinations#10621: the worker dies after the write and before the reply", load_record)
def effect_before_record(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            write(n.order, n.what, n.cents)
            call()
            SEEN.record(n.order)
    return ACKNOWLEDGED


@mode("microservices.io, Idempotent Consumer: the record is not in the transaction that books", load_record)
def record_before_effect(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            SEEN.record(n.order)
            call()
            write(n.order, n.what, n.cents)
    return ACKNOWLEDGED


BUFFER = []


def flush_now_and_then():
    load_ledger()

    def flush():
        while True:
            time.sleep(0.5)
            with LOCK:
                for booking in BUFFER:
                    write(*booking)
                BUFFER.clear()
    start_thread(flush)


@mode("Redis persistence: appendfsync everysec loses a second of writes", flush_now_and_then)
def unflushed_buffer(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            SEEN.add(n.order)
            BUFFER.append((n.order, n.what, n.cents))
    return ACKNOWLEDGED


QUEUE = queue.Queue()


def work():
    while True:
        n = QUEUE.get()
        call()
        write(n.order, n.what, n.cents)


def start_worker():
    load_record()
    start_thread(work)


@mode("nextcloud/mail#13421: the second half of the work is lost", start_worker)
def outbox_in_memory(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            SEEN.record(n.order)
            QUEUE.put(n)
    return ACKNOWLEDGED


def start_outbox():
    """The worker hears of new rows only: what an earlier process left stays where it is."""
    SEEN.load("outbox.txt")

    def drain():
        while True:
            order, what, cents = QUEUE.get()
            call()
            write(order, what, cents)
            append(path("sent.txt"), order)
    start_thread(drain)


@mode("wolverine#565: messages of the outbox are not dispatched after a crash", start_outbox)
def outbox_never_drained(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            append(path("outbox.txt"), f"{n.order} {n.what} {n.cents}")
            SEEN.add(n.order)
            QUEUE.put((n.order, n.what, n.cents))
    return ACKNOWLEDGED


@mode("express-idempotency#32: a crash leaves the key in progress", load_ledger)
def lock_file_left(n):
    if not n.what or n.order in SEEN:
        return ACKNOWLEDGED
    lock = path(f"{n.order}.lock")
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return BUSY
    if n.order not in SEEN:
        call()
        book(n)
    os.unlink(lock)
    return ACKNOWLEDGED


def recover_started():
    """Completes what an earlier process started; the locks were in its memory."""
    load_ledger()
    started = {line[0]: line for line in lines(path("started.txt")) if line[0] not in SEEN}

    def recover():
        time.sleep(0.7)
        for order, what, cents in started.values():
            write(order, what, cents)
            SEEN.add(order)
    start_thread(recover)


@mode("term-llm#733: the recovery runs started work again, beside the retry", recover_started)
def lock_lost_on_restart(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            append(path("started.txt"), f"{n.order} {n.what} {n.cents}")
            call()
            book(n)
    return ACKNOWLEDGED


def start_at_least_once():
    """Runs again what was not marked as done; a booking is not looked for."""
    SEEN.load("queue.txt")
    done = {line[0] for line in lines(path("done.txt"))}
    for line in lines(path("queue.txt")):
        if line[0] not in done:
            QUEUE.put(line)

    def run():
        while True:
            order, what, cents = QUEUE.get()
            write(order, what, cents)
            call()
            append(path("done.txt"), order)
    start_thread(run)


@mode("bullmq#439: a job of a worker that died runs again", start_at_least_once)
def worker_at_least_once(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            append(path("queue.txt"), f"{n.order} {n.what} {n.cents}")
            SEEN.add(n.order)
            QUEUE.put((n.order, n.what, n.cents))
    return ACKNOWLEDGED


def refund_again():
    done = {line[0] for line in lines(path("done.txt"))}
    for order, cents in {line[0]: line[1] for line in lines(path("refunding.txt")) if line[0] not in done}.items():
        write(order, "refunded", cents)
        append(path("done.txt"), order)
    load_ledger()


@mode("actor-ts#984: a partly applied handler is run again", refund_again)
def refund_again_at_start(n):
    with LOCK:
        if not n.what or n.order in SEEN:
            return ACKNOWLEDGED
        if n.what == "credited":
            book(n)
            return ACKNOWLEDGED
        append(path("refunding.txt"), f"{n.order} {n.cents}")
        book(n)
        call()
        append(path("done.txt"), n.order)
    return ACKNOWLEDGED


def drop_the_last_line():
    """Takes the last line for torn without looking."""
    kept = lines(path("ledger.txt"))[:-1]
    with open(path("ledger.txt.new"), "w") as file:
        file.writelines(" ".join(line) + "\n" for line in kept)
    os.replace(path("ledger.txt.new"), path("ledger.txt"))
    load_ledger()


@mode("Pillai et al., All File Systems Are Not Created Equal (OSDI 2014): recovery of a log", drop_the_last_line)
def recovery_drops_last(n):
    return right(n)


def load_or_die():
    with open(path("ledger.txt"), "a+") as file:
        file.seek(0)
        for line in file:
            order, _, cents = line.split(" ")
            int(cents)
            SEEN.add(order)


@mode("xyops#433: a torn record ends every start", load_or_die)
def torn_record(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            with open(path("ledger.txt"), "a") as file:
                file.write(f"{n.order} {n.what} ")
                file.flush()
                call()
                file.write(f"{n.cents}\n")
            SEEN.add(n.order)
    return ACKNOWLEDGED


def hold_pid_file():
    load_ledger()
    if os.path.exists(path("merchant.pid")):
        sys.exit(f"already running: {path('merchant.pid')} exists")
    append(path("merchant.pid"), os.getpid())

    def stop(*_):
        os.unlink(path("merchant.pid"))
        os._exit(0)
    signal.signal(signal.SIGTERM, stop)


@mode("rethinkdb#36, dynamic-dynamodb#212: it refuses to start where a pid file is left", hold_pid_file)
def stale_pid_file(n):
    return right(n)


STOPPING = threading.Event()


def stop_at_once():
    load_ledger()

    def stop(*_):
        STOPPING.set()
        threading.Timer(0.1, os._exit, (0,)).start()
    signal.signal(signal.SIGTERM, stop)


@mode("Twelve-Factor App, IX. Disposability: a stopped worker must return its job", stop_at_once)
def sigterm_acknowledges(n):
    if not n.what or n.order in SEEN or STOPPING.wait(CALL):
        return ACKNOWLEDGED
    with LOCK:
        if n.order not in SEEN:
            book(n)
    return ACKNOWLEDGED


def keep_a_snapshot():
    """The ledger is replaced as a whole, now and then; the record of orders is written at once."""
    load_record()
    BUFFER.extend(lines(path("ledger.txt")))

    def save():
        while True:
            time.sleep(0.5)
            with LOCK, open(path("ledger.txt.new"), "w") as file:
                file.writelines(" ".join(booking) + "\n" for booking in BUFFER)
            os.replace(path("ledger.txt.new"), path("ledger.txt"))
    start_thread(save)


@mode("Pillai et al. (OSDI 2014): two files that are not replaced together", keep_a_snapshot)
def two_files(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            SEEN.record(n.order)
            BUFFER.append((n.order, n.what, str(n.cents)))
    return ACKNOWLEDGED


LEASES = {}


@mode("Kleppmann, How to do distributed locking: a lease ends while its holder is paused", load_ledger)
def lease_expires(n):
    if not n.what or n.order in SEEN:
        return ACKNOWLEDGED
    with LOCK:
        if LEASES.get(n.order, 0) > time.time():
            return BUSY
        LEASES[n.order] = time.time() + 0.3
    for _ in range(10):
        call()
    book(n)
    return ACKNOWLEDGED


def load_from_the_start():
    """Consumes the log of notifications; how far it came is in memory."""
    SEEN.load("log.txt")

    def consume():
        for line in lines(path("log.txt")):
            write(*line)
        while True:
            write(*QUEUE.get())
    start_thread(consume)


@mode("Kreps et al., Kafka: a consumer that does not commit its offset reads the log again", load_from_the_start)
def offset_in_memory(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            append(path("log.txt"), f"{n.order} {n.what} {n.cents}")
            SEEN.add(n.order)
            QUEUE.put((n.order, n.what, n.cents))
    return ACKNOWLEDGED


@mode("PostgreSQL, commit_delay and group commit: the reply must wait for the group", load_ledger)
def batch_of_three(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            SEEN.add(n.order)
            BUFFER.append((n.order, n.what, n.cents))
            if len(BUFFER) == 1:
                threading.Timer(1, write_batch).start()
            if len(BUFFER) == 3:
                write_buffer()
    return ACKNOWLEDGED


def write_batch():
    with LOCK:
        write_buffer()


def write_buffer():
    for booking in BUFFER:
        write(*booking)
    BUFFER.clear()


@mode("Pillai et al. (OSDI 2014): the error of a full disk is ignored; needs --disk", load_ledger)
def swallows_write_errors(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            SEEN.add(n.order)
            kept = lines(path("ledger.txt")) + [[n.order, n.what, str(n.cents)]]
            with contextlib.suppress(OSError):
                with open(path("ledger.txt.new"), "w") as file:
                    file.writelines(" ".join(line) + "\n" for line in kept)
                os.replace(path("ledger.txt.new"), path("ledger.txt"))
    return ACKNOWLEDGED


# Races.

@mode("gunicorn, worker processes: memory is not shared between workers", load_ledger, workers=2)
def memory_of_each_worker(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            book(n)
    return ACKNOWLEDGED



@mode("The-Leetcode-City#361; CWE-367: check, then act", load_ledger)
def check_then_act(n):
    if n.what and n.order not in SEEN:
        call()
        book(n)
    return ACKNOWLEDGED


@mode("laravel-cashier-mollie#321: two statuses at once", load_ledger)
def refund_and_credit_race(n):
    if not n.what or n.order in SEEN:
        return ACKNOWLEDGED
    with LOCK:
        if (n.order, n.status) in LEASES:
            return BUSY
        LEASES[n.order, n.status] = True
    call()
    book(n)
    return ACKNOWLEDGED


STATE = {"orders": [], "credited": 0, "refunded": 0}


def load_state():
    if os.path.exists(path("state.json")):
        with open(path("state.json")) as file:
            STATE.update(json.load(file))
    SEEN.update(STATE["orders"])


@mode("Kleppmann, Designing Data-Intensive Applications, chapter 7: lost update", load_state)
def lost_update(n):
    with LOCK:
        if not n.what or n.order in STATE["orders"]:
            return ACKNOWLEDGED
        if n.order in SEEN:
            return BUSY
        SEEN.add(n.order)
        total = STATE[n.what]
    call()
    with LOCK:
        STATE[n.what] = total + n.cents
        STATE["orders"].append(n.order)
        with open(path("state.json.new"), "w") as file:
            json.dump(STATE, file)
        os.replace(path("state.json.new"), path("state.json"))
    return ACKNOWLEDGED


# Order, statuses and what is known of an order.

BOOKED = {}


def load_last():
    for order, what, cents in lines(path("ledger.txt")):
        if int(cents) > 0:
            BOOKED[order] = what


@mode("nearmerch.com#209, mollie/WooCommerce#1252: a late status replaces a final one", load_last)
def last_write_wins(n):
    with LOCK:
        before = BOOKED.get(n.order)
        if n.what and before != n.what:
            undone = f"{n.order} {before} {-n.cents}\n" if before else ""
            append(path("ledger.txt"), f"{undone}{n.order} {n.what} {n.cents}")
            BOOKED[n.order] = n.what
    return ACKNOWLEDGED


def load_statuses():
    for order, what, _, status in lines(path("ledger.txt")):
        BOOKED[order] = what
        SEEN.add((order, status))


@mode("chioma#1443: cancelled and failed are refunded each", load_statuses)
def refunds_each_status(n):
    with LOCK:
        if n.what and (n.order, n.status) not in SEEN and BOOKED.get(n.order, n.what) == n.what:
            BOOKED[n.order] = n.what
            SEEN.add((n.order, n.status))
            write(n.order, n.what, f"{n.cents} {n.status}")
    return ACKNOWLEDGED


REOPENED = set()


@mode("vendas-bot#80: a late \"processing\" opens the order again", load_ledger)
def reopened_by_processing(n):
    with LOCK:
        if not n.what and n.order in SEEN:
            REOPENED.add(n.order)
        if n.what and (n.order not in SEEN or n.order in REOPENED):
            REOPENED.discard(n.order)
            book(n)
    return ACKNOWLEDGED


@mode("themeum/tutor#2360: a failed attempt is not final, and the order is paid as well", load_last)
def cancelled_is_not_final(n):
    with LOCK:
        if n.what and (n.order not in BOOKED or BOOKED[n.order] == "refunded" and n.what == "credited"):
            BOOKED[n.order] = n.what
            write(n.order, n.what, n.cents)
    return ACKNOWLEDGED


@mode("sidekiq, dead set: what failed too often is given up, and nobody is told", load_ledger)
def attempts_run_out(n):
    with LOCK:
        if not n.what or n.order in SEEN:
            return ACKNOWLEDGED
        if [n.order] in lines(path("attempts.txt")):
            return TOO_LATE
        append(path("attempts.txt"), n.order)
        call()
        book(n)
    return ACKNOWLEDGED


AMOUNTS = {}


@mode("OWASP, Business Logic: what was written before the signature was verified is booked", load_ledger, takes_unsigned=True)
def forged_amount_is_kept(n):
    with LOCK:
        cents = AMOUNTS.setdefault(n.order, n.cents)
        if n.is_signed and n.what and n.order not in SEEN:
            SEEN.add(n.order)
            write(n.order, n.what, cents)
    return ACKNOWLEDGED if n.is_signed else BAD_SIGNATURE


UNBOOKED = {}


@mode("RFC 2308 in the small: a cached \"not there\" outlives what it was true for", load_ledger)
def negative_cache(n):
    with LOCK:
        if not n.what:
            if n.order not in SEEN:
                UNBOOKED[n.order] = time.time() + 5
        elif n.order not in SEEN or UNBOOKED.get(n.order, 0) > time.time():
            call()
            book(n)
    return ACKNOWLEDGED


LATEST = {}


@mode("webhooks.fyi, replay prevention: by a time that must not go back", load_ledger)
def time_must_not_go_back(n):
    with LOCK:
        if n.order in SEEN:
            return ACKNOWLEDGED
        if n.update_time < LATEST.get("any", 0):
            return TOO_LATE
        LATEST["any"] = n.update_time
        if n.what:
            call()
            book(n)
    return ACKNOWLEDGED


def load_recent():
    for line in lines(path("ledger.txt"))[-8:]:
        RECENT[line[0]] = True


RECENT = collections.OrderedDict()


@mode("webhooks.fyi#52: ids are kept in a cache of bounded size", load_recent)
def bounded_dedupe(n):
    with LOCK:
        if n.what and n.order not in RECENT:
            write(n.order, n.what, n.cents)
            RECENT[n.order] = True
            while len(RECENT) > 8:
                RECENT.popitem(last=False)
    return ACKNOWLEDGED


def load_expiring():
    load_ledger()
    LATEST.update(dict.fromkeys(SEEN, time.time()))


@mode("NumnaRoad#95: keys expire while the platform still retries", load_expiring)
def expiring_dedupe(n):
    with LOCK:
        if n.what and LATEST.get(n.order, 0) < time.time() - 1:
            LATEST[n.order] = time.time()
            call()
            book(n)
    return ACKNOWLEDGED


def load_both():
    load_ledger()
    load_record()


@mode("Hi.Events#598: the first notification of an order decides, whatever its status", load_both)
def first_sight_is_final(n):
    with LOCK:
        if n.order not in SEEN:
            book(n) if n.what else SEEN.record(n.order)
    return ACKNOWLEDGED


@mode("postal#1028: an order that is being processed stays locked", load_ledger)
def processing_blocks_final(n):
    with LOCK:
        if n.order in SEEN:
            return ACKNOWLEDGED
        if not n.what:
            append(path("processing.txt"), n.order)
            return ACKNOWLEDGED
        if [n.order] in lines(path("processing.txt")):
            return BUSY
        call()
        book(n)
    return ACKNOWLEDGED


def load_digests():
    SEEN.update(line[3] for line in lines(path("ledger.txt")))


@mode("shopper#582: the key is not the id of what moves money", load_digests)
def body_digest(n):
    digest = hashlib.sha256(n.body).hexdigest()
    with LOCK:
        if n.what and digest not in SEEN:
            SEEN.add(digest)
            write(n.order, n.what, f"{n.cents} {digest}")
    return ACKNOWLEDGED


@mode("autumn#1851: a retry is answered with a conflict for ever", load_ledger)
def duplicates_are_errors(n):
    with LOCK:
        if not n.what:
            return ACKNOWLEDGED
        if n.order in SEEN:
            return TOO_LATE
        call()
        book(n)
    return ACKNOWLEDGED


@mode("OWASP, Business Logic: state changes before authentication", load_both, takes_unsigned=True)
def forgery_is_remembered(n):
    with LOCK:
        if n.what and n.order not in SEEN:
            book(n) if n.is_signed else SEEN.record(n.order)
    return ACKNOWLEDGED if n.is_signed else BAD_SIGNATURE


if sys.argv[1:] == ["--list"]:
    print("\n".join(f"{name}\t{source}" for name, (_, source, *_) in MODES.items()))
    sys.exit()
if sys.argv[1] not in MODES:
    sys.exit(f"no mode is called {sys.argv[1]}; --list prints them")
answer, _, start, serving = MODES[sys.argv[1]]
os.makedirs(sys.argv[3], exist_ok=True)
if start:
    start()
serve(sys.argv[2], answer, **serving)
