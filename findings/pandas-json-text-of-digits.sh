#!/usr/bin/env bash
# software: pandas 3.1.1
# expected: "0012" in quotation marks is text, whatever the other rows hold
# happens: it is read as 12 where all strings of a chunk look like numbers, and as text in the next chunk
#
# JSON has types: a number stands bare, a text in quotation marks, and one would expect a reader to keep them apart. read_json of
# pandas 3.1.1 turns a column of strings into numbers if every string in it can be read as one: identifiers lose their zeros, "1e5"
# is 100000.0, "nan" a missing value. Where a file is read in chunks, each chunk decides for itself, so one identifier has two forms in
# one file, and a join by it loses rows in silence. dtype=False keeps the texts. Polars, DuckDB and pyarrow keep them by themselves.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet pandas==3.1.1 polars==2.1.0 duckdb==2.0.1 pyarrow==26.0.1

"$dir/venv/bin/python" - <<'PY'
import json
import sys
from importlib.metadata import version

import duckdb
import pandas
import polars as pl
import pyarrow.json


def write(*identifiers):
    with open("rows.jsonl", "w") as file:
        file.writelines(json.dumps({"id": identifier}) + "\n" for identifier in identifiers)


print(", ".join(f"{name} {version(name)}" for name in ("pandas", "polars", "duckdb", "pyarrow")))
write("0012", "0007", "0012", "a1")
chunks = [chunk["id"].tolist() for chunk in pandas.read_json("rows.jsonl", lines=True, chunksize=2)]
found = {
    "pandas, whole file": pandas.read_json("rows.jsonl", lines=True)["id"].tolist(),
    "pandas, chunks of two": chunks[0] + chunks[1],
    "pandas, dtype=False": pandas.read_json("rows.jsonl", lines=True, dtype=False)["id"].tolist(),
}
write("0012", "1e5")
found["pandas, without a1"] = pandas.read_json("rows.jsonl", lines=True)["id"].tolist()
found["polars, without a1"] = pl.read_ndjson("rows.jsonl")["id"].to_list()
found["duckdb, without a1"] = [row[0] for row in duckdb.sql("SELECT id FROM read_json('rows.jsonl')").fetchall()]
found["pyarrow, without a1"] = pyarrow.json.read_json("rows.jsonl")["id"].to_pylist()
for name, identifiers in found.items():
    print(f"{name:24}{identifiers}")
whole, two = ["0012", "0007", "0012", "a1"], ["0012", "1e5"]
if list(found.values()) != [whole, [12, 7, "0012", "a1"], whole, [12, 100000], two, two, two]:
    sys.exit("the behaviour has changed")
PY
