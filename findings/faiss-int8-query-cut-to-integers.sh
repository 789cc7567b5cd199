#!/usr/bin/env bash
# software: faiss-cpu 1.15.1
# expected: an index of int8 codes scores a float query as it is, whatever the width
# happens: where the width is a multiple of 16 each number of the query loses its fraction, and a query of length 1 scores 0 with every row
#
# QT_8bit_direct_signed stores int8 embeddings and QT_8bit_direct uint8 ones. Only the stored side is said to be of 8 bits; a query is a float
# vector, as everywhere in faiss, and is best left so: a float query against int8 rows is what rescoring is. In faiss 1.15.1 it is one at
# widths of 24, 40 or 392. At widths of 16, 32, 384, 768, which are those of embedding models, the query is cut to 8-bit integers
# towards zero. Of a normalised query nothing is left: every inner product is 0 and the rows of the answer mean nothing. So it is in each
# index that is built on these quantisers, flat, IVF or HNSW, and for Euclidean distances. With eight columns of zeros put behind rows and
# query the answer is right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet faiss-cpu==1.15.1 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys

import faiss
import numpy as np

ROWS, WIDTH, TARGET = 1000, 384, 617
rng = np.random.default_rng(1)
rows = rng.integers(-100, 101, (ROWS, WIDTH)).astype(np.float32)
# A normalised query that points to one of the rows, and the same one made long.
query = rows[TARGET : TARGET + 1] / np.linalg.norm(rows[TARGET])


def build(kind, width, metric):
    quantiser = faiss.ScalarQuantizer.QT_8bit_direct_signed
    if kind == "flat":
        return faiss.IndexScalarQuantizer(width, quantiser, metric)
    if kind == "hnsw":
        return faiss.IndexHNSWSQ(width, quantiser, 16, metric)
    return faiss.IndexIVFScalarQuantizer(faiss.IndexFlat(width, metric), width, 1, quantiser, metric, False)


def search(kind, metric, query, padding=0):
    wide = lambda x: np.ascontiguousarray(np.pad(x, ((0, 0), (0, padding))))
    index = build(kind, WIDTH + padding, metric)
    index.train(wide(rows))
    index.add(wide(rows))
    scores, found = index.search(wide(query), 2)
    return found[0].tolist(), [round(float(score), 1) for score in scores[0]]


print(f"faiss {faiss.__version__}; {ROWS} int8 rows of width {WIDTH}, the query is row {TARGET} at length 1")
exact = np.sort(-(rows @ query[0]))[:2]
print("inner products, exact  ", [TARGET], (-exact).round(1).tolist())
found = {}
for kind in ("flat", "ivf", "hnsw"):
    for padding in (0, 8):
        found[kind, padding] = search(kind, faiss.METRIC_INNER_PRODUCT, query, padding)
        print(f"inner products, {kind:5} width {WIDTH + padding}", *found[kind, padding])
half = rows[:1] + 0.5
for padding in (0, 8):
    found["half", padding] = search("flat", faiss.METRIC_L2, half, padding)
    print(f"squared distance of row 0 and row 0 plus a half, width {WIDTH + padding}", found["half", padding][1][0])

right = all(found[kind, 8][0][0] == TARGET and found[kind, 8][1][0] > 1000 for kind in ("flat", "ivf", "hnsw"))
gone = all(found[kind, 0][1] == [0.0, 0.0] and TARGET not in found[kind, 0][0] for kind in ("flat", "ivf", "hnsw"))
cut = found["half", 8][1][0] == WIDTH / 4 and found["half", 0][1][0] == (rows[0] < 0).sum()
if not (right and gone and cut):
    sys.exit("the behaviour has changed")
PY
