#!/usr/bin/env bash
# `cargo test --workspace` and `cargo build` are one build: what the program needs has the same features in both, so that who runs the
# tests after the program, or the other way round, builds the training framework once. Fails with the crates that differ.
set -euo pipefail
cd "$(dirname "$0")/.."

# Name, version and features of all that is built with the given options, sorted.
features() {
    local tree
    tree=$(cargo tree --prefix none --format '{p} [{f}]' "$@")
    sed 's/ (\*)$//' <<< "$tree" | sort -u
}

program=$(features --edges normal,build)
differ=$(comm -13 <(features --workspace) - <<< "$program")
[ -z "$differ" ] || {
    printf 'the tests build these with other features than the program (crates/train/Cargo.toml says what to do):\n%s\n' "$differ" >&2
    exit 1
}
