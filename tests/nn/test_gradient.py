"""A batch computed in parts, wherever they are, has the bits of the batch computed at once."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers.backends import BACKENDS, make_backend
from helpers.problems import assert_same_bits, random_lengths

from elman.backends.cells import Cell
from elman.nn.dropout import Masking
from elman.nn.gradient import Samples, add_groups, fixed_groups, gradient
from elman.nn.groups import add_in_tree, common_branch, samples_in_branch
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.nn.objectives import AnyLabels, OneClass, Values

NATIVE = [name for name in BACKENDS if name != "reference"]
native_only = pytest.mark.skipif(not NATIVE, reason="the kernel was not built")
PLAIN = Layout(n_features=2, hidden_sizes=(7,), n_outputs=3)


def make_samples(layout, n_samples, n_timesteps, dtype, *, ragged=True, weighted=False, carried=0):
    """A batch for a network, whose padding holds zeros; about a third of the steps has no label."""
    rng = np.random.default_rng([n_samples, n_timesteps, layout.n_features])
    X = rng.standard_normal((n_samples, n_timesteps, layout.n_features)).astype(dtype)
    lengths = None
    if ragged:
        lengths = random_lengths(rng, n_samples, n_timesteps)
        X[np.arange(n_timesteps) >= lengths[:, np.newaxis]] = 0
    places, n_rows = None, n_samples
    if layout.readout == "every":
        ends = np.full(n_samples, n_timesteps) if lengths is None else lengths
        labelled = np.arange(n_timesteps) < ends[:, np.newaxis]
        labelled &= rng.random(labelled.shape) < 0.7
        places = np.flatnonzero(labelled)
        n_rows = len(places)
    masking = None
    if layout.dropout or layout.recurrent_dropout:
        masking = Masking(11, 2, rng.permutation(n_samples))
    states = {}
    for i, size in enumerate(layout.hidden_sizes[:carried]):
        shape = n_samples, layout.cell.state_size(size)
        states[f"recurrent{i}"] = rng.standard_normal(shape).astype(dtype)
    return Samples(
        X,
        lengths,
        rng.integers(0, layout.n_outputs, n_rows),
        rng.uniform(0, 2, n_rows) if weighted else None,
        places,
        masking,
        states if carried else None,
    )


def make_network(layout, dtype):
    rng = np.random.default_rng(5)
    network = Network.initialised(layout, rng=rng, dtype=dtype)
    network.params.flat += rng.uniform(-0.1, 0.1, network.params.flat.size).astype(dtype)
    return network


def assert_adds_up(layout, backend, samples, n_groups, objective=OneClass(), **options):  # noqa: B008
    """Every group by itself, added up, is the batch; and there are so many groups."""
    network = make_network(layout, samples.X.dtype)
    n_samples, n_timesteps, _ = samples.X.shape
    borders = fixed_groups(layout, n_samples, n_timesteps, backend)
    assert borders[0] == 0
    assert borders[-1] == n_samples
    assert len(borders) == n_groups + 1
    whole = gradient(network, samples, objective, backend, **options)
    total = objective.weight_sum(samples.weights, len(samples.targets), backend.fused)
    parts = [
        gradient(network, samples.part(start, stop), objective, backend, total, **options)
        for start, stop in pairwise(borders)
    ]
    added = add_groups(parts)
    for name, expected in whole.gradient.items():
        assert_same_bits(added.gradient[name], expected, name)
        assert np.any(expected), f"{name} is zero: nothing was compared"
    assert added.losses.tobytes() == whole.losses.tobytes()
    assert objective.loss_sum(added.losses, backend.fused) == objective.loss_sum(
        whole.losses, backend.fused
    )
    assert added.weight == whole.weight
    assert added.states.keys() == whole.states.keys()
    for name, state in whole.states.items():
        assert_same_bits(added.states[name], state, name)
    if options.get("need_dX"):
        assert_same_bits(added.dX, whole.dX, "dX")
    return whole


LAYOUTS = {
    "elman": PLAIN,
    "relu": replace(PLAIN, cell=Cell("elman", "relu"), readout="mean"),
    "gru": replace(PLAIN, cell=Cell("gru"), readout="max"),
    "lstm": replace(PLAIN, cell=Cell("lstm"), n_features=5, hidden_sizes=(17,)),
    "normed gru": replace(PLAIN, cell=Cell("gru", layer_norm=True)),
    "stack": replace(PLAIN, hidden_sizes=(7, 5, 9)),
    "two directions": replace(PLAIN, cell=Cell("lstm"), bidirectional=True, readout="mean"),
    "residual": replace(PLAIN, hidden_sizes=(7, 7), residual=True, readout="max"),
    "dropout": replace(PLAIN, hidden_sizes=(7, 5), dropout=0.3, recurrent_dropout=0.4),
    "several readouts": replace(PLAIN, readout=("max", "last"), hidden_sizes=(7, 5), dropout=0.3),
    "mean and max both ways": replace(PLAIN, bidirectional=True, readout=("mean", "max")),
    "masked lstm": replace(PLAIN, cell=Cell("lstm"), dropout=0.2, recurrent_dropout=0.3),
}


@native_only
@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("kernel", NATIVE)
def test_groups_add_up_to_the_batch(kernel, n_threads, dtype, name):
    layout, backend = LAYOUTS[name], make_backend(kernel, n_threads)
    weighted = len(name) % 2 == 1
    samples = make_samples(layout, 37, 11, dtype, weighted=weighted)
    assert_adds_up(layout, backend, samples, 5, need_dX=True)
    # more than 16 times 8 samples: larger groups
    samples = make_samples(layout, 149, 3, dtype, ragged=False, weighted=not weighted)
    assert_adds_up(layout, backend, samples, 15)


@native_only
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("kernel", NATIVE)
def test_groups_of_wide_layers_add_up(kernel, n_threads, dtype):
    """Groups of 8 samples below, of 16 above and of 8 of the head: together groups of 16."""
    layout, backend = replace(PLAIN, hidden_sizes=(7, 130)), make_backend(kernel, n_threads)
    assert_adds_up(layout, backend, make_samples(layout, 37, 5, dtype), 3)


@native_only
@pytest.mark.parametrize("every", [1, 3, 300])
@pytest.mark.parametrize("cell", ["elman", "lstm"])
@pytest.mark.parametrize("kernel", NATIVE)
def test_groups_add_up_where_states_are_computed_again(kernel, cell, every):
    """Chunks of the weight gradient, and so the checkpoints, are those of the batch."""
    layout, backend = replace(PLAIN, cell=Cell(cell)), make_backend(kernel)
    samples = make_samples(layout, 37, 290, "float32", ragged=False)
    assert_adds_up(layout, backend, samples, 5, recompute_every=every)


@native_only
@pytest.mark.parametrize("n_samples", [4, 5, 9, 20])
@pytest.mark.parametrize("kernel", NATIVE)
def test_a_small_last_group_is_cut_as_the_batch(kernel, n_samples):
    """Alone it would be a smaller tile, with longer chunks of steps and other sums."""
    samples = make_samples(PLAIN, n_samples, 290, "float32", ragged=False)
    assert_adds_up(PLAIN, make_backend(kernel), samples, -(-n_samples // 8))


@native_only
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("kernel", NATIVE)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("n_samples", "n_groups"), [(16, 2), (32, 4), (64, 8), (144, 16)])
def test_groups_of_answers_at_every_step_add_up(
    n_samples, n_groups, bidirectional, kernel, n_threads, dtype, weighted
):
    """The head has a row for each step: its groups end with a sample for multiples of 16."""
    layout = replace(PLAIN, cell=Cell("gru"), readout="every", bidirectional=bidirectional)
    carried = 0 if bidirectional else 1
    samples = make_samples(layout, n_samples, 9, dtype, weighted=weighted, carried=carried)
    assert_adds_up(layout, make_backend(kernel, n_threads), samples, n_groups)


@native_only
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kernel", NATIVE)
@pytest.mark.parametrize("residual", [False, True])
def test_groups_of_attention_add_up(residual, kernel, dtype):
    layout = replace(
        PLAIN, hidden_sizes=(7, 7), readout="attention", residual=residual, dropout=0.2
    )
    assert_adds_up(layout, make_backend(kernel), make_samples(layout, 32, 9, dtype), 4)
    assert_adds_up(layout, make_backend(kernel), make_samples(layout, 16, 9, dtype), 2)


@native_only
@pytest.mark.parametrize("kernel", NATIVE)
@pytest.mark.parametrize(
    ("objective", "shape"), [(OneClass(0.1), 0), (AnyLabels(0.1), 3), (Values("huber"), 3)]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_groups_of_every_objective_add_up(objective, shape, weighted, kernel):
    samples = make_samples(PLAIN, 37, 5, "float32", weighted=weighted)
    if shape:
        rng = np.random.default_rng(1)
        targets = rng.integers(0, 2, (37, shape)).astype(np.float64)
        samples = samples._replace(targets=targets)
    assert_adds_up(PLAIN, make_backend(kernel), samples, 5, objective)


@native_only
@pytest.mark.parametrize("kernel", NATIVE)
def test_a_group_of_which_no_step_is_labelled_adds_zeros(kernel):
    layout = replace(PLAIN, readout="every")
    samples = make_samples(layout, 32, 9, "float32")
    kept = samples.places < 16 * 9
    samples = samples._replace(places=samples.places[kept], targets=samples.targets[kept])
    assert_adds_up(layout, make_backend(kernel), samples, 4)


@native_only
@pytest.mark.parametrize("kernel", NATIVE)
def test_one_call_over_a_branch_is_its_groups(kernel):
    """Groups 2 and 3 of five at once, and 4 by itself: what the tree of the batch has there."""
    backend, network = make_backend(kernel), make_network(PLAIN, "float32")
    samples = make_samples(PLAIN, 37, 5, "float32")
    expected = gradient(network, samples, OneClass(), backend)
    branches = [
        gradient(network, samples.part(start, stop), OneClass(), backend, 37.0)
        for start, stop in ((0, 16), (16, 32), (32, 37))
    ]
    assert_same_bits(add_groups(branches).gradient.flat, expected.gradient.flat)


# Where a batch is one group

ONE_GROUP = {
    "learned initial state": replace(PLAIN, learn_initial_state=True),
    "attention over rows that end within samples": replace(PLAIN, readout="attention"),
    "steps that end within samples": replace(PLAIN, readout="every"),
    "16 samples above and 13 below": replace(PLAIN, hidden_sizes=(7, 130)),
}


@pytest.mark.parametrize("name", ONE_GROUP)
def test_a_batch_is_one_group_with(name, backend):
    layout = ONE_GROUP[name]
    n_samples = 200 if "above" in name else 37
    samples = make_samples(layout, n_samples, 5, "float32")
    assert_adds_up(layout, backend, samples, 1)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_reference_sums_a_batch_as_one_group(name):
    layout = LAYOUTS[name]
    samples = make_samples(layout, 37, 5, "float64")
    assert_adds_up(layout, make_backend("reference"), samples, 1)


@pytest.mark.parametrize("readout", ["last", "mean"])
def test_chunks_of_a_cut_gradient_are_one_group(readout, backend):
    layout = replace(PLAIN, readout=readout)
    n_groups = len(fixed_groups(layout, 37, 11, backend)) - 1
    assert n_groups == (1 if backend.name == "reference" else 5)
    assert fixed_groups(layout, 37, 11, backend, bptt_steps=4).tolist() == [0, 37]
    assert len(fixed_groups(layout, 37, 11, backend, bptt_steps=11)) == n_groups + 1
    network, samples = make_network(layout, "float64"), make_samples(layout, 37, 11, "float64")
    whole = gradient(network, samples, OneClass(), backend, bptt_steps=4)
    again = gradient(network, samples.part(0, 37), OneClass(), backend, bptt_steps=4)
    assert_same_bits(again.gradient.flat, whole.gradient.flat)
    with pytest.raises(ValueError, match=r"bptt_steps=4 .* 37 samples .* whole; got 8"):
        gradient(network, samples.part(0, 8), OneClass(), backend, 37.0, bptt_steps=4)


def test_a_batch_without_samples_is_one_group(backend):
    assert fixed_groups(PLAIN, 0, 0, backend).tolist() == [0, 0]
    samples = make_samples(PLAIN, 3, 5, "float32", ragged=False).part(0, 0)
    samples = samples._replace(batch_samples=None)
    sums = gradient(make_network(PLAIN, "float32"), samples, OneClass(), backend)
    assert not sums.gradient.flat.any()
    assert sums.weight == 0


# Parts


def test_a_part_says_so_or_is_refused(backend):
    samples = make_samples(PLAIN, 9, 5, "float32")
    network = make_network(PLAIN, "float32")
    with pytest.raises(ValueError, match=r"4 samples are a part of a batch of 9, .* pass what the"):
        gradient(network, samples.part(2, 6), OneClass(), backend)
    assert samples.part(2, 6).part(1, 3).batch_samples == 9
    for start, stop in ((-1, 3), (4, 2), (8, 10)):
        with pytest.raises(ValueError, match=f"samples {start} to {stop} are no part of 9"):
            samples.part(start, stop)
    with pytest.raises(ValueError, match="no group"):
        add_groups([])
    wrong = samples.part(2, 6)._replace(batch_samples=3)
    with pytest.raises(ValueError, match="batch_samples=3, but there are 4 already"):
        gradient(network, wrong, OneClass(), backend, 9.0)


def test_samples_alone_are_the_batch(backend):
    """Each sample, cut to its own length, has the losses and gradients at X of its batch."""
    layout = replace(PLAIN, readout="every", hidden_sizes=(7, 5), dropout=0.3)
    samples = make_samples(layout, 9, 5, "float64", weighted=True, carried=2)
    network = make_network(layout, "float64")
    total = OneClass().weight_sum(samples.weights, len(samples.targets), backend.fused)
    whole = gradient(network, samples, OneClass(), backend, need_dX=True)
    losses, added = [], np.zeros_like(whole.gradient.flat)
    for i, length in enumerate(samples.lengths):
        alone = samples.alone(i)
        assert alone.X.shape == (1, length, 2)
        one = gradient(network, alone, OneClass(), backend, total, need_dX=True)
        losses.append(one.losses)
        added += one.gradient.flat
        if len(one.losses):
            assert_same_bits(one.dX[0], whole.dX[i, :length])
        for name, state in whole.states.items():
            assert_same_bits(one.states[name][0], state[i])
    assert np.concatenate(losses).tobytes() == whole.losses.tobytes()
    np.testing.assert_allclose(added, whole.gradient.flat, rtol=1e-10, atol=1e-14)


def test_nothing_given_is_changed(backend):
    layout = replace(PLAIN, cell=Cell("lstm"))
    samples = make_samples(layout, 5, 3, "float32", weighted=True, carried=1)
    for array in (samples.X, samples.lengths, samples.targets, samples.weights):
        array.flags.writeable = False
    samples.states["recurrent0"].flags.writeable = False
    network = make_network(layout, "float32")
    network.params.flat.flags.writeable = False
    given = dict(samples.states)
    first = gradient(network, samples, OneClass(), backend)
    into = network.params.zeros_like()
    into.flat.fill(np.nan)
    again = gradient(network, samples, OneClass(), backend, out=into)
    assert again.gradient is into
    assert_same_bits(into.flat, first.gradient.flat)
    assert samples.states.keys() == given.keys()
    assert samples.states["recurrent0"] is given["recurrent0"]
    assert not np.array_equal(first.states["recurrent0"], given["recurrent0"])


# The trees themselves


def test_a_tree_adds_neighbours_first():
    """3 of float32's smallest step above 1 are lost one by one, not two at a time."""
    tiny = np.float32(2.0**-24)
    values = [np.array([value], np.float32) for value in (1, tiny, tiny, tiny)]
    assert add_in_tree(values)[0] == np.float32(1) + (tiny + tiny)
    assert add_in_tree(values[1:] + values[:1])[0] == (tiny + tiny) + (tiny + np.float32(1))
    assert add_in_tree(values[:1]) is values[0]

    class Told(str):
        def __add__(self, other):
            return Told(f"({self}{other})")

    assert add_in_tree([Told(letter) for letter in "abcdefg"]) == "(((ab)(cd))((ef)g))"


