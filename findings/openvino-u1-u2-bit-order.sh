#!/usr/bin/env bash
# software: OpenVINO 2026.4.1
# expected: narrow types are packed in one order of bits
# happens: u1 begins at the highest bit of a byte, u2 at the lowest, u3 splits its elements
#
# OpenVINO packs u2 and u4 elements from the lowest bit of a byte upwards, and one would expect the same of its other
# narrow types. In OpenVINO 2026.4.1 the first u1 element sits in the highest bit of its byte, and u3 splits each
# element, two bits in one byte and the third in another. Every bit pattern is a valid matrix, so a reader or writer
# that takes one order for all widths gets no error. Binary weights that are packed in the way of the 2-bit ones come
# out reversed within each group of eight.
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
from openvino import opset13 as op

print(f"openvino {ov.__version__}")
core = ov.Core()
places = {}
for kind in (ov.Type.u1, ov.Type.u2, ov.Type.u4, ov.Type.u3):
    values = []
    for bit in range(kind.bitwidth * 8):  # eight elements, one bit set
        tensor = ov.Tensor(kind, ov.Shape([8]))
        packed = np.zeros(tensor.data.size, np.uint8)
        packed[bit // 8] = 1 << bit % 8
        tensor.data[:] = packed
        values.append(op.convert(op.constant(tensor), "f32"))
    rows = core.compile_model(ov.Model(values, []), "CPU")([]).to_tuple()
    bits = [f"{row.argmax()}:{row.max():.0f}" for row in rows]
    places[kind.to_string()] = bits
    print(f"{kind.to_string()}  element:value of each bit, lowest bit of the first byte first")
    print("   ", " ".join(bits))
expected = {
    "u1": [f"{7 - i}:1" for i in range(8)],
    "u2": [f"{i}:{value}" for i in range(8) for value in (1, 2)],
    "u4": [f"{i}:{value}" for i in range(8) for value in (1, 2, 4, 8)],
    "u3": [f"{i}:{value}" for i in (3, 2, 1, 0, 7, 6, 5, 4) for value in (1, 2)]
    + [f"{i}:4" for i in range(7, -1, -1)],
}
if places != expected:
    sys.exit("the behaviour has changed")
PY
