#!/usr/bin/env bash
# Executes the notebooks of docs/notebooks with the wheel that check_python.sh installed, and holds their pages in the book to what they give.
#
# Usage: .ci/check_notebooks.sh [--write]        makes the pages and their pictures anew
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${CARGO_TARGET_DIR:-$PWD/target}/python/venv
[ -x "$venv/bin/python" ] || { echo "run .ci/check_python.sh first: it makes $venv" >&2; exit 3; }
"$venv/bin/pip" install --quiet --disable-pip-version-check nbclient nbformat ipykernel matplotlib ||
    { echo "nbclient cannot be installed here: the notebooks are left out"; exit 3; }
"$venv/bin/python" .ci/notebooks.py "$@"
