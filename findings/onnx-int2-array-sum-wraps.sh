#!/usr/bin/env bash
# software: onnx 1.23.2, ml_dtypes 0.6.0
# expected: a hundred ones have the sum 100, whatever their type
# happens: it is 0 in INT2 and 4 in INT4
#
# NumPy widens small integers when it sums them, and a mean is a float: one would expect the same of the INT2 and INT4
# weights of an ONNX file. onnx 1.23.2 hands them out as ml_dtypes 0.6.0 arrays, whose sum, mean, cumulative sum and dot
# product stay in two or four bits and wrap without a warning. A hundred ones have the sum 0 and the mean 0 in INT2, and
# the sum 4 in INT4. Whoever takes the density, the scale or a reference product from such codes gets plausible small
# numbers, all wrong.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet onnx==1.23.2 numpy==2.4.6 ml_dtypes==0.6.0

"$dir/venv/bin/python" - <<'PY'
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

print(f"onnx {onnx.__version__}, ml_dtypes {ml_dtypes.__version__}, numpy {np.__version__}")


def found(codes):
    return [int(codes.sum()), float(codes.mean()), int(codes.cumsum()[-1]), int(np.dot(codes, codes))]


def stored(kind, packed):
    return numpy_helper.to_array(helper.make_tensor("weights", kind, [100], packed, raw=True))


print("one hundred ones: sum, mean, last of the cumulative sum, dot product with itself")
results = {}
for name, codes in {
    "int8": np.ones(100, np.int8),
    "INT4": stored(TensorProto.INT4, b"\x11" * 50),
    "INT2": stored(TensorProto.INT2, b"\x55" * 25),
}.items():
    assert (codes.astype(np.int32) == 1).all()
    results[name] = found(codes)
    print(f"{name}  dtype {codes.dtype}  {results[name]}")

if results != {
    "int8": [100, 1.0, 100, 100],
    "INT4": [4, 0.0, 4, 4],
    "INT2": [0, 0.0, 0, 0],
}:
    sys.exit("the behaviour has changed")
PY
