#!/usr/bin/env python3
"""Builds all that is published for one system: build.py TARGET FOLDER

The wheel, npm's package, an archive, the licences of what is compiled in, and the SBOM are written to
FOLDER. Needs maturin, npm, and for Linux with glibc zig (pip install maturin ziglang).
"""

import json
import os
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import licences
import sbom
from tree import ROOT, TARGETS, metadata, program, run

# The oldest glibc that the wheel and npm's package need: Debian 8, RHEL 7.
GLIBC = "2.17"
LICENCES = "THIRD-PARTY-LICENSES.txt"


def build_wheel(target, stage, out):
    """Compiles the program, once for everything, and returns its path."""
    project = (ROOT / "packaging/pyproject.toml").read_text(encoding="utf-8")
    # The last table of the file is maturin's.
    project += f'manifest-path = {json.dumps(str(ROOT / "Cargo.toml"))}\n'
    (stage / "pyproject.toml").write_text(project, encoding="utf-8")
    command = ["maturin", "build", "--locked", "--target", target, "--out", str(out)]
    # Cargo would look for its settings above the current folder only.
    command += ["--config", str(ROOT / ".cargo/config.toml")]
    if target.endswith("-linux-gnu"):
        command += ["--zig", "--compatibility", "manylinux_" + GLIBC.replace(".", "_")]
    print(run(*command, cwd=stage))
    name = "payout-notify.exe" if "windows" in target else "payout-notify"
    return Path(metadata("--no-deps")["target_directory"], target, "dist", name)


def pack(folder, out):
    """An npm tarball of a folder; npm is a script on Windows, which is found by its whole name only."""
    print(run(shutil.which("npm"), "pack", "--silent", "--pack-destination", str(out), cwd=folder))


def build_npm(target, binary, stage, out, about):
    system, cpu, libc = TARGETS[target]
    folder = stage / "npm"
    folder.mkdir()
    for file in (binary, stage / "LICENSE", stage / LICENCES):
        shutil.copy(file, folder)
    description = f"The program payout-notify for {system} on {cpu}; install payout-notify"
    manifest = {
        **about,
        "name": npm_name(target),
        "description": description,
        "license": "MIT",
        "os": [system],
        "cpu": [cpu],
        # Started from its place: nothing may keep it in an archive.
        "preferUnplugged": True,
    }
    if libc:
        manifest["libc"] = [libc]
    (folder / "package.json").write_text(json.dumps(manifest, indent=2))
    (folder / "README.md").write_text(f"{description}.\n")
    pack(folder, out)


def npm_name(target):
    system, cpu, libc = TARGETS[target]
    return "-".join(["payout-notify", system, cpu] + ["musl"] * (libc == "musl"))


def build_main_npm(stage, out, about):
    """The package that people install: it depends on that of each system."""
    folder = stage / "npm-main"
    shutil.copytree(ROOT / "packaging/npm", folder)
    for file in ("LICENSE", "README.md"):
        shutil.copy(ROOT / file, folder)
    manifest = json.loads((folder / "package.json").read_text())
    manifest.update(about)
    manifest["optionalDependencies"] = {npm_name(target): about["version"] for target in TARGETS}
    (folder / "package.json").write_text(json.dumps(manifest, indent=2))
    pack(folder, out)


def build_archive(target, binary, stage, out, version):
    name = f"payout-notify-{version}-{target}"
    folder = stage / name
    folder.mkdir()
    for file in (binary, stage / "LICENSE", stage / LICENCES, ROOT / "README.md", ROOT / "CHANGELOG.md"):
        shutil.copy(file, folder)
    for part in ("man", "completions"):
        shutil.copytree(ROOT / part, folder / part)
    if "windows" in target:
        with zipfile.ZipFile(out / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.rglob("*")):
                archive.write(file, file.relative_to(stage))
    else:
        with tarfile.open(out / f"{name}.tar.gz", "w:gz") as archive:
            archive.add(folder, name)


def about():
    """The fields of npm's packages that Cargo.toml has as well."""
    found = program(metadata("--no-deps"))
    fields = {"version": found["version"]}
    if found["repository"]:
        # Provenance is only accepted for the repository that the package names.
        fields["repository"] = {"type": "git", "url": f'git+{found["repository"]}.git'}
    return fields


def main(target, out):
    stage = out / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    shutil.copy(ROOT / "LICENSE", stage)
    (stage / LICENCES).write_text(licences.collect(target), encoding="utf-8", newline="\n")
    fields = about()
    document = json.dumps(sbom.document(target), indent=1)
    (out / f'payout-notify-{fields["version"]}-{target}.cdx.json').write_text(document)
    binary = build_wheel(target, stage, out)
    build_npm(target, binary, stage, out, fields)
    build_main_npm(stage, out, fields)
    build_archive(target, binary, stage, out, fields["version"])
    shutil.rmtree(stage)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: build.py TARGET FOLDER, where TARGET is one of {' '.join(TARGETS)}")
    # As Cargo has it when it publishes: what a crate may leave on the machine is not needed.
    os.environ.setdefault("CARGO_INCREMENTAL", "0")
    main(sys.argv[1], Path(sys.argv[2]).resolve())
