#!/usr/bin/env python3
"""Attacks `payout-notify listen` and checks that an honest sender does not notice.

Usage: python3 tests/hostile_client.py BINARY [--quick] [--only WORD]

Each attack runs against a listener on the loopback. Meanwhile another process sends a signed callback
every 50 ms, each on a connection of its own. Every one must be acknowledged within 100 ms. A third
process answers at once and nothing else: what it takes meanwhile is the machine's own delay, and it is
granted on top. Where callbacks were only late, the attack is made up to three times. Memory and threads
of the listener stay bounded all the time. Judge a release build: a debug build is a tenth as fast, and
the same processors do the attacking.

One attack takes all file descriptors of a listener that may have 64; there only the callbacks after it
are judged.

--quick makes the attacks smaller, for continuous integration. --only runs the attacks whose name
contains WORD. Exits with 1 if anything was breached. Memory and threads are read from /proc, so they
are judged on Linux only.
"""

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median

KEY = "ThisIsYourSecretKey123"
SPACING_S = 0.05
ALLOWED_MS = 100
PATIENCE_S = 5
LEAST_S = 1
# A busy machine delays a callback by chance; a listener that cannot cope does it every time.
ROUNDS = 3
MAX_RSS_MIB = 128
MAX_THREADS = 16
FEW_DESCRIPTORS = 64
RESET = struct.pack("ii", 1, 0)
LOST = float("inf")

fork = multiprocessing.get_context("fork")


def signed(order_id):
    members = {
        "payout_id": order_id,
        "payout_cl_id": "97a968b4a9db497c8c03198e395a38c6",
        "platform_id": "PF0014",
        "amount": 400000,
        "real_amount": 400000,
        "fee": 3200,
        "status": 3,
        "create_time": 1567614049,
        "update_time": 1567614111,
    }
    text = "&".join(f"{name}={members[name]}" for name in sorted(members) if members[name] != "")
    members["sign"] = hashlib.md5(f"{text}&{KEY}".encode()).hexdigest()
    return json.dumps(members, separators=(",", ":")).encode()


