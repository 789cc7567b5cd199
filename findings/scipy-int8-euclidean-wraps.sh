#!/usr/bin/env bash
# software: SciPy 1.17.1
# expected: euclidean is the root of sqeuclidean, and a function for two vectors agrees with cdist
# happens: of int8 or uint8 vectors euclidean(100, -100) is 56 and cityblock(1, 2) is 255, where sqeuclidean and cdist are right
#
# scipy.spatial.distance has each metric twice: for two vectors, and in cdist and pdist for many. Its documents give one formula for both and
# speak of no type. In SciPy 1.17.1 cdist, pdist and sqeuclidean turn integers into float64 first. euclidean, cityblock, chebyshev and
# minkowski subtract in the type that they were given: a difference beyond 127 wraps for int8, and for uint8 each difference below zero
# does. Nothing warns. The distances of int8 embeddings and of packed or counted uint8 ones that are taken pair by pair, or handed to another
# library as a function, are wrong and the nearest row is another one, while the check with cdist passes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import math
import sys
import warnings

import numpy as np
import scipy
from scipy.spatial import distance

warnings.simplefilter("error")
print(f"scipy {scipy.__version__}, numpy {np.__version__}")
functions = {"euclidean": distance.euclidean, "cityblock": distance.cityblock, "chebyshev": distance.chebyshev}
found = {}
for dtype, a, b in ((np.int8, [100, 0], [-100, 0]), (np.uint8, [1, 1], [2, 2])):
    a, b = np.array(a, dtype), np.array(b, dtype)
    name = np.dtype(dtype).name
    print(f"{name} {a.tolist()} and {b.tolist()}: root of sqeuclidean {math.sqrt(distance.sqeuclidean(a, b)):.2f}")
    for metric, function in functions.items():
        pair, many = float(function(a, b)), float(distance.cdist([a], [b], metric)[0, 0])
        found[name, metric] = (round(pair, 2), round(many, 2))
        print(f"  {metric:10} for two {pair:7.2f}   cdist {many:7.2f}")

# The row that each query was made from, as the nearest of 500.
rng = np.random.default_rng(1)
rows = rng.integers(20, 200, (500, 64)).astype(np.uint8)
queries = (rows[:100] + rng.integers(-20, 21, (100, 64))).astype(np.uint8)
many = int((distance.cdist(queries, rows).argmin(1) == np.arange(100)).sum())
pair = sum(int(np.argmin([distance.euclidean(query, row) for row in rows])) == i for i, query in enumerate(queries))
print(f"uint8 rows found from 100 queries that lie near them: {many} by cdist, {pair} by euclidean for two")
first = [found["int8", metric] for metric in functions]
second = [found["uint8", metric] for metric in functions]
if pair > 50 or many != 100 or first != [(56.0, 200.0)] * 3 or second != [(360.62, 1.41), (510.0, 2.0), (255.0, 1.0)]:
    sys.exit("the behaviour has changed")
PY
