"""One GRU layer: as `layer`, beside PyTorch and JAX."""

from __future__ import annotations

from typing import Any

from benchmarks.options import Options
from benchmarks.parts import layer
from benchmarks.parts.layer import sheets as sheets


def measure(options: Options) -> dict[str, Any]:
    return layer.measure(options, cell="gru")
