"""The class that everything starts from."""

from __future__ import annotations

from itertools import islice
from os import PathLike

from . import _native
from ._estimator import BATCH, Estimator
from ._items import is_one, listed
from ._loaded import Loaded, check_number, opened
from .errors import OptionError, TextError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, overload

else:

    def overload(function: object) -> object:
        """Types alone have several forms of a function."""
        return function


#: What scikit-learn's `Pipeline.fit` sets and takes away around `fit`, for callbacks that there are none of here.
_CALLBACKS = "_parent_callback_ctx"

#: `top_k` that was not given, which is not `None`.
_UNSET: Any = object()


@overload
def load(
    model: None = None, threads: int | None = None, timesteps: int | None = None, dynamics: str | None = None
) -> Classifier: ...


@overload
def load(
    model: str | PathLike[str] | None,
    threads: int | None = None,
    timesteps: int | None = None,
    dynamics: str | None = None,
) -> Any: ...


def load(
    model: str | PathLike[str] | None = None,
    threads: int | None = None,
    timesteps: int | None = None,
    dynamics: str | None = None,
) -> Any:
    """The model that `model` names: a name, a file, the folder of a model or of a run, `OWNER/NAME` of what was fetched from the
    Hugging Face hub; without it the one that is in the package.

    `threads` are 1 to 1024; unless given, `BITSPIKE_NUM_THREADS` says how many, else `OMP_NUM_THREADS`, else the cores that the
    process may use. `timesteps` and `dynamics` (`phased`, `accumulated`, `instantaneous`) are those of training unless given.

    >>> import bitspike
    >>> bitspike.load(threads=1).labels
    ['negative', 'positive']

    A model that embeds is an `Embedder`, any other a `Classifier`.

    Raises `NotFoundError`, `ModelError` or `OptionError`.
    """
    from ._embedder import Embedder

    native, asked = opened(model, threads, timesteps, dynamics)
    loaded = object.__new__(Embedder if native.embeds else Classifier)
    object.__setattr__(loaded, "_native", native)
    object.__setattr__(loaded, "_asked", asked)
    return loaded


