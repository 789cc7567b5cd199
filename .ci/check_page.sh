#!/usr/bin/env bash
# Tests the server's page in Chromium (crates/server/page/tests): typing, playing, errors, keyboard alone, axe-core, no console message,
# no other host; screenshots at four sizes and the figures of speed stay in the folder given. Needs Node from 20 on, npm and Chromium;
# where one is missing it does nothing and says so, unless BITSPIKE_CI_CHROMIUM=1 says that they are there: then it fails, and judges
# what passes on the clock, too.
#
#   .ci/check_page.sh FOLDER [URL]      the page of the server at URL; else of one that it starts with target/release/bitspike, or BITSPIKE
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "$1"
folder=$(realpath "$1")
missing() {
    if [ "${BITSPIKE_CI_CHROMIUM:-0}" != 0 ]; then
        echo "BITSPIKE_CI_CHROMIUM is set, and there is no $1: the page was not tested" >&2
        exit 1
    fi
    echo "no $1 here: the page was not tested"
    exit 0
}
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
[ -n "$chromium" ] || missing Chromium
command -v npm > /dev/null || missing npm
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2> /dev/null || missing "Node from 20 on"
BITSPIKE=$(realpath -m "${BITSPIKE:-target/release/bitspike}")
[ -n "${2:-}" ] || "$BITSPIKE" serve --help > /dev/null 2>&1 || missing "\`serve\` in $BITSPIKE"
cd crates/server/page/tests
[ -d node_modules/playwright-core ] || PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --silent || missing "playwright-core, and no npm registry"
[ -z "${2:-}" ] || export BITSPIKE_SERVER=$2
BITSPIKE=$BITSPIKE CHROMIUM=$chromium PAGE_SHOTS=$folder node run.js
