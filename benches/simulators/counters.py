"""Counters of operations on one ternary layer of 3 x 4, and on a real layer with the spikes that it received.

Usage: counters.py OUT COUNTER...        neurobench, syops, spikingjelly, sinabs: those of this environment

OUT is the folder of record.py: `spikes.npz` has the spikes `[T, L, D]` that a map of the model received and its codes `[D, D]`. Our count of
it is spikes times weights that are not zero. Prints a JSON line a counter.
"""

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import nn

#: Ternary, six weights that are not zero among those of the inputs 0, 2 and 3.
LAYER = [[1, 0, -1, 0], [0, 1, 1, -1], [1, -1, 0, -1]]
INPUTS = ([1, 0, 1, 1], [1, 0, -1, 1])


class Steps(nn.Module):
    """A linear layer that receives the spikes `[1, T, L, D]` of a sentence step by step."""

    def __init__(self, codes: np.ndarray) -> None:
        super().__init__()
        self.linear = nn.Linear(codes.shape[1], codes.shape[0], bias=False)
        self.linear.weight.data = torch.tensor(codes, dtype=torch.float32)

    def forward(self, sentence: torch.Tensor) -> torch.Tensor:
        return sum(self.linear(step) for step in sentence[0])


def neurobench(net: nn.Module, sentence: torch.Tensor) -> str:
    from neurobench.metrics.workload import SynapticOperations
    from neurobench.models import TorchModel

    model = TorchModel(net)
    model.register_hooks()
    model(sentence)
    found = SynapticOperations()(model, None, (sentence, None))
    return " ".join(f"{name} {int(value):,}" for name, value in found.items() if name != "Dense" and value) or "0"


def spikingjelly(net: nn.Module, sentence: torch.Tensor) -> str:
    from spikingjelly.activation_based.op_counter import DispatchCounterMode, MACCounter, SynOpCounter

    operations, products = SynOpCounter(), MACCounter()
    with torch.no_grad(), DispatchCounterMode([operations, products]):
        net(sentence)
    macs = int(products.get_total())
    return f"SynOps {int(operations.get_total()):,}" + (f" MACs {macs:,}" if macs else "")


def syops(net: nn.Module, sentence: torch.Tensor) -> str:
    from syops import get_model_complexity_info

    counted, _ = get_model_complexity_info(
        net,
        tuple(sentence.shape[1:]),
        [(sentence, None)],
        as_strings=False,
        print_per_layer_stat=False,
        input_constructor=lambda _: sentence,
    )
    _, acs, macs = counted[:3]
    return " ".join(f"{name} {round(value):,}" for name, value in (("ACs", acs), ("MACs", macs)) if value) or "0"


def sinabs(net: nn.Module, sentence: torch.Tensor) -> str:
    from sinabs.synopcounter import SNNAnalyzer

    total = 0.0
    for step in sentence[0]:
        analyzer = SNNAnalyzer(net.linear)
        net.linear(step[None])
        total += float(next(iter(analyzer.get_layer_statistics()["parameter"].values()))["synops"])
    return f"{round(total):,}"


COUNTERS = {"neurobench": neurobench, "syops": syops, "spikingjelly": spikingjelly, "sinabs": sinabs}


def main() -> None:
    warnings.simplefilter("ignore")
    real = np.load(Path(sys.argv[1]) / "spikes.npz")
    spikes, codes = real["spikes"].astype(np.float32), real["codes"]
    own = int((np.abs(spikes).sum((0, 1)) * (codes != 0).sum(0)).sum())
    for name in sys.argv[2:]:
        count = COUNTERS[name]
        toy = [count(Steps(np.array(LAYER)), torch.tensor(given, dtype=torch.float32)[None, None, None]) for given in INPUTS]
        layer = count(Steps(codes), torch.from_numpy(spikes)[None])
        wrong = None
        if name == "neurobench" and layer != f"Effective_ACs {own:,}":
            wrong = f"{layer}, where bitspike counts {own:,}"
        row = {"counter": name, "version": version(name), "positive": toy[0], "signed": toy[1], "layer": layer, "own": own, "wrong": wrong}
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
