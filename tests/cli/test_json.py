"""`--json` of evaluate and inspect: one object on standard output, and nothing else there."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers.cli_tools import run, run_shell
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import make_pipeline

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.cli.as_json import plain
from elman.data import write_npz

LENGTHS = (4, 2, 6, 3, 5, 4, 7)
rng = np.random.default_rng(8)
X = [rng.normal(size=(n, 2)).astype(np.float32) for n in LENGTHS]
SMALL = {"max_iter": 2, "random_state": 0}
STEPS = [[float(i + k) for i in range(len(x))] for k, x in enumerate(X)]
KINDS = {
    "label": (RNNClassifier, list("abbcaab")),
    "whole": (RNNClassifier, [7, 3, 3, 7, 7, 3, 7]),
    "labels": (RNNClassifier, np.array([[1, 0, 1], [0, 0, 1]] * 3 + [[1, 1, 0]])),
    "steps": (RNNTagger, [["p"] * (n - 1) + ["q"] for n in LENGTHS]),
    "value": (RNNRegressor, [n / 2 for n in LENGTHS]),
    "values": (RNNRegressor, np.array([[n / 2, -n] for n in LENGTHS])),
    "step values": (RNNRegressor, STEPS),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("json")
    for kind, (estimator, y) in KINDS.items():
        made = estimator(3, **SMALL).fit(
            X, [np.array(row) for row in y] if kind == "step values" else y
        )
        made.save(folder / f"{kind}.model")
        write_npz(
            folder / f"{kind}.npz", X, [np.array(row) for row in y] if kind == "step values" else y
        )
    return folder


def strict(text):
    """JSON without NaN and infinity, which Python's reader would let through."""

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def told(capsys, *arguments):
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    return strict(out)


@pytest.mark.parametrize("kind", KINDS)
def test_evaluate_says_what_the_estimator_scores(kind, files, capsys):
    model, data = files / f"{kind}.model", files / f"{kind}.npz"
    found = told(capsys, "evaluate", model, data)
    fitted, y = elman.load(model), KINDS[kind][1]
    assert found["kind"] == type(fitted).__name__
    assert (found["model"], found["data"]) == (str(model), str(data))
    predicted = fitted.predict(X)
    if found["answers"] in ("values", "step values"):
        true, answers = (
            np.concatenate([np.atleast_1d(each) for each in a]) for a in (y, predicted)
        )
        if kind == "values":
            true, answers = np.array(y), predicted
        assert found["r_squared"] == pytest.approx(r2_score(true, answers))
        assert [*found["targets"][0]] == ["name", "mse", "mae", "r_squared"]
        assert len(found["targets"]) == (2 if kind == "values" else 1)
    else:
        true, answers = y, predicted
        if kind == "steps":
            true, answers = np.concatenate(y), np.concatenate(predicted)
        assert found["accuracy"] == pytest.approx(accuracy_score(true, answers))
        assert found["accuracy"] == found["n_right"] / found["n"]
        labels = [each["label"] for each in found["classes"]]
        assert labels == {"labels": [0, 1, 2]}.get(kind, fitted.classes_.tolist())
        if kind == "labels":
            assert found["confusion"] is None
        else:
            assert np.sum(found["confusion"]) == found["n"] == len(true)
            assert [sum(row) for row in found["confusion"]] == [c["n"] for c in found["classes"]]


def test_what_is_not_defined_is_null(files, capsys, tmp_path):
    write_npz(tmp_path / "one.npz", X[:1], ["a"])
    found = told(capsys, "evaluate", files / "label.model", tmp_path / "one.npz")
    assert found["classes"][1]["recall"] is None
    write_npz(tmp_path / "value.npz", X[:1], [0.5])
    found = told(capsys, "evaluate", files / "value.model", tmp_path / "value.npz")
    assert found["r_squared"] is None
    assert found["targets"][0]["r_squared"] is None


def test_the_tables_and_the_object_say_the_same(files, capsys):
    model, data = files / "label.model", files / "label.npz"
    found = told(capsys, "evaluate", model, data)
    out = run(capsys, "evaluate", model, data)[1]
    assert f"({found['n_right']} of {found['n']})" in out


