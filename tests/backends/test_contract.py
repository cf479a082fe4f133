"""Every backend, on every instruction set, against the contract and the NumPy reference."""

from __future__ import annotations

import math
import multiprocessing
import os
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from helpers.backends import make_backend
from helpers.problems import (
    GATED,
    KINDS,
    NORMED,
    PLAIN,
    SAMPLE_OUTPUTS,
    assert_all_close,
    assert_close,
    assert_same_bits,
    frozen,
    make_problem,
)
from threadpoolctl import threadpool_limits

from elman.backends import available_isas
from elman.backends.cells import Cell, Weights
from elman.backends.contract import Backend
from elman.backends.reference import ReferenceBackend

REFERENCE = ReferenceBackend()

HIDDEN_SIZES = [1, 2, 3, 7, 15, 16, 17, 31, 33, 48, 65, 100, 130]
N_SAMPLES = [3, 13, 1, 29, 14, 70, 2, 15, 40]
N_TIMESTEPS = [5, 33, 1, 2, 70]
N_FEATURES = [2, 1, 12, 3, 17, 31, 8]
# the counts share no factor, so that 26 rows pair every width with two of each other size
SIZES = [
    (N_SAMPLES[i % 9], N_TIMESTEPS[i % 5], N_FEATURES[i % 7], HIDDEN_SIZES[i % 13])
    for i in range(26)
]
# beyond the blocks in which a kernel may cut time, samples, features and units
SIZES += [(2, 300, 3, 20), (150, 4, 6, 9), (5, 4, 300, 30), (3, 6, 5, 300), (1, 700, 1, 65)]
# (n_samples, n_timesteps, n_features, hidden_size) around the edges of register tiles
EXACT_SIZES = [
    (3, 5, 2, 7),
    (15, 6, 1, 1),
    (13, 7, 5, 16),
    (14, 2, 1, 2),
    (29, 5, 3, 17),
    (40, 4, 2, 33),
    (70, 3, 13, 65),
    (31, 3, 1, 130),
]
# of the other cells fewer: each is among them on one side of every edge or the other
EXACT = [("tanh", sizes) for sizes in EXACT_SIZES]
EXACT += [(kind, sizes) for i, kind in enumerate(GATED) for sizes in EXACT_SIZES[i::2]]
EXACT += [(kind, EXACT_SIZES[2 * i + 1]) for i, kind in enumerate(NORMED)]
GATED_CASES = [(GATED[i % 2], row) for i, row in enumerate([*range(0, 26, 2), *range(1, 26, 4)])]
# of two units only the sign of their difference is left, and of gradients what rounding leaves
NORMED_ROWS = [row for row in [*range(0, 31, 2), 3, 9, 17, 29] if row not in (1, 14, 27)]
NORMED_CASES = [(NORMED[i % 4], row) for i, row in enumerate(NORMED_ROWS)]
GATED_CASES += [("gru", 26), ("lstm", 27), ("gru", 28), ("lstm", 29), ("gru", 30), ("lstm", 30)]


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


def with_threads(backend: Backend, n_threads: int) -> Backend:
    name = "reference" if backend.name == "reference" else f"native-{backend.isa}"
    return make_backend(name, n_threads=n_threads)


def test_it_keeps_the_protocol(backend):
    assert isinstance(backend, Backend)
    assert backend.n_threads == 1


