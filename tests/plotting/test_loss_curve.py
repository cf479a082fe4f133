"""The learning curve has every epoch's losses and scores, on axes that show them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.models.history import History
from elman.plotting import LossCurveDisplay, plot_loss_curve

pytest.importorskip("matplotlib")


def lines(ax):
    """What each line with a name shows."""
    return {line.get_label(): line.get_ydata() for line in ax.lines if line.get_label()[0] != "_"}


def test_it_draws_every_epoch_of_all_four_curves():
    display = LossCurveDisplay(
        [2.0, 1.0, 0.5],
        validation_loss=[2.5, 1.5, 1.75],
        score=[0.2, 0.4, 0.9],
        validation_score=[0.1, 0.6, 0.5],
        best_epoch=2,
        loss_unit="nats",
        score_name="accuracy",
    ).plot()
    losses, scores = lines(display.ax_), lines(display.score_ax_)
    assert losses["training"].tolist() == [2.0, 1.0, 0.5]
    assert losses["validation"].tolist() == [2.5, 1.5, 1.75]
    assert scores["training"].tolist() == [0.2, 0.4, 0.9]
    assert scores["validation"].tolist() == [0.1, 0.6, 0.5]
    assert "best epoch: 2" in losses
    marks = [line for ax in (display.ax_, display.score_ax_) for line in ax.lines]
    marks = [line.get_xydata().tolist() for line in marks if len(line.get_xdata()) == 1]
    assert marks == [[[2, 1.5]], [[2, 0.6]]]
    assert "nats" in display.ax_.get_ylabel()
    assert display.score_ax_.get_ylabel() == "accuracy"
    assert display.frame().to_dict("list") == {
        "epoch": [1, 2, 3],
        "loss": [2.0, 1.0, 0.5],
        "validation_loss": [2.5, 1.5, 1.75],
        "score": [0.2, 0.4, 0.9],
        "validation_score": [0.1, 0.6, 0.5],
    }


@pytest.mark.parametrize(
    ("loss", "validation", "scale"),
    [
        ([2, 0.1, 0.001], None, "log"),
        ([2, 0.1, 0.0], None, "linear"),
        ([2, 1, 0.5], None, "linear"),
        ([2, 1, 0.5], [2, 1, 0.05], "log"),
        ([2], None, "linear"),
        ([-2, -3], None, "linear"),
    ],
)
def test_the_data_decides_the_scale(loss, validation, scale):
    assert LossCurveDisplay(loss, validation_loss=validation).plot().ax_.get_yscale() == scale


def test_r_squared_may_be_negative():
    scores = [-0.3, None, 0.9]
    display = LossCurveDisplay([3, 2, 1], validation_score=scores, score_name="R^2").plot()
    assert display.score_ax_.get_ylabel() == "R^2"
    assert display.score_ax_.get_ylim()[0] == -0.3
    far = LossCurveDisplay([3, 2, 1], score=[-70, 0.1, 0.9], score_name="R^2").plot()
    assert far.score_ax_.get_ylim()[0] == -1


@pytest.mark.parametrize(
    ("estimator", "y", "unit"),
    [
        (RNNClassifier(3), [0, 1, 1], "nats per sample"),
        (RNNTagger(3), [[0, 1, 1, 0]] * 3, "nats per time step"),
        (RNNRegressor(3), [0.5, 1.5, 7], "squared error of standardised targets"),
        (RNNRegressor(3, loss="huber"), [0.5, 1.5, 7], "Huber error of standardised targets"),
    ],
)
def test_of_every_estimator_alone_and_in_a_pipeline(estimator, y, unit, rng):
    X = rng.normal(size=(3, 4, 2))
    estimator.set_params(max_iter=2).fit(X, y, X_val=X, y_val=y)
    display = LossCurveDisplay.from_estimator(estimator)
    assert unit in " ".join(display.ax_.get_ylabel().split())
    history = estimator.history_
    assert lines(display.ax_)["training"].tolist() == history.loss
    assert lines(display.ax_)["validation"].tolist() == history.validation_loss
    assert lines(display.score_ax_)["training"].tolist() == history.score
    assert lines(display.score_ax_)["validation"].tolist() == history.validation_score
    pipeline = make_pipeline(SequenceScaler(), estimator)
    assert lines(plot_loss_curve(pipeline))["training"].tolist() == history.loss


def test_scores_of_different_kinds_do_not_share_an_axis(rng):
    X, y = rng.normal(size=(6, 4, 2)), [0, 1] * 3
    clf = RNNClassifier(3, max_iter=2, scoring="neg_log_loss").fit(X, y, X_val=X, y_val=y)
    display = LossCurveDisplay.from_estimator(clf)
    assert display.score_ax_.get_ylabel() == "neg_log_loss"
    assert "training" not in lines(display.score_ax_)


def test_a_history_without_scores_has_one_axis():
    display = LossCurveDisplay.from_history(History(epoch=[1, 2], loss=[2.0, 1.0], best_epoch=2))
    assert display.score_ax_ is None
    assert display.figure_.axes == [display.ax_]


def test_it_draws_where_it_is_told():
    from matplotlib.figure import Figure

    figure = Figure()
    left, _ = figure.subplots(1, 2)
    display = LossCurveDisplay([2, 1], score=[0.5, 0.75]).plot(left)
    assert display.ax_ is left
    assert display.figure_ is figure
    assert len(figure.axes) == 3
    free = Figure().add_axes((0.1, 0.2, 0.5, 0.6))
    display.plot(free)
    assert display.score_ax_.get_position().y0 == pytest.approx(0.2)
    assert free.get_position().y1 == pytest.approx(0.8)
    assert free.get_position().y0 > display.score_ax_.get_position().y1


def test_what_was_not_trained_has_nothing_to_draw(rng):
    with pytest.raises(ValueError, match="call fit first"):
        plot_loss_curve(RNNClassifier())
    clf = RNNClassifier(3, max_iter=1).fit(rng.normal(size=(4, 3, 2)), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="TrainedClassifier has no record of its training"):
        plot_loss_curve(clf.model_)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"loss": []}, "at least one epoch"),
        ({"loss": [1, 2], "score": [0.5]}, "score has 1 values, but loss has 2"),
        ({"loss": [1, 2], "best_epoch": 3}, "best_epoch=3 is none of the 2 epochs"),
    ],
)
def test_curves_that_do_not_fit_are_refused(arguments, error):
    with pytest.raises(ValueError, match=error):
        LossCurveDisplay(**arguments)


def test_values_that_are_not_known_leave_a_gap():
    display = LossCurveDisplay([3, 2, 1], validation_loss=[None, 2, 1], validation_score=[None] * 3)
    assert np.isnan(display.validation_loss).tolist() == [True, False, False]
    assert display.validation_score is None
