"""Lines of standard input in; a sequence of symbols of each, as a model was trained on, out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.cli.errors import UserError
from elman.data.dataset import cut

if TYPE_CHECKING:
    from elman.data import Dataset

NAME = "standard input"
"""What errors call it."""


def of_lines(model: Any, model_path: Path) -> Dataset:
    """The sequences of standard input, one on each line, for a model of symbols.

    A line is a text, of which each character is a time step; or, for a model of tokens, tokens with
    spaces between.

    Raises
    ------
    UserError
        The model reads something else, or a line cannot be used.
    """
    from elman.data.dataset import Dataset
    from elman.data.named import NamedSequences
    from elman.data.tables.plain import object_array

    symbols = getattr(model, "symbols", None)
    if symbols is None or symbols.n_columns > 1:
        reads = "numbers" if symbols is None else f"{symbols.n_columns} values at each time step"
        raise UserError(
            f"{model_path}: reads {reads}, and a line of standard input is a sequence of "
            "characters or tokens: name a file; `elman stream` takes a time step on each line"
        )
    kind = symbols.vocabularies[0].kind
    sequences: list[Any] = []
    for number, text in enumerate(_lines(), start=1):
        if not text.strip():
            raise UserError(
                f"{NAME}, line {number}: is empty; each line is a sequence: leave the line out"
            )
        sequences.append(text if symbols.form == "characters" else _tokens(text, kind, number))
    if not sequences:
        raise UserError(f"{NAME}: has no line; each line is a sequence")
    if symbols.form == "steps":  # as a column of lists of tokens is read
        columns = [object_array(tokens)[:, np.newaxis] for tokens in sequences]
        names = symbols.feature_names or ()
        return Dataset(NamedSequences(columns, names, categorical=names) if names else columns)
    return Dataset(sequences)


def refuse_texts(data: Path, model: Any, model_path: Path) -> None:
    """Raise an error if DATA is probably a text, or has one on each line, for a model of such.

    Raises
    ------
    UserError
        There is no such file, or it is called .txt, and the model reads lines of standard input.
    """
    symbols = getattr(model, "symbols", None)
    if symbols is None or symbols.n_columns > 1:
        return
    if not data.exists():
        raise UserError(
            f"{data}: there is no such file or folder; if it is a text to answer for, pass it to "
            f"standard input: echo '{data}' | elman predict {model_path} -"
        )
    if data.suffix.lower() == ".txt":
        raise UserError(
            f"{data}: a file called .txt is no table; if it has a sequence on each line, pass it "
            f"to standard input: elman predict {model_path} - < {data}"
        )


def _lines() -> Iterator[str]:
    if sys.stdin is None:  # as after `<&-`
        raise UserError(f"{NAME} is closed")
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{NAME}, line {number}: byte 0x{error.object[error.start]:02x} is not UTF-8"
            ) from error
        yield text.rstrip("\r\n")


def _tokens(text: str, kind: str, number: int) -> list[Any]:
    tokens = text.split()
    return tokens if kind == "text" else [token_of(token, kind, number) for token in tokens]


def token_of(text: str, kind: str, line: int | None = None) -> Any:
    """A token of a vocabulary of this kind: text, or an integer or bool as it is written.

    Raises
    ------
    ValueError, or UserError with the number of a line
        It is none.
    """
    if kind in ("text", "characters"):
        return text
    known: dict[str, bool] = {"true": True, "false": False}
    if kind == "bool" and text.lower() in known:
        return known[text.lower()]
    if kind == "int":
        text = text.strip()
        try:
            if str(int(text)) == text:  # "01", "+1" and "1_0" are other texts, as in files
                return int(text)
        except ValueError:
            pass
    wanted = "an integer" if kind == "int" else "true or false"
    why = f"{cut(text)} is not {wanted}, as the categories of training are"
    raise ValueError(why) if line is None else UserError(f"{NAME}, line {line}: {why}")
