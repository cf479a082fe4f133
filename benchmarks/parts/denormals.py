"""A gradient that vanishes into denormals on its way back, against a healthy one: backward only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.field import MAX_DIFFERENCE
from benchmarks.options import Options
from benchmarks.sheet import Sheet, timing_text
from benchmarks.timing import interleave
from benchmarks.workloads import Size, Workload, make_workload
from elman.backends import get_backend
from elman.backends.cells import Cell, Weights

SIZE = Size(32, 2000, 8, 64)
DECAY, START = 0.99, 1e-37
"""what a step back leaves of the vanishing gradient, and what it begins with"""


def measure(options: Options) -> dict[str, Any]:
    size = SIZE._replace(T=500) if options.quick else SIZE
    healthy, vanishing = _work(size, 1.0, 1.0), _work(size, DECAY, START)
    contestants = {
        ("elman", "healthy"): _ours(healthy, options.isa),
        ("elman", "vanishing"): _ours(vanishing, options.isa),
        ("PyTorch", "healthy"): _pytorch(healthy),
        ("PyTorch", "vanishing"): _pytorch(vanishing),
    }
    ours, theirs = (contestants[name, "healthy"]() for name in ("elman", "PyTorch"))
    difference = float(np.abs(ours - theirs).max() / np.abs(ours).max())
    if not difference <= MAX_DIFFERENCE:
        raise SystemExit(f"the gradients differ by {difference:.1e}; not timed")
    timings = interleave(
        list(contestants.values()), seconds=options.seconds, min_rounds=options.min_rounds
    )
    rows = [
        {"name": name, "case": case, **timing._asdict()}
        for (name, case), timing in zip(contestants, timings, strict=True)
    ]
    denormal_steps = _denormal_steps(vanishing)
    return {
        "size": size._asdict(),
        "denormal_steps": denormal_steps,
        "gradient_difference": difference,
        "rows": rows,
    }


def _work(size: Size, decay: float, start: float) -> Workload:
    """Small inputs, so that tanh' is about 1, and W_h a rotation times `decay`."""
    work = make_workload(size)
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((size.H, size.H)))[0]
    return work._replace(
        X=np.float32(0.01) * work.X,
        W_h=(decay * rotation).astype(np.float32),
        b=np.zeros_like(work.b),
        dfinal=np.float32(start) * work.dfinal,
    )


def _denormal_steps(work: Workload) -> int:
    """Steps at which every element of the gradient is denormal or zero, and not all are zero."""
    dh, count = work.dfinal[:1], 0
    for _ in range(work.size.T):
        largest = np.abs(dh).max()
        count += bool(0 < largest < np.finfo(np.float32).tiny)
        dh = dh @ work.W_h.T
    return count


def _ours(work: Workload, isa: str | None) -> Callable[[], np.ndarray]:
    backend = get_backend("native", n_threads=1, isa=isa)
    weights = Weights(work.W_x, work.W_h, work.b)
    tape = backend.forward(
        Cell(), work.X, None, None, weights, outputs="final", keep_tape=True
    ).tape
    return lambda: backend.backward(None, work.dfinal, tape, need_dX=False).dweights.W_h


def _pytorch(work: Workload) -> Callable[[], np.ndarray]:
    import torch

    size = work.size
    rnn = torch.nn.RNN(size.D, size.H)
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(torch.from_numpy(work.W_x.T))
        rnn.weight_hh_l0.copy_(torch.from_numpy(work.W_h.T))
        rnn.bias_ih_l0.copy_(torch.from_numpy(work.b))
        rnn.bias_hh_l0.zero_()
    last = rnn(torch.from_numpy(work.X.transpose(1, 0, 2).copy()))[1][0]
    dfinal = torch.from_numpy(work.dfinal)

    def backward() -> np.ndarray:
        torch.set_num_threads(1)
        rnn.zero_grad(set_to_none=True)
        last.backward(dfinal, retain_graph=True)
        return rnn.weight_hh_l0.grad.numpy().T

    return backward


def sheets(result: dict[str, Any]) -> list[Sheet]:
    size, rows = Size(**result["size"]), result["rows"]
    lines = []
    for healthy, vanishing in (rows[:2], rows[2:]):
        lines.append(
            [
                healthy["name"],
                timing_text(healthy, size.T),
                timing_text(vanishing, size.T),
                f"{vanishing['median'] / healthy['median']:.2f}",
                "≤ 1" if healthy["name"] == "elman" else "",
            ]
        )
    notes = (
        f"One thread. W_h is a rotation, times {DECAY} in the vanishing case, whose gradient "
        f"starts at {START:.0e} and is denormal at {result['denormal_steps']} of {size.T} steps."
    )
    headings = ["", "healthy, per step", "vanishing, per step", "vanishing / healthy", "goal"]
    return [Sheet(f"Backward pass at ({size})", headings, lines, notes)]
