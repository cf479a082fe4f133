"""Targets and weights as a user passes them in; what training takes, and a split of it, out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.targets.masked import refuse_masked

Array = NDArray[Any]


def check_labels(
    y: Any, n_samples: int, *, classes: Array | None = None, name: str = "y"
) -> tuple[Array, NDArray[np.int64]]:
    """Sorted classes (those of `y` unless given), and the index of each label among them.

    Raises
    ------
    TypeError
        Strings among other labels, or labels that cannot be sorted.
    ValueError
        Labels that are missing, masked, not one for each sample, of a continuous target, NaN, or
        unknown.
    """
    from sklearn.utils.multiclass import check_classification_targets

    refuse_none(y, name, "RNNClassifier", "one label for each sample")
    labels = _label_array(y, name)
    found, codes = sorted_labels(labels, name)
    try:
        check_classification_targets(labels)
    except ValueError as error:
        if labels.dtype.kind != "f":
            raise
        raise ValueError(f"{error} RNNRegressor predicts numbers.") from error
    _check_length(len(labels), n_samples, name, "label")
    if classes is None:
        return found, codes
    known = np.isin(found, classes)
    if not known.all():
        stranger = found[~known][0]
        sample = int(np.flatnonzero(labels == stranger)[0])
        known_as = stranger.item() if isinstance(stranger, np.generic) else stranger
        raise ValueError(
            f"{name}[{sample}] is {known_as!r}, which is not one of the classes {classes.tolist()}"
        )
    return classes, np.searchsorted(classes, found)[codes].astype(np.int64)


def is_indicator(y: Any) -> bool:
    """Whether `y` has a column for each of several labels, not one label for each sample."""
    if hasattr(y, "toarray"):
        return True
    try:
        array = np.asarray(y)
    except ValueError:  # sequences of unequal lengths
        return False
    return array.ndim == 2 and array.shape[1] > 1


def check_indicator(
    y: Any, n_samples: int, *, n_labels: int | None = None, name: str = "y"
) -> NDArray[np.uint8]:
    """Which of several labels each sample has, (n_samples, n_labels) of 0 and 1.

    Raises
    ------
    ValueError
        Other values, masked ones, another number of rows than samples, or of columns than
        `n_labels`.
    """
    refuse_masked(y, name)
    array = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
    _refuse_not_finite(array, name)
    try:
        bad = np.argwhere(~np.isin(array, (0, 1)))
    except TypeError:
        bad = np.zeros((1, 2), int)
    if len(bad):
        row, column = bad[0].tolist()
        seen = array.tolist()[row][column]
        raise ValueError(
            f"{name} has shape {array.shape} with {seen!r} at [{row}, {column}]: "
            "pass one label for each sample (a 1d array), or an indicator matrix of 0 and 1 "
            "(n_samples, n_labels); labels of time steps are for RNNTagger"
        )
    _check_length(len(array), n_samples, name, "row")
    if n_labels is not None and array.shape[1] != n_labels:
        raise ValueError(
            f"{name} has {array.shape[1]} columns, but there are {n_labels} labels: pass a column "
            "for each, in the order of the training data"
        )
    return array.astype(np.uint8)


def check_values(y: Any, n_samples: int, *, n_targets: int | None = None, name: str = "y") -> Array:
    """Numbers to be predicted, (n_samples,) or (n_samples, n_targets) float64.

    Raises
    ------
    TypeError
        They are not numbers.
    ValueError
        They are missing, masked, NaN, infinite, complex, or as many as neither samples nor
        `n_targets`.
    """
    refuse_none(y, name, "RNNRegressor", "one number for each sample, or one for each target")
    if hasattr(y, "toarray"):
        raise TypeError(f"{name} is a sparse {type(y).__name__}: pass {name}.toarray()")
    refuse_masked(y, name)
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise ValueError(
            f"{name} has entries of unequal lengths: pass as many numbers for every sample, "
            "one for each target (n_samples, n_targets), and none for time steps"
        ) from error
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} has dtype {array.dtype}")
    strings = array.dtype.kind in "USO" and any(isinstance(v, (str, bytes)) for v in array.flat)
    try:
        if strings or array.dtype.kind in "mM":
            raise TypeError
        values = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} has dtype {array.dtype} and begins with {array.ravel()[:1].tolist()}: pass "
            "numbers; RNNClassifier takes labels"
        ) from error
    except OverflowError as error:
        raise ValueError(f"{name} holds a number beyond float64 ({error}): rescale it") from error
    if values.ndim not in (1, 2) or (values.ndim == 2 and values.shape[1] == 0):
        raise ValueError(
            f"{name} has shape {values.shape}: pass a 1d array (n_samples,), or "
            "(n_samples, n_targets)"
        )
    _refuse_not_finite(values, name)
    _check_length(len(values), n_samples, name, "value")
    found = 1 if values.ndim == 1 else values.shape[1]
    if n_targets is not None and found != n_targets:
        raise ValueError(
            f"{name} has {found} target(s) for each sample, but there were {n_targets} in training"
        )
    return values


def _refuse_not_finite(array: Array, name: str) -> None:
    if array.dtype.kind not in "fcO":
        return
    # what differs from itself is NaN, in an array of objects too
    bad = ~np.isfinite(array) if array.dtype.kind in "fc" else np.asarray(array != array)
    if not bad.any():
        return
    # in its words, which its checks look for; here, because importing it takes a second
    from sklearn.utils.validation import assert_all_finite

    try:
        assert_all_finite(array, input_name=name)
    except ValueError as error:
        place = np.argwhere(bad)[0].tolist()
        raise ValueError(f"{error}\nThe first is {name}{place}: leave it out") from error


def refuse_none(y: Any, name: str, estimator: str, wanted: str) -> None:
    """Raise ValueError, as scikit-learn's checks want it, where there are no targets."""
    if y is None:
        raise ValueError(
            f"{estimator} requires {name} to be passed, but the target {name} is None: pass "
            f"{wanted}"
        )


