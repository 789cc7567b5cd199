#!/usr/bin/env bash
# The shipped models in other runtimes: writes every export, compares every count, logit and label with the engine's, runs the examples of
# docs/export.md, and prints the table "our model in your runtime".
#
#   benches/export/run.sh --data GLUE [--teacher FOLDER] [--bitspike PROGRAM] [--limit N] [--models "sst2-ternary ..."]
#
# GLUE is a folder with SST-2, RTE and STS-B. FOLDER is a BERT classifier of Hugging Face, which is timed in ONNX Runtime's int8.
# Environments and exports are in target/export; nothing is installed elsewhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
data= teacher= bitspike=target/release/bitspike limit=() models="sst2-ternary sst2-binary sst2-sparse sst2-tiny rte-ternary stsb-ternary"
targets="onnx onnx-25 onnx-fast openvino transformers-js gguf"
while [ $# -gt 0 ]; do
    case $1 in
        --data) data=$2 ;;
        --teacher) teacher=$2 ;;
        --bitspike) bitspike=$2 ;;
        --limit) limit=(--limit "$2") ;;
        --models) models=$2 ;;
        --targets) targets=$2 ;;
        *) sed -n '2,9p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
[ -n "$data" ] || { sed -n '2,9p' "$0" >&2; exit 2; }
work=$PWD/target/export
mkdir -p "$work"
python=$work/environment/bin/python
if [ ! -f "$work/environment/ready" ]; then
    python3 -m venv "$work/environment"
    "$python" -m pip install --quiet -r benches/export/requirements.txt
    touch "$work/environment/ready"
fi
# Node looks for packages from the folder that it starts in.
if [ ! -d "$work/node_modules" ]; then
    npm install --silent --no-save --ignore-scripts --prefix "$work" @huggingface/transformers@4.3.2
fi
bitspike=$(realpath "$bitspike")
for model in $models; do
    case $model in
        sst2-*) task=SST-2 ;;
        rte-*) task=RTE ;;
        stsb-*) task=STS-B ;;
    esac
    for target in $targets; do
        runtime=$python to=$target options=()
        case $target in
            onnx-25) to=onnx options=(--opset 25) ;;
            onnx-fast) to=onnx options=(--fast) ;;
            transformers-js) runtime=node ;;
        esac
        out=$work/$model-$target
        # A refusal, such as of pairs in llama.cpp, is a line of its own.
        (cd "$work" && "$bitspike" export "$OLDPWD/models/$model" --to "$to" "${options[@]}" -o "$out" --force --data "$data/$task" \
            --runtime "$runtime" "${limit[@]}") || true
    done
    # What was exported is read back, byte for byte where the model was packed by this version.
    "$bitspike" pack --from-onnx "$work/$model-onnx/model.onnx" -o "$work/$model-back.safetensors" --force > "$work/back.log"
    cmp "$work/$model-back.safetensors" "models/$model/model.safetensors" && echo "$model: read back byte for byte"
done
if [ -n "$teacher" ]; then
    [ -f "$work/teacher/int8.onnx" ] || "$python" benches/export/teacher.py "$teacher" "$work/teacher" 2> /dev/null
fi
"$python" benches/export/examples.py docs/export.md "$work"
"$python" benches/export/table.py "$work" "$bitspike"
