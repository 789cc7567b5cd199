"""Answers as an expression of polars."""

from __future__ import annotations

from typing import Any

from ._classifier import Classifier

__all__ = ["classify"]


def classify(
    text: Any,
    model: Classifier,
    text_pair: Any = None,
    *,
    errors: str = "raise",
) -> Any:
    """An expression with the answers to a column, a struct a row: `label` and `probability_` of each class, or `score`; `error` where
    `errors="null"`. `text` is the name of a column or an expression, `text_pair` that of the second text of a pair.

    It is elementwise: `head(5)` after it computes five answers, and the streaming engine gives it a chunk at a time.
    """
    import polars

    def expression(column: Any) -> Any:
        return polars.col(column) if isinstance(column, str) else column

    names = {"text": "text"} if text_pair is None else {"text": "text", "text_pair": "text_pair"}
    pair = [] if text_pair is None else [expression(text_pair).alias("text_pair")]
    texts = polars.struct([expression(text).alias("text"), *pair])

    def answer(series: Any) -> Any:
        table = model.classify_arrow(series.struct.unnest(), **names, errors=errors, keep=False)
        return polars.DataFrame(table).to_struct("answer")

    fields: dict[str, Any] = {"label": polars.String} if model.labels else {"score": polars.Float32}
    fields.update({f"probability_{label}": polars.Float32 for label in model.labels})
    if errors == "null":
        fields["error"] = polars.String
    return texts.map_batches(answer, return_dtype=polars.Struct(fields), is_elementwise=True).alias("answer")
