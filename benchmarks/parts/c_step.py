"""A live stream in exported C: nanoseconds from a time step to the probabilities, beside ours."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.options import Options
from benchmarks.sheet import Sheet, timing_text
from benchmarks.timing import interleave
from benchmarks.workloads import Array
from elman.backends.cells import Cell
from elman.exchange.c99 import to_c
from elman.models.classifier import TrainedClassifier
from elman.nn.layout import Layout
from elman.nn.network import Network

CELLS = ("elman", "gru", "lstm")
HIDDEN = (8, 16, 32, 64)
FEATURES, CLASSES = 4, 5
AT_ONCE = 1000
"""steps in one call, to see what a step takes without Python"""
KERNEL = "elman, in the kernel"
COMPILED = {
    "C, gcc -O2": ("float", ["-O2"]),
    "C, gcc -O3 -march=native": ("float", ["-O3", "-march=native"]),
    "C of int8, gcc -O3 -march=native": ("int8", ["-O3", "-march=native"]),
}
MAX_DIFFERENCE = 1e-5

REPEAT = """
#include "model.h"
void repeat(const float *x, size_t n_steps, float *out);
void repeat(const float *x, size_t n_steps, float *out)
{
    model_state state;
    model_reset(&state);
    for (; n_steps > 0; n_steps--) {
        model_step(&state, x);
        model_probabilities(&state, out);
    }
}
"""

Repeat = Callable[[Array, int], Array]
"""So many steps of one x (FEATURES,) -> the last probabilities (CLASSES,)"""


def measure(options: Options) -> dict[str, Any]:
    if shutil.which("gcc") is None:
        raise SystemExit("gcc is not here, with which the exported C is compiled")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for cell in CELLS:
            for hidden in HIDDEN[: 2 if options.quick else None]:
                place = Path(folder, f"{cell}{hidden}")
                rows.append(_row(cell, hidden, place, options))
    return {"rows": rows, "features": FEATURES, "classes": CLASSES}


def _row(cell: str, hidden: int, folder: Path, options: Options) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    model = _model(cell, hidden, rng)
    x = rng.standard_normal(FEATURES).astype(np.float32)
    stream = model.stream()
    compiled = getattr(stream._steps, "compiled", None)
    if compiled is None:
        raise SystemExit("the compiled kernel is not in use: there is nothing to time beside the C")
    functions: dict[str, Callable[[], object]] = {KERNEL: lambda: compiled.repeat(x, AT_ONCE)}
    difference = 0.0
    for i, (name, (weights, flags)) in enumerate(COMPILED.items()):
        repeat = _compiled(model, folder / str(i), weights, flags)
        functions[name] = lambda repeat=repeat: repeat(x, AT_ONCE)
        if weights == "float":
            difference = max(difference, _difference(model, repeat, x))
    if not difference <= MAX_DIFFERENCE:
        raise SystemExit(f"the C of {cell} disagrees by {difference:.1e}; not timed")
    timings = interleave(
        list(functions.values()), seconds=options.seconds, min_rounds=options.min_rounds
    )
    return {
        "cell": cell,
        "hidden": hidden,
        "difference": difference,
        "timings": [
            {"name": name, "steps": AT_ONCE, **t._asdict()}
            for name, t in zip(functions, timings, strict=True)
        ],
    }


def _model(cell: str, hidden: int, rng: np.random.Generator) -> TrainedClassifier:
    layout = Layout(FEATURES, (hidden,), CLASSES, cell=Cell(cell), readout="last")
    network = Network.initialised(layout, rng=rng, dtype=np.float32)
    return TrainedClassifier(
        network=network, n_features_in=FEATURES, two_d=False, classes=np.arange(CLASSES)
    )


def _compiled(model: TrainedClassifier, folder: Path, weights: str, flags: list[str]) -> Repeat:
    """The C of the model as a function of Python."""
    to_c(model, folder, weights=weights)
    (folder / "repeat.c").write_text(REPEAT)
    library = folder / "model.so"
    sources = [str(folder / "model.c"), str(folder / "repeat.c")]
    command = ["gcc", "-std=c99", *flags, "-shared", "-fPIC", "-o", str(library), *sources, "-lm"]
    subprocess.run(command, check=True)
    function = ctypes.CDLL(str(library)).repeat
    floats = ctypes.POINTER(ctypes.c_float)
    out = np.empty(CLASSES, np.float32)
    to = out.ctypes.data_as(floats)

    def repeat(x: Array, n_steps: int) -> Array:
        function(x.ctypes.data_as(floats), ctypes.c_size_t(n_steps), to)
        return out

    return repeat


def _difference(model: TrainedClassifier, repeat: Repeat, x: Array) -> float:
    stream, largest = model.stream(), 0.0
    for n_steps in range(1, 50):
        largest = max(largest, float(np.abs(stream.step(x) - repeat(x, n_steps)).max()))
    return largest


def sheets(result: dict[str, Any]) -> list[Sheet]:
    names = [KERNEL, *COMPILED]
    lines = []
    for row in result["rows"]:
        of = {t["name"]: timing_text(t, t["steps"]) for t in row["timings"]}
        lines.append([row["cell"], str(row["hidden"]), *(of[name] for name in names)])
    largest = max(row["difference"] for row in result["rows"])
    return [
        Sheet(
            f"exported C: one time step to probabilities, {result['features']} features, "
            f"{result['classes']} classes, float32",
            ["cell", "hidden", *names],
            lines,
            f"One thread; each call repeats a step {AT_ONCE} times. Probabilities of 50 steps "
            f"differ by {largest:.0e} at most from those of the kernel.",
        )
    ]
