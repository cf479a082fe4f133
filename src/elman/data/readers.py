"""Files of sequences in (.ts, .npz), `Dataset` out; and an .npz writer."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from elman.data.sequences import Sequences
from elman.data.validation import check_sequences

Array = NDArray[Any]
PathLike = str | os.PathLike[str]

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
MISSING = {"?", "nan", "na", "n/a", "null", "none"}


class ReaderError(ValueError):
    """A file that cannot be read as what it should be: the message names file, line and fix."""


class Dataset(NamedTuple):
    """What a reader returns."""

    X: Array | list[Array]
    """(n_samples, n_timesteps, n_features), or a list of (n_timesteps_i, n_features) if lengths
    differ; 2-D only if a .npz file holds a 2-D X"""
    y: Array | None
    """(n_samples,): labels as strings (.ts) or as stored (.npz); None if the file has none"""
    metadata: dict[str, Any]
    """.ts: the headers, by lower-case name without @. .npz: the arrays that are not X or y"""


def read(path: PathLike) -> Dataset:
    """Read a file of sequences by its suffix.

    Parameters
    ----------
    path : path-like
        A .ts or .npz file; see `read_ts` and `read_npz`.

    Returns
    -------
    Dataset

    Raises
    ------
    ReaderError
        If the suffix is another one, or the content is not what the suffix says.
    OSError
        If the file cannot be opened.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in READERS:
        seen = f"suffix {suffix!r}" if suffix else "no suffix"
        raise ReaderError(
            f"{os.fspath(path)}: {seen} is not a format this reads; choose one of "
            f"{', '.join(READERS)}"
        )
    return READERS[suffix](path)


# .ts: the text format of the UCR/UEA time series classification archive


def read_ts(path: PathLike, *, missing: str = "error") -> Dataset:
    """Read a .ts file of the UCR/UEA archive, of equal or unequal lengths, one or more features.

    Headers start with @, comments with #; after @data each line is a recording: its dimensions
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
            if not line or line.startswith("#"):
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
                f"found {_cut(line)}"
            )
        name, _, value = line[1:].partition(" ")
        name = name.strip().lower()
        if name in self.headers:
            self.fail(f"@{name} is given a second time; remove one")
        self.headers[name] = self.parsed_header(name, value.strip())

    def parsed_header(self, name: str, value: str) -> Any:
        if name in ("timestamps", "missing", "univariate", "equallength"):
            return self.flag(name, value)
        if name in ("dimensions", "dimension", "serieslength"):
            if not re.fullmatch(r"[1-9]\d{0,8}", value, re.ASCII):
                self.fail(f"@{name} {_cut(value)} is not a positive whole number")
            return int(value)
        if name in ("classlabel", "targetlabel"):
            first, *rest = value.split() or [""]
            if not self.flag(name, first):
                if rest:
                    self.fail(f"@{name} false, yet it lists labels: {_cut(' '.join(rest))}")
                return False
            if name == "targetlabel":
                return True
            if len(set(rest)) != len(rest):
                self.fail(f"@classLabel lists a label twice: {_cut(' '.join(rest))}")
            return rest or True
        return value

    def flag(self, name: str, value: str) -> bool:
        if value.lower() not in ("true", "false"):
            self.fail(f"@{name} is {_cut(value)}; expected true or false")
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
            self.fail(f"a header after @data: {_cut(line)}; move it above")
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
                self.fail(f"the target {_cut(text)} is not a number")
            return float(text)
        if self.labels is not None and text not in self.labels:
            self.fail(
                f"class label {_cut(text)} is not one that @classLabel lists: "
                f"{_cut(' '.join(self.labels))}"
            )
        return text

    def values(self, part: str, dimension: int) -> Array:
        tokens = [token.strip() for token in part.split(",")]
        if tokens == [""]:
            self.fail(f"dimension {dimension} has no values")
        values = np.empty(len(tokens))
        for t, token in enumerate(tokens):
            place = f"dimension {dimension}, time step {t}"
            if NUMBER.fullmatch(token):
                values[t] = float(token)
                if np.isinf(values[t]):
                    self.fail(f"{place}: {_cut(token)} is too large for float64")
            elif token.lower() in MISSING:
                if self.missing == "error":
                    self.fail(
                        f"{place}: the value is missing ({token}); fill it in, or read the file "
                        "with read_ts(path, missing='nan') and do so in Python"
                    )
                values[t] = np.nan
            else:
                self.fail(f"{place}: {_cut(token)} is not a number")
        return values

    def target(self, labels: list[Any]) -> Array | None:
        return None if self.label_kind == "none" else np.array(labels)


def _stacked(samples: list[Array]) -> Array | list[Array]:
    equal = all(len(sample) == len(samples[0]) for sample in samples)
    return np.stack(samples) if equal else samples


def _cut(text: str) -> str:
    """Text of a file in an error message: quoted, one line, not endless."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


# .npz: NumPy's own archive, without pickles


