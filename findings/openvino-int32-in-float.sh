#!/usr/bin/env bash
# software: OpenVINO 2026.4.1, ONNX Runtime 1.32.0, onnx 1.23.2
# expected: sums, products and comparisons of INT32 tensors are exact
# happens: OpenVINO computes them in float: 16,777,216 + 1 + 1 + 1 is 16,777,216
#
# A type of 32-bit whole numbers is chosen for exactness: one would expect MatMul, ReduceSum and Less on INT32 to be computed in whole
# numbers, as ONNX Runtime and the reference evaluator do. OpenVINO 2026.4.1 computes these three in single precision on a CPU, its
# hint ACCURACY included, so beyond 2^24 sums lose their last units and 16,777,216 is not less than 16,777,217. Add and Mul
# are exact, so a test of an operator or two passes. Sums of spike counts and weights over long texts or many steps get that large.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import io
import sys

import numpy as np
import onnx
import onnxruntime as ort
import openvino as ov
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

INT32, BOOL = TensorProto.INT32, TensorProto.BOOL
core = ov.Core()


def answers(operator, inputs, shape, kind=INT32, **attributes):
    names = ["a", "b"][: len(inputs)]
    feed = {name: np.array(value, np.int32) for name, value in zip(names, inputs)}
    graph = helper.make_graph(
        [helper.make_node(operator, names, ["y"], **attributes)],
        "whole",
        [helper.make_tensor_value_info(name, INT32, value.shape) for name, value in feed.items()],
        [helper.make_tensor_value_info("y", kind, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    compiled = core.compile_model(core.read_model(io.BytesIO(data)), "CPU", {"EXECUTION_MODE_HINT": "ACCURACY"})
    rows = (
        ReferenceEvaluator(model).run(None, feed)[0],
        ort.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, feed)[0],
        compiled(list(feed.values()))[0],
    )
    return [row.ravel()[0].item() for row in rows]


print(f"onnx {onnx.__version__}, onnxruntime {ort.__version__}, openvino {ov.__version__}")
BIG = 2**24
found = {
    "ReduceSum of 2^24, 1, 1, 1": answers("ReduceSum", [[BIG, 1, 1, 1]], [], keepdims=0),
    "MatMul, (2^24 + 1) 1 + 3 x 2": answers("MatMul", [[[BIG + 1, 3]], [[1], [2]]], [1, 1]),
    "Less, 2^24 < 2^24 + 1": answers("Less", [[BIG], [BIG + 1]], [1], BOOL),
    "Add, (2^24 + 1) + 2": answers("Add", [[BIG + 1], [2]], [1]),
    "Mul, (2^24 + 1) x 3": answers("Mul", [[BIG + 1], [3]], [1]),
}
for name, values in found.items():
    print(f"{name:30} onnx reference {values[0]}, onnxruntime {values[1]}, openvino {values[2]}")
right = [BIG + 3, BIG + 7, True, BIG + 3, 3 * (BIG + 1)]
in_openvino = [BIG, BIG + 6, False, BIG + 3, 3 * (BIG + 1)]
if list(found.values()) != [[r, r, o] for r, o in zip(right, in_openvino)]:
    sys.exit("the behaviour has changed")
PY
