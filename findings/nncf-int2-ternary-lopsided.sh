#!/usr/bin/env bash
# software: NNCF 3.4.0, OpenVINO 2026.4.1
# expected: INT2_SYM keeps exact -s, 0, s
# happens: they become -s, 0, 0.5 s
#
# Weights that are exactly -s, 0 or s fit into two bits, so one would expect a symmetric 2-bit mode to keep them.
# compress_weights of NNCF 3.4.0 in mode INT2_SYM turns them into -s, 0 and 0.5 s, and binary weights of -s and s into
# -s and 0.5 s. Its codes run from -2 to 1 and -2 is made to stand for -s, so the positive side is clipped to half. A
# ternary model loses half of every positive weight, while its size and its node types look right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet nncf==3.4.0 openvino==2026.4.1 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import logging
import sys

import nncf
import numpy as np
import openvino as ov
from openvino import opset13 as op

logging.getLogger("nncf").setLevel(logging.ERROR)
INPUTS, OUTPUTS, SCALE = 256, 64, np.float32(0.03125)
random = np.random.default_rng(1)


def levels(codes):
    """The distinct values of codes * SCALE after compression, in units of SCALE."""
    x = op.parameter([-1, INPUTS], np.float32)
    product = op.matmul(x, op.constant(codes.astype(np.float32) * SCALE), False, True)
    model = nncf.compress_weights(
        ov.Model([product], [x]),
        mode=nncf.CompressWeightsMode.INT2_SYM,
        group_size=-1,
        ratio=1.0,
        all_layers=True,
    )
    kinds = {n.get_element_type().get_type_name() for n in model.get_ops() if n.get_type_name() == "Constant"}
    compiled = ov.Core().compile_model(model, "CPU", {"EXECUTION_MODE_HINT": "ACCURACY"})
    weights = compiled([np.eye(INPUTS, dtype=np.float32)])[0]  # one row of x for each input
    return np.unique((weights / SCALE).round(4)).tolist(), "u2" in kinds


ternary, two_bits = levels(random.integers(-1, 2, (OUTPUTS, INPUTS)))
binary, _ = levels(random.integers(0, 2, (OUTPUTS, INPUTS)) * 2 - 1)
print(f"nncf {nncf.__version__}, openvino {ov.__version__}, constants of type u2: {two_bits}")
print(f"ternary weights -1, 0, 1 come back as {ternary}")
print(f"binary  weights -1, 1    come back as {binary}")
if not two_bits or ternary != [-1, 0, 0.5] or binary != [-1, 0.5]:
    sys.exit("the behaviour has changed")
PY
