"""A model's answers in; the bytes of a table of them, as CSV, JSON lines or Parquet, out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.cli.errors import UserError
from elman.cli.kinds import is_of_numbers, kind_of_model, names_of_answers
from elman.cli.text import csv_line

if TYPE_CHECKING:
    from elman.data import Dataset

Array = NDArray[Any]


@dataclass
class Answers:
    """A table of answers: each part by the names of its columns, all with a value for each row."""

    places: dict[str, list[Any]]
    """which recording, and which step of it"""
    kind: str
    """what the answers are: "label", "labels" or "value" """
    answers: dict[str, list[Any]]
    probabilities: dict[str, list[float]] = field(default_factory=dict)
    """by class"""
    named: bool = False
    """whether the answers are called as the columns of their targets were"""

    def columns(self) -> dict[str, list[Any]]:
        """All columns, by name."""
        shares = {f"p({name})": column for name, column in self.probabilities.items()}
        return self.places | self.answers | shares


def answers_of(model: Any, dataset: Dataset, X: Any, proba: bool) -> Answers:
    """What a model answers to the sequences X of a data set, with their probabilities or not."""
    kind, answers = kind_of_model(model), model.predict(X)
    shares: dict[str, list[float]] = {}
    ids = _ids(dataset)
    if proba:
        found = model.predict_proba(X)
        block = np.concatenate(found) if kind == "steps" else found
        shares = {str(c): block[:, k].tolist() for k, c in enumerate(model.classes.tolist())}
    name = "value" if is_of_numbers(kind) else "label"
    if kind in ("steps", "step values"):
        lengths = [len(told) for told in answers]
        places = ids or {"recording": [*range(len(answers))]}
        places = {key: _repeated(column, lengths) for key, column in places.items()}
        places |= _times(dataset, lengths)
        answers = np.concatenate(answers)
    else:
        places = ids
    one = answers.ndim == 1
    of_targets = names_of_answers(model)
    names = [name] if one else [f"{name}({k})" for k in range(answers.shape[1])]
    names = of_targets or names
    columns = [answers] if one else answers.T
    told = {key: column.tolist() for key, column in zip(names, columns, strict=True)}
    what = "labels" if kind == "labels" else name
    return Answers(_apart(places, names), what, told, shares, named=of_targets is not None)


def _ids(dataset: Dataset) -> dict[str, list[Any]]:
    """The ids of the sequences, in a column for each column that they are from."""
    if dataset.ids is None:
        return {}
    names = dataset.metadata.get("id", ["id"])
    columns = [dataset.ids] if len(names) == 1 else list(zip(*dataset.ids, strict=True))
    return {name: _plain(column) for name, column in zip(names, columns, strict=True)}


def _times(dataset: Dataset, lengths: list[int]) -> dict[str, list[Any]]:
    """The time of each step, or else its number."""
    times = dataset.metadata.get("times")
    if times is None:
        return {"step": [t for n in lengths for t in range(n)]}
    return {dataset.metadata["time"]: _plain(np.concatenate(times)) if times else []}


def _plain(column: Any) -> list[Any]:
    """Values as text and numbers of Python; dates as ISO 8601 has them."""
    array = np.asarray(column)
    if array.dtype.kind == "M":
        return list(np.datetime_as_string(array, unit="auto").tolist())
    return [str(v) if isinstance(v, np.datetime64) else v for v in array.tolist()]


def _repeated(column: list[Any], lengths: list[int]) -> list[Any]:
    return [value for value, n in zip(column, lengths, strict=True) for _ in range(n)]


def _apart(places: dict[str, list[Any]], names: list[str]) -> dict[str, list[Any]]:
    """Columns of places, called so that none has the name of a column of answers."""
    return {f"{name} (id)" if name in names else name: col for name, col in places.items()}


def as_csv(answers: Answers) -> bytes:
    """The columns under a header."""
    # Nine digits give a float32 back exactly.
    digits = [[f"{p:.9g}" for p in column] for column in answers.probabilities.values()]
    columns = [*answers.places.values(), *answers.answers.values(), *digits]
    rows = zip(*columns, strict=True)
    return "".join([csv_line(answers.columns()), *map(csv_line, rows)]).encode()


def as_json_lines(answers: Answers) -> bytes:
    """An object on each line, as `elman stream --json` has them."""
    return "".join(json.dumps(row) + "\n" for row in _objects(answers)).encode()


def _objects(answers: Answers) -> Iterator[dict[str, Any]]:
    places, classes = [*answers.places], [*answers.probabilities]
    one = len(answers.answers) == 1 and answers.kind != "labels"
    told_of = zip(*answers.answers.values(), strict=True)
    rows: Iterable[Any] = zip(*answers.places.values(), strict=True) if places else repeat(())
    shares: Iterable[Any] = repeat(())
    if classes:
        shares = zip(*answers.probabilities.values(), strict=True)
    for values, place, p in zip(told_of, rows, shares, strict=False):
        told: dict[str, Any] = dict(zip(places, place, strict=True))
        if answers.kind == "labels":
            told["labels"] = [k for k, value in enumerate(values) if value]
        elif answers.named:
            told |= dict(zip(answers.answers, values, strict=True))
        else:
            told[answers.kind] = values[0] if one else list(values)
        if classes:
            told["p"] = {c: float(f"{v:.9g}") for c, v in zip(classes, p, strict=True)}
        yield told


def as_parquet(answers: Answers) -> bytes:
    """The columns in a Parquet file."""
    from elman.data.arrow import parquet_of

    return parquet_of(answers.columns())


FORMATS: dict[str, Callable[[Answers], bytes]] = {
    "csv": as_csv,
    "jsonl": as_json_lines,
    "parquet": as_parquet,
}
"""How answers are written, by the name of the format."""


def format_of(wanted: str | None, output: Path | None) -> str:
    """The format that was asked for, or else that of the suffix of the file to write, or CSV.

    A suffix by which the file would be read as something else is refused.
    """
    from elman.data.readers import FIXES, suffixes

    if wanted is not None and wanted not in FORMATS:
        raise UserError(f"--format {wanted!r} is not known; choose {', '.join(FORMATS)}")
    suffix = "" if output is None else output.suffix.lower().removeprefix(".")
    meant = {"ndjson": "jsonl"}.get(suffix, suffix)
    if meant in FORMATS:
        if wanted not in (None, meant):
            raise UserError(
                f"{output}: .{suffix} is the suffix of other files than --format {wanted} writes: "
                f"name it .{wanted}, or leave --format out"
            )
        return meant
    if suffix != "txt" and f".{suffix}" in (*suffixes(), *FIXES):
        raise UserError(
            f"{output}: .{suffix} is not what answers are written as: name it "
            + (".csv, .jsonl or .parquet" if wanted is None else f".{wanted}")
        )
    return wanted or "csv"


def needs_file(wanted: str) -> bool:
    """Whether a format is not text."""
    return wanted == "parquet"
