#!/usr/bin/env bash
# Fails if the crate `bitspike-core` depends on burn, directly or through anything else.
set -euo pipefail
cd "$(dirname "$0")/.."
found=$(cargo tree -p bitspike-core -e normal,build --prefix none | grep -E '^burn' | sort -u || true)
if [ -n "$found" ]; then
    printf 'bitspike-core must not depend on burn, and depends on:\n%s\n' "$found" >&2
    exit 1
fi
