"""Folds hold every sample once, keep groups together, and say so where there are fewer of them."""

from __future__ import annotations

import numpy as np
import pytest

from elman.tuning.candidates import estimate
from elman.tuning.folds import make_folds, sizes


def check_whole(folds, n):
    for repeat in folds.repeats:
        assert sorted(np.concatenate([fold.test for fold in repeat])) == [*range(n)]
        for fold in repeat:
            assert sorted([*fold.train, *fold.test]) == [*range(n)]


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
def test_every_repeat_holds_every_sample_once(stratified, grouped):
    strata = np.array(["a", "b", "b"])[np.arange(30) % 3] if stratified else None
    groups = [f"p{i // 3}" for i in range(30)] if grouped else None
    folds = make_folds(5, 30, strata, groups, n_repeats=3, seed=1)
    check_whole(folds, 30)
    assert [len(repeat) for repeat in folds.repeats] == [5, 5, 5]
    assert len({str([fold.test for fold in repeat]) for repeat in folds.repeats}) == 3
    again = make_folds(5, 30, strata, groups, n_repeats=3, seed=1)
    assert str(again) == str(folds)
    for fold in folds.all:
        if grouped:
            assert not {groups[i] for i in fold.train} & {groups[i] for i in fold.test}
        if stratified and not grouped:
            assert (strata[fold.test] == "a").sum() == 2
    assert sizes(folds.all) == (24, 6)


@pytest.mark.parametrize(
    ("n", "strata", "groups", "n_folds", "words"),
    [
        (20, np.repeat(["a", "b"], [17, 3]), None, 3, "class 'b' has 3 sample(s)"),
        (20, np.repeat(["a", "b"], [19, 1]), None, 2, "class 'b' has 1 sample(s)"),
        (20, np.repeat(np.array([*"ab"], object), [17, 3]), None, 3, "class 'b' has 3 sample(s)"),
        (7, None, None, 3, "there are too few samples"),
        (20, None, ["x", "y", "z", "x"] * 5, 3, "there are 3 groups"),
        (20, np.repeat([1, 2], 10), ["x", "y"] * 10, 2, "there are 2 groups"),
        (8, np.repeat([1, 2, 3], [3, 3, 2]), [*"abcdefgh"], 3, "no class has more than 3 samples"),
    ],
)
def test_fewer_folds_are_said(n, strata, groups, n_folds, words):
    folds = make_folds(5, n, strata, groups, n_repeats=2, seed=0)
    check_whole(folds, n)
    assert len(folds.repeats[0]) == n_folds
    assert folds.said.endswith(f"(not 5: {words})")


def test_what_cannot_be_cut():
    with pytest.raises(ValueError, match=r"there is 1 of group\(s\)"):
        make_folds(5, 20, None, ["x"] * 20, n_repeats=1, seed=0)
    with pytest.raises(ValueError, match="every sample needs a group"):
        make_folds(5, 4, None, ["x", None, "y", "x"], n_repeats=1, seed=0)
    with pytest.raises(TypeError, match=r"different types \(int, str\)"):
        make_folds(2, 4, None, ["x", 1, "y", 2], n_repeats=1, seed=0)
    with pytest.raises(ValueError, match=r"1 fold\(s\); pass at least 2"):
        make_folds([([0], [1])], 4, None, None, n_repeats=1, seed=0)
    with pytest.raises(ValueError, match="each of the 4 classes has a single sample"):
        make_folds(5, 4, np.array([*"abcd"]), None, n_repeats=1, seed=0)
    with pytest.raises(TypeError, match="a number of folds, a splitter"):
        make_folds(True, 4, None, None, n_repeats=1, seed=0)


def test_no_fold_of_groups_is_empty():
    """Of these, a fold that balances the classes has no group at all."""
    rng = np.random.default_rng(189)
    n = rng.integers(6, 25)
    groups, strata = rng.integers(0, rng.integers(2, 7), n), rng.integers(0, 3, n)
    folds = make_folds(5, n, strata, groups, n_repeats=3, seed=189)
    check_whole(folds, n)
    assert min(len(fold.test) for fold in folds.all) > 0
    for fold in folds.all:
        assert not {*groups[fold.train]} & {*groups[fold.test]}


def test_a_class_of_one_group_is_told():
    strata, groups = np.array([*"aabbbbcc"]), [1, 1, 1, 2, 3, 4, 2, 3]
    folds = make_folds(2, 8, strata, groups, n_repeats=1, seed=0)
    assert "(of 1 of 3 classes, 'a', there is a single group:" in folds.said
    assert "single group" not in make_folds(2, 8, strata, None, n_repeats=1, seed=0).said


def test_masks_are_not_taken_for_numbers():
    mask = np.array([True, False, True, True, False])
    folds = make_folds([(mask, ~mask), (~mask, mask)], 5, None, None, n_repeats=1, seed=0)
    assert [rows.tolist() for rows in folds.all[0]] == [[0, 2, 3], [1, 4]]


@pytest.mark.parametrize(
    ("fold", "words"),
    [
        (([0, 1, 2], [2, 3]), "sample 2, are in both parts of fold 1"),
        (([0, 1], [2.5, 3]), "fold 1 has values of type float64"),
        (([True, False], [False, True]), "fold 1 has values of type bool"),
        (([0, 1],), "must be a pair"),
        (([0, 1], [-1]), "the test part of fold 1 must hold"),
        (([0, 1], []), "the test part of fold 1 must hold"),
    ],
)
def test_splits_that_would_mislead(fold, words):
    with pytest.raises(ValueError, match=words):
        make_folds([([0, 1], [2, 3]), fold], 4, None, None, n_repeats=1, seed=0)


def test_standard_errors_are_corrected():
    """By hand: scores 1, 2, 3 have a variance of 1, and 20 samples train for 10 that are scored."""
    mean, error, n = estimate([1.0, 2.0, 3.0], 20, 10)
    assert (mean, n) == (2, 3)
    assert error == pytest.approx(np.sqrt(1 / 3 + 1 / 2))
    assert np.isnan(estimate([4.0], 20, 10).error)
    assert np.isnan(estimate([], 20, 10).mean)
