"""Data frames of any library: their numbers, the names of their columns, and what is refused."""

from __future__ import annotations

import datetime
import decimal
import subprocess
import sys
import warnings

import narwhals
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.data import check_sequences
from elman.data.frames import is_frame, read_frame

NAN = np.nan
BIG = 2**53 + 3
"""a whole number that float64 rounds"""


def arrow(values, kind):
    return pd.array(values, dtype=pd.ArrowDtype(kind))


# What is a frame, and its numbers

FRAMES = {
    "pandas": (pd.DataFrame({"u": [1.0, 2], "v": [3.0, NAN]}), [[1, 3], [2, NAN]]),
    "pandas, types": (
        pd.DataFrame({"u": [1.5, 2], "v": [True, False], "w": [3, 4]}),
        [[1.5, 1, 3], [2, 0, 4]],
    ),
    "pandas, floats and bools": (
        pd.DataFrame({"u": [1.5, 2], "v": [True, False]}),
        [[1.5, 1], [2, 0]],
    ),
    "pandas, nullable": (
        pd.DataFrame(
            {
                "u": pd.array([BIG, None], dtype="Int64"),
                "v": pd.array([2**63 + 2**61, None], dtype="UInt64"),
                "w": pd.array([1.5, None], dtype="Float64"),
                "x": pd.array([True, None], dtype="boolean"),
            }
        ),
        [[BIG, 2**63 + 2**61, 1.5, 1], [NAN] * 4],
    ),
    "pandas, Arrow": (
        pd.DataFrame(
            {
                "u": arrow([BIG, None], pa.int64()),
                "v": arrow([1.5, None], pa.float64()),
                "w": arrow([True, None], pa.bool_()),
                "x": arrow([decimal.Decimal("1.5"), None], pa.decimal128(5, 2)),
                "y": arrow([None, None], pa.null()),
            }
        ),
        [[BIG, 1.5, 1, 1.5, NAN], [NAN] * 5],
    ),
    "pandas, objects": (
        pd.DataFrame({"u": [1.5, None], "v": [True, pd.NA], "w": [7, pd.NaT]}, dtype=object),
        [[1.5, 1, 7], [NAN] * 3],
    ),
    "pandas, sparse": (
        pd.DataFrame(
            {"u": pd.arrays.SparseArray([1.5, NAN]), "v": pd.arrays.SparseArray([NAN, 3])}
        ),
        [[1.5, NAN], [NAN, 3]],
    ),
    "pandas, an index": (
        pd.DataFrame({"u": [1.0, 2]}, index=pd.to_datetime(["2024-02-01", "2024-01-01"])),
        [[1], [2]],
    ),
    "polars": (
        pl.DataFrame({"u": [1.5, None], "v": [BIG, None], "w": [True, None], "x": [None, None]}),
        [[1.5, BIG, 1, NAN], [NAN] * 4],
    ),
    "polars, decimals": (
        pl.DataFrame({"u": [decimal.Decimal("1.5"), None]}, schema={"u": pl.Decimal(5, 2)}),
        [[1.5], [NAN]],
    ),
    "polars, lazy": (
        pl.LazyFrame({"u": [1.5, 2], "v": [3, None]}).filter(pl.col("u") < 2),
        [[1.5, 3]],
    ),
    "pyarrow": (
        pa.table({"u": [1.5, None], "v": [BIG, None], "w": [True, None], "x": [None, None]}),
        [[1.5, BIG, 1, NAN], [NAN] * 4],
    ),
    "pyarrow, decimals": (pa.table({"u": [decimal.Decimal("1.5"), None]}), [[1.5], [NAN]]),
    "pyarrow, a batch": (pa.record_batch({"u": [1.5, None], "v": [3, 4]}), [[1.5, 3], [NAN, 4]]),
    "narwhals": (narwhals.from_native(pl.DataFrame({"u": [1.5, 2]})), [[1.5], [2]]),
    "narwhals of pandas": (
        narwhals.from_native(pd.DataFrame({"u": pd.array([1, None], dtype="Int64")})),
        [[1], [NAN]],
    ),
}


