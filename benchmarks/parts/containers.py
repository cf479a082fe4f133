"""Labels of sequences in every container: what it costs to take them apart, beside the kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.earlier import as_recorded
from benchmarks.options import Options
from benchmarks.sheet import Sheet, seconds_text, timing_text
from benchmarks.timing import interleave
from benchmarks.workloads import Array

NAMES = list("abcdefgh")
FRAMES = (5_000, 30, 8)
"""sequences, steps and features of the frames"""
SMALL = {"100,000 of (3, 2)": (100_000, 3, 3, 2), "370 of (7 to 29, 12)": (370, 7, 29, 12)}
"""sequences, least and most steps, features"""
HIDDEN = 64
GOAL_FRAMES, GOAL_SMALL = 2.0, 1.5e-6

Predict = Callable[[], Array]


def measure(options: Options) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {"frames": _frames(rng, options), "small": _small(rng, options), "hidden": HIDDEN}


def _frames(rng: np.random.Generator, options: Options) -> list[dict[str, Any]]:
    """The same float64 arrays in each container."""
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    cube = rng.standard_normal(FRAMES)
    table = pd.DataFrame(cube.reshape(-1, FRAMES[2]), columns=NAMES)
    groups = table.groupby(np.repeat(np.arange(FRAMES[0]), FRAMES[1]))
    nullable = table.astype("Float64").groupby(np.repeat(np.arange(FRAMES[0]), FRAMES[1]))
    containers = {
        "list of arrays": list(cube),
        "one array": cube,
        "pandas, each by itself": [pd.DataFrame(x.copy(), columns=NAMES) for x in cube],
        "pandas, groups of one table": [group for _, group in groups],
        "pandas, groups, nullable": [group for _, group in nullable],
        "polars": [pl.DataFrame(x, schema=NAMES, orient="row") for x in cube],
        "pyarrow": [pa.table(dict(zip(NAMES, x.T, strict=True))) for x in cube],
    }
    questions = {}
    for name, X in containers.items():
        named = name not in ("list of arrays", "one array")
        classifier = _classifier(containers["polars" if named else "list of arrays"])
        questions[name] = lambda classifier=classifier, X=X: classifier.predict_proba(X)
    return _timed(questions, options)


def _small(rng: np.random.Generator, options: Options) -> dict[str, list[dict[str, Any]]]:
    """Lists of small arrays, and the same sequences checked and joined beforehand."""
    rows = {}
    for name, (n, shortest, longest, n_features) in SMALL.items():
        lengths = rng.integers(shortest, longest, size=n, endpoint=True)
        X = [rng.standard_normal((length, n_features)) for length in lengths]
        classifier = _classifier(X)
        joined = classifier.model_.check(X)
        rows[name] = _timed(
            {
                "the kernel": lambda c=classifier, data=joined: c.model_.predict_proba(data),
                "list of arrays": lambda c=classifier, X=X: c.predict_proba(X),
            },
            options,
        )
    return rows


def _classifier(X: Any) -> Any:
    from elman import RNNClassifier

    some = X[: 20 * 2]
    classifier = RNNClassifier(
        **as_recorded(RNNClassifier, hidden_size=HIDDEN, max_iter=1, random_state=0, n_jobs=1)
    )
    return classifier.fit(some, np.arange(len(some)) % 2)


def _timed(questions: dict[str, Predict], options: Options) -> list[dict[str, Any]]:
    answers = {name: question().tobytes() for name, question in questions.items()}
    if len(set(answers.values())) != 1:
        raise SystemExit("containers of the same numbers have other answers; not timed")
    timings = interleave(
        list(questions.values()), seconds=options.seconds, min_rounds=options.min_rounds
    )
    return [
        {"name": name} | timing._asdict() for name, timing in zip(questions, timings, strict=True)
    ]


def sheets(result: dict[str, Any]) -> list[Sheet]:
    n, n_steps, n_features = FRAMES
    array = result["frames"][0]["median"]
    frames = [
        [
            row["name"],
            timing_text(row),
            seconds_text(row["median"] / n),
            f"{row['median'] / array:.2f}",
        ]
        for row in result["frames"]
    ]
    small = []
    for name, (kernel, listed) in result["small"].items():
        beyond = (listed["median"] - kernel["median"]) / SMALL[name][0]
        small.append([name, timing_text(kernel), timing_text(listed), seconds_text(beyond)])
    network = f"hidden {result['hidden']}, 1 thread, the same bits in every row"
    return [
        Sheet(
            f"predict_proba, {n:,} sequences of ({n_steps}, {n_features}), float64",
            ["", "time", "each", "/ list of arrays"],
            frames,
            f"{network}. Goal: pandas ≤ {GOAL_FRAMES:.0f}.",
        ),
        Sheet(
            "predict_proba, small arrays in a list",
            ["", "the kernel", "the list", "beyond the kernel, each"],
            small,
            f"{network}. The kernel is asked with the same sequences, checked and joined "
            f"beforehand. Goal: ≤ {seconds_text(GOAL_SMALL)}.",
        ),
    ]
