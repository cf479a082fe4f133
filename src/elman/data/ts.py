"""A .ts file of the UCR/UEA time series classification archive in, `Dataset` out."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from elman.data.dataset import Array, Dataset, PathLike, ReaderError, cut

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
NUMBER = re.compile(_NUMBER, re.ASCII)
NUMBERS = re.compile(rf"[ \t]*{_NUMBER}[ \t]*(?:,[ \t]*{_NUMBER}[ \t]*)*", re.ASCII)
MISSING = {"?", "nan", "na", "n/a", "null", "none"}


def read_ts(path: PathLike, *, missing: str = "error") -> Dataset:
    """Read a .ts file of the UCR/UEA archive, of equal or unequal lengths, one or more features.

    Headers start with @, comments with # or %; after @data each line is a recording: its dimensions
    separated by colons, the values of each by commas, and the class label last.

    Parameters
    ----------
    path : path-like
        The file.
    missing : {"error", "nan"}
        What to do with a missing value (`?`): refuse the file, or return NaN.

    Returns
    -------
    Dataset
        X float64; y strings, floats for a file with @targetLabel, None without labels.

    Raises
    ------
    ReaderError
        If the file is not of this format, contradicts its own headers, has time stamps, or has
        missing values.
    OSError
        If the file cannot be opened.
    """
    if missing not in ("error", "nan"):
        raise ValueError(f"missing={missing!r} is not known; choose 'error' or 'nan'")
    content = Path(path).read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # comments of the archive are not always UTF-8
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _TsFile(os.fspath(path), lines, missing).dataset()


class _TsFile:
    """One pass over the lines of a .ts file; `line` is the number of the one being read."""

    def __init__(self, path: str, lines: list[str], missing: str) -> None:
        self.path = path
        self.lines = lines
        self.missing = missing
        self.line = 0
        self.headers: dict[str, Any] = {}
        self.n_features: int | None = None
        self.n_timesteps: int | None = None
        self.labels: list[str] | None = None
        self.label_kind = "none"

    def fail(self, reason: str) -> NoReturn:
        where = f"{self.path}, line {self.line}" if self.line else self.path
        raise ReaderError(f"{where}: {reason}")

    def dataset(self) -> Dataset:
        samples: list[Array] = []
        labels: list[Any] = []
        in_data = False
        for self.line, raw in enumerate(self.lines, start=1):  # noqa: B020, self.line is the point
            line = raw.strip()
            if not line or line.startswith(("#", "%")):
                continue
            if in_data:
                values, label = self.recording(line)
                samples.append(values)
                labels.append(label)
            elif line.lower() == "@data":
                self.check_headers()
                in_data = True
            else:
                self.header(line)
        if not in_data:
            self.line = 0
            self.fail("no @data line; is this a .ts file of the UCR/UEA archive?")
        if not samples:
            self.fail("no recordings after @data")
        return Dataset(_stacked(samples), self.target(labels), self.headers)

    def header(self, line: str) -> None:
        if not line.startswith("@"):
            self.fail(
                f"expected a header such as '@problemName', a # comment or '@data', "
                f"found {cut(line)}"
            )
        name, value = (*line[1:].split(maxsplit=1), "", "")[:2]
        name = name.lower()
        if name in self.headers and name != "problemname":  # free text; some files give it twice
            self.fail(f"@{name} is given a second time; remove one")
        self.headers[name] = self.parsed_header(name, value.strip())

    def parsed_header(self, name: str, value: str) -> Any:
        if name in ("timestamps", "missing", "univariate", "equallength"):
            return self.flag(name, value)
        if name in ("dimensions", "dimension", "serieslength"):
            if not re.fullmatch(r"[1-9]\d{0,8}", value, re.ASCII):
                self.fail(f"@{name} {cut(value)} is not a positive whole number")
            return int(value)
        if name in ("classlabel", "targetlabel"):
            first, *rest = value.split() or [""]
            if not self.flag(name, first):
                if rest:
                    self.fail(f"@{name} false, yet it lists labels: {cut(' '.join(rest))}")
                return False
            if name == "targetlabel":
                return True
            if len(set(rest)) != len(rest):
                self.fail(f"@classLabel lists a label twice: {cut(' '.join(rest))}")
            return rest or True
        return value

    def flag(self, name: str, value: str) -> bool:
        if value.lower() not in ("true", "false"):
            self.fail(f"@{name} is {cut(value)}; expected true or false")
        return value.lower() == "true"

    def check_headers(self) -> None:
        headers = self.headers
        if headers.get("timestamps"):
            self.fail(
                "@timeStamps true: recordings with time stamps are not supported; resample them "
                "to a regular step and write the values alone"
            )
        if "classlabel" not in headers and "targetlabel" not in headers:
            self.fail(
                "no @classLabel header before @data; add '@classLabel true LABEL LABEL ...', or "
                "'@classLabel false' if the recordings have no labels"
            )
        if headers.get("classlabel") and headers.get("targetlabel"):
            self.fail("both @classLabel true and @targetLabel true; a recording has one label")
        if headers.get("classlabel"):
            self.label_kind = "class"
            listed = headers["classlabel"]
            self.labels = listed if isinstance(listed, list) else None
        elif headers.get("targetlabel"):
            self.label_kind = "target"
        self.n_features = headers.get("dimensions", headers.get("dimension"))
        if headers.get("univariate"):
            if self.n_features not in (None, 1):
                self.fail(f"@univariate true contradicts @dimensions {self.n_features}")
            self.n_features = 1
        if headers.get("equallength", True):
            self.n_timesteps = headers.get("serieslength")

    def recording(self, line: str) -> tuple[Array, Any]:
        if line.startswith("@"):
            self.fail(f"a header after @data: {cut(line)}; move it above")
        if line.startswith("("):
            self.fail("time stamps, '(time,value)', are not supported; write the values alone")
        parts = line.split(":")
        label = self.label(parts.pop().strip()) if self.label_kind != "none" else None
        if self.n_features is None:
            self.n_features = max(1, len(parts))
        if len(parts) != self.n_features:
            note = "" if self.label_kind == "none" else " besides the label"
            self.fail(
                f"{len(parts)} dimension(s){note}, expected {self.n_features}: separate "
                "dimensions with ':'" + (", the class label last" if note else "")
            )
        columns = [self.values(part, d) for d, part in enumerate(parts)]
        for d, column in enumerate(columns):
            if len(column) != len(columns[0]):
                self.fail(
                    f"dimension {d} has {len(column)} values but dimension 0 has "
                    f"{len(columns[0])}: the dimensions of a recording share its time steps"
                )
        self.check_length(len(columns[0]))
        return np.stack(columns, axis=1), label

    def check_length(self, n_timesteps: int) -> None:
        if not self.headers.get("equallength", False) and self.n_timesteps is None:
            return
        if self.n_timesteps is None:
            self.n_timesteps = n_timesteps
        if n_timesteps != self.n_timesteps:
            self.fail(
                f"{n_timesteps} time steps where the headers promise {self.n_timesteps}; if "
                "lengths differ, write '@equalLength false' and leave out @seriesLength"
            )

    def label(self, text: str) -> Any:
        if not text:
            self.fail("the class label, after the last ':', is missing")
        if self.label_kind == "target":
            if not NUMBER.fullmatch(text):
                self.fail(f"the target {cut(text)} is not a number")
            return float(text)
        if self.labels is not None and text not in self.labels:
            self.fail(
                f"class label {cut(text)} is not one that @classLabel lists: "
                f"{cut(' '.join(self.labels))}"
            )
        return text

    def values(self, part: str, dimension: int) -> Array:
        tokens = [token.strip() for token in part.split(",")]
        if tokens == [""]:
            self.fail(f"dimension {dimension} has no values")
        if NUMBERS.fullmatch(part):
            values = np.array(tokens, dtype=np.float64)
            if np.isfinite(values).all():
                return values
        # Something is wrong: find out what, and where.
        values = np.empty(len(tokens))
        for t, token in enumerate(tokens):
            place = f"dimension {dimension}, time step {t}"
            if NUMBER.fullmatch(token):
                values[t] = float(token)
                if np.isinf(values[t]):
                    self.fail(f"{place}: {cut(token)} is too large for float64")
            elif token.lower() in MISSING:
                if self.missing == "error":
                    self.fail(
                        f"{place}: the value is missing ({token}); fill it in, or read the file "
                        "with read_ts(path, missing='nan') and fit with missing='mask' or 'skip' "
                        "(elman fit --missing)"
                    )
                values[t] = np.nan
            else:
                self.fail(f"{place}: {cut(token)} is not a number")
        return values

    def target(self, labels: list[Any]) -> Array | None:
        return None if self.label_kind == "none" else np.array(labels)


def _stacked(samples: list[Array]) -> Array | list[Array]:
    equal = all(len(sample) == len(samples[0]) for sample in samples)
    return np.stack(samples) if equal else samples