@pytest.mark.parametrize(("frame", "expected"), FRAMES.values(), ids=FRAMES)
def test_the_numbers_of_a_frame(frame, expected):
    assert is_frame(frame)
    values, labels = read_frame(frame, "X")
    np.testing.assert_array_equal(values, np.array(expected, float))
    assert labels[:1] == ("u",)
    assert len(labels) == len(expected[0])


@pytest.mark.parametrize(("frame", "expected"), FRAMES.values(), ids=FRAMES)
def test_a_list_of_frames(frame, expected):
    found = check_sequences([frame, frame], dtype=np.float64, missing="keep")
    assert found.lengths.tolist() == [len(expected)] * 2
    np.testing.assert_array_equal(found.values, np.array(expected * 2, float))
    assert found.feature_names[0] == "u"


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, lambda d: pa.table(d)])
@pytest.mark.parametrize("dtype", [np.int8, np.float32])
def test_small_types_stay_small(make, dtype):
    frame = make({"u": np.array([1, 2], dtype), "v": np.array([3, 4], dtype)})
    assert check_sequences([frame, frame], dtype=None).dtype == np.float32


def test_a_subclass_is_a_frame():
    class Logged(pd.DataFrame):
        pass

    found = check_sequences([Logged({"u": [1.0], "v": [2.0]})])
    assert found.feature_names == ("u", "v")


@pytest.mark.parametrize(
    "value",
    [np.ones((2, 2)), [[1.0]], pd.Series([1.0]), pl.Series([1.0]), pa.chunked_array([[1.0]])],
)
def test_what_is_no_frame(value):
    assert not is_frame(value)


def test_frames_of_many_types_and_lengths_in_one_list():
    a = pd.DataFrame({"u": [1.0, 2, 3], "v": [4.0, 5, 6]})
    frames = [
        a,
        pl.DataFrame({"u": [7], "v": [8.5]}),
        a.iloc[:0],
        pd.DataFrame(columns=["u", "v"]),
        pa.table({"u": [9.0, 9.5], "v": [None, 10]}),
        pl.DataFrame({"u": [1.5, 2.5], "v": [3.5, 4.5]}),
        pl.DataFrame({"u": [11], "v": [12.5]}),
    ]
    found = check_sequences(frames, dtype=np.float64, missing="keep")
    assert found.lengths.tolist() == [3, 1, 0, 0, 2, 2, 1]
    expected = [[1, 4], [2, 5], [3, 6], [7, 8.5], [9, NAN], [9.5, 10], [1.5, 3.5], [2.5, 4.5]]
    np.testing.assert_array_equal(found.values, [*expected, [11, 12.5]])
    assert found.feature_names == ("u", "v")


def test_names_of_columns_may_be_of_any_type_that_is_not_a_tuple():
    numbers = pd.DataFrame([[1.0, 2.0]])
    dates = pd.DataFrame([[1.0, 2.0]], columns=pd.to_datetime(["2024", "2025"]))
    for frame in (numbers, dates):
        assert check_sequences([frame, frame.copy()]).feature_names is None
        assert check_sequences(frame).feature_names is None
    kinds = pd.DataFrame([[1.0, 2.0]], columns=pd.CategoricalIndex(["u", "v"]))
    assert check_sequences([kinds, kinds.copy()]).feature_names == ("u", "v")


def test_frames_in_other_containers():
    frames = [pd.DataFrame({"u": [1.0], "v": [2.0]}), pd.DataFrame({"u": [3.0], "v": [4.0]})]
    objects = np.empty(2, dtype=object)
    objects[:] = frames
    for X in (tuple(frames), objects, pd.Series(frames)):
        assert check_sequences(X).feature_names == ("u", "v")


def test_a_list_that_knows_the_names_of_its_columns():
    class Named(list):
        feature_names = ("u", "v")

    arrays = [np.ones((3, 2)), np.ones((1, 2))]
    assert check_sequences(Named(arrays)).feature_names == ("u", "v")
    with pytest.raises(ValueError, match="seen at fit time, yet now missing:\n- w"):
        check_sequences(Named(arrays), n_features=2, two_d=False, feature_names=("u", "w"))
    with pytest.raises(ValueError, match="2 feature names for 3 features"):
        check_sequences(Named([np.ones((1, 3))]))


