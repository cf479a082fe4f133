"""A fitted model and recordings in; which time steps and features its answers rest on, out."""

from elman.explain.explanation import Contribution, Explanation
from elman.explain.integrated import input_gradient, integrated_gradients
from elman.explain.occlusion import occlusion
from elman.explain.permutation import Importance, permutation_importance
from elman.explain.prefix import Prefixes, shortest_prefix
from elman.explain.rescaling import two_step_rescaling

__all__ = [
    "Contribution",
    "Explanation",
    "Importance",
    "Prefixes",
    "input_gradient",
    "integrated_gradients",
    "occlusion",
    "permutation_importance",
    "shortest_prefix",
    "two_step_rescaling",
]
