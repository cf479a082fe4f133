"""TokenEncoder: texts to numbers of tokens, in scikit-learn's manners."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from elman import TokenEncoder

X = ["To be or not to be", "", "Être, ou ne pas être?", "a b"]


def test_scikit_learns_checks():
    check_estimator(TokenEncoder(), on_skip=None)


@pytest.mark.parametrize("make", [list, tuple, np.array, pd.Series, pl.Series])
def test_characters(make):
    encoder = TokenEncoder()
    encoded = encoder.fit_transform(make(X))
    assert encoder.vocabulary_[" "] == 1
    assert sorted(encoder.vocabulary_.values()) == [*range(1, len(set("".join(X))) + 1)]
    assert [array.shape for array in encoded] == [(len(text), 1) for text in X]
    assert {array.dtype for array in encoded} == {np.dtype(np.int32)}
    assert encoder.inverse_transform(encoded) == X
    assert encoder.transform(["aZ"])[0].tolist() == [[encoder.vocabulary_["a"]], [0]]
    assert encoder.inverse_transform(encoder.transform(["aZ"])) == ["a\ufffd"]
    assert encoder.get_feature_names_out().tolist() == ["char"]
    assert encoder.n_features_in_ == 1


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("strip_accents", [None, "ascii", "unicode"])
@pytest.mark.parametrize("token_pattern", [r"(?u)\b\w\w+\b", r"\S+", r"(\w)\w*"])
def test_words_are_those_of_scikit_learns_vectorizer(lowercase, strip_accents, token_pattern):
    options = {"lowercase": lowercase, "strip_accents": strip_accents}
    theirs = CountVectorizer(token_pattern=token_pattern, **options)
    ours = TokenEncoder(analyzer="word", token_pattern=token_pattern, **options).fit(X)
    analyze = theirs.build_analyzer()
    assert ours.inverse_transform(ours.transform(X)) == [analyze(text) for text in X]
    assert ours.vocabulary_.keys() == theirs.fit(X).vocabulary_.keys()
    assert ours.get_feature_names_out().tolist() == ["word"]
    assert ours.inverse_transform([[[0], [1]]])[0][0] is None


def test_ngrams_end_at_their_step():
    encoder = TokenEncoder(ngram_range=(2, 3)).fit(["abab", "b", ""])
    names = {i: token for token, i in encoder.vocabulary_.items()}
    encoded = encoder.transform(["abab", "", "bz"])
    assert [[names.get(i, "") for i in row] for row in encoded[0]] == [
        ["a", "a"],
        ["ab", "ab"],
        ["ba", "aba"],
        ["ab", "bab"],
    ]
    assert encoded[1].shape == (0, 2)
    assert encoded[2].tolist() == [[encoder.vocabulary_["b"]] * 2, [0, 0]]
    assert encoder.inverse_transform(encoded) == ["abab", "", "b\ufffd"]
    assert encoder.get_feature_names_out().tolist() == ["char2", "char3"]
    one = TokenEncoder(ngram_range=(2, 2)).fit(["abab"])
    assert [array.shape for array in one.transform(["ab", "c"])] == [(2, 1), (1, 1)]
    assert one.get_feature_names_out().tolist() == ["char2"]


def test_tokens_of_a_callable():
    tokens = [["a", "b"], [], ("a",)]
    encoder = TokenEncoder(analyzer=list).fit(tokens)
    assert encoder.vocabulary_ == {"a": 1, "b": 2}
    assert [x.ravel().tolist() for x in encoder.transform([("b", "c"), []])] == [[2, 0], []]
    assert encoder.get_feature_names_out().tolist() == ["token"]
    bases = TokenEncoder(analyzer=lambda dna: [dna[i : i + 3] for i in range(0, len(dna), 3)])
    assert bases.fit(["ACGACGTT"]).vocabulary_ == {"ACG": 1, "TT": 2}
    numbers = TokenEncoder(analyzer=lambda pair: pair).fit([[3, 5, 3]])
    assert numbers.vocabulary_ == {3: 1, 5: 2}


def test_rare_and_unknown_tokens():
    encoder = TokenEncoder(min_frequency=2).fit(["aabbbc"])
    assert encoder.vocabulary_ == {"b": 1, "a": 2}
    assert TokenEncoder(max_categories=2).fit(["aabbbc"]).vocabulary_ == {"b": 1}
    strict = TokenEncoder(handle_unknown="error").fit(["ab"])
    with pytest.raises(ValueError, match="X: sample 1, time step 0 is 'c'"):
        strict.transform(["a", "c"])


def test_manners_of_scikit_learn():
    encoder = TokenEncoder(analyzer="word", lowercase=True)
    with pytest.raises(NotFittedError):
        encoder.transform(X)
    piped = make_pipeline(clone(encoder)).fit_transform(X)
    again = pickle.loads(pickle.dumps(encoder.fit(X)))
    for a, b in zip(again.transform(X), piped, strict=True):
        np.testing.assert_array_equal(a, b)
    framed = clone(encoder).set_output(transform="pandas").fit_transform(X)
    assert type(framed) is list  # of sequences, which are no table
    encoder.fit(["other words"])
    assert encoder.vocabulary_ == {"other": 1, "words": 2}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"analyzer": "char_wb"}, "analyzer='char_wb'"),
        ({"analyzer": 3}, "analyzer=3"),
        ({"ngram_range": (2, 1)}, "greater"),
        ({"ngram_range": (0, 1)}, "at least 1"),
        ({"ngram_range": 2}, "ngram_range=2"),
        ({"ngram_range": (1, 2), "analyzer": "word"}, "is for analyzer='char'"),
        ({"token_pattern": "(", "analyzer": "word"}, "no regular expression"),
        ({"token_pattern": "(a)(b)", "analyzer": "word"}, "2 groups"),
        ({"token_pattern": None, "analyzer": "word"}, "no regular expression"),
        ({"lowercase": "yes"}, "lowercase"),
        ({"strip_accents": "all"}, "strip_accents='all'"),
        ({"strip_accents": ["ascii"]}, "strip_accents="),
        ({"min_frequency": -1}, "min_frequency=-1"),
        ({"handle_unknown": "ignore"}, "handle_unknown='ignore'"),
        pytest.param({"analyzer": lambda text: [(1, 2)]}, "analyzer gives rows", id="rows"),
        pytest.param({"analyzer": lambda text: [None]}, "is missing", id="missing"),
    ],
    ids=str,
)
def test_arguments_that_cannot_be_used(options, says):
    with pytest.raises((TypeError, ValueError), match=says):
        TokenEncoder(**options).fit(X)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("abc", "a single str"),
        ([["a"]], r"X holds \['a'\], a list; .*analyzer=list"),
        (["a", None], "X: sample 1 is None"),
        ([], "no samples"),
        ([""], "every sequence is empty"),
        (np.zeros((3, 2)), "expected a list of str"),
        (pd.DataFrame({"text": ["a"]}), "one of its columns"),
    ],
)
@pytest.mark.parametrize("analyzer", ["char", "word"])
def test_texts_that_are_none(bad, says, analyzer):
    with pytest.raises((TypeError, ValueError), match=says):
        TokenEncoder(analyzer=analyzer).fit(bad)


@pytest.mark.parametrize("bad", [[[1]], [[[1, 2]]], [[[99]]], [[[-1]]]])
def test_numbers_that_are_none(bad):
    with pytest.raises(ValueError, match=r"sample 0"):
        TokenEncoder().fit(X).inverse_transform(bad)
