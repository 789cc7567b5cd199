#!/usr/bin/env bash
# Fails if the crate `bitspike-core` depends on burn, directly or through anything else, or if that cannot be found out.
set -euo pipefail
cd "$(dirname "$0")/.."
# An assignment of its own, so that a failing `cargo tree` ends the script here instead of passing as "nothing found".
tree=$(cargo tree -p bitspike-core -e normal,build --all-features --prefix none)
case $tree in
    bitspike-core\ *) ;;
    *) printf 'cargo tree did not begin with bitspike-core:\n%s\n' "$tree" >&2; exit 1 ;;
esac
found=$(awk '$1 ~ /^burn/ { print $1, $2 }' <<<"$tree" | sort -u)
if [ -n "$found" ]; then
    printf 'bitspike-core must not depend on burn, and depends on:\n%s\n' "$found" >&2
    exit 1
fi
