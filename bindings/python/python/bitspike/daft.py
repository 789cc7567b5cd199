"""Answers as an expression of Daft."""

from __future__ import annotations

from os import PathLike
from typing import Any

from ._classifier import Classifier

__all__ = ["classify"]


def classify(
    text: Any,
    model: str | PathLike[str] | Classifier | None = None,
    text_pair: Any = None,
    *,
    errors: str = "raise",
) -> Any:
    """An expression with the answers to a column, a struct a row: `label` and `probability_` of each class, or `score`; `error` where
    `errors="null"`. `text` is the name of a column or an expression, `text_pair` that of the second text of a pair:

        frame.with_column("answer", bitspike.daft.classify("review", clf))
    """
    import daft
    import pyarrow

    if not isinstance(model, Classifier):
        model = Classifier(model)
    columns = [
        daft.col(column) if isinstance(column, str) else column for column in (text, text_pair) if column is not None
    ]
    names = ["text", "text_pair"][: len(columns)]
    empty = pyarrow.table({name: pyarrow.array([], pyarrow.string()) for name in names})
    asked: dict[str, Any] = {**dict(zip(names, names)), "errors": errors, "keep": False}
    said = pyarrow.table(model.classify_arrow(empty, **asked)).schema
    kind = daft.DataType.from_arrow_type(pyarrow.struct(list(said)))
    return daft.func.batch(return_dtype=kind)(_Answers(model, asked))(*columns)


class _Answers:
    """The function, as Daft pickles it: a model by name and hash."""

    __name__ = "bitspike"

    def __init__(self, model: Classifier, asked: dict[str, Any]) -> None:
        self.model = model
        self.asked = asked

    def __call__(self, *columns: Any) -> Any:
        import pyarrow

        table = pyarrow.table([column.to_arrow() for column in columns], names=["text", "text_pair"][: len(columns)])
        return pyarrow.table(self.model.classify_arrow(table, **self.asked)).to_struct_array().combine_chunks()
