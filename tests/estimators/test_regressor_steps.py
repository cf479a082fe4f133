"""RNNRegressor with targets at time steps, of which some are not known."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from helpers.sequence_data import make_samples
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import cross_val_predict

from elman import RNNRegressor
from elman.formats import archive
from elman.formats.archive import ArchiveError


def quick(**parameters):
    defaults = {"hidden_size": 7, "max_iter": 3, "learning_rate_init": 0.02, "random_state": 0}
    return RNNRegressor(**(defaults | parameters))


def sums(X):
    """3 + 100 times the sum of the first feature so far."""
    return [3 + 100 * np.cumsum(x[:, 0]) for x in X]


def with_gaps(rng, X):
    """The sums, and a second target on a scale of its own; a third of each is not known."""
    Y = [np.column_stack([v, 1e-6 * x[:, 1] - 5e-6]) for v, x in zip(sums(X), X, strict=True)]
    for values in Y:
        values[rng.random(values.shape) < 1 / 3] = np.nan
    return Y


@pytest.fixture(params=["equal", "ragged", "object"])
def samples(request, rng):
    X, _ = make_samples(rng, 31, request.param)
    return X, with_gaps(rng, X)


@pytest.fixture
def ragged(rng):
    X, _ = make_samples(rng, 31, "ragged")
    return X, with_gaps(rng, X)


def bits(answers):
    return b"".join(np.ascontiguousarray(answer).tobytes() for answer in answers)


def joined(rows):
    return np.concatenate([*rows])


def of_known(score, Y, answers, weights=None):
    """A score of each target over the steps at which it is known."""
    Y, answers = joined(Y), joined(answers)
    found = []
    for target, answer in zip(Y.T, answers.T, strict=True):
        known = ~np.isnan(target)
        own = None if weights is None else weights[known]
        found.append(score(target[known], answer[known], sample_weight=own))
    return found


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber"])
def test_learns_each_target_over_the_steps_at_which_it_is_known(loss, samples):
    X, Y = samples
    reg = quick(max_iter=80, loss=loss, alpha=1e-4).fit(X, Y)
    answers = reg.predict(X)
    assert type(answers) is type(X)
    assert getattr(answers, "ndim", None) == getattr(X, "ndim", None)
    for x, values in zip(X, answers, strict=True):
        assert (values.shape, values.dtype) == ((len(x), 2), np.float64)
    scores = of_known(r2_score, Y, answers)
    assert min(scores) > 0.6
    np.testing.assert_allclose(reg.score(X, Y), np.mean(scores), rtol=1e-12)
    np.testing.assert_allclose(reg.y_mean_, np.nanmean(joined(Y), axis=0), rtol=1e-12)
    np.testing.assert_allclose(reg.y_scale_, np.nanstd(joined(Y), axis=0), rtol=1e-12)
    assert reg.n_outputs_ == 2


LOSSES = {
    "squared": lambda e: e**2,
    "absolute": np.abs,
    "huber": lambda e: np.where(np.abs(e) <= 0.5, e**2 / 2, 0.5 * (np.abs(e) - 0.25)),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_a_mean_over_known_targets_by_weight(loss, ragged, rng):
    X, Y = ragged
    weights = [rng.uniform(0.5, 2, len(x)) for x in X]
    reg = quick(max_iter=1, learning_rate_init=1e-300, loss=loss, huber_delta=0.5, batch_size=31)
    reg.fit(X, Y, weights, X_val=X, y_val=Y)
    errors = LOSSES[loss]((joined(reg.predict(X)) - joined(Y)) / reg.y_scale_)
    known = ~np.isnan(errors)
    of_entries = np.repeat(joined(weights)[:, np.newaxis], 2, axis=1)
    expected = np.average(errors[known], weights=of_entries[known])
    np.testing.assert_allclose(reg.loss_curve_, expected, rtol=1e-9)
    np.testing.assert_allclose(reg.history_.validation_loss, errors[known].mean(), rtol=1e-9)
    np.testing.assert_allclose(reg.validation_scores_, reg.score(X, Y), rtol=1e-9)


def test_a_step_of_weight_0_is_one_that_is_not_known(ragged, rng):
    X, Y = ragged
    weights = [rng.integers(0, 2, len(x)).astype(float) for x in X]
    blank = [np.where(w[:, np.newaxis] > 0, v, np.nan) for v, w in zip(Y, weights, strict=True)]
    wild = [np.where(w[:, np.newaxis] > 0, v, 1e6) for v, w in zip(Y, weights, strict=True)]
    one, other = quick().fit(X, wild, weights), quick().fit(X, blank, weights)
    assert bits(one.predict(X)) == bits(other.predict(X))
    assert one.score(X, wild, weights) == one.score(X, blank, weights)
    expected = np.mean(of_known(r2_score, blank, one.predict(X), joined(weights)))
    np.testing.assert_allclose(one.score(X, wild, weights), expected, rtol=1e-12)
    ones = np.ones(31)  # a weight for each sample; all equal, they are none
    assert bits(quick().fit(X, Y, ones).predict(X)) == bits(quick().fit(X, Y).predict(X))


def test_a_sample_of_which_nothing_is_known_is_left_out_of_training(ragged):
    X, Y = ragged
    blank = np.full((4, 2), np.nan)
    more_X, more_Y = [X[0][:1].repeat(4, axis=0), *X], [blank, *Y]
    one = quick(standardize=False).fit(more_X, more_Y)
    other = quick(standardize=False).fit(X, Y)
    assert bits(one.predict(X)) == bits(other.predict(X))


# What y says

EQUAL = np.random.default_rng(7).normal(size=(9, 5, 2))
TARGETS = np.cumsum(EQUAL[:, :, 0], axis=1)
OBJECTS = np.empty(9, dtype=object)
OBJECTS[:] = [*TARGETS]
OF_STEPS = {
    "arrays": [*TARGETS],
    "objects": OBJECTS,
    "Series": [pd.Series(row) for row in TARGETS],
    "columns": [row[:, np.newaxis] for row in TARGETS],
    "3-D": TARGETS[:, :, np.newaxis],
    "float32": [*TARGETS.astype(np.float32)],
    "nullable": [pd.Series(row, dtype="Float64") for row in TARGETS],
}


@pytest.mark.parametrize("name", OF_STEPS)
def test_targets_of_steps_in_any_container(name):
    reg = quick().fit(EQUAL, OF_STEPS[name])
    expected = quick(readout="every").fit(EQUAL, TARGETS)  # which says so
    column = name in ("columns", "3-D")
    assert reg.predict(EQUAL).shape == ((9, 5, 1) if column else (9, 5))
    assert expected.predict(EQUAL).shape == (9, 5)
    if name != "float32":
        assert bits(reg.predict(EQUAL)) == bits(expected.predict(EQUAL))
    assert reg.network_.layout.readout == "every"
    assert isinstance(reg.predict([*EQUAL]), list)


def test_lists_of_unequal_lengths_and_padded_arrays():
    X = [x[:n] for x, n in zip(EQUAL, [5, 3, 0, 1, 5, 2, 4, 5, 1], strict=True)]
    y = [row[: len(x)] for x, row in zip(X, TARGETS, strict=True)]
    padded = np.full((9, 5), np.nan)
    wider = np.full((9, 6), np.nan)
    for i, row in enumerate(y):
        padded[i, : len(row)] = wider[i, : len(row)] = row
    expected = bits(quick().fit(X, y).predict(X))
    assert bits(quick().fit(X, [row.tolist() for row in y]).predict(X)) == expected
    assert bits(quick().fit(X, padded[:, :, np.newaxis]).predict(X)) == expected
    for array in (padded, wider, pd.DataFrame(padded)):
        assert bits(quick(readout="every").fit(X, array).predict(X)) == expected


def test_what_says_that_a_target_is_not_known():
    y = [*TARGETS]
    y[3] = np.where(np.arange(5) == 2, np.nan, y[3])
    expected = bits(quick().fit(EQUAL, y).predict(EQUAL))
    for blank in (None, pd.NA, np.nan):
        row = np.array([blank if t == 2 else v for t, v in enumerate(y[3])], dtype=object)
        assert bits(quick().fit(EQUAL, [*y[:3], row, *y[4:]]).predict(EQUAL)) == expected


def test_numbers_in_a_2d_array_are_of_samples_and_warned_of():
    with pytest.warns(UserWarning, match=r"y has 5 columns.*set readout='every'") as caught:
        reg = quick().fit(EQUAL, TARGETS)
    assert caught[0].filename == __file__
    assert reg.network_.layout.readout == ("last", "mean", "max")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick().fit(EQUAL, TARGETS[:, :3])
        quick().fit(EQUAL[:, :1], TARGETS[:, :1])  # a column is a column
        quick().fit(EQUAL, [*TARGETS[:, :3]])
        quick().fit(EQUAL, TARGETS[:, :3].tolist())
        for y in (TARGETS, TARGETS.tolist(), [*TARGETS]):
            assert quick(readout="last").fit(EQUAL, y).network_.layout.readout == "last"


def test_arrays_that_may_be_either_are_warned_of_where_fit_is_called():
    y = [*TARGETS]
    with pytest.warns(UserWarning, match=r"an array of 5 numbers.*np\.stack\(y\)") as caught:
        reg = quick().fit(EQUAL, y)
    assert [caught[0].filename, len(caught)] == [__file__, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        every = quick(readout="every").fit(EQUAL, y, X_val=EQUAL[:2], y_val=y[:2])
        assert bits(every.predict(EQUAL)) == bits(reg.predict(EQUAL))
        reg.score(EQUAL, y)
        reg.partial_fit(EQUAL, y)
        assert quick(readout="last").fit(EQUAL, np.stack(y)).n_outputs_ == 5


def test_lists_that_may_be_either_are_refused():
    message = r"(?s)list of 5 numbers.*readout='every'.*np.asarray\(y\)"
    with pytest.raises(ValueError, match=message):
        quick().fit(EQUAL, TARGETS.tolist())
    every = quick(readout="every").fit(EQUAL, TARGETS.tolist())
    assert bits(every.predict(EQUAL)) == bits(quick().fit(EQUAL, [*TARGETS]).predict(EQUAL))


def test_a_readout_of_samples_is_not_passed_over():
    X = [x[: 2 + i % 3] for i, x in enumerate(EQUAL)]
    with pytest.raises(ValueError, match=r"targets of time steps, but readout='mean' gives one"):
        quick(readout="mean").fit(X, sums(X))


THREE = [(4, 2), (1, 2), (3, 2)]
RIGHT = [[1.0, 2, 3, 4], [5.0], [6.0, 7, 8]]


def changed(i, row):
    return [row if k == i else one for k, one in enumerate(RIGHT)]


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (changed(2, [1.0, 2]), ValueError, r"y\[2\] has 2 target\(s\), but X\[2\] has 3 time"),
        (RIGHT[:2], ValueError, r"y has targets of 2 sample\(s\), but X has 3"),
        (changed(1, [np.inf]), ValueError, "y contains infinity: sample 1, time step 0 is inf"),
        (
            [np.ones((4, 2)), np.ones((1, 2)), [[1, 1], [1, -np.inf], [1, 1]]],
            ValueError,
            "y contains infinity: sample 2, time step 1, target 1 is -inf",
        ),
        ([np.full(n, np.nan) for n in (4, 1, 3)], ValueError, "y has no known target"),
        (
            [[[1, np.nan]] * n for n in (4, 1, 3)],
            ValueError,
            "y has no known value of target 1, of 2",
        ),
        (changed(0, list("abcd")), TypeError, r"y\[0\] has dtype <U1.*RNNTagger takes labels"),
        (changed(1, [1j]), ValueError, r"Complex data not supported: y\[1\]"),
        (changed(1, [10**400]), ValueError, r"y\[1\] holds a number beyond float64"),
        (changed(1, [[1.0, 2]]), ValueError, r"y\[0\] has a number .*but y\[1\] has 2 column"),
        (changed(1, [[[1.0]]]), ValueError, r"y\[1\] has shape \(1, 1, 1\)"),
        (changed(0, [[1.0], [1, 2], [1], [1]]), ValueError, r"y\[0\] has steps of unequal numbers"),
        (np.ones((3, 2, 1)), ValueError, r"y\[0\] has 2 target\(s\), but X\[0\] has 4"),
        (np.ones((3, 4, 1)), ValueError, r"y\[1\] has 4 target\(s\), but X\[1\] has 1"),
        (
            [np.ma.masked_equal(row, 7) for row in RIGHT],
            ValueError,
            r"y\[2\] is a masked array with 1 .*make it NaN",
        ),
    ],
)
def test_wrong_y(y, error, message, rng):
    X = [rng.normal(size=shape) for shape in THREE]
    for method in ("fit", "partial_fit"):
        reg = quick()
        with pytest.raises(error, match=message):
            getattr(reg, method)(X, y)
        assert not hasattr(reg, "n_outputs_")


def test_wrong_y_of_validation_and_scores(rng):
    X = [rng.normal(size=shape) for shape in THREE]
    short, blank = changed(2, [1.0, 2]), [np.full(n, np.nan) for n in (4, 1, 3)]
    for y, message in ((short, r"\[2\] has 2 target\(s\), but X"), (blank, " has no known target")):
        with pytest.raises(ValueError, match=f"^y{message}"):
            quick().fit(X, RIGHT).score(X, y)
        with pytest.raises(ValueError, match=f"^y_val{message}"):
            quick().fit(X, RIGHT, X_val=X, y_val=y)
    fitted = quick().fit(X, RIGHT)
    with pytest.raises(ValueError, match="no time step with a known target has a positive weight"):
        fitted.score(X, [[1.0, 2, 3, 4], [np.nan], [1, 2, 3]], [0, 1, 0])
    with pytest.raises(ValueError, match="no time step with a known target has a positive weight"):
        quick().fit(X, [[1.0, 2, 3, 4], [np.nan], [1, 2, 3]], [0, 1, 0])


def test_targets_of_samples_for_a_network_of_steps_and_the_reverse():
    with pytest.raises(ValueError, match="y has no targets of time steps, but one for each sample"):
        quick(readout="every").fit(EQUAL, TARGETS[:, 0])
    with pytest.raises(ValueError, match="requires y to be passed"):
        quick(readout="every").fit(EQUAL, None)
    steps = quick(warm_start=True).fit(EQUAL, [*TARGETS])
    with pytest.raises(ValueError, match="y has no targets of time steps"):
        steps.partial_fit(EQUAL, TARGETS[:, 0])
    with pytest.raises(
        ValueError, match=r"y has 2 target\(s\) at each time step, but there were 1"
    ):
        steps.partial_fit(EQUAL, EQUAL)
    with pytest.raises(ValueError, match=r"y_val\[0\] has 3 target\(s\), but X_val\[0\] has 5"):
        steps.fit(EQUAL, [*TARGETS], X_val=EQUAL, y_val=TARGETS[:, :3])
    with pytest.raises(ValueError, match="readout is every, but it is last now"):
        clone(steps).fit(EQUAL, [*TARGETS]).set_params(readout="last").fit(EQUAL, [*TARGETS])
    before = bits(steps.predict(EQUAL))
    assert bits(steps.fit(EQUAL, TARGETS).predict(EQUAL)) != before  # the network says what y is
    one = quick(warm_start=True).fit(EQUAL, TARGETS[:, 0]).set_params(readout="every")
    with pytest.raises(ValueError, match="trained on targets of samples"):
        one.fit(EQUAL, TARGETS)


# Training in other ways


def test_early_stopping_and_scorers(ragged, rng):
    X, Y = ragged
    options = {"max_iter": 40, "early_stopping": True, "n_iter_no_change": 3}
    held_out = quick(**options).fit(X, Y)
    assert len(held_out.validation_scores_) == held_out.n_iter_
    X_val, _ = make_samples(rng, 12, "ragged")
    y_val = [np.where(np.arange(len(v)) % 3 == 1, np.nan, v) for v in sums(X_val)]
    y = sums(X)
    reg = quick(**options).fit(X, y, X_val=X_val, y_val=y_val)
    np.testing.assert_allclose(reg.score(X_val, y_val), max(reg.validation_scores_), rtol=1e-9)
    for scoring in ("neg_mean_absolute_error", lambda e, X, y: e.score(X, y)):
        reg = quick(**options, scoring=scoring).fit(X, y, X_val=X_val, y_val=y_val)
        found = reg.score(X_val, y_val)
        if isinstance(scoring, str):
            known = ~np.isnan(joined(y_val))
            found = -mean_absolute_error(joined(y_val)[known], joined(reg.predict(X_val))[known])
        np.testing.assert_allclose(found, max(reg.validation_scores_), rtol=1e-9)
    with pytest.raises(ValueError, match="only some of their targets: leave scoring out"):
        quick(**options, scoring="r2").fit(X, Y)


def test_partial_fit_is_fit_an_epoch_at_a_time(ragged):
    X, Y = ragged
    whole = quick(max_iter=3, learning_rate="constant").fit(X, Y)
    parts = quick()
    for _ in range(3):
        parts.partial_fit(X, Y)
    assert bits(parts.predict(X)) == bits(whole.predict(X))
    mean = parts.y_mean_
    only_first = [v * [[1, np.nan]] for v in Y]
    parts.partial_fit(X, only_first)
    assert np.array_equal(parts.y_mean_, mean)
    with pytest.raises(ValueError, match="y has no known target"):
        parts.partial_fit(X, [v * np.nan for v in Y])


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber"])
def test_a_constant_target_is_predicted_exactly(loss, ragged):
    X, Y = ragged
    Y = [np.column_stack([v[:, 0], np.where(np.isnan(v[:, 1]), np.nan, 7.1e-9)]) for v in Y]
    reg = quick(loss=loss, recurrent_dropout=0.2).fit(X, Y)
    assert (joined(reg.predict(X))[:, 1] == 7.1e-9).all()
    assert reg.y_scale_[1] == 1


@pytest.mark.parametrize("missing", ["mask", "skip"])
def test_missing_values_of_X(missing, ragged):
    X, Y = ragged
    gaps = [x.copy() for x in X]
    for i, x in enumerate(gaps):
        x[i % len(x), 1] = np.nan
    wild = [v.copy() for v in Y]
    for i, v in enumerate(wild):
        v[i % len(v)] = 1e9
    reg, other = quick(missing=missing).fit(gaps, Y), quick(missing=missing).fit(gaps, wild)
    assert [len(v) for v in reg.predict(gaps)] == [len(x) for x in gaps]
    assert (bits(reg.predict(gaps)) == bits(other.predict(gaps))) == (missing == "skip")


# Answers


def test_bits_do_not_depend_on_threads_or_company(ragged):
    X, Y = ragged
    one, two = (quick(n_jobs=n, cell="gru", dtype="float32").fit(X, Y) for n in (1, 2))
    together = one.predict(X)
    assert bits(together) == bits(two.predict(X)) == bits(one.predict_over_time(X))
    for i in (0, 7, 30):
        assert bits(one.predict([X[i]])) == bits([together[i]])
        prefix = X[i][: (len(X[i]) + 1) // 2]
        assert bits(one.predict([prefix])) == bits([together[i][: len(prefix)]])
    assert one.predict([X[0], np.empty((0, 2))])[1].shape == (0, 2)


def test_both_directions(ragged):
    X, Y = ragged
    reg = quick(bidirectional=True).fit(X, Y)
    assert [len(v) for v in reg.predict(X)] == [len(x) for x in X]
    with pytest.raises(ValueError, match="not that of a sequence which stopped there"):
        reg.predict_over_time(X)
    with pytest.raises(ValueError, match="no answer while"):
        reg.stream()


@pytest.mark.parametrize("readout", [("last", "mean", "max"), "every"], ids=str)
@pytest.mark.parametrize("one_target", [True, False])
def test_saved_and_loaded_bit_for_bit(readout, one_target, ragged, tmp_path):
    X, Y = ragged
    path = tmp_path / "model"
    reg = quick(readout=readout, loss="huber", early_stopping=True)
    reg.fit(X, sums(X) if one_target else Y).save(path)
    again = RNNRegressor.load(path)
    assert again.get_params() == reg.get_params()
    assert bits(again.predict(X)) == bits(reg.predict(X))
    assert again.predict(X)[0].shape == reg.predict(X)[0].shape
    assert again.partial_fit(X, sums(X) if one_target else Y).n_iter_ == reg.n_iter_ + 1
    assert bits(pickle.loads(pickle.dumps(reg)).predict(X)) == bits(reg.predict(X))
    with pytest.raises(ValueError, match="readout is last among the hyper-parameters and every"):
        reg.set_params(readout="last").save(path)
    tensors, config = archive.load(path)
    for forged in (False, 1, "yes"):
        archive.save(path, tensors, config | {"per_step": forged})
        with pytest.raises(ArchiveError, match="per_step is"):
            RNNRegressor.load(path)


def test_cross_validation_of_arrays():
    y = TARGETS[:, :, np.newaxis]
    assert cross_val_predict(quick(), EQUAL, y, cv=2).shape == (9, 5, 1)
    assert quick().fit(EQUAL, y).score(EQUAL, y) == pytest.approx(
        quick(readout="every").fit(EQUAL, TARGETS).score(EQUAL, TARGETS), rel=1e-12
    )


def older(reg):
    """A pickle as it was when "max" was the default, also of targets at each step."""
    state = copy.deepcopy(reg.__getstate__())
    assert state.pop("_default_readout") == ("last", "mean", "max")
    found = RNNRegressor.__new__(RNNRegressor)
    found.__setstate__(state | {"readout": "max"})
    return found


def test_an_older_pickle_whose_readout_nobody_chose(ragged):
    X, Y = ragged
    reg = quick().fit(X, Y)
    again = older(reg)
    assert again.readout == ("last", "mean", "max")
    assert bits(again.partial_fit(X, Y).predict(X)) == bits(reg.partial_fit(X, Y).predict(X))
    whole = quick(readout="max").fit(X, [v[0] for v in sums(X)])
    for kept in (older(quick()), older(whole), pickle.loads(pickle.dumps(whole))):
        assert kept.readout == "max"


@pytest.mark.parametrize("how", [pickle.dumps, None])
@pytest.mark.parametrize("readout", [None, "every", "max"])
def test_a_pickle_of_today_keeps_its_readout(ragged, readout, how):
    """Even one that was set after `fit`, and that no fit would take."""
    X, Y = ragged
    reg = quick().fit(X, Y)
    if readout is not None:
        reg.set_params(readout=readout)
    again = copy.deepcopy(reg) if how is None else pickle.loads(how(reg))
    assert vars(again).keys() == vars(reg).keys()
    assert again.readout == reg.readout


def older_checkpoint(folder):
    for path in folder.glob("*.safetensors"):
        tensors, config = archive.load(path)
        config["parameters"]["readout"] = "max"
        if "training" in config:
            config["training"]["fingerprint"]["readout"] = "max"
        archive.save(path, tensors, config)


@pytest.mark.parametrize("readout", [None, "every"])
@pytest.mark.parametrize("is_older", [True, False])
def test_a_checkpoint_whose_readout_nobody_chose(ragged, tmp_path, readout, is_older):
    X, Y = ragged
    whole = quick().fit(X, Y)
    paused = quick(checkpoint=tmp_path, on_epoch=lambda epoch: "pause" if epoch.epoch == 2 else "")
    paused.fit(X, Y)
    if is_older:
        older_checkpoint(tmp_path)
    chosen = {} if readout is None else {"readout": readout}
    again = quick(checkpoint=tmp_path, **chosen).fit(X, Y)
    assert len(again.history_) == 3
    assert bits(again.predict(X)) == bits(whole.predict(X))


def test_an_older_file_whose_readout_nobody_chose(ragged, tmp_path):
    X, Y = ragged
    path = tmp_path / "model"
    reg = quick().fit(X, Y)
    reg.save(path)
    tensors, config = archive.load(path)
    config["parameters"]["readout"] = "max"  # the default then, also of targets at each step
    archive.save(path, tensors, config)
    again = RNNRegressor.load(path)
    assert again.readout == ("last", "mean", "max")
    assert bits(again.predict(X)) == bits(reg.predict(X))
    assert bits(again.fit(X, Y).predict(X)) == bits(reg.predict(X))
