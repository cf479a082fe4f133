"""What the adapters of both libraries do alike; run for the one that is installed."""

from __future__ import annotations

import copy
import doctest
import importlib
import inspect
import pickle
import warnings

import numpy as np
import pytest
from helpers.adapting import LIBRARIES, LIMITS, adapter, given, ragged, targets
from sklearn.base import clone

import elman
from elman.adapters.adapter import time_first
from elman.hyperparameters.declared import PARAMETERS, PLACE, declarations

OURS = {"ElmanClassifier": "RNNClassifier", "ElmanRegressor": "RNNRegressor"}
OTHER_DEFAULTS = {"aeon": {"n_jobs": 1}, "sktime": {}}


def test_a_library_is_installed():
    """Or nothing here would be run."""
    assert LIBRARIES


@pytest.fixture(params=LIBRARIES)
def library(request):
    return request.param


@pytest.fixture(params=OURS)
def kind(request):
    return request.param


@pytest.fixture
def made(library, kind):
    """The class that is tested."""
    return adapter(library, kind)


def ours(kind, **parameters):
    return getattr(elman, OURS[kind])(**LIMITS | parameters)


def answers(fitted, X):
    """What a fitted classifier or regressor says of X, as numbers."""
    return fitted.predict_proba(X) if hasattr(fitted, "predict_proba") else fitted.predict(X)


# The constructor


def test_every_hyper_parameter_is_there_with_its_default(made, kind, library):
    given = inspect.signature(getattr(elman, OURS[kind])).parameters
    found = inspect.signature(made).parameters
    assert list(found) == list(given)
    other = OTHER_DEFAULTS[library]
    assert {name: each.default for name, each in found.items()} == {
        name: other.get(name, each.default) for name, each in given.items()
    }
    assert [each.kind for each in found.values()] == [each.kind for each in given.values()]
    assert made().get_params() == {name: each.default for name, each in found.items()}


def test_every_hyper_parameter_is_passed_on_as_it_is(made, monkeypatch):
    values = {name: object() for name in inspect.signature(made).parameters}
    values["warm_start"] = False

    class Recorder:
        def __init__(self, **parameters):
            self.parameters = parameters

        def fit(self, X, y):
            self.data = X, y
            return self

    monkeypatch.setattr(made, "_ESTIMATOR", type(made._ESTIMATOR.__name__, (Recorder,), {}))
    adapted = made(**values)
    adapted._train("X", "y")
    assert adapted.estimator_.data == ("X", "y")
    assert list(adapted.estimator_.parameters) == list(values)
    for name, value in values.items():
        assert adapted.estimator_.parameters[name] is value
        assert getattr(adapted, name) is value


def test_arguments_that_there_are_not(made):
    assert made(7).hidden_size == 7
    name = made.__name__
    with pytest.raises(TypeError, match=rf"{name}\(\): got an unexpected keyword argument 'units'"):
        made(units=3)
    with pytest.raises(TypeError, match=rf"{name}\(\): too many positional arguments"):
        made(7, "gru")


def test_the_docstring_has_every_hyper_parameter(made, kind, library):
    text = inspect.getdoc(made)
    assert PLACE not in text
    for name in declarations(PARAMETERS[OURS[kind]]):
        assert text.count(f"\n{name} : ") == 1
    assert ("\nn_jobs : int or None, default=1\n" in text) == (library == "aeon")
    assert ("\nn_jobs : int or None, default=None\n" in text) == (library == "sktime")


def test_a_subclass_has_the_constructor(made, rng):
    class Own(made):
        pass

    X = rng.normal(size=(9, 2, 5))
    own = Own(3, max_iter=1).fit(X, targets(made.__name__, 9))
    assert own.estimator_.hidden_size == 3
    assert clone(own).get_params() == own.get_params()


# Axes


