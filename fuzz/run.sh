#!/usr/bin/env bash
# Runs every target, or those named, one after another: fuzz/run.sh [TARGET...]. RUNS sets the executions.
set -euo pipefail
cd "$(dirname "$0")"

runs=${RUNS:-10000000}
# Texts are short; what is read line by line or from a file may be longer.
longest() {
    case $1 in
        cases) echo 1024 ;;
        learn) echo 1024 ;;
        payload | canonical | differential | dialect_file) echo 512 ;;
        *) echo 256 ;;
    esac
}

if [ $# -eq 0 ]; then
    mapfile -t targets < <(cargo +nightly fuzz list)
    set -- "${targets[@]}"
fi
for target in "$@"; do
    # What is found new goes to a folder of its own; the seeds stay as they are.
    mkdir -p "target/found/$target"
    printf '\n== %s\n' "$target"
    cargo +nightly fuzz run -s none "$target" "target/found/$target" "corpus/$target" -- \
        -runs="$runs" -max_len="$(longest "$target")" -timeout=10 -print_final_stats=1
done
