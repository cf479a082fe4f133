"""An epoch over one long sequence, its gradient cut at chunks or not: peak memory, time a step."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.child import extra_resident, run_child
from benchmarks.options import Options
from benchmarks.sheet import Sheet, megabytes_text, timing_text

HIDDEN, FEATURES, CLASSES, CHUNK = 32, 2, 3, 200
GOAL = 1 / 20
ROUNDS = 3
"""timed epochs: a peer's takes minutes"""


class Case(NamedTuple):
    """What learns, from a sequence how long, in chunks of how many steps (0: whole)."""

    who: str
    share: float
    """of the length"""
    chunk: int


CASES = (
    Case("elman: a label at every step", 1, CHUNK),
    Case("elman: a label at every step", 0.1, CHUNK),
    Case("elman: a label at every step", 0.1, 0),
    Case("elman: one label, largest state", 1, CHUNK),
    Case("elman: one label, largest state", 0.1, CHUNK),
    Case("elman: one label, largest state", 0.1, 0),
    Case("PyTorch: a label at every step", 1, CHUNK),
    Case("PyTorch: a label at every step", 0.1, CHUNK),
    Case("PyTorch: a label at every step", 0.1, 0),
)


def measure(options: Options) -> dict[str, Any]:
    n_timesteps = 50_000 if options.quick else 1_000_000
    rows = []
    for case in CASES:
        length = int(n_timesteps * case.share)
        arguments = case.who, str(length), str(case.chunk), str(ROUNDS)
        rows.append({**case._asdict(), "length": length, **run_child(__name__, *arguments)})
    return {"n_timesteps": n_timesteps, "rows": rows}


def _problem(n_timesteps: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_timesteps, FEATURES)).astype(np.float32)
    return X, rng.integers(0, CLASSES, n_timesteps)


def _ours(X: Any, codes: Any, chunk: int, *, per_step: bool) -> Callable[[], Any]:
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
    readout = "every" if per_step else "max"
    network = Network.initialised(Layout(FEATURES, (HIDDEN,), CLASSES, readout=readout), rng=rng)
    targets = codes if per_step else codes[:1]
    data = Labelled(Prepared(Sequences(X, [len(X)])), targets, None, per_step)
    plan = Plan(1, 1, lambda epoch: 1e-3, 1.0, bptt_steps=chunk or None)
    optimizer = make_optimizer("adam", network.params)
    backend = get_backend("native", n_threads=1)
    return lambda: run_epoch(
        network, data, optimizer, plan, OneClass(), 1e-3, backend, np.random.default_rng(1), 0
    )


def _torch(X: Any, codes: Any, chunk: int) -> Callable[[], Any]:
    """The loop that its users write: run a chunk, step, detach the state."""
    import torch

    torch.set_num_threads(1)
    rnn, head = torch.nn.RNN(FEATURES, HIDDEN), torch.nn.Linear(HIDDEN, CLASSES)
    weights = [*rnn.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(weights, lr=1e-3)
    loss_of = torch.nn.CrossEntropyLoss()
    steps, labels = torch.from_numpy(X)[:, None], torch.from_numpy(codes)
    chunk = chunk or len(X)

    def epoch() -> None:
        state = torch.zeros(1, 1, HIDDEN)
        for start in range(0, len(X), chunk):
            H, state = rnn(steps[start : start + chunk], state.detach())
            loss = loss_of(head(H[:, 0]), labels[start : start + chunk])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()

    return epoch


def main(who: str, length: str, chunk: str, rounds: str) -> None:
    def make(n_timesteps: int) -> Callable[[], Any]:
        X, codes = _problem(n_timesteps)
        if who.startswith("PyTorch"):
            return _torch(X, codes, int(chunk))
        return _ours(X, codes, int(chunk), per_step="every" in who)

    make(500)()  # loads what is loaded once
    epoch = make(int(length))
    extra = extra_resident(epoch)
    times = []
    for _ in range(int(rounds)):
        start = time.perf_counter()
        epoch()
        times.append(time.perf_counter() - start)
    low, median, high = statistics.quantiles(times, n=4, method="inclusive")
    print(json.dumps({"extra_bytes": extra, "median": median, "low": low, "high": high}))


def sheets(result: dict[str, Any]) -> list[Sheet]:
    lines = []
    for row in result["rows"]:
        history = 4 * row["length"] * HIDDEN
        lines.append(
            [
                row["who"],
                f"{row['length']:,}",
                str(row["chunk"] or "whole"),
                megabytes_text(row["extra_bytes"]),
                f"{row['extra_bytes'] / history:.2f}",
                timing_text(row, per=row["length"]),
            ]
        )
    headings = ["", "time steps", "bptt_steps", "peak memory of an epoch", "/ history"]
    notes = (
        f"One sequence of {FEATURES} features, hidden {HIDDEN}, {CLASSES} classes, float32, one "
        "thread; Adam, gradients clipped. With a label at every step each chunk is a step of the "
        "optimizer, PyTorch's too; one label takes a second pass over the sequence. The memory is "
        "what an epoch takes over the data, the history what all states would take; a batch is a "
        f"copy of its samples. Goal in chunks: ≤ {GOAL:.2f} of the history beside that copy."
    )
    return [Sheet("An epoch over one long sequence", [*headings, "time / step"], lines, notes)]


if __name__ == "__main__":
    main(*sys.argv[1:])
