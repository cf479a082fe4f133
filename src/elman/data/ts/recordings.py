"""The text of one recording after another in, X out."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.budget import Budget
from elman.data.ragged import SEQUENCE_BYTES, split_rows
from elman.data.ts.numbers import PIECE, NumberTextError, floats, pieces
from elman.data.ts.place import Place

Array = NDArray[Any]

AT_FIRST = 1 << 12  # values


class Recordings:
    """Recordings end to end in one array, which grows.

    The numbers of short lines are read some thousand at a time, which is several times as quick.

    Parameters
    ----------
    place : Place
        The line that is being read.
    budget : Budget
        What memory they may take.
    missing : bool
        Whether values may be missing.
    """

    def __init__(self, place: Place, budget: Budget, *, missing: bool) -> None:
        self._place = place
        self._budget = budget
        self._missing = missing
        self._values = np.empty(AT_FIRST)
        self._n_values = 0
        self._lengths = array("q")
        self._n_features = 1
        self._waiting: list[str] = []
        self._waiting_lengths: list[int] = []
        self._waiting_lines: list[int] = []
        self._n_waiting = 0  # characters

    def __len__(self) -> int:
        return len(self._lengths) + len(self._waiting)

    def add(self, numbers: str, n_timesteps: int, n_features: int) -> None:
        """Take the next recording: its numbers, separated by commas, feature by feature.

        The number of features is the same for all recordings.
        """
        self._n_features = n_features
        if len(numbers) > PIECE:
            self.settle()
            self._read_long(numbers, n_timesteps)
            return
        self._waiting.append(numbers)
        self._waiting_lengths.append(n_timesteps)
        self._waiting_lines.append(self._place.line)
        self._n_waiting += len(numbers)
        if self._n_waiting > PIECE:
            self.settle()

    def add_columns(self, columns: list[Array]) -> None:
        """Take the next recording: the values of each feature."""
        self.settle()
        self._n_features = len(columns)
        out = self._room([len(columns[0])])
        for d, column in enumerate(columns):
            out[:, d] = column

    def settle(self) -> None:
        """Read the numbers of the recordings that are waiting; raise their first error."""
        if not self._waiting:
            return
        numbers, lengths, lines = self._waiting, self._waiting_lengths, self._waiting_lines
        self._waiting, self._waiting_lengths, self._waiting_lines = [], [], []
        self._n_waiting = 0
        try:
            values = floats(",".join(numbers), missing=self._missing)
        except NumberTextError as error:
            at, reason = error.args
            which = 0
            while at >= lengths[which] * self._n_features:
                at -= lengths[which] * self._n_features
                which += 1
            self._place.line = lines[which]
            self._fail(at, reason, lengths[which])
        out = self._room(lengths)
        if self._n_features == 1:
            out[:, 0] = values
        elif min(lengths) == max(lengths):
            shape = len(lengths), self._n_features, lengths[0]
            cube = out.reshape(len(lengths), lengths[0], self._n_features)
            cube[...] = values.reshape(shape).transpose(0, 2, 1)
        else:
            stop = 0
            for n in lengths:
                start, stop = stop, stop + n
                columns = values[start * self._n_features : stop * self._n_features]
                out[start:stop] = columns.reshape(self._n_features, n).T

    def sequences(self, content: int) -> Array | list[Array]:
        """X: one array if all recordings are of one length, or a list of arrays.

        `content` is the size of the file.
        """
        self.settle()
        self._values.resize(self._n_values, refcheck=False)
        lengths = np.array(self._lengths, np.int64)
        if (lengths == lengths[0]).all():
            return self._values.reshape(len(lengths), int(lengths[0]), self._n_features)
        self._budget.take_objects(
            SEQUENCE_BYTES * len(lengths), content, f"{len(lengths):,} recordings, an array each,"
        )
        return split_rows(self._values.reshape(-1, self._n_features), lengths)

    @property
    def n_bytes(self) -> int:
        """Bytes of the values of the recordings until now, if each were of two characters."""
        return 8 * self._n_values + 4 * self._n_waiting

    def taken(self) -> list[Array]:
        """The recordings until now, an array each, which are then forgotten here."""
        self.settle()
        values = self._values[: self._n_values].reshape(-1, self._n_features)
        found = split_rows(values, np.array(self._lengths, np.int64))
        self._values, self._n_values = np.empty(AT_FIRST), 0
        self._lengths = array("q")
        return found

    def _read_long(self, numbers: str, n_timesteps: int) -> None:
        out: Any = None
        start = 0
        for piece in pieces(numbers):
            try:
                values = floats(piece, missing=self._missing)
            except NumberTextError as error:
                self._fail(start + error.args[0], error.args[1], n_timesteps)
            if out is None:  # after the first values, as a line of something else has none
                out = self._room([n_timesteps]).T.flat
            out[start : start + len(values)] = values
            start += len(values)

    def _room(self, lengths: list[int]) -> Array:
        """(their steps, n_features), to be filled with the next recordings and then forgotten."""
        n = sum(lengths) * self._n_features
        self._budget.take(8 * (n + len(lengths)), "the recordings so far")
        start, stop = self._n_values, self._n_values + n
        if stop > len(self._values):
            self._values.resize(max(stop, len(self._values) * 9 // 8), refcheck=False)
        self._n_values = stop
        self._lengths.extend(lengths)
        return self._values[start:stop].reshape(-1, self._n_features)

    def _fail(self, at: int, reason: str, n_timesteps: int) -> None:
        """Raise the error of the value at an index among those of a recording."""
        d, t = divmod(at, n_timesteps)
        if n_timesteps == 1 and reason.startswith("''"):
            self._place.fail(f"dimension {d} has no values")
        self._place.fail(f"dimension {d}, time step {t}: {reason}")
