#!/usr/bin/env bash
# software: Brian2 2.9.0
# expected: reset to zero and by subtraction agree where the threshold is met exactly
# happens: input that arrives in the step of a spike is erased by a reset to zero
#
# Where a threshold is met exactly, a reset to zero and a reset by subtraction should give the same spike train. In each
# step Brian2 2.9.0 tests the threshold, then delivers synaptic input, then resets, so "v = 0" erases what arrives in
# the step of a spike, and "v -= 1" keeps it. An input of 0.25 in every step gives a spike every fifth step with the
# first and every fourth with the second, at a synaptic delay of one step too. A model with hard resets fires a fifth
# less here than where input is added after the reset.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet brian2==2.9.0 numpy==2.3.5

"$dir/venv/bin/python" - <<'PY'
import sys

import brian2 as b
import numpy as np

STEPS = 40
b.prefs.codegen.target = "numpy"


def spikes(reset, delay=0):
    b.start_scope()
    b.defaultclock.dt = 1 * b.ms
    source = b.SpikeGeneratorGroup(1, np.zeros(STEPS, int), np.arange(STEPS) * b.ms)
    neuron = b.NeuronGroup(1, "v : 1", threshold="v >= 1", reset=reset)
    synapse = b.Synapses(source, neuron, on_pre="v_post += 0.25", delay=delay * b.ms)
    synapse.connect()
    monitor = b.SpikeMonitor(neuron)
    b.Network(source, neuron, synapse, monitor).run(STEPS * b.ms)
    return np.diff(np.round(monitor.t / b.ms).astype(int)).tolist()


print(f"brian2 {b.__version__}; steps between spikes at an input of 0.25 and a threshold of 1")
found = {(reset, delay): spikes(reset, delay) for reset in ("v = 0", "v -= 1") for delay in (0, 1)}
for (reset, delay), gaps in found.items():
    print(f"reset {reset:7} delay {delay}  {gaps}")
if any(set(gaps) != {5 if reset == "v = 0" else 4} for (reset, _), gaps in found.items()):
    sys.exit("the behaviour has changed")
PY
