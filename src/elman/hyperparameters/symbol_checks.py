"""Checks of the values of hyper-parameters that say what symbols are and how they are fed."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from elman.data.symbols.asked import check_categorical_features
from elman.data.symbols.vocabulary import check_frequency
from elman.hyperparameters.checks import a_kind, accepting, integer, optional, plain


def _listed(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray))


def _plain_choice(value: Any) -> Any:
    """A text, or a list of numbers, bools or names, as JSON has it."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return [plain(each) for each in value] if _listed(value) else plain(value)


@accepting('"auto", "all", or list of column names, of indices or of bool', to_json=_plain_choice)
def categorical_columns(name: str, value: Any) -> None:
    """One of "auto" and "all", or which columns of a step are categories."""
    check_categorical_features(value, name)


def _is_index(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))


def _size(name: str, value: Any) -> None:
    if value is None or (isinstance(value, str) and value == "auto"):
        return
    try:
        integer(1)(name, value)
    except (TypeError, ValueError) as error:
        text = str(error).replace("it must be an int of", "it must be")
        text = text.replace("it must be", "it must be 'auto', None or an int of")
        raise type(error)(text) from None


def _plain_sizes(value: Any) -> Any:
    if isinstance(value, Mapping):  # keys may be numbers of columns, which JSON has not as keys
        return [[plain(key), plain(size)] for key, size in value.items()]
    return plain(value)


def _restored_sizes(value: Any) -> Any:
    if isinstance(value, list):
        return {key: size for key, size in value}  # noqa: C416 -- pairs, or an error
    return value


@optional
@accepting(
    '"auto", int >= 1, dict of these by column,',
    to_json=_plain_sizes,
    from_json=_restored_sizes,
)
def embedding_width(name: str, value: Any) -> None:
    """The text "auto", a size of at least 1, None, or a dict of these by column."""
    if not isinstance(value, Mapping):
        _size(name, value)
        return
    for key, size in value.items():
        if not isinstance(key, str) and not _is_index(key):
            raise TypeError(
                f"{name} has the key {key!r:.100}; keys are names of columns, or their indices"
            )
        _size(f"{name}[{key!r:.100}]", size)


@accepting('"auto", or list with a list of tokens for each categorical column')
def known_categories(name: str, value: Any) -> None:
    """The text "auto", or the categories of each column; of one column its list alone will do."""
    if isinstance(value, str) and value == "auto":
        return
    if not _listed(value) or not len(value):
        raise TypeError(
            f"{name}={value!r:.200}; it must be 'auto' or a list with a list of categories for "
            "each categorical column"
        )
    if not any(map(_listed, value)):
        return
    for i, column in enumerate(value):
        if not _listed(column) or not len(column):
            raise TypeError(
                f"{name}[{i}] is {column!r:.100}; it must be a list of the categories of column "
                f"{i}, such as ['a', 'b']"
            )


@optional
@accepting("ndarray, mapping of tokens to vectors, dict of these by column,")
def initial_vectors(name: str, value: Any) -> None:
    """Vectors of categories, or None."""
    if isinstance(value, (np.ndarray, Mapping)):
        return
    raise TypeError(
        f"{name} is {a_kind(value)}; it must be an array with a row for each category, a mapping "
        "from tokens to vectors, a dict of these by column, or None"
    )


@optional
@accepting("int >= 1, float in (0, 1)", float)
def frequency(name: str, value: Any) -> None:
    """A count, a share, or None."""
    check_frequency(value, name)
