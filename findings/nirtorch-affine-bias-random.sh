#!/usr/bin/env bash
# software: nirtorch 2.6, nir 1.0.8
# expected: an Affine node is read with its weights and its bias
# happens: the bias is dropped and a random one used
#
# An Affine node of NIR holds weights and a bias, and one would expect nir_to_torch with its own map of node types to
# load both. nirtorch 2.6 loads the weights and leaves the bias of the new layer as PyTorch drew it: the stored bias
# becomes an attribute of the weight, which nothing reads. The answers differ from one reading of the same file to the
# next, without a warning; a node without a bias is read rightly. A spiking student still spikes with random thresholds
# in effect, at other rates.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet nir==1.0.8 nirtorch==2.6 torch==2.15.0 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version

import nir
import nirtorch
import numpy as np
import torch

weight, bias = np.array([[1, 0, -1], [1, 1, 0]], np.float32), np.array([5, -5], np.float32)
nir.write("affine.nir", nir.NIRGraph.from_list(nir.Affine(weight=weight, bias=bias)))
nir.write("linear.nir", nir.NIRGraph.from_list(nir.Linear(weight=weight)))


def answer(name):
    network = nirtorch.nir_to_torch(nir.read(name), {})
    return network(torch.ones(3))[0].detach().numpy()


print(f"nirtorch {version('nirtorch')}, nir {version('nir')}, torch {torch.__version__}")
expected = weight @ np.ones(3, np.float32) + bias
found = [answer("affine.nir") for _ in range(3)]
linear = answer("linear.nir")
print(f"weights {weight.tolist()}, input of ones; without bias {linear.tolist()}")
print(f"bias {bias.tolist()}: expected {expected.tolist()}")
for reading, values in enumerate(found, 1):
    print(f"reading {reading}: {values.round(4).tolist()}")
near = all(np.abs(values - linear).max() < 1 for values in found)
if not near or np.array_equal(found[0], found[1]) or not np.array_equal(linear, expected - bias):
    sys.exit("the behaviour has changed")
PY
