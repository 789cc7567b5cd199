#!/usr/bin/env bash
# software: DataFusion 55.0.0, DuckDB 2.0.1
# expected: the sum of 100 x 100 over five rows is 50,000, or an error
# happens: DataFusion answers 80, and 16 for the mean of the products
#
# Standard SQL makes an overflow an error, and DuckDB raises one. DataFusion sums TINYINT in 64 bits, so one would expect a sum of products to
# be right too. In DataFusion 55.0.0 the product of two TINYINT columns stays in 8 bits and wraps, and sum and avg then take the wrapped
# numbers: 100 x 100 counts as 16. A query that scores int8 activations against int8 weights, or adds two counts of spikes, is
# answered with small whole numbers that look like counts, without a warning.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet datafusion==55.0.0 duckdb==2.0.1 pyarrow==26.0.1

"$dir/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import datafusion
import duckdb
import pyarrow

counts = pyarrow.table({"a": pyarrow.array([100] * 5, pyarrow.int8()), "b": pyarrow.array([100] * 5, pyarrow.int8())})
context = datafusion.SessionContext()
context.from_arrow(counts, name="counts")


def in_datafusion(expression):
    return next(iter(context.sql(f"SELECT {expression} AS x FROM counts LIMIT 1").to_pydict()["x"]))


def in_duckdb(expression):
    try:
        return duckdb.sql(f"SELECT {expression} FROM counts LIMIT 1").fetchall()[0][0]
    except duckdb.OutOfRangeException:
        return "error"


print(", ".join(f"{name} {version(name)}" for name in ("datafusion", "duckdb", "pyarrow")) + "; five rows of TINYINT 100 and 100")
found = {}
for expression in ("sum(a)", "a + b", "sum(a * b)", "avg(a * b)", "sum(CAST(a AS INT) * b)"):
    found[expression] = (in_datafusion(expression), in_duckdb(expression))
    print(f"{expression:24} datafusion {found[expression][0]:>6}  duckdb {found[expression][1]}")
if list(found.values()) != [(500, 500), (-56, "error"), (80, "error"), (16, "error"), (50_000, 50_000)]:
    sys.exit("the behaviour has changed")
PY
