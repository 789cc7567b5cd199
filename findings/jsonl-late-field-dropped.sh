#!/usr/bin/env bash
# software: Polars 2.1.0, DataFusion 55.0.0, DuckDB 2.0.1, pyarrow 26.0.1, pandas 3.1.1
# expected: a field of JSON Lines is a column, or an error, wherever it stands first
# happens: it is left out if it is first seen after row 100, 1,000 or 20,480, by the reader
#
# In JSON Lines a row names only what it has: the first rows of a corpus may lack a label, an explanation, a second sentence. Readers
# look at some rows to find the columns, and one would expect a field that comes later to be added, or to stop the reading. Polars
# 2.1.0 looks at 100 rows, DataFusion 55.0.0 at 1,000, DuckDB 2.0.1 at 20,480, and what is first seen later is dropped without a word,
# by the in-memory and the streaming reader of Polars alike; pyarrow and pandas find it. A test with a short file passes. That the
# number of rows is a setting is documented; that the rest is thrown away is what nobody expects.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet polars==2.1.0 datafusion==55.0.0 duckdb==2.0.1 pyarrow==26.0.1 pandas==3.1.1

"$dir/venv/bin/python" - <<'PY'
import json
import sys
from importlib.metadata import version

import datafusion
import duckdb
import pandas
import polars as pl
import pyarrow.json

readers = {
    "polars": lambda: pl.read_ndjson("corpus.jsonl").columns,
    "polars, lazy": lambda: pl.scan_ndjson("corpus.jsonl").collect(engine="streaming").columns,
    "datafusion": lambda: datafusion.SessionContext().read_json("corpus.jsonl", file_extension=".jsonl").schema().names,
    "duckdb": lambda: duckdb.sql("SELECT * FROM read_json('corpus.jsonl')").columns,
    "pyarrow": lambda: pyarrow.json.read_json("corpus.jsonl").column_names,
    "pandas": lambda: list(pandas.read_json("corpus.jsonl", lines=True).columns),
}
print(", ".join(f"{name} {version(name)}" for name in ("polars", "datafusion", "duckdb", "pyarrow", "pandas")))
found = {name: [] for name in readers}
places = (50, 500, 5_000, 50_000)
for first in places:
    rows = [{"text": f"a text, {i}"} for i in range(first)] + [{"text": "a labelled text", "label": "positive"}] * 10
    with open("corpus.jsonl", "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    for name, columns in readers.items():
        found[name].append("label" in columns())
for name, kept in found.items():
    print(f"{name:13}" + "  ".join(f"after row {first}: {'kept' if k else 'dropped'}" for first, k in zip(places, kept)))
polars = [True, False, False, False]
if list(found.values()) != [polars, polars, [True, True, False, False], [True] * 3 + [False], [True] * 4, [True] * 4]:
    sys.exit("the behaviour has changed")
PY
