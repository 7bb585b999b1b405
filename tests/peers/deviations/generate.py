#!/usr/bin/env python3
"""Invalid signatures, made by the functions with which people really make them.

Each script here signs the same payloads wrongly, in its own language and with that language's own
library calls, and says which mistake it made. None of them shares code with the tool.

Regenerate the fixture (Python 3; php with mbstring, node and java are used where they are installed,
and the fixture is made with all of them):

    tests/peers/deviations/generate.py > fixtures/vectors/deviations.ndjson

Compare every case, sampled or not, with a build of the tool:

    tests/peers/deviations/generate.py --check target/debug/payout-notify

The first lines of the fixture are the payloads, each with its name and its key; each further line is
a case: the payload's name, the signature, the codes of which one must be among the first three hits,
and the key where it is another. The fixture holds a sample; the comparison runs everything, and exits
with 1 where a case is missed.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import payloads  # noqa: E402
import truth  # noqa: E402

# How often one mistake of one language is kept in the fixture, and how many combinations.
SAMPLES = 2
COMBINATIONS = 90


def peers(given):
    """The cases of every language that is installed."""
    text = json.dumps(given, ensure_ascii=False)
    flat = "".join(
        "\t".join([p["name"], p["key"], p["algorithm"], *(t.encode().hex() for t in token[:3])]) + "\n"
        for p in given
        for token in p["tokens"]
    )
    commands = [
        ("php", ["php", os.path.join(HERE, "truth.php")], text),
        ("node", ["node", os.path.join(HERE, "truth.mjs")], text),
        ("java", ["java", "-Dfile.encoding=UTF-8", os.path.join(HERE, "Truth.java")], flat),
    ]
    for language, command, given_text in commands:
        if shutil.which(command[0]) is None:
            print(f"{language} is not installed: its cases are left out", file=sys.stderr)
            continue
        if language == "php" and "mbstring" not in subprocess.check_output(["php", "-m"], text=True).split():
            print("php has no mbstring: its cases are left out", file=sys.stderr)
        run = subprocess.run(command, input=given_text.encode(), stdout=subprocess.PIPE, check=True)
        for line in run.stdout.decode().splitlines():
            yield language, json.loads(line)


def cases():
    given = payloads.all_payloads()
    by_name = {p["name"]: p for p in given}
    made = [("python", case) for p in given for case in truth.cases(p)] + list(peers(given))
    seen = {}
    for language, case in made:
        payload = by_name[case["payload"]]
        key = case.get("key", payload["key"])
        if case["sign"] == truth.right(payload, key):
            continue
        name = f'{language}/{case["mistake"]}/{case["payload"]}'
        assert name not in seen, name
        seen[name] = True
        found = {"id": name, "payload": case["payload"], "sign": case["sign"], "says": case["says"]}
        if key != payload["key"]:
            found["key"] = key
        yield found


def sample(every):
    """A few cases of each mistake, on payloads as different as possible."""
    counts, loads = {}, {}
    order = sorted(every, key=lambda case: case["id"])
    for case in order:
        mistake = case["id"].rsplit("/", 1)[0]
        counts.setdefault(mistake, []).append(case)
    combined = [mistake for mistake in counts if "+" in mistake]
    combined.sort(key=lambda mistake: hashlib.sha256(mistake.encode()).hexdigest())
    for mistake in combined[COMBINATIONS:]:
        del counts[mistake]
    for mistake, found in counts.items():
        found.sort(key=lambda case: loads.get(case["payload"], 0))
        for case in found[: 1 if mistake in combined else SAMPLES]:
            loads[case["payload"]] = loads.get(case["payload"], 0) + 1
            yield case


def check(binary, every):
    """Runs the tool on each case, prints what it misses, and returns how many that are."""
    texts = {p["name"]: p["body"] for p in payloads.all_payloads()}

    def run(case):
        body = payloads.with_sign(texts[case["payload"]], case["sign"])
        done = subprocess.run(
            [binary, "verify", "--format", "json"],
            input=body.encode(),
            capture_output=True,
            env={"PAYOUT_NOTIFY_KEY": case.get("key", payloads.KEY)},
        )
        assert done.returncode == 1, (case, done.stderr)
        return [hit["code"] for hit in json.loads(done.stdout)["diagnosis"]]

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(run, every))
    missed = later = 0
    for case, codes in zip(every, found):
        places = [place for place, code in enumerate(codes) if code in case["says"]]
        if not places or places[0] > 2:
            missed += 1
            print("MISS ", case["id"], case["says"], "got", codes[:5])
        elif places[0] > 0:
            later += 1
            print("LATER", case["id"], case["says"], "got", codes[:4])
    print(f"{len(every)} cases, {missed} missed, {later} not first")
    return missed


def main():
    every = list(cases())
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        sys.exit(1 if check(sys.argv[2], every) else 0)
    for payload in payloads.all_payloads():
        print(json.dumps({"payload": payload["name"], "key": payload["key"], "text": payload["body"]}, ensure_ascii=False))
    for case in sample(every):
        print(json.dumps(case, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main()
