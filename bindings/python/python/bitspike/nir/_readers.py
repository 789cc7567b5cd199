"""Readers of NIR: how each is driven, and what makes its neurons ours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import redirect_stdout
from functools import cached_property
from importlib import import_module
from importlib.metadata import version
from io import StringIO
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import Error, OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Reader(ABC):
    """A simulator that reads NIR."""

    #: The name of its distribution, and of its repair.
    name: ClassVar[str]
    #: Whether it fires above the threshold and not at it.
    strict: ClassVar[bool] = False
    #: Whether its neurons can be made ours.
    repairs: ClassVar[bool] = True
    #: What it takes.
    modules: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        for module in self.modules:
            try:
                import_module(module)
            except ModuleNotFoundError as error:
                raise Error(f"{self.name} is not here: {error}; pip install {self.name}") from error

    @cached_property
    def version(self) -> str:
        """The version that is installed."""
        return version(self.name)

    @abstractmethod
    def counts(self, graph: Any, inputs: NDArray[np.float32], repaired: bool) -> NDArray[Any]:
        """Spikes of each neuron, `[rows, width]`, for inputs `[steps, rows, inputs]`."""


class _Torch(Reader):
    """A reader that makes a module of PyTorch, which takes a step at a time."""

    def counts(self, graph: Any, inputs: NDArray[np.float32], repaired: bool) -> NDArray[Any]:
        import torch

        network = self.network(graph, len(inputs), inputs.shape[1])
        if repaired:
            changed = [module for module in network.modules() if self.repair(module)]
            if not changed:
                raise Error(f"{self.name} {self.version} made no neuron of the kind that is repaired")
        with torch.no_grad():
            spikes: NDArray[Any] = self.run(network, torch.from_numpy(inputs)).sum(0).numpy()
        return spikes

    @abstractmethod
    def network(self, graph: Any, steps: int, rows: int) -> Any:
        """What the reader makes of a graph."""

    def repair(self, module: Any) -> bool:
        """Makes a neuron ours; whether it is one."""
        return False

    def run(self, network: Any, inputs: Any) -> Any:
        """Spikes `[steps, rows, width]`."""
        import torch

        state, spikes = None, []
        for given in inputs:
            found, state = network(given, state)
            spikes.append(found[0] if isinstance(found, tuple) else found)
        return torch.stack(spikes)


class _SnnTorch(_Torch):
    name = "snntorch"
    strict = True
    modules = ("snntorch.import_nir",)

    def network(self, graph: Any, steps: int, rows: int) -> Any:
        # It says on standard output what it looks for.
        with redirect_stdout(StringIO()):
            return import_module("snntorch.import_nir").import_from_nir(graph)

    def repair(self, module: Any) -> bool:
        if type(module).__name__ != "Leaky":
            return False
        import torch

        module.beta = torch.ones_like(torch.as_tensor(module.beta))
        module.reset_delay = True
        return True


class _SpikingJelly(_Torch):
    name = "spikingjelly"
    modules = ("spikingjelly.activation_based.nir_exchange",)

    def network(self, graph: Any, steps: int, rows: int) -> Any:
        return import_module("spikingjelly.activation_based.nir_exchange").import_from_nir(graph, dt=1.0)

    def repair(self, module: Any) -> bool:
        if type(module).__name__ != "IFNode":
            return False
        module.v_reset = None
        return True


class _Sinabs(_Torch):
    name = "sinabs"
    modules = ("sinabs.nir",)

    def network(self, graph: Any, steps: int, rows: int) -> Any:
        return import_module("sinabs.nir").from_nir(graph, batch_size=rows)

    def run(self, network: Any, inputs: Any) -> Any:
        # All steps at once, a row's one after another.
        steps, rows = inputs.shape[:2]
        found = network(inputs.transpose(0, 1).flatten(0, 1))
        spikes = found[0] if isinstance(found, tuple) else found
        return spikes.reshape(rows, steps, -1).transpose(0, 1)

    def repair(self, module: Any) -> bool:
        if not hasattr(module, "min_v_mem"):
            return False
        module.spike_fn = import_module("sinabs.activation").SingleSpike
        module.min_v_mem = None
        return True


class _Norse(_Torch):
    name = "norse"
    repairs = False
    modules = ("norse.torch.utils.import_nir",)

    def network(self, graph: Any, steps: int, rows: int) -> Any:
        return import_module("norse.torch").from_nir(graph)


class _Spyx(Reader):
    name = "spyx"
    strict = True
    modules = ("spyx.nir",)

    def counts(self, graph: Any, inputs: NDArray[np.float32], repaired: bool) -> NDArray[Any]:
        if repaired:
            # A spike is seen one step late: the first answer is of no step, the last step's comes after it.
            inputs = np.concatenate([inputs, np.zeros_like(inputs[:1])])
        _, spikes = import_module("spyx.nir").from_nir(graph, inputs)
        found: NDArray[Any] = np.asarray(spikes)[1 if repaired else 0 :].sum(0)
        return found


_READERS: dict[str, type[Reader]] = {
    reader.name: reader for reader in (_SnnTorch, _SpikingJelly, _Sinabs, _Spyx, _Norse)
}

#: Readers that `check` knows.
READERS = tuple(_READERS)


def reader_named(name: str) -> Reader:
    """The reader of this name, which must be installed."""
    if name not in _READERS:
        raise OptionError.at("reader", f"one of {', '.join(READERS)}", repr(name))
    return _READERS[name]()
