#!/usr/bin/env bash
# software: Spyx 1.0.0, nir 1.0.8
# expected: two branches into one neuron are added
# happens: one is left out; the order of the edges decides which
#
# In a NIR graph the inputs of a node are summed, as in a skip connection, so one would expect a reader to add both
# branches or to refuse the graph. from_nir of Spyx 1.0.0 walks from the input along the first edge of each node and
# leaves every other branch out, without a warning. Which branch survives depends on the order of the edges in the file.
# A spiking transformer, full of skip connections, becomes a plain chain of layers whose inputs and outputs still have
# the right shapes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet spyx==1.0.0 nir==1.0.8 jax==0.10.2 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
import warnings

warnings.filterwarnings("ignore")
import jax
import nir
import numpy as np
from importlib.metadata import version
from spyx.nir import from_nir

STEPS = 32


def gain(value):
    return nir.Affine(weight=np.full((1, 1), value, np.float32), bias=np.zeros(1, np.float32))


def spikes(*edges):
    nodes = {
        "input": nir.Input({"input": np.array([1])}),
        "weak": gain(0.25),
        "strong": gain(0.5),
        "both": gain(0.75),
        "neuron": nir.IF(r=np.ones(1), v_threshold=np.ones(1)),
        "output": nir.Output({"output": np.array([1])}),
    }
    edges = [*edges, ("neuron", "output")]
    used = {name for edge in edges for name in edge}
    nir.write("graph.nir", nir.NIRGraph(nodes={k: v for k, v in nodes.items() if k in used}, edges=edges))
    _, out = from_nir(nir.read("graph.nir"), np.ones((STEPS, 1, 1), np.float32))
    return int(np.asarray(out).sum())


weak = [("input", "weak"), ("weak", "neuron")]
strong = [("input", "strong"), ("strong", "neuron")]
found = {
    "one branch of gain 0.75": spikes(("input", "both"), ("both", "neuron")),
    "branches of 0.25 and 0.5": spikes(*weak, *strong),
    "branches of 0.5 and 0.25": spikes(*strong, *weak),
    "0.25 alone": spikes(*weak),
    "0.5 alone": spikes(*strong),
}
print(f"spyx {version('spyx')}, nir {version('nir')}, jax {jax.__version__}; spikes in {STEPS} steps of input 1")
for name, count in found.items():
    print(f"{name:26}{count}")
whole, first, second, alone_weak, alone_strong = found.values()
if not (first == alone_weak < second == alone_strong < whole):
    sys.exit("the behaviour has changed")
PY
