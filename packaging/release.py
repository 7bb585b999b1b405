#!/usr/bin/env python3
"""Writes what needs the files of all systems: release.py FOLDER REPOSITORY

Fills the Homebrew formula and the Scoop manifest with the version and the checksums of the archives in
FOLDER, then writes SHA256SUMS of all that is in it. REPOSITORY is the address of the project's page.
"""

import hashlib
import re
import sys
from pathlib import Path

from tree import ROOT, version


def checksum(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def fill(template, folder, repository):
    values = {
        "VERSION": version(),
        "REPOSITORY": repository,
        "DOWNLOADS": f"{repository}/releases/download/v{version()}",
    }

    def value(found):
        name, _, end = found[1].partition(":")
        if not end:
            return values[name]
        file = folder / f"payout-notify-{version()}-{end}"
        if not file.is_file():
            sys.exit(f"release: {file} is missing")
        return checksum(file)

    text = (ROOT / "packaging" / f"{template}.in").read_text(encoding="utf-8")
    (folder / template).write_text(re.sub(r"@([A-Z0-9]+(?::[^@]+)?)@", value, text), encoding="utf-8", newline="\n")


def main(folder, repository):
    for template in ("payout-notify.rb", "payout-notify.json"):
        fill(template, folder, repository)
    sums = folder / "SHA256SUMS"
    sums.unlink(missing_ok=True)
    lines = [f"{checksum(file)}  {file.name}\n" for file in sorted(folder.iterdir()) if file.is_file()]
    sums.write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: release.py FOLDER REPOSITORY")
    main(Path(sys.argv[1]), sys.argv[2].rstrip("/"))
