"""What populations of a model received and sent while it read a text."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._classifier import Classifier
    from ..results import Trace


def record(model: Classifier, text: str | tuple[str, str] | dict[str, str], *, dynamics: str = "phased") -> Recording:
    """Spikes and charges of every population while `model` reads `text`, over the `T` steps of its training.

    With `phased` a population receives one current for its whole window, with `instantaneous` another in every step.

    >>> import bitspike.nir
    >>> recording = bitspike.nir.record(bitspike.load(), "a fine film")
    >>> recording.spikes("layer.0.key").shape == (16, 5, 384), recording.counts("layer.0.key").shape == (5, 384)
    (True, True)
    """
    return Recording(model, text, dynamics)


class Recording:
    """What `record` gives. `L` are the text's tokens."""

    def __init__(self, model: Classifier, text: Any, dynamics: str) -> None:
        self._model, self._text = model, text
        self.dynamics = dynamics
        self.weights = model.weights
        #: `T`
        self.timesteps = self.weights.timesteps
        self._trace = self._traced([])

    def _traced(self, neurons: list[tuple[str, int, int]]) -> Trace:
        return self._model.trace(self._text, timesteps=self.timesteps, dynamics=self.dynamics, neurons=neurons)

    @property
    def tokens(self) -> list[str]:
        """The text's tokens."""
        return self._trace.tokens

    @cached_property
    def _events(self) -> tuple[NDArray[Any], ...]:
        table = self._trace.spikes
        return tuple(table.to_numpy(name) for name in ("population", "t", "token", "neuron", "sign"))

    def spikes(self, population: str) -> NDArray[np.int8]:
        """int8 `[T, L, width]`: -1, 0 or 1."""
        spikes = np.zeros((self.timesteps, len(self.tokens), self._width(population)), np.int8)
        names, t, token, neuron, sign = self._events
        own = names == population
        spikes[t[own].astype(int) - 1, token[own].astype(int), neuron[own].astype(int)] = sign[own]
        return spikes

    def counts(self, population: str) -> NDArray[np.int64]:
        """int64 `[L, width]`: spikes of the window, of which negative ones are taken from positive ones."""
        counts: NDArray[np.int64] = self.spikes(population).sum(axis=0, dtype=np.int64)
        return counts

    def charges(self, population: str) -> NDArray[np.float64]:
        """float64 `[T, L, width]`: `T I / theta` of each step, found from potentials, which the trace has as float32."""
        tokens, width, steps = len(self.tokens), self._width(population), self.timesteps
        neurons = [(population, token, neuron) for token in range(tokens) for neuron in range(width)]
        table = self._traced(neurons).membranes
        t, token, neuron, potential = (table.to_numpy(name) for name in ("t", "token", "neuron", "potential"))
        after = np.zeros((steps + 1, tokens, width))
        after[t.astype(int), token.astype(int), neuron.astype(int)] = potential
        threshold = self.weights.populations[population].threshold
        after[0] = 0.0 if self.weights.signed else threshold / 2
        charges: NDArray[np.float64] = np.diff(after, axis=0) * (steps / threshold) + steps * self.spikes(population)
        return charges

    def _width(self, population: str) -> int:
        found = self.weights.populations.get(population)
        if found is None:
            raise OptionError.at("population", f"one of {', '.join(self.weights.populations)}", repr(population))
        return found.width
