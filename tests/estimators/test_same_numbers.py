"""The same numbers in every container people keep sequences in: the same bits of every answer."""

from __future__ import annotations

import warnings

import narwhals
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from elman import RNNClassifier

OPTIONS = {"hidden_size": 3, "max_iter": 2, "random_state": 0, "dtype": "float64"}


def as_objects(samples):
    out = np.empty(len(samples), dtype=object)
    out[:] = samples
    return out


def frame(x, names):
    return pd.DataFrame(x.astype(float), columns=names)


LISTS = {
    "list": lambda X, _: [x.astype(float) for x in X],
    "tuple": lambda X, _: tuple(x.astype(float) for x in X),
    "array of objects": lambda X, _: as_objects([x.astype(float) for x in X]),
    "series of arrays": lambda X, _: pd.Series([x.astype(float) for x in X]),
    "float32": lambda X, _: [x.astype(np.float32) for x in X],
    "int8": lambda X, _: [x.astype(np.int8) for x in X],
    "int64": lambda X, _: X,
    "big-endian": lambda X, _: [x.astype(">f8") for x in X],
    "Fortran": lambda X, _: [np.asfortranarray(x.astype(float)) for x in X],
    "nested lists": lambda X, _: [x.tolist() for x in X],
    "objects": lambda X, _: [x.astype(object) for x in X],
    "types mixed": lambda X, _: [x.astype(t) for x, t in zip(X, "fd" * len(X), strict=False)],
    "pandas": lambda X, names: [frame(x, names) for x in X],
    "pandas, numbered": lambda X, _: [pd.DataFrame(x) for x in X],
    "pandas, slices of one": lambda X, names: [
        group[names]
        for _, group in frame(np.concatenate(X), names)
        .assign(sample=np.repeat(range(len(X)), [len(x) for x in X]))
        .groupby("sample")
    ],
    "pandas, nullable": lambda X, names: [frame(x, names).convert_dtypes() for x in X],
    "pandas, Arrow": lambda X, names: [
        frame(x, names).convert_dtypes(dtype_backend="pyarrow") for x in X
    ],
    "pandas, objects": lambda X, names: [frame(x, names).astype(object) for x in X],
    "polars": lambda X, names: [pl.DataFrame(x, schema=names, orient="row") for x in X],
    "polars, types mixed": lambda X, names: [
        pl.DataFrame(x.astype("df"[i % 2]), schema=names, orient="row") for i, x in enumerate(X)
    ],
    "polars, lazy": lambda X, names: [pl.LazyFrame(x, schema=names, orient="row") for x in X],
    "pyarrow": lambda X, names: [pa.table(list(x.T), names=names) for x in X],
    "pyarrow, batches": lambda X, names: [pa.record_batch(list(x.T), names=names) for x in X],
    "narwhals": lambda X, names: [narwhals.from_native(frame(x, names)) for x in X],
    "libraries mixed": lambda X, names: [
        make(x) for x, make in zip(X, [
            lambda x: pl.DataFrame(x, schema=names, orient="row"), lambda x: frame(x, names)
        ] * len(X), strict=False)
    ],
}  # fmt: skip
EQUAL = {
    "cube": lambda X, _: np.stack(X).astype(float),
    "cube in Fortran's order": lambda X, _: np.asfortranarray(np.stack(X).astype(float)),
    "cube of float32": lambda X, _: np.stack(X).astype(np.float32),
    "cube of objects": lambda X, _: np.stack(X).astype(object),
    "nested lists of lists": lambda X, _: np.stack(X).tolist(),
}
TWO_D = {
    "array": lambda X, _: X.astype(float),
    "rows": lambda X, _: list(X),
    "rows of numbers": lambda X, _: X.tolist(),
    "series": lambda X, _: [pd.Series(x, dtype="Int64") for x in X],
    "pandas": lambda X, names: frame(X, names),
    "pandas, nullable": lambda X, names: frame(X, names).convert_dtypes(),
    "pandas, Arrow": lambda X, names: frame(X, names).convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda X, names: pl.DataFrame(X, schema=names, orient="row"),
    "polars, lazy": lambda X, names: pl.LazyFrame(X, schema=names, orient="row"),
    "pyarrow": lambda X, names: pa.table(list(X.T), names=names),
}


def bits(X, asked, **options):
    """The answers of a fit on X to what is asked, as bytes."""
    y = np.arange(len(asked)) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return RNNClassifier(**OPTIONS, **options).fit(X, y).predict_proba(X).tobytes()


def drawn(rng, *shape):
    """Whole numbers, so that every type holds them."""
    return rng.integers(-50, 50, size=shape)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize(
    "lengths", [(4, 4, 4), (1, 3, 2, 6, 2), (5, 1, 1, 4)], ids=["equal", "five", "four"]
)
def test_sequences(rng, standardize, lengths):
    X, names = [drawn(rng, n, 3) for n in lengths], ["u", "v", "w"]
    order = rng.permutation(3)
    X, names = [x[:, order] for x in X], [names[i] for i in order]
    containers = LISTS | (EQUAL if len(set(lengths)) == 1 else {})
    found = {
        name: bits(make(X, names), X, standardize=standardize) for name, make in containers.items()
    }
    assert {name for name, value in found.items() if value != found["list"]} == set()


@pytest.mark.parametrize("missing", ["mask", "skip"])
def test_missing_values(rng, missing):
    """Whatever stands for a missing value is NaN."""
    X, names = [drawn(rng, n, 3).astype(float) for n in (4, 2, 5)], ["u", "v", "w"]
    for x in X:
        x[rng.integers(len(x)), rng.integers(3)] = np.nan
    frames = [frame(x, names) for x in X]
    polars = [pl.from_pandas(f, nan_to_null=True) for f in frames]
    containers = {
        "arrays": X,
        "pandas": frames,
        "nullable": [f.convert_dtypes() for f in frames],
        "Arrow": [f.convert_dtypes(dtype_backend="pyarrow") for f in frames],
        "objects": [f.astype(object).where(f.notna(), None) for f in frames],
        "objects, NA": [f.astype(object).where(f.notna(), pd.NA) for f in frames],
        "polars": polars,
        "polars, whole numbers": [p.cast(pl.Int16) for p in polars],
        "pyarrow": [p.to_arrow() for p in polars],
    }
    found = {name: bits(made, X, missing=missing) for name, made in containers.items()}
    assert {name for name, value in found.items() if value != found["arrays"]} == set()


@pytest.mark.parametrize("shape", [(3, 5), (7, 1), (4, 2)])
def test_two_dimensional_tables(rng, shape):
    X, names = drawn(rng, *shape), [f"t{i}" for i in range(shape[1])]
    found = {name: bits(make(X, names), X) for name, make in TWO_D.items()}
    assert {name for name, value in found.items() if value != found["array"]} == set()
