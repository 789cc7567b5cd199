#!/usr/bin/env bash
# software: JAX 0.10.2, NumPy 2.4.6
# expected: to clip int8 codes to -128 and 128 leaves them as they are
# happens: 128 wraps to -128 and every code becomes -128; uint8 counts clipped to 0 and 256 are all 0, and a code of 44 equals 300
#
# The document of jax.numpy.clip promises values of the array, smaller ones set to min and larger ones to max, and that of type promotion only
# says that a Python number takes the type of the array. JAX 0.10.2 wraps a bound that does not fit: the upper one becomes the smallest value of
# the type, lies below the lower one, and the answer is that value everywhere. minimum, maximum, searchsorted and comparisons wrap as
# well, so that int8 codes are not below 200, and 44 is equal to 300. jnp.array(300, jnp.int8) is an error, and NumPy 2 clips and
# compares rightly and refuses the minimum. The round bound of a quantiser, 128 or 256, turns a whole layer into one value without a word.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

JAX_PLATFORMS=cpu "$dir/venv/bin/python" - <<'PY'
import sys

import jax
import jax.numpy as jnp
import numpy as np

codes, counts = np.array([-100, 0, 44, 127], np.int8), np.array([0, 3, 200, 255], np.uint8)
questions = {
    "clip(codes, -128, 128)": lambda xp: xp.clip(xp.asarray(codes), -128, 128),
    "clip(counts, 0, 256)": lambda xp: xp.clip(xp.asarray(counts), 0, 256),
    "minimum(codes, 200)": lambda xp: xp.minimum(xp.asarray(codes), 200),
    "codes < 200": lambda xp: xp.asarray(codes) < 200,
    "codes == 300": lambda xp: xp.asarray(codes) == 300,
    "searchsorted(codes, 200)": lambda xp: xp.searchsorted(xp.asarray(codes), 200),
}


def answer(question, xp):
    try:
        return np.asarray(question(xp)).tolist()
    except OverflowError:
        return "OverflowError"


print(f"jax {jax.__version__}, numpy {np.__version__}; codes {codes.tolist()}, counts {counts.tolist()}")
found = {}
for name, question in questions.items():
    found[name] = (answer(question, jnp), answer(question, np))
    print(f"{name:26} jax {found[name][0]}, numpy {found[name][1]}")
expected = [
    ([-128] * 4, codes.tolist()),
    ([0] * 4, counts.tolist()),
    ([-100, -56, -56, -56], "OverflowError"),
    ([True, False, False, False], [True] * 4),
    ([False, False, True, False], [False] * 4),
    (1, 4),
]
if list(found.values()) != expected:
    sys.exit(f"the behaviour has changed; it was {expected}")
PY
