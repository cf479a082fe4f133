"""Tables of several libraries with the same content become the same sequences, bit by bit."""

from __future__ import annotations

import datetime as dt
import decimal
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data import from_table
from elman.data.columns import Columns
from elman.data.dataset import ReaderError
from elman.data.tables import columns_of

PANDAS = {
    "text": (object, "string", "string[pyarrow]"),
    "integers": ("float64", "Int64", "int64[pyarrow]"),
    "small": ("int8", "Int8", "int8[pyarrow]"),
    "floats": ("float64", "Float64", "double[pyarrow]"),
    "single": ("float32", "Float32", "float[pyarrow]"),
    "flags": (object, "boolean", "bool[pyarrow]"),
    "moments": ("datetime64[ns]", "datetime64[us]", "timestamp[us][pyarrow]"),
}
POLARS = {
    "text": pl.String,
    "integers": pl.Int64,
    "small": pl.Int8,
    "floats": pl.Float64,
    "single": pl.Float32,
    "flags": pl.Boolean,
    "moments": pl.Datetime("us"),
}
ARROW = {
    "text": pa.string(),
    "integers": pa.int64(),
    "small": pa.int8(),
    "floats": pa.float64(),
    "single": pa.float32(),
    "flags": pa.bool_(),
    "moments": pa.timestamp("us"),
}


def in_every_library(kinds, content):
    """The same columns in each container, by its name."""
    arrow = pa.table({n: pa.array(v, ARROW[kinds[n]]) for n, v in content.items()})
    polars = pl.DataFrame({n: pl.Series(v, dtype=POLARS[kinds[n]]) for n, v in content.items()})
    found = {
        "pyarrow": arrow,
        "pyarrow, sliced chunks": pa.concat_tables(
            [arrow.slice(0, 3), arrow.slice(3), arrow.slice(1, 2)]
        ).slice(0, arrow.num_rows),
        "a stream of Arrow": pa.RecordBatchReader.from_batches(arrow.schema, arrow.to_batches()),
        "polars": polars,
        "polars, lazy": polars.lazy(),
        "polars, sliced": pl.concat([polars, polars], rechunk=False).slice(0, len(polars)),
        "a dict of lists": content,
        "a dict of series": {name: polars[name] for name in polars.columns},
    }
    for which, name in enumerate(("NumPy", "nullable", "Arrow")):
        found[f"pandas, {name}"] = pd.DataFrame(
            {n: pd.Series(v, dtype=PANDAS[kinds[n]][which]) for n, v in content.items()}
        ).set_index(pd.Index([7] * arrow.num_rows))
    return found


KINDS = {
    "run": "text",
    "t": "moments",
    "a": "floats",
    "b": "integers",
    "c": "flags",
    "d": "single",
    "e": "small",
    "y": "text",
    "tag": "integers",
}


@st.composite
def contents(draw):
    n = draw(st.integers(3, 9))
    few = st.floats(-9, 9, width=32)

    def column(values):
        return draw(st.lists(values, min_size=n, max_size=n))

    run = column(st.sampled_from(["10", "9", "é"]))
    steps = draw(st.permutations(range(n)))
    return {
        "run": run,
        "t": [dt.datetime(2024, 3, 1) + dt.timedelta(seconds=1.5 * k) for k in steps],
        "a": column(st.none() | few),
        "b": column(st.none() | st.integers(-9, 9)),
        "c": column(st.none() | st.booleans()),
        "d": column(few),
        "e": column(st.integers(-9, 9)),
        "y": [{"10": "p", "9": "q", "é": "r"}[one] for one in run],
        "tag": [draw(st.integers(0, 3)), *column(st.none() | st.integers(0, 3))][:n],
    }


def bits(data):
    def array(values):
        return values.dtype.str, values.tolist() if values.dtype == object else values.tobytes()

    parts = [*data.X, *(data.y if isinstance(data.y, list) else [data.y]), data.ids]
    return [array(part) for part in parts], data.feature_names


