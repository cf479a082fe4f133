"""Training on thousands of workers that exist on paper, of which some die and some are slow."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import numpy as np

from benchmarks.earlier import as_recorded
from benchmarks.options import Options
from benchmarks.scale.simulated import Conditions, SimulatedEngine
from benchmarks.sheet import Sheet, seconds_text
from elman import RNNClassifier
from elman.distributed.tasks import GradientTask
from elman.nn.gradient import Samples

STEP_SECONDS = {"sync": 0.04, "local": 0.2}
"""what a worker of usual speed takes for a time step of a sample, on paper: rounds of some 15 s"""
CALM = Conditions(lost_per_hour=0.0, slow_share=0.0)
USUAL = Conditions(lost_per_hour=0.01, slow_share=0.01)
ROUGH = Conditions(lost_per_hour=0.5, slow_share=0.05)
WEATHER = {"none": CALM, "1 % an hour": USUAL, "50 % an hour": ROUGH}


def measure(options: Options) -> dict[str, Any]:
    workers = 256 if options.quick else 2048
    cases: list[tuple[str, int, dict[str, Any], int]] = [
        ("sync", 16, {"batch_size": 1024, "max_iter": 60}, 4096),
        ("sync", 1000, {"batch_size": 1024, "max_iter": 60}, 4096),
        (
            "local",
            workers,
            {
                "mode": "local",
                "replicas": workers,
                "local_steps": 4,
                "batch_size": 4,
                "max_iter": 3 if options.quick else 6,
            },
            workers * 32,
        ),
    ]
    rows = []
    for mode, n_workers, settings, n_samples in cases:
        X, y = _data(n_samples)
        serial = _fitted(X, y, settings, None)
        for weather, conditions in WEATHER.items():
            engine = SimulatedEngine(n_workers, _seconds, conditions, np.random.default_rng(0))
            start = time.perf_counter()
            found = _fitted(X, y, settings, engine)
            counts = engine.counts
            rows.append(
                {
                    "mode": mode,
                    "workers": n_workers,
                    "weather": weather,
                    **vars(counts),
                    "share": counts.busy / (n_workers * counts.seconds),
                    "same": found[0] == serial[0],
                    "loss": found[1],
                    "took": time.perf_counter() - start,
                }
            )
            if not rows[-1]["same"] or counts.differing:
                raise SystemExit(f"{mode} over {n_workers} workers has other bits: {rows[-1]}")
    return {"rows": rows}


def _data(n_samples: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Sequences of 3 to 8 steps; whether their sum is positive."""
    rng = np.random.default_rng(0)
    X = [rng.standard_normal((n, 2), np.float32) for n in rng.integers(3, 9, n_samples)]
    return X, np.array([x.sum() > 0 for x in X])


def _fitted(X: Any, y: Any, settings: dict[str, Any], engine: Any) -> tuple[str, float]:
    """SHA-256 of weights, optimizer and losses; and the last loss."""
    fitted: Any = RNNClassifier(
        hidden_size=8, random_state=0, n_jobs=1, **as_recorded(RNNClassifier, **settings)
    )
    fitted.fit(X, y, executor=engine)
    digest = hashlib.sha256(fitted.network_.params.flat.tobytes())
    for name, value in sorted(fitted._going_on.optimizer.get_state().items()):
        digest.update(name.encode() + np.asarray(value).tobytes())
    digest.update(repr(fitted.loss_curve_).encode())
    return digest.hexdigest(), fitted.loss_curve_[-1]


def _seconds(task: Any) -> float:
    """What a task takes on paper."""
    if not isinstance(task, GradientTask):
        every = [samples for batch in task.piece.batches for _, samples in batch.chunks]
        steps = sum(map(_steps_of, every))
        return STEP_SECONDS["local"] * steps
    return STEP_SECONDS["sync"] * _steps_of(task.samples)


def _steps_of(samples: Samples) -> int:
    n_samples, n_timesteps = samples.X.shape[:2]
    return n_samples * n_timesteps if samples.lengths is None else int(samples.lengths.sum())


def sheets(result: dict[str, Any]) -> list[Sheet]:
    lines = [
        [
            f"{row['mode']}, {row['workers']} workers",
            row["weather"],
            str(row["rounds"]),
            seconds_text(row["seconds"]),
            f"{row['share']:.1%}",
            str(row["lost"]),
            str(row["resent"]),
            str(row["repeated"]),
            "yes" if row["same"] else "NO",
        ]
        for row in result["rows"]
    ]
    headings = ["", "workers lost", "rounds", "time on paper", "workers busy", "tasks lost"]
    headings += ["sent again", "answers twice", "bits of one process"]
    c = USUAL
    notes = (
        f"A death is noticed after {c.noticed_after:g} s and the worker replaced after "
        f"{c.replaced_after:g} s. Where workers are lost, {USUAL.slow_share:.0%} of the tasks "
        f"({ROUGH.slow_share:.0%} where half are lost) take {c.slow_factor:g} times as long, and "
        f"a task is sent to another worker as well after {c.timeout:g} s. The bits are the SHA-256 "
        "of weights, optimizer and losses."
    )
    return [Sheet("Training on a simulated cluster", headings, lines, notes)]
