"""Categories: a row of the table for each code, against the product with one-hot columns."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from helpers.backends import BACKENDS, make_backend
from helpers.problems import (
    GATED,
    KINDS,
    NORMED,
    Problem,
    assert_all_close,
    assert_close,
    assert_same_bits,
    frozen,
    make_problem,
)

from elman.backends.contract import Coded
from elman.nn.groups import add_in_tree

N_CODES = [1, 2, 3]
BEYOND = np.array([-1, 2**31 - 1, -(2**31)], np.int32)
"""What no code may be, and what stands past a sample's end in these tests."""


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@dataclass(frozen=True)
class CodedProblem:
    """Arguments of a call with codes; `dense` is the same with one-hot columns before X."""

    plain: Problem
    coded: Coded

    @property
    def dense(self):
        """Codes of several columns count how often each row is named."""
        codes, table = self.coded
        past = np.arange(codes.shape[1]) >= self.plain.own_lengths[:, None]
        rows = np.where(past[..., None], 0, codes)
        hot = np.eye(len(table), dtype=table.dtype)[rows].sum(axis=2, dtype=table.dtype)
        hot[past] = np.nan
        weights = self.plain.weights
        W_x = frozen(np.concatenate([table, weights.W_x]))
        return replace(
            self.plain,
            X=frozen(np.concatenate([hot, self.plain.X], axis=2)),
            weights=weights._replace(W_x=W_x),
        )

    def forward(self, backend, **options):
        return self.plain.forward(backend, coded=self.coded, **options)

    def answers(self, backend, **options):
        """As `Problem.answers`, but with dX and dW_x of the dense call."""
        forward = self.forward(backend, keep_tape=True, **options)
        return self.taken_back(backend, forward)

    def taken_back(self, backend, forward):
        plain = self.plain
        back = backend.backward(plain.dH, plain.dfinal, forward.tape)
        answers = {
            "H": forward.H,
            "final": forward.final,
            "dX": back.dX,
            "dinitial": back.dinitial,
            **dict(zip(plain.weight_gradients, back.dweights.arrays, strict=True)),
        }
        assert back.dtable.shape == self.coded.table.shape
        answers["dW_x"] = np.concatenate([back.dtable, answers["dW_x"]])
        return answers

    def select(self, rows, n_timesteps=None):
        """The problem of these samples, longest first; and their order."""
        plain, rows = self.plain.select(rows, n_timesteps)
        codes = self.coded.codes
        out = np.empty((len(rows), plain.X.shape[1], codes.shape[2]), np.int32)
        out[...] = BEYOND[0]
        for i, (row, length) in enumerate(zip(rows, plain.own_lengths, strict=True)):
            out[i, :length] = codes[row, :length]
        return CodedProblem(plain, self.coded._replace(codes=frozen(out))), rows


def make_coded(
    n_samples, n_timesteps, n_features, hidden_size, n_rows, n_codes=1, seed=0, **options
):
    """A problem with codes; numbers of its table that no code names are among them."""
    plain = make_problem(n_samples, n_timesteps, n_features, hidden_size, seed=seed, **options)
    rng = np.random.default_rng([seed, n_samples, n_timesteps, n_rows, n_codes])
    named = max(1, n_rows - 1)  # the last row is never used, where there are two
    codes = rng.integers(0, named, (n_samples, n_timesteps, n_codes)).astype(np.int32)
    past = np.arange(n_timesteps) >= plain.own_lengths[:, None]
    codes[past] = rng.choice(BEYOND, size=codes[past].shape)
    width = plain.weights.W_x.shape[1]
    bound = hidden_size**-0.5
    table = rng.uniform(-bound, bound, (n_rows, width)).astype(plain.X.dtype)
    return CodedProblem(plain, Coded(frozen(codes), frozen(table)))


def one_hot_answers(problem, backend):
    """Those of the dense call; its dX is of the numbers alone."""
    answers = problem.dense.answers(backend)
    n_rows = len(problem.coded.table)
    return answers | {"dX": np.ascontiguousarray(answers["dX"][:, :, n_rows:])}


