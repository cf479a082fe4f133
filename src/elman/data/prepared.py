"""Makes batches as a network takes them: standardised, through its front end, of its dtype.

Training, validation and inference all get their batches here, whether the values are kept prepared
in memory or made from the caller's X a batch at a time: to the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from elman.backends.contract import Backend
from elman.data.frontend import PLAIN, Frontend, groups, standardised
from elman.data.missing import with_indicators, without_missing_steps
from elman.data.scaling import Standardisation, scaled, scaled_blocks, standardise
from elman.data.sequences import (
    Batch,
    Sequences,
    first_infinite,
    first_not_finite,
    is_small,
)
from elman.data.sources import observed_rows

Array = NDArray[Any]
Indices = NDArray[np.int64]


class Prepared:
    """Sequences as a network takes them.

    Parameters
    ----------
    data : Sequences
        As validation made them. Where their `pending_check` is set, values are checked when they
        are read, and the error is raised then.
    standardisation : Standardisation, optional
        Applied in float64 to what `data` holds.
    dtype : {float32, float64}, optional
        The network's; by default that of `data`.
    frontend : Frontend
        What is made of standardised steps.
    read : ndarray of shape (n_samples,), optional
        Given if `data` already are what the network reads: how many time steps each sample had
        before the front end put blocks of them together.

    Attributes
    ----------
    data, standardisation, dtype, frontend, read
    """

    __slots__ = ("data", "dtype", "frontend", "read", "standardisation")

    def __init__(
        self,
        data: Sequences,
        standardisation: Standardisation | None = None,
        dtype: DTypeLike | None = None,
        frontend: Frontend = PLAIN,
        *,
        read: Indices | None = None,
    ) -> None:
        self.data = data
        self.frontend = frontend
        self.read = read
        self.standardisation = standardisation
        self.dtype: np.dtype[Any] = data.dtype if dtype is None else np.dtype(dtype)

    @classmethod
    def for_training(
        cls,
        data: Sequences,
        standardisation: Standardisation | None,
        dtype: DTypeLike,
        frontend: Frontend = PLAIN,
        *,
        elsewhere: bool = False,
    ) -> Prepared:
        """Prepare sequences that training reads many times; every value is checked now.

        What is small is kept as the network takes it; of what is large each batch is made
        when it is asked for.

        Parameters
        ----------
        data : Sequences
            Without infinity, and without NaN unless `data.missing` says what becomes of it.
        standardisation, dtype, frontend
            As for `Prepared`.
        elsewhere : bool, default=False
            Whether other processes read them: then what is in a store stays there.

        Raises
        ------
        ValueError
            A standardised value does not fit in `dtype`.
        """
        data = without_missing_steps(data)
        found = cls(data, standardisation, dtype, frontend)
        stays = elsewhere and data.on_disk
        if is_small(data.n_steps * found.n_features) and not stays:
            if not frontend.plain:
                made = np.empty((found.n_steps, found.n_features), found.dtype)
                at = 0
                for start, stop in groups(data):  # so that little is held in float64
                    rows, numbers = data.rows(slice(start, stop)), np.arange(start, stop)
                    block, _ = found._fronted(rows, data.lengths[start:stop], numbers)
                    made[at : at + len(block)] = block
                    at += len(block)
                kept = Sequences(made, found.lengths, two_d=data.two_d)
                return cls(kept, None, dtype, frontend, read=data.lengths)
            values = data.values
            if standardisation is not None:
                values = scaled(data, *standardisation, dtype).values
            if data.missing == "mask":
                values = with_indicators(values, frontend.n_codes)
            return cls(Sequences(values, data.lengths, two_d=data.two_d), None, dtype)
        if standardisation is not None and not _fit_scaled(data, standardisation, dtype):
            for _ in scaled_blocks(data, *standardisation, dtype):
                pass
        return found

    def __len__(self) -> int:
        return len(self.data)

    @property
    def lengths(self) -> Indices:
        """(n_samples,): the steps of each sample that the network reads."""
        return self.data.lengths if self.done else self.frontend.n_blocks(self.data.lengths)

    @property
    def time_steps(self) -> Indices:
        """(n_samples,): the time steps of each sample, of which a block is one to the network."""
        return self.data.lengths if self.read is None else self.read

    @property
    def offsets(self) -> Indices:
        """(n_samples + 1,): the number of each sample's first time step, through all samples."""
        if self.read is None:
            return self.data.offsets
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.read)])

    @property
    def n_steps(self) -> int:
        """Steps that the network reads of all samples together."""
        return int(self.lengths.sum())

    @property
    def n_features(self) -> int:
        """Width of one time step as the network sees it."""
        if self.done:
            return self.data.n_features
        return self.frontend.n_inputs(self.data.n_features, self.data.missing)

    @property
    def done(self) -> bool:
        """Whether `data` have been through the front end."""
        return self.read is not None

    @property
    def missing(self) -> str:
        """What NaN becomes; "error" where there is none."""
        return self.data.missing

    def subset(self, indices: Any) -> Prepared:
        """The samples at `indices` (integers, a mask or a slice), in that order."""
        read = None if self.read is None else self.read[self.data.normalised(indices)]
        data = self.data.subset(indices)
        return Prepared(data, self.standardisation, self.dtype, self.frontend, read=read)

    def narrowed(self, order: Indices) -> Prepared:
        """The samples at `order`, still where they are, with nothing of the others."""
        read = None if self.read is None else self.read[order]
        data = self.data.narrowed(order)
        return Prepared(data, self.standardisation, self.dtype, self.frontend, read=read)

    def batch(self, indices: Any, backend: Backend) -> Batch:
        """The samples at `indices` as one zero-padded array, longest first (a stable sort).

        With missing="skip" the steps to be skipped are left out, and the batch says which.

        Parameters
        ----------
        indices : array-like of int, mask or slice
            Samples, in any order, repeats allowed.
        backend : Backend
            Its compiled functions and its threads are used where there are any.

        Raises
        ------
        ValueError
            A value cannot be used; names sample, time step and feature.
        """
        data = self.data
        if self._nothing_to_do():
            return data.batch(indices, backend.fused)
        order = data.normalised(indices)
        rows = data.rows(indices if isinstance(indices, slice) else order)
        lengths = data.lengths[order]
        kept = None
        if data.missing == "skip":
            if data.pending_check is not None and first_infinite(rows) is not None:
                data.pending_check()  # now, because the step may be left out for a NaN in it
            observed = observed_rows(rows)
            if not observed.all():
                kept = np.arange(lengths.max()) < lengths[:, np.newaxis]
                kept[kept] = observed
                lengths = np.count_nonzero(kept, axis=1)
                rows = rows[observed]
        if self.done or self.frontend.plain:
            values = self._completed(rows, backend)
        else:
            values, lengths = self._fronted(rows, lengths, order)
        batch = Sequences(values, lengths).batch(slice(None), backend.fused)
        if kept is not None:
            kept = kept[batch.order]
        return Batch(batch.X, batch.lengths, order[batch.order], kept)

    def batches(self, batch_size: int, backend: Backend) -> Iterator[Batch]:
        """All samples, `batch_size` at a time in storage order, each batch as `batch` makes it.

        `order` puts answers back: `out[batch.order] = answer`.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size}; it must be at least 1")
        for start in range(0, len(self), batch_size):
            yield self.batch(slice(start, min(start + batch_size, len(self))), backend)

    def _nothing_to_do(self) -> bool:
        """Whether the values already are as the network takes them."""
        return (
            self.standardisation is None
            and (self.done or self.frontend.plain)
            and self.data.missing == "error"
            and self.data.pending_check is None
            and self.data.dtype == self.dtype
        )

    def _completed(self, rows: Array, backend: Backend) -> Array:
        """Steps (n, n_features of X) as the network takes them, checked if they were not before."""
        data, fused = self.data, backend.fused
        finite = True
        out = rows
        if self.standardisation is not None:
            out = np.empty(rows.shape, self.dtype)
            if fused is None:
                finite = standardise(rows, *self.standardisation, out)
            else:
                finite = fused.standardise(rows, *self.standardisation, out, backend.n_threads)
        elif data.pending_check is not None:
            if fused is None:
                finite = first_not_finite(rows) is None
            else:
                finite = fused.all_finite(rows, backend.n_threads)
        if not finite and data.missing == "mask":
            finite = first_infinite(out) is None
        if not finite:
            self._refuse_values()
        if data.missing == "mask":
            out = with_indicators(out, self.frontend.n_codes)
        return np.require(out, self.dtype, ["C", "A"])

    def _refuse_values(self) -> None:
        """Raise the error about a value that cannot be used, if one is known to be there."""
        data = self.data
        if data.pending_check is not None:
            data.pending_check()
        if self.standardisation is not None:
            for _ in scaled_blocks(data, *self.standardisation, self.dtype):
                pass  # an error that names the sample and the value
            raise RuntimeError(f"standardisation left something that {self.dtype} does not hold")

    def _fronted(self, rows: Array, lengths: Indices, samples: Indices) -> tuple[Array, Indices]:
        """What the network reads of samples of X, checked if they were not before.

        Parameters
        ----------
        rows : ndarray of shape (n_steps, n_features of X)
            Their steps, end to end, without those to be skipped.
        lengths : ndarray of shape (n_samples,)
        samples : ndarray of shape (n_samples,)
            Their numbers, for errors.

        Returns
        -------
        values : ndarray of shape (n_blocks, n_inputs), of the network's dtype
        lengths : ndarray of shape (n_samples,)
        """
        missing = self.data.missing
        values = standardised(rows, self.standardisation)
        with np.errstate(over="ignore", invalid="ignore"):
            if missing == "mask":
                finite = first_infinite(values.astype(self.dtype)) is None
            else:
                finite = first_not_finite(values.astype(self.dtype)) is None
            if not finite:
                self._refuse_values()
            inputs, lengths = self.frontend.apply(values, lengths, missing)
            out = np.require(inputs, self.dtype, ["C", "A"])
        bad = first_not_finite(out)
        if bad is not None:
            block, column = divmod(bad, out.shape[1])
            place = int(np.searchsorted(np.cumsum(lengths), block, side="right"))
            raise ValueError(
                f"X: what the front end makes of sample {samples[place]}, feature "
                f"{column % self.data.n_features}, leaves the range of {self.dtype}: its values "
                "are too large, or differ by far too much from one step to the next. Correct them"
            )
        return out, lengths


def _fit_scaled(data: Sequences, standardisation: Standardisation, dtype: DTypeLike) -> bool:
    """Whether it is known, without reading them, that all standardised values fit in `dtype`.

    To subtract and to divide keep the order of numbers, rounded or not, so that the lowest and the
    highest value of a feature say it of all others.
    """
    if data.ends is None:
        return False
    values = np.stack(data.ends)
    values[np.isnan(values)] = 0  # a feature that was never observed
    return standardise(values, *standardisation, np.empty(values.shape, dtype))
