"""Weights of samples, and of classes, as a user passes them in; a weight for each sample out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.targets.checks import listed, place_in, shown
from elman.targets.masked import refuse_masked
from elman.targets.missing import is_missing, kind_of

Array = NDArray[Any]


def check_weights(sample_weight: Any, n_samples: int) -> NDArray[np.float64]:
    """Weights (n_samples,), not negative, the largest between 1/2 and 1.

    Only their proportions matter, so that all are divided by one power of two, which changes no
    bit of what is learned and keeps sums of the largest and the smallest floats in range.

    Raises
    ------
    TypeError, ValueError
        They are something else.
    """
    refuse_masked(sample_weight, "sample_weight")
    try:
        refuse_no_number(sample_weight, "sample_weight")
        weights = np.asarray(sample_weight)
        if weights.dtype.kind == "c":
            raise TypeError("they are complex")
        weights = weights.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(
            f"sample_weight cannot be read as numbers ({error}): pass one number for each sample"
        ) from error
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight has shape {weights.shape}; expected ({n_samples},), one weight for "
            "each sample of X"
        )
    return checked_weights(weights, lambda i: f"sample_weight[{i}]")


def refuse_no_number(values: Any, place: str) -> None:
    """Raise TypeError where a weight is text or a date, which NumPy would make a number of.

    Parameters
    ----------
    values : object
        Weights in any container, or one weight. What is no array at all has an error elsewhere.
    place : str
        What errors call it.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return
    try:
        array = np.asarray(values, dtype=object)
    except (TypeError, ValueError):  # sequences of unequal lengths
        return
    flat = array.ravel().tolist()
    wrong = {t for t in set(map(type, flat)) if kind_of(t) in ("str", "bytes", "bytes_", "date")}
    if wrong:
        i = next(i for i, value in enumerate(flat) if type(value) in wrong)
        at = tuple(int(k) for k in np.unravel_index(i, array.shape))
        what = "a date or a time" if kind_of(type(flat[i])) == "date" else "text"
        raise TypeError(f"{place_in(place, at)} is {shown(flat[i])}, which is {what}")


def checked_weights(
    weights: NDArray[np.float64], place: Callable[[int], str]
) -> NDArray[np.float64]:
    """Weights scaled as `check_weights` says, or ValueError with the place of a bad one."""
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        raise ValueError(
            f"{place(int(bad[0]))} is {weights[bad[0]]!s}; weights must be finite and not negative"
        )
    if not weights.any():
        raise ValueError(
            "sample_weight is zero for every sample, so that no class and no number is left to "
            "learn: at least one weight must be positive"
        )
    return _scaled(weights)


def _scaled(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest between 1/2 and 1, by a power of two, unless all are 0."""
    _, exponent = np.frexp(weights.max(initial=0))
    scaled: NDArray[np.float64] = np.ldexp(weights, -exponent)
    return scaled


def weighted_by_class(
    class_weight: Any,
    classes: Array,
    codes: NDArray[np.int64],
    sample_weight: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Weight of each sample, multiplied by that of its class and scaled as by `check_weights`.

    Parameters
    ----------
    class_weight : "balanced" or mapping of label to weight
        "balanced": n_samples / (n_classes n_k), counting with sample weights, so that every class
        weighs the same in all. A label that the mapping leaves out has weight 1; what it may list
        `check_listed` says.

    Raises
    ------
    TypeError, ValueError
        Labels that `check_listed` refuses, or a weight that is not a finite number of at least 0.
    """
    weights = np.ones(len(codes)) if sample_weight is None else sample_weight
    if isinstance(class_weight, str):
        # by w / n_k, which is in range whatever they are: only proportions matter
        counts = np.bincount(codes, weights=weights, minlength=len(classes))[codes]
        return _scaled(np.divide(weights, counts, out=np.zeros(len(codes)), where=counts > 0))
    return _scaled(weights * _scaled(_listed(class_weight, classes))[codes])


def _listed(class_weight: Mapping[Any, Any], classes: Array) -> NDArray[np.float64]:
    """Weight of each class: 1 if the mapping names none."""
    refuse_masked(class_weight, "class_weight")
    labels = classes.tolist()
    weights: dict[Any, float] = {}
    for label, weight in class_weight.items():
        if is_missing(label):
            raise ValueError(f"class_weight has {label!r}, which says that there is no label")
        try:
            refuse_no_number(weight, "the weight")
            weights[label] = float(np.asarray(weight, np.float64))
        except (TypeError, ValueError, OverflowError) as error:
            raise TypeError(
                f"class_weight gives the label {shown(label)} the weight {shown(weight)}, which is "
                "not a number of float64"
            ) from error
    check_listed(weights, labels)
    found = np.array([weights.get(label, 1.0) for label in labels])
    given = np.array([*weights.values(), *found])
    if not (np.isfinite(given).all() and (given >= 0).all() and found.any()):
        raise ValueError(
            f"class_weight gives {listed(labels)} the weights {listed(found)}; weights must be "
            "finite, not negative, and not all 0"
        )
    return found


def check_listed(weights: Mapping[Any, Any], labels: Sequence[Any]) -> None:
    """Raise ValueError if a label of `weights` may be one of `labels` misspelt.

    scikit-learn's rule: labels that no sample has may be listed (a fold of cross-validation does
    not have all), and labels that samples have may be left out, but not both at once.

    Parameters
    ----------
    weights : mapping of label to weight
    labels : sequence
        The labels that there are.
    """
    absent = [label for label in weights if label not in labels]
    unlisted = [label for label in labels if label not in weights]
    if absent and unlisted:
        raise ValueError(
            f"class_weight has the label {shown(absent[0])}, which no sample has, and lacks "
            f"{shown(unlisted[0])}, which some have: correct it, or list every label there is, "
            f"{listed(labels)}"
        )
