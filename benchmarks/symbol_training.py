"""Names in; training data of symbols, by which defaults are chosen, out.

Of the public ones they are parts of the training splits of the tasks of `make learning`, so that no
test of a task is looked at; the made ones are of seeds that no task has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.learning_tasks import genes, words
from benchmarks.made_symbols import make_event_logs, make_topics
from benchmarks.sets import DataSet

SEED = 1000
"""of made data"""


def _some(split: Any, n: int) -> tuple[list[Any], list[str]]:
    """n of the training samples, taken evenly."""
    rows = np.linspace(0, len(split.X_train) - 1, n).astype(int)
    return [split.X_train[i] for i in rows], [split.y_train[i] for i in rows]


SYMBOLS: dict[str, Callable[[], tuple[list[Any], list[str]]]] = {
    "languages": lambda: _some(words(0), 3000),
    "codons": lambda: _some(genes(is_new=False)(0), 800),
    "events": lambda: make_event_logs(400, SEED),
    "topics": lambda: make_topics(1000, 5000, SEED),
    "few messages": lambda: make_topics(200, 1000, SEED + 1),
}


def load(name: str) -> DataSet:
    """One of `SYMBOLS`, without a test split."""
    X, y = SYMBOLS[name]()
    return DataSet(name, "classification", X, np.asarray(y), [], np.array([]))
