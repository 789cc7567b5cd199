"""Answers to the blocks of a Ray dataset."""

from __future__ import annotations

from os import PathLike
from typing import Any

from ._classifier import Classifier, load

__all__ = ["Classify"]


class Classify:
    """A class for `Dataset.map_batches(..., batch_format="pyarrow")`; each actor loads the model once, with as many threads as Ray gave
    it CPUs.

        dataset.map_batches(
            bitspike.ray.Classify,
            fn_constructor_kwargs={"model": "sst2-ternary", "text": "review"},
            batch_format="pyarrow",
            concurrency=2,
        )

    Leave a CPU for reading: actors that take all of them wait for data that nobody reads. Order is lost unless
    `DataContext.preserve_order` is set or a column numbers the rows.
    """

    def __init__(
        self,
        model: str | PathLike[str] | Classifier | None = None,
        text: str | None = None,
        text_pair: str | None = None,
        *,
        errors: str = "raise",
        threads: int | None = None,
        timesteps: int | None = None,
        dynamics: str | None = None,
    ) -> None:
        if isinstance(model, Classifier):
            self.model = model
        else:
            self.model = load(model, threads=threads, timesteps=timesteps, dynamics=dynamics)
        self.asked: dict[str, Any] = {"text": text, "text_pair": text_pair, "errors": errors}

    def __call__(self, table: Any) -> Any:
        import pyarrow

        return pyarrow.table(self.model.classify_arrow(table, **self.asked))
