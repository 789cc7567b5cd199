#!/usr/bin/env bash
# software: fastparquet 2026.9.0, pandas 3.1.1, pyarrow 26.0.1
# expected: the labels of two files read together are those of the files read one by one
# happens: neg, pos and pos, neu are read as neu, pos, pos, neu
#
# Two shards of answers, each with a column of labels as a pandas category, written by pandas. Read together, they should give the
# labels that they hold, as pyarrow and Polars do, since each file carries its own dictionary. fastparquet 2026.9.0 keeps the codes of
# every file and the dictionary of one: a code then means another label, and no error or warning is given. Where one file holds groups with
# dictionaries of their own and no note by pandas, labels beyond the first group come back as None instead. Accuracy over shards
# is wrong as soon as one shard lacks a class, or meets the classes in another order.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet fastparquet==2026.9.0 pandas==3.1.1 pyarrow==26.0.1 polars==2.1.0

"$dir/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import fastparquet
import pandas
import polars as pl
import pyarrow
import pyarrow.parquet

shards = [["neg", "pos"], ["pos", "neu"]]
names = [f"answers-{i}.parquet" for i in range(len(shards))]
for name, labels in zip(names, shards):
    pandas.DataFrame({"label": pandas.Series(labels, dtype="category")}).to_parquet(name)
print(", ".join(f"{name} {version(name)}" for name in ("fastparquet", "pandas", "pyarrow", "polars")))
found = {
    "written": sum(shards, []),
    "fastparquet, one by one": [label for name in names for label in fastparquet.ParquetFile(name).to_pandas()["label"]],
    "fastparquet, together": fastparquet.ParquetFile(names).to_pandas()["label"].tolist(),
    "pandas over pyarrow, together": pandas.read_parquet(names, engine="pyarrow")["label"].tolist(),
    "polars, together": pl.read_parquet(names)["label"].to_list(),
}
# One file of two chunks, each with its own dictionary, as pyarrow writes a table that was put together from shards.
chunks = [pyarrow.array(labels).dictionary_encode() for labels in shards]
pyarrow.parquet.write_table(pyarrow.table({"label": pyarrow.chunked_array(chunks)}), "joined.parquet")
found["one file, pyarrow"] = pyarrow.parquet.read_table("joined.parquet")["label"].to_pylist()
found["one file, fastparquet"] = fastparquet.ParquetFile("joined.parquet").to_pandas()["label"].tolist()
for name, labels in found.items():
    print(f"{name:32}{labels}")
right = ["neg", "pos", "pos", "neu"]
if list(found.values()) != [right, right, ["neu", "pos", "pos", "neu"], right, right, right, ["neg", "pos", None, None]]:
    sys.exit("the behaviour has changed")
PY
