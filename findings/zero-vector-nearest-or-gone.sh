#!/usr/bin/env bash
# software: duckdb 2.0.1, lancedb 0.40.0, sqlite-vec 0.1.9, usearch 2.26.6, qdrant-client 1.20.0
# expected: a stored vector of zeros is as far from every query as an orthogonal one, and a search for all rows returns all rows
# happens: by cosine DuckDB ranks it first, LanceDB leaves it out and finds nothing for a query of zeros, sqlite-vec gives it NULL
#
# An encoder gives a vector of zeros where nothing fires: a text of unknown words, a network of thresholds that none reaches. Its cosine
# is undefined, and stores disagree on what that means. DuckDB computes NaN and holds NaN above every number, so that
# ORDER BY array_cosine_similarity DESC, max_by and arg_max return that row before an exact match. LanceDB drops the row from the results of
# a cosine search, 19 of 20 rows where 20 are asked for, and answers a query of zeros with no row at all. sqlite-vec puts it last with a
# distance of NULL. usearch and Qdrant's local mode call it orthogonal, and only usearch finds zeros at distance 0 from zeros. None says so.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet duckdb==2.0.1 lancedb==0.40.0 sqlite-vec==0.1.9 apsw==3.53.4.0 usearch==2.26.6 qdrant-client==1.20.0 numpy==2.4.6

"$dir/venv/bin/python" - "$dir" 2> /dev/null <<'PY'
import sys
from importlib.metadata import version

import apsw
import duckdb
import lancedb
import numpy as np
import pyarrow as pa
import sqlite_vec
from qdrant_client import QdrantClient, models
from usearch.index import Index

ROWS, WIDTH, ZERO, ASKED = 20, 8, 3, 5
rows = np.random.default_rng(1).normal(size=(ROWS, WIDTH)).astype(np.float32)
rows[ZERO] = 0
query, zeros = rows[ASKED], rows[ZERO]
found = {}

table = duckdb.connect()
table.execute(f"CREATE TABLE t (id INTEGER, v FLOAT[{WIDTH}])")
table.executemany("INSERT INTO t VALUES (?, ?)", [[i, row.tolist()] for i, row in enumerate(rows)])
near = f"SELECT id FROM t ORDER BY array_cosine_similarity(v, ?::FLOAT[{WIDTH}]) DESC LIMIT 3"
found["duckdb"] = [id for id, in table.execute(near, [query.tolist()]).fetchall()]

store = lancedb.connect(f"{sys.argv[1]}/store")
vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), WIDTH)
kept = store.create_table("t", pa.table({"id": list(range(ROWS)), "vector": vectors}))
search = lambda asked: [row["id"] for row in kept.search(asked).distance_type("cosine").limit(ROWS).to_list()]
found["lancedb"] = (len(search(query)), ZERO in search(query), len(search(zeros)))

lite = apsw.Connection(":memory:")
lite.enable_load_extension(True)
lite.load_extension(sqlite_vec.loadable_path())
lite.execute(f"CREATE VIRTUAL TABLE t USING vec0(v float[{WIDTH}] distance_metric=cosine)")
for i, row in enumerate(rows):
    lite.execute("INSERT INTO t (rowid, v) VALUES (?, ?)", (i, row.tobytes()))
found["sqlite-vec"] = list(lite.execute(f"SELECT rowid, distance FROM t WHERE v MATCH ? AND k = {ROWS}", (query.tobytes(),)))[-1]

index = Index(ndim=WIDTH, metric="cos", dtype="f32")
index.add(np.arange(ROWS), rows)
distance = lambda asked: dict(zip(*(column.tolist() for column in (lambda m: (m.keys, m.distances))(index.search(asked, ROWS, exact=True)))))[ZERO]
found["usearch"] = (distance(query), distance(zeros))

local = QdrantClient(":memory:")
local.create_collection("t", vectors_config=models.VectorParams(size=WIDTH, distance=models.Distance.COSINE))
local.upsert("t", [models.PointStruct(id=i, vector=row.tolist()) for i, row in enumerate(rows)])
score = lambda asked: {point.id: point.score for point in local.query_points("t", query=asked.tolist(), limit=ROWS).points}[ZERO]
found["qdrant-client"] = (score(query), score(zeros))

for name, value in found.items():
    print(f"{name} {version(name)}: {value}")
expected = {"duckdb": [3, 5, 17], "lancedb": (19, False, 0), "sqlite-vec": (3, None), "usearch": (1.0, 0.0), "qdrant-client": (0.0, 0.0)}
if found != expected:
    sys.exit(f"the behaviour has changed; it was {expected}")
PY