@pytest.mark.parametrize(("n_channels", "n_timepoints"), [(3, 5), (4, 4), (1, 6)])
def test_arrays_have_their_channels_first(made, kind, rng, n_channels, n_timepoints):
    """Where both axes are of one length no shape tells them apart: the numbers do."""
    X, y = rng.normal(size=(11, n_channels, n_timepoints)), targets(kind, 11)
    fitted, judge = made(**LIMITS).fit(X, y), ours(kind).fit(X.transpose(0, 2, 1), y)
    np.testing.assert_array_equal(answers(fitted, X), answers(judge, X.transpose(0, 2, 1)))
    np.testing.assert_array_equal(fitted.predict(X), judge.predict(X.transpose(0, 2, 1)))
    if n_channels == n_timepoints:
        assert not np.array_equal(answers(fitted, X.transpose(0, 2, 1)), answers(fitted, X))


def test_a_2d_array_has_one_channel(made, kind, rng):
    X, y = rng.normal(size=(11, 7)), targets(kind, 11)
    fitted = made(**LIMITS).fit(X, y)
    np.testing.assert_array_equal(answers(fitted, X), answers(fitted, X[:, np.newaxis]))
    np.testing.assert_array_equal(
        answers(fitted, X), answers(ours(kind).fit(X[..., np.newaxis], y), X[..., np.newaxis])
    )


def test_lists_of_unequal_lengths(made, kind, library, rng):
    X = ragged(rng)
    y = targets(kind, len(X))
    fitted, judge = made(**LIMITS).fit(given(library, X), y), ours(kind).fit(X, y)
    np.testing.assert_array_equal(answers(fitted, given(library, X)), answers(judge, X))
    shorter = given(library, X)[3:8]
    np.testing.assert_array_equal(answers(fitted, shorter), answers(judge, X[3:8]))


def test_lists_that_are_square(made, kind, library, rng):
    """As many steps as channels in every case."""
    X = [rng.normal(size=(5, 5)) for _ in range(9)]
    y = targets(kind, len(X))
    fitted, judge = made(**LIMITS).fit(given(library, X), y), ours(kind).fit(X, y)
    np.testing.assert_array_equal(answers(fitted, given(library, X)), answers(judge, X))


def test_another_container_after_training(made, kind, library, rng):
    """Equal lengths in training, in an array; unequal ones later, in a list, and the reverse."""
    X, y = rng.normal(size=(11, 3, 6)), targets(kind, 11)
    fitted, listed = made(**LIMITS).fit(X, y), given(library, X.transpose(0, 2, 1))
    np.testing.assert_array_equal(answers(fitted, listed), answers(fitted, X))
    unequal = [x.transpose()[: 2 + i % 4] for i, x in enumerate(X)]
    np.testing.assert_array_equal(
        answers(fitted, given(library, unequal)), answers(fitted.estimator_, unequal)
    )
    refitted = made(**LIMITS).fit(listed, y)
    np.testing.assert_array_equal(answers(refitted, X), answers(fitted, X))


def test_another_number_of_channels_is_named(made, kind, rng):
    X = rng.normal(size=(9, 3, 5))
    fitted = made(**LIMITS).fit(X, targets(kind, 9))
    with pytest.raises(ValueError, match=r"(?s)3.*2|2 channels.*fitted on 3"):
        fitted.predict(X[:, :2])


def test_channels_that_differ_between_cases_are_named():
    cases = [np.zeros((2, 4)), np.zeros((2, 3)), np.zeros((3, 4))]
    with pytest.raises(ValueError, match=r"case 2 has 3 channels \(shape=\(3, 4\)\), but case 0 h"):
        time_first(cases, None, "any")


def test_time_first_by_mistake_is_told(made, kind, rng):
    """Smooth signals whose time steps came first: what a user of our own estimators may pass."""
    X = np.sin(np.linspace(0, 6, 48)[:, np.newaxis] + rng.uniform(0, 6, size=(11, 1, 2)))
    with pytest.warns(UserWarning, match="from_channels_first"):
        made(**LIMITS).fit(X, targets(kind, 11))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made(**LIMITS).fit(X.transpose(0, 2, 1), targets(kind, 11))


# Tags


def test_the_tags_say_what_is_so(made):
    for name in ("multivariate", "unequal_length", "multithreading"):
        assert made().get_tag(f"capability:{name}") is True
    for name in ("missing_values", "train_estimate", "contractable"):
        assert made().get_tag(f"capability:{name}") is False
    assert made.get_class_tag("capability:missing_values") is False