# (n_samples, n_timesteps, n_features, hidden_size, n_rows)
SIZES = [
    (5, 7, 0, 3, 4),
    (13, 6, 2, 5, 9),
    (4, 9, 1, 16, 2),
    (29, 3, 3, 17, 60),
    (1, 5, 0, 1, 1),
    (15, 11, 0, 33, 5),
    (14, 4, 5, 130, 7),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", range(len(SIZES)))
def test_codes_are_one_hot_columns(backend, dtype, kind, row):
    sizes = SIZES[row]
    if kind in NORMED and sizes[3] == 1:
        sizes = (*sizes[:3], 2, sizes[4])  # a sum over one unit is its own mean
    n_codes = N_CODES[(row + KINDS.index(kind)) % 3]
    problem = make_coded(*sizes, n_codes, kind=kind, dtype=dtype, ragged=row % 3 != 2)
    ours, expected = problem.answers(backend), one_hot_answers(problem, backend)
    own_lengths = problem.plain.own_lengths
    if "relu" in kind:  # on either side of the kink by rounding: compared on the same states
        for name in ("H", "final"):
            assert_close(ours[name], expected[name], name=name)
        forward = problem.dense.forward(backend, keep_tape=True)
        tape = forward.tape._replace(
            X=problem.plain.X, weights=problem.plain.weights, coded=problem.coded
        )
        ours = problem.taken_back(backend, forward._replace(tape=tape))
    assert_all_close(ours, expected, own_lengths)
    if sizes[4] > 1:
        assert not ours["dW_x"][sizes[4] - 1].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", range(len(SIZES)))
def test_one_column_has_the_bits_of_the_dense_product(backend, dtype, kind, row):
    n_samples, n_timesteps, n_features, *others = SIZES[row]
    if backend.name == "reference":
        n_features = 0  # NumPy may fuse the product with a number and its addition, or not
    problem = make_coded(n_samples, n_timesteps, n_features, *others, kind=kind, dtype=dtype)
    ours, dense = problem.forward(backend), problem.dense.forward(backend)
    assert_same_bits(ours.H, dense.H)
    assert_same_bits(ours.final, dense.final)


@pytest.mark.parametrize("kind", ["tanh", *GATED, *NORMED[1:3]])
@pytest.mark.parametrize("outputs", ["final", "mean", "max", "mean_max"])
def test_readouts_that_a_backend_takes(backend, kind, outputs):
    problem = make_coded(6, 5, 2, 3, 4, 2, kind=kind)
    ours = problem.forward(backend, outputs=outputs, keep_tape=True)
    dense = problem.dense.forward(backend, outputs=outputs, keep_tape=True)
    assert_close(ours.final, dense.final)
    if outputs == "final":
        assert ours.pooled is dense.pooled is None
        return
    assert_close(ours.pooled, dense.pooled)
    dpooled = np.random.default_rng(3).standard_normal(ours.pooled.shape)
    back = backend.backward(None, None, ours.tape, dpooled=dpooled)
    expected = backend.backward(None, None, dense.tape, dpooled=dpooled)
    n_steps = int(problem.plain.own_lengths.sum())
    assert_close(back.dtable, expected.dweights.W_x[:4].copy(), n_live_steps=n_steps)
    assert_close(back.dX, expected.dX[:, :, 4:].copy())


@pytest.mark.parametrize("kind", ["relu", *GATED, "normed tanh"])
@pytest.mark.parametrize("every", [1, 2, 3, 11])
def test_recomputing_gives_the_same_bits(backend, dtype, kind, every):
    problem = make_coded(7, 8, 1, 5, 6, 2, kind=kind, dtype=dtype)
    whole = problem.answers(backend)
    again = problem.answers(backend, recompute_every=every)
    for name, expected in whole.items():
        assert_same_bits(again[name], expected, name)


@pytest.mark.parametrize("kind", ["tanh", *GATED])
def test_recurrent_dropout_beside_codes(backend, kind, rng):
    problem = make_coded(7, 8, 1, 5, 6, 2, kind=kind)
    h_mask = rng.integers(0, 2, (7, 5)) * 2.0
    ours = problem.forward(backend, keep_tape=True, h_mask=h_mask)
    dense = problem.dense.forward(backend, keep_tape=True, h_mask=h_mask)
    assert_close(ours.H, dense.H)
    back = backend.backward(problem.plain.dH, None, ours.tape)
    expected = backend.backward(problem.plain.dH, None, dense.tape)
    n_steps = int(problem.plain.own_lengths.sum())
    assert_close(back.dtable, expected.dweights.W_x[:6].copy(), n_live_steps=n_steps)
    assert_close(back.dweights.W_h, expected.dweights.W_h, n_live_steps=n_steps)


@pytest.mark.parametrize("kind", ["tanh", *GATED, "normed lstm"])
@pytest.mark.parametrize("n_codes", [1, 3])
def test_a_sample_alone(backend, dtype, kind, n_codes):
    problem = make_coded(17, 6, 2, 5, 8, n_codes, kind=kind, dtype=dtype)
    whole = problem.answers(backend)
    for row in (0, 3, 16):
        one, _ = problem.select([row])
        alone = one.answers(backend)
        length = int(one.plain.own_lengths[0])
        for name in ("H", "dX"):
            assert_same_bits(alone[name][0], whole[name][row, :length], name)
        for name in ("final", "dinitial"):
            assert_same_bits(alone[name][0], whole[name][row], name)


@pytest.mark.parametrize("kind", ["tanh", *GATED])
def test_codes_past_an_end_are_not_read(backend, kind):
    problem = make_coded(6, 7, 1, 3, 4, 2, kind=kind)
    past = np.arange(7) >= problem.plain.own_lengths[:, None]
    tame = np.where(past[..., None], 1, problem.coded.codes).astype(np.int32)
    assert past.any()
    expected = replace(problem, coded=problem.coded._replace(codes=tame)).answers(backend)
    for name, ours in problem.answers(backend).items():
        assert_same_bits(ours, expected[name], name)


@pytest.mark.parametrize("kind", ["relu", *GATED])
@pytest.mark.parametrize("n_samples", [5, 37, 150])
def test_parts_of_a_batch_add_up(backend, dtype, kind, n_samples):
    problem = make_coded(n_samples, 4, 1, 6, 30, 2, kind=kind, dtype=dtype)
    plain = problem.plain
    whole = backend.backward(plain.dH, plain.dfinal, problem.forward(backend, keep_tape=True).tape)
    size = backend.group_rows(plain.cell, n_samples, 6)
    parts = []
    for start in range(0, n_samples, size):
        rows = slice(start, start + size)
        part = replace(
            plain, X=plain.X[rows], lengths=plain.lengths[rows], initial=plain.initial[rows]
        )
        coded = problem.coded._replace(codes=problem.coded.codes[rows])
        out = part.forward(backend, keep_tape=True, coded=coded, batch_samples=n_samples)
        parts.append(backend.backward(plain.dH[rows], plain.dfinal[rows], out.tape).dtable)
    assert_same_bits(add_in_tree(parts), whole.dtable)


@pytest.mark.parametrize("kind", ["tanh", *GATED, "normed gru"])
@pytest.mark.parametrize("n_codes", [1, 2])
@pytest.mark.parametrize("n_features", [0, 3])
def test_a_stepper_gives_the_bits_of_the_sequence(backend, dtype, kind, n_codes, n_features):
    problem = make_coded(
        3, 5, n_features, 7, 6, n_codes, kind=kind, dtype=dtype, ragged=False, initial=False
    )
    plain, (codes, table) = problem.plain, problem.coded
    expected = problem.forward(backend)
    own = table.copy()
    stepper = backend.stepper(plain.cell, plain.weights, 3, table=own, n_codes=n_codes)
    own[...] = np.nan  # the stepper has a copy
    assert (stepper.n_codes, stepper.n_rows) == (n_codes, 6)
    state = np.zeros_like(stepper.state)
    for t in range(5):
        x, c = plain.X[:, t].copy(), codes[:, t].copy()
        stepper.step(x, c)
        assert_same_bits(stepper.state[:, :7], expected.H[:, t])
        coded = Coded(c[:, np.newaxis].copy(), table)
        state = backend.step(plain.cell, x, state, plain.weights, coded=coded)
        assert_same_bits(state, stepper.state)
    assert_same_bits(stepper.state, expected.final)


def test_a_stepper_refuses_codes_that_do_not_fit(backend):
    problem = make_coded(3, 5, 2, 7, 6, 2, ragged=False)
    plain, table = problem.plain, problem.coded.table
    stepper = backend.stepper(plain.cell, plain.weights, 3, table=table, n_codes=2)
    x, codes = plain.X[:, 0].copy(), problem.coded.codes[:, 0].copy()
    low, high = codes.copy(), codes.copy()
    low[1, 0], high[2, 1] = -1, 6
    wrong = [
        (),
        (None,),
        (codes.astype(np.int64),),
        (codes.astype(np.float64),),
        (codes[:2],),
        (codes[:, :1].copy(),),
        (np.asfortranarray(codes),),
        (codes.tolist(),),
        (low,),
        (high,),
    ]
    for bad in wrong:
        with pytest.raises(TypeError, match="codes"):
            stepper.step(x, *bad)
    assert not stepper.state.any()
    without = backend.stepper(plain.cell, plain.weights, 3)
    assert (without.n_codes, without.n_rows) == (0, 0)
    with pytest.raises(TypeError, match="codes"):
        without.step(x, codes)
    assert not without.state.any()
    with pytest.raises(ValueError, match="n_codes=2, but table is None"):
        backend.stepper(plain.cell, plain.weights, n_codes=2)
    with pytest.raises(ValueError, match="n_codes=0, but there is a table"):
        backend.stepper(plain.cell, plain.weights, table=table)
    with pytest.raises(ValueError, match=r"coded\.table has shape \(6, 6\), expected \(6, 7\)"):
        backend.stepper(plain.cell, plain.weights, table=table[:, 1:].copy(), n_codes=1)


@pytest.mark.parametrize("kind", ["tanh", "lstm"])
def test_codes_that_break_the_contract(backend, kind):
    problem = make_coded(4, 5, 2, 3, 6, 2, kind=kind)
    codes, table = problem.coded
    low, high = codes.copy(), codes.copy()
    low[0, 3, 1], high[0, 2, 0] = -1, 6

    def refused(error, match, **changes):
        coded = problem.coded._replace(**changes)
        with pytest.raises(error, match=match):
            replace(problem, coded=coded).forward(backend)

    refused(ValueError, r"codes\[0, 3, 1\] .*time step 3\) is -1, but .* 6 rows", codes=low)
    refused(ValueError, r"codes\[0, 2, 0\] .*lie in \[0, 6\)", codes=high)
    refused(TypeError, "codes has dtype int64, expected int32", codes=codes.astype(np.int64))
    refused(ValueError, r"codes has shape \(3, 5, 2\), expected \(4, 5, 2\)", codes=codes[:3])
    refused(ValueError, r"codes has shape \(4, 4, 2\)", codes=codes[:, 1:].copy())
    refused(ValueError, "there is no code in a step; leave coded out", codes=codes[:, :, :0].copy())
    refused(ValueError, r"codes must be \(n_samples", codes=codes[:, :, 0].copy())
    refused(ValueError, "C-contiguous", codes=np.asfortranarray(codes))
    refused(TypeError, "table has dtype float32", table=table.astype(np.float32))
    refused(ValueError, r"table has shape", table=table[:, 1:].copy())
    refused(ValueError, r"table must be \(n_rows", table=table[0].copy())
    refused(ValueError, r"codes\[0, 0, 0\]", table=table[:0].copy())


def test_without_a_step_there_is_nothing_to_name(backend):
    """No samples, or no time steps: a table without rows will do."""
    for sizes in ((0, 4), (3, 0)):
        problem = make_coded(*sizes, 2, 3, 5, 2)
        none = problem.coded._replace(table=problem.coded.table[:0].copy())
        for coded in (problem.coded, none):
            answers = replace(problem, coded=coded).answers(backend)
            assert not answers["dW_x"].any()


REFERENCE = make_backend("reference")
NATIVE_SIZES = [
    (5, 7, 0, 3, 4),
    (37, 6, 2, 33, 300),
    (70, 3, 1, 65, 9),
    (3, 40, 5, 130, 60),
    (150, 2, 3, 7, 100),
    (1, 90, 0, 17, 5),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", range(len(NATIVE_SIZES)))
@pytest.mark.parametrize("name", BACKENDS[1:])
def test_the_kernel_agrees_with_the_reference(name, dtype, kind, row):
    n_codes = N_CODES[(row + KINDS.index(kind)) % 3]
    problem = make_coded(*NATIVE_SIZES[row], n_codes, kind=kind, dtype=dtype, ragged=row % 3 != 2)
    forward = problem.forward(REFERENCE, keep_tape=True)
    expected = problem.taken_back(REFERENCE, forward)
    ours = problem.answers(make_backend(name))
    if "relu" in kind:  # on either side of the kink by rounding: taken back from the same states
        for key in ("H", "final"):
            assert_close(ours[key], expected[key], name=key)
        kernel = make_backend(name)
        tape = problem.forward(kernel, keep_tape=True).tape
        if "normed" in kind:
            return  # its trace has the normalised sums as each backend rounds them
        ours = problem.taken_back(kernel, forward._replace(tape=tape._replace(H=forward.H)))
    assert_all_close(ours, expected, problem.plain.own_lengths)


@pytest.mark.parametrize("kind", ["tanh", *GATED, "normed gru"])
@pytest.mark.parametrize("sizes", [(37, 6, 2, 33, 300), (150, 3, 0, 5, 1000), (3, 5, 1, 7, 2)])
@pytest.mark.parametrize("name", BACKENDS[1:])
def test_threads_change_no_bit(name, dtype, kind, sizes):
    problem = make_coded(*sizes, 2, kind=kind, dtype=dtype)
    expected = problem.answers(make_backend(name))
    for n_threads in (2, 3):
        for key, ours in problem.answers(make_backend(name, n_threads)).items():
            assert_same_bits(ours, expected[key], key)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_memory_follows_the_steps_and_not_the_table(n_threads):
    """16 groups of samples, and a table of 2^22 rows of which they name a few."""
    if len(BACKENDS) == 1:
        pytest.skip("the kernel is not built")
    code = f"""
import resource
import numpy as np
from elman.backends.cells import Cell, Weights
from elman.backends.contract import Coded
from elman.backends.native import NativeBackend

def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

backend = NativeBackend(n_threads={n_threads}, eager_threads=True)
W = Weights(*(np.ones(shape, np.float32) for shape in ((0, 1), (1, 1), (1,))))
codes = np.array([0, 7, 2**21, 2**22 - 1], np.int32)
def run(n_rows):
    coded = Coded((np.resize(codes, (256, 3, 1)) % n_rows).astype(np.int32), tables[n_rows])
    X = np.empty((256, 3, 0), np.float32)
    tape = backend.forward(Cell(), X, None, None, W, keep_tape=True, coded=coded).tape
    return backend.backward(np.ones((256, 3, 1), np.float32), None, tape).dtable
tables = {{n: np.ones((n, 1), np.float32) for n in (5, 2**22)}}
run(5)
before = most()
dtable = run(2**22)
print(most() - before)
assert np.flatnonzero(dtable[:, 0]).tolist() == codes.tolist()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 16 * 2**20  # the table alone


def test_codes_that_changed_after_the_forward_pass_are_refused(backend):
    problem = make_coded(4, 5, 2, 3, 6, 2)
    codes = problem.coded.codes.copy()
    problem = replace(problem, coded=problem.coded._replace(codes=codes))
    tape = problem.forward(backend, keep_tape=True).tape
    codes[0, 1, 1] = 6
    # the kernel looks before it reads anything, NumPy at every index
    with pytest.raises((ValueError, IndexError), match=r"not in \[0, n_rows\)|out of bounds"):
        backend.backward(None, problem.plain.dfinal, tape)
