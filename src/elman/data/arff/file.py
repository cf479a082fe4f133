"""The lines of an .arff file in; its attributes, and the fields and numbers of each line, out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from elman.data.dataset import PathLike, ReaderError, cut, listed
from elman.data.growing import overflows
from elman.data.tables.roles import NoColumnError
from elman.data.text_files import not_text

Array = NDArray[Any]

NUMERIC = ("numeric", "real", "integer")
PIECE = 1 << 16
"""Characters of numbers that are cut into texts at a time."""

# In quotes, where a backslash takes the meaning from the next character; or bare.
QUOTED = r"""'((?:[^'\\]++|\\.)*+)'|"((?:[^"\\]++|\\.)*+)\""""
FIELD = re.compile(rf"""[ \t]*(?:{QUOTED}|([^,'"\s][^,]*+|))[ \t]*(?P<comma>,|$)""", re.DOTALL)
NAME = re.compile(rf"""\s*(?:{QUOTED}|([^\s{{'"]++))""", re.DOTALL)
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t"}


@dataclass(frozen=True, slots=True)
class Attribute:
    """What the header says of a column."""

    name: str
    kind: str
    """"numeric", "nominal", "string", "date" or "relational\""""
    labels: dict[str, str] | None = None
    """of a nominal one, each by itself"""
    n_inner: int = 0
    """of a relational one, how many attributes it has"""


