"""Synthetic tasks: labels against definitions written another way, balance, shapes, seeds."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from elman.data import (
    make_adding_problem,
    make_noisy_sinusoids,
    make_parity,
    make_temporal_xor,
    make_tomita,
)
from elman.data.tomita import TOMITA, _chances, accepts

MAKERS = {
    "adding": make_adding_problem,
    "xor": make_temporal_xor,
    "parity": make_parity,
    "sinusoids": make_noisy_sinusoids,
    "tomita": lambda *args, **options: make_tomita(4, *args, **options),
}
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@every_maker
def test_shapes_and_types(make):
    X, y = make(37, min_length=5, max_length=9, random_state=0)
    assert isinstance(X, list)
    assert len(X) == len(y) == 37
    n_features = X[0].shape[1]
    assert {x.shape[1] for x in X} == {n_features}
    assert {x.dtype for x in X} == {np.dtype(np.float32)}
    assert {len(x) for x in X} == {5, 6, 7, 8, 9}
    X, y = make(3, min_length=5, max_length=5, random_state=0)
    assert X.shape == (3, 5, n_features)
    assert X.dtype == np.float32
    assert y.shape == (3,)
    assert isinstance(make(1, min_length=4, max_length=5, random_state=0)[0], list)


@every_maker
def test_seeds(make):
    options = {"min_length": 4, "max_length": 6}
    first, y_first = make(7, random_state=11, **options)
    again, y_again = make(7, random_state=np.random.default_rng(11), **options)
    other, _ = make(7, random_state=12, **options)
    assert [x.tobytes() for x in first] == [x.tobytes() for x in again]
    np.testing.assert_array_equal(y_first, y_again)
    assert [x.tobytes() for x in first] != [x.tobytes() for x in other]


@every_maker
def test_global_random_state_is_left_alone(make):
    np.random.seed(5)  # noqa: NPY002, the state under test
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    make(3, random_state=None)
    assert np.random.random() == expected  # noqa: NPY002


@every_maker
def test_sizes_that_no_task_can_have(make):
    with pytest.raises(ValueError, match="n_samples=0"):
        make(0)
    with pytest.raises(ValueError, match="min_length=7, max_length=5"):
        make(3, min_length=7, max_length=5)
    with pytest.raises(ValueError, match="min_length=0"):
        make(3, min_length=0, max_length=5)


@pytest.mark.parametrize("name", ["xor", "parity", "sinusoids", "tomita"])
@pytest.mark.parametrize("n_samples", [7, 60])
def test_classes_are_balanced(name, n_samples):
    _, y = MAKERS[name](n_samples, min_length=4, max_length=9, random_state=2)
    counts = np.unique(y, return_counts=True)[1]
    assert counts.max() - counts.min() <= 1
    assert (np.diff(y) != 0).any()


@pytest.mark.parametrize(("low", "high"), [(2, 2), (2, 3), (3, 8), (5, 5)])
def test_adding_problem(low, high):
    X, y = make_adding_problem(200, min_length=low, max_length=high, random_state=1)
    for x, target in zip(X, y, strict=True):
        marked = [t for t in range(len(x)) if x[t, 1] == 1]
        assert len(marked) == 2
        assert marked[0] < len(x) // 2 <= marked[1]
        assert set(x[:, 1]) <= {0, 1}
        assert target == x[marked[0], 0] + x[marked[1], 0]
        assert (x[:, 0] >= 0).all()
        assert (x[:, 0] < 1).all()
    assert y.dtype == np.float32
    assert 0.3 < np.mean(y > 1) < 0.7


@pytest.mark.parametrize(("low", "high"), [(2, 2), (2, 3), (4, 9)])
def test_temporal_xor(low, high):
    X, y = make_temporal_xor(200, min_length=low, max_length=high, random_state=1)
    pairs = set()
    for x, label in zip(X, y, strict=True):
        marked = [int(value) for value, mark in x if mark == 1]
        assert len(marked) == 2
        assert set(x.ravel()) <= {0, 1}
        assert label == (marked[0] != marked[1])
        pairs.add(tuple(marked))
    assert pairs == {(0, 0), (0, 1), (1, 0), (1, 1)}


@pytest.mark.parametrize(("low", "high"), [(1, 1), (1, 4), (7, 12)])
def test_parity(low, high):
    X, y = make_parity(200, min_length=low, max_length=high, random_state=1)
    for x, label in zip(X, y, strict=True):
        assert set(x.ravel()) <= {0, 1}
        assert label == "".join(str(int(bit)) for bit in x[:, 0]).count("1") % 2


def test_parity_draws_every_string():
    X, _ = make_parity(400, min_length=4, max_length=4, random_state=1)
    assert len({x.tobytes() for x in X}) == 2**4


@pytest.mark.parametrize("n_features", [1, 2])
def test_sinusoids_without_noise_have_the_frequency_of_their_class(n_features):
    n_classes = 5
    X, y = make_noisy_sinusoids(
        41,
        n_classes=n_classes,
        n_features=n_features,
        min_length=30,
        max_length=47,
        noise=0,
        random_state=3,
    )
    for x, label in zip(X, y, strict=True):
        assert x.shape[1] == n_features
        t = np.arange(len(x))
        left = []
        for k in range(n_classes):
            angle = 2 * np.pi * t * (k + 1) / (2 * (n_classes + 1))
            basis = np.stack([np.sin(angle), np.cos(angle)], axis=1)
            coefficients = np.linalg.lstsq(basis, x, rcond=None)[0]
            left.append(np.abs(basis @ coefficients - x).max())
            if k == label:
                np.testing.assert_allclose(np.hypot(*coefficients), 1, rtol=1e-5)
        assert np.argmin(left) == label
        assert left[label] < 1e-5
        assert sorted(left)[1] > 0.1


def test_noise_has_the_deviation_asked_for():
    quiet, _ = make_noisy_sinusoids(99, noise=0, min_length=50, max_length=50, random_state=1)
    noisy, _ = make_noisy_sinusoids(99, noise=0.7, min_length=50, max_length=50, random_state=1)
    np.testing.assert_allclose(np.std(noisy - quiet), 0.7, rtol=0.03)


@pytest.mark.parametrize(
    "options", [{"n_classes": 0}, {"n_features": 0}, {"noise": -0.1}, {"noise": np.nan}], ids=str
)
def test_sinusoids_that_cannot_be(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"{name}="):
        make_noisy_sinusoids(3, **options)


# Tomita grammars, each by a definition that is not an automaton


def odd_ones_then_odd_zeros(text):
    runs = [(bit, len(list(run))) for bit, run in itertools.groupby(text)]
    odd = [bit for bit, length in runs if length % 2]
    return "0" in odd[odd.index("1") :] if "1" in odd else False


DEFINITIONS = {
    1: lambda text: set(text) <= {"1"},
    2: lambda text: text == "10" * (len(text) // 2),
    3: lambda text: not odd_ones_then_odd_zeros(text),
    4: lambda text: "000" not in text,
    5: lambda text: text.count("0") % 2 == text.count("1") % 2 == 0,
    6: lambda text: (text.count("0") - text.count("1")) % 3 == 0,
    7: lambda text: re.fullmatch("0*1*0*1*", text) is not None,
}
every_grammar = pytest.mark.parametrize("grammar", DEFINITIONS)


def as_text(x):
    return "".join(str(int(bit)) for bit in x[:, 0])


@every_grammar
def test_automata_agree_with_definitions_on_every_short_string(grammar):
    for length in range(11):
        texts = ["".join(bits) for bits in itertools.product("01", repeat=length)]
        bits = np.array([list(map(int, text)) for text in texts], dtype=np.int64)
        found = accepts(
            TOMITA[grammar], bits.reshape(len(texts), length), np.full(len(texts), length)
        )
        assert found.tolist() == [DEFINITIONS[grammar](text) for text in texts]


@pytest.mark.parametrize(
    ("grammar", "inside", "outside"),
    [
        (3, "1 0 01 11 00 100 110 111 000 100100 110000011100001", "10 101 010 1010 1110 10001"),
        (3, "111101100010011100", "111010 1001000 11111000 0111001101 11011100110"),
        (7, "1 0 10 01 11111 000 00110011 0101 0000100001111", "1010 00110011000 0101010101"),
    ],
)
def test_known_strings(grammar, inside, outside):
    for texts, expected in ((inside, True), (outside, False)):
        for text in texts.split():
            bits = np.array([[int(bit) for bit in text]])
            assert accepts(TOMITA[grammar], bits, np.array([len(text)])) == [expected]


@every_grammar
@pytest.mark.parametrize(("low", "high"), [(1, 15), (16, 50)])
def test_labels_are_true(grammar, low, high):
    X, y = make_tomita(grammar, 151, min_length=low, max_length=high, random_state=4)
    assert 75 <= y.sum() <= 76
    for x, label in zip(X, y, strict=True):
        assert low <= len(x) <= high
        assert set(x.ravel()) <= {0, 1}
        assert DEFINITIONS[grammar](as_text(x)) == label


@every_grammar
def test_every_string_of_the_language_is_drawn_alike(grammar):
    length = 6
    X, y = make_tomita(grammar, 4000, min_length=length, max_length=length, random_state=5)
    inside = {
        text
        for text in map("".join, itertools.product("01", repeat=length))
        if DEFINITIONS[grammar](text)
    }
    texts, counts = np.unique([as_text(x) for x in X[y == 1]], return_counts=True)
    assert set(texts) == inside
    expected = 2000 / len(inside)
    assert (np.abs(counts - expected) <= 6 * np.sqrt(expected)).all()
    assert len({as_text(x) for x in X[y == 0]}) == 2**length - len(inside)


@every_grammar
def test_length_does_not_give_the_label_away(grammar):
    X, y = make_tomita(grammar, 400, min_length=1, max_length=6, random_state=6)
    lengths = np.array([len(x) for x in X])
    for length in np.unique(lengths):
        assert set(y[lengths == length]) == {0, 1}


def test_long_strings_of_a_sparse_language():
    X, y = make_tomita(1, 7, min_length=3000, max_length=3000, random_state=0)
    assert X[y == 1].all()
    assert np.isfinite(_chances(TOMITA[7].next_state, TOMITA[7].accepting, 3000)).all()


def test_grammars_that_are_not():
    for grammar in (0, 8, "1"):
        with pytest.raises(ValueError, match="choose one of 1, 2"):
            make_tomita(grammar)
    with pytest.raises(ValueError, match="widen the range"):
        make_tomita(2, min_length=3, max_length=3)
