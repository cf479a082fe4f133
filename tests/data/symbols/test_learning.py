"""Which tokens are categories, and what becomes of rare, unknown and missing ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import strip_accents_ascii, strip_accents_unicode
from sklearn.preprocessing import OneHotEncoder

from elman.data.symbols import Symbols

TOKENS = [["a", "b", "a", "c"], ["a", "b", "d"]]


def tokens_of(X, **options):
    return Symbols.learn(X, **options).vocabularies[0].tokens


@pytest.mark.parametrize("min_frequency", [None, 1, 2, 3, 0.2, 0.3, np.int64(2)])
@pytest.mark.parametrize("max_categories", [None, 2, 3, 5, np.int64(9)])
def test_rare_tokens_are_those_of_scikit_learns_encoder(min_frequency, max_categories, rng):
    """But for ties, of which theirs keeps the last one and ours the first."""
    tokens = [*"a" * 25, *"b" * 3, *"c" * 9, "d", *"e" * 13, *"f" * 2, *"g" * 7]
    rng.shuffle(tokens)
    options = {"min_frequency": min_frequency, "max_categories": max_categories}
    theirs = OneHotEncoder(**options, handle_unknown="ignore").fit(np.array(tokens)[:, None])
    infrequent = getattr(theirs, "infrequent_categories_", [None])[0]
    expected = set(tokens) - set([] if infrequent is None else infrequent.tolist())
    symbols = Symbols.learn([tokens], **options)
    (vocabulary,) = symbols.vocabularies
    assert set(vocabulary.tokens) == expected
    assert vocabulary.counts.tolist()[1:] == [tokens.count(t) for t in vocabulary.tokens]
    assert vocabulary.counts.sum() == len(tokens)
    assert vocabulary.counts[0] == sum(tokens.count(t) for t in set(tokens) - expected)
    assert vocabulary.unknown_share == vocabulary.counts[0] / len(tokens)
    assert symbols.n_categories == (len(expected) + 1,)
    known = {t: i for i, t in enumerate(vocabulary.tokens, 1)}
    assert symbols.encode([tokens])[0][:, 0].tolist() == [known.get(t, 0) for t in tokens]
    assert [vocabulary.id_of(t) for t in tokens] == [known.get(t, 0) for t in tokens]


def test_a_share_may_be_of_any_type_of_numpy():
    assert tokens_of(["aaab"], min_frequency=np.float32(0.3)) == ("a",)


def test_ties_are_in_the_order_of_code_points():
    assert tokens_of(["éZazé", "Zéa"]) == ("é", "Z", "a", "z")
    assert tokens_of([[3, -1, 10, 10]], categorical_features="all") == (10, -1, 3)


def test_categories_that_are_given():
    symbols = Symbols.learn(TOKENS, categories=[["d", "z", "a"]])
    (vocabulary,) = symbols.vocabularies
    assert (vocabulary.tokens, vocabulary.counts.tolist()) == (("d", "z", "a"), [3, 1, 0, 3])
    assert vocabulary.most_frequent(2) == [("a", 3), ("d", 1)]
    assert tokens_of(TOKENS, categories=["d", "z", "a"], min_frequency=1) == ("d", "a")
    assert tokens_of(TOKENS, categories=["d", "z", "a"], max_categories=2) == ("a",)
    assert tokens_of(["ab"], categories=["b", "z"]) == ("b", "z")
    assert tokens_of([[]], categories=[[5]], categorical_features="all") == (5,)
    two = Symbols.learn([[("a", 1)]], categorical_features="all", categories=[["b"], [2, 1]])
    assert [v.tokens for v in two.vocabularies] == [("b",), (2, 1)]


@pytest.mark.parametrize(
    ("categories", "says"),
    [
        ("abc", "categories='abc'"),
        (3, "categories is 3, an int"),
        ([["a"], ["b"]], "2 list"),
        ([["a"], None], "holds None beside lists"),
        ([["a", "b", "a"]], "'a' twice"),
        ([["a", 1]], "holds 1, an int"),
        ([["a", "\ud800"]], "surrogate"),
        ([[]], "no category"),
    ],
)
def test_categories_that_cannot_be_given(categories, says):
    with pytest.raises((TypeError, ValueError), match=says):
        Symbols.learn(TOKENS, categories=categories)


@pytest.mark.parametrize(
    ("X", "categories", "says"),
    [
        (["ab"], ["ab"], "single characters"),
        ([[1]], [["a"]], "whole numbers"),
        ([[1]], [[True]], "whole numbers"),
        ([[1]], [[2**63]], "64 bits"),
        ([[True]], [[1]], "bools"),
    ],
)
def test_categories_of_another_kind_than_the_column(X, categories, says):
    with pytest.raises((TypeError, ValueError), match=says):
        Symbols.learn(X, categorical_features="all", categories=categories)


# Unknown and missing


@pytest.mark.parametrize(
    ("X", "new", "place", "options"),
    [
        (["ab", "a"], ["a", "bx"], "X: sample 1, time step 1 is 'x', .* the 2 categories", {}),
        (TOKENS, [["a"], ["b", "x"]], "X: sample 1, time step 1 is 'x'", {}),
        ([[1, 2]], [[1], [2, 7]], "X: sample 1, time step 1 is 7", {}),
        ([[1, 10**9]], [[1], [1, 7]], "X: sample 1, time step 1 is 7", {}),
        ([[("a", 1)]], [[], [("a", 1), ("x", 1)]], r"sample 1, time step 1 \(column 0 of X\)", {}),
        (["ab"], ["a", "bX"], "X: sample 1, time step 1 is 'x'", {"lowercase": True}),
    ],
)
def test_an_unknown_token_as_an_error(X, new, place, options):
    symbols = Symbols.learn(X, handle_unknown="error", categorical_features="all", **options)
    with pytest.raises(ValueError, match=place):
        symbols.encode(new)
    with pytest.raises(ValueError, match="which is none of the"):
        symbols.encode_step(new[1][1])


def test_a_rare_token_is_no_error_where_an_unknown_one_is():
    options = {"handle_unknown": "error", "min_frequency": 2}
    for X, rare in ((TOKENS, "c"), ([[1, 1, 5]], 5), (["aab"], "b")):
        symbols = Symbols.learn(X, categorical_features="all", **options)
        symbols.encode(X)
        assert symbols.encode_step(rare).tolist() == [0]
    with pytest.raises(ValueError, match="'z', which is not among its categories"):
        Symbols.learn(["az"], categories=["a"], handle_unknown="error")


NONES = [None, np.nan, float("nan"), pd.NA, pd.NaT]


@pytest.mark.parametrize("none", NONES, ids=str)
@pytest.mark.parametrize("known", ["a", 3, True], ids=str)
def test_missing_values(none, known):
    X, asked = [[known, known], [known, none]], {"categorical_features": "all"}
    with pytest.raises(ValueError, match="X: sample 1, time step 1 is missing"):
        Symbols.learn(X, **asked)
    with pytest.raises(ValueError, match="X: sample 1, time step 1 is missing"):
        Symbols.learn(X[:1], **asked).encode(X)
    masked = Symbols.learn(X, missing="mask", **asked)
    assert masked.vocabularies[0].tokens == (known, None)
    assert masked.vocabularies[0].missing_id == 2
    assert masked.encode(X)[1][:, 0].tolist() == [1, 2]
    assert masked.encode_step(none).tolist() == [2]
    assert masked.decode(masked.encode(X)) == [[known, known], [known, None]]
    unseen = Symbols.learn(X[:1], missing="mask", handle_unknown="error", **asked)
    assert unseen.encode(X)[1][:, 0].tolist() == [1, 0]
    assert unseen.encode_step(none).tolist() == [0]
    skipped = Symbols.learn(X, missing="skip", **asked)
    assert skipped.vocabularies[0].counts.tolist() == [0, 3]
    np.testing.assert_array_equal(skipped.encode(X)[1][:, 0], [1, np.nan])
    np.testing.assert_array_equal(skipped.encode_step(none), [np.nan])
    assert skipped.decode(skipped.encode(X)) == [[known, known], [known, None]]


def test_missing_in_a_column_of_a_table():
    X = [pd.DataFrame({"a": ["x", None], "n": [1.0, 2.0]})]
    with pytest.raises(ValueError, match=r"time step 1 \(column 'a' of X\) is missing"):
        Symbols.learn(X)
    skipped = Symbols.learn(X, missing="skip").encode(X)
    np.testing.assert_array_equal(skipped[0], [[1, 1], [np.nan, 2]])
    nothing = [X[0].assign(a=None)]
    np.testing.assert_array_equal(
        Symbols.learn(X, missing="mask").encode(nothing)[0], [[2, 1], [2, 2]]
    )


# Thinned


def test_rare_tokens_become_unknown_as_often_as_the_rule_says():
    twice = [f"twice{i}" for i in range(20_000)] * 2
    X = [["often"] * 40_000 + ["thrice"] * 2 + twice + ["once"], ["thrice"]]
    symbols = Symbols.learn(X)
    encoded = symbols.encode(X)
    before = [array.copy() for array in encoded]
    thinned = symbols.thinned(encoded, np.random.default_rng(3))
    for now, then in zip(encoded, before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert [array.shape for array in thinned] == [array.shape for array in encoded]
    changed = np.concatenate(thinned) != np.concatenate(encoded)
    assert set(np.concatenate(thinned)[changed]) == {0}
    of_twice = changed[40_002:80_002].reshape(2, 20_000).sum(axis=0)
    p = 0.25 / 2.25
    share = 2 * p - p**2  # where both are drawn, one stays
    assert abs(of_twice.sum() - 20_000 * share) < 5 * np.sqrt(20_000 * share * (1 - share))
    assert of_twice.max() == 1
    assert changed[:40_000].sum() < 10  # 0.25 are expected
    assert not changed[80_002]
    again = symbols.thinned(encoded, np.random.default_rng(3))
    for a, b in zip(again, thinned, strict=True):
        np.testing.assert_array_equal(a, b)


def test_thinning_leaves_numbers_and_missing_steps_alone():
    X = [[("a", 0.0, i // 2) for i in range(100)] + [(None, 7.0, 1)]]
    symbols = Symbols.learn(X, missing="skip", categorical_features=[0, 2])
    (encoded,), (thinned,) = (
        (found := symbols.encode(X)),
        symbols.thinned(found, np.random.default_rng(0)),
    )
    np.testing.assert_array_equal(thinned[:, 2], encoded[:, 2])
    assert np.isnan(thinned[-1, 0])
    assert (thinned[:, 1] == 0).any()
    refusing = Symbols.learn(TOKENS, handle_unknown="error")
    rng = np.random.default_rng(0)
    for a, b in zip(refusing.thinned(e := refusing.encode(TOKENS), rng), e, strict=True):
        np.testing.assert_array_equal(a, b)
    assert rng.random() == np.random.default_rng(0).random()


# Case and accents

WORDS = ["Éclair", "ΑΣ", "İi", "ﬁ", "e\u0301", "ǅ", "naïve"]


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("accents", [None, "ascii", "unicode"])
def test_case_and_accents_are_those_of_scikit_learn(lowercase, accents):
    strip = {None: str, "ascii": strip_accents_ascii, "unicode": strip_accents_unicode}[accents]

    def expected(text):
        text = "".join(c.lower() for c in text) if lowercase else text  # see Folding of sigma
        return strip(text)

    options = {"lowercase": lowercase, "strip_accents": accents}
    symbols = Symbols.learn(WORDS, **options)
    assert symbols.decode(symbols.encode(WORDS)) == [expected(text) for text in WORDS]
    of_tokens = Symbols.learn([WORDS], **options)
    assert of_tokens.decode(of_tokens.encode([WORDS])) == [[expected(text) for text in WORDS]]
    with pytest.raises(ValueError, match="never occurs"):
        Symbols.learn([["a"]], lowercase=True, categories=[["A"]])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"min_frequency": 0}, "min_frequency=0"),
        ({"min_frequency": 1.5}, "min_frequency=1.5"),
        ({"min_frequency": True}, "min_frequency=True"),
        ({"max_categories": 1}, "max_categories=1"),
        ({"max_categories": 2.0}, "max_categories=2.0"),
        ({"handle_unknown": "ignore"}, "handle_unknown='ignore'"),
        ({"missing": "keep"}, "missing='keep'"),
        ({"strip_accents": "all"}, "strip_accents='all'"),
        ({"lowercase": 1}, "lowercase=1"),
        ({"categorical_features": [7]}, "holds 7, but X has 1"),
        ({"categorical_features": [0, 0]}, "twice"),
        ({"categorical_features": ["a"]}, "no names"),
        ({"categorical_features": [True, False]}, "a mask of 2"),
        ({"categorical_features": []}, "no categorical column"),
        ({"min_frequency": 4}, "the most frequent one occurs 3"),
    ],
    ids=str,
)
def test_options_that_cannot_be_used(options, says):
    with pytest.raises((TypeError, ValueError), match=says):
        Symbols.learn(TOKENS, **options)


def test_of_each_token_an_occurrence_stays():
    """A token whose every occurrence became unknown would keep the vector it began with."""
    X = ["abcdefghij", "klmnopqrst", "abcabcabca", "aabbaabbaa"]
    symbols = Symbols.learn(X)
    encoded = symbols.encode(X)
    n_unknown = 0
    for seed in range(40):
        found = np.concatenate(symbols.thinned(encoded, np.random.default_rng(seed)))
        assert set(found.ravel().tolist()) >= set(range(1, symbols.n_categories[0]))
        n_unknown += int((found == 0).sum())
    assert n_unknown > 0
