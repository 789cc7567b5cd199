"""What goes wrong, by kind. Every exception says what was expected, what was found, and where, as far as that is known."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    Kind = TypeVar("Kind", bound="Error")

__all__ = [
    "ChangedError",
    "ColumnError",
    "DataError",
    "Error",
    "ModelError",
    "NotFoundError",
    "OptionError",
    "TextError",
    "TrainingError",
]


class Error(Exception):
    """The base of all exceptions of this package.

    >>> import bitspike
    >>> try:
    ...     bitspike.load(threads=10_000)
    ... except bitspike.Error as error:
    ...     print(error.where, "|", error.expected, "|", error.found)
    threads | 1 to 1024 threads | 10000
    """

    expected: str | None
    found: str | None
    where: str | None

    def __init__(
        self,
        message: str,
        *,
        expected: str | None = None,
        found: str | None = None,
        where: str | None = None,
    ) -> None:
        super().__init__(message)
        self.expected = expected
        self.found = found
        self.where = where

    @classmethod
    def at(cls: type[Kind], where: str, expected: str, found: str, hint: str = "") -> Kind:
        """That something at `where` is not what was expected; `hint` says what to do."""
        message = f"{where}: expected {expected}, found {found}"
        return cls(f"{message}; {hint}" if hint else message, expected=expected, found=found, where=where)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), str(self), self.expected, self.found, self.where)


def _rebuild(kind: type[Error], message: str, expected: str | None, found: str | None, where: str | None) -> Error:
    return kind(message, expected=expected, found=found, where=where)


class NotFoundError(Error, LookupError):
    """There is no such model, file or folder."""


class ModelError(Error, ValueError):
    """What was named is no model that can answer, or is damaged."""


class OptionError(Error, ValueError):
    """A setting is out of its range."""


class TextError(Error, ValueError):
    """Something is no text, or one text where the model takes pairs, or the other way round."""


class ColumnError(Error, ValueError):
    """A column is missing, is no text, or a table is not what its schema says."""


class DataError(Error, ValueError):
    """Examples cannot be read, or are of another task."""


class ChangedError(Error):
    """A model's file is not the one that was pickled."""


class TrainingError(Error):
    """Training cannot begin, go on or end: its loss is no number, or a file of it cannot be written."""
