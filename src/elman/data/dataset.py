"""Sequences with what belongs to each of them, and the error of a reader that cannot give them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.targets.checks import visible

Array = NDArray[Any]
PathLike = str | os.PathLike[str]

MOST_NAMES = 20
"""How many names of features `repr` shows at most."""


class ReaderError(ValueError):
    """A file that cannot be read as what it should be: the message names file, line and fix."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Sequences, and what belongs to each of them. It unpacks into X, y and metadata.

    Examples
    --------
    >>> from pathlib import Path
    >>> from elman.data import read
    >>> _ = Path("runs.csv").write_text('''run,t,speed,label
    ... a,0,1.5,up
    ... a,1,2.5,up
    ... b,0,0.5,down
    ... ''')
    >>> data = read("runs.csv", id="run", time="t", label="label")
    >>> print(data)
    Dataset(2 sequences, 1 feature speed, 1-2 steps, 2 classes)
    >>> print(data.ids, data.feature_names)
    ['a' 'b'] ('speed',)
    >>> X, y, metadata = data
    """

    X: Array | list[Array]
    """(n_samples, n_timesteps, n_features), or a list of (n_timesteps_i, n_features) if lengths
    differ; 2-D only if a .npz file holds a 2-D X; a `SequenceStore`, if it is one. Arrays of
    objects if some features are categories, which are then as they are, and numbers floats. A list
    of str if each sequence is a text, of which a step is a character"""
    y: Array | list[Array] | None = None
    """(n_samples,): labels as strings or targets as floats (.ts), or as stored (.npz), where it may
    be (n_samples, n), or a list of (n_timesteps_i,) or (n_timesteps_i, n), what each step has; None
    without any. A label that is missing among others is None in an array of objects"""
    metadata: dict[str, Any] = field(default_factory=dict)
    """.ts: the headers, by lower-case name without @. .npz: the arrays that are not X or y"""
    ids: Array | None = None
    """(n_samples,), by which the source names each sequence, in the order of X; None without any"""
    feature_names: tuple[str, ...] | None = None
    """of the columns of X, in their order; None where the source has no names"""
    sample_weight: Array | list[Array] | None = None
    """(n_samples,) or a list of (n_timesteps_i,), as `fit` takes it; None without any"""
    categorical: tuple[str, ...] = ()
    """the features that are categories, by name (without names their numbers from 0, as text)"""

    def __iter__(self) -> Iterator[Any]:
        return iter((self.X, self.y, self.metadata))

    def __repr__(self) -> str:
        """One line: samples, features and their names, steps, and what y is."""
        return f"Dataset({', '.join(self._parts())})"

    def _parts(self) -> Iterator[str]:
        yield _counted(len(self.X), "sequence")
        if len(self.X) and isinstance(self.X[0], str):
            name = visible((self.feature_names or ("",))[0])
            yield f"text {name}".rstrip()
            yield _range(lengths_of(self.X), "character")
        elif len(self.X):
            one = np.ndim(self.X[0]) == 1
            n_features = 1 if one else int(np.shape(self.X[0])[-1])
            names = self.feature_names or ()
            named = " ".join(map(visible, names[:MOST_NAMES]))
            named += " ..." if len(names) > MOST_NAMES else ""
            yield f"{_counted(n_features, 'feature')} {named}".rstrip()
            if self.categorical:
                yield f"{len(self.categorical)} categorical"
            yield _range(lengths_of(self.X), "step")
        yield from self._targets()

    def _targets(self) -> Iterator[str]:
        y = self.y
        if y is None:
            return
        if isinstance(y, list):
            kinds = {np.asarray(row).dtype.kind for row in y if len(row)}
            yield "values at each step" if kinds <= {"f"} else "labels at each step"
        elif y.ndim == 2:
            yield f"{y.shape[1]} labels or targets of each"
        elif y.dtype.kind == "f":
            yield "a target of each"
        else:
            yield _counted(len(set(y.tolist()) - {None}), "class", "classes")


def lengths_of(X: Any) -> NDArray[np.int64]:
    """(n_samples,), the steps of each; a store knows them without reading."""
    known = getattr(X, "lengths", None)
    return np.fromiter(map(len, X), np.int64, len(X)) if known is None else known


def cut(text: str) -> str:
    """Quote text of a file for an error message, cut to 60 characters."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def listed(names: Iterable[str]) -> str:
    """Names in an error message: the first of them, quoted, and how many more there are."""
    return enumerated(map(cut, names))


def enumerated(texts: Iterable[str]) -> str:
    """Texts in an error message: the first of them, and how many more there are."""
    every = list(texts)
    more = len(every) - MOST_NAMES
    return ", ".join(every[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _range(lengths: NDArray[np.int64], one: str) -> str:
    shortest, longest = int(lengths.min()), int(lengths.max())
    return _counted(longest, one) if shortest == longest else f"{shortest}-{longest} {one}s"


def _counted(n: int, one: str, more: str | None = None) -> str:
    return f"{n} {one if n == 1 else more or one + 's'}"
