"""How long and on what the parts measure."""

from __future__ import annotations

from typing import NamedTuple

from elman.backends import available_isas


class Options(NamedTuple):
    """What the command line asked for."""

    quick: bool = False
    seconds: float = 3.0
    """for each contestant of each row"""
    isa: str | None = None
    """our instruction set; None: the widest"""
    rows: tuple[int, ...] = ()
    """of the table of layers, from 0; none: all"""

    @property
    def isa_name(self) -> str:
        """The instruction set in use."""
        return self.isa or available_isas()[-1]

    @property
    def isa_index(self) -> int:
        """Its place among those available."""
        return available_isas().index(self.isa_name)

    @property
    def min_rounds(self) -> int:
        """At least so many rounds, however long they take."""
        return 3 if self.quick else 5
