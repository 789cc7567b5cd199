#!/usr/bin/env bash
# software: OpenVINO 2026.4.1, ONNX Runtime 1.32.0, onnx 1.23.2
# expected: of equal scores TopK takes the one with the lower index, as the standard says
# happens: OpenVINO answers column 12 where columns 10 to 19 are equal, and others by k and width
#
# The standard of ONNX breaks ties in TopK by the lower index, and ONNX Runtime and the reference evaluator do. OpenVINO 2026.4.1
# takes any of the equal elements: the first one among 10 columns, the third of ten equal ones among 20 columns, and for k = 10 the right
# elements in an order of their own. Sums of spikes and of ternary weights are whole numbers, so equal scores are common in
# such models, and a label read by TopK with k = 1 differs between two runtimes for one file, and from ArgMax in the same one.
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

core = ov.Core()


def indices(columns, k):
    """TopK's choice among counts that are 0 in the first half of a row and 1 in the second, and OpenVINO's ArgMax."""
    x = np.repeat([[0, 1]], columns // 2, axis=1).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("TopK", ["x", "k"], ["values", "top"]), helper.make_node("ArgMax", ["x"], ["largest"], axis=1)],
        "labels",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, columns])],
        [helper.make_tensor_value_info(name, TensorProto.INT64, [1, size]) for name, size in (("top", k), ("largest", 1))],
        [helper.make_tensor("k", TensorProto.INT64, [1], [k])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    compiled = core.compile_model(core.read_model(io.BytesIO(data)), "CPU", {"EXECUTION_MODE_HINT": "ACCURACY"})
    answers = {
        "onnx reference": ReferenceEvaluator(model).run(None, {"x": x}),
        "onnxruntime": ort.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"x": x}),
        "openvino": compiled([x]).to_tuple(),
    }
    return {name: (top[0].tolist(), int(largest.squeeze())) for name, (top, largest) in answers.items()}


print(f"onnx {onnx.__version__}, onnxruntime {ort.__version__}, openvino {ov.__version__}; the second half of the row is 1, the rest 0")
found = {}
for columns, k in ((10, 1), (20, 1), (40, 1), (40, 10)):
    found[columns, k] = indices(columns, k)
    for name, (top, largest) in found[columns, k].items():
        print(f"{columns} columns, k = {k:2}  {name:15} TopK {top}  ArgMax {largest}")
same = all(
    answers[name] == (list(range(columns // 2, columns // 2 + k)), columns // 2)
    for (columns, k), answers in found.items()
    for name in ("onnx reference", "onnxruntime")
)
ov20, ov40, ov40_ten = (found[key]["openvino"] for key in ((20, 1), (40, 1), (40, 10)))
if not same or ov20[0] == [10] or ov40[0] == [20] or ov40_ten[0] == list(range(20, 30)) or (ov20[1], ov40[1]) != (10, 20):
    sys.exit("the behaviour has changed")
PY
