"""A list of sequences keeps the names of its columns where samples are chosen, and only there."""

from __future__ import annotations

import copy
import pickle
import random

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.utils import _safe_indexing

from elman import RNNClassifier
from elman.data.named import NamedSequences

NAMES = ("a", "b")


@pytest.fixture
def ragged(rng):
    return NamedSequences([rng.normal(size=(n, 2)) for n in (3, 5, 4, 7)], NAMES)


@pytest.fixture
def equal(rng):
    return NamedSequences(list(rng.normal(size=(5, 3, 2))), NAMES)


@pytest.mark.parametrize(
    ("key", "samples"),
    [
        (slice(1, 3), [1, 2]),
        ([3, 0], [3, 0]),
        (np.array([1, -1]), [1, 3]),
        (np.array([True, False, False, True]), [0, 3]),
        ([], []),
        (np.array([], np.int64), []),
        ((np.array([2, 2]), ...), [2, 2]),
    ],
)
def test_chosen_samples_keep_the_names(ragged, key, samples):
    chosen = ragged[key]
    assert chosen.feature_names == NAMES
    assert [id(x) for x in chosen] == [id(ragged[i]) for i in samples]


def test_one_sample_is_an_array(ragged):
    assert ragged[2].shape == (4, 2)
    assert ragged[np.int64(-1)].shape == (7, 2)
    with pytest.raises(IndexError):
        ragged[[4]]
    with pytest.raises(IndexError):
        ragged[np.array([True, False])]


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda X: X.copy(), lambda X: pickle.loads(pickle.dumps(X))]
)
def test_copies_keep_the_names(ragged, again):
    found = again(ragged)
    assert type(found) is NamedSequences
    assert found.feature_names == NAMES
    assert all(map(np.array_equal, found, ragged))


def test_lists_of_two_have_no_names(ragged):
    assert type(ragged + ragged) is list
    assert type(list(ragged)) is list


def test_an_array_of_equal_lengths_only(ragged, equal):
    assert equal.shape == np.asarray(equal).shape == (5, 3, 2)
    assert np.asarray(equal, np.float32).dtype == np.float32
    assert ragged.shape == (4,)
    with pytest.raises(ValueError, match="differ in length"):
        np.asarray(ragged)
    with pytest.raises(ValueError, match="always a copy"):
        np.array(equal, copy=False)
    assert NamedSequences([], NAMES).shape == (0,)
    assert np.asarray(NamedSequences([], NAMES)).shape == (0,)


@pytest.mark.parametrize("which", ["ragged", "equal"])
def test_scikit_learns_splits_keep_the_names(which, request):
    X = request.getfixturevalue(which)
    y = np.arange(len(X)) % 2
    train, test, *_ = train_test_split(X, y, test_size=2, random_state=0)
    assert train.feature_names == test.feature_names == NAMES
    assert _safe_indexing(X, [1, 0]).feature_names == NAMES
    assert _safe_indexing(X, y == 1).feature_names == NAMES
    classifier = RNNClassifier(hidden_size=3, max_iter=1, random_state=0)
    scores = cross_val_score(classifier, X, y, cv=2)
    assert scores.tolist() == cross_val_score(classifier, list(X), y, cv=2).tolist()


@pytest.mark.parametrize(
    "ids", [np.array([7, 2, 11, 3]), np.array(["b", "a", "d", "c"], object)], ids=["ints", "text"]
)
def test_ids_go_with_their_sequences(ragged, ids):
    X = NamedSequences(ragged, NAMES, ids)
    mask = np.array([True, False, False, True])
    for key in (slice(1, 3), slice(None, None, -1), [3, 0], mask, (np.array([2, 2]), ...), []):
        chosen = X[key]
        at = [next(i for i, x in enumerate(X) if x is one) for one in chosen]
        assert chosen.ids.tolist() == [ids[i] for i in at]
    train, test = train_test_split(X, test_size=1, random_state=0)
    assert sorted([*train.ids, *test.ids]) == sorted(ids.tolist())
    for again in (copy.copy(X), copy.deepcopy(X), X.copy(), pickle.loads(pickle.dumps(X))):
        assert again.ids.tolist() == ids.tolist()
    with pytest.raises(ValueError, match="3 ids for 4 sequences"):
        NamedSequences(ragged, NAMES, ids[:3])


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.__setitem__(0, X[1]),
        lambda X: X.__delitem__(0),
        lambda X: X.__iadd__([X[0]]),
        lambda X: X.__imul__(2),
        lambda X: X.append(X[0]),
        lambda X: X.extend([X[0]]),
        lambda X: X.insert(0, X[1]),
        lambda X: X.pop(),
        lambda X: X.clear(),
        lambda X: X.reverse(),
        lambda X: X.sort(key=len),
        random.Random(0).shuffle,
    ],
)
def test_a_list_that_was_changed_has_no_ids(ragged, change):
    X = NamedSequences(ragged, NAMES, np.arange(4))
    change(X)
    assert X.ids is None
    assert X.feature_names == NAMES


@pytest.mark.parametrize(
    "again",
    [
        lambda X: X[1:],
        lambda X: X[[2, 0]],
        lambda X: X.copy(),
        lambda X: pickle.loads(pickle.dumps(X)),
        copy.deepcopy,
    ],
)
def test_parts_and_copies_know_which_columns_are_categories(again):
    rows = [np.array([["up", 1.5]] * n, object) for n in (3, 5, 4)]
    X = NamedSequences(rows, NAMES, categorical=["a"])
    assert again(X).categorical == ("a",)
    assert again(X).feature_names == NAMES


def test_a_category_is_one_of_the_features(ragged):
    with pytest.raises(ValueError, match="'c' is none of the features"):
        NamedSequences(ragged, NAMES, categorical=["c"])
