"""What `benchmarks.commits` times, in a process of one build: `python -m benchmarks.commit_calls`.

Lines come in on standard input, each the name of a call, and the seconds that one such call took go
out on standard output. Calls are made of what users have; those below the estimators, of the
backend's contract, which `find` looks up where a commit may have it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

import elman
from benchmarks.earlier import as_recorded

Call = Callable[[], object]

HOMES = {
    "get_backend": ("elman.backends", "elman.backends.selection"),
    "Cell": ("elman.backends.contract", "elman.backends.cells"),
    "Weights": ("elman.backends.contract", "elman.backends.cells"),
}
"""Names that are not of `elman` itself, and the modules in which one commit or another has them."""
GATES = {"elman": (1, 1), "gru": (3, 4), "lstm": (4, 4)}
"""blocks of the weights, and of the biases"""
TIMED = 1e-3
"""seconds for which a quick call is repeated"""


def find(name: str) -> Any:
    """One of `HOMES`, wherever this build has it."""
    for home in HOMES[name]:
        try:
            module = import_module(home)
        except ModuleNotFoundError:
            continue
        if hasattr(module, name):
            return getattr(module, name)
    raise ImportError(f"this build has no {name} in {' or '.join(HOMES[name])}: say where it is")


def layer(cell: str, kind: str, *size: str) -> Call:
    """One layer's forward pass, or its training step."""
    B, T, D, H = map(int, size)
    rng = np.random.default_rng(0)
    n_weights, n_biases = GATES[cell]

    def uniform(*shape: int) -> np.ndarray:
        return (rng.uniform(-1, 1, shape) * H**-0.5).astype(np.float32)

    backend, described = find("get_backend")("native", n_threads=1), find("Cell")(cell)
    X = rng.standard_normal((B, T, D)).astype(np.float32)
    weights = find("Weights")(
        uniform(D, n_weights * H), uniform(H, n_weights * H), uniform(n_biases * H)
    )
    dfinal = np.zeros((B, 2 * H if cell == "lstm" else H), np.float32)
    dfinal[:, :H] = uniform(B, H)
    if kind == "infer":
        return lambda: backend.forward(described, X, None, None, weights)

    def step() -> object:
        tape = backend.forward(
            described, X, None, None, weights, outputs="final", keep_tape=True
        ).tape
        return backend.backward(None, dfinal, tape, need_dX=False)

    return step


def fit(n_jobs: str) -> Call:
    """A fit of 10 epochs on the shipped recordings."""
    X, y = elman.data.load_japanese_vowels("train")
    X = [np.ascontiguousarray(x, np.float32) for x in elman.SequenceScaler().fit_transform(X)]
    return lambda: _classifier(int(n_jobs), hidden_size=64, max_iter=10).fit(X, y)


def stream(cell: str, n: str) -> Call:
    """A time step of one stream, or of several side by side."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((27, 5, 16)).astype(np.float32)
    classifier = _classifier(1, cell=cell, hidden_size=32).fit(X, np.arange(27) % 9)
    live = classifier.stream(None if n == "1" else int(n))
    x = X[0, 0] if n == "1" else np.repeat(X[0, :1], int(n), axis=0)
    return lambda: live.step(x)


def predict(n_jobs: str) -> Call:
    """Labels of 10,000 sequences."""
    X = np.random.default_rng(0).standard_normal((10_000, 50, 8)).astype(np.float32)
    classifier = _classifier(int(n_jobs), hidden_size=32).fit(X[:50], np.arange(50) % 5)
    return lambda: classifier.predict(X)


def _classifier(n_jobs: int, **options: Any) -> Any:
    same = {"readout": "last", "standardize": False, "random_state": 0, "learning_rate": "constant"}
    settings = {"max_iter": 1, **same, **options}
    return elman.RNNClassifier(n_jobs=n_jobs, **as_recorded(elman.RNNClassifier, **settings))


CALLS: dict[str, Callable[..., Call]] = {
    "layer": layer,
    "fit": fit,
    "stream": stream,
    "predict": predict,
}


def main(site: str) -> None:
    if not Path(str(elman.__file__)).is_relative_to(site):
        raise SystemExit(f"elman was imported from {elman.__file__}, not from {site}")
    calls: dict[str, tuple[Call, int]] = {}
    for line in sys.stdin:
        if line not in calls:
            what, *arguments = line.split()
            call = CALLS[what](*arguments)
            call()
            calls[line] = call, max(1, min(1000, int(TIMED / _seconds(call, 1))))
        print(_seconds(*calls[line]), flush=True)


def _seconds(call: Call, n: int) -> float:
    start = time.perf_counter()
    for _ in range(n):
        call()
    return (time.perf_counter() - start) / n


if __name__ == "__main__":
    main(*sys.argv[1:])
