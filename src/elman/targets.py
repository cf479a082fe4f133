"""Labels and weights as a user passes them in; class indices, weights and a split of them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, column_or_1d

Array = NDArray[Any]


def check_labels(
    y: Any, n_samples: int, *, classes: Array | None = None, name: str = "y"
) -> tuple[Array, NDArray[np.int64]]:
    """Sorted classes (those of `y` unless given), and the index of each label among them.

    Raises
    ------
    ValueError
        Labels that are missing, not one for each sample, of a continuous target, NaN, or unknown.
    """
    if y is None:
        raise ValueError(
            f"RNNClassifier requires {name} to be passed, but the target {name} is None: pass one "
            "label for each sample"
        )
    labels = np.asarray(column_or_1d(y, warn=True))
    assert_all_finite(labels, input_name=name)
    check_classification_targets(labels)
    if len(labels) != n_samples:
        raise ValueError(
            f"{name} has {len(labels)} label(s), but {name.replace('y', 'X')} has {n_samples} "
            "sample(s): pass one label for each sample"
        )
    found, codes = np.unique(labels, return_inverse=True)
    if classes is None:
        return found, codes.astype(np.int64)
    known = np.isin(found, classes)
    if not known.all():
        stranger = found[~known][0]
        sample = int(np.flatnonzero(labels == stranger)[0])
        raise ValueError(
            f"{name}[{sample}] is {stranger!r}, which is not one of the classes {classes.tolist()}"
        )
    return classes, np.searchsorted(classes, found)[codes].astype(np.int64)


def check_weights(sample_weight: Any, n_samples: int) -> NDArray[np.float64]:
    """Weights (n_samples,), finite, not negative, not all zero.

    Raises
    ------
    TypeError, ValueError
        They are something else.
    """
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"sample_weight cannot be read as numbers ({error}): pass one number for each sample"
        ) from error
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight has shape {weights.shape}; expected ({n_samples},), one weight for "
            "each sample of X"
        )
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        raise ValueError(
            f"sample_weight[{bad[0]}] is {weights[bad[0]]!s}; weights must be finite and not "
            "negative"
        )
    if not weights.any():
        raise ValueError(
            "sample_weight is zero for every sample, so that no class is left to learn: at least "
            "one weight must be positive"
        )
    return weights


def class_weights(
    class_weight: Any,
    classes: Array,
    codes: NDArray[np.int64],
    sample_weight: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Weight of each class, by which the weights of its samples are multiplied.

    Parameters
    ----------
    class_weight : "balanced" or mapping of label to weight
        "balanced": n_samples / (n_classes n_k), counting with sample weights, so that every class
        weighs the same in all. A label that the mapping leaves out has weight 1.

    Raises
    ------
    TypeError, ValueError
        A label that is not a class, or a weight that is not a finite number of at least 0.
    """
    if isinstance(class_weight, str):
        counts = np.bincount(codes, weights=sample_weight, minlength=len(classes))
        present = counts > 0
        total = counts.sum() / max(int(present.sum()), 1)
        return np.asarray(np.divide(total, counts, out=np.ones(len(classes)), where=present))
    weights = np.ones(len(classes))
    labels = classes.tolist()
    for label, weight in class_weight.items():
        if label not in labels:
            raise ValueError(f"class_weight has the label {label!r}; the classes are {labels}")
        weights[labels.index(label)] = weight
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ValueError(
            f"class_weight={class_weight!r}; weights must be finite, not negative, and not all 0"
        )
    return weights


def check_class_weight(name: str, value: Any) -> None:
    """Check that it is None, "balanced" or a mapping."""
    if value is None or isinstance(value, Mapping):
        return
    if not isinstance(value, str):
        raise TypeError(
            f"{name}={value!r} is a {type(value).__name__}; it must be None, 'balanced', or a "
            "dict {label: weight}"
        )
    if value != "balanced":
        raise ValueError(f"{name}={value!r}; choose None, 'balanced', or a dict {{label: weight}}")


def hold_out(
    codes: NDArray[np.int64], fraction: float, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split samples at random into training and validation, each class by about the same share.

    One sample of each class always stays in training.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Index of each sample's class.
    fraction : float
        Share of the samples to hold out, in (0, 1).
    rng : numpy.random.Generator

    Returns
    -------
    training, validation : ndarray of int
        Sorted indices.

    Raises
    ------
    ValueError
        There are too few samples to hold one out.
    """
    shuffled = rng.permutation(len(codes))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    first_of_class = np.diff(codes[by_class], prepend=-1) != 0
    spare = by_class[~first_of_class]
    if len(spare) == 0:
        raise ValueError(
            f"early_stopping cannot hold out validation data from {len(codes)} sample(s) of "
            f"{int(first_of_class.sum())} class(es): pass more samples, X_val and y_val, or "
            "early_stopping=False"
        )
    n_held_out = min(max(1, round(fraction * len(codes))), len(spare))
    # Evenly spaced through the classes, from a random start: systematic sampling.
    places = (np.arange(n_held_out) + rng.random()) * (len(spare) / n_held_out)
    validation = np.sort(spare[np.minimum(places.astype(np.intp), len(spare) - 1)])
    return np.setdiff1d(np.arange(len(codes)), validation), validation
