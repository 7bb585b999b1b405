"""Draws mutants of one area or of all, lets cargo-mutants try them, and counts: see tests/mutants.sh, which runs it."""

import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys

Area = collections.namedtuple("Area", "folders files tests sample", defaults=("all",))

# Which folders of the program are compiled (none: it is the protocol), the files that are broken, the tests that run (for
# libtest), and how many mutants are drawn. The tests of the diagnosis take long, so the rest of the protocol has its own.
SENDER = "clock lines mask net sender store units"
REPORT = f"check inspector receiver report {SENDER}"
AREAS = {
    "protocol": Area("", "protocol/src/**/*.rs", "--skip=diagnosis::", 300),
    "diagnosis": Area("", "protocol/src/diagnosis.rs protocol/src/diagnosis/**/*.rs", "diagnosis::", 100),
    # The rest of src/terminal draws on a real terminal.
    "sanitizer": Area(
        f"error exit settings terminal {REPORT}",
        "src/terminal.rs src/terminal/sanitize.rs src/terminal/theme.rs src/report/text.rs",
        "terminal:: report::text::",
    ),
    "redactor": Area("mask", "src/mask.rs src/mask/*.rs", "mask::"),
    "redacted-json": Area(REPORT, "src/report/json/masked.rs src/inspector/mask.rs", "json:: inspector::"),
    "gates": Area(REPORT, "src/report/gates.rs", "report::gates::"),
    "referee": Area(
        "clock mask net receiver store units",
        "src/receiver/referee.rs src/receiver/referee/*.rs",
        "receiver::referee::",
    ),
    "schedule": Area(
        SENDER,
        "src/sender/schedule.rs src/sender/jitter.rs src/sender/pace.rs src/sender/decide.rs src/sender/judge.rs "
        "src/sender/record.rs src/sender/retry_after.rs src/net/outcome.rs",
        "schedule:: jitter:: pace:: decide:: judge:: record:: retry_after:: outcome::",
    ),
    "units": Area("units", "src/units/*.rs", "units::"),
    "journal": Area(SENDER, "src/sender/journal.rs src/sender/journal/*.rs", "journal::"),
}
SEED = 20260331
LEAST_PERCENT = 97
# Seconds; a mutant that hangs is rare, and a busy machine must not look like one.
TIMEOUT = 60
EQUIVALENT = "tests/mutants-equivalent.txt"


def prepare(tree, area):
    """Leaves the rest of the program out of the copy: a mutant then compiles in a fraction of the time."""
    lines = ["#![allow(warnings)]", "extern crate payout_notify_protocol as protocol;"]
    lines += [f"mod {folder};" for folder in area.folders.split()]
    lines += ['#[cfg(test)]', '#[path = "../tests/support/mod.rs"]', "mod support;", ""]
    if area.folders:
        with open(os.path.join(tree, "src/lib.rs"), "w", encoding="utf-8") as lib:
            lib.write("\n".join(lines))
    # What was compiled last may be a mutant, and newer than the file that was copied since.
    os.utime(os.path.join(tree, "src/lib.rs" if area.folders else "protocol/src/lib.rs"))


def cargo_mutants(tree, area, *arguments, **options):
    package = ["--package=payout-notify"] if area.folders else ["--package=payout-notify-protocol", "--all-features"]
    files = [f"--file={file}" for file in area.files.split()]
    if area is AREAS["protocol"]:
        files += [f"--exclude={file}" for file in AREAS["diagnosis"].files.split()]
    command = ["cargo", "mutants", "--dir", tree, "--no-config", *package, *files, *arguments]
    return subprocess.run(command, text=True, **options)


def listed(tree, area):
    """The mutants by cargo-mutants' names, each with a name that stays when lines above it change."""
    out = cargo_mutants(tree, area, "--list", "--json", check=True, stdout=subprocess.PIPE).stdout
    stable, seen = {}, collections.Counter()
    for name in sorted((mutant["name"] for mutant in json.loads(out)), key=place):
        plain = re.sub(r":\d+:\d+:", ":", name, count=1)
        seen[plain] += 1
        stable[name] = plain if seen[plain] == 1 else f"{plain} [{seen[plain]}]"
    return stable


def place(name):
    file, line, column, _ = name.split(":", 3)
    return file, int(line), int(column), name


def equivalents():
    """Stable names and reasons: `NAME  # REASON`; `[2]` after a name is the second such mutant of the function."""
    found = {}
    with open(EQUIVALENT, encoding="utf-8") as lines:
        for line in lines:
            name, _, reason = line.rstrip("\n").partition("  # ")
            if not line.startswith("#") and line.strip():
                if not reason.strip() or name in found:
                    sys.exit(f"{EQUIVALENT}: without a reason, or listed before: {name}")
                found[name] = reason
    return found


