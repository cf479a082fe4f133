"""A configuration in; its data, always the same, out."""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Size(NamedTuple):
    """How much of everything."""

    n_samples: int
    shortest: int
    longest: int
    n_features: int
    hidden: tuple[int, int]
    """of the first and of the second layer"""
    batch_size: int
    max_iter: int


SIZES = {
    "small": Size(24, 3, 11, 3, (7, 5), 9, 5),
    "odd": Size(29, 1, 14, 5, (33, 17), 7, 5),
    # more than 256 samples in a batch, and work enough for a second thread
    "large": Size(290, 4, 30, 4, (64, 48), 290, 3),
    "long": Size(13, 90, 260, 2, (19, 11), 5, 3),
}


class Data(NamedTuple):
    """What a configuration is trained on and asked."""

    X: Any
    y: Any
    sample_weight: Any
    X_val: Any
    y_val: Any
    X_new: Any
    y_new: Any
    rows: list[Array]
    """of `X_new` the samples with a time step, as (n_timesteps_i, n_features) arrays"""
    classes: Array | None
    """all labels there are, of one label a sample or a step"""


def make_data(name: str, axes: dict[str, str]) -> Data:
    """The data of a configuration: the name is the seed."""
    maker = _Maker(np.random.default_rng(zlib.crc32(name.encode())), axes)
    size = SIZES[axes["size"]]
    X, y = maker.samples(size.n_samples)
    X_val, y_val = maker.samples(14)
    X_new, y_new = maker.samples(11, new=True)
    return Data(
        maker.as_asked(X),
        maker.answers_as_asked(y),
        maker.weights(X),
        maker.as_asked(X_val),
        maker.answers_as_asked(y_val),
        maker.as_asked(X_new),
        maker.answers_as_asked(y_new),
        [x for x in X_new if len(x)],
        maker.classes,
    )


class _Maker:
    def __init__(self, rng: np.random.Generator, axes: dict[str, str]) -> None:
        self.rng, self.axes, self.size = rng, axes, SIZES[axes["size"]]
        self.kind = axes["estimator"]
        self.equal = axes["data"] in ("array", "two_d")
        n_classes = int(rng.integers(2, 4))
        labels = np.array(["north", "south", "west"]) if rng.integers(2) else np.array([3, 5, 40])
        self.classes = labels[:n_classes] if self.kind in ("classifier", "tagger") else None
        self.n_features = 1 if axes["data"] == "two_d" else self.size.n_features

    def samples(self, n: int, *, new: bool = False) -> tuple[list[Array], list[Any]]:
        """Samples with their answers; new ones may be empty, or missing altogether."""
        low, high = self.size.shortest, self.size.longest
        lengths = self.rng.integers(low, high + 1, n)
        if self.equal:
            lengths[:] = 2 * ((low + high) // 4)  # even, to be cut in two
        elif new:
            lengths[2], lengths[5] = 0, 1
        float32 = self.axes["dtype"] in ("auto32", "float64")
        X = [self._sequence(int(length), i) for i, length in enumerate(lengths)]
        answers = [self._answer(x, i) for i, x in enumerate(X)]
        X = [x.astype(np.float32 if float32 else np.float64) for x in X]
        if self.axes["missing"] != "error":
            X = [self._with_missing(x) for x in X]
        if new and self.axes["missing"] == "skip":
            X[4] = np.full_like(X[4], np.nan)
        return X, answers

    def _sequence(self, length: int, number: int) -> Array:
        x = self.rng.standard_normal((length, self.n_features))
        x[:, 0] += number % 3 - 1
        return x * np.linspace(0.5, 3, self.n_features) + np.linspace(0.2, 2, self.n_features)

    def _answer(self, x: Array, number: int) -> Any:
        if self.kind == "classifier":
            return number % len(self._labels())
        if self.kind == "tagger":
            return (np.cumsum(x[:, 0]) > 0).astype(np.int64) + (
                (x[:, 0] > 1) & (len(self._labels()) > 2)
            )
        if self.kind == "multilabel":
            return [number % 2, int(number % 3 == 0), int(len(x) > 6)]
        total = float(x[:, 0].sum())
        return total if self.kind == "regressor" else [total, float(len(x)) - 100 * x[:1].sum()]

    def _labels(self) -> Array:
        assert self.classes is not None
        return self.classes

    def _with_missing(self, x: Array) -> Array:
        x = x.copy()
        x[self.rng.random(x.shape) < 0.08] = np.nan
        if len(x) and np.isnan(x).any(axis=1).all():
            x[-1] = 0.5
        return x

    def as_asked(self, X: list[Array]) -> Any:
        """Samples in the form of the configuration."""
        form = self.axes["data"]
        if form == "two_d":
            return np.stack(X)[:, :, 0]
        if form == "array":
            return np.stack(X)
        return X if form == "list" else objects(X)

    def answers_as_asked(self, y: list[Any]) -> Any:
        """Answers in the form of the configuration; some of a tagger's steps have no label."""
        if self.kind == "classifier":
            return self._labels()[np.array(y)]
        if self.kind != "tagger":
            return np.array(y)
        texts = self._labels().dtype.kind == "U"
        labels = [self._labels()[codes] for codes in y]
        if texts:
            labels = [row.astype(object) for row in labels]
        for row in labels:
            row[self.rng.random(len(row)) < 0.15] = None if texts else -1
        for i, label in enumerate(self._labels()):  # each is there
            if len(labels[i]):
                labels[i][0] = label
        return np.stack(labels) if self.equal else labels

    def weights(self, X: list[Array]) -> Any:
        """Weights of samples, one of them 0; of a tagger those of steps."""
        if self.axes["weights"] not in ("samples", "classes"):
            return None
        if self.axes["weights"] == "classes" and self.rng.integers(2):
            return None  # those of classes alone
        if self.kind == "tagger":
            rows = [self.rng.uniform(0.5, 2, len(x)) for x in X]
            rows[3][:] = 0
            return np.stack(rows) if self.equal else rows
        weights = self.rng.uniform(0.5, 2, len(X))
        weights[3] = 0
        return weights


def objects(X: list[Array]) -> Array:
    """A 1-D array that holds these arrays."""
    held = np.empty(len(X), dtype=object)
    for i, x in enumerate(X):
        held[i] = x
    return held
