"""One column of any kind to an array that says what is missing in one way."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pytest

from elman.data.tables.plain import as_numbers, holds_lists, is_text, missing_values, plain_column

UTC_2 = dt.timezone(dt.timedelta(hours=2))


@pytest.mark.parametrize("gone", [None, float("nan"), np.nan, pd.NA, pd.NaT, np.datetime64("NaT")])
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["a", "b"], object),
        ([True, False], object),
        ([3, 5], np.float64),
        ([3.5, 5.0], np.float64),
        ([decimal.Decimal("0.1"), decimal.Decimal(3)], np.float64),
        ([dt.datetime(2024, 3, 1), dt.datetime(2024, 3, 2)], "datetime64[ns]"),
        ([dt.date(2024, 3, 1), dt.date(2024, 3, 2)], "datetime64[ns]"),
        ([dt.timedelta(seconds=1), dt.timedelta(2)], np.float64),
        ([[1.0, 2.0], [3.0]], object),
    ],
)
def test_every_way_to_be_missing_is_one(values, dtype, gone):
    found = plain_column([values[0], gone, values[1]])
    assert found.dtype == dtype
    assert missing_values(found).tolist() == [False, True, False]
    for value, seen in zip(plain_column(values), (found[0], found[2]), strict=True):
        assert np.array_equal(value, seen)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2**62], np.int64),
        ([1, 2**63], np.uint64),
        ([1, 2**64], object),
        ([2**53, None], np.float64),
        ([2**53 + 1, None], object),
        ([-(2**53) - 1, None], object),
        ([True, False], bool),
        ([True, 2], np.int64),
        ([True, 2.5], np.float64),
        ([None, None], np.float64),
        ([np.float32(1), np.int8(2)], np.float64),
        ([1, "a"], object),
        ([1 + 2j], object),
        ([], np.float64),
    ],
)
def test_values_of_a_list_keep_what_they_are(values, dtype):
    found = plain_column(values)
    assert found.dtype == dtype
    there = [value for value in values if value is not None]
    assert found[~missing_values(found)].tolist() == there


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array([1, 2], ">i2"), "i2"),
        (np.array([1, 2], np.uint8), np.uint8),
        (np.array([1, 2], np.float16), np.float32),
        (np.array([1, 2], ">f8"), np.float64),
        (np.array([1, 2], np.longdouble), np.float64),
        (np.array(["a", "bc"]), object),
        (np.array([1, 2], "datetime64[D]"), "datetime64[ns]"),
        (np.array([1, 2], "timedelta64[h]"), np.float64),
    ],
)
def test_arrays_of_every_type(array, dtype):
    found = plain_column(array)
    assert found.dtype == dtype
    assert found.dtype.isnative
    if array.dtype.kind != "m":
        assert found.tolist() == array.astype(found.dtype).tolist()
    else:
        assert found.tolist() == [3600.0, 7200.0]


def test_times_with_a_zone_are_in_utc_to_the_nanosecond():
    moment = pd.Timestamp("2024-03-01 12:00:00.000000001", tz="Europe/Berlin")
    found = plain_column([moment, dt.datetime(2024, 3, 1, 12, tzinfo=UTC_2)])
    assert (
        found.tolist()
        == np.array(
            ["2024-03-01T11:00:00.000000001", "2024-03-01T10:00:00"], "datetime64[ns]"
        ).tolist()
    )


def test_times_of_which_some_have_a_zone_are_left_alone():
    assert (
        plain_column([dt.datetime(2024, 3, 1), dt.datetime(2024, 3, 1, tzinfo=UTC_2)]).dtype
        == object
    )


@pytest.mark.parametrize(
    "values",
    [
        np.array(["1677-01-01", "2000-01-01"], "datetime64[D]"),
        [dt.date(2000, 1, 1), dt.date(9999, 12, 31)],
        [dt.datetime(1, 1, 1)],
        np.array(["NaT", "2263-01-01"], "datetime64[s]"),
    ],
)
def test_dates_that_nanoseconds_do_not_reach_never_wrap_around(values):
    with pytest.raises(ValueError, match="outside the years 1678 to 2261"):
        plain_column(values)


def test_durations_that_nanoseconds_do_not_reach_never_wrap_around():
    with pytest.raises(ValueError, match="292 years"):
        plain_column(np.array([300], "timedelta64[Y]"))


def test_what_a_column_is():
    text, flags = plain_column(["a", None]), plain_column([True, None, False])
    lists = plain_column([[1], None, (2.5, 3)])
    assert [is_text(c) for c in (text, flags, lists)] == [True, False, False]
    assert [holds_lists(c) for c in (text, flags, lists)] == [False, False, True]
    assert np.array_equal(as_numbers(flags), [1, np.nan, 0], equal_nan=True)
    assert as_numbers(text) is None
    assert as_numbers(plain_column([10**400])) is None
    assert lists[2].tolist() == [2.5, 3.0]


DIFFERENT = {
    "a float beside": [2**53, 2**53 + 1, 0.5],
    "missing beside": [2**53, 2**53 + 1, None],
    "decimals": [decimal.Decimal(2**53), decimal.Decimal(2**53 + 1)],
    "fractions of decimals": [
        decimal.Decimal("0.1"),
        decimal.Decimal("0.1") + decimal.Decimal("1e-27"),
    ],
    "negative": [-(2**53), -(2**53) - 1, 0.5],
}


@pytest.mark.parametrize("values", DIFFERENT.values(), ids=DIFFERENT)
def test_two_different_numbers_never_become_one(values):
    column = plain_column(values)
    assert column.tolist() == values
    assert as_numbers(column) is not None


def test_whole_decimals_are_integers():
    column = plain_column([decimal.Decimal("7"), decimal.Decimal("12.00")])
    assert column.dtype == np.int64
    assert column.tolist() == [7, 12]
