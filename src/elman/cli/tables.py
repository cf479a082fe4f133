"""Tables of how right a model was: scores in, rich tables (plain text off a terminal) out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.cli.text import visible
from elman.evaluation.scores import ClassScore, ValueScore

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment
    from rich.table import Table
    from rich.text import Text


WIDEST = 1_000_000
"""Columns of a line that no terminal holds."""


def new_table() -> Table:
    """A table in the one look they all share."""
    from rich import box
    from rich.table import Table

    return Table(
        box=box.SIMPLE_HEAD,
        header_style="bold",
        pad_edge=False,
        show_edge=False,
    )


def print_table(console: Console, title: str, table: Table) -> None:
    """A title, which may be wider than its table, the table, and a blank line.

    Nothing of a cell is cut off. On a terminal, text folds at its width as far as the table has a
    column for each; what is still wider, the terminal itself folds. A pipe or a file has no width,
    and no line is folded.
    """
    from rich.measure import Measurement

    if title:
        console.print(title, style="bold")
    for column in table.columns:
        column.overflow = "fold"
    at_ease = console.options.update(max_width=WIDEST)
    needed, wished = Measurement.get(console, at_ease, table)
    table.width = wished if console.soft_wrap else min(wished, max(console.width, needed))
    console.print(_Trimmed(table), crop=False)
    console.print()


class _Trimmed:
    """A table without the blanks that fill its last column."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        from rich.segment import Segment

        for line in Segment.split_lines(console.render(self._table, options)):
            while line and not line[-1].text.strip():
                line.pop()
            yield from line[:-1]
            if line:
                yield Segment(line[-1].text.rstrip(), line[-1].style)
            yield Segment.line()


def print_class_table(
    console: Console, scores: Iterable[ClassScore], *, what: str = "class", of: str = "samples"
) -> None:
    """Precision, recall and F1 of every class, or whatever `what` is; `of` says what is counted."""
    table = new_table()
    table.add_column(what)
    for column in (of, "precision", "recall", "F1"):
        table.add_column(column, justify="right")
    for score in scores:
        rates = (score.precision, score.recall, score.f1)
        table.add_row(visible(score.label), str(score.n_true), *map(_rate, rates))
    print_table(console, f"Each {what}", table)


def print_value_table(
    console: Console, scores: Iterable[ValueScore], names: Sequence[str] | None = None
) -> None:
    """Errors and R^2 of every target, by the names of their columns, or numbered from 0."""
    table = new_table()
    for column in ("target", "mean squared error", "mean absolute error", "R^2"):
        table.add_column(column, justify="right")
    for k, score in enumerate(scores):
        name = str(k) if names is None else visible(names[k])
        table.add_row(name, f"{score.mse:.6g}", f"{score.mae:.6g}", r_squared(score.r_squared))
    print_table(console, "Each target", table)


def print_confusion(
    console: Console, classes: NDArray[Any], counts: NDArray[np.int64], *, of: str = "samples"
) -> None:
    """The confusion matrix, or where it is too wide for the terminal, the commonest mistakes."""
    labels = [visible(c) for c in classes.tolist()]
    cell = max(*(len(label) for label in labels), len(str(counts.max(initial=0))), 1)
    if (cell + 2) * (len(labels) + 1) + 6 > console.width:
        _print_commonest_mistakes(console, labels, counts, of)
        return
    table = new_table()
    table.add_column("true", style="bold")
    for label in labels:
        table.add_column(label, justify="right", no_wrap=True)
    for i, label in enumerate(labels):
        table.add_row(label, *(_count(int(n), i == j) for j, n in enumerate(counts[i])))
    print_table(console, "Confusion matrix (rows: true class; columns: predicted)", table)


def _print_commonest_mistakes(
    console: Console, labels: list[str], counts: NDArray[np.int64], of: str
) -> None:
    wrong = counts - np.diag(np.diag(counts))
    table = new_table()
    table.add_column("true")
    table.add_column("predicted")
    table.add_column(of, justify="right")
    for flat in np.argsort(-wrong, axis=None, kind="stable")[:10]:
        i, j = divmod(int(flat), len(labels))
        if wrong[i, j]:
            table.add_row(labels[i], labels[j], str(wrong[i, j]))
    if table.row_count:
        print_table(console, "Commonest mistakes", table)
    else:
        console.print("No mistakes.")


def percent(share: float) -> str:
    """A share as a person reads it: never 100 % unless every one is right."""
    text = f"{100 * share:.1f} %"
    return "> 99.9 %" if text == "100.0 %" and share < 1 else text


def r_squared(value: float) -> str:
    """R^2 as a person reads it."""
    return "-" if math.isnan(value) else f"{value:.4f}"


def _count(n: int, right: bool) -> Text:
    from rich.text import Text

    if n == 0:
        return Text(".", style="dim")
    return Text(str(n), style="green" if right else "bold red")


def _rate(value: float) -> str:
    return "-" if math.isnan(value) else percent(value)
