"""A fitted model and recordings in; which time steps and features its answers rest on, out."""

from elman.explain.explanation import Contribution, Explanation
from elman.explain.integrated import input_gradient, integrated_gradients
from elman.explain.occlusion import occlusion

__all__ = [
    "Contribution",
    "Explanation",
    "input_gradient",
    "integrated_gradients",
    "occlusion",
]
