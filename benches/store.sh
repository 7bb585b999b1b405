#!/usr/bin/env bash
# Durable callbacks per second: `listen` with its inbox beside a plain file with group commit.
#
# 64 connections each post a callback and wait for the acknowledgement, which follows the commit; beside it
# 64 writers append 250 bytes each and wait for fdatasync. The listener also parses and verifies, so the
# ratio is the whole cost of a stored callback. Needs wrk (Debian).
# Usage: benches/store.sh [ROUNDS] [SECONDS]
#   PAYOUT_NOTIFY, PEERS: built programs; FOLDER: where both write.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-7} seconds=${2:-3}
connections=64 key=0123456789abcdef
export LC_ALL=C
if ! command -v wrk >/dev/null; then echo "wrk is not installed" && exit 0; fi
. benches/build.sh
program=${PAYOUT_NOTIFY:-$(built payout-notify)}
peers=${PEERS:-$(built payout-notify-bench-peers)}
work=$(mktemp -d "${FOLDER:-${TMPDIR:-/tmp}}/store-bench-XXXXXX")
server=
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
  rm -r "$work"
}
trap finish EXIT

"$peers" body "$key" >"$work/body"
(umask 077 && printf %s "$key" >"$work/key")
cat >"$work/post.lua" <<LUA
wrk.method = "POST"
wrk.body = io.open("$work/body"):read("*a")
wrk.headers["Content-Type"] = "application/json;charset=utf-8"
LUA

stored() {
  rm -f "$work"/inbox*
  "$program" listen --bind :0 --key-file "$work/key" --quiet --inbox "$work/inbox" >"$work/ready" 2>"$work/errors" &
  server=$!
  until grep -q http "$work/ready"; do
    kill -0 "$server"
    sleep 0.02
  done
  wrk -t1 -c "$connections" -d "${seconds}s" -s "$work/post.lua" \
    "$(grep -o 'http://[^ ]*/' "$work/ready" | head -1)notify" >"$work/out"
  if grep -q 'Non-2xx' "$work/out"; then cat "$work/out" >&2 && exit 1; fi
  kill -TERM "$server"
  wait "$server" 2>/dev/null || true
  server=
  awk '/Requests\/sec/ {print $2}' "$work/out"
}
plain() { "$peers" plain-file "$work" "$seconds" | awk '{print $1}'; }

for ((round = 0; round < rounds; round++)); do
  plain >>"$work/plain-rates"
  stored >>"$work/stored-rates"
done
spread() { sort -g | awk '{v[NR] = $1} END {printf "%10.0f   (%.0f to %.0f)\n", v[int((NR + 1) / 2)], v[1], v[NR]}'; }
printf '%s connections, medians of %s rounds of %s s, per second (least to most)\n' "$connections" "$rounds" "$seconds"
printf 'plain file %s\n' "$(spread <"$work/plain-rates")"
printf 'inbox      %s\n' "$(spread <"$work/stored-rates")"
paste "$work/stored-rates" "$work/plain-rates" | awk '{print $1 / $2}' | sort -g |
  awk '{v[NR] = $1} END {printf "ratio      %10.2f   (%.2f to %.2f)\n", v[int((NR + 1) / 2)], v[1], v[NR]}'
