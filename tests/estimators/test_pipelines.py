"""Pipelines of SequenceScaler and an estimator: files, streams, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from helpers.cli_tools import run, run_shell
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.backends import available_backends
from elman.data import write_npz
from elman.formats import archive
from elman.formats.archive import ArchiveError
from elman.models import files

LENGTHS = (4, 2, 6, 3, 5)
ESTIMATORS = {"classifier": RNNClassifier, "tagger": RNNTagger, "regressor": RNNRegressor}
SMALL = {"max_iter": 2, "random_state": 0}


def sequences(dtype=np.float32, n_features=2):
    rng = np.random.default_rng(3)
    return [rng.normal(40, 9, size=(n, n_features)).astype(dtype) for n in LENGTHS]


def targets(kind):
    if kind == "tagger":
        return [["p"] * (n - 1) + ["q"] for n in LENGTHS]
    return list("abbca") if kind == "classifier" else [float(n) for n in LENGTHS]


def pipeline_of(kind, *before, X=None, **parameters):
    made = make_pipeline(
        *(before or (SequenceScaler(),)), ESTIMATORS[kind](3, **SMALL | parameters)
    )
    return made.fit(sequences() if X is None else X, targets(kind))


def answers(given, X):
    """What tells two of them apart in every bit."""
    ask = given.predict_proba if hasattr(given, "predict_proba") else given.predict
    return np.concatenate([np.ravel(each) for each in ask(X)])


@pytest.fixture(params=ESTIMATORS)
def kind(request):
    return request.param


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("standardize", [True, False])
def test_a_pipeline_comes_back_to_the_bit(kind, dtype, standardize, tmp_path):
    X = sequences(dtype)
    first = pipeline_of(kind, X=X, standardize=standardize, dtype="float32")
    elman.save(first, tmp_path / "p.safetensors")
    again = elman.load(tmp_path / "p.safetensors")
    assert [name for name, _ in again.steps] == [name for name, _ in first.steps]
    assert [type(step) for _, step in again.steps] == [type(step) for _, step in first.steps]
    np.testing.assert_array_equal(answers(again, X), answers(first, X))
    np.testing.assert_array_equal(
        again[0].inverse_transform(X)[1], first[0].inverse_transform(X)[1]
    )
    assert again[-1].history_ == first[-1].history_
    elman.save(again, tmp_path / "q.safetensors")
    assert (tmp_path / "q.safetensors").read_bytes() == (tmp_path / "p.safetensors").read_bytes()
    # without scikit-learn's classes
    model = files.load(tmp_path / "p.safetensors").model
    ask = type(model).predict if kind == "regressor" else type(model).predict_proba
    found = np.concatenate([np.ravel(each) for each in ask(model, model.check(X))])
    np.testing.assert_array_equal(found, answers(first, X))


def test_an_estimator_alone_has_the_file_that_it_always_had(kind, tmp_path):
    alone = ESTIMATORS[kind](3, **SMALL).fit(sequences(), targets(kind))
    alone.save(tmp_path / "one")
    elman.save(alone, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert type(elman.load(tmp_path / "two")) is ESTIMATORS[kind]


def test_passthrough_two_scalers_and_names_of_steps(tmp_path):
    X = sequences()
    steps = [("a", SequenceScaler()), ("b", "passthrough"), ("c", SequenceScaler(allow_nan=True))]
    first = Pipeline([*steps, ("d", RNNClassifier(3, **SMALL))], verbose=False)
    first.fit(X, targets("classifier"))
    elman.save(first, tmp_path / "p")
    again = elman.load(tmp_path / "p")
    assert [*again.named_steps] == ["a", "b", "c", "d"]
    assert again["b"] == "passthrough"
    assert (again["a"].allow_nan, again["c"].allow_nan) == (False, True)
    np.testing.assert_array_equal(answers(again, X), answers(first, X))
    only = make_pipeline("passthrough", first[-1])
    elman.save(only, tmp_path / "q")
    assert isinstance(elman.load(tmp_path / "q"), Pipeline)
    assert files.load(tmp_path / "q").model.before == ()


@pytest.mark.parametrize("output", [None, "pandas"])
def test_names_of_columns_are_kept_and_compared(output, tmp_path):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(5, 4)), columns=["t0", "t1", "t2", "t3"])
    scaler = SequenceScaler()
    if output is not None:
        scaler.set_output(transform=output)
    first = pipeline_of("classifier", scaler, X=X)
    elman.save(first, tmp_path / "p")
    again = elman.load(tmp_path / "p")
    assert again[0].feature_names_in_.tolist() == [*X]
    assert hasattr(again[-1], "feature_names_in_") is (output is not None)
    np.testing.assert_array_equal(answers(again, X), answers(first, X))
    for asked in (again.predict, lambda X: files.load(tmp_path / "p").model.check(X)):
        with pytest.raises(ValueError, match="same order"):
            asked(X[["t1", "t0", "t2", "t3"]])


def test_missing_values_go_through_where_the_scaler_lets_them(tmp_path):
    X = [x.copy() for x in sequences()]
    X[2][1, 0] = np.nan
    first = pipeline_of("classifier", SequenceScaler(allow_nan=True), X=X, missing="mask")
    elman.save(first, tmp_path / "p")
    np.testing.assert_array_equal(answers(elman.load(tmp_path / "p"), X), answers(first, X))
    model = files.load(tmp_path / "p").model
    np.testing.assert_array_equal(model.predict_proba(model.check(X)), first.predict_proba(X))
    live = elman.stream(first)
    for x_t in X[2]:
        p = live.step(x_t)
    np.testing.assert_array_equal(p, first.predict_proba(X)[2])


# Refusals


class Doubled(SequenceScaler):
    def transform(self, X):
        return super().transform(super().transform(X))


class Halved(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return [x / 2 for x in X]


@pytest.mark.parametrize(
    ("step", "name"),
    [(Halved(), "Halved"), (Doubled(), "Doubled"), (FunctionTransformer(), "Func")],
)
def test_other_transformers_are_refused_by_name(kind, step, name, tmp_path):
    first = make_pipeline(step, ESTIMATORS[kind](3, **SMALL)).fit(sequences(), targets(kind))
    with pytest.raises(TypeError, match=rf"the step '{name.lower()}.*is a {name}.*joblib"):
        elman.save(first, tmp_path / "p")
    assert not any(tmp_path.iterdir())
    with pytest.raises(TypeError, match=rf"is a {name}.* whole sequences .*elman.stream\(pipeline"):
        elman.stream(first)


def test_what_is_no_fitted_estimator_is_refused(kind, tmp_path):
    for ask in (lambda given: elman.save(given, tmp_path / "p"), elman.stream):
        with pytest.raises(ValueError, match="not fitted"):
            ask(make_pipeline(SequenceScaler(), ESTIMATORS[kind]()))
        with pytest.raises(ValueError, match="not fitted"):
            ask(ESTIMATORS[kind]())
        with pytest.raises(TypeError, match="Pipeline that ends in LogisticRegression"):
            ask(make_pipeline(LogisticRegression()))
    fitted = pipeline_of(kind)
    with pytest.raises(NotFittedError):
        elman.save(make_pipeline(SequenceScaler(), fitted[-1]), tmp_path / "p")
    with pytest.raises(TypeError, match="hyper-parameters"):
        elman.save(fitted[-1].model_, tmp_path / "p")
    other = SequenceScaler().fit(sequences(n_features=3))
    with pytest.raises(ValueError, match=r"gives 3 features, but the RNN.* was trained on 2"):
        elman.save(make_pipeline(other, fitted[-1]), tmp_path / "p")
    assert not any(tmp_path.iterdir())


def test_the_class_of_an_estimator_reads_no_pipeline(kind, tmp_path):
    elman.save(pipeline_of(kind), tmp_path / "p")
    with pytest.raises(ArchiveError, match=r"pipeline that ends in a RNN.*elman\.load"):
        ESTIMATORS[kind].load(tmp_path / "p")


# Streams


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("backend", available_backends())
def test_a_stream_answers_as_the_pipeline_does_of_each_prefix(kind, dtype, standardize, backend):
    X = sequences(dtype)
    first = pipeline_of(kind, X=X, standardize=standardize, backend=backend)
    live, x = elman.stream(first), X[2]
    for t in range(len(x)):
        p = live.step(x[t] if t % 2 else np.asfortranarray(x[t : t + 1])[0])
        if t:  # a tagger has an answer at each step
            np.testing.assert_array_equal(np.ravel(p), answers(first, [x[: t + 1]])[-p.size :])
    assert live.n_steps == len(x)
    several = elman.stream(first, n=2)
    for t in range(3):
        p = several.step(np.stack([X[0][t], X[3][t]]))
    for i, x in enumerate((X[0], X[3])):
        np.testing.assert_array_equal(np.ravel(p[i]), answers(first, [x[:3]])[-p[i].size :])


def test_streams_of_estimators_and_models_are_their_own(kind):
    X = sequences()
    alone = ESTIMATORS[kind](3, **SMALL).fit(X, targets(kind))
    steps = [alone.stream().step(X[0][0])]
    steps += [elman.stream(given).step(X[0][0]) for given in (alone, alone.model_)]
    steps += [elman.stream(make_pipeline("passthrough", alone)).step(X[0][0])]
    for step in steps[1:]:
        np.testing.assert_array_equal(step, steps[0])


def test_a_stream_reads_steps_in_every_form_and_says_what_is_wrong_with_one():
    names = ["pulse", "cadence"]
    X = [pd.DataFrame(x, columns=names) for x in sequences(np.float64)]
    first = pipeline_of("classifier", X=X, dtype="float32")
    expected = first.predict_proba([X[0][:1]])[0]
    values = X[0].iloc[0]
    for x_t in (values, dict(values), values[::-1], values.to_numpy(), values.tolist()):
        np.testing.assert_array_equal(elman.stream(first).step(x_t), expected)
    whole = elman.stream(first)
    whole.step([40, 41])
    np.testing.assert_array_equal(
        whole.answer(), first.predict_proba([pd.DataFrame([[40, 41]], columns=names)])[0]
    )
    for x_t, message in {
        (np.nan, 1.0): r"x_t contains NaN: feature 0 \(column 'pulse'\), time step 1.*allow_nan=Tr",
        (1.0, np.inf): r"infinity: feature 1 \(column 'cadence'\), time step 1 is inf",
        (1.0,): r"shape \(1,\)",
        (1.0, 1e308): r"too large for float32 \(infinity\): feature 1 \(column .* is 1e\+308",
    }.items():
        with pytest.raises(ValueError, match=message):
            whole.step(x_t)
        assert whole.n_steps == 1
    with pytest.raises(ValueError, match="has no 'pulse'"):
        whole.step({"puls": 1.0, "cadence": 2.0})


def test_a_bidirectional_pipeline_has_no_stream():
    with pytest.raises(ValueError, match="bidirectional=True reads a sequence from its end"):
        elman.stream(pipeline_of("classifier", bidirectional=True))


# Files that mean harm


def forged(folder, change, kind="classifier"):
    elman.save(pipeline_of(kind), folder / "whole")
    tensors, config = archive.load(folder / "whole")
    change(tensors, config)
    archive.save(folder / "forged", tensors, config)
    return folder / "forged"


def _set(value, *place):
    def change(tensors, config):
        for key in place[:-1]:
            config = config[key]
        config[place[-1]] = value

    return change


def _array(name, value):
    def change(tensors, config):
        tensors[name] = value

    return change


HOSTILE = {
    "no list": _set({}, "before"),
    "no object": _set(["x"], "before"),
    "no kind": _set([{}], "before"),
    "another kind": _set("PCA", "before", 0, "kind"),
    "kind is a list": _set([], "before", 0, "kind"),
    "more features": _set(3, "before", 0, "n_features_in"),
    "features are true": _set(True, "before", 0, "n_features_in"),
    "two_d": _set(True, "before", 0, "two_d"),
    "two_d is 0": _set(0, "before", 0, "two_d"),
    "allow_nan": _set("yes", "before", 0, "allow_nan"),
    "names": _set(["a"], "before", 0, "feature_names_in"),
    "names are numbers": _set([1, 2], "before", 0, "feature_names_in"),
    "a scaler too few": _set([], "before"),
    "NaN": _array("before0.mean", np.array([np.nan, 1.0])),
    "zero": _array("before0.scale", np.array([0.0, 1.0])),
    "negative": _array("before0.scale", np.array([-1.0, 1.0])),
    "float32": _array("before0.scale", np.ones(2, np.float32)),
    "too long": _array("before0.mean", np.zeros(3)),
    "an array too many": _array("before1.mean", np.zeros(2)),
    "no scale": lambda tensors, config: tensors.pop("before0.scale"),
    "no mean nor scale": lambda tensors, config: [
        tensors.pop(f"before0.{name}") for name in ("mean", "scale")
    ],
    "no pipeline": lambda tensors, config: config.pop("pipeline"),
    "a pipeline that is none": _set(None, "pipeline"),
    "steps are no list": _set("ab", "pipeline", "before"),
    "a step is none": _set([7], "pipeline", "before"),
    "a step of another kind": _set("PCA", "pipeline", "before", 0, "kind"),
    "a step that is passed": _set("passthrough", "pipeline", "before", 0, "kind"),
    "an output": _set("os", "pipeline", "before", 0, "output"),
    "an output that is a list": _set([], "pipeline", "before", 0, "output"),
    "a name that is none": _set(None, "pipeline", "name"),
    "a name twice": _set("sequencescaler", "pipeline", "name"),
    "a name with two lines": _set("a__b", "pipeline", "name"),
    "a name of a parameter": _set("steps", "pipeline", "name"),
    "verbose": _set(2, "pipeline", "verbose"),
    "names of one": _set(["a"], "pipeline", "feature_names_in"),
    "names of numbers": _set([1, 2], "pipeline", "feature_names_in"),
    "more": _set(1, "pipeline", "more"),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_forged_pipeline_is_refused(change, tmp_path):
    path = forged(tmp_path, change)
    for read in (elman.load, files.load):
        with pytest.raises(ArchiveError, match="does not describe a RNNClassifier"):
            read(path)


# The commands


def test_the_commands_answer_as_the_pipeline_does(kind, tmp_path, capsys):
    X, y = sequences(), targets(kind)
    first = pipeline_of(kind)
    elman.save(first, tmp_path / "m")
    write_npz(tmp_path / "d.npz", X, y)
    code, out, err = run(capsys, "predict", tmp_path / "m", tmp_path / "d.npz")
    assert (code, err) == (0, "")
    expected = np.concatenate([np.atleast_1d(each) for each in first.predict(X)])
    said = [line.split(",")[-1] for line in out.splitlines()[1:]]
    if kind == "regressor":
        np.testing.assert_array_equal(np.array(said, np.float32), expected.astype(np.float32))
    else:
        assert said == [*map(str, expected)]
    assert run(capsys, "evaluate", tmp_path / "m", tmp_path / "d.npz")[0] == 0
    code, out, err = run(capsys, "inspect", tmp_path / "m")
    assert (code, err) == (0, "")
    assert "SequenceScaler" in out
    lines = "".join(f"{a!r},{b!r}\n" for a, b in X[2].astype(float).tolist())
    live = run_shell("stream", tmp_path / "m", "--json", input=lines)
    assert (live.returncode, live.stderr) == (0, "")
    said = [json.loads(line) for line in live.stdout.splitlines()]
    expected = first.predict([X[2].astype(float)])[0]  # which the lines are read as
    last = expected[-1] if kind == "tagger" else expected
    assert said[-1]["value" if kind == "regressor" else "label"] == last


def test_recordings_in_a_memory_map_and_scalers_from_one(tmp_path):
    import joblib

    X = np.random.default_rng(2).normal(40, 9, size=(5, 4, 2)).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    first = pipeline_of("classifier", X=mapped)
    np.testing.assert_array_equal(first[0].mean_, SequenceScaler().fit(X).mean_)
    joblib.dump(first, tmp_path / "p.joblib")
    from_map = joblib.load(tmp_path / "p.joblib", mmap_mode="r")
    elman.save(from_map, tmp_path / "p")
    np.testing.assert_array_equal(answers(elman.load(tmp_path / "p"), mapped), answers(first, X))
    np.testing.assert_array_equal(
        elman.stream(from_map).step(mapped[1, 0]), first.predict_proba(X[1:2, :1])[0]
    )


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.int64, bool, ">f8"])
def test_steps_of_any_dtype_are_read_as_whole_sequences_are(dtype):
    first = pipeline_of("regressor", X=sequences(np.float64))
    x = np.array([[1, 0], [3, 1], [0, 1]]).astype(dtype)
    live = elman.stream(first)
    for t in range(3):
        live.step(x[t])
    np.testing.assert_array_equal(live.answer(), first.predict([x])[0])
