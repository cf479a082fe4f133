"""--max-iter auto: trained, kept, shown and reported."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers.cli_tools import run

import elman
from elman import RNNClassifier
from elman.data import write_npz
from elman.training import enough

X = [np.sin(np.arange(3 + n)[:, np.newaxis] / (2 + n % 2)) for n in range(7)]
Y = np.array(list("abababa"))


@pytest.fixture
def model(tmp_path, capsys, monkeypatch):
    """A model file, and what was said of its training."""
    monkeypatch.setattr(enough, "MIN_EPOCHS", 2)
    monkeypatch.setattr(enough, "MIN_STEPS", 7)
    write_npz(tmp_path / "train.npz", X, Y)
    path = tmp_path / "model.safetensors"
    options = ["--max-iter", "auto", "--hidden-size", 3, "--batch-size", 3, "--seed", 0]
    code, out, err = run(capsys, "fit", tmp_path / "train.npz", "-o", path, *options)
    assert code == 0, err
    return path, " ".join(out.split())


CHOSEN = "max_iter=3: an epoch has 3 steps of the optimizer, and training takes 7 steps or more"


def test_it_is_what_the_estimator_does_and_is_said(model):
    path, said = model
    assert '"auto" chose max_iter=3' in said
    clf = RNNClassifier(3, max_iter=3, batch_size=3, random_state=0).fit(X, Y)
    assert np.array_equal(elman.load(path).network_.params.flat, clf.network_.params.flat)


def test_inspect_shows_it(model, capsys):
    path, _ = model
    assert f'"auto" chose {CHOSEN}' in " ".join(run(capsys, "inspect", path)[1].split())
    told = json.loads(run(capsys, "inspect", path, "--json")[1])
    assert told["hyperparameters"]["max_iter"] == "auto"
    assert told["training"]["n_epochs"] == told["training"]["max_iter"] == 3
    assert told["training"]["max_iter_reason"] == CHOSEN


def test_a_report_tells_it(model, tmp_path):
    report = elman.report(elman.load(model[0]), X, Y)
    told = report.to_dict()
    assert told["history"]["max_iter"] == 3
    assert told["history"]["max_iter_reason"] == CHOSEN
    report.save(tmp_path / "report.html")
    assert f"max_iter=&quot;auto&quot; was {CHOSEN}." in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("value", ["many", "0", "2.5"])
def test_a_wrong_value_is_refused(value, tmp_path, capsys):
    write_npz(tmp_path / "train.npz", X, Y)
    code, _, err = run(
        capsys, "fit", tmp_path / "train.npz", "-o", tmp_path / "m", "--max-iter", value
    )
    assert code == 2
    assert "max-iter" in err.replace("_", "-")
    assert value in err