def tried(work, tree, area, names, others, baseline):
    """Runs exactly these mutants; the names that were caught, missed, timed out or did not compile."""
    out = os.path.join(work, "mutants.out")
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    # Its patterns do not apply to every kind of mutant; what it takes for caught before is left out exactly by name.
    with open(os.path.join(out, "previously_caught.txt"), "w", encoding="utf-8") as file:
        file.writelines(f"{name}\n" for name in others)
    arguments = ["--iterate", "--in-place", f"--output={work}", f"--baseline={baseline}", "--no-times"]
    if not area.folders:
        # The digests are most of the work, and compiled once.
        arguments.append('-C=--config=profile.test.package."*".opt-level=3')
    arguments += [f"--timeout={TIMEOUT}", "--build-timeout=900", "-C=--lib", "-C=--locked", "--", "--", *area.tests.split()]
    status = cargo_mutants(tree, area, *arguments, stdout=sys.stderr).returncode
    # 2: some were missed; 3: some timed out.
    if status not in (0, 2, 3):
        sys.exit(f"cargo-mutants failed with {status}")
    results = {}
    for kind in ("caught", "missed", "timeout", "unviable"):
        with open(os.path.join(out, f"{kind}.txt"), encoding="utf-8") as lines:
            results[kind] = lines.read().splitlines()
    if sum(map(len, results.values())) != len(names):
        sys.exit("cargo-mutants tried other mutants than the sample")
    return results


def run(directory, name, sample, seed):
    area = AREAS[name]
    sample = sample or area.sample
    tree = os.path.join(directory, "tree")
    prepare(tree, area)
    stable = listed(tree, area)
    reasons = equivalents()
    own = {mutant.split(":")[0] for mutant in stable}
    is_known = {entry: entry in stable.values() for entry in reasons if entry.split(":")[0] in own}
    unknown = [entry for entry in reasons if not is_known.get(entry, os.path.exists(entry.split(":")[0]))]
    if unknown:
        sys.exit("\n".join([f"{EQUIVALENT}: no such mutant:", *unknown]))
    order = sorted(stable, key=place)
    random.Random(seed).shuffle(order)
    before = os.path.join(directory, f"{name}-missed.txt")
    if sample == "missed":
        with open(before, encoding="utf-8") as lines:
            again = set(lines.read().splitlines())
        order = [mutant for mutant in order if stable[mutant] in again]
    wanted = len(order) if sample in ("all", "missed") else int(sample)
    results, drawn = collections.defaultdict(list), 0
    # Which mutants compile shows only once they are tried, so the sample is filled up in the order drawn.
    while drawn < len(order) and drawn - len(results["unviable"]) < wanted:
        names = order[drawn : drawn + wanted - (drawn - len(results["unviable"]))]
        others = sorted(set(stable) - set(names))
        batch = tried(os.path.join(directory, name), tree, area, names, others, "skip" if drawn else "run")
        for kind, found in batch.items():
            results[kind] += found
        drawn += len(names)
    equivalent = [name for name in results["missed"] if stable[name] in reasons]
    missed = [name for name in results["missed"] if stable[name] not in reasons]
    needless = [name for name in results["caught"] if stable[name] in reasons]
    viable = len(results["caught"]) + len(results["missed"])
    percent = 100 * len(results["caught"]) / viable if viable else 100
    print(
        f"{name}: seed {seed}, {len(stable)} listed, {drawn} sampled, {len(results['unviable'])} unviable, "
        f"{len(results['caught'])} caught, {len(results['timeout'])} timed out, {len(missed)} missed, "
        f"{len(equivalent)} equivalent: {percent:.1f} % caught of {viable} viable"
    )
    for kind, names in (("missed", missed), ("timed out", results["timeout"]), ("caught, but listed as equivalent", needless)):
        for name in names:
            print(f"  {kind}: {name}")
    sys.stdout.flush()
    with open(before, "w", encoding="utf-8") as file:
        file.writelines(f"{stable[mutant]}\n" for mutant in missed)
    return percent >= LEAST_PERCENT and not needless


def main():
    directory, area, sample, seed = (sys.argv[1:] + ["all", None, None][len(sys.argv) - 2 :])[:4]
    if area not in [*AREAS, "all"]:
        print(f"unknown area \"{area}\": use all, {', '.join(AREAS)}", file=sys.stderr)
        sys.exit(2)
    areas = list(AREAS) if area == "all" else [area]
    passed = [run(directory, area, sample, int(seed or SEED)) for area in areas]
    sys.exit(0 if all(passed) else 1)


main()
