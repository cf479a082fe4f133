"""An epoch over sequences of unequal lengths, batches by chance and batches by length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.options import Options
from benchmarks.sheet import Sheet, timing_text
from benchmarks.timing import interleave

SIZES = ((8, 32), (12, 96), (64, 256))
"""features, hidden units"""
BATCH = 32


def measure(options: Options) -> dict[str, Any]:
    n_samples = 300 if options.quick else 3000
    rng = np.random.default_rng(0)
    lengths = np.minimum(np.exp(rng.normal(3.5, 1.0, n_samples)).astype(int) + 1, 1000)
    rows = []
    for size in SIZES:
        epochs = [_epoch(lengths, *size, by_length=by_length) for by_length in (False, True)]
        timings = interleave(epochs, seconds=options.seconds, min_rounds=options.min_rounds)
        rows.append({"size": size, "timings": [timing._asdict() for timing in timings]})
    quartiles = np.quantile(lengths, [0, 0.25, 0.5, 0.75, 1]).astype(int).tolist()
    return {"n_samples": n_samples, "lengths": quartiles, "rows": rows}


def _epoch(lengths: Any, n_features: int, hidden: int, *, by_length: bool) -> Callable[[], Any]:
    from elman.backends import get_backend
    from elman.data.prepared import Prepared
    from elman.data.sequences import Sequences
    from elman.nn.layout import Layout
    from elman.nn.network import Network
    from elman.nn.objectives import OneClass
    from elman.nn.optimizers import make_optimizer
    from elman.training.epoch import run_epoch
    from elman.training.labelled import Labelled
    from elman.training.plan import Plan

    rng = np.random.default_rng(0)
    network = Network.initialised(Layout(n_features, (hidden,), 3, readout="max"), rng=rng)
    values = rng.standard_normal((int(lengths.sum()), n_features)).astype(np.float32)
    X = Prepared(Sequences(values, lengths))
    data = Labelled(X, rng.integers(0, 3, len(lengths)), None)
    plan = Plan(1, BATCH, lambda epoch: 1e-3, 1.0, bucket_by_length=by_length)
    optimizer = make_optimizer("adam", network.params)
    backend = get_backend("native", n_threads=2)
    shuffling = np.random.default_rng(1)
    return lambda: run_epoch(
        network, data, optimizer, plan, OneClass(), 1e-3, backend, shuffling, 0
    )


def sheets(result: dict[str, Any]) -> list[Sheet]:
    lines = []
    for row in result["rows"]:
        plain, by_length = row["timings"]
        lines.append(
            [
                ", ".join(map(str, row["size"])),
                timing_text(plain),
                timing_text(by_length),
                f"{plain['median'] / by_length['median']:.2f}",
            ]
        )
    headings = ["features, hidden", "batches by chance", "bucket_by_length", "ratio"]
    notes = (
        f"{result['n_samples']} sequences, batches of {BATCH}, float32, two threads; lengths "
        f"(least, quartiles, largest) {', '.join(map(str, result['lengths']))}."
    )
    return [Sheet("An epoch over unequal lengths", headings, lines, notes)]
