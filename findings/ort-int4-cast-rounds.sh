#!/usr/bin/env bash
# software: ONNX Runtime 1.32.0, OpenVINO 2026.4.1, onnx 1.23.2
# expected: Cast to INT4 drops the fraction as Cast to INT8 does
# happens: it rounds in two of three runtimes
#
# An ONNX Cast from float to INT8 drops the fraction, and one would expect a Cast to INT4 to do the same. In ONNX
# Runtime 1.32.0 and OpenVINO 2026.4.1 it rounds instead, with halves away from zero, while the reference evaluator of
# onnx 1.23.2 truncates for both types, all on values that fit both. Beyond the range OpenVINO does not even keep four
# bits: 9 comes back as 9, where the other two give -7. A quantiser or a spike count that ends in a Cast gets other
# codes when its type shrinks, and other codes in each runtime.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6 ml_dtypes==0.6.0

"$dir/venv/bin/python" - <<'PY'
import io
import sys

import numpy as np
import onnx
import onnxruntime as ort
import openvino as ov
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

x = np.array([-1.5, -0.6, -0.4, 0.4, 0.5, 1.5, 2.5, 2.7, 9], np.float32)


def answers(kind):
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["x"], ["codes"], to=kind),
            helper.make_node("Cast", ["codes"], ["y"], to=TensorProto.FLOAT),
        ],
        "cast",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [len(x)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [len(x)])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    core = ov.Core()
    found = {
        "onnx reference": ReferenceEvaluator(model).run(None, {"x": x})[0],
        "onnxruntime": session.run(None, {"x": x})[0],
        "openvino": core.compile_model(core.read_model(io.BytesIO(data)), "CPU")([x])[0],
    }
    return {name: [int(value) for value in row] for name, row in found.items()}


print(f"onnx {onnx.__version__}, onnxruntime {ort.__version__}, openvino {ov.__version__}")
print("input", x)
int8, int4 = answers(TensorProto.INT8), answers(TensorProto.INT4)
for name in int8:
    print(f"{name:14}  INT8 {int8[name]}  INT4 {int4[name]}")

cut, rounded = [-1, 0, 0, 0, 0, 1, 2, 2], [-2, -1, 0, 0, 1, 2, 3, 3]
same = (
    all(row == cut + [9] for row in int8.values())
    and int4["onnx reference"] == cut + [-7]
    and int4["onnxruntime"] == rounded + [-7]
    and int4["openvino"] == rounded + [9]
)
if not same:
    sys.exit("the behaviour has changed")
PY
