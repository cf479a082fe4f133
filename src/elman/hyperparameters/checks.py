"""The hyper-parameters of an estimator in; an error naming the first bad one, and the fix, out."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from elman.backends.contract import ACTIVATIONS, CELLS, Cell
from elman.data.missing import MISSING
from elman.nn.initializers import RECURRENT
from elman.nn.layout import check_residual, layer_sizes
from elman.nn.objectives import REGRESSION_LOSSES
from elman.nn.optimizers import SOLVERS
from elman.nn.readouts import READOUTS
from elman.nn.schedules import SCHEDULES
from elman.nn.truncation import check_onward

Check = Callable[[str, Any], None]


def a_kind(value: Any) -> str:
    """What a value is, for a message: "a str", "an int"."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def one_of(*choices: str) -> Check:
    """One of some strings."""

    def check(name: str, value: Any) -> None:
        if not isinstance(value, str) or value not in choices:
            options = ", ".join(map(repr, choices))
            raise ValueError(f"{name}={value!r} is not known; choose one of {options}")

    return check


def integer(low: int) -> Check:
    """An int of at least `low`."""

    def check(name: str, value: Any) -> None:
        if not isinstance(value, numbers.Integral) or isinstance(value, (bool, np.bool_)):
            raise TypeError(
                f"{name}={value!r} is {a_kind(value)}; it must be an int of at least {low}"
            )
        if value < low:
            raise ValueError(f"{name}={value!r}; it must be at least {low}")

    return check


def sizes(name: str, value: Any) -> None:
    """An int of at least 1, or a sequence of them."""
    if not isinstance(value, (list, tuple)) and not (isinstance(value, np.ndarray) and value.ndim):
        integer(1)(name, value)
        return
    if len(value) == 0:
        raise ValueError(f"{name}={value!r} is empty; give an int, or one for each layer")
    for i, size in enumerate(value):
        try:
            integer(1)(f"{name}[{i}]", size)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}={value!r}: {error}") from None


def real(low: float, high: float = math.inf, *, open_low: bool = False) -> Check:
    """A number in [low, high), or in (low, high)."""
    interval = f"{'(' if open_low else '['}{low:g}, {high:g})"

    def check(name: str, value: Any) -> None:
        if not isinstance(value, numbers.Real) or isinstance(value, (bool, np.bool_)):
            raise TypeError(
                f"{name}={value!r} is {a_kind(value)}; it must be a number in {interval}"
            )
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not (low < number < high if open_low else low <= number < high):
            raise ValueError(f"{name}={value!r}; it must lie in {interval}")

    return check


def boolean(name: str, value: Any) -> None:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={value!r} is {a_kind(value)}; it must be True or False")


def optional(check: Check) -> Check:
    """None, or what `check` accepts."""

    def check_unless_none(name: str, value: Any) -> None:
        if value is not None:
            check(name, value)

    return check_unless_none


def function(name: str, value: Any) -> None:
    """Something that can be called."""
    if not callable(value):
        raise TypeError(f"{name}={value!r} is {a_kind(value)}; it must be a function or None")


def path(name: str, value: Any) -> None:
    """A folder's name: text, or a path object."""
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise TypeError(
            f"{name}={value!r} is {a_kind(value)}; it must be the name of a folder, or None"
        )


def verbosity(name: str, value: Any) -> None:
    """An int of at least 0, or a bool."""
    integer(0)(name, int(value) if isinstance(value, (bool, np.bool_)) else value)


def float_dtype(name: str, value: Any) -> None:
    """Either "auto", or float32 or float64 by name or as NumPy's dtype."""
    if isinstance(value, str) and value == "auto":
        return
    try:
        known = value is not None and np.dtype(value).name in ("float32", "float64")
    except TypeError:
        known = False
    if not known:
        raise ValueError(
            f"{name}={value!r} is not known; choose one of 'auto', 'float32', 'float64'"
        )


def thread_count(name: str, value: Any) -> None:
    """An int other than 0."""
    if not isinstance(value, numbers.Integral) or isinstance(value, (bool, np.bool_)):
        raise TypeError(
            f"{name}={value!r} is {a_kind(value)}; it must be an int or None (all cores)"
        )
    if value == 0:
        raise ValueError(f"{name}=0 has no meaning; give a positive number, or -1 for all cores")


def seed(name: str, value: Any) -> None:
    """None, an int of at least 0, or a generator of either kind."""
    if not isinstance(value, (np.random.RandomState, np.random.Generator, type(None))):
        integer(0)(name, value)


def class_weighting(name: str, value: Any) -> None:
    """Check that it is None, "balanced" or a mapping."""
    if value is None or isinstance(value, Mapping):
        return
    if not isinstance(value, str):
        raise TypeError(
            f"{name}={value!r} is {a_kind(value)}; it must be None, 'balanced', or a "
            "dict {label: weight}"
        )
    if value != "balanced":
        raise ValueError(f"{name}={value!r}; choose None, 'balanced', or a dict {{label: weight}}")


