#!/bin/sh
# What the server reaches on one core, beside ONNX Runtime int8 behind uvicorn; see README.md.
# Usage: benches/serve/run.sh --teacher FOLDER --model FILE --data DIR/SST-2 [--parts throughput,overhead,..] [--json OUT]
# Needs wrk and taskset. Makes a virtual environment in target/serve on the first call; PYTHON names an interpreter that has the
# requirements already and skips that.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
if [ -z "${PYTHON:-}" ]; then
    PYTHON="$target/serve/environment/bin/python"
    if ! [ -f "$target/serve/environment/ready" ]; then
        python3 -m venv "$target/serve/environment"
        "$PYTHON" -m pip install --quiet -r "$here/requirements.txt"
        touch "$target/serve/environment/ready"
    fi
fi
teacher=$(printf '%s\n' "$@" | sed -n '/^--teacher$/{n;p;}')
if ! [ -f "$target/serve/teacher/int8.onnx" ]; then
    "$PYTHON" "$here/../compare/onnx_peers.py" export "$target/serve/teacher" --teacher "$teacher"
fi
(cd "$root" && cargo build --release -p bitspike-cli -p bitspike-server --bin bitspike --example load --no-default-features \
    --features bitspike-cli/serve)
exec "$PYTHON" "$here/serve.py" --bitspike "$target/release/bitspike" --load "$target/release/examples/load" \
    --onnx "$target/serve/teacher/int8.onnx" "$@"
