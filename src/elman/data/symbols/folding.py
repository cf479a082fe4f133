"""Text in; the same in lower case, or without accents, out: one character after another."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

ACCENTS = (None, "ascii", "unicode")
"""What `strip_accents` may be, with the meaning of scikit-learn's CountVectorizer."""


class Folding(dict[int, str]):
    """A table for `str.translate`, made as characters come.

    A character becomes the same whatever stands beside it, so that a stream that is fed one
    character after another reads what it would read of the whole text. This differs from
    `str.lower` in one case: a capital sigma at the end of a Greek word.
    """

    def __init__(self, lowercase: bool, strip_accents: str | None) -> None:
        super().__init__()
        self.lowercase = lowercase
        self.strip_accents = strip_accents

    def __missing__(self, code: int) -> str:
        text = chr(code)
        if self.lowercase:
            text = text.lower()
        if self.strip_accents is not None:
            decomposed = unicodedata.normalize("NFKD", text)
            if self.strip_accents == "ascii":
                text = decomposed.encode("ascii", "ignore").decode()
            else:
                text = "".join(c for c in decomposed if not unicodedata.combining(c))
        self[code] = text
        return text


@lru_cache(maxsize=8)
def folding(lowercase: bool, strip_accents: str | None) -> Folding | None:
    """The table; None where text stays as it is."""
    if not lowercase and strip_accents is None:
        return None
    return Folding(lowercase, strip_accents)
