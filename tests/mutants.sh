#!/usr/bin/env bash
# Mutation testing of the code that decides: cargo-mutants breaks it in one place at a time, and a test must fail.
#
# Usage: tests/mutants.sh [AREA [SAMPLE [SEED]]]
#   AREA    a name from the table in tests/mutants.py, or `all` (the default)
#   SAMPLE  how many mutants that compile to draw, `all`, or `missed` for those that the last run of the area did not catch;
#           the default is in the table
#   SEED    what the sample is drawn with; it is printed
#   MUTANTS_DIR: where the copy of the tree and the reports are (default: target/mutants)
#
# Exits with 1 if an area has less than 97 % caught. A mutant that no test can catch is in tests/mutants-equivalent.txt with
# the reason. Takes hours, so it is not part of CI. Needs git, python3 and cargo-mutants.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo mutants --version >/dev/null 2>&1 || {
    echo "mutants: cargo-mutants is not installed" >&2
    echo "hint: cargo install --locked cargo-mutants" >&2
    exit 4
}
if grep -rn 'mutants::skip' src protocol/src >&2; then
    echo "mutants: an attribute leaves code out; list the mutant with its reason in tests/mutants-equivalent.txt instead" >&2
    exit 1
fi

# The mutants are made in a copy, so that nobody compiles one by accident. File times are kept: the copy compiles incrementally.
dir=$(realpath -m "${MUTANTS_DIR:-target/mutants}")
rm -rf "$dir/tree"
mkdir -p "$dir/tree"
git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
    tar --create --null --files-from=- | tar --extract --directory="$dir/tree"

export CARGO_TARGET_DIR=$dir/target CARGO_INCREMENTAL=1 CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0
if command -v mold >/dev/null && [ -z "${RUSTFLAGS:-}" ]; then export RUSTFLAGS=-Clink-arg=-fuse-ld=mold; fi
# A mutant that allocates without end dies before the machine does.
ulimit -v $((6 << 20))
exec nice -n 10 python3 tests/mutants.py "$dir" "$@"
