"""An .arff file with a sequence on each line, as the UCR/UEA archive has it, in; `Dataset` out."""

from __future__ import annotations

import os
import re
from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.arff.file import ArffFile, Attribute
from elman.data.budget import Budget, check_memory
from elman.data.dataset import Dataset, PathLike, ReaderError, cut
from elman.data.ragged import SEQUENCE_BYTES, split_rows
from elman.data.tables.plain import object_array

Array = NDArray[Any]


def read_arff(
    path: PathLike,
    *,
    missing: str = "error",
    label: str | None = None,
    target: str | None = None,
    max_bytes: int | None = None,
) -> Dataset:
    r"""Read an .arff file with a sequence on each line, as the UCR/UEA archive has them.

    A sequence of one feature is a numeric attribute for each time step. One of several is a
    relational attribute: a quoted text of rows, which are separated by ``\n``, a row for each
    feature, with a value for each time step. Values missing (``?``) at the end of all features are
    the padding of a shorter sequence, and left out. The last nominal attribute is the label.

    An .arff file with a row for each time step is read as a table: `elman.data.read` with `id`.

    Parameters
    ----------
    path : path-like
        The file.
    missing : {"error", "nan"}
        What to do with a missing value among others: refuse the file, or return NaN.
    label : str, optional
        The attribute that is the label; by default the last nominal one, if there is any.
    target : str, optional
        The numeric attribute to predict, in the place of a label.
    max_bytes : int, optional
        The most memory, in bytes, that what is read may take.

    Returns
    -------
    Dataset
        X is float64, and an array if all sequences are of one length; y strings, or floats with
        `target`; None if no sequence has a label.

    Raises
    ------
    ReaderError
        The file is not of this format, or damaged; names file, line and fix.
    OSError
        The file cannot be opened.
    """
    if missing not in ("error", "nan"):
        raise ValueError(f"missing={missing!r} is not known; choose 'error' or 'nan'")
    if label is not None and target is not None:
        raise ReaderError("label= and target= are both given: a data set has one y")
    file = ArffFile(path)
    with file.opened():
        return _archive(file, missing, label, target, max_bytes)


def _archive(
    file: ArffFile, missing: str, label: str | None, target: str | None, max_bytes: int | None
) -> Dataset:
    attributes = file.attributes
    nominal = [k for k, a in enumerate(attributes) if a.kind == "nominal"]
    answer = nominal[-1] if nominal else None
    if target is not None:
        answer = file.position(target, "target")
        if attributes[answer].kind != "numeric":
            raise ReaderError(
                f"{file.path}: attribute {cut(target)} is no numeric one, as targets are"
            )
    elif label is not None:
        answer = file.position(label, "label")
        if attributes[answer].kind == "relational":
            raise ReaderError(f"{file.path}: attribute {cut(label)} is relational, and no label")
    values = [k for k in range(len(attributes)) if k != answer]
    relational = _layout(file, values)
    take = _relational_line if relational else _plain_line
    # All values end to end: arrays of a step each would take far more than the file.
    content = bytearray()
    lengths = array("q")
    n_features = 1
    y: list[Any] = []
    unlabelled = 0
    for line in file.rows():
        x, value = take(file, line, values, answer)
        x = _unpadded(x)
        if lengths and x.shape[1] != n_features:
            file.fail(f"has {x.shape[1]} features, and the lines before have {n_features}")
        n_features = x.shape[1]
        if missing == "error" and np.isnan(x).any():
            t, k = np.argwhere(np.isnan(x))[0].tolist()
            file.fail(
                f"time step {t}, feature {k} is missing (?); fill it in, or read the file with "
                "missing='nan' and fit with missing='mask' or missing='skip'"
            )
        content += x.tobytes()
        lengths.append(len(x))
        check_memory(file.path, len(content) + 8 * len(lengths), max_bytes)
        if answer is not None:
            if value is None:
                unlabelled = unlabelled or file.line
            y.append(_answer(file, attributes[answer], value, target is not None))
    if not lengths:
        raise ReaderError(f"{file.path}: no line of data after @data")
    labels = None
    if y and any(value is not None for value in y):
        if unlabelled:
            file.fail("the label is missing (?), and other lines have one", unlabelled)
        labels = np.array(y) if target is not None else object_array(y)
    X = _sequences(file, np.frombuffer(content).reshape(-1, n_features), lengths, max_bytes)
    return Dataset(X, labels, {"relation": file.relation})


