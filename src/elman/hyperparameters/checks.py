"""Checks of the values of hyper-parameters; an error says what is wrong and what to do.

A `Check` knows more of the values that it lets through: how a docstring calls them, what a command
line makes of a text, and how a model file holds them.
"""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from elman.backends.cells import Cell
from elman.nn.layout import check_residual, layer_sizes
from elman.nn.readouts import EVERY, READOUTS, Readout, plain_readout
from elman.nn.truncation import check_onward

Refusal = Callable[[str, Any], None]
"""A name and a value in; TypeError or ValueError out, or nothing for a value that is allowed."""


def plain(value: Any) -> Any:
    """A number, bool, text or None as JSON has it."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value)


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, eq=False)
class Check:
    """Which values a hyper-parameter may have, and how such a value is written.

    Called with a name and a value, it raises TypeError or ValueError for a value that is not
    allowed; the message names both, and says what is.
    """

    refuse: Refusal
    accepts: str
    """the values that are allowed, as a docstring calls them: "int >= 1" """
    option_type: type = str
    """what a command line turns the text of an option into"""
    allows_none: bool = False
    to_json: Callable[[Any], Any] = plain
    """a value as a model file holds it"""
    from_json: Callable[[Any], Any] = _as_it_is
    """the value again, from what a model file holds"""

    def __call__(self, name: str, value: Any) -> None:
        """Raise TypeError or ValueError unless a hyper-parameter may have this value."""
        self.refuse(name, value)


def accepting(
    accepts: str,
    option_type: type = str,
    *,
    to_json: Callable[[Any], Any] = plain,
    from_json: Callable[[Any], Any] = _as_it_is,
) -> Callable[[Refusal], Check]:
    """Make a `Check` of the function that is decorated."""
    return lambda refuse: Check(refuse, accepts, option_type, to_json=to_json, from_json=from_json)


def a_kind(value: Any) -> str:
    """What a value is, for a message: "a str", "an int"."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _braced(choices: tuple[str, ...]) -> str:
    """Strings as numpydoc lists them: {"last", "mean"}."""
    return "{" + ", ".join(f'"{choice}"' for choice in choices) + "}"


def one_of(*choices: str) -> Check:
    """One of some strings."""

    @accepting(_braced(choices))
    def check(name: str, value: Any) -> None:
        if not isinstance(value, str) or value not in choices:
            options = ", ".join(map(repr, choices))
            raise ValueError(f"{name}={value!r:.200} is not known; choose one of {options}")

    return check


def integer(low: int) -> Check:
    """An int of at least `low`."""

    @accepting(f"int >= {low}", int)
    def check(name: str, value: Any) -> None:
        if not isinstance(value, numbers.Integral) or isinstance(value, (bool, np.bool_)):
            raise TypeError(
                f"{name}={value!r:.200} is {a_kind(value)}; it must be an int of at least {low}"
            )
        if value < low:
            raise ValueError(f"{name}={value!r:.200}; it must be at least {low}")

    return check


def auto_or_integer(low: int, high: int | None = None) -> Check:
    """The text "auto", or an int of at least `low`, and at most `high`.

    A `high` far from `low` is a number of time steps that no sequence has, which nobody needs to
    read.
    """
    bounds, allowed = f"of at least {low}", f"int >= {low}"
    few = high is not None and high - low < 10
    if high is not None and few:
        bounds, allowed = f"from {low} to {high}", ", ".join(map(str, range(low, high + 1)))

    @accepting(f'"auto" or {allowed}')
    def check(name: str, value: Any) -> None:
        if isinstance(value, str) and value == "auto":
            return
        if not isinstance(value, numbers.Integral) or isinstance(value, (bool, np.bool_)):
            kind = "" if isinstance(value, str) else f" is {a_kind(value)}"
            raise TypeError(f"{name}={value!r:.200}{kind}; it must be 'auto' or an int {bounds}")
        if high is not None and not few and int(value) > high:
            raise ValueError(
                f"{name}={value!r:.200} is larger than any number of time steps can be"
            )
        if int(value) < low or (high is not None and int(value) > high):
            raise ValueError(f"{name}={value!r:.200}; it must be 'auto' or an int {bounds}")

    return check


deltas_order = auto_or_integer(0, 2)
block_steps = auto_or_integer(1, 2**31 - 1)
most_epochs = auto_or_integer(1)
batch_samples = auto_or_integer(1)
LARGEST_BATCH = 32
"""samples in a batch, of the most that batch_size="auto" stands for, whatever the data"""


