"""Labels of classes in, what JSON and a file's arrays keep of them out; and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def describe_labels(labels: Array) -> tuple[dict[str, Any], dict[str, Array]]:
    """A description of the labels, and the array of those that a tensor can hold.

    Raises
    ------
    TypeError
        Labels that no file can hold.
    ValueError
        Labels that are too wide.
    """
    _check_width(labels.dtype)
    if labels.dtype.kind in "biuf" and labels.dtype.itemsize <= 8:
        return {"classes": {"dtype": labels.dtype.str}}, {"classes": labels}
    if labels.dtype.kind not in "UO" or not all(
        isinstance(label, (str, bool, int, float)) for label in labels.tolist()
    ):
        raise TypeError(
            f"classes_ of type {labels.dtype} ({labels.tolist()[:3]} ...) cannot be saved: train "
            "on labels that are strings, ints, bools or floats"
        )
    return {"classes": {"dtype": labels.dtype.str, "labels": labels.tolist()}}, {}


def restored_labels(described: dict[str, Any], tensors: dict[str, Array], n_classes: int) -> Array:
    """The labels (n_classes,) that `describe_labels` described; takes their array out.

    Raises
    ------
    KeyError, TypeError, ValueError
        They are not as many, not sorted, or of a type that no labels have.
    """
    of_classes, array = described["classes"], tensors.pop("classes", None)
    dtype = np.dtype(of_classes["dtype"])
    if dtype.kind not in "biufUO":
        raise ValueError(f"labels of type {dtype}")
    _check_width(dtype)
    if array is not None:
        labels = array.astype(dtype)
    else:
        labels = np.array(of_classes["labels"], dtype=dtype)
    if labels.shape != (n_classes,):
        raise ValueError(f"{len(labels)} labels for {n_classes} classes")
    if not np.array_equal(np.unique(labels), labels):
        raise ValueError("the labels are not sorted, or not all different")
    return labels


def _check_width(dtype: np.dtype[Any]) -> None:
    if dtype.itemsize > 1 << 16:  # a forged width would be multiplied by the number of labels
        raise ValueError(f"labels of type {dtype} are too wide for a file: shorten them")