@pytest.mark.parametrize("missing", ["mask", "skip"])
def test_missing_values_as_missing_says(made, kind, rng, missing):
    X, y = rng.normal(size=(11, 3, 6)), targets(kind, 11)
    X[2, 1, 3:] = X[5, 0, 0] = np.nan
    with pytest.raises(ValueError, match="missing values"):
        made(**LIMITS).fit(X, y)
    later = made(**LIMITS).set_params(missing=missing)
    assert later.get_tag("capability:missing_values") is True
    assert clone(later).get_tag("capability:missing_values") is True
    judge = ours(kind, missing=missing).fit(X.transpose(0, 2, 1), y)
    np.testing.assert_array_equal(answers(later.fit(X, y), X), answers(judge, X.transpose(0, 2, 1)))
    assert later.set_params(missing="error").get_tag("capability:missing_values") is False


# Fitting, and what is fitted


def test_warm_start_is_refused(made, kind, rng):
    X, y = rng.normal(size=(9, 3, 5)), targets(kind, 9)
    with pytest.raises(ValueError, match="warm_start=True cannot be done by " + kind):
        made(**LIMITS, warm_start=True).fit(X, y)


def test_a_second_fit_begins_afresh(made, kind, rng):
    X, y = rng.normal(size=(9, 3, 5)), targets(kind, 9)
    fitted = made(**LIMITS).fit(X, y)
    first = answers(fitted, X)
    fitted.fit(X[:, :2], y)
    assert fitted.estimator_.n_features_in_ == 2
    np.testing.assert_array_equal(answers(fitted.fit(X, y), X), first)


def test_threads_change_no_bit_and_seeds_do(made, kind, rng):
    X, y = rng.normal(size=(9, 3, 5)), targets(kind, 9)
    first = answers(made(**LIMITS, n_jobs=1).fit(X, y), X)
    fitted = made(**LIMITS, n_jobs=2).fit(X, y)
    assert fitted.estimator_.n_jobs == 2
    np.testing.assert_array_equal(answers(fitted, X), first)
    other = made(**LIMITS).set_params(random_state=4).fit(X, y)
    assert not np.array_equal(answers(other, X), first)


@pytest.mark.parametrize(
    "y",
    [[0.0, 1.0, 2.0], [True, False, True], [5, 4, 4], list("bca"), ["ä", "b", "long"]],
    ids=str,
)
def test_labels_keep_their_type(library, rng, y):
    X, y = rng.normal(size=(9, 3, 5)), np.array(y * 3)
    fitted = adapter(library, "ElmanClassifier")(**LIMITS).fit(X, y)
    np.testing.assert_array_equal(fitted.classes_, np.unique(y))
    np.testing.assert_array_equal(fitted.estimator_.classes_, fitted.classes_)
    assert fitted.predict(X).dtype == y.dtype
    np.testing.assert_array_equal(
        fitted.predict(X), fitted.classes_[fitted.predict_proba(X).argmax(axis=1)]
    )


def test_copies_answer_alike(made, kind, library, rng):
    X = given(library, ragged(rng))
    fitted = made(**LIMITS, missing="skip").fit(X, targets(kind, len(X)))
    for copied in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(answers(copied, X), answers(fitted, X))
        assert copied.get_tag("capability:missing_values") is True
    assert not hasattr(clone(fitted), "estimator_")


def test_what_is_inside_can_be_used(made, kind, rng, tmp_path):
    X, y = rng.normal(size=(9, 3, 5)), targets(kind, 9)
    fitted = made(**LIMITS).fit(X, y)
    fitted.estimator_.save(tmp_path / "model.safetensors")
    read = elman.load(tmp_path / "model.safetensors")
    turned = elman.data.from_channels_first(X)
    np.testing.assert_array_equal(answers(read, turned), answers(fitted, X))


def test_the_examples_of_the_docstrings_hold(library):
    module = importlib.import_module(f"elman.adapters.{library}")
    found = doctest.testmod(module)
    assert found.attempted >= 12
    assert found.failed == 0
