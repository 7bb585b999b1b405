#!/usr/bin/env bash
# Measures everything that the README claims about speed, and writes benches/RESULTS.md.
#
#   benches/compare.sh                    # all, on a quiet machine: about half an hour
#   benches/compare.sh startup bulk       # these alone, printed and not written
#   benches/compare.sh --quick            # whether the scripts work; printed and not written
#
# Sections: functions startup bulk diagnosis load listener store scale. In each, the contestants take turns in one
# run, so that the machine's moods hit all alike; ratios are of figures of the same round where a
# section works in rounds. A tool that is not there is left out, with a line that says so.
#   PAYOUT_NOTIFY: a built program to measure; RESULTS: where to write.
set -euo pipefail
cd "$(dirname "$0")/.."
# Figures that awk reads, whatever the language of the shell.
export LC_ALL=C

quick= sections=()
for argument in "$@"; do
  case $argument in
  --quick) quick=1 ;;
  functions | startup | bulk | diagnosis | load | listener | store | scale) sections+=("$argument") ;;
  *) echo "usage: benches/compare.sh [--quick] [functions|startup|bulk|diagnosis|load|listener|store|scale]..." >&2 && exit 2 ;;
  esac
done
whole=
if [ ${#sections[@]} = 0 ]; then
  sections=(functions startup bulk diagnosis load listener store scale)
  if [ -z "$quick" ]; then whole=1; fi
fi
# What is right for a figure, or for a look at whether it works.
either() { if [ -n "$quick" ]; then echo "$2"; else echo "$1"; fi; }
has() { command -v "$1" >/dev/null; }

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
. benches/build.sh
program() {
  if [ -z "${PAYOUT_NOTIFY:-}" ]; then PAYOUT_NOTIFY=$(built payout-notify); fi
  export PAYOUT_NOTIFY
}

# Each prints one section; the text above the figures says what they mean.

functions() {
  cargo bench --locked --quiet --package payout-notify-protocol --features diagnosis --bench functions -- --noplot ${quick:+--quick} 2>"$work/errors" |
    grep -E '^[a-z].*|time:|thrpt:' | grep -vE '^Benchmarking|change:'
}

# Which commands start-up is measured of: "name command"; the first one is what ratios are to.
startup_commands() {
  if has openssl; then echo "openssl openssl dgst -md5 $work/payload"; fi
  if has md5sum; then echo "md5sum md5sum $work/payload"; fi
  echo "sign $PAYOUT_NOTIFY sign $work/payload"
  echo "verify $PAYOUT_NOTIFY verify $work/signed"
  # Not a version manager's script before it.
  if has python3; then echo "python3 $(python3 -c 'import sys; print(sys.executable)') benches/peers/scripts/sign.py $work/payload"; fi
  if has node; then echo "node node benches/peers/scripts/sign.mjs $work/payload"; fi
  if has php; then echo "php php benches/peers/scripts/sign.php $work/payload"; fi
}

startup() {
  program
  export PAYOUT_NOTIFY_KEY=ThisIsYourSecretKey123
  printf '%s\n' '{"payout_id":"POT00000102","payout_cl_id":"97a968b4a9db497c8c03198e395a38c6","platform_id":"PF0014","amount":400000,"real_amount":400000,"fee":3200,"status":2,"create_time":1567614049,"update_time":1567614111}' >"$work/payload"
  "$PAYOUT_NOTIFY" sign "$work/payload" >"$work/signed"
  startup_commands >"$work/commands"
  for tool in openssl md5sum python3 node php; do if ! has "$tool"; then echo "$tool is not installed"; fi; done
  echo "The program: $(wc -c <"$PAYOUT_NOTIFY") bytes."
  if has hyperfine; then startup_times; else echo "hyperfine is not installed: no times"; fi
  if has valgrind; then startup_instructions; else echo "valgrind is not installed: no instructions"; fi
}

startup_times() {
  local rounds runs name command figures
  rounds=$(either 15 3) runs=$(either 100 10)
  rm -f "$work"/time-*
  for ((round = 0; round < rounds; round++)); do
    while read -r name command; do
      hyperfine -N --style none --warmup 3 --runs "$runs" --export-csv "$work/csv" "$command" >/dev/null 2>&1
      # The command itself may hold commas, the seven figures behind it do not.
      figures=$(awk -F, 'END {print $(NF - 3) * 1000, $(NF - 1) * 1000, $NF * 1000}' "$work/csv")
      echo "$figures" >>"$work/time-$name"
    done <"$work/commands"
  done
  printf '\nFrom start to exit, one payload, ms (median of the medians of %s rounds of %s runs)\n' "$rounds" "$runs"
  printf '%-8s %7s %17s %26s %26s\n' '' median 'of rounds' 'ratio to openssl' 'ratio to md5sum'
  while read -r name command; do
    printf '%-8s %7.2f %17s %26s %26s\n' "$name" \
      "$(awk '{print $1}' "$work/time-$name" | spread | awk '{print $1}')" \
      "$(awk '{print $1}' "$work/time-$name" | spread | awk '{printf "%.2f to %.2f", $2, $3}')" \
      "$(ratio "time-$name" time-openssl)" "$(ratio "time-$name" time-md5sum)"
  done <"$work/commands"
}

startup_instructions() {
  local name command
  printf '\nInstructions from start to exit, millions (callgrind)\n'
  while read -r name command; do
    case $name in openssl | md5sum | sign | verify) ;; *) continue ;; esac
    # shellcheck disable=SC2086 # A command and its arguments, without spaces in them.
    valgrind --tool=callgrind --callgrind-out-file=/dev/null $command 2>&1 >/dev/null |
      awk -v name="$name" '/Collected/ {printf "%-8s %7.3f\n", name, $NF / 1e6}'
  done <"$work/commands"
}