def test_a_two_dimensional_frame_is_one_feature():
    frame = pl.DataFrame({"t0": [1, None, 3], "t1": [4.5, 5.5, 6.5]})
    found = check_sequences(frame, dtype=np.float64, missing="keep")
    assert (found.two_d, found.n_features_in) == (True, 2)
    assert found.feature_names == ("t0", "t1")
    np.testing.assert_array_equal(found.values.ravel(), [1, 4.5, NAN, 5.5, 3, 6.5])


def test_rows_of_nullable_types():
    rows = [pd.Series([1, None, 3], dtype="Int64"), pd.Series([1.5, None, 2], dtype="Float64")]
    found = check_sequences(rows, missing="keep")
    assert found.two_d
    np.testing.assert_array_equal(found.values.ravel(), [1, NAN, 3, 1.5, NAN, 2])


def test_what_was_read_keeps_the_names():
    frames = [pd.DataFrame({"u": [1.0, NAN], "v": [2.0, 3]}), pd.DataFrame({"u": [1.0], "v": [4]})]
    found = check_sequences(frames, missing="skip")
    assert found.subset([1]).feature_names == found.settled().feature_names == ("u", "v")


def test_narwhals_and_pyarrow_are_imported_for_their_frames_alone():
    program = (
        "import sys, elman.data, numpy as np; elman.data.check_sequences([np.ones((3, 2))]);"
        "print(sorted({'narwhals', 'pyarrow', 'pandas', 'polars'} & set(sys.modules)));"
        "import pandas as pd; elman.data.check_sequences([pd.DataFrame({'a': [1.0], 'b': [2]})]);"
        "print('narwhals' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["[]", "False"]


# Columns that no network takes

DAY = datetime.date(2024, 1, 1)
HOUR = datetime.timedelta(hours=1)
COLUMNS = {
    "pandas dates": (pd.to_datetime(["2024", "2025"]), "dates or times", "seconds since"),
    "pandas dates of a zone": (pd.to_datetime(["2024", "2025"], utc=True), "dates", "seconds"),
    "pandas durations": (pd.to_timedelta([1, 2]), "dates or times", "leave the column out"),
    "pandas periods": (pd.period_range("2024", periods=2), "dates or times", "leave"),
    "pandas Arrow dates": (arrow([DAY, None], pa.date32()), "dates or times", "leave"),
    "pandas text": (["on", "off"], "text", "to a number.*RNNTagger"),
    "pandas Arrow text": (arrow(["on", None], pa.string()), "text", "convert"),
    "pandas categories": (pd.Categorical(["on", "off"]), "categories", "dummies"),
    "pandas categories of numbers": (pd.Categorical([1, 2]), "categories", "dummies"),
    "pandas Arrow categories": (
        arrow(["on", "off"], pa.dictionary(pa.int32(), pa.string())),
        "categories",
        "dummies",
    ),
    "pandas lists": (arrow([[1.0], [2.0]], pa.list_(pa.float64())), "objects", "columns of"),
    "polars dates": (pl.Series([DAY, DAY]), "dates or times", "seconds since"),
    "polars durations": (pl.Series([HOUR, HOUR]), "dates or times", "seconds since"),
    "polars text": (pl.Series(["on", "off"]), "text", "to a number.*RNNTagger"),
    "polars categories": (pl.Series(["on", "off"], dtype=pl.Categorical), "categories", "dummies"),
    "polars choices": (pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])), "categories", "dummies"),
    "polars lists": (pl.Series([[1.0], [2.0]]), "objects", "columns of numbers"),
    "pyarrow dates": (pa.array([DAY, None]), "dates or times", "seconds since"),
    "pyarrow text": (pa.array(["on", "off"]), "text", "to a number.*RNNTagger"),
    "pyarrow categories": (pa.array(["on", "off"]).dictionary_encode(), "categories", "dummies"),
}


def with_column(column, **others):
    """A frame of the library that the column is of."""
    if isinstance(column, pl.Series):
        return pl.DataFrame({**others, "state": column})
    if isinstance(column, pa.Array):
        return pa.table({**others, "state": column})
    return pd.DataFrame({**others, "state": column})


