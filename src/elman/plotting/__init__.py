"""A fitted estimator in; pictures of it out."""

from elman.plotting.learning_rate import LearningRateDisplay
from elman.plotting.plots import (
    plot_accuracy_by_share,
    plot_confusion_matrix,
    plot_hidden_states,
    plot_loss_curve,
    plot_probabilities_over_time,
)

__all__ = [
    "LearningRateDisplay",
    "plot_accuracy_by_share",
    "plot_confusion_matrix",
    "plot_hidden_states",
    "plot_loss_curve",
    "plot_probabilities_over_time",
]
