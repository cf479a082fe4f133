"""The examples that log to TensorBoard and MLflow, with stand-ins that keep what they are given."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.sequence_data import make_samples

from elman import RNNClassifier

EXAMPLES = Path(__file__).parents[1] / "examples"


def fit(rng, on_epoch):
    X, y = make_samples(rng, 30, "ragged")
    options = {"max_iter": 3, "early_stopping": True, "random_state": 0}
    return RNNClassifier(5, on_epoch=on_epoch, **options).fit(X, y)


def test_tensorboard(rng, monkeypatch, tmp_path):
    written, histograms = {}, {}

    class SummaryWriter:
        def __init__(self, folder):
            assert folder == str(tmp_path)

        def add_scalar(self, name, value, step):
            written[name, step] = value

        def add_histogram(self, name, values, step):
            histograms[name, step] = np.array(values)

        def flush(self):
            pass

    fake = SimpleNamespace(SummaryWriter=SummaryWriter)
    monkeypatch.setitem(sys.modules, "tensorboardX", fake)
    log = runpy.run_path(str(EXAMPLES / "tensorboard_log.py"))["to_tensorboard"]
    clf = fit(rng, log(str(tmp_path)))
    assert [written["loss", n] for n in (1, 2, 3)] == clf.loss_curve_
    assert [written["validation_score", n] for n in (1, 2, 3)] == clf.validation_scores_
    assert ("spectral_radius/recurrent0", 3) in written
    assert ("saturated", 2) not in written  # not read in that epoch
    assert histograms["recurrent0/W_h", 3].shape == (5, 5)


def test_mlflow(rng, monkeypatch):
    logged = {}
    fake = SimpleNamespace(log_metrics=lambda metrics, step: logged.update({step: metrics}))
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    log = runpy.run_path(str(EXAMPLES / "mlflow_log.py"))["to_mlflow"]
    clf = fit(rng, log())
    assert [logged[n]["loss"] for n in (1, 2, 3)] == clf.loss_curve_
    assert all(isinstance(value, float) for value in logged[3].values())
    assert "saturated" in logged[3]
    assert "saturated" not in logged[2]


@pytest.mark.parametrize(
    ("script", "function", "package"),
    [("tensorboard_log", "to_tensorboard", "tensorboardX"), ("mlflow_log", "to_mlflow", "mlflow")],
)
def test_they_say_what_to_install(monkeypatch, script, function, package):
    monkeypatch.setitem(sys.modules, package, None)
    log = runpy.run_path(str(EXAMPLES / f"{script}.py"))[function]
    with pytest.raises(ImportError, match=f"pip install {package}"):
        log(*["runs"] * (script == "tensorboard_log"))
