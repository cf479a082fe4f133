"""Epochs in; a bar on a terminal or in a notebook, or plain lines elsewhere, and a summary out."""

from __future__ import annotations

import html
import os
import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from elman.models.history import Epoch, History

N_LINES = 10
"""how many epochs get a line where there is no bar"""
REDRAW = 0.1
"""seconds between two drawings of a notebook's bar: an epoch may take a millisecond"""
ENDINGS = {
    "early_stopping": "stopped by early_stopping",
    "on_epoch": "stopped by on_epoch",
    "interrupt": "interrupted",
    "checkpoint": "stopped because its state could not be written",
}
"""What the summary says of an end that came before `max_iter`."""


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


def _is_terminal() -> bool:
    """Whether standard output is a terminal, and not closed, missing or something else."""
    try:
        return bool(sys.stdout.isatty())
    except (AttributeError, ValueError):
        return False


class _View(Protocol):
    """Where epochs are shown."""

    def show(self, epoch: Epoch, numbers: str) -> None:
        """Show one more epoch."""
        ...

    def end(self, summary: str, last: int) -> None:
        """Show what the whole fit came to, after its last epoch, of this number."""
        ...

    def close(self) -> None:
        """Let go of the place, whatever happened."""
        ...


class EpochProgress:
    """Shows how training goes; a context manager, so that a bar is closed whatever happens.

    Parameters
    ----------
    n_epochs : int
        Number of the last epoch, if nothing ends training before.
    verbose : int
        0 shows nothing. 1 shows a bar on a terminal that is wide enough and in a notebook, and
        elsewhere about ten lines, without escape codes: of the first epoch, the last, and some
        between at equal distances; then the summary. 2 shows a line for every epoch.
    score : str, default="accuracy"
        What the validation score is.
    training_score : str, default="accuracy"
        What the training score is.
    n_before : int, default=0
        Number of the epoch that training goes on from.
    """

    def __init__(
        self,
        n_epochs: int,
        verbose: int,
        score: str = "accuracy",
        training_score: str = "accuracy",
        n_before: int = 0,
    ) -> None:
        self._n_epochs, self._n_before = n_epochs, n_before
        self._verbose = verbose
        self._score, self._training_score = score, training_score
        self._n_shown = 0
        self._start = time.perf_counter()
        self._view: _View = _Lines(n_before, n_epochs, every=True)

    def __enter__(self) -> EpochProgress:
        self._start = time.perf_counter()
        if self._verbose == 1:
            self._view = (
                _Cell.here()
                or _Bar.here(self._n_epochs, self._width_of_bar())
                or _Lines(self._n_before, self._n_epochs, every=False)
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._view.close()

    def show(self, epoch: Epoch) -> None:
        """Report an epoch."""
        self._n_shown += 1
        if self._verbose < 1:
            return
        numbers = f"loss {epoch.loss:.4f}"
        if isinstance(self._view, _Lines) and epoch.score is not None:
            numbers += f"  training {self._training_score} {epoch.score:.4f}"
        if epoch.validation_score is not None:
            numbers += (
                f"  validation loss {epoch.validation_loss:.4f}"
                f"  {self._score} {epoch.validation_score:.4f}"
            )
        elif epoch.score is not None and not isinstance(self._view, _Lines):
            numbers += f"  training {self._training_score} {epoch.score:.4f}"
        self._view.show(epoch, numbers)

    def end(self, history: History, *, restored: bool, reasons: Sequence[str] = ()) -> None:
        """Report what training came to, in one line.

        Parameters
        ----------
        history : History
            Of this fit.
        restored : bool
            Whether the network has the weights of the best epoch, and not those of the last.
        reasons : sequence of str
            What "auto" chose and why, such as "stride=2: recordings have 150 steps". What comes
            before the colon is shown; the rest would fill a terminal, and is kept elsewhere.
        """
        if self._verbose < 1 or not len(history):
            return
        seconds = time.perf_counter() - self._start
        n_resumed = max(len(history) - self._n_shown, 0)
        seconds += sum(history.seconds[:n_resumed])  # of a process before this one
        names = self._score, self._training_score
        line = summary(history, seconds, *names, restored=restored)
        if reasons:
            line += f'; "auto" chose {", ".join(each.split(":")[0] for each in reasons)}'
        self._view.end(line, history.epoch[-1])

    def _width_of_bar(self) -> int:
        """Columns that all of it takes, with a bar of 2 and digits as `show` writes them."""
        numbers = f"loss 0.0000  validation loss 0.0000  {self._score} 0.0000"
        return len(f"epoch {self._n_epochs}/{self._n_epochs} -- {numbers} 0:00:00")


def summary(
    history: History, seconds: float, score: str, training_score: str, *, restored: bool
) -> str:
    """What a fit came to, in one line.

    It ends with the score of the weights that the network was left with: that of the validation
    data, or without any the training score.

    Parameters
    ----------
    history : History
        Of at least one epoch.
    seconds : float
        What the fit took.
    score, training_score : str
        What the scores of the validation data and of training are.
    restored : bool
        Whether the network has the weights of the best epoch, and not those of the last.

    Returns
    -------
    str
        Such as "60 epochs in 0.27 s, best 41, validation 97.6 %".
    """
    n, best = len(history), history.best_epoch
    parts = [f"{n} epoch{'s' * (n != 1)} in {_duration(seconds)}"]
    last = history.epoch[-1]
    restored = restored or history.stopped_by in ("interrupt", "checkpoint")
    shown = best if restored and best in history.epoch else last
    validated = _at(history.validation_score, history, shown)
    if best != last or validated is not None:
        in_best = _at(history.validation_score, history, best) if shown != best else None
        found = "" if in_best is None else f" ({_in_words(in_best, score)})"
        parts.append(f"best {best}{found}")
    after = "" if shown == best else f" after epoch {last}"
    if validated is not None:
        parts.append(f"validation {_in_words(validated, score)}{after}")
    else:
        trained = _at(history.score, history, shown)
        if trained is not None:
            parts.append(f"training {_in_words(trained, training_score)}{after}")
    if history.stopped_by in ENDINGS:
        parts.append(ENDINGS[history.stopped_by])
    return ", ".join(parts)


def _at(column: list[float | None], history: History, epoch: int) -> float | None:
    """The value of a column for an epoch; None if it has none."""
    return column[history.epoch.index(epoch)] if len(column) == len(history) else None


def _in_words(value: float, score: str) -> str:
    """A score as a person reads it: never 100 % unless every one is right."""
    if score != "accuracy":
        return f"{score} {value:.4f}"
    text = f"{100 * value:.1f} %"
    return "> 99.9 %" if text == "100.0 %" and value < 1 else text


def _duration(seconds: float) -> str:
    """Seconds, or where they are many minutes and hours."""
    if seconds < 99.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


class _Lines:
    """Plain lines: of every epoch, or of about `N_LINES`."""

    def __init__(self, n_before: int, n_epochs: int, *, every: bool) -> None:
        distance = max(n_epochs - n_before - 1, 0)
        parts = max(N_LINES - 1, 1)
        self._chosen = {n_before + 1 + round(distance * i / parts) for i in range(N_LINES)}
        self._every = every
        self._unshown: str | None = None

    def show(self, epoch: Epoch, numbers: str) -> None:
        width = len(str(epoch.n_epochs))
        line = f"epoch {epoch.epoch:{width}d}/{epoch.n_epochs}  {numbers}"
        line += f"  gradient norm {epoch.gradient_norm:.3g}  {epoch.seconds:.2f} s"
        if self._every or epoch.epoch in self._chosen:
            print(line, flush=True)
            self._unshown = None
        else:
            self._unshown = line

    def end(self, summary: str, last: int) -> None:
        if self._unshown is not None:  # the last epoch, which came before it was expected
            print(self._unshown)
        print(summary, flush=True)

    def close(self) -> None:
        """There is nothing to let go of."""


class _Bar:
    """A bar on a terminal, which rich draws."""

    def __init__(self, bar: Any, n_epochs: int) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=n_epochs, numbers="")
        bar.start()

    @classmethod
    def here(cls, n_epochs: int, width_needed: int) -> _Bar | None:
        """A bar on standard output, if that is a terminal that can show all of it.

        Fits in other threads than the main one get none.
        """
        # rich draws from the main thread alone: it puts itself in the place of sys.stdout, and two
        # threads that do so leave it asking itself for ever.
        if threading.current_thread() is not threading.main_thread() or not _is_terminal():
            return None
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
        if console.is_dumb_terminal or console.width < width_needed:
            return None
        columns = (
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(),
        )
        return cls(Progress(*columns, console=console), n_epochs)

    def show(self, epoch: Epoch, numbers: str) -> None:
        self._bar.update(self._task, completed=epoch.epoch, numbers=numbers)

    def end(self, summary: str, last: int) -> None:
        # none was shown of a training that a checkpoint says was over
        self._bar.update(self._task, completed=last)
        self._bar.stop()
        print(summary, flush=True)

    def close(self) -> None:
        self._bar.stop()


