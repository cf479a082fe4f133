"""The name of a demo in; its data, settings, baselines and the words that go with them out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.cli.errors import UserError
from elman.cli.tables import percent
from elman.evaluation.baselines import MakeColumns, last_step, padded, resampled

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
    baselines: dict[str, MakeColumns]
    verdict: Verdict
    """accuracy of the network and of the baselines -> what to make of them"""
    settings: dict[str, Any] = field(default_factory=dict)
    """arguments of RNNClassifier"""
    X_val: list[NDArray[Any]] | None = None
    y_val: NDArray[Any] | None = None
    """what early stopping goes by; a network that makes mistakes on it is trained again"""
    length_groups: tuple[tuple[int, int], ...] = ()
    """shortest and longest of each group of test sequences to report on"""
    noun: str = "recording"
    """what one sequence is called"""
    step_label: str = "time step"
    retry: str = ""
    """options of `elman fit` for another try on the same data"""
    alone: str = ""
    """what to say after the verdict, where no other task is shown with it"""
    answer_so_far: bool = False
    """the answer for the steps read so far is of interest, not only that for the whole sequence"""


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
        alone="Try `--task parity` for what only recurrence can do.",
        step_label="frame (6.4 ms apart)",
        retry="--hidden-size 32",
    )


def _vowels_verdict(accuracy: float, baselines: dict[str, float]) -> str:
    best = max(baselines.values())
    text = (
        "To be fair: these speakers are nearly linearly separable, and logistic regression that "
        "sees the whole recording at 10 points"
    )
    if best > accuracy:
        text += f" does better than the network ({percent(best)})."
    else:
        text += f" gets {percent(best)} too."
    return text


@dataclass(frozen=True)
class _Memory:
    """A task that no fixed number of columns can solve, and how it is put to a person."""

    title: str
    about: str
    make: str
    """name of the function in elman.data"""
    labels: tuple[str, str]
    """of y = 0 and y = 1"""
    shortest: int = 1
    arguments: tuple[int, ...] = ()
    settings: dict[str, Any] = field(
        default_factory=lambda: {
            "hidden_size": 32,
            "readout": "last",
            "batch_size": 64,
            "learning_rate": "constant",
            "learning_rate_init": 0.01,
            "alpha": 1e-4,
            "max_iter": 50,
        }
    )
    """of RNNClassifier: small, fast, and found the rule on nearly every one of many seeds"""


MEMORY = {
    "parity": _Memory(
        "Is the number of ones odd?",
        "Strings of random bits, one bit a step. Each bit turns the answer round, so that none may "
        "be missed.",
        "make_parity",
        ("even", "odd"),
    ),
    "temporal-xor": _Memory(
        "Do the two marked bits differ?",
        "Strings of random bits with two of them marked, anywhere. The first must be kept in mind "
        "until the second comes.",
        "make_temporal_xor",
        ("same", "differ"),
        shortest=2,
        settings={
            "hidden_size": 16,
            "readout": "last",
            "batch_size": 32,
            "learning_rate": "cosine",
            "learning_rate_init": 0.01,
            "alpha": 1e-4,
            "max_iter": 80,
        },
    ),
    "tomita": _Memory(
        "Is the string in the language?",
        "Strings of bits; the language (Tomita's fifth) has those with an even number of zeros and "
        "an even number of ones.",
        "make_tomita",
        ("no", "yes"),
        arguments=(5,),
    ),
}

SHORT, LONG = 8, 40
"""Steps of the longest training sequences: half of them stop at SHORT, which is where the rule is
found; those up to LONG then force the network to keep it exactly."""

LENGTH_GROUPS = ((41, 100), (101, 300), (301, 1000))
"""Shortest and longest of the test sequences: every one is longer than any in training."""

VALIDATION = (41, 400)
"""Shortest and longest of those that early stopping goes by: an epoch is good if its rule carries
on beyond the lengths of training."""


def _memory(name: str, seed: int) -> Task:
    import elman.data

    kind = MEMORY[name]
    make = getattr(elman.data, kind.make)
    rng = np.random.default_rng(seed)

    def draw(n: int, shortest: int, longest: int) -> tuple[list[NDArray[Any]], NDArray[Any]]:
        lengths = {"min_length": max(shortest, kind.shortest), "max_length": longest}
        X, y = make(*kind.arguments, n, **lengths, random_state=rng)
        return list(X), np.array(kind.labels)[y]

    X_short, y_short = draw(3000, 1, SHORT)
    X_long, y_long = draw(3000, 1, LONG)
    X_val, y_val = draw(300, *VALIDATION)
    tests = [draw(300, first, last) for first, last in LENGTH_GROUPS]
    X_test = [x for X, _ in tests for x in X]
    return Task(
        name=name,
        title=kind.title,
        about=f"{kind.about}\nMade here from seed {seed}, free of any licence: "
        f"{len(X_short) + len(X_long)} strings of at most {LONG} steps to learn from, "
        f"{len(X_test)} of {LENGTH_GROUPS[0][0]} to {LENGTH_GROUPS[-1][1]} to test on.",
        X_train=X_short + X_long,
        y_train=np.concatenate([y_short, y_long]),
        X_test=X_test,
        y_test=np.concatenate([y for _, y in tests]),
        test_name=f"{len(X_test)} strings, each longer than any it was trained on",
        baselines={
            "logistic regression, last step": last_step,
            "logistic regression, resampled to 10 steps": resampled(10),
            f"logistic regression, last {LONG} steps": padded(LONG),
        },
        verdict=_memory_verdict,
        settings={**kind.settings, "early_stopping": True, "n_iter_no_change": 30},
        X_val=X_val,
        y_val=y_val,
        retry=_as_options(kind.settings) + " --seed 1",
        noun="string",
        length_groups=LENGTH_GROUPS,
        answer_so_far=True,
    )


def _as_options(settings: dict[str, Any]) -> str:
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in settings.items())


def _memory_verdict(accuracy: float, baselines: dict[str, float]) -> str:
    best = percent(max(baselines.values()))
    text = f"A blind guess is right half the time, and without memory nothing gets past {best}"
    if accuracy == 1:
        return text + ". The network makes no mistake: it has found the rule itself."
    return text + ". The network has not found the whole rule: try another --seed."


SHOWN = ("parity", "vowels")
"""The tasks of a demo that names none: first what only recurrence can do, then speech, where
simpler classifiers do as well."""

TASKS: dict[str, Callable[[int], Task]] = {
    "vowels": _vowels,
    **{name: partial(_memory, name) for name in MEMORY},
}
