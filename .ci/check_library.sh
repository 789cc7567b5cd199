#!/usr/bin/env bash
# What the library promises of its dependencies and its targets: fails if the crate `bitspike` depends on a training framework, on
# readers of tables or of TOML, or on C; if without its default features it needs threads or memory maps, or does not build and
# pass its tests; or if any of this cannot be found out. With `--targets`, also if it does not build for the targets below of those
# that rustup has installed.
set -euo pipefail
cd "$(dirname "$0")/.."

# Name and version of all that the library needs to be built, with the given options.
dependencies() {
    local tree
    # An assignment of its own, so that a failing `cargo tree` ends the script here instead of passing as "nothing found".
    tree=$(cargo tree -p bitspike -e normal,build --prefix none "$@")
    case $tree in
        bitspike\ *) printf '%s\n' "$tree" ;;
        *) printf 'cargo tree did not begin with bitspike:\n%s\n' "$tree" >&2; return 1 ;;
    esac
}

# forbid WHAT PATTERN TREE
forbid() {
    local found
    found=$(awk -v pattern="$2" '$1 ~ pattern { print $1, $2 }' <<<"$3" | sort -u)
    [ -z "$found" ] || { printf 'bitspike must not depend on %s, and depends on:\n%s\n' "$1" "$found" >&2; exit 1; }
}

tree=$(dependencies --all-features)
forbid "a training framework" '^burn' "$tree"
forbid "readers of tables or of settings" '^(arrow|parquet|csv|toml|clap|anyhow|tokenizers)(-.*|_.*)?$' "$tree"
# What compiles C or C++, or binds an installed library of it. `linux-raw-sys` is Rust alone, whatever its name.
for target in x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu; do
    tree=$(dependencies --target "$target" | sed '/^linux-raw-sys /d')
    forbid "C on $target" '^(cc|cmake|bindgen|pkg-config|vcpkg|.*-sys|.*-src)$' "$tree"
done
forbid "threads or memory maps without its default features" '^(rayon.*|crossbeam.*|memmap2|libc|getrandom)$' \
    "$(dependencies --no-default-features --target wasm32-unknown-unknown)"
forbid "threads or memory maps without its default features" '^(rayon.*|crossbeam.*|memmap2)$' \
    "$(dependencies --no-default-features)"

cargo test -p bitspike --release --no-default-features --lib --test model --quiet
cargo test -p bitspike --release --no-default-features --doc --quiet

if [ "${1:-}" = --targets ]; then
    for target in wasm32-unknown-unknown i686-unknown-linux-gnu armv7-unknown-linux-gnueabihf aarch64-unknown-linux-gnu; do
        if rustup target list --installed | grep -qx "$target"; then
            cargo check -p bitspike --no-default-features --target "$target"
        else
            echo "rustup has no $target: not checked"
        fi
    done
fi
