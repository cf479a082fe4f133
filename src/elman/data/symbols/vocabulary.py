"""The categories of one column, with their numbers: learned, looked up, and turned back."""

from __future__ import annotations

import numbers
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.symbols.flat import WORDS, Flat, a_kind, as_categories, first_value
from elman.data.symbols.places import Place
from elman.targets.checks import shown

Array = NDArray[Any]
TokenKind = Literal["characters", "text", "int", "bool"]

MOST_CATEGORIES = 1 << 24
"""categories of a column, unknown among them: up to here float32 holds every id"""

MOST_BYTES = 1 << 16
"""bytes of a token in UTF-8. A longer one in training is an error, and later on it is unknown."""

UNSEEN = -1
"""what a look-up gives for a token that was not in training; a rare one is 0, unknown"""

TABLE = 1 << 16
"""a table of integers may have as many entries as this, and four for each category"""


class Rarity(NamedTuple):
    """Which tokens of training are unknown for being rare."""

    min_frequency: int | float | None = None
    """occurrences, or their share, below which a token is"""
    max_categories: int | None = None
    """the most categories of a column, unknown among them"""

    @classmethod
    def of(cls, min_frequency: Any, max_categories: Any) -> Rarity:
        """What a user says, as plain numbers."""
        if min_frequency is not None:
            whole = isinstance(min_frequency, numbers.Integral)
            min_frequency = int(min_frequency) if whole else float(min_frequency)
        return cls(min_frequency, None if max_categories is None else int(max_categories))


