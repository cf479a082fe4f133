"""A search while it goes on; a live table on a terminal, plain lines elsewhere, out."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from elman.estimators.progress import console_size
from elman.tuning.candidates import Candidate, estimate
from elman.tuning.words import Wording, counted

N_ROWS = 8
REFRESH = 4
"""Drawings of the live table in a second"""


class Silent:
    """Shows nothing."""

    def __init__(self, wording: Wording, score: str, n_train: float, n_test: float) -> None:
        self._wording, self._score = wording, score
        self._n_train, self._n_test = n_train, n_test

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """There is nothing to let go of."""

    def begin(self, phase: str, n_trials: int) -> None:
        """A part of the search begins."""

    def trained(self, candidate: Candidate) -> None:
        """A trial of a candidate has ended."""

    def ranked(self, best: Sequence[Candidate], folds: Sequence[int], n_candidates: int) -> None:
        """A part of the search has ended."""

    def _written(self, candidate: Candidate, folds: Sequence[int]) -> str:
        """The score of a candidate."""
        found = candidate.scores.get(1.0, {})
        values = [found[fold] for fold in folds if fold in found]
        mean, error, _ = estimate(values, self._n_train, self._n_test)
        return f"{self._wording.score(mean)} +- {self._wording.error(error)}"


class Lines(Silent):
    """Prints a line for each part of the search, when it has ended."""

    _phase = ""

    def begin(self, phase: str, n_trials: int) -> None:
        """A part of the search begins."""
        self._phase = f"{phase}: {counted(n_trials, 'training')}"

    def ranked(self, best: Sequence[Candidate], folds: Sequence[int], n_candidates: int) -> None:
        """A part of the search has ended."""
        found = "nothing is scored yet"
        if best:
            found = f"best {self._score} {self._written(best[0], folds)}: {best[0].name}"
        so_far = f"{counted(n_candidates, 'candidate')} so far"
        print(f"{self._phase}; {so_far}, {found}", flush=True)


class Live(Silent):
    """A table on a terminal that changes while the search goes on."""

    def __init__(self, wording: Wording, score: str, n_train: float, n_test: float) -> None:
        super().__init__(wording, score, n_train, n_test)
        self._begun = time.monotonic()
        self._phase, self._n_done, self._n_trials, self._n_candidates = "", 0, 0, 0
        self._rows: list[tuple[str, str]] = []
        self._live: Any = None

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live as RichLive

        width, height = console_size()
        console = Console(
            file=sys.stdout, highlight=False, markup=False, emoji=False, width=width, height=height
        )
        self._live = RichLive(
            get_renderable=self._drawn, console=console, refresh_per_second=REFRESH, transient=True
        )
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def begin(self, phase: str, n_trials: int) -> None:
        """A part of the search begins."""
        self._phase, self._n_done, self._n_trials = phase, 0, n_trials

    def trained(self, candidate: Candidate) -> None:
        """A trial of a candidate has ended."""
        self._n_done += 1

    def ranked(self, best: Sequence[Candidate], folds: Sequence[int], n_candidates: int) -> None:
        """A part of the search has ended."""
        self._n_candidates = n_candidates
        self._rows = [(self._written(each, folds), each.name) for each in best[:N_ROWS]]

    def _drawn(self) -> Any:
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        table.add_column(Text(self._score), no_wrap=True)
        table.add_column("changes")
        for score, name in self._rows:
            table.add_row(Text(score), Text(name))
        minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
        state = Text(
            f"{minutes}:{seconds:02d}  {counted(self._n_candidates, 'candidate')}  {self._phase}: "
            f"{self._n_done} of {counted(self._n_trials, 'training')}  Ctrl-C keeps the best"
        )
        return Group(table, state) if self._rows else state


def view_here(
    verbose: int, wording: Wording, score: str, n_train: float, n_test: float
) -> Silent | Lines | Live:
    """What shows a search on this standard output."""
    kind: type[Silent] = Silent
    if verbose:
        kind = Live if _is_terminal() else Lines
    return kind(wording, score, n_train, n_test)


def _is_terminal() -> bool:
    try:
        return bool(sys.stdout.isatty())
    except (AttributeError, ValueError):
        return False
