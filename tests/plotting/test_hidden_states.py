"""The picture of hidden states has the units that move and matter, by when they fell silent."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.plotting import HiddenStatesDisplay, plot_hidden_states
from elman.plotting.hidden_states import last_active_order

pytest.importorskip("matplotlib")

STATES = np.zeros((5, 4))
STATES[:, 0] = [0, 0, 0, 0.1, -0.4]  # to the end, woke last
STATES[:, 1] = [0, 0.9, 0.1, 0.2, 0]  # silent after the second
STATES[:, 2] = [0.8, 0.9, 1, 0.7, 0.6]  # to the end, from the first
# unit 3 never does anything


def test_units_are_sorted_by_when_they_were_last_active():
    assert last_active_order(STATES).tolist() == [3, 1, 2, 0]
    display = HiddenStatesDisplay.from_states(STATES)
    assert display.units.tolist() == [3, 1, 2, 0]
    assert np.array_equal(display.ax_.images[0].get_array(), STATES.T[[3, 1, 2, 0]])
    assert display.ax_.images[0].get_clim() == (-1, 1)
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["3", "1", "2", "0"]


def test_the_most_telling_units_are_drawn():
    moves = HiddenStatesDisplay(STATES, n_units=2)  # unit 1 moves by 0.9, unit 0 by 0.5
    assert sorted(moves.units.tolist()) == [0, 1]
    told = HiddenStatesDisplay(STATES, telling=[0, 1, 3, 2], n_units=2).plot()
    assert told.units.tolist() == [3, 2]
    assert "2 most telling of 4 units" in told.ax_.get_ylabel()
    frame = told.frame()
    assert frame["unit"].tolist() == ["3", "2"] * 5
    assert frame["step"].tolist() == np.repeat([1, 2, 3, 4, 5], 2).tolist()
    assert np.array_equal(frame["state"], STATES[:, [3, 2]].ravel())


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (RNNClassifier(5, max_iter=1), [0, 1, 2]),
        (RNNClassifier(5, max_iter=1, n_layers=2, bidirectional=True), [0, 1, 2]),
        (RNNTagger(5, max_iter=1), [[0, 1, 1, 2]] * 3),
        (RNNRegressor(5, max_iter=1, readout="mean"), [0.5, 1.5, 7]),
        (RNNRegressor(5, max_iter=1), [0.5, 1.5, 7]),
        (RNNClassifier(5, max_iter=1, readout=("attention", "max")), [0, 1, 2]),
        (RNNRegressor(5, max_iter=1, bidirectional=True, n_layers=2), [0.5, 1.5, 7]),
    ],
)
def test_a_unit_that_the_head_does_not_read_tells_nothing(estimator, y, rng):
    X = rng.normal(size=(3, 4, 2))
    estimator.fit(X, y)
    # weights that are the same for every class change no probability
    value = 0 if isinstance(estimator, RNNRegressor) else 3.5
    layout = estimator.network_.layout
    estimator.network_.params["head.W"][3 :: layout.width] = value  # whatever it is read by
    display = HiddenStatesDisplay.from_estimator(estimator, X[1], n_units=4)
    states = estimator.hidden_states(X)[1]
    assert np.array_equal(display.states, states)
    assert display.telling[3] == pytest.approx(0, abs=1e-12)
    assert (np.delete(display.telling, 3) > 0).all()
    assert len(display.units) == 4
    assert 3 not in display.units


def test_of_a_pipeline_and_a_model(rng):
    X = rng.normal(3, 5, size=(4, 6, 2))
    pipeline = make_pipeline(SequenceScaler(), RNNClassifier(3, max_iter=1)).fit(X, [0, 1, 0, 1])
    expected = pipeline[-1].hidden_states(pipeline[:-1].transform(X))[2]
    assert np.array_equal(HiddenStatesDisplay.from_estimator(pipeline, X[2]).states, expected)
    model = pipeline[-1].model_
    scaled = pipeline[:-1].transform(X)[2]
    assert np.array_equal(HiddenStatesDisplay.from_estimator(model, scaled).states, expected)


def test_of_one_feature_over_time_in_columns(rng):
    X = rng.normal(size=(4, 6))
    clf = RNNClassifier(3, max_iter=1).fit(X, [0, 1, 0, 1])
    expected = clf.hidden_states(X)[2]
    for x in (X[2], X[2][:, np.newaxis]):
        assert np.array_equal(HiddenStatesDisplay.from_estimator(clf, x).states, expected)


def test_units_that_read_from_the_end_are_told_apart(rng):
    X = rng.normal(size=(3, 4, 2))
    clf = RNNClassifier(2, max_iter=1, bidirectional=True).fit(X, [0, 1, 1])
    assert HiddenStatesDisplay.from_estimator(clf, X[0]).names == ["0 →", "1 →", "0 ←", "1 ←"]


def test_unbounded_states_set_their_own_scale():
    display = HiddenStatesDisplay.from_states(3 * STATES, step_label="frame")
    assert display.ax_.images[0].get_clim()[1] == pytest.approx(3)
    assert display.ax_.get_xlabel() == "frame"


def test_only_units_that_fall_silent_early_are_marked():
    assert HiddenStatesDisplay.from_states(STATES).ax_.get_legend() is not None
    assert HiddenStatesDisplay.from_states(STATES[:, [0, 2]]).ax_.get_legend() is None


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"states": np.zeros(3)}, "states must have shape"),
        ({"states": np.zeros((0, 3))}, "states must have shape"),
        ({"states": STATES, "telling": [1, 2]}, r"telling has shape \(2,\), expected \(4,\)"),
        ({"states": STATES, "n_units": 0}, "n_units=0 must be"),
        ({"states": STATES, "n_units": 2.5}, "n_units=2.5 must be"),
        ({"states": STATES, "names": ["a"]}, "names has 1 entries for 4 units"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, error):
    with pytest.raises(ValueError, match=error):
        HiddenStatesDisplay(**arguments)


@pytest.mark.parametrize("shape", [(3, 5, 2), (5,), (0, 2)])
def test_one_recording_is_asked_for(shape, rng):
    clf = RNNClassifier(3, max_iter=1).fit(rng.normal(size=(3, 4, 2)), [0, 1, 1])
    with pytest.raises(ValueError, match="x must be one recording"):
        plot_hidden_states(clf, np.zeros(shape))


def test_a_data_frame_is_a_recording_with_named_columns(rng):
    pd = pytest.importorskip("pandas")
    X = [pd.DataFrame(rng.normal(size=(n, 2)), columns=["speed", "tilt"]) for n in (4, 3)]
    clf = RNNClassifier(3, max_iter=1).fit(X, [0, 1])
    expected = clf.hidden_states(X)[0]
    assert np.array_equal(HiddenStatesDisplay.from_estimator(clf, X[0]).states, expected)
    with pytest.raises(ValueError, match="tilt"):
        HiddenStatesDisplay.from_estimator(clf, X[0][["tilt", "speed"]])
