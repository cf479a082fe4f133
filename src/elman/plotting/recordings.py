"""A model, recordings and numbers as a user passes them in; what can be drawn of them out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.frames import is_frame_type
from elman.data.named import NamedSequences
from elman.data.sequences import Sequences
from elman.data.symbols.naming import StepNames, name_of_column
from elman.data.symbols.raw import CALLED, Form
from elman.models.fitted import Fitted
from elman.plotting.style import MOST_STEP_NAMES, drawn, shortened
from elman.targets.checks import shown
from elman.targets.masked import refuse_masked


def check_numbers(
    name: str, values: Any, least: float = -np.inf, most: float = np.inf
) -> NDArray[np.float64]:
    """Numbers to draw, as an array.

    Raises
    ------
    ValueError
        One is masked, NaN, infinite, or not between `least` and `most`; names the first.
    """
    refuse_masked(values, name)
    found = np.asarray(values, dtype=np.float64)
    wrong = np.argwhere(~(np.isfinite(found) & (found >= least) & (found <= most)))
    if len(wrong):
        place = tuple(wrong[0].tolist())
        between = "finite"
        if np.isfinite(least):
            between = f"at least {least:g}" + (f", at most {most:g}" if np.isfinite(most) else "")
        at = "".join(f"[{i}]" for i in place)
        raise ValueError(f"{name}{at} is {found[place]:g}; every number has to be {between}")
    return found


def one_recording(found: Fitted, x: Any) -> Sequences:
    """The one recording to draw, through the steps of a pipeline.

    Parameters
    ----------
    found : Fitted
    x : array-like of shape (n_timesteps, n_features)
        Or the one recording of an X of length 1. Of a model that was trained on a 2-D X,
        (n_timesteps,) is a recording too. Of one that was trained on symbols, one text, one
        sequence of tokens, or one table.

    Raises
    ------
    TypeError, ValueError
        It is not one recording of at least one time step, or the model cannot read it.
    """
    return found.model.check(found.transform(alone(found, x)), name="[x]")


def alone(found: Fitted, x: Any) -> Any:
    """An X that holds one recording.

    One that was taken out of an X with names of columns is an array without; these are then the
    names that the model knows, so that nobody is warned of what they cannot do otherwise.

    Parameters
    ----------
    found : Fitted
    x : array-like
        As `one_recording` takes it.

    Raises
    ------
    ValueError
        It is not one recording of at least one time step.
    """
    refuse_masked(x, "x")
    if found.model.symbols is not None:
        one = _alone_of_symbols(found.model.symbols.form, x)
        names = found.model.feature_names
        if names is None or found.steps or not isinstance(one[0], np.ndarray):
            return one
        return NamedSequences(one, names) if one[0].shape[1:] == (len(names),) else one
    try:
        shape = np.shape(x)
    except ValueError as error:
        raise ValueError(
            "x must be one recording of shape (n_timesteps, n_features), and its parts have "
            "unequal lengths; pass X[i], not X"
        ) from error
    if found.model.two_d and (len(shape) == 1 or shape[1:] == (1,)) and shape[0]:
        return np.reshape(np.asarray(x), (1, -1))
    named = hasattr(x, "feature_names")
    if len(shape) == 3 and shape[0] == 1 and shape[1]:
        shape, x = shape[1:], x if named else x[0]
    if len(shape) == 2 and not shape[0]:
        raise ValueError(f"x must be one recording of at least one time step, got {shape}")
    if len(shape) != 2:
        raise ValueError(
            f"x must be one recording of shape (n_timesteps, n_features), got {shape}; "
            "pass X[i], not X"
        )
    if named:
        return x
    if not isinstance(x, np.ndarray):
        return [x]
    first = found.steps[0][1] if found.steps else found.model
    names = getattr(first, "feature_names_in_" if found.steps else "feature_names", None)
    if names is None or len(names) != shape[1]:
        return [x]
    return NamedSequences([x], tuple(names))


def all_recordings(found: Fitted, X: Any) -> Sequences:
    """The recordings, through the steps of a pipeline."""
    return found.model.check(found.transform(X))


def names_over_time(found: Fitted, data: Sequences, sample: int = 0) -> list[str] | None:
    """What the time steps of a recording are called: characters or tokens; None for numbers."""
    symbols = found.model.symbols
    return None if symbols is None else StepNames(symbols)(data[sample])


def kind_of_steps(found: Fitted, names: list[str] | None, given: str | None) -> str | None:
    """The label of an axis below which names of time steps stand, if the user gave none.

    They are characters, tokens, or the categories of some columns. None where steps are numbered,
    because there are no names or too many.
    """
    symbols = found.model.symbols
    if given is not None or symbols is None or names is None or len(names) > MOST_STEP_NAMES:
        return given
    columns = [drawn(shortened(name_of_column(symbols, j))) for j in symbols.categorical]
    return "/".join(columns) if len(columns) <= 3 else "categories"


def _alone_of_symbols(form: Form, x: Any) -> Any:
    """An X of the one recording of characters, tokens or rows that x is, or holds."""
    if isinstance(x, str):
        if not x:
            raise ValueError("x must be one recording of at least one time step, got an empty text")
        return [x]
    if not hasattr(x, "__len__") or not hasattr(x, "__getitem__"):
        raise TypeError(f"x is {shown(x)}; it must be one recording: {CALLED[form]}, of X")
    if not len(x):
        raise ValueError("x must be one recording of at least one time step, got an empty one")
    if _depth(x) == DEPTHS[form]:
        return [x]
    if len(x) == 1:
        return x
    raise ValueError(f"x holds {len(x)} recordings; it must be one: pass X[i], not X")


DEPTHS = {"characters": 0, "tokens": 1, "steps": 2}
"""Containers within each other that one recording of each form is"""


def _depth(x: Any) -> int:
    """How many containers are within each other, up to one of text or numbers."""
    depth = 0
    while not isinstance(x, (str, bytes)) and hasattr(x, "__len__") and len(x):
        if is_frame_type(type(x)):
            return depth + 2
        depth += 1
        x = x[0] if isinstance(x, (list, tuple, np.ndarray)) else next(iter(x))
    return depth
