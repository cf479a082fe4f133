"""Damaged files in: whether each is read right, or refused with its place, at no great cost.

`TARGETS` has a row for each reader: files that it reads, how to read one, what it may raise, and
how to know that what it read is what the file holds. `python tests/proofs/fuzz_readers.py` runs
them for as long as one likes; `tests/data/test_fuzz.py` a few cases of each.
"""

from __future__ import annotations

import contextlib
import io
import signal
import tempfile
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from elman import RNNClassifier
from elman.data import Dataset, ReaderError, read, read_npz, read_ts, write_npz
from elman.exchange import ExchangeError, read_keras
from elman.formats.archive import ArchiveError
from helpers import keras_files, table_fuzz

SECONDS = 20
"""What reading one file, of at most `LARGEST` bytes, may take on a busy machine."""
LARGEST = 1 << 20
ALLOWANCE = 8 << 20
"""Bytes that any reading may take."""
MOST_TIMES = 3
"""Times the file and what it holds that reading may take beside that."""

_FOLDER = tempfile.TemporaryDirectory()

Generator = np.random.Generator
Mutate = Callable[[Generator, bytes], bytes]


@dataclass(frozen=True)
class Target:
    """A reader, as it is to be tried."""

    suffix: str
    whole: Callable[[Generator, Path], bytes]
    """makes a file that the reader reads; the path is one to write to, if that helps"""
    read: Callable[[Path], Any]
    check: Callable[[bytes, Path, Any], None]
    """raises AssertionError if what was read is not what the file holds"""
    refuses: type[Exception] = ReaderError
    words: tuple[bytes, ...] = ()
    """what means something to the reader, to be put anywhere"""
    inside: Mutate | None = None
    """another way to damage a file, which gets past a checksum"""


class FuzzError(AssertionError):
    """What a reader did with a file and should not have done."""


def case(name: str, seed: int, folder: Path) -> tuple[Path, bytes]:
    """A damaged file for a reader, by its number; the same one every time."""
    target = TARGETS[name]
    rng = np.random.default_rng([zlib.crc32(name.encode()), seed])
    path = folder / f"case{target.suffix}"
    content = target.whole(rng, path)
    if target.inside is not None and rng.random() < 0.5:
        content = target.inside(rng, content)
    else:
        for _ in range(int(rng.integers(0, 4))):  # some are left whole
            content = mutated(rng, content, target.words)
    path.write_bytes(content[:LARGEST])
    return path, content[:LARGEST]


