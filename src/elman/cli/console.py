"""Where the commands write: rich on a terminal, plain lines everywhere else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def output() -> Console:
    """The console of results (stdout)."""
    from rich.console import Console

    from elman.estimators.progress import console_size

    width, height = console_size()
    # In a pipe or a file a line ends where its sentence ends, not at column 80.
    # No markup: a label or a file name may well hold square brackets.
    return Console(
        file=sys.stdout,
        highlight=False,
        emoji=False,
        markup=False,
        soft_wrap=not sys.stdout.isatty(),
        width=width,
        height=height,
    )
