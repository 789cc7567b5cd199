#!/usr/bin/env bash
# software: Nengo 4.1.0
# expected: an integrate-and-fire neuron integrates negative current
# happens: it is dropped before it is integrated
#
# An integrate-and-fire neuron integrates its input, so currents of 0.5 and -0.5 in turn should give no spike at all.
# SpikingRectifiedLinear of Nengo 4.1.0, its leakless neuron, sets each negative current to zero before it integrates.
# The rectified linear rate that it is named for is zero at a mean current of zero, while here a spike comes every
# fourth step. Signed spikes or weights bring currents that change sign from step to step, and such a layer fires for
# their positive part alone.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet nengo==4.1.0 numpy==2.3.5

"$dir/venv/bin/python" - <<'PY'
import sys

import nengo
import numpy as np

STEPS, DT = 32, 0.001


def spikes(currents):
    """Spikes for one current a step, in units of the threshold, from a membrane at zero."""
    currents = np.resize(np.array(currents, float), STEPS)
    start = {"voltage": nengo.dists.Choice([0.0])}
    with nengo.Network(seed=0) as network:
        source = nengo.Node(lambda t: currents[min(round(t / DT), STEPS) - 1] / DT)
        neuron = nengo.Ensemble(1, 1, gain=[1], bias=[0], neuron_type=nengo.SpikingRectifiedLinear(initial_state=start))
        nengo.Connection(source, neuron.neurons, synapse=None)
        probe = nengo.Probe(neuron.neurons)
    with nengo.Simulator(network, dt=DT, progress_bar=False) as simulator:
        simulator.run_steps(STEPS)
    return round(float(simulator.data[probe].sum() * DT))


print(f"nengo {nengo.__version__}; spikes in {STEPS} steps")
found = []
for currents in ([0.25], [0.0], [0.5, -0.5], [1.0, -0.5], [-0.25]):
    found.append(spikes(currents))
    expected = max(0, np.floor(np.mean(currents) * STEPS))
    print(f"currents {currents!s:12}  mean {np.mean(currents):5}  spikes {found[-1]:2}, by the mean {expected:.0f}")
if found != [8, 0, 8, 16, 0]:
    sys.exit("the behaviour has changed")
PY
