"""What is worth a try depends on the data and on what was set, and nothing impossible is tried."""

from __future__ import annotations

import numpy as np
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.data.validation import check_sequences
from elman.tuning.space import LogUniform, described, make_space
from elman.tuning.time_plan import cost_of


def space_of(estimator, n_timesteps=50, overrides=None, *, streams=False, of_steps=False):
    data = check_sequences(np.random.default_rng(0).normal(size=(9, n_timesteps, 2)).cumsum(axis=1))
    return make_space(estimator, data, overrides, streams=streams, of_steps=of_steps, n_train=40)


@pytest.mark.parametrize(
    ("estimator", "of_steps"),
    [
        (RNNClassifier(), False),
        (RNNRegressor(), False),
        (RNNTagger(), True),
        (RNNRegressor(), True),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_every_candidate_can_be_fitted(estimator, of_steps, streams):
    space = space_of(estimator, streams=streams, of_steps=of_steps)
    rng = np.random.RandomState(0)
    drawn = [space.draw({"deltas": 1}, rng) for _ in range(99)]
    for changes in [*space.singles, *drawn]:
        assert space.is_possible(changes), changes
        assert space.effective(changes) == changes
    names = {name for changes in drawn for name in changes}
    assert {"learning_rate_init", "cell", "deltas", "alpha", "hidden_size"} <= names
    assert ("readout" in names) == (not of_steps)
    assert ("stride" in names) == (not of_steps)
    assert ("bidirectional" in names) == (not streams)
    assert [*space.singles[0].items()] == [("deltas", 1)]


def test_single_changes_are_single_and_different():
    singles = space_of(RNNClassifier(deltas=1, cell="gru")).singles
    assert all(len(changes) == 1 for changes in singles)
    assert {"deltas": 0} in singles
    assert {"cell": "gru"} not in singles
    assert len({described(changes) for changes in singles}) == len(singles)


def test_strides_follow_the_data():
    assert "stride" not in space_of(RNNClassifier(), n_timesteps=20).values
    assert space_of(RNNClassifier(stride=1), n_timesteps=50).values["stride"] == [1, 2]
    assert space_of(RNNClassifier(stride=1), n_timesteps=500).values["stride"] == [1, 2, 4, 8]
    automatic = space_of(RNNClassifier(stride="auto", deltas="auto"), n_timesteps=500)
    assert automatic.values["stride"] == [1, 2, 8]  # "auto" is 4 already
    assert {"stride": 2} in automatic.singles
    assert 1 not in automatic.values["deltas"]  # of a series as smooth as this one
    assert {"deltas": 0} in automatic.singles


@pytest.mark.parametrize(
    ("options", "gone"),
    [
        ({"bptt_steps": 5}, "bidirectional"),
        ({"standardize": False}, "scale_each"),
        ({"hidden_size": (3, 4)}, "n_layers"),
    ],
)
def test_what_does_not_go_with_the_estimator_is_left_out(options, gone):
    space = space_of(RNNClassifier(**options))
    assert gone not in space.values
    assert all(gone not in changes for changes in space.singles)


def test_more_epochs_where_steps_are_few():
    few = space_of(RNNClassifier(max_iter=60, batch_size=32))
    assert few.values["max_iter"] == [60, 120, 240]
    many = space_of(RNNClassifier(max_iter=60, batch_size=2))  # 20 batches an epoch
    assert many.values["max_iter"] == [60, 120]


@pytest.mark.parametrize(
    ("n_train", "batch_size", "n_epochs"),
    [
        (20, "auto", 100),  # a batch in an epoch
        (200, "auto", 100),  # 25
        (9000, "auto", 60),
        (40, 2, 100),  # 20
    ],
)
def test_more_epochs_are_more_than_those_of_auto(n_train, batch_size, n_epochs):
    data = check_sequences(np.zeros((9, 5, 2)))
    for estimator in (RNNClassifier(batch_size=batch_size), RNNRegressor(batch_size=batch_size)):
        space = make_space(estimator, data, None, streams=False, of_steps=False, n_train=n_train)
        assert space.automatic == {"max_iter": n_epochs, "deltas": 0, "stride": 1}
        own, *others = space.values["max_iter"]
        assert own == "auto"
        assert min(others) == 2 * n_epochs
        (single,) = [each for each in space.singles if "max_iter" in each]
        assert single["max_iter"] >= 2 * n_epochs


def test_auto_is_of_the_epochs_that_fit_takes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(45, 6, 2))
    for estimator, y, of_steps in (
        (RNNClassifier(2), np.arange(45) % 2, False),
        (RNNRegressor(2), rng.normal(size=45), False),
        (RNNTagger(2, bptt_steps=3), np.arange(270).reshape(45, 6) % 2, True),
    ):
        data = check_sequences(X)
        space = make_space(estimator, data, None, streams=False, of_steps=of_steps, n_train=45)
        seen = []
        estimator.set_params(on_epoch=lambda epoch, seen=seen: seen.append(epoch.n_epochs) or True)
        estimator.fit(X, y)
        assert seen == [space.automatic["max_iter"]]


@pytest.mark.parametrize(
    ("own", "others"),
    [
        (["last", "max"], {("last", "max")}),
        (("max", "last"), {("last", "max")}),
        (("max",), {"max"}),
        (["max", "last", "mean"], {("last", "mean", "max")}),
        ("last", {"last"}),
    ],
)
def test_the_same_readouts_are_not_tried_as_a_change(own, others):
    space = space_of(RNNRegressor(readout=own))
    tried = [each["readout"] for each in space.singles if "readout" in each]
    assert tried
    assert not others & {*tried}
    for value in others:
        assert space.effective({"readout": value}) == {}


@pytest.mark.parametrize(
    ("overrides", "error", "words"),
    [
        ([("cell", ["gru"])], TypeError, "it must be a mapping"),
        ({"dropout": LogUniform(2.0, 3.0)}, ValueError, "dropout="),
        ({"hidden_size": LogUniform(2.0, 3.0)}, TypeError, "hidden_size="),
        ({"bidirectional": LogUniform(1.0, 3.0)}, TypeError, "bidirectional="),
    ],
)
def test_spaces_that_hold_nothing_are_refused(overrides, error, words):
    with pytest.raises(error, match=words):
        space_of(RNNClassifier(), overrides=overrides)


def test_what_a_change_costs():
    own = {"max_iter": 100, "stride": 4}
    assert cost_of(RNNClassifier(), {"max_iter": 300}, own) == 3
    assert cost_of(RNNClassifier(), {"stride": 1, "deltas": 1}, own) == 4
    assert cost_of(RNNClassifier(), {"cell": "gru"}, own) == pytest.approx(2.2)
    assert cost_of(RNNClassifier(cell="gru"), {"cell": "elman"}, own) == pytest.approx(1 / 2.2)
    assert cost_of(RNNClassifier(hidden_size=(3, 4)), {"hidden_size": 64}, own) == 1


def test_numbers_of_all_orders():
    rng = np.random.RandomState(0)
    drawn = [LogUniform(0.001, 0.1).rvs(random_state=rng) for _ in range(999)]
    assert 0.001 <= min(drawn) < 0.0012
    assert 0.08 < max(drawn) <= 0.1
    assert 0.4 < np.mean(np.array(drawn) < 0.01) < 0.6
