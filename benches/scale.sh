#!/usr/bin/env bash
# How the cost grows with the size: lines, orders, callbacks, callbacks in the inbox, and a search for a mistake.
#
#   benches/scale.sh                 # about three minutes
#   SCALE_MOST=100000 benches/scale.sh
#
# Needs Python 3 and Linux. PAYOUT_NOTIFY, PEERS: built programs.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v python3 >/dev/null; then echo "python3 is not installed" && exit 0; fi
. benches/build.sh
PAYOUT_NOTIFY=${PAYOUT_NOTIFY:-$(built payout-notify)}
PEERS=${PEERS:-$(built payout-notify-bench-peers)}
export PAYOUT_NOTIFY PEERS
exec python3 benches/scale.py
