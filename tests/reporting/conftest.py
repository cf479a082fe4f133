"""A small fitted model of each kind, with recordings that it was not trained on."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import elman

KINDS = ("label", "labels", "steps", "values", "step values")


def recordings(n, seed=3):
    """Ragged recordings of three features."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(int(rng.integers(2, 9)), 3)) for _ in range(n)]


def targets(kind, X):
    """Targets of one kind that depend on the features."""
    if kind == "label":
        return np.array(["low", "mid", "high"])[[sum(x[:, k].sum() > 0 for k in (0, 1)) for x in X]]
    if kind == "labels":
        return np.array([[x[-1, k] > 0 for k in range(2)] for x in X]).astype(int)
    if kind == "steps":
        return [np.where(x[:, 0] > 0, "up", "down") for x in X]
    if kind == "values":
        return np.array([[x.mean(), x[-1, 0]] for x in X])
    y = [x[:, :1].cumsum(axis=0) for x in X]
    y[0][0] = np.nan
    return y


def make_case(kind):
    X = recordings(47)
    y = targets(kind, X)
    estimator = {
        "label": elman.RNNClassifier,
        "labels": elman.RNNClassifier,
        "steps": elman.RNNTagger,
    }.get(kind, elman.RNNRegressor)
    model = estimator(hidden_size=4, max_iter=2, random_state=0, early_stopping=True)
    model.fit(X[:30], y[:30])
    return SimpleNamespace(
        kind=kind, model=model, X=X[30:], y=y[30:], X_train=X[:30], y_train=y[:30]
    )


@pytest.fixture(scope="session")
def cases():
    return {kind: make_case(kind) for kind in KINDS}


@pytest.fixture(params=KINDS)
def case(request, cases):
    return cases[request.param]
