"""Explanations of one recording: milliseconds, beside the same answers asked for one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.options import Options
from benchmarks.sheet import Sheet, seconds_text, timing_text
from benchmarks.timing import interleave
from benchmarks.workloads import Array
from elman.backends.cells import Cell
from elman.data.scaling import Standardisation
from elman.explain import integrated_gradients, occlusion
from elman.models.classifier import TrainedClassifier
from elman.nn.layout import Layout
from elman.nn.network import Network

CELLS = ("elman", "gru", "lstm")
STEPS, FEATURES, HIDDEN, CLASSES = 200, 12, 64, 4
READOUT = "max"
DELETE, MEAN, BOTH = "occlusion, delete", "occlusion, mean", "both occlusions"
WHOLE = "predict of every changed recording"
INTEGRATED = "integrated gradients, 16 points"
GOALS = {BOTH: 50e-3}
MAX_DIFFERENCE = 1e-5


def measure(options: Options) -> dict[str, Any]:
    rows = []
    for cell in CELLS:
        rng = np.random.default_rng(0)
        model = _model(cell, rng)
        x = rng.standard_normal((STEPS, FEATURES)).astype(np.float32)
        changed = _changed(x)
        difference = _check_equal(model, x, changed)
        functions: dict[str, Callable[[], object]] = {
            DELETE: lambda model=model, x=x: occlusion(model, [x]),
            MEAN: lambda model=model, x=x: occlusion(model, [x], by="mean"),
            BOTH: lambda model=model, x=x: (
                occlusion(model, [x]),
                occlusion(model, [x], by="mean"),
            ),
            WHOLE: lambda model=model, changed=changed: _answers(model, changed),
            INTEGRATED: lambda model=model, x=x: integrated_gradients(model, [x], n_steps=16),
        }
        timings = interleave(
            list(functions.values()), seconds=options.seconds, min_rounds=options.min_rounds
        )
        named = [{"name": n, **t._asdict()} for n, t in zip(functions, timings, strict=True)]
        rows.append({"cell": cell, "difference": difference, "timings": named})
    return {"rows": rows, "steps": STEPS, "features": FEATURES, "hidden": HIDDEN}


def _model(cell: str, rng: np.random.Generator) -> TrainedClassifier:
    layout = Layout(FEATURES, (HIDDEN,), CLASSES, cell=Cell(cell), readout=READOUT)
    network = Network.initialised(layout, rng=rng, dtype=np.float32)
    return TrainedClassifier(
        network=network,
        n_features_in=FEATURES,
        two_d=False,
        classes=np.arange(CLASSES),
        standardisation=Standardisation(np.zeros(FEATURES), np.ones(FEATURES)),
        n_jobs=1,
    )


def _changed(x: Array) -> list[Array]:
    """The recording without each step, and with each feature at each step overwritten."""
    changed = [np.delete(x, t, axis=0) for t in range(STEPS)]
    for t in range(STEPS):
        for feature in range(FEATURES):
            version = x.copy()
            version[t, feature] = 0
            changed.append(version)
    return changed


def _answers(model: TrainedClassifier, X: list[Array]) -> Array:
    return model.logits(model.check(X))


def _check_equal(model: TrainedClassifier, x: Array, changed: list[Array]) -> float:
    """The largest difference in log-odds between both ways."""
    found = [occlusion(model, [x], target=0), occlusion(model, [x], by="mean", target=0)]
    ours = np.concatenate([explanation.values[0].ravel() for explanation in found])
    z = _answers(model, [x, *changed]).astype(np.float64)
    odds = z[:, 0] - np.log(np.exp(z[:, 1:]).sum(axis=1))
    largest = float(np.abs(odds[0] - odds[1:] - ours).max())
    if not largest <= MAX_DIFFERENCE:
        raise SystemExit(f"explanations disagree by {largest:.1e}; not timed")
    return largest


def sheets(result: dict[str, Any]) -> list[Sheet]:
    return [_sheet(row, result) for row in result["rows"]]


def _sheet(row: dict[str, Any], result: dict[str, Any]) -> Sheet:
    base = next(t["median"] for t in row["timings"] if t["name"] == BOTH)
    lines = []
    for t in row["timings"]:
        goal = GOALS.get(t["name"]) if row["cell"] == "elman" else None
        lines.append(
            [
                t["name"],
                timing_text(t),
                f"{t['median'] / base:.1f}",
                "" if goal is None else f"≤ {seconds_text(goal)}",
            ]
        )
    return Sheet(
        f"{row['cell']}: one recording of {result['steps']} steps, {result['features']} features, "
        f"explained at hidden {result['hidden']}, readout {READOUT}",
        ["", "a call", "/ both occlusions", "goal"],
        lines,
        f"One thread. Both ways to {result['steps'] * (1 + result['features']):,} answers agree "
        f"within {row['difference']:.0e} log-odds.",
    )
