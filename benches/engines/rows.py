"""Rows of real data as partitioned Parquet, and what tells two answered tables apart."""

import hashlib
from pathlib import Path

import pyarrow
import pyarrow.parquet

#: Every row whose number is a multiple of this has null for a text.
NULLS = 5_000

#: File below the folder of data, the column of the text, and how many rows there are.
SETS = {"imdb": ("IMDB/train.tsv", 3, 25_000), "sst2": ("SST-2/train.tsv", 0, 67_349)}


def table(data: Path, name: str) -> pyarrow.Table:
    """`id` and `review` of a data set."""
    file, column, rows = SETS[name]
    lines = (data / file).read_text(encoding="utf-8").split("\n")[1:]
    texts = [line.split("\t")[column] for line in lines if line]
    assert len(texts) == rows, f"{file}: expected {rows} rows, found {len(texts)}"
    given = [None if number % NULLS == 0 else text for number, text in enumerate(texts)]
    return pyarrow.table({"id": pyarrow.array(range(rows), pyarrow.int64()), "review": pyarrow.array(given, pyarrow.string())})


def parts(rows: pyarrow.Table, folder: Path, count: int) -> str:
    """The rows as so many Parquet files in a folder of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-rows.num_rows // count)
    for number in range(count):
        pyarrow.parquet.write_table(rows.slice(number * size, size), folder / f"{number}.parquet")
    return str(folder)


def digest(answered: pyarrow.Table, columns: list[str]) -> str:
    """Of the rows sorted by `id`: every bit of `columns`, and whether a row has a reason in `error`."""
    if "error" in answered.column_names:
        # A reason names the row within its block.
        there = answered["error"].is_valid()
        answered = answered.set_column(answered.column_names.index("error"), "error", there)
    answered = answered.sort_by("id")
    found = hashlib.sha256()
    for name in columns:
        found.update(repr(answered[name].to_pylist()).encode())
    return found.hexdigest()
