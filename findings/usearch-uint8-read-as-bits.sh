#!/usr/bin/env bash
# software: usearch 2.26.6
# expected: an index of u8 keeps uint8 vectors as they are
# happens: it keeps the bits of their first eighth, as zeros and ones: 200, 100, 50, ... becomes 1, 1, 0, 0, 1, 0, 0, 0
#
# dtype="u8", or "uint8", says that an index stores unsigned bytes, and int8 arrays are taken as int8. usearch 2.26.6 takes every NumPy array of uint8
# for packed bits, whatever the index holds: of a vector of 256 bytes it reads the first 32, and stores their bits as 256 numbers of 0 or 1.
# That is so for add and for search, in indexes of u8, i8 and floats alike. Shapes fit, nothing warns, and each stored vector is
# found at distance 0 from itself, so that a trial with the rows as queries succeeds. dtype="u8" in both calls, beside the same arrays,
# makes the answers right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet usearch==2.26.6 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from usearch.index import Index

print(f"usearch {version('usearch')}")
small = np.array([[200, 100, 50, 25, 12, 6, 3, 1]], np.uint8)
index = Index(ndim=8, metric="l2sq", dtype="u8")
index.add(np.arange(1), small)
kept = np.asarray(index.get(0)).tolist()
print(f"u8 index, {small[0].tolist()} is kept as {kept}; bits of its first byte {np.unpackbits(small[0, :1]).tolist()}")

ROWS, WIDTH, QUERIES = 1000, 256, 200
rng = np.random.default_rng(1)
rows = rng.integers(0, 256, (ROWS, WIDTH)).astype(np.uint8)
queries = np.clip(rows[:QUERIES] + rng.normal(0, 30, (QUERIES, WIDTH)), 0, 255).astype(np.uint8)
found = {}
for name, dtype, told in (("u8 index", "u8", {}), ("f32 index", "f32", {}), ("u8 index, told dtype", "u8", {"dtype": "u8"})):
    index = Index(ndim=WIDTH, metric="l2sq", dtype=dtype)
    index.add(np.arange(ROWS), rows, **told)
    near = lambda asked: int((index.search(asked, 1, exact=True, **told).keys[:, 0] == np.arange(QUERIES)).sum())
    found[name] = (near(rows[:QUERIES]), near(queries))
    print(f"{name:21} of {QUERIES} rows {found[name][0]} are nearest to themselves, of {QUERIES} noisy ones {found[name][1]} find theirs")
exact = ((queries[:, None].astype(int) - rows[None]) ** 2).sum(-1).argmin(1)
print(f"exact                 {int((exact == np.arange(QUERIES)).sum())} noisy ones")
wrong = [found["u8 index"], found["f32 index"]]
# Many bits tie, and a search by several threads breaks ties in no order.
if kept != np.unpackbits(small[0, :1]).tolist() or found["u8 index, told dtype"] != (200, 200) or not all(own == 200 and near < 110 for own, near in wrong):
    sys.exit("the behaviour has changed")
PY
