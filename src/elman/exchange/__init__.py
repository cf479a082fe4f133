"""Trained models for other runtimes, and models of other frameworks as ours.

Each road is a module: what it needs of others (onnx, torch, h5py) is imported when it is taken.
"""

from elman.exchange.c99 import compare_int8, to_c
from elman.exchange.keras import read_keras, write_keras
from elman.exchange.onnx import to_onnx
from elman.exchange.parts import ExchangeError
from elman.exchange.torch import (
    from_state_dict,
    from_torch,
    save_state_dict,
    to_state_dict,
    to_torch,
)

__all__ = [
    "ExchangeError",
    "compare_int8",
    "from_state_dict",
    "from_torch",
    "read_keras",
    "save_state_dict",
    "to_c",
    "to_onnx",
    "to_state_dict",
    "to_torch",
    "write_keras",
]