@pytest.mark.parametrize("activation", PLAIN)
def test_the_reference_is_the_formula(activation):
    """h_t = f(x_t W_x + h_{t-1} W_h + b), one number at a time."""
    problem = make_problem(4, 5, 2, 3, kind=activation)
    f = math.tanh if activation == "tanh" else lambda a: max(a, 0.0)
    W_x, W_h, b = problem.weights.arrays
    answer = problem.forward(REFERENCE)
    for i, length in enumerate(problem.lengths):
        h = problem.initial[i]
        for t in range(length):
            h = [
                f(
                    sum(problem.X[i, t, d] * W_x[d, j] for d in range(2))
                    + sum(h[k] * W_h[k, j] for k in range(3))
                    + b[j]
                )
                for j in range(3)
            ]
            np.testing.assert_allclose(answer.H[i, t], h, rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose(answer.final[i], h, rtol=1e-14, atol=1e-15)


def logistic(a):
    return 1 / (1 + math.exp(-a))


def gru_by_hand(x_product, h_product, b, state):
    """One unit's new state; products and biases by gate."""
    r = logistic(x_product["r"] + h_product["r"] + b["r"])
    z = logistic(x_product["z"] + h_product["z"] + b["z"])
    n = math.tanh(x_product["n"] + b["n"] + r * (h_product["n"] + b["hn"]))
    return [(1 - z) * n + z * state[0]]


def lstm_by_hand(x_product, h_product, b, state):
    i, f, o = (logistic(x_product[gate] + h_product[gate] + b[gate]) for gate in "ifo")
    g = math.tanh(x_product["g"] + h_product["g"] + b["g"])
    c = f * state[1] + i * g
    return [o * math.tanh(c), c]


@pytest.mark.parametrize("kind", GATED)
def test_the_reference_of_a_gated_cell_is_its_formula(kind):
    """As above, with every gate's columns found by its name."""
    n_features, size = 2, 3
    problem = make_problem(4, 5, n_features, size, kind=kind)
    blocks = problem.cell.kind
    W_x, W_h, b = problem.weights.arrays
    by_hand = {"gru": gru_by_hand, "lstm": lstm_by_hand}[kind]
    answer = problem.forward(REFERENCE)

    def unit(x, state, j):
        columns = {gate: k * size + j for k, gate in enumerate(blocks.gates)}
        return by_hand(
            {g: sum(x[d] * W_x[d, at] for d in range(n_features)) for g, at in columns.items()},
            {g: sum(state[k] * W_h[k, at] for k in range(size)) for g, at in columns.items()},
            {name: b[k * size + j] for k, name in enumerate(blocks.biases)},
            state[j::size],
        )

    for i, length in enumerate(problem.lengths):
        state = problem.initial[i]
        for t in range(length):
            state = np.array([unit(problem.X[i, t], state, j) for j in range(size)]).T.ravel()
            np.testing.assert_allclose(answer.H[i, t], state[:size], rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(answer.final[i], state, rtol=1e-13, atol=1e-15)


def problem_of_row(row, **options):
    """The problem of `SIZES[row]`; what it is given of states and gradients goes with the row."""
    return make_problem(
        *SIZES[row], initial=row % 3 != 0, dH=row % 4 != 1, dfinal=row % 4 != 2, **options
    )


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("row", range(len(SIZES)))
def test_values_and_gradients(backend, dtype, ragged, row):
    activation = PLAIN[(row // 2 + ragged) % 2]
    problem = problem_of_row(row, dtype=dtype, ragged=ragged, kind=activation)
    reference = problem.forward(REFERENCE, keep_tape=True)
    expected = problem.answers(REFERENCE)
    # A pre-activation within rounding of relu's kink may fall on either side of it: there the
    # backward passes are compared on the same tape, which every backend reads.
    tape = reference.tape if activation == "relu" else None
    assert_all_close(problem.answers(backend, tape), expected, problem.own_lengths)


@pytest.mark.parametrize(("kind", "row"), GATED_CASES)
def test_values_and_gradients_of_gated_cells(backend, dtype, kind, row):
    problem = problem_of_row(row, dtype=dtype, ragged=row % 5 != 4, kind=kind)
    assert_all_close(problem.answers(backend), problem.answers(REFERENCE), problem.own_lengths)


@pytest.mark.parametrize(("kind", "row"), NORMED_CASES)
def test_values_and_gradients_with_layer_norm(backend, dtype, kind, row):
    problem = problem_of_row(row, dtype=dtype, ragged=row % 5 != 4, kind=kind)
    expected = problem.forward(REFERENCE, keep_tape=True)
    tape = expected.tape if kind == "normed relu" else None
    assert_all_close(
        problem.answers(backend, tape), problem.answers(REFERENCE), problem.own_lengths
    )


@pytest.mark.parametrize("kind", NORMED)
def test_a_gain_goes_with_layer_norm(backend, kind):
    problem = make_problem(3, 5, 2, 7, kind=kind)
    cell, weights = problem.cell, problem.weights
    without, plain = weights._replace(gain=None), replace(cell, layer_norm=False)
    for wrong_cell, wrong in ((cell, without), (plain, weights)):
        with pytest.raises(ValueError, match=r"gain .*layer normalisation"):
            backend.forward(wrong_cell, problem.X, problem.lengths, None, wrong)
        with pytest.raises(ValueError, match=r"gain .*layer normalisation"):
            backend.stepper(wrong_cell, wrong)
    with pytest.raises(ValueError, match="gain has shape"):
        backend.forward(cell, problem.X, None, None, weights._replace(gain=weights.gain[:-1]))
    tape = problem.forward(backend, keep_tape=True).tape
    out = Weights(*(np.empty_like(w) for w in weights.arrays))
    with pytest.raises(ValueError, match=r"out\.gain"):
        backend.backward(None, problem.dfinal, tape, out=out._replace(gain=out.gain[1:]))


@pytest.mark.parametrize("kind", NORMED)
def test_one_unit_normalised_is_its_bias(backend, dtype, kind):
    """Its sums are their own mean: what is left does not depend on X."""
    problem = make_problem(3, 5, 2, 1, dtype=dtype, kind=kind)
    ones = problem.weights._replace(b=np.ones_like(problem.weights.b))  # relu lets them through
    answers = type(problem)(**{**vars(problem), "weights": ones}).answers(backend)
    assert not np.any(answers["dX"])
    assert not np.any(answers["dgain"])
    assert np.any(answers["db"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("initial", [False, True])
@pytest.mark.parametrize(
    ("dH", "dfinal"), [(False, False), (False, True), (True, False), (True, True)]
)
def test_every_combination_of_arguments(backend, kind, ragged, initial, dH, dfinal):
    problem = make_problem(
        5, 6, 2, 7, kind=kind, ragged=ragged, initial=initial, dH=dH, dfinal=dfinal
    )
    ours = problem.answers(backend)
    assert_all_close(ours, problem.answers(REFERENCE), problem.own_lengths)
    if not (dH or dfinal):
        assert not np.any(ours["dW_h"])
        assert not np.any(ours["dX"])


@pytest.mark.parametrize("kind", KINDS)
def test_past_the_end_is_zero(backend, dtype, kind):
    problem = make_problem(13, 6, 3, 17, dtype=dtype, kind=kind)
    answers = problem.answers(backend)
    past_end = np.arange(6) >= problem.lengths[:, None]
    assert past_end.any()
    assert not np.any(answers["H"][past_end])
    assert not np.any(answers["dX"][past_end])


@pytest.mark.parametrize("kind", KINDS)
def test_length_zero_returns_the_initial_state(backend, dtype, kind):
    problem = make_problem(5, 4, 2, 7, dtype=dtype, dH=False, kind=kind)
    assert problem.lengths[-1] == 0
    answers = problem.answers(backend)
    assert_same_bits(answers["final"][-1], problem.initial[-1])
    assert_same_bits(answers["dinitial"][-1], problem.dfinal[-1])
    assert not np.shares_memory(answers["final"], problem.initial)


@pytest.mark.parametrize(
    "sizes", [(0, 5, 2, 7), (3, 0, 2, 7), (0, 0, 2, 7)], ids=["samples", "timesteps", "both"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_do(backend, dtype, sizes, kind):
    problem = make_problem(*sizes, dtype=dtype, ragged=False, kind=kind)
    answers = problem.answers(backend)
    n_samples, n_timesteps, n_features, hidden_size = sizes
    assert answers["H"].shape == (n_samples, n_timesteps, hidden_size)
    assert answers["dX"].shape == (n_samples, n_timesteps, n_features)
    assert_same_bits(answers["final"], problem.initial)
    assert_same_bits(answers["dinitial"], problem.dfinal)
    assert not np.any(answers["dW_x"])
    assert answers["dW_h"].shape == problem.weights.W_h.shape


@pytest.mark.parametrize("kind", KINDS)
def test_all_lengths_zero(backend, kind):
    problem = make_problem(3, 4, 2, 7, ragged=False, kind=kind)
    problem = type(problem)(**{**vars(problem), "lengths": np.zeros(3, dtype=np.int64)})
    answers = problem.answers(backend)
    assert not np.any(answers["H"])
    assert_same_bits(answers["final"], problem.initial)
    assert not np.any(answers["db"])


# One bit or another


@pytest.mark.parametrize(("kind", "sizes"), EXACT, ids=str)
@pytest.mark.parametrize("ragged", [False, True])
def test_a_sample_does_not_see_its_batch(backend, dtype, kind, sizes, ragged):
    problem = make_problem(*sizes, kind=kind, dtype=dtype, ragged=ragged)
    whole = problem.answers(backend)
    n_samples, n_timesteps, *_ = sizes
    rng = np.random.default_rng(n_samples)
    alone = [[row] for row in {0, 1, n_samples // 2, n_samples - 1}]
    some = [rng.choice(n_samples, size, replace=False) for size in (2, n_samples // 2, n_samples)]
    for rows in [*alone, *some]:
        for padded_to, fill in ((None, np.nan), (n_timesteps + 9, np.inf), (n_timesteps + 1, 7.0)):
            part, rows_in_order = problem.select(rows, padded_to, fill)
            answers = part.answers(backend)
            for name in SAMPLE_OUTPUTS:
                for ours, row in zip(answers[name], rows_in_order, strict=True):
                    expected = whole[name][row]
                    if name in ("H", "dX"):
                        length = problem.own_lengths[row]
                        ours, expected = ours[:length], expected[:length]
                    assert_same_bits(ours, expected, f"{name} of sample {row} among {rows}")


@pytest.mark.parametrize("kind", KINDS)
def test_padding_does_not_reach_the_weights(backend, dtype, kind):
    """Garbage in place of NaN past the end: the same bits in every gradient."""
    problem = make_problem(13, 6, 3, 17, dtype=dtype, kind=kind)
    filled, _ = problem.select(range(13), 6, fill=1e30)
    expected = problem.answers(backend)
    for name, ours in filled.answers(backend).items():
        assert np.all(np.isfinite(ours)), name
        assert_same_bits(ours, expected[name], name)


@pytest.mark.parametrize("kind", KINDS)
def test_full_lengths_are_no_lengths(backend, dtype, kind):
    problem = make_problem(13, 6, 3, 17, dtype=dtype, ragged=False, kind=kind)
    spelled_out = type(problem)(**{**vars(problem), "lengths": np.full(13, 6, dtype=np.int64)})
    expected = problem.answers(backend)
    for name, ours in spelled_out.answers(backend).items():
        assert_same_bits(ours, expected[name], name)


@pytest.mark.parametrize("kind", KINDS)
def test_no_initial_state_is_zeros(backend, dtype, kind):
    problem = make_problem(13, 6, 3, 17, dtype=dtype, initial=False, kind=kind)
    zeros = frozen(np.zeros((13, problem.cell.state_size(17)), dtype=dtype))
    spelled_out = type(problem)(**{**vars(problem), "initial": zeros})
    expected = problem.answers(backend)
    for name, ours in spelled_out.answers(backend).items():
        assert_same_bits(ours, expected[name], name)


@pytest.mark.parametrize(("kind", "sizes"), EXACT, ids=str)
def test_the_same_bits_on_any_number_of_threads(backend, dtype, kind, sizes):
    problem = make_problem(*sizes, kind=kind, dtype=dtype)
    expected = problem.answers(backend)
    for n_threads in (2, 3, 8):
        for name, ours in problem.answers(with_threads(backend, n_threads)).items():
            assert_same_bits(ours, expected[name], f"{name} on {n_threads} threads")


@pytest.mark.parametrize("kind", ["tanh", *GATED])
def test_the_same_bits_whatever_blas_does(backend, dtype, kind):
    problem = make_problem(70, 3, 31, 130, dtype=dtype, kind=kind)
    with threadpool_limits(1):
        expected = problem.answers(backend)
    with threadpool_limits(2):
        answers = problem.answers(backend)
    for name, ours in answers.items():
        assert_same_bits(ours, expected[name], name)


def test_the_same_bits_from_several_python_threads(backend, dtype):
    backend = with_threads(backend, 2)
    problems = [make_problem(*sizes, kind=kind, dtype=dtype) for kind, sizes in EXACT]
    expected = [problem.answers(backend) for problem in problems]
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(problem.answers, backend) for problem in problems * 3]
        for future, answers in zip(futures, expected * 3, strict=True):
            for name, ours in future.result().items():
                assert_same_bits(ours, answers[name], name)


def _check_in_child(backend, problem, expected):
    for name, ours in problem.answers(backend).items():
        assert_same_bits(ours, expected[name], name)
    # leave at once: the child must not run the parent's exit handlers
    os._exit(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.parametrize("kind", ["tanh", *GATED])
def test_it_works_after_a_fork(backend, kind):
    backend = with_threads(backend, 2)
    problem = make_problem(40, 5, 2, 33, kind=kind)
    expected = problem.answers(backend)
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_check_in_child, args=(backend, problem, expected))
    child.start()
    child.join(timeout=60)
    if child.is_alive():
        child.kill()
        child.join()
        pytest.fail("the forked child hung in the backend")
    assert child.exitcode == 0
    for name, ours in problem.answers(backend).items():
        assert_same_bits(ours, expected[name], f"{name} in the parent after the fork")


# What is kept, and what is not


@pytest.mark.parametrize("kind", KINDS)
def test_final_alone_is_the_same_and_keeps_nothing(backend, dtype, kind):
    problem = make_problem(13, 6, 3, 17, dtype=dtype, kind=kind)
    sequence = problem.forward(backend)
    final = problem.forward(backend, outputs="final")
    assert final.H is None
    assert final.tape is None
    assert sequence.tape is None
    assert_same_bits(final.final, sequence.final)


@pytest.mark.parametrize("kind", KINDS)
def test_final_with_a_tape_has_the_same_gradients(backend, dtype, kind):
    problem = make_problem(13, 6, 3, 17, dtype=dtype, dH=False, kind=kind)
    forward = problem.forward(backend, outputs="final", keep_tape=True)
    assert forward.H is None
    backward = backend.backward(None, problem.dfinal, forward.tape)
    expected = problem.answers(backend)
    assert_same_bits(backward.dX, expected["dX"])
    assert_same_bits(backward.dweights.W_h, expected["dW_h"])


@pytest.mark.parametrize("kind", KINDS)
def test_final_alone_never_holds_every_state(backend, kind):
    problem = make_problem(3, 3000, 2, 65, ragged=False, kind=kind)
    states = 3 * 3000 * 65 * 8
    tracemalloc.start()
    problem.forward(backend, outputs="final")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < states / 4


@pytest.mark.parametrize("kind", KINDS)
def test_without_dX_the_rest_is_the_same(backend, dtype, kind):
    problem = make_problem(13, 6, 3, 17, dtype=dtype, kind=kind)
    tape = problem.forward(backend, keep_tape=True).tape
    without = backend.backward(problem.dH, problem.dfinal, tape, need_dX=False)
    expected = problem.answers(backend)
    assert without.dX is None
    assert_same_bits(without.dinitial, expected["dinitial"])
    assert_same_bits(without.dweights.W_x, expected["dW_x"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_tape_holds_the_arguments_themselves(backend, kind):
    problem = make_problem(3, 5, 2, 7, kind=kind)
    tape = problem.forward(backend, keep_tape=True).tape
    assert tape.X is problem.X
    assert tape.initial is problem.initial
    assert tape.weights.W_h is problem.weights.W_h


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_not_written(backend, dtype, kind):
    """They are read-only in every other test; a kernel could still write through the pointer."""
    problem = make_problem(5, 6, 2, 7, dtype=dtype, kind=kind)
    arrays = {"X": problem.X, "lengths": problem.lengths, "initial": problem.initial}
    arrays |= {"dH": problem.dH, "dfinal": problem.dfinal}
    arrays |= dict(zip(problem.cell.weight_names, problem.weights.arrays, strict=True))
    copies = {name: array.copy() for name, array in arrays.items()}
    tape = problem.forward(backend, keep_tape=True).tape
    history = {"H": tape.H.copy()} | ({} if tape.trace is None else {"trace": tape.trace.copy()})
    backend.backward(problem.dH, problem.dfinal, tape)
    for name, copy in history.items():
        assert_same_bits(getattr(tape, name), copy, name)
    for name, copy in copies.items():
        assert_same_bits(arrays[name], copy, name)


# NaN and inf


def blocks_of(cell, where):
    """How many blocks of units the last axis of an argument has."""
    kind = cell.kind
    if where in ("X", "dH"):
        return 1
    blocks = {"b": kind.biases, "gain": kind.biases, "initial": kind.states, "dfinal": kind.states}
    return len(blocks.get(where, kind.gates))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", ["X", "initial", *Weights._fields, "dH", "dfinal"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_inf_go_where_the_reference_sends_them(backend, dtype, kind, where, value):
    clean = make_problem(5, 6, 3, 17, dtype=dtype, kind=kind)
    if where == "gain" and not clean.cell.layer_norm:
        return
    for block in range(blocks_of(clean.cell, where)):
        arguments = dict(vars(clean))
        holder = clean.weights._asdict() if where in Weights._fields else arguments
        array = holder[where].copy()
        unit = 17 * block + 2
        array[{1: (unit,), 2: (1, unit), 3: (1, 2, 1)}[array.ndim]] = value
        holder[where] = frozen(array)
        if holder is not arguments:
            arguments["weights"] = Weights(**holder)
        problem = type(clean)(**arguments)
        is_relu = clean.cell.activation == "relu"
        tape = problem.forward(REFERENCE, keep_tape=True).tape if is_relu else None
        ours, expected = problem.answers(backend, tape), problem.answers(REFERENCE)
        for name in expected:
            place = f"{name}, block {block}"
            np.testing.assert_array_equal(np.isnan(ours[name]), np.isnan(expected[name]), place)
            np.testing.assert_array_equal(np.isinf(ours[name]), np.isinf(expected[name]), place)
        assert_all_close(ours, expected, problem.own_lengths)


@pytest.mark.parametrize("kind", KINDS)
def test_nan_in_one_sample_stays_there(backend, dtype, kind):
    problem = make_problem(14, 6, 3, 17, dtype=dtype, kind=kind, ragged=False)
    clean = problem.answers(backend)
    X = problem.X.copy()
    X[4, 2, 0] = np.nan
    answers = type(problem)(**{**vars(problem), "X": frozen(X)}).answers(backend)
    others = np.arange(14) != 4
    assert np.all(np.isnan(answers["final"][4]))
    for name in SAMPLE_OUTPUTS:
        assert_same_bits(answers[name][others], clean[name][others], name)
    assert_same_bits(answers["H"][4, :2], clean["H"][4, :2])


def test_saturated_tanh_is_one(backend, dtype):
    problem = make_problem(3, 5, 2, 7, dtype=dtype, ragged=False)
    huge = Weights(problem.weights.W_x, problem.weights.W_h, np.full(7, 1e4, dtype=dtype))
    answers = type(problem)(**{**vars(problem), "weights": huge}).answers(backend)
    assert np.all(answers["H"] == 1)
    assert not np.any(answers["dX"])


def with_biases(problem, **values):
    """The problem with these gates' biases the same in every unit."""
    names = problem.cell.kind.biases
    b = problem.weights.b.reshape(len(names), -1).copy()
    for name, value in values.items():
        b[names.index(name)] = value
    weights = problem.weights._replace(b=frozen(b.ravel()))
    return type(problem)(**{**vars(problem), "weights": weights})


@pytest.mark.parametrize("kind", GATED)
def test_shut_gates_carry_the_state(backend, dtype, kind):
    """Gates at 0 and 1 to the last bit: what is kept is kept, and no gradient gets in or out."""
    problem = make_problem(5, 6, 2, 7, dtype=dtype, kind=kind)
    if kind == "gru":
        answers = with_biases(problem, z=1e4).answers(backend)
        assert_close(answers["final"], problem.initial)
        live = np.arange(6) < problem.lengths[:, None]
        through = problem.dfinal + np.sum(np.where(live[..., None], problem.dH, 0), axis=1)
        assert_close(answers["dinitial"], through.astype(dtype))
    else:
        answers = with_biases(problem, i=-1e4, f=1e4, o=1e4).answers(backend)
        assert_same_bits(answers["final"][:, 7:], problem.initial[:, 7:])
        run = problem.lengths > 0
        assert_close(answers["final"][run, :7], np.tanh(problem.initial[run, 7:]))
    assert not np.any(answers["dX"])
    assert not np.any(answers["dW_h"])


# Numbers near zero


def vanishing_problem(dtype, kind):
    """Gradients that fall through the smallest numbers of the type on their way back."""
    problem = make_problem(40, 70, 2, 17, dtype=dtype, dH=False, kind=kind)
    if kind in GATED:
        gate = {"gru": "z", "lstm": "f"}[kind]
        problem = with_biases(problem, **{gate: -5 if dtype == "float32" else -13})
    W_h = problem.weights.W_h * (1e-2 if dtype == "float32" else 1e-5)
    weights = problem.weights._replace(W_h=frozen(W_h.astype(dtype)))
    return type(problem)(**{**vars(problem), "weights": weights})


@pytest.mark.parametrize("kind", ["tanh", *GATED])
def test_vanishing_gradients_are_the_same_on_any_number_of_threads(backend, dtype, kind):
    problem = vanishing_problem(dtype, kind)
    expected = problem.answers(backend)
    assert_all_close(expected, problem.answers(REFERENCE), problem.own_lengths)
    for n_threads in (2, 3, 8):
        for name, ours in problem.answers(with_threads(backend, n_threads)).items():
            assert_same_bits(ours, expected[name], f"{name} on {n_threads} threads")


@pytest.mark.parametrize("kind", ["tanh", *GATED])
def test_the_caller_keeps_its_smallest_numbers(backend, dtype, kind):
    """A kernel may flush them to zero for itself, and must leave the thread as it found it."""
    smallest = np.full(5, np.finfo(dtype).smallest_subnormal)
    vanishing_problem(dtype, kind).answers(backend)
    assert np.all(smallest * np.ones(5, dtype=dtype) > 0)


# One step, and the head


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hidden_size", [1, 7, 33, 130])
def test_steps_are_the_sequence(backend, dtype, kind, hidden_size):
    for n_samples in (1, 3, 15):
        problem = make_problem(n_samples, 6, 3, hidden_size, dtype=dtype, kind=kind, ragged=False)
        state = problem.initial
        H = problem.forward(backend).H
        for t in range(6):
            x = np.ascontiguousarray(problem.X[:, t])
            one = backend.forward(
                problem.cell, x[:, None], None, state, problem.weights, outputs="final"
            )
            stepped = backend.step(problem.cell, x, state, problem.weights)
            assert_close(stepped, one.final, name=f"step {t}")
            hidden = stepped[:, :hidden_size]
            assert_close(hidden, H[:, t], name=f"step {t}")
            if backend.name == "reference":
                assert_same_bits(hidden, H[:, t])
            state = stepped


LINEAR_SIZES = [
    (1, 1, 1),
    (3, 7, 2),
    (13, 17, 9),
    (29, 130, 33),
    (70, 65, 3),
    (2, 31, 1),
    (15, 1, 5),
]


def make_linear(n_samples, n_in, n_out, dtype):
    rng = np.random.default_rng([n_samples, n_in, n_out])
    X = frozen(rng.standard_normal((n_samples, n_in)).astype(dtype))
    W = frozen((rng.standard_normal((n_in, n_out)) / n_in**0.5).astype(dtype))
    b = frozen(rng.standard_normal(n_out).astype(dtype))
    dY = frozen(rng.standard_normal((n_samples, n_out)).astype(dtype))
    return X, W, b, dY


@pytest.mark.parametrize("sizes", LINEAR_SIZES, ids=str)
def test_the_head_and_its_gradients(backend, dtype, sizes):
    X, W, b, dY = make_linear(*sizes, dtype)
    Y, (dX, dW, db) = backend.linear_forward(X, W, b), backend.linear_backward(dY, X, W)
    assert_close(Y, REFERENCE.linear_forward(X, W, b))
    expected_dX, expected_dW, expected_db = REFERENCE.linear_backward(dY, X, W)
    assert_close(dX, expected_dX)
    assert_close(dW, expected_dW, n_live_steps=len(X))
    assert_close(db, expected_db, n_live_steps=len(X))
    if dtype == "float64":
        np.testing.assert_allclose(Y, X @ W + b, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(dX, dY @ W.T, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(dW, X.T @ dY, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(db, dY.sum(axis=0), rtol=1e-12, atol=1e-13)
    assert backend.linear_backward(dY, X, W, need_dX=False)[0] is None


@pytest.mark.parametrize("sizes", LINEAR_SIZES, ids=str)
def test_the_head_does_not_see_the_batch_or_the_threads(backend, dtype, sizes):
    X, W, b, dY = make_linear(*sizes, dtype)
    Y, (dX, dW, db) = backend.linear_forward(X, W, b), backend.linear_backward(dY, X, W)
    reverse = np.arange(len(X))[::-1]
    for rows in ([0], [len(X) - 1], reverse, reverse[: len(X) // 2 + 1]):
        x, dy = X[rows].copy(), dY[rows].copy()
        assert_same_bits(backend.linear_forward(x, W, b), Y[rows], f"Y of {rows}")
        assert_same_bits(backend.linear_backward(dy, x, W)[0], dX[rows], f"dX of {rows}")
    for n_threads in (2, 3, 8):
        threaded = with_threads(backend, n_threads)
        assert_same_bits(threaded.linear_forward(X, W, b), Y)
        for ours, expected in zip(threaded.linear_backward(dY, X, W), (dX, dW, db), strict=True):
            assert_same_bits(ours, expected)


@pytest.mark.parametrize("sizes", LINEAR_SIZES, ids=str)
def test_gradients_go_where_they_are_wanted(backend, dtype, sizes):
    X, W, _, dY = make_linear(*sizes, dtype)
    _, dW, db = backend.linear_backward(dY, X, W)
    out = np.full_like(dW, np.nan), np.full_like(db, np.nan)
    returned = backend.linear_backward(dY, X, W, need_dX=False, out=out)
    assert returned[1] is out[0]
    assert returned[2] is out[1]
    assert_same_bits(out[0], dW)
    assert_same_bits(out[1], db)


@pytest.mark.parametrize("kind", ["tanh", *GATED, "normed gru"])
@pytest.mark.parametrize("sizes", LINEAR_SIZES, ids=str)
def test_gradients_of_a_cell_go_where_they_are_wanted(backend, dtype, kind, sizes):
    n_samples, n_in, n_out = sizes
    problem = make_problem(n_samples, 6, n_in, n_out, dtype=dtype, kind=kind)
    tape = problem.forward(backend, keep_tape=True).tape
    expected = backend.backward(problem.dH, problem.dfinal, tape).dweights
    weights = problem.weights.arrays
    flat = np.full(sum(w.size for w in weights), np.nan, dtype)
    ends = np.cumsum([w.size for w in weights])[:-1]
    pieces = zip(np.split(flat, ends), weights, strict=True)
    into = Weights(*(piece.reshape(w.shape) for piece, w in pieces))
    given = backend.backward(problem.dH, problem.dfinal, tape, out=into).dweights
    for ours, wanted, place in zip(given.arrays, expected.arrays, into.arrays, strict=True):
        assert ours is place
        assert_same_bits(ours, wanted)


# Arguments that break the contract


def unaligned(array):
    raw = np.zeros(array.nbytes + 1, dtype=np.uint8)
    out = raw[1:].view(array.dtype).reshape(array.shape)
    out[...] = array
    return out


def sparse(array):
    return np.repeat(array, 2, axis=-1)[..., ::2]


BROKEN = {
    "X of integers": ("X", lambda X: np.ones(X.shape, np.int64), TypeError, "X has dtype int64"),
    "X float16": ("X", lambda X: X.astype(np.float16), TypeError, "X has dtype float16"),
    "X big-endian": ("X", lambda X: X.astype(">f8"), TypeError, "X has dtype >f8"),
    "X of two axes": ("X", lambda X: X[:, 0], ValueError, "X must be"),
    "X a list": ("X", lambda X: X.tolist(), (TypeError, ValueError), "X must be"),
    "X masked": ("X", np.ma.masked_invalid, TypeError, "MaskedArray"),
    "X unaligned": ("X", unaligned, ValueError, "X must be C-contiguous and aligned"),
    "X strided": ("X", sparse, ValueError, "X must be C-contiguous"),
    "X in Fortran order": ("X", np.asfortranarray, ValueError, "X must be C-contiguous"),
    "W_x of another dtype": ("W_x", lambda W: W.astype("f4"), TypeError, "W_x has dtype float32"),
    "W_x of another width": ("W_x", lambda W: W[:1], ValueError, r"W_x has shape \(1, 7\)"),
    "W_h transposed": ("W_h", lambda W: W.T, ValueError, "W_h must be C-contiguous"),
    "W_h not square": ("W_h", lambda W: W[:3], ValueError, r"W_h has shape \(3, 7\)"),
    "b too short": ("b", lambda b: b[:5], ValueError, r"\(2, 5\)|\(5, 5\)"),
    "initial too narrow": ("initial", lambda h: h[:, :3].copy(), ValueError, "initial has shape"),
    "initial strided": ("initial", sparse, ValueError, "initial must be C-contiguous"),
    "lengths int32": ("lengths", lambda n: n.astype(np.int32), TypeError, "lengths has dtype"),
    "lengths unsorted": ("lengths", lambda n: n[::-1].copy(), ValueError, "longest first"),
    "lengths too long": ("lengths", lambda n: n + 1, ValueError, r"\[0, 6\]"),
    "lengths negative": ("lengths", lambda n: n - 1, ValueError, r"\[0, 6\]"),
    "lengths too few": ("lengths", lambda n: n[:2], ValueError, "lengths has shape"),
}


BROKEN_GATED = {
    "W_x of another dtype": ("W_x", lambda W: W.astype("f4"), TypeError, "W_x has dtype float32"),
    "W_x of one gate": ("W_x", lambda W: W[:, :7].copy(), ValueError, r"W_x has shape \(2, 7\)"),
    "W_h of one gate": ("W_h", lambda W: W[:, :7].copy(), ValueError, r"W_h has shape \(7, 7\)"),
    "b without a block": ("b", lambda b: b[:-7].copy(), ValueError, r"has shape .*expected"),
    "initial too wide": ("initial", lambda h: np.tile(h, 2), ValueError, "initial has shape"),
    "lengths unsorted": ("lengths", lambda n: n[::-1].copy(), ValueError, "longest first"),
}


def refused(backend, problem, name, damage, error, message):
    arguments = dict(vars(problem))
    if name in Weights._fields:
        arguments["weights"] = problem.weights._replace(
            **{name: damage(getattr(problem.weights, name))}
        )
    else:
        arguments[name] = damage(arguments[name])
    with pytest.raises(error, match=message):
        type(problem)(**arguments).forward(backend)


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_argument_is_refused(backend, case):
    refused(backend, make_problem(5, 6, 2, 7), *BROKEN[case])


@pytest.mark.parametrize("kind", GATED)
@pytest.mark.parametrize("case", BROKEN_GATED)
def test_a_broken_argument_of_a_gated_cell_is_refused(backend, kind, case):
    refused(backend, make_problem(5, 6, 2, 7, kind=kind), *BROKEN_GATED[case])


def test_a_state_of_another_cell_is_refused(backend):
    """An LSTM's state is twice as wide as its hidden state."""
    problem = make_problem(5, 6, 2, 7, kind="lstm")
    half = frozen(problem.initial[:, :7].copy())
    with pytest.raises(ValueError, match=r"initial has shape \(5, 7\), expected \(5, 14\)"):
        type(problem)(**{**vars(problem), "initial": half}).forward(backend)
    tape = problem.forward(backend, keep_tape=True).tape
    with pytest.raises(ValueError, match=r"dfinal has shape \(5, 7\), expected \(5, 14\)"):
        backend.backward(problem.dH, half, tape)


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (sparse, ValueError),
        (unaligned, ValueError),
        (lambda d: d.astype("f4"), TypeError),
        (lambda d: d[:2].copy(), ValueError),
        (np.ma.masked_invalid, TypeError),
    ],
    ids=["strided", "unaligned", "float32", "too few", "masked"],
)
@pytest.mark.parametrize("name", ["dH", "dfinal"])
def test_a_broken_gradient_is_refused(backend, name, damage, error):
    problem = make_problem(5, 6, 2, 7)
    broken = {"dH": problem.dH, "dfinal": problem.dfinal}
    broken[name] = damage(broken[name])
    tape = problem.forward(backend, keep_tape=True).tape
    with pytest.raises(error, match=name):
        backend.backward(broken["dH"], broken["dfinal"], tape)


@pytest.mark.parametrize(
    ("damage", "error"),
    [(sparse, ValueError), (unaligned, ValueError), (lambda a: a.astype("f4"), TypeError)],
    ids=["strided", "unaligned", "float32"],
)
def test_a_broken_argument_of_step_or_head_is_refused(backend, damage, error):
    X, W, b, dY = make_linear(3, 7, 2, "float64")
    with pytest.raises(error):
        backend.linear_forward(X, damage(W), b)
    with pytest.raises(error):
        backend.linear_forward(X, W, damage(b))
    with pytest.raises(error, match="dY"):
        backend.linear_backward(damage(dY), X, W)
    problem = make_problem(3, 5, 2, 7)
    x = np.ascontiguousarray(problem.X[:, 0])
    with pytest.raises(error, match=r"initial|state"):
        backend.step(problem.cell, x, damage(problem.initial), problem.weights)


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda a: a.T, ValueError),
        (lambda a: a.astype("f4"), TypeError),
        (lambda a: a[:-1], ValueError),
        (lambda a: frozen(a.copy()), ValueError),
    ],
    ids=["transposed", "float32", "too few", "read-only"],
)
def test_a_place_for_gradients_that_does_not_fit_is_refused(backend, damage, error):
    problem = make_problem(3, 5, 2, 7)
    tape = problem.forward(backend, keep_tape=True).tape
    out = Weights(*(np.empty_like(w) for w in problem.weights.arrays))
    with pytest.raises(error, match="W_h"):
        backend.backward(None, problem.dfinal, tape, out=out._replace(W_h=damage(out.W_h)))
    X, W, b, dY = make_linear(3, 7, 2, "float64")
    with pytest.raises(error, match="dW"):
        backend.linear_backward(dY, X, W, out=(damage(np.empty_like(W)), np.empty_like(b)))


def test_unknown_cells_are_refused_by_name():
    with pytest.raises(ValueError, match=r"activation='sigmoid'.*tanh, relu"):
        Cell("elman", "sigmoid")
    with pytest.raises(ValueError, match=r"cell='rwkv'.*elman"):
        Cell("rwkv")


def test_each_instruction_set_was_asked_for(backend):
    if backend.name == "reference":
        assert backend.isa == "numpy"
    else:
        assert backend.isa in available_isas()
