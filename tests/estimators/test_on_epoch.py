"""`on_epoch`: a function, or a list of functions, called after each epoch."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from elman import RNNClassifier, RNNRegressor, RNNTagger

X = [np.random.default_rng(t).standard_normal((t, 2)) for t in (3, 5, 2, 7)]
ESTIMATORS = {
    "classifier": (RNNClassifier, [0, 1, 0, 1]),
    "regressor": (RNNRegressor, [0.5, 1, 2, -1]),
    "tagger": (RNNTagger, [np.arange(len(x)) % 2 for x in X]),
}
EVERY_KIND = pytest.mark.parametrize("kind", [*ESTIMATORS])


class Counts:
    """A callback that can be pickled, copied and compared."""

    def __init__(self, stop_at=None):
        self.stop_at = stop_at
        self.seen = []

    def __call__(self, epoch):
        self.seen.append(epoch.epoch)
        return epoch.epoch == self.stop_at


def made(kind, **options):
    estimator, y = ESTIMATORS[kind]
    return estimator(3, random_state=0, **{"max_iter": 4, **options}), y


@EVERY_KIND
def test_all_of_a_list_are_called_also_once_one_has_ended_training(kind):
    first, second = Counts(stop_at=2), Counts()
    estimator, y = made(kind, on_epoch=[first, second])
    estimator.fit(X, y)
    assert first.seen == second.seen == [1, 2]
    assert estimator.history_.stopped_by == "on_epoch"
    estimator.partial_fit(X, y)
    assert first.seen == second.seen == [1, 2, 3]


def test_the_last_of_a_list_says_the_learning_rate():
    def rate(value):
        return lambda epoch: setattr(epoch, "learning_rate", value)

    clf, y = made("classifier", on_epoch=(rate(0.5), rate(0.25)), max_iter=2)
    assert clf.fit(X, y).history_.learning_rate[1] == 0.25


@EVERY_KIND
@pytest.mark.parametrize(
    "hooks", [None, [], [print], [print, None], 3, "stop", {"a": print}, Counts, [print, Counts]]
)
def test_what_it_takes(kind, hooks, tmp_path):
    estimator, y = made(kind, on_epoch=hooks, max_iter=1)
    if hooks is None or hooks in ([], [print]):
        assert clone(estimator).get_params()["on_epoch"] == hooks
        assert estimator.fit(X, y).get_params()["on_epoch"] is hooks
    else:
        wrong = hooks[1] if isinstance(hooks, list) else hooks
        where = r"on_epoch\[1\]" if isinstance(hooks, list) else "on_epoch"
        where += " is the class Counts; pass an object of it" if wrong is Counts else "="
        for call in (estimator.fit, estimator.partial_fit):
            with pytest.raises(TypeError, match=where):
                call(X, y)


def test_a_list_is_cloned_and_pickled_but_not_saved(tmp_path):
    hooks = [Counts(), Counts(stop_at=3)]
    clf, y = made("classifier", on_epoch=hooks)
    other = clone(clf).fit(X, y)
    assert [hook.seen for hook in hooks] == [[], []]
    assert [hook.seen for hook in other.on_epoch] == [[1, 2, 3]] * 2
    for same in (copy.deepcopy(other), pickle.loads(pickle.dumps(other))):
        assert [hook.stop_at for hook in same.on_epoch] == [None, 3]
    other.save(tmp_path / "model.safetensors")
    assert RNNClassifier.load(tmp_path / "model.safetensors").on_epoch is None


def test_a_checkpoint_does_not_mind_other_callbacks(tmp_path):
    clf, y = made("classifier", on_epoch=[Counts(stop_at=2)], checkpoint=tmp_path)
    assert len(clf.fit(X, y).loss_curve_) == 2
    assert len(clf.set_params(on_epoch=[Counts(), Counts()]).fit(X, y).loss_curve_) == 2
