#!/usr/bin/env bash
# Builds one static binary for any Linux of this machine's processor, and proves that it is static.
#
# Exits with 0 where it did, with 2 where the toolchain lacks something, which it names. The C
# sources in the tree (SQLite, ring) want a C compiler for musl beside Rust's target.
set -euo pipefail
cd "$(dirname "$0")/.."

target="$(uname -m)-unknown-linux-musl"
lacks() { echo "musl: not built: $*" >&2; exit 2; }

libraries="$(rustc --print sysroot)/lib/rustlib/$target/lib"
[ -d "$libraries" ] || lacks "Rust's target $target is not installed: rustup target add $target"
if [ -z "${CC_x86_64_unknown_linux_musl:-}${CC_aarch64_unknown_linux_musl:-}" ]; then
    command -v musl-gcc >/dev/null || lacks "there is no C compiler for musl: apt-get install musl-tools"
fi

cargo build --locked --profile dist --features mcp --target "$target"
binary="${CARGO_TARGET_DIR:-target}/$target/dist/payout-notify"
if command -v ldd >/dev/null && ldd "$binary" 2>&1 | grep -q '=>'; then
    echo "musl: $binary is not static" >&2
    exit 1
fi
env -i "$binary" demo >/dev/null
echo "musl: $binary, $(stat -c %s "$binary") bytes, static; the demo ends well"
