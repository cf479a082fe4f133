"""Sequences with categories in; what is unknown of them, and which occur twice, out."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from elman.data.sequences import Sequences
from elman.data.symbols import Symbols
from elman.data.symbols.naming import name_of_column
from elman.data.symbols.tables import SymbolTables
from elman.reporting.evidence import chunks
from elman.reporting.plain import number

Fact = dict[str, Any]

MORE_UNKNOWN = 0.05
"""by which the share of unknown tokens is above that of training before it is said to be more"""
ERRORS = 3
"""standard errors that it has to be above it as well"""


def unknown_facts(data: Sequences, symbols: Symbols) -> list[Fact]:
    """Of each categorical column the share of unknown tokens, here and in training.

    The standard error treats recordings as independent, not their steps: it is that of a ratio,
    Cochran (1977), "Sampling techniques", equation 2.46.
    """
    n_codes = symbols.n_codes
    unknown, known = np.zeros((2, len(data), n_codes))
    for start, stop in chunks(data, n_codes, True):
        rows = np.asarray(data.rows(slice(start, stop)))[:, :n_codes]
        sample = np.repeat(np.arange(start, stop), data.lengths[start:stop])
        for k in range(n_codes):
            unknown[:, k] += np.bincount(sample, rows[:, k] == 0, minlength=len(data))
            known[:, k] += np.bincount(sample, ~np.isnan(rows[:, k]), minlength=len(data))
    n = len(data)
    table = []
    for k, vocabulary in enumerate(symbols.vocabularies):
        total = known[:, k].sum()
        share = unknown[:, k].sum() / total if total else 0.0
        apart = np.square(unknown[:, k] - share * known[:, k]).sum()
        error = float(np.sqrt(apart * n / (n - 1)) / total) if n > 1 and total else float("nan")
        before = vocabulary.unknown_share
        more = share - before
        table.append(
            {
                "column": name_of_column(symbols, symbols.categorical[k]),
                "n_categories": vocabulary.n_categories,
                "unknown_in_training": before,
                "unknown_here": float(share) if total else None,
                "unknown_error": number(error),
                "n_missing": int(data.n_steps - total),
                "flagged": bool(n > 1 and more >= MORE_UNKNOWN and more > ERRORS * error),
            }
        )
    return table


def digests_of(X: Any) -> list[bytes]:
    """What tells each sample of an X with symbols from all that differ from it."""
    found = []
    for table in SymbolTables(X).samples:
        text = repr(table.tolist()).encode("utf-8", "surrogatepass")
        found.append(hashlib.blake2b(text, digest_size=16).digest())
    return found