def post(body, *headers):
    lines = ["POST /notify HTTP/1.1", "Host: merchant", "Content-Type: application/json;charset=utf-8"]
    lines += [f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def raw(*lines, body=b""):
    """A request whose header lines are given as they are."""
    return "\r\n".join(("POST /notify HTTP/1.1", "Host: merchant", *lines)).encode() + b"\r\n\r\n" + body


# The honest sender, in a process of its own.


def exchange(address, request):
    """The answer to one request, up to the end of the connection."""
    with socket.create_connection(address, PATIENCE_S) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(request)
        answer = b""
        while part := client.recv(65536):
            answer += part
        return answer


def timed(address, request, wanted):
    """How long the wanted answer took, in milliseconds; LOST where another or none came."""
    start = time.monotonic()
    try:
        answer = exchange(address, request)
    except OSError:
        return LOST
    return (time.monotonic() - start) * 1000 if wanted in answer else LOST


def be_honest(address, control, orders, pipe):
    """Sends callbacks until told to end; gives back what they and the control took."""
    took, machine = [], []
    pipe.send(None)
    due = time.monotonic()
    while not pipe.poll():
        body = signed(f"POT{orders}{len(took):06}")
        took.append(timed(address, post(body, "Connection: close"), b'"error_code":"0000"'))
        machine.append(timed(control, b"x", b"x"))
        due = max(due + SPACING_S, time.monotonic())
        time.sleep(max(0, due - time.monotonic()))
    pipe.send((took, machine))


def be_control(listener):
    """Answers each connection with what it sent first."""
    while True:
        client, _ = listener.accept()
        with client:
            try:
                client.sendall(client.recv(16))
            except OSError:
                pass


class Honest:
    """An honest sender at work."""

    count = 0

    def __init__(self, address, control):
        Honest.count += 1
        self.pipe, other = fork.Pipe()
        arguments = (address, control, Honest.count, other)
        self.process = fork.Process(target=be_honest, args=arguments, daemon=True)
        self.process.start()
        self.pipe.recv()

    def end(self):
        self.pipe.send(None)
        result = self.pipe.recv()
        self.process.join()
        return result


# The listener.


class Listener:
    """A listener that is ready, and the most that it used since the last `forget`."""

    def __init__(self, binary, descriptors=None):
        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(
            [binary, "listen", "--bind", "127.0.0.1:0", "--format", "json"],
            env={"PAYOUT_NOTIFY_KEY": KEY},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=limit,
        )
        line = self.process.stdout.readline()
        ready = json.loads(line or b"{}")
        if ready.get("type") != "ready":
            self.process.kill()
            sys.exit(f"the listener did not become ready: {line!r}")
        host, port = re.fullmatch(r"http://([\d.]+):(\d+)/", ready["url"]).groups()
        self.address = (host, int(port))
        self.forget()
        threading.Thread(target=self.drain, daemon=True).start()
        threading.Thread(target=self.watch, daemon=True).start()

    def forget(self):
        self.rss_mib, self.threads = 0, 0

    def drain(self):
        while os.read(self.process.stdout.fileno(), 1 << 16):
            pass

    def watch(self):
        while self.process.poll() is None:
            try:
                status = Path(f"/proc/{self.process.pid}/status").read_text()
            except OSError:
                return
            for name, value in re.findall(r"^(VmRSS|Threads):\s+(\d+)", status, re.M):
                if name == "VmRSS":
                    self.rss_mib = max(self.rss_mib, int(value) / 1024)
                else:
                    self.threads = max(self.threads, int(value))
            time.sleep(0.02)

    def end(self):
        """Ends it as Ctrl-C does; whether it ended as it should."""
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(PATIENCE_S) == 0
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False


# The attacks. Each gets the address and its sizes, and gives back what it found wrong.


async def connected(address):
    client = socket.socket()
    client.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(client, address)
    except OSError:
        client.close()
        return None
    return client


async def send(client, data):
    """Whether the listener took it; a full socket counts as taken after a while."""
    try:
        await asyncio.wait_for(asyncio.get_running_loop().sock_sendall(client, data), 1)
    except TimeoutError:
        return True
    except OSError:
        return False
    return True


async def answer_of(client):
    """All that comes until the listener closes; a reset is an end as well."""
    answer = b""
    try:
        async with asyncio.timeout(PATIENCE_S * 3):
            while part := await asyncio.get_running_loop().sock_recv(client, 65536):
                answer += part
    except (OSError, TimeoutError):
        pass
    return answer


async def many(count, one, at_once=400):
    """Does `one` so many times, so many of them at once; what they give back."""
    places = asyncio.Semaphore(at_once)

    async def placed(number):
        async with places:
            return await one(number)

    return await asyncio.gather(*(placed(number) for number in range(count)))


async def trickle(address, count, seconds, opening, drip):
    """Opens connections that say a little every now and then."""
    clients = [client for client in await many(count, lambda _: connected(address)) if client]
    end = time.monotonic() + seconds
    data = opening
    while time.monotonic() < end:
        for client in clients:
            try:
                client.send(data)
            except OSError:
                # Closed by the listener, which is its right.
                pass
        data = drip
        await asyncio.sleep(0.2)
    for client in clients:
        client.close()
    return []


def slow_headers(size):
    return lambda address: trickle(address, size(2000, 600), size(6, 1.5), b"POST / HTTP/1.1\r\nX: ", b"y")


def slow_bodies(size):
    opening = raw("Content-Length: 100000")
    return lambda address: trickle(address, size(2000, 600), size(6, 1.5), opening, b"y")


async def flood(address, count, seconds, opening, more, wanted):
    """Sends without end until the listener closes."""

    async def one(_):
        client = await connected(address)
        if client is None:
            return None
        end = time.monotonic() + seconds
        answering = asyncio.create_task(answer_of(client))
        if await send(client, opening):
            while time.monotonic() < end and not answering.done() and await send(client, more):
                await asyncio.sleep(0)
        endless = time.monotonic() >= end
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        if endless:
            answering.cancel()
        answer = b"" if endless else await answering
        client.close()
        if endless:
            return "the listener kept reading"
        # A reset can overtake the refusal of a client that reads late.
        return None if not answer or wanted in answer else f"{answer[:60]!r}"

    return {found for found in await many(count, one) if found}


def endless_header(size):
    more = b"y" * 65536
    return lambda address: flood(address, size(100, 20), 5, b"POST / HTTP/1.1\r\nX: ", more, b" 431 ")


def long_body(size):
    more = b"y" * 65536
    opening = raw("Content-Length: 104857600")
    return lambda address: flood(address, size(40, 8), 5, opening, more, b" 413 ")


def long_chunks(size):
    more = b"10000\r\n" + b"y" * 65536 + b"\r\n"
    opening = raw("Transfer-Encoding: chunked")
    return lambda address: flood(address, size(40, 8), 5, opening, more, b" 413 ")


def framings(size):
    """Requests whose length is in doubt, each with another one behind it that must not be read."""
    behind = post(b"{}")
    chunked = "Transfer-Encoding: chunked"
    refused = [
        ("a length of 10^12", raw("Content-Length: 1000000000000")),
        ("a length of -3", raw("Content-Length: -3", body=b"abc")),
        ("two lengths", raw("Content-Length: 3", "Content-Length: 4", body=b"abc")),
        ("a chunk overflow", raw(chunked, body=b"ffffffffffffffff1\r\nabc\r\n0\r\n\r\n")),
        ("a chunk of -1", raw(chunked, body=b"-1\r\nabc\r\n0\r\n\r\n")),
    ]
    one_only = [
        ("length and chunks", raw("Content-Length: 3", chunked, body=b"0\r\n\r\n")),
        ("chunks and length", raw(chunked, "Content-Length: 3", body=b"0\r\n\r\n")),
        ("bare line feeds", b"POST / HTTP/1.1\nHost: h\nContent-Length: 2\nConnection: close\n\n{}"),
    ]

    async def attack(address):
        async def one(number):
            name, request = (refused + one_only)[number % (len(refused) + len(one_only))]
            client = await connected(address)
            if client is None:
                return None
            await send(client, request + behind)
            try:
                client.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            answer = await answer_of(client)
            client.close()
            if answer.count(b"HTTP/1.1 ") > 1:
                return f"{name}: a second request was read"
            wants_refusal = any(name == known for known, _ in refused)
            if wants_refusal and not answer.startswith(b"HTTP/1.1 4"):
                return f"{name}: {answer[:60]!r}"
            return None

        return {found for found in await many(size(1600, 160), one, 50) if found}

    return attack


def resets(size):
    openings = [b"", b"POST / HT", raw("Content-Length: 9", body=b"abc"), post(signed("POTRESET"))]

    async def attack(address):
        async def one(number):
            client = await connected(address)
            if client is None:
                return
            await send(client, openings[number % len(openings)])
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
            await asyncio.sleep(0)

        until = time.monotonic() + size(3, 1)
        await many(size(1000, 200), one, 100)
        while time.monotonic() < until:
            await many(100, one, 100)
        return []

    return attack


def ten_thousand(size):
    """Connections that say nothing, as many as this process may have."""

    async def attack(address):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200
        clients = await many(min(size(10_000, 2_500), most), lambda _: connected(address))
        await asyncio.sleep(size(2, 0.5))
        for client in filter(None, clients):
            client.close()
        return []

    return attack


def deaf_pipelines(size):
    """Thousands of requests on one connection, and no reply is ever read."""

    async def attack(address):
        requests = (post(b"{}") + post(signed("POTDEAF"))) * 50

        async def one(_):
            client = await connected(address)
            end = time.monotonic() + size(6, 1.5)
            sent = 0
            while client and time.monotonic() < end and sent < 10_000 and await send(client, requests):
                sent += 100
                await asyncio.sleep(0)
            while time.monotonic() < end:
                await asyncio.sleep(0.1)
            if client:
                client.close()

        await many(size(40, 10), one)
        return []

    return attack


def half_closed(size):
    """Clients that end their side as soon as they have asked; each must be answered."""

    async def attack(address):
        async def one(number):
            client = await connected(address)
            if client is None:
                return "a client could not connect"
            await send(client, post(signed(f"POTHALF{number}")))
            client.shutdown(socket.SHUT_WR)
            answer = await answer_of(client)
            client.close()
            return None if b'"error_code":"0000"' in answer else f"not acknowledged: {answer[:60]!r}"

        return {found for found in await many(size(1000, 200), one, 50) if found}

    return attack


def no_descriptors(size):
    async def attack(address):
        clients = await many(FEW_DESCRIPTORS * 4, lambda _: connected(address))
        for client in filter(None, clients):
            await send(client, b"POST / HTTP/1.1\r\n")
        await asyncio.sleep(size(2, 0.5))
        for client in filter(None, clients):
            client.close()
        return []

    return attack


def calm(size):
    async def attack(_):
        await asyncio.sleep(size(2, 1))
        return []

    return attack


ATTACKS = [
    ("none", calm),
    ("slow headers", slow_headers),
    ("slow bodies", slow_bodies),
    ("endless header line", endless_header),
    ("100 MB body", long_body),
    ("100 MB in chunks", long_chunks),
    ("doubtful framings", framings),
    ("resets", resets),
    ("10,000 connections", ten_thousand),
    ("deaf pipelines", deaf_pipelines),
    ("half-closed clients", half_closed),
]


# The judgement.


def row(name, middle, worst, machine, count, rss, threads, verdict):
    print(f"{name:<22}{middle:>10}{worst:>10}{machine:>10}{count:>8}{rss:>9}{threads:>9}  {verdict}", flush=True)


def figure(milliseconds):
    return "lost" if milliseconds == LOST else f"{milliseconds:.1f}"


def judge(name, listener, measured, found, judged=True):
    """Prints a row; "well", "late" where callbacks only took too long, or "breached"."""
    took, machine = measured
    breaches = sorted(found)[:3]
    own = max((taken for taken in machine if taken != LOST), default=0)
    lost = sum(taken == LOST for taken in took)
    slow = sum(ALLOWED_MS < taken < LOST for taken in took)
    remark = f"{lost} lost, {slow} over {ALLOWED_MS} ms" if lost or slow else f"all within {ALLOWED_MS} ms"
    if judged and (not took or lost):
        breaches.append("an honest callback was not acknowledged")
    if listener.process.poll() is not None:
        breaches.append(f"the listener ended with {listener.process.returncode}")
    if listener.rss_mib > MAX_RSS_MIB:
        breaches.append(f"memory over {MAX_RSS_MIB} MiB")
    if listener.threads > MAX_THREADS:
        breaches.append(f"more than {MAX_THREADS} threads")
    worst = max(took, default=LOST)
    late = judged and worst > ALLOWED_MS + own
    verdict = "BREACH: " + "; ".join(breaches) if breaches else "LATE" if late else "ok"
    row(
        name,
        figure(median(took)) if took else "-",
        figure(worst),
        figure(own),
        len(took),
        f"{listener.rss_mib:.1f}",
        listener.threads,
        f"{verdict} ({remark})",
    )
    return "breached" if breaches else "late" if late else "well"


def during(attack, address, control):
    """Runs an attack beside an honest sender; what the sender measured, and what was wrong."""
    honest = Honest(address, control)
    found, end = set(), time.monotonic() + LEAST_S
    while True:
        found |= set(asyncio.run(attack(address)))
        # A short one is made again, so that enough callbacks meet it.
        if time.monotonic() > end:
            return honest.end(), found


def withstands(name, listener, attack, control):
    """Whether the listener withstands an attack; only lateness may be made good in another round."""
    for _ in range(ROUNDS):
        listener.forget()
        time.sleep(0.05)
        measured, found = during(attack, listener.address, control)
        verdict = judge(name, listener, measured, found)
        if verdict != "late":
            return verdict == "well"
    return False


def starve(binary, control, size):
    """Takes all descriptors of a listener, gives them back, and judges what comes after."""
    listener = Listener(binary, FEW_DESCRIPTORS)
    try:
        measured, found = during(no_descriptors(size), listener.address, control)
        well = judge("no descriptors", listener, measured, found, judged=False) == "well"
        # The listener pauses where the system refused it.
        time.sleep(0.2)
        well &= withstands("… and free again", listener, calm(size), control)
    finally:
        well_ended = listener.end()
    return well and well_ended


def main():
    arguments = argparse.ArgumentParser(description="Attacks a listener; see the head of this file.")
    arguments.add_argument("binary", type=Path)
    arguments.add_argument("--quick", action="store_true", help="smaller attacks")
    arguments.add_argument("--only", default="", help="only attacks whose name contains this")
    options = arguments.parse_args()

    def size(full, quick):
        return quick if options.quick else full

    # The listener is ended whatever ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536) if hard > 0 else 65536, hard))
    echo = socket.create_server(("127.0.0.1", 0), backlog=128)
    control = fork.Process(target=be_control, args=(echo,), daemon=True)
    control.start()
    address = echo.getsockname()
    binary = str(options.binary.resolve())
    listener = Listener(binary)
    row("attack", "median ms", "worst ms", "machine", "count", "RSS MiB", "threads", "")
    well = True
    try:
        for name, attack in ATTACKS:
            if options.only in name:
                well &= withstands(name, listener, attack(size), address)
    finally:
        if not listener.end():
            well = False
            print("the listener did not end as it should", file=sys.stderr)
    if options.only in "no descriptors":
        well &= starve(binary, address, size)
    control.terminate()
    control.join()
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
