"""Figures show what they say, without touching matplotlib's global state."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.evaluation.scores import class_scores, confusion_counts
from elman.plotting import plots

matplotlib = pytest.importorskip("matplotlib")

N_STEPS, N_UNITS, CLASSES = 5, 7, ["do", "mi", "sol"]


def fitted(states=None, probabilities=None, loss=(2.0, 1.0, 0.5), scores=(), score="accuracy"):
    """What the plots use of a fitted classifier."""
    return SimpleNamespace(
        classes_=np.array(CLASSES),
        loss_curve_=list(loss),
        validation_scores_=list(scores),
        _SCORE=score,
        _loss_unit=lambda: "nats per sample",
        hidden_states=lambda X: [states],
        predict_proba_over_time=lambda X: [probabilities],
    )


RECORDING = np.zeros((N_STEPS, 2))
STATES = np.random.default_rng(8).uniform(-1, 1, (N_STEPS, N_UNITS))
PROBABILITIES = np.array(
    [[0.2, 0.5, 0.3], [0.6, 0.3, 0.1], [0.3, 0.4, 0.3], [0.7, 0.2, 0.1], [0.9, 0.1, 0.0]]
)


def saved(ax, tmp_path):
    ax.figure.savefig(tmp_path / "figure.png")
    return (tmp_path / "figure.png").read_bytes()


def test_loss_curve_draws_every_epoch(tmp_path):
    ax = plots.plot_loss_curve(fitted())
    x, y = ax.lines[0].get_data()
    assert x.tolist() == [1, 2, 3]
    assert y.tolist() == [2.0, 1.0, 0.5]
    assert ax.get_yscale() == "linear"
    assert "nats" in ax.get_ylabel()
    assert saved(ax, tmp_path).startswith(b"\x89PNG")


def test_loss_curve_over_decades_is_logarithmic():
    assert plots.plot_loss_curve(fitted(loss=[2, 0.1, 0.001])).get_yscale() == "log"
    assert plots.plot_loss_curve(fitted(loss=[2, 0.1, 0.0])).get_yscale() == "linear"
    assert plots.plot_loss_curve(fitted(loss=[2])).get_yscale() == "linear"


def test_validation_accuracy_has_an_axis_of_its_own():
    ax = plots.plot_loss_curve(fitted(scores=[0.3, 0.6, 0.9]))
    (right,) = [other for other in ax.figure.axes if other is not ax]
    assert right.lines[0].get_ydata().tolist() == [0.3, 0.6, 0.9]
    assert "accuracy" in right.get_ylabel()


def test_validation_r_squared_may_be_negative():
    ax = plots.plot_loss_curve(fitted(scores=[-0.3, None, 0.9], score="R^2"))
    (right,) = [other for other in ax.figure.axes if other is not ax]
    assert right.get_ylabel() == "validation R^2"
    assert right.get_ylim()[0] == -0.3


@pytest.mark.parametrize(
    ("estimator", "y", "unit"),
    [
        (RNNClassifier(3), [0, 1, 1], "nats per sample"),
        (RNNTagger(3), [[0, 1, 1, 0]] * 3, "nats per time step"),
        (RNNRegressor(3), [0.5, 1.5, 7], "squared error of standardised targets"),
        (RNNRegressor(3, loss="huber"), [0.5, 1.5, 7], "Huber error of standardised targets"),
    ],
)
def test_the_loss_has_its_own_unit(estimator, y, unit, rng):
    X = rng.normal(size=(3, 4, 2))
    estimator.set_params(max_iter=2).fit(X, y)
    assert unit in plots.plot_loss_curve(estimator).get_ylabel()


def test_confusion_matrix_shows_counts_green_and_red():
    y_true = ["do", "do", "do", "mi", "sol"]
    y_pred = ["do", "do", "mi", "mi", "do"]
    ax = plots.plot_confusion_matrix(y_true, y_pred)
    texts = {tuple(t.get_position()): t.get_text() for t in ax.texts}
    # position is (column, row)
    assert texts == {(0, 0): "2", (1, 0): "1", (1, 1): "1", (0, 2): "1", (2, 2): "0"}
    red, green, blue = np.moveaxis(np.asarray(ax.images[0].get_array()), -1, 0)
    assert green[0, 0] > red[0, 0]
    assert red[0, 1] > green[0, 1]
    assert red[0, 2] == green[0, 2] == blue[0, 2]
    assert "3 of 5" in ax.get_title()
    assert [t.get_text() for t in ax.get_xticklabels()] == CLASSES


def test_confusion_matrix_keeps_the_order_of_classes():
    ax = plots.plot_confusion_matrix([1, 2], [1, 2], classes=[2, 1, 3])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["2", "1", "3"]


def test_confusion_matrix_refuses_strangers():
    with pytest.raises(ValueError, match=r"y_pred\[1\] is 4, which is not a known class: \[1, 2\]"):
        plots.plot_confusion_matrix([1, 2], [1, 4], classes=[1, 2])
    with pytest.raises(ValueError, match="equally long"):
        plots.plot_confusion_matrix([1, 2], [1])


def test_units_are_sorted_by_when_they_were_last_active():
    states = np.zeros((N_STEPS, 4))
    states[:, 0] = [0, 0, 0, 0.1, -0.4]  # to the end, woke last
    states[:, 1] = [0, 0.9, 0.1, 0.2, 0]  # silent after the second
    states[:, 2] = [0.8, 0.9, 1, 0.7, 0.6]  # to the end, from the first
    # unit 3 never does anything
    assert plots.last_active_order(states).tolist() == [3, 1, 2, 0]
    ax = plots.plot_hidden_states(fitted(states=states), RECORDING)
    assert np.array_equal(ax.images[0].get_array(), states.T[[3, 1, 2, 0]])
    assert ax.images[0].get_clim() == (-1, 1)


def test_unbounded_states_set_their_own_scale(tmp_path):
    ax = plots.plot_hidden_states(fitted(states=3 * np.abs(STATES)), RECORDING, step_label="frame")
    assert ax.images[0].get_clim()[1] == pytest.approx(3 * np.abs(STATES).max())
    assert ax.get_xlabel() == "frame"
    assert saved(ax, tmp_path).startswith(b"\x89PNG")


def test_states_of_nothing_but_zeros(tmp_path):
    ax = plots.plot_hidden_states(fitted(states=np.zeros((1, 3))), RECORDING[:1])
    assert saved(ax, tmp_path).startswith(b"\x89PNG")


def test_probabilities_over_time_say_when_it_knew(tmp_path):
    ax = plots.plot_probabilities_over_time(
        fitted(probabilities=PROBABILITIES), RECORDING, true_class="do"
    )
    assert "From step 4 of 5" in ax.get_title()
    assert np.array_equal(ax.lines[0].get_ydata(), PROBABILITIES[:, 0])
    assert "do (the true one)" in [t.get_text() for t in ax.get_legend().get_texts()]
    assert saved(ax, tmp_path).startswith(b"\x89PNG")


def test_probabilities_over_time_of_a_mistake():
    ax = plots.plot_probabilities_over_time(
        fitted(probabilities=PROBABILITIES), RECORDING, true_class="mi"
    )
    assert "Not by the end" in ax.get_title()


def test_probabilities_without_a_true_class_stress_the_answer():
    ax = plots.plot_probabilities_over_time(fitted(probabilities=PROBABILITIES), RECORDING)
    assert "do (its answer)" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_knows_from():
    assert plots.knows_from(PROBABILITIES, 0) == 3
    assert plots.knows_from(PROBABILITIES, 1) is None
    assert plots.knows_from(PROBABILITIES[3:], 0) == 0


@pytest.mark.parametrize("plot", [plots.plot_hidden_states, plots.plot_probabilities_over_time])
@pytest.mark.parametrize("shape", [(3, 5, 2), (5,), (0, 2)])
def test_one_recording_is_asked_for(plot, shape):
    with pytest.raises(ValueError, match="x must be one recording"):
        plot(fitted(states=STATES, probabilities=PROBABILITIES), np.zeros(shape))


def test_a_class_that_does_not_exist():
    with pytest.raises(ValueError, match="true_class='re' is not a known class: do, mi, sol"):
        plots.plot_probabilities_over_time(
            fitted(probabilities=PROBABILITIES), RECORDING, true_class="re"
        )


def test_several_labels_have_no_one_answer_over_time(rng):
    X = rng.normal(size=(3, 4, 2))
    clf = RNNClassifier(3, max_iter=1).fit(X, [[0, 1], [1, 1], [0, 0]])
    with pytest.raises(ValueError, match="several labels at once"):
        plots.plot_probabilities_over_time(clf, X[0])


@pytest.mark.parametrize("estimator", [RNNTagger, RNNRegressor])
def test_only_a_classifier_has_probabilities_over_time(estimator):
    with pytest.raises(TypeError, match=f"{estimator.__name__} gives a sequence no class"):
        plots.plot_probabilities_over_time(estimator(), np.zeros((5, 2)))


@pytest.mark.parametrize("lengths", [(3, 5), (4, 4)])
def test_labels_of_time_steps_are_joined_first(lengths):
    y = [["a", "b", "a", "c", "c"][:n] for n in lengths]
    with pytest.raises(ValueError, match=r"np\.concatenate"):
        confusion_counts(y, y)
    joined = np.concatenate(y)
    assert confusion_counts(joined, joined)[1].trace() == sum(lengths)


def test_an_estimator_that_was_not_fitted():
    with pytest.raises(ValueError, match="call fit first"):
        plots.plot_loss_curve(SimpleNamespace())


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plots.plot_loss_curve(fitted(), ax=ax),
        lambda ax: plots.plot_confusion_matrix([1, 2], [2, 2], ax=ax),
        lambda ax: plots.plot_hidden_states(fitted(states=STATES), RECORDING, ax=ax),
        lambda ax: plots.plot_probabilities_over_time(
            fitted(probabilities=PROBABILITIES), RECORDING, ax=ax
        ),
    ],
)
def test_it_draws_where_it_is_told(draw):
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert draw(ax) is ax


def test_global_state_of_matplotlib_is_left_alone():
    script = (
        "import sys; sys.path.insert(0, 'tests/plotting')\n"
        "from test_plots import *\n"
        "plots.plot_loss_curve(fitted()); plots.plot_confusion_matrix([1], [1])\n"
        "plots.plot_hidden_states(fitted(states=STATES), RECORDING).figure.savefig('/dev/null', "
        "format='png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'elman\[plot\]'"):
        plots.plot_loss_curve(fitted())


def test_confusion_counts_and_class_scores():
    classes, counts = confusion_counts(["a", "b", "b", "b"], ["a", "b", "b", "a"], ["a", "b", "c"])
    assert counts.tolist() == [[1, 0, 0], [1, 2, 0], [0, 0, 0]]
    a, b, c = class_scores(classes, counts)
    assert (a.n_true, a.precision, a.recall, a.f1) == (1, 0.5, 1.0, pytest.approx(2 / 3))
    assert (b.n_true, b.precision, b.recall, b.f1) == (3, 1.0, pytest.approx(2 / 3), 0.8)
    assert c.n_true == 0
    assert np.isnan([c.precision, c.recall, c.f1]).all()


def test_scores_agree_with_scikit_learn(rng):
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    y_true, y_pred = rng.integers(0, 4, (2, 61))
    classes, counts = confusion_counts(y_true, y_pred)
    assert np.array_equal(counts, confusion_matrix(y_true, y_pred))
    ours = np.array(
        [[s.precision, s.recall, s.f1, s.n_true] for s in class_scores(classes, counts)]
    )
    assert np.allclose(ours.T, precision_recall_fscore_support(y_true, y_pred), rtol=1e-14, atol=0)
