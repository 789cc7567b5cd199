#!/usr/bin/env bash
# The book: every link to a file or a heading in README.md, docs/ and the other pages has its target, examples of clients are those of
# their tests, and where mdbook is
# installed, the book builds. BITSPIKE_CI_BOOK=1 fails where mdbook is not installed.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 .ci/check_links.py
python3 crates/server/tests/clients/snippets.py --check
if command -v mdbook > /dev/null; then
    mdbook build --dest-dir "$PWD/target/book"
    python3 .ci/check_links.py target/book
elif [ "${BITSPIKE_CI_BOOK:-0}" != 0 ]; then
    echo "BITSPIKE_CI_BOOK is set, and there is no mdbook" >&2
    exit 1
else
    echo "no mdbook here: the book was not built"
fi
