#!/bin/sh
# What the server reaches on one core, beside ONNX Runtime and OpenVINO in int8 behind uvicorn; see README.md.
# Usage: benches/serve/run.sh --teacher FOLDER --model FILE --data DIR/SST-2 [--parts throughput,overhead,..] [--json OUT]
# Needs taskset, and wrk for throughput, overhead. Without --teacher, name --parts without throughput. BITSPIKE and LOAD name
# programs that are built already. Makes a virtual environment in target/serve on the first call; PYTHON names an interpreter that has the
# requirements already and skips that.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
teacher=$(printf '%s\n' "$@" | sed -n '/^--teacher$/{n;p;}')
data=$(printf '%s\n' "$@" | sed -n '/^--data$/{n;p;}')
peers=
if [ -z "$teacher" ]; then
    PYTHON=${PYTHON:-python3}
else
    if [ -z "${PYTHON:-}" ]; then
        PYTHON="$target/serve/environment/bin/python"
        if ! [ -f "$target/serve/environment/ready" ]; then
            python3 -m venv "$target/serve/environment"
            "$PYTHON" -m pip install --quiet -r "$here/requirements.txt"
            touch "$target/serve/environment/ready"
        fi
    fi
    if ! [ -f "$target/serve/teacher/int8.onnx" ]; then
        "$PYTHON" "$here/../compare/onnx_peers.py" "$target/serve/teacher" --teacher "$teacher"
    fi
    if ! [ -f "$target/serve/teacher/openvino-int8.xml" ]; then
        # Ranges of activations from 300 sentences of train.
        sed -n '2,301p' "$data/train.tsv" | cut -f 1 > "$target/serve/teacher/calibration.txt"
        vocabulary=$("$PYTHON" -c 'import json, sys; print(json.load(open(sys.argv[1]))["vocab_size"])' "$teacher/config.json")
        "$PYTHON" "$here/../compare/openvino_peers.py" "$target/serve/teacher" --vocabulary "$vocabulary" --tokenizer "$teacher/tokenizer.json" \
            --texts "$target/serve/teacher/calibration.txt"
    fi
    peers="--onnx $target/serve/teacher/int8.onnx --openvino $target/serve/teacher/openvino-int8.xml"
fi
if [ -z "${BITSPIKE:-}" ] || [ -z "${LOAD:-}" ]; then
    (cd "$root" && cargo build --release -p bitspike-cli -p bitspike-server --bin bitspike --example load --no-default-features \
        --features bitspike-cli/serve)
fi
# shellcheck disable=SC2086 # none, or four words
exec "$PYTHON" "$here/serve.py" --bitspike "${BITSPIKE:-$target/release/bitspike}" --load "${LOAD:-$target/release/examples/load}" $peers "$@"
