#!/usr/bin/env bash
# software: safetensors 0.8.0
# expected: a transposed NumPy array is stored as it is, or refused
# happens: it is stored with its shape and the bytes of the original
#
# A transposed NumPy array is an ordinary array, so one would expect safetensors to store its values, or to refuse a
# layout that it cannot store. The NumPy writer of safetensors 0.8.0 writes the shape of the transposed array and the
# bytes in the order of the original one. Reading gives the right shape, the right type and the right set of values at
# the wrong places, without a warning. Ternary and binary weights show it least: counts, scale and density of the matrix
# are as they were, and only its answers are wrong.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet safetensors==0.8.0 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys

import numpy as np
import safetensors
from safetensors.numpy import load, save

codes = np.array([[1, 0, -1], [1, 1, 0]], np.int8)


def through_file(array):
    return load(save({"codes": array}))["codes"]


print(f"safetensors {safetensors.__version__}, numpy {np.__version__}")
plain, turned = through_file(codes), through_file(codes.T)
copied = through_file(np.ascontiguousarray(codes.T))
print(f"given {codes.T.tolist()}")
print(f"read  {turned.tolist()}")
print(f"read after ascontiguousarray {copied.tolist()}")
same = (
    np.array_equal(plain, codes)
    and np.array_equal(copied, codes.T)
    and turned.shape == codes.T.shape
    and np.array_equal(turned.ravel(), codes.ravel())
    and not np.array_equal(turned, codes.T)
)
if not same:
    sys.exit("the behaviour has changed")
PY
