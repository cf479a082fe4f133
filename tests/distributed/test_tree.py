"""Branches of the fixed tree add up to the bits of the whole tree, whoever has which of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.distributed.tree import Branch, added, branches_of, shares
from elman.nn.groups import add_in_tree


def leaves(n_groups, seed=0):
    """Numbers of many sizes, whose sum depends on the order."""
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=3) * 10.0 ** rng.integers(-4, 5)).astype(np.float32)
        for _ in range(n_groups)
    ]


@given(st.data())
def test_any_cut_into_shares_adds_up_to_the_bits_of_the_tree(data):
    n_groups = data.draw(st.integers(1, 70))
    cuts = data.draw(st.sets(st.integers(0, n_groups)))
    borders = sorted({0, n_groups, *cuts})
    values = leaves(n_groups, data.draw(st.integers(0, 5)))
    sums = {}
    for start, stop in pairwise(borders):
        for branch in branches_of(start, stop, n_groups):
            first, last = branch.groups(n_groups)
            assert start <= first < last <= stop
            sums[branch] = add_in_tree(values[first:last])
    assert added(sums, n_groups).tobytes() == add_in_tree(values).tobytes()


def test_the_order_of_sums_shows_in_the_bits():
    """So the test above can fail."""
    values = leaves(13)
    one_after_another = values[0].copy()
    for value in values[1:]:
        one_after_another = one_after_another + value
    assert one_after_another.tobytes() != add_in_tree(values).tobytes()


def test_branches_are_as_few_as_there_can_be():
    assert branches_of(0, 16, 16) == [Branch(4, 0)]
    assert branches_of(5, 11, 16) == [Branch(0, 5), Branch(1, 3), Branch(1, 4), Branch(0, 10)]
    assert branches_of(4, 5, 5) == [Branch(2, 1)]  # without a neighbour it goes up as it is
    assert branches_of(3, 3, 5) == []
    assert branches_of(0, 1, 1) == [Branch(0, 0)]


def test_a_missing_group_is_named():
    sums = {branch: np.zeros(2) for branch in branches_of(0, 4, 6)}
    with pytest.raises(ValueError, match="group 4 of 6 is missing"):
        added(sums, 6)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=24), st.integers(1, 9))
def test_shares_are_consecutive_and_their_largest_is_smallest(works, n_shares):
    found = shares(np.array(works, np.float64), n_shares)
    assert len(found) <= n_shares
    assert found[0][0] == 0
    assert found[-1][1] == len(works)
    assert all(a[1] == b[0] and a[0] < a[1] for a, b in pairwise(found))

    def fits(largest):
        n, work = 1, 0
        for more in works:
            if work + more > largest:
                n, work = n + 1, 0
            work += more
        return n <= n_shares

    best = next(w for w in range(max(works), sum(works) + 1) if fits(w))
    largest = max(sum(works[start:stop]) for start, stop in found)
    assert largest == best


def test_no_group_no_share():
    assert shares(np.zeros(0), 3) == []
