"""The numbers of a report: right by another library, honest, plain, and the same every time."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)
from sklearn.pipeline import make_pipeline

import elman
from elman.data import Dataset, SequenceStore
from elman.models import files

FAST = {"n_resamples": 100}


def values(told):
    return {name: fact["value"] for name, fact in told.to_dict()["scores"]["values"].items()}


def close(told, expected):
    found = values(told)
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-5), name


def test_scores_of_labels(cases):
    case = cases["label"]
    p = case.model.predict_proba(case.X)
    z = case.model.predict(case.X)
    expected = {
        "accuracy": accuracy_score(case.y, z),
        "balanced_accuracy": balanced_accuracy_score(case.y, z),
        "macro_f1": f1_score(case.y, z, average="macro"),
        "log_loss": log_loss(case.y, p, labels=case.model.classes_),
    }
    close(elman.report(case.model, case.X, case.y, **FAST), expected)


def test_scores_of_steps(cases):
    case = cases["steps"]
    y, z = np.concatenate(case.y), np.concatenate(case.model.predict(case.X))
    p = np.concatenate(case.model.predict_proba(case.X))
    expected = {
        "accuracy": accuracy_score(y, z),
        "balanced_accuracy": balanced_accuracy_score(y, z),
        "macro_f1": f1_score(y, z, average="macro"),
        "log_loss": log_loss(y, p),
    }
    close(elman.report(case.model, case.X, case.y, **FAST), expected)


def test_scores_of_several_labels(cases):
    case = cases["labels"]
    z, p = case.model.predict(case.X), case.model.predict_proba(case.X).astype(float)
    found = values(elman.report(case.model, case.X, case.y, **FAST))
    assert found["subset_accuracy"] == accuracy_score(case.y, z)
    assert found["macro_f1"] == pytest.approx(f1_score(case.y, z, average="macro"))
    assert found["micro_f1"] == pytest.approx(f1_score(case.y, z, average="micro"))
    wanted = -np.log(np.where(case.y == 1, p, 1 - p)).mean()
    assert found["log_loss"] == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("kind", ["values", "step values"])
def test_scores_of_numbers(cases, kind):
    case = cases[kind]
    y, z = case.y, case.model.predict(case.X)
    if kind == "step values":
        y, z = np.concatenate(y), np.concatenate(z)
        known = ~np.isnan(y[:, 0])
        y, z = y[known], z[known]
    expected = {
        "r2": r2_score(y, z),
        "mae": mean_absolute_error(y, z),
        "rmse": np.mean(root_mean_squared_error(y, z, multioutput="raw_values")),
    }
    close(elman.report(case.model, case.X, case.y, **FAST), expected)
    assert case.model.score(case.X, case.y) == pytest.approx(expected["r2"], rel=1e-5)


def test_intervals_draw_recordings_not_steps(cases):
    """Steps of a recording go together: repeating each step tells nothing new."""
    case = cases["steps"]
    told = elman.report(case.model, case.X, case.y).to_dict()["scores"]["values"]["accuracy"]
    assert told["low"] < told["value"] < told["high"]
    right = [np.mean(z == y) for z, y in zip(case.model.predict(case.X), case.y, strict=True)]
    n = np.array([len(y) for y in case.y])
    rng = np.random.default_rng(9)
    draws = rng.integers(0, len(n), (4000, len(n)))
    drawn = (np.array(right) * n)[draws].sum(axis=1) / n[draws].sum(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    width = high - low
    assert told["low"] == pytest.approx(low, abs=0.15 * width)
    assert told["high"] == pytest.approx(high, abs=0.15 * width)


def test_numbers_are_plain_and_the_same_every_time(case):
    arguments = (case.model, case.X, case.y)
    told, again = elman.report(*arguments, **FAST), elman.report(*arguments, **FAST)
    assert told.to_json() == again.to_json()
    assert told.to_html() == again.to_html()
    assert told.to_dict()["date"] is None
    json.loads(told.to_json(), parse_constant=lambda name: pytest.fail(name))
    other = elman.report(*arguments, **FAST, random_state=1)
    assert values(other) == values(told)
    assert other.to_json() != told.to_json()


def test_baselines_learn_from_the_training_data(case):
    told = elman.report(
        case.model, case.X, case.y, X_train=case.X_train, y_train=case.y_train, **FAST
    ).to_dict()
    crossed = elman.report(case.model, case.X, case.y, **FAST).to_dict()
    assert told["baselines"]["source"] == "training data"
    assert crossed["baselines"]["source"] == "cross-validation"
    main = told["scores"]["values"][told["scores"]["main"]]["value"]
    for facts in (told, crossed):
        rows = facts["baselines"]["rows"]
        assert len(rows) == 3
        assert facts["baselines"]["left_out"] == []
        for row in rows:
            assert row["n"] == len(case.X)
            wanted = main - row["score"]["value"]
            assert row["difference"]["value"] == pytest.approx(wanted, abs=1e-9)
    # the features of the task are there for a rule to see
    assert max(row["score"]["value"] for row in told["baselines"]["rows"][1:]) > main


def test_the_constant_answer_is_that_of_the_training_data(cases):
    case = cases["label"]
    y_train = np.array(["mid"] * 20 + ["low"] * 10)
    told = elman.report(
        case.model, case.X, case.y, X_train=case.X_train, y_train=y_train, **FAST
    ).to_dict()
    constant = told["baselines"]["rows"][0]["score"]["value"]
    assert constant == pytest.approx(np.mean(case.y == "mid"))


def test_drift_is_found_where_it_is(case):
    moved = [x * [1, 1, 4] + [0, 2, 0] for x in case.X]
    y = case.y
    drift = elman.report(case.model, moved, y, **FAST).to_dict()["drift"]
    assert [row["flagged"] for row in drift["features"]] == [False, True, True]
    mean, scale = case.model.mean_, case.model.scale_
    steps = np.concatenate(moved)
    for k, row in enumerate(drift["features"]):
        assert row["shift"] == pytest.approx((steps[:, k].mean() - mean[k]) / scale[k])
        assert row["ratio"] == pytest.approx(steps[:, k].std() / scale[k])


def test_recordings_of_the_training_data_are_found(case):
    told = elman.report(
        case.model,
        [*case.X, *case.X_train[:3]],
        [*case.y, *case.y_train[:3]],
        X_train=case.X_train,
        y_train=case.y_train,
        **FAST,
    )
    assert told.to_dict()["training_data"]["n_in_both"] == 3
    assert "3 recording(s) occur" in told.to_html()


def test_without_standardisation_nothing_is_said_of_drift_unless_training_data_says_it(cases):
    case = cases["label"]
    model = elman.RNNClassifier(hidden_size=3, max_iter=1, random_state=0, standardize=False)
    model.fit(case.X_train, case.y_train)
    told = elman.report(model, case.X, case.y, **FAST)
    assert told.to_dict()["drift"] is None
    assert "nothing can be said of drift" in told.to_html()
    training = {"X_train": case.X_train, "y_train": case.y_train}
    drift = elman.report(model, case.X, case.y, **training, **FAST).to_dict()["drift"]
    assert drift["source"] == "X_train"
    assert drift["n_flagged"] == 0


def test_one_recording(case):
    told = elman.report(case.model, case.X[:1], case.y[:1], **FAST)
    facts = told.to_dict()
    assert all(fact["low"] is None for fact in facts["scores"]["values"].values())
    assert len(facts["recordings"]) == 1
    assert len(facts["baselines"]["left_out"]) == 2
    assert "There is only 1 recording" in told.to_html()


def test_one_class(cases):
    case = cases["label"]
    there = case.y == "mid"
    X = [x for x, yes in zip(case.X, there, strict=True) if yes]
    told = elman.report(case.model, X, case.y[there], **FAST)
    assert "All labels are <bdi>mid</bdi>" in told.to_html()


def test_recordings_without_steps():
    X = [np.full((k % 4, 2), float(k)) for k in range(11)]
    y = ["a" if k % 2 else "b" for k in range(11)]
    model = elman.RNNClassifier(hidden_size=3, max_iter=1, random_state=0)
    model.fit([x for x in X if len(x)], [label for x, label in zip(X, y, strict=True) if len(x)])
    told = elman.report(model, X, y, **FAST)
    assert told.to_dict()["data"]["n_without_steps"] == 3
    assert "have no time step" in told.to_html()


@pytest.mark.parametrize("missing", ["mask", "skip"])
def test_missing_values_are_counted(case, missing):
    X, X_train = ([x.copy() for x in part] for part in (case.X, case.X_train))
    for x in [*X, *X_train]:
        x[0, 1] = np.nan
    model = type(case.model)(hidden_size=3, max_iter=1, random_state=0, missing=missing)
    model.fit(X_train, case.y_train)
    facts = elman.report(model, X, case.y, X_train=X_train, y_train=case.y_train, **FAST).to_dict()
    assert facts["data"]["n_missing"] == len(X)
    assert [row["n_missing"] for row in facts["drift"]["features"]] == [0, len(X), 0]


@pytest.mark.parametrize("kind", ["label", "steps"])
def test_labels_that_are_not_known(cases, kind):
    case = cases[kind]
    y = np.array(case.y) if kind == "label" else [labels.astype(object) for labels in case.y]
    if kind == "label":
        y[:2] = "new"
    else:
        y[0][:] = "new"
    told = elman.report(case.model, case.X, y, **FAST)
    facts = told.to_dict()
    assert facts["classes"][-1]["label"] == "new"
    assert facts["classes"][-1]["recall"] == 0
    assert facts["scores"]["values"]["accuracy"]["value"] == pytest.approx(
        case.model.score(case.X, y)
    )
    assert facts["scores"]["values"]["log_loss"]["value"] is not None
    assert "does not know <bdi>new</bdi>" in told.to_html()


def test_pipelines_and_models(cases):
    case = cases["label"]
    pipeline = make_pipeline(
        elman.SequenceScaler(), elman.RNNClassifier(hidden_size=3, max_iter=1, random_state=0)
    ).fit(case.X_train, case.y_train)
    told = elman.report(pipeline, case.X, case.y, **FAST)
    assert values(told)["accuracy"] == pipeline.score(case.X, case.y)
    assert told.to_dict()["model"]["steps_before"][0]["kind"] == "SequenceScaler"
    alone = elman.report(case.model.model_, case.X, case.y, **FAST)
    assert alone.to_dict()["history"] is None
    assert values(alone) == values(elman.report(case.model, case.X, case.y, **FAST))


def test_two_dimensional_x():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(37, 6))
    y = X[:, 0] > 0
    model = elman.RNNClassifier(hidden_size=3, max_iter=1, random_state=0).fit(X, y)
    facts = elman.report(model, X, y, **FAST).to_dict()
    assert facts["data"]["n_features"] == 1
    assert all(len(one["attribution"]["values"]) == 6 for one in facts["recordings"])


def test_recordings_are_right_wrong_and_unsure(cases):
    case = cases["label"]
    facts = elman.report(case.model, case.X, case.y, **FAST).to_dict()
    answers, p = case.model.predict(case.X), case.model.predict_proba(case.X).astype(float)
    ordered = np.sort(p, axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    sorts = [one["sort"] for one in facts["recordings"]]
    assert sorts == ["right"] * 2 + ["wrong"] * 2 + ["unsure"] * 2
    places = [one["index"] for one in facts["recordings"]]
    assert len(set(places)) == 6
    for one in facts["recordings"]:
        i = one["index"]
        assert one["truth"] == case.y[i]
        assert one["answer"] == answers[i]
        assert one["probability"] == pytest.approx(p[i].max(), rel=1e-6)
        if one["sort"] != "unsure":
            assert (answers[i] == case.y[i]) == (one["sort"] == "right")
    others = [m for i, m in enumerate(margin) if i not in places]
    assert max(margin[i] for i in places[4:]) <= min(others)


def test_attribution_is_found_where_the_evidence_is():
    rng = np.random.default_rng(8)
    X = 0.1 * rng.normal(size=(120, 9, 2))
    y = np.arange(120) % 2
    X[:, 4, 0] += 4.0 * y - 2
    model = elman.RNNClassifier(
        hidden_size=6, max_iter=40, learning_rate_init=0.03, random_state=0
    ).fit(X[:90], y[:90])
    facts = elman.report(model, X[90:], y[90:], **FAST).to_dict()
    right = [one for one in facts["recordings"] if one["sort"] == "right"]
    assert len(right) == 2
    for one in right:
        assert np.argmax(np.abs(one["attribution"]["values"])) == 4


def test_calibration_counts_answers_by_their_probability(cases):
    case = cases["label"]
    told = elman.report(case.model, case.X, case.y, **FAST).to_dict()["calibration"]
    p = case.model.predict_proba(case.X).astype(float).max(axis=1)
    hit = case.model.predict(case.X) == case.y
    bins = (p * 10).astype(int)
    gaps = [abs(hit[bins == k].sum() - p[bins == k].sum()) for k in range(10)]
    assert told["expected_calibration_error"] == pytest.approx(sum(gaps) / len(p), rel=1e-6)
    assert [one["n"] for one in told["bins"]] == np.bincount(bins, minlength=10).tolist()


def test_chunks_do_not_change_a_number(case, monkeypatch):
    whole = elman.report(case.model, case.X, case.y, **FAST).to_dict()
    monkeypatch.setattr("elman.reporting.evidence.CHUNK", 11)
    cut = elman.report(case.model, case.X, case.y, **FAST).to_dict()
    for name, fact in whole["scores"]["values"].items():
        for end in ("value", "low", "high"):
            assert cut["scores"]["values"][name][end] == pytest.approx(fact[end], rel=1e-9)
    assert cut["data"] == whole["data"]
    assert [one["index"] for one in cut["recordings"]] == [
        one["index"] for one in whole["recordings"]
    ]


def test_arguments_that_cannot_be_used(cases):
    case = cases["label"]
    with pytest.raises(ValueError, match="X_train"):
        elman.report(case.model, case.X, case.y, y_train=case.y_train)
    with pytest.raises(ValueError, match="at least 100"):
        elman.report(case.model, case.X, case.y, n_resamples=3)
    with pytest.raises(ValueError, match="ids has 2 entries"):
        elman.report(case.model, case.X, case.y, ids=["a", "b"])
    with pytest.raises(ValueError, match="X has 0 sample"):
        elman.report(case.model, [], [])
    with pytest.raises(ValueError, match="y_train"):
        elman.report(case.model, case.X, case.y, X_train=case.X_train)
    X = [*case.X[:3], np.full((2, 3), np.nan), *case.X[4:]]
    with pytest.raises(ValueError, match="sample 3, timestep 0, feature 0"):
        elman.report(case.model, X, case.y)
    with pytest.raises(ValueError, match="not fitted"):
        elman.report(elman.RNNClassifier(), case.X, case.y)


def test_a_store_brings_its_answers_and_ids(case, tmp_path):
    ids = np.array([f"r{i}" for i in range(len(case.X))])
    store = SequenceStore.write(tmp_path / "s", Dataset(case.X, case.y, ids=ids), shard_size=130)
    stored = elman.report(case.model, store, **FAST).to_dict()
    told = elman.report(case.model, case.X, case.y, ids=ids, **FAST).to_dict()
    assert stored["scores"] == told["scores"]
    assert [one["id"] for one in stored["recordings"]] == [
        f"r{one['index']}" for one in told["recordings"]
    ]


def test_a_model_from_a_file_says_what_its_pipeline_says(tmp_path):
    rng = np.random.default_rng(9)
    X = [rng.normal(60, 9, size=(n, 2)) for n in rng.integers(3, 8, 31).tolist()]
    y = np.where([x[:, 0].mean() > 60 for x in X], "up", "down")
    clf = elman.RNNClassifier(hidden_size=3, max_iter=2, random_state=0)
    pipeline = make_pipeline(elman.SequenceScaler(), clf).fit(X, y)
    elman.save(pipeline, tmp_path / "one.safetensors")
    model = files.load(tmp_path / "one.safetensors").model
    assert len(model.before) == 1
    told = [elman.report(given, X, y, **FAST).to_dict() for given in (pipeline, model)]
    for name in ("scores", "drift", "recordings", "data", "baselines"):
        assert told[0][name] == told[1][name], name


@pytest.mark.filterwarnings("ignore:y has one class only")
@pytest.mark.parametrize("kind", ["label", "steps"])
def test_a_model_that_knows_one_class(kind):
    rng = np.random.default_rng(4)
    X = [rng.normal(size=(n, 2)) for n in (3, 5, 2, 4)]
    y = ["only"] * 4 if kind == "label" else [["only"] * len(x) for x in X]
    estimator = elman.RNNClassifier if kind == "label" else elman.RNNTagger
    model = estimator(hidden_size=3, max_iter=1, random_state=0).fit(X, y)
    told = elman.report(model, X, y, title=5, **FAST)
    assert told.to_dict()["title"] == "5"
    assert values(told)["accuracy"] == 1
    assert all(one.get("attribution") is None for one in told.to_dict()["recordings"])
    assert "</html>" in told.to_html()
    assert "title=" in told._repr_html_()


def test_only_a_store_brings_ids():
    rng = np.random.default_rng(5)
    plain = rng.normal(size=(11, 4, 2))
    y = np.arange(11) % 2
    model = elman.RNNClassifier(hidden_size=3, max_iter=1, random_state=0).fit(plain, y)
    masked = np.ma.masked_array(plain)  # has a method of that name
    assert elman.report(model, masked, y, **FAST).to_dict()["recordings"][0]["id"] is None


def test_recordings_without_steps_are_not_taken_for_those_of_training(cases):
    case = cases["label"]
    X, y = [np.zeros((0, 3)), *case.X], [case.y[0], *case.y]
    X_train, y_train = [np.zeros((0, 3)), *case.X_train], [case.y_train[0], *case.y_train]
    told = elman.report(case.model, X, y, X_train=X_train, y_train=y_train, **FAST)
    assert told.to_dict()["training_data"]["n_in_both"] == 0


def test_a_target_that_does_not_vary_leaves_the_score_of_the_others():
    rng = np.random.default_rng(11)
    X = rng.normal(size=(31, 4, 2))
    y = np.stack([np.full(31, 3.5), X[:, 0, 0]], axis=1)
    model = elman.RNNRegressor(hidden_size=3, max_iter=2, random_state=0).fit(X, y)
    told = elman.report(model, X, y, **FAST)
    varies = r2_score(y[:, 1], model.predict(X)[:, 1])
    assert values(told)["r2"] == pytest.approx(varies)
    facts = told.to_dict()
    assert [one["r2"] for one in facts["targets"]] == [None, pytest.approx(varies)]
    rule = facts["baselines"]["rows"][0]
    assert rule["score"]["value"] == pytest.approx(0)
    assert rule["difference"]["value"] == pytest.approx(varies)


@pytest.mark.parametrize("kind", ["label", "values"])
@pytest.mark.parametrize("with_training", [False, True])
def test_values_that_overflow_in_a_rule_leave_it_out_and_count_as_drift(cases, kind, with_training):
    case = cases[kind]
    X = [1e200 * (x + 5) for x in case.X]
    more = {"X_train": case.X_train, "y_train": case.y_train} if with_training else {}
    facts = elman.report(case.model, X, case.y, **more, **FAST).to_dict()
    assert len(facts["baselines"]["rows"]) == 1
    assert all("overflow" in one["why"] for one in facts["baselines"]["left_out"])
    assert facts["drift"]["n_flagged"] == 3


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("n_scalers", [1, 2])
def test_drift_of_a_pipeline_is_that_of_the_features_it_is_given(standardize, n_scalers, tmp_path):
    rng = np.random.default_rng(12)
    X = [rng.normal((70, -3), (9, 0.5), size=(n, 2)) for n in rng.integers(2, 7, 31).tolist()]
    y = np.arange(31) % 2
    small = {"hidden_size": 3, "max_iter": 1, "random_state": 0}
    alone = elman.RNNClassifier(**small).fit(X, y)
    scalers = [elman.SequenceScaler() for _ in range(n_scalers)]
    clf = elman.RNNClassifier(standardize=standardize, **small)
    pipeline = make_pipeline(*scalers, clf).fit(X, y)
    elman.save(pipeline, tmp_path / "one.safetensors")
    model = files.load(tmp_path / "one.safetensors").model
    moved = [x + np.array([0.0, 1.0]) for x in X]
    expected = elman.report(alone, moved, y, **FAST).to_dict()["drift"]
    assert expected["n_flagged"] == 1
    for given in (pipeline, model):
        drift = elman.report(given, moved, y, **FAST).to_dict()["drift"]
        assert drift["source"] == "the model"
        for one, other in zip(drift["features"], expected["features"], strict=True):
            assert (one.pop("feature"), one.pop("flagged")) == (other["feature"], other["flagged"])
            assert one == pytest.approx({name: other[name] for name in one}, rel=1e-6)


@pytest.mark.parametrize("scale_each", [False, True])
def test_a_front_end_is_told_and_why_it_was_chosen(cases, scale_each):
    case = cases["label"]
    model = elman.RNNClassifier(
        hidden_size=3, max_iter=1, random_state=0, deltas="auto", stride=2, scale_each=scale_each
    ).fit(case.X_train, case.y_train)
    told = elman.report(model, case.X, case.y, **FAST)
    front = told.to_dict()["model"]["frontend"]
    assert [front[name] for name in ("deltas", "stride", "scale_each")] == [
        model.frontend_.deltas,
        2,
        scale_each,
    ]
    page = told.to_html()
    assert f"<dt>front end</dt><dd>{model.frontend_.in_words()}<br>“auto” chose deltas=" in page
    assert ("by its own mean and amplitude" in page) == scale_each
    alone = elman.report(case.model, case.X, case.y, **FAST).to_html()
    assert "<dt>front end</dt><dd>none<br>“auto” chose stride=1: recordings have" in alone
