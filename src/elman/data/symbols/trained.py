"""Symbols of all samples, and which of them are trained on, in; the symbols of those alone out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.symbols.raw import column_called
from elman.data.symbols.symbols import Symbols
from elman.data.symbols.vocabulary import Rarity, Vocabulary, learned

Array = NDArray[Any]


class _Unlisted:
    """Stands for the tokens that a list of categories leaves out."""


def symbols_of_training(
    symbols: Symbols,
    training: Array,
    held_out: Array | None,
    *,
    categories: Any,
    min_frequency: float | None,
    max_categories: int | None,
) -> tuple[Symbols, list[NDArray[np.int64]]]:
    """The symbols that would have been learned from the training data alone.

    A token that only other samples have, such as those held out or those of weight 0, would have an
    id whose vector is never trained, and not the learned answer of what is unknown.

    Parameters
    ----------
    symbols : Symbols
        Learned from all samples, without `min_frequency` and `max_categories`.
    training : ndarray of shape (n_steps, n_codes + n_numbers)
        The steps that are trained on, as `symbols` encode them.
    held_out : ndarray of shape (n_steps, n_codes + n_numbers), optional
        Those of validation. Where a token that was never seen is an error, theirs are none.
    categories, min_frequency, max_categories
        As `Symbols.learn` takes them.

    Returns
    -------
    Symbols
    list of ndarray of shape (n_categories,)
        For each categorical column the new id of each id of `symbols`.

    Raises
    ------
    ValueError
        A column has no category left.
    """
    is_listed = not isinstance(categories, str)
    vocabularies, renumbered = [], []
    for k, vocabulary in enumerate(symbols.vocabularies):
        counts = _counts(vocabulary, training[:, k])
        others = None if held_out is None else _counts(vocabulary, held_out[:, k])
        n_of = dict(zip(vocabulary.tokens, counts[1:].tolist(), strict=True))
        if not is_listed:
            # Where an unseen token is no error, a token that has no occurrence left is forgotten.
            spared = np.zeros(len(counts), bool)
            if others is not None and symbols.handle_unknown == "error":
                spared = others > 0
            there = ((counts > 0) | spared)[1:].tolist()
            n_of = {t: n for (t, n), is_in in zip(n_of.items(), there, strict=True) if is_in}
        elif counts[0]:
            n_of[_Unlisted] = int(counts[0])
        found = learned(
            n_of,
            vocabulary.kind,
            categories=vocabulary.tokens if is_listed else None,
            min_frequency=min_frequency,
            max_categories=max_categories,
            keep_rare=symbols.handle_unknown == "error",
            column=column_called(
                symbols.categorical[k], symbols.feature_names, symbols.n_columns, "X"
            ),
        )
        new = {token: i for i, token in enumerate(found.tokens, start=1)}
        ids = np.zeros(len(counts), np.int64)
        ids[1:] = [new.get(token, 0) for token in vocabulary.tokens]
        vocabularies.append(found)
        renumbered.append(ids)
    rarity = Rarity.of(min_frequency, max_categories)
    return replace(symbols, vocabularies=tuple(vocabularies), rarity=rarity), renumbered


def renumber(block: Array, ids: Sequence[NDArray[np.int64]]) -> Array:
    """A copy of encoded steps, with new ids for the old ones; NaN stays."""
    block = block.copy()
    for k, new in enumerate(ids):
        column = block[:, k]
        known = np.isfinite(column)
        column[known] = new[column[known].astype(np.int64)]
    return block


def _counts(vocabulary: Vocabulary, ids: Array) -> NDArray[np.int64]:
    """Occurrences by id; what is missing and to be left out is none."""
    known = ids[np.isfinite(ids)].astype(np.int64)
    return np.bincount(known, minlength=vocabulary.n_categories)