def _sequences(
    file: ArffFile, values: Array, lengths: Any, max_bytes: int | None
) -> Array | list[Array]:
    """Values end to end as an array if all sequences are of one length, or a list of arrays."""
    if min(lengths) == max(lengths):
        return values.reshape(len(lengths), lengths[0], -1)
    budget = Budget(file.path, os.stat(file.path).st_size, max_bytes)
    n_bytes = SEQUENCE_BYTES * len(lengths)
    budget.take_objects(n_bytes, values.nbytes, f"{len(lengths):,} sequences, an array each,")
    return split_rows(values, np.array(lengths, np.int64))


def _layout(file: ArffFile, values: list[int]) -> bool:
    """Whether the sequences are in a relational attribute; an error if they are nowhere."""
    kinds = {file.attributes[k].kind for k in values}
    for k in values:
        attribute = file.attributes[k]
        if attribute.kind in ("nominal", "string", "date"):
            raise ReaderError(
                f"{file.path}: attribute {cut(attribute.name)} is of type {attribute.kind}, where "
                "a file with a sequence on each line has numbers: leave it out; a file with a row "
                "for each time step is read with id=, which names the attribute that says "
                "which sequence a row belongs to, and one with a text on each line with text="
            )
    if not values:
        raise ReaderError(f"{file.path}: has no attribute beside the label, and so no sequences")
    if "relational" in kinds and len(values) > 1:
        raise ReaderError(
            f"{file.path}: has {len(values)} attributes beside the label, one of them relational; "
            "expected one relational attribute, or numeric ones"
        )
    return kinds == {"relational"}


def _plain_line(
    file: ArffFile, line: str, values: list[int], answer: int | None
) -> tuple[Array, str | None]:
    """(n_timesteps, 1), and the text of the answer: of a numeric attribute for each step."""
    value = None
    n = len(file.attributes)
    if "'" not in line and '"' not in line and answer in (None, n - 1):
        numbers, comma, last = line.rpartition(",") if answer is not None else (line, "", "")
        file.check_count(numbers.count(",") + 1 + len(comma), line.rpartition(",")[2].strip())
        value = None if last.strip() == "?" else last.strip()
    else:
        fields = file.fields(line)
        value = None if answer is None else fields[answer]
        numbers = ",".join("?" if fields[k] is None else str(fields[k]) for k in values)
    return file.numbers(numbers, "the line")[:, np.newaxis], value


def _relational_line(
    file: ArffFile, line: str, values: list[int], answer: int | None
) -> tuple[Array, str | None]:
    """(n_timesteps, n_features), and the text of the answer: of a text with a row a feature."""
    fields = file.fields(line)
    attribute = file.attributes[values[0]]
    text = fields[values[0]]
    if text is None:
        file.fail(f"{cut(attribute.name)} is missing (?): leave the line out")
    found: list[Array] = []
    for match in re.finditer(r"[^\n]+", text):
        d, row = len(found), match[0]
        if row.isspace():
            continue
        found.append(file.numbers(row, f"row {d} of {cut(attribute.name)}"))
        if len(found[d]) != attribute.n_inner:
            file.fail(
                f"row {d} of {cut(attribute.name)} has {len(found[d])} value(s), but "
                f"{attribute.n_inner} attributes are declared in it"
            )
    if not found:
        file.fail(f"{cut(attribute.name)} is empty: leave the line out")
    return np.stack(found, axis=1), None if answer is None else fields[answer]


def _unpadded(x: Array) -> Array:
    """Without the steps at the end at which every feature is missing."""
    there = np.flatnonzero(~np.isnan(x).all(axis=1))
    return x[: there[-1] + 1 if len(there) else 0]


def _answer(file: ArffFile, attribute: Attribute, value: str | None, target: bool) -> Any:
    if not target:
        return file.label(attribute, value)
    if value is None:
        return None
    return float(file.numbers(value, cut(attribute.name))[0])