def scorer(name: str, value: Any) -> None:
    """None, a name or a function; whether scikit-learn knows the name is checked by `fit`."""
    if value is not None and not isinstance(value, str) and not callable(value):
        raise TypeError(
            f"{name}={value!r} is {a_kind(value)}; it must be None, 'loss', the name of a "
            "scikit-learn scorer, or a function (estimator, X, y) -> float"
        )


def epochs_or_share(name: str, value: Any) -> None:
    """An int of at least 0, or a float in [0, 1)."""
    if isinstance(value, numbers.Integral):
        integer(0)(name, value)
    else:
        real(0, 1)(name, value)


RNN_CLASSIFIER: dict[str, Check] = {
    "hidden_size": sizes,
    "cell": one_of(*CELLS),
    "activation": one_of(*ACTIVATIONS),
    "layer_norm": boolean,
    "forget_bias": real(-math.inf, open_low=True),
    "n_layers": integer(1),
    "bidirectional": boolean,
    "residual": boolean,
    "learn_initial_state": boolean,
    "readout": one_of(*READOUTS),
    "dropout": real(0, 1),
    "recurrent_dropout": real(0, 1),
    "recurrent_init": one_of(*RECURRENT),
    "solver": one_of(*SOLVERS),
    "alpha": real(0),
    "batch_size": integer(1),
    "bucket_by_length": boolean,
    "learning_rate": one_of(*SCHEDULES),
    "learning_rate_init": real(0, open_low=True),
    "warm_up": epochs_or_share,
    "momentum": real(0, 1),
    "nesterovs_momentum": boolean,
    "class_weight": class_weighting,
    "label_smoothing": real(0, 1),
    "max_iter": integer(1),
    "warm_start": boolean,
    "early_stopping": boolean,
    "scoring": scorer,
    "validation_fraction": real(0, 1, open_low=True),
    "n_iter_no_change": integer(1),
    "tol": real(0),
    "max_grad_norm": optional(real(0, open_low=True)),
    "max_grad_value": optional(real(0, open_low=True)),
    "checkpoint_every": optional(integer(1)),
    "bptt_steps": optional(integer(1)),
    "stateful": boolean,
    "checkpoint": optional(path),
    "checkpoint_epochs": optional(integer(1)),
    "checkpoint_minutes": optional(real(0)),
    "standardize": boolean,
    "missing": one_of(*MISSING),
    "dtype": float_dtype,
    "random_state": seed,
    "verbose": verbosity,
    "n_jobs": optional(thread_count),
    "backend": optional(one_of("native", "reference")),
    "on_epoch": optional(function),
}
"""How each hyper-parameter of `RNNClassifier` is checked."""

RNN_REGRESSOR: dict[str, Check] = {
    name: check
    for name, check in RNN_CLASSIFIER.items()
    if name not in ("class_weight", "label_smoothing")
} | {"loss": one_of(*REGRESSION_LOSSES), "huber_delta": real(0, open_low=True)}
"""How each hyper-parameter of `RNNRegressor` is checked."""

RNN_TAGGER: dict[str, Check] = {
    name: check for name, check in RNN_CLASSIFIER.items() if name != "readout"
}
"""How each hyper-parameter of `RNNTagger` is checked."""


def check_stack(hidden_size: Any, n_layers: Any, residual: Any, cell: str, activation: Any) -> None:
    """Raise ValueError unless these, each right by itself, go together."""
    Cell(cell, activation)
    layers = layer_sizes(hidden_size, n_layers)
    if residual:
        check_residual(layers)


def check_carrying(bidirectional: bool, bptt_steps: int | None, stateful: bool) -> None:
    """Raise ValueError if states are to be carried on where they cannot be."""
    if bptt_steps is not None:
        check_onward(bidirectional, f"bptt_steps={bptt_steps}")
    if stateful:
        check_onward(bidirectional, "stateful=True")


def check_warm_up(learning_rate: str, warm_up: int | float) -> None:
    """Raise ValueError for a schedule that warms up by itself."""
    if learning_rate == "one_cycle" and warm_up:
        raise ValueError(
            f"warm_up={warm_up!r}, but learning_rate='one_cycle' begins with a warm-up of its own: "
            "set warm_up=0, or choose 'cosine'"
        )


def make_rng(random_state: Any) -> np.random.Generator:
    """A generator of one's own: from a seed, drawn from the caller's generator, or fresh (None)."""
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**32, size=4, dtype=np.uint64))
    if isinstance(random_state, np.random.Generator):
        return np.random.default_rng(random_state.integers(0, 2**32, size=4, dtype=np.uint64))
    return np.random.default_rng(None if random_state is None else int(random_state))


def entropy_of(rng: np.random.Generator) -> int | list[int]:
    """What `numpy.random.SeedSequence` makes the same generator of, before it was drawn from."""
    sequence: Any = rng.bit_generator.seed_seq
    entropy = sequence.entropy
    return int(entropy) if np.ndim(entropy) == 0 else [int(word) for word in entropy]