def _check_length(found: int, n_samples: int, name: str, what: str) -> None:
    if found != n_samples:
        raise ValueError(
            f"{name} has {found} {what}(s), but {name.replace('y', 'X')} has {n_samples} "
            f"sample(s): pass one {what} for each sample"
        )


def check_classes(classes: Any, known: Array | None = None) -> Array:
    """The labels a user lists, sorted, each once; those `known` from an earlier call, if any.

    Raises
    ------
    TypeError, ValueError
        They are none, NaN, not labels, of kinds that cannot be sorted together, or not those known.
    """
    labels = _label_array(classes, "classes")
    if len(labels) == 0:
        raise ValueError("classes is empty: list every label there will be")
    given = sorted_labels(labels, "classes")[0]
    if known is not None and not np.array_equal(given, known):
        raise ValueError(
            f"classes={given.tolist()} differ from those of the first call, {known.tolist()}: "
            "leave classes out, or start a new estimator"
        )
    return given


NO_CLASSES = "classes must be given in the first call of partial_fit: every label there will be"
NOT_BALANCED = (
    "class_weight='balanced' needs all samples at once, which partial_fit never sees: pass a dict "
    "{label: weight}"
)


def _label_array(y: Any, name: str) -> Array:
    from sklearn.utils.validation import column_or_1d

    refuse_masked(y, name)
    try:
        labels = np.asarray(column_or_1d(y, warn=True))
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(
            f"{name} has entries that are sequences, of unequal lengths: pass one label for each "
            "sample, not one for each step, which RNNTagger takes; several labels of a sample are "
            "an indicator matrix, which scikit-learn's MultiLabelBinarizer makes of them"
        ) from error
    _refuse_not_finite(labels, name)
    if labels.dtype.kind == "U" and isinstance(y, (list, tuple)):
        for i, label in enumerate(y):  # NumPy has made strings of all
            if np.ndim(label) == 0 and not isinstance(label, str):
                raise TypeError(
                    f"{name}[{i}] is {label!r} ({type(label).__name__}) among strings: make all "
                    "labels strings, or none"
                )
    return labels


def sorted_labels(labels: Array, name: str) -> tuple[Array, NDArray[np.int64]]:
    """Labels sorted, each once, and the index of every label among them."""
    try:
        found, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        kinds = ", ".join(sorted({type(label).__name__ for label in labels.tolist()}))
        raise TypeError(
            f"{name} mixes labels that cannot be sorted together ({kinds}): make them all "
            "strings, or leave out those that are missing"
        ) from error
    return found, codes.astype(np.int64)


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
        weighs the same in all. A label that the mapping leaves out has weight 1.

    Raises
    ------
    TypeError, ValueError
        A label that is not a class, or a weight that is not a finite number of at least 0.
    """
    weights = np.ones(len(codes)) if sample_weight is None else sample_weight
    if isinstance(class_weight, str):
        # by w / n_k, which is in range whatever they are: only proportions matter
        counts = np.bincount(codes, weights=weights, minlength=len(classes))[codes]
        return _scaled(np.divide(weights, counts, out=np.zeros(len(codes)), where=counts > 0))
    return _scaled(weights * _scaled(_listed(class_weight, classes))[codes])


def _listed(class_weight: Mapping[Any, Any], classes: Array) -> NDArray[np.float64]:
    refuse_masked(class_weight, "class_weight")
    weights = np.ones(len(classes))
    labels = classes.tolist()
    for label, weight in class_weight.items():
        if label not in labels:
            raise ValueError(f"class_weight has the label {label!r}; the classes are {labels}")
        try:
            weights[labels.index(label)] = weight
        except (TypeError, ValueError, OverflowError) as error:
            raise TypeError(
                f"class_weight gives the label {label!r} the weight {weight!r}, which is not a "
                "number of float64"
            ) from error
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ValueError(
            f"class_weight={class_weight!r}; weights must be finite, not negative, and not all 0"
        )
    return weights


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
