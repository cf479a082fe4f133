"""Callbacks that keep the numbers of every epoch in a text file, which they only ever add to."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import stat
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import fspath
from pathlib import Path
from typing import Any, ClassVar

from elman.callbacks.fits import OfOneFit
from elman.callbacks.rows import Row, columns_of, last_row, rows_of
from elman.models.history import Epoch


@dataclass
class _Run:
    """The rows of a file that belong to the fit which is being followed."""

    number: int
    losses: dict[int, float]
    """by the number of the epoch"""
    behind: bool = False
    """whether epochs could not be written, and wait for the next one"""


@dataclass
class RunLog:
    """The common part of `CSVLog` and `JSONLinesLog`: which rows to write, and to which run."""

    path: str | os.PathLike[str]
    _run: OfOneFit[_Run] = field(default_factory=OfOneFit, init=False, repr=False, compare=False)

    MUST_HAVE: ClassVar[tuple[str, ...]] = ("run", "epoch", "loss")

    def __post_init__(self) -> None:
        # an int would be the number of a file that is open: 1 is standard output
        if not (isinstance(self.path, (str, os.PathLike)) and isinstance(fspath(self.path), str)):
            raise TypeError(
                f"{type(self).__name__}(path={self.path!r:.200}): pass the name of a file, as text "
                "or as a path"
            )

    def __call__(self, epoch: Epoch) -> None:
        """Add the rows that the file does not have yet."""
        if not epoch.is_writer:
            return
        try:
            self._add(epoch)
        except OSError as error:
            run = self._run.of(epoch)
            if run is None:  # the first call: little is lost, and the path may be wrong
                raise
            if not run.behind:
                warnings.warn(
                    f"{fspath(self.path)}: epoch {epoch.epoch} could not be written ({error}). "
                    "Training goes on, and what is missing is written once that is possible",
                    stacklevel=2,
                )
            run.behind = True

    def _add(self, epoch: Epoch) -> None:
        rows = [last_row(epoch)]
        with _appending(self.path) as file:
            status = os.fstat(file.fileno())
            self._must_be_plain(status.st_mode)
            run, empty = self._run.of(epoch), not status.st_size
            if run is None or empty:
                rows = rows_of(epoch)
                run = self._begin(rows, self._read(file, rows))
            elif run.behind:
                rows = rows_of(epoch)
                self._read(file, rows)  # cuts off what is not whole
            elif run.losses.get(epoch.epoch, epoch.loss) != epoch.loss:
                # An epoch that was done again came out otherwise.
                rows = rows_of(epoch)
                run = _Run(self._next(self._read(file, rows)), {})
            fresh = [row for row in rows if row["epoch"] not in run.losses]
            if fresh:
                numbered = [{"run": run.number, **row} for row in fresh]
                _write(file, self._text(numbered, header=empty).encode())
            run.losses.update({row["epoch"]: row["loss"] for row in fresh})
            run.behind = False
            self._run.put(epoch, run)

    def check(self, weights: Iterable[str] | None = None) -> None:
        """Raise an error unless there is no file, or one that a log of this kind wrote.

        Parameters
        ----------
        weights : iterable of str, optional
            Names of the weights of a network. The file must have the columns for it.

        Raises
        ------
        ValueError
            The file is something else, or has other columns.
        OSError
            It cannot be read.
        """
        path = Path(self.path)
        found = b""
        if path.exists():
            self._must_be_plain(path.stat().st_mode)
            found = path.read_bytes()
        if found:
            self._whole(found, None if weights is None else ["run", *columns_of(weights)])

    def _begin(self, rows: list[Row], known: list[Row]) -> _Run:
        """The run of the file to which a fit belongs; a new one if it is none of those."""
        runs: dict[int, _Run] = {}
        for row in known:
            run = runs.setdefault(row["run"], _Run(row["run"], {}))
            run.losses[row["epoch"]] = row["loss"]
        first, before = rows[0]["epoch"], self._run.newest
        if len(rows) > 1:  # it goes on from a checkpoint
            for run in reversed(runs.values()):
                if _goes_on(run, rows):
                    return run
        elif first > 1:  # partial_fit or warm_start
            ended = [run for run in runs.values() if max(run.losses) == first - 1]
            own = [run for run in ended if before is not None and run.number == before.number]
            if ended:
                return (own or ended)[-1]
        return _Run(self._next(known), {})

    def _next(self, known: list[Row]) -> int:
        """The number of a new run."""
        return max((row["run"] for row in known), default=0) + 1

    def _read(self, file: Any, rows: list[Row]) -> list[Row]:
        """The rows that the file has, to which those of a fit can be added."""
        found = _content(file)
        if not found:
            return []
        known, n_bytes = self._whole(found, ["run", *rows[0]])
        file.truncate(n_bytes)
        if not found[:n_bytes].endswith(b"\n"):
            _write(file, b"\n")
        return known

    def _whole(self, found: bytes, columns: list[str] | None = None) -> tuple[list[Row], int]:
        """The rows that are whole, and how many bytes they are.

        A last row may have no end, because an editor left it out, or the disk was full and the row
        is not whole.
        """
        try:
            return self._parse(found.decode(errors="replace"), columns), len(found)
        except ValueError:
            head, end, last = found.rpartition(b"\n")
            if not (head and last):
                raise
            return self._parse(head.decode(errors="replace"), columns), len(head + end)

    def _parse(self, text: str, columns: list[str] | None = None) -> list[Row]:
        """Run, epoch and loss of each row; an error if these are no rows of a log of this kind.

        With `columns` also if a row with these columns could not be added.
        """
        raise NotImplementedError

    def _text(self, rows: list[Row], *, header: bool) -> str:
        """Rows as the file has them."""
        raise NotImplementedError

    def _must_be_plain(self, mode: int) -> None:
        """Raise an error for a pipe, a terminal or a device, which cannot be read back."""
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # of a folder the system's error tells
            raise self._refused("is not a file of a disk, and this log reads what its file holds")

    def _refused(self, why: str) -> ValueError:
        return ValueError(
            f"{os.fspath(self.path)}: {why}. It was left as it is: give this log another file"
        )

    def _known(self, row: Any, line: int) -> Row:
        """Run, epoch and loss of a row."""
        try:
            return {
                "run": int(row["run"]),
                "epoch": int(row["epoch"]),
                "loss": float(row["loss"]),
            }
        except (KeyError, TypeError, ValueError):
            raise self._refused(
                f"line {line} is not a row of a log of training, with numbers for run, epoch and "
                "loss"
            ) from None


@dataclass
class CSVLog(RunLog):
    """Keep the numbers of every epoch as a row of a CSV file.

    The columns are `run`, a number from 1, and those of `history_.to_frame()`: `epoch`, `loss`, ...
    and the spectral radius of each recurrent layer. What an epoch does not have is an empty cell.
    Each row is on the disk before the next epoch begins, and numbers are written with all their
    digits.

    What a file already holds is never changed, and no epoch of a run is written twice:

    - A `fit` is a new run, with the next number, also if it begins again with the same data.
      In a grid search several processes may write to one file; their runs lie between each other.
    - A fit that goes on from a checkpoint goes on with its run, recognised by the losses of its
      epochs. Epochs that were done again because no checkpoint had them are not written again.
    - `partial_fit`, and `fit` with warm_start, go on with the run that this log wrote last, else
      with the newest one that ended with the epoch before.

    Parameters
    ----------
    path : str or path-like
        The file, made if there is none; its folder must exist.

    Raises
    ------
    TypeError
        The path is neither text nor a path.
    ValueError
        When it is called: the file is no such log, or no file of a disk, or has other columns,
        because the network had other layers. Nothing is written.
    OSError
        When it is called first in a fit: the file cannot be written. Later, when a disk is full,
        a warning says so and training goes on.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from elman import RNNClassifier
    >>> from elman.callbacks import CSVLog
    >>> X, y = [[[0.0], [1.0]], [[1.0], [0.0]]], ["rise", "fall"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "history.csv"
    ...     clf = RNNClassifier(3, max_iter=2, random_state=0, on_epoch=CSVLog(path)).fit(X, y)
    ...     lines = path.read_text().splitlines()
    >>> lines[0][:14], lines[1][:4], lines[2][:4]
    ('run,epoch,loss', '1,1,', '1,2,')
    """

    def _parse(self, text: str, columns: list[str] | None = None) -> list[Row]:
        table = csv.reader(io.StringIO(text))
        header = next(table, [])
        if not set(self.MUST_HAVE) <= set(header):
            raise self._refused("is not a log of training, which has columns run, epoch and loss")
        if columns is not None and header != columns:
            lacks = [name for name in columns if name not in header]
            more = [name for name in header if name not in columns]
            parts = [
                f"{verb} {', '.join(names)}"
                for verb, names in (("lacks", lacks), ("has in addition", more))
                if names
            ]
            what = " and ".join(parts) or "has them in another order"
            raise self._refused(f"has other columns than this training, whose log it {what}")
        known = []
        for cells in table:
            if len(cells) != len(header):
                raise self._refused(
                    f"line {table.line_num} has {len(cells)} values, and the header {len(header)}"
                )
            known.append(self._known(dict(zip(header, cells, strict=True)), table.line_num))
        return known

    def _text(self, rows: list[Row], *, header: bool) -> str:
        out = io.StringIO()
        table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        if header:
            table.writeheader()
        table.writerows(rows)
        return out.getvalue()


@dataclass
class JSONLinesLog(RunLog):
    """Keep the numbers of every epoch as a line of JSON, an object by the names of the columns.

    It has the columns of `CSVLog` and its rules: nothing that the file holds is changed, each
    `fit` is a new run, and a fit that goes on goes on with its run. What an epoch does not have is
    null, and so is a number that is not finite. The lines need not have the same columns, so that
    networks with different layers go into one file.

    Parameters
    ----------
    path : str or path-like
        The file, made if there is none; its folder must exist.

    Raises
    ------
    TypeError
        The path is neither text nor a path.
    ValueError
        When it is called: the file is no such log, or no file of a disk. Nothing is written.
    OSError
        When it is called first in a fit: the file cannot be written. Later, when a disk is full,
        a warning says so and training goes on.

    Examples
    --------
    >>> import json, tempfile
    >>> from pathlib import Path
    >>> from elman import RNNClassifier
    >>> from elman.callbacks import JSONLinesLog
    >>> X, y = [[[0.0], [1.0]], [[1.0], [0.0]]], ["rise", "fall"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "history.jsonl"
    ...     clf = RNNClassifier(3, max_iter=2, random_state=0, on_epoch=JSONLinesLog(path))
    ...     losses = clf.fit(X, y).loss_curve_
    ...     rows = [json.loads(line) for line in path.read_text().splitlines()]
    >>> [row["epoch"] for row in rows], [row["loss"] for row in rows] == losses
    ([1, 2], True)
    """

    def _parse(self, text: str, columns: list[str] | None = None) -> list[Row]:
        known = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                row = json.loads(line)
            except ValueError:
                raise self._refused(f"line {number} is not JSON") from None
            known.append(self._known(row, number))
        return known

    def _text(self, rows: list[Row], *, header: bool) -> str:
        return "".join(
            json.dumps({name: _finite(value) for name, value in row.items()}) + "\n" for row in rows
        )


LOGS: dict[str, type[RunLog]] = {".csv": CSVLog, ".jsonl": JSONLinesLog}
"""The log that a file with this suffix is for."""


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _goes_on(run: _Run, rows: list[Row]) -> bool:
    """Whether rows are the same as the run's, wherever it has them, and it has some."""
    shared = [row for row in rows if row["epoch"] in run.losses]
    return bool(shared) and all(run.losses[row["epoch"]] == row["loss"] for row in shared)


@contextmanager
def _appending(path: str | os.PathLike[str]) -> Iterator[Any]:
    """The file, to be read and added to, while no other log writes to it."""
    # Unbuffered, so that the rows of an epoch are one write.
    with open(path, "a+b", buffering=0) as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
        except (ImportError, OSError):  # not POSIX, or a file system without locks
            pass
        yield file


def _content(file: Any) -> bytes:
    file.seek(0)
    return bytes(file.read())


def _write(file: Any, content: bytes) -> None:
    """Add all of it; on a disk that is full none of it, and an error."""
    end, left = file.seek(0, os.SEEK_END), content
    try:
        while left:
            left = left[file.write(left) :]
    except OSError:
        file.truncate(end)
        raise
