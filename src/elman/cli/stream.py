"""`elman stream`: time steps, one a line, as they happen in; an answer to each, at once, out."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from elman.cli.errors import UserError
from elman.cli.files import load_model
from elman.cli.kinds import is_of_numbers, kind_of_model, names_of_answers
from elman.cli.lines import token_of
from elman.cli.text import csv_line, visible
from elman.cli.wording import as_options

MISSING = ("", "?")
"""Fields of CSV that are NaN, beside "nan"."""


def stream(
    model: Annotated[Path, typer.Argument(help="A model saved by `elman fit`.")],
    header: Annotated[
        bool,
        typer.Option(
            "--header", help="The first line names the columns, which are then read by name."
        ),
    ] = False,
    reset_on: Annotated[
        str | None,
        typer.Option("--reset-on", metavar="LINE", help="A line after which a sequence begins."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at a line that cannot be used.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of CSV.")] = False,
    bare: Annotated[bool, typer.Option("--bare", help="Write no header.")] = False,
) -> None:
    """Answer at every time step, while it happens.

    Standard input has a time step on each line: its features as CSV (1.5,0.2), as a JSON array
    ([1.5, 0.2]), or as a JSON object of named features. Each is answered on standard output before
    the next is read, with the label so far and the probability of each class, or with the values.
    A line that cannot be used is reported on standard error, with its number, and skipped.

    A model of texts takes a character on each line, one of words a word. Among the features of
    others, categories stand as they are in a table; an empty field is one that is missing.

    A model with a stride reads the mean of a block of time steps; a line within a block is answered
    as if the recording ended there. Standard error says so once.

    With --header columns may stand in any order if the model was trained on named ones, but none
    may be missing or unknown.
    """
    trained: Any = load_model(model).model
    live = trained.stream()
    if sys.stdin is None:  # as after `<&-`
        raise UserError("standard input is closed")
    read = _reader(trained)
    write = _json_writer(trained) if as_json else _csv_writer(trained, bare)
    stride = trained.frontend.stride
    if stride > 1:
        print(
            f"elman: the model reads means of {stride} time steps (stride); within a block, a line "
            "is answered as if the recording ended there",
            file=sys.stderr,
            flush=True,
        )
    lines = iter(sys.stdin.buffer.readline, b"")
    for number, line in enumerate(lines, start=1):
        text = ""
        try:
            # Some programs begin a file of UTF-8 with a mark that says so.
            whole = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            text = whole.strip()
            if reset_on is not None and text == reset_on.strip():
                live.reset()
                continue
            if header:
                read.header(text)
                header = False
                continue
            answers = live.step(read.step(whole if read.takes_spaces else text))
            if live.n_waiting:  # so that each line is answered with all lines so far
                answers = live.answer()
        except (ValueError, TypeError) as error:
            why = f"line {number}: {error}"
            if number == 1 and not header and read.may_be_named and _may_be_names(text):
                why += "; if it names the columns, pass --header"
            if strict or header:
                raise UserError(why) from error
            print(
                f"elman: {' '.join(as_options(why).split())}; skipped", file=sys.stderr, flush=True
            )
            continue
        write(live.predict(), answers)


def _reader(trained: Any) -> _Reader | _Symbol:
    """What makes time steps of lines for a model."""
    symbols = getattr(trained, "symbols", None)
    if symbols is not None and symbols.n_columns == 1:
        return _Symbol(symbols)
    if symbols is not None:
        kinds = {
            j: vocabulary.kind
            for j, vocabulary in zip(symbols.categorical, symbols.vocabularies, strict=True)
        }
        return _Reader(symbols.n_columns, symbols.feature_names, kinds)
    if trained.two_d:  # the names of its columns are those of time steps
        return _Reader(1, None)
    return _Reader(trained.n_features_in, trained.feature_names)


class _Symbol:
    """Lines in; the character, or the token, that each is out."""

    may_be_named = False

    def __init__(self, symbols: Any) -> None:
        self._kind = symbols.vocabularies[0].kind
        self._names = symbols.feature_names
        self._in_row = symbols.form == "steps"
        self.takes_spaces = self._kind == "characters"  # a space is a character

    def header(self, text: str) -> None:
        """Refuse a line that does not name the one column."""
        if self._names is not None and text == self._names[0]:
            return
        called = "has no name" if self._names is None else f"is called {self._names[0]!r}"
        raise ValueError(
            f"is {text!r:.60}, and the one column of the model {called}: leave --header out"
        )

    def step(self, text: str) -> Any:
        """The symbol; ValueError says what is wrong with it."""
        if not text:
            raise ValueError("is empty")
        if self._kind == "characters" and len(text) > 1:
            raise ValueError(
                f"is {text!r:.60}, {len(text)} characters, and the model reads one on each line: "
                "`elman predict MODEL -` takes a whole text on each line"
            )
        token = token_of(text, self._kind)
        return (token,) if self._in_row else token


class _Reader:
    """Lines in, the features of a time step in the order of training out."""

    may_be_named = True
    takes_spaces = False

    def __init__(
        self,
        n_features: int,
        trained_on: tuple[str, ...] | None,
        kinds: Mapping[int, str] | None = None,
    ) -> None:
        self._n_features = n_features
        self._kinds = kinds or {}  # of the columns that are categories, what they hold
        self._trained_on = trained_on  # names of the features, where the model knows them
        self._names = trained_on  # by which JSON objects are read
        self._order = [*range(n_features)]  # of each feature, its place on a line

    def header(self, text: str) -> None:
        """Take the names of the columns, by which lines are read from now on."""
        from elman.data.names import first_repeated

        if text[:1] == "{":
            fix = "" if self._trained_on is None else "; objects have them, so leave --header out"
            raise ValueError(
                "is a JSON object, where --header expects a line with the names of the features"
                + fix
            )
        names = [str(name).strip() for name in (_json(text) if text[:1] == "[" else _fields(text))]
        twice = first_repeated(names)
        if twice is not None:
            raise ValueError(f"names {twice!r} twice")
        if self._trained_on is not None:
            self._refuse_names(names, self._trained_on, "the model was trained on")
            self._order = [names.index(name) for name in self._trained_on]
            return
        if len(names) != self._n_features:
            raise ValueError(self._wrong_number(len(names)))
        self._names = tuple(names)

    def step(self, text: str) -> list[Any]:
        """The features; ValueError says what is wrong with them."""
        if not text:
            raise ValueError("is empty")
        values: list[Any]
        if text[0] in "[{":
            values = self._from_json(text)
        else:
            fields = self._in_order(_fields(text))
            values = [
                f or None if k in self._kinds else np.nan if f.strip() in MISSING else f
                for k, f in enumerate(fields)
            ]
        if len(values) != self._n_features:
            commas = (
                "; commas stand between values" if len(values) == 1 < len(text.split(";")) else ""
            )
            raise ValueError(self._wrong_number(len(values)) + commas)
        return [
            _category(value, self._kinds[k]) if k in self._kinds else _number(value)
            for k, value in enumerate(values)
        ]

    def _from_json(self, text: str) -> list[Any]:
        found = _json(text)
        if isinstance(found, list):
            return self._in_order(found)
        if self._names is None:
            raise ValueError("is a JSON object, but no header (--header) names the features")
        self._refuse_names([*found], self._names, "the features are")
        return [found[name] for name in self._names]

    def _in_order(self, values: list[Any]) -> list[Any]:
        """The values of a line in the order of training, if they are as many."""
        if len(values) != self._n_features:
            return values
        return [values[i] for i in self._order]

    @staticmethod
    def _refuse_names(seen: list[str], expected: tuple[str, ...], what: str) -> None:
        from elman.data.names import listed

        missing = [name for name in expected if name not in seen]
        unknown = [name for name in seen if name not in expected]
        wrong = [f"has no {listed(missing)}"] * bool(missing)
        wrong += [f"has {listed(unknown)}, which is unknown"] * bool(unknown)
        if wrong:
            raise ValueError(f"{' and '.join(wrong)}; {what} {listed(expected)}")

    def _wrong_number(self, n: int) -> str:
        return f"has {n} value(s), but the model takes {self._n_features} feature(s)"


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None
    except RecursionError:
        raise ValueError("is JSON nested too deeply") from None


def _fields(text: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        raise ValueError(f"is not CSV: {error}") from None


def _may_be_names(text: str) -> bool:
    """Whether a line of CSV has fields, and none of them is a number."""
    if text[:1] in ("", "[", "{"):
        return False
    for field in _fields(text):
        try:
            float(field)
        except ValueError:
            continue
        return False
    return True


def _category(value: Any, kind: str) -> Any:
    """A category; a field of CSV is a text, which may say an integer."""
    return token_of(value, kind) if isinstance(value, str) else value


def _number(value: Any) -> float:
    """A value of a column of numbers; true and false are 1 and 0, as in a file."""
    if value is None:
        return np.nan
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return float(value.strip().lower() == "true")
    if isinstance(value, (str, int, float)) and "_" not in str(
        value
    ):  # 1_000 is a number in Python's own code alone
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"has {value!r:.60}, which is not a number")


Writer = Callable[[Any, Any], None]
"""Writes what `predict` and `step` of a stream say."""


def _csv_writer(trained: Any, bare: bool) -> Writer:
    kind = kind_of_model(trained)
    numbers = is_of_numbers(kind)
    name = "value" if numbers else "label"
    n = len(trained.target_scale.mean) if numbers else len(trained.classes)
    several = kind == "labels" or (numbers and not trained.one_target)
    header = [f"{name}({k})" for k in range(n)] if several else [name]
    header = names_of_answers(trained) or header
    if not numbers:
        header += [f"p({c})" for c in trained.classes.tolist()]

    def write(predicted: Any, answers: Any) -> None:
        # Nine digits give a float32 back exactly.
        shares = [] if numbers else [f"{p:.9g}" for p in answers]
        _say(csv_line([*np.atleast_1d(np.asarray(predicted)).tolist(), *shares]))

    if not bare:
        _say(csv_line(header))
    return write


def _json_writer(trained: Any) -> Writer:
    kind = kind_of_model(trained)
    numbers = is_of_numbers(kind)
    name = "value" if numbers else "labels" if kind == "labels" else "label"

    of_targets = names_of_answers(trained)

    def write(predicted: Any, answers: Any) -> None:
        values = np.asarray(predicted).tolist()
        told: dict[str, Any] = {name: values}
        if of_targets is not None:
            told = dict(zip(of_targets, np.ravel(values).tolist(), strict=True))
        if kind == "labels":
            told[name] = np.flatnonzero(predicted).tolist()
        if not numbers:
            classes = map(str, trained.classes.tolist())
            told["p"] = {c: float(f"{p:.9g}") for c, p in zip(classes, answers, strict=True)}
        _say(json.dumps(told) + "\n")

    return write


def _say(line: str) -> None:
    if sys.stdout.isatty():  # a terminal would obey an escape code in a label
        line = visible(line.removesuffix("\n")) + "\n"
    sys.stdout.write(line)
    sys.stdout.flush()
