"""Files of tables for `reader_fuzz`: whole ones, and what the plainest reading makes of them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import feather, parquet

from elman.data import Dataset, read

Generator = np.random.Generator

WORDS = tuple(
    b'run|t|ax|state|,|;|"|""|\n|\r\n|\r|\\|[|]|[[|]]|{|}|:|null|true|false|NaN|NA|?|inf|1e999|1_0'
    b"|0x1|-0|007|1.10|2024-01-01|2024-01-01T12:00|99999999999999999999|\xef\xbb\xbf|\xff|\xe9|\0"
    b"| |\t|%|'|@data\n|@attribute a numeric\n".split(b"|")
)
NAMES = ("run", "t", "ax", "ay", "state")
BOOLEANS = {"true": 1.0, "false": 0.0}


def read_runs(path: Path) -> Dataset:
    """The sequences of a table."""
    return read(path, id="run", time="t", features=["ay", "ax"], label="state", missing="nan")


def table(rng: Generator) -> list[tuple[Any, ...]]:
    """The rows of a long table."""
    rows = []
    for i in range(int(rng.integers(1, 5))):
        state = str(rng.choice(["up", "no, not", "é", "1"]))
        for t in range(int(rng.integers(1, 5))):
            ax = None if rng.random() < 0.1 else float(f"{rng.normal():.3g}")
            rows.append((f"r{i}", t / 2, ax, int(rng.integers(-3, 9)), state))
    return [rows[k] for k in rng.permutation(len(rows))]


def whole_csv(rng: Generator, _: Path) -> bytes:
    """A CSV file."""
    text = io.StringIO()
    end = str(rng.choice(["\n", "\r\n"]))
    writer = csv.writer(text, lineterminator=end, quoting=int(rng.integers(0, 2)))
    writer.writerow(NAMES)
    writer.writerows(["" if value is None else value for value in row] for row in table(rng))
    return text.getvalue().encode(str(rng.choice(["utf-8", "utf-8-sig", "utf-16"])))


def whole_json_lines(rng: Generator, _: Path) -> bytes:
    """JSON lines with a row, or a sequence, on each."""
    rows = [dict(zip(NAMES, row, strict=True)) for row in table(rng)]
    if rng.random() < 0.3:
        runs: dict[str, dict[str, Any]] = {}
        for row in rows:
            run = runs.setdefault(row["run"], row | {"t": [], "ax": [], "ay": []})
            for name in ("t", "ax", "ay"):
                run[name].append(row[name])
        rows = [*runs.values()]
    ascii_only = bool(rng.integers(0, 2))
    return "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows).encode()


def whole_arff_table(rng: Generator, _: Path) -> bytes:
    """An .arff file with a row for each step."""
    lines = ["% about", "@relation runs", "@attribute run string", "@attribute t numeric"]
    lines += ["@attribute ax real", "@ATTRIBUTE ay integer", "@attribute state string", "@data"]
    for run, t, ax, ay, state in table(rng):
        lines.append(f"{run},{t},{'?' if ax is None else ax},{ay},'{state}'")
    return "\n".join(lines).encode()


def whole_arff(rng: Generator, _: Path) -> bytes:
    """An .arff file of the archive, of one feature or several."""
    n_steps, several = int(rng.integers(1, 5)), rng.random() < 0.5
    head = [f"@attribute a{t} numeric" for t in range(n_steps)]
    if several:
        head = ["@attribute z relational", *head, "@end z"]
    lines = ["@relation r", *head, "@attribute c {u,'v w',\"x\"}", "@data"]
    for _i in range(int(rng.integers(1, 5))):
        rows = [",".join(f"{v:.3g}" for v in rng.normal(size=n_steps)) for _ in range(2)]
        lines.append(("'" + "\\n".join(rows) + "'" if several else rows[0]) + ",u")
    return "\n".join(lines).encode()


def whole_parquet(rng: Generator, _: Path) -> bytes:
    """A Parquet file, mostly without compression, whose checksums would find the damage."""
    file = io.BytesIO()
    compression = "none" if rng.random() < 0.7 else "snappy"
    parquet.write_table(_arrow(rng), file, compression=compression)
    return file.getvalue()


def whole_feather(rng: Generator, _: Path) -> bytes:
    """A Feather file, which is an Arrow file."""
    file = io.BytesIO()
    feather.write_feather(_arrow(rng), file, compression="uncompressed")
    return file.getvalue()


def _arrow(rng: Generator) -> pa.Table:
    return pa.table(dict(zip(NAMES, zip(*table(rng), strict=True), strict=True)))


def check_csv(content: bytes, path: Path, found: Dataset) -> None:
    """Hold what was read against the module csv."""
    with open(path, encoding=_encoding(content), newline="") as file:
        names, *rows = [row for row in csv.reader(file, skipinitialspace=True, strict=True) if row]
    names = [name.strip() for name in names]
    _check_runs([dict(zip(names, row, strict=True)) for row in rows], found)


def check_json_lines(content: bytes, _: Path, found: Dataset) -> None:
    """Hold what was read against the module json, where a line is a row."""
    lines = content.decode(_encoding(content)).split("\n")
    rows = [json.loads(line) for line in lines if line and not line.isspace()]
    if not any(isinstance(value, list) for row in rows for value in row.values()):
        _check_runs(rows, found)


def check_arff(content: bytes, _: Path, found: Dataset) -> None:
    """Hold what was read against the numbers of the file, where none is quoted."""
    text = content.decode(errors="replace")
    data = text.lower().rpartition("\n@data")[2] if "'" not in text.split("@data")[-1] else ""
    lines = [line.strip() for line in data.splitlines()[1:]]
    lines = [line for line in lines if line and line[0] != "%"]
    if '"' in data or not lines or isinstance(found.X, list) or found.metadata["relation"] != "r":
        return
    numbers = [[_number(field) for field in line.split(",")[:-1]] for line in lines]
    if found.y is not None:
        np.testing.assert_array_equal(found.X[..., 0], np.array(numbers)[:, : found.X.shape[1]])


def _check_runs(rows: list[dict[str, Any]], found: Dataset) -> None:
    try:
        times = [float(row["t"]) for row in rows]
    except ValueError:  # dates
        return
    runs: dict[Any, list[tuple[float, dict[str, Any]]]] = {}
    for t, row in zip(times, rows, strict=True):
        runs.setdefault(row["run"], []).append((t, row))
    ids = zip(found.ids.tolist(), runs, strict=True)
    assert all(id == plain or str(id) == plain for id, plain in ids)
    for x, of_run in zip(found.X, runs.values(), strict=True):
        ordered = [row for _, row in sorted(of_run, key=lambda each: each[0])]
        expected = [[_number(row.get("ay")), _number(row.get("ax"))] for row in ordered]
        np.testing.assert_array_equal(x, expected)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (ValueError, TypeError):
        return BOOLEANS.get(str(value).lower(), float("nan"))
    except OverflowError:  # an integer that float64 does not hold
        return float("inf") if value > 0 else -float("inf")


def _encoding(content: bytes) -> str:
    return "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
