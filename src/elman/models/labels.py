"""Writes the labels of classes into a model file, and reads them back."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

DTYPE = re.compile(r"[|<>=]?(b1|[iu][1248]|f[248]|U[0-9]{1,9}|O)")
"""How a file writes the type of labels: NumPy's own way."""
MOST_BYTES = 1 << 24
"""What labels may take in memory beside eight times their characters: NumPy gives each the width
of the longest."""


def describe_labels(labels: Array) -> tuple[dict[str, Any], dict[str, Array]]:
    """A description of the labels, and the array of those that a tensor can hold.

    Raises
    ------
    TypeError
        Labels that no file can hold.
    ValueError
        Labels that are too wide.
    """
    if labels.dtype.kind in "biuf" and labels.dtype.itemsize <= 8:
        return {"classes": {"dtype": labels.dtype.str}}, {"classes": labels}
    if labels.dtype.kind not in "UO" or not all(
        isinstance(label, (str, bool, int, float)) for label in labels.tolist()
    ):
        raise TypeError(
            f"classes_ of type {labels.dtype} ({labels.tolist()[:3]} ...) cannot be saved: train "
            "on labels that are strings, ints, bools or floats"
        )
    texts = labels.tolist()
    _check_width(labels.dtype, texts)
    return {"classes": {"dtype": labels.dtype.str, "labels": texts}}, {}


def restored_labels(described: dict[str, Any], tensors: dict[str, Array], n_classes: int) -> Array:
    """The labels (n_classes,) that `describe_labels` described; takes their array out.

    Raises
    ------
    KeyError, TypeError, ValueError
        They are not as many, not sorted, or of a type that no labels have.
    """
    of_classes, array = described["classes"], tensors.pop("classes", None)
    written = of_classes["dtype"]
    # What NumPy makes of any other text may be an array, a record, or no ValueError at all.
    if not isinstance(written, str) or not DTYPE.fullmatch(written):
        raise ValueError(f"labels of type {str(written)[:20]!r}")
    dtype = np.dtype(written)
    if array is not None:
        if array.dtype.kind not in "biuf" or dtype.kind not in "biuf":
            raise ValueError(f"labels of type {dtype} in an array of {array.dtype}")
        labels = array.astype(dtype)
    else:
        texts = of_classes["labels"]
        if not isinstance(texts, list) or not all(
            isinstance(label, (str, bool, int, float)) for label in texts
        ):
            raise ValueError("labels that are neither texts nor numbers")
        _check_width(dtype, texts)
        labels = np.array(texts, dtype=dtype)
    if labels.shape != (n_classes,):
        raise ValueError(f"{len(labels)} labels for {n_classes} classes")
    if not np.array_equal(np.unique(labels), labels):
        raise ValueError("the labels are not sorted, or not all different")
    return labels


def _check_width(dtype: np.dtype[Any], texts: list[Any]) -> None:
    """Raise ValueError for labels that take far more memory than the texts that they are."""
    n_characters = sum(len(text) for text in texts if isinstance(text, str))
    if dtype.itemsize * len(texts) > 8 * n_characters + MOST_BYTES:
        raise ValueError(
            f"{len(texts)} labels of type {dtype} take {dtype.itemsize * len(texts):,} bytes, for "
            f"{n_characters:,} characters in all: shorten the longest ones"
        )
