#!/usr/bin/env python3
"""Prints what the program is compiled from as a CycloneDX 1.5 document: sbom.py TARGET"""

import json
import re
import sys
import tomllib
from pathlib import Path

from tree import ROOT, compiled_in


def reference(package):
    return f'pkg:cargo/{package["name"]}@{package["version"]}'


def component(package, checksums, kind="library"):
    found = {
        "type": kind,
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
        # Cargo takes a slash for OR; SPDX does not.
        "licenses": [{"expression": re.sub(r"\s*/\s*", " OR ", package["license"])}],
    }
    if checksum := checksums.get((package["name"], package["version"])):
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return found


def sqlite(package):
    """The C source inside a package, which has a version of its own."""
    header = Path(package["manifest_path"]).with_name("sqlite3") / "sqlite3.h"
    version = re.search(r'#define SQLITE_VERSION\s+"([^"]+)"', header.read_text(encoding="utf-8"))[1]
    licence = [{"license": {"id": "blessing"}}]
    return {"type": "library", "bom-ref": f"sqlite@{version}", "name": "sqlite", "version": version,
            "cpe": f"cpe:2.3:a:sqlite:sqlite:{version}:*:*:*:*:*:*:*", "licenses": licence}


def document(target):
    root, tree = compiled_in(target)
    with open(ROOT / "Cargo.lock", "rb") as lock:
        locked = tomllib.load(lock)["package"]
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in locked}
    components, dependencies = [], []
    for package, uses in tree:
        below = [reference(other) for other in uses]
        if package["name"] == "libsqlite3-sys":
            components.append(sqlite(package))
            below.append(components[-1]["bom-ref"])
        if package["id"] != root["id"]:
            components.append(component(package, checksums))
        dependencies.append({"ref": reference(package), "dependsOn": below})
    subject = component(root, checksums, "application")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": subject, "properties": [{"name": "cargo:target", "value": target}]},
        "components": components,
        "dependencies": dependencies,
    }


if __name__ == "__main__":
    print(json.dumps(document(sys.argv[1]), indent=1))
