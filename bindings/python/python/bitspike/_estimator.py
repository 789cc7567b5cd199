"""A model as scikit-learn's classifiers and regressors are, without a need of scikit-learn."""

from __future__ import annotations

from itertools import islice

from ._native import Answers, Model
from ._items import listed
from .errors import OptionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeVar

    import numpy
    from numpy.typing import NDArray

    Self = TypeVar("Self", bound="Estimator")

#: Texts that are held at a time, unless a caller says otherwise.
BATCH = 1024


class Estimator:
    """What scikit-learn asks for. NumPy is loaded when it is first needed."""

    __slots__ = ("__weakref__", "_asked", "_native")

    _asked: tuple[Any, ...]
    _native: Model

    @property
    def task(self) -> str:
        """The task that it was trained for."""
        return self._native.task

    @property
    def labels(self) -> list[str]:
        """Names of its classes; empty where it gives a score."""
        return self._native.labels

    def _all(self, texts: Any) -> Iterator[Answers]:
        items = iter(listed(texts))
        start = 0
        while batch := list(islice(items, BATCH)):
            yield self._native.classify(batch, start)
            start += len(batch)

    @property
    def classes_(self) -> NDArray[Any]:
        """Names of the classes, in the order of `predict_proba`'s columns."""
        import numpy

        if not self.labels:
            # What scikit-learn looks for in a classifier must not be found in a regressor.
            raise AttributeError("a model that gives a score has no classes_")
        return numpy.array(self.labels, dtype=object)

    def predict_proba(self, texts: Any) -> NDArray[numpy.float32]:
        """Probabilities, one row a text and one column a class: float32 of shape (n, classes).

        >>> import bitspike
        >>> bitspike.load().predict_proba(["fine", "dull"]).shape
        (2, 2)
        """
        if not self.labels:
            raise OptionError(
                f"predict_proba: expected a model with classes, found one that gives a score (task {self.task}); use predict",
                expected="a model with classes",
                found="one that gives a score",
                where="predict_proba",
            )
        return self._values(texts)

    def _values(self, texts: Any) -> NDArray[numpy.float32]:
        import numpy

        raw = bytearray()
        for answers in self._all(texts):
            raw += answers.values_bytes()
        return numpy.frombuffer(raw, dtype=numpy.float32).reshape(-1, max(len(self.labels), 1))

    def predict(self, texts: Any) -> NDArray[Any]:
        """The class of each text by its name, or its score as float32: an array of shape (n,)."""
        import numpy

        if not self.labels:
            return self._values(texts)[:, 0]
        classes = [index for answers in self._all(texts) for index in answers.classes()]
        return self.classes_[numpy.array(classes, dtype=numpy.intp)]

    def score(self, texts: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy of `predict` beside the names of classes `y`; R^2 for a model that gives a score."""
        import numpy

        said = self.predict(texts)
        wanted = numpy.asarray(y)
        if wanted.shape != said.shape:
            raise OptionError(
                f"y: expected shape {said.shape}, found {wanted.shape}",
                expected=str(said.shape),
                found=str(wanted.shape),
                where="y",
            )
        weights = numpy.ones(len(said)) if sample_weight is None else numpy.asarray(sample_weight, dtype=float)
        if not self.labels:
            wanted = wanted.astype(float)
            mean = numpy.average(wanted, weights=weights)
            left = float((weights * (wanted - said) ** 2).sum())
            return 1.0 - left / float((weights * (wanted - mean) ** 2).sum())
        strange = sorted({repr(label) for label in wanted.tolist() if label not in self.labels})
        if strange:
            expected = ", ".join(map(repr, self.labels))
            raise OptionError(
                f"y: expected names of classes ({expected}), found {', '.join(strange[:5])}",
                expected=expected,
                found=strange[0],
                where="y",
            )
        return float(numpy.average(wanted == said, weights=weights))

    def fit(self: Self, texts: Any = None, y: Any = None) -> Self:
        """Itself: it is trained already. It is there for scikit-learn's `Pipeline`."""
        return self

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What it was loaded with."""
        return dict(zip(("model", "threads", "timesteps", "dynamics"), self._asked))

    def set_params(self: Self, **params: Any) -> Self:
        """Itself, where nothing is to be set: a model never changes."""
        if params:
            self.__setattr__(next(iter(params)), None)
        return self

    def __sklearn_clone__(self: Self) -> Self:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        classes = bool(self.labels)
        return Tags(
            estimator_type="classifier" if classes else "regressor",
            target_tags=TargetTags(required=False),
            transformer_tags=None,
            classifier_tags=ClassifierTags() if classes else None,
            regressor_tags=None if classes else RegressorTags(),
            input_tags=InputTags(one_d_array=True, two_d_array=False, string=True),
            no_validation=True,
            requires_fit=False,
        )
