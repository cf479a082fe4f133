"""Recordings and what is changed in them in; the network's answers to all of these out.

Recordings that differ from one only from some time step on share what comes before it. A network
that reads forward only is therefore run from that step on, from the state that it has there; the
contract of backends makes the bits those of the whole recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.nn.chunks import Chunk
from elman.nn.layers import Head, Layer, PassContext, through
from elman.nn.network import Network
from elman.nn.readouts.fold import Fold

Array = NDArray[Any]

ROWS = 256
"""recordings in a batch: their states stay in a processor's cache"""
BATCH_VALUES = 1 << 22
"""values that a batch and its states may hold together"""
KEPT_VALUES = 1 << 22
"""values of the states that are kept of recordings, before every step of each"""


class Change(NamedTuple):
    """Some recordings that begin as one of those given, and then go on otherwise."""

    recording: int
    start: int
    """how many time steps they share with it"""
    skipped: int
    """how many of its time steps come next, and are removed or overwritten"""
    written: Array | None
    """(1 or skipped, n_inputs), what they are overwritten by; None: they are removed"""
    n_features: int | None = None
    """None: one recording, in which all of that is written; else that many, of which the k-th has
    feature k overwritten, with its indicator if it has one: of the inputs beyond the features,
    which are those of the last features, as many as there are"""

    @property
    def n_rows(self) -> int:
        """How many recordings these are."""
        return self.n_features or 1

    def length(self, x: Array) -> int:
        """The time steps of each from `start` on."""
        return len(x) - self.start - (self.skipped if self.written is None else 0)

    def write(self, x: Array, out: Array, rows: slice) -> None:
        """The steps from `start` on of some of them, into (rows, their length, n_inputs)."""
        if self.written is None:
            out[...] = x[self.start + self.skipped :]
            return
        out[...] = x[self.start :]
        if self.n_features is None:
            out[:, : self.skipped] = self.written
            return
        for own, feature in zip(out, range(rows.start, rows.stop), strict=True):
            inputs = [feature]
            n_indicators = x.shape[1] - self.n_features
            if feature >= self.n_features - n_indicators and n_indicators:
                inputs.append(feature + n_indicators)
            own[: self.skipped, inputs] = self.written[:, inputs]


def answers_to(
    network: Network,
    recordings: Sequence[Array],
    changes: Sequence[Change],
    backend: Backend,
    places: Sequence[int] | None = None,
    *,
    through: Callable[[Array], Array] | None = None,
    stride: int = 1,
) -> list[Array]:
    """Logits of changed recordings.

    Parameters
    ----------
    network : Network
    recordings : sequence of ndarray of shape (n_timesteps_i, n_inputs)
        As the network takes them.
    changes : sequence of Change
    backend : Backend
    places : sequence of int, optional
        Where the network answers at every time step and reads in both directions: of each change
        the time step of the changed recording whose answer is wanted; -1 is the answer before the
        first. Of one that reads forward only it is the answer at the end of each recording.
    through : callable, optional
        The front end of a model: a recording to what the network reads of it. `recordings` and what
        is written in them are then what goes into it, and each changed recording is read from its
        first step on, with `places` used in both cases.
    stride : int
        Time steps of a recording that the front end makes one of.

    Returns
    -------
    list of ndarray of shape (n_rows, n_outputs)
        Of each change.
    """
    layout = network.layout
    out = [np.empty((c.n_rows, layout.n_outputs), network.params.dtype) for c in changes]
    if through is not None:
        _through(network, recordings, changes, backend, places, out, through, stride)
        return out
    if layout.bidirectional:
        _whole(network, recordings, changes, backend, places, out)
        return out
    per_step = sum(layout.cell.state_size(size) for size in layout.hidden_sizes) + layout.n_read
    order = sorted(range(len(recordings)), key=lambda i: -len(recordings[i]))
    by_recording: dict[int, list[int]] = {}
    for number, change in enumerate(changes):
        by_recording.setdefault(change.recording, []).append(number)
    group: list[int] = []
    for i in order:
        if i not in by_recording:
            continue
        group.append(i)
        if len(group) * (len(recordings[group[0]]) + 1) * per_step >= KEPT_VALUES:
            _onward(network, recordings, group, changes, by_recording, backend, out)
            group = []
    if group:
        _onward(network, recordings, group, changes, by_recording, backend, out)
    return out


