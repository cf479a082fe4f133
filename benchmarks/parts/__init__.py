"""The parts of `python -m benchmarks`, a file each.

A part has `measure(options)`, which returns what goes into its JSON, and `sheets(result)`, which
makes tables of that. Peers are imported inside `measure`, so tables need none of them.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

PARTS = (
    *("layer", "gru", "lstm", "cell_options", "batch1", "stream", "c_step", "small", "threads"),
    *(
        "fit",
        "predict",
        "containers",
        "from_table",
        "memory",
        "fit_memory",
        "store",
        "tbptt",
        "buckets",
        "denormals",
        "startup",
        "rounds",
        "scale",
        "simulation",
        "explain",
        "symbols",
    ),
)
FORCEABLE = (*("layer", "gru", "lstm", "cell_options", "batch1", "small", "threads", "denormals"),)
"""parts that take an instruction set"""


def part(name: str) -> ModuleType:
    return import_module(f"benchmarks.parts.{name}")
