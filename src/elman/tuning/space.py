"""An estimator and its training data in; the hyper-parameters worth a try, out.

A candidate is told by what it changes of the estimator that was given: the empty change is the
estimator as it is. Single changes are tried by themselves, so that it can be said what each of them
is worth.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from elman.backends.streams import STREAM_READOUTS
from elman.data.frontend_choice import choose
from elman.data.sequences import Sequences
from elman.data.symbols import Symbols
from elman.estimators.assembly import batch_size_of
from elman.estimators.embeddings import categories_of
from elman.hyperparameters.declared import PARAMETERS, declarations
from elman.training.enough import enough_epochs, steps_of_epoch

Changes = dict[str, Any]

MORE_STEPS = 1000
"""Steps of the optimizer that the longer of the trainings takes, on small sets"""
MOST_TIMES_LONGER = 4
"""but never so many times the epochs of the estimator that was given"""
NOT_SEARCHED = (
    *("on_epoch", "checkpoint", "checkpoint_epochs", "checkpoint_minutes", "n_jobs", "verbose"),
    *("random_state", "warm_start", "stateful", "missing", "dtype", "backend", "recompute_every"),
)
"""Hyper-parameters that are no matter of how good a network is, or not to be chosen by it."""


@dataclass(frozen=True)
class LogUniform:
    """Numbers between two others, whose logarithms are evenly distributed.

    Parameters
    ----------
    low, high : float
        Above 0.
    """

    low: float
    high: float

    def rvs(self, size: Any = None, random_state: Any = None) -> float:
        """Draw one, to three digits."""
        drawn = random_state.uniform(math.log(self.low), math.log(self.high))
        return float(f"{math.exp(drawn):.3g}")


@dataclass(frozen=True)
class Space:
    """What may be changed."""

    values: dict[str, Any]
    """by hyper-parameter what to draw from: a list, or an object with `rvs`"""
    singles: list[Changes]
    """single changes, those that are tried first"""
    estimator: Any
    automatic: Changes = field(default_factory=dict)
    """what hyper-parameters of the estimator that are "auto" come to on a fold"""

    def is_possible(self, changes: Mapping[str, Any]) -> bool:
        """Whether hyper-parameters go together."""
        from sklearn.base import clone

        try:
            clone(self.estimator).set_params(**changes)._check_parameters()
        except ValueError:
            return False
        return True

    def effective(self, changes: Mapping[str, Any]) -> Changes:
        """The changes without those that set what is set already."""
        given = self.estimator.get_params(deep=False)
        return {name: value for name, value in changes.items() if not _same(value, given[name])}

    def draw(self, incumbent: Mapping[str, Any], rng: np.random.RandomState) -> Changes:
        """A random candidate near one that is good: some of it is drawn afresh."""
        from sklearn.model_selection import ParameterSampler

        drawn = next(iter(ParameterSampler(self.values, 1, random_state=rng)))
        names = sorted(drawn)
        afresh = rng.uniform(size=len(names)) < REDRAWN
        if not afresh.any():
            afresh[rng.randint(len(names))] = True
        chosen = {name: drawn[name] for name, new in zip(names, afresh, strict=True) if new}
        return self.effective({**incumbent, **chosen})


REDRAWN = 0.35
"""Share of the hyper-parameters that a random candidate does not have from the best one"""


def make_space(
    estimator: Any,
    data: Sequences,
    overrides: Mapping[str, Any] | None,
    *,
    streams: bool,
    of_steps: bool,
    n_train: int,
    symbols: Symbols | None = None,
) -> Space:
    """What is worth a try for these data.

    Parameters
    ----------
    estimator : estimator
        What is changed.
    data : Sequences
        Training data.
    overrides : mapping or None
        By hyper-parameter what to draw from instead; None leaves it as it is.
    streams : bool
        Leave out what an answer before a sequence's end cannot have.
    of_steps : bool
        Whether each time step has an answer of its own.
    n_train : int
        Samples that a fold trains on.
    symbols : Symbols, optional
        Those of X, if it has some.

    Raises
    ------
    TypeError, ValueError
        `overrides` names what is no hyper-parameter, or values that it cannot have.
    """
    if not isinstance(overrides, Mapping | None):
        raise TypeError(
            f"space={overrides!r:.200} is of type {type(overrides).__name__}; it must be a mapping "
            "of hyper-parameters to lists of values, such as {'cell': ['elman', 'gru']}"
        )
    automatic = _automatic(estimator, data, symbols, of_steps=of_steps, n_train=n_train)
    values = _curated(estimator, data, automatic, of_steps=of_steps, n_train=n_train)
    if symbols is not None:
        for name in OF_NUMBERS:
            if (overrides or {}).get(name) is not None:
                raise ValueError(
                    f"space has {name!r}, which is made for numbers alone, and X has categories: "
                    "leave it out"
                )
            values.pop(name, None)
        values |= _of_symbols(estimator, symbols)
    for name, given in dict(overrides or {}).items():
        if given is None:
            _declaration(estimator, name)
            values.pop(name, None)
        else:
            values[name] = _checked(estimator, name, given)
    if streams:
        values = _of_streams(estimator, values, overrides or {})
    known = Space(values, [], estimator)
    values = {name: _possible(known, name, each) for name, each in values.items()}
    values = {name: each for name, each in values.items() if each is not None}
    space = Space(values, [], estimator)
    return Space(values, [*_singles(space)], estimator, automatic)


OF_NUMBERS = ("deltas", "stride", "scale_each")
"""what is made of numbers, and not of categories"""
MANY = 64
"""categories of a column from which on the size of its embedding is searched"""
SIZES = (None, 16, 32, 64)
RARE = (2, 5)
"""frequencies below which tokens may be taken as unknown"""


def _of_symbols(estimator: Any, symbols: Symbols) -> Changes:
    """What is worth a try of categories.

    Of many the size of their embedding; of rare ones, from which frequency on they are known.
    """
    many = [n >= MANY for n in symbols.n_categories]
    values: Changes = {}
    if any(many) and estimator.embedding_init is None:
        own = estimator.embedding_size
        same = _automatic_size(symbols) if isinstance(own, str) else own
        sizes: list[Any] = [n for n in SIZES if not _same(n, same)]
        if not all(many):  # the others stay as they are
            sizes = [
                {j: n for j, is_one in zip(symbols.categorical, many, strict=True) if is_one}
                for n in sizes
            ]
        values["embedding_size"] = [own, *sizes]
    counts = np.concatenate([vocabulary.counts[1:] for vocabulary in symbols.vocabularies])
    if estimator.min_frequency is None:
        rare = [n for n in RARE if ((counts > 0) & (counts < n)).any() and (counts >= n).any()]
        if rare:
            values["min_frequency"] = [None, *rare]
    return values


def _automatic_size(symbols: Symbols) -> Any:
    """What embedding_size="auto" comes to in the columns of many categories, if it is one size."""
    columns = categories_of(symbols, "auto", None)
    sizes = {size or None for n, size in columns if n >= MANY}
    return sizes.pop() if len(sizes) == 1 else ()


def _automatic(
    estimator: Any, data: Sequences, symbols: Symbols | None, *, of_steps: bool, n_train: int
) -> Changes:
    """What "auto" comes to in a training on so many of the samples."""
    e = estimator
    if symbols is None:
        chosen = choose(data, e.deltas, e.stride, every_step=of_steps)
    else:
        chosen = choose(data, 0, 1, every_step=of_steps)
    found: Changes = {"deltas": chosen.deltas, "stride": chosen.stride}
    if e.max_iter == "auto":
        blocks = -(-data.lengths // chosen.stride)
        n_steps = steps_of_epoch(
            n_train,
            float(blocks.mean()),
            batch_size=batch_size_of(e, n_train).number,
            replicas=int(e.replicas) if e.mode == "local" else 1,
            bptt_steps=int(e.bptt_steps) if of_steps and e.bptt_steps is not None else None,
        )
        found["max_iter"] = enough_epochs(n_steps).number
    return {name: value for name, value in found.items() if getattr(e, name) == "auto"}


def _curated(
    estimator: Any, data: Sequences, automatic: Changes, *, of_steps: bool, n_train: int
) -> Changes:
    e = estimator
    values: Changes = {
        # without what "auto" comes to anyway
        "deltas": [n for n in (0, 1, 2) if n != automatic.get("deltas")],
        "bidirectional": [False, True],
        "scale_each": [False, True],
        "cell": ["elman", "gru", "lstm"],
        "readout": [
            *(("last", "max"), ("mean", "max"), ("last", "mean", "max")),
            *("max", "last", "mean", "attention"),
        ],
        "max_iter": _epochs(e, n_train, automatic),
        "stride": [n for n in _strides(data) if n != automatic.get("stride")],
        "n_layers": [1, 2],
        "learning_rate_init": LogUniform(0.001, 0.02),
        "hidden_size": [32, 64, 96, 128],
        "dropout": [0.0, 0.2, 0.4],
        "alpha": LogUniform(0.0003, 0.03),
    }
    if of_steps:  # whose answers are of every step, at every step
        del values["stride"]
        values.pop("readout")
    if not hasattr(e, "readout"):
        values.pop("readout", None)
    if np.ndim(e.hidden_size):
        del values["hidden_size"], values["n_layers"]
    if not e.standardize:  # by whatever reason, the amplitudes are to stay
        del values["scale_each"]
    return values


def _epochs(estimator: Any, n_train: int, automatic: Changes) -> list[Any]:
    """The estimator's own epochs, and some more if its steps are few."""
    own = estimator.max_iter
    n_epochs = int(automatic.get("max_iter", own))
    n_batches = -(-n_train // batch_size_of(estimator, n_train).number)
    wanted = min(-(-MORE_STEPS // n_batches), MOST_TIMES_LONGER * n_epochs)
    found = [own, n_epochs * 2]
    if wanted > 2 * n_epochs:
        found.append(wanted)
    return found


def _strides(data: Sequences) -> list[Any]:
    """1, what "auto" makes of the data, and its neighbours."""
    auto = choose(data, 0, "auto").stride
    if auto == 1:
        longest = int(data.lengths.max(initial=0))
        return [1, 2] if longest >= LEAST_TO_THIN else [1]
    return sorted({1, max(auto // 2, 1), auto, 2 * auto})


LEAST_TO_THIN = 32
"""Steps of the longest sequence from which on a stride is worth a try"""


def _of_streams(estimator: Any, values: Changes, overrides: Mapping[str, Any]) -> Changes:
    for name in ("bidirectional", "scale_each"):
        wanted = overrides.get(name)
        drawn = hasattr(wanted, "rvs")
        if getattr(estimator, name) or drawn or (wanted is not None and any(wanted)):
            raise ValueError(
                f"streams=True leaves out {name}=True, which has no answer before a sequence has "
                "ended, but it was asked for: set one of them back"
            )
        values.pop(name, None)
    if "readout" in values and not hasattr(values["readout"], "rvs"):
        values["readout"] = [each for each in values["readout"] if _streamed(each)]
    return values


def _streamed(readout: Any) -> bool:
    parts = [readout] if isinstance(readout, str) else readout
    return set(parts) <= set(STREAM_READOUTS)


def _declaration(estimator: Any, name: str) -> Any:
    known = declarations(PARAMETERS[estimator._MODEL.kind])
    if name not in known or name in NOT_SEARCHED:
        choices = ", ".join(each for each in known if each not in NOT_SEARCHED)
        raise ValueError(
            f"space has {name!r}, which is no hyper-parameter of an {type(estimator).__name__} to "
            f"be searched; choose among {choices}"
        )
    return known[name]


def _checked(estimator: Any, name: str, given: Any) -> Any:
    """Values that a user wants to draw from, each of them allowed."""
    declaration = _declaration(estimator, name)
    if hasattr(given, "rvs"):
        # One is drawn to see whether it can be used at all.
        drawn = given.rvs(random_state=np.random.RandomState(0))
        declaration.check_for(estimator._MODEL.kind)(name, drawn)
        return given
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise TypeError(
            f"space[{name!r}] is {given!r:.100}; it must be a list of values, or a distribution "
            "with a method rvs"
        )
    values = [*given]
    if not values:
        raise ValueError(f"space[{name!r}] is empty: give it values, or None to leave {name} as is")
    for value in values:
        declaration.check_for(estimator._MODEL.kind)(name, value)
    return values


def _possible(space: Space, name: str, values: Any) -> Any:
    """The values that go with the estimator as it is; None if only its own does."""
    if hasattr(values, "rvs"):
        return values
    own = getattr(space.estimator, name)
    found = [value for value in values if _same(value, own) or space.is_possible({name: value})]
    return found if any(not _same(value, own) for value in found) else None


FIRST = (
    ("deltas", 1),
    ("stride", None),
    ("bidirectional", True),
    ("cell", "gru"),
    ("readout", ("last", "max")),
    ("readout", "max"),
    ("max_iter", None),
    ("scale_each", True),
    ("deltas", 0),
    ("cell", "lstm"),
    ("readout", "last"),
    ("readout", "mean"),
    ("n_layers", 2),
    ("embedding_size", None),
    ("min_frequency", None),
)
"""Single changes in the order in which they are tried; None: any other value than the own."""


def _singles(space: Space) -> Iterable[Changes]:
    """Single changes of the estimator, of values that may be drawn."""
    seen: list[Changes] = []
    for name, value in FIRST:
        values = space.values.get(name)
        if not isinstance(values, Sequence):
            continue
        own = getattr(space.estimator, name)
        others = [each for each in values if not _same(each, own)]
        if value is None:
            if name in ("embedding_size", "min_frequency"):
                chosen = others
            else:
                chosen = others[-1:] if name == "max_iter" else _other_stride(others)
        else:
            chosen = [each for each in others if _same(each, value)]
        for each in chosen:
            if {name: each} not in seen:
                seen.append({name: each})
                yield {name: each}


def _other_stride(others: Sequence[Any]) -> list[Any]:
    """The middle one of several strides."""
    return [others[(len(others) - 1) // 2]] if others else []


def _same(one: Any, other: Any) -> bool:
    """Whether two values of a hyper-parameter are the same; True is not 1."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    return bool(np.all(_in_order(one) == _in_order(other)))


def _in_order(value: Any) -> Any:
    """Several readouts in one order, since any order is the same network; one by its name."""
    if isinstance(value, (list, tuple)) and value and all(isinstance(each, str) for each in value):
        return value[0] if len(value) == 1 else tuple(sorted(value))
    return value


def described(changes: Mapping[str, Any]) -> str:
    """A candidate in words: deltas=1, cell='gru'."""
    return ", ".join(f"{name}={value!r}" for name, value in changes.items()) or "untouched"