def _plain_sizes(value: Any) -> Any:
    if isinstance(value, (list, tuple, np.ndarray)):
        return [int(size) for size in value]
    return plain(value)


def _restored_sizes(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@accepting(
    "int or sequence of int, each >= 1", int, to_json=_plain_sizes, from_json=_restored_sizes
)
def sizes(name: str, value: Any) -> None:
    """An int of at least 1, or a sequence of them."""
    if not isinstance(value, (list, tuple)) and not (isinstance(value, np.ndarray) and value.ndim):
        integer(1)(name, value)
        return
    if len(value) == 0:
        raise ValueError(f"{name}={value!r:.200} is empty; give an int, or one for each layer")
    for i, size in enumerate(value):
        try:
            integer(1)(f"{name}[{i}]", size)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}={value!r:.200}: {error}") from None


def _plain_readouts(value: Any) -> Any:
    # One in a tuple is that one, for a checkpoint as well.
    readout = plain_readout(value)
    return readout if isinstance(readout, str) else list(readout)


def _restored_readouts(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def readouts(*choices: str) -> Check:
    """One of some readouts, or several of those of whole samples."""
    several = (
        "or tuple of several of them"
        if EVERY not in choices
        else (f'or tuple of several of them, but for "{EVERY}"')
    )

    @accepting(
        f"{_braced(choices)}, {several}", to_json=_plain_readouts, from_json=_restored_readouts
    )
    def check(name: str, value: Any) -> None:
        readout: Readout = plain_readout(value)
        if isinstance(readout, str) and readout not in choices:
            options = ", ".join(map(repr, choices))
            raise ValueError(f"{name}={value!r:.200} is not known; choose one of {options}")

    return check


readout_of_samples = readouts(*READOUTS)
readout_of_any = readouts(*READOUTS, EVERY)


def real(low: float, high: float = math.inf, *, open_low: bool = False) -> Check:
    """A number in [low, high), or in (low, high)."""
    interval = f"{'(' if open_low else '['}{low:g}, {high:g})"
    bounds = f" {'>' if open_low else '>='} {low:g}" if math.isfinite(low) else ""

    @accepting(f"float{bounds}" if math.isinf(high) else f"float in {interval}", float)
    def check(name: str, value: Any) -> None:
        if not isinstance(value, numbers.Real) or isinstance(value, (bool, np.bool_)):
            raise TypeError(
                f"{name}={value!r:.200} is {a_kind(value)}; it must be a number in {interval}"
            )
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not (low < number < high if open_low else low <= number < high):
            raise ValueError(f"{name}={value!r:.200}; it must lie in {interval}")

    return check


@accepting("bool", bool)
def boolean(name: str, value: Any) -> None:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}={value!r:.200} is {a_kind(value)}; it must be True or False")


def optional(check: Check) -> Check:
    """None, or what `check` accepts."""

    def check_unless_none(name: str, value: Any) -> None:
        if value is not None:
            check(name, value)

    return replace(
        check, refuse=check_unless_none, accepts=f"{check.accepts} or None", allows_none=True
    )


@accepting("callable, list of callables or None")
def functions(name: str, value: Any) -> None:
    """None, something that can be called, or a list of such things, but no class.

    A call of a class makes an object, which would be thrown away.
    """
    if isinstance(value, (list, tuple)):
        for i, each in enumerate(value):
            _no_class(f"{name}[{i}]", each)
            if not callable(each):
                raise TypeError(
                    f"{name}[{i}]={each!r:.200} is {a_kind(each)}; each element of the list must "
                    "be a function"
                )
        return
    _no_class(name, value)
    if value is not None and not callable(value):
        raise TypeError(
            f"{name}={value!r:.200} is {a_kind(value)}; it must be a function, a list of functions "
            "or None"
        )


def _no_class(what: str, value: Any) -> None:
    if isinstance(value, type):
        raise TypeError(
            f"{what} is the class {value.__name__}; pass an object of it, {value.__name__}(...)"
        )


@accepting("path-like", Path)
def path(name: str, value: Any) -> None:
    """A folder's name: text, or a path object."""
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value) or "\0" in str(value):
        raise TypeError(
            f"{name}={value!r:.200} is {a_kind(value)}; it must be the name of a folder, or None"
        )


@accepting("int >= 0", int)
def verbosity(name: str, value: Any) -> None:
    """An int of at least 0, or a bool."""
    integer(0)(name, int(value) if isinstance(value, (bool, np.bool_)) else value)


