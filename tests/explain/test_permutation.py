"""Recordings trade a feature, or a block of time, with others of their length."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.explained import LENGTHS, MODELS, classifier, labels, recordings, small, tagger

from elman import RNNClassifier, RNNRegressor
from elman.explain import permutation_importance
from elman.metrics import per_step

Y = {
    "classifier": labels,
    "pipeline": labels,
    "tagger": lambda: [labels()[(np.arange(n) + n) % 3] for n in LENGTHS],
    "regressor": lambda: np.array([[x[:, 0].sum(), x[-1, 1]] for x in recordings()]),
    "regressor of steps": lambda: [np.cumsum(x[:, 0]) for x in recordings()],
    "several labels": lambda: np.array([[x[0, 0] > 0, x[-1, 1] > 0] for x in recordings()]).astype(
        int
    ),
}


class Spy:
    """A score that keeps what it was asked about."""

    def __init__(self):
        self.asked = []

    def __call__(self, estimator, X, y):
        self.asked.append([np.array(x) for x in X])
        return 0.0


def marked(lengths):
    """Recordings whose values say whose they are: sample + feature / 10 + step / 1000."""
    return [
        i + np.arange(3) / 10 + np.arange(n)[:, np.newaxis] / 1000 for i, n in enumerate(lengths)
    ]


def test_a_feature_is_traded_whole_within_one_length():
    lengths = [4, 6, 4, 6, 4, 6, 4, 6, 4, 6, 4]
    X = marked(lengths)
    fit = small(RNNClassifier).fit(X, np.arange(11) % 2)
    spy = Spy()
    permutation_importance(fit, X, None, scoring=spy, n_repeats=3, random_state=0)
    assert len(spy.asked) == 1 + 3 * 3
    for call, traded in enumerate(spy.asked[1:]):
        feature = call // 3
        givers = []
        for x, new in zip(X, traded, strict=True):
            others = [k for k in range(3) if k != feature]
            np.testing.assert_array_equal(new[:, others], x[:, others])
            giver = int(np.floor(new[0, feature]))
            givers.append(giver)
            np.testing.assert_array_equal(new[:, feature], X[giver][:, feature])
        assert sorted(givers) == list(range(11))
        assert all(giver != i for i, giver in enumerate(givers))
        assert all(lengths[giver] == lengths[i] for i, giver in enumerate(givers))


def test_those_without_others_of_their_length_trade_with_those_of_about_it():
    lengths = [3, 9, 4, 8, 5, 7, 6, 11, 12, 10, 13]
    X = marked(lengths)
    fit = small(RNNClassifier).fit(X, np.arange(11) % 2)
    spy = Spy()
    permutation_importance(fit, X, None, scoring=spy, n_repeats=1, random_state=0)
    givers = [int(np.floor(new[0, 1])) for new in spy.asked[2]]
    assert sorted(givers) == list(range(11))
    assert all(giver != i for i, giver in enumerate(givers))
    for i, (new, giver) in enumerate(zip(spy.asked[2], givers, strict=True)):
        assert (lengths[i] <= 7) == (lengths[giver] <= 7)  # the five shortest, and the others
        source = np.round((new[:, 1] - giver - 0.1) * 1000).astype(int)
        expected = np.floor((np.arange(lengths[i]) + 0.5) * lengths[giver] / lengths[i])
        np.testing.assert_array_equal(source, expected)


def test_a_block_of_time_is_traded_with_all_features():
    X = marked([6, 6, 6, 6, 6])
    fit = small(RNNClassifier).fit(X, np.arange(5) % 2)
    spy = Spy()
    found = permutation_importance(
        fit, X, None, by="time", n_blocks=3, n_repeats=1, scoring=spy, random_state=0
    )
    assert found.names == ("0-33.3 %", "33.3-66.7 %", "66.7-100 %")
    for block, traded in enumerate(spy.asked[1:]):
        own = slice(2 * block, 2 * block + 2)
        for x, new in zip(X, traded, strict=True):
            giver = int(np.floor(new[2 * block, 0]))
            expected = x.copy()
            expected[own] = X[giver][own]
            np.testing.assert_array_equal(new, expected)
            assert (new[own] != x[own]).all()


@pytest.mark.parametrize("by", ["feature", "time"])
@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_of_model_is_scored_by_itself(kind, by):
    fit, X, y = MODELS[kind](), recordings(), Y[kind]()
    arguments = {"by": by, "n_repeats": 2, "n_blocks": 4, "random_state": 3}
    found = permutation_importance(fit, X, y, **arguments)
    assert found.importances.shape == (3 if by == "feature" else 4, 2)
    assert found.score == fit.score(X, y)
    assert found.importances.any()
    again = permutation_importance(fit, X, y, **arguments)
    np.testing.assert_array_equal(again.importances, found.importances)
    assert len(found.frame()) == len(found.mean)
    assert "Importance by permutation" in repr(found)


def test_what_y_is_made_of_counts_and_the_rest_does_not():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 3)) for n in rng.integers(4, 7, size=80)]
    y = np.array([x[-1, 2] for x in X])
    fit = RNNRegressor(8, max_iter=150, readout="last", random_state=0).fit(X, y)
    found = permutation_importance(fit, X, y, random_state=0)
    assert found.mean[2] > 0.5 > 5 * np.abs(found.mean[:2]).max()
    late = permutation_importance(fit, X, y, by="time", n_blocks=4, random_state=0)
    assert late.mean.argmax() == 3
    fit.model_.network.params["recurrent0.W_x"][1] = 0
    assert not permutation_importance(fit, X, y, random_state=0).importances[1].any()


def test_scorers_of_scikit_learn():
    X, y = recordings(), labels()
    found = permutation_importance(classifier(), X, y, scoring="neg_log_loss", random_state=0)
    assert found.score < 0
    y = Y["tagger"]()
    with pytest.raises(ValueError, match=r"per_step\('f1_macro'\)"):
        permutation_importance(tagger(), X, y, scoring="f1_macro")
    permutation_importance(tagger(), X, y, scoring=per_step("f1_macro"), n_repeats=1)


def test_a_two_dimensional_x_keeps_its_layout():
    X = np.random.default_rng(0).normal(size=(8, 5))
    fit = small(RNNClassifier).fit(X, np.arange(8) % 2)
    found = permutation_importance(fit, X, np.arange(8) % 2, by="time", n_blocks=5, random_state=0)
    assert found.importances.shape == (5, 5)


def test_missing_values_are_traded_as_they_are():
    X = recordings()
    X[2][4, 1] = np.nan
    fit = small(RNNClassifier, missing="mask").fit(X, labels())
    permutation_importance(fit, X, labels(), n_repeats=1, random_state=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "step"}, "by='step'"),
        ({"n_repeats": 0}, "n_repeats=0"),
        ({"n_blocks": 2.5}, r"n_blocks=2\.5"),
        ({"X": recordings()[:1]}, "at least two"),
        ({"given": None}, "has no score"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(arguments, message):
    fit = classifier()
    given = {"given": fit, "X": recordings(), "y": labels(), **arguments}
    given["given"] = given["given"] or fit.model_
    with pytest.raises(ValueError, match=message):
        permutation_importance(**given)
