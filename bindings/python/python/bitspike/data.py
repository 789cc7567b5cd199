"""Tasks, and the data of GLUE's."""

from __future__ import annotations

from os import PathLike, fspath

from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Dataset", "Task", "load"]


class Task:
    """A task of your own, by its columns: of a text or two, and of the label. `labels` are its classes in order; unless given they are those
    of the training split. With `regression` the label is a score."""

    __slots__ = ("label", "labels", "name", "regression", "text", "text_pair")

    def __init__(
        self,
        name: str | None,
        text: str | None = None,
        label: str | None = None,
        text_pair: str | None = None,
        labels: list[str] | None = None,
        regression: bool = False,
    ) -> None:
        self.name = name
        self.text = text
        self.label = label
        self.text_pair = text_pair
        self.labels = labels
        self.regression = regression

    def __repr__(self) -> str:
        return f"<bitspike.data.Task {self.name}>"


class Dataset:
    """A split of a task: texts, or pairs as tuples, and their targets."""

    __slots__ = ("source", "targets", "texts")

    def __init__(self, texts: list[Any], targets: list[Any], source: tuple[str, str, str]) -> None:
        #: Texts, or pairs as tuples, as a `Classifier` takes them.
        self.texts = texts
        #: Names of classes, or scores; `None` where the file gives none.
        self.targets = targets
        #: Task, folder and split that it was read from.
        self.source = source

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        task, folder, split = self.source
        return f"<bitspike.data.Dataset {task} {split}, {len(self)} examples of {folder}>"


def load(task: str, path: str | PathLike[str], split: str = "dev") -> Dataset:
    """A split of one of GLUE's tasks, from a folder with its files or from a file: TSV, CSV, JSON Lines or Parquet.

    Raises `DataError` with the file and the line where something is wrong.
    """
    rows = _native.dataset(task, path, split)
    texts = [first if second is None else (first, second) for first, second, _, _ in rows]
    targets = [score if label is None else label for _, _, label, score in rows]
    return Dataset(texts, targets, (task, fspath(path), split))
