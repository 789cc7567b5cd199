"""What is found out about a model: its cost, its score, a text in time; how training ended."""

from __future__ import annotations

from ._native import Table, Traced

# `typing` takes as long to load as all else together.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Found = dict[str, Any]
else:
    Found = dict

__all__ = ["Cost", "Run", "Score", "Sweep", "Trace"]


class Cost(Found):
    """What texts cost, as `bitspike cost --json` prints it; a table in a notebook.

    >>> import bitspike
    >>> cost = bitspike.load().cost(["a fine film"])
    >>> cost["examples"], cost["energy"][0]["estimate"]["total_picojoules"] > 0
    (1, True)
    """

    def networks(self) -> list[tuple[str, float, float]]:
        """The model, and then its baselines: the name, and microjoules of a mean text, of operations alone and with memory."""
        rows = [row["estimate"] for row in self["energy"]]
        return [(row["name"], row["compute_picojoules"] * 1e-6, row["total_picojoules"] * 1e-6) for row in rows]

    def _repr_html_(self) -> str:
        from html import escape

        texts, total = self["examples"], self["total"]
        synaptic = self["neurobench"]["synaptic_operations"]
        counts = [
            ("spikes", total["spikes"] / texts),
            ("accumulates", synaptic["Effective_ACs"]),
            ("multiply-adds", synaptic["Effective_MACs"]),
            ("membrane updates", self["neurobench"]["membrane_updates"]),
        ]
        rows = "".join(f"<tr><td>{name}</td><td>{value:,.0f}</td><td></td></tr>" for name, value in counts)
        networks = "".join(
            f"<tr><td>{escape(name)}</td><td>{compute:.2f} uJ</td><td>{whole:.2f} uJ</td></tr>"
            for name, compute, whole in self.networks()
        )
        return (
            f"<table><caption>{escape(str(self['model']))}, {self['dynamics']}, T = {self['time_steps']}: a mean text of {texts}"
            f"</caption>{rows}<tr><th>energy, {escape(self['profile']['name'])} (estimated)</th><th>operations</th>"
            f"<th>with memory</th></tr>{networks}</table>"
        )


class Score(Found):
    """How good a model is on a split, as `bitspike eval --json` prints it."""

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics by name."""
        found: dict[str, float] = self["metrics"]
        return found

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(f"<tr><td>{escape(name)}</td><td>{value:.4f}</td></tr>" for name, value in self.metrics.items())
        caption = (
            f"{escape(str(self['model']))} on {self['examples']} examples of {escape(self['task'])} {self['split']}"
        )
        return f"<table><caption>{caption}</caption>{rows}</table>"


class Run(Found):
    """How a distillation ended, as `bitspike distil --json` prints it."""

    def __init__(self, ended: dict[str, Any], folder: str, warnings: list[str]) -> None:
        super().__init__(ended)
        #: The folder of the run, which `bitspike.load` takes.
        self.folder = folder
        #: What should be known of the student, a line each.
        self.warnings = warnings

    @property
    def best(self) -> float | None:
        """The best score on dev."""
        found: float | None = self["counters"]["best"]
        return found

    def load(self, **options: Any) -> Any:
        """The student, as `bitspike.load` gives it."""
        from ._classifier import load

        return load(self.folder, **options)


class Sweep(Found):
    """What a sweep found, as `bitspike sweep --json` prints it."""

    @property
    def folder(self) -> str:
        """Where its cells and `results.csv` are."""
        found: str = self["folder"]
        return found


class Trace:
    """A text spike by spike. The tables have `__arrow_c_stream__`."""

    __slots__ = ("_native", "_tables", "summary")

    def __init__(self, native: Traced) -> None:
        import json

        self._native = native
        self._tables: list[Table] | None = None
        #: The short account, as `bitspike trace --json` prints it.
        self.summary: dict[str, Any] = json.loads(native.summary())

    def _table(self, number: int) -> Table:
        if self._tables is None:
            self._tables = self._native.tables()
        return self._tables[number]

    @property
    def rates(self) -> Table:
        """population, t, mean_absolute_rate, mean_rate, rms_distance, max_distance"""
        return self._table(0)

    @property
    def membranes(self) -> Table:
        """population, token, token_text, neuron, t, potential, theta, spike: of chosen neurons"""
        return self._table(1)

    @property
    def spikes(self) -> Table:
        """population, token, neuron, t, sign: a row a spike"""
        return self._table(2)

    @property
    def tokens(self) -> list[str]:
        """The text's tokens, from `[CLS]` on."""
        found: list[str] = self.summary["tokens"]
        return found

    @property
    def svg(self) -> str:
        """The picture: rates, distances to equilibrium, membranes, spikes."""
        return self._native.svg()

    def _repr_svg_(self) -> str:
        return self.svg

    def plot(self) -> Any:
        """The rate of every population over time, and below it all spikes by token: a figure of matplotlib, which it needs."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 6), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True)
        population, t, rate = (self.rates.to_numpy(name) for name in ("population", "t", "mean_absolute_rate"))
        for name in dict.fromkeys(population):
            above.plot(t[population == name], rate[population == name], linewidth=0.8, label=name)
        above.set_ylabel("mean absolute rate")
        above.legend(fontsize=5, ncols=4)
        below.hist2d(
            self.spikes.to_numpy("t"),
            self.spikes.to_numpy("token"),
            bins=[range(1, self.summary["time_steps"] + 2), range(len(self.tokens) + 1)],
            cmap="Greys",
        )
        below.set_yticks([place + 0.5 for place in range(len(self.tokens))], self.tokens)
        below.set_xlabel("t")
        below.set_ylabel("spikes of a token")
        return figure

    def __repr__(self) -> str:
        return f"<bitspike.Trace of {len(self.tokens)} tokens, {self.summary['time_steps']} steps>"
