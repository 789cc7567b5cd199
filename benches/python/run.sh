#!/usr/bin/env bash
# Times the Python package beside transformers with PyTorch, ONNX Runtime int8 and OpenVINO int8 on SST-2 dev, from texts to labels.
# Usage: benches/python/run.sh --teacher FOLDER --data DIR/SST-2 [--model NAME|FILE] [--threads 1,2] [--rounds N] [--json OUT]
# Takes the environment of benches/compare (target/compare/environment; made on the first call), and puts the package there: the wheel that
# BITSPIKE_WHEEL names, else the one that .ci/check_python.sh left, else one is built. BITSPIKE_PROGRAM names the program, for the row of the
# command line; else it is that of the package, `python -m bitspike`. PYTHON names an interpreter that has all this already, and skips it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
if [ -z "${PYTHON:-}" ]; then
    environment=$root/target/compare/environment
    PYTHON=$environment/bin/python
    if ! [ -f "$environment/ready" ]; then
        python3 -m venv "$environment"
        "$PYTHON" -m pip install --quiet --disable-pip-version-check -r "$root/benches/compare/requirements.txt"
        touch "$environment/ready"
    fi
    wheel=${BITSPIKE_WHEEL:-$(ls -t "${CARGO_TARGET_DIR:-$root/target}"/python/wheels/*.whl 2> /dev/null | head -1 || true)}
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "${wheel:-$root/bindings/python}"
fi
exec "$PYTHON" "$here/beside.py" "$@"
