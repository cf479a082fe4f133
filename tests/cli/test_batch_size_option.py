"""--batch-size auto: trained, kept, shown and reported."""

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
CHOSEN = "batch_size=3: 7 samples make 3 batches in an epoch, and the size is at least 3"


@pytest.fixture
def model(tmp_path, capsys, monkeypatch):
    """A model file, and what was said of its training."""
    monkeypatch.setattr(enough, "SMALLEST", 3)
    monkeypatch.setattr(enough, "LARGEST", 5)
    write_npz(tmp_path / "train.npz", X, Y)
    path = tmp_path / "model.safetensors"
    options = ["--batch-size", "auto", "--max-iter", 2, "--hidden-size", 3, "--seed", 0]
    code, out, err = run(capsys, "fit", tmp_path / "train.npz", "-o", path, *options)
    assert code == 0, err
    return path, " ".join(out.split())


def test_it_is_what_the_estimator_does_and_is_said(model):
    path, said = model
    assert '"auto" chose batch_size=3' in said
    clf = RNNClassifier(3, max_iter=2, batch_size=3, random_state=0).fit(X, Y)
    assert np.array_equal(elman.load(path).network_.params.flat, clf.network_.params.flat)


def test_inspect_shows_it(model, capsys):
    path, _ = model
    said = " ".join(run(capsys, "inspect", path)[1].split())
    assert f'"auto" chose {CHOSEN}' in said
    assert "at batch_size=3," in said
    told = json.loads(run(capsys, "inspect", path, "--json")[1])
    assert told["hyperparameters"]["batch_size"] == "auto"
    assert told["training"]["batch_size"] == told["summary"]["batch_size"] == 3
    assert told["training"]["batch_size_reason"] == CHOSEN


def test_a_report_tells_it(model, tmp_path):
    report = elman.report(elman.load(model[0]), X, Y)
    told = report.to_dict()
    assert told["history"]["batch_size"] == 3
    assert told["history"]["batch_size_reason"] == CHOSEN
    report.save(tmp_path / "report.html")
    said = (tmp_path / "report.html").read_text()
    assert f"batch_size=&quot;auto&quot; was {CHOSEN}." in said
    assert "max_iter=&quot;auto&quot;" not in said


@pytest.mark.parametrize("value", ["many", "0", "2.5"])
def test_a_wrong_value_is_refused(value, tmp_path, capsys):
    write_npz(tmp_path / "train.npz", X, Y)
    code, _, err = run(
        capsys, "fit", tmp_path / "train.npz", "-o", tmp_path / "m", "--batch-size", value
    )
    assert code == 2
    assert "batch-size" in err.replace("_", "-")
    assert value in err
