"""Every backend against PyTorch, live, on problems drawn afresh in each run.

`make parity` runs it in an environment that holds torch==2.13.0. A failure names its seed:
`ELMAN_PARITY_SEED=<seed> make parity` draws the same problems again.
"""

from __future__ import annotations

import os
import secrets

import numpy as np
import pytest
from helpers.problems import GATED, NORMED, PLAIN, assert_within, cell_of, make_problem
from helpers.sequence_data import draw_network
from helpers.torch_judge import judge_cell, judge_network, judge_normed_cell, judge_steps

from elman.nn.gradient import Samples, gradient
from elman.nn.losses import cross_entropy
from elman.nn.objectives import Values

SEED = int(os.environ.get("ELMAN_PARITY_SEED") or secrets.randbelow(2**32))
BOUND = 1e-12
JUDGED = (*PLAIN, *GATED)


@pytest.fixture(params=range(24))
def draw(request):
    """A generator of this run's own, and what to print when the comparison fails."""
    return np.random.default_rng([SEED, request.param]), f"ELMAN_PARITY_SEED={SEED}"


def draw_problem(rng):
    """Sizes, cell and lengths at random; every sample has a step, as packing asks."""
    n_samples, n_timesteps = int(rng.integers(1, 40)), int(rng.integers(1, 40))
    problem = make_problem(
        n_samples,
        n_timesteps,
        int(rng.integers(1, 20)),
        int(rng.integers(1, 80)),
        kind=JUDGED[rng.integers(len(JUDGED))],
        ragged=False,
        initial=bool(rng.integers(2)),
        seed=int(rng.integers(2**32)),
    )
    if rng.integers(3):
        lengths = np.sort(rng.integers(1, n_timesteps + 1, n_samples))[::-1].astype(np.int64)
        problem = type(problem)(**{**vars(problem), "lengths": lengths})
    return problem


def kind_of(cell):
    return cell.activation if cell.name == "elman" else cell.name


def test_the_cell(backend, draw):
    rng, replay = draw
    problem = draw_problem(rng)
    ours = problem.answers(backend)
    judged = judge_cell(
        problem.X,
        problem.lengths,
        problem.initial,
        *problem.weights.arrays,
        problem.dH,
        problem.dfinal,
        kind_of(problem.cell),
    )
    assert len(judged) == len(ours) == 7
    for name, expected in judged.items():
        assert_within(
            BOUND, ours[name], expected, f"{name}; {replay}; {problem.cell}; {problem.sizes}"
        )


@pytest.mark.parametrize("kind", NORMED)
def test_the_cell_with_layer_norm(backend, draw, kind):
    rng, replay = draw
    sizes = (int(rng.integers(1, 9)), int(rng.integers(1, 12)), int(rng.integers(1, 20)))
    problem = make_problem(*sizes, int(rng.integers(3, 60)), kind=kind, seed=int(rng.integers(99)))
    X, dH = np.nan_to_num(problem.X), np.nan_to_num(problem.dH)
    judged = judge_normed_cell(
        X,
        problem.lengths,
        problem.initial,
        *problem.weights[:3],
        dH,
        problem.dfinal,
        problem.weights.gain,
        kind.removeprefix("normed "),
    )
    ours = problem.answers(backend)
    assert judged.keys() == ours.keys()
    for name, expected in judged.items():
        # a gradient comes through 1 / deviation of the sums, which is large where they are alike
        assert_within(10 * BOUND, ours[name], expected, f"{name}; {replay}; {kind}; {sizes}")


@pytest.mark.parametrize(
    "readout", ["last", "mean", "max", ("last", "max"), ("max", "mean", "last")]
)
@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
def test_the_network(backend, draw, kind, readout):
    rng, replay = draw
    problem = draw_problem(rng)
    n_samples, _, n_features, hidden_size = problem.sizes
    n_classes = int(rng.integers(2, 10))
    network = draw_network(
        n_features,
        hidden_size,
        n_classes,
        cell=cell_of(kind),
        readout=readout,
        rng=rng,
        dtype="float64",
    )
    network.params.flat[:] *= rng.uniform(0.5, 1)
    # biases start at zero, and a wrong place for one would not show
    network.params.flat[:] += rng.uniform(-0.1, 0.1, network.params.flat.size)
    codes = rng.integers(0, n_classes, n_samples)
    sample_weight = rng.uniform(0.1, 2, n_samples)
    logits, backward = network.forward(problem.X, problem.lengths, backend, need_dX=True)
    losses, dlogits = cross_entropy(logits, codes, sample_weight)
    gradient, dX = backward(dlogits)
    judged = judge_network(
        problem.X, problem.lengths, network.params, codes, sample_weight, kind, readout
    )
    ours = {"logits": logits, "loss": np.asarray(losses.sum()), "X": dX, **gradient}
    assert ours.keys() == judged.keys()
    for name, expected in judged.items():
        assert_within(
            BOUND, ours[name], expected, f"{name}; {replay}; {problem.cell}; {problem.sizes}"
        )


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber"])
@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
def test_numbers_of_time_steps_of_which_some_are_not_known(backend, draw, kind, loss):
    rng, replay = draw
    problem = draw_problem(rng)
    _, n_timesteps, n_features, hidden_size = problem.sizes
    network = draw_network(
        n_features,
        hidden_size,
        int(rng.integers(1, 4)),
        cell=cell_of(kind),
        readout="every",
        rng=rng,
        dtype="float64",
    )
    network.params.flat[:] += rng.uniform(-0.1, 0.1, network.params.flat.size)
    places = np.flatnonzero(np.arange(n_timesteps) < problem.own_lengths[:, np.newaxis])
    targets = rng.normal(size=(len(places), network.layout.n_outputs))
    targets[rng.random(targets.shape) < 0.4] = np.nan
    targets[0, 0] = 1  # one at least
    weights = rng.uniform(0.1, 2, len(places))
    rows = np.flatnonzero(~np.isnan(targets).all(axis=1))
    samples = Samples(problem.X, problem.lengths, targets[rows], weights[rows], places[rows])
    sums = gradient(network, samples, Values(loss, 0.7), backend, need_dX=True)
    judged = judge_steps(
        problem.X, problem.lengths, network.params, targets, weights, kind, loss, 0.7
    )
    ours = {"loss": np.asarray(sums.losses.sum()), "X": sums.dX, **sums.gradient}
    assert ours.keys() == judged.keys()
    for name, expected in judged.items():
        assert_within(BOUND, ours[name], expected, f"{name}; {replay}; {kind}; {problem.sizes}")


