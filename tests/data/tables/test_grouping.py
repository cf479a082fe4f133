"""Rows of a long table to sequences: against a dictionary of lists, for every order of rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.tables.frames import split_rows
from elman.data.tables.grouping import Groups, differences, first_rows, grouped, repeated_time
from elman.data.tables.plain import object_array, plain_column

KINDS = {
    "text": lambda k: f"run {k}",
    "integers": lambda k: 10 - k,
    "floats": lambda k: k / 8 - 0.25,
    "booleans": lambda k: k % 2 == 0,
    "dates": lambda k: np.datetime64("2024-03-01", "ns") + k,
    "objects": lambda k: (k, "x"),
}


def column(values):
    return object_array(values) if isinstance(values[0], tuple) else plain_column(values)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 50)), min_size=1, max_size=25),
    st.sampled_from(sorted(KINDS)),
    st.sampled_from([np.int16, np.uint64, np.float32, "M8[ns]"]),
)
def test_sequences_are_those_of_a_dictionary(rows, kind, time_type):
    ids = [KINDS[kind](k) for k, _ in rows]
    times = np.array([t for _, t in rows]).astype(time_type)
    expected: dict[object, list[int]] = {}
    for row, one in enumerate(ids):
        expected.setdefault(one, []).append(row)
    codes, firsts = first_rows([column(ids)])
    assert firsts.tolist() == [mine[0] for mine in expected.values()]

    plain = grouped(codes, len(firsts), None)
    assert [part.tolist() for part in plain.split(plain.steps(np.arange(len(rows))))] == list(
        expected.values()
    )
    timed = grouped(codes, len(firsts), times)
    by_time = [sorted(mine, key=lambda row: times[row]) for mine in expected.values()]
    assert [part.tolist() for part in timed.split(timed.steps(np.arange(len(rows))))] == by_time
    twice = [
        (a, b) for mine in by_time for a, b in itertools.pairwise(mine) if times[a] == times[b]
    ]
    found = repeated_time(timed, times)
    assert found == (min(twice, key=lambda pair: pair[1]) if twice else None)
    for part, mine in zip(timed.split(differences(timed, times)), by_time, strict=True):
        numbers = times[mine].astype(np.int64)
        scale = 1e9 if times.dtype.kind == "M" else 1
        assert part.tolist() == (np.diff(numbers, prepend=numbers[0]) / scale).tolist()


def test_several_columns_make_one_id():
    numbers, letters = plain_column([1, 2, 1, 2, 1]), plain_column(["b", "a", "b", "b", "a"])
    codes, firsts = first_rows([numbers, letters])
    assert codes.tolist() == [0, 1, 0, 2, 3]
    assert firsts.tolist() == [0, 1, 3, 4]


def test_rows_in_order_are_not_copied():
    values = np.arange(5.0)
    groups = grouped(np.array([0, 0, 1, 1, 1]), 2, np.array([1, 2, 1, 5, 9]))
    assert groups.order is None
    assert all(np.shares_memory(part, values) for part in groups.split(groups.steps(values)))


@pytest.mark.parametrize("times", [[-(2**63), 2**63 - 1], np.array([0, 2**64 - 1], np.uint64)])
def test_the_largest_difference_does_not_wrap_around(times):
    groups = Groups(None, np.array([0, 2]))
    assert differences(groups, np.asarray(times)).tolist() == [0, 2.0**64]


def test_sequences_without_steps_are_skipped():
    groups = Groups(None, np.array([0, 0, 2, 2, 3, 3]))
    assert repeated_time(groups, np.array([4, 4, 4])) == (0, 1)
    assert repeated_time(groups, np.array([4, 5, 5])) is None
    assert differences(groups, np.array([4, 6, 9])).tolist() == [0, 2, 0]
    assert groups.sequence_of([0, 1, 2]).tolist() == [1, 1, 3]


def test_lengths_of_lists_sum_beyond_32_bits():
    class Counted:  # stands for 2^31 values and more
        def __getitem__(self, part):
            return part.start, part.stop

    rows = split_rows(Counted(), np.array([2**30] * 3, np.int32), np.array([False, True, False]))
    assert rows.tolist() == [(0, 2**30), None, (2**31, 3 * 2**30)]
