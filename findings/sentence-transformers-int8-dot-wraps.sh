#!/usr/bin/env bash
# software: sentence-transformers 6.2.0
# expected: dot_score of int8 embeddings is their dot product, or an error as cos_sim gives one
# happens: it is the last eight bits of it, and 1 of 200 queries finds the row that it was made from
#
# encode(precision="int8") gives int8 arrays, and for a model whose similarity is the dot product, similarity() and semantic_search() take
# dot_score. Its document says that the result is the dot product of each pair. dot_score of sentence-transformers 6.2.0 multiplies in the
# type that it was given, in int8, where no score of two embeddings fits: (100, 100) with itself is 32. pairwise_dot_score wraps each product
# and then sums in 64 bits, which is a third answer. uint8 does the same. cos_sim, euclidean_sim and manhattan_sim refuse integers. Scores lie
# between -128 and 127 and look like scores, and of queries that lie close to one row hardly any finds it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet sentence-transformers==6.2.0 torch==2.15.0 transformers==5.24.0 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from sentence_transformers.util import cos_sim, dot_score, pairwise_dot_score, semantic_search
from sentence_transformers.util.quantization import quantize_embeddings

print(f"sentence-transformers {version('sentence-transformers')}, torch {version('torch')}")
codes = np.array([[100, 100], [5, 4]], np.int8)
wide = codes.astype(np.int64)
scores, pairs = dot_score(codes, codes), pairwise_dot_score(codes, codes)
print(f"{codes.tolist()}: dot products {(wide @ wide.T).tolist()}, dot_score {scores.tolist()} of {scores.dtype}, pairwise_dot_score {pairs.tolist()}")
try:
    cos_sim(codes, codes)
    refused = False
except (NotImplementedError, RuntimeError) as error:
    refused = True
    print("cos_sim:", str(error).splitlines()[0])

rng = np.random.default_rng(0)
rows = rng.normal(size=(1000, 128)).astype(np.float32)
queries = rows[:200] + 0.5 * rng.normal(size=(200, 128)).astype(np.float32)
ranges = np.vstack([rows.min(0), rows.max(0)])
found = {}
for precision in ("float32", "int8"):
    first, second = (quantize_embeddings(x, precision, ranges=ranges) for x in (queries, rows))
    answers = semantic_search(first, second, top_k=1, score_function=dot_score)
    found[precision] = sum(row[0]["corpus_id"] == i for i, row in enumerate(answers))
    print(f"{precision}: {found[precision]} of 200 queries find the row they were made from, scores {answers[0][0]['score']:.0f}, {answers[1][0]['score']:.0f}, ...")
if not (scores.tolist() == [[32, -124], [-124, 41]] and pairs.tolist() == [32, 41] and refused and found["float32"] == 200 and found["int8"] < 20):
    sys.exit("the behaviour has changed")
PY
