#!/usr/bin/env bash
# software: gguf 0.19.0
# expected: Q4_0 treats plus like minus
# happens: it keeps the sign of the first nonzero ternary weight of a block and cuts the other to 0.875
#
# A ternary weight has one of three values, so one would expect a 4-bit type to treat plus like minus and every block of
# a matrix alike. Q4_0 of gguf 0.19.0 takes the sign of its scale from the first of the largest weights in a block of
# 32: that sign is kept, the other is cut to 0.875 of it. Among ternary or binary weights every nonzero one is largest,
# so the first nonzero weight of a block decides which sign of the block is wrong. One code then stands for two values
# in a matrix, and the error depends on the order of the inputs.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet gguf==0.19.0 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize

SCALE = np.float32(0.5)
Q4_0 = GGMLQuantizationType.Q4_0
block = np.zeros(32, np.float32)
block[[3, 9, 20]] = 1
block[[5, 11]] = -1
codes = np.concatenate([block, block[::-1], -block])  # first nonzero: 1, 1, -1


def levels(codes):
    restored = dequantize(quantize(codes * SCALE, Q4_0), Q4_0) / SCALE + 0
    return [np.unique(part).tolist() for part in restored.reshape(-1, 32)]


print(f"gguf {version('gguf')}, levels of each block in units of the scale")
found = levels(codes)
for part, values in zip(codes.reshape(-1, 32), found):
    print(f"first nonzero {part[part != 0][0]:+.0f}  {values}")
swapped = block.copy()
swapped[[3, 5]] = swapped[[5, 3]]
found += levels(swapped)
print(f"the first block with its first two nonzero weights exchanged  {found[-1]}")
up, down = [-0.875, 0, 1], [-1, 0, 0.875]
if found != [up, up, down, down]:
    sys.exit("the behaviour has changed")
PY
