"""What a reader of tables is asked for: which columns, and what each may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ROLES = ("id", "time", "label", "step_label", "target", "step_target", "weight")


@dataclass(frozen=True)
class Wanted:
    """Columns to read, and what their fields may be."""

    names: frozenset[str] | None = None
    """the only columns that are read; None reads all. Those that a file lacks are no error here"""
    roles: Mapping[str, str] | None = None
    """for the columns that may hold text, which role they have: "id", "label" or "time"; a text in
    any other column is an error then. None allows text everywhere"""

    def has(self, name: str) -> bool:
        """Whether the column is read."""
        return self.names is None or name in self.names

    def role(self, name: str) -> str:
        """What the fields of a column may be: "id", "label", "time", or else "number"."""
        return "number" if self.roles is None else self.roles.get(name, "number")

    def may_be_text(self, name: str) -> bool:
        """Whether a text in the column is no error."""
        return self.roles is None or name in self.roles


EVERYTHING = Wanted()
