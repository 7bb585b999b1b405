#!/usr/bin/env python3
"""`listen --tunnel` through a real ssh client and a local sshd.

    tests/tunnel.py [PROGRAM]

Needs OpenSSH (ssh, sshd, ssh-keygen). sshd runs on a free loopback port with keys made for this run in a temporary folder; nothing leaves the
machine. Three listeners: one whose public URL is given with --tunnel-url, since ssh prints none, and two whose client is a script that prints what
cloudflared and ngrok print, with the local URL in the place of theirs, and has ssh as its child. Each must get 1,000 of 1,000 callbacks through the
tunnel, verified and kept, and leave no process behind when it ends. Then a client is killed: the listener must end with an error. cloudflared and
ngrok themselves are not run: they need accounts or servers outside.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "payout-notify"
COUNT = 1000
ENVIRONMENT = {**os.environ, "PAYOUT_NOTIFY_KEY": "ThisIsYourSecretKey123"}
MARK = b"PAYOUT_NOTIFY_TUNNEL="
CLOUDFLARED = """2026-11-30T08:15:00Z INF Thank you for trying Cloudflare Tunnel. Doing so, without a Cloudflare account, is a quick way to experiment. \
(https://developers.cloudflare.com/cloudflare-one/connections/connect-apps)
2026-11-30T08:15:00Z INF Requesting new quick Tunnel on trycloudflare.com...
2026-11-30T08:15:03Z INF +--------------------------------------------------------------------------------------------+
2026-11-30T08:15:03Z INF |  Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):  |
2026-11-30T08:15:03Z INF |  URL                                                                                       |
2026-11-30T08:15:03Z INF +--------------------------------------------------------------------------------------------+
"""
NGROK = """t=2026-11-30T08:15:00+0000 lvl=info msg="no configuration paths supplied"
t=2026-11-30T08:15:00+0000 lvl=info msg="starting web service" obj=web addr=127.0.0.1:4040 allow_hosts=[]
t=2026-11-30T08:15:01+0000 lvl=info msg="started tunnel" obj=tunnels name=command_line addr=http://localhost:PORT url=URL
"""
failures = []


def check(is_right, what):
    print("ok    " if is_right else "failed", what, flush=True)
    if not is_right:
        failures.append(what)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def is_open(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def left(folder):
    """The processes of a tunnel: those with the mark in their environment, or with this folder's keys among their words."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            environment, words = (process / "environ").read_bytes(), (process / "cmdline").read_bytes()
        except OSError:
            continue
        is_client = str(folder).encode() + b"/user" in words and b"payout-notify" not in words.split(b"\0")[0]
        if MARK in environment or is_client:
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


class Sshd:
    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        shutil.copy(folder / "user.pub", folder / "authorized")
        (folder / "authorized").chmod(0o600)
        (folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/pid\nAuthorizedKeysFile {folder}/authorized\n"
            "StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nAllowTcpForwarding yes\n"
        )
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        program = shutil.which("sshd") or "/usr/sbin/sshd"
        self.process = subprocess.Popen([program, "-D", "-f", folder / "sshd_config", "-E", folder / "log"])
        if not wait_until(lambda: is_open(self.port)):
            sys.exit("sshd did not start: " + (folder / "log").read_text())

    def client(self, public):
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        return (
            f"ssh -N -F none -i {self.folder}/user -p {self.port} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes "
            f"-o ExitOnForwardFailure=yes -o LogLevel=ERROR -R 127.0.0.1:{public}:127.0.0.1:{{port}} {user}@127.0.0.1"
        )

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=10)


def printing(folder, name, recorded, ssh, public):
    """A client that prints this and has ssh as its child."""
    path = folder / name
    lines = recorded.replace("URL ", f"http://127.0.0.1:{public} ").replace("url=URL", f"url=http://127.0.0.1:{public}")
    lines = lines.replace("localhost:PORT", "localhost:$1")
    command = ssh.replace("{port}", "$1")
    path.write_text(f"#!/bin/sh\n{command} &\ncat >&2 <<END\n{lines}END\nwait\n")
    path.chmod(0o755)
    return f"{path} {{port}}"


def listen(inbox, *more):
    words = [PROGRAM, "listen", "--bind", "127.0.0.1:0", "--inbox", str(inbox), "--format", "json", "--quiet", *more]
    process = subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())


def a_thousand(folder, name, client, public, more, ending):
    inbox = folder / f"{name}.db"
    process, ready = listen(inbox, "--tunnel", client, *more)
    url = ready.get("tunnel_url")
    check(url == f"http://127.0.0.1:{public}", f"{name}: the public URL is {url}")
    words = [PROGRAM, "simulate", f"http://127.0.0.1:{public}/notify", "--count", str(COUNT), "--concurrency", "8", "--retries", "0", "--format", "json"]
    sent = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    check(sent.returncode == 0, f"{name}: simulate acknowledged all of {COUNT} {sent.stderr[-200:]}")
    words = [PROGRAM, "inbox", "list", "--inbox", str(inbox), "--limit", str(2 * COUNT), "--verdict", "valid", "--format", "json"]
    kept = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=False).stdout.splitlines()
    orders = {json.loads(line)["order_id"] for line in kept}
    check(len(kept) == len(orders) == COUNT, f"{name}: {len(orders)} of {COUNT} callbacks are in the inbox, valid, once each")
    check(len(left(folder)) >= 1, f"{name}: the client runs beside the listener")
    process.send_signal(ending)
    process.communicate(timeout=30)
    check(process.returncode == 0, f"{name}: the listener ended with {process.returncode} on {ending.name}")
    check(left(folder) == [], f"{name}: nothing is left running {left(folder)}")
    check(wait_until(lambda: not is_open(public), 5), f"{name}: the public port is closed")


def killed_client(folder, sshd):
    public = free_port()
    process, _ = listen(folder / "killed.db", "--tunnel", sshd.client(public), "--tunnel-url", f"http://127.0.0.1:{public}")
    clients = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False).stdout.split()
    check(len(clients) == 1, "killed: the listener has one client")
    os.kill(int(clients[0]), signal.SIGKILL)
    _, errors = process.communicate(timeout=30)
    check(process.returncode == 4 and "the tunnel client ended" in errors, f"killed: exit {process.returncode}, {errors.strip()[:100]!r}")
    check(left(folder) == [], "killed: nothing is left running")


def main():
    if shutil.which("ssh") is None or not (shutil.which("sshd") or os.path.exists("/usr/sbin/sshd")):
        print("left out: OpenSSH is not installed")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        sshd = Sshd(folder)
        try:
            public = free_port()
            given = ["--tunnel-url", f"http://127.0.0.1:{public}"]
            a_thousand(folder, "ssh", sshd.client(public), public, given, signal.SIGINT)
            for client, recorded, ending in (("cloudflared", CLOUDFLARED, signal.SIGTERM), ("ngrok", NGROK, signal.SIGINT)):
                public = free_port()
                command = printing(folder, client, recorded, sshd.client(public), public)
                a_thousand(folder, client, command, public, [], ending)
            killed_client(folder, sshd)
        finally:
            sshd.end()
    print(f"{len(failures)} failures" if failures else "ok")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
