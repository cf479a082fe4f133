"""Recordings of `(time,value)` pairs in; their times and their values out."""

from __future__ import annotations

import math
import re
from array import array
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.dataset import cut
from elman.data.ts.numbers import NUMBER, NumberTextError, floats
from elman.data.ts.place import Place

Array = NDArray[Any]

BLOCK = 4096  # pairs whose values are read together

_PAIR = re.compile(r"\(([^()]*+)\)\s*+([,:]?)\s*+")
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_DATE = re.compile(
    r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Timestamps:
    """The time stamps of a file, which are all numbers or all dates.

    Parameters
    ----------
    place : Place
        The line that is being read.
    missing : bool
        Whether values may be missing.
    """

    def __init__(self, place: Place, *, missing: bool) -> None:
        self.place = place
        self.missing = missing
        self.dates: bool | None = None
        """None before the first time stamp"""

    def read(self, line: str) -> tuple[list[Array], Array, str | None]:
        """One recording.

        Returns
        -------
        columns : list of ndarray of shape (n_timesteps,)
            The values of each dimension.
        times : ndarray of shape (n_timesteps,)
            Strictly increasing: int64, nanoseconds of dates, or float64.
        rest : str or None
            What follows the last colon; None if the line does not end with one.
        """
        columns: list[Array] = []
        shared: Array | None = None
        at, more = 0, True
        while more:
            dimension = _Dimension(self, len(columns))
            at, colon = dimension.read(line, at)
            times, values = dimension.arrays()
            if shared is None:
                shared = times
                self._check_order(times)
            self._check_shared(times, shared, len(columns))
            columns.append(values)
            more = colon and line.startswith("(", at)
        assert shared is not None
        if line.startswith(":", at):
            self.place.fail(f"dimension {len(columns)} has no values")
        return columns, shared, line[at:] if colon else None

    def time(self, text: str, where: str) -> int | float:
        """A time stamp: a number as it is, a date as nanoseconds since 1970 in UTC."""
        text = text.strip()
        number = NUMBER.fullmatch(text)
        date = None if number else _DATE.fullmatch(text)
        if not number and not date:
            self.place.fail(
                f"{where}: the time stamp {cut(text)} is neither a number nor a date such as "
                "2024-02-29 13:45:00"
            )
        if self.dates is None:
            self.dates = date is not None
        if self.dates != (date is not None):
            kinds = ("a number", "a date")
            self.place.fail(
                f"{where}: the time stamp {cut(text)} is {kinds[not self.dates]}, where the first "
                f"of the file is {kinds[self.dates]}"
            )
        if date is None:
            if _WHOLE.fullmatch(text) and -(2**63) <= int(text) < 2**63:
                return int(text)
            number_found = float(text)
            if math.isinf(number_found):
                self.place.fail(f"{where}: the time stamp {cut(text)} is too large for float64")
            return number_found
        return self._nanoseconds(date, where)

    def _nanoseconds(self, date: re.Match[str], where: str) -> int:
        day, fraction, zone = date.groups()
        try:
            moment = datetime.fromisoformat(day + (zone or ""))
        except ValueError as error:
            self.place.fail(f"{where}: the time stamp {cut(date.group())} is no date ({error})")
        if fraction and len(day) < 19:
            self.place.fail(f"{where}: the time stamp {cut(date.group())} has no whole seconds")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        since = moment - _EPOCH
        seconds = since.days * 86_400 + since.seconds
        found = seconds * 10**9 + int((fraction or "0").ljust(9, "0"))
        if not -(2**63) < found < 2**63:
            self.place.fail(
                f"{where}: the time stamp {cut(date.group())} lies outside the years 1678 to 2261"
            )
        return found

    def _check_order(self, times: Array) -> None:
        late = np.flatnonzero(times[1:] <= times[:-1])
        if len(late):
            step = int(late[0]) + 1
            what = "the same as" if times[step] == times[step - 1] else "earlier than"
            self.place.fail(
                f"the time stamp of time step {step}, {self._shown(times[step])}, is {what} that "
                f"of the step before, {self._shown(times[step - 1])}: sort the steps of a "
                "recording by time, one for each time"
            )

    def _check_shared(self, times: Array, shared: Array, dimension: int) -> None:
        if len(times) != len(shared):
            self.place.fail(
                f"dimension {dimension} has {len(times)} values but dimension 0 has "
                f"{len(shared)}: the dimensions of a recording share its time steps"
            )
        other = np.flatnonzero(times != shared)
        if len(other):
            step = int(other[0])
            self.place.fail(
                f"time step {step} is at {self._shown(times[step])} in dimension {dimension} and "
                f"at {self._shown(shared[step])} in dimension 0: the dimensions of a recording "
                "share its time steps"
            )

    def differences(self, times: Array) -> Array:
        """(n_timesteps,): the time since the step before, 0 at the first; in seconds for dates."""
        found = np.zeros(len(times))
        if times.dtype.kind == "i":  # in order, so that no difference is too large without a sign
            unsigned = times.view(np.uint64)
            found[1:] = unsigned[1:] - unsigned[:-1]
        else:
            found[1:] = np.diff(times)
        return found / 1e9 if self.dates else found

    def _shown(self, time: Any) -> str:
        return str(time.astype("datetime64[ns]") if self.dates else time)


class _Dimension:
    """The pairs of one dimension of a recording."""

    def __init__(self, file: Timestamps, number: int) -> None:
        self._file = file
        self._number = number
        self._times: array[int] | array[float] = array("q")
        self._values = array("d")
        self._waiting: list[str] = []

    def read(self, line: str, at: int) -> tuple[int, bool]:
        """Read from one place to behind the dimension, and say whether a colon ends it."""
        while True:
            step = len(self._times)
            where = f"dimension {self._number}, time step {step}"
            pair = _PAIR.match(line, at)
            if not pair:
                self._file.place.fail(
                    f"{where}: expected a time stamp with a value, '(time,value)', found "
                    f"{cut(line[at : at + 61])}"
                )
            time, comma, value = pair.group(1).rpartition(",")
            if not comma:
                self._file.place.fail(f"{where}: {cut(pair.group())} has no ',' after its time")
            self._append(self._file.time(time, where))
            self._waiting.append(value)
            if len(self._waiting) == BLOCK:
                self._settle()
            at = pair.end()
            if pair.group(2) == ",":
                continue
            if pair.group(2) == "" and at < len(line):
                self._file.place.fail(
                    f"{where}: expected ',' or ':' after it, found {cut(line[at : at + 61])}"
                )
            return at, pair.group(2) == ":"

    def arrays(self) -> tuple[Array, Array]:
        """Times and values."""
        self._settle()
        kind = np.int64 if self._times.typecode == "q" else np.float64
        return np.array(self._times, kind), np.array(self._values, np.float64)

    def _append(self, time: int | float) -> None:
        if isinstance(time, float) and self._times.typecode == "q":
            self._times = array("d", self._times)
        self._times.append(time)  # type: ignore[arg-type]

    def _settle(self) -> None:
        if not self._waiting:
            return
        try:
            self._values.frombytes(
                floats(",".join(self._waiting), missing=self._file.missing).tobytes()
            )
        except NumberTextError as error:
            step, reason = error.args
            where = f"dimension {self._number}, time step {len(self._values) + step}"
            self._file.place.fail(f"{where}: {reason}")
        self._waiting.clear()
