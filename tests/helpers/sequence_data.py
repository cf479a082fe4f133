"""Small sequences for the tests: a batch as a backend takes it, and labelled samples."""

from __future__ import annotations

import numpy as np

from elman.backends.cells import Cell
from elman.data.prepared import Prepared
from elman.data.validation import check_sequences
from elman.nn.layout import Layout, layer_sizes
from elman.nn.network import Network
from elman.training.labelled import Labelled

RAGGED = (3, 0, 5, 3, 1, 5)


def ragged(rng, lengths=RAGGED, n_features=2, dtype=np.float32):
    return [rng.standard_normal((n, n_features)).astype(dtype) for n in lengths]


def draw_network(
    n_features, hidden_size, n_outputs, *, rng, dtype=np.float32, n_layers=1, **layout
):
    """A network of fresh weights; `hidden_size` as the estimators take it."""
    sizes = layer_sizes(hidden_size, n_layers)
    return Network.initialised(Layout(n_features, sizes, n_outputs, **layout), rng=rng, dtype=dtype)


def make_network(rng, *, readout="last", dtype=np.float64, activation="tanh", hidden_size=7):
    cell = Cell("elman", activation)
    return draw_network(2, hidden_size, 3, cell=cell, readout=readout, rng=rng, dtype=dtype)


def make_batch(rng, lengths=(5, 4, 1, 0), dtype=np.float64, padding=0.0):
    """X (n, longest, 2) with `padding` past each end, and lengths."""
    lengths = np.array(lengths, dtype=np.int64)
    X = rng.normal(size=(len(lengths), lengths[0], 2)).astype(dtype)
    X[np.arange(lengths[0]) >= lengths[:, np.newaxis]] = padding
    return X, lengths


def make_samples(rng, n_samples=30, kind="ragged", dtype=np.float64, n_features=2):
    """Sequences whose class is the sign of the first feature's sum."""
    if kind == "equal":
        X = rng.normal(size=(n_samples, 5, n_features)).astype(dtype)
    else:
        lengths = rng.integers(1, 8, size=n_samples)
        X = [rng.normal(size=(n, n_features)).astype(dtype) for n in lengths]
    if kind == "object":
        ragged, X = X, np.empty(n_samples, dtype=object)
        X[:] = ragged
    y = np.array(["down", "up"])[[int(x[:, 0].sum() > 0) for x in X]]
    return X, y


def labelled_of(targets, weights=None, n_features=2, per_step=False):
    """Samples of four steps, or three samples with a target at every step, with these targets."""
    n = 3 if per_step else len(targets)
    lengths = [len(targets) // 3] * 3 if per_step else [4] * n
    X = [np.arange(k * n_features, dtype=float).reshape(k, n_features) + i
         for i, k in enumerate(lengths)]  # fmt: skip
    return Labelled(Prepared(check_sequences(X)), np.asarray(targets), weights, per_step)


def assert_batch(batch, X, indices):
    """The batch holds those samples of X, longest first in a stable order."""
    assert sorted(batch.order.tolist()) == sorted(indices)
    lengths = [len(X[i]) for i in batch.order]
    assert lengths == sorted(lengths, reverse=True)
    n_timesteps = max(lengths, default=batch.X.shape[1])
    assert batch.X.shape == (len(indices), n_timesteps, X[0].shape[1])
    assert batch.X.flags.c_contiguous
    assert batch.X.flags.aligned
    if batch.lengths is None:
        assert set(lengths) <= {n_timesteps}
    else:
        assert batch.lengths.dtype == np.int64
        assert batch.lengths.tolist() == lengths
        assert len(set(lengths)) > 1
    for row, i, length in zip(batch.X, batch.order, lengths, strict=True):
        np.testing.assert_array_equal(row[:length], X[i])
        assert not row[length:].any()
    # Stable: samples of one length stay in the order asked for.
    for length in set(lengths):
        asked = [i for i in indices if len(X[i]) == length]
        assert [i for i in batch.order if len(X[i]) == length] == asked
