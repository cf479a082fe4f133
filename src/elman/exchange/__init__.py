"""Trained models for other runtimes, and models of other frameworks as ours.

Each road is a module, imported when it is taken, and so is what it needs of others: onnx, torch,
h5py.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOME = {
    "ExchangeError": "parts",
    "compare_int8": "c99",
    "from_state_dict": "torch",
    "from_torch": "torch",
    "read_keras": "keras",
    "save_state_dict": "torch",
    "to_c": "c99",
    "to_onnx": "onnx",
    "to_state_dict": "torch",
    "to_torch": "torch",
    "write_keras": "keras",
}

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


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'elman.exchange' has no attribute {name!r}")
    return getattr(import_module(f"elman.exchange.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
