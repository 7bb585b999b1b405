#!/usr/bin/env bash
# Signs a million lines with this program, with the bare digest, and with the scripts in peers/scripts/.
#
#   benches/bulk.sh                                     # about a minute
#   BULK_LINES=100000 BULK_ROUNDS=3 benches/bulk.sh     # a quick look
#
# BULK_PEER_LINES (200000) is how many lines the scripts get: they are slower.
set -euo pipefail
cd "$(dirname "$0")/.."

. benches/build.sh
PAYOUT_NOTIFY=${PAYOUT_NOTIFY:-$(built payout-notify)}
export PAYOUT_NOTIFY
exec "$(built bulk)"
