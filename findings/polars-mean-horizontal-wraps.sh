#!/usr/bin/env bash
# software: Polars 2.1.0
# expected: the mean across columns of 100, 100 and 100 is 100
# happens: mean_horizontal of Int8 columns gives 14.67, and sum_horizontal 44
#
# Polars widens 8-bit integers before sum, mean, cum_sum and rolling_sum, so one would expect the forms across columns to do the
# same; the mean is announced as a 64-bit float, which holds any of these sums. In Polars 2.1.0 the columns are added in 8 bits, the sum
# wraps, and mean_horizontal divides the wrapped sum: three counts of 100 have the mean 14.67. Counts of spikes over steps, or answers of
# several students in Int8 columns that are averaged row by row, give plausible numbers between -128 and 127, without a warning.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet polars==2.1.0

"$dir/venv/bin/python" - <<'PY'
import sys

import polars as pl

frame = pl.DataFrame({f"step {t}": [100, 40] for t in (1, 2, 3)}, schema_overrides={f"step {t}": pl.Int8 for t in (1, 2, 3)})
print(f"polars {pl.__version__}; each row holds one count three times: {frame['step 1'].to_list()}")
wide = frame.cast(pl.Int32)
answers = {
    "mean_horizontal, Int8": frame.select(pl.mean_horizontal(pl.all())).to_series(),
    "mean_horizontal, Int32": wide.select(pl.mean_horizontal(pl.all())).to_series(),
    "sum_horizontal, Int8": frame.select(pl.sum_horizontal(pl.all())).to_series(),
    "the first column's sum": pl.Series([frame["step 1"].sum()]),
    "rolling_sum of 100, 100, 100": pl.Series([100] * 3, dtype=pl.Int8).rolling_sum(3).tail(1),
}
for name, series in answers.items():
    print(f"{name:30}{series.to_list()} ({series.dtype})")
found = [[round(x, 3) for x in series.to_list()] for series in answers.values()]
if found != [[14.667, 40], [100, 40], [44, 120], [140], [300]]:
    sys.exit("the behaviour has changed")
PY
