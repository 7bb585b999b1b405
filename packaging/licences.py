#!/usr/bin/env python3
"""Prints the licence texts of everything that the program is compiled from: licences.py TARGET

A package without a text of its own has that of another package from the same repository; one that
has neither fails. A text that several have is printed once. Rust's standard library is last, as the
toolchain describes it, and musl before it, as its Debian package does.
"""

import html
import re
import sys
from pathlib import Path

from tree import compiled_in, run

NAME = re.compile(r"(un)?licen[cs]e|copying|copyright|notice", re.IGNORECASE)


def texts(package):
    folder = Path(package["manifest_path"]).parent
    files = (file for file in folder.rglob("*") if NAME.match(file.name) and file.is_file())
    kept = (file for file in files if file.suffix not in (".rs", ".json", ".html"))
    return [(file.relative_to(folder).as_posix(), file.read_text(errors="replace")) for file in sorted(kept)]


def libraries(target):
    """What comes with the toolchain and not from a package."""
    if target.endswith("-musl"):
        yield "musl", read(Path("/usr/share/doc/musl/copyright"))
    file = Path(run("rustc", "--print", "sysroot").strip(), "share/doc/rust/COPYRIGHT-library.html")
    text = html.unescape(re.sub(r"<[^>]*>", "", read(file)))
    yield "Rust's standard library", re.sub(r"\n\s*\n+", "\n\n", text)


def read(file):
    if not file.is_file():
        sys.exit(f"licences: {file} is missing")
    return file.read_text(encoding="utf-8")


def find(packages):
    """The texts of each package, in order."""
    own = {package["id"]: texts(package) for package in packages}
    for package in packages:
        # Packages of one repository have one licence, and some leave its text out.
        same = (own[other["id"]] for other in packages
                if package["repository"] and other["repository"] == package["repository"])
        yield own[package["id"]] or next((found for found in same if found), [])


def collect(target):
    root, tree = compiled_in(target)
    packages = [package for package, _ in tree if package["source"]]
    parts, first, missing = [], {}, []
    for package, found in zip(packages, find(packages)):
        name = f'{package["name"]} {package["version"]}'
        if not found:
            missing.append(f'{name} ({package["license"]})')
        shown = []
        for file, text in found:
            there = first.setdefault(text.strip(), f"{name}, {file}")
            shown.append(f"-- {file}\n\n" + (text.strip() if there == f"{name}, {file}" else f"As in {there}."))
        parts.append((f'{name}: {package["license"]}', "\n\n".join(shown)))
    if missing:
        sys.exit("licences: no text for " + ", ".join(missing))
    parts.extend(libraries(target))
    line = "=" * 79
    title = f'{root["name"]} {root["version"]} for {target} is compiled from the packages below.\n'
    return title + "".join(f"\n{line}\n{heading}\n{line}\n\n{text.strip()}\n" for heading, text in parts)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.write(collect(sys.argv[1]))
