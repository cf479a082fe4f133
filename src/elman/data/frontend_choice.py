"""Training data in; what "auto" makes of `deltas` and `stride`, and why, out.

Both look at what a recording does within itself: how much of its variance the mean of a block of
steps keeps, and how much of its variance happens between neighbouring steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.frontend import block_means
from elman.data.sequences import Sequences

Floats = NDArray[np.float64]

SMOOTH = 0.97
"""The autocorrelation of neighbouring steps from which on differences are worth a feature."""
LONG = 128
"""Steps beyond which a series is thinned, to about so many."""
MOST_LOST = 0.05
"""The share of a recording's variance that its blocks may lose when they become their means."""

N_LOOKED_AT = 100
"""Recordings looked at: one in each of so many parts of the training data, of about one size"""
STEPS_LOOKED_AT = 1 << 12
"""of each at most so many steps, from its first on"""
LEAST_STEPS = 8
"""A recording of fewer says nothing of its own smoothness."""


class Choice(NamedTuple):
    """What was chosen, and why."""

    deltas: int
    stride: int
    reasons: tuple[str, ...]
    """a sentence for each that was "auto" """


def choose(
    data: Sequences,
    deltas: int | Literal["auto"],
    stride: int | Literal["auto"],
    weights: Floats | None = None,
    *,
    every_step: bool = False,
    in_pieces: bool = False,
) -> Choice:
    """Put numbers for "auto".

    Whether there are to be differences is asked of the steps of X, whatever the stride: a series
    that is smooth there gains from the differences of its block means as well, though these are
    rougher.

    Parameters
    ----------
    data : Sequences
        Training data.
    deltas, stride : int or "auto"
    weights : ndarray of shape (n_samples,), optional
        How much a recording counts: one of weight 2 as two of them. None: all the same.
    every_step : bool, default=False
        Whether each time step has an answer of its own.
    in_pieces : bool, default=False
        Whether recordings come in pieces, so that a block or a difference would begin anew with
        each.
    """
    reasons = []
    if in_pieces:
        why = "recordings come in pieces (stateful=True)"
        if stride == "auto":
            stride = 1
            reasons.append(f"stride=1: {why}")
        if deltas == "auto":
            deltas = 0
            reasons.append(f"deltas=0: {why}")
    looked = _Looked(data, weights) if "auto" in (deltas, stride) else None
    if stride == "auto":
        assert looked is not None
        stride, why = _stride(data, weights, looked, every_step)
        reasons.append(f"stride={stride}: {why}")
    if deltas == "auto":
        assert looked is not None
        deltas, why = _deltas(looked)
        reasons.append(f"deltas={deltas}: {why}")
    return Choice(int(deltas), int(stride), tuple(reasons))


