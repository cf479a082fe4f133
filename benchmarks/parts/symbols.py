"""Sequences of symbols: an epoch of training, labels, and a step of a stream, beside PyTorch.

Characters, words and DNA, of which the last are fed one-hot. Where Keras is
installed, it trains and answers too, on JAX. All begin with the same weights and read the same
numbers of symbols: answers and gradients are checked equal before anything is timed. Our own path
over arrays of zeros and ones stands beside the DNA; dense Adam over the vectors of all words beside
a whole step; and the memory of an epoch beside that of the others.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.child import extra_resident, run_child
from benchmarks.field import MAX_DIFFERENCE, best, named
from benchmarks.options import Options
from benchmarks.sheet import Sheet, megabytes_text, seconds_text, timing_text
from benchmarks.symbol_contestants import (
    BATCH,
    CASES,
    CLASSES,
    DNA,
    HIDDEN,
    RATE,
    WORDS,
    Array,
    Case,
    Contestant,
    FromText,
    Problem,
    from_text,
    make_problem,
    ours,
    pytorch,
)
from benchmarks.timing import interleave
from elman.backends import get_backend
from elman.nn.optimizers import make_optimizer
from elman.nn.parameters import Parameters

CELLS = ("gru", "lstm", "elman")
KINDS = {
    "epoch": "An epoch of training",
    "predict": "Labels of the same sequences",
    "step": "A step of a stream, symbol to probabilities",
}
GOALS = {"gru": 5.0, "lstm": 2.0, "elman": 5.0}
"""how many times our time PyTorch is to take, in an epoch and in labels"""
DENSE_GOAL, MEMORY_GOAL = 1.3, 0.2
"""how many times our time our own dense path is to take; our memory as a share of PyTorch's"""
DENSE, TEXT = "dense one-hot", "from text"
PEERS = ("PyTorch, packed", "PyTorch, padded")
KERAS = "Keras"
QUICK = 8
"""a quick run has so many times fewer samples, but a batch at least"""


def measure(options: Options) -> dict[str, Any]:
    rows = [_row(case, cell, options) for case in CASES for cell in CELLS]
    sizes = {"hidden": HIDDEN, "classes": CLASSES, "batch": BATCH}
    return sizes | {"rows": rows, "adam": _adam(options), "memory": _memory(options)}


