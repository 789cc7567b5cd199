#!/usr/bin/env bash
# software: scikit-learn 1.9.1
# expected: the largest error is not below the mean error
# happens: of int8 codes the mean absolute error is 126.7, the largest 76 and the median 56; of uint8 codes 1 and 2 the largest is 255
#
# A quantised output is compared with its reference in codes, and both are int8 or uint8. mean_squared_error, mean_absolute_error,
# mean_absolute_percentage_error and r2_score of scikit-learn 1.9.1 widen them, and the documents of the others use the same words. max_error and
# median_absolute_error subtract in 8 bits: a difference beyond 127 wraps, and so does each one below zero of uint8, by which 2 for 1 is an
# error of 255 and 1 for 2 one of 1. A bound on the largest error, the usual gate of an export, lets a code pass that has flipped from one end
# to the other, and holds up one that is off by one. TorchMetrics 1.9.0 wraps in its mean errors as well.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
import warnings

import numpy as np
import sklearn
from sklearn import metrics

warnings.simplefilter("error")
WIDENED = ("mean_absolute_error", "mean_squared_error", "mean_absolute_percentage_error", "r2_score")
WRAPPED = ("max_error", "median_absolute_error")
found = {}
print(f"scikit-learn {sklearn.__version__}, numpy {np.__version__}")
for dtype, reference, codes in ((np.int8, [-100, 50, -90], [100, 50, 90]), (np.uint8, [1, 7, 3], [2, 7, 4])):
    narrow = [np.array(values, dtype) for values in (reference, codes)]
    wide = [values.astype(np.int64) for values in narrow]
    print(f"{np.dtype(dtype).name} {reference} and {codes}")
    for name in WIDENED + WRAPPED:
        metric = getattr(metrics, name)
        row = found[np.dtype(dtype).name, name] = tuple(round(float(metric(*values)), 3) for values in (narrow, wide))
        print(f"  {name:31} {row[0]:9}, as int64 {row[1]:9}")
expected = {
    ("int8", "max_error"): (76.0, 200.0),
    ("int8", "median_absolute_error"): (56.0, 180.0),
    ("uint8", "max_error"): (255.0, 1.0),
    ("uint8", "median_absolute_error"): (1.0, 1.0),
}
same = all(found[dtype, name][0] == found[dtype, name][1] for dtype in ("int8", "uint8") for name in WIDENED)
if not same or {key: row for key, row in found.items() if key[1] in WRAPPED} != expected:
    sys.exit("the behaviour has changed")
PY
