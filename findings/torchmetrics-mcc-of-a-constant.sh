#!/usr/bin/env bash
# software: TorchMetrics 1.9.0, scikit-learn 1.9.1
# expected: a student that answers every sentence alike has a Matthews correlation of 0
# happens: it has up to 0.985
#
# Matthews correlation is the metric of CoLA, and a student that answers every sentence alike has learned nothing: its
# covariance with the labels is 0, and scikit-learn gives 0. TorchMetrics 1.9.0 puts small numbers into the quotient
# where a row of the confusion matrix is empty and takes the answer for a real one: 0.026 with CoLA's own counts of
# classes, 0.843 where nine of ten labels are the constant, 0.985 where 99 of 100 are. A run that keeps its best
# checkpoint by this metric keeps the collapsed one.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.15.0 scikit-learn==1.9.1 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
import warnings
from importlib.metadata import version

import torch
from sklearn.metrics import matthews_corrcoef
from torchmetrics import MatthewsCorrCoef

warnings.simplefilter("ignore")
print(", ".join(f"{name} {version(name)}" for name in ("torchmetrics", "torch", "scikit-learn")))
found = []
# Labels of class 1, of all: CoLA's dev split, and two that are more lopsided.
for ones, count in ((721, 1043), (9, 10), (99, 100)):
    labels = torch.tensor([1] * ones + [0] * (count - ones))
    answers = torch.ones_like(labels)
    metric = MatthewsCorrCoef(task="binary")
    # In batches, as a training loop does.
    for batch in range(0, count, 32):
        metric.update(answers[batch : batch + 32], labels[batch : batch + 32])
    row = (round(metric.compute().item(), 3), float(matthews_corrcoef(labels, answers)))
    print(f"{ones:4} of {count:4} labels are 1, every answer is 1: torchmetrics {row[0]:.3f}, scikit-learn {row[1]:.3f}")
    found.append(row)
if found != [(0.026, 0.0), (0.843, 0.0), (0.985, 0.0)]:
    sys.exit("the behaviour has changed")
PY