def _n_samples(case: Case, options: Options) -> int:
    return max(BATCH, case.n_samples // QUICK) if options.quick else case.n_samples


def _row(case: Case, cell: str, options: Options) -> dict[str, Any]:
    problem = make_problem(case, cell, _n_samples(case, options))
    everyone = _field(problem, options)
    row = {"case": str(case), "name": case.name, "cell": cell, "n_samples": len(problem.ids)}
    row |= check_equal(everyone, problem)
    timed = [*everyone, from_text(problem)]
    for kind in ("epoch", "predict"):
        row[kind] = _timed(timed, [getattr(c, kind) for c in timed], options)
    steppers = [c for c in everyone if c.step]
    _one_thread()
    row["step"] = _timed(steppers, [lambda step=c.step: step(1) for c in steppers], options)
    return row


def _field(problem: Problem, options: Options) -> list[Contestant]:
    """Ours at one and two threads first; a quick run gives PyTorch one thread.

    Where all lengths are equal PyTorch packs nothing: there is no step to spare, and its packed
    way over 1,000 steps takes many times as long as its padded one.
    """
    everyone = [ours(problem, 1), ours(problem, 2)]
    if not problem.case.embedding_size:
        everyone += [ours(problem, n, is_dense=True) for n in (1, 2)]
    for n_threads in (1,) if options.quick else (1, 2):
        ways = (True, False) if problem.case.is_unequal else (False,)
        everyone += [pytorch(problem, n_threads, packed=packed) for packed in ways]
    if find_spec("keras"):
        from benchmarks.symbol_keras import keras_on_jax

        everyone.append(keras_on_jax(problem))
    return everyone


def check_equal(everyone: list[Contestant], problem: Problem) -> dict[str, float]:
    """Largest difference from ours: of logits, and of gradients relative to the largest of each.

    The steps of a stream are asked for the probabilities of the first samples one by one.

    Raises
    ------
    SystemExit
        It is larger than rounding explains; nothing is timed then.
    """
    us, *others = everyone
    rows = np.arange(min(BATCH, len(problem.ids)))
    logits, gradients = us.logits(), us.gradients(rows)
    differences = {"logits": 0.0, "gradients": 0.0, "probabilities": 0.0}

    def note(what: str, ours: Array, theirs: Array) -> None:
        scale = (
            max(1.0, float(np.abs(ours).max())) if what == "logits" else float(np.abs(ours).max())
        )
        largest = float(np.abs(ours - theirs).max()) / scale
        differences[what] = max(differences[what], largest)

    for other in others:
        note("logits", logits, other.logits())
        theirs = other.gradients(rows)
        if gradients.keys() != theirs.keys():
            raise SystemExit(f"{other.name} has gradients of {sorted(theirs)}")
        for name, of_ours in gradients.items():
            note("gradients", of_ours, theirs[name])
    symbols = problem.ids[0].tolist()
    steppers = [[c.step(symbol) for symbol in symbols] for c in everyone if c.step]
    for probabilities in steppers[1:]:
        note("probabilities", np.array(steppers[0]), np.array(probabilities))
    if not max(differences.values()) <= MAX_DIFFERENCE:
        raise SystemExit(f"{problem.case}, {problem.cell}: {differences}; not timed")
    return {f"{what}_difference": largest for what, largest in differences.items()}


def _timed(
    contestants: Sequence[Contestant | FromText],
    functions: list[Callable[[], Any]],
    options: Options,
) -> list[dict[str, Any]]:
    timings = interleave(functions, seconds=options.seconds, min_rounds=options.min_rounds)
    return [
        {"name": c.name, "threads": c.n_threads, **t._asdict()}
        for c, t in zip(contestants, timings, strict=True)
    ]


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _adam(options: Options) -> dict[str, Any]:
    """Dense Adam over the vectors of all words, alone, beside whole steps with a batch of them."""
    from benchmarks.symbol_torch import adam_alone

    shape = (WORDS.n_symbols, WORDS.embedding_size)
    rng = np.random.default_rng(0)
    vectors, dE = (Parameters({"embedding0.E": shape}) for _ in range(2))
    for params in (vectors, dE):
        params.flat[...] = rng.standard_normal(params.flat.shape, np.float32)
    optimizer, fused = make_optimizer("adam", vectors), get_backend("native", n_threads=1).fused
    problem = make_problem(WORDS, "gru", BATCH)
    us, them = ours(problem, 1), pytorch(problem, 1, packed=True)
    functions = {
        "elman, Adam alone": lambda: optimizer.step(vectors.flat, dE.flat, RATE, 1.0, fused),
        "elman, a whole step": us.one_batch,
        "PyTorch, Adam alone": adam_alone(shape, RATE),
        "PyTorch, a whole step": them.one_batch,
    }
    _one_thread()
    timings = interleave(
        list(functions.values()), seconds=options.seconds, min_rounds=options.min_rounds
    )
    rows = [{"name": n, **t._asdict()} for n, t in zip(functions, timings, strict=True)]
    return {"shape": shape, "rows": rows}


SIDES: dict[str, Callable[[Problem], Contestant]] = {
    "elman": lambda problem: ours(problem, 1),
    "elman, recompute_every=32": lambda problem: ours(problem, 1, recompute_every=32),
    f"elman, {DENSE}": lambda problem: ours(problem, 1, is_dense=True),
    "PyTorch": lambda problem: pytorch(problem, 1, packed=False),
}
"""Whose memory is measured, each in a process of its own."""


def _memory(options: Options) -> list[dict[str, Any]]:
    n_samples = str(_n_samples(DNA, options))
    return [
        {"name": side, "cell": cell} | run_child(__name__, side, cell, n_samples)
        for cell in CELLS
        for side in SIDES
    ]


def main(side: str, cell: str, n_samples: str) -> None:
    short = DNA._replace(shortest=20, longest=20)
    SIDES[side](make_problem(short, cell, 2 * BATCH)).epoch()  # loads what is loaded once
    epoch = SIDES[side](make_problem(DNA, cell, int(n_samples))).epoch
    extra_bytes = extra_resident(epoch)
    start = time.perf_counter()
    epoch()
    print(json.dumps({"extra_bytes": extra_bytes, "seconds": time.perf_counter() - start}))


def sheets(result: dict[str, Any]) -> list[Sheet]:
    notes = (
        f"Hidden {result['hidden']}, {result['classes']} classes, the last state read, batches of "
        f"{result['batch']}, Adam, gradients clipped. 1, 2: threads. PyTorch's better way is set "
        "against ours, once with one thread each and once with the better number of each. "
        f"{TEXT.capitalize()}: `fit` of one epoch, which makes vocabulary and network too, and "
        "`predict`, of strings or lists of tokens. Differences are the largest from ours of "
        "logits, and of gradients relative to the largest."
    )
    if any(named(row["epoch"], KERAS, 0) for row in result["rows"]):
        notes += (
            " Keras is Keras 3 on JAX, which chooses its own threads and is set against our better "
            "number."
        )
    each = [_sheet(result["rows"], kind, notes if kind == "predict" else "") for kind in KINDS]
    return [*each, _adam_sheet(result["adam"]), _memory_sheet(result["memory"])]


def _sheet(rows: list[dict[str, Any]], kind: str, notes: str) -> Sheet:
    has_two = kind != "step"
    has_keras = any(named(row[kind], KERAS, 0) for row in rows)
    columns = [("elman", 1), *([("elman", 2)] if has_two else [])]
    peers = [(peer, n) for peer in PEERS for n in ((1, 2) if has_two else (1,))]
    headings = ["", *(f"{name} {n}" for name, n in columns)]
    headings += [*([f"elman, {TEXT} 1"] if has_two else []), f"elman, {DENSE} 1"]
    headings += [f"{name} {n}" for name, n in peers] if has_two else ["PyTorch 1"]
    headings += [KERAS] if has_keras else []
    headings += ["packed / elman, 1 thread"] if has_two else []
    headings += ["PyTorch / elman, 1 thread"] + (["best / best", "goal"] if has_two else [])
    headings += [f"{KERAS} / elman"] if has_keras else []
    headings += ["dense / elman, 1 thread", *(["difference"] if has_two else [])]
    lines = []
    for row in rows:
        dense = [t for t in row[kind] if DENSE in t["name"]]
        text = [t for t in row[kind] if TEXT in t["name"]]
        plain = [t for t in row[kind] if t not in dense and t not in text]
        us, of_dense = named(plain, "elman", 1), next(iter(dense), None)
        ours_best, keras = best(plain, "elman"), named(plain, KERAS, 0)
        one = best([t for t in plain if t["threads"] == 1], *PEERS)
        cells = [f"{row['cell']}, {row['case']}", *(_text(named(plain, *c)) for c in columns)]
        cells += [_text(next(iter(text), None))] if has_two else []
        cells += [_text(of_dense)]
        cells += [_text(named(plain, *peer)) for peer in peers] if has_two else [_text(one)]
        cells += [_text(keras)] if has_keras else []
        cells += [_ratio(named(plain, PEERS[0], 1), us)] if has_two else []
        cells += [_ratio(one, us)]
        if has_two:
            cells += [_ratio(best(plain, *PEERS), ours_best), f"≥ {GOALS[row['cell']]:.0f}"]
        cells += [_ratio(keras, ours_best)] if has_keras else []
        cells += [_ratio(of_dense, us) + (f" (≥ {DENSE_GOAL})" if of_dense and has_two else "")]
        if has_two:
            of_kind = "gradients" if kind == "epoch" else "logits"
            cells += [f"{row[f'{of_kind}_difference']:.0e}"]
        lines.append(cells)
    return Sheet(KINDS[kind], headings, lines, notes)


def _text(timing: dict[str, Any] | None) -> str:
    return "-" if timing is None else timing_text(timing)


def _ratio(theirs: dict[str, Any] | None, ours: dict[str, Any] | None) -> str:
    return f"{theirs['median'] / ours['median']:.2f}" if theirs and ours else "-"


def _adam_sheet(adam: dict[str, Any]) -> Sheet:
    whole = {t["name"].split(",")[0]: t["median"] for t in adam["rows"] if "whole" in t["name"]}
    lines = [
        [t["name"], timing_text(t), f"{t['median'] / whole[t['name'].split(',')[0]]:.0%}"]
        for t in adam["rows"]
    ]
    n_rows, size = adam["shape"]
    title = (
        f"Dense Adam over {n_rows:,} vectors of {size}, beside a GRU's step with a batch of words"
    )
    return Sheet(title, ["one thread", "time", "of the whole step"], lines)


def _memory_sheet(rows: list[dict[str, Any]]) -> Sheet:
    lines = []
    for row in rows:
        of_cell = {r["name"]: r["extra_bytes"] for r in rows if r["cell"] == row["cell"]}
        theirs = of_cell["PyTorch"]
        share = "" if row["name"] == "PyTorch" else f"{row['extra_bytes'] / theirs:.2f}"
        goal = f"≤ {MEMORY_GOAL}" if row["name"] != "PyTorch" else ""
        memory, seconds = megabytes_text(row["extra_bytes"]), seconds_text(row["seconds"])
        lines.append([f"{row['cell']}, {row['name']}", memory, share, goal, seconds])
    notes = (
        "One thread. What an epoch takes over the numbers of symbols, which a process that did "
        "nothing else holds already; our dense path holds arrays of zeros and ones instead."
    )
    headings = ["", "peak memory of an epoch", "/ PyTorch's", "goal", "an epoch"]
    return Sheet(f"Memory of training on {DNA}", headings, lines, notes)


if __name__ == "__main__":
    main(*sys.argv[1:])
