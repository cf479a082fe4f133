"""What a reader of tables is asked for, once it knows the names of the columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """Columns to read, and what their fields may be."""

    names: frozenset[str] | None = None
    """the only columns that are read; None reads all"""
    roles: Mapping[str, str] | None = None
    """what columns that have a role are: "id", "name" (text always), "text" (text always, of which
    only an empty one is missing), "label", "category" (text or integers), "time", "feature"
    (numbers, or categories as text), or "number", which alone may not hold text; None allows text
    everywhere"""
    others: str = "number"
    """what every other column is"""

    def has(self, name: str) -> bool:
        """Whether the column is read."""
        return self.names is None or name in self.names

    def role(self, name: str) -> str:
        """What the fields of a column may be."""
        return self.others if self.roles is None else self.roles.get(name, self.others)

    def may_be_text(self, name: str) -> bool:
        """Whether a text in the column is no error."""
        return self.roles is None or self.role(name) != "number"


Choice = Callable[[Sequence[str]], Wanted]
"""What is wanted of the columns of these names; it may raise ReaderError."""


def everything(names: Sequence[str]) -> Wanted:
    """Every column, whatever it holds."""
    return Wanted()