class ArffFile:
    """The header, then the lines of data; `line` is the number of the one being read."""

    def __init__(self, path: PathLike) -> None:
        self.path = os.fspath(path)
        self.line = 0
        self.relation = ""
        self.attributes: list[Attribute] = []
        self._lines: Iterator[str] = iter(())

    def fail(self, reason: str, line: int | None = None) -> NoReturn:
        """Raise a ReaderError about a line; by default the one that is being read."""
        raise ReaderError(f"{self.path}, line {line or self.line}: {reason}")

    @contextmanager
    def opened(self) -> Iterator[None]:
        """The time in which `rows` can be read; the header is read at its beginning."""
        encoding = not_text(self.path) or "utf-8-sig"
        # Comments of the archive are not always UTF-8.
        with open(self.path, encoding=encoding, errors="surrogateescape") as file:
            self._lines = self._meaningful(file)
            self._read_header()
            yield

    def rows(self) -> Iterator[str]:
        """The lines of data."""
        for line in self._lines:
            if line[0] == "{":
                self.fail(
                    "is sparse data, {index value, ...}, which is not read: write all values "
                    "(in Weka: the filter SparseToNonSparse)"
                )
            if line[0] == "@":
                self.fail(f"a header after @data: {cut(line)}; move it above")
            yield line

    def fields(self, line: str) -> list[str | None]:
        """A line of data as one text for each attribute; None for a missing value."""
        if "'" in line or '"' in line:
            found = list(islice(self._quoted_fields(line), len(self.attributes) + 2))
        else:
            self.check_count(line.count(",") + 1, line.rpartition(",")[2].strip())
            fields = map(str.strip, line.split(","))
            found = [None if field == "?" else field for field in fields]
        self.check_count(len(found), found[-1])
        return found

    def _quoted_fields(self, line: str) -> Iterator[str | None]:
        position = 0
        while True:
            match = FIELD.match(line, position)
            if match is None:
                self.fail(
                    f"cannot be read from character {position + 1} on ({cut(line[position:])}): is "
                    "a quote not closed, or does text follow it?"
                )
            yield unquoted(match, missing="?")
            if not match["comma"]:
                return
            position = match.end()

    def check_count(self, n: int, last: str | None) -> None:
        """Whether a line has a value for each attribute."""
        expected = len(self.attributes)
        if n == expected:
            return
        seen = f"more than {expected + 1}" if n > expected + 1 else str(n)
        if n == expected + 1 and last is not None and last.startswith("{"):
            self.fail(
                f"ends with the weight {cut(last)} of its instance, which is not read here: make "
                "it an attribute"
            )
        self.fail(f"has {seen} value(s), but there are {expected} attributes")

    # The header

    def _meaningful(self, file: Iterable[str]) -> Iterator[str]:
        """The lines that are neither empty nor comments, without spaces around them."""
        for self.line, raw in enumerate(file, start=1):
            line = raw.strip()
            if not line or line[0] == "%":
                continue
            if not line.isascii() and any("\udc80" <= c <= "\udcff" for c in line):
                self.fail("is not UTF-8 text: save the file as UTF-8")
            if "\0" in line:
                self.fail("holds a NUL character: is this a text file?")
            yield line

    def _read_header(self) -> None:
        outer: str | None = None
        n_inner = 0
        for line in self._lines:
            keyword = line.split(None, 1)[0].lower()
            rest = line[len(keyword) :].strip()
            if keyword == "@data":
                if rest and rest[0] != "%":
                    self.fail(f"{cut(rest)} follows @data: begin a line with it")
                if outer is not None:
                    self.fail(f"@data, but the relational attribute {cut(outer)} has no @end")
                if not self.attributes:
                    self.fail("@data, but no @attribute before it")
                return
            if keyword == "@relation":
                self.relation = rest
            elif keyword == "@attribute":
                attribute = self._attribute(rest)
                if outer is None and attribute.kind == "relational":
                    outer, n_inner = attribute.name, 0
                elif outer is None:
                    self.attributes.append(attribute)
                elif attribute.kind != "numeric":
                    self.fail(
                        f"the relational attribute {cut(outer)} holds one of type "
                        f"{attribute.kind}; only numbers are read within it, or is "
                        f"{cut('@end ' + outer)} missing?"
                    )
                else:
                    n_inner += 1
            elif keyword == "@end":
                if outer is None:
                    self.fail("@end, but no relational attribute before it")
                self.attributes.append(Attribute(outer, "relational", n_inner=n_inner))
                outer = None
            else:
                self.fail(
                    f"expected @relation, @attribute, @data or a % comment, found {cut(line)}"
                )
        self.line = 0
        raise ReaderError(f"{self.path}: no @data line; is this an .arff file?")

    def _attribute(self, text: str) -> Attribute:
        match = NAME.match(text)
        name = None if match is None else unquoted(match)
        if match is None or not name:
            self.fail(f"expected '@attribute NAME TYPE', found {cut('@attribute ' + text)}")
        kind = text[match.end() :].strip()
        if kind.startswith("{"):
            return Attribute(name, "nominal", self._labels(name, kind))
        word = (kind.split(None, 1) or [""])[0].lower()
        if word in NUMERIC:
            return Attribute(name, "numeric")
        if word not in ("string", "date", "relational"):
            self.fail(
                f"attribute {cut(name)} is of type {cut(kind)}; expected numeric, real, integer, "
                "string, date, relational, or {labels}"
            )
        return Attribute(name, word)

    def _labels(self, name: str, text: str) -> dict[str, str]:
        if not text.endswith("}"):
            self.fail(f"the labels of attribute {cut(name)} do not end with '}}': {cut(text)}")
        inside = text[1:-1].strip()
        labels: dict[str, str] = {}
        position = 0
        while position < len(inside):
            match = FIELD.match(inside, position)
            label = None if match is None else unquoted(match)
            if match is None or label is None:
                self.fail(f"the labels of attribute {cut(name)} cannot be read: {cut(text)}")
            if label in labels:
                self.fail(f"attribute {cut(name)} lists the label {cut(label)} twice")
            labels[label] = label
            position = match.end()
        return labels

    def position(self, name: str, role: str) -> int:
        """Of an attribute, by its name."""
        for k, attribute in enumerate(self.attributes):
            if attribute.name == name:
                return k
        names = [attribute.name for attribute in self.attributes]
        message = (
            f"{self.path}: has no attribute {cut(name)}, which {role}= names; its attributes are "
            f"{listed(names)}"
        )
        raise NoColumnError(message, role, name, self.path, names)

    def label(self, attribute: Attribute, value: str | None) -> str | None:
        """A value of a nominal or string attribute."""
        if value is None or attribute.labels is None:
            return value
        known = attribute.labels.get(value)
        if known is None:
            self.fail(
                f"{cut(attribute.name)} is {cut(value)}, which is not among its labels: "
                f"{listed(attribute.labels)}"
            )
        return known

    def numbers(self, text: str, what: str) -> Array:
        """Numbers with commas between them; NaN for ?. `what` says in errors what they are of."""
        parts: list[Array] = []
        start = n_before = 0
        while start <= len(text):
            end = len(text)
            if end - start > PIECE:
                end = text.rfind(",", start, start + PIECE)
                end = text.find(",", start) if end < start else end
                end = len(text) if end < 0 else end
            fields = text[start:end].split(",")
            parts.append(self._floats(fields, n_before, what))
            n_before += len(fields)
            start = end + 1
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _floats(self, fields: list[str], n_before: int, what: str) -> Array:
        try:
            if not any("_" in field for field in fields):
                found = np.fromiter(map(float, fields), np.float64, len(fields))
                return self._without_overflow(found, fields, n_before, what)
        except ValueError:
            pass
        found = np.empty(len(fields))
        for i, field in enumerate(fields):
            bare = field.strip()
            try:
                found[i] = np.nan if bare == "?" else float("x" if "_" in bare else bare)
            except ValueError:
                self.fail(f"value {n_before + i + 1} of {what} is {cut(bare)}, not a number or '?'")
        return self._without_overflow(found, fields, n_before, what)

    def _without_overflow(self, found: Array, fields: list[str], n_before: int, what: str) -> Array:
        for i in np.flatnonzero(np.isinf(found)).tolist():
            if overflows(fields[i]):
                self.fail(
                    f"value {n_before + i + 1} of {what}, {cut(fields[i].strip())}, is too large "
                    "for float64"
                )
        return found


def unquoted(match: re.Match[str], missing: str | None = None) -> str | None:
    """The text of a field or name; None if it stands for a missing value."""
    single, double, bare = match.groups()[:3]
    quoted = single if double is None else double
    if quoted is None:
        bare = bare.strip()
        return None if bare == missing else bare
    if "\\" not in quoted:
        return quoted
    parts = quoted.split("\\\\")  # after which every backslash takes a meaning from the next
    for code, meant in ESCAPES.items():
        parts = [part.replace(code, meant) for part in parts]
    return "\\".join(part.replace("\\", "") for part in parts)
