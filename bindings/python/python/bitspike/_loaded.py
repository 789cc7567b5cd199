"""What every model has, whatever it gives."""

from __future__ import annotations

from os import PathLike, fspath, path

from . import _native
from ._items import listed, place
from .errors import ChangedError, ModelError, NotFoundError, OptionError
from .results import Cost, Score, Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .data import Dataset
    from .weights import Weights


class Loaded:
    """A model that was loaded: what it is, what is inside, and how it goes to another process."""

    __slots__ = ()

    _asked: tuple[Any, ...]
    _native: _native.Model

    # What it is.

    @property
    def path(self) -> str | None:
        """Its file or folder; none of the model in the package."""
        found = self._native.place
        return None if found is None else fspath(found)

    @property
    def threads(self) -> int:
        """Threads of its own that it computes with."""
        return self._native.threads

    @property
    def timesteps(self) -> int:
        """`T`: steps of a window, or of the whole simulation."""
        return self._native.timesteps

    @property
    def dynamics(self) -> str:
        """`phased`, `accumulated` or `instantaneous`."""
        return self._native.dynamics

    @property
    def max_length(self) -> int:
        """Tokens that it reads of a text; the rest is cut off."""
        return self._native.max_length

    @property
    def sha256(self) -> str:
        """Hash of the weights that were loaded."""
        return self._native.digest()

    # What is inside.

    def trace(
        self,
        text: str | tuple[str, str] | dict[str, str],
        *,
        timesteps: int = 64,
        dynamics: str = "accumulated",
        neurons: list[tuple[str, int, int]] | None = None,
    ) -> Trace:
        """One text spike by spike: rates, membranes and spikes as tables, and a picture. `neurons` are those whose membranes are
        kept, each by population, token and number; unless given, the most active ones.

        >>> import bitspike
        >>> bitspike.load().trace("a fine film", timesteps=16).tokens
        ['[CLS]', 'a', 'fine', 'film', '[SEP]']
        """
        check_number("timesteps", timesteps, required=True)
        return Trace(self._native.trace(text, timesteps, dynamics, neurons or []))

    def cost(self, texts: Any, profile: str = "45nm") -> Cost:
        """What texts cost: spikes and operations, counted exactly, and their energy under named constants beside that of baselines.
        `profile` is `45nm`, `45nm-integer`, `neuromorphic`, or a TOML file of your own."""
        import json

        return Cost(json.loads(self._native.cost(list(listed(texts)), profile)))

    def eval(
        self,
        data: str | PathLike[str] | Dataset,
        task: str | None = None,
        split: str = "dev",
        limit: int | None = None,
    ) -> Score:
        """Metrics on a split of a task's data: a folder, a file, or what `bitspike.data.load` gave. The task is the model's own
        unless given."""
        import json

        if limit is not None:
            check_number("limit", limit, required=True)
        source = getattr(data, "source", None)
        if source is not None:
            task, data, split = source
        return Score(json.loads(self._native.eval(fspath(data), task, split, limit)))  # type: ignore[arg-type]

    @property
    def weights(self) -> Weights:
        """Codes and scales, biases and thresholds, by map and population: see `bitspike.weights`.

        >>> import bitspike
        >>> weights = bitspike.load().weights
        >>> weights.maps["layer.0.key"].codes.dtype.name, weights.populations["layer.0.key"].threshold > 0
        ('int8', True)
        """
        from .weights import Weights

        return Weights(self._native)

    # Between processes.

    def __reduce__(self) -> tuple[Any, ...]:
        model, threads, timesteps, dynamics = self._asked
        where = self.path
        if where is not None:
            where = path.abspath(where)
        return restore, (model, where, self.sha256, threads, timesteps, dynamics)


def opened(
    model: str | PathLike[str] | None,
    threads: int | None,
    timesteps: int | None,
    dynamics: str | None,
) -> tuple[_native.Model, tuple[Any, ...]]:
    """The model, and what was asked for."""
    if model is not None:
        model = place("model", model, "a name or a path (str, pathlib.Path)")
    for name, number in (("threads", threads), ("timesteps", timesteps)):
        check_number(name, number)
    return _native.Model.load(model, threads, timesteps, dynamics), (model, threads, timesteps, dynamics)


def check_number(name: str, number: Any, *, required: bool = False) -> None:
    """Refuses what is no number of things."""
    if number is None and not required:
        return
    if not isinstance(number, int) or isinstance(number, bool) or number < 1 or number >= 1 << 62:
        raise OptionError.at(name, "a number from 1 on", repr(number))


#: What was unpickled last in this process, so that a worker that is given the same model again and again loads it once.
_restored: dict[tuple[Any, ...], Loaded] = {}
_KEPT = 4


def restore(
    model: str | None,
    where: str | None,
    sha256: str,
    threads: int | None,
    timesteps: int | None,
    dynamics: str | None,
) -> Any:
    """The model that was pickled: by its path, and where that is not there by its name. A file that has changed is refused."""
    from ._classifier import load

    key = (where, model, sha256, threads, timesteps, dynamics)
    known = _restored.get(key)
    if known is not None and (where is None or path.exists(where)):
        return known
    source = where if where is not None and path.exists(where) else model
    if where is not None and source is None:
        raise NotFoundError(f"{where}: the model that was pickled is no longer there", where=where)
    try:
        restored = load(source, threads=threads, timesteps=timesteps, dynamics=dynamics)
    except NotFoundError as error:
        raise NotFoundError(f"the model that was pickled is not here: {error}", where=where or model) from None
    except ModelError as error:
        raise ChangedError(f"the model that was pickled is no longer what it was: {error}", where=where) from error
    if restored.sha256 != sha256:
        found = source or restored._native.name
        raise ChangedError(
            f"{found}: expected the model that was pickled (SHA-256 {sha256[:16]}), found another ({restored.sha256[:16]}); "
            "pickle the model again",
            expected=sha256,
            found=restored.sha256,
            where=found,
        )
    while len(_restored) >= _KEPT:
        _restored.pop(next(iter(list(_restored))), None)
    _restored[key] = restored
    return restored
