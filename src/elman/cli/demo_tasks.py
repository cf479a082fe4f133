"""The name of a demo in; its data, settings, baselines and the words that go with them out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from elman.baselines import Columns, last_step, resampled
from elman.cli.errors import UserError

Verdict = Callable[[float, dict[str, float]], str]


@dataclass(frozen=True)
class Task:
    """What a demo trains on and says."""

    name: str
    title: str
    about: str
    """what the data is, where it is from and under which licence"""
    X_train: list[NDArray[Any]]
    y_train: NDArray[Any]
    X_test: list[NDArray[Any]]
    y_test: NDArray[Any]
    test_name: str
    baselines: dict[str, Columns]
    verdict: Verdict
    """accuracy of the network and of the baselines -> what to make of them"""
    settings: dict[str, Any] = field(default_factory=dict)
    """arguments of RNNClassifier"""
    length_groups: tuple[tuple[int, int], ...] = ()
    """shortest and longest of each group of test sequences to report on"""
    step_label: str = "time step"
    draw_longest: bool = False
    """draw a long sequence rather than one that was hard to tell"""


def make_task(name: str, seed: int) -> Task:
    """The task called `name`, its random data drawn from `seed`."""
    if name not in TASKS:
        raise UserError(f"--task {name!r} is not known; choose one of {', '.join(TASKS)}")
    return TASKS[name](seed)


def _vowels(_seed: int) -> Task:
    from elman.data import load_japanese_vowels
    from elman.data.datasets import JAPANESE_VOWELS

    X_train, y_train = load_japanese_vowels("train")
    X_test, y_test = load_japanese_vowels("test")
    return Task(
        name="vowels",
        title="Who is speaking?",
        about=f"{JAPANESE_VOWELS}.\n"
        f"{len(X_train)} recordings to learn from, {len(X_test)} to test on.",
        X_train=X_train,
        y_train=y_train,
        X_test=X_test,
        y_test=y_test,
        test_name=f"the {len(X_test)} recordings of the official test split",
        baselines={
            "logistic regression, last frame": last_step,
            "logistic regression, resampled to 10 frames": resampled(10),
        },
        verdict=_vowels_verdict,
        step_label="frame (6.4 ms apart)",
    )


def _vowels_verdict(accuracy: float, baselines: dict[str, float]) -> str:
    best = max(baselines.values())
    text = (
        "To be fair: these speakers are nearly linearly separable, and logistic regression that "
        "sees the whole recording at 10 points"
    )
    if best > accuracy:
        text += f" does better than the network ({100 * best:.1f} %)."
    else:
        text += f" gets {100 * best:.1f} % too."
    return text + " Try `--task parity` for what only recurrence can do."


def _memory_verdict(accuracy: float, baselines: dict[str, float]) -> str:
    best = max(baselines.values())
    text = f"Without memory nothing gets past {100 * best:.1f} %, and guessing gives 50 %"
    if accuracy == 1:
        return text + "; the network has found the rule."
    return text + "; the network has not found the whole rule: try another --seed or --max-iter."


TASKS: dict[str, Callable[[int], Task]] = {"vowels": _vowels}