@pytest.mark.parametrize("kind", KINDS)
def test_inspect_says_what_the_estimator_is(kind, files, capsys):
    model = files / f"{kind}.model"
    found, fitted = told(capsys, "inspect", model), elman.load(model)
    assert found["kind"] == type(fitted).__name__
    assert found["bytes"] == model.stat().st_size
    assert found["summary"] == fitted.summary().to_dict()
    assert found["summary"]["parameters"] == fitted.network_.params.flat.size
    assert found["hyperparameters"]["max_iter"] == 2
    assert found["hyperparameters"]["hidden_size"] == 3
    assert found["training"]["history"]["loss"] == fitted.loss_curve_
    assert (found["training"]["n_epochs"], found["n_features"]) == (2, 2)
    assert ("classes" in found) != ("targets" in found)
    if "classes" in found:
        assert found["classes"] == fitted.classes_.tolist()
        assert [*map(type, found["classes"])] == [*map(type, fitted.classes_.tolist())]
    assert found["before"] == []
    assert {*found["not_default"]} == {"hidden_size", *SMALL}
    out = run(capsys, "inspect", model, "--n-timesteps", "1234")[1]
    assert not [line for line in out.splitlines() if line != line.rstrip()]
    assert "1,234 time steps\n" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["hidden_size", "3", "96"] in rows
    assert ["tol", "0.0001"] in rows


def test_a_folder_a_store_and_a_pipeline(capsys, tmp_path):
    recordings = tmp_path / "recordings"
    for i, (x, label) in enumerate(zip(X, KINDS["label"][1], strict=True)):
        place = recordings / label
        place.mkdir(parents=True, exist_ok=True)
        lines = ["t,u", *(f"{a!r},{b!r}" for a, b in x.astype(float).tolist())]
        (place / f"{i}.csv").write_text("\n".join(lines) + "\n")
    clf = RNNClassifier(3, **SMALL)
    elman.save(make_pipeline(SequenceScaler(), clf).fit(X, KINDS["label"][1]), tmp_path / "model")
    code, out, err = run(capsys, "evaluate", tmp_path / "model", recordings, "--json")
    assert (code, err.count("\n")) == (0, 1)  # a warning, of the names that only the folder has
    of_folder = strict(out)
    assert of_folder["n"] == len(X)
    npz, store = tmp_path / "all.npz", tmp_path / "store"
    write_npz(npz, X, KINDS["label"][1])
    assert run(capsys, "store", "build", npz, store)[0] == 0
    for data in (npz, store):
        found = told(capsys, "evaluate", tmp_path / "model", data)
        assert found | {"data": ""} == of_folder | {"data": ""}
    assert told(capsys, "inspect", tmp_path / "model")["before"] == ["SequenceScaler"]


def test_nothing_else_is_on_standard_output(files):
    for arguments in (
        ["evaluate", files / "steps.model", files / "steps.npz"],
        ["inspect", files / "steps.model"],
    ):
        done = run_shell(*arguments, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        assert isinstance(strict(done.stdout), dict)
        assert done.stdout.isascii()


def test_a_mistake_leaves_standard_output_empty(files, capsys):
    code, out, err = run(capsys, "evaluate", files / "label.model", files / "steps.npz", "--json")
    assert (code, out) == (2, "")
    assert err.startswith("elman: ")


@pytest.mark.parametrize("command", ["evaluate", "inspect"])
def test_the_help_names_every_key(command, files, capsys):
    data = [files / "label.npz"] if command == "evaluate" else []
    said = run(capsys, command, "--help")[1]
    for kind in ("label", "value"):
        data = [files / f"{kind}.npz"] if command == "evaluate" else []
        for key in told(capsys, command, files / f"{kind}.model", *data):
            assert key in said


def test_values_keep_their_types():
    given = {
        1: np.array([True, False]),
        "whole": np.int64(3),
        "short": np.float32(0.5),
        "text": np.str_("a\x1b"),
        "gone": [np.nan, np.float32(np.inf), None, -np.inf],
        "pair": (1, 2.5),
        "day": np.datetime64("2024-02-29"),
    }
    assert plain(given) == {
        "1": [True, False],
        "whole": 3,
        "short": 0.5,
        "text": "a\x1b",
        "gone": [None, None, None, None],
        "pair": [1, 2.5],
        "day": "2024-02-29",
    }
    assert [type(v) for v in plain(given)["1"]] == [bool, bool]
