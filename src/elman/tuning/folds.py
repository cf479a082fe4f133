"""Samples with their answers and groups in; repeated folds to train and to score on, out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]

FEWEST_OF_CLASS = 2
"""Samples of a class, below which a fold that scores it has trained on none."""

MOST_NAMED = 3
"""classes in a sentence"""


class Fold(NamedTuple):
    """Numbers of samples."""

    train: Rows
    test: Rows


class Folds(NamedTuple):
    """All folds of a search, the same for every candidate."""

    repeats: list[list[Fold]]
    """The first is searched on, the others are kept for the finalists."""
    said: str
    """what they are, in words"""

    @property
    def all(self) -> list[Fold]:
        """Every fold by its number, repeat after repeat."""
        return [fold for repeat in self.repeats for fold in repeat]


def make_folds(
    cv: Any,
    n_samples: int,
    strata: NDArray[Any] | None,
    groups: Any,
    *,
    n_repeats: int,
    seed: int,
) -> Folds:
    """Cut the samples into folds, several times, each time otherwise.

    Parameters
    ----------
    cv : int, splitter or iterable of (train, test)
        A number of folds, or what scikit-learn takes for `cv`, which has no further repeats.
    n_samples : int
    strata : ndarray of shape (n_samples,) or None
        The class of each sample, of which every fold gets its share; None: plain folds.
    groups : array-like of shape (n_samples,) or None
        Samples of one group are never on both sides of a fold.
    n_repeats : int
    seed : int

    Raises
    ------
    TypeError, ValueError
        There are too few samples, groups or samples of a class, or `cv` is something else.
    """
    groups = None if groups is None else _checked_groups(groups, n_samples)
    if isinstance(cv, bool) or not isinstance(cv, (int, np.integer)):
        return _given(cv, n_samples, strata, groups)
    n_folds = _n_folds(int(cv), n_samples, strata, groups)
    repeats = []
    for number in range(n_repeats):
        splitter = _splitter(n_folds, strata is not None, groups is not None, seed + number)
        y = np.zeros(n_samples) if strata is None else strata
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The least populated class")  # which is said
            found = _folds(splitter.split(y, y, groups))
            if not all(len(fold.test) for fold in found):
                # Balance can leave a fold without a group; folds of groups alone never are.
                splitter = _splitter(n_folds, False, True, seed + number)
                found = _folds(splitter.split(y, y, groups))
            repeats.append(found)
    kind = "grouped" if groups is not None else ""
    kind += " stratified" * (strata is not None)
    fewer = "" if n_folds == cv else f" (not {cv}: {_why_fewer(n_folds, strata, groups)})"
    said = f"{n_folds} {kind} folds".replace("  ", " ") + fewer + _never_learned(strata, groups)
    return Folds(repeats, said)


def _n_folds(cv: int, n_samples: int, strata: Any, groups: Any) -> int:
    if cv < 2:
        raise ValueError(f"cv={cv}; it must be at least 2 folds")
    most = n_samples if groups is None else len(np.unique(groups))
    if most < 2:
        what = "sample(s)" if groups is None else "group(s)"
        raise ValueError(
            f"there is {most} of {what}, and nothing can be held out to score on: pass at least 2"
        )
    if strata is not None:
        largest = int(np.unique(strata, return_counts=True)[1].max())
        if largest < FEWEST_OF_CLASS:
            raise ValueError(
                f"each of the {n_samples} classes has a single sample, so that no fold scores a "
                "class that it has trained on: pass at least 2 samples of a class, or "
                "estimator='regressor' if y has numbers to be predicted"
            )
        most = min(most, largest)  # as far as samples of a class can be shared out
    if strata is not None and groups is None:
        # Smaller classes are then missing from some folds, which lose nothing by it but balance.
        most = min(most, max(int(np.unique(strata, return_counts=True)[1].min()), FEWEST_OF_CLASS))
    if strata is None and groups is None:
        most = max(n_samples // 2, 2)  # R^2 wants two samples to score
    return min(cv, most)


def _why_fewer(n_folds: int, strata: Any, groups: Any) -> str:
    if groups is not None and n_folds == len(np.unique(groups)):
        return f"there are {n_folds} groups"
    if strata is None:
        return "there are too few samples"
    classes, counts = np.unique(strata, return_counts=True)
    if groups is not None:
        return f"no class has more than {counts.max()} samples"
    fewest = int(counts.argmin())
    return f"class {classes.tolist()[fewest]!r} has {counts[fewest]} sample(s)"


def _never_learned(strata: Any, groups: Any) -> str:
    """A warning of classes of one group, which are only scored where nobody has learned them."""
    if strata is None or groups is None:
        return ""
    classes = np.unique(strata)
    alone = [each for each in classes if len(np.unique(groups[strata == each])) == 1]
    if not alone or len(classes) == 1:
        return ""
    names = ", ".join(repr(each.item()) for each in alone[:MOST_NAMED])
    names += ", ..." * (len(alone) > MOST_NAMED)
    return (
        f" (of {len(alone)} of {len(classes)} classes, {names}, there is a single group: a fold "
        "that scores such a class has not trained on it)"
    )


def _splitter(n_folds: int, stratified: bool, grouped: bool, seed: int) -> Any:
    from sklearn.model_selection import (
        GroupKFold,
        KFold,
        StratifiedGroupKFold,
        StratifiedKFold,
    )

    kinds = {
        (False, False): KFold,
        (False, True): GroupKFold,
        (True, False): StratifiedKFold,
        (True, True): StratifiedGroupKFold,
    }
    kind: Any = kinds[stratified, grouped]
    return kind(n_folds, shuffle=True, random_state=seed)


def _given(cv: Any, n_samples: int, strata: Any, groups: Any) -> Folds:
    """The folds of a splitter, or those that were passed one by one."""
    if isinstance(cv, str) or not (hasattr(cv, "split") or hasattr(cv, "__iter__")):
        raise TypeError(
            f"cv={cv!r:.100}; it must be a number of folds, a splitter of scikit-learn or a list "
            "of pairs (train, test)"
        )
    y = np.zeros(n_samples) if strata is None else strata
    found = _folds(cv.split(y, y, groups) if hasattr(cv, "split") else cv, n_samples)
    if len(found) < 2:
        raise ValueError(f"cv has {len(found)} fold(s); pass at least 2")
    for number, fold in enumerate(found):
        for name, rows in fold._asdict().items():
            if len(rows) == 0 or rows.min() < 0 or rows.max() >= n_samples:
                raise ValueError(
                    f"cv: the {name} part of fold {number} must hold numbers of samples from 0 to "
                    f"{n_samples - 1}, at least one"
                )
        both = np.intersect1d(fold.train, fold.test)
        if len(both):
            raise ValueError(
                f"cv: {len(both)} sample(s), such as sample {both[0]}, are in both parts of fold "
                f"{number}, so that its score would be too good: a sample that is scored must not "
                "be trained on"
            )
    return Folds([found], f"{len(found)} folds that were passed")


def _folds(pairs: Any, n_samples: int | None = None) -> list[Fold]:
    """Pairs with numbers of samples; those of a user are checked, and may be masks."""
    folds = []
    for number, pair in enumerate(pairs):
        try:
            train, test = pair
        except (TypeError, ValueError):
            raise ValueError(
                f"cv: fold {number} is {pair!r:.100}; it must be a pair (train, test) of numbers "
                "of samples"
            ) from None
        folds.append(Fold(*(_rows(part, number, n_samples) for part in (train, test))))
    return folds


def _rows(part: Any, number: int, n_samples: int | None) -> Rows:
    rows = np.asarray(part).reshape(-1)
    if rows.dtype.kind == "b" and len(rows) == n_samples:
        rows = np.flatnonzero(rows)
    if rows.dtype.kind not in "iu" and len(rows):
        raise ValueError(
            f"cv: fold {number} has values of type {rows.dtype}; it must have whole numbers of "
            "samples, or one True or False for each sample"
        )
    return rows.astype(np.intp)


def _checked_groups(groups: Any, n_samples: int) -> NDArray[Any]:
    from elman.targets.checks import refuse_missing
    from elman.targets.missing import plain

    found = plain(groups)
    if found.values.ndim != 1 or len(found.values) != n_samples:
        raise ValueError(
            f"groups has shape {found.values.shape}, but there are {n_samples} samples: pass one "
            "group for each"
        )
    refuse_missing(found, "groups", "every sample needs a group", "give it one of its own")
    try:
        return np.unique(found.values, return_inverse=True)[1]
    except TypeError:  # numbers beside text
        kinds = sorted({type(each).__name__ for each in found.values})
        raise TypeError(
            f"groups has values of different types ({', '.join(kinds)}), of which it cannot be "
            "said whether they are the same group: pass text for all, or numbers for all"
        ) from None


def sizes(folds: Sequence[Fold]) -> tuple[float, float]:
    """Mean number of samples that are trained on, and that are scored, in a fold."""
    counts = np.array([[len(fold.train), len(fold.test)] for fold in folds], np.float64)
    train, test = counts.mean(axis=0).tolist()
    return train, test
