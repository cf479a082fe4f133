"""Sequences of a long table of a million rows and 10,000 ids: time, and memory beside the table."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import numpy as np

from benchmarks.options import Options
from benchmarks.sheet import Sheet, timing_text
from benchmarks.timing import interleave_measured

N_ROWS, N_IDS, N_FEATURES = 1_000_000, 10_000, 3


def measure(options: Options) -> dict[str, Any]:
    tables = _tables(N_ROWS, N_IDS)
    timings = interleave_measured(
        [lambda table=table: _seconds(table) for table in tables.values()],
        seconds=options.seconds,
        min_rounds=options.min_rounds,
    )
    rows = [
        {"name": name, **timing._asdict(), "peak_mib": _peak(table) / 2**20}
        for (name, table), timing in zip(tables.items(), timings, strict=True)
    ]
    return {"rows": rows}


def _tables(n_rows: int, n_ids: int) -> dict[str, Any]:
    """The same content in each library, rows in order and shuffled, ids numbers and text."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((N_FEATURES, n_rows))
    found: dict[str, Any] = {}
    for order in ("in order", "shuffled"):
        rows = np.arange(n_rows) if order == "in order" else rng.permutation(n_rows)
        runs = rows * n_ids // n_rows
        columns = {"run": runs, "t": rows.astype(float), **dict(zip("abc", values, strict=True))}
        found[f"dict, {order}"] = {**columns, "state": runs % 3}
        names = np.array([f"run {k}" for k in range(n_ids)], object)
        states = np.array(["up", "down", "still"], object)
        text = {**columns, "run": names[runs], "state": states[runs % 3]}
        for library, make in _libraries().items():
            found[f"{library}, text, {order}"] = make(text)
    return found


def _libraries() -> dict[str, Any]:
    import pandas
    import polars
    import pyarrow

    return {
        "pandas": pandas.DataFrame,
        "polars": lambda columns: polars.from_pandas(pandas.DataFrame(columns)),
        "pyarrow": pyarrow.table,
    }


def _seconds(table: Any) -> float:
    from time import perf_counter

    from elman.data import from_table

    gc.collect()
    start = perf_counter()
    from_table(table, id="run", time="t", label="state")
    return perf_counter() - start


def _peak(table: Any) -> int:
    """Most bytes in use beside the table."""
    gc.collect()
    tracemalloc.start()
    try:
        _seconds(table)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def sheets(result: dict[str, Any]) -> list[Sheet]:
    lines = [
        [row["name"], timing_text(row), f"{row['peak_mib']:.0f} MiB"] for row in result["rows"]
    ]
    note = (
        f"{N_ROWS:,} rows, {N_IDS:,} ids, {N_FEATURES} features of float64, a time and a label in "
        "every row. The table itself has 46 MiB of arrays, beside its text."
    )
    return [Sheet("Sequences of a table", ["", "time", "most memory"], lines, note)]