@pytest.mark.parametrize(("column", "what", "fix"), COLUMNS.values(), ids=COLUMNS)
def test_a_column_that_holds_no_numbers(column, what, fix):
    good = with_column(column, u=[1.0, 2.0])
    good = good[["u"]] if not isinstance(good, pa.Table) else good.select(["u"])
    for others in ({"u": [1.0, 2.0]}, {}):
        bad = with_column(column, **others)
        with pytest.raises(TypeError, match=rf"^X: sample 1: column 'state' holds {what}.*{fix}"):
            check_sequences([good, bad, bad])
        if what == "objects":  # lists: a table of a sequence in each row
            continue
        with pytest.raises(TypeError, match=rf"^X_val: column 'state' holds {what}.*{fix}"):
            check_sequences(bad, name="X_val")


def test_objects_that_are_no_numbers_are_named_by_place():
    frame = pd.DataFrame({"u": [1.0, 2], "v": np.array([3, "on"], object)})
    with pytest.raises(TypeError, match=r"sample 1, timestep 1, feature 1 \(column 'v'\) is 'on'"):
        check_sequences([frame.iloc[:1], frame])
    with pytest.raises(TypeError, match=r"sample 1, timestep 1 \(column 'v'\) is 'on', a str"):
        check_sequences(frame)
    with pytest.raises(ValueError, match=r"column 'v'\) is 1000.* too large for float64"):
        check_sequences([frame.assign(v=np.array([3, 10**400], object))])
    with pytest.raises(ValueError, match="Complex data not supported: X: sample 0"):
        check_sequences([frame.assign(v=[1j, 2])])


def test_two_columns_of_one_name_that_cannot_be_told_apart():
    table = pa.table([pa.array([1.0]), pa.array([2.0])], names=["u", "u"])
    with pytest.raises(ValueError, match=r"(?s)^X: sample 0 has two columns of the same name.*'u'"):
        check_sequences([table])


def test_frames_without_columns_or_rows():
    for frame in (pd.DataFrame(index=range(3)), pa.table({}), pl.DataFrame()):
        with pytest.raises(ValueError, match=r"sample 1 \(shape=\(\d, 0\)\) has 0 feature"):
            check_sequences([pd.DataFrame({0: [1.0]}), frame])
    with pytest.raises(ValueError, match="0 timestep"):
        check_sequences([pd.DataFrame(columns=["u", "v"])])


MISSING = {
    "numpy": pd.DataFrame({"u": [1.0, 2, 3], "v": [1.0, 2, NAN]}),
    "nullable": pd.DataFrame({"u": [1.0, 2, 3], "v": pd.array([1, 2, None], dtype="Int64")}),
    "Arrow": pd.DataFrame({"u": [1.0, 2, 3], "v": arrow([1, 2, None], pa.int16())}),
    "bools": pd.DataFrame({"u": [1, 2, 3], "v": pd.array([True, True, None], dtype="boolean")}),
    "objects": pd.DataFrame({"u": [1.0, 2, 3], "v": np.array([1, 2, None], object)}),
    "polars": pl.DataFrame({"u": [1.0, 2, 3], "v": [1, 2, None]}),
    "polars, lazy": pl.LazyFrame({"u": [1.0, 2, 3], "v": [True, False, None]}),
    "pyarrow": pa.table({"u": [1.0, 2, 3], "v": [1, 2, None]}),
}


@pytest.mark.parametrize("frame", MISSING.values(), ids=MISSING)
@pytest.mark.parametrize("look", [True, False])
def test_a_missing_value_is_named_with_its_column(frame, look):
    place = r"sample 1, timestep 2, feature 1 \(column 'v'\)\. RNNClassifier .*missing="
    with pytest.raises(ValueError, match=f"contains NaN: {place}"):
        check_sequences([filled(frame), frame], look_at_values=look).pending_check()
    with pytest.raises(ValueError, match=r"sample 2, timestep 1, feature 0 \(column 'v'\)"):
        check_sequences(frame, look_at_values=look).pending_check()


def filled(frame):
    """The same columns and types without the row that has a missing value."""
    if isinstance(frame, pa.Table):
        return frame.slice(0, 2)
    return frame.head(2)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pl.LazyFrame, pa.table])
