#!/usr/bin/env bash
# Signs a million lines with this program, with the bare digest, and with the scripts in peers/.
#
#   benches/bulk.sh                                     # about a minute
#   BULK_LINES=100000 BULK_ROUNDS=3 benches/bulk.sh     # a quick look
#
# BULK_PEER_LINES (200000) is how many lines the scripts get: they are slower.
set -euo pipefail
cd "$(dirname "$0")/.."

exec cargo bench --locked --bench bulk