@pytest.mark.parametrize("kind", ["relu", "gru", "lstm"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_stacks(backend, draw, kind, bidirectional):
    rng, replay = draw
    problem = draw_problem(rng)
    n_samples, _, n_features, _ = problem.sizes
    n_layers, n_classes = int(rng.integers(1, 4)), int(rng.integers(2, 10))
    readout = ("last", "mean", "max")[rng.integers(3)]
    network = draw_network(
        n_features,
        int(rng.integers(1, 30)),
        n_classes,
        cell=cell_of(kind),
        readout=readout,
        rng=rng,
        dtype="float64",
        n_layers=n_layers,
        bidirectional=bidirectional,
    )
    network.params.flat[:] += rng.uniform(-0.1, 0.1, network.params.flat.size)
    codes = rng.integers(0, n_classes, n_samples)
    sample_weight = rng.uniform(0.1, 2, n_samples)
    logits, backward = network.forward(problem.X, problem.lengths, backend, need_dX=True)
    losses, dlogits = cross_entropy(logits, codes, sample_weight)
    gradient, dX = backward(dlogits)
    names = [f"recurrent{index}" for index in range(n_layers)]
    judged = judge_network(
        problem.X,
        problem.lengths,
        network.params,
        codes,
        sample_weight,
        kind,
        readout,
        [(name, f"{name}.reverse") if bidirectional else (name,) for name in names],
    )
    ours = {"logits": logits, "loss": np.asarray(losses.sum()), "X": dX, **gradient}
    assert ours.keys() == judged.keys()
    told = f"{replay}; {n_layers} layers, {readout}; {problem.sizes}"
    for name, expected in judged.items():
        assert_within(BOUND, ours[name], expected, f"{name}; {told}")


@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_categories(backend, draw, kind, bidirectional):
    """Columns of categories, one-hot or as vectors, before numbers or alone."""
    rng, replay = draw
    problem = draw_problem(rng)
    n_samples, n_timesteps, *_ = problem.sizes
    categories = tuple(
        (int(rng.integers(1, 400)), int(rng.integers(0, 3)) * int(rng.integers(1, 9)))
        for _ in range(rng.integers(1, 4))
    )
    n_layers, n_classes = int(rng.integers(1, 3)), int(rng.integers(2, 10))
    readout = ("last", "mean", "max")[rng.integers(3)]
    network = draw_network(
        len(categories) + int(rng.integers(0, 4)),
        int(rng.integers(1, 30)),
        n_classes,
        cell=cell_of(kind),
        readout=readout,
        rng=rng,
        dtype="float64",
        n_layers=n_layers,
        bidirectional=bidirectional,
        categories=categories,
    )
    network.params.flat[:] += rng.uniform(-0.1, 0.1, network.params.flat.size)
    X = rng.normal(size=(n_samples, n_timesteps, network.layout.n_features))
    for k, (n, _) in enumerate(categories):
        X[:, :, k] = rng.integers(0, n, X.shape[:2])
    codes = rng.integers(0, n_classes, n_samples)
    sample_weight = rng.uniform(0.1, 2, n_samples)
    logits, backward = network.forward(X, problem.lengths, backend, need_dX=True)
    losses, dlogits = cross_entropy(logits, codes, sample_weight)
    gradient, dX = backward(dlogits)
    names = [f"recurrent{index}" for index in range(n_layers)]
    judged = judge_network(
        X,
        problem.lengths,
        network.params,
        codes,
        sample_weight,
        kind,
        readout,
        [(name, f"{name}.reverse") if bidirectional else (name,) for name in names],
        categories,
    )
    if network.layout.n_features == len(categories):
        judged["X"] = np.zeros_like(X)  # there are no numbers that it could have a gradient at
    ours = {"logits": logits, "loss": np.asarray(losses.sum()), "X": dX, **gradient}
    assert ours.keys() == judged.keys()
    told = f"{replay}; {categories}, {n_layers} layers, {readout}; {problem.sizes}"
    for name, expected in judged.items():
        assert_within(BOUND, ours[name], expected, f"{name}; {told}")