def test_infinity_and_what_is_too_large_are_named_with_their_column(make):
    frame = make({"u": [1.0, 2], "v": [3.0, np.inf]})
    with pytest.raises(ValueError, match=r"infinity: sample 0, timestep 1, feature 1 \(column 'v'"):
        check_sequences([frame])
    with pytest.raises(ValueError, match=r"sample 1, timestep 1, feature 0 \(column 'v'\) is inf"):
        check_sequences(frame)
    frame = make({"u": [1.0, 2], "v": [3.0, -1e39]})
    with pytest.raises(ValueError, match=r"too large for float32.*\(column 'v'\) is -1e\+39"):
        check_sequences([frame], look_at_values=False).pending_check()


# Names that do not agree

U_V = pd.DataFrame({"u": [1.0, 2], "v": [3.0, 4]})
FITTED = {"n_features": 2, "two_d": False, "feature_names": ("u", "v")}
LIBRARIES = {
    "pandas": lambda frame: frame,
    "polars": lambda frame: pl.from_pandas(frame),
    "polars, lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize("odd", [0, 3, 6])
def test_one_frame_of_another_order_among_many(library, odd):
    X = [library(U_V)] * 7
    X[odd] = library(U_V[["v", "u"]])
    other = 1 if odd == 0 else 0
    message = (
        rf"^X: sample {odd} has the columns 'v', 'u', but sample {other} has 'u', 'v': every "
        r"sample needs the same features in the same order\. .*: frame\[\['u', 'v'\]\]$"
    )
    with pytest.raises(ValueError, match=message):
        check_sequences(X)
    with pytest.raises(ValueError, match=f"X: sample {odd} has the columns 'v', 'u'; Tagger was"):
        check_sequences(X, **FITTED, estimator="Tagger")


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
def test_one_frame_of_other_columns_among_many(library):
    renamed = library(U_V.rename(columns={"v": "w"}))
    with pytest.raises(ValueError, match=r"sample 1 .*; it has no 'v'; only it has 'w'\. Take"):
        check_sequences([library(U_V), renamed, library(U_V)])
    wider = library(U_V.assign(w=5.0))
    with pytest.raises(
        ValueError, match=r"sample 2 has the columns 'u', 'v', 'w'.*only it has 'w'"
    ):
        check_sequences([library(U_V), library(U_V), wider])


def test_arrays_among_named_frames():
    for X in ([U_V, U_V.to_numpy(), U_V], [U_V, U_V.set_axis([0, 1], axis=1)]):
        with pytest.raises(ValueError, match=r"sample 1 has no names .* sample 0 has 'u', 'v'"):
            check_sequences(X)
        with pytest.raises(ValueError, match="sample 1 has no names"):
            check_sequences(X, **FITTED)
    with pytest.raises(ValueError, match=r"sample 0 has no names .* sample 2 has 'u', 'v'"):
        check_sequences([U_V.to_numpy(), U_V.to_numpy(), U_V])


def test_numbered_columns_may_not_be_turned():
    X = [U_V.set_axis([0, 1], axis=1), U_V.set_axis([1, 0], axis=1)]
    with pytest.raises(ValueError, match=r"sample 1 has the columns 1, 0, but sample 0 .* 0, 1"):
        check_sequences(X)
    X[1] = X[1].set_axis([2, 3], axis=1)
    assert check_sequences([*X, U_V.to_numpy()]).feature_names is None


def test_names_of_several_kinds():
    mixed = U_V.set_axis(["u", 1], axis=1)
    words = "Feature names are only supported if all input features have string names"
    with pytest.raises(TypeError, match=rf"{words}.*\['int', 'str'\].*The input is sample 1 of X"):
        check_sequences([U_V, mixed])
    with pytest.raises(TypeError, match=words):
        check_sequences(mixed)
    with pytest.raises(TypeError, match=words):
        check_sequences([mixed], **FITTED)


def test_columns_in_another_order_than_in_fit():
    message = (
        "^The feature names should match those that were passed during fit.\nFeature names must be "
        "in the same order as they were in fit.\nX: sample 0 has the columns 'v', 'u'; Scaler was "
        r"fitted on 'u', 'v'. Take them by name: frame\[\['u', 'v'\]\]$"
    )
    with pytest.raises(ValueError, match=message):
        check_sequences([U_V[["v", "u"]]] * 2, **FITTED, estimator="Scaler")
    with pytest.raises(ValueError, match="\nX_val has the columns 'v', 'u'; Scaler was fitted on"):
        check_sequences(
            U_V[["v", "u"]], **FITTED | {"two_d": True}, estimator="Scaler", name="X_val"
        )


def test_other_columns_than_in_fit():
    message = (
        "passed during fit.\nFeature names unseen at fit time:\n- w\nFeature names seen at fit "
        "time, yet now missing:\n- u\n- v\nX: sample 1 has the columns 'w'"
    )
    with pytest.raises(ValueError, match=message):
        check_sequences([U_V, U_V[["u"]].set_axis(["w"], axis=1)], **FITTED)


def test_names_on_one_side_alone_are_a_warning():
    named, plain = [U_V, U_V.copy()], [U_V.to_numpy(), U_V.to_numpy()]
    with pytest.warns(UserWarning, match="^X has feature names, but Tagger was fitted without "
                      "feature names$") as caught:  # fmt: skip
        check_sequences(named, **FITTED | {"feature_names": None}, estimator="Tagger")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="^X does not have valid feature names, but Tagger was "
                      "fitted with feature names$") as caught:  # fmt: skip
        check_sequences(plain, **FITTED, estimator="Tagger")
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_sequences(named, **FITTED)
        check_sequences(plain, n_features=2)
        check_sequences(np.ones((3, 5, 2)), n_features=2)