@settings(deadline=None, max_examples=20)
@given(contents())
def test_the_same_content_gives_the_same_bits_in_every_library(content):
    tables = in_every_library(KINDS, content)
    found = {}
    for name, table in tables.items():
        for label in ({"label": "y"}, {"step_label": "tag"}):
            features = {"features": ["d", "e"]} if "label" in label else {"features": list("abcde")}
            if name == "a dict of lists":  # which cannot say float32
                table = {**table, "d": np.array(table["d"], np.float32)}
                table["e"] = np.array(table["e"], np.int8)
            if name == "a stream of Arrow":  # which is read once
                table = tables["pyarrow"].to_reader()
            data = from_table(
                table, id="run", time="t", time_delta="step_label" in label, **features, **label
            )
            found.setdefault(tuple(label), {})[name] = bits(data)
    for of_each in found.values():
        for name, seen in of_each.items():
            assert seen == of_each["pyarrow"], name


COLUMN_TYPES = [
    (pa.array([1, None, 3], pa.int16()), [1, None, 3], np.float64),
    (pa.array([1, 2**62 + 1, 3]), [1, 2**62 + 1, 3], np.int64),
    (pa.array([1, None, 2**62 + 1]), [1, None, 2**62 + 1], object),
    (pa.array([1, 2, 2**64 - 1], pa.uint64()), [1, 2, 2**64 - 1], np.uint64),
    (pa.array([np.float16(1.5), None, np.float16(2)], pa.float16()), [1.5, None, 2], np.float32),
    (
        pa.array([decimal.Decimal("0.1"), None, decimal.Decimal("2.5")]),
        [0.1, None, 2.5],
        np.float64,
    ),
    (pa.array([dt.timedelta(milliseconds=1500), None, dt.timedelta(1)]), [1.5, None, 86400], float),
    (pa.array(["a", None, "b" * 99]), ["a", None, "b" * 99], object),
    (pa.array(["a", None, "b"], pa.large_string()), ["a", None, "b"], object),
    (pa.array(["a", None, "b"]).dictionary_encode(), ["a", None, "b"], object),
    (pa.array([5, None, 7]).dictionary_encode(), [5, None, 7], np.float64),
    (pa.array([None, None, None]), [None, None, None], np.float64),
    (pa.array([True, None, False]), [True, None, False], object),
    (pa.array([True, False, False]), [True, False, False], bool),
    (pa.array([b"a", None, b"b"]), [b"a", None, b"b"], object),
    (pa.array([dt.time(1), None, dt.time(2)]), [dt.time(1), None, dt.time(2)], object),
]


@pytest.mark.parametrize(("array", "values", "dtype"), COLUMN_TYPES)
def test_columns_of_every_type_in_three_libraries(array, values, dtype):
    arrow = pa.table({"c": array})
    frames = {
        "pyarrow": arrow,
        "pyarrow, sliced": pa.concat_tables([arrow, arrow]).slice(3),
        "pandas": arrow.to_pandas(types_mapper=pd.ArrowDtype),
    }
    if array.type not in (pa.float16(), pa.null()):
        frames["polars"] = pl.from_arrow(arrow)
    for name, frame in frames.items():
        found = columns_of(frame).columns["c"]
        assert found.dtype == dtype, name
        seen = [None if v is None or v != v else v for v in found.tolist()]
        assert seen == values, name


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_moments_are_nanoseconds_in_utc(unit, zone):
    moments = [dt.datetime(2024, 3, 1, 12), None, dt.datetime(1969, 12, 31)]
    array = pa.array(moments, pa.timestamp(unit, zone))
    expected = np.array(["2024-03-01T12", "NaT", "1969-12-31"], "datetime64[ns]").tolist()
    arrow = pa.table({"c": array})
    for frame in (
        arrow,
        pl.from_arrow(arrow),
        arrow.to_pandas(),
        arrow.to_pandas(types_mapper=pd.ArrowDtype),
    ):
        found = columns_of(frame).columns["c"]
        assert found.dtype == "datetime64[ns]"
        assert found.tolist() == expected


