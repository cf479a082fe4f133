"""The roads that a trained model can take out of the package, and what is in the way of each."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from elman.models.model import TrainedModel


class Road(NamedTuple):
    """One of them."""

    name: str
    """as a person is told of it"""
    module: str
    """where its `reasons_against` is"""
    options: tuple[tuple[str, object], ...] = ()
    """with which that is asked"""

    def reasons_against(self, model: TrainedModel, **options: object) -> list[str]:
        """Why a model cannot take it: whole sentences; [] if it can.

        Parameters
        ----------
        model : TrainedModel
        options
            As the road's own `reasons_against` takes them.
        """
        ask: Callable[..., list[str]] = import_module(self.module).reasons_against
        return ask(model, **dict(self.options), **options)


ROADS = (
    Road("ONNX", "elman.exchange.onnx"),
    Road("ONNX stream", "elman.exchange.onnx", (("stream", True),)),
    Road("PyTorch", "elman.exchange.torch"),
    Road("Keras", "elman.exchange.keras"),
    Road("C99", "elman.exchange.c99"),
)
"""In the order in which they are shown."""
