"""Small models of every kind, and the recordings that they were trained on."""

from __future__ import annotations

import numpy as np
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler

LENGTHS = (7, 5, 9, 1, 4, 6, 8)
CLASSES = np.array(["no", "yes", "why"])


def recordings(n_features=3, seed=5):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, n_features)) for n in LENGTHS]


def labels():
    return CLASSES[np.arange(len(LENGTHS)) % 3]


def small(kind, **options):
    return kind(**{"hidden_size": 4, "max_iter": 2, "random_state": 0, **options})


def classifier(**options):
    return small(RNNClassifier, **options).fit(recordings(), labels())


def tagger(**options):
    y = [CLASSES[(np.arange(n) + n) % 3] for n in LENGTHS]
    return small(RNNTagger, **options).fit(recordings(), y)


def regressor(**options):
    y = np.array([[x[:, 0].sum(), x[-1, 1]] for x in recordings()])
    return small(RNNRegressor, **options).fit(recordings(), y)


def regressor_of_steps(**options):
    y = [np.cumsum(x[:, 0]) for x in recordings()]
    return small(RNNRegressor, **options).fit(recordings(), y)


def several_labels(**options):
    y = np.array([[x[0, 0] > 0, x[-1, 1] > 0] for x in recordings()]).astype(int)
    return small(RNNClassifier, **options).fit(recordings(), y)


def pipeline(**options):
    model = small(RNNClassifier, standardize=False, **options)
    return make_pipeline(SequenceScaler(), model).fit(recordings(), labels())


MODELS = {
    "classifier": classifier,
    "tagger": tagger,
    "regressor": regressor,
    "regressor of steps": regressor_of_steps,
    "several labels": several_labels,
    "pipeline": pipeline,
}
NETWORKS = {
    "default": {},
    "last": {"readout": "last"},
    "mean": {"readout": "mean"},
    "attention": {"readout": "attention", "cell": "gru"},
    "side by side": {"readout": ("last", "max")},
    "more side by side": {"readout": ("mean", "attention", "max"), "cell": "gru"},
    "lstm stack": {"cell": "lstm", "hidden_size": (4, 3)},
    "residual": {"n_layers": 2, "residual": True, "readout": "mean", "learn_initial_state": True},
    "residual max": {"n_layers": 2, "residual": True, "readout": "max"},
    "bidirectional": {"n_layers": 2, "bidirectional": True},
    "reference": {"backend": "reference"},
}
"""Hyper-parameters of networks that differ in how they read a recording."""
