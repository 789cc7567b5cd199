"""Counts of a reader beside ours, neuron by neuron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OptionError
from ._blocks import Block, read
from ._readers import READERS, Reader, reader_named

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from numpy.typing import NDArray

    from ._recording import Recording

#: Charges of our own making are multiples of this, so that every sum of them is exact in float32.
GRID = 2.0**-10


@dataclass(frozen=True, eq=False)
class Agreement:
    """How a reader counts the neurons of a block, beside ours."""

    reader: str
    #: The reader's version.
    version: str
    block: str
    #: int64 `[rows, width]`: what our neurons count.
    expected: NDArray[np.int64]
    #: What the reader's count as it reads the file.
    as_read: NDArray[np.int64]
    #: What they count once they are repaired; none where the reader has no neuron that could be.
    repaired: NDArray[np.int64] | None

    @property
    def neurons(self) -> int:
        """Neurons that were compared."""
        return self.expected.size

    @property
    def equal_as_read(self) -> int:
        """Neurons that count as ours do, as the reader reads the file."""
        return int((self.as_read == self.expected).sum())

    @property
    def equal(self) -> int:
        """Neurons that count as ours do, after the repair if there is one."""
        return self.equal_as_read if self.repaired is None else int((self.repaired == self.expected).sum())

    def __bool__(self) -> bool:
        return self.equal == self.neurons

    def __repr__(self) -> str:
        repaired = "no repair" if self.repaired is None else f"{self.equal:,} repaired"
        return f"<{self.reader} {self.version}, {self.block}: of {self.neurons:,} counts {self.equal_as_read:,} equal as read, {repaired}>"


def check(
    file: str | PathLike[str],
    reader: str,
    recording: Recording | None = None,
    *,
    blocks: Iterable[str] | None = None,
    neurons: int = 10_000,
    seed: int = 1,
) -> list[Agreement]:
    """Reads `file` with `reader` (`snntorch`, `spikingjelly`, `sinabs`, `spyx` or `norse`), drives its blocks, and compares the count
    of every neuron with ours: as the reader reads the file, and after the repair that this module makes of the reader's neurons.

    | reader | repair |
    |---|---|
    | snnTorch | `beta` is 1 and `reset_delay` true; half a grid step more at the start, since it fires above the threshold and not at it |
    | SpikingJelly | `v_reset` is None |
    | sinabs | one spike a step (`SingleSpike`), no lowest potential (`min_v_mem`) |
    | Spyx | one step more, the first answer dropped; half a grid step as for snnTorch |
    | Norse | none: its `IAFCell` resets to zero |

    With a `recording` of the model of the file the blocks receive what its populations received, and ours are the counts of the model
    itself; `neurons` are then taken from its first tokens. Otherwise inputs are drawn from `seed`: charges on a grid of `2^-10`, one in
    ten of them a tie, and spikes; half of the rows receive the same in every step and half another in each.

    `blocks` names the blocks to drive; unless given, all that have neurons. An answer is true where all counts are equal.

    Raises `OptionError` for a reader or a block that there is none of, `Error` if the reader's package is missing.
    """
    found = read(file)
    driver = reader_named(reader)
    names = [name for name, block in found.items() if block.steps] if blocks is None else list(blocks)
    for name in names:
        if name not in found or not found[name].steps:
            with_neurons = ", ".join(name for name, block in found.items() if block.steps)
            raise OptionError.at("blocks", f"some of {with_neurons}", repr(name))
    if neurons < 1:
        raise OptionError.at("neurons", "a number from 1 on", repr(neurons))
    generator = np.random.default_rng(seed)
    return [_compare(found[name], driver, recording, neurons, generator) for name in names]


def _compare(block: Block, reader: Reader, recording: Recording | None, neurons: int, generator: Any) -> Agreement:
    rows = -(-neurons // int(np.asarray(block.graph.nodes["neurons"].v_threshold).size))
    if recording is None:
        inputs, charges = _drawn(block, rows, generator)
        expected = _count(charges, block)
    else:
        inputs, expected = _recorded(block, recording, rows)
    # A tie is on the grid, and a charge that is not on the grid is no tie.
    on_grid = recording is None and block.affine is None
    graph = block.started()
    given = np.repeat(inputs, block.repeat, axis=0)
    found = []
    for repaired in (False, True) if reader.repairs else (False,):
        start = block.initial_potential + (GRID / block.repeat / 2 if on_grid and reader.strict else 0.0)
        driven = _with_start(given, block, start)
        spikes = reader.counts(graph, driven.astype(np.float32), repaired)
        found.append(spikes.round().astype(np.int64) - block.minus)
    return Agreement(reader.name, reader.version, block.name, expected, found[0], found[1] if reader.repairs else None)


def _with_start(inputs: NDArray[Any], block: Block, start: float) -> NDArray[Any]:
    """The inputs with what brings neurons to where they start."""
    if block.affine is None:
        first = inputs.copy()
        first[0] += start
        return first
    column = np.zeros((*inputs.shape[:-1], 1), inputs.dtype)
    column[0] = start / block.initial_potential
    return np.concatenate([inputs, column], axis=-1)


def _recorded(block: Block, recording: Recording, rows: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Inputs `[T, rows, inputs]` and counts `[rows, width]` of a text."""
    if block.population not in recording.weights.populations:
        raise OptionError.at("recording", f"one of the model of the file, with {block.population}", "another model's")
    steps, signed = recording.timesteps, bool(block.minus)
    expected = recording.counts(block.population)[:rows]
    if block.affine is None:
        charges = recording.charges(block.population)[:, :rows]
        return (charges + steps) / 2 if signed else charges, expected
    spikes = recording.spikes(block.reads)[:, :rows].astype(np.float64)
    if recording.dynamics == "phased":
        # The window of what it reads is over: its mean, in every step.
        return np.broadcast_to(spikes.mean(axis=0), spikes.shape), expected
    return spikes, expected


