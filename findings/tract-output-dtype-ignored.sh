#!/usr/bin/env bash
# software: tract 0.23.9, ONNX Runtime 1.32.0, OpenVINO 2026.4.1, onnx 1.23.2
# expected: QuantizeLinear with output_dtype INT8 keeps a spike of -1
# happens: tract takes UINT8 all the same and answers 0
#
# Since version 21 of its operators ONNX lets QuantizeLinear name its output type by the attribute output_dtype, and a zero point may be left
# out. tract 0.23.9 reads such a file, takes no notice of the attribute and quantises to UINT8: every negative number becomes 0, and 200
# stays 200 where INT8 stops at 127. With a zero point of type INT8 it is right, and positive numbers up to 127 are right either way, so
# counts pass. Signed spikes and activations lose their negative half, without an error.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 tract==0.23.9 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import io
import sys
from importlib.metadata import version

import numpy as np
import onnx
import onnxruntime as ort
import openvino as ov
import tract
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

x = np.array([-2, -1, 0, 1, 2, 200], np.float32)


def answers(zero_point):
    """Of each runtime, with the output type said by a zero point or by the attribute."""
    inputs = ["x", "scale"] + (["zero"] if zero_point else [])
    attribute = {} if zero_point else {"output_dtype": TensorProto.INT8}
    constants = [helper.make_tensor("scale", TensorProto.FLOAT, [], [1.0])]
    if zero_point:
        constants.append(helper.make_tensor("zero", TensorProto.INT8, [], [0]))
    graph = helper.make_graph(
        [
            helper.make_node("QuantizeLinear", inputs, ["codes"], **attribute),
            helper.make_node("Cast", ["codes"], ["y"], to=TensorProto.FLOAT),
        ],
        "spikes",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [len(x)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [len(x)])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    onnx.save(model, "model.onnx")
    core = ov.Core()
    rows = {
        "onnx reference": ReferenceEvaluator(model).run(None, {"x": x})[0],
        "onnxruntime": ort.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0],
        "openvino": core.compile_model(core.read_model(io.BytesIO(data)), "CPU")([x])[0],
        "tract": tract.onnx().load("model.onnx").into_model().into_runnable().run([x])[0].to_numpy(),
    }
    return {name: [int(value) for value in row] for name, row in rows.items()}


print(", ".join(f"{name} {version(name)}" for name in ("onnx", "onnxruntime", "openvino", "tract")) + f"; input {x.tolist()}")
by_zero, by_attribute = answers(True), answers(False)
for name in by_zero:
    print(f"{name:15} zero point of INT8 {by_zero[name]}  output_dtype INT8 {by_attribute[name]}")
right = [-2, -1, 0, 1, 2, 127]
same = all(row == right for row in by_zero.values()) and all(by_attribute[name] == right for name in by_zero if name != "tract")
if not same or by_attribute["tract"] != [0, 0, 0, 1, 2, 200]:
    sys.exit("the behaviour has changed")
PY
