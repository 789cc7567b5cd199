"""Blocks of a model as graphs of NIR, written and read."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import Error, NotFoundError, OptionError
from .._items import place

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

    from .._classifier import Classifier
    from ..weights import Map, Population, Weights

STARTS = ("state", "first-current")

#: Populations whose neurons read an affine map of spikes, with nothing between.
_WHOLE = ("key", "value")


def package() -> Any:
    """The package `nir`."""
    try:
        return import_module("nir")
    except ModuleNotFoundError as error:
        raise Error("the package nir is not installed: pip install 'bitspike[nir]'") from error


def write(model: Classifier, file: str | PathLike[str], *, start: str = "state", force: bool = False) -> None:
    """What `Classifier.to_nir` does."""
    nir = package()
    if start not in STARTS:
        raise OptionError.at("start", "'state' or 'first-current'", repr(start))
    file = place("file", file)
    if os.path.exists(file) and not force:
        raise OptionError.at(file, "no such file yet", "a file", "force=True replaces it")
    weights = model.weights
    if weights.code != "unary":
        expected = "a model whose neurons fire once for each unit of a count (code unary)"
        raise OptionError.at(model.name, expected, f"code {weights.code}", "NIR has no spike that weighs more than one")
    graph = _graph(weights, start)
    graph.metadata = {"model": model.name, "sha256": model.sha256, "start": start, "written_by": "bitspike"}
    # A file appears whole or not at all.
    folder = os.path.dirname(os.path.abspath(file))
    handle, draft = tempfile.mkstemp(".nir", dir=folder)
    os.close(handle)
    try:
        nir.write(draft, _WithoutReset(graph))
        with open(draft, "rb") as written:
            os.fsync(written.fileno())
        # A temporary file is readable by its owner alone.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(draft, 0o666 & ~mask)
        os.replace(draft, file)
    except BaseException:
        if os.path.exists(draft):
            os.unlink(draft)
        raise


def read(file: str | PathLike[str]) -> dict[str, Block]:
    """The blocks of a file by name, in its order."""
    nir = package()
    file = place("file", file)
    if not os.path.exists(file):
        raise NotFoundError.at(file, "a file that Classifier.to_nir wrote", "nothing")
    try:
        graph = nir.read(file)
    except Exception as error:
        raise Error(f"{file}: nir {nir.version} cannot read it: {error}", where=file) from error
    blocks = {name: Block.of(name, node) for name, node in graph.nodes.items() if hasattr(node, "nodes")}
    if not blocks or any(block is None for block in blocks.values()):
        raise Error.at(file, "blocks that Classifier.to_nir wrote", f"nodes {', '.join(graph.nodes) or 'none'}")
    return {name: block for name, block in blocks.items() if block is not None}


@dataclass(frozen=True, eq=False)
class Block:
    """A graph of a file, and what its metadata says."""

    name: str
    graph: Any = field(repr=False)
    population: str
    #: The population whose spikes it takes, or what else it takes.
    reads: str
    #: Steps that it takes, `2 T` where neurons are signed; 0 for a map without neurons.
    steps: int
    #: How often each step of input is given.
    repeat: int
    #: What is taken from a count of spikes.
    minus: int
    initial_potential: float
    start: str

    @classmethod
    def of(cls, name: str, graph: Any) -> Block | None:
        metadata = graph.metadata or {}
        try:
            return cls(
                name,
                graph,
                str(metadata["population"]),
                str(metadata["reads"]),
                int(metadata["steps"]),
                int(metadata["repeat"]),
                int(metadata["minus"]),
                float(metadata["initial_potential"]),
                str(metadata["start"]),
            )
        except KeyError:
            return None

    @property
    def affine(self) -> Any | None:
        """The node of its map, if it has one."""
        return self.graph.nodes.get("affine")

    @property
    def threshold(self) -> float | None:
        """`T`; none for a map without neurons."""
        neurons = self.graph.nodes.get("neurons")
        return None if neurons is None else float(np.asarray(neurons.v_threshold)[0])

    @property
    def width(self) -> int:
        """Inputs, without the one that is 1 in the first step."""
        if self.affine is None:
            return int(np.asarray(self.graph.nodes["neurons"].v_threshold).size)
        return int(self.affine.weight.shape[1]) - (self.start == "first-current")

    def started(self) -> Any:
        """Its graph with a map that has an input for the start, whatever the file has."""
        affine = self.affine
        if affine is None or self.start == "first-current":
            return self.graph
        weight, bias = _with_start(affine.weight, self.initial_potential), affine.bias
        return _chain(weight, bias, np.asarray(self.graph.nodes["neurons"].v_threshold), dict(self.graph.metadata))


def _graph(weights: Weights, start: str) -> Any:
    """All blocks, each with an input and an output of its own."""
    nir = package()
    blocks: dict[str, Any] = {}
    for name, population in weights.populations.items():
        whole = name.rpartition(".")[2] in _WHOLE
        blocks[name.replace(".", "_")] = _population(weights, population, start, weights.maps[name] if whole else None)
    for name in weights.maps:
        if name.rpartition(".")[2] not in _WHOLE:
            blocks[f"{name.replace('.', '_')}_map"] = _map(weights, weights.maps[name])
    matrix, bias = weights.classifier
    last = list(weights.populations.values())[-1]
    metadata = _metadata("logits", f"spikes of {last.name} at [CLS], or their mean over the window", 0, 1, 0, 0.0, "state")
    blocks["classifier_map"] = _chain(np.float32(last.threshold) * matrix, bias, None, metadata)
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    for name, block in blocks.items():
        nodes[f"{name}_input"] = nir.Input(input_type={"input": block.nodes["input"].input_type["input"]})
        nodes[name] = block
        nodes[f"{name}_output"] = nir.Output(output_type={"output": block.nodes["output"].output_type["output"]})
        edges += [(f"{name}_input", name), (name, f"{name}_output")]
    return nir.NIRGraph(nodes=nodes, edges=edges)


def _population(weights: Weights, population: Population, start: str, affine: Map | None) -> Any:
    steps, width = weights.timesteps, population.width
    repeat = 2 if weights.signed else 1
    threshold = np.full(width, steps, np.float32)
    minus = steps if weights.signed else 0
    rest = steps / 2.0
    if affine is None:
        takes = "(q + T) / 2 with charges q = T I / theta" if weights.signed else "charges q = T I / theta"
        metadata = _metadata(population.name, takes, repeat * steps, repeat, minus, rest, start)
        return _chain(None, None, threshold, metadata)
    # In float64 up to the end, so that each weight is rounded once.
    unit = steps / np.float64(population.threshold) / repeat
    weight = unit * weights.populations[affine.reads].threshold * _values(affine)
    bias = unit * affine.bias.astype(np.float64) + (minus / 2.0)
    if start == "first-current":
        weight = _with_start(weight, rest)
    metadata = _metadata(population.name, affine.reads, repeat * steps, repeat, minus, rest, start)
    return _chain(weight, bias, threshold, metadata)


def _map(weights: Weights, affine: Map) -> Any:
    """A map that gives currents, in the units of the model."""
    weight = weights.populations[affine.reads].threshold * _values(affine)
    return _chain(weight, affine.bias, None, _metadata(affine.name, affine.reads, 0, 1, 0, 0.0, "state"))


def _values(affine: Map) -> NDArray[np.float64]:
    if affine.codes is None:
        return affine.scales.astype(np.float64)
    return affine.codes.astype(np.float64) * affine.scales.astype(np.float64).reshape(-1, 1)


def _with_start(weight: Any, potential: float) -> NDArray[Any]:
    """One more input, which brings every neuron to where it starts."""
    column = np.full((len(weight), 1), potential, np.asarray(weight).dtype)
    return np.concatenate([weight, column], axis=1)


def _chain(weight: Any, bias: Any, threshold: Any, metadata: dict[str, Any]) -> Any:
    """Input, map if there is one, neurons if there are any, output: one source a node, full float32 vectors."""
    nir = package()
    nodes: dict[str, Any] = {}
    if weight is not None:
        nodes["affine"] = nir.Affine(weight=np.asarray(weight, np.float32), bias=np.asarray(bias, np.float32))
    if threshold is not None:
        ones = np.ones(threshold.shape, np.float32)
        nodes["neurons"] = nir.IF(r=ones, v_threshold=np.asarray(threshold, np.float32))
    first, last = list(nodes.values())[0], list(nodes.values())[-1]
    nodes = {
        "input": nir.Input(input_type={"input": np.asarray(first.input_type["input"])}),
        **nodes,
        "output": nir.Output(output_type={"output": np.asarray(last.output_type["output"])}),
    }
    names = list(nodes)
    return nir.NIRGraph(nodes=nodes, edges=list(zip(names, names[1:])), metadata=metadata)


def _metadata(
    population: str, reads: str, steps: int, repeat: int, minus: int, initial_potential: float, start: str
) -> dict[str, Any]:
    return {
        "population": population,
        "reads": reads,
        "steps": steps,
        "repeat": repeat,
        "minus": minus,
        "initial_potential": initial_potential,
        "start": start,
    }


class _WithoutReset:
    """A graph as it is written, without the potential after a hard reset: nir 1.0.4 cannot read a file that has it, and later versions
    take 0 where it is missing."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = _without_reset(self._graph.to_dict())
        return found


def _without_reset(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    return {name: _without_reset(value) for name, value in node.items() if name != "v_reset"}
