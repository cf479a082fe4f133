"""Checkpointing: a fraction of the history in memory, and every bit the same."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.problems import GATED, PLAIN, cell_of, draw_weights, random_lengths

from elman import RNNClassifier
from elman.backends.cells import Cell
from elman.backends.checks import n_checkpoints


def problem(
    rng, dtype, n_samples, n_timesteps, n_features, hidden_size, *, ragged, initial, kind="tanh"
):
    def normal(*shape):
        return rng.standard_normal(shape).astype(dtype)

    cell = cell_of(kind)
    state_size = cell.state_size(hidden_size)
    weights = draw_weights(rng, cell, n_features, hidden_size, dtype)
    lengths = random_lengths(rng, n_samples, n_timesteps) if ragged else None
    X = normal(n_samples, n_timesteps, n_features)
    start = normal(n_samples, state_size) if initial else None
    gradients = normal(n_samples, n_timesteps, hidden_size), normal(n_samples, state_size)
    return X, lengths, start, weights, gradients


# (n_samples, n_timesteps, n_features, hidden_size), and steps between checkpoints
SMALL = [
    ((3, 5, 2, 7), 1),
    ((3, 5, 2, 7), 5),
    ((3, 5, 2, 7), 99),
    ((3, 1, 2, 7), 4),
    ((3, 0, 2, 7), 4),
    ((13, 37, 3, 33), 8),
]
LARGE = [((19, 211, 2, 130), 16), ((1, 300, 5, 20), 64)]
CASES = [(kind, *case) for kind in PLAIN for case in SMALL + LARGE]
CASES += [(kind, *case) for kind in GATED for case in [*SMALL, ((3, 70, 1, 20), 16)]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kind", "sizes", "every"), CASES)
@pytest.mark.parametrize("ragged", [False, True])
def test_checkpoints_change_no_bit(backend, rng, dtype, kind, sizes, every, ragged):
    X, lengths, h0, weights, (dH, dfinal) = problem(
        rng, dtype, *sizes, ragged=ragged, initial=ragged, kind=kind
    )
    cell = cell_of(kind)
    whole = backend.forward(cell, X, lengths, h0, weights, keep_tape=True)
    kept = backend.forward(
        cell, X, lengths, h0, weights, outputs="final", keep_tape=True, recompute_every=every
    )
    assert kept.H is None
    # no more than there are steps is enough, and without a step there is nothing to keep
    assert kept.tape.recompute_every >= min(every, sizes[1])
    if kept.tape.recompute_every:
        n_kept = n_checkpoints(sizes[1], kept.tape.recompute_every)
        assert kept.tape.H.shape == (sizes[0], n_kept, cell.state_size(sizes[3]))
        assert kept.tape.trace is None
    np.testing.assert_array_equal(kept.final, whole.final)
    for arguments in [(None, dfinal), (dH, None), (dH, dfinal)]:
        expected = backend.backward(*arguments, whole.tape)
        actual = backend.backward(*arguments, kept.tape)
        for a, b in zip([*expected[:2], *expected[2]], [*actual[:2], *actual[2]], strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["tanh", *GATED])
@pytest.mark.parametrize("sizes", [(3, 1201, 2, 7), (13, 900, 1, 33), (37, 500, 2, 5)])
def test_states_are_kept_as_far_apart_as_asked(backend, rng, kind, sizes):
    """Rounded up to whole chunks of the weight gradient, and no farther: that is memory's bound."""
    X, lengths, h0, weights, _ = problem(
        rng, "float32", *sizes, ragged=True, initial=True, kind=kind
    )
    cell, n_timesteps = cell_of(kind), sizes[1]
    H = backend.forward(cell, X, lengths, h0, weights).H

    def tape_of(every):
        return backend.forward(
            cell, X, lengths, h0, weights, outputs="final", keep_tape=True, recompute_every=every
        ).tape

    chunk = tape_of(1).recompute_every
    assert 1 <= chunk <= (1 if backend.name == "reference" else 512)
    for wanted in (1, 2, chunk, chunk + 1, 3 * chunk - 1, n_timesteps):
        tape = tape_of(wanted)
        every = tape.recompute_every
        assert every == -(-min(wanted, n_timesteps) // chunk) * chunk
        n_kept = (n_timesteps - 1) // every
        assert tape.H.shape == (sizes[0], n_kept, cell.state_size(sizes[3]))
        for sample, length in enumerate(lengths):
            n_own = min(n_kept, length // every)
            kept = tape.H[sample, :n_own, : sizes[3]]
            assert kept.tobytes() == H[sample, every - 1 : length : every][:n_own].tobytes()


@pytest.mark.parametrize("kind", ["tanh", *GATED])
def test_outputs_and_checkpoints_together(backend, rng, kind):
    X, lengths, h0, weights, _ = problem(
        rng, "float64", 3, 50, 2, 7, ragged=True, initial=True, kind=kind
    )
    cell = cell_of(kind)
    whole = backend.forward(cell, X, lengths, h0, weights)
    both = backend.forward(cell, X, lengths, h0, weights, keep_tape=True, recompute_every=7)
    np.testing.assert_array_equal(both.H, whole.H)
    assert both.tape.H.shape[1] < 50
    without_tape = backend.forward(cell, X, lengths, h0, weights, recompute_every=7)
    assert without_tape.tape is None


def test_a_negative_number_of_steps_is_refused(backend, rng):
    X, lengths, h0, weights, _ = problem(rng, "float64", 3, 5, 2, 7, ragged=True, initial=True)
    with pytest.raises(ValueError, match="recompute_every=-1 must be 0"):
        backend.forward(Cell(), X, lengths, h0, weights, keep_tape=True, recompute_every=-1)


@pytest.mark.parametrize("readout", ["last", "mean", "max"])
def test_a_classifier_with_checkpoints_learns_the_same_bits(readout):
    rng = np.random.default_rng(5)
    X = [rng.standard_normal((n, 2)) for n in rng.integers(0, 300, 33)]
    y = rng.integers(0, 3, 33)
    settings = {"hidden_size": 9, "max_iter": 2, "readout": readout, "random_state": 0}
    whole = RNNClassifier(**settings).fit(X, y)
    kept = RNNClassifier(**settings, recompute_every=16).fit(X, y)
    for name, weight in whole.weights_.items():
        np.testing.assert_array_equal(kept.weights_[name], weight)
