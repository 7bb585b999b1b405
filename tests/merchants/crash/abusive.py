"""A merchant that books correctly and misbehaves as a process: abusive.py MODE PORT FOLDER

`--list` prints the modes, each with the exit codes that are right for a program that starts it.
"""
import os, signal, subprocess, sys, threading, time

from endpoint import ACKNOWLEDGED, Server, Handler, append, lines, serve, start_thread

MODES = {
    "exits-at-once": "4",
    "hangs-before-it-listens": "4",
    "stops-itself": "4",
    "takes-another-port": "4",
    "dies-after-it-listened": "1 4",
    "dies-after-some": "1",
    "hangs-after-some": "1",
    "closes-its-port": "1",
    "becomes-a-daemon": "0 4",
    "parent-ends": "0 4",
    "ignores-sigterm": "0",
    "leaves-children": "0",
    "leaves-a-session": "0",
    "floods-lines": "0",
    "floods-one-line": "0",
    "listens-late": "0",
    "reply-without-end": "1",
    "reply-byte-by-byte": "1",
}
if sys.argv[1:] == ["--list"]:
    print("\n".join(f"{name}\t{codes}" for name, codes in MODES.items()))
    sys.exit()
MODE, PORT, FOLDER = sys.argv[1:]
LEDGER, LOCK, COUNT = os.path.join(FOLDER, "ledger.txt"), threading.Lock(), [0]
os.makedirs(FOLDER, exist_ok=True)
SEEN = {line[0] for line in lines(LEDGER)}


def answer(n):
    COUNT[0] += 1
    if COUNT[0] > 5:
        if MODE == "dies-after-some":
            sys.stderr.write("out of memory, more or less\n")
            os._exit(3)
        if MODE == "hangs-after-some":
            time.sleep(3600)
        if MODE == "closes-its-port":
            SERVERS[0].socket.close()
            time.sleep(3600)
    with LOCK:
        if n.what and n.order not in SEEN:
            append(LEDGER, f"{n.order} {n.what} {n.cents}")
            SEEN.add(n.order)
    return ACKNOWLEDGED


def flood(text):
    while True:
        os.write(1, text)
        os.write(2, text)


def reply(handler, status, code):
    """In the place of the reply of every other merchant."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        handler.wfile.write(b" " * 65536 if MODE == "reply-without-end" else b" ")
        if MODE == "reply-byte-by-byte":
            time.sleep(0.5)


def fork(is_daemon):
    if os.fork():
        os._exit(0)
    if is_daemon:
        os.setsid()
        if os.fork():
            os._exit(0)


SERVERS = []
bind = Server.server_bind
Server.server_bind = lambda self: (SERVERS.append(self), bind(self))
if MODE == "exits-at-once":
    sys.exit("no database at 127.0.0.1:5432")
if MODE == "hangs-before-it-listens":
    print("migrating the database", flush=True)
    time.sleep(3600)
if MODE == "stops-itself":
    os.kill(os.getpid(), signal.SIGSTOP)
if MODE == "takes-another-port":
    PORT = 0
if MODE == "listens-late":
    time.sleep(4)
if MODE == "dies-after-it-listened":
    threading.Timer(0.2, os._exit, (3,)).start()
if MODE in ("becomes-a-daemon", "parent-ends"):
    fork(MODE == "becomes-a-daemon")
if MODE == "ignores-sigterm":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
if MODE in ("leaves-children", "leaves-a-session"):
    for _ in range(3):
        subprocess.Popen(["sleep", "3600"], start_new_session=MODE == "leaves-a-session")
if MODE.startswith("floods"):
    start_thread(flood, b"x" * 65535 + (b"\n" if MODE == "floods-lines" else b"x"))
if MODE.startswith("reply"):
    Handler.reply = reply
serve(PORT, answer)
