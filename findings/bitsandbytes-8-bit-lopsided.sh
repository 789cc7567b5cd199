#!/usr/bin/env bash
# software: bitsandbytes 0.50.2
# expected: 256 levels keep -s, 0, s
# happens: they become -0.993 s, 0.00002 s, s
#
# Eight bits are more than three values need, and a symmetric scheme would keep -s, 0 and s. The default map of quantize_blockwise in
# bitsandbytes 0.50.2 is not symmetric: it ends at 1 above and at -0.993 below, and on a CPU zero is given the level beside the
# one that is zero. Ternary and binary weights lose 0.7 % on one side, and three values become three others, none of them zero but by
# rounding. The 4-bit maps NF4 and FP4 of the same package keep all three exactly: fewer bits, no error. The same map holds the
# moments of 8-bit optimisers.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet bitsandbytes==0.50.2 torch==2.15.0 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import bitsandbytes.functional as F
import torch

SCALE = 0.03125
codes = torch.tensor([-1.0, 0.0, 1.0, 1.0] * 64)


def levels(values):
    return sorted({round(value, 5) for value in (values / SCALE).tolist()})


weights = codes * SCALE
found = {"8 bits, blockwise": levels(F.dequantize_blockwise(*F.quantize_blockwise(weights)))}
for kind in ("nf4", "fp4"):
    found[f"4 bits, {kind}"] = levels(F.dequantize_4bit(*F.quantize_4bit(weights, quant_type=kind)))
table = F.create_dynamic_map()
print(f"bitsandbytes {version('bitsandbytes')}, torch {torch.__version__}")
print(f"the map's ends: {table.min().item():.5f} and {table.max().item():.5f}")
for name, values in found.items():
    print(f"{name:20}levels in units of the scale {values}")
eight, nf4, fp4 = found.values()
if [round(value, 3) for value in eight] != [-0.993, 0, 1] or 0 in eight or not nf4 == fp4 == [-1, 0, 1]:
    sys.exit("the behaviour has changed")
PY
