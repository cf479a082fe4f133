"""Decisions before the end, against their definition; and how right answers are on the way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman import RNNClassifier, RNNRegressor
from elman.evaluation.scores import accuracy_by_share
from elman.models.early import decision_step, right_by_share
from elman.plotting import plots

OPTIONS = {"hidden_size": 7, "max_iter": 30, "random_state": 0}


def by_definition(codes, shares, confidence, patience):
    for t in range(patience - 1, len(codes)):
        last = range(t - patience + 1, t + 1)
        if len({codes[i] for i in last}) == 1 and all(shares[i] >= confidence for i in last):
            return t
    return len(codes) - 1


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.3, 0.9, 0.95]))),
    st.sampled_from([0.3, 0.9, 0.99]),
    st.integers(1, 4),
)
def test_the_step_of_a_decision(steps, confidence, patience):
    codes = np.array([code for code, _ in steps], np.int64)
    shares = np.array([share for _, share in steps])
    expected = by_definition(codes, shares, confidence, patience)
    assert decision_step(codes, shares, confidence, patience) == expected


def labelled(rng, n_samples=30):
    """Recordings that give their class away at step 2 of 4 to 8."""
    X, y = [], []
    for i in range(n_samples):
        x = rng.normal(scale=0.1, size=(int(rng.integers(4, 9)), 2))
        x[2:, 0] += 2 * (i % 3) - 2
        X.append(x)
        y.append(["do", "mi", "sol"][i % 3])
    return X, np.array(y)


@pytest.mark.parametrize("readout", ["last", "mean"])
def test_early_labels_are_those_over_time(rng, readout):
    X, y = labelled(rng)
    clf = RNNClassifier(readout=readout, learning_rate_init=0.02, **OPTIONS).fit(X, y)
    for confidence, patience in ((0.95, 3), (0.6, 1), (1.0, 2), (1e-9, 2)):
        labels, steps = clf.predict_early(X, confidence, patience)
        assert (labels.shape, steps.shape, steps.dtype) == ((30,), (30,), np.int64)
        for p, label, step in zip(clf.predict_proba_over_time(X), labels, steps, strict=True):
            assert label == clf.classes_[p[step].argmax()]
            assert step == by_definition(p.argmax(1), p.max(1), confidence, patience)
    labels, steps = clf.predict_early(X, confidence=1, patience=99)
    assert steps.tolist() == [len(x) - 1 for x in X]
    np.testing.assert_array_equal(labels, clf.predict(X))
    steps = clf.predict_early(X, 0.5, 2)[1]
    assert np.mean(steps) < np.mean([len(x) for x in X]) - 1.5


def test_without_a_step_the_initial_state_decides(rng):
    X, y = labelled(rng)
    clf = RNNClassifier(learn_initial_state=True, **OPTIONS).fit(X, y)
    mixed = [X[0], np.empty((0, 2))]
    labels, steps = clf.predict_early(mixed)
    assert steps[1] == -1
    assert labels[1] == clf.predict(mixed)[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidence": 0}, "confidence=0 must be a probability"),
        ({"confidence": 1.5}, "confidence=1.5"),
        ({"confidence": np.nan}, "confidence=nan"),
        ({"confidence": "high"}, "confidence='high'"),
        ({"patience": 0}, "patience=0 must be a whole number"),
        ({"patience": 1.0}, "patience=1.0"),
        ({"patience": True}, "patience=True"),
    ],
)
def test_rules_that_are_none(rng, options, message):
    clf = RNNClassifier(hidden_size=7, max_iter=1).fit(*labelled(rng))
    with pytest.raises(ValueError, match=message):
        clf.predict_early(labelled(rng)[0], **options)


def test_who_cannot_decide_early(rng):
    X, y = labelled(rng)
    both = RNNClassifier(hidden_size=7, max_iter=1, bidirectional=True).fit(X, y)
    with pytest.raises(ValueError, match="bidirectional=True"):
        both.predict_early(X)
    indicator = np.eye(3, dtype=int)[np.arange(30) % 3]
    several = RNNClassifier(hidden_size=7, max_iter=1).fit(X, indicator)
    with pytest.raises(ValueError, match="several at once"):
        several.predict_early(X)
    with pytest.raises(ValueError, match="not several"):
        accuracy_by_share(several, X, y)


def test_shares_of_sequences():
    codes = [np.array([0, 1, 1]), np.array([2]), np.array([0, 0, 0, 0, 1])]
    shares, right = right_by_share(codes, [1, 2, 1], 5)
    np.testing.assert_array_equal(shares, np.arange(1, 6) / 5)
    # of three steps 1, 2, 2, 3, 3; of one always 1; of five 1 to 5
    np.testing.assert_allclose(right, np.array([1, 2, 2, 2, 3]) / 3)
    with pytest.raises(ValueError, match="sample 1 has no time step"):
        right_by_share([codes[0], np.array([], int)], [1, 1], 5)
    with pytest.raises(ValueError, match="no sequence"):
        right_by_share([], [], 5)


def test_accuracy_by_share_ends_at_the_accuracy(rng):
    X, y = labelled(rng)
    clf = RNNClassifier(learning_rate_init=0.02, **OPTIONS).fit(X, y)
    shares, accuracy = accuracy_by_share(clf, X, y, 7)
    assert shares[-1] == 1
    assert accuracy[-1] == pytest.approx(clf.score(X, y))
    assert accuracy[0] < accuracy[-1]
    for bad, message in (
        ({"y": y[:-1]}, r"y has shape \(29,\), expected \(30,\)"),
        ({"y": np.where(y == "mi", "fa", y)}, r"y\[1\] is 'fa', which is not a known class"),
        ({"n_shares": 0}, "n_shares=0"),
    ):
        with pytest.raises(ValueError, match=message):
            accuracy_by_share(clf, **({"X": X, "y": y} | bad))


def test_the_curve_is_drawn(rng, tmp_path):
    pytest.importorskip("matplotlib")
    X, y = labelled(rng)
    clf = RNNClassifier(hidden_size=7, max_iter=1, random_state=0).fit(X, y)
    ax = plots.plot_accuracy_by_share(clf, X, y, n_shares=9)
    x, drawn = ax.lines[0].get_data()
    expected = accuracy_by_share(clf, X, y, 9)
    np.testing.assert_array_equal(x, expected[0])
    np.testing.assert_array_equal(drawn, expected[1])
    assert "share" in ax.get_xlabel()
    ax.figure.savefig(tmp_path / "figure.png")


def test_answers_over_time_are_laid_out_as_x(rng):
    X, y = rng.normal(size=(12, 5, 2)), np.resize(["a", "b", "c"], 12)
    clf = RNNClassifier(hidden_size=7, max_iter=1, random_state=0).fit(X, y)
    assert clf.predict_proba_over_time(X).shape == (12, 5, 3)
    assert clf.hidden_states(X).shape == (12, 5, 7)
    assert isinstance(clf.predict_proba_over_time(list(X)), list)
    assert isinstance(clf.hidden_states(list(X)), list)
    np.testing.assert_array_equal(
        clf.predict_proba_over_time(X), clf.predict_proba_over_time(list(X))
    )
    reg = RNNRegressor(hidden_size=7, max_iter=1, random_state=0).fit(X, X[:, 0, 0])
    assert reg.predict_over_time(X).shape == (12, 5)
    assert isinstance(reg.predict_over_time(list(X)), list)
    flat = RNNClassifier(hidden_size=7, max_iter=1).fit(X[:, :, 0], y)
    assert flat.predict_proba_over_time(X[:, :, 0]).shape == (12, 5, 3)
