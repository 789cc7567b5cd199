"""Distillations and sweeps, as the program's `distil` and `sweep`."""

from __future__ import annotations

from os import PathLike, fspath

from . import _native
from ._items import place
from ._progress import Progress
from .data import Task
from .errors import OptionError
from .results import Run, Sweep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

__all__ = ["Recipe", "distil", "sweep"]


class Recipe:
    """Everything that decides a distillation but its inputs. It never changes.

    `source` is the name of a recipe that is compiled in, a TOML file, or another recipe; without it the recipe is the default one. `set` has
    values by dotted key.

    >>> import bitspike
    >>> recipe = bitspike.Recipe("sst2", set={"student.weight_bits": 1, "stage.0.epochs": 2})
    >>> recipe["student"]["weight_bits"], recipe["stage"][0]["epochs"]
    (1, 2.0)
    >>> "sst2" in bitspike.Recipe.names()
    True

    Raises `OptionError` where a key is not known or a value is out of range.
    """

    __slots__ = ("_json", "_toml")

    _json: str
    _toml: str

    def __init__(
        self, source: str | PathLike[str] | Recipe | None = None, *, set: Mapping[str, Any] | None = None
    ) -> None:
        own = source._json if isinstance(source, Recipe) else None
        name = None if source is None or isinstance(source, Recipe) else place("recipe", source)
        self._json, self._toml = _native.recipe(name, own, _assignments(set))

    @staticmethod
    def names() -> list[str]:
        """The recipes that are compiled in."""
        return _native.recipes()

    def __getitem__(self, key: str) -> Any:
        import json

        return json.loads(self._json)[key]

    @property
    def toml(self) -> str:
        """The recipe as a file holds it."""
        return self._toml

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and self._toml == other._toml

    def __hash__(self) -> int:
        return hash(self._toml)

    def __repr__(self) -> str:
        return f"<bitspike.Recipe {self['student']}>"


def distil(
    recipe: str | PathLike[str] | Recipe | None = None,
    *,
    task: str | Task | None = None,
    data: str | PathLike[str],
    teacher: str | PathLike[str],
    out: str | PathLike[str],
    set: Mapping[str, Any] | None = None,
    corpus: str | PathLike[str] | None = None,
    soft_labels: str | PathLike[str] | None = None,
    start_from: str | PathLike[str] | None = None,
    classes: Mapping[str, str] | None = None,
    resume: bool = False,
    max_minutes: float | None = None,
    threads: int | None = None,
    on_event: Callable[[dict[str, Any]], object] | None = None,
    progress: bool = True,
) -> Run:
    """Distils the BERT in `teacher` into a spiking student, whose run is the folder `out`.

    `task` is one of GLUE's by name, or a `bitspike.data.Task` of your own. With `soft_labels`, a table as `bitspike logits` writes one, the
    student learns from the answers there and not from the teacher's own; the teacher then need not know the task. `on_event` is called
    with each event, a dict as a line of `metrics.jsonl`. Unless `progress` is false, tqdm shows it where it is installed. Ctrl-C saves a checkpoint and raises
    `KeyboardInterrupt`; so does an exception of `on_event`. The same call with `resume=True` goes on. A second Ctrl-C does not wait.

    Raises `OptionError`, `DataError`, `ModelError`, or `TrainingError` where the loss is no longer a number.
    """
    import json

    asked = None if recipe is None and resume else Recipe(recipe)._json
    learnt = learnt_from(task, data, teacher, corpus, soft_labels, start_from, classes)
    with Progress(on_event, progress) as tell:
        ended, warnings = _native.distil(
            asked, _assignments(set), learnt, place("out", out), resume, max_minutes, threads, tell
        )
    return Run(json.loads(ended), fspath(out), warnings)


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
    max_minutes: float | None = None,
    cell_minutes: float | None = None,
    threads: int | None = None,
    on_event: Callable[[dict[str, Any]], object] | None = None,
    progress: bool = True,
) -> Sweep:
    """Distils a student for every cell of a grid, and compares them; `results.csv` and the fronts are in the folder `out`.

    `over` has values by key, dotted or short (`bits`, `rate_penalty`, `T`, ...). With `resume` the sweep in `out` goes on as it was begun, and nothing
    else need be said. What is said of `soft_labels`, `on_event`, `progress` and Ctrl-C in `distil` holds here too.
    """
    learnt = None if resume else learnt_from(task, data, teacher, corpus, soft_labels, start_from, classes)
    return run_sweep(
        None if resume else recipe,
        over or {},
        seeds,
        learnt,
        out=place("out", out),
        set=set,
        retry_failed=retry_failed,
        max_minutes=max_minutes,
        cell_minutes=cell_minutes,
        threads=threads,
        on_event=on_event,
        progress=progress,
    )


def run_sweep(
    recipe: str | PathLike[str] | Recipe | None,
    over: Mapping[str, Sequence[Any]],
    seeds: Sequence[int],
    learnt: dict[str, Any] | None,
    *,
    out: str,
    set: Mapping[str, Any] | None = None,
    retry_failed: bool = False,
    begin_only: bool = False,
    max_minutes: float | None = None,
    cell_minutes: float | None = None,
    threads: int | None = None,
    on_event: Callable[[dict[str, Any]], object] | None = None,
    progress: bool = False,
) -> Sweep:
    """A new sweep of what is `learnt`, or without it the one in `out`; with `begin_only` its folder and no cell."""
    import json

    axes = [f"{key}={','.join(_literal(value, key) for value in values)}" for key, values in over.items()]
    with Progress(on_event, progress) as tell:
        found = _native.sweep(
            None if learnt is None else Recipe(recipe)._json,
            _assignments(set),
            axes,
            list(seeds),
            learnt,
            out,
            learnt is None,
            retry_failed,
            begin_only,
            max_minutes,
            cell_minutes,
            threads,
            tell,
        )
    return Sweep(json.loads(found))


def learnt_from(
    task: str | Task | None,
    data: Any,
    teacher: Any,
    corpus: Any,
    soft_labels: Any,
    start_from: Any,
    classes: Mapping[str, str] | None,
) -> dict[str, Any]:
    for name, given in (("data", data), ("teacher", teacher)):
        if given is None:
            raise OptionError.at(name, "a path", "None")
    own = task if isinstance(task, Task) else Task(name=task)
    if own.name is not None and not isinstance(own.name, str):
        raise OptionError.at("task", "the name of a task or a bitspike.data.Task", type(own.name).__name__)
    return {
        "task": own.name,
        "text": own.text,
        "text_pair": own.text_pair,
        "label": own.label,
        "labels": own.labels,
        "regression": own.regression,
        "data": place("data", data),
        "teacher": place("teacher", teacher),
        "corpus": None if corpus is None else place("corpus", corpus),
        "soft_labels": None if soft_labels is None else place("soft_labels", soft_labels),
        "start_from": None if start_from is None else place("start_from", start_from),
        "classes": None if not classes else ",".join(f"{output}={name}" for output, name in classes.items()),
    }


def _assignments(values: Mapping[str, Any] | None) -> list[str]:
    return [f"{key}={_literal(value, key)}" for key, value in (values or {}).items()]


def _literal(value: Any, key: str) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        import json

        return json.dumps(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_literal(item, key) for item in value)}]"
    raise OptionError.at(key, "a number, a text, a bool or a list of these", type(value).__name__)