class _Ids(dict[Any, int]):
    """Ids by token."""

    def __missing__(self, token: Any) -> int:
        return UNSEEN


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Vocabulary:
    """The categories of a column. Id 0 is unknown; `tokens[i - 1]` has id i.

    Examples
    --------
    >>> from elman.data.symbols import Symbols
    >>> (vocabulary,) = Symbols.learn(["abba", "cab"], min_frequency=2).vocabularies
    >>> vocabulary.tokens, vocabulary.most_frequent(1), vocabulary.id_of("c")
    (('a', 'b'), [('a', 3)], 0)
    >>> round(vocabulary.unknown_share, 3)
    0.143
    """

    kind: TokenKind
    tokens: tuple[Any, ...]
    """str, int or bool, and None for missing values if they are a category of their own"""
    counts: NDArray[np.int64]
    """(n_categories,): occurrences in training by id, those of unknown first"""
    rare: tuple[Any, ...] = ()
    """tokens of training that are unknown because they are rare, kept where a token that was never
    seen is an error, so that they are none"""

    @property
    def n_categories(self) -> int:
        """Categories, unknown among them."""
        return len(self.tokens) + 1

    @property
    def unknown_share(self) -> float:
        """Which share of the occurrences in training was unknown; 0 if there were none."""
        return float(self.counts[0] / max(1, self.counts.sum()))

    @property
    def missing_id(self) -> int:
        """The id of a missing value: of its own category, or that of unknown."""
        return self._missing_id

    def most_frequent(self, n: int = 10) -> list[tuple[Any, int]]:
        """The n most frequent tokens in training, each with its occurrences."""
        order = np.argsort(-self.counts[1:], kind="stable")[:n]
        return [(self.tokens[i], int(self.counts[i + 1])) for i in order.tolist()]

    def id_of(self, token: Any) -> int:
        """The id of a token; 0 for one that is rare or was never seen."""
        return max(0, self._ids[token])

    def __repr__(self) -> str:
        most = ", ".join(shown(token) for token, _ in self.most_frequent(5))
        return f"<Vocabulary: {self.n_categories} categories of {self.kind}, such as {most}>"

    # Looking up

    @cached_property
    def _ids(self) -> _Ids:
        ids = _Ids(dict.fromkeys(self.rare, 0))
        ids.update(zip(self.tokens, range(1, self.n_categories), strict=True))
        return ids

    @cached_property
    def _missing_id(self) -> int:
        return self.tokens.index(None) + 1 if None in self.tokens else 0

    @cached_property
    def _by_code(self) -> NDArray[np.float32]:
        """Ids by code point; the last entry is for all that come after."""
        codes, ids = self._numbers
        table = np.full(int(codes.max(initial=0)) + 2, UNSEEN, np.float32)
        table[codes] = ids
        return table

    @cached_property
    def _numbers(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Code points or integers, sorted, with their ids."""
        known = {token: i for token, i in self._ids.items() if token is not None}
        if self.kind == "characters":
            known = {ord(token): i for token, i in known.items()}
        keys = np.fromiter(known.keys(), np.int64, len(known))
        order = np.argsort(keys)
        return keys[order], np.fromiter(known.values(), np.int64, len(known))[order]

    @cached_property
    def _by_number(self) -> tuple[int, NDArray[np.int64]] | None:
        """The least integer less one, and ids from there on; None where they lie far apart."""
        keys, ids = self._numbers
        if not len(keys):
            return None
        low, high = int(keys[0]) - 1, int(keys[-1]) + 1
        if high - low > TABLE + 4 * len(keys) or low < -(2**62) or high > 2**62:
            return None
        table = np.full(high - low + 1, UNSEEN, np.int64)
        table[keys - low] = ids
        return low, table

    def of_codes(self, codes: NDArray[np.uint32], out: NDArray[np.float32]) -> None:
        """Write the ids of code points to `out`, `UNSEEN` where there is none."""
        block = 1 << 18  # of codes, so that their indices stay in the cache
        for start in range(0, len(codes), block):
            part = slice(start, start + block)
            np.take(self._by_code, codes[part], out=out[part], mode="clip")

    def of_flat(self, flat: Flat) -> NDArray[np.int64]:
        """Ids of values of the vocabulary's kind, `UNSEEN` where there is none.

        What a missing value gets, the caller says.
        """
        if flat.kind == "nothing":
            return np.zeros(flat.n, np.int64)
        if flat.kind == "text":
            return np.fromiter(map(self._ids.__getitem__, flat.values), np.int64, flat.n)
        values = flat.values.astype(np.int64, copy=False)
        if self._by_number is not None:
            low, table = self._by_number
            found: NDArray[np.int64] = table[np.clip(values, low, low + len(table) - 1) - low]
            return found
        keys, ids = self._numbers
        if not len(keys):
            return np.full(flat.n, UNSEEN)
        at = np.minimum(np.searchsorted(keys, values), len(keys) - 1)
        return np.where(keys[at] == values, ids[at], UNSEEN)

    def of_value(self, value: Any) -> int:
        """The id of one value of the vocabulary's kind, `UNSEEN` if there is none."""
        return self._ids[value]

    def of_kind(self, flat: Flat, place: Place, column: str) -> Flat:
        """A column as this vocabulary has its tokens; an error if it was of another kind."""
        flat = as_categories(flat, place, column)
        if flat.kind in ("nothing", self.kind):
            return flat
        found = first_value(flat)
        if found is None:
            return flat._replace(kind="nothing", values=[])
        wanted = WORDS["text" if self.kind == "characters" else self.kind]
        raise TypeError(
            f"{column} held {wanted} in training, and holds {WORDS[flat.kind]} now "
            f"({shown(found[1])} at {place(found[0])}): pass the same categories as in training"
        )

    def objects(self, unknown: Any) -> NDArray[np.object_]:
        """Tokens by id, with `unknown` as that of id 0."""
        found = np.empty(self.n_categories, object)
        found[0] = unknown
        for i, token in enumerate(self.tokens, start=1):
            found[i] = token
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


# Learning


def check_frequency(value: Any, name: str = "min_frequency") -> None:
    """Raise TypeError or ValueError unless it is an int of at least 1, a share, or None."""
    if value is None:
        return
    if isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_)):
        if int(value) >= 1:
            return
    elif isinstance(value, (float, np.floating)) and 0 < value < 1:
        return
    elif not isinstance(value, (float, np.floating)):
        raise TypeError(f"{name}={value!r:.60}; it must be an int, a float, or None")
    raise ValueError(
        f"{name}={value!r:.60}; it must be an int of at least 1, occurrences, or a float between 0 "
        "and 1, their share"
    )