def _onward(
    network: Network,
    recordings: Sequence[Array],
    group: list[int],
    changes: Sequence[Change],
    by_recording: dict[int, list[int]],
    backend: Backend,
    out: list[Array],
) -> None:
    """Answer the changes of a group of recordings, the longest first, each from its start on."""
    before = _Before(network, [recordings[i] for i in group], backend)
    place = {i: row for row, i in enumerate(group)}
    parts = [
        (changes[number].length(recordings[i]), number) for i in group for number in by_recording[i]
    ]
    width = network.values_per_step + network.layout.n_read
    for batch in _batches(parts, changes, width):
        chosen = [changes[number] for number, _, _ in batch]
        counts = [stop - start for _, start, stop in batch]
        lengths = np.repeat([c.length(recordings[c.recording]) for c in chosen], counts)
        X = np.zeros((len(lengths), int(lengths[0]), network.layout.n_features), before.dtype)
        row = 0
        for change, count, (_, start, stop) in zip(chosen, counts, batch, strict=True):
            x = recordings[change.recording]
            own = X[row : row + count, : change.length(x)]
            change.write(x, own, slice(start, stop))
            row += count
        logits = before.logits(
            X,
            lengths.astype(np.int64),
            np.repeat([place[c.recording] for c in chosen], counts),
            np.repeat([c.start for c in chosen], counts),
        )
        _scatter(logits, batch, out)


def _whole(
    network: Network,
    recordings: Sequence[Array],
    changes: Sequence[Change],
    backend: Backend,
    places: Sequence[int] | None,
    out: list[Array],
) -> None:
    """Answer changed recordings, each of which is read from its first step on."""
    parts = [
        (c.start + c.length(recordings[c.recording]), number) for number, c in enumerate(changes)
    ]
    layout = network.layout
    width = network.values_per_step + layout.width + layout.n_outputs
    for batch in _batches(parts, changes, width):
        chosen = [changes[number] for number, _, _ in batch]
        counts = [stop - start for _, start, stop in batch]
        ends = [c.start + c.length(recordings[c.recording]) for c in chosen]
        lengths = np.repeat(ends, counts).astype(np.int64)
        X = np.zeros((len(lengths), int(lengths[0]), layout.n_features), network.params.dtype)
        row = 0
        for change, count, end, (_, start, stop) in zip(chosen, counts, ends, batch, strict=True):
            x = recordings[change.recording]
            own = X[row : row + count, :end]
            own[:, : change.start] = x[: change.start]
            change.write(x, own[:, change.start :], slice(start, stop))
            row += count
        logits = network.logits(X, lengths, backend)
        if layout.at_every_step:
            assert places is not None
            steps = np.repeat([places[number] for number, _, _ in batch], counts)
            logits = logits[np.arange(len(steps)), steps] if X.shape[1] else logits[:, :0].sum(1)
            if (steps < 0).any():
                logits[steps < 0] = network.logits_before(backend)
        _scatter(logits, batch, out)


