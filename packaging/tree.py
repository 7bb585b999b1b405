"""What the program is built from, as Cargo knows it, and the systems that it is built for."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What packages have besides the default; pyproject.toml, musl.sh and check-deb.sh name them too.
FEATURES = "mcp"

# Rust's target → npm's os, cpu and libc. A package of npm's has the name of os and cpu, and of a
# libc other than glibc.
TARGETS = {
    "x86_64-unknown-linux-gnu": ("linux", "x64", "glibc"),
    "aarch64-unknown-linux-gnu": ("linux", "arm64", "glibc"),
    "x86_64-unknown-linux-musl": ("linux", "x64", "musl"),
    "aarch64-unknown-linux-musl": ("linux", "arm64", "musl"),
    "x86_64-apple-darwin": ("darwin", "x64", None),
    "aarch64-apple-darwin": ("darwin", "arm64", None),
    "x86_64-pc-windows-msvc": ("win32", "x64", None),
}


def run(*command, **options):
    """Runs a command and returns what it prints; what it writes to stderr is shown."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def metadata(*options):
    # Quiet, as a wait for another cargo's lock is nobody's fault and no line of the scripts' own.
    command = ("cargo", "metadata", "--quiet", "--locked", "--format-version", "1")
    return json.loads(run(*command, *options, cwd=ROOT))


def program(found):
    return next(package for package in found["packages"] if package["name"] == "payout-notify")


def version():
    return program(metadata("--no-deps"))["version"]


def compiled_in(target):
    """The program, and the packages that it is compiled from, each with its own dependencies' ids."""
    found = metadata("--filter-platform", target, "--features", FEATURES)
    packages = {package["id"]: package for package in found["packages"]}
    nodes = {node["id"]: node["deps"] for node in found["resolve"]["nodes"]}
    root = program(found)
    uses, todo = {}, [root["id"]]
    while todo:
        one = todo.pop()
        if one not in uses:
            # The kind of an ordinary dependency is null: neither a test's nor a build script's.
            kinds = ((dep["pkg"], [kind["kind"] for kind in dep["dep_kinds"]]) for dep in nodes[one])
            uses[one] = sorted(package for package, kinds in kinds if None in kinds)
            todo.extend(uses[one])
    order = sorted(uses, key=lambda one: (packages[one]["name"], packages[one]["version"]))
    return root, [(packages[one], [packages[other] for other in uses[one]]) for one in order]
