#!/usr/bin/env bash
# software: Polars 2.1.0
# expected: the sum of ten thousand ones in Float16 is 10,000 in every query
# happens: 10,000 for a column, 2,048 or 4,096 for the only group, and three answers for three equal groups
#
# 10,000 is a Float16, and Polars 2.1.0 finds it as the sum of a column and as the sum of a group beside a median, which it adds up in a
# wider type. The plain sum of a group is added up in Float16 itself, where 2,048 + 1 is 2,048, so one group gives 2,048, or a multiple of
# it by the number of threads, and groups with the same rows give sums that differ among themselves and from run to run. Adding a median
# to the query corrects the sum. Scores and embeddings are what comes in half precision; a sum by label is silently short, while the mean
# is right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet polars==2.1.0 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys

import numpy as np
import polars as pl

ROWS = 10_000
total, middle = pl.col("score").sum().alias("sum"), pl.col("score").median().alias("median")


def ones(groups):
    labels = np.repeat(np.arange(groups), ROWS)
    return pl.DataFrame({"label": labels, "score": np.ones(len(labels), np.float16)})


def sums(groups, *columns):
    return ones(groups).group_by("label", maintain_order=True).agg(*columns)["sum"].to_list()


print(f"polars {pl.__version__}; {ROWS} ones a label in {ones(1).schema['score']}")
found = {
    "sum of the column": [ones(1)["score"].sum()],
    "one label": sums(1, total),
    "one label, streaming": ones(1).lazy().group_by("label").agg(total).collect(engine="streaming")["sum"].to_list(),
    "one label, sum and median": sums(1, total, middle),
    "three labels": sums(3, total),
    "three labels, sum and median": sums(3, total, middle),
    "one label, as a list": ones(1).group_by("label").agg("score")["score"].list.sum().to_list(),
}
for name, values in found.items():
    print(f"{name:30}{values}")
column, one, streaming, beside, three, three_beside, as_list = found.values()
right = [column, beside, three_beside] == [[ROWS], [ROWS], [ROWS] * 3]
if not right or as_list != [2_048] or max(one + streaming) >= ROWS or three == [ROWS] * 3:
    sys.exit("the behaviour has changed")
PY