def _through(
    network: Network,
    recordings: Sequence[Array],
    changes: Sequence[Change],
    backend: Backend,
    places: Sequence[int] | None,
    out: list[Array],
    through: Callable[[Array], Array],
    stride: int,
) -> None:
    """Answer changed recordings, each of which goes through the front end of a model."""
    layout, dtype = network.layout, network.params.dtype
    parts = [
        (c.start + c.length(recordings[c.recording]), number) for number, c in enumerate(changes)
    ]
    width = network.values_per_step + layout.width + layout.n_outputs
    for batch in _batches(parts, changes, width):
        read: list[Array] = []
        for number, start, stop in batch:
            change = changes[number]
            x = recordings[change.recording]
            steps = np.empty((stop - start, change.start + change.length(x), x.shape[1]))
            steps[:, : change.start] = x[: change.start]
            change.write(x, steps[:, change.start :], slice(start, stop))
            read += [through(own) for own in steps]
        lengths = np.array([len(own) for own in read], np.int64)
        X = np.zeros((len(read), int(lengths[0]), layout.n_features), dtype)
        for own, inputs in zip(X, read, strict=True):
            own[: len(inputs)] = inputs
        logits = network.logits(X, lengths, backend)
        if layout.at_every_step:
            assert places is not None
            counts = [stop - start for _, start, stop in batch]
            at = np.repeat([places[number] // stride for number, _, _ in batch], counts)
            logits = logits[np.arange(len(at)), at] if X.shape[1] else logits[:, :0].sum(1)
            if (at < 0).any():
                logits[at < 0] = network.logits_before(backend)
        _scatter(logits, batch, out)


def _batches(
    parts: list[tuple[int, int]], changes: Sequence[Change], width: int
) -> Iterator[list[tuple[int, int, int]]]:
    """Changes in batches of bounded size, the longest first.

    Parameters
    ----------
    parts : list of (length, number)
        Of changes, in any order.
    changes : sequence of Change
    width : int
        Values of each time step.

    Yields
    ------
    list of (number, start, stop)
        Which rows of which change; at least one.
    """
    batch: list[tuple[int, int, int]] = []
    size, room = 0, 0
    for length, number in sorted(parts, key=lambda part: -part[0]):
        start, count = 0, changes[number].n_rows
        while start < count:
            if not batch:
                size, room = 0, max(1, min(ROWS, BATCH_VALUES // max(1, length * width)))
            stop = min(count, start + room - size)
            batch.append((number, start, stop))
            size += stop - start
            start = stop
            if size == room:
                yield batch
                batch = []
    if batch:
        yield batch


def _scatter(logits: Array, batch: list[tuple[int, int, int]], out: list[Array]) -> None:
    """The rows of a batch to the places of their changes."""
    row = 0
    for number, start, stop in batch:
        out[number][start:stop] = logits[row : row + stop - start]
        row += stop - start


class _Before:
    """Recordings, longest first, and all states of a network before each step of theirs."""

    def __init__(self, network: Network, recordings: list[Array], backend: Backend) -> None:
        self.network, self.backend, self.dtype = network, backend, network.params.dtype
        layout, dtype = network.layout, network.params.dtype
        n, longest = len(recordings), len(recordings[0])
        lengths = np.array([len(x) for x in recordings])
        context = PassContext(network.params, backend, None, keep_tape=False)
        context.states = {}
        counts = np.zeros(n, np.int64)
        fold: Fold = layout.readout_class(context, counts, layout.width)
        _infer(network.body, np.zeros((n, 0, layout.n_features), dtype), context)
        self.states = {
            name: np.empty((n, longest + 1, state.shape[1]), dtype)
            for name, state in context.states.items()
        }
        self.read = {
            name: np.empty((n, longest + 1, *state.shape[1:]), state.dtype)
            for name, state in fold.state.items()
        }
        self._keep(context, fold, 0, n)
        for t in range(longest):
            live = int(np.count_nonzero(lengths > t))
            X = np.stack([x[t : t + 1] for x in recordings[:live]])
            context.states = {name: state[:live] for name, state in context.states.items()}
            H = _infer(network.body, X, context).H
            if self.read:
                fold.take(H, Chunk(0, 1, live, None))
            counts[:live] += 1
            self._keep(context, fold, t + 1, live)

    def _keep(self, context: PassContext, fold: Fold, t: int, live: int) -> None:
        for name, state in (context.states or {}).items():
            self.states[name][:live, t] = state
        for name, state in fold.state.items():
            self.read[name][:live, t] = state[:live]

    def logits(
        self, X: Array, lengths: NDArray[np.int64], at: Array, starts: NDArray[np.int64]
    ) -> Array:
        """Answers (n, n_outputs) to recordings that go on by X, longest first.

        `at` and `starts` say which recording each goes on from, and before which of its steps.
        """
        network, layout = self.network, self.network.layout
        context = PassContext(network.params, self.backend, lengths, keep_tape=False)
        context.states = {name: states[at, starts] for name, states in self.states.items()}
        outputs = None if layout.sums_layers else layout.readout_class.outputs
        if outputs == "final":
            return np.asarray(_infer(network.layers, X, context))
        if layout.at_every_step:
            final = _infer(network.body, X, context).final
            return np.asarray(_infer((Head(layout.width, layout.n_outputs),), final, context))
        parts = outputs if isinstance(outputs, tuple) else (outputs,)
        if {*parts} <= {"final", "max"}:
            # The largest of some steps and the largest of the rest: the kernel has the latter.
            layers = network.layers[: len(network.layers) - len(network.tail)]
            values = _infer(layers, X, context)
            start = parts.index("max") * layout.width
            largest = values[:, start : start + layout.width]
            (before,) = self.read.values()
            np.maximum(largest, before[at, starts], out=largest)
            largest += largest.dtype.type(0)
            return np.asarray(_infer(network.tail, values, context))
        states = _infer(network.body, X, context)
        fold = layout.readout_class(context, starts + lengths, layout.width)
        for name, state in fold.state.items():
            state[...] = self.read[name][at, starts]
        fold.take(states.H, Chunk(0, X.shape[1], len(X), lengths))
        return np.asarray(_infer(network.tail, fold.value(states.final), context))


def _infer(layers: tuple[Layer, ...], value: Any, context: PassContext) -> Any:
    return through(layers, value, context)[0]
