"""Small sequences for the tests: a batch as a backend takes it, and labelled samples."""

from __future__ import annotations

import numpy as np

from elman.backends.contract import Cell
from elman.nn.layout import Layout, layer_sizes
from elman.nn.network import Network


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
