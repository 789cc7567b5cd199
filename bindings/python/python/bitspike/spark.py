"""Answers to the rows of a Spark data frame."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from os import PathLike, path
from typing import Any

from ._classifier import Classifier
from ._embedder import Embedder
from ._loaded import restore
from .errors import OptionError

__all__ = ["classify", "embed"]


def classify(
    frame: Any,
    model: str | PathLike[str] | Classifier | None = None,
    text: str | None = None,
    text_pair: str | None = None,
    *,
    errors: str = "raise",
    ship: bool = False,
) -> Any:
    """`frame` with the answers beside its columns, named as by `Classifier.classify_arrow`, through `mapInArrow`.

    Each Python worker loads the model once, with as many threads as Spark gives a task CPUs, and refuses a file that is not the one that the
    driver has. The model is found by the driver's path or, where that is not there, by name; with `ship` its file is sent along through
    `SparkContext.addFile`.
    """
    if not isinstance(model, Classifier):
        model = Classifier(model)
    return _answered(frame, model, "classify_arrow", {"text": text, "text_pair": text_pair, "errors": errors}, ship)


def embed(
    frame: Any,
    model: str | PathLike[str] | Embedder,
    text: str | None = None,
    *,
    errors: str = "raise",
    normalize_embeddings: bool | None = None,
    truncate_dim: int | None = None,
    ship: bool = False,
) -> Any:
    """As `classify`, for a model that embeds: column `embedding`, arrays of floats, beside the others."""
    if not isinstance(model, Embedder):
        model = Embedder(model)
    asked = {"text": text, "errors": errors, "normalize_embeddings": normalize_embeddings, "truncate_dim": truncate_dim}
    return _answered(frame, model, "embed_arrow", asked, ship)


def _answered(frame: Any, model: Classifier | Embedder, method: str, asked: dict[str, Any], ship: bool) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
    from pyspark.sql.types import StructField, StructType

    import pyarrow

    rows = to_arrow_schema(frame.schema).empty_table()
    said = pyarrow.table(getattr(model, method)(rows, **asked)).schema
    # The frame's own columns as Spark has them, which may be more than Arrow says.
    added = from_arrow_schema(pyarrow.schema(list(said)[len(frame.columns) :]))
    fields = [*frame.schema.fields, *(StructField(field.name, field.dataType) for field in added)]
    function, arguments = model.__reduce__()
    if ship:
        shipped = _shipped(frame.sparkSession.sparkContext, model)
        function, arguments = _of_spark, (shipped, *arguments[2:])
    return frame.mapInArrow(partial(_answers, (function, arguments), method, asked), StructType(fields))


def _answers(model: tuple[Any, Any], method: str, asked: dict[str, Any], batches: Iterator[Any]) -> Iterator[Any]:
    import pyarrow

    function, arguments = model
    answer = getattr(function(*arguments), method)
    for batch in batches:
        yield from pyarrow.table(answer(batch, **asked)).to_batches()


def _shipped(context: Any, model: Classifier | Embedder) -> str:
    """The name under which Spark hands out the model's file."""
    place = model.path
    if place is None or not path.isfile(place):
        raise OptionError.at("ship", "a model that is one file", repr(model))
    # Spark tells files apart by their names.
    name = f"bitspike-{model.sha256[:16]}.safetensors"
    copy = path.join(tempfile.mkdtemp(prefix="bitspike-"), name)
    shutil.copyfile(place, copy)
    # A tokeniser that lies beside the file does not go along.
    restore(None, copy, model.sha256, 1, None, None)
    context.addFile(copy)
    return name


def _of_spark(name: str, *rest: Any) -> Any:
    from pyspark import SparkFiles

    return restore(None, SparkFiles.get(name), *rest)
