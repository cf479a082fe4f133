"""A fitted estimator, a pipeline or a trained model in; pictures of it out.

Each picture is a display, which keeps its numbers apart from how they are drawn, and a plain
function that returns the Axes.
"""

from elman.plotting.accuracy_by_length import AccuracyByLengthDisplay
from elman.plotting.accuracy_by_share import AccuracyByShareDisplay
from elman.plotting.attribution import AttributionDisplay
from elman.plotting.confusion import plot_confusion_matrix
from elman.plotting.embedding import EmbeddingDisplay
from elman.plotting.gradient_flow import GradientFlowDisplay, gradient_norms
from elman.plotting.hidden_states import HiddenStatesDisplay
from elman.plotting.knowledge import KnowledgeCurveDisplay
from elman.plotting.learning_rate import LearningRateDisplay
from elman.plotting.loss_curve import LossCurveDisplay
from elman.plotting.plots import (
    plot_accuracy_by_share,
    plot_gradient_flow,
    plot_hidden_states,
    plot_loss_curve,
    plot_probabilities_over_time,
)

__all__ = [
    "AccuracyByLengthDisplay",
    "AccuracyByShareDisplay",
    "AttributionDisplay",
    "EmbeddingDisplay",
    "GradientFlowDisplay",
    "HiddenStatesDisplay",
    "KnowledgeCurveDisplay",
    "LearningRateDisplay",
    "LossCurveDisplay",
    "gradient_norms",
    "plot_accuracy_by_share",
    "plot_confusion_matrix",
    "plot_gradient_flow",
    "plot_hidden_states",
    "plot_loss_curve",
    "plot_probabilities_over_time",
]