@pytest.mark.parametrize("far", [dt.date(1, 1, 1), dt.date(9999, 12, 31)])
def test_dates_out_of_range_name_the_column(far):
    for frame in (pa.table({"c": [far]}), pl.DataFrame({"c": [far]}), pd.DataFrame({"c": [far]})):
        with pytest.raises(ReaderError, match=r"column 'c': .* outside the years"):
            columns_of(frame)


LISTS = [[1, 2, 3], [], None, [4], [5, 6]]


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.int16()), pa.large_list(pa.int16()), pa.list_view(pa.int16())]
)
def test_lists_in_every_library_sliced_and_not(kind):
    arrow = pa.table({"c": pa.array(LISTS, kind)})
    chunked = pa.concat_tables([arrow.slice(0, 2), arrow.slice(2)])
    frames = [arrow, arrow.slice(1, 3), chunked, chunked.slice(1, 3)]
    if kind != pa.list_view(pa.int16()):
        frames += [arrow.to_pandas(types_mapper=pd.ArrowDtype), arrow.to_pandas()]
        frames += [pl.from_arrow(arrow), pl.from_arrow(arrow).slice(1, 3)]
    for frame in frames:
        found = columns_of(frame).columns["c"].tolist()
        rows = LISTS if len(frame) == 5 else LISTS[1:4]
        assert [None if row is None else row.tolist() for row in found] == rows
        assert {row.dtype for row in found if row is not None} == {np.dtype(np.int16)}


@pytest.mark.parametrize("rows", [[[1, 2], [3, 4], [5, 6]], [[1, 2], None, [5, 6]]])
def test_lists_of_one_length(rows):
    arrow = pa.table({"c": pa.array(rows, pa.list_(pa.int16(), 2))})
    polars = pl.DataFrame({"c": pl.Series(rows, dtype=pl.Array(pl.Int16, 2))})
    for frame in (arrow, polars, arrow.to_pandas(types_mapper=pd.ArrowDtype)):
        found = columns_of(frame).columns["c"].tolist()
        assert [None if row is None else row.tolist() for row in found] == rows


def test_missing_values_within_lists_are_the_same_in_every_library():
    arrow = pa.table({"c": [[1, None], [3]], "t": [["a"], [None, "b"]]})
    for frame in (arrow, pl.from_arrow(arrow), arrow.to_pandas(), arrow.to_pydict()):
        found = columns_of(frame).columns
        assert np.array_equal(found["c"][0], [1, np.nan], equal_nan=True)
        assert found["c"][1].tolist() == [3]
        assert found["t"][1].tolist() == [None, "b"]


def test_sequences_of_rows_with_lists_have_the_same_bits():
    arrow = pa.table(
        {
            "n": ["u", "v"],
            "a": pa.array([[1, 2, 3], [4]], pa.list_(pa.int16())),
            "b": [[5.5, None, 6], [7]],
        }
    )
    frames = [arrow, pl.from_arrow(arrow), arrow.to_pandas(), arrow.to_pydict()]
    datas = [from_table(frame, id="n") for frame in frames]
    for data in datas:
        assert data.feature_names == ("a", "b")
        assert [x.tobytes() for x in data.X] == [x.tobytes() for x in datas[0].X]


def test_categories_in_three_libraries():
    arrow = pa.table({"c": pa.array(["p", "q", "p"]).dictionary_encode(), "x": [1.0, 2.0, 3.0]})
    enum = pl.DataFrame(
        {"c": pl.Series(["p", "q", "p"], dtype=pl.Enum(["q", "p"])), "x": [1.0, 2.0, 3.0]}
    )
    for frame in (arrow, arrow.to_pandas(), pl.from_arrow(arrow), enum):
        columns = columns_of(frame)
        assert columns.categorical == {"c"}
        assert columns.columns["c"].tolist() == ["p", "q", "p"]
        data = from_table({"c": frame["c"], "run": [1, 1, 2]}, id="run")
        assert [x.tolist() for x in data.X] == [[["p"], ["q"]], [["p"]]]
        assert data.categorical == data.X.categorical == ("c",)
    numbers = columns_of(pd.DataFrame({"c": pd.Categorical([3, None, 5])}))
    assert np.array_equal(numbers.columns["c"], [3, np.nan, 5], equal_nan=True)


