#!/usr/bin/env bash
# Fails if the crate `bitspike-core` depends on burn, directly or through anything else, or without its features on C, or if that
# cannot be found out.
set -euo pipefail
cd "$(dirname "$0")/.."

# Name and version of all that bitspike-core needs to be built, with the given options.
dependencies() {
    local tree
    # An assignment of its own, so that a failing `cargo tree` ends the script here instead of passing as "nothing found".
    tree=$(cargo tree -p bitspike-core -e normal,build --prefix none "$@")
    case $tree in
        bitspike-core\ *) printf '%s\n' "$tree" ;;
        *) printf 'cargo tree did not begin with bitspike-core:\n%s\n' "$tree" >&2; return 1 ;;
    esac
}

# forbid WHAT PATTERN TREE
forbid() {
    local found
    found=$(awk -v pattern="$2" '$1 ~ pattern { print $1, $2 }' <<<"$3" | sort -u)
    [ -z "$found" ] || { printf 'bitspike-core must not depend on %s, and depends on:\n%s\n' "$1" "$found" >&2; exit 1; }
}

tree=$(dependencies --all-features)
forbid burn '^burn' "$tree"
# What compiles C or C++, or binds an installed library of it. `linux-raw-sys` is Rust alone, whatever its name.
for target in x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu; do
    tree=$(dependencies --target "$target" | sed '/^linux-raw-sys /d')
    forbid "C on $target" '^(cc|cmake|bindgen|pkg-config|vcpkg|.*-sys|.*-src)$' "$tree"
done
