#!/bin/sh
# Times one distillation step against PyTorch. Usage: benches/pytorch_step/run.sh --data DIR/SST-2 --teacher DIR [--json OUT]
# Makes a virtual environment in target/pytorch-step on the first call; PYTHON names an interpreter that has the requirements
# already and skips that.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${PYTHON:-}" ]; then
    environment="$here/../../target/pytorch-step"
    PYTHON="$environment/bin/python"
    if ! [ -f "$environment/ready" ]; then
        python3 -m venv "$environment"
        "$PYTHON" -m pip install --quiet -r "$here/requirements.txt"
        touch "$environment/ready"
    fi
fi
"$PYTHON" "$here/step.py" --selftest
exec "$PYTHON" "$here/compare.py" "$@"
