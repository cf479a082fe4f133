"""The names of the tutorials' files in; where each comes in their list out."""

from __future__ import annotations

IN_ORDER = [
    "speech.py",
    "your_csv.py",
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
