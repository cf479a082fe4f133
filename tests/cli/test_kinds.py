"""The command line trains, answers and is evaluated with every kind of answer."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from helpers.cli_tools import run
from sklearn.metrics import (
    accuracy_score,
    mean_absolute_error,
    mean_squared_error,
    precision_recall_fscore_support,
    r2_score,
)

import elman
from elman.cli.kinds import check_targets, kind_of
from elman.data import Dataset, read, write_npz
from elman.evaluation.scores import label_scores, value_scores

SMALL = [
    "--hidden-size",
    "7",
    "--max-iter",
    "60",
    "--batch-size",
    "32",
    "--learning-rate-init",
    "0.02",
    "-q",
]
N = 31
RNG = np.random.default_rng(3)
X = [RNG.normal(size=(n, 2)) for n in RNG.integers(2, 8, size=N)]
LABEL = np.array(["down", "up"])[[int(x[-1, 0] > 0) for x in X]]
LABELS = np.array([[x[-1, 0] > 0, x[-1, 1] > 0, x[0, 0] > 0] for x in X])
STEPS = [np.where(np.cumsum(x[:, 0]) > 0, "above", "below") for x in X]
PADDED = np.full((N, 7), -1)
for _row, _steps in zip(PADDED, STEPS, strict=True):
    _row[: len(_steps)] = _steps == "above"
PADDED[4, 1] = -1  # a step without a label
VALUE = np.array([3 + 100 * x[-1, 0] for x in X])
VALUES = np.column_stack([VALUE, [x[-1, 1] - 5 for x in X]])
STEP_VALUE = [np.where(x[:, 1] > 1, np.nan, 5 + np.cumsum(x[:, 0])) for x in X]
STEP_VALUES = [np.column_stack([v, 10 * x[:, 1]]) for v, x in zip(STEP_VALUE, X, strict=True)]
KINDS = {
    # name of the file -> y, estimator, options
    "label": (LABEL, "RNNClassifier", ["--readout", "last"]),
    "labels": (LABELS, "RNNClassifier", ["--readout", "attention", "--label-smoothing", "0.1"]),
    "steps": (STEPS, "RNNTagger", ["--cell", "gru", "--class-weight", "above=2"]),
    "padded": (PADDED, "RNNTagger", ["--bidirectional", "--class-weight", "balanced"]),
    "value": (VALUE, "RNNRegressor", ["--loss", "huber", "--huber-delta", "0.5"]),
    "values": (VALUES, "RNNRegressor", ["--readout", "last,max", "--n-layers", "2", "--residual"]),
    "step value": (STEP_VALUE, "RNNRegressor", ["--bptt-steps", "3"]),
    "step values": (STEP_VALUES, "RNNRegressor", ["--readout", "every"]),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A data file and a model of each kind, and data without any y."""
    from elman.cli import main

    folder = tmp_path_factory.mktemp("kinds")
    write_npz(folder / "nothing.npz", X)
    for name, (y, _, options) in KINDS.items():
        write_npz(folder / f"{name}.npz", X, y)
        data, model = str(folder / f"{name}.npz"), str(folder / f"{name}.model")
        assert main(["fit", data, "-o", model, *SMALL, *options]) == 0
    return folder


def estimator(files, kind):
    return getattr(elman, KINDS[kind][1]).load(files / f"{kind}.model")


@pytest.mark.parametrize("kind", KINDS)
def test_fit_trains_what_the_file_asks_for(files, kind):
    y, name, options = KINDS[kind]
    found = estimator(files, kind)
    by_hand = getattr(elman, name)(**found.get_params()).fit(read(files / f"{kind}.npz").X, y)
    assert found.history_.loss == by_hand.history_.loss
    assert found.get_params()["hidden_size"] == 7
    for option, value in zip(options[::2], options[1::2], strict=False):
        if option in ("--loss", "--readout", "--cell"):
            several = tuple(value.split(","))
            assert found.get_params()[option[2:]] == (several if "," in value else value)
    assert getattr(found, "class_weight", None) in (None, "balanced", {"above": 2.0})


