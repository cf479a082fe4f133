"""What training on a store costs, whose files are in the cache, beside the same in memory."""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.earlier import as_recorded
from benchmarks.options import Options
from benchmarks.sheet import Sheet, megabytes_text, seconds_text
from benchmarks.timing import interleave
from elman import RNNClassifier
from elman.data import Dataset, SequenceStore

STEPS, FEATURES, CLASSES, BATCH = 100, 16, 3, 64
GOAL = 1.15
"""times the time in memory"""
FULL, QUICK = 4 * 10**8, 1 * 10**8
"""bytes of X, more than is copied to memory as a whole"""
CASES = {
    "GRU 32": {"hidden_size": 32, "cell": "gru"},
    "LSTM 64": {"hidden_size": 64, "cell": "lstm"},
    "tanh 16": {"hidden_size": 16},
}


def measure(options: Options) -> dict[str, Any]:
    size = QUICK if options.quick else FULL
    n_samples = size // (STEPS * FEATURES * 4)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, STEPS, FEATURES), np.float32)
    y = np.arange(n_samples) % CLASSES
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        store = SequenceStore.write(Path(folder) / "store", Dataset(X, y))
        written = time.perf_counter() - start
        rows = []
        for name, parameters in CASES.items():
            fits = [
                RNNClassifier(
                    **as_recorded(RNNClassifier, **parameters, max_iter=1, batch_size=BATCH),
                    random_state=0,
                )
                for _ in range(2)
            ]
            given: list[tuple[Any, ...]] = [(X, y), (store,)]
            timings = interleave(
                [partial(fit.fit, *data) for fit, data in zip(fits, given, strict=True)],
                seconds=options.seconds,
                min_rounds=options.min_rounds,
            )
            one, other = (fit.network_.params.flat.tobytes() for fit in fits)
            if one != other:
                raise SystemExit(f"{name}: a store gave other bits than memory")
            memory, disk = (timing._asdict() for timing in timings)
            rows.append({"name": name, "memory": memory, "store": disk})
    return {"bytes": size, "seconds_to_write": written, "rows": rows}


def sheets(result: dict[str, Any]) -> list[Sheet]:
    lines = []
    for row in result["rows"]:
        memory, store = row["memory"]["median"], row["store"]["median"]
        ratio = f"{store / memory:.2f}"
        lines.append([row["name"], seconds_text(memory), seconds_text(store), ratio])
    headings = ["", "array in memory", "store", "store / memory"]
    notes = (
        f"One epoch on {megabytes_text(result['bytes'])} of samples of ({STEPS}, {FEATURES}) in "
        f"batches of {BATCH}, with standardisation and every check; the same bits. Written in "
        f"{seconds_text(result['seconds_to_write'])}. Goal: ≤ {GOAL}."
    )
    return [Sheet("Training on a store", headings, lines, notes)]
