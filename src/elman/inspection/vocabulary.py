"""The categories of a column in; how many there are, and which are common, in words, out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from elman.data.symbols import Symbols
from elman.data.symbols.naming import category_name, name_of_column
from elman.nn.categories import Columns
from elman.targets.checks import visible

MOST_FREQUENT = 10
"""tokens that are told"""
IN_WORDS = 5
"""of them in a sentence"""
LONGEST = 24
"""characters of a token there"""


@dataclass(frozen=True)
class VocabularySummary:
    """The categories of one column, in numbers."""

    column: str
    """its name; "character" or "token" where X is text or tokens"""
    kind: str
    """what its values are: "characters", "text", "int" or "bool" """
    n_categories: int
    """unknown among them"""
    embedding_size: int | None
    """numbers that stand for a category; None: it is fed one-hot"""
    frozen: bool
    """whether training leaves them as they are"""
    unknown_share: float
    """share of the occurrences in training that was unknown: of tokens that are too rare"""
    most_frequent: tuple[tuple[Any, int], ...]
    """tokens with their occurrences in training, the commonest first; None is a missing value"""

    @property
    def title(self) -> str:
        """What stands before the line."""
        only = self.column in ("character", "token")
        return "vocabulary" if only else f"vocabulary of {self.column}"

    def in_words(self) -> str:
        """All of it in a line."""
        n = f"{self.n_categories:,} categor{'y' if self.n_categories == 1 else 'ies'}"
        how = "one-hot"
        if self.embedding_size is not None:
            how = f"{self.embedding_size:,} number{'s' * (self.embedding_size != 1)} each"
            how += ", frozen" * self.frozen
        told = [f"{n}, {how}"]
        if self.most_frequent:
            first = ", ".join(
                f"{quoted(token)} ({count:,})" for token, count in self.most_frequent[:IN_WORDS]
            )
            told.append(f"most often {first}")
        told.append(f"{_percent(self.unknown_share)} unknown in training")
        return "; ".join(told)


def vocabulary_summaries(
    symbols: Symbols | None, columns: Columns, *, frozen: bool
) -> tuple[VocabularySummary, ...]:
    """What is told of each categorical column.

    Parameters
    ----------
    symbols : Symbols or None
        None has no columns.
    columns : tuple of (int, int)
        As `elman.nn.layout.Layout` has them.
    frozen : bool
        Whether embeddings are not trained.
    """
    if symbols is None:
        return ()
    return tuple(
        VocabularySummary(
            column=name_of_column(symbols, j),
            kind=vocabulary.kind,
            n_categories=vocabulary.n_categories,
            embedding_size=size or None,
            frozen=frozen and size > 0,
            unknown_share=vocabulary.unknown_share,
            most_frequent=tuple(vocabulary.most_frequent(MOST_FREQUENT)),
        )
        for j, vocabulary, (_, size) in zip(
            symbols.categorical, symbols.vocabularies, columns, strict=True
        )
    )


def quoted(token: Any) -> str:
    """A token on a line: text in quotation marks, so that blanks are seen."""
    if not isinstance(token, str):
        return category_name(token)
    short = token if len(token) <= LONGEST else f"{token[: LONGEST - 1]}…"
    return f'"{visible(short)}"'


def _percent(share: float) -> str:
    if 0 < share < 0.0001:
        return "under 0.01 %"
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
