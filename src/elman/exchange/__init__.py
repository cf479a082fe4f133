"""Trained models for other runtimes, and models of other frameworks as ours.

Each road is a module: what it needs of others (onnx, torch, h5py) is imported when it is taken.
"""

from elman.exchange.keras import read_keras, write_keras
from elman.exchange.parts import ExchangeError

__all__ = ["ExchangeError", "read_keras", "write_keras"]
