"""A command in; the command with options that say what the columns of its data files are, out."""

from __future__ import annotations

import csv
import functools
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from elman.models.columns import ANSWERS, KEPT, TIMESTAMPS

R = TypeVar("R")


def _names(text: str) -> str | list[str]:
    """A name of a column, or several with commas between; quotes hold a name that has commas."""
    try:
        names = next(csv.reader([text], strict=True, skipinitialspace=True), [])
    except csv.Error:
        names = []
    if not names or not all(names):
        raise typer.BadParameter(f"{text!r} is neither a name nor names with commas between")
    return names[0] if len(names) == 1 else names


def _several(text: str) -> list[str]:
    names = _names(text)
    return [names] if isinstance(names, str) else names


def _delimiter(text: str) -> str:
    """What stands between fields, a tab as a person types it as well."""
    return {"\\t": "\t", "tab": "\t"}.get(text, text)


def _of_names(parser: Callable[[str], Any], metavar: str, help: str) -> Any:
    """An option with names, which may be given several times."""
    return Annotated[list[Any] | None, typer.Option(parser=parser, metavar=metavar, help=help)]


OPTIONS: dict[str, Any] = {
    "id": _of_names(
        _names,
        "NAME",
        "Column that says which recording a row belongs to; several with commas between. Of a "
        "folder: the column of its file of labels.",
    ),
    "time": Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Column that the steps of a recording are sorted by."),
    ],
    "text": Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Column with a text for each recording, a row; its characters are time steps.",
        ),
    ],
    "features": _of_names(
        _several, "NAME,NAME,...", "Columns that are features; by default all others."
    ),
    "label": Annotated[
        str | None, typer.Option(metavar="NAME", help="Column with the label of each recording.")
    ],
    "step_label": Annotated[
        str | None, typer.Option(metavar="NAME", help="Column with a label for each time step.")
    ],
    "target": _of_names(
        _names, "NAME", "Column, or columns, with numbers to predict for each recording."
    ),
    "step_target": _of_names(
        _names, "NAME", "Column, or columns, with numbers to predict at each time step."
    ),
    "weight": Annotated[
        str | None, typer.Option(metavar="NAME", help="Column with the weight of each recording.")
    ],
    "time_delta": Annotated[
        bool | None,
        typer.Option("--time-delta", help="Make a feature of the time since the step before."),
    ],
    "labels": Annotated[
        Path | None,
        typer.Option(help="Table with the label or target of each recording, by its id."),
    ],
    "delimiter": Annotated[
        Any,
        typer.Option(
            parser=_delimiter, metavar="CHAR", help="What stands between fields of CSV; tab is \\t."
        ),
    ],
    "decimal": Annotated[
        str | None, typer.Option(metavar=".|,", help="Decimal mark of numbers in CSV.")
    ],
    "no_header": Annotated[
        bool | None,
        typer.Option("--no-header", help="CSV whose first line does not name the columns."),
    ],
    "timestamps": Annotated[
        str | None,
        typer.Option(
            metavar="|".join(TIMESTAMPS),
            help="Of a .ts file with time stamps: hold the order of the steps against them, make a "
            "feature of them, or refuse it; by default order.",
        ),
    ],
    "max_bytes": Annotated[
        int | None,
        typer.Option(min=1, help="Refuse data that would take more memory than that."),
    ],
}
"""The options of `elman.data.read`, as the commands have them; None is one that was left out."""


OF_NAMES = ("id", "features", "target", "step_target")
"""The options that may name several columns, with commas between or one after the other."""


def with_columns(command: Callable[..., R], *, without: Collection[str] = ()) -> Callable[..., R]:
    """Give a command the options of `elman.data.read`.

    Parameters
    ----------
    command : callable
        Has a parameter `given`, in the place of which the options stand, and which gets those that
        were given as `elman.data.read` takes them.
    without : collection of str
        Options that this command does not have.
    """
    options = {name: option for name, option in OPTIONS.items() if name not in without}

    @functools.wraps(command)
    def with_options(**arguments: Any) -> R:
        given = {name: arguments.pop(name) for name in options}
        return command(**arguments, given=as_given(given))

    parameters: list[inspect.Parameter] = []
    signature = inspect.signature(command, eval_str=True)
    for name, parameter in signature.parameters.items():
        if name == "given":
            parameters += [
                inspect.Parameter(
                    option, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
                )
                for option, annotation in options.items()
            ]
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    made: Any = with_options
    made.__signature__ = signature.replace(parameters=parameters)
    return with_options


def as_given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as `elman.data.read` takes them."""
    given = {
        name: _joined(value) if name in OF_NAMES else value
        for name, value in options.items()
        if value is not None and value != []
    }
    if given.pop("no_header", False):
        given["header"] = False
    if not given.get("time_delta", True):
        given.pop("time_delta")
    return given


def _joined(values: list[Any]) -> Any:
    """What an option of names was given, once or several times."""
    if len(values) == 1:
        return values[0]
    return [name for value in values for name in ([value] if isinstance(value, str) else value)]


def kept(given: Mapping[str, Any], categorical: Sequence[str] = ()) -> dict[str, Any] | None:
    """What a model file keeps of what the columns of the training data were; None of nothing.

    `categorical` are the features that turned out to be categories, by name.
    """
    known = {**given, "categorical_features": list(categorical)}
    if not categorical:
        del known["categorical_features"]
    return {name: known[name] for name in KEPT if name in known} or None


def asked_of(
    model: Any, given: Mapping[str, Any], *, answers: bool
) -> tuple[dict[str, Any], set[str]]:
    """What to read for a model that remembers the columns of its training data.

    Parameters
    ----------
    model : TrainedModel
    given : mapping
        The options that were given now, which come first.
    answers : bool
        Whether labels or targets are to be read.

    Returns
    -------
    wanted : dict
        The options, with those that are remembered.
    may_lack : set of str
        The columns among them, by role, that need not be there: they were not asked for now. A
        label need not be there where names of folders take its place.
    """
    columns: dict[str, Any] = dict(model.columns or {})
    if not answers or any(name in given for name in (*ANSWERS, "labels")):
        columns = {name: value for name, value in columns.items() if name not in ANSWERS}
    if "categorical_features" in columns:
        columns["categorical_features"] = _kinds(model, columns["categorical_features"])
    if model.feature_names is not None and "text" not in columns:
        delta = f"{columns.get('time')}_delta" if columns.get("time_delta") else None
        columns["features"] = [name for name in model.feature_names if name != delta]
    if "text" in given:  # which says what the whole sequence is
        for name in ("features", "categorical_features", "time", "time_delta"):
            columns.pop(name, None)
    wanted = columns | dict(given)
    return wanted, {
        name for name in ("id", "time", "label") if name in columns and name not in given
    }


def _kinds(model: Any, names: str | list[str]) -> dict[str, str]:
    """Categorical columns, and whether each holds text or integers, as the model knows them."""
    several = [names] if isinstance(names, str) else names
    symbols = getattr(model, "symbols", None)
    if symbols is None or len(symbols.vocabularies) < len(several):
        return dict.fromkeys(several, "category")
    known = symbols.feature_names or several
    kinds = {
        known[j]: "text" if vocabulary.kind == "text" else "category"
        for j, vocabulary in zip(symbols.categorical, symbols.vocabularies, strict=True)
        if j < len(known)
    }
    return {name: kinds.get(name, "category") for name in several}
