#!/usr/bin/env bash
# software: OpenVINO 2026.4.1, tract 0.23.9, ONNX Runtime 1.32.0, onnx 1.23.2
# expected: 8-bit tensors overflow in one way, in a runtime and between runtimes
# happens: ONNX Runtime wraps, OpenVINO saturates, tract wraps, but saturates a square
#
# ONNX defines Add, Sub and Mul for INT8 and UINT8 and says nothing of overflow, so one would expect what every processor and NumPy do: to
# wrap. ONNX Runtime 1.32.0 and the reference evaluator do. OpenVINO 2026.4.1 stops at the ends of the type: 1 - 3 in UINT8 is 0 instead
# of 254. tract 0.23.9 wraps 100 + 100 and 16 x 16, and saturates where a tensor is multiplied by itself. A difference of two spike
# counts, or a hash or a bit trick in 8 bits, has three answers in three runtimes for one file, and each is what its author took for
# granted.
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


def answers(operator, kind, *values):
    """Of one or two numbers; one is combined with itself."""
    feed = [np.array([value], kind) for value in values]
    names = "ab"[: len(feed)]
    number = TensorProto.INT8 if kind == np.int8 else TensorProto.UINT8
    graph = helper.make_graph(
        [helper.make_node(operator, [names[0], names[-1]], ["y"])],
        "overflow",
        [helper.make_tensor_value_info(name, number, [1]) for name in names],
        [helper.make_tensor_value_info("y", number, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    data, named = model.SerializeToString(), dict(zip(names, feed))
    onnx.save(model, "model.onnx")
    core = ov.Core()
    rows = (
        ReferenceEvaluator(model).run(None, named)[0],
        ort.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, named)[0],
        core.compile_model(core.read_model(io.BytesIO(data)), "CPU")(feed)[0],
        tract.onnx().load("model.onnx").into_model().into_runnable().run(feed)[0].to_numpy(),
    )
    return [int(row[0]) for row in rows]


print(", ".join(f"{name} {version(name)}" for name in ("onnx", "onnxruntime", "openvino", "tract")))
print("onnx reference, onnxruntime, openvino, tract")
found = {
    "UINT8 1 - 3": answers("Sub", np.uint8, 1, 3),
    "INT8 100 + 100": answers("Add", np.int8, 100, 100),
    "INT8 16 x 16": answers("Mul", np.int8, 16, 16),
    "INT8 16 squared": answers("Mul", np.int8, 16),
    "INT8 5 x 5": answers("Mul", np.int8, 5, 5),
}
for name, values in found.items():
    print(f"{name:16}{values}")
if list(found.values()) != [[254, 254, 0, 254], [-56, -56, 127, -56], [0, 0, 127, 0], [0, 0, 127, 127], [25] * 4]:
    sys.exit("the behaviour has changed")
PY
