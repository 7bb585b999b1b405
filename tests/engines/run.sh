#!/usr/bin/env bash
# Runs exported load tests against `listen` and compares the counts of both sides:
#   Locust     one master and two workers, from the Python registry
#   Artillery  one process, from the npm registry
#   k6         its script as a plain module in Node, on the stub beside this file: k6 itself is not run
# Each engine runs twice: under the right key every order is acknowledged; under a wrong one every
# order is refused, and the engine must count it as a failure with the reason.
#
# Needs bash, python3 with venv, node and npm. An engine whose registry cannot be reached is skipped
# with a line that says so. Installs into a temporary folder, or into $ENGINES_CACHE and keeps it.
# Uses loopback only. Measured on two cores, engines installed: 1.5 minutes, 7 when they were busy;
# the installation comes on top. Too long for every change.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

rate=100 count=500 key=ThisIsYourSecretKey123
work=$(mktemp -d)
tools=${ENGINES_CACHE:-$work/tools}
mkdir -p "$tools"
started=()
clean() {
  for id in "${started[@]}"; do kill "$id" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap clean EXIT

if [ -z "${PAYOUT_NOTIFY:-}" ]; then
  cargo build --locked --release
  PAYOUT_NOTIFY=${CARGO_TARGET_DIR:-target}/release/payout-notify
fi
tool=$(realpath "$PAYOUT_NOTIFY")
passed=0 failed=0 skipped=0

skip() { echo "skipped: $1"; skipped=$((skipped + 1)); }

# expect NAME WHAT WANTED GOT
expect() {
  if [ "$3" = "$4" ]; then
    passed=$((passed + 1)); echo "ok: $1: $2 is $4"
  else
    failed=$((failed + 1)); echo "FAILED: $1: $2 is $4, not $3"
  fi
}

# Starts a merchant; sets url and listener.
listen() {
  : > "$work/callbacks"
  PAYOUT_NOTIFY_KEY=$key "$tool" listen --bind :0 --no-inbox --format json > "$work/callbacks" &
  listener=$!
  started+=("$listener")
  for _ in $(seq 100); do [ -s "$work/callbacks" ] && break; sleep 0.1; done
  url=$(head -n 1 "$work/callbacks" | python3 -c 'import json, sys; print(json.load(sys.stdin)["url"])')
}

# Ends the merchant; sets heard to "callbacks orders valid invalid". No subshell: it could not wait.
end_listen() {
  kill -INT "$listener"
  wait "$listener" || true
  heard=$(tail -n 1 "$work/callbacks" | python3 -c '
import json, sys
last = json.load(sys.stdin)
print(*(last[name] for name in ("callbacks", "orders", "valid", "invalid")))')
}

# export_test ENGINE FOLDER
export_test() {
  rm -rf "$2"
  "$tool" export "$url" --to "$1" --rate "$rate/s" --count "$count" --timeout 60s --out "$2/" \
    --set 'amount={100..500000}' --mix success=90,failed=8,cancelled=2 2>/dev/null
}

# Each run_ENGINE FOLDER prints "requests failures reason" and returns the engine's exit code.

run_locust() {
  local locust=$tools/venv/bin/locust port code=0 workers=()
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  cd "$1"
  for worker in 1 2; do
    "$locust" -f locustfile.py --worker --master-host 127.0.0.1 --master-port "$port" > "worker$worker.log" 2>&1 &
    workers+=("$!")
  done
  timeout 120 "$locust" -f locustfile.py --master --master-bind-host 127.0.0.1 --master-bind-port "$port" --headless \
    --expect-workers 2 --csv stats > master.log 2>&1 || code=$?
  # They leave with their master, unless that never came.
  kill "${workers[@]}" 2>/dev/null || true
  wait "${workers[@]}" || true
  python3 - <<'PYTHON'
import csv
with open("stats_stats.csv") as stats:
    total = [row for row in csv.DictReader(stats) if row["Name"] == "Aggregated"][0]
with open("stats_failures.csv") as failures:
    reasons = sorted({row["Error"].split("not acknowledged: ")[-1].strip("')\"") for row in csv.DictReader(failures)})
print(total["Request Count"], total["Failure Count"], ",".join(reasons).replace(" ", "-") or "none")
PYTHON
  return "$code"
}

run_artillery() {
  local code=0
  cd "$1"
  ARTILLERY_DISABLE_TELEMETRY=true WORKERS=1 \
    timeout 120 "$tools/npm/node_modules/.bin/artillery" run --output report.json artillery.yml > artillery.log 2>&1 || code=$?
  python3 - <<'PYTHON'
import json
counters = json.load(open("report.json"))["aggregate"]["counters"]
reasons = {name.split("not acknowledged: ")[-1] for name in counters if name.startswith("errors.")}
print(counters["http.requests"], counters.get("vusers.failed", 0), ",".join(sorted(reasons)).replace(" ", "-") or "none")
PYTHON
  return "$code"
}

run_k6() {
  local code=0
  cd "$1"
  mkdir node_modules
  cp -r "$here/k6_stub" node_modules/k6
  mv payout-notify-k6.js test.mjs
  timeout 120 node node_modules/k6/run.mjs test.mjs > counted.json || code=$?
  python3 - <<'PYTHON'
import json
counted = json.load(open("counted.json"))
reasons = sorted(name.split(": ", 1)[1] for name in counted["counters"])
fails = counted["checks"]["acknowledged"]["fails"]
print(counted["requests"], fails, ",".join(reasons).replace(" ", "-") or "none")
PYTHON
  return "$code"
}

# both ENGINE NAME EXIT_ON_REFUSALS
both() {
  local name=$2 code result
  listen
  export_test "$1" "$work/$1"
  code=0; result=$(export PAYOUT_NOTIFY_KEY=$key; "run_$1" "$work/$1") || code=$?
  expect "$name, right key" "requests, failures and reason" "$count 0 none" "$result"
  expect "$name, right key" "its exit code" 0 "$code"
  end_listen
  expect "$name, right key" "what listen heard (callbacks, orders, valid, invalid)" \
    "$count $count $count 0" "$heard"
  listen
  export_test "$1" "$work/$1"
  code=0; result=$(export PAYOUT_NOTIFY_KEY=another; "run_$1" "$work/$1") || code=$?
  expect "$name, wrong key" "requests, failures and reason" "$count $count refused-0004" "$result"
  expect "$name, wrong key" "its exit code" "$3" "$code"
  end_listen
  expect "$name, wrong key" "what listen heard (callbacks, orders, valid, invalid)" \
    "$count $count 0 $count" "$heard"
}

if ! command -v python3 > /dev/null; then
  echo "skipped: python3 is not installed, which counts the answers"
  exit 0
fi

if [ -x "$tools/venv/bin/locust" ] ||
  { python3 -m venv "$tools/venv" && timeout 300 "$tools/venv/bin/pip" install -q 'locust>=2.40,<3'; } > "$work/pip.log" 2>&1
then both locust "$("$tools/venv/bin/locust" --version | cut -d' ' -f1,2)" 1
else skip "Locust could not be installed; the Python registry may be out of reach"
fi

if ! command -v node > /dev/null; then
  skip "Artillery and the k6 script: node is not installed"
else
  # Artillery brings a browser's downloader along, which is not needed here.
  if [ -x "$tools/npm/node_modules/.bin/artillery" ] || { mkdir -p "$tools/npm" && cd "$tools/npm" &&
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 timeout 600 npm install --no-audit --no-fund --prefix . artillery@2; } > "$work/npm.log" 2>&1
  then cd "$here/../.."; both artillery "artillery" 1
  else cd "$here/../.."; skip "Artillery could not be installed; the npm registry may be out of reach"
  fi
  both k6 "k6 script on the stub" 99
fi

echo "engines: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
