"""What y says of samples or time steps, and the numbers of steps, end to end."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from elman.targets.step_values import are_of_steps, check_step_values

EQUAL, RAGGED = np.full(3, 4), np.array([4, 0, 2])
TABLE = np.arange(12.0).reshape(3, 4)


class Tensor:
    """An array of another library: it has a shape, and becomes an array."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def __array__(self, dtype=None, copy=None):
        return self.array


OF_SAMPLES = {
    "numbers": [1.0, 2, 3],
    "an array": np.arange(3),
    "a Series": pd.Series([1.0, 2, 3]),
    "a polars Series": pl.Series([1.0, 2, 3]),
    "objects": np.array([1, None, 2], dtype=object),
    "a table": TABLE[:, :2],
    "lists": TABLE[:, :3].tolist(),
    "other arrays": [*TABLE[:, :3]],
    "a sum of numbers and lists": [1.0, [2.0], 3.0],
    "nothing": None,
    "a text": "abc",
    "4-D": TABLE.reshape(3, 2, 2, 1),
}
MAY_BE_EITHER = {
    "arrays": [*TABLE],
    "tuples of arrays": tuple(TABLE),
    "Series": [pd.Series(row) for row in TABLE],
    "a Series of arrays": pd.Series([*TABLE]),
    "polars Series": [pl.Series(row) for row in TABLE],
    "tensors": [Tensor(row) for row in TABLE],
}
OF_STEPS = {
    "a missing target": [*TABLE[:2], np.where(np.arange(4) == 1, np.nan, TABLE[2])],
    "a missing target, nullable": [*TABLE[:2], pd.Series([1, pd.NA, 3, 4], dtype="Int64")],
    "a 3-D tensor": Tensor(TABLE[:, :, np.newaxis]),
    "frames": [pd.DataFrame({"a": row, "b": row}) for row in TABLE],
    "nested lists": TABLE[:, :, np.newaxis].tolist(),
    "lists of unequal lengths": [[1.0], [2.0, 3], [4.0]],
}


@pytest.mark.parametrize("name", [*OF_SAMPLES, *OF_STEPS])
def test_what_y_says(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert are_of_steps((OF_SAMPLES | OF_STEPS)[name], EQUAL) == (name in OF_STEPS)


@pytest.mark.parametrize("name", MAY_BE_EITHER)
def test_arrays_as_long_as_every_sample_are_of_steps_with_a_warning(name):
    y = MAY_BE_EITHER[name]
    with pytest.warns(UserWarning, match=r"array of 4 numbers.*'every' says so.*np\.stack\(y\)"):
        assert are_of_steps(y, EQUAL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not are_of_steps(y, EQUAL, readout_chosen=True)
        assert not are_of_steps(y, EQUAL + 1)
        assert are_of_steps([*TABLE[:1]], EQUAL[:1])  # one sample: nothing else could be learned
        assert are_of_steps([*TABLE[:, :1]], EQUAL - 3)  # one target is one target


@pytest.mark.parametrize("table", [TABLE, pd.DataFrame(TABLE), pl.DataFrame(TABLE), Tensor(TABLE)])
def test_a_table_as_wide_as_samples_are_long_is_of_samples_with_a_warning(table):
    with pytest.warns(UserWarning, match="y has 4 columns"):
        assert not are_of_steps(table, EQUAL)
    assert not are_of_steps(table, EQUAL, readout_chosen=True)
    assert not are_of_steps(table, RAGGED)


@pytest.mark.parametrize("name", [n for n in MAY_BE_EITHER | OF_STEPS if "missing" not in n])
def test_numbers_of_steps_end_to_end(name):
    lengths = np.array([1, 2, 1]) if "unequal" in name else EQUAL
    values, one_target = check_step_values((MAY_BE_EITHER | OF_STEPS)[name], lengths)
    expected = {"lists of unequal lengths": [[1], [2], [3], [4]], "frames": None}.get(
        name, TABLE.reshape(-1, 1).tolist()
    )
    expected = np.repeat(TABLE.reshape(-1, 1), 2, axis=1).tolist() if expected is None else expected
    assert values.dtype == np.float64
    assert values.tolist() == expected
    assert one_target == (name not in ("a 3-D tensor", "frames", "nested lists"))


def test_a_sample_without_steps_says_nothing_of_the_number_of_targets():
    rows = [TABLE[:, :2].repeat(2, axis=0)[:4], [], TABLE[:2, :2]]
    values, one_target = check_step_values(rows, RAGGED, n_targets=2)
    assert values.shape == (6, 2)
    assert not one_target


def test_what_was_passed_stays_as_it_was():
    rows = [row.copy() for row in TABLE]
    values, _ = check_step_values(rows, EQUAL)
    values[...] = np.nan
    assert np.array_equal(rows, TABLE)
