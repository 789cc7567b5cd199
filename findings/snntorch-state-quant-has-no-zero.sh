#!/usr/bin/env bash
# software: snnTorch 1.0.0
# expected: a membrane that is quantised to 4 bits stays at 0 without input
# happens: 0 is not among its levels: it rests at 0.027, and with 2 bits at -0.267
#
# Zero is where a neuron rests, and one would expect any quantiser of its state to hold it exactly. state_quant of snnTorch 1.0.0
# lays its levels evenly from -threshold to 1.2 threshold, an even number of them, and 0 falls between two. A neuron without input leaves zero in
# its first step and never comes back, and what is added per step is rounded to the same grid: at a current of 0.11 an integrator
# fires 14 times in 100 steps instead of 11, and at 0.05 never instead of 5 times. The counts of a student whose state is
# quantised for a chip are biased by the grid and not by the number of bits alone.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet snntorch==1.0.0 torch==2.15.0 numpy==2.4.6

"$dir/venv/bin/python" - <<'PY'
import sys
import warnings
from importlib.metadata import version

warnings.filterwarnings("ignore")
import snntorch
import torch
from snntorch.functional import quant

STEPS = 100


def run(bits, current):
    """Spikes of an integrator in STEPS steps, and its potential at the end."""
    state = quant.state_quant(num_bits=bits, uniform=True, threshold=1.0) if bits else False
    neuron = snntorch.Leaky(beta=1.0, threshold=1.0, state_quant=state)
    potential, spikes = torch.zeros(1, 1), 0
    with torch.no_grad():
        for _ in range(STEPS):
            spike, potential = neuron(torch.full((1, 1), current), potential)
            spikes += int(spike.sum())
    return spikes, round(potential.item(), 3)


print(f"snntorch {version('snntorch')}, torch {torch.__version__}; {STEPS} steps, threshold 1, no leak")
found = {}
for current in (0.0, 0.05, 0.11):
    for bits in (0, 8, 4, 2):
        found[current, bits] = run(bits, current)
        spikes, rest = found[current, bits]
        print(f"current {current:4}  state of {bits or 32:2} bits: {spikes:2} spikes, potential {rest}")
rest = [found[0.0, bits][1] for bits in (0, 8, 4, 2)]
counts = [[found[current, bits][0] for bits in (0, 8, 4, 2)] for current in (0.05, 0.11)]
if rest != [0, 0.001, 0.027, -0.267] or counts != [[5, 5, 0, 0], [11, 11, 14, 0]]:
    sys.exit("the behaviour has changed")
PY