def check_max_categories(value: Any, name: str = "max_categories") -> None:
    """Raise TypeError or ValueError unless it is an int of at least 2, or None."""
    if value is None:
        return
    if not isinstance(value, numbers.Integral) or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={value!r:.60}; it must be an int, or None")
    if value < 2:
        raise ValueError(
            f"{name}={value!r:.60}; it must be at least 2, for unknown is one of the categories"
        )


def counts_of_codes(codes: NDArray[np.uint32]) -> dict[Any, int]:
    """Occurrences of each character, of code points."""
    counts = np.bincount(codes) if len(codes) else np.zeros(0, np.int64)
    there = np.flatnonzero(counts)
    return {chr(code): n for code, n in zip(there.tolist(), counts[there].tolist(), strict=True)}


def counts_of(flat: Flat) -> dict[Any, int]:
    """Occurrences of each category of a column, in which missing values are None."""
    n_missing = 0 if flat.missing is None else int(flat.missing.sum())
    if flat.kind == "nothing":
        counts: dict[Any, int] = {}
    elif flat.kind == "text":
        counts = dict(Counter(flat.values))
        counts.pop(None, None)
    else:
        values = flat.values if flat.missing is None else flat.values[~flat.missing]
        found, n = np.unique(values, return_counts=True)
        counts = dict(zip(found.tolist(), n.tolist(), strict=True))
    return counts | {None: n_missing} if n_missing else counts


def ordered(tokens: Iterable[Any]) -> list[Any]:
    """Tokens in their own order, text by code points; None is the last."""
    known = list(tokens)
    has_none = None in known
    return sorted(t for t in known if t is not None) + [None] * has_none


def learned(
    counts: dict[Any, int],
    kind: TokenKind,
    *,
    categories: Sequence[Any] | None,
    min_frequency: float | None,
    max_categories: int | None,
    keep_rare: bool,
    column: str,
) -> Vocabulary:
    """A vocabulary of the occurrences of each token.

    Parameters
    ----------
    counts : dict
        Token to occurrences.
    kind : str
    categories : sequence, optional
        The tokens, in the order of their ids; those of `counts` by default, by falling frequency,
        ties in their own order.
    min_frequency : int or float, optional
        Occurrences, or their share, below which a token is unknown.
    max_categories : int, optional
        The most categories, unknown among them; those of fewest occurrences are unknown.
    keep_rare : bool
        Whether to keep the tokens that are unknown for being rare.
    column : str
        What errors call the column.
    """
    total = sum(counts.values())
    if categories is None:
        for token in counts:
            _refuse_token(token, column)
        in_order = ordered(counts)
        order = sorted(in_order, key=lambda token: -counts[token])
    else:
        order = list(categories)
    least = 1 if min_frequency is None else min_frequency
    if isinstance(least, (float, np.floating)):
        least = float(least) * total
    kept = order
    if categories is None or min_frequency is not None:
        # A token without any occurrence is there to be kept as a rare one.
        kept = [t for t in order if counts.get(t, 0) >= least]
    if max_categories is not None and len(kept) + 1 > max_categories:
        frequent = sorted(kept, key=lambda token: -counts.get(token, 0))  # stable
        frequent = frequent[: max_categories - 1]
        wanted = set(frequent)
        kept = [token for token in kept if token in wanted]
    if not kept:
        why = (
            f"no token occurs often enough for min_frequency={min_frequency!r}"
            if any(counts.values())
            else "every sequence is empty"
        )
        raise ValueError(f"{column} has no category: {why}; {_fix(counts)}")
    if len(kept) + 1 > MOST_CATEGORIES:
        raise ValueError(
            f"{column} has {len(kept):,} categories; at most {MOST_CATEGORIES - 1:,} can be "
            "numbered: set min_frequency or max_categories"
        )
    known = set(kept)
    n = np.zeros(len(kept) + 1, np.int64)
    n[1:] = [counts.get(token, 0) for token in kept]
    n[0] = total - n[1:].sum()
    rare: tuple[Any, ...] = ()
    if keep_rare:
        # `order` first: with `categories`, a token of X beyond them was refused before
        rare = tuple(t for t in order if t not in known and t is not None)
    return Vocabulary(kind=kind, tokens=tuple(kept), counts=n, rare=rare)


