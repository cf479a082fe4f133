"""What a batch of labelled sequences, or a chunk of it, gives a network to learn from."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from helpers.problems import assert_same_bits

from elman.backends import get_backend
from elman.backends.cells import Cell
from elman.data.prepared import Prepared
from elman.data.sequences import Sequences
from elman.nn.chunks import chunks
from elman.nn.dropout import Masking
from elman.nn.gradient import add_groups, fixed_groups, gradient
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.nn.objectives import OneClass, Values
from elman.training.labelled import Labelled, has_target

BACKEND = get_backend("reference")


def make_steps(lengths, *, weighted=True):
    """A label 0 to 2 for every step but those at which it is -1, as a sample's step says."""
    rng = np.random.default_rng(3)
    lengths = np.asarray(lengths)
    X = Prepared(Sequences(rng.standard_normal((lengths.sum(), 2)).astype(np.float32), lengths))
    targets = rng.integers(-1, 3, X.n_steps)
    return Labelled(X, targets, rng.uniform(0, 2, len(targets)) if weighted else None, True)


def test_a_chunk_has_the_rows_of_its_labelled_steps():
    data = make_steps([3, 9, 0, 5])
    batch = data.X.batch(np.array([2, 0, 1]), BACKEND)
    assert batch.order.tolist() == [1, 0, 2]
    masking = Masking(7, 1, batch.order)
    states = {"recurrent0": np.arange(6.0).reshape(3, 2)}
    seen = []
    for chunk in chunks(batch.lengths, 3, 9, 4):
        samples = data.samples(batch, chunk, masking, states)
        n, n_timesteps, _ = samples.X.shape
        assert samples.masking.samples.tolist() == batch.order[:n].tolist()
        assert samples.states["recurrent0"].tolist() == states["recurrent0"][:n].tolist()
        rows, steps = np.divmod(samples.places, n_timesteps)
        for row, step, target, weight in zip(
            rows, steps, samples.targets, samples.weights, strict=True
        ):
            at = data.X.offsets[batch.order[row]] + chunk.start + step
            assert data.targets[at] == target >= 0
            assert data.weights[at] == weight
            assert data.X.data.values[at].tolist() == samples.X[row, step].tolist()
            seen.append(at)
    own = [*range(12)]
    assert sorted(seen) == [at for at in own if data.targets[at] >= 0]


def numbers(data):
    """The same with three targets for each step, some of them or all not known."""
    rng = np.random.default_rng(5)
    targets = rng.standard_normal((len(data.targets), 3))
    targets[rng.random(targets.shape) < 0.5] = np.nan
    return data._replace(targets=targets)


def test_rows_have_a_target_that_is_known():
    assert has_target(np.array([-1, 0, 2])).tolist() == [False, True, True]
    some = np.array([[np.nan, 1], [np.nan, np.nan], [0, 0]])
    assert has_target(some).tolist() == [True, False, True]
    data = numbers(make_steps([3, 9, 0, 5]))
    batch = data.X.batch(np.array([2, 0, 1, 3]), BACKEND)
    seen = []
    for chunk in chunks(batch.lengths, 4, 9, 4):
        seen += data.samples(batch, chunk).targets.tolist()
    assert len(seen) == has_target(data.targets).sum() < 17
    assert not np.isnan(seen).all(axis=1).any()


def test_a_sample_with_one_answer_is_a_row():
    data = make_steps([3, 9, 0, 5])
    data = Labelled(data.X, np.array([4, 5, 6, 7]), None)
    batch = data.X.batch(np.array([2, 0, 1]), BACKEND)
    (chunk,) = chunks(batch.lengths, 3, 9, None)
    samples = data.samples(batch, chunk)
    assert samples.targets.tolist() == [5, 4, 6]
    assert samples.places is samples.weights is samples.masking is samples.states is None


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("objective", [OneClass(), Values("huber")], ids=["labels", "numbers"])
@pytest.mark.parametrize("cell", ["elman", "lstm"])
def test_groups_of_chunks_add_up_to_their_gradients(backend, cell, objective, weighted):
    """A chunk of labelled steps is a batch: of the samples that have not ended yet."""
    data = make_steps([9, 3] * 32, weighted=weighted)
    data = data if isinstance(objective, OneClass) else numbers(data)
    layout = Layout(2, (7,), 3, Cell(cell), "every")
    network = Network.initialised(layout, rng=np.random.default_rng(4))
    fused = backend.fused
    batch = data.X.batch(np.arange(64), BACKEND)
    carried, n_groups = {}, []
    for chunk in chunks(batch.lengths, 64, 9, 4):
        samples = data.samples(batch, chunk, None, carried)
        whole = gradient(network, samples, objective, backend)
        borders = fixed_groups(layout, *samples.X.shape[:2], backend)
        n_groups.append(len(borders) - 1)
        weights = objective.row_weights(samples.targets, samples.weights)
        total = objective.weight_sum(weights, len(samples.targets), fused)
        added = add_groups(
            [
                gradient(network, samples.part(start, stop), objective, backend, total)
                for start, stop in pairwise(borders)
            ]
        )
        assert_same_bits(added.gradient.flat, whole.gradient.flat)
        assert added.losses.tobytes() == whole.losses.tobytes()
        assert_same_bits(added.states["recurrent0"], whole.states["recurrent0"])
        chunk.carry(whole.states, carried)
    assert n_groups == ([1, 1, 1] if backend.name == "reference" else [8, 4, 4])
