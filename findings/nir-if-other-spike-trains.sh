#!/usr/bin/env bash
# software: nir 1.0.8, snnTorch 1.0.0, SpikingJelly 2.0.0, Spyx 1.0.0
# expected: one IF node of NIR is one spike train, whoever reads it
# happens: 8, 6 or 7 spikes in 32 steps, by the reader
#
# NIR defines the IF node by an equation and a threshold, so one would expect one spike train of one file, whoever reads
# it. Three readers make three neurons of it: SpikingJelly 2.0.0 resets to zero and drops the excess, snnTorch 1.0.0
# lets the potential leak by a tenth a step, Spyx 1.0.0 subtracts the threshold and spikes one step late. None of them
# warns. The count of spikes, which is what a spiking student passes on, is 8, 6 or 7 in 32 steps at an input of 0.25,
# and 16, 17 or 18 at 0.6.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet nir==1.0.8 nirtorch==2.6 snntorch==1.0.0 spikingjelly==2.0.0 spyx==1.0.0 \
  torch==2.15.0 jax==0.10.2 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
import warnings
from importlib.metadata import version

warnings.filterwarnings("ignore")
import nir
import numpy as np
import snntorch.import_nir
import torch
from spikingjelly.activation_based import nir_exchange
from spyx.nir import from_nir

STEPS = 32
one = np.ones(1, np.float32)
affine = nir.Affine(weight=np.ones((1, 1), np.float32), bias=np.zeros(1, np.float32))
nir.write("if.nir", nir.NIRGraph.from_list(affine, nir.IF(r=one, v_threshold=one)))


def step_by_step(network, current):
    """Spikes of a PyTorch network; snnTorch answers with spike and potential."""
    spikes, state = [], None
    for _ in range(STEPS):
        answer, state = network(torch.full((1, 1), current), state)
        spikes.append(int((answer[0] if isinstance(answer, tuple) else answer).sum()))
    return spikes


def snntorch_spikes(current):
    return step_by_step(snntorch.import_nir.import_from_nir(nir.read("if.nir")), current)


def spikingjelly_spikes(current):
    return step_by_step(nir_exchange.import_from_nir(nir.read("if.nir"), dt=1.0), current)


def spyx_spikes(current):
    _, spikes = from_nir(nir.read("if.nir"), np.full((STEPS, 1, 1), current, np.float32))
    return [int(spike) for spike in np.asarray(spikes).ravel()]


readers = {"spikingjelly": spikingjelly_spikes, "snntorch": snntorch_spikes, "spyx": spyx_spikes}
print(f"nir {version('nir')}, " + ", ".join(f"{name} {version(name)}" for name in readers))
counts = {}
for current in (0.25, 0.6):
    for name, spikes_of in readers.items():
        spikes = spikes_of(current)
        counts[current, name] = sum(spikes)
        print(f"input {current}  {name:12}  {sum(spikes):2} spikes  {''.join('.|'[spike] for spike in spikes)}")
if list(counts.values()) != [8, 6, 7, 16, 17, 18]:
    sys.exit("the behaviour has changed")
PY
