"""What a layer of a model receives and counts, for simulators to be driven with.

Usage: record.py MODEL OUT

Writes OUT/blocks.nir, OUT/layer.npz (below) and OUT/spikes.npz, which is for the counters of operations.

| array | shape | what |
|---|---|---|
| `T` | | steps |
| `constant` | `[T, 10000]` | charges `T I / theta` of the layer in `phased`: the same in every step |
| `recorded` | `[T, 10000]` | those in `instantaneous`: others in every step |
| `constant_counts`, `recorded_counts` | `[10000]` | what our neurons count of them |

Charges are rounded to multiples of 2^-10, so that every sum of them is exact in float32, whoever adds it. Ours are then those of the
neuron of `docs/model.md` in float64, and beside them it is said in how many the model itself, whose charges were not rounded, differs.
"""

import sys
from pathlib import Path

import numpy as np

import bitspike
import bitspike.nir

#: Long enough for 10,000 neurons of a population of 384.
TEXT = (
    "The acting is wooden , the plot absurd , and yet I could not look away for a second of its two hours : "
    "a gripping , funny film , dull from start to finish ."
)
POPULATION = "layer.2.key"
NEURONS = 10_000
GRID = 2.0**-10


def count(charges: np.ndarray, steps: int) -> np.ndarray:
    """The signed neuron in time: starts at 0, fires 1 from half of the threshold on, -1 below minus half of it, in units of theta/T."""
    potential, counts = np.zeros(charges.shape[1]), np.zeros(charges.shape[1], int)
    for charge in charges:
        potential = potential + charge
        spike = (potential >= steps / 2).astype(int) - (potential < -steps / 2)
        potential -= steps * spike
        counts += spike
    return counts


def main() -> None:
    model, out = sys.argv[1], Path(sys.argv[2])
    clf = bitspike.load(model)
    steps = clf.timesteps
    clf.to_nir(out / "blocks.nir", force=True)
    arrays = {"T": steps}
    for name, dynamics in (("constant", "phased"), ("recorded", "instantaneous")):
        recording = bitspike.nir.record(clf, TEXT, dynamics=dynamics)
        charges = recording.charges(POPULATION).reshape(steps, -1)[:, :NEURONS]
        assert charges.shape == (steps, NEURONS), charges.shape
        rounded = np.round(charges / GRID) * GRID
        counts = count(rounded, steps)
        own = recording.counts(POPULATION).ravel()[:NEURONS]
        ties = int(((rounded.mean(0) - 0.5) % 1 == 0).sum())
        print(
            f"{name}: {POPULATION} of {clf.name}, {NEURONS:,} neurons, mean |count| {np.abs(counts).mean():.2f} of {steps}, "
            f"{ties} whose mean charge is a tie; the model itself counts {int((own != counts).sum())} otherwise, unrounded"
        )
        arrays[name], arrays[f"{name}_counts"] = rounded.astype(np.float32), counts
        if name == "recorded":
            reads = clf.weights.maps[POPULATION].reads
            np.savez_compressed(
                out / "spikes.npz",
                spikes=recording.spikes(reads),
                codes=clf.weights.maps[POPULATION].codes,
            )
    np.savez_compressed(out / "layer.npz", **arrays)


if __name__ == "__main__":
    main()
