"""Where in a file reading is; the error of that place."""

from __future__ import annotations

from typing import NoReturn

from elman.data.dataset import ReaderError


class Place:
    """The line of a file that is being read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.line = 0
        """from 1; 0 where the file as a whole is meant"""

    def __str__(self) -> str:
        return self.at(self.line)

    def at(self, line: int) -> str:
        """How an error calls a line."""
        return f"{self.path}, line {line}" if line else self.path

    def fail(self, reason: str, line: int | None = None) -> NoReturn:
        """Raise ReaderError with the place, which is the present line unless another is given."""
        raise ReaderError(f"{self.at(self.line if line is None else line)}: {reason}")
