#!/usr/bin/env bash
# How long the inspector's page waits for a search for a text that is nowhere, and for the attempts of one order.
#
# An inbox is filled with SQL, because a million callbacks take minutes over HTTP; then one page is asked for, as
# the browser does. The best of three is printed. Needs sqlite3 and curl (Debian).
# Usage: benches/search.sh [CALLBACKS...]     default: 10000 100000 1000000
#   PAYOUT_NOTIFY: a built program; FOLDER: where the inbox is.
set -euo pipefail
cd "$(dirname "$0")/.."

sizes=("${@:-10000}")
if [ $# -eq 0 ]; then sizes=(10000 100000 1000000); fi
export LC_ALL=C PAYOUT_NOTIFY_KEY=0123456789abcdef
for tool in sqlite3 curl; do
  if ! command -v "$tool" >/dev/null; then echo "$tool is not installed" && exit 0; fi
done
. benches/build.sh
program=${PAYOUT_NOTIFY:-$(built payout-notify)}
work=$(mktemp -d "${FOLDER:-${TMPDIR:-/tmp}}/search-bench-XXXXXX")
server=
stop() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true && wait "$server" 2>/dev/null || true; fi
  server=
}
finish() {
  stop
  rm -r "$work"
}
trap finish EXIT
start() {
  rm -f "$work/ready"
  "$program" listen --bind :0 --inspect --keep 100000000 --inbox "$work/inbox" >"$work/ready" 2>"$work/errors" &
  server=$!
  until grep -q token "$work/ready" 2>"$work/none"; do
    kill -0 "$server"
    sleep 0.02
  done
}
# The seconds of one request: the least of three.
best() {
  for _ in 1 2 3; do
    curl -s -b "$work/cookies" -o "$work/answer" -w '%{time_total}\n' "$page/api/callbacks?limit=500&$1"
  done | sort -g | head -1
}

printf '%10s %12s %12s\n' callbacks 'no match, s' 'an order, s'
for size in "${sizes[@]}"; do
  rm -f "$work"/inbox*
  start
  curl -s -H 'Content-Type: application/json' -d '{"payout_id":"P1","sign":"00"}' \
    "$(grep -o 'http://[^ ]*/' "$work/ready" | head -1)notify" >"$work/answer"
  stop
  columns=$(sqlite3 "$work/inbox" "SELECT group_concat(name) FROM pragma_table_info('entries') WHERE name NOT IN ('id', 'order_id', 'body')")
  sqlite3 "$work/inbox" "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < $size)
    INSERT INTO entries (id, order_id, body, $columns)
    SELECT i, 'P' || i / 3, CAST(replace(hex(zeroblob(125)), '00', 'ab') AS BLOB), $columns FROM n, entries WHERE entries.id = 1"
  start
  url=$(grep -o 'http://[^ ]*token[^ ]*' "$work/ready")
  page=${url%%/\?*}
  curl -s -c "$work/cookies" -o "$work/answer" "$url"
  printf '%10s %12s %12s\n' "$size" "$(best grep=nowhere)" "$(best "order=P$((size / 6))")"
  stop
done
