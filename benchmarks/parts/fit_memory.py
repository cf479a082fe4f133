"""Peak memory of fitting and answering on a large X, beside the X that the caller holds."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.child import extra_resident, run_child
from benchmarks.options import Options
from benchmarks.sheet import Sheet, megabytes_text, seconds_text

STEPS, FEATURES, HIDDEN, CLASSES, BATCH = 50, 8, 8, 3, 256
GOAL = 0.15
"""of X, which a fit may take beside it"""
FULL, QUICK = 10**9, 2 * 10**8
"""bytes of X"""

CASES = (
    "fit, float32 array",
    "fit, float64 array",
    "fit, float32 array, early stopping",
    'fit, float32 array, missing="mask"',
    'fit, float32 array, missing="skip"',
    "fit, list of float32 arrays",
    "predict, float32 array",
    "predict, list of float32 arrays",
)


def measure(options: Options) -> dict[str, Any]:
    size = QUICK if options.quick else FULL
    rows = [{"name": name} | run_child(__name__, name, str(size)) for name in CASES]
    return {"bytes": size, "rows": rows}


def _made(name: str, n_samples: int) -> Any:
    """X of as many samples, noise, with gaps where missing values are asked for."""
    dtype = np.float64 if "float64" in name else np.float32
    rng = np.random.default_rng(0)
    X = np.empty((n_samples, STEPS, FEATURES), dtype)
    for start in range(0, n_samples, 10_000):
        block = X[start : start + 10_000]
        rng.standard_normal(block.shape, dtype, out=block)
    if "missing" in name:
        X[::3, 1, 2] = np.nan
    return [x.copy() for x in X] if "list" in name else X


def _call(name: str, n_samples: int) -> Callable[[], object]:
    """What is measured, X already made."""
    from elman import RNNClassifier

    missing = next((word for word in ("mask", "skip") if word in name), "error")
    classifier = RNNClassifier(
        hidden_size=HIDDEN,
        deltas=0,
        stride=1,
        max_iter=1,
        batch_size=BATCH,
        early_stopping="early" in name,
        missing=missing,
        random_state=0,
    )
    some = _made(name, 100)
    fitted = classifier.fit(some, np.arange(100) % CLASSES)  # loads what is loaded once
    X = _made(name, n_samples)
    y = np.arange(n_samples) % CLASSES
    if name.startswith("predict"):
        return lambda: fitted.predict(X)
    return lambda: fitted.fit(X, y)


def main(name: str, size: str) -> None:
    itemsize = 8 if "float64" in name else 4
    call = _call(name, int(size) // (STEPS * FEATURES * itemsize))
    start = time.perf_counter()
    extra = extra_resident(call)
    print(json.dumps({"extra_bytes": extra, "seconds": time.perf_counter() - start}))


def sheets(result: dict[str, Any]) -> list[Sheet]:
    lines = [
        [
            row["name"],
            megabytes_text(row["extra_bytes"]),
            f"{row['extra_bytes'] / result['bytes']:.3f}",
            seconds_text(row["seconds"]),
        ]
        for row in result["rows"]
    ]
    headings = ["", "peak memory beside X", "/ X", "time of the call"]
    notes = (
        f"X is {megabytes_text(result['bytes'])} of samples of ({STEPS}, {FEATURES}); hidden "
        f"{HIDDEN}, one epoch, batches of {BATCH}. A call's time is that of one run. "
        f"Goal: ≤ {GOAL} of X."
    )
    return [Sheet("Memory of a fit on a large X", headings, lines, notes)]


if __name__ == "__main__":
    main(*sys.argv[1:])