_NUMBER = re.compile(
    r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*|\s*[+-]?(nan|inf)\s*", re.IGNORECASE
)


def refuse_numbers_as_text(counts: dict[Any, int], column: str) -> None:
    """Raise ValueError if all tokens are numbers, and not all whole ones, as ids would be."""
    texts = [token for token in counts if token is not None]
    if not texts or not all(map(_NUMBER.fullmatch, texts)):
        return
    parts = [text for text in texts if not text.strip().lstrip("+-").isdigit()]
    if parts:
        raise ValueError(
            f"{column} holds numbers as text ({parts[0]!r:.60}): convert it to numbers, as "
            "X.astype(float) does of an array; if they are categories, say so by "
            'categorical_features="all", or by a list of the columns that are'
        )


def _fix(counts: dict[Any, int]) -> str:
    if any(counts.values()):
        return f"the most frequent one occurs {max(counts.values())} time(s)"
    return "pass sequences that are not empty"


def _refuse_token(token: Any, column: str) -> None:
    if not isinstance(token, str):
        return
    try:
        n_bytes = len(token.encode())
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{column} holds {shown(token)}, in which {shown(token[error.start])} is half of a "
            "surrogate pair and no character (bytes that were decoded wrongly?): decode the text "
            "again, or replace it by text.encode('utf-16', 'surrogatepass').decode('utf-16', "
            "'replace')"
        ) from error
    if n_bytes > MOST_BYTES:
        raise ValueError(
            f"{column} holds a token of {n_bytes:,} bytes, {shown(token)}; at most {MOST_BYTES:,} "
            "are a token: cut the text into tokens (if each sequence is one text, pass a list of "
            "str, not a list of lists)"
        )


def given_categories(categories: Any, kind: TokenKind, column: str, fold: Any) -> tuple[Any, ...]:
    """The categories that a user lists for one column, of the column's kind, checked."""
    tokens = []
    wanted: dict[str, Any] = {
        "characters": str,
        "text": str,
        "int": (int, np.integer),
        "bool": (bool, np.bool_),
    }
    for value in categories.tolist() if isinstance(categories, np.ndarray) else list(categories):
        token = value.item() if isinstance(value, np.generic) else value
        if isinstance(token, float) and token != token:
            token = None
        if token is not None:
            is_bool = isinstance(token, bool)
            if not isinstance(token, wanted[kind]) or (kind == "int" and is_bool):
                raise TypeError(
                    f"categories holds {shown(token)}, {a_kind(token)}, for {column}, "
                    f"whose values are {WORDS['text' if kind == 'characters' else kind]}"
                )
            if kind == "int" and not -(2**63) <= token < 2**63:
                raise ValueError(f"categories holds {token!r:.60}, which does not fit in 64 bits")
            if kind == "characters" and len(token) != 1:
                raise ValueError(
                    f"categories holds {shown(token)} for {column}, whose steps are single "
                    "characters: pass a list of characters, such as list('ACGT')"
                )
            _refuse_token(token, "categories")
            if isinstance(token, str):
                token = str(token)
                if fold is not None and fold(token) != token:
                    raise ValueError(
                        f"categories holds {shown(token)}, which lowercase or strip_accents makes "
                        f"{shown(fold(token))}, so that it never occurs: list it in that form"
                    )
        tokens.append(token)
    if len(set(tokens)) < len(tokens):
        twice = next(token for token, n in Counter(tokens).items() if n > 1)
        raise ValueError(f"categories holds {shown(twice)} twice for {column}: list it once")
    return tuple(tokens)
