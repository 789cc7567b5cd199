"""Drives readers of NIR of this environment with the blocks of a model, and compares counts with the model's own.

Usage: readers.py OUT MODEL READER...

Prints a JSON line a reader and dynamics: of the neurons of the driven blocks, how many count as the model does, as the reader reads the file
and after `bitspike.nir.check` repaired its neurons.
"""

import json
import sys
import warnings
from pathlib import Path

from record import NEURONS, TEXT

import bitspike
import bitspike.nir

#: An affine map and its neurons, and neurons behind a norm.
BLOCKS = ("layer_2_key", "layer_2_attention")


def main() -> None:
    warnings.simplefilter("ignore")
    out, model, readers = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    clf = bitspike.load(model)
    recordings = [bitspike.nir.record(clf, TEXT, dynamics=dynamics) for dynamics in ("phased", "instantaneous")]
    for reader in readers:
        for block in BLOCKS:
            for recording in recordings:
                (found,) = bitspike.nir.check(out / "blocks.nir", reader, recording, blocks=[block], neurons=NEURONS)
                print(
                    json.dumps(
                        {
                            "reader": reader,
                            "version": found.version,
                            "block": block,
                            "dynamics": recording.dynamics,
                            "neurons": found.neurons,
                            "as_read": found.equal_as_read,
                            "repaired": None if found.repaired is None else found.equal,
                        }
                    ),
                    flush=True,
                )


if __name__ == "__main__":
    main()