def attempt(name: str, path: Path, content: bytes) -> bool:
    """Whether the file was read (right), or else refused (with its place).

    Raises
    ------
    FuzzError
        The reader did anything else, took too long, or too much memory.
    """
    target = TARGETS[name]
    found: Any = None
    refused = False
    tracemalloc.start()
    try:
        with _alarm(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = target.read(path)
        peak = tracemalloc.get_traced_memory()[1]
    except target.refuses as error:
        peak = tracemalloc.get_traced_memory()[1]
        refused = True
        if not str(error).startswith(str(path)):
            raise FuzzError(f"an error without its place: {error}") from error
        if len(str(error)) > len(str(path)) + 2000:
            raise FuzzError(f"an error of {len(str(error))} characters") from error
    except Exception as error:
        raise FuzzError(f"{type(error).__name__}: {error}") from error
    finally:
        tracemalloc.stop()
    allowed = MOST_TIMES * (len(content) + held_bytes(found)) + ALLOWANCE
    if peak > allowed:
        raise FuzzError(f"{peak:,} bytes of memory for {len(content):,} bytes; {allowed:,} allowed")
    if refused:
        return False
    try:
        target.check(content, path, found)
    except Exception as error:
        raise FuzzError(f"read, but wrong: {type(error).__name__}: {error}") from error
    return True


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise TimeoutError(f"not done after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def held_bytes(found: Any) -> int:
    """What a data set takes, about."""
    if not isinstance(found, Dataset):
        return 0
    arrays = [*found.X, *(found.y if found.y is not None else ())]
    return sum(np.asarray(array).nbytes + 160 for array in arrays)


# Damage


def mutated(rng: Generator, content: bytes, words: tuple[bytes, ...] = ()) -> bytes:
    """The content with one place damaged."""
    if not content:
        return bytes(rng.integers(0, 256, 9, np.uint8))
    a, b = sorted(rng.integers(0, len(content) + 1, 2).tolist())
    short = min(b, a + int(rng.integers(1, 17)))
    kind = int(rng.integers(0, 11))
    if kind == 0:  # one bit
        damaged = bytearray(content)
        damaged[a - 1] ^= 1 << int(rng.integers(0, 8))
        return bytes(damaged)
    if kind == 1:  # some bytes
        return content[:a] + bytes(rng.integers(0, 256, short - a, np.uint8)) + content[short:]
    if kind == 2:  # one byte, as often as another
        return content.replace(content[a - 1 : a], content[b - 1 : b], int(rng.integers(1, 9)))
    if kind == 3:  # less
        return content[:a] + content[short:]
    if kind == 4:
        return content[:b] if rng.random() < 0.5 else content[a:]
    if kind == 5:  # more
        return content[:b] + content[a:]
    if kind == 6:  # very much more
        times = int(min(10 ** rng.uniform(0, 6), LARGEST / max(1, short - a)))
        return content[:a] + content[a:short] * times + content[short:]
    if kind == 7:  # a number of 4 or 8 bytes
        numbers = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1]
        size = int(rng.choice([2, 4, 8]))
        number = numbers[int(rng.integers(len(numbers)))] % 256**size
        return content[:a] + number.to_bytes(size, "little") + content[a + size :]
    if kind == 8:  # lines in another order
        lines = content.splitlines(keepends=True)
        i, k = rng.integers(0, len(lines), 2).tolist()
        lines[i], lines[k] = lines[k], lines[i]
        return b"".join(lines)
    if kind == 9:  # a line twice
        lines = content.splitlines(keepends=True)
        i, k = rng.integers(0, len(lines), 2).tolist()
        return b"".join([*lines[:k], lines[i], *lines[k:]])
    word = words[int(rng.integers(len(words)))] if words else b"\0"
    return content[:a] + word * int(rng.integers(1, 4)) + content[short if b % 2 else a :]


# .ts

TS_WORDS = tuple(
    b"@data|@classLabel true a b\n|@classLabel false\n|@targetLabel true\n|@timeStamps true\n|\n"
    b"@equalLength true\n|@dimensions 2\n|@seriesLength 3\n|@univariate true\n|?|NaN|-nan|inf|1e999"
    b"|1_0|:|::|,|,,|(|)|(1,2)|(0,1),(1,2):|#|%|@|\"|'|\r|\r\n|\xef\xbb\xbf|\xff|\xe9|\0| |\t"
    b"|2007-01-01 00:00:00|9999-12-31|99999999999999999999|true|false".split(b"|")
)


def whole_ts(rng: Generator, _: Path) -> bytes:
    """A .ts file of any kind that there is."""
    n_features, kind, timed = (
        int(rng.integers(1, 4)),
        rng.choice(["c", "t", "n"]),
        rng.random() < 0.3,
    )
    labels = [str(word) for word in rng.permutation(["a", "b", "low back", "é", "x"])[:3]]
    equal = int(rng.integers(0, 2))
    lines = ["# about é", "@problemName any", f"@timeStamps {str(timed).lower()}"]
    lines += [f"@equalLength {('false', 'true')[equal]}"]
    if rng.random() < 0.5:
        lines += [f"@univariate {str(n_features == 1).lower()}", f"@dimensions {n_features}"]
    listed = " ".join(f'"{label}"' if " " in label else label for label in labels)
    headers = {
        "c": f"@classLabel true {listed}",
        "t": "@targetlabel true",
        "n": "@classLabel false",
    }
    lines += [headers[str(kind)], "@data"]
    for i in range(int(rng.integers(1, 6))):
        n = 3 if equal else int(rng.integers(1, 5))
        columns = [
            [rng.choice(["?", "NaN"]) if x > 2 else f"{x:.3g}" for x in rng.normal(size=n)]
            for _ in range(n_features)
        ]
        if timed:
            columns = [[f"({t},{x})" for t, x in enumerate(column)] for column in columns]
        fields = [",".join(column) for column in columns]
        if kind != "n":
            label = labels[i % 3] if kind == "c" else f"{rng.normal():.3g}"
            fields.append("?" if rng.random() < 0.1 else label)
        lines.append(":".join(fields) + (":" if kind == "n" and rng.random() < 0.5 else ""))
    end = str(rng.choice(["\n", "\r\n", "\r"]))
    encoding = str(rng.choice(["utf-8", "utf-8-sig", "latin-1"]))
    return (end.join(lines) + end).encode(encoding)


def check_ts(content: bytes, _: Path, found: Dataset) -> None:
    """Hold what was read against the text, split in the plainest way."""
    check_data(found)
    if found.metadata.get("timestamps") or b'"' in content or b"'" in content:
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    start = next(i for i, line in enumerate(lines) if line.lower() == "@data")
    lines = [line for line in lines[start + 1 :] if line and line[0] not in "#%"]
    labelled = found.metadata.get("classlabel") or found.metadata.get("targetlabel")
    assert len(lines) == len(found.X)
    for i, line in enumerate(lines):
        fields = line.split(":")
        label = fields.pop().strip() if labelled or fields[-1] == "" else None
        values = [[_number(token) for token in field.split(",")] for field in fields]
        np.testing.assert_array_equal(found.X[i], np.transpose(values))
        if labelled and found.y is not None:
            expected = _number(label or "") if found.metadata.get("targetlabel") else label
            if found.y[i] is not None:
                np.testing.assert_array_equal(found.y[i], expected)


def _number(token: str) -> float:
    try:
        return float(token)
    except ValueError:
        return float("nan")


def check_data(found: Dataset) -> None:
    """What holds for every data set."""
    n = len(found.X)
    assert n > 0
    widths = {np.asarray(x).shape[1:] for x in found.X}
    assert len(widths) == 1
    for values in (found.y, found.ids, found.sample_weight):
        assert values is None or len(values) == n
    for values in (found.y, found.sample_weight):
        if isinstance(values, list):
            assert [len(row) for row in values] == [len(x) for x in found.X]
    repr(found)


# .npz

NPZ_WORDS = (b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"\x93NUMPY", b"X.npy", b"|O")
NPY_WORDS = tuple(
    b"<f8 <i8 >f4 |b1 <U1 <U0 <U100 |S0 |O <M8[s] <c16 <f2 ( ) , 0, -1, 1099511627776, True False "
    b"'descr': 'shape': (1,1,1) { } \x93NUMPY\1\0 \x93NUMPY\2\0 \x93NUMPY\3\0".split(b" ")
)


def whole_npz(rng: Generator, path: Path) -> bytes:
    """A .npz file of any kind that there is."""
    n, n_features = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    lengths = rng.integers(0, 5, n).tolist() if rng.random() < 0.5 else [3] * n
    X = [
        rng.normal(size=(length, n_features)).astype(rng.choice(["f4", "f8"])) for length in lengths
    ]
    words = np.array(["a", None, "b" * 50, "é"], dtype=object)
    y = (
        None,
        rng.integers(0, 3, n),
        rng.normal(size=n),
        words[rng.integers(0, 4, n)],
        [words[rng.integers(0, 4, length)] for length in lengths],
        [rng.integers(-1, 3, length) for length in lengths],
    )[int(rng.integers(0, 6))]
    options: dict[str, Any] = {}
    if rng.random() < 0.3:
        options["ids"] = (
            rng.permutation(n) if rng.random() < 0.5 else [f"run {i}" for i in range(n)]
        )
    if rng.random() < 0.3:
        options["feature_names"] = [f"speed {i}" for i in range(n_features)]
    if rng.random() < 0.3:
        options["sample_weight"] = rng.uniform(size=n)
    path = path.with_suffix(".npz")
    write_npz(path, X, y, **options)
    return path.read_bytes()


def mutated_members(rng: Generator, content: bytes) -> bytes:
    """A zip archive of which one member was damaged before it was packed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    i = int(rng.integers(len(members)))
    name, data = members[i]
    for _ in range(int(rng.integers(1, 4))):
        # Most of the trouble is in the header.
        at = int(rng.integers(0, min(len(data), 128) + 1)) if rng.random() < 0.7 else len(data)
        data = mutated(rng, data[:at], NPY_WORDS) + data[at:]
    members[i] = name, data[:LARGEST]
    if rng.random() < 0.2:
        k = int(rng.integers(len(members)))
        members.append((members[k][0] if rng.random() < 0.5 else "a.npy", members[k][1]))
    packed = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if rng.random() < 0.5 else zipfile.ZIP_STORED
    with zipfile.ZipFile(packed, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)  # without the time of day
    return packed.getvalue()


def check_npz(_: bytes, path: Path, found: Dataset) -> None:
    """Hold what was read against what NumPy reads."""
    if len(found.X) == 0:
        return
    check_data(found)
    with np.load(path, allow_pickle=False) as archive:
        X = archive["X"] if "X" in archive.files else archive["values"]
        joined = found.X if "X" in archive.files else np.concatenate(found.X)
        np.testing.assert_array_equal(joined, X.astype(X.dtype.newbyteorder("=")))
        assert all(x.dtype == X.dtype for x in found.X)
        if "lengths" in archive.files:
            assert [len(x) for x in found.X] == archive["lengths"].tolist()
        for name, values in (("y", found.y), ("ids", found.ids)):
            if name in archive.files:
                np.testing.assert_array_equal(values, archive[name], strict=True)


# Tables


def table_target(suffix: str, whole: Any, check: Any, read: Any = table_fuzz.read_runs) -> Target:
    """A reader of tables."""

    def checked(content: bytes, path: Path, found: Dataset) -> None:
        check_data(found)
        check(content, path, found)

    return Target(suffix, whole, read, checked, words=table_fuzz.WORDS)


# Model files


@cache
def model_file() -> bytes:
    """A saved model."""
    X = np.random.default_rng(0).normal(size=(5, 3, 2))
    path = Path(_FOLDER.name) / "model.safetensors"
    RNNClassifier(3, max_iter=1, random_state=0).fit(X, list("abbca")).save(path)
    return path.read_bytes()


def check_model(content: bytes, _: Path, found: RNNClassifier) -> None:
    """Whatever is read is the model that was saved: its digest finds every damage."""
    path = Path(_FOLDER.name) / "whole.safetensors"
    path.write_bytes(model_file())
    whole = RNNClassifier.load(path)
    assert found.network_.params.flat.tobytes() == whole.network_.params.flat.tobytes()
    assert found.classes_.tolist() == whole.classes_.tolist()
    assert found.get_params() == whole.get_params()


# Models of Keras's

KERAS_WORDS = (
    *(b"[", b"{", b'"', b"null", b"1e999", b"-1", b"true", b"false", b'"GRU"', b"99999999999"),
    *(b"OHDR", b"SNOD", b"TREE", b"HEAP", b"GCOL", b"\xff" * 8, b"\0" * 8),
)


@cache
def keras_file(kind: str) -> bytes:
    """A small model as Keras 3 saves it, or as files of Keras 2 have it."""
    rng = np.random.default_rng(2)
    parts = [
        keras_files.recurrent("GRU", 2, 3, rng, bidirectional=True),
        keras_files.dense(6, 2, "softmax", rng),
    ]
    path = Path(_FOLDER.name) / f"whole.{kind}"
    if kind == "keras":
        keras_files.write_keras3(path, parts, (None, 2))
    else:
        keras_files.write_legacy(path, parts, (None, 2), vlen=True)
    return path.read_bytes()


def mutated_keras(rng: Generator, content: bytes) -> bytes:
    """A .keras file of which one member was damaged, and its checksum put right."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = list(members)[int(rng.integers(len(members)))]
    members[name] = mutated(rng, members[name], KERAS_WORDS)[:LARGEST]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for each, found in members.items():
            archive.writestr(zipfile.ZipInfo(each), found)
    return out.getvalue()


def check_keras(content: bytes, path: Path, found: Any) -> None:
    """Whatever was read answers, or says that its weights are too large to compute with."""
    del content, path
    n_features = found.n_features_in_
    with contextlib.suppress(ValueError):
        found.predict(np.ones((1, 2, n_features)))


TARGETS: dict[str, Target] = {
    "ts": Target(
        suffix=".ts",
        whole=whole_ts,
        read=lambda path: read_ts(path, missing="nan"),
        check=check_ts,
        words=TS_WORDS,
    ),
    "npz": Target(
        suffix=".npz",
        whole=whole_npz,
        read=read_npz,
        check=check_npz,
        words=NPZ_WORDS,
        inside=mutated_members,
    ),
    "csv": table_target(".csv", table_fuzz.whole_csv, table_fuzz.check_csv),
    "jsonl": table_target(".jsonl", table_fuzz.whole_json_lines, table_fuzz.check_json_lines),
    "arff-table": table_target(".arff", table_fuzz.whole_arff_table, lambda *_: None),
    "arff": table_target(
        ".arff",
        table_fuzz.whole_arff,
        table_fuzz.check_arff,
        lambda path: read(path, missing="nan"),
    ),
    "parquet": table_target(".parquet", table_fuzz.whole_parquet, lambda *_: None),
    "feather": table_target(".feather", table_fuzz.whole_feather, lambda *_: None),
    "model": Target(
        suffix=".safetensors",
        whole=lambda rng, path: model_file(),
        read=RNNClassifier.load,
        check=check_model,
        refuses=ArchiveError,
        words=(b"[", b"{", b'"', b"null", b"1e999", b"-1", b"true", b'"a"', b"99999999999"),
    ),
    "keras": Target(
        suffix=".keras",
        whole=lambda rng, path: keras_file("keras"),
        read=read_keras,
        check=check_keras,
        refuses=ExchangeError,
        words=KERAS_WORDS,
        inside=mutated_keras,
    ),
    "keras-h5": Target(
        suffix=".h5",
        whole=lambda rng, path: keras_file("h5"),
        read=read_keras,
        check=check_keras,
        refuses=ExchangeError,
        words=KERAS_WORDS,
    ),
}