def read_npz(path: PathLike) -> Dataset:
    """Read sequences from a .npz file. Nothing in the file is run: pickled objects are refused.

    Parameters
    ----------
    path : path-like
        A file holding either `X`, (n_samples, n_timesteps, n_features) or (n_samples, n_timesteps)
        of one feature; or `values`, (total_steps, n_features), with `lengths`, (n_samples,).
        Labels in `y`, (n_samples,), are optional. Other arrays become the metadata.

    Returns
    -------
    Dataset

    Raises
    ------
    ReaderError
        If the file is damaged, is not of this layout, or holds Python objects.
    OSError
        If the file cannot be opened.
    """
    name = os.fspath(path)
    with open(path, "rb") as file:
        if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
            raise ReaderError(f"{name}: not a .npz file (it does not start as a zip archive)")
        file.seek(0)
        arrays = _arrays(name, file)
    y = arrays.pop("y", None)
    if "X" in arrays and "values" not in arrays:
        X: Array | list[Array] = arrays.pop("X")
        if X.ndim not in (2, 3):  # type: ignore[union-attr]
            raise ReaderError(
                f"{name}: X has shape {X.shape}; "  # type: ignore[union-attr]
                "expected (n_samples, n_timesteps, n_features), or (n_samples, n_timesteps)"
            )
    elif "values" in arrays and "lengths" in arrays and "X" not in arrays:
        X = _split(name, arrays.pop("values"), arrays.pop("lengths"))
    else:
        raise ReaderError(
            f"{name}: holds {', '.join(sorted(arrays)) or 'no arrays'}; expected X, or values and "
            "lengths (and y for labels): write it with elman.data.write_npz(path, X, y)"
        )
    if y is not None and y.shape != (len(X),):
        raise ReaderError(
            f"{name}: y has shape {y.shape} but X has {len(X)} samples; expected ({len(X)},)"
        )
    return Dataset(X, y, arrays)


def _arrays(name: str, file: Any) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    key = None
    try:
        with np.load(file, allow_pickle=False) as archive:
            for key in archive.files:
                arrays[key] = np.asarray(archive[key])
    except Exception as error:
        # A damaged zip archive raises almost anything: zlib, zipfile, struct, tokenize, memory.
        place = name if key is None else f"{name}: array {key!r}"
        if "allow_pickle" in str(error):
            fix = (
                "save labels as np.asarray(y).astype(str)"
                if key == "y"
                else "save sequences of unequal lengths with elman.data.write_npz(path, X, y)"
            )
            raise ReaderError(
                f"{place} holds Python objects (a pickle), which is never loaded: {fix}"
            ) from error
        raise ReaderError(f"{place}: damaged .npz file ({error})") from error
    for key, array in arrays.items():
        if array.dtype.kind not in "fiubUS":
            raise ReaderError(
                f"{name}: array {key!r} has dtype {array.dtype}; expected numbers, or strings in y"
            )
    return arrays


def _split(name: str, values: Array, lengths: Array) -> Array | list[Array]:
    if values.ndim != 2:
        raise ReaderError(
            f"{name}: values has shape {values.shape}; expected (total_steps, n_features)"
        )
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or (lengths < 0).any():
        raise ReaderError(f"{name}: lengths must be a 1-D array of whole numbers, 0 or more")
    # As Python integers: the sum of absurd lengths must not wrap round to the right one.
    total = sum(lengths.tolist())
    if total != len(values):
        raise ReaderError(f"{name}: lengths sum to {total} but values has {len(values)} rows")
    return list(Sequences(values, lengths))


def write_npz(path: PathLike, X: Any, y: Any = None) -> None:
    """Write sequences to a compressed .npz file that `read_npz` reads; the same data, same bytes.

    Parameters
    ----------
    path : path-like
        The file, overwritten if there is one.
    X : array-like
        Anything an estimator takes; see `check_sequences`. float32 and what it holds exactly is
        stored as float32, everything else as float64.
    y : array-like of shape (n_samples,), optional
        Labels: numbers, bools or strings.

    Raises
    ------
    TypeError, ValueError
        If X or y cannot be used.
    OSError
        If the file cannot be written.
    """
    sequences = check_sequences(X, dtype=None, ensure_min_timesteps=0)
    arrays: dict[str, Array] = {}
    if sequences.n_timesteps is None:
        arrays["values"] = sequences.values
        arrays["lengths"] = sequences.lengths
    else:
        shape: tuple[int, ...] = (len(sequences), sequences.n_timesteps, sequences.n_features)
        arrays["X"] = sequences.values.reshape(shape[:2] if sequences.two_d else shape)
    if y is not None:
        arrays["y"] = _labels(y, len(sequences))
    with open(path, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _labels(y: Any, n_samples: int) -> Array:
    labels = np.asarray(y)
    if labels.shape != (n_samples,):
        raise ValueError(f"y has shape {labels.shape} but X has {n_samples} samples")
    if labels.dtype == object and all(isinstance(label, str) for label in labels):
        labels = labels.astype(str)
    if labels.dtype.kind not in "fiubU":
        raise TypeError(
            f"y has dtype {labels.dtype}; labels are stored as numbers, bools or strings: pass "
            "np.asarray(y).astype(str)"
        )
    return labels


READERS: dict[str, Callable[[PathLike], Dataset]] = {".ts": read_ts, ".npz": read_npz}
