"""Epochs in; a progress bar on a terminal, or one plain line each elsewhere, out."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elman.models.history import Epoch


def console_size() -> tuple[int | None, int | None]:
    """Width and height for a rich console, where rich must not find them out itself.

    It takes COLUMNS and LINES as they are, and on a console without width it prints nothing and
    says nothing. If one of them is set to anything but a number from 1 to 999999, that one is the
    terminal's, or 80 columns and 24 lines; if not, both are None, and rich follows the terminal.
    """
    given = [os.environ.get(name) for name in ("COLUMNS", "LINES")]
    if not any(text and not _is_a_size(text) for text in given):
        return None, None
    try:
        terminal = os.get_terminal_size(sys.stdout.fileno())
    except (AttributeError, ValueError, OSError):  # no terminal, or not even a file
        terminal = os.terminal_size((0, 0))
    width, height = (
        int(text) if text and _is_a_size(text) else found or otherwise
        for text, found, otherwise in zip(given, terminal, (80, 24), strict=True)
    )
    return width, height


def _is_a_size(text: str) -> bool:
    return len(text) <= 6 and text.isascii() and text.isdecimal() and int(text) > 0


class EpochProgress:
    """Shows each epoch; a context manager, so that the bar is closed whatever happens.

    Parameters
    ----------
    n_epochs : int
    verbose : int
        0 shows nothing. From 1 a bar if standard output is a terminal that can show all of it,
        else a line for each epoch without escape codes; from 2 always lines.
    score : str, default="accuracy"
        What the validation score is.
    """

    def __init__(self, n_epochs: int, verbose: int, score: str = "accuracy") -> None:
        self._n_epochs = n_epochs
        self._verbose = verbose
        self._score = score
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> EpochProgress:
        if self._verbose == 1 and sys.stdout.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            width, height = console_size()
            console = Console(width=width, height=height)
            if console.is_dumb_terminal or console.width < self._width_of_bar():
                return self
            self._bar = Progress(
                TextColumn("epoch"),
                MofNCompleteColumn(),
                BarColumn(),
                TextColumn("{task.fields[numbers]}"),
                TimeRemainingColumn(),
                console=console,
            )
            self._task = self._bar.add_task("", total=self._n_epochs, numbers="")
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _width_of_bar(self) -> int:
        """Columns that all of it takes, with a bar of 2 and digits as `show` writes them."""
        numbers = f"loss 0.0000  validation loss 0.0000  {self._score} 0.0000"
        return len(f"epoch {self._n_epochs}/{self._n_epochs} -- {numbers} 0:00:00")

    def show(self, epoch: Epoch) -> None:
        """Report an epoch."""
        if self._verbose < 1:
            return
        numbers = f"loss {epoch.loss:.4f}"
        if epoch.validation_score is not None:
            numbers += (
                f"  validation loss {epoch.validation_loss:.4f}"
                f"  {self._score} {epoch.validation_score:.4f}"
            )
        if self._bar is not None:
            self._bar.update(self._task, completed=epoch.epoch, numbers=numbers)
        else:
            width = len(str(epoch.n_epochs))
            line = f"epoch {epoch.epoch:{width}d}/{epoch.n_epochs}  {numbers}"
            line += f"  gradient norm {epoch.gradient_norm:.3g}  {epoch.seconds:.2f} s"
            print(line, flush=True)
