#!/usr/bin/env python3
"""Checks what a release needs before it is built: check-release.py TAG REPOSITORY"""

import sys

from tree import ROOT, metadata, program


def main(tag, repository):
    found = program(metadata("--no-deps"))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    faults = []
    if tag != f'v{found["version"]}':
        faults.append(f'the tag is {tag}, the version in Cargo.toml {found["version"]}')
    if found["repository"] != repository:
        # npm's provenance, cargo binstall and the registries' pages need it.
        faults.append(f'Cargo.toml needs `repository = "{repository}"`, found {found["repository"]}')
    if f'## {found["version"]}' not in changes.replace("[", ""):
        faults.append(f'CHANGELOG.md has no heading for {found["version"]}')
    sys.exit("\n".join(f"check-release: {fault}" for fault in faults) or None)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: check-release.py TAG REPOSITORY")
    main(*sys.argv[1:])