def _drawn(block: Block, rows: int, generator: Any) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Inputs `[T, rows, inputs]`, and the charges `[T, rows, width]` that they are."""
    steps, signed = block.steps // block.repeat, bool(block.minus)
    varies = np.arange(rows) % 2 == 1
    shape = (steps, rows, block.width)
    if block.affine is None:
        mean = generator.uniform(-1.4 * steps if signed else -0.4 * steps, 1.4 * steps, shape[1:])
        mean = np.where(generator.random(shape[1:]) < 0.1, np.floor(mean) + 0.5, mean)
        noise = generator.normal(0.0, 0.5 * steps, shape) * varies[:, None]
        charges = np.round((mean + noise) / GRID) * GRID
        return (charges + steps) / 2 if signed else charges, charges
    share = generator.uniform(-1.0 if signed else 0.0, 1.0, shape[1:]) ** 3
    constant = np.round(share * steps) / steps
    spikes = np.sign(share) * (generator.random(shape) < np.abs(share))
    inputs = np.where(varies[:, None], spikes, constant)
    affine = block.affine
    weight = np.asarray(affine.weight, np.float64)[:, : block.width]
    given = inputs @ weight.T + np.asarray(affine.bias, np.float64)
    return inputs, 2 * given - steps if signed else given


def _count(charges: NDArray[np.float64], block: Block) -> NDArray[np.int64]:
    """What our neurons count, step by step in float64: `docs/model.md`, "The neuron"."""
    steps, signed = charges.shape[0], bool(block.minus)
    potential = np.full(charges.shape[1:], 0.0 if signed else steps / 2)
    count = np.zeros(charges.shape[1:], np.int64)
    for charge in charges:
        potential += charge
        if signed:
            spike = (potential >= steps / 2).astype(np.int64) - (potential < -steps / 2)
        else:
            spike = (potential >= steps).astype(np.int64)
        potential -= steps * spike
        count += spike
    return count


__all__ = ["GRID", "READERS", "Agreement", "check"]
