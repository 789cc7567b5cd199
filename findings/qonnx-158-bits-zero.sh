#!/usr/bin/env bash
# software: qonnx 1.0.0
# expected: Quant with a bit width of 1.58 means -1, 0, 1
# happens: every weight becomes zero
#
# Three values carry log2(3) bits, commonly written as 1.58, and the bit width of a QONNX Quant node may be a fraction:
# one would expect 1.58 bits, signed and narrow, to mean -1, 0 and 1. In qonnx 1.0.0 it makes every weight 0. The limits
# follow from the bit width and are cut to whole numbers, so that 1.58 falls just short of 1, while 1.585 keeps all
# three values. Nothing warns, and the ternary model runs on with empty layers.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet qonnx==1.0.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

DOMAIN = "qonnx.custom_op.general"
x = np.array([-0.5, -0.2, 0, 0.2, 0.5], np.float32)


def quantised(bits):
    settings = {"scale": 0.5, "zero": 0, "bits": bits}
    graph = helper.make_graph(
        [helper.make_node("Quant", ["x", *settings], ["y"], domain=DOMAIN, signed=1, narrow=1, rounding_mode="ROUND")],
        "quant",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [len(x)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [len(x)])],
        [numpy_helper.from_array(np.float32(value), name) for name, value in settings.items()],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, 1)]
    model = ModelWrapper(helper.make_model(graph, opset_imports=opsets))
    return (execute_onnx(model, {"x": x})["y"] + 0).tolist()  # + 0 turns -0 into 0


print(f"qonnx {version('qonnx')}, scale 0.5, input {x}")
found = {bits: quantised(bits) for bits in (2, 1.58, 1.585)}
for bits, values in found.items():
    print(f"bit width {bits:<5}  {values}")
kept = [-0.5, 0, 0, 0, 0.5]
if found != {2: kept, 1.58: [0] * 5, 1.585: kept}:
    sys.exit("the behaviour has changed")
PY
