"""Summaries of estimators, pipelines and models, fitted and not."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.backends import available_backends
from elman.inspection.summary import training_memory
from elman.models.summary import _training
from elman.nn.layout import Layout
from elman.nn.optimizers import make_optimizer

rng = np.random.default_rng(5)
X = [rng.normal(size=(n, 2)).astype(np.float32) for n in (4, 1, 6, 3, 5)]
TARGETS = {
    RNNClassifier: list("abbca"),
    RNNTagger: [["p"] * (len(x) - 1) + ["q"] for x in X],
    RNNRegressor: [[float(len(x)), 1.0, x[0, 0]] for x in X],
}
N_OUTPUTS = {RNNClassifier: 3, RNNTagger: 2, RNNRegressor: 3}


@pytest.fixture(params=TARGETS)
def estimator(request):
    return request.param


def test_before_and_after_a_fit_it_is_the_same_network(estimator):
    made = estimator(3, cell="gru", missing="mask", dtype="float32", batch_size=7, max_iter=1)
    before = made.summary(n_features=2, n_outputs=N_OUTPUTS[estimator], n_timesteps=6)
    after = made.fit(X, TARGETS[estimator]).summary(n_timesteps=6)
    assert (before.fitted, after.fitted) == (False, True)
    assert "(not fitted)" in str(before)
    assert "(not fitted)" not in str(after)
    assert before.to_dict() | {"fitted": True} == after.to_dict()
    assert after.parameters == made.network_.params.flat.size
    assert (after.n_features, after.batch_size, after.n_timesteps) == (4, 7, 6)


def test_a_length_that_nothing_says_is_an_example(estimator):
    made = estimator(3, max_iter=1)
    shape = {"n_features": 2, "n_outputs": N_OUTPUTS[estimator]}
    example, named = made.summary(**shape), made.summary(**shape, n_timesteps=1)
    assert "at batch_size=32, if sequences have 100 time steps, for example\n" in str(example)
    assert "at batch_size=32, 1 time step\n" in str(named)
    assert (example.length_is_known, named.length_is_known) == (False, True)
    made.fit(X, TARGETS[estimator])
    assert "if sequences have 100 time steps" in str(made.summary())
    flat = RNNClassifier(3, max_iter=1).fit(np.arange(18.0).reshape(6, 3) % 5, [*"ababab"])
    assert "at batch_size=32, 3 time steps\n" in str(flat.summary())


def test_a_state_of_a_stream_takes_as_many_bytes_as_is_said(estimator):
    readouts = (
        [{}]
        if estimator is RNNTagger
        else [{"readout": r} for r in ("last", "mean", "max", "attention")]
    )
    for options in readouts:
        made = estimator((3, 4), cell="lstm", max_iter=1, **options).fit(X, TARGETS[estimator])
        state = made.stream().state
        assert made.summary().stream_state == sum(array.nbytes for array in state.values())
    both = estimator(3, bidirectional=True)
    assert both.summary(n_features=2, n_outputs=2).stream_state is None


@pytest.mark.parametrize(
    "options", [{}, {"solver": "sgd"}, {"alpha": 0.0}, {"solver": "adamw", "alpha": 0.1}]
)
def test_an_optimizer_takes_as_many_bytes_as_is_said(options):
    clf = RNNClassifier(3, max_iter=1, **options).fit(X, TARGETS[RNNClassifier])
    optimizer = make_optimizer(clf.solver, clf.network_.params, alpha=clf.alpha)
    held = sum(v.nbytes for v in vars(optimizer).values() if isinstance(v, np.ndarray))
    assert clf.summary().training_memory["optimizer"] == held


FIT = r"""
import re
import numpy as np
from elman import RNNClassifier

X = np.random.default_rng(0).normal(size=(64, 300, 12)).astype(np.float32)
y = np.arange(64) % 4
RNNClassifier(4, cell="lstm", max_iter=1).fit(X[:8, :5], y[:8])
clf = RNNClassifier(128, cell="lstm", max_iter=1, batch_size=64, dtype="float32", n_jobs=1)
said = clf.summary(n_features=12, n_outputs=4, n_timesteps=300).training_bytes


def status(name):
    # of this program alone; the peak that getrusage gives began with that of the parent
    return 1024 * int(re.search(name + r":\s+(\d+) kB", open("/proc/self/status").read())[1])


