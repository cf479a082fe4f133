"""Names of features in every estimator: learned, kept, and compared wherever sequences come in."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import xarray as xr
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.models.files import load

OPTIONS = {"hidden_size": 3, "max_iter": 1, "random_state": 0}
LENGTHS = [4, 2, 5, 3, 6, 2, 4]
LABELS = np.arange(7) % 2
ESTIMATORS = {
    "classifier": (RNNClassifier, LABELS),
    "regressor": (RNNRegressor, LABELS / 2),
    "tagger": (RNNTagger, [np.resize([0, 1], n) for n in LENGTHS]),
}
ASKED = {
    "classifier": [
        *("predict", "predict_proba", "decision_function", "predict_proba_over_time"),
        *("predict_early", "hidden_states"),
    ],
    "regressor": ["predict", "predict_over_time", "hidden_states"],
    "tagger": ["predict", "predict_proba", "hidden_states"],
}


@pytest.fixture
def frames(rng):
    return [pd.DataFrame(rng.normal(size=(n, 3)), columns=["u", "v", "w"]) for n in LENGTHS]


def turned(frames):
    return [frame[["w", "u", "v"]] for frame in frames]


def renamed(frames):
    return [frame.rename(columns={"v": "x"}) for frame in frames]


def plain(frames):
    return [frame.to_numpy() for frame in frames]


def one_turned(frames):
    return [*frames[:2], frames[2][["w", "u", "v"]], *frames[3:]]


def questions(kind, y):
    """All that a fitted estimator is asked with an X: estimator, X -> the answer."""
    for name in ASKED[kind]:
        yield name, lambda fitted, X, name=name: getattr(fitted, name)(X)
    yield "score", lambda fitted, X: fitted.score(X, y)
    yield "partial_fit", lambda fitted, X: fitted.partial_fit(X, y)
    yield "warm fit", lambda fitted, X: fitted.set_params(warm_start=True).fit(X, y)


@pytest.fixture(params=ESTIMATORS)
def asked(request, frames):
    """An estimator fitted on named frames, and all that it can be asked."""
    make, y = ESTIMATORS[request.param]
    return make(**OPTIONS).fit(frames, y), questions(request.param, y)


MESSAGES = {
    turned: "same order as they were in fit.\nX: sample 0 has the columns 'w', 'u', 'v'; {name} "
    r"was fitted on 'u', 'v', 'w'. Take them by name: frame\[\['u', 'v', 'w'\]\]",
    one_turned: "as they were in fit.\nX: sample 2 has the columns 'w', 'u', 'v'; {name}",
    renamed: "unseen at fit time:\n- x\nFeature names seen at fit time, yet now missing:\n- v\nX: "
    "sample 0 has the columns 'u', 'x', 'w'; {name} was fitted on 'u', 'v', 'w'",
}


@pytest.mark.parametrize("change", MESSAGES)
def test_other_columns_are_refused_in_every_question(asked, frames, change):
    fitted, all_questions = asked
    message = MESSAGES[change].format(name=type(fitted).__name__)
    before = fitted.weights_["head.W"].copy()
    for _, question in all_questions:
        with pytest.raises(ValueError, match=message):
            question(fitted, change(frames))
    assert np.array_equal(fitted.weights_["head.W"], before)


def test_the_same_columns_are_no_warning(asked, frames):
    fitted, all_questions = asked
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _, question in all_questions:
            question(fitted, frames)
    assert fitted.feature_names_in_.tolist() == ["u", "v", "w"]
    assert fitted.feature_names_in_.dtype == object


def test_no_names_are_one_warning_in_every_question(asked, frames):
    fitted, all_questions = asked
    for name, question in all_questions:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            question(fitted, plain(frames))
        assert [str(w.message) for w in caught] == [
            f"X does not have valid feature names, but {type(fitted).__name__} was fitted with "
            "feature names"
        ], name


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_names_nobody_saw_in_fit_are_one_warning_in_every_question(kind, frames):
    make, y = ESTIMATORS[kind]
    fitted = make(**OPTIONS).fit(plain(frames), y)
    assert not hasattr(fitted, "feature_names_in_")
    for name, question in questions(kind, y):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            question(fitted, frames)
        assert [str(w.message) for w in caught] == [
            f"X has feature names, but {make.__name__} was fitted without feature names"
        ], name
    assert not hasattr(fitted, "feature_names_in_")


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_fit_and_its_validation_data(kind, frames):
    make, y = ESTIMATORS[kind]
    estimator = make(**OPTIONS)
    with pytest.raises(
        ValueError, match=r"^X: sample 2 has the columns 'w', 'u', 'v', but sample 0"
    ):
        estimator.fit(one_turned(frames), y)
    for change in (turned, one_turned, renamed):
        with pytest.raises(
            ValueError, match=r"(?s)^The feature names.*\nX_val: sample \d has"
        ) as error:
            estimator.fit(frames, y, X_val=change(frames), y_val=y)
        assert make.__name__ in str(error.value)
    assert not hasattr(estimator, "model_")
    with pytest.warns(UserWarning, match="^X_val does not have valid feature names"):
        estimator.fit(frames, y, validation_data=(plain(frames), y))
    with pytest.warns(UserWarning, match="^X_val has feature names"):
        estimator.fit(plain(frames), y, validation_data=(frames, y))
    assert not hasattr(estimator, "feature_names_in_")
    estimator.fit(turned(frames), y, X_val=turned(frames), y_val=y)
    assert estimator.feature_names_in_.tolist() == ["w", "u", "v"]


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_two_dimensional_frame(kind, rng):
    make, _ = ESTIMATORS[kind]
    X = pd.DataFrame(rng.normal(size=(7, 4)), columns=list("abcd"))
    y = (X > 0).to_numpy().astype(int) if kind == "tagger" else LABELS
    fitted = make(**OPTIONS).fit(X, y)
    assert fitted.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(
        ValueError, match=r"(?s)^The feature names.*\nX has the columns 'd', 'c', 'b'"
    ):
        fitted.predict(X[list("dcba")])
    with pytest.raises(ValueError, match=r"(?s)^The feature names.*\nX_val has the columns 'd'"):
        make(**OPTIONS).fit(X, y, X_val=X[list("dcba")], y_val=y)
    frame = pl.from_pandas(X)
    assert np.asarray(fitted.hidden_states(frame)).shape == (7, 4, 3)
    assert np.array_equal(fitted.predict(frame), fitted.predict(X))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_files_and_pickles_keep_the_names(kind, frames, tmp_path):
    make, y = ESTIMATORS[kind]
    fitted = make(**OPTIONS).fit(frames, y)
    fitted.save(tmp_path / "model")
    for again in (make.load(tmp_path / "model"), pickle.loads(pickle.dumps(fitted))):
        assert again.feature_names_in_.tolist() == ["u", "v", "w"]
        with pytest.raises(ValueError, match="same order as they were in fit"):
            again.predict(turned(frames))
    model = load(tmp_path / "model").model
    assert model.feature_names == ("u", "v", "w")
    with pytest.raises(
        ValueError, match=f"sample 2 has the columns .*; {make.__name__} was fitted"
    ):
        model.check(one_turned(frames))
    assert not hasattr(clone(fitted), "feature_names_in_")


def test_a_model_compares_names_without_scikit_learn(frames, tmp_path):
    RNNClassifier(**OPTIONS).fit(frames, LABELS).save(tmp_path / "model")
    program = (
        "import sys, pandas as pd\nfrom elman.models.files import load\n"
        "model = load(sys.argv[1]).model\n"
        "try: model.check([pd.DataFrame({'v': [1.0], 'u': [2.0], 'w': [3.0]})])\n"
        "except ValueError as error: print(error)\n"
        "print([m for m in ('sklearn', 'narwhals') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model")], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert "X: sample 0 has the columns 'v', 'u', 'w'; RNNClassifier was fitted on" in ran.stdout
    assert ran.stdout.endswith("\n[]\n")


def test_missing_values_of_nullable_types_in_every_estimator(frames):
    frames[3].loc[1, "v"] = np.nan
    nullable = [frame.convert_dtypes() for frame in frames]
    for make, y in ESTIMATORS.values():
        with pytest.raises(ValueError, match=r"sample 3, timestep 1, feature 1 \(column 'v'\)"):
            make(**OPTIONS).fit(nullable, y)
        for missing in ("mask", "skip"):
            answers = [
                make(**OPTIONS, missing=missing).fit(X, y).hidden_states(X)
                for X in (frames, nullable)
            ]
            for one, other in zip(*answers, strict=True):
                assert one.tobytes() == other.tobytes()
    with pytest.raises(ValueError, match=r"column 'v'\)\. SequenceScaler .* allow_nan=True"):
        SequenceScaler().fit(nullable)
    of_both = [SequenceScaler(allow_nan=True).fit(X) for X in (frames, nullable)]
    assert of_both[0].mean_.tobytes() == of_both[1].mean_.tobytes()


def test_a_feature_that_is_never_observed_is_named(frames):
    X = [frame.assign(v=pd.array([None] * len(frame), dtype="Int8")) for frame in frames]
    for make, y in ESTIMATORS.values():
        with pytest.warns(UserWarning, match=r"feature\(s\) \[1\] \('v'\) of X are NaN at every"):
            make(**OPTIONS, missing="mask").fit(X, y)


# SequenceScaler


@pytest.mark.parametrize("method", ["transform", "inverse_transform"])
def test_the_scaler_compares_names(frames, method):
    scaler = SequenceScaler().fit(frames)
    assert scaler.feature_names_in_.tolist() == ["u", "v", "w"]
    assert scaler.get_feature_names_out().tolist() == ["u", "v", "w"]
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        scaler.get_feature_names_out(["w", "u", "v"])
    ask = getattr(scaler, method)
    assert isinstance(ask(frames), list)
    for change in (turned, one_turned, renamed):
        with pytest.raises(
            ValueError, match=r"X: sample \d has the columns .*; SequenceScaler was"
        ):
            ask(change(frames))
    with pytest.warns(UserWarning, match="but SequenceScaler was fitted with feature names"):
        ask(plain(frames))
    table = pd.DataFrame(frames[0].to_numpy()[:, :2], columns=["t0", "t1"])
    scaler.fit(table)
    with pytest.raises(ValueError, match="X has the columns 't1', 't0'; SequenceScaler was"):
        getattr(scaler, method)(table[["t1", "t0"]])
    scaler.fit(plain(frames))
    assert not hasattr(scaler, "feature_names_in_")
    with pytest.raises(ValueError, match="sample 2 has the columns"):
        scaler.fit(one_turned(frames))


# What scikit-learn does with lists of frames


def test_frames_pass_through_cross_validation_and_pipelines(frames):
    pipeline = make_pipeline(SequenceScaler(), RNNClassifier(**OPTIONS))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = cross_val_score(pipeline, frames, LABELS, cv=2)
        pipeline.fit(frames, LABELS).predict(frames)
        stopping = RNNClassifier(**OPTIONS, early_stopping=True, scoring="accuracy")
        stopping.fit(frames, LABELS)
    assert np.isfinite(scores).all()
    with pytest.raises(ValueError, match="SequenceScaler was fitted on"):
        pipeline.predict(turned(frames))


@pytest.mark.parametrize("in_a_list", [False, True])
@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor, SequenceScaler])
def test_coordinates_of_an_xarray_are_names(estimator, in_a_list, rng):
    values = rng.normal(size=(6, 5, 2))
    X = xr.DataArray(values, dims=("sample", "time", "feature"), coords={"feature": ["ax", "ay"]})
    turned = X[:, :, ::-1]
    if in_a_list:
        X, turned = [*X], [*turned]
    model = estimator() if estimator is SequenceScaler else estimator(3, max_iter=1, random_state=0)
    y = [0, 1, 0, 1, 0, 1]
    ask = model.fit(X, y).transform if estimator is SequenceScaler else model.fit(X, y).predict
    assert model.feature_names_in_.tolist() == ["ax", "ay"]
    plain = estimator(**model.get_params()).fit(values, y)
    expected = (plain.transform if estimator is SequenceScaler else plain.predict)(values)
    np.testing.assert_array_equal(np.asarray(ask(X)), expected)
    with pytest.raises(ValueError, match="same order"):
        ask(turned)
    if in_a_list:
        with pytest.raises(ValueError, match="sample 3 has the columns 'ay', 'ax'"):
            model.fit([*X[:3], turned[3], *X[4:]], y)


@pytest.mark.parametrize("kind", [*ESTIMATORS, "scaler"])
def test_two_columns_of_one_name_are_refused(kind, frames):
    twice = [frame.set_axis(["u", "w", "u"], axis=1) for frame in frames]
    with pytest.raises(ValueError, match="sample 0 of X has 'u' twice"):
        fitted_on(kind, twice)
    with pytest.raises(ValueError, match="sample 0 of X has 'u' twice"):
        ask(kind, fitted_on(kind, frames), twice)


@pytest.mark.parametrize("kind", [*ESTIMATORS, "scaler"])
@pytest.mark.parametrize(
    "labels", [[0, 1, 2], [0.5, 1.0, 2], list(pd.date_range("2020-01-01", periods=3))]
)
def test_numbered_columns_in_another_order_are_warned_of(kind, labels, frames):
    numbered = [frame.set_axis(labels, axis=1) for frame in frames]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = fitted_on(kind, numbered)
        ask(kind, fitted, numbered)
    with pytest.warns(UserWarning, match="sample 0 of X has .* numbers or dates, in the order"):
        ask(kind, fitted, [frame.iloc[:, [2, 0, 1]] for frame in numbered])


@pytest.mark.parametrize("kind", [*ESTIMATORS, "scaler"])
@pytest.mark.parametrize("labels", [[("a", "x"), ("a", "y"), ("b", "x")], [(0,), (1,), (2,)]])
def test_columns_called_by_tuples_are_refused_with_the_fix(kind, labels, frames):
    columns = pd.MultiIndex.from_tuples(labels)
    nested = [frame.set_axis(columns, axis=1) for frame in frames]
    fitted = fitted_on(kind, plain(frames))
    message = r"sample {} of X has columns that are called by tuples.*frame\.columns = \["
    with pytest.raises(TypeError, match=message.format(0)):
        fitted_on(kind, nested)
    with pytest.raises(TypeError, match=message.format(0)):
        ask(kind, fitted, nested)
    with pytest.raises(TypeError, match=message.format(3)):
        fitted_on(kind, [*frames[:3], *nested[3:]])
    for frame in nested:
        frame.columns = ["_".join(map(str, c)) for c in frame.columns]
    assert fitted_on(kind, nested).feature_names_in_.tolist() == nested[0].columns.tolist()
    if kind in ("classifier", "regressor"):
        wide = pd.DataFrame(np.eye(7, 3), columns=columns)
        with pytest.raises(TypeError, match="X has columns that are called by tuples"):
            fitted_on(kind, wide)


def fitted_on(kind, X):
    if kind == "scaler":
        return SequenceScaler().fit(X)
    make, y = ESTIMATORS[kind]
    return make(**OPTIONS).fit(X, y)


def ask(kind, fitted, X):
    return fitted.transform(X) if kind == "scaler" else fitted.predict(X)
