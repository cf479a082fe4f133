"""How categories are fed to a network: sizes of their vectors, and what these begin with."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.symbols import Symbols
from elman.data.symbols.asked import columns_named, is_asked
from elman.data.symbols.flat import is_missing
from elman.data.symbols.raw import column_called
from elman.data.symbols.symbols import by_column
from elman.data.symbols.vocabulary import Rarity
from elman.nn.categories import Columns, embedding_name
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.training.hints.words import percent

Array = NDArray[Any]

ONE_HOT_UP_TO = 16
"""categories of a column that embedding_size="auto" feeds one-hot"""
AUTO_SIZE = 16
"""numbers that stand for a category where there are more"""


def categories_of(symbols: Symbols | None, size: Any, init: Any) -> Columns:
    """For each categorical column how many categories it has, and the length of their vectors.

    Parameters
    ----------
    symbols : Symbols or None
    size : object
        `embedding_size` of an estimator.
    init : object
        `embedding_init` of an estimator: it says the length where `size` is "auto".

    Returns
    -------
    tuple of (int, int)
        As `elman.nn.layout.Layout` has them; the length 0 is one-hot.

    Raises
    ------
    ValueError
        A column is named that is none of the categorical ones, or the vectors to begin with have
        another length.
    """
    if symbols is None:
        return ()
    sizes = _by_column(size, symbols, "embedding_size", default="auto")
    vectors = _vectors_by_column(init, symbols)
    found = []
    for k, n in enumerate(symbols.n_categories):
        wanted, given = sizes[k], vectors[k]
        length = None if given is None else _length(given, k)
        if wanted == "auto":
            wanted = length or (None if n <= ONE_HOT_UP_TO else AUTO_SIZE)
        if length is not None and wanted != length:
            raise ValueError(
                f"embedding_init has vectors of {length} numbers for {_called(symbols, k)}, but "
                f"embedding_size is {wanted}: set it to {length}, or to 'auto'"
            )
        found.append((n, 0 if wanted is None else int(wanted)))
    return tuple(found)


def begin_with(network: Network, symbols: Symbols | None, init: Any) -> None:
    """Write the vectors of `embedding_init` into a fresh network.

    Raises
    ------
    ValueError
        An array has not a row for each category, a vector is not finite, or no token has one.
    """
    if symbols is None or init is None:
        return
    for k, given in enumerate(_vectors_by_column(init, symbols)):
        if given is None:
            continue
        E = network.params[embedding_name(k)]
        called = _called(symbols, k)
        if isinstance(given, Mapping):
            rows = _known(given, symbols.vocabularies[k].tokens)
            if not rows:
                token = symbols.vocabularies[k].most_frequent(1)
                raise ValueError(
                    f"embedding_init has a vector for no token of {called}: its keys are such as "
                    f"{next(iter(given), None)!r:.60}, and the tokens such as "
                    f"{token[0][0] if token else None!r:.60}; both have to be words, or both "
                    "characters, in the same case"
                )
            for row, vector in rows.items():
                E[row] = vector
        else:
            if np.shape(given) != E.shape:
                raise ValueError(
                    f"embedding_init has the shape {np.shape(given)} for {called}, which has "
                    f"{E.shape[0]} categories, unknown (the first) among them: pass {E.shape}"
                )
            E[...] = given
        if not np.isfinite(E).all():
            row = int(np.flatnonzero(~np.isfinite(E).all(axis=1))[0])
            token = symbols.vocabularies[k].objects("unknown")[row]
            raise ValueError(
                f"embedding_init: the vector of {token!r:.100} holds NaN, infinity or a number "
                f"that {E.dtype} does not hold"
            )


def coverage(symbols: Symbols | None, init: Any, *, frozen: bool) -> list[str]:
    """Of each categorical column that begins with a mapping of vectors, how many tokens have one.

    Parameters
    ----------
    symbols : Symbols or None
        Of the training data.
    init : object
        `embedding_init` of an estimator, which `begin_with` took.
    frozen : bool
        Whether vectors stay what they begin with.
    """
    if symbols is None or init is None:
        return []
    lines = []
    for k, given in enumerate(_vectors_by_column(init, symbols)):
        if not isinstance(given, Mapping):
            continue
        vocabulary = symbols.vocabularies[k]
        rows = [*_known(given, vocabulary.tokens)]
        n, counts = len(vocabulary.tokens), vocabulary.counts
        share = counts[rows].sum() / max(1, counts.sum())
        others = ""
        if len(rows) < n:
            others = f"; the others {'stay as they were drawn' if frozen else 'begin at random'}"
        lines.append(
            f"embedding_init has vectors for {len(rows):,} of the {n:,} tokens of "
            f"{_called(symbols, k)}, {percent(share)} of their occurrences in training{others}"
        )
    return lines


def hint_of_nothing_frozen(layout: Layout) -> str | None:
    """What to warn of if embeddings are to stay as they are, and no category has one."""
    if not layout.frozen_embeddings or layout.frozen:
        return None
    return (
        "freeze_embedding=True changes nothing, since every category is fed one-hot: there are no "
        "vectors to leave as they begin. Set embedding_size to how many numbers a vector has "
        f"(None and, for up to {ONE_HOT_UP_TO} categories, 'auto' are one-hot), or leave "
        "freeze_embedding out"
    )


def symbol_differences(
    estimator: Any, symbols: Symbols | None, built: Columns
) -> list[tuple[str, Any, Any]]:
    """What an estimator asks of symbols, beside what those are that its network was trained on.

    Parameters
    ----------
    estimator : RNNClassifier, RNNTagger or RNNRegressor
    symbols : Symbols or None
        Of the fitted model.
    built : tuple of (int, int)
        How its network is fed categories, as `categories_of` gives it.

    Returns
    -------
    list of (str, object, object)
        The name of a hyper-parameter, what it asks for, and what is there; equal where they agree.
    """
    asked = estimator.categorical_features
    if symbols is None:
        return [("categorical_features", asked, "'auto', of numbers alone")] * is_asked(asked)
    columns = columns_named(asked, symbols.n_columns, symbols.feature_names)
    sizes = _by_column(estimator.embedding_size, symbols, "embedding_size", default="auto")
    there = [size or None for _, size in built]
    # Vectors that a network began with said a size that "auto" no longer tells.
    sizes = [has if size == "auto" else size for size, has in zip(sizes, there, strict=True)]
    found: list[tuple[str, Any, Any]] = [
        ("embedding_size", sizes, there),
        ("handle_unknown", estimator.handle_unknown, symbols.handle_unknown),
        ("categorical_features", columns or [*symbols.categorical], [*symbols.categorical]),
    ]
    if symbols.rarity is not None:
        asked_rarity = Rarity.of(estimator.min_frequency, estimator.max_categories)
        found += [
            (name, getattr(asked_rarity, name), there)
            for name, there in symbols.rarity._asdict().items()
        ]
    if not isinstance(estimator.categories, str):
        rarity = symbols.rarity or Rarity.of(estimator.min_frequency, estimator.max_categories)
        known = [[*vocabulary.tokens] for vocabulary in symbols.vocabularies]
        listed = [
            [None if is_missing(token) else token for token in column]
            for column in by_column(estimator.categories)
        ]
        kept = listed
        if any(rarity) and len(listed) == len(known):  # rare ones of the list are not known
            kept = [_those_in(column, {*has}) for column, has in zip(listed, known, strict=True)]
        if kept != known:
            found.append(("categories", listed, known))
    return found


def _those_in(tokens: list[Any], known: set[Any]) -> list[Any]:
    return [token for token in tokens if isinstance(token, Hashable) and token in known]


def _known(given: Mapping[Any, Any], tokens: Any) -> dict[int, Array]:
    """By row the vectors of the tokens that have one; the tokens begin at row 1."""
    return {
        row: np.asarray(given[token], np.float64)
        for row, token in enumerate(tokens, start=1)
        if token in given
    }


def _length(given: Any, k: int) -> int:
    """The length of vectors."""
    if not isinstance(given, Mapping):
        if np.ndim(given) != 2:
            raise ValueError(
                f"embedding_init is an array of shape {np.shape(given)}; it must have two axes, a "
                "row for each category"
            )
        return int(np.shape(given)[1])
    lengths = {np.shape(vector) for vector in given.values()}
    if len(lengths) != 1 or len(first := lengths.pop()) != 1 or first[0] < 1:
        raise ValueError(
            "embedding_init is a mapping whose values are not vectors of one length: pass tokens "
            "with a 1-D array each"
        )
    return int(first[0])


def _vectors_by_column(init: Any, symbols: Symbols) -> list[Any]:
    """What each categorical column begins with; None where nothing is said."""
    if init is None:
        return [None] * symbols.n_codes
    is_by_column = isinstance(init, Mapping) and any(
        isinstance(value, Mapping) or np.ndim(value) == 2 for value in init.values()
    )
    if not is_by_column:
        if symbols.n_codes > 1:
            raise ValueError(
                f"X has {symbols.n_codes} categorical columns: pass embedding_init as a dict with "
                "the vectors of each by column"
            )
        return [init]
    return _by_column(init, symbols, "embedding_init", default=None)


def _by_column(value: Any, symbols: Symbols, name: str, default: Any) -> list[Any]:
    """A value for each categorical column, of one for all or a dict by column."""
    if not isinstance(value, Mapping):
        return [value] * symbols.n_codes
    names = symbols.feature_names
    found = [default] * symbols.n_codes
    for key, of_column in value.items():
        place = key
        if isinstance(key, str):
            if names is None or key not in names:
                has = f"has the columns {names}"
                if names is None:
                    has = "has no names of columns"
                    if symbols.n_codes == 1:
                        has += f": pass what is meant for {key!r} itself, without a dict of columns"
                raise ValueError(f"{name} names the column {key!r}, but X {has}")
            place = names.index(key)
        if place not in symbols.categorical:
            raise ValueError(
                f"{name} has an entry for column {key!r}, which is no categorical one; those are "
                f"{[_column(symbols, j) for j in symbols.categorical]}"
            )
        found[symbols.categorical.index(place)] = of_column
    return found


def _column(symbols: Symbols, j: int) -> Any:
    return j if symbols.feature_names is None else symbols.feature_names[j]


def _called(symbols: Symbols, k: int) -> str:
    """A categorical column, as errors call it."""
    return column_called(symbols.categorical[k], symbols.feature_names, symbols.n_columns, "X")
