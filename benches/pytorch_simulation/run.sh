#!/bin/sh
# Times the simulation of a spiking student against PyTorch.
# Usage: benches/pytorch_simulation/run.sh RUN --data DIR/SST-2 [--limit N] [--threads N] [--json OUT]
# Makes a virtual environment in target/pytorch-simulation on the first call; PYTHON names an interpreter that has the
# requirements already and skips that.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${PYTHON:-}" ]; then
    environment="$here/../../target/pytorch-simulation"
    PYTHON="$environment/bin/python"
    if ! [ -f "$environment/ready" ]; then
        python3 -m venv "$environment"
        "$PYTHON" -m pip install --quiet -r "$here/requirements.txt"
        touch "$environment/ready"
    fi
fi
"$PYTHON" "$here/simulate.py" --selftest
exec "$PYTHON" "$here/compare.py" "$@"
