"""A fitted estimator in; pictures of it out."""

from elman.plotting.plots import (
    plot_accuracy_by_share,
    plot_confusion_matrix,
    plot_hidden_states,
    plot_loss_curve,
    plot_probabilities_over_time,
)

__all__ = [
    "plot_accuracy_by_share",
    "plot_confusion_matrix",
    "plot_hidden_states",
    "plot_loss_curve",
    "plot_probabilities_over_time",
]
