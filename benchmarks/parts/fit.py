"""A whole fit on JapaneseVowels, ours beside PyTorch and JAX.

The same training everywhere: 60 epochs, batch 32, hidden 64, tanh, readout of the last state,
softmax cross-entropy, Adam at 3e-3, gradient clipped to norm 1, inputs standardised beforehand, no
validation. PyTorch packs its sequences; JAX pads them to 26 steps and masks, jitted, compiled
before the clock starts (its compile time is reported apart).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.options import Options
from benchmarks.sheet import Sheet, timing_text
from benchmarks.timing import interleave
from elman import RNNClassifier, SequenceScaler
from elman.data import load_japanese_vowels

EPOCHS, QUICK_EPOCHS = 60, 20
BATCH, HIDDEN, RATE, CLIP, CLASSES = 32, 64, 3e-3, 1.0, 9
GOALS = {"PyTorch": 8.0, "JAX": 3.0}
"""how many times our time they are to take"""
MIN_ACCURACY = 0.9

Fit = Callable[[], Callable[[list[np.ndarray]], np.ndarray]]
"""Trains from scratch and returns its predict: sequences -> class indices"""


def elman_fit(X: list[np.ndarray], y: np.ndarray, epochs: int, n_jobs: int) -> Fit:
    """Train our estimator."""

    def fit() -> Callable[[list[np.ndarray]], np.ndarray]:
        classifier = RNNClassifier(
            hidden_size=HIDDEN,
            deltas=0,
            stride=1,
            max_iter=epochs,
            batch_size=BATCH,
            learning_rate_init=RATE,
            learning_rate="constant",
            max_grad_norm=CLIP,
            standardize=False,
            solver="adam",
            alpha=0.0,
            readout="last",
            random_state=0,
            n_jobs=n_jobs,
        )
        return classifier.fit(X, y).predict

    return fit


def pytorch_fit(X: list[np.ndarray], y: np.ndarray, epochs: int, n_threads: int) -> Fit:
    """Train with packed sequences, batches made once per epoch from tensors made once."""
    import torch
    from torch.nn.utils.rnn import pack_sequence

    tensors = [torch.from_numpy(x) for x in X]
    labels = torch.from_numpy(y)

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = torch.nn.RNN(X[0].shape[1], HIDDEN)
            self.head = torch.nn.Linear(HIDDEN, CLASSES)

        def forward(self, packed: Any) -> Any:
            return self.head(self.rnn(packed)[1][0])

    def fit() -> Callable[[list[np.ndarray]], np.ndarray]:
        torch.set_num_threads(n_threads)
        torch.manual_seed(0)
        net = Net()
        optimizer = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)
        for _ in range(epochs):
            order = torch.randperm(len(tensors)).tolist()
            for start in range(0, len(order), BATCH):
                chosen = order[start : start + BATCH]
                chosen.sort(key=lambda i: -len(tensors[i]))
                loss = torch.nn.functional.cross_entropy(
                    net(pack_sequence([tensors[i] for i in chosen])), labels[chosen]
                )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP)
                optimizer.step()

        def predict(Z: list[np.ndarray]) -> np.ndarray:
            with torch.inference_mode():
                packed = pack_sequence([torch.from_numpy(z) for z in Z], enforce_sorted=False)
                return net(packed).argmax(1).numpy()

        return predict

    return fit


def jax_fit(X: list[np.ndarray], y: np.ndarray, epochs: int) -> tuple[Fit, float]:
    """Train on padded, masked batches, one jitted step; also the seconds it took to compile."""
    import jax
    import jax.numpy as jnp

    n_samples, n_features = len(X), X[0].shape[1]
    longest = max(map(len, X))
    padded = np.zeros((n_samples, longest, n_features), np.float32)
    lengths = np.array([len(x) for x in X], np.int32)
    for i, x in enumerate(X):
        padded[i, : len(x)] = x

    def logits(params: Any, X: Any, lengths: Any) -> Any:
        inputs = jnp.swapaxes(X @ params["W_x"] + params["b"], 0, 1)

        def advance(h: Any, step: Any) -> Any:
            t, x = step
            return jnp.where((t < lengths)[:, None], jnp.tanh(x + h @ params["W_h"]), h), None

        h = jnp.zeros((X.shape[0], HIDDEN), jnp.float32)
        steps = (jnp.arange(X.shape[1]), inputs)
        return jax.lax.scan(advance, h, steps)[0] @ params["W"] + params["c"]

    def loss(params: Any, X: Any, lengths: Any, y: Any, weights: Any) -> Any:
        log_p = jax.nn.log_softmax(logits(params, X, lengths))
        return -(jnp.take_along_axis(log_p, y[:, None], 1)[:, 0] * weights).sum() / weights.sum()

    def step(params: Any, m: Any, v: Any, t: Any, *batch: Any) -> Any:
        grads = jax.grad(loss)(params, *batch)
        norm = jnp.sqrt(sum((g**2).sum() for g in jax.tree.leaves(grads)))
        grads = jax.tree.map(lambda g: g * jnp.minimum(1.0, CLIP / norm), grads)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, v, grads)
        scale = RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        update = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + 1e-8), params, m, v)
        return update, m, v

    step = jax.jit(step, donate_argnums=(0, 1, 2))
    forward = jax.jit(logits)

    def fit(epochs: int = epochs) -> Callable[[list[np.ndarray]], np.ndarray]:
        rng = np.random.default_rng(0)
        a, c = (6 / (n_features + HIDDEN)) ** 0.5, (6 / (HIDDEN + CLASSES)) ** 0.5
        shapes = {
            "W_x": rng.uniform(-a, a, (n_features, HIDDEN)),
            "W_h": np.linalg.qr(rng.standard_normal((HIDDEN, HIDDEN)))[0],
            "b": np.zeros(HIDDEN),
            "W": rng.uniform(-c, c, (HIDDEN, CLASSES)),
            "c": np.zeros(CLASSES),
        }
        params = {k: jnp.asarray(w, jnp.float32) for k, w in shapes.items()}
        m, v = (jax.tree.map(jnp.zeros_like, params) for _ in range(2))
        t = 0
        for _ in range(epochs):
            order = rng.permutation(n_samples)
            for start in range(0, n_samples, BATCH):
                chosen = order[start : start + BATCH]
                # one shape, one compilation: the last batch is filled up with weight 0
                chosen = np.resize(chosen, BATCH)
                weights = (np.arange(BATCH) < min(BATCH, n_samples - start)).astype(np.float32)
                t += 1
                params, m, v = step(
                    params,
                    m,
                    v,
                    np.float32(t),
                    padded[chosen],
                    lengths[chosen],
                    y[chosen],
                    weights,
                )
        jax.block_until_ready(params)

        def predict(Z: list[np.ndarray]) -> np.ndarray:
            steps = max(map(len, Z))
            batch = np.zeros((len(Z), steps, n_features), np.float32)
            for i, z in enumerate(Z):
                batch[i, : len(z)] = z
            ends = np.array([len(z) for z in Z])
            return np.asarray(forward(params, batch, ends)).argmax(1)

        return predict

    start = time.perf_counter()
    fit(1)
    return fit, time.perf_counter() - start


def measure(options: Options) -> dict[str, Any]:
    epochs = QUICK_EPOCHS if options.quick else EPOCHS
    scaler = SequenceScaler()
    X_train, y_train = load_japanese_vowels("train")
    X_test, y_test = load_japanese_vowels("test")
    X = [np.ascontiguousarray(x, np.float32) for x in scaler.fit_transform(X_train)]
    Z = [np.ascontiguousarray(x, np.float32) for x in scaler.transform(X_test)]
    y, z = (np.asarray(labels).astype(np.int64) - 1 for labels in (y_train, y_test))

    by_jax, compile_seconds = jax_fit(X, y, epochs)
    fits: dict[tuple[str, int], Fit] = {
        ("elman", 1): elman_fit(X, y, epochs, 1),
        ("elman", 2): elman_fit(X, y, epochs, 2),
        ("PyTorch", 1): pytorch_fit(X, y, epochs, 1),
        ("PyTorch", 2): pytorch_fit(X, y, epochs, 2),
        ("JAX", 0): by_jax,
    }
    if options.quick:
        del fits["PyTorch", 2]  # on a busy machine it takes many times as long
    accuracies = [float((fit()(Z) == z).mean()) for fit in fits.values()]
    if min(accuracies) < MIN_ACCURACY:
        raise SystemExit(f"not the same training: {accuracies}")
    timings = interleave(
        list(fits.values()), seconds=3 * options.seconds, min_rounds=options.min_rounds
    )
    rows = [
        {"name": name, "threads": threads, **timing._asdict(), "accuracy": accuracy}
        for (name, threads), timing, accuracy in zip(fits, timings, accuracies, strict=True)
    ]
    return {"epochs": epochs, "jax_compile_seconds": compile_seconds, "rows": rows}


def sheets(result: dict[str, Any]) -> list[Sheet]:
    rows = result["rows"]
    ours = {row["threads"]: row["median"] for row in rows if row["name"] == "elman"}
    ours[0] = min(ours.values())
    lines = []
    for row in rows:
        name, threads = row["name"], row["threads"]
        suffix = {0: "", 1: ", 1 thread"}.get(threads, f", {threads} threads")
        goal = f"≥ {GOALS[name]:.0f}" if name in GOALS else ""
        ratio = f"{row['median'] / ours[threads]:.1f}"
        lines.append([name + suffix, timing_text(row), ratio, goal, f"{row['accuracy']:.1%}"])
    title = f"fit on JapaneseVowels: {result['epochs']} epochs, batch {BATCH}, hidden {HIDDEN}"
    headings = ["", "time", "/ elman, same threads", "goal", "test accuracy"]
    notes = (
        "JAX chooses its own threads and is set against our better count; it compiled for "
        f"{result['jax_compile_seconds']:.1f} s before the clock started."
    )
    return [Sheet(title, headings, lines, notes)]
