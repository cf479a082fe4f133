"""RNNRegressor: one or several numbers for each sequence."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from helpers.sequence_data import make_samples
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNRegressor, SequenceScaler
from elman.formats import archive
from elman.formats.archive import ArchiveError


def quick(**parameters):
    defaults = {"hidden_size": 7, "max_iter": 3, "learning_rate_init": 0.02, "random_state": 0}
    return RNNRegressor(**(defaults | parameters))


@pytest.fixture(params=["equal", "ragged", "object"])
def samples(request, rng):
    """The target: 3 + 100 times the last value of the first feature."""
    X, _ = make_samples(rng, 41, request.param)
    return X, np.array([3 + 100 * x[-1, 0] for x in X])


def both(X, y):
    """A second target, on a scale of its own."""
    return np.column_stack([y, [1e-6 * x[-1, 1] - 5e-6 for x in X]])


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber"])
def test_learns(loss, samples):
    X, y = samples
    reg = quick(max_iter=60, loss=loss, readout="last", alpha=1e-4).fit(X, y)
    predicted = reg.predict(X)
    assert predicted.shape == y.shape
    assert predicted.dtype == np.float64
    assert reg.score(X, y) == r2_score(y, predicted) > 0.95
    assert reg.n_iter_ == len(reg.loss_curve_) == 60


def test_several_targets_of_any_scale(samples):
    X, y = samples
    Y = both(X, y)
    reg = quick(max_iter=60, readout="last", alpha=1e-4).fit(X, Y)
    assert reg.predict(X).shape == (41, 2)
    assert r2_score(Y, reg.predict(X), multioutput="raw_values").min() > 0.9
    np.testing.assert_allclose(reg.y_mean_, Y.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(reg.y_scale_, Y.std(axis=0), rtol=1e-12)
    assert reg.n_outputs_ == 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_units_of_the_target_do_not_matter(dtype, samples):
    X, y = samples
    plain, odd = (quick(dtype=dtype).fit(X, z).predict(X) for z in (y, 2.0**40 * y))
    np.testing.assert_allclose(odd / 2.0**40, plain, rtol=1e-12)
    far = quick(dtype=dtype, max_iter=60, readout="last").fit(X, y + 1e9)
    assert far.score(X, y + 1e9) > 0.9  # float32 alone would lose this
    assert far.weights_["head.W"].dtype == dtype


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("squared", lambda e: e**2),
        ("absolute", np.abs),
        ("huber", lambda e: np.where(np.abs(e) <= 0.5, e**2 / 2, 0.5 * (np.abs(e) - 0.25))),
    ],
)
def test_the_loss_is_that_of_standardised_answers(loss, expected, samples):
    X, y = samples
    Y = both(X, y)
    weights = np.linspace(0.5, 2, 41)
    reg = quick(max_iter=1, learning_rate_init=1e-300, loss=loss, huber_delta=0.5)
    reg.fit(X, Y, weights, X_val=X, y_val=Y)
    np.testing.assert_allclose(reg.y_mean_, np.average(Y, axis=0, weights=weights))
    errors = expected((reg.predict(X) - Y) / reg.y_scale_).mean(axis=1)
    np.testing.assert_allclose(reg.loss_curve_, np.average(errors, weights=weights), rtol=1e-9)
    np.testing.assert_allclose(reg.history_.validation_loss, errors.mean(), rtol=1e-9)
    np.testing.assert_allclose(reg.validation_scores_, reg.score(X, Y), rtol=1e-9)


def test_outliers_pull_huber_and_absolute_less(rng):
    X = np.ones((45, 5, 2))
    y = np.where(np.arange(45) < 5, 1000.0, 0.0) + rng.normal(size=45)
    answer = {
        loss: quick(max_iter=150, loss=loss, huber_delta=0.1).fit(X, y).predict(X)[0]
        for loss in ("squared", "absolute", "huber")
    }
    assert abs(answer["squared"] - y.mean()) < 10
    assert abs(answer["absolute"] - np.median(y)) < 10
    assert abs(answer["huber"]) < 30


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber"])
def test_a_constant_target_is_predicted_exactly(loss, samples):
    X, y = samples
    Y = np.column_stack([y, np.full(41, 7.1e-9)])
    reg = quick(max_iter=5, loss=loss, recurrent_dropout=0.2).fit(X, Y)
    assert (reg.y_mean_[1], reg.y_scale_[1]) == (7.1e-9, 1)
    assert (reg.predict(X)[:, 1] == 7.1e-9).all()
    assert len(np.unique(reg.predict(X)[:, 0])) == 41
    reg.partial_fit(X, both(X, y) + 3)
    assert len(np.unique(reg.predict(X)[:, 1])) == 41


@pytest.mark.parametrize("readout", ["last", "mean", "max", "attention"])
def test_predict_over_time_ends_with_the_answer(readout, samples):
    X, y = samples
    for target in (y, both(X, y)):
        reg = quick(readout=readout).fit(X, target)
        over_time, whole = reg.predict_over_time(X), reg.predict(X)
        assert type(over_time) is type(X)
        for x, values, answer in zip(X, over_time, whole, strict=True):
            assert values.shape == (len(x), *target.shape[1:])
            assert values.dtype == np.float64
            assert values[-1].tobytes() == answer.tobytes()
        longest = int(np.argmax([len(x) for x in X]))
        prefix = reg.predict([X[longest][:2]])[0]
        assert over_time[longest][1].tobytes() == prefix.tobytes()


def test_predict_over_time_of_both_directions_is_refused(samples):
    X, y = samples
    with pytest.raises(ValueError, match=r"no answer .* before it.*bidirectional=False"):
        quick(bidirectional=True).fit(X, y).predict_over_time(X)


def test_a_column_stays_a_column(samples):
    X, y = samples
    flat, column = quick().fit(X, y), quick().fit(X, y[:, np.newaxis])
    assert column.predict(X).shape == (41, 1)
    assert column.predict(X).tobytes() == flat.predict(X).tobytes()


def test_a_sample_has_the_same_bits_in_any_company(samples):
    X, y = samples
    reg = quick(dtype="float32").fit(X, y)
    together = reg.predict(X)
    for i in (0, 7, 40):
        assert reg.predict([X[i]]).tobytes() == together[i].tobytes()
    assert reg.hidden_states(X)[3].shape == (len(X[3]), 7)


def test_same_seed_same_bits(samples):
    assert len({quick(n_jobs=n).fit(*samples).predict(samples[0]).tobytes() for n in (1, 2)}) == 1


def test_sample_weight(samples, rng):
    X, y = samples
    weights = rng.integers(0, 2, size=41).astype(float)
    kept = np.flatnonzero(weights)
    one = quick(batch_size=32).fit(X, y, sample_weight=weights)
    other = clone(one).fit([X[i] for i in kept], y[kept], sample_weight=np.ones(len(kept)))
    assert one.predict(X).tobytes() == other.predict(X).tobytes()
    assert one.score(X, y, weights) == r2_score(y[kept], one.predict(X)[kept])


def test_early_stopping_by_r_squared(samples, rng):
    X, y = samples
    X_val, _ = make_samples(rng, 20, "ragged")
    y_val = [3 + 100 * x[-1, 0] for x in X_val]
    reg = quick(max_iter=300, early_stopping=True, n_iter_no_change=3, learning_rate_init=0.05)
    reg.fit(X, y, X_val=X_val, y_val=y_val)
    assert reg.history_.stopped_by == "early_stopping"
    assert reg.validation_scores_[reg.best_epoch_ - 1] == max(reg.validation_scores_)
    np.testing.assert_allclose(reg.score(X_val, y_val), max(reg.validation_scores_), rtol=1e-9)
    assert len(quick(early_stopping=True).fit(X, y).validation_scores_) > 0


def test_verbose_says_what_the_score_is(samples, capsys):
    quick(verbose=1, early_stopping=True).fit(*samples)
    out = capsys.readouterr().out
    assert "R^2" in out
    assert "accuracy" not in out


def test_partial_fit(samples, tmp_path):
    X, y = samples
    whole = quick(max_iter=4, learning_rate="constant").fit(X, y)
    parts = quick()
    for _ in range(4):
        parts.partial_fit(X, y)
    assert parts.predict(X).tobytes() == whole.predict(X).tobytes()
    mean = parts.y_mean_.copy()
    parts.partial_fit(X, y + 1000)
    assert np.array_equal(parts.y_mean_, mean)
    with pytest.raises(ValueError, match=r"y has 2 target\(s\).*there were 1 in training"):
        parts.partial_fit(X, both(X, y))
    parts.save(tmp_path / "model")
    again = RNNRegressor.load(tmp_path / "model").partial_fit(X, y)
    assert again.n_iter_ == parts.n_iter_ + 1


def test_missing_values(rng):
    X = rng.normal(size=(41, 5, 2))
    y = X[:, -2, 0].copy()
    X[::3, -1] = np.nan
    for missing in ("mask", "skip"):
        reg = quick(missing=missing, max_iter=60).fit(X, y)
        assert reg.predict(X).shape == (41,)
        assert reg.loss_curve_[-1] < reg.loss_curve_[0]


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (None, ValueError, "requires y to be passed"),
        ([1.0, 2.0], ValueError, r"y has 2 value\(s\), but X has 3 sample\(s\)"),
        ([1.0, np.nan, 2.0], ValueError, r"y contains NaN.*\n.*y\[1\]"),
        ([[1.0, 2], [3, np.inf], [1, 2]], ValueError, r"y contains infinity.*\n.*y\[1, 1\]"),
        (["a", "b", "c"], TypeError, "RNNClassifier takes labels"),
        (np.array([1.0, "2", 3], dtype=object), TypeError, "pass numbers"),
        (np.ones(3) + 1j, ValueError, "Complex data not supported: y"),
        ([1, 2, 10**400], ValueError, "y holds a number beyond float64"),
        (np.ones((3, 2, 2)), ValueError, r"y\[0\] has 2 target.*\[0\] has 5 time step"),
        (np.ones((3, 2, 2, 1)), ValueError, r"y has shape \(3, 2, 2, 1\)"),
        (np.ones((3, 0)), ValueError, r"y has shape \(3, 0\)"),
        ([[1.0], [2.0, 3.0], [1.0]], ValueError, "5 time step.*as many targets for every sample"),
        (np.array(["2020-01-01"] * 3, dtype="M8[D]"), TypeError, "pass numbers"),
    ],
)
def test_wrong_y(y, error, message, rng):
    X = rng.normal(size=(3, 5, 2))
    for method in ("fit", "partial_fit"):
        reg = quick()
        with pytest.raises(error, match=message):
            getattr(reg, method)(X, y)
        assert not hasattr(reg, "n_outputs_")


@pytest.mark.parametrize(
    ("name", "value"),
    [("loss", "hinge"), ("huber_delta", 0), ("huber_delta", "1"), ("readout", "each")],
)
def test_wrong_parameters(name, value, rng):
    with pytest.raises((TypeError, ValueError), match=f"^{name}="):
        quick(**{name: value}).fit(rng.normal(size=(3, 5, 2)), [1.0, 2, 3])


@pytest.mark.parametrize("n_targets", [1, 2])
def test_saved_and_loaded_bit_for_bit(n_targets, samples, tmp_path):
    X, y = samples
    path = tmp_path / "model"
    reg = quick(loss="huber", huber_delta=0.5, early_stopping=True, cell="gru")
    reg.fit(X, y if n_targets == 1 else both(X, y)).save(path)
    again = RNNRegressor.load(path)
    assert again.get_params() == reg.get_params()
    assert again.predict(X).tobytes() == reg.predict(X).tobytes()
    assert again.predict(X).shape == reg.predict(X).shape
    assert again.history_ == reg.history_
    assert again.n_outputs_ == n_targets
    again.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    assert pickle.loads(pickle.dumps(reg)).predict(X).tobytes() == reg.predict(X).tobytes()


def test_a_file_says_what_it_holds(samples, tmp_path):
    X, y = samples
    path = tmp_path / "model"
    with pytest.raises(NotFittedError):
        quick().save(path)
    quick().fit(X, y).save(path)
    with pytest.raises(ArchiveError, match="holds a 'RNNRegressor', not a RNNClassifier"):
        RNNClassifier.load(path)


SPOILERS = {
    "no scale": lambda c, t: [t.pop("target.mean"), t.pop("target.scale")],
    "half a scale": lambda c, t: t.pop("target.mean"),
    "scale of another size": lambda c, t: t.update({"target.scale": np.ones(3)}),
    "one target of two": lambda c, t: c.update(one_target=True),
    "another head": lambda c, t: c["network"].update(readout="every"),
    "parameter of a classifier": lambda c, t: c["parameters"].update(class_weight=None),
    "impossible parameter": lambda c, t: c["parameters"].update(loss="hinge"),
}


@pytest.mark.parametrize("spoiler", SPOILERS)
def test_a_whole_file_that_makes_no_sense_is_a_clear_error(spoiler, rng, tmp_path):
    path = tmp_path / "model"
    X = rng.normal(size=(9, 5, 2))
    quick().fit(X, X[:, 0]).save(path)
    tensors, config = archive.load(path)
    SPOILERS[spoiler](config, tensors)
    archive.save(path, tensors, config)
    with pytest.raises(ArchiveError, match=str(path)):
        RNNRegressor.load(path)


def test_model_selection(samples):
    X, y = samples
    reg = quick(max_iter=60, readout="last")
    assert cross_val_score(reg, X, y, cv=3).mean() > 0.6
    assert cross_val_predict(clone(reg), X, both(X, y), cv=2).shape == (41, 2)
    grid = {"hidden_size": [1, 9], "loss": ["squared", "huber"]}
    search = GridSearchCV(reg, grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_["hidden_size"] == 9
    assert search.score(X, y) > 0.9
    pipeline = make_pipeline(SequenceScaler(), clone(reg).set_params(standardize=False))
    assert pipeline.fit(X, y).score(X, y) > 0.9


def test_shows_itself_in_a_notebook(samples):
    shown = quick(loss="huber").fit(*samples)._repr_html_()
    assert "RNNRegressor" in shown
    assert "huber" in shown
