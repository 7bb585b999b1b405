#!/usr/bin/env bash
# Packs both crates and builds each from its packed files, the program with the packed protocol. Prints
# the sizes. ALLOW_DIRTY=1 packs what is not committed as well.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo package --locked ${ALLOW_DIRTY:+--allow-dirty} --package payout-notify-protocol --package payout-notify
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
for name in payout-notify-protocol payout-notify; do
    crate="${CARGO_TARGET_DIR:-target}/package/$name-$version.crate"
    echo "check-crates: $name $version builds from its packed files, $(wc -c <"$crate") bytes"
done
