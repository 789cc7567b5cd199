#!/usr/bin/env bash
# Builds the modules of the npm package, one with the instructions of SIMD128 and one with those of relaxed SIMD too, into `npm/`, and
# says how large they are. What it takes: `.ci/cross_toolchain.sh`, and wasm-opt of Binaryen from 117 on (WASM_OPT, the one on the path, or
# the npm package `binaryen`). Ends with 3 and says what is missing.
#
# Cargo's files stay in CARGO_TARGET_DIR, or `target/`.
set -euo pipefail
cd "$(dirname "$0")"
. ../../.ci/cross_toolchain.sh
cross_toolchain wasm32-unknown-unknown || exit 3
folder=${CARGO_TARGET_DIR:-$PWD/target}
mkdir -p "$folder"

recent() { [ "$("$1" --version 2> /dev/null | grep -o '[0-9]\+' | head -1)" -ge 117 ] 2> /dev/null; }
wasm_opt=${WASM_OPT:-wasm-opt}
if ! recent "$wasm_opt"; then
    wasm_opt=$folder/tools/node_modules/.bin/wasm-opt
    recent "$wasm_opt" || npm install --silent --no-audit --no-fund --prefix "$folder/tools" binaryen@132 > /dev/null 2>&1 || true
    recent "$wasm_opt" || { echo "no wasm-opt from 117 on here, and npm has no binaryen" >&2; exit 3; }
fi

for build in simd128 relaxed; do
    features=+simd128 name=bitspike
    [ $build = simd128 ] || features=+simd128,+relaxed-simd name=bitspike-relaxed
    # A megabyte of stack, at the lowest addresses: what overflows it traps instead of writing over data.
    flags="-C target-feature=$features -C link-arg=-zstack-size=1048576"
    # Paths of this machine are of no use in a panic's message.
    flags+=" --remap-path-prefix=$(cd ../.. && pwd)=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
    # Functions that are not marked are inlined where that makes code smaller: loops that are worth it are marked.
    flags+=" -C llvm-args=-inline-threshold=20"
    # A panic says what is wrong and not where: the places of all that never happen are 4 kB. The flag is not stable yet.
    flags+=" -Zlocation-detail=none"
    # Said again, since the size is promised: a configuration of cargo on this machine overrules what Cargo.toml says of profiles.
    profiles=(--config profile.release.package.bitspike.opt-level=3)
    for package in analysis data hub run; do profiles+=(--config "profile.release.package.bitspike-$package.opt-level='z'"); done
    command=("${cross_cargo[@]}" build --release --quiet --locked "${cross_options[@]}" "${profiles[@]}")
    RUSTC_BOOTSTRAP=1 RUSTFLAGS=$flags CARGO_TARGET_DIR=$folder/$build "${command[@]}"
    "$wasm_opt" -O3 --strip-debug --strip-producers "$folder/$build/wasm32-unknown-unknown/release/bitspike_web.wasm" -o "npm/$name.wasm"
    size=$(stat -c %s "npm/$name.wasm")
    packed=$(command -v brotli > /dev/null && brotli -q 11 -c "npm/$name.wasm" | wc -c || echo "no brotli here:")
    echo "$name.wasm: $size bytes, $packed compressed with Brotli"
done
cp ../../LICENSE-* npm/
