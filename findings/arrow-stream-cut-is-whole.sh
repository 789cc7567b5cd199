#!/usr/bin/env bash
# software: pyarrow 26.0.1, Polars 2.1.0
# expected: a stream of answers without its end is an error
# happens: if it ends between two batches it is read as whole, without a word
#
# A scorer that writes its answers as an Arrow IPC stream and dies half-way leaves a file that ends between two record batches. Arrow's
# format ends a stream with a mark of eight bytes or with the end of the file, and readers take either: pyarrow 26.0.1 and Polars 2.1.0 return
# the rows that are there as the whole table, without an error or a warning, and a table without a row where only the schema was
# written. Within a message both raise. So a missing mark says nothing; whoever sends answers has to break the connection, and
# whoever keeps them has to count rows.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet pyarrow==26.0.1 polars==2.1.0

"$dir/venv/bin/python" - <<'PY'
import io
import sys

import polars
import pyarrow
import pyarrow.ipc

print(f"pyarrow {pyarrow.__version__}, polars {polars.__version__}")
table = pyarrow.table({"label": [f"class {i % 2}" for i in range(30)], "score": [i / 30 for i in range(30)]})
ends, sink = [], pyarrow.BufferOutputStream()
with pyarrow.ipc.new_stream(sink, table.schema) as writer:
    for batch in table.to_batches(max_chunksize=10):
        writer.write_batch(batch)
        ends.append(sink.tell())
stream = sink.getvalue().to_pybytes()
# The schema alone: what an empty table is written as, without its mark.
empty = pyarrow.BufferOutputStream()
pyarrow.ipc.new_stream(empty, table.schema).close()
schema = len(empty.getvalue()) - 8


def rows(read):
    try:
        return read()
    except (pyarrow.ArrowInvalid, OSError, polars.exceptions.ComputeError):
        return "error"


found = []
places = {"after the schema": schema, "after one batch": ends[0], "after two": ends[1], "after three": ends[2], "with its mark": len(stream),
          "within the third": ends[2] - 100}
for place, end in places.items():
    part = stream[:end]
    row = (rows(lambda: pyarrow.ipc.open_stream(part).read_all().num_rows), rows(lambda: polars.read_ipc_stream(io.BytesIO(part)).height))
    print(f"a stream of 30 rows that ends {place:18} pyarrow {row[0]}, polars {row[1]}")
    found.append(row)
if found != [(0, 0), (10, 10), (20, 20), (30, 30), (30, 30), ("error", "error")]:
    sys.exit("the behaviour has changed")
PY
