"""Everyone who runs one layer: checked equal, then timed in turn."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import contestants
from benchmarks.contestants import Contestant
from benchmarks.options import Options
from benchmarks.timing import interleave
from benchmarks.workloads import Workload

MAX_DIFFERENCE = 2e-5
PEERS = ("PyTorch", "JAX", "ONNX Runtime")


def field(work: Workload, options: Options) -> list[Contestant]:
    """Ours at one and two threads first; a quick run gives the peers one thread.

    On a busy machine PyTorch's second thread waits for its core in a loop: minutes for a row.
    """
    everyone = [
        contestants.ours(work, 1, options.isa),
        contestants.ours(work, 2, options.isa),
        contestants.jax(work),
    ]
    for n_threads in (1,) if options.quick else (1, 2):
        everyone.append(contestants.pytorch(work, n_threads))
        if work.cell == "elman":
            everyone.append(contestants.onnx_runtime(work, n_threads))
    return everyone


def check_equal(everyone: list[Contestant], size: object) -> dict[str, float]:
    """Largest |difference| from ours: of states; of gradients, relative to the largest."""
    us = everyone[0]
    states, gradients = us.states(), us.gradients()
    state_difference = gradient_difference = 0.0
    for other in everyone[1:]:
        difference = float(np.abs(other.states() - states).max())
        state_difference = max(state_difference, difference)
        if other.gradients is None:
            continue
        for ours, theirs in zip(gradients, other.gradients(), strict=True):
            scale = max(1.0, float(np.abs(ours).max()))
            gradient_difference = max(
                gradient_difference, float(np.abs(ours - theirs).max()) / scale
            )
    if not max(state_difference, gradient_difference) <= MAX_DIFFERENCE:
        raise SystemExit(
            f"({size}): the implementations disagree by {state_difference:.1e} (states), "
            f"{gradient_difference:.1e} (gradients); not timed"
        )
    return {"state_difference": state_difference, "gradient_difference": gradient_difference}


def timed(everyone: list[Contestant], kind: str, options: Options) -> list[dict[str, Any]]:
    """Everyone's time of `kind`, "infer" or "step"; who cannot do it is left out."""
    able = [c for c in everyone if getattr(c, kind)]
    timings = interleave(
        [getattr(c, kind) for c in able], seconds=options.seconds, min_rounds=options.min_rounds
    )
    return [
        {"name": c.name, "threads": c.n_threads, **t._asdict()}
        for c, t in zip(able, timings, strict=True)
    ]


def best(timings: list[dict[str, Any]], *names: str) -> dict[str, Any] | None:
    """The quickest of the named, over their thread counts; ours is "elman"."""
    chosen = [t for t in timings if t["name"].startswith(names)]
    return min(chosen, key=lambda t: t["median"], default=None)


def named(timings: list[dict[str, Any]], name: str, threads: int) -> dict[str, Any] | None:
    """One contestant's time, if it ran."""
    found = (t for t in timings if t["name"].startswith(name) and t["threads"] == threads)
    return next(found, None)
