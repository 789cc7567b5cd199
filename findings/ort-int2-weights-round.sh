#!/usr/bin/env bash
# software: ONNX Runtime 1.24.4, 1.32.0
# expected: a file of INT2 weights is computed in floats in every release
# happens: exact in the first release, activations rounded to int8 in the second
#
# One ONNX file holds ternary weights as INT2, dequantised by one scale before a MatMul with float inputs, and one would
# expect float arithmetic from it in every release of ONNX Runtime. Release 1.24.4 computes that; release 1.32.0 fuses
# the two nodes and rounds the inputs to int8 for each block, though no option was set and nothing warns. Whole-number
# inputs, whose sums a float holds exactly, come back off by almost one unit of the scale. A low-bit model that was
# checked in one release answers differently after an upgrade.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"

cat > "$dir/finding.py" <<'PY'
import sys

import ml_dtypes
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

INPUTS, OUTPUTS, SCALE = 384, 64, np.float32(0.0317)
random = np.random.default_rng(1)
codes = random.integers(-1, 2, (INPUTS, OUTPUTS))
x = random.integers(-8, 9, (4, INPUTS)).astype(np.float32)

graph = helper.make_graph(
    [
        helper.make_node("DequantizeLinear", ["codes", "scale"], ["weights"]),
        helper.make_node("MatMul", ["x", "weights"], ["y"]),
    ],
    "ternary",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", INPUTS])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", OUTPUTS])],
    [
        numpy_helper.from_array(codes.astype(ml_dtypes.int2), "codes"),
        numpy_helper.from_array(SCALE, "scale"),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=13)
onnx.checker.check_model(model, full_check=True)

session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
units = session.run(None, {"x": x})[0] / SCALE
error = np.abs(units - x.astype(np.float64) @ codes).max()
print(f"onnxruntime {ort.__version__}: first sums {units[0, :4].round(2)}, largest error {error:.5f} units")
expected = sys.argv[1]
if expected != ("rounded" if error > 0.1 else "exact"):
    sys.exit(f"the behaviour has changed: {expected} was expected")
PY

for release in 1.24.4:exact 1.32.0:rounded; do
  "$dir/venv/bin/pip" install --quiet onnx==1.23.2 "onnxruntime==${release%:*}" numpy==2.4.6 ml_dtypes==0.6.0
  "$dir/venv/bin/python" "$dir/finding.py" "${release#*:}"
done