@pytest.mark.parametrize("kind", KINDS)
def test_predict_writes_what_python_answers(capsys, files, kind):
    found = estimator(files, kind)
    code, out, err = run(capsys, "predict", files / f"{kind}.model", files / "nothing.npz")
    assert (code, err) == (0, "")
    header, *rows = csv.reader(io.StringIO(out))
    answers = found.predict(X)
    if kind in ("steps", "padded"):
        assert header == ["recording", "step", "label"]
        places = [[str(i), str(t)] for i, x in enumerate(X) for t in range(len(x))]
        assert [row[:2] for row in rows] == places
        assert [row[2] for row in rows] == [str(label) for labels in answers for label in labels]
        return
    if kind.startswith("step value"):
        assert header[2:] == ["value"] if kind == "step value" else ["value(0)", "value(1)"]
        assert [row[:2] for row in rows] == [[str(i), str(t)] for i, x in enumerate(X)
                                             for t in range(len(x))]  # fmt: skip
        written = np.array([row[2:] for row in rows], float)
        assert np.array_equal(written, np.concatenate(answers).reshape(written.shape))
        return
    assert len(rows) == N
    expected = {
        "label": ["label"],
        "labels": ["label(0)", "label(1)", "label(2)"],
        "value": ["value"],
        "values": ["value(0)", "value(1)"],
    }
    assert header == expected[kind]
    found_rows = np.array(rows).astype(answers.dtype).reshape(answers.shape)
    assert np.array_equal(found_rows, answers)  # to the last bit


@pytest.mark.parametrize("kind", ["label", "labels", "steps"])
def test_probabilities_follow_the_labels(capsys, files, kind):
    found = estimator(files, kind)
    arguments = ["predict", files / f"{kind}.model", files / "nothing.npz"]
    plain = [*csv.reader(io.StringIO(run(capsys, *arguments)[1]))]
    code, out, err = run(capsys, *arguments, "--proba")
    assert (code, err) == (0, "")
    rows = [*csv.reader(io.StringIO(out))]
    n = len(found.classes_)
    assert rows[0][-n:] == [f"p({c})" for c in found.classes_]
    assert [row[:-n] for row in rows] == plain
    written = np.array([row[-n:] for row in rows[1:]], float)
    p = found.predict_proba(X)
    np.testing.assert_allclose(written, np.vstack(p), rtol=1e-8)


def line_of(out, *words):
    return next(line for line in out.splitlines() if line.split()[: len(words)] == [*words])


def test_evaluate_of_several_labels(capsys, files):
    code, out, err = run(capsys, "evaluate", files / "labels.model", files / "labels.npz")
    assert (code, err) == (0, "")
    predicted = estimator(files, "labels").predict(X)
    n_right = round(accuracy_score(LABELS, predicted) * N)
    assert f"({n_right} of {N} with every label right)" in line_of(out, "Subset", "accuracy")
    precision, recall, f1, n_true = precision_recall_fscore_support(LABELS, predicted)
    for k in range(3):
        shares = [f"{100 * share:.1f}" for share in (precision[k], recall[k], f1[k])]
        assert [w for w in line_of(out, str(k)).split() if w != "%"][1:] == [
            str(n_true[k]),
            *shares,
        ]


@pytest.mark.parametrize("kind", ["steps", "padded"])
def test_evaluate_of_time_steps_counts_those_with_a_label(capsys, files, kind):
    code, out, err = run(capsys, "evaluate", files / f"{kind}.model", files / f"{kind}.npz")
    assert (code, err) == (0, "")
    n_labelled = sum(map(len, X)) - (kind == "padded")
    n_right = round(estimator(files, kind).score(X, KINDS[kind][0]) * n_labelled)
    assert n_labelled / 2 < n_right < n_labelled
    assert f"({n_right} of {n_labelled} time steps)" in out
    for words in ("time steps", "precision", "Confusion matrix"):
        assert words in out


@pytest.mark.parametrize("kind", ["value", "values"])
def test_evaluate_of_numbers(capsys, files, kind):
    code, out, err = run(capsys, "evaluate", files / f"{kind}.model", files / f"{kind}.npz")
    assert (code, err) == (0, "")
    y, found = KINDS[kind][0], estimator(files, kind)
    predicted = found.predict(X)
    assert line_of(out, "R^2").split()[1] == f"{found.score(X, y):.4f}"
    scores = [
        function(y, predicted, multioutput="raw_values")
        for function in (mean_squared_error, mean_absolute_error, r2_score)
    ]
    for k, (mse, mae, r_squared) in enumerate(zip(*scores, strict=True)):
        assert line_of(out, str(k)).split() == [
            str(k),
            f"{mse:.6g}",
            f"{mae:.6g}",
            f"{r_squared:.4f}",
        ]


