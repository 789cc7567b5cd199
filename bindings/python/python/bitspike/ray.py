"""Answers to the blocks of a Ray dataset, and sweeps whose cells are tasks."""

from __future__ import annotations

from os import PathLike, path
from typing import TYPE_CHECKING, Any

from . import _native
from ._classifier import Classifier
from ._embedder import Embedder
from ._items import place
from ._training import Recipe, learnt_from, run_sweep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .data import Task
    from .results import Sweep

__all__ = ["Classify", "Embed", "sweep"]


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
            self.model = Classifier(model, threads=threads, timesteps=timesteps, dynamics=dynamics)
        self.asked: dict[str, Any] = {"text": text, "text_pair": text_pair, "errors": errors}

    def __call__(self, table: Any) -> Any:
        import pyarrow

        return pyarrow.table(self.model.classify_arrow(table, **self.asked))


class Embed:
    """As `Classify`, for a model that embeds: column `embedding` beside the others."""

    def __init__(
        self,
        model: str | PathLike[str] | Embedder,
        text: str | None = None,
        *,
        errors: str = "raise",
        normalize_embeddings: bool | None = None,
        truncate_dim: int | None = None,
        threads: int | None = None,
        timesteps: int | None = None,
        dynamics: str | None = None,
    ) -> None:
        if isinstance(model, Embedder):
            self.model = model
        else:
            self.model = Embedder(model, threads=threads, timesteps=timesteps, dynamics=dynamics)
        self.asked: dict[str, Any] = {
            "text": text,
            "errors": errors,
            "normalize_embeddings": normalize_embeddings,
            "truncate_dim": truncate_dim,
        }

    def __call__(self, table: Any) -> Any:
        import pyarrow

        return pyarrow.table(self.model.embed_arrow(table, **self.asked))


def sweep(
    recipe: str | PathLike[str] | Recipe | None = None,
    *,
    over: Mapping[str, Sequence[Any]] | None = None,
    seeds: Sequence[int] = (),
    task: str | Task | None = None,
    data: str | PathLike[str] | None = None,
    teacher: str | PathLike[str] | None = None,
    out: str | PathLike[str],
    set: Mapping[str, Any] | None = None,
    corpus: str | PathLike[str] | None = None,
    soft_labels: str | PathLike[str] | None = None,
    start_from: str | PathLike[str] | None = None,
    classes: Mapping[str, str] | None = None,
    resume: bool = False,
    retry_failed: bool = False,
    cell_minutes: float | None = None,
    threads: int = 1,
    max_retries: int = 3,
) -> Sweep:
    """`bitspike.sweep` with a task of Ray for the training of each cell, `threads` CPUs a task.

    `out`, `data` and `teacher` are paths that mean the same on every machine of the cluster. The folder is that of any sweep: the program
    or `bitspike.sweep` goes on with it, and this function with theirs. A task whose worker dies is tried again, from its
    checkpoint, `max_retries` times. This process packs and measures the trained cells one after another, so that latencies are of one
    machine, which alone runs then; it also trains, by itself, a cell whose task failed, and notes why if it fails again. `seconds` in
    `results.csv` are those of this process.
    """
    import ray

    folder = path.abspath(place("out", out))
    learnt = None if resume else learnt_from(task, data, teacher, corpus, soft_labels, start_from, classes)
    for name in ("data", "teacher", "corpus", "soft_labels", "start_from"):
        if learnt is not None and learnt[name] is not None and path.exists(learnt[name]):
            learnt[name] = path.abspath(learnt[name])
    waiting: list[str] = []

    def note(event: dict[str, Any]) -> None:
        if event["event"] == "sweep":
            waiting.extend(cell["name"] for cell in event["cells"] if cell["status"] not in ("finished", "failed"))

    run_sweep(
        None if resume else recipe,
        over or {},
        seeds,
        learnt,
        out=folder,
        set=set,
        retry_failed=retry_failed,
        begin_only=True,
        on_event=note,
    )
    train = ray.remote(num_cpus=threads, max_retries=max_retries)(_train)
    tasks = [train.remote(folder, name, cell_minutes, threads) for name in waiting]
    while tasks:
        ended, tasks = ray.wait(tasks)
        try:
            ray.get(ended)
        except ray.exceptions.RayError:
            # It is tried once more below, where the journal has a place for what is wrong.
            continue
    return run_sweep(None, {}, (), None, out=folder, cell_minutes=cell_minutes, threads=threads)


def _train(folder: str, name: str, cell_minutes: float | None, threads: int) -> str:
    return _native.sweep_cell(folder, name, cell_minutes, threads)
