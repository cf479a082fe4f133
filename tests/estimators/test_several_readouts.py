"""Several readouts side by side, as users of the estimators meet them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.formats import archive
from elman.formats.archive import ArchiveError

RNG = np.random.default_rng(3)
X = [RNG.normal(size=(n, 2)) for n in (5, 1, 9, 4, 4, 7, 3, 8, 2)]
LABEL = np.array([*"abcabcabc"])
VALUE = np.array([x[-1, 0] for x in X])
SEVERAL = ("last", "max")


def small(kind=RNNClassifier, readout=SEVERAL, **options):
    return kind(3, readout=readout, **({"max_iter": 2, "random_state": 0} | options))


def weights(estimator):
    return {name: array.tobytes() for name, array in estimator.weights_.items()}


@pytest.mark.parametrize(("kind", "y"), [(RNNClassifier, LABEL), (RNNRegressor, VALUE)])
def test_how_they_are_written_changes_no_bit(kind, y):
    assert weights(small(kind, ("max",)).fit(X, y)) == weights(small(kind, "max").fit(X, y))
    fit = small(kind).fit(X, y)
    assert fit.weights_["head.W"].shape[0] == 6
    as_list = small(kind, ["last", "max"]).fit(X, y)
    assert as_list.get_params()["readout"] == ["last", "max"]
    assert weights(as_list) == weights(fit)
    assert weights(small(kind, ("max", "last")).fit(X, y)) != weights(fit)


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("readout", [SEVERAL, ("mean", "max"), ("max", "attention", "last")])
def test_every_way_of_asking_gives_the_same_answer(backend, readout):
    clf = small(readout=readout, backend=backend, bptt_steps=4, cell="gru", dropout=0.2)
    clf.fit(X, LABEL)
    answers = clf.predict_proba(X)
    over_time = clf.predict_proba_over_time(X)
    alone = [clf.predict_proba([x])[0] for x in X]
    for i, x in enumerate(X):
        stream = clf.stream()
        for step in x:
            streamed = stream.step(step)
        for other in (over_time[i][-1], alone[i], streamed):
            assert other.tobytes() == answers[i].tobytes()
    labels, steps = clf.predict_early(X, 0.9999)  # of which nothing this small is sure
    assert [*labels] == [*clf.predict(X)]
    assert [*steps] == [len(x) - 1 for x in X]


@pytest.mark.parametrize(("kind", "y"), [(RNNClassifier, LABEL), (RNNRegressor, VALUE)])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_file_keeps_them(kind, y, bidirectional, tmp_path):
    fit = small(kind, ["attention", "last"], bidirectional=bidirectional).fit(X, y)
    fit.save(tmp_path / "model")
    again = elman.load(tmp_path / "model")
    assert again.get_params()["readout"] == ("attention", "last")
    assert again.predict(X).tobytes() == fit.predict(X).tobytes()
    assert "attention,last" in str(again.summary())


FORGED = {
    "twice": (["last", "last"], "has 'last' twice"),
    "unknown": (["last", "first"], r"readout\[1\]='first' is not known"),
    "none": ([], "is empty"),
    "every": (["last", "every"], "'every' beside others"),
    "nested": ([["last"], "max"], r"readout\[0\]=\['last'\] is not known"),
    "a dict": ({"last": "max"}, "is of type dict"),
    "another order": (["max", "last"], "among the hyper-parameters and"),
    "one of them": (["last"], "shapes|in the network"),
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("place", ["network", "parameters"])
def test_a_forged_file_is_refused(name, place, tmp_path):
    readout, message = FORGED[name]
    path = tmp_path / "model"
    small().fit(X, LABEL).save(path)
    tensors, config = archive.load(path)
    config = json.loads(json.dumps(config))
    assert config[place]["readout"] == ["last", "max"]
    config[place]["readout"] = readout
    archive.save(path, tensors, config)
    with pytest.raises(ArchiveError, match=message):
        elman.load(path)


def test_a_checkpoint_knows_them_however_they_are_written(tmp_path):
    def run(readout, **options):
        options |= {"max_iter": 4, "checkpoint": tmp_path, "checkpoint_epochs": 1}
        return small(readout=readout, **options).fit(X, LABEL)

    def break_off(epoch):
        if epoch.epoch == 3:
            raise RuntimeError("broken off")

    whole = small(max_iter=4).fit(X, LABEL)
    with pytest.raises(RuntimeError, match="broken off"):
        run(SEVERAL, on_epoch=break_off)
    with pytest.raises(ValueError, match="readout"):
        run(("max", "last"))
    assert weights(run(["last", "max"])) == weights(whole)


def test_training_goes_on_with_the_same_readouts_only():
    clf = small(warm_start=True).fit(X, LABEL)
    clf.set_params(readout=["last", "max"]).fit(X, LABEL)
    with pytest.raises(ValueError, match=r"readout is \('last', 'max'\), but it is last now"):
        clf.set_params(readout="last").fit(X, LABEL)


def test_scikit_learn_searches_over_them():
    clf = small(readout=["last", "max"])
    assert clone(clf).get_params() == clf.get_params()
    tried = ["max", ("last", "max"), ["max", "mean"], ("last",)]
    search = GridSearchCV(small(), {"readout": tried}, cv=3, error_score="raise").fit(X, LABEL)
    assert [p["readout"] for p in search.cv_results_["params"]] == tried
    assert search.best_params_["readout"] in tried


WRONG = [
    ("first", ValueError, "readout='first' is not known; choose one of 'last', 'mean'"),
    (("last", "first"), ValueError, r"readout\[1\]='first' is not known; choose among 'last'"),
    (("max", "max"), ValueError, "has 'max' twice.*name it once"),
    ((), ValueError, "is empty.*name one or several"),
    (("max", "every"), ValueError, "'every' beside others.*name 'every' alone"),
    (None, TypeError, "is of type NoneType; it must be one of 'last'.*or a tuple"),
    (np.array(["last", "max"]), TypeError, "is of type ndarray"),
]


@pytest.mark.parametrize(("kind", "y"), [(RNNClassifier, LABEL), (RNNRegressor, VALUE)])
@pytest.mark.parametrize(("readout", "error", "message"), WRONG)
def test_what_is_no_readout_is_refused_before_training(kind, y, readout, error, message):
    with pytest.raises(error, match=message):
        small(kind, readout).fit(X, y)


def test_a_classifier_does_not_answer_at_every_step():
    for readout in ("every", ["every"]):
        with pytest.raises(ValueError, match=r"readout=.*every.* is not known; choose one of"):
            small(readout=readout).fit(X, LABEL)


def test_an_answer_for_each_step_has_no_readouts():
    steps = [x[:, 0] for x in X]
    with pytest.raises(ValueError, match=r"readout=\('last', 'max'\) gives one .*readout='every'"):
        small(RNNRegressor).fit(X, steps)
    default = small(RNNRegressor, ["last", "mean", "max"]).fit(X, steps)
    assert default.network_.layout.at_every_step
    assert weights(small(RNNRegressor, ["every"]).fit(X, steps)) == weights(default)
    with pytest.raises(TypeError, match="readout"):
        RNNTagger(3, readout=SEVERAL)
