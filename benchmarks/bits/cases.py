"""The configurations that `same_bits` runs: a fixed list in which every pair of options meets.

A configuration has a value on each axis of `AXES`. Each in turn is the one, of some drawn at
random, in which most pairs of values meet that have not met yet. Values that do not go together
are settled by rules (`settled`) before a configuration is looked at.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

AXES: dict[str, tuple[str, ...]] = {
    # what is predicted, and by which network
    "estimator": ("classifier", "multilabel", "tagger", "regressor", "targets"),
    "cell": ("tanh", "relu", "gru", "lstm"),
    "readout": ("last", "mean", "max", "attention", "every"),
    "depth": ("1", "2"),
    "directions": ("one", "both"),
    "residual": ("no", "yes"),
    "initial_state": ("zero", "learned"),
    "layer_norm": ("no", "yes"),
    "dropout": ("0", "0.3"),
    "recurrent_dropout": ("0", "0.25"),
    "recurrent_init": ("orthogonal", "identity", "uniform"),
    "forget_bias": ("1", "-0.5"),
    # what it is trained on
    "size": ("small", "large", "long", "odd"),
    "data": ("list", "array", "two_d", "objects"),
    "dtype": ("float32", "float64", "auto32", "auto64"),
    "missing": ("error", "mask", "skip"),
    "standardize": ("yes", "no"),
    "deltas": ("0", "1", "2", "auto"),
    "stride": ("1", "3", "auto"),
    "scale_each": ("no", "yes"),
    "weights": ("none", "samples", "balanced", "classes"),
    # how it is trained
    "solver": ("adam", "adamw", "sgd", "plain_sgd"),
    "schedule": ("constant", "cosine", "one_cycle", "plateau"),
    "warm_up": ("0", "2", "0.3"),
    "stopping": ("none", "followed", "held_out", "X_val", "scorer", "loss"),
    "loss": ("squared", "absolute", "huber"),
    "label_smoothing": ("0", "0.1"),
    "clipping": ("norm", "none", "value"),
    "bptt_steps": ("none", "4"),
    "recompute_every": ("none", "3"),
    "bucket_by_length": ("no", "yes"),
    "random_state": ("int", "RandomState", "Generator"),
    "threads": ("1", "2"),
    "way": ("fit", "resume", "warm_start", "partial_fit", "stateful", "on_epoch"),
    "backend": ("native", "reference"),
}
"""Every axis with its values. The first value is the plain one: what an estimator has that does not
know the option."""

SPECIAL = (
    "scaler",
    "data_sets",
    "files",
    "japanese_vowels",
    "gradcheck",
    "side_by_side",
    "command_classifier",
    "command_multilabel",
    "command_tagger",
    "command_regressor",
)
"""Configurations beside the axes; each is a function of `benchmarks.bits.special`."""

N_NATIVE = 104
N_REFERENCE = 16
N_DRAWN = 40
"""candidates from which each configuration is chosen"""


class Case(NamedTuple):
    """One configuration."""

    name: str
    axes: dict[str, str]

    @property
    def unusual(self) -> dict[str, str]:
        """The axes on which it is not the plain one."""
        return {
            axis: value
            for axis, value in self.axes.items()
            if axis not in AXES or value != AXES[axis][0]
        }


def settled(drawn: dict[str, str]) -> dict[str, str]:
    """A configuration in which everything goes together: what does not is set to another value.

    Parameters
    ----------
    drawn : dict of str to str
        A value for each axis.

    Returns
    -------
    dict of str to str
        The same for the same argument; unchanged where it was valid.
    """
    case = dict(drawn)

    def plain(*axes: str) -> None:
        case.update({axis: AXES[axis][0] for axis in axes})

    tags, numbers = case["estimator"] == "tagger", case["estimator"] in ("regressor", "targets")
    if tags:
        case["readout"] = "every"
    elif case["readout"] == "every":
        plain("readout")
    if case["cell"] != "lstm":
        plain("forget_bias")
    if case["depth"] == "1":
        plain("residual")
    if case["bptt_steps"] != "none" or case["way"] == "stateful":
        plain("directions")  # states are carried forward only
    if case["way"] == "stateful":
        plain("deltas", "stride", "scale_each")  # recordings in pieces
    if numbers:
        plain("label_smoothing")
    else:
        plain("loss")
    if (numbers or case["estimator"] == "multilabel") and case["weights"] in (
        "balanced",
        "classes",
    ):
        case["weights"] = "samples"  # there is no one class that says a sample's weight
    if case["schedule"] == "one_cycle":
        plain("warm_up")  # it has a warm-up of its own
    if case["way"] in ("partial_fit", "stateful"):
        # knows neither a last epoch nor validation data, and not all data at once
        plain("schedule", "warm_up", "stopping")
        if case["weights"] == "balanced":
            case["weights"] = "classes"
    if case["data"] == "two_d" and case["missing"] == "skip":
        case["missing"] = "mask"  # so that no sample of one feature is skipped as a whole
    if case["data"] in ("array", "two_d"):
        plain("bucket_by_length")  # all lengths are equal
    if case["backend"] == "reference":
        case["size"] = "small" if case["size"] in ("large", "long") else case["size"]
        plain("threads")
    return case


def all_cases() -> list[Case]:
    """The list; always the same."""
    chooser = _Chooser(seed=20)
    cases = [chooser.next(number, "native") for number in range(N_NATIVE)]
    chooser = _Chooser(seed=21)
    cases += [chooser.next(number, "reference") for number in range(N_REFERENCE)]
    return cases + [Case(f"special-{name}", {"special": name}) for name in SPECIAL]


class _Chooser:
    """Chooses one configuration after another, each for the pairs of values that are new in it."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # of which `random` gives the same numbers for ever
        self._met: set[tuple[tuple[str, str], tuple[str, str]]] = set()

    def next(self, number: int, backend: str) -> Case:
        drawn = [self._draw(backend) for _ in range(N_DRAWN)]
        best = max(drawn, key=lambda axes: len(_pairs(axes) - self._met))
        self._met |= _pairs(best)
        name = f"{backend}-{number:03d}-{best['estimator']}-{best['cell']}-{best['way']}"
        return Case(name, best)

    def _draw(self, backend: str) -> dict[str, str]:
        drawn = {axis: self._choice(values) for axis, values in AXES.items()}
        return settled(drawn | {"backend": backend})

    def _choice(self, values: Sequence[str]) -> str:
        return values[int(self._random.random() * len(values))]


def _pairs(axes: dict[str, str]) -> set[tuple[tuple[str, str], tuple[str, str]]]:
    return set(combinations(axes.items(), 2))
