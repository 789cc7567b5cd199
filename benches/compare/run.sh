#!/bin/sh
# Times bitspike against ONNX Runtime and OpenVINO, f32 and int8.
# Usage: benches/compare/run.sh --teacher FOLDER [--model FILE] [--data DIR/SST-2] [--rounds N] [--seconds S] [--json OUT]
# Makes a virtual environment in target/compare on the first call; PYTHON names an interpreter that has the requirements already
# and skips that.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${PYTHON:-}" ]; then
    environment="$here/../../target/compare/environment"
    PYTHON="$environment/bin/python"
    if ! [ -f "$environment/ready" ]; then
        python3 -m venv "$environment"
        "$PYTHON" -m pip install --quiet -r "$here/requirements.txt"
        touch "$environment/ready"
    fi
fi
exec "$PYTHON" "$here/compare.py" "$@"
