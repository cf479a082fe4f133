"""The values of X, whatever their type, in; an error for what is no real number out."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.names import Names
from elman.targets.checks import shown

Array = NDArray[Any]

OF_TEXT = (
    "RNNClassifier, RNNTagger and RNNRegressor read text: a list of str or a column of it by "
    "itself, such as frame['text'], each text a sequence; or a list of sequences with categories"
)
"""What an error about text says, where numbers are read."""


ONLY_NUMBERS = (
    "a store keeps numbers alone: give fit the data themselves, of which it numbers the "
    "categories; or write whole numbers for them, and name their columns in categorical_features= "
    "in training; or write a column of 0 and 1 for each category (pandas.get_dummies, polars' "
    "to_dummies)"
)
"""What an error about categories says, where a store is written."""


def refuse_types(array: Array, name: str, sample: int | None, names: Names | None) -> None:
    """Raise an error unless an array holds real numbers.

    Parameters
    ----------
    array : ndarray
        All of X, or one sample.
    name : str
        What errors call X.
    sample : int or None
        Which sample the array is; None if it is all of X.
    names : tuple of str or None
        Of the columns of the array.

    Raises
    ------
    TypeError, ValueError
        It has values that are no real numbers; names the first.
    """
    kind = array.dtype.kind
    place = name if sample is None else f"{name}: sample {sample}"
    if kind == "c":
        raise ValueError(
            f"Complex data not supported: {place} has dtype {array.dtype}; pass the real and "
            "imaginary parts as two features"
        )
    if kind == "O":
        _refuse_objects(array, name, sample, names)
    elif kind not in "fiub":
        first = f", the first value is {shown(array.flat[0])}" if array.size else ""
        of_text = f". {OF_TEXT}" if kind in "UT" else ""
        raise TypeError(
            f"{place} has dtype {array.dtype}{first}: convert every value to a number{of_text}"
        )


def _refuse_objects(array: Array, name: str, sample: int | None, names: Names | None) -> None:
    """Every value of an object array is a real number that a float can hold."""
    for index in np.ndindex(array.shape):
        value = array[index]
        if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
            continue
        full = index if sample is None else (sample, *index)
        column = "" if names is None else f" (column {shown(names[index[-1]])})"
        place = f"{name}: {_place(full)}{column} is {shown(value)}, a {type(value).__name__}"
        if isinstance(value, (numbers.Complex, np.complexfloating)) and not isinstance(
            value, numbers.Real
        ):
            raise ValueError(
                f"Complex data not supported: {place}; pass the real and imaginary parts as "
                "two features"
            )
        try:
            if value is None or isinstance(value, (str, bytes)) or is_nested(value):
                raise TypeError
            float(value)
        except OverflowError as error:
            raise ValueError(f"{place} too large for float64: rescale {name}") from error
        except (TypeError, ValueError) as error:
            of_text = f". {OF_TEXT}" if isinstance(value, str) else ""
            raise TypeError(
                f"{place}; the argument must be free of strings, None and other objects: "
                f"convert every value to a number{of_text}"
            ) from error


def is_nested(value: Any) -> bool:
    """Whether an element of a list is itself a sample, rather than a number."""
    if isinstance(value, (list, tuple)):
        return True
    return getattr(value, "ndim", 0) > 0 or (
        hasattr(value, "__array__") and not isinstance(value, (np.generic, numbers.Number))
    )


def _place(index: tuple[int, ...]) -> str:
    names = ("sample", "timestep", "feature")
    return ", ".join(f"{what} {i}" for what, i in zip(names, index, strict=False))
