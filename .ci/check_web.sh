#!/usr/bin/env bash
# Builds the engine for browsers and the npm package, and tests what people install: the package from its tarball in Node and, where
# it is there, in Chromium, the page without a server, and that logits and spike counts are those of the native engine, bit for bit.
#
#   .ci/check_web.sh [FOLDER]       screenshots, figures and the page stay in FOLDER (target/web)
#
# Needs what bindings/web/build.sh needs, Node from 20 on with npm, and, for relaxed SIMD, Node from 22 on; ends with 3 and says what is
# missing. CHROMIUM= leaves the browser out, NODE names another Node. WEB_TEXTS texts of the dev set of SST-2 are compared (20; `all` takes
# minutes), where BITSPIKE_SHARED or ../shared holds it. BITSPIKE_FINGERPRINT is the engine's example `fingerprint`, if it is built.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "${1:-target/web}"
folder=$(realpath "${1:-target/web}")
missing() { echo "no $1 here: the package for browsers is left out"; exit 3; }
node=${NODE:-node}
command -v npm > /dev/null || missing npm
"$node" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2> /dev/null || missing "Node from 20 on"
if [ -z "${CHROMIUM+set}" ]; then
    CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
fi
export CHROMIUM
step() { printf '\n== %s (%ds)\n' "$1" "$SECONDS"; }

step "the modules"
bash bindings/web/build.sh
"$node" -e '
const { brotliCompressSync } = require("node:zlib"), { readFileSync } = require("node:fs");
for (const path of process.argv.slice(1)) {
  const { length } = brotliCompressSync(readFileSync(path));
  if (length > 250000) { console.error(`${path}: ${length} bytes compressed; 250,000 are promised`); process.exit(1); }
}' bindings/web/npm/*.wasm

step "the package as it is installed"
tests=bindings/web/tests
(cd bindings/web/npm && npm pack --silent --pack-destination "$folder" > /dev/null)
(cd $tests && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --silent --no-audit --no-fund --no-save --no-package-lock \
    "$folder"/bitspike-*.tgz > "$folder/npm.log" 2>&1) || missing "npm registry"
$tests/node_modules/.bin/tsc --noEmit --strict --module nodenext --target es2024 --lib es2024,dom,esnext.disposable $tests/types.ts
"$node" --test --test-reporter=dot $tests/answers.test.js $tests/trouble.test.js

step "the page without a server"
"$node" bindings/web/page/build.js "$folder/page" models/sst2-tiny models/sst2-ternary models/rte-ternary models/stsb-ternary
if [ -n "$CHROMIUM" ]; then
    SITE=$folder/page "$node" --test --test-reporter=dot $tests/browser.test.js
    pages=crates/server/page/tests
    [ -d $pages/node_modules/playwright-core ] || (cd $pages && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --silent)
    PAGE_SHOTS=$folder "$node" $tests/static.js "$folder/page"
fi

step "the same bits as native"
dev=
for shared in "${BITSPIKE_SHARED:-}" ../shared; do
    [ -z "$dev" ] && [ -f "$shared/data/SST-2/dev.tsv" ] && dev=$shared/data/SST-2/dev.tsv
done
if [ -z "$dev" ]; then
    dev=$folder/texts.tsv
    printf 'a fine film\ndull from start to finish\nnot nearly as bad as it sounds\n' > "$dev"
fi
texts=${WEB_TEXTS:-20}
[ "$texts" != all ] || texts=1000000
fingerprint=("${BITSPIKE_FINGERPRINT:-target/release/examples/fingerprint}")
[ -x "${fingerprint[0]}" ] || fingerprint=(cargo run -p bitspike --release --quiet --example fingerprint --)
"${fingerprint[@]}" --texts "$texts" "$dev" models/*/model.safetensors > "$folder/digests"
"$node" $tests/same_bits.js "$folder/digests" "$dev" "$texts" models/*/model.safetensors
CHROMIUM= SIMD=simd128 "$node" $tests/same_bits.js "$folder/digests" "$dev" "$texts" models/sst2-tiny/model.safetensors

step "done"
