"""Answers as a function of DataFusion's SQL."""

from __future__ import annotations

from typing import Any

from ._classifier import Classifier
from .errors import OptionError

__all__ = ["udf"]


def udf(model: Classifier, name: str = "classify", *, errors: str = "null") -> Any:
    """A function of one text that gives its label, or its score: `context.register_udf(bitspike.datafusion.udf(clf))`.

    It is volatile, so that a filter on its answer does not compute it twice. A column of another type that is given to it is cast to
    text by DataFusion without a word.
    """
    import pyarrow
    from datafusion import udf as make

    if model.takes_pairs:
        expected = "a model of one text"
        raise OptionError(
            f"model: expected {expected}, found one of pairs (task {model.task})",
            expected=expected,
            found="one of pairs",
            where="model",
        )
    kind = pyarrow.string() if model.labels else pyarrow.float32()

    def answer(texts: Any) -> Any:
        table = pyarrow.table(model.classify_arrow(texts, errors=errors, keep=False))
        return table.column(0).combine_chunks().cast(kind)

    return make(answer, [pyarrow.string()], kind, "volatile", name=name)