def test_an_error_about_shapes_comes_before_one_about_names():
    with pytest.raises(ValueError, match="X is 2-D"):
        check_sequences(U_V, **FITTED | {"feature_names": ("w", "x")})
    with pytest.raises(ValueError, match="fitted on a 2-D X"):
        check_sequences([U_V], n_features=2, two_d=True, feature_names=("w", "x"))


def test_an_error_lists_no_more_names_than_a_reader_can_compare():
    names = [f"a rather long name of a sensor, number {i}" * (1 + 9 * (i == 3)) for i in range(500)]
    frame = pd.DataFrame(np.ones((2, 500)), columns=names)
    expected = {"n_features": 500, "two_d": False, "feature_names": tuple(names)}
    for X, options in (
        ([frame, frame[names[::-1]]], {}),
        ([frame[names[::-1]]], expected),
        ([frame.set_axis(range(500), axis=1).astype(float).rename(columns=str)], expected),
        ([frame, frame.to_numpy()], {}),
        ([frame.set_axis(range(500), axis=1), frame.set_axis(range(499, -1, -1), axis=1)], {}),
    ):
        with pytest.raises(ValueError, match=r"number|499|sensor") as caught:
            check_sequences(X, **options)
        assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("kind", ["Table", "RecordBatch"])
def test_the_index_of_pandas_in_a_table_of_arrow_is_no_feature(kind):
    frame = pd.DataFrame({"u": [1.0, 2, 3], "v": [4.0, 5, 6]}, index=[9, 7, 8])[1:]
    table = getattr(pa, kind).from_pandas(frame)
    assert "__index_level_0__" in table.schema.names
    values, labels = read_frame(table, "X")
    assert labels == ("u", "v")
    assert values.tolist() == [[2, 5], [3, 6]]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
@pytest.mark.parametrize("column", ["text", "dates"])
def test_a_long_table_in_the_place_of_sequences_names_from_table(make, column):
    other = {"text": ["a", "a", "b"], "dates": np.array(["2026-01-01"] * 3, "M8[ms]")}
    table = make({"run": other[column], "ax": [1.5, 2.5, 3.5]})
    for taker in (RNNClassifier(), RNNTagger(), RNNRegressor()):
        with pytest.raises(TypeError, match=r"column 'run' .*elman\.data\.from_table makes"):
            taker.fit(table, [0, 1])
        if column == "text":
            with pytest.raises(
                TypeError, match=r"a column of it by itself, such as frame\['text'\]"
            ):
                taker.fit(table, [0, 1])
    with pytest.raises(TypeError, match=r"column 'run' .*elman\.data\.from_table makes"):
        SequenceScaler().fit(table)