@accepting(
    _braced(("auto", "float32", "float64")),
    to_json=lambda value: value if value == "auto" else np.dtype(value).name,
)
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
            f"{name}={value!r:.200} is not known; choose one of 'auto', 'float32', 'float64'"
        )


@accepting("int", int)
def thread_count(name: str, value: Any) -> None:
    """An int other than 0."""
    if not isinstance(value, numbers.Integral) or isinstance(value, (bool, np.bool_)):
        raise TypeError(
            f"{name}={value!r:.200} is {a_kind(value)}; it must be an int or None (all cores)"
        )
    if value == 0:
        raise ValueError(f"{name}=0 has no meaning; give a positive number, or -1 for all cores")


def _plain_seed(value: Any) -> Any:
    generators = (np.random.RandomState, np.random.Generator)
    return None if isinstance(value, generators) else plain(value)


@accepting("int >= 0, numpy RandomState or Generator, or None", int, to_json=_plain_seed)
def seed(name: str, value: Any) -> None:
    """None, an int of at least 0, or a generator of either kind."""
    if not isinstance(value, (np.random.RandomState, np.random.Generator, type(None))):
        integer(0)(name, value)


def _plain_class_weights(value: Any) -> Any:
    # As pairs, because JSON would turn labels that are numbers into strings.
    if isinstance(value, Mapping):
        return [[plain(label), float(weight)] for label, weight in value.items()]
    return plain(value)


def _restored_class_weights(value: Any) -> Any:
    return dict(value) if isinstance(value, list) else value


@accepting(
    '{"balanced"}, dict of label to weight, or None',
    to_json=_plain_class_weights,
    from_json=_restored_class_weights,
)
def class_weighting(name: str, value: Any) -> None:
    """Check that it is None, "balanced" or a mapping."""
    if value is None or isinstance(value, Mapping):
        return
    if not isinstance(value, str):
        raise TypeError(
            f"{name}={value!r:.200} is {a_kind(value)}; it must be None, 'balanced', or a "
            "dict {label: weight}"
        )
    if value != "balanced":
        raise ValueError(
            f"{name}={value!r:.200}; choose None, 'balanced', or a dict {{label: weight}}"
        )


@accepting("str, callable or None", to_json=lambda value: None if callable(value) else plain(value))
def scorer(name: str, value: Any) -> None:
    """None, a name or a function; whether scikit-learn knows the name is checked by `fit`."""
    if value is not None and not isinstance(value, str) and not callable(value):
        raise TypeError(
            f"{name}={value!r:.200} is {a_kind(value)}; it must be None, 'loss', the name of a "
            "scikit-learn scorer, or a function (estimator, X, y) -> float"
        )


@accepting("int >= 0 or float in [0, 1)", float)
def epochs_or_share(name: str, value: Any) -> None:
    """An int of at least 0, or a float in [0, 1)."""
    if isinstance(value, numbers.Integral):
        integer(0)(name, value)
    else:
        real(0, 1)(name, value)


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


def check_whole_recordings(deltas: Any, stride: Any, scale_each: bool, stateful: bool) -> None:
    """Raise ValueError if recordings come in pieces, but the front end needs them whole.

    "auto" chooses what needs no whole recordings then.
    """
    given = [f"deltas={deltas!r}"] * (deltas not in (0, "auto"))
    given += [f"stride={stride!r}"] * (stride not in (1, "auto"))
    given += ["scale_each=True"] * bool(scale_each)
    if stateful and given:
        why = "would begin anew with each piece, at which no step before it is known"
        if given[0].startswith("scale_each"):
            why = "divides a recording by its own amplitude, which no piece of it has"
        raise ValueError(
            f"stateful=True goes on with recordings in pieces, and {given[0]} {why}: set one of "
            "them back"
        )


def check_mode(mode: str, stateful: bool) -> None:
    """Raise ValueError if the states of samples are to be carried on between several networks."""
    if mode == "local" and stateful:
        raise ValueError(
            "stateful=True with mode='local': a sample would go on from a state that another "
            "replica, with other weights, left it in; set mode='sync' or stateful=False"
        )


def check_warm_up(learning_rate: str, warm_up: int | float) -> None:
    """Raise ValueError for a schedule that warms up by itself."""
    if learning_rate == "one_cycle" and warm_up:
        raise ValueError(
            f"warm_up={warm_up!r}, but learning_rate='one_cycle' begins with a warm-up of its own: "
            "set warm_up=0, or choose 'cosine'"
        )