# pandas and its index


def runs(**more):
    return pd.DataFrame({"run": ["b", "a", "b"], "t": [2, 1, 1], "x": [1.0, 2.0, 3.0], **more})


def test_a_plain_index_is_ignored_and_a_missing_id_is_looked_for_in_it():
    expected = bits_of_x(from_table(runs(), id="run", time="t"))
    for index in ([9, 9, 9], list("zyx"), pd.date_range("2024-03-01", periods=3)):
        assert (
            bits_of_x(from_table(runs().set_index(pd.Index(index)), id="run", time="t")) == expected
        )
    with pytest.raises(ReaderError, match=r"'run' is the index of the table.*reset_index"):
        from_table(runs().set_index("run"), id="run")


def test_the_index_of_pandas_in_a_table_of_arrow_is_no_feature():
    part = runs()[::2]  # pyarrow keeps an index that is no plain range
    part.index = [5, 3]
    table = pa.Table.from_pandas(part)
    assert "__index_level_0__" in table.column_names
    assert bits_of_x(from_table(table, id="run", time="t")) == bits_of_x(
        from_table(part, id="run", time="t")
    )
    asked = from_table(table, id="run", features=["x", "__index_level_0__"])
    assert [x.tolist() for x in asked.X] == [[[1.0, 5.0], [3.0, 3.0]]]


def bits_of_x(data):
    return [x.tobytes() for x in data.X], data.ids.tolist(), data.feature_names


def test_levels_of_a_multi_index_are_columns_by_name_and_by_position():
    expected = bits_of_x(from_table(runs(), id="run", time="t"))
    named = runs().set_index(["run", "t"])
    for frame, roles in [
        (named, {}),
        (named, {"id": "run", "time": "t"}),
        (named, {"id": 0, "time": 1}),
        (named, {"id": ["run"], "time": 1}),
        (named.rename_axis([None, None]), {}),
        (named.rename_axis([None, None]), {"id": 0, "time": 1}),
        (runs().set_index(["run"], append=True), {"id": "run", "time": "t", "features": ["x"]}),
    ]:
        data = from_table(frame, **roles)
        assert bits_of_x(data) == expected
    with pytest.raises(ReaderError, match="two columns have the name 'run'"):
        from_table(runs().set_index(["run", "t"]).assign(run=1))


def test_the_last_of_three_levels_is_the_time():
    frame = runs(who=[1, 2, 1]).set_index(["who", "run", "t"])
    data = from_table(frame)
    assert data.ids.tolist() == [(1, "b"), (2, "a")]
    assert data.X[0].ravel().tolist() == [3, 1]


def test_names_that_are_numbers():
    frame = pd.DataFrame([[5, 1.0, 2.0], [5, 3.0, 4.0]])
    data = from_table(frame, id=0)
    assert data.feature_names == ("1", "2")
    assert from_table(frame, id=0, features=[2, "1"]).X[0].tolist() == [[2, 1], [4, 3]]


# Labels beside the table


@pytest.mark.parametrize(
    "labels",
    [
        pd.Series({"a": "p", "b": "q"}),
        pd.Series(["p", "q"], index=pd.Index(["a", "b"], name="run"), dtype="string[pyarrow]"),
        pd.DataFrame({"run": ["a", "b"], "y": ["p", "q"]}, index=[7, 7]),
        pl.DataFrame({"y": ["p", "q"], "run": ["a", "b"]}),
        pa.table({"run": ["a", "b"], "y": ["p", "q"]}),
        {"run": ["a", "b"], "y": ["p", "q"]},
        {"a": "p", "b": "q"},
    ],
)
def test_labels_of_any_table_or_by_id(labels):
    assert from_table(runs(), id="run", time="t", labels=labels).y.tolist() == ["q", "p"]