@pytest.mark.parametrize("kind", ["step value", "step values"])
def test_evaluate_of_numbers_of_time_steps_takes_those_that_are_known(capsys, files, kind):
    code, out, err = run(capsys, "evaluate", files / f"{kind}.model", files / f"{kind}.npz")
    assert (code, err) == (0, "")
    found = estimator(files, kind)
    y = np.concatenate(KINDS[kind][0]).reshape(-1, found.n_outputs_)
    predicted = np.concatenate(found.predict(X)).reshape(y.shape)
    assert line_of(out, "R^2").split()[1] == f"{found.score(X, KINDS[kind][0]):.4f}"
    assert f"({(~np.isnan(y).all(axis=1)).sum()} time steps" in line_of(out, "R^2")
    for k in range(found.n_outputs_):
        known = ~np.isnan(y[:, k])
        pair = y[known, k], predicted[known, k]
        mse, mae = mean_squared_error(*pair), mean_absolute_error(*pair)
        assert line_of(out, str(k)).split()[1:3] == [f"{mse:.6g}", f"{mae:.6g}"]


def test_a_table_of_targets_of_steps_says_so_by_its_readout(capsys, tmp_path):
    cube, y = RNG.normal(size=(5, 4, 2)), RNG.normal(size=(5, 4))
    write_npz(tmp_path / "d.npz", cube, y)
    fit = ["fit", tmp_path / "d.npz", "-o", tmp_path / "m", "--max-iter", "1", "-q", "--force"]
    code, _, err = run(capsys, *fit)
    assert code == 0
    assert "--readout 'every'" in err
    assert elman.RNNRegressor.load(tmp_path / "m").predict(cube).shape == (5, 4)
    assert elman.RNNRegressor.load(tmp_path / "m").n_outputs_ == 4
    code, _, err = run(capsys, *fit, "--readout", "every", "--test", tmp_path / "d.npz")
    assert (code, err) == (0, "")
    assert elman.RNNRegressor.load(tmp_path / "m").n_outputs_ == 1


def test_a_test_file_is_evaluated_as_by_evaluate(capsys, tmp_path, files):
    for kind in ("labels", "steps", "values", "step values"):
        data, model = files / f"{kind}.npz", tmp_path / kind
        code, out, _ = run(capsys, "fit", data, "--test", data, "-o", model, *SMALL)
        assert code == 0
        assert re.search(r"^60 epochs in [\d.]+ s, training ", out, re.MULTILINE)
        assert f"Saved an {KINDS[kind][1]} to {model}" in out
        assert out.split("\n\n", 1)[1] == run(capsys, "evaluate", model, data)[1]


@pytest.mark.parametrize("kind", KINDS)
def test_training_is_followed_on_a_validation_file(capsys, tmp_path, files, kind):
    data, model = files / f"{kind}.npz", tmp_path / kind
    options = ["--validation", data, "--early-stopping", "--max-iter", "4", "-q"]
    assert run(capsys, "fit", data, "-o", model, *options)[0] == 0
    found = getattr(elman, KINDS[kind][1]).load(model)
    assert len(found.validation_scores_) == len(found.loss_curve_) > 0
    assert max(found.validation_scores_) == pytest.approx(found.score(X, KINDS[kind][0]))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("labels", ["any of 3 labels for each recording", "7 x 3"]),
        ("steps", ["label for each time step", "2: 'above', 'below'"]),
        ("value", ["number for each recording", "targets' deviation", "huber_delta"]),
        ("values", ["2 numbers for each recording", "recurrent1 ("]),
        ("step value", ["number for each time step", "targets' mean"]),
        ("step values", ["2 numbers for each time step"]),
    ],
)
def test_inspect_says_what_it_answers_with(capsys, files, kind, words):
    code, out, err = run(capsys, "inspect", files / f"{kind}.model")
    assert (code, err) == (0, "")
    for word in [KINDS[kind][1], *words]:
        assert word in out


