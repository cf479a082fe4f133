"""The tutorials' files in; their order, and what holds while one of them runs, out."""

from __future__ import annotations

import warnings
from typing import Any

IN_ORDER = [
    "speech.py",
    "your_csv.py",
    "text.py",
    "tagging.py",
    "forecasting.py",
    "streams.py",
    "missing_values.py",
    "toy_to_cluster.py",
]
"""The tutorials as a reader should meet them; any other follows by its name."""


class Order:
    """What sphinx-gallery sorts the tutorials by."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, file: str) -> tuple[int, str]:
        """Where a file comes among the others."""
        return (IN_ORDER.index(file) if file in IN_ORDER else len(IN_ORDER), file)


def healthy(_conf: dict[str, Any], _file: str) -> None:
    """End the build at a training that `fit` warns of: its page would show the warning."""
    from elman import TrainingWarning

    warnings.simplefilter("error", TrainingWarning)
