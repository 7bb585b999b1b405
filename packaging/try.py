#!/usr/bin/env python3
"""Installs what build.py made and tries it, as somebody without Rust would: try.py TARGET FOLDER

Each kind of package is installed from its file into an empty folder, with nothing on the PATH but what
it needs and, on Linux, without a network. `demo`, `sign` and `verify` must then work, the size must be
at most 8 MB, and a program for glibc must run with version 2.28. Where pipx and npx are installed, the
one command that people type runs `demo` too, from the same files.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

from tree import ROOT, TARGETS

MOST_BYTES = 8_000_000
NEWEST_GLIBC = (2, 28)
WINDOWS = os.name == "nt"
NAME = "payout-notify.exe" if WINDOWS else "payout-notify"
MARK = "PAYOUT_NOTIFY_TRY_ALONE"


class Failed(Exception):
    pass


def run(command, folder, environment, text=None):
    done = subprocess.run([str(part) for part in command], cwd=folder, env=environment, input=text,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", timeout=120)
    if done.returncode != 0:
        raise Failed(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def environment_with(folder, programs):
    """The variables of a machine that has only these programs."""
    if WINDOWS:
        return dict(os.environ)
    path = folder / "path"
    path.mkdir()
    for program in programs:
        (path / program).symlink_to(os.path.realpath(shutil.which(program)))
    return {"PATH": str(path), "HOME": str(folder), "NO_UPDATE_NOTIFIER": "1"}


def try_program(command, folder, environment):
    payload = (ROOT / "fixtures/withdraw-notification.json").read_text(encoding="utf-8")
    environment = {**environment, "PAYOUT_NOTIFY_KEY": "ThisIsYourSecretKey123"}
    began = time.monotonic()
    run([*command, "demo"], folder, environment)
    took = time.monotonic() - began
    signed = run([*command, "sign", "--set", "status=3"], folder, environment, payload)
    verified = run([*command, "verify"], folder, environment, signed)
    if not verified.startswith("valid: the MD5 signature matches"):
        raise Failed(f"verify prints: {verified}")
    return took


def install_wheel(files, folder, environment):
    run([sys.executable, "-m", "venv", "venv"], folder, environment)
    binaries = folder / "venv" / ("Scripts" if WINDOWS else "bin")
    python = binaries / ("python.exe" if WINDOWS else "python")
    run([python, "-m", "pip", "install", "--quiet", "--no-index", *files], folder, environment)
    return [binaries / NAME]


def install_npm(files, folder, environment):
    npm = shutil.which("npm") if WINDOWS else "npm"
    quiet = ["--offline", "--no-audit", "--no-fund", "--loglevel", "error"]
    run([npm, "install", *quiet, *files], folder, environment)
    return [folder / "node_modules/.bin" / ("payout-notify.cmd" if WINDOWS else "payout-notify")]


def install_archive(files, folder, _environment):
    for file in files:
        unpack = zipfile.ZipFile(file) if file.suffix == ".zip" else tarfile.open(file)
        with unpack as archive:
            archive.extractall(folder)
    return list(folder.glob(f"payout-notify-*/{NAME}"))


def one_command(kind, files):
    """What runs `demo` at once, where this machine has it."""
    if kind == "wheel" and (pipx := shutil.which("pipx")):
        return [pipx, "run", "--spec", files[0], "payout-notify", "demo"]
    if kind == "npm" and (npx := shutil.which("npx")):
        packages = [part for file in files for part in ("--package", file)]
        return [npx, "--offline", "--yes", *packages, "payout-notify", "demo"]
    return None


def try_one_command(kind, files, programs):
    command = one_command(kind, files)
    if not command:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder).resolve()
        environment = environment_with(folder, programs)
        began = time.monotonic()
        run(command, folder, environment)
        return f"; `{Path(command[0]).stem} … demo` in {time.monotonic() - began:.1f} s"


def needed_glibc(binary):
    found = re.findall(rb"GLIBC_(\d+)\.(\d+)", binary)
    return max(((int(major), int(minor)) for major, minor in found), default=None)


def about_linking(target, program):
    binary = program.read_bytes()
    if "linux" not in target:
        return ""
    needed = needed_glibc(binary)
    if TARGETS[target][2] == "musl":
        if needed or b"/ld-musl-" in binary:
            raise Failed("the program is not static")
        return ", static"
    if not needed or needed > NEWEST_GLIBC:
        raise Failed(f"the program needs glibc {needed}, expected at most {NEWEST_GLIBC}")
    return ", needs glibc {}.{}".format(*needed)


def try_kind(kind, files, programs, install, target):
    for file in files:
        if file.stat().st_size > MOST_BYTES:
            raise Failed(f"{file.name} has {file.stat().st_size} bytes")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder).resolve()
        environment = environment_with(folder, programs)
        began = time.monotonic()
        command = install(files, folder, environment)
        installed = time.monotonic() - began
        demo = try_program(command, folder, environment)
        linking = about_linking(target, command[0]) if kind == "archive" else ""
    sizes = " + ".join(f"{file.name} {file.stat().st_size / 1e6:.2f} MB" for file in files)
    print(f"ok  {kind}: {sizes}{linking}; installed in {installed:.1f} s, demo in {demo:.1f} s, sign, verify"
          f"{try_one_command(kind, files, programs)}")


def files_of(target, folder):
    system, cpu, libc = TARGETS[target]
    system_tag = {"linux": "musllinux" if libc == "musl" else "manylinux", "darwin": "macosx"}.get(system, "win")
    machine = {"x64": "x86_64", "arm64": "a*64"}[cpu] if system != "win32" else "amd64"
    npm = "-".join(["payout-notify", system, cpu] + ["musl"] * (libc == "musl"))
    patterns = {
        "wheel": [f"*{system_tag}*{machine}.whl"],
        "npm": ["payout-notify-[0-9]*.tgz", f"{npm}-[0-9]*.tgz"],
        "archive": [f"*-{target}.zip" if system == "win32" else f"*-{target}.tar.gz"],
    }
    for kind, wanted in patterns.items():
        found = [sorted(folder.glob(pattern)) for pattern in wanted]
        if any(len(files) != 1 for files in found):
            raise Failed(f"{folder} must have one file of each of {wanted}: {found}")
        yield kind, [file for files in found for file in files]


def raise_loopback():
    """In a network of its own, a process's loopback is down at first."""
    import fcntl
    import socket
    import struct
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        up = struct.pack("16sh22x", b"lo", 1)
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS, IFF_UP


def leave_network(arguments):
    """Starts again without a network, where the system lets us."""
    alone = [shutil.which("unshare") or "unshare", "--map-root-user", "--net"]
    try:
        subprocess.run([*alone, "true"], check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        print("--  the network cannot be taken away here")
        return
    os.execve(alone[0], [*alone, sys.executable, *arguments], {**os.environ, MARK: "1"})


def main(target, folder):
    if MARK in os.environ:
        raise_loopback()
        print("ok  without a network")
    elif sys.platform == "linux":
        leave_network(sys.argv)
    kinds = {"wheel": ([], install_wheel), "npm": (["node", "npm", "sh"], install_npm),
             "archive": ([], install_archive)}
    try:
        for kind, files in files_of(target, folder):
            # pip and npm refuse what is for musl where the system's library is another.
            if kind != "archive" and TARGETS[target][2] == "musl" and platform.libc_ver()[0] == "glibc":
                print(f"--  {kind}: not tried, this system is not one of musl")
                continue
            try_kind(kind, files, *kinds[kind], target)
    except Failed as failed:
        sys.exit(f"try: {failed}")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in TARGETS:
        sys.exit("usage: try.py TARGET FOLDER")
    main(sys.argv[1], Path(sys.argv[2]).resolve())
