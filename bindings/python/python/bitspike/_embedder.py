"""Vectors of texts, as sentence-transformers, LangChain and Chroma ask for them."""

from __future__ import annotations

from itertools import islice

from . import _native
from ._estimator import BATCH
from ._items import is_one, listed
from ._loaded import Loaded, check_number, opened
from .errors import OptionError, TextError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike
    from typing import Any

    from numpy.typing import NDArray

#: How a precision is kept: the type of its numbers, and how many values one of them holds.
_KEPT_AS = {"float32": ("float32", 1), "int8": ("int8", 1), "binary": ("int8", 8), "ubinary": ("uint8", 8)}


class Embedder(Loaded):
    """A model that embeds. It never changes and may be shared by threads; a forked child uses it as its parent does.

    Vectors do not depend on batch, order, threads or processor, and are those of the program `bitspike`, bit for bit.
    """

    __slots__ = ("__weakref__", "_asked", "_native")

    def __init__(
        self,
        model: str | PathLike[str],
        *,
        threads: int | None = None,
        timesteps: int | None = None,
        dynamics: str | None = None,
    ) -> None:
        native, asked = opened(model, threads, timesteps, dynamics)
        if not native.embeds:
            does = "classifies" if native.labels else "gives scores"
            raise OptionError.at("model", "a model that embeds", f"`{native.name}`, which {does}", "use bitspike.load")
        object.__setattr__(self, "_native", native)
        object.__setattr__(self, "_asked", asked)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an Embedder never changes: `{name}` cannot be set; load another one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"an Embedder never changes: `{name}` cannot be taken away")

    def __repr__(self) -> str:
        native = self._native
        return (
            f"<bitspike.Embedder {native.name}: {native.width} values, {native.dynamics}, T = {native.timesteps}, "
            f"threads = {native.threads}>"
        )

    # What it is.

    @property
    def model_name(self) -> str:
        """What the model is called. `name()` says what kind of function this is, which Chroma asks."""
        return self._native.name

    @property
    def dimensions(self) -> list[int]:
        """Numbers of values for which the model was trained, the whole vector first; `truncate_dim` may be any number up to that."""
        return [self._native.width, *self._native.prefixes]

    @property
    def normalizes(self) -> bool:
        """Whether vectors have length 1 unless `normalize_embeddings` says otherwise."""
        return self._native.normalizes

    def get_sentence_embedding_dimension(self) -> int:
        """Values of a vector."""
        return self._native.width

    # As sentence-transformers names it.

    def encode(
        self,
        sentences: Any,
        batch_size: int = BATCH,
        show_progress_bar: bool = False,
        precision: str = "float32",
        convert_to_numpy: bool = True,
        normalize_embeddings: bool | None = None,
        truncate_dim: int | None = None,
        bit_order: str = "most-first",
    ) -> Any:
        """Vectors of texts: an array with a row a text, or of one text its row alone; with `convert_to_numpy=False` lists of numbers.

        `normalize_embeddings` brings vectors to length 1, or leaves them as the layers give them; unless given they are as the model has
        them. `truncate_dim` keeps so many of the first values, brought to length 1 again where vectors are. `precision` is

        | | |
        |---|---|
        | `float32` | the values |
        | `int8` | codes from -127 to 127, the largest value of each vector being one of the two: angles stay, lengths do not |
        | `ubinary` | a bit a value, 1 above 0, eight a byte |
        | `binary` | the same bytes less 128, as int8 |

        `bit_order` is `most-first`, as `numpy.packbits`, pgvector and DuckDB have it: the first value is the greatest bit of a byte; or
        `least-first`, as faiss and sqlite-vec have it.

        A generator is read a batch at a time. `batch_size` bounds how many texts are held at a time, and nothing else.
        """
        check_number("batch_size", batch_size, required=True)
        if truncate_dim is not None:
            check_number("truncate_dim", truncate_dim)
        if precision not in _KEPT_AS:
            raise OptionError.at("precision", "float32, int8, binary or ubinary", repr(precision))
        if isinstance(sentences, (tuple, dict)):
            raise TextError.at("sentences", "a text or a list of texts", type(sentences).__name__)
        items = listed(sentences)
        found = bytearray()
        for batch, start in _batches(iter(items), batch_size):
            found += self._native.embed(batch, start, normalize_embeddings, truncate_dim, precision, bit_order)
            if show_progress_bar:
                _show(start + len(batch), len(items) if isinstance(items, list) else None)
        rows = self._rows(found, precision, truncate_dim, convert_to_numpy)
        return rows[0] if is_one(sentences) else rows

    def _rows(self, found: bytearray, precision: str, truncate_dim: int | None, numpy: bool) -> Any:
        kind, packed = _KEPT_AS[precision]
        width = -(-(truncate_dim or self._native.width) // packed)
        if numpy:
            from numpy import frombuffer

            return frombuffer(found, kind).reshape(-1, width)
        packed_bytes = memoryview(found)
        values: list[Any]
        if kind == "float32":
            values = packed_bytes.cast("f").tolist()
        elif kind == "int8":
            values = packed_bytes.cast("b").tolist()
        else:
            values = packed_bytes.cast("B").tolist()
        return [values[start : start + width] for start in range(0, len(values), width)]

    def encode_query(self, sentences: Any, **options: Any) -> Any:
        """As `encode`: the models have one way for questions and for what answers them."""
        return self.encode(sentences, **options)

    def encode_document(self, sentences: Any, **options: Any) -> Any:
        """As `encode`: the models have one way for questions and for what answers them."""
        return self.encode(sentences, **options)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> NDArray[Any]:
        """Cosines of every vector of the first with every one of the second, a row a vector of the first."""
        import numpy

        def unit(vectors: Any) -> Any:
            vectors = numpy.atleast_2d(numpy.asarray(vectors, "float64"))
            lengths = numpy.linalg.norm(vectors, axis=1, keepdims=True)
            return vectors / numpy.where(lengths == 0, 1, lengths)

        found: NDArray[Any] = (unit(embeddings1) @ unit(embeddings2).T).astype("float32")
        return found

    # As LangChain names it.

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of texts, as lists of numbers."""
        vectors: list[list[float]] = self.encode(list(texts), convert_to_numpy=False)
        return vectors

    def embed_query(self, text: Any = None, *, input: Any = None) -> Any:
        """The vector of a question, as a list of numbers; with `input`, as Chroma asks, an array a text."""
        if input is not None:
            return self(input)
        if not isinstance(text, str):
            raise TextError.at("text", "one text", type(text).__name__)
        return self.encode(text, convert_to_numpy=False)

    # As Chroma's embedding functions.

    def __call__(self, input: Any) -> list[NDArray[Any]]:
        """An array a text."""
        return list(self.encode([input] if isinstance(input, str) else input))

    @staticmethod
    def name() -> str:
        """What kind of embedding function it is."""
        return "bitspike"

    def get_config(self) -> dict[str, Any]:
        """What `build_from_config` makes the same of."""
        model, threads, timesteps, dynamics = self._asked
        return {"model": self.path or model, "threads": threads, "timesteps": timesteps, "dynamics": dynamics}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> Embedder:
        """The function that `get_config` describes."""
        return Embedder(**config)

    @staticmethod
    def is_legacy() -> bool:
        """Chroma keeps `get_config` with a collection, and makes the function again from it."""
        return False

    @staticmethod
    def validate_config(config: dict[str, Any]) -> None:
        """Refuses what `get_config` does not give."""
        names = ["dynamics", "model", "threads", "timesteps"]
        if sorted(config) != names:
            raise OptionError.at("config", ", ".join(names), ", ".join(sorted(config)))

    @staticmethod
    def validate_config_update(old_config: dict[str, Any], new_config: dict[str, Any]) -> None:
        """Refuses another model for a collection: its vectors are of another space."""
        for name in ("model", "timesteps", "dynamics"):
            if old_config[name] != new_config[name]:
                raise OptionError.at(name, repr(old_config[name]), repr(new_config[name]), "embed the documents anew")

    @staticmethod
    def default_space() -> str:
        """How distances are measured unless somebody says otherwise."""
        return "cosine"

    @staticmethod
    def supported_spaces() -> list[str]:
        """How distances may be measured."""
        return ["cosine", "l2", "ip"]

    # Tables.

    def embed_arrow(
        self,
        table: Any,
        text: str | None = None,
        *,
        errors: str = "raise",
        keep: bool = True,
        normalize_embeddings: bool | None = None,
        truncate_dim: int | None = None,
    ) -> _native.Table:
        """A table with the vectors beside its columns: column `embedding`, lists of one length of 32-bit floats. The rest is as
        `Classifier.classify_arrow` has it."""
        if errors not in ("raise", "null"):
            raise OptionError.at("errors", "'raise' or 'null'", repr(errors))
        if truncate_dim is not None:
            check_number("truncate_dim", truncate_dim)
        return self._native.embed_arrow(table, text, errors == "null", keep, normalize_embeddings, truncate_dim)


def _batches(items: Iterator[Any], size: int) -> Iterator[tuple[list[Any], int]]:
    start = 0
    while batch := list(islice(items, size)):
        yield batch, start
        start += len(batch)


def _show(done: int, of: int | None) -> None:
    """How many texts are done, on one line."""
    import sys

    end = "\n" if done == of else ""
    print(f"\r{done} texts" if of is None else f"\r{done} of {of} texts", end=end, file=sys.stderr, flush=True)