@pytest.mark.parametrize(
    ("group_rows", "rows_per_sample", "n_samples", "expected"),
    [
        (8, 1, 37, 8),
        (40, 1, 37, 37),
        (37, 1, 37, 37),
        (18, 9, 32, 2),
        (12, 9, 21, 21),
        (15, 5, 48, 3),
        (8, 2, 64, 4),
        (8, 16, 7, 1),
        (8, 32, 7, 1),
        (8, 32, 1, 1),
        (8, 0, 7, 7),
    ],
)
def test_the_smallest_branch_of_whole_samples(group_rows, rows_per_sample, n_samples, expected):
    assert samples_in_branch(group_rows, rows_per_sample, n_samples) == expected


@pytest.mark.parametrize(
    ("sizes", "n_samples", "expected"),
    [
        ([8], 37, 8),
        ([8, 16, 8], 37, 16),
        ([8, 32], 37, 32),
        ([8, 24], 90, 90),
        ([13, 16], 200, 200),
        ([13, 26], 200, 26),
        ([8, 37], 37, 37),
        ([37], 37, 37),
    ],
)
def test_the_smallest_part_that_is_a_branch_of_all(sizes, n_samples, expected):
    assert common_branch(sizes, n_samples) == expected


@pytest.mark.parametrize("kind", ["squared", "absolute", "huber"])
@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
def test_targets_of_steps_that_are_not_known_against_central_differences(backend, cell, kind):
    layout = replace(PLAIN, cell=Cell(cell), readout="every", hidden_sizes=(4, 3))
    samples = make_samples(layout, 4, 6, "float64", weighted=True)
    network, objective = make_network(layout, "float64"), Values(kind, 0.7)
    rng = np.random.default_rng(8)
    # errors well away from 0 and 0.7, where the losses have their kinks
    answers = network.logits(samples.X, samples.lengths, backend).reshape(-1, 3)[samples.places]
    targets = answers - rng.choice([-1.5, -0.4, 0.4, 1.5], answers.shape)
    targets[rng.random(targets.shape) < 0.4] = np.nan
    known = np.flatnonzero(~np.isnan(targets).all(axis=1))
    samples = samples._replace(
        targets=targets[known], weights=samples.weights[known], places=samples.places[known]
    )
    found = gradient(network, samples, objective, backend).gradient

    def loss():
        return gradient(network, samples, objective, backend).losses.sum()

    for name, weight in network.params.items():
        flat, analytic = weight.reshape(-1), found[name].reshape(-1)
        for i in rng.choice(flat.size, min(flat.size, 5), replace=False):
            kept, step, values = flat[i], 4e-4, []
            for shift in (-2, -1, 1, 2):
                flat[i] = kept + shift * step
                values.append(loss())
            flat[i] = kept
            numeric = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
            scale = max(abs(numeric), 1e-3 * np.abs(analytic).max(), 1e-5)
            assert abs(analytic[i] - numeric) <= 1e-7 * scale, (name, i)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_answer_with_several_rows_has_the_gradient_of_all_of_them(backend):
    layout = Layout(2, (3,), 3, readout="every")
    network = make_network(layout, "float64")
    rng = np.random.default_rng(4)
    X = rng.normal(size=(2, 4, 2))
    places = np.array([0, 0, 0, 2, 5, 5])
    targets = np.array([0, 1, 1, 2, 2, 0])
    weights = rng.uniform(0.5, 2, 6)
    made = make_backend(backend)

    def of(rows):
        samples = Samples(X, None, targets[rows], weights[rows], places[rows])
        return gradient(network, samples, OneClass(), made, weights.sum())

    whole = of(np.arange(6))
    parts = [of(np.array(rows)) for rows in ([0, 3, 4], [1, 5], [2])]
    np.testing.assert_allclose(
        whole.gradient.flat, sum(part.gradient.flat for part in parts), rtol=1e-12, atol=1e-15
    )
    assert whole.losses.sum() == pytest.approx(sum(part.losses.sum() for part in parts))


def test_samples_that_go_on_from_states_are_else_the_same():
    samples = Samples(*range(len(Samples._fields)))
    assert samples.going_on("states") == samples._replace(states="states")
