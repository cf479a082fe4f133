"""Gives a command an option for each declared hyper-parameter."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import typer

from elman.hyperparameters.checks import (
    Check,
    batch_samples,
    block_steps,
    class_weighting,
    deltas_order,
    epochs_or_share,
    most_epochs,
    readout_of_samples,
    sizes,
)
from elman.hyperparameters.declared import DECLARED, Declaration
from elman.hyperparameters.symbol_checks import categorical_columns, embedding_width, frequency

NONE = "none"


def with_hyperparameters(command: Callable[..., int], *, before: str) -> Callable[..., int]:
    """Give a command the options of the hyper-parameters.

    Parameters
    ----------
    command : callable
        Finds in its context what was given, with `given_hyperparameters`.
    before : str
        The parameter of the command that comes next in its help.
    """

    @functools.wraps(command)
    def with_options(**arguments: Any) -> int:
        own = {name: value for name, value in arguments.items() if name not in DECLARED}
        return command(**own)

    parameters: list[inspect.Parameter] = []
    signature = inspect.signature(command, eval_str=True)
    for name, parameter in signature.parameters.items():
        if name == before:
            parameters += [_option(*each) for each in DECLARED.items() if each[1].option]
        parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    made: Any = with_options
    made.__signature__ = signature.replace(parameters=parameters)
    return with_options


def given_hyperparameters(context: typer.Context) -> dict[str, Any]:
    """Return the hyper-parameters that the command line names, as an estimator takes them."""
    return {
        name: None if value == NONE and _may_be_none(DECLARED[name]) else value
        for name, value in context.params.items()
        if name in DECLARED and value is not None
    }


def _option(name: str, declaration: Declaration) -> inspect.Parameter:
    """A hyper-parameter as typer takes it; None is one that was left out."""
    how: tuple[Callable[[str], Any], str] | None = PARSERS.get(declaration.check)
    if how is None and _may_be_none(declaration):
        how = _number, f"FLOAT|{NONE}"
    parser, metavar = how or (None, None)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=typer.Option(None, parser=parser, metavar=metavar, help=declaration.help),
        annotation=declaration.check.option_type | None if how is None else Any,
    )


def _may_be_none(declaration: Declaration) -> bool:
    """Whether the user can ask for None: it is allowed, and it is not the default already."""
    return declaration.check.allows_none and declaration.default is not None


def _sizes(text: str) -> int | tuple[int, ...]:
    """64, or 64,32: one for each layer."""
    try:
        sizes = tuple(int(size) for size in text.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither an integer nor integers with commas between, one for each layer"
        ) from None
    return sizes[0] if len(sizes) == 1 else sizes


def _readouts(text: str) -> str | tuple[str, ...]:
    """max, or last,max: several side by side. Which there are is checked by the estimator."""
    names = tuple(name.strip() for name in text.split(","))
    return names[0] if len(names) == 1 else names


def _number(text: str) -> float | str:
    """A number, or none, which is not to be taken for an option left out."""
    if text == NONE:
        return text
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a number nor none") from None


def _epochs_or_share(text: str) -> int | float:
    """A whole number of epochs, or a share of them."""
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a whole number of epochs nor a share of them"
        ) from None


def _auto_or_int(text: str) -> int | str:
    """auto, or a whole number."""
    try:
        return text if text == "auto" else int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither auto nor a whole number") from None


def _class_weight(text: str) -> str | dict[str, float]:
    """balanced, or LABEL=WEIGHT with commas between."""
    if text == "balanced":
        return text
    weights = {}
    for part in text.split(","):
        label, equals, weight = part.rpartition("=")
        try:
            weights[label] = float(weight)
        except ValueError:
            equals = ""
        if not equals or len(weights) == 0:
            raise typer.BadParameter(f"{text!r} is neither balanced nor LABEL=WEIGHT,...")
    return weights


def _columns(text: str) -> str | list[str] | list[int]:
    """auto, all, or columns by name or index."""
    if text in ("auto", "all"):
        return text
    names = [name.strip() for name in text.split(",")]
    return [int(name) for name in names] if all(map(str.isdigit, names)) else names


def _embedding(text: str) -> int | str | dict[str | int, Any]:
    """auto, none, a size, or COLUMN=SIZE with commas between."""
    if "=" not in text:
        return text if text in ("auto", NONE) else _whole(text)
    sizes: dict[str | int, Any] = {}
    for part in text.split(","):
        column, _, size = part.rpartition("=")
        key = int(column) if column.isdigit() else column
        sizes[key] = None if size == NONE else size if size == "auto" else _whole(size)
    return sizes


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither auto, none nor a whole number, nor COLUMN=SIZE,..."
        ) from None


PARSERS: dict[Check, tuple[Callable[[str], Any], str]] = {
    sizes: (_sizes, "INTEGER[,INTEGER...]"),
    readout_of_samples: (_readouts, "TEXT[,TEXT...]"),
    epochs_or_share: (_epochs_or_share, "INTEGER|FLOAT"),
    deltas_order: (_auto_or_int, "auto|0|1|2"),
    block_steps: (_auto_or_int, "auto|INTEGER"),
    most_epochs: (_auto_or_int, "auto|INTEGER"),
    batch_samples: (_auto_or_int, "auto|INTEGER"),
    categorical_columns: (_columns, "auto|all|COLUMN[,COLUMN...]"),
    embedding_width: (_embedding, "auto|none|INTEGER|COLUMN=INTEGER,..."),
    frequency: (_epochs_or_share, "INTEGER|FLOAT"),
    class_weighting: (_class_weight, "balanced|LABEL=WEIGHT,..."),
}
"""How the text of an option is read, and what help calls it, where a type does not say so."""