before = status("VmRSS")
clf.fit(X, y)
print(said, status("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
@pytest.mark.skipif("native" not in available_backends(), reason="NumPy keeps arrays of its own")
def test_training_takes_about_as_much_memory_as_is_said():
    done = subprocess.run([sys.executable, "-c", FIT], capture_output=True, text=True, check=True)
    said, measured = map(int, done.stdout.split())
    assert said > 50e6
    assert said < measured < 1.1 * said + 30e6


def test_pipelines_and_models(estimator):
    pipeline = make_pipeline(SequenceScaler(), "passthrough", estimator(3, max_iter=1))
    sizes = {"n_features": 2, "n_outputs": 2}
    assert elman.summary(pipeline, **sizes).before == ("SequenceScaler",)
    fitted = elman.summary(pipeline.fit(X, TARGETS[estimator]))
    assert fitted.before == ("SequenceScaler",)
    assert "SequenceScaler" in str(fitted)
    alone = elman.summary(pipeline[-1].model_)
    assert alone.layers == fitted.layers
    assert alone.before == ()


def test_a_2d_X_says_how_many_steps_there_are():
    clf = RNNClassifier(3, max_iter=1).fit(rng.normal(size=(5, 13)), list("abbca"))
    assert (clf.summary().n_timesteps, clf.summary().n_features) == (13, 1)


def test_forms(estimator):
    found = estimator(3).summary(n_features=2, n_outputs=2)
    frame = found.frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame["parameters"].sum() == found.parameters
    described = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert described == found.to_dict()
    assert sum(layer["parameters"] for layer in described["layers"]) == described["parameters"]
    assert sum(described["training_memory"].values()) == described["training_bytes"]


def test_what_is_missing_or_wrong_is_said(estimator):
    made = estimator(3)
    with pytest.raises(ValueError, match=r"not fitted.*pass n_features= .* and n_outputs= "):
        made.summary()
    with pytest.raises(ValueError, match=r"pass n_outputs= \(classes, labels or targets\), or"):
        made.summary(n_features=2)
    for name, value in {"n_features": 0, "n_outputs": 2.0, "batch_size": True}.items():
        with pytest.raises(ValueError, match=f"{name}={value!r}; it must be a whole number"):
            made.summary(**{"n_features": 2, "n_outputs": 2, name: value})
    with pytest.raises(ValueError, match="hidden_size"):
        estimator(0).summary(n_features=2, n_outputs=2)
    with pytest.raises(ValueError, match="is fitted, which says how many"):
        made.set_params(max_iter=1).fit(X, TARGETS[estimator]).summary(n_features=2)
    with pytest.raises(TypeError, match="LogisticRegression"):
        elman.summary(make_pipeline(SequenceScaler(), LogisticRegression()))


def test_what_hyper_parameters_say_of_memory():
    layout = Layout(2, (3,), 2)
    plain = training_memory(layout, _training({}, None, 40), 4)
    for options in ({"recompute_every": 5}, {"bptt_steps": 8}):
        assert training_memory(layout, _training(options, None, 40), 4)["tape"] < plain["tape"]


def test_the_backend_need_not_be_there(monkeypatch):
    monkeypatch.setattr("elman.models.summary.available_backends", lambda: ("reference",))
    model = RNNClassifier(3, max_iter=1, backend="reference").fit(X, TARGETS[RNNClassifier]).model_
    assert "reference (numpy)" in str(elman.summary(model))
    assert "native (not installed here)" in str(elman.summary(replace(model, backend="native")))


def test_a_front_end_is_said_and_counted():
    options = {"deltas": 1, "stride": 4, "batch_size": 32}
    clf = RNNClassifier(3, **options)
    before = elman.summary(clf, n_features=2, n_outputs=3, n_timesteps=10)
    assert (before.n_features, before.frontend) == (4, "differences of order 1, means of 4 steps")
    assert "front end" in str(before)
    plain = elman.summary(RNNClassifier(3), n_features=4, n_outputs=3, n_timesteps=3)
    assert before.training_memory == plain.training_memory
    assert plain.frontend == "none"
    assert "front end" not in str(plain)
    fitted = RNNClassifier(3, max_iter=1, dtype="float64", **options)
    fitted.fit(np.random.default_rng(0).normal(size=(6, 9, 2)), [0, 1, 2] * 2)
    found = elman.summary(fitted, n_timesteps=10)
    assert (found.n_features, found.frontend) == (4, before.frontend)
    assert found.training_memory == before.training_memory