def test_inspect_calls_the_validation_score_by_its_name(capsys, tmp_path, files):
    model = tmp_path / "m"
    assert run(capsys, "fit", files / "value.npz", "-o", model, *SMALL, "--early-stopping")[0] == 0
    assert "validation R^2" in run(capsys, "inspect", model)[1]


@pytest.mark.parametrize("kind", KINDS)
def test_answering_loads_no_scikit_learn(files, kind):
    program = "import sys\nfrom elman.cli import main\n"
    for command in ("predict", "evaluate", "inspect"):
        data = [] if command == "inspect" else [str(files / f"{kind}.npz")]
        program += f"assert main({[command, str(files / f'{kind}.model'), *data]!r}) == 0\n"
    program += "assert not {'sklearn', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=60)


def test_every_option_of_the_estimators_can_be_given(capsys):
    out = run(capsys, "fit", "--help")[1]
    # --quiet, --seed; what goes on from call to call
    of_python = {"verbose", "random_state", "on_epoch", "stateful", "warm_start"}
    of_python |= {"categories", "embedding_init"}  # lists and arrays
    for name in ("RNNClassifier", "RNNTagger", "RNNRegressor"):
        for parameter in getattr(elman, name)._get_param_names():
            if parameter not in of_python:
                assert f"--{parameter.replace('_', '-')}" in out, parameter


TARGETS_TS = """@problemName rain
@timeStamps false
@univariate true
@equalLength false
@targetlabel true
@data
1,2,3:3
4,5:5
2,2,7,1:1
"""


def test_targets_of_a_ts_file_are_numbers_though_they_be_whole(capsys, tmp_path):
    data, model = tmp_path / "rain.ts", tmp_path / "m"
    data.write_text(TARGETS_TS)
    assert run(capsys, "fit", data, "-o", model, *SMALL)[0] == 0
    assert elman.RNNRegressor.load(model).y_mean_.tolist() == [3]
    assert run(capsys, "fit", data, "-o", model, *SMALL, "--force", "--kind", "classifier")[0] == 0
    assert elman.RNNClassifier.load(model).classes_.tolist() == [1, 3, 5]


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (np.array([0.5, 1]), "values"),
        (np.array([0.0, 1]), "label"),
        (np.array([7, 9]), "label"),
        (np.array(["a", "b"]), "label"),
        (np.array([["a"], ["b"]]), "label"),
        (np.array([[0.5], [1]]), "values"),
        (np.array([[0, 1], [1, 1]]), "labels"),
        (np.array([[0.0, 1], [1, 1]]), "labels"),
        (np.array([[0, 7], [1, 1]]), "values"),
        (np.array([[0, 1, 2], [1, 1, -1]]), "steps"),
        (np.array([[0, 1, 2, -1], [1, 1, -1, -1]]), "steps"),
        (np.array([[0, 1, 2, 4], [1, 1, 9, 1]]), "values"),
        (np.array([["a", "b", "a"], ["b", "a", "a"]]), "steps"),
        (np.array([[0.0, 1, 2], [1, 1, -1]]), "values"),
        ([np.array([0, 1, 2]), np.array([1, 0])], "steps"),
        ([np.array([0.0, 1, 2]), np.array([1.0, np.nan])], "step values"),
        ([np.ones((3, 2)), np.ones((2, 2))], "step values"),
    ],
)
def test_what_y_is_taken_for(y, kind, tmp_path):
    dataset = Dataset([np.zeros((3, 1)), np.zeros((2, 1))], y, {})
    assert kind_of(dataset, tmp_path) == kind


def test_a_missing_label_of_a_file_is_named(tmp_path):
    """Readers give objects, or floats, where a label is missing."""
    X, path = [np.zeros((3, 1))] * 3, tmp_path / "some.csv"
    for y in (["a", None, "b"], [1, None, 2], [1.0, np.nan, 2.0], [True, None, False]):
        dataset = Dataset(X, np.array(y, dtype=object), {})
        assert kind_of(dataset, path) == "label" or np.nan in y
        with pytest.raises(ValueError, match=r"some.csv: y\[1\] is missing.*leave that recording"):
            check_targets("label", dataset, path)
    mixed = Dataset(X, np.array(["a", 1, "b"], dtype=object), {})
    with pytest.raises(TypeError, match=r"some.csv: y mixes labels of several kinds"):
        check_targets("label", mixed, path)
    whole = check_targets("label", Dataset(X, np.array([3, 1, 2], dtype=object), {}), path)
    assert whole.y.dtype == np.int64
    steps = [np.array(["a", None, "b"], object), ["b", "a", "a"], [None] * 3]
    _, codes = check_targets("steps", Dataset(X, steps, {}), path).y
    assert codes.tolist() == [0, -1, 1, 1, 0, 0, -1, -1, -1]


