#!/usr/bin/env bash
# The memory of a pending retry: what `simulate` holds while every order waits for its second attempt.
#
# A server refuses every notification; the schedule retries after an hour, so all orders are pending at once. The resident
# memory of two runs of different size is compared, so that what a run costs by itself drops out. Linux only (/proc).
# Usage: benches/pending.sh [ORDERS]
#   PAYOUT_NOTIFY, PEERS: built programs.
set -euo pipefail
cd "$(dirname "$0")/.."

orders=${1:-400000}
export LC_ALL=C PAYOUT_NOTIFY_KEY=0123456789abcdef
. benches/build.sh
program=${PAYOUT_NOTIFY:-$(built payout-notify)}
peers=${PEERS:-$(built payout-notify-bench-peers)}
work=$(mktemp -d)
server= sender=
finish() {
  for process in $server $sender; do
    kill "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  rm -r "$work"
}
trap finish EXIT

"$peers" refuse >"$work/url" &
server=$!
until [ -s "$work/url" ]; do sleep 0.05; done

# Sets bytes to what is resident once every order has had its first attempt: then the memory no longer
# grows. No subshell: the sender must be known to the end of this script.
measure() {
  "$program" simulate "$(cat "$work/url")" --count "$1" --schedule 50m --concurrency 64 >"$work/out" 2>&1 &
  sender=$!
  local now=0 before=-1
  until [ "$now" = "$before" ] && [ "$now" -gt 0 ]; do
    before=$now
    sleep 2
    if ! kill -0 "$sender" 2>/dev/null; then
      echo "simulate ended before its retries:" >&2
      cat "$work/out" >&2
      exit 1
    fi
    now=$(awk '/VmRSS/ {print $2}' "/proc/$sender/status")
  done
  kill -9 "$sender"
  wait "$sender" 2>/dev/null || true
  sender=
  bytes=$((now * 1024))
}
measure $((orders / 4))
few=$bytes
measure "$orders"
many=$bytes
awk -v few="$few" -v many="$many" -v orders="$orders" \
  'BEGIN {printf "%.0f bytes per pending retry, its body included (%d and %d orders)\n", (many - few) / (orders * 3 / 4), orders / 4, orders}'