# The median, the least and the most of a column.
spread() { sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)], v[1], v[NR]}'; }
# The ratio of two files' first columns, round by round.
ratio() {
  if [ ! -f "$work/$2" ]; then echo - && return; fi
  paste -d ' ' "$work/$1" "$work/$2" | awk '{print $1 / $4}' | spread |
    awk '{printf "%.2f (%.2f to %.2f)", $1, $2, $3}'
}

bulk() {
  if [ -n "$quick" ]; then export BULK_LINES=20000 BULK_PEER_LINES=5000 BULK_ROUNDS=3; fi
  benches/bulk.sh 2>"$work/errors" >"$work/bulk"
  grep -v '^round ' "$work/bulk"
  # Column 3 from the left of the figures is the time of one line.
  awk 'BEGIN {print "\nTime a line, ratio to sign --jobs 1"}
    /^sign --jobs 1 +[0-9]/ {mine = $5} /^(python3|node|php) .*[0-9]/ && mine {printf "%-8s %.1f\n", $1, $3 / mine}' "$work/bulk"
}

# Each width of the processor's vectors by itself: what it has not is taken as it comes.
diagnosis() {
  local vectors
  for vectors in avx512 avx2 sse2; do
    echo "$vectors:"
    PAYOUT_NOTIFY_BENCH_VECTORS=$vectors cargo bench --locked --quiet --profile dist --package payout-notify-protocol \
      --features diagnosis --bench diagnosis 2>"$work/errors"
  done
}

load() {
  program
  # shellcheck disable=SC2046 # Three figures.
  benches/load.sh $(either '7 5 2000' '1 1 500') 2>"$work/errors"
}

listener() {
  program
  # shellcheck disable=SC2046 # Three figures.
  benches/listener.sh $(either '7 4 1000000' '1 1 2000') 2>"$work/errors"
}

store() {
  program
  # shellcheck disable=SC2046 # Two figures.
  benches/store.sh $(either '7 3' '1 1') 2>"$work/errors"
}

scale() {
  program
  if [ -n "$quick" ]; then export SCALE_MOST=10000; fi
  benches/scale.sh 2>"$work/errors"
}

# The first line of what a tool says about its version.
version() {
  local name=$1
  shift
  if has "$name"; then printf -- '- %s: %s\n' "$name" "$("$@" 2>&1 | head -1)"; fi
}
surroundings() {
  printf -- '- date: %s\n' "$(date -u +%Y-%m-%d)"
  printf -- '- machine: %s cores, %s, %s\n' "$(getconf _NPROCESSORS_ONLN)" "$(uname -sm)" \
    "$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -1)"
  printf -- '- source: %s\n' "$(git describe --always --dirty 2>/dev/null || echo unknown)"
  version rustc rustc --version
  version openssl openssl version
  version md5sum md5sum --version
  version python3 python3 --version
  version node node --version
  version php php --version
  version wrk wrk --version
  version oha oha --version
  version webhook webhook --version
  version hyperfine hyperfine --version
  version valgrind valgrind --version
  # It cannot tell its version.
  if has hey; then echo '- hey'; fi
}

title() {
  case $1 in
  functions) echo "Functions: the least, the likely and the most of one call" ;;
  startup) echo "Start-up of whole processes" ;;
  bulk) echo "Many payloads in one process" ;;
  load) echo "Senders against one fast sink" ;;
  listener) echo "The listener" ;;
  store) echo "Durable writes beside a plain file" ;;
  diagnosis) echo "Searches for a mistake that find nothing, with each width of vectors" ;;
  scale) echo "Cost against size" ;;
  esac
}

failed=
report() {
  local section
  printf '# Results\n\nWritten by `benches/compare.sh`. Ratios compare what ran in turn on one machine; they carry over to\nothers better than the figures they are made of.\n\n'
  surroundings
  for section in "${sections[@]}"; do
    printf '\n## %s\n\n```text\n' "$(title "$section")"
    : >"$work/errors"
    # In a process of its own, so that a failure ends the section and not the report.
    set +e
    (set -euo pipefail && "$section") >"$work/section"
    status=$?
    set -e
    # Its first lines may be empty.
    sed '/./,$!d' "$work/section"
    if [ "$status" != 0 ]; then
      failed=1
      echo "This section did not end well."
      tail -5 "$work/errors" >&2
    fi
    printf '```\n'
  done
}

if [ -n "$whole" ]; then
  report >"$work/report"
  mv "$work/report" "${RESULTS:-benches/RESULTS.md}"
  echo "written: ${RESULTS:-benches/RESULTS.md}"
else
  report
fi
[ -z "$failed" ]