def test_class_weights_may_name_a_label_that_the_file_lacks(files, tmp_path, capsys):
    label, output = files / "label.npz", tmp_path / "m"
    options = ["-o", output, "-q", "--max-iter", "1", "--hidden-size", "3", "--force"]
    weights = "up=2,down=1,left=7"
    code, _, err = run(capsys, "fit", label, *options, "--class-weight", weights)
    assert (code, err) == (0, "")
    one, other = elman.RNNClassifier.load(output), {"up": 2.0, "down": 1.0}
    other = one.set_params(class_weight=other).fit(read(label).X, LABEL)
    assert elman.RNNClassifier.load(output).loss_curve_ == other.loss_curve_
    code, _, err = run(capsys, "fit", label, *options, "--class-weight", "up=2,dwon=1")
    assert code == 2
    assert "'dwon', which no sample has, and lacks 'down'" in err


MISTAKES = {
    "no such kind": (["fit", "label.npz", "--kind", "ranker"], "--kind 'ranker'", "tagger"),
    "option of another": (["fit", "label.npz", "--loss", "huber"], "--loss", "RNNClassifier"),
    "readout of a tagger": (["fit", "steps.npz", "--readout", "mean"], "--readout", "RNNTagger"),
    "smoothing of numbers": (["fit", "value.npz", "--label-smoothing", ".1"], "RNNRegressor"),
    "class weight of numbers": (["fit", "value.npz", "--class-weight", "balanced"], "class-weight"),
    "labels as numbers": (["fit", "label.npz", "--kind", "regressor"], "label.npz", "numbers"),
    "labels as steps": (["fit", "label.npz", "--kind", "tagger"], "label.npz", "each time step"),
    "steps as labels": (["fit", "steps.npz", "--kind", "classifier"], "steps.npz", "tagger"),
    "steps as numbers": (["fit", "steps.npz", "--kind", "regressor"], "steps.npz", "tagger"),
    "numbers as labels": (["fit", "value.npz", "--kind", "classifier"], "--kind regressor"),
    "numbers as an indicator": (["fit", "values.npz", "--kind", "classifier"], "indicator"),
    "too few columns": (["fit", "values.npz", "--kind", "tagger"], "2 columns", "7 steps"),
    "either": (["fit", "either.npz"], "either.npz", "--kind tagger", "--kind classifier"),
    "weight of a stranger": (["fit", "label.npz", "--class-weight", "left=2"], "'left'", "up"),
    "weight that is none": (["fit", "label.npz", "--class-weight", "up=heavy"], "LABEL=WEIGHT"),
    "weight of one of several": (["fit", "labels.npz", "--class-weight", "0=2"], "several labels"),
    "negative weight": (["fit", "label.npz", "--class-weight", "up=-1"], "not negative"),
    "test of numbers": (["fit", "label.npz", "--test", "value.npz"], "value.npz", "'up'"),
    "test of labels": (["fit", "value.npz", "--test", "label.npz"], "label.npz", "numbers"),
    "test of fewer": (["fit", "values.npz", "--test", "value.npz"], "value.npz", "2"),
    "test of a label": (["fit", "labels.npz", "--test", "label.npz"], "label.npz", "several"),
    "test of several": (["fit", "label.npz", "--test", "labels.npz"], "labels.npz", "3 labels"),
    "test of strangers": (["fit", "steps.npz", "--test", "padded.npz"], "padded.npz", "'above'"),
    "validation of numbers": (["fit", "label.npz", "--validation", "value.npz"], "value.npz"),
    "no probabilities": (["predict", "value.model", "nothing.npz", "--proba"], "--proba"),
    "numbers of a classifier": (["evaluate", "label.model", "value.npz"], "value.npz", "'up'"),
    "a label of a tagger": (["evaluate", "steps.model", "label.npz"], "label.npz", "time step"),
    "steps of a regressor": (["evaluate", "value.model", "steps.npz"], "steps.npz", "tagger"),
    "nothing to evaluate": (["evaluate", "values.model", "nothing.npz"], "nothing.npz", "labels"),
    "two of three": (["evaluate", "labels.model", "two.npz"], "two.npz", "2 columns", "3 labels"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(capsys, tmp_path, files, mistake):
    typed, *words = MISTAKES[mistake]
    write_npz(files / "either.npz", X, PADDED > 0)
    write_npz(files / "two.npz", X, LABELS[:, :2])
    arguments = [files / a if a.endswith((".npz", ".model")) else a for a in typed]
    output = ["-o", tmp_path / "m", "-q"] if typed[0] == "fit" else []
    code, out, err = run(capsys, *arguments, *output)
    assert (code, out) == (2, "")
    assert err.startswith("elman: ")
    assert err.count("\n") == 1
    assert len(err) < 400
    for word in words:
        assert word in err
    assert not (tmp_path / "m").exists()


def test_scores_agree_with_scikit_learn(rng):
    true, predicted = rng.random((2, 13, 3)) < 0.4
    true[:, 2] = predicted[:, 2] = False
    scores = label_scores(true, predicted)
    expected = precision_recall_fscore_support(true, predicted, zero_division=np.nan)
    np.testing.assert_allclose(
        [[s.precision, s.recall, s.f1, s.n_true] for s in scores], np.array(expected, float).T
    )
    y, z = rng.normal(size=(2, 11, 3))
    y[:, 1] = 2
    z[:, 1] = 2
    scores = value_scores(y, z)
    for name, function in (
        ("mse", mean_squared_error),
        ("mae", mean_absolute_error),
        ("r_squared", r2_score),
    ):
        found = [getattr(score, name) for score in scores]
        np.testing.assert_allclose(found, function(y, z, multioutput="raw_values"), rtol=1e-12)
    assert value_scores([2.0, 2], [2.0, 3])[0].r_squared == 0
    assert np.isnan(value_scores([2.0], [2.0])[0].r_squared)


def test_whole_numbers_that_look_like_amounts_are_warned_of(capsys, tmp_path, rng):
    y = np.arange(90) % 79
    write_npz(tmp_path / "amounts.npz", rng.normal(size=(90, 3, 1)), y)
    fit = ["fit", tmp_path / "amounts.npz", "-o", tmp_path / "m.safetensors", "--force", "-q"]
    fit += ["--hidden-size", "3", "--max-iter", "1"]
    code, out, err = run(capsys, *fit)
    assert (code, "RNNClassifier" in out) == (0, True)
    assert "different numbers in 90 samples" in err
    assert "--kind regressor" in err
    assert err.count("\n") == 1
    for kind in ("classifier", "regressor"):  # whoever chose was not guessed for
        code, out, err = run(capsys, *fit, "--kind", kind)
        assert code == 0
        assert err == ""


def test_errors_about_scoring_speak_the_language_of_the_command_line(capsys, tmp_path, rng):
    X = rng.normal(size=(20, 3, 1))
    partly = np.repeat(X, 2, axis=2)
    partly[:, 1, 0] = np.nan
    for name, y in {"c": np.arange(20) % 2, "one": [0] * 20, "v": X[:, -1, 0]}.items():
        write_npz(tmp_path / f"{name}.npz", X, np.array(y))
    write_npz(tmp_path / "steps.npz", X, [*partly])
    for data, scoring, words in [
        ("c.npz", "foo", "--scoring 'foo' is not known; leave it out, or choose loss or a scorer"),
        ("c.npz --validation {}/one.npz", "roc_auc", "or pass --validation with every class"),
        ("v.npz", "f1", "--scoring 'f1' failed for the validation data"),
        ("steps.npz", "r2", "leave --scoring out, which takes R^2 over those that are known"),
    ]:
        first, *more = data.format(tmp_path).split()
        options = [*more, "--early-stopping", "--scoring", scoring, "-o", tmp_path / "m"]
        code, out, err = run(capsys, "fit", tmp_path / first, *options, "--hidden-size", "3")
        assert (code, out) == (2, "")
        assert words in err
        assert not re.search(r"[Xy]_val|estimator|sklearn\.|elman\.|\w=", err)