class Classifier(Loaded, Estimator):
    """A model, ready to answer. It never changes and may be shared by threads; a forked child uses it as its parent does.

    Answers do not depend on batch, order, threads or processor, and are those of the program `bitspike`, bit for bit.
    """

    __slots__ = ()

    def __init__(
        self,
        model: str | PathLike[str] | None = None,
        *,
        threads: int | None = None,
        timesteps: int | None = None,
        dynamics: str | None = None,
    ) -> None:
        native, asked = opened(model, threads, timesteps, dynamics)
        if native.embeds:
            expected = "a model that gives classes or scores"
            raise OptionError.at("model", expected, f"`{native.name}`, which embeds", "use bitspike.load")
        object.__setattr__(self, "_native", native)
        object.__setattr__(self, "_asked", asked)

    def __setattr__(self, name: str, value: object) -> None:
        if name == _CALLBACKS:
            return
        raise AttributeError(f"a Classifier never changes: `{name}` cannot be set; load another one")

    def __delattr__(self, name: str) -> None:
        if name == _CALLBACKS:
            return
        raise AttributeError(f"a Classifier never changes: `{name}` cannot be taken away")

    def __repr__(self) -> str:
        native = self._native
        return (
            f"<bitspike.Classifier {native.name}: {native.task}, {native.dynamics}, T = {native.timesteps}, "
            f"threads = {native.threads}>"
        )

    # What it is.

    @property
    def name(self) -> str:
        """What the model is called."""
        return self._native.name

    @property
    def takes_pairs(self) -> bool:
        """Whether it classifies pairs of texts."""
        return self._native.takes_pairs

    # Answers as transformers' pipeline gives them.

    def __call__(
        self,
        texts: Any,
        text_pair: str | None = None,
        *,
        top_k: int | None = _UNSET,
        batch_size: int = BATCH,
    ) -> Any:
        """Answers in the form of transformers' `pipeline("text-classification")`.

        | given | answer |
        |---|---|
        | a text, or with `text_pair` a pair | a list of one dict |
        | a pair as a dict of `text` and `text_pair`, or as a tuple | a dict |
        | a list of texts or pairs | a list of dicts |
        | a generator | a generator of dicts, read a batch at a time |

        A dict has `label` and `score`: the most probable class and its probability, or the word `score` and the model's number. With
        `top_k` there is a list of dicts for a dict, the most probable first; `None` lists all classes. `batch_size` bounds how many
        texts are held at a time, and nothing else.

        >>> import bitspike
        >>> clf = bitspike.load()
        >>> [entry["label"] for entry in clf("fine", top_k=None)]
        ['positive', 'negative']
        """
        single_dict = text_pair is None and isinstance(texts, (dict, tuple))
        if text_pair is not None:
            if not isinstance(texts, str):
                raise TextError.at("text_pair", "one text before it", type(texts).__name__)
            texts = {"text": texts, "text_pair": text_pair}
        check_number("batch_size", batch_size, required=True)
        if top_k is not _UNSET:
            check_number("top_k", top_k)
        items = listed(texts)
        if not isinstance(items, list):
            return self._stream(items, top_k, batch_size)
        found_all: list[Any] = []
        for start in range(0, len(items), batch_size):
            found_all += self._answers(items[start : start + batch_size], start, top_k)
        if is_one(texts):
            # One text is in a list of one, one pair is not, unless its classes are a list already.
            return found_all[0] if single_dict or top_k is not _UNSET else found_all
        return found_all

    def _stream(self, items: Iterator[Any], top_k: int | None, batch_size: int) -> Iterator[Any]:
        start = 0
        while batch := list(islice(items, batch_size)):
            yield from self._answers(batch, start, top_k)
            start += len(batch)

    def _answers(self, batch: list[Any], start: int, top_k: int | None) -> list[Any]:
        answers = self._native.classify(batch, start)
        if top_k is _UNSET:
            return answers.best()
        return answers.ranked(max(len(self.labels), 1) if top_k is None else top_k)

    # Tables.

    def classify_arrow(
        self,
        table: Any,
        text: str | None = None,
        text_pair: str | None = None,
        *,
        errors: str = "raise",
        keep: bool = True,
    ) -> _native.Table:
        """A table with the answers beside its columns, for anything that has `__arrow_c_stream__` or `__arrow_c_array__` (tables of
        pyarrow, polars, pandas, duckdb, ...), as something that has `__arrow_c_stream__` again.

        `text` and `text_pair` name the columns of the texts; unless given they are those that the task's data has, or the only column
        of text. The answers are `label` and `probability_` with the name of each class, or `score`; a name that the table has already
        is preceded by `predicted_`. With `errors="null"` a null or a text that is not UTF-8 has no answer, and a column `error` says
        why; with `"raise"` it is a `TextError` with its row. Without `keep` the answers are alone.
        """
        if errors not in ("raise", "null"):
            raise OptionError.at("errors", "'raise' or 'null'", repr(errors))
        return self._native.classify_arrow(table, text, text_pair, errors == "null", keep)

    # What is inside.

    def to_nir(self, file: str | PathLike[str], *, start: str = "state", force: bool = False) -> None:
        """Writes blocks of the model, and not the model, in the neuromorphic intermediate representation: see `bitspike.nir`.

        Every population of integrate-and-fire neurons is a graph of its own, with the affine map before it where nothing lies
        between; maps whose result passes through a softmax, a norm, a residual sum or GELU first are graphs by themselves, and these
        operators are not in the file. `start="state"` says in the metadata at which potential neurons start; `"first-current"` gives
        each map one more input instead, which is to be 1 in the first step. Needs the package `nir` (`pip install "bitspike[nir]"`).

        Raises `OptionError` where NIR has no such neuron (code `single`), or where `file` exists, unless `force` says that it may be
        replaced.
        """
        from .nir import write

        write(self, file, start=start, force=force)
