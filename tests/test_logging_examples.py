"""The examples that log to TensorBoard and MLflow run; MLflow is a stand-in that keeps what it is
given."""

from __future__ import annotations

import functools
import runpy
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

import elman

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(autouse=True)
def _two_epochs(monkeypatch, tmp_path):
    """The examples' own data and hyper-parameters, but for two epochs, in an empty folder."""
    initialise = elman.RNNClassifier.__init__

    @functools.wraps(initialise)
    def short(self, *given, **options):
        initialise(self, *given, **options)
        self.max_iter = 2

    monkeypatch.setattr(elman.RNNClassifier, "__init__", short)
    monkeypatch.chdir(tmp_path)


def test_tensorboard(capsys):
    runpy.run_path(str(EXAMPLES / "tensorboard_log.py"), run_name="__main__")
    assert capsys.readouterr().out == "2 epochs; now: tensorboard --logdir runs\n"
    (written,) = Path("runs/run-1").iterdir()
    assert b"validation_score" in written.read_bytes()


def test_mlflow(monkeypatch):
    logged, kept = {}, []
    fake = SimpleNamespace(
        start_run=nullcontext,
        active_run=lambda: "the one that the example started",
        log_params=lambda parameters: logged.update(parameters=parameters),
        log_metrics=lambda metrics, step: logged.update({step: metrics}),
        log_artifact=kept.append,
    )
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    runpy.run_path(str(EXAMPLES / "mlflow_log.py"), run_name="__main__")
    clf = elman.load("vowels.safetensors")
    assert kept == ["vowels.safetensors"]
    assert [logged[n]["loss"] for n in (1, 2)] == clf.loss_curve_
    assert logged["parameters"]["early_stopping"] is True
