"""The roads that a trained model can take out of the package, and what is in the way of each."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from elman.models.model import TrainedModel


class Road(NamedTuple):
    """One of them, as a person is told of it."""

    name: str
    target: str
    """what is written, as the command names it"""
    about: str
    """whom it is for"""
    refuses: str
    """what no model that takes it may have"""
    module: str
    """where `reasons_against` is"""
    options: tuple[tuple[str, object], ...] = ()
    """with which it is asked"""

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
    Road(
        "ONNX",
        "MODEL.onnx",
        "ONNX Runtime on servers, phones and in browsers, and other runtimes",
        "layer_norm=True, missing='skip', features whose changes float32 does not hold",
        "elman.exchange.onnx",
    ),
    Road(
        "ONNX stream",
        "MODEL.onnx --stream",
        "the same, a time step in each call, with the state handed in and out",
        "what ONNX refuses, bidirectional=True, scale_each=True",
        "elman.exchange.onnx",
        (("stream", True),),
    ),
    Road(
        "PyTorch",
        "--torch WEIGHTS.safetensors",
        "weights under PyTorch's names; elman.exchange.to_torch makes a module of them",
        "nothing",
        "elman.exchange.torch",
    ),
    Road(
        "Keras",
        "MODEL.keras",
        "Keras 3, by keras.models.load_model",
        "what its standard layers cannot say: layer_norm, an initial state that is learned, "
        "readout='attention', a front end",
        "elman.exchange.keras",
    ),
    Road(
        "C99",
        "--c FOLDER",
        "microcontrollers, WebAssembly, any program: plain C without malloc",
        "names that no C string holds",
        "elman.exchange.c99",
    ),
)
"""In the order in which they are shown."""
