"""What a training that diverged advises: never what is set already, and with figures."""

from __future__ import annotations

import numpy as np
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.training.divergence import DivergedError

LENGTHS = (3, 5, 2, 7)
X = [np.random.default_rng(t).standard_normal((t, 2)) for t in LENGTHS]
HUGE = [x * 1e7 for x in X]
ESTIMATORS = {
    "classifier": (RNNClassifier, [0, 1, 0, 1]),
    "regressor": (RNNRegressor, [0.5, 1, 2, -1]),
    "tagger": (RNNTagger, [np.arange(t) % 2 for t in LENGTHS]),
}
USUAL = {"classifier": "1", "regressor": "0.3", "tagger": "1"}
"""The default of max_grad_norm."""
EVERY_KIND = pytest.mark.parametrize("kind", [*ESTIMATORS])


def spoil(epoch):
    epoch.network.params.flat[:] = np.nan


def advice(kind, data=X, *, method="fit", **options):
    estimator, y = ESTIMATORS[kind]
    made = estimator(3, random_state=0, max_iter=2, on_epoch=spoil, **options)
    with pytest.raises(DivergedError) as caught:
        made.fit(data, y)
    assert str(caught.value).endswith(caught.value.advice)
    return caught.value.advice


@EVERY_KIND
def test_nothing_that_is_set_is_advised(kind):
    found = advice(kind)
    assert found.startswith("The learning rate is 0.0015, gradients are ")
    assert f"clipped to a norm of {USUAL[kind]} and X is standardised" in found
    assert "what on_epoch changes" in found
    for name in ("standardize", "max_grad_norm", "solver", "y,"):
        assert name not in found


@EVERY_KIND
@pytest.mark.parametrize(
    ("options", "said", "unsaid"),
    [
        ({"max_grad_norm": None}, ["Set max_grad_norm={norm}, which is None"], ["solver"]),
        ({"max_grad_norm": 2.5}, [], ["max_grad_norm", "solver"]),
        (
            {"max_grad_norm": 1e4},
            ["Lower max_grad_norm, which is 10000 ({norm} is usual)"],
            ["solver"],
        ),
        (
            {"max_grad_norm": None, "solver": "sgd"},
            ["set max_grad_norm", "solver='adam'"],
            ["standardize"],
        ),
        ({"solver": "sgd"}, [], ["solver", "max_grad_norm"]),
        (
            {"max_grad_norm": None, "max_grad_value": 0.5, "solver": "sgd"},
            ["max_grad_norm"],
            ["solver"],
        ),
        (
            {"learning_rate_init": 0.5, "learning_rate": "constant"},
            ["Lower learning_rate_init, which is 0.5 (0.003 is usual)"],
            ["max_grad_norm", "standardize"],
        ),
        ({"standardize": False}, ["X is below 100 in size"], ["standardize"]),
    ],
)
def test_what_is_not_usual_is_advised(kind, options, said, unsaid):
    found = advice(kind, **options).lower()
    assert all(text.lower().format(norm=USUAL[kind]) in found for text in said)
    assert not [text for text in unsaid if text in found]


@EVERY_KIND
def test_huge_inputs_are_named_with_their_place(kind):
    data = [x.copy() for x in X]
    data[2][1, 1] = -3e8
    found = advice(kind, data, standardize=False)
    assert "since X reaches 3e+08 (sample 2, timestep 1, feature 1)" in found
    assert "standardize=True" in found
    assert "standardize" not in advice(kind, HUGE)


@EVERY_KIND
def test_inputs_far_from_those_of_training_are_named(kind):
    estimator, y = ESTIMATORS[kind]
    made = estimator(3, random_state=0, max_iter=1).fit(X, y)
    made.network_.params.flat[:] = np.nan
    with pytest.raises(DivergedError, match=r"Look for errors in X, where sample \d") as caught:
        made.partial_fit(HUGE, y)
    assert "standard deviations from the mean" in str(caught.value)
    assert "standardize" not in str(caught.value)


def test_targets_far_from_those_of_training_are_named():
    made = RNNRegressor(3, random_state=0, max_iter=1).fit(X, [0.5, 1, 2, -1])
    made.network_.params.flat[:] = np.nan
    with pytest.raises(DivergedError, match="Look for errors in y, of which a target lies"):
        made.partial_fit(X, [1, 2, 1e6, 1])


def test_a_rate_that_on_epoch_set_is_named():
    def raise_rate(epoch):
        epoch.learning_rate = 7.0
        spoil(epoch)

    clf = RNNClassifier(3, random_state=0, max_iter=2, on_epoch=raise_rate)
    with pytest.raises(DivergedError, match=r"lower learning rate than 7 \(learning_rate_init is"):
        clf.fit(X, [0, 1, 0, 1])
