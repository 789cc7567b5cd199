#!/usr/bin/env bash
# software: usearch 2.26.6
# expected: an index of Euclidean distances in int8 rounds whole numbers to themselves
# happens: every vector is scaled to one length first: (1, 2, 3, 4) and (10, 20, 30, 40) are at distance 0
#
# The element type of an index says how its numbers are stored, and metric="l2sq" what is measured. usearch 2.26.6 scales each float vector
# by its own length before it stores it as int8 or uint8, so only its direction is left: whole numbers that fit int8 exactly come back
# as others, and squared distance and inner product, the answer to a query included, are those of other vectors. float16 and
# the two 8-bit floats keep them, and so does an index that is given int8 arrays. Embeddings that are not normalised, or
# counts of spikes, are ranked by something else than was asked, without a warning.
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

vectors = np.array([[1, 2, 3, 4], [10, 20, 30, 40], [2, 2, 3, 4]], np.float32)
query = vectors[0]


def search(metric, dtype, rows=vectors, query=query):
    index = Index(ndim=4, metric=metric, dtype=dtype)
    index.add(np.arange(len(rows)), rows)
    found = index.search(query, len(rows), exact=True)
    distances = dict(zip(found.keys.tolist(), found.distances.tolist()))
    return [round(distances[row], 1) for row in range(len(rows))]


print(f"usearch {version('usearch')}; query {query.tolist()}, vectors {vectors.tolist()}")
found = {}
for metric in ("l2sq", "ip"):
    for dtype in ("f32", "f16", "i8"):
        found[metric, dtype] = search(metric, dtype)
    found[metric, "i8 given int8"] = search(metric, "i8", vectors.astype(np.int8), query.astype(np.int8))
for (metric, dtype), distances in found.items():
    print(f"{metric:5}{dtype:15}distances of the three {distances}")
right = ([0, 2430, 1], [-29, -299, -30])
same = all(found[metric, dtype] == row for metric, row in zip(("l2sq", "ip"), right) for dtype in ("f32", "f16"))
same = same and found["l2sq", "i8 given int8"] == right[0]
wrong = found["l2sq", "i8"][:2] == [0, 0] and found["l2sq", "i8"][2] > 100 and found["ip", "i8"][0] == found["ip", "i8"][1]
if not same or not wrong:
    sys.exit("the behaviour has changed")
PY
