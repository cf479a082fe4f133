"""Models of Keras's become ours, with the same answers, or are refused by the layer's name."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import keras_files as kf

import elman
from elman.exchange import read_keras

RNG = np.random.default_rng(5)
LENGTHS = (4, 1, 6)
CELLS = ("SimpleRNN", "GRU", "LSTM")


def sequences(n_features=2):
    return [RNG.normal(size=(n, n_features)) for n in LENGTHS]


def model(kind="GRU", *, head="softmax", units=3, per_step=False, **config):
    """A recurrent layer of 4 units over 2 features, and a head."""
    both = config.get("bidirectional", False)
    return [
        kf.recurrent(kind, 2, 4, RNG, return_sequences=per_step, **config),
        kf.simple("Dropout", rate=0.5, seed=None, noise_shape=None),
        kf.dense(8 if both else 4, units, head, RNG),
    ]


def saved(tmp_path, parts, shape=(None, 2)):
    return kf.write_keras3(tmp_path / "model.keras", parts, shape)


def same(estimator, parts, X):
    """Whether an estimator's answers are those of Keras."""
    ask = getattr(estimator, "predict_proba", estimator.predict)
    for i, (found, x) in enumerate(zip(ask(X), X, strict=True)):
        expected = kf.answers(parts, x)
        if expected.shape == (1,) and np.shape(found) == (2,):  # one sigmoid unit
            expected = np.array([1 - expected[0], expected[0]])
        np.testing.assert_allclose(np.squeeze(found), np.squeeze(expected), atol=1e-6, err_msg=i)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", CELLS)
def test_every_cell(tmp_path, kind, bidirectional):
    parts = model(kind, bidirectional=bidirectional)
    clf = read_keras(saved(tmp_path, parts), classes=["a", "b", "c"])
    assert isinstance(clf, elman.RNNClassifier)
    assert clf.classes_.tolist() == ["a", "b", "c"]
    same(clf, parts, sequences())
