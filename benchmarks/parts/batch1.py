"""One sequence at a time: nanoseconds per step inside a sequence, and of one call per step."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.field import PEERS, best, check_equal, field, named, timed
from benchmarks.options import Options
from benchmarks.sheet import Sheet, seconds_text, timing_text
from benchmarks.timing import interleave
from benchmarks.workloads import Size, make_workload
from elman.backends import get_backend
from elman.backends.cells import Cell, Weights

GOALS = {16: 25e-9, 32: 32e-9, 64: 65e-9, 128: 260e-9, 256: 1400e-9}
"""seconds per step, by hidden size"""
STEPS, FEATURES = 1000, 16
STREAM_GOAL = 0.5e-6


def measure(options: Options) -> dict[str, Any]:
    rows = []
    for hidden in GOALS:
        size = Size(1, STEPS, FEATURES, hidden)
        everyone = field(make_workload(size), options)
        difference = check_equal(everyone, size)["state_difference"]
        timings = timed(everyone, "infer", options)
        rows.append({"size": size._asdict(), "state_difference": difference, "infer": timings})
    return {"rows": rows, "stream": _stream(options)}


def _stream(options: Options, hidden: int = 32) -> list[dict[str, Any]]:
    """One Python call per step, the state handed on by the caller: as in a live stream."""
    import torch

    from benchmarks import contestants

    work = make_workload(Size(1, 1, FEATURES, hidden))
    backend = get_backend("native", n_threads=1, isa=options.isa)
    cell, weights = Cell(), Weights(work.W_x, work.W_h, work.b)
    x, state = work.X[:, 0].copy(), np.zeros((1, hidden), np.float32)
    # ONNX Runtime starts at a zero state here, which is less work than it would have.
    peers = [contestants.pytorch(work, 1), contestants.jax(work), contestants.onnx_runtime(work, 1)]
    h_0 = torch.zeros(1, 1, hidden)
    rnn = torch.nn.RNNCell(FEATURES, hidden)
    ours = backend.step(cell, x, state, weights)
    stepper = backend.stepper(cell, weights)
    stepper.step(x)
    if not np.array_equal(stepper.state, ours):
        raise SystemExit("a stepper and step() disagree")
    for peer in peers:
        if not np.abs(peer.states()[:, 0] - ours).max() < 2e-6:
            raise SystemExit(f"{peer.name} disagrees about one step")
    tensor = torch.from_numpy(x)

    def by_cell() -> object:
        with torch.inference_mode():
            return rnn(tensor, h_0[0])

    named_functions = {
        "elman, stepper": lambda: stepper.step(x),
        "elman, step": lambda: backend.step(cell, x, state, weights),
        "PyTorch nn.RNN": peers[0].infer,
        "PyTorch nn.RNNCell": by_cell,
        "JAX": peers[1].infer,
        "ONNX Runtime": peers[2].infer,
    }
    timings = interleave(
        list(named_functions.values()), seconds=options.seconds, min_rounds=options.min_rounds
    )
    return [
        {"name": name, "hidden": hidden, **t._asdict()}
        for name, t in zip(named_functions, timings, strict=True)
    ]


def sheets(result: dict[str, Any]) -> list[Sheet]:
    lines = []
    for row in result["rows"]:
        size, timings = Size(**row["size"]), row["infer"]
        ours, peers = named(timings, "elman", 1), [best(timings, peer) for peer in PEERS]
        lines.append(
            [
                str(size.H),
                timing_text(ours, size.T),
                *(timing_text(t, size.T) for t in peers),
                f"{min(t['median'] for t in peers) / ours['median']:.1f}",
                f"≤ {seconds_text(GOALS[size.H])}",
                f"{row['state_difference']:.0e}",
            ]
        )
    inside = Sheet(
        f"Time per step inside one sequence of {STEPS} steps, {FEATURES} features, forward",
        ["hidden", "elman 1", *PEERS, "best peer / elman 1", "goal", "difference"],
        lines,
        "elman on one thread, peers at their better thread count.",
    )
    stream, base = result["stream"], result["stream"][0]["median"]
    calls = Sheet(
        f"One Python call per step, one sample, {FEATURES} features, hidden {stream[0]['hidden']}",
        ["", "a call", "/ stepper", "goal"],
        [
            [
                t["name"],
                timing_text(t),
                f"{t['median'] / base:.1f}",
                "" if i else f"≤ {seconds_text(STREAM_GOAL)}",
            ]
            for i, t in enumerate(stream)
        ],
    )
    return [inside, calls]