def _stride(
    data: Sequences, weights: Floats | None, looked: _Looked, every_step: bool
) -> tuple[int, str]:
    if every_step:
        return 1, "each time step has an answer of its own"
    median = _median(data.lengths, weights) if len(data) else 0.0
    if median <= LONG:
        return 1, f"recordings have {median:g} steps (median), at most {LONG}"
    stride = math.ceil(median / LONG)
    lost = looked.lost(stride)
    refused = 0
    while stride > 1 and not lost <= MOST_LOST:
        refused = stride
        stride = -(-stride // 2)
        lost = looked.lost(stride)
    if math.isnan(lost):
        return 1, (
            f"recordings have {median:g} steps (median), but none of at least {LEAST_STEPS} steps "
            "changes, to tell what means would lose"
        )
    if stride == 1:
        return 1, (
            f"recordings have {median:g} steps (median), but are too rough to be thinned: means of "
            f"2 steps would lose {_percent(looked.lost(2))} of their variance, more than "
            f"{_percent(MOST_LOST)}"
        )
    short = "" if not refused else f", those of {refused} over {_percent(MOST_LOST)}"
    return stride, (
        f"recordings have {median:g} steps (median), more than {LONG}, and means of {stride} steps "
        f"lose only {_percent(lost)} of their variance{short}"
    )


def _deltas(looked: _Looked) -> tuple[int, str]:
    found = looked.autocorrelation()
    if math.isnan(found):
        return 0, f"no recording has {LEAST_STEPS} steps that change, to tell whether it is smooth"
    if found >= SMOOTH:
        return (
            1,
            f"neighbouring steps have an autocorrelation of {found:.3f}, at least {SMOOTH}: smooth",
        )
    return (
        0,
        f"neighbouring steps have an autocorrelation of {found:.3f}, below {SMOOTH}: rough enough",
    )


class _Looked:
    """Some recordings of the training data, in float64, and how much each counts."""

    def __init__(self, data: Sequences, weights: Floats | None) -> None:
        chosen = _spread(len(data))
        self.recordings = [_moderate(data[i][:STEPS_LOOKED_AT]) for i in chosen.tolist()]
        self.weights = None if weights is None else weights[chosen]

    def lost(self, stride: int) -> float:
        """The share of their variance that is within blocks of so many steps."""
        return self._typical(lambda x: _lost(x, stride))

    def autocorrelation(self) -> float:
        """That of neighbouring steps."""
        return self._typical(_autocorrelation)

    def _typical(self, measure: Callable[[Floats], Floats]) -> float:
        """The median over recordings, and of that the mean over features; NaN if none is known."""
        told = [i for i, x in enumerate(self.recordings) if len(x) >= LEAST_STEPS]
        if not told:
            return math.nan
        table = np.stack([measure(self.recordings[i]) for i in told])
        weights = None if self.weights is None else self.weights[told]
        of_features = []
        for column in table.T:
            known = ~np.isnan(column)
            if known.any():
                counted = None if weights is None else weights[known]
                of_features.append(_median(column[known], counted))
        return float(np.mean(of_features)) if of_features else math.nan


def _spread(n_samples: int) -> NDArray[np.int64]:
    """Which samples are looked at.

    In each part another place is taken, by the golden ratio, which no period of the order meets: of
    every second sample only one class might be seen, where two take turns.
    """
    n = min(n_samples, N_LOOKED_AT)
    begins = np.linspace(0, n_samples, n + 1).astype(np.int64)
    within = np.arange(n) * ((math.sqrt(5) - 1) / 2) % 1
    return begins[:-1] + (within * np.diff(begins)).astype(np.int64)


def _median(values: NDArray[Any], weights: Floats | None) -> float:
    """The median, where a value of weight 2 is there twice."""
    if weights is None:
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    up_to = np.cumsum(weights[order])
    half, rounding = up_to[-1] / 2, 1e-12 * up_to[-1]
    low = np.searchsorted(up_to, half - rounding, side="left")
    high = np.searchsorted(up_to, half + rounding, side="right")
    return float((values[order[low]] + values[order[high]]) / 2)


def _moderate(x: Any) -> Floats:
    """Steps in float64, each feature by a power of two, so that squares stay in the range."""
    values = np.array(x, np.float64)
    largest = np.fmax.reduce(np.abs(values), axis=0, initial=0.0)
    return np.asarray(np.ldexp(values, -np.frexp(largest)[1]))


def _autocorrelation(x: Floats) -> Floats:
    """(n_features,): by the mean square of neighbours' differences; NaN where nothing changes.

    A trend or an offset of the recording does not count against it, as it would in a correlation
    over all recordings.
    """
    return 1 - _mean(np.square(np.diff(x, axis=0))) / (2 * _variance(x))


def _lost(x: Floats, stride: int) -> Floats:
    """(n_features,), NaN where nothing changes."""
    inner = x - np.repeat(_means(x, stride), stride, axis=0)[: len(x)]
    return _mean(np.square(inner)) / _variance(x)


def _means(x: Floats, stride: int) -> Floats:
    return block_means(x, np.array([len(x)], np.int64), stride)[0]


def _variance(x: Floats) -> Floats:
    """(n_features,), of what was observed; NaN where nothing changes but by rounding."""
    centre = _mean(x)
    found = _mean(np.square(x - centre))
    with np.errstate(invalid="ignore"):
        changes = found > np.square(1e-13 * centre)
    return np.where(changes, found, np.nan)


def _mean(x: Any) -> Floats:
    """The mean over steps, of what is not NaN; NaN if all is."""
    known = ~np.isnan(x)
    count = np.add.reduce(known, axis=0, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.add.reduce(np.where(known, x, 0.0), axis=0) / count
    return found


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
