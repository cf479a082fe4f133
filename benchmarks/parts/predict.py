"""Labels of 100,000 sequences from a memory-mapped array: time, and memory beside the mapping."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.child import extra_anonymous, run_child
from benchmarks.options import Options
from benchmarks.sheet import Sheet, megabytes_text, timing_text
from benchmarks.timing import interleave

STEPS, FEATURES, HIDDEN, CLASSES = 50, 8, 32, 5
GOAL = 5.0
PEER_BATCHES = (256, 1024, 4096)

Predict = Callable[[], np.ndarray]


def measure(options: Options) -> dict[str, Any]:
    n_samples = 10_000 if options.quick else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "X.npy"
        _write(path, n_samples)
        X = np.load(path, mmap_mode="r")
        # On a busy machine two threads of PyTorch take many times as long.
        peers = {n: _best_batch(X, n) for n in ((1,) if options.quick else (1, 2))}
        functions = {("elman", n, 0): _ours(X, n) for n in (1, 2)}
        functions |= {("PyTorch", n, batch): _pytorch(X, n, batch) for n, batch in peers.items()}
        labels = [predict() for predict in functions.values()]
        same = min(float((labels[0] == others).mean()) for others in labels[1:])
        if same < 1 - 1e-4:  # a sample on the line between two classes may fall either way
            raise SystemExit(f"the labels agree on {same:.3%} only; not timed")
        timings = interleave(
            list(functions.values()), seconds=options.seconds, min_rounds=options.min_rounds
        )
        rows = []
        for (name, threads, batch), timing in zip(functions, timings, strict=True):
            memory = run_child(__name__, name, str(threads), str(batch), str(path))
            row = {"name": name, "threads": threads, "batch": batch}
            rows.append(row | timing._asdict() | memory)
    size = {"n_samples": n_samples, "n_timesteps": STEPS, "n_features": FEATURES, "hidden": HIDDEN}
    mapped = n_samples * STEPS * FEATURES * 4
    return {"size": size, "mapped_bytes": mapped, "same": same, "rows": rows}


def _write(path: Path, n_samples: int) -> None:
    shape = (n_samples, STEPS, FEATURES)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    rng = np.random.default_rng(0)
    for start in range(0, n_samples, 10_000):
        chunk = out[start : start + 10_000]
        chunk[:] = rng.standard_normal(chunk.shape, dtype=np.float32)
    out.flush()


def _classifier(n_jobs: int) -> Any:
    from elman import RNNClassifier

    rng = np.random.default_rng(1)
    X = rng.standard_normal((10 * CLASSES, STEPS, FEATURES)).astype(np.float32)
    classifier = RNNClassifier(
        hidden_size=HIDDEN,
        readout="last",
        deltas=0,
        stride=1,
        max_iter=1,
        batch_size=32,
        standardize=False,
        random_state=0,
        n_jobs=n_jobs,
    )
    return classifier.fit(X, np.arange(len(X)) % CLASSES)


def _ours(X: np.ndarray, n_jobs: int) -> Predict:
    classifier = _classifier(n_jobs)
    return lambda: classifier.predict(X)


def _pytorch(X: np.ndarray, n_threads: int, batch: int) -> Predict:
    """nn.RNN and nn.Linear with our weights, in batches, without gradients."""
    import torch

    weights = {k: torch.from_numpy(np.array(w)) for k, w in _classifier(1).weights_.items()}
    rnn = torch.nn.RNN(FEATURES, HIDDEN, batch_first=True)
    head = torch.nn.Linear(HIDDEN, CLASSES)
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(weights["recurrent0.W_x"].T)
        rnn.weight_hh_l0.copy_(weights["recurrent0.W_h"].T)
        rnn.bias_ih_l0.copy_(weights["recurrent0.b"])
        rnn.bias_hh_l0.zero_()
        head.weight.copy_(weights["head.W"].T)
        head.bias.copy_(weights["head.b"])

    def predict() -> np.ndarray:
        torch.set_num_threads(n_threads)
        labels = np.empty(len(X), np.int64)
        with torch.inference_mode():
            for start in range(0, len(X), batch):
                chunk = torch.from_numpy(np.array(X[start : start + batch]))
                labels[start : start + batch] = head(rnn(chunk)[1][0]).argmax(1).numpy()
        return labels

    return predict


def _best_batch(X: np.ndarray, n_threads: int) -> int:
    """The batch that PyTorch is quickest with."""
    some = X[: 2 * max(PEER_BATCHES)]
    peers = [_pytorch(some, n_threads, batch) for batch in PEER_BATCHES]
    medians = [timing.median for timing in interleave(peers, seconds=0.2, min_rounds=3)]
    return PEER_BATCHES[medians.index(min(medians))]


def main(name: str, threads: str, batch: str, path: str) -> None:
    X = np.load(path, mmap_mode="r")

    def predict(X: np.ndarray) -> Predict:
        return _ours(X, int(threads)) if name == "elman" else _pytorch(X, int(threads), int(batch))

    predict(X[: 2 * max(PEER_BATCHES)])()  # what is allocated once and kept is not the call's
    print(json.dumps({"extra_bytes": extra_anonymous(predict(X))}))


def sheets(result: dict[str, Any]) -> list[Sheet]:
    size, rows = result["size"], result["rows"]
    ours = next(r["median"] for r in rows if (r["name"], r["threads"]) == ("elman", 2))
    lines = [
        [
            f"{row['name']}, {row['threads']} thread{'s' * (row['threads'] > 1)}"
            + (f", batches of {row['batch']}" if row["batch"] else ""),
            timing_text(row),
            f"{row['median'] / ours:.1f}",
            megabytes_text(row["extra_bytes"]),
        ]
        for row in rows
    ]
    title = f"predict, {size['n_samples']:,} sequences of ({STEPS}, {FEATURES}), hidden {HIDDEN}"
    notes = (
        f"X is a memory-mapped file of {megabytes_text(result['mapped_bytes'])}, which is not "
        f"counted. PyTorch: nn.RNN and nn.Linear with our weights, in the batches it is quickest "
        f"with; {result['same']:.3%} of the labels are the same. "
        f"Goal: ≥ {GOAL:.0f} at 2 threads."
    )
    headings = ["", "time", "/ elman, 2 threads", "peak extra memory"]
    return [Sheet(title, headings, lines, notes)]


if __name__ == "__main__":
    main(*sys.argv[1:])
