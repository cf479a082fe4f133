"""A .ts file of the UCR/UEA time series classification archive in, `Dataset` out."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

from numpy.typing import NDArray

from elman.data.budget import Budget, checked_max_bytes
from elman.data.dataset import Dataset, PathLike, ReaderError, cut
from elman.data.ts.headers import Headers
from elman.data.ts.labels import Labels
from elman.data.ts.place import Place
from elman.data.ts.recordings import Recordings
from elman.data.ts.timestamps import Timestamps

Array = NDArray[Any]

_BLOCK = 1 << 20


def read_ts(
    path: PathLike,
    *,
    missing: str = "error",
    timestamps: str = "order",
    unlabelled: str = "keep",
    max_bytes: int | None = None,
) -> Dataset:
    """Read a .ts file of the UCR/UEA archive, of equal or unequal lengths, one or more features.

    Headers start with @, comments with # or %; after @data each line is a recording: its dimensions
    separated by colons, the values of each by commas, and the class label last. Files that aeon and
    sktime write are read: where there are no labels, a colon may end each line.

    Parameters
    ----------
    path : path-like
        The file.
    missing : {"error", "nan"}
        What to do with a missing value (`?`, `NaN`): refuse the file, or return NaN.
    timestamps : {"order", "feature", "error"}
        What to do with values that have time stamps, `(time,value)`: numbers, or dates such as
        2024-02-29 13:45:00. "order" holds the order of the steps against them, and leaves them out;
        "feature" adds as the last feature the time since the step before, 0 at the first step, in
        seconds if they are dates; "error" refuses the file.
    unlabelled : {"keep", "error"}
        What to do with a recording whose label is `?`: return None as its label (NaN as its
        target), or refuse the file.
    max_bytes : int, optional
        The most memory, in bytes, that the text and what is read may each take; by default 100
        times the size of the file, or 64 MiB if that is more.

    Returns
    -------
    Dataset
        X float64; y strings, floats for a file with @targetLabel, None without labels or if every
        one is `?`. Quotes around a label are not part of it.

    Raises
    ------
    ReaderError
        If the file is not of this format, contradicts its own headers, has time stamps that are not
        in order, has missing values, or would take more memory than allowed.
    OSError
        If the file cannot be opened.

    Examples
    --------
    >>> from pathlib import Path
    >>> from elman.data import read_ts
    >>> _ = Path("waves.ts").write_text('''@problemName waves
    ... @univariate true
    ... @classLabel true up down
    ... @data
    ... 1.0,2.0,3.0:up
    ... 3.0,2.0,1.0:down
    ... ''')
    >>> data = read_ts("waves.ts")
    >>> print(data.y, data.X[0].shape)
    ['up' 'down'] (3, 1)
    """
    _check_choice("missing", missing, ("error", "nan"))
    _check_choice("timestamps", timestamps, ("order", "feature", "error"))
    _check_choice("unlabelled", unlabelled, ("keep", "error"))
    place = Place(os.fspath(path))
    most = checked_max_bytes(max_bytes)
    with open(path, "rb") as opened:
        content = opened.read() if most is None else opened.read(most + 1)
    if most is not None and len(content) > most:
        place.fail(f"the file is larger than max_bytes={most}; read it with a larger max_bytes")
    budget = Budget(place, len(content), most)
    file = _TsFile(place, budget, missing == "nan", timestamps, unlabelled)
    return file.dataset(_lines(content, place), len(content))


def ts_datasets(
    path: PathLike,
    block_size: int,
    *,
    missing: str = "error",
    timestamps: str = "order",
    unlabelled: str = "keep",
) -> Iterator[Dataset]:
    """What `read_ts` gives, some recordings at a time: about `block_size` bytes of values.

    The file is read twice, first for the labels: of what type they are, all of them say.
    """
    _check_choice("missing", missing, ("error", "nan"))
    _check_choice("timestamps", timestamps, ("order", "feature", "error"))
    _check_choice("unlabelled", unlabelled, ("keep", "error"))

    def opened() -> tuple[_TsFile, Iterator[list[Array]]]:
        place = Place(os.fspath(path))
        budget = Budget(place, os.path.getsize(path), None)
        file = _TsFile(place, budget, missing == "nan", timestamps, unlabelled)
        return file, file.parts(path, block_size)

    first, parts = opened()
    for _ in parts:
        pass
    y = None if first.labels is None else first.labels.target()
    headers = first.headers.found
    done = 0
    _, parts = opened()
    for X in parts:
        yield Dataset(X, None if y is None else y[done : done + len(X)], headers)
        done += len(X)


class _TsFile:
    """One pass over the lines of a .ts file."""

    def __init__(
        self, place: Place, budget: Budget, missing: bool, timestamps: str, unlabelled: str
    ) -> None:
        self.place = place
        self.missing = missing
        self.timestamps = timestamps
        self.unlabelled = unlabelled
        self.headers = Headers(place)
        self.recordings = Recordings(place, budget, missing=missing)
        self.times: Timestamps | None = None
        self.labels: Labels | None = None

    def dataset(self, lines: Iterator[str], size: int) -> Dataset:
        for _ in self.takes(lines):
            pass
        assert self.labels is not None
        self.place.line = 0
        X = self.recordings.sequences(size)
        return Dataset(X, self.labels.target(), self.headers.found)

    def parts(self, path: PathLike, block_size: int) -> Iterator[list[Array]]:
        """The recordings, about `block_size` bytes of values at a time."""
        with open(path, "rb") as file:
            lines = io.TextIOWrapper(file, encoding=_encoding(file, self.place), newline=None)
            for _ in self.takes(lines):
                if self.recordings.n_bytes >= block_size:
                    yield self.recordings.taken()
        if len(self.recordings):
            yield self.recordings.taken()

    def takes(self, lines: Iterator[str]) -> Iterator[None]:
        """Read all lines, and yield after each recording."""
        place = self.place
        any_recording = False
        try:
            for place.line, raw in enumerate(lines, start=1):
                line = raw.strip()
                if line and line[0] not in "#%":
                    self.read(line)
                    if len(self.recordings):
                        any_recording = True
                        yield
        except ReaderError:
            self.recordings.settle()  # an error on a line before goes first
            raise
        if self.labels is None:
            self.headers.check_list()
            place.fail("no @data line; is this a .ts file of the UCR/UEA archive?", 0)
        if not any_recording:
            place.fail("no recordings after @data")
        self.recordings.settle()
        self.labels.check()

    def read(self, line: str) -> None:
        if self.labels is not None:
            self.recording(line, self.labels)
        elif line[:5].lower() == "@data" and not line[5:6].strip():
            self.start_of_data(line)
        else:
            self.headers.add(line)

    def start_of_data(self, line: str) -> None:
        if line[5:]:
            self.place.fail(
                f"{cut(line)} has text after @data: put the recordings on the lines below it"
            )
        self.headers.finish()
        if self.headers.timestamps:
            if self.timestamps == "error":
                self.place.fail(
                    "@timeStamps true, which timestamps='error' refuses: choose 'order' or "
                    "'feature', or write the values alone"
                )
            self.times = Timestamps(self.place, missing=self.missing)
        self.labels = Labels(self.headers, self.place, self.unlabelled)

    def recording(self, line: str, labels: Labels) -> None:
        if line[0] == "@":
            self.place.fail(f"a header after @data: {cut(line)}; move it above")
        if self.times is not None:
            self.timed(line, labels, self.times)
            return
        if line[0] == "(":
            self.place.fail(
                "time stamps, '(time,value)', where no header says so: add '@timeStamps true' "
                "above @data"
            )
        body, label = labels.split(line)
        labels.add(label)
        n_dimensions = 0 if body is None else body.count(":") + 1
        self.check_dimensions(n_dimensions, label)
        assert body is not None
        n_timesteps = self.timesteps(body, n_dimensions)
        self.check_length(n_timesteps)
        numbers = body if n_dimensions == 1 else body.replace(":", ",")
        self.recordings.add(numbers, n_timesteps, n_dimensions)

    def timed(self, line: str, labels: Labels, times: Timestamps) -> None:
        """A recording with time stamps."""
        columns, shared, rest = times.read(line)
        if labels.kind != "none":
            labels.add(rest or "")
        elif rest:
            self.place.fail(
                f"expected '(time,value)' or the end of the line, found {cut(rest)}; if it is a "
                "label, write '@classLabel true' above @data"
            )
        self.check_dimensions(len(columns), rest or "")
        self.check_length(len(shared))
        if self.timestamps == "feature":
            columns.append(times.differences(shared))
        self.recordings.add_columns(columns)

    def check_dimensions(self, found: int, label: str) -> None:
        expected = self.headers.n_features
        if expected is None:
            self.headers.n_features = expected = max(1, found)
        if found == expected:
            return
        labelled = bool(label)
        fix = ", the class label last" if labelled else ""
        if not labelled and found == expected + 1:
            fix = "; if the last is a label, write '@classLabel true' above @data"
        self.place.fail(
            f"{found} dimension(s){' besides the label' if labelled else ''}, expected {expected}: "
            f"separate dimensions with ':'{fix}"
        )

    def timesteps(self, body: str, n_dimensions: int) -> int:
        """The number of values that each dimension of a recording has."""
        first = body.find(":") if n_dimensions > 1 else len(body)
        n_timesteps = body.count(",", 0, first) + 1
        if n_dimensions == 1 or (n_timesteps == 1 and "," not in body):
            return n_timesteps
        start = 0
        for d in range(n_dimensions):
            stop = body.find(":", start) if d < n_dimensions - 1 else len(body)
            found = body.count(",", start, stop) + 1
            if found != n_timesteps:
                for which, text in ((d, body[start:stop]), (0, body[:first])):
                    if not text.strip():
                        self.place.fail(f"dimension {which} has no values")
                self.place.fail(
                    f"dimension {d} has {found} values but dimension 0 has {n_timesteps}: the "
                    "dimensions of a recording share its time steps"
                )
            start = stop + 1
        return n_timesteps

    def check_length(self, n_timesteps: int) -> None:
        headers = self.headers
        if headers.n_timesteps is None and headers.equal_length:
            headers.n_timesteps = n_timesteps
        if headers.n_timesteps not in (None, n_timesteps):
            self.place.fail(
                f"{n_timesteps} time steps where the headers promise {headers.n_timesteps}; if "
                "lengths differ, write '@equalLength false' and leave out @seriesLength"
            )


def _lines(content: bytes, place: Place) -> Iterator[str]:
    """The lines of a file, however they end."""
    file = io.BytesIO(content)
    yield from io.TextIOWrapper(file, encoding=_encoding(file, place), newline=None)


def _encoding(file: BinaryIO, place: Place) -> str:
    """What the text of a file is read as; the file is at its beginning again."""
    if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        place.fail("the text is UTF-16; save it as UTF-8", 1)
    file.seek(0)
    encoding = "utf-8-sig"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        encoding = "latin-1"  # comments of the archive are not always UTF-8
    file.seek(0)
    return encoding


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        *others, last = map(repr, choices)
        raise ValueError(f"{name}={value!r} is not known; choose {', '.join(others)} or {last}")
