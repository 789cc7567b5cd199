#!/usr/bin/env bash
# software: ONNX Runtime 1.32.0
# expected: MatMulInteger is exact on every processor
# happens: every sum is wrong without VNNI; weights of 7 bits or fewer are exact
#
# MatMulInteger is defined on whole numbers and the sums here fit easily into 32 bits, so one would expect them exact on
# every processor. On x86 processors with AVX2 and without VNNI, ONNX Runtime 1.32.0 adds pairs of uint8 by int8
# products in 16 bits and saturates: with 8-bit weights every sum is wrong. Weights of up to 7 bits, ternary ones among
# them, cannot saturate and stay exact. A model of 1.58-bit layers and one int8 layer therefore answers differently from
# machine to machine, by its int8 layer alone. Exit status 77 means that this processor cannot show it.
set -euo pipefail
if ! grep -qw avx2 /proc/cpuinfo || grep -qwE 'avx512_vnni|avx_vnni' /proc/cpuinfo; then
  echo "not judged: needs an x86 processor with AVX2 and without VNNI"
  exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

ROWS, INPUTS, OUTPUTS = 16, 384, 64
random = np.random.default_rng(0)
counts = random.integers(0, 256, (ROWS, INPUTS)).astype(np.uint8)


def wrong(limit):
    """Wrong sums, and the largest error, with weights from -limit to limit."""
    weights = random.integers(-limit, limit + 1, (INPUTS, OUTPUTS)).astype(np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["counts", "weights"], ["sums"])],
        "product",
        [helper.make_tensor_value_info("counts", TensorProto.UINT8, [ROWS, INPUTS])],
        [helper.make_tensor_value_info("sums", TensorProto.INT32, [ROWS, OUTPUTS])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    difference = session.run(None, {"counts": counts})[0] - counts.astype(np.int64) @ weights.astype(np.int64)
    return np.count_nonzero(difference), np.abs(difference).max()


print(f"onnxruntime {ort.__version__}, {ROWS * OUTPUTS} sums of {INPUTS} products")
found = {limit: wrong(limit) for limit in (127, 64, 1)}
for limit, (number, error) in found.items():
    print(f"weights from {-limit:4} to {limit:3}: {number:4} sums wrong, by up to {error}")
if found[127][0] == 0 or found[64][0] or found[1][0]:
    sys.exit("the behaviour has changed")
PY
