#!/usr/bin/env bash
# Compares senders against one fast sink: requests/s at full load, and CPU at a fixed rate.
#
# `payout-notify simulate` signs every request freshly, judges every reply and writes a report; oha,
# wrk and hey send one fixed body; bare reqwest signs each. Tools that are not installed are left
# out with a line that says so: `cargo install oha`, and the Debian packages wrk and hey.
# Usage: benches/load.sh [ROUNDS] [SECONDS] [RATE]
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-5} seconds=${2:-5} rate=${3:-2000}
tasks=64
# Times in figures that awk reads, whatever the language of the shell.
export LC_ALL=C

. benches/build.sh
peers=${PEERS:-$(built payout-notify-bench-peers)}
program=${PAYOUT_NOTIFY:-$(built payout-notify)}
key=0123456789abcdef
work=$(mktemp -d)
sink_pid=
finish() {
  if [ -n "$sink_pid" ]; then kill "$sink_pid"; fi
  rm -r "$work"
}
trap finish EXIT

"$peers" sink >"$work/url" &
sink_pid=$!
until [ -s "$work/url" ]; do sleep 0.05; done
url=$(cat "$work/url")
"$peers" body "$key" >"$work/body"
(umask 077 && printf %s "$key" >"$work/key")
cat >"$work/post.lua" <<LUA
wrk.method = "POST"
wrk.body = io.open("$work/body"):read("*a")
wrk.headers["Content-Type"] = "application/json;charset=utf-8"
LUA
fixed=(-m POST -T 'application/json;charset=utf-8' -D "$work/body")

# simulate takes a number of orders and not a time: about as many as $seconds will do.
load_count=$((seconds * 70000)) rate_count=$((seconds * rate))
simulate() {
  "$program" simulate "$url" "$@" --key-file "$work/key" --report "json=$work/report" >"$work/out" 2>&1 &&
    sed -n 's/.*"attempts_per_second": *\([0-9.]*\).*/\1/p' "$work/report"
}
simulate_load() { simulate --count "$load_count" --concurrency "$tasks"; }
simulate_rate() { simulate --count "$rate_count" --rate "$rate/s"; }
# Each runs one tool for $seconds and prints its requests/s; the tool's own output is in $work/out.
reqwest() { "$peers" reqwest "$url" "$key" "$seconds" "$@" >"$work/out" && awk '{print $1}' "$work/out"; }
oha_with() {
  oha --no-tui -z "${seconds}s" -c "$tasks" "$@" "${fixed[@]}" "$url" >"$work/out" &&
    awk '/Requests\/sec/ {print $2}' "$work/out"
}
# Ours sends on one thread, so oha is measured with one, and as it comes: one for each core.
oha1() { TOKIO_WORKER_THREADS=1 oha_with "$@"; }
wrk1() {
  wrk -t1 -c "$tasks" -d "${seconds}s" -s "$work/post.lua" "$url" >"$work/out" &&
    awk '/Requests\/sec/ {print $2}' "$work/out"
}
hey1() {
  hey -z "${seconds}s" -c "$tasks" "${fixed[@]}" "$url" >"$work/out" &&
    awk '/Requests\/sec/ {print $2}' "$work/out"
}

# Appends "requests/s CPU-seconds requests/CPU-second" of one run to the tool's file.
measure() {
  local name=$1 figure cpu requests=
  shift
  TIMEFORMAT='%U %S'
  { time "$@" >"$work/figure"; } 2>"$work/time"
  figure=$(cat "$work/figure")
  cpu=$(awk 'END {print $1 + $2}' "$work/time")
  case $name in
  simulate-load) requests=$load_count ;;
  simulate-rate) requests=$rate_count ;;
  esac
  awk -v figure="$figure" -v cpu="$cpu" -v requests="$requests" -v seconds="$seconds" \
    'BEGIN {print figure, cpu, (requests ? requests : figure * seconds) / cpu}' >>"$work/$name"
}

median() { awk -v column="$2" '{print $column}' "$work/$1" | sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

# Every round runs every tool once, so that changes of the machine's speed affect all alike.
compare() {
  local title=$1 column=$2 base
  shift 2
  printf '\n%s (medians of %s rounds of %s s)\n' "$title" "$rounds" "$seconds"
  printf '%-22s %14s %12s %10s %18s\n' sender requests/s CPU-seconds ratio requests/CPU-second
  base=$(median "$1" "$column")
  for name in "$@"; do
    awk -v name="$name" -v rps="$(median "$name" 1)" -v cpu="$(median "$name" 2)" \
      -v mine="$(median "$name" "$column")" -v base="$base" -v each="$(median "$name" 3)" \
      'BEGIN {printf "%-22s %14.1f %12.2f %10.2f %18.0f\n", name, rps, cpu, mine / base, each}'
  done
}

has() { command -v "$1" >/dev/null; }
for tool in oha wrk hey; do if ! has "$tool"; then echo "$tool is not installed"; fi; done
full=() fixed_rate=()
for ((round = 0; round < rounds; round++)); do
  full=() fixed_rate=()
  if has oha; then
    measure oha-load oha1 && full+=(oha-load)
    measure oha-all-cores oha_with && full+=(oha-all-cores)
    measure oha-rate oha1 -q "$rate" && fixed_rate+=(oha-rate)
  fi
  measure simulate-load simulate_load && full+=(simulate-load)
  measure reqwest-load reqwest && full+=(reqwest-load)
  measure simulate-rate simulate_rate && fixed_rate+=(simulate-rate)
  measure reqwest-rate reqwest "$rate" && fixed_rate+=(reqwest-rate)
  if has wrk; then measure wrk-load wrk1 && full+=(wrk-load); fi
  if has hey; then measure hey-load hey1 && full+=(hey-load); fi
done
compare "As fast as they can; ratio of requests/s to the first" 1 "${full[@]}"
compare "At $rate/s; ratio of CPU to the first" 2 "${fixed_rate[@]}"
