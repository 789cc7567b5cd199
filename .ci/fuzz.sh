#!/usr/bin/env bash
# Runs every fuzz target for SECONDS (60 unless given), from its seeds: `.ci/fuzz.sh 60`. Ends with 0 if nothing failed, with 1 if an
# input failed, and with 3, saying what is missing, on a machine that cannot fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
case $seconds in '' | *[!0-9]* | 0) echo "usage: .ci/fuzz.sh SECONDS" >&2; exit 2 ;; esac

cannot() { echo "NOT FUZZED: $1" >&2; exit 3; }

case $(uname -s) in Linux | Darwin) ;; *) cannot "libFuzzer needs Linux or macOS, this is $(uname -s)" ;; esac
command -v cargo-fuzz > /dev/null || cannot "cargo-fuzz is missing; \`cargo install cargo-fuzz\`"
cargo +nightly --version > /dev/null 2>&1 || cannot "no nightly toolchain; \`rustup toolchain install nightly\`"

failed=()
targets=$(cargo +nightly fuzz list)
for target in $targets; do
    printf '\n== %s, %s s\n' "$target" "$seconds"
    mkdir -p "fuzz/corpus/$target"
    limits=(-max_total_time="$seconds" -max_len=8192 -timeout=60 -print_final_stats=1)
    case $target in packed_*) limits+=(-dict=fuzz/packed.dict) ;; esac
    cargo +nightly fuzz build "$target"
    cargo +nightly fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- "${limits[@]}" || failed+=("$target")
done
[ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}; the inputs are in fuzz/artifacts" >&2; exit 1; }
printf '\nfuzzed %s for %s s each; nothing failed\n' "$(echo $targets)" "$seconds"