def test_labels_by_two_ids_in_the_index_of_a_series():
    labels = pd.Series({("b", 2): 5, ("a", 1): 6, ("b", 1): 7})
    assert from_table(runs(), id=["run", "t"], labels=labels).y.tolist() == [5, 6, 7]
    with pytest.raises(ReaderError, match=r"index of 2 level.s., and id= names 1"):
        from_table(runs(), id="run", labels=labels)


def test_labels_with_the_id_in_their_index_say_so():
    labels = pd.DataFrame({"run": ["a", "b"], "y": [1, 2]}).set_index("run")
    with pytest.raises(ReaderError, match="'run' is the index of the table of labels"):
        from_table(runs(), id="run", label="y", labels=labels)


# Other tables, and what is none


def test_a_structured_array_and_a_dict_with_rows_of_equal_length():
    records = np.array([(1, 2.5), (1, 3.5)], [("run", int), ("x", float)])
    assert from_table(records, id="run").X[0].tolist() == [[2.5], [3.5]]
    data = from_table({"x": np.arange(6).reshape(2, 3), "z": [[1, 2, 3], [4, 5, 6]]})
    assert data.X[1].tolist() == [[3, 4], [4, 5], [5, 6]]


@pytest.mark.parametrize(
    "table",
    [
        None,
        3,
        "runs.csv",
        [1, 2],
        np.zeros((3, 2)),
        pd.Series([1]),
        pl.Series([1]),
        runs().groupby("run"),
    ],
)
def test_what_is_no_table_is_refused(table):
    with pytest.raises(TypeError, match=f"table is a {type(table).__name__}; expected a data"):
        from_table(table, id="run")


def test_a_path_and_a_list_of_rows_are_refused_with_what_reads_them():
    with pytest.raises(TypeError, match=r"elman\.data\.read takes the path"):
        from_table("runs.csv", id="run")
    with pytest.raises(TypeError, match=r"pandas\.DataFrame\(rows\)"):
        from_table([{"run": 1, "ax": 2.5}], id="run")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a": [1], "b": [1, 2]}, r"'b' has 2 value.s. and column 'a' has 1"),
        ({"a": 3}, r"'a': it has shape \(\)"),
        ({"a": np.zeros((2, 3, 4))}, r"'a': it has shape \(2, 3, 4\)"),
        ({"a": np.ma.array([1, 2], mask=[0, 1])}, "'a' is a masked array"),
        ({0: [1], "0": [2]}, "two columns have the name '0'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns have one name"),
        (pa.table([[1], [2]], names=["a", "a"]), "two columns have one name"),
        (pd.DataFrame({"id": []}), "has no rows"),
        (pl.DataFrame(schema={"id": pl.String, "x": pl.Float64}), "has no rows"),
        (pd.DataFrame(index=[1, 2]), "no column 'id'"),
    ],
)
def test_tables_that_cannot_be_read(table, message):
    with pytest.raises(ReaderError, match=message):
        from_table(table, id="id")


def test_numbers_are_not_copied_on_the_way_to_columns():
    values = np.arange(5.0)
    for frame in (
        {"c": values},
        pd.DataFrame({"c": values}, copy=False),
        pl.DataFrame({"c": values}),
    ):
        native = values if isinstance(frame, (dict, pd.DataFrame)) else frame["c"].to_numpy()
        assert np.shares_memory(columns_of(frame).columns["c"], native)


@pytest.mark.parametrize("shuffled", [False, True])
def test_memory_is_in_proportion_to_the_table(shuffled, rng):
    n = 30_000
    rows = rng.permutation(n) if shuffled else np.arange(n)
    table = {f"x{k}": rng.normal(size=n) for k in range(9)}
    table |= {"run": rows // 30, "t": (rows % 30).astype(float)}
    size = sum(values.nbytes for values in table.values())
    tracemalloc.start()
    try:
        data = from_table(table, id="run", time="t")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(data.X) == 1000
    assert peak < 3 * size  # the features once, and some arrays with a number for each row


def test_the_table_is_never_written_to():
    frame = runs()
    data = from_table(frame, id="run", features=["x"])
    data.X[0][:] = 77
    assert frame.equals(runs())
    assert isinstance(columns_of(frame), Columns)
