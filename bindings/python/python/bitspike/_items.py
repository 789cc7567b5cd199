"""What a user means by texts, one, a list of them or a stream, and by a path."""

from __future__ import annotations

from collections.abc import Iterable
from os import fspath

from .errors import OptionError, TextError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def is_one(texts: Any) -> bool:
    """Whether it is one text or one pair."""
    return isinstance(texts, (str, tuple, dict))


def listed(texts: Any) -> list[Any] | Iterator[Any]:
    """A list of texts or pairs, or an iterator where nothing says how many there are."""
    if isinstance(texts, list):
        return texts
    if is_one(texts):
        return [texts]
    if hasattr(texts, "columns"):
        raise _refused(texts, "use classify_arrow, or give one of its columns")
    for name in ("tolist", "to_list"):
        if hasattr(texts, name):
            items = getattr(texts, name)()
            if isinstance(items, list):
                # A row of a two-dimensional array is a pair.
                return [tuple(item) if isinstance(item, list) else item for item in items]
            raise _refused(texts)
    if isinstance(texts, (bytes, bytearray, memoryview)) or not isinstance(texts, Iterable):
        raise _refused(texts)
    return list(texts) if hasattr(texts, "__len__") else iter(texts)


def _refused(texts: Any, hint: str = "") -> TextError:
    expected = "a text, a pair of texts, a list or a stream of these"
    found = "None" if texts is None else type(texts).__name__
    return TextError.at("texts", expected, found, hint)


def place(where: str, value: Any, expected: str = "a path (str, pathlib.Path)") -> str:
    """A path as text; what it is called in messages is `where`."""
    found = value if isinstance(value, str) else fspath(value) if hasattr(value, "__fspath__") else None
    if not isinstance(found, str):
        raise OptionError.at(where, expected, type(value).__name__)
    return found
