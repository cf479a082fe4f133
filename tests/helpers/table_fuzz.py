"""The rows of `helpers.reader_fuzz.TARGETS` for the readers of tables; all `TARGETS` out."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from elman.data import Dataset, read
from helpers.reader_fuzz import TARGETS, Generator, Target, check_data

NAMES = ["run", "t", "u", "v", "state"]
TABLE_WORDS = tuple(
    b'run|t|u|,|;|\t|"|""|\'|\r|\r\n|\n|\xef\xbb\xbf|\xff\xfe|\xff|\xe9|\0| |?|NA|nan|-nan|inf'
    b"|1e999|1_0|0x10|-0|1e-400|99999999999999999999|9007199254740993|true|False"
    b"|2024-01-01T00:00:00Z|9999-12-31|#|run,t".split(b"|")
)
JSON_WORDS = tuple(
    b'{|}|[|]|[[[[[[[[[[|:|,|"|\\|\\u0000|\\ud800|null|true|NaN|-Infinity|1e999|-0|1.|01|{"run":'
    b'|"u":[1,2]|"u":|9007199254740993|99999999999999999999999|\xef\xbb\xbf|\xff|\0|\n|\r\n'.split(
        b"|"
    )
)
ARFF_WORDS = tuple(
    b"@relation x|@attribute u numeric\n|@attribute s string\n|@attribute d date\n"
    b"|@attribute k {a,b}\n|@attribute r relational\n|@end r\n|@data\n|?|'|\"|\\n|\\|{|}"
    b"|{0 1, 2 x}|%|,|nan|1e999|\0|\xff".split(b"|")
)


def _table(rng: Generator) -> dict[str, list[Any]]:
    """A long table of some runs, in any order of rows, with values that are missing."""
    rows = []
    for run in range(int(rng.integers(1, 5))):
        state = str(rng.choice(["on", "off", "é, x", 'a "b"']))
        for t in range(int(rng.integers(1, 5))):
            u = math.nan if rng.random() < 0.1 else float(f"{rng.normal():.4g}")
            rows.append((f"r{run}", t, u, int(rng.integers(-9, 9)), state))
    order = rng.permutation(len(rows)) if rng.random() < 0.5 else np.arange(len(rows))
    return {name: [rows[i][k] for i in order] for k, name in enumerate(NAMES)}


def _read(path: Path) -> Dataset:
    return read(path, id="run", time="t", label="state", missing="nan")


def _check(found: Dataset, runs: list[str], t: list[Any], u: list[float], v: list[float]) -> None:
    """Hold sequences against the rows of a table in which all names and types are as they were."""
    check_data(found)
    if found.feature_names != ("u", "v"):
        return
    assert found.ids is not None
    assert [str(i) for i in found.ids.tolist()] == [*dict.fromkeys(runs)]
    for name, x in zip(found.ids.tolist(), found.X, strict=True):
        mine = sorted((t[i], i) for i, run in enumerate(runs) if run == str(name))
        expected = [[u[i], v[i]] for _, i in mine]
        np.testing.assert_array_equal(
            np.asarray(x, float), np.asarray(expected, np.asarray(x).dtype)
        )


def whole_csv(rng: Generator, _: Path) -> bytes:
    """A CSV file with any end of line, quoted where it must be or everywhere."""
    table = _table(rng)
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if rng.random() < 0.3 else csv.QUOTE_MINIMAL
    end = str(rng.choice(["\n", "\r\n"]))
    writer = csv.writer(text, quoting=quoting, lineterminator=end)
    writer.writerow(table)
    for row in zip(*table.values(), strict=True):
        writer.writerow(["" if x != x else x for x in row])
    return text.getvalue().encode(str(rng.choice(["utf-8", "utf-8-sig"])))


def check_csv(content: bytes, _: Path, found: Dataset) -> None:
    """Hold what was read against what Python's own module reads."""
    check_data(found)
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        columns = [[row[name] for row in rows] for name in NAMES]
        t, u, v = ([float(x) if x else math.nan for x in column] for column in columns[1:4])
    except (UnicodeDecodeError, csv.Error, ValueError, KeyError, TypeError):
        return  # words of missing values, dates, or what that module cannot read
    _check(found, columns[0], t, u, v)


def whole_json(rng: Generator, _: Path) -> bytes:
    """JSON lines: a time step on each, or a sequence."""
    table = _table(rng)
    if rng.random() < 0.5:
        rows = [dict(zip(NAMES, row, strict=True)) for row in zip(*table.values(), strict=True)]
    else:
        rows = []
        for run in dict.fromkeys(table["run"]):
            mine = [i for i, name in enumerate(table["run"]) if name == run]
            lists = {name: [table[name][i] for i in mine] for name in ("t", "u", "v")}
            rows.append({"run": run, **lists, "state": table["state"][mine[0]]})
    lines = (json.dumps(row).replace("NaN", "null") for row in rows)
    return ("\n".join(lines) + "\n").encode()


def check_json(content: bytes, _: Path, found: Dataset) -> None:
    """Hold what was read against what Python's own module reads, a row for each step."""
    check_data(found)
    try:
        rows = [json.loads(line) for line in content.decode().split("\n") if line.strip()]
        if any(isinstance(row["u"], list) for row in rows):
            return
        t = [float(row["t"]) for row in rows]
        u, v = (
            [math.nan if row.get(name) is None else float(row[name]) for row in rows]
            for name in ("u", "v")
        )
        _check(found, [str(row["run"]) for row in rows], t, u, v)
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return


def whole_arff(rng: Generator, _: Path) -> bytes:
    """A table of Weka's."""
    table = _table(rng)
    lines = ["% about é", "@RELATION any", "@attribute run string", "@attribute t numeric"]
    lines += ["@attribute u real", "@attribute v integer", "@attribute state string", "@data"]
    for row in zip(*table.values(), strict=True):
        fields = ("?" if x != x else json.dumps(x, ensure_ascii=False) for x in row)
        lines.append(",".join(fields))
    return ("\n".join(lines) + "\n").encode()


def check_any(_: bytes, __: Path, found: Dataset) -> None:
    """Hold what was read against nothing but itself."""
    check_data(found)


def _frame(rng: Generator) -> pa.Table:
    return pa.Table.from_pandas(pd.DataFrame(_table(rng)), preserve_index=False)


def whole_parquet(rng: Generator, _: Path) -> bytes:
    """A Parquet file without compression, so that damage gets past the checksums of that."""
    sink = io.BytesIO()
    compression = "none" if rng.random() < 0.7 else "snappy"
    pa.parquet.write_table(_frame(rng), sink, compression=compression)
    return sink.getvalue()


def whole_feather(rng: Generator, _: Path) -> bytes:
    """A Feather file, which is an Arrow file."""
    sink = io.BytesIO()
    pa.feather.write_feather(_frame(rng), sink, compression="uncompressed")
    return sink.getvalue()


TARGETS |= {
    "csv": Target(".csv", whole_csv, _read, check_csv, words=TABLE_WORDS),
    "jsonl": Target(".jsonl", whole_json, _read, check_json, words=JSON_WORDS),
    "arff": Target(".arff", whole_arff, _read, check_any, words=ARFF_WORDS),
    "parquet": Target(".parquet", whole_parquet, _read, check_any),
    "feather": Target(".feather", whole_feather, _read, check_any),
}
