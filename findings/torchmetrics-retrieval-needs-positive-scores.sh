#!/usr/bin/env bash
# software: TorchMetrics 1.9.0
# expected: a ranking is scored by its order: scores less 1, or distances with a minus sign, give the same mean reciprocal rank
# happens: a relevant row whose score is 0 or below counts as not found: a perfect ranking by negative distance has an MRR of 0
#
# The documents of the retrieval metrics ask for float predictions from a model and group them by query; nothing is said of their sign. RetrievalMAP,
# RetrievalMRR, RetrievalPrecision and RetrievalRecall of TorchMetrics 1.9.0 take a target for irrelevant unless its score is above zero, while
# NDCG, hit rate, R-precision and AUROC of the same scores go by order alone. A cosine or a dot product below zero, a logit, a
# distance with a minus sign or a Hamming score counted down from zero is lost, and only where the row is relevant. Two encoders that rank
# alike are told apart by where their zero lies, and recall stands below the hit rate for queries with one right answer.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.15.0 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import torch
from torchmetrics.retrieval import RetrievalHitRate, RetrievalMAP, RetrievalMRR, RetrievalNormalizedDCG, RetrievalRecall

METRICS = {"MAP": RetrievalMAP, "MRR": RetrievalMRR, "NDCG": RetrievalNormalizedDCG, "recall@10": RetrievalRecall, "hit rate@10": RetrievalHitRate}
QUERIES, ROWS, WIDTH = 100, 200, 256
torch.manual_seed(0)
rows = torch.nn.functional.normalize(torch.randn(ROWS, WIDTH), dim=1)
queries = torch.nn.functional.normalize(rows[:QUERIES] + 2 * torch.nn.functional.normalize(torch.randn(QUERIES, WIDTH), dim=1), dim=1)
# One relevant row for each query.
targets = torch.zeros(QUERIES, ROWS, dtype=torch.long)
targets[range(QUERIES), range(QUERIES)] = 1
indexes = torch.arange(QUERIES)[:, None].expand(QUERIES, ROWS)
cosines = queries @ rows.T
scores = {
    "cosine": cosines,
    "cosine less 0.45": cosines - 0.45,
    "squared distance, negative": 2 * cosines - 2,
}
found = {}
print(f"torchmetrics {version('torchmetrics')}, torch {version('torch')}; {QUERIES} queries, one relevant row of {ROWS} each")
for name, score in scores.items():
    row = {}
    for label, metric in METRICS.items():
        metric = metric(top_k=10) if "@" in label else metric()
        row[label] = round(metric(score, targets, indexes=indexes).item(), 3)
    found[name] = row
    print(f"{name:27}", row)
first, shifted, distance = found.values()
same = all(row[label] == first[label] for row in (shifted, distance) for label in ("NDCG", "hit rate@10"))
lost = all(0 < shifted[label] < 0.8 * first[label] and distance[label] == 0 for label in ("MAP", "MRR", "recall@10"))
if not (same and lost and first["recall@10"] == first["hit rate@10"] > 0.9):
    sys.exit("the behaviour has changed")
PY
