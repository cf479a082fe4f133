"""Epochs in; a progress bar on a terminal, or one plain line each elsewhere, out."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elman.models.history import Epoch


class EpochProgress:
    """Shows each epoch; a context manager, so that the bar is closed whatever happens.

    Parameters
    ----------
    n_epochs : int
    verbose : int
        0 shows nothing. From 1 a bar if standard output is a terminal, else a line for each epoch
        without escape codes; from 2 always lines.
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
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                TextColumn("epoch"),
                MofNCompleteColumn(),
                BarColumn(),
                TextColumn("{task.fields[numbers]}"),
                TimeRemainingColumn(),
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
