"""The weights of a model, for NumPy: codes as they are stored, scales, biases, thresholds.

A population hands on its counts `n`, integers from `-T` to `T` (from 0 where neurons are unsigned); the value of a count is
`threshold n / T`. A map makes of the counts that it reads the currents of the next population, or what an operator in between
turns into them:

    current = (threshold / T  scale) (codes @ n) + bias

and an integrate-and-fire neuron counts `floor(T current / threshold + 1/2)`, within its range.

>>> import bitspike
>>> weights = bitspike.load().weights
>>> query = weights.maps["layer.0.query"]
>>> query.codes.dtype.name, query.codes.shape == (weights.hidden, weights.hidden), query.reads
('int8', True, 'embedding')
>>> sorted({int(code) for code in query.codes.ravel()})
[-1, 0, 1]

`docs/model.md` has the equations of the whole model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ._native import Model

__all__ = ["LAYER_POPULATIONS", "Map", "Norm", "Population", "Table", "Weights"]

#: Populations of a layer in the order of computation, each as `layer.0.key`.
LAYER_POPULATIONS = ("key", "value", "context", "attention", "feed_forward", "output")

#: Maps of a layer, and the population of the layer that each reads; none reads the layer's input.
_MAPS = {
    "query": None,
    "key": None,
    "value": None,
    "attention_output": "context",
    "intermediate": "attention",
    "output": "feed_forward",
}


@dataclass(frozen=True)
class Population:
    """Neurons of one threshold."""

    name: str
    #: Neurons a token.
    width: int
    #: `theta`: what fires a neuron, what a spike takes from the potential, and what it adds downstream.
    threshold: float


@dataclass(frozen=True, eq=False)
class Table:
    """A matrix `[rows, columns]`, as it is stored."""

    #: int8; none where weights have 32 bits.
    codes: NDArray[np.int8] | None
    #: float32, `[1]` for the matrix or `[rows]`; the values `[rows, columns]` themselves where there are no codes.
    scales: NDArray[np.float32]

    @property
    def values(self) -> NDArray[np.float32]:
        """float32 `[rows, columns]`: each code times its scale."""
        if self.codes is None:
            return self.scales
        return self.codes * self.scales.reshape(-1, 1)


@dataclass(frozen=True, eq=False)
class Map(Table):
    """An affine map of the counts of a population."""

    name: str
    #: The population that it reads.
    reads: str
    #: float32 `[rows]`
    bias: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Norm:
    """`gain (x - mean) / sqrt(variance + epsilon) + bias` of a row."""

    gain: NDArray[np.float32]
    bias: NDArray[np.float32]
    epsilon: float


class Weights:
    """What `Classifier.weights` is. Arrays are made anew whenever they are asked for, and belong to whoever asked."""

    def __init__(self, native: Model) -> None:
        self._native = native
        #: Sizes, bits and steps by the names of `docs/format.md`.
        self.config: dict[str, Any] = json.loads(native.student())

    @property
    def timesteps(self) -> int:
        """`T` of training: a neuron counts up to it."""
        return int(self.config["time_steps"])

    @property
    def signed(self) -> bool:
        """Whether neurons send negative spikes too."""
        return bool(self.config["signed"])

    @property
    def code(self) -> str:
        """Which counts there are: `unary`, all of them, or `single`, 0 and powers of two."""
        return str(self.config.get("code", "unary"))

    @property
    def hidden(self) -> int:
        """Width of the model: neurons a token of every population but `feed_forward`."""
        return int(self.config["hidden"])

    @cached_property
    def populations(self) -> dict[str, Population]:
        """By name, in the order of computation: `embedding`, `layer.0.key`, ..."""
        found = {"embedding": self._population("embedding", "embedding_neurons", self.hidden)}
        for layer in range(self.config["layers"]):
            for kind in LAYER_POPULATIONS:
                width = self.config["intermediate"] if kind == "feed_forward" else self.hidden
                name = f"layer.{layer}.{kind}"
                found[name] = self._population(name, f"layers.{layer}.{kind}_neurons", width)
        return found

    @property
    def maps(self) -> Mapping[str, Map]:
        """By name: `layer.0.query`, `key`, `value`, `attention_output`, `intermediate`, `output`. `key` and `value` are the currents
        of the populations of these names; the others pass through attention, a norm or GELU first."""
        return _Maps(self)

    def norm(self, name: str) -> Norm:
        """`embeddings.norm`, `layer.0.attention_norm` or `layer.0.output_norm`."""
        stored = _stored(name)
        return Norm(self._vector(f"{stored}.gain"), self._vector(f"{stored}.bias"), self.config["layer_norm_eps"])

    def table(self, name: str) -> Table:
        """An embedding table: `words`, `embeddings.position` or `embeddings.token_type`."""
        return Table(*self._matrix(name))

    @property
    def classifier(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weight `[classes, hidden]` and bias `[classes]` on the values of the last population at `[CLS]`, classes in the file's order."""
        return self._matrix("classifier.weight")[1], self._vector("classifier.bias")

    def currents(self, name: str, counts: Any) -> NDArray[np.float32]:
        """What map `name` makes of counts `[..., columns]` of the population that it reads, in the engine's order of operations; sums of
        codes are exact, and weights of 32 bits are added in another order."""
        found = self.maps[name]
        threshold = np.float32(self.populations[found.reads].threshold) / np.float32(self.timesteps)
        counts = np.asarray(counts)
        currents: NDArray[np.float32]
        if found.codes is None:
            currents = threshold * (counts.astype(np.float32) @ found.scales.T) + found.bias
            return currents
        # Sums of counts and codes are integers below 2^24, which float32 adds exactly in any order.
        sums = counts.astype(np.float32) @ found.codes.T.astype(np.float32)
        currents = sums * (threshold * found.scales) + found.bias
        return currents

    def counts(self, population: str, currents: Any) -> NDArray[np.int64]:
        """Spikes that the neurons of a population send in a window of `T` steps of constant currents."""
        if self.code != "unary":
            raise OptionError.at("code", "unary", self.code, "counts of powers of two are described in docs/codes.md")
        steps = self.timesteps
        charge = np.float32(steps) / np.float32(self.populations[population].threshold) * np.asarray(currents, np.float32)
        counts = np.floor(charge.astype(np.float64) + 0.5)
        return np.clip(counts, -steps if self.signed else 0, steps).astype(np.int64)

    def __repr__(self) -> str:
        return f"<bitspike.weights.Weights of {len(self.populations)} populations and {len(self.maps)} maps, T = {self.timesteps}>"

    def _population(self, name: str, stored: str, width: int) -> Population:
        return Population(name, width, float(self._vector(f"{stored}.theta")[0]))

    def _vector(self, name: str) -> NDArray[np.float32]:
        _, _, values = self._native.tensor(name)
        return np.frombuffer(values, np.float32)

    def _matrix(self, name: str) -> tuple[NDArray[np.int8] | None, NDArray[np.float32]]:
        shape, codes, values = self._native.tensor(name)
        numbers = np.frombuffer(values, np.float32)
        if codes is None:
            return None, numbers.reshape(shape)
        return np.frombuffer(codes, np.int8).reshape(shape), numbers


class _Maps(Mapping[str, Map]):
    """Maps by name, each decoded when it is asked for."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._names = [f"layer.{layer}.{kind}" for layer in range(weights.config["layers"]) for kind in _MAPS]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, name: str) -> Map:
        if name not in self._names:
            raise KeyError(name)
        _, layer, kind = name.split(".")
        read = _MAPS[kind]
        before = "embedding" if layer == "0" else f"layer.{int(layer) - 1}.output"
        codes, scales = self._weights._matrix(f"{_stored(name)}.weight")
        bias = self._weights._vector(f"{_stored(name)}.bias")
        return Map(codes, scales, name, before if read is None else f"layer.{layer}.{read}", bias)


def _stored(name: str) -> str:
    """The name in the file of what is called `layer.0.…`."""
    return name.replace("layer.", "layers.", 1) if name.startswith("layer.") else name
