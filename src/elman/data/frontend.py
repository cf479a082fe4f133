"""The front end of a model: standardised sequences in; what the network reads of them out.

In this order, all of it in float64:

1. *missing values*: a step that `missing="skip"` leaves out is left out before anything else, as if
   it had never been recorded;
2. *standardisation* of the steps of X, with the statistics of X;
3. `scale_each`: of each recording its own mean is subtracted, and it is divided by its own
   amplitude, feature by feature. It comes before steps are averaged, because an average has another
   amplitude;
4. `stride`: the mean of each block of so many steps, the last one shorter, is one step to the
   network; of missing values ("mask") the mean of those that were observed;
5. `deltas`: differences of what is left to the step before, so that they are those that the network
   would take from one of its steps to the next. Before the stride most of them would be averaged
   away. They are divided by a scale of their own, since those of a smooth series are small;
6. *indicators* of what is missing ("mask"), last, since the others need to know it.

The columns are: the features, their differences of order 1, of order 2, the logarithms of the
recording's amplitudes, its means, the indicators. A model without a front end has the first and the
last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.missing import n_inputs
from elman.data.scaling import Standardisation, standardise
from elman.data.sequences import BLOCK_VALUES, Sequences

Array = NDArray[Any]
Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

MOST_DELTAS = 2
LEAST_AMPLITUDE = 1e-12
"""Of a standardised recording: one that is quieter is taken for one that is as quiet as this, so
that what hardly changes but by rounding is not blown up."""
LEAST_LOG_DEVIATION = 1e-3
"""Of the logarithms of amplitudes: recordings whose amplitudes agree to within a thousandth were
given the same one, and rounded, so that there is nothing to be learned from the rest."""


@dataclass(frozen=True, eq=False)
class Frontend:
    """What is made of standardised steps before a network reads them.

    The two fields of arrays are learned from training data, by `learn_frontend`.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.data.frontend import Frontend
    >>> front = Frontend(deltas=1, stride=2, delta_scale=np.array([[0.5]]))
    >>> inputs, lengths = front.apply(np.array([[0.0], [2.0], [3.0]]), np.array([3]), "error")
    >>> inputs.tolist(), lengths.tolist()
    ([[1.0, 0.0], [3.0, 4.0]], [2])
    """

    deltas: int = 0
    """the highest order of differences"""
    stride: int = 1
    """time steps of X in a block, of which the network reads the mean"""
    scale_each: bool = False
    """whether each recording is divided by its own amplitude, about its own mean"""
    delta_scale: Floats = field(default_factory=lambda: np.ones((0, 0)), repr=False)
    """(deltas, n_features), what the differences of each order are divided by"""
    log_amplitude: Standardisation | None = field(default=None, repr=False)
    """of the logarithms of the amplitudes of training recordings; None unless `scale_each`"""
    reasons: tuple[str, ...] = ()
    """why "auto" chose what it chose, a sentence for each choice"""
    n_codes: int = 0
    """columns of a step, the first ones, that are numbers of categories: nothing is made of them"""

    def __repr__(self) -> str:
        values = f"deltas={self.deltas}, stride={self.stride}, scale_each={self.scale_each}"
        return "\n".join([f"Frontend({values})", *(f"  {reason}" for reason in self.reasons)])

    def in_words(self) -> str:
        """What it does, in one line."""
        parts = [f"differences of order {'1 and 2' if self.deltas == 2 else 1}"] * bool(self.deltas)
        parts += [f"means of {self.stride} steps"] * (self.stride > 1)
        parts += ["each recording by its own mean and amplitude"] * self.scale_each
        return ", ".join(parts) or "none"

    @property
    def reasons_to_act(self) -> list[str]:
        """The reasons without those for doing nothing."""
        idle = "deltas=0:", "stride=1:"
        return [reason for reason in self.reasons if not reason.startswith(idle)]

    @property
    def plain(self) -> bool:
        """Whether nothing is done beyond standardisation and indicators."""
        return self.deltas == 0 and self.stride == 1 and not self.scale_each

    def n_inputs(self, n_features: int, missing: str) -> int:
        """How many features a network sees of sequences of `n_features`."""
        n_numbers = n_features - self.n_codes
        more = n_numbers * (self.deltas + 2 * self.scale_each)
        return self.n_codes + n_inputs(n_numbers, missing) + more

    def n_features_of(self, n_inputs: int, missing: str) -> int:
        """How many features sequences have of which a network sees so many."""
        if self.n_codes:
            each = 2 if missing == "mask" else 1
            return self.n_codes + (n_inputs - self.n_codes) // each
        return n_inputs // self.n_inputs(1, missing)

    def n_blocks(self, lengths: Indices) -> Indices:
        """(n_samples,): how many steps the network reads of samples of these lengths."""
        return lengths if self.stride == 1 else -(-lengths // self.stride)

    def describe(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """The front end in JSON's words, and its arrays; both empty if there is nothing to say."""
        if self.plain and not self.reasons:
            return {}, {}
        described = {
            "deltas": self.deltas,
            "stride": self.stride,
            "scale_each": self.scale_each,
            "reasons": [*self.reasons],
        }
        arrays: dict[str, Array] = {}
        if self.deltas:
            arrays["delta_scale"] = self.delta_scale
        if self.log_amplitude is not None:
            arrays |= {f"log_{name}": a for name, a in self.log_amplitude._asdict().items()}
        return described, arrays

    @classmethod
    def restore(cls, described: Any, arrays: Mapping[str, Array], n_features: int) -> Frontend:
        """The front end that `describe` described, which may have been forged on the way.

        Raises
        ------
        TypeError, ValueError
            It is no such front end.
        """
        if described is None:
            described = {}
        if not isinstance(described, dict):
            raise TypeError(f"the front end is {described!r:.60}; it must be an object")
        strangers = sorted(set(described) - {"deltas", "stride", "scale_each", "reasons"})
        if strangers:
            raise ValueError(f"the front end has unknown parts {strangers!r:.200}")
        deltas, stride = described.get("deltas", 0), described.get("stride", 1)
        scale_each, reasons = described.get("scale_each", False), described.get("reasons", [])
        if type(deltas) is not int or not 0 <= deltas <= MOST_DELTAS:
            raise ValueError(f"deltas is {deltas!r:.60}; it must be 0, 1 or 2")
        if type(stride) is not int or not 1 <= stride < 2**31:
            raise ValueError(f"stride is {stride!r:.60}; it must be a number of time steps")
        if not isinstance(scale_each, bool):
            raise TypeError(f"scale_each is {scale_each!r:.60}; it must be true or false")
        texts = isinstance(reasons, list) and all(isinstance(each, str) for each in reasons)
        if not texts or len(reasons) > 8 or any(len(each) > 1000 for each in reasons):
            raise ValueError("the reasons of the front end are no short list of short texts")
        expected = ["delta_scale"] * (deltas > 0) + ["log_mean", "log_scale"] * scale_each
        if sorted(arrays) != expected:
            raise ValueError(f"the front end has the arrays {sorted(arrays)}, not {expected}")
        shapes: dict[str, tuple[int, ...]] = {"delta_scale": (deltas, n_features)}
        for name, array in arrays.items():
            if array.shape != shapes.get(name, (n_features,)) or array.dtype != np.float64:
                raise ValueError(f"{name} has shape {array.shape} and type {array.dtype}")
            if not np.isfinite(array).all() or (name != "log_mean" and (array <= 0).any()):
                raise ValueError(f"{name} holds values that no training makes")
        return cls(
            deltas,
            stride,
            scale_each,
            arrays["delta_scale"] if deltas else np.ones((0, n_features)),
            Standardisation(arrays["log_mean"], arrays["log_scale"]) if scale_each else None,
            tuple(reasons),
        )

    # What the network reads

    def apply(self, values: Floats, lengths: Indices, missing: str) -> tuple[Floats, Indices]:
        """What the network reads of standardised samples.

        A sample's rows depend on that sample alone.

        Parameters
        ----------
        values : ndarray of shape (n_steps, n_features), float64
            The steps of all samples, end to end; NaN only with missing="mask".
        lengths : ndarray of shape (n_samples,), int64
            Of the samples.
        missing : str
            What NaN becomes.

        Returns
        -------
        inputs : ndarray of shape (n_blocks, n_inputs), float64
            The steps that the network reads, end to end, without NaN.
        lengths : ndarray of shape (n_samples,), int64
            How many of them each sample has.
        """
        of_samples: list[Floats] = []
        if self.scale_each:
            values, mean, amplitude = each_scaled(values, lengths)
            of_samples = [self._log_inputs(amplitude), mean]
        values, lengths = block_means(values, lengths, self.stride)
        parts = [values]
        found = values
        for scale in self.delta_scale[: self.deltas]:
            found = differences(found, lengths)
            parts.append(found / scale)
        parts += [np.repeat(column, lengths, axis=0) for column in of_samples]
        if missing == "mask":
            parts.append(np.isnan(values).astype(np.float64))
        inputs = np.concatenate(parts, axis=1)
        inputs[np.isnan(inputs)] = 0
        return inputs, lengths

    def taken_back(self, values: Floats, dinputs: Floats) -> Floats:
        """The gradient at a standardised sample, from the gradient at what the network reads of it.

        Parameters
        ----------
        values : ndarray of shape (n_timesteps, n_features), float64
            One sample, without NaN.
        dinputs : ndarray of shape (n_blocks, n_inputs)

        Returns
        -------
        ndarray of shape (n_timesteps, n_features), float64
        """
        n_steps, n_features = values.shape
        if n_steps == 0:
            return np.zeros(values.shape)
        parts = [dinputs[:, i * n_features : (i + 1) * n_features] for i in range(1 + self.deltas)]
        carried = np.zeros((len(dinputs), n_features))
        for order in range(self.deltas, 0, -1):
            carried = carried + parts[order] / self.delta_scale[order - 1]
            carried[:order] = 0  # no difference of that order is known there
            below = carried.copy()
            below[:-1] -= carried[1:]
            carried = below
        dblocks = parts[0] + carried
        sizes = np.minimum(self.stride, n_steps - self.stride * np.arange(len(dblocks)))
        dvalues: Floats = np.repeat(dblocks / sizes[:, np.newaxis], sizes, axis=0)
        if not self.scale_each or self.log_amplitude is None:
            return dvalues
        scaled, _, found = each_scaled(values, np.array([n_steps], np.int64))
        amplitude, start = found[0], (1 + self.deltas) * n_features
        dlog = np.add.reduce(dinputs[:, start : start + n_features], axis=0)
        dmean = np.add.reduce(dinputs[:, start + n_features : start + 2 * n_features], axis=0)
        # As of layer normalisation: what the mean and the amplitude depend on is every step.
        damplitude = dlog / self.log_amplitude.scale - np.add.reduce(dvalues * scaled, axis=0)
        damplitude[amplitude <= LEAST_AMPLITUDE] = 0
        dvalues = dvalues - np.add.reduce(dvalues, axis=0) / n_steps
        dvalues = (dvalues + damplitude * scaled / n_steps) / amplitude
        return np.asarray(dvalues + dmean / n_steps)

    def spread(self, answers: Array, n_steps: int) -> Array:
        """Each of the answers to blocks at all time steps of its block: (n_steps, ...)."""
        if self.stride == 1:
            return answers[:n_steps]
        return np.asarray(answers[np.arange(n_steps) // self.stride])

    def while_reading(self, answers: Array, initial: Array, n_steps: int) -> Array:
        """At each time step the answer to the blocks that have ended: (n_steps, ...).

        Before the first one has ended it is `initial`.
        """
        n_whole = np.arange(1, n_steps + 1) // self.stride
        return np.concatenate([initial[np.newaxis], answers])[n_whole]

    def check_reads_on(self) -> None:
        """Raise ValueError if the network has no answer for a sample that is still going on."""
        if self.scale_each:
            raise ValueError(
                "scale_each=True divides a recording by its own amplitude, which is known at its "
                "end only, so there is no answer while it goes on: ask for the answer to whole "
                "sequences, or train with scale_each=False"
            )

    def _log_inputs(self, amplitude: Floats) -> Floats:
        """The logarithms of amplitudes as the network reads them; the mean where one is unknown."""
        if self.log_amplitude is None:
            raise ValueError("a front end with scale_each needs what it learned of amplitudes")
        return (np.log(amplitude) - self.log_amplitude.mean) / self.log_amplitude.scale


PLAIN = Frontend()
"""Nothing is done beyond standardisation and indicators."""


# Steps of it


def each_scaled(values: Floats, lengths: Indices) -> tuple[Floats, Floats, Floats]:
    """Samples of mean 0 and amplitude 1, what was subtracted, and what they were divided by.

    The mean is a sample's own. From that of the training data a quiet recording may be so far away
    that what changes in it would be lost beside the distance.

    Returns
    -------
    scaled : ndarray of shape (n_steps, n_features)
    mean, amplitude : ndarray of shape (n_samples, n_features)
        The amplitude is the root mean square of the deviations from the mean, both over what was
        observed; NaN where nothing was.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mean, amplitude = _mean_and_amplitude(values, lengths)
        huge = np.flatnonzero(np.isinf(amplitude).any(axis=1))
        if len(huge):  # squares that leave the range of float64
            rows = np.isin(np.repeat(np.arange(len(lengths)), lengths), huge)
            found = _mean_and_amplitude(np.ldexp(values[rows], -600), lengths[huge])
            mean[huge], amplitude[huge] = (np.ldexp(each, 600) for each in found)
        divisor = np.where(np.isnan(amplitude), 1.0, amplitude)
        centred = values - np.repeat(mean, lengths, axis=0)
        return centred / np.repeat(divisor, lengths, axis=0), mean, amplitude


def _mean_and_amplitude(values: Floats, lengths: Indices) -> tuple[Floats, Floats]:
    observed = ~np.isnan(values)
    filled = np.flatnonzero(lengths)
    starts = (np.cumsum(lengths) - lengths)[filled]

    def sums(of_steps: Floats) -> Floats:
        out = np.zeros((len(lengths), values.shape[1]))
        if len(filled):
            out[filled] = np.add.reduceat(np.where(observed, of_steps, 0.0), starts, axis=0)
        return out

    counts = sums(np.ones(values.shape))
    mean = sums(values) / counts
    mean += sums(values - np.repeat(mean, lengths, axis=0)) / counts  # its rounding
    squares = sums(np.square(values - np.repeat(mean, lengths, axis=0)))
    return mean, np.maximum(np.sqrt(squares / counts), LEAST_AMPLITUDE)


def block_means(values: Floats, lengths: Indices, stride: int) -> tuple[Floats, Indices]:
    """The mean of each block of `stride` steps of each sample, the last one shorter.

    Of missing values (NaN) the mean of those that were observed; NaN if none was. The steps of a
    block are added one after another, as a stream does.

    Returns
    -------
    means : ndarray of shape (n_blocks, n_features)
    lengths : ndarray of shape (n_samples,)
        Blocks of each sample.
    """
    if stride == 1:
        return values, lengths
    n_blocks = -(-lengths // stride)
    sample = np.repeat(np.arange(len(lengths)), n_blocks)
    within = np.arange(len(sample)) - np.repeat(np.cumsum(n_blocks) - n_blocks, n_blocks)
    starts = (np.cumsum(lengths) - lengths)[sample] + within * stride
    sizes = np.minimum(stride, lengths[sample] - within * stride)
    missing = np.isnan(values)
    filled = np.where(missing, 0.0, values)
    total = np.zeros((len(starts), values.shape[1]))
    gaps = np.zeros(total.shape)
    longest = int(sizes.max(initial=0))
    if longest > len(starts):  # few blocks, one after another; to the same bits
        for block, (start, size) in enumerate(zip(starts.tolist(), sizes.tolist(), strict=True)):
            steps = slice(start, start + size)
            total[block] += np.add.accumulate(filled[steps], axis=0)[-1]
            gaps[block] = np.count_nonzero(missing[steps], axis=0)
    else:
        for k in range(longest):
            has = np.flatnonzero(sizes > k)
            total[has] += filled[starts[has] + k]
            gaps[has] += missing[starts[has] + k]
    return mean_of(total, sizes[:, np.newaxis] - gaps), n_blocks


def mean_of(total: Floats, count: Floats) -> Floats:
    """total / count; NaN where nothing was counted."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = total / count
    return found


def differences(values: Floats, lengths: Indices) -> Floats:
    """What each step has more than the one before it; NaN where one of the two is not known.

    The first step of a sample has none before it.
    """
    out = np.empty_like(values)
    out[1:] = values[1:] - values[:-1]
    starts = (np.cumsum(lengths) - lengths)[lengths > 0]
    out[starts] = np.nan
    return out


# Learning its scales


def learn_frontend(
    data: Sequences,
    standardisation: Standardisation | None,
    sample_weight: Floats | None,
    *,
    deltas: int,
    stride: int,
    scale_each: bool,
    reasons: tuple[str, ...] = (),
) -> Frontend:
    """The front end, with the scales of what it makes of training data.

    A difference is divided by its root mean square over all steps that have one: it has no mean to
    be subtracted, so that 0 goes on to mean "no change". Differences that are no larger than what
    rounding makes of equal ones are left as small as they are: those of a feature that is the same
    throughout each recording, or those of order 2 of one that counts time.

    Parameters
    ----------
    data : Sequences
        Training data, without the steps to be skipped.
    standardisation : Standardisation or None
    sample_weight : ndarray of shape (n_samples,), optional
        Weight of each sample; every step of a sample counts with it.
    deltas, stride, scale_each, reasons
        As `Frontend` has them.
    """
    n_features = data.n_features
    found = Frontend(deltas, stride, scale_each, np.ones((deltas, n_features)), None, reasons)
    if deltas == 0 and not scale_each:
        return found
    weights = np.ones(len(data)) if sample_weight is None else np.asarray(sample_weight, float)
    squares, counts = np.zeros((2, deltas, n_features))
    logs = np.full((len(data), n_features), np.nan)
    far = np.zeros(n_features)  # of 0 from the mean, in the units of standardised values
    if standardisation is not None:
        far = np.abs(standardisation.mean) / standardisation.scale
    held_squares, held_counts = np.zeros((2, n_features))
    for start, stop, values in standardised_samples(data, standardisation):
        lengths = data.lengths[start:stop]
        held = np.abs(values) + far  # with the rounding of which values come
        if scale_each:
            values, _, amplitude = each_scaled(values, lengths)
            logs[start:stop] = np.log(amplitude)
            # What is the same throughout has no rounding that differs.
            divisor = np.where(amplitude > LEAST_AMPLITUDE, amplitude, np.inf)
            held /= np.repeat(divisor, lengths, axis=0)
        held[np.isnan(held)] = 0
        of_steps = np.repeat(weights[start:stop], lengths)[:, np.newaxis]
        with np.errstate(over="ignore"):
            held_squares += np.add.reduce(np.square(held) * of_steps, axis=0)
        held_counts += np.add.reduce(~np.isnan(values) * of_steps, axis=0)
        values, lengths = block_means(values, lengths, stride)
        of_steps = np.repeat(weights[start:stop], lengths)[:, np.newaxis]
        with np.errstate(over="ignore", invalid="ignore"):
            for order in range(deltas):
                values = differences(values, lengths)
                known = ~np.isnan(values)
                added = np.where(known, values, 0.0) ** 2 * of_steps
                squares[order] += np.add.reduce(added, axis=0)
                counts[order] += np.add.reduce(known * of_steps, axis=0)
    scale = np.sqrt(squares / np.where(counts > 0, counts, 1.0))
    # Rounded were X, as it was stored, and the sum of each block.
    rounding = max(np.finfo(data.dtype).eps, stride * np.finfo(np.float64).eps)
    typical = np.sqrt(held_squares / np.where(held_counts > 0, held_counts, 1.0))
    orders = np.arange(1, deltas + 1)[:, np.newaxis]
    scale[scale <= 2.0**orders * rounding * typical] = 0
    log_amplitude = None
    if scale_each:
        known = ~np.isnan(logs)
        of_samples = known * weights[:, np.newaxis]
        total = np.add.reduce(of_samples, axis=0)
        total[total <= 0] = 1
        logs[~known] = 0
        mean = np.add.reduce(logs * of_samples, axis=0) / total
        deviation = np.sqrt(np.add.reduce(np.square(logs - mean) * of_samples, axis=0) / total)
        log_amplitude = Standardisation(
            mean, np.where(deviation > LEAST_LOG_DEVIATION, deviation, 1.0)
        )
    scale = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
    return Frontend(deltas, stride, scale_each, scale, log_amplitude, reasons)


def standardised_samples(
    data: Sequences, standardisation: Standardisation | None
) -> Iterator[tuple[int, int, Floats]]:
    """All samples, some at a time, standardised in float64.

    How many depends on their lengths alone, so that sums over them have the same bits wherever the
    steps come from.

    Yields
    ------
    start, stop : int
        Which samples.
    values : ndarray of shape (their steps, n_features), float64
        With NaN where it is allowed.
    """
    for start, stop in groups(data):
        yield start, stop, standardised(data.rows(slice(start, stop)), standardisation)


def groups(data: Sequences) -> Iterator[tuple[int, int]]:
    """Consecutive samples, as many at a time as hold `BLOCK_VALUES` values together, at least one.

    Yields
    ------
    start, stop : int
    """
    n_rows = max(1, BLOCK_VALUES // max(1, data.n_features))
    start = 0
    while start < len(data):
        begins = int(data.offsets[start])
        stop = int(np.searchsorted(data.offsets[1:], begins + n_rows, side="right"))
        stop = max(start + 1, stop)
        yield start, stop
        start = stop


def standardised(rows: Array, standardisation: Standardisation | None) -> Floats:
    """Steps (n_steps, n_features) in float64, standardised; a fresh array."""
    out = np.array(rows, np.float64, order="C")
    if standardisation is not None:
        standardise(np.ascontiguousarray(rows), *standardisation, out)
    return out