class _Cell:
    """A bar in the output of a notebook's cell: one output, which is drawn anew."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None
        self._first: int | None = None
        self._start = self._drawn = time.perf_counter()
        self._latest: _Drawing | None = None

    @classmethod
    def here(cls) -> _Cell | None:
        """A bar in this notebook; None if this is none.

        IPython is not imported: a notebook has done so.
        """
        ipython = sys.modules.get("IPython")
        shell = None if ipython is None else ipython.get_ipython()
        if ipython is None or getattr(shell, "kernel", None) is None:
            return None
        return cls(ipython.display.display)

    def show(self, epoch: Epoch, numbers: str) -> None:
        now = time.perf_counter()
        if self._first is None:
            self._first = epoch.epoch - 1
        n_done = epoch.epoch - self._first
        left = (now - self._start) / n_done * (epoch.n_epochs - epoch.epoch)
        text = f"epoch {epoch.epoch}/{epoch.n_epochs}  {numbers}  {_duration(left)} left"
        self._latest = _Drawing(epoch.epoch, epoch.n_epochs, text)
        if self._handle is None or now - self._drawn >= REDRAW:
            self._draw(self._latest)

    def end(self, summary: str, last: int) -> None:
        latest, self._latest = self._latest, None
        value, total = (last, last) if latest is None else (latest.value, latest.total)
        self._draw(_Drawing(value, total, summary))

    def close(self) -> None:
        """Draw the last epoch of a training that ended with an error."""
        if self._latest is not None:
            self._draw(self._latest)

    def _draw(self, drawing: _Drawing) -> None:
        self._drawn = time.perf_counter()
        if self._handle is None:
            self._handle = self._display(drawing, display_id=True)
        else:
            self._handle.update(drawing)


class _Drawing:
    """One state of a notebook's bar, as HTML and as text."""

    def __init__(self, value: int, total: int, text: str) -> None:
        self.value, self.total, self.text = value, total, text

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        bar = f'<progress value="{self.value}" max="{self.total}" style="width: 16em"></progress>'
        text = html.escape(self.text).replace("  ", " &nbsp;")
        numbers = "font-variant-numeric: tabular-nums"
        return f'<div>{bar} <span style="{numbers}">{text}</span></div>'
