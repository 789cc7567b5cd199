#!/usr/bin/env bash
# software: OpenVINO 2026.4.1
# expected: under the f32 hint, or in accuracy mode, Multiply and Add round one after the other, as IEEE 754 has it
# happens: x * a + b rounds once where the processor has FMA, unless an output asks for the product too
#
# One would expect a model of FP32, compiled for f32 and in the execution mode ACCURACY, to compute each operator as IEEE 754 rounds it.
# OpenVINO's CPU plugin joins a Multiply and the Add behind it and rounds once: a quarter of the sums have another last bit, whether gain
# and bias are constants or inputs. Whoever asks for the product too, to see where the bits come from, gets the bits of two roundings.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet openvino==2026.4.1 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys

import numpy as np
import openvino as ov
from openvino import opset13 as ops

flags = open("/proc/cpuinfo", encoding="utf-8").read().split("flags", 1)[-1].split("\n", 1)[0].split()
if "fma" not in flags:
    sys.exit("this processor has no FMA: nothing to see")
draw = np.random.default_rng(0)
x, a, b = (draw.standard_normal(shape).astype(np.float32) for shape in ((64, 384), 384, 384))
twice = x * a + b
once = (x.astype(np.float64) * a + b).astype(np.float32)


def differ(settings, constants, watched):
    value = ops.parameter([64, 384], np.float32)
    gain, bias = (ops.constant(v) if constants else ops.parameter([384], np.float32) for v in (a, b))
    product = ops.multiply(value, gain)
    total = ops.add(product, bias)
    inputs = [value] if constants else [value, gain, bias]
    model = ov.Model([total, product] if watched else [total], inputs)
    compiled = ov.Core().compile_model(model, "CPU", settings)
    found = compiled([x] if constants else [x, a, b])[0]
    return int((found != twice).sum()), int((found != once).sum())


f32, accurate = {"INFERENCE_PRECISION_HINT": "f32"}, {"EXECUTION_MODE_HINT": "ACCURACY"}
print(f"OpenVINO {ov.__version__}; sums that differ from two roundings, and from one, of {x.size}")
seen = {
    "f32 hint": differ(f32, True, False),
    "accuracy mode": differ(accurate, True, False),
    "the product is an output too": differ(f32, True, True),
    "gain and bias are inputs": differ(f32, False, False),
}
for what, (two, one) in seen.items():
    print(f"  {what}: {two}, {one}")
watched = seen.pop("the product is an output too")
if watched[0] != 0 or any(two < x.size // 10 or one != 0 for two, one in seen.values()):
    sys.exit("changed: the figures above are not those of 2026-11-28")
print("as described")
PY
