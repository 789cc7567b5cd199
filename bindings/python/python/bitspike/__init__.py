"""Spiking language models with weights of 1 and 1.58 bits: classify, look inside, count.

>>> import bitspike
>>> clf = bitspike.load()
>>> clf("a gripping, funny film")[0]["label"]
'positive'
>>> [answer["label"] for answer in clf(["fine", "dull from start to finish"])]
['positive', 'negative']
"""

from __future__ import annotations

from . import data, errors
from ._classifier import Classifier, load
from ._embedder import Embedder
from ._native import Table, __version__
from ._training import Recipe, distil, sweep
from .errors import (
    ChangedError,
    ColumnError,
    DataError,
    Error,
    ModelError,
    NotFoundError,
    OptionError,
    TextError,
    TrainingError,
)
from .results import Cost, Run, Score, Sweep, Trace

__all__ = [
    "ChangedError",
    "Classifier",
    "ColumnError",
    "Cost",
    "DataError",
    "Embedder",
    "Error",
    "ModelError",
    "NotFoundError",
    "OptionError",
    "Recipe",
    "Run",
    "Score",
    "Sweep",
    "Table",
    "TextError",
    "Trace",
    "TrainingError",
    "__version__",
    "data",
    "distil",
    "errors",
    "load",
    "sweep",
]
