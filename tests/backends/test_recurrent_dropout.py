"""Masks on what the recurrent product sees of a state, in every backend."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.backends import make_backend

from elman.backends.cells import Cell, Weights
from elman.backends.reference import ReferenceBackend
from elman.nn.cells import weight_shapes

REFERENCE = ReferenceBackend()
CELLS = [Cell(), Cell("elman", "relu"), Cell("gru"), Cell("lstm")]
CELLS += [Cell(cell.name, layer_norm=True) for cell in CELLS if cell.activation == "tanh"]


def problem(cell, B=5, T=6, D=2, H=7, dtype="float64"):
    rng = np.random.default_rng([B, T, D, H])
    weights = Weights(
        **{
            key: (rng.uniform(-1, 1, shape) / H**0.5).astype(dtype)
            for key, shape in weight_shapes(cell, D, H).items()
        }
    )
    X = rng.normal(size=(B, T, D)).astype(dtype)
    lengths = np.sort(rng.integers(0, T + 1, B))[::-1].copy()
    lengths[0] = T
    lengths[-1] = 0 if B > 1 else T
    initial = rng.normal(size=(B, cell.state_size(H))).astype(dtype)
    mask = (1.5 * (rng.uniform(size=(B, H)) < 0.6)).astype(dtype)
    dH = rng.normal(size=(B, T, H)).astype(dtype)
    dfinal = rng.normal(size=(B, cell.state_size(H))).astype(dtype)
    return (cell, X, lengths, initial, weights), mask, dH, dfinal


def results(backend, arguments, mask, dH, dfinal, every=0):
    out = backend.forward(*arguments, keep_tape=True, recompute_every=every, h_mask=mask)
    back = backend.backward(dH, dfinal, out.tape)
    return out.H, out.final, back.dX, back.dinitial, *back.dweights.arrays


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_gradients_of_the_reference(cell):
    arguments, mask, dH, dfinal = problem(cell)
    cell, X, lengths, initial, weights = arguments
    _, _, dX, dinitial, *dweights = results(REFERENCE, arguments, mask, dH, dfinal)
    live = np.arange(X.shape[1]) < lengths[:, None]

    def loss():
        H, final, *_ = REFERENCE.forward(*arguments, h_mask=mask)
        return (dH * H)[live].sum() + (dfinal * final).sum()

    rng = np.random.default_rng(0)
    arrays = {"X": (X, dX), "initial": (initial, dinitial)}
    pairs = zip(weights.arrays, dweights, strict=True)
    arrays |= dict(zip(cell.weight_names, pairs, strict=True))
    for name, (array, gradient) in arrays.items():
        for flat in rng.choice(array.size, min(array.size, 25), replace=False):
            at = np.unravel_index(flat, array.shape)
            kept = array[at]
            array[at] = kept + 1e-6
            above = loss()
            array[at] = kept - 1e-6
            below = loss()
            array[at] = kept
            assert abs((above - below) / 2e-6 - gradient[at]) < 1e-7, (name, at)


@pytest.mark.parametrize("cell", CELLS, ids=str)
@pytest.mark.parametrize(
    "sizes",
    # with more than 256 samples the kernel's groups of samples hold several tiles each
    [(1, 3, 2, 5), (5, 6, 2, 7), (17, 40, 3, 33), (277, 4, 2, 7)],
    ids=str,
)
def test_every_backend_masks_alike(backend, cell, sizes):
    arguments, mask, dH, dfinal = problem(cell, *sizes)
    expected = results(REFERENCE, arguments, mask, dH, dfinal)
    ours = results(backend, arguments, mask, dH, dfinal)
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)
    for n_threads, every in ((1, 4), (3, 0), (2, 7)):
        name = f"{backend.name}-{backend.isa}" if backend.name == "native" else backend.name
        again = results(make_backend(name, n_threads), arguments, mask, dH, dfinal, every)
        for a, b in zip(again, ours, strict=True):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_mask_of_ones_changes_no_bit(backend, cell):
    arguments, mask, dH, dfinal = problem(cell)
    with_ones = results(backend, arguments, np.ones_like(mask), dH, dfinal)
    for a, b in zip(with_ones, results(backend, arguments, None, dH, dfinal), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_sample_is_masked_by_its_own_row(backend, cell):
    (cell, X, lengths, initial, weights), mask, *_ = problem(cell)
    together = backend.forward(cell, X, lengths, initial, weights, h_mask=mask)
    for i in range(len(X)):
        alone = backend.forward(
            cell,
            X[i : i + 1],
            lengths[i : i + 1],
            initial[i : i + 1],
            weights,
            h_mask=mask[i : i + 1],
        )
        assert alone.H.tobytes() == together.H[i : i + 1].tobytes()


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda m: m[:-1], ValueError),
        (lambda m: m[:, :-1].copy(), ValueError),
        (lambda m: m.astype("f4"), TypeError),
        (np.asfortranarray, ValueError),
    ],
    ids=["too few", "too narrow", "float32", "Fortran order"],
)
def test_a_mask_that_does_not_fit_is_refused(backend, damage, error):
    arguments, mask, *_ = problem(Cell())
    with pytest.raises(error, match="h_mask"):
        backend.forward(*arguments, h_mask=damage(mask))


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
def test_training_with_it(cell, tmp_path):
    from elman import RNNClassifier

    rng = np.random.default_rng(4)
    X = [rng.normal(size=(n, 2)).astype("f4") for n in rng.integers(2, 9, size=23)]
    y = np.array([x[-1, 0] > 0 for x in X])
    options = {"hidden_size": (7, 5), "cell": cell, "bidirectional": True, "max_iter": 4}

    def fit(**more):
        return RNNClassifier(**options, random_state=0, **more).fit(X, y)

    masked = fit(recurrent_dropout=0.4)
    assert not np.array_equal(masked.network_.params.flat, fit().network_.params.flat)
    for other in (fit(recurrent_dropout=0.4, n_jobs=2), fit(recurrent_dropout=0.4, n_jobs=1)):
        assert np.array_equal(masked.network_.params.flat, other.network_.params.flat)
    masked.save(tmp_path / "m.safetensors")
    loaded = RNNClassifier.load(tmp_path / "m.safetensors")
    assert loaded.network_.layout.recurrent_dropout == 0.4
    assert np.array_equal(loaded.predict_proba(X), masked.predict_proba(X))


@pytest.mark.parametrize("share", [-0.1, 1.0, np.nan])
def test_a_share_outside_its_range_is_refused(share):
    from elman import RNNClassifier

    with pytest.raises(ValueError, match="recurrent_dropout"):
        RNNClassifier(recurrent_dropout=share).fit(np.ones((4, 3, 2)), [0, 1, 0, 1])
