"""What is found out about a model: its cost, its score, a text in time."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from ._native import Table, Traced

__all__ = ["Cost", "Score", "Trace"]


class Cost(dict[str, Any]):
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


class Score(dict[str, Any]):
    """How good a model is on a split, as `bitspike eval --json` prints it."""

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics by name."""
        found: dict[str, float] = self["metrics"]
        return found

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{escape(name)}</td><td>{value:.4f}</td></tr>" for name, value in self.metrics.items())
        caption = (
            f"{escape(str(self['model']))} on {self['examples']} examples of {escape(self['task'])} {self['split']}"
        )
        return f"<table><caption>{caption}</caption>{rows}</table>"


class Trace:
    """A text spike by spike. The tables have `__arrow_c_stream__`."""

    __slots__ = ("_native", "_tables", "summary")

    def __init__(self, native: Traced) -> None:
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

    def __repr__(self) -> str:
        return f"<bitspike.Trace of {len(self.tokens)} tokens, {self.summary['time_steps']} steps>"
