#!/usr/bin/env bash
# software: JAX 0.10.2, ml_dtypes 0.6.0
# expected: the set bits of a 4-bit number are counted, 4 at most
# happens: those of the byte that it is kept in are: -1 has 8, written as -8, and -8 has 5; uint4 is right
#
# lax.population_count is documented for each element of an integer array, and its type rule takes int4 and uint4. In JAX 0.10.2 on a CPU an int4
# is widened to a byte with its sign before the bits are counted, so that every negative number has four more than it has; of those with
# all bits set there are 8, which does not fit int4 and comes back as -8. Planes of bits that are kept four to an int4 give
# another count for half of all patterns. Compiled or not makes no difference. As int8 a negative number is counted rightly, as is each number
# in uint4.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet jax==0.10.2 jaxlib==0.10.2 ml_dtypes==0.6.0 numpy==2.4.6

JAX_PLATFORMS=cpu "$dir/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import jax
import jax.numpy as jnp

print(f"jax {jax.__version__}, ml_dtypes {version('ml_dtypes')}")
patterns = list(range(16))
bits = [bin(pattern).count("1") for pattern in patterns]
count = lambda x: jax.lax.population_count(x).astype(jnp.int32)
found = {}
for dtype in (jnp.uint4, jnp.int4):
    x = jnp.array(patterns, jnp.int32).astype(dtype)
    for name, function in (("", count), (", compiled", jax.jit(count))):
        found[dtype.__name__ + name] = function(x).tolist()
print("set bits of 0 to 15", bits)
for name, counts in found.items():
    print(f"{name:19}", counts)
wide = count(jnp.array([-1, -8], jnp.int8)).tolist()
print("-1 and -8 as int8", wide)
wrong = bits[:8] + [5, 6, 6, 7, 6, 7, 7, -8]
if list(found.values()) != [bits, bits, wrong, wrong] or wide != [8, 5]:
    sys.exit("the behaviour has changed")
PY
