#!/usr/bin/env bash
# software: Polars 2.1.0
# expected: the dot product of Int8 columns is widened as their sum is
# happens: each product wraps in 8 bits, in a result of type Int64
#
# Polars widens 8-bit integers before it sums, multiplies or accumulates them, and one would expect the same of the dot
# product, which in a group is announced as a 64-bit column. In Polars 2.1.0 each product of the dot is taken in 8 bits
# and wraps, and only the sum of the wrapped numbers is widened. 16 times 16 counts as 0, and 16 times 8 as -128.
# Attention scores of spike counts, and products of int8 activations with 4-bit codes, are wrong without a warning.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet polars==2.1.0

"$dir/venv/bin/python" - <<'PY'
import sys

import polars as pl

frame = pl.DataFrame(
    {"head": [0] * 4, "query": [16] * 4, "key": [16, 16, 8, 7]},
    schema={"head": pl.Int8, "query": pl.Int8, "key": pl.Int8},
)
query, key = pl.col("query"), pl.col("key")
print(f"polars {pl.__version__}; spike counts {frame['query'].to_list()} and {frame['key'].to_list()}")
grouped = frame.group_by("head").agg(
    product=query.product(), dot=query.dot(key), wide=query.cast(pl.Int32).dot(key.cast(pl.Int32))
)
found = {
    f"product of the first ({grouped.schema['product']})": grouped["product"][0],
    "dot of the two series": frame["query"].dot(frame["key"]),
    f"dot in a group ({grouped.schema['dot']})": grouped["dot"][0],
    "dot after a cast to Int32": grouped["wide"][0],
}
for name, value in found.items():
    print(f"{name:30}{value}")
if list(found.values()) != [65536, -16, -16, 752] or grouped.schema["dot"] != pl.Int64:
    sys.exit("the behaviour has changed")
PY
