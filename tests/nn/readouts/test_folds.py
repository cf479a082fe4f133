"""Every readout of the registry, and several side by side: values and gradients.

A readout that is added to `READOUTS` is tested here without another line.
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers.backends import make_backend

from elman.nn.chunks import Chunk, chunks
from elman.nn.layers import PassContext, States
from elman.nn.layout import Layout
from elman.nn.parameters import Parameters
from elman.nn.readouts import EVERY, READOUTS, names_of, plain_readout, readout_named
from elman.nn.readouts.fold import Fold

REFERENCE = make_backend("reference")
LENGTHS = (13, 13, 12, 7, 1, 0)
SEVERAL = (("max", "last"), ("attention", "mean", "last"), tuple(READOUTS))
ALL = (*READOUTS, *SEVERAL)


class Problem:
    """Random states (zero past each end), the last of each sample, and weights of a readout."""

    def __init__(self, rng, name, width, dtype, lengths=LENGTHS, backend=REFERENCE):
        self.readout, self.width, self.backend = readout_named(name), width, backend
        self.lengths = np.array(lengths, np.int64)
        n_timesteps = max(lengths, default=0)
        self.H = rng.normal(size=(len(lengths), n_timesteps, width)).astype(dtype)
        self.H[np.arange(n_timesteps) >= self.lengths[:, np.newaxis]] = 0
        self.initial = rng.normal(size=(len(lengths), width)).astype(dtype)
        self.params = Parameters(self.readout.shapes(width), dtype)
        self.params.flat[...] = rng.normal(size=self.params.flat.size)
        self.n_parts = len(names_of(name))

    def unread(self, sample):
        """What a sample without a step is read as."""
        return np.tile(self.initial[sample], self.n_parts)

    def final(self, stop=None):
        """The states of the samples after so many steps of theirs."""
        ends = np.minimum(self.lengths, self.H.shape[1] if stop is None else stop)
        final = self.initial.copy()
        some = np.flatnonzero(ends)
        final[some] = self.H[some, ends[some] - 1]
        return final

    def run(self, *, keep_tape=True, lengths=None):
        return PassContext(self.params, self.backend, lengths, keep_tape=keep_tape)

    def cut(self, n_steps):
        return list(chunks(self.lengths, *self.H.shape[:2], n_steps))

    def fold(self, n_steps, **options):
        """The readout once it has taken everything, so many steps at a time."""
        fold = self.readout(self.run(**options), self.lengths, self.width)
        for chunk in self.cut(n_steps):
            fold.take(chunk.of(self.H), chunk)
        return fold

    def whole(self):
        run = self.run(lengths=self.lengths)
        return self.readout.of_whole(States(self.H, self.final()), run, self.width)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [1, 7])
@pytest.mark.parametrize("name", ALL)
def test_whole_sequences_chunks_and_steps_have_the_same_value(backend, rng, name, width, dtype):
    problem = Problem(rng, name, width, dtype, backend=backend)
    whole, _ = problem.whole()
    assert whole.dtype == dtype
    assert whole[-1].tobytes() == problem.unread(-1).tobytes()
    for n_steps in (1, 2, 5, 12, None):
        for keep_tape in (False, True):
            value = problem.fold(n_steps, keep_tape=keep_tape).value(problem.final())
            assert value.tobytes() == whole.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [1, 7])
@pytest.mark.parametrize("name", ALL)
def test_the_value_over_time_is_that_of_each_prefix(backend, rng, name, width, dtype):
    problem = Problem(rng, name, width, dtype, backend=backend)
    n_samples, n_timesteps, _ = problem.H.shape
    for n_steps in (1, 4, None):
        counts = np.zeros(n_samples, np.int64)
        fold = problem.readout(problem.run(keep_tape=False), counts, width)
        over_time = np.full((n_samples, n_timesteps, width * problem.n_parts), np.nan, dtype)
        for chunk in problem.cut(n_steps):
            values = fold.over_time(chunk.of(problem.H))
            over_time[: chunk.n_samples, chunk.start : chunk.stop] = values
        for stop in range(1, n_timesteps + 1):
            lengths = np.minimum(problem.lengths, stop)
            states = States(problem.H[:, :stop].copy(), problem.final(stop))
            prefix, _ = problem.readout.of_whole(states, problem.run(lengths=lengths), width)
            live = problem.lengths >= stop
            assert over_time[live, stop - 1].tobytes() == prefix[live].tobytes()
    # one after the other, however a readout goes about it
    fold, slow = (
        problem.readout(problem.run(keep_tape=False), np.zeros(n_samples, np.int64), width)
        for _ in range(2)
    )
    assert fold.over_time(problem.H).tobytes() == Fold.over_time(slow, problem.H).tobytes()
    assert fold.n_steps.tolist() == slow.n_steps.tolist() == [n_timesteps] * n_samples
    assert list(fold.state) == list(slow.state)
    for key, array in fold.state.items():
        assert (array + 0).tobytes() == (slow.state[key] + 0).tobytes()


@pytest.mark.parametrize("name", ALL)
def test_rows_that_take_no_step_keep_their_state(rng, name):
    """As of streams side by side, some of which leave a step out."""
    problem = Problem(rng, name, 3, "float32", lengths=(9,) * 4)
    counts = np.zeros(4, np.int64)
    together = problem.readout(problem.run(keep_tape=False), counts, 3)
    alone = [problem.readout(problem.run(), np.zeros(1, np.int64), 3) for _ in range(4)]
    begun = {key: array.copy() for key, array in together.state.items()}
    for t in range(9):
        takes = rng.random(4) < 0.6
        takes[2] = t > 5
        H = np.where(takes[:, np.newaxis, np.newaxis], problem.H[:, t : t + 1], np.float32(0))
        together.take(H, Chunk(0, 1, 4, takes.astype(np.int64)))
        counts += takes
        for i in np.flatnonzero(takes).tolist():
            alone[i].take(problem.H[i : i + 1, t : t + 1], Chunk(0, 1, 1, None))
            alone[i].n_steps += 1
        for i in range(4):
            for key, array in alone[i].state.items():
                assert (together.state[key][i] + 0).tobytes() == (array[0] + 0).tobytes()
        if t == 5:
            for key, array in begun.items():
                assert together.state[key][2].tobytes() == array[2].tobytes()
    value = together.value(problem.initial)
    for i in range(4):
        assert value[i].tobytes() == alone[i].value(problem.initial[i : i + 1])[0].tobytes()


def quotients(function, array, where=None, h=1e-6):
    """Central differences of a function of no argument, by every value of an array it reads."""
    out = np.zeros_like(array)
    for index in np.ndindex(array.shape) if where is None else np.argwhere(where).tolist():
        index = tuple(index)
        before, ends = array[index], []
        for shifted in (before + h, before - h):
            array[index] = shifted
            ends.append(function())
        array[index] = before
        out[index] = (ends[0] - ends[1]) / (2 * h)
    return out


@pytest.mark.parametrize("n_steps", [None, 1, 3, 5])
@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("name", ALL)
def test_the_gradient_is_that_of_differences(rng, name, width, n_steps):
    problem = Problem(rng, name, width, "float64", lengths=(7, 5, 5, 1, 0))
    d = rng.normal(size=(5, width * problem.n_parts))

    def answer():
        return float(np.sum(d * problem.whole()[0]))

    gradient, of_chunk = problem.params.zeros_like(), problem.params.zeros_like()
    dH, dfinal = np.zeros_like(problem.H), np.zeros_like(problem.initial)
    fold = problem.fold(n_steps)
    final = problem.final()
    fold.value(final)
    for chunk in problem.cut(n_steps):
        of_chunk.flat[...] = np.nan
        n, steps = chunk.n_samples, slice(chunk.start, chunk.stop)
        if not fold.depends_on(chunk):
            continue
        states = fold.share(chunk.of(problem.H), chunk, d, of_chunk)
        gradient.flat += of_chunk.flat
        if states.H is not None:
            dH[:n, steps] = states.H
        if states.final is not None:
            dfinal[:n] += states.final
    # what arrives at the last state is one with what arrives at that step
    some = np.flatnonzero(problem.lengths)
    dH[some, problem.lengths[some] - 1] += dfinal[some]
    live = np.arange(problem.H.shape[1]) < problem.lengths[:, np.newaxis]
    np.testing.assert_allclose(
        dH[live], quotients(answer, problem.H, np.repeat(live[..., None], width, 2))[live],
        rtol=1e-7, atol=1e-9
    )  # fmt: skip
    expected = quotients(answer, problem.initial)
    np.testing.assert_allclose(dfinal[-1], expected[-1], rtol=1e-7, atol=1e-9)
    numeric = quotients(answer, problem.params.flat)
    np.testing.assert_allclose(gradient.flat, numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("lengths", [(), (0, 0)])
def test_nothing_to_read_is_read(rng, name, lengths):
    problem = Problem(rng, name, 3, "float64", lengths=lengths)
    value, backward = problem.whole()
    assert value.tobytes() == np.tile(problem.initial, problem.n_parts).tobytes()
    d = rng.normal(size=value.shape)
    gradient = problem.params.zeros_like()
    back = backward(d, gradient)
    parts = d.reshape(len(d), problem.n_parts, 3)
    assert back.final.tobytes() == sum(parts[:, i] for i in range(problem.n_parts)).tobytes()
    assert not gradient.flat.any()


def test_what_is_read_at_every_step_is_every_state(rng):
    problem = Problem(rng, EVERY, 3, "float64")
    value, backward = problem.whole()
    assert value is problem.H
    back = backward(value, problem.params)
    assert back.H is value
    assert back.final is None


@pytest.mark.parametrize("name", SEVERAL)
def test_values_side_by_side_are_those_of_each_alone(backend, rng, name):
    problem = Problem(rng, name, 3, "float32", backend=backend)
    whole, _ = problem.whole()
    for i, part in enumerate(name):
        problem.readout = readout_named(part)
        assert problem.whole()[0].tobytes() == whole[:, 3 * i : 3 * i + 3].tobytes()


@pytest.mark.parametrize("name", [*READOUTS, EVERY, *SEVERAL])
def test_a_name_stands_for_a_readout_everywhere(name):
    readout = readout_named(name)
    assert Layout(2, (7,), 3, readout=name).readout_class is readout
    assert Layout.from_dict(Layout(2, (7,), 3, readout=name).to_dict(), most_layers=1).readout_class
    assert Layout(2, (7,), 3, readout=name).at_every_step == (name == EVERY)
    assert readout.about
    assert not readout.about.endswith(".")
    for weight, initial in readout.initial(7, np.random.default_rng(0)).items():
        assert initial.shape == readout.shapes(7)[weight]
    assert list(readout.initial(7, np.random.default_rng(0))) == list(readout.shapes(7))


def test_a_name_that_no_readout_has_is_refused():
    with pytest.raises(ValueError, match="readout='middle' is not known; choose one of 'last', "):
        readout_named("middle")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (["last", "middle"], ValueError, r"readout\[1\]='middle' is not known; choose among"),
        (["last", 3], ValueError, r"readout\[1\]=3 is not known"),
        ([["last"], "max"], ValueError, r"readout\[0\]=\['last'\] is not known"),
        (("last", "max", "last"), ValueError, "has 'last' twice, .*: name it once"),
        ((), ValueError, r"readout=\(\) is empty, .* name one or several of 'last'"),
        (("max", EVERY), ValueError, "'every' beside others: .* name 'every' alone"),
        ({"last", "max"}, TypeError, "is of type set; it must be one of 'last', .*or a tuple"),
        (None, TypeError, "is of type NoneType; it must be"),
    ],
)
def test_what_is_no_readout_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        plain_readout(given)
    with pytest.raises(error, match=message):
        Layout(2, (7,), 3, readout=given)


def test_one_readout_in_a_tuple_is_that_one():
    assert Layout(2, (7,), 3, readout=("max",)) == Layout(2, (7,), 3, readout="max")
    assert Layout(2, (7,), 3, readout=[EVERY]).at_every_step
    assert Layout(2, (7,), 3, readout=["max", "last"]).readout == ("max", "last")


def test_largest_values_without_their_ties_have_no_gradient(rng):
    problem = Problem(rng, "max", 3, "float64")
    fold = problem.fold(None, keep_tape=False)
    with pytest.raises(RuntimeError, match="without their ties"):
        fold.share(problem.H, problem.cut(None)[0], problem.final(), problem.params)
