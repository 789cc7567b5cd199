#!/usr/bin/env bash
# Builds the wheel of the Python package, installs it into an environment of its own, and tests it there: types, docstrings, the guide,
# answers beside those of the program (BITSPIKE_PROGRAM). Ends with 3, and says why, where there is no Python of 3.10 or newer or what it
# takes cannot be installed.
#
# The environment and what cargo built stay in target/python for the next time. BITSPIKE_PYTHON names another Python, PYTEST_ARGS
# chooses tests.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${BITSPIKE_PYTHON:-python3}
folder=${CARGO_TARGET_DIR:-$PWD/target}/python
if ! "$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 10))' > /dev/null 2>&1; then
    echo "no Python of 3.10 or newer with venv here: the Python package is left out"
    exit 3
fi
mkdir -p "$folder"
venv=$folder/venv
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
if ! "$venv/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.9.4,<2' numpy pytest mypy pyarrow polars pandas scikit-learn \
    duckdb datafusion daft tqdm matplotlib nir > "$folder/pip.log" 2>&1; then
    tail -1 "$folder/pip.log"
    echo "maturin or what the tests take cannot be installed here: the Python package is left out"
    exit 3
fi

rm -rf "$folder/wheels"
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/python/build} "$venv/bin/maturin" build --release --quiet --interpreter "$venv/bin/python" \
    --manifest-path bindings/python/Cargo.toml --out "$folder/wheels"
wheel=$(ls "$folder"/wheels/*.whl)
size=$(stat -c %s "$wheel")
echo "$(basename "$wheel"): $size bytes"
[ "$size" -le 20000000 ] || { echo "the wheel is larger than 20 MB" >&2; exit 1; }
"$venv/bin/pip" install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheel"
# Outside of the sources, so that what is tested is what was installed.
read -ra chosen <<< "${PYTEST_ARGS:-}"
"$venv/bin/python" -m pytest --quiet -p no:cacheprovider --rootdir bindings/python -c bindings/python/pyproject.toml bindings/python/tests \
    "${chosen[@]}"
