"""What is told of vocabularies is what the training data held, and how the network takes it."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from helpers.symbol_fits import TEXTS, fitted_classifier, fitted_once, tables

from elman.inspection.vocabulary import VocabularySummary


@pytest.mark.parametrize("kind", ["classifier", "tagger", "regressor"])
def test_a_summary_tells_of_each_column(kind):
    (found,) = fitted_once(kind, "characters").summary().vocabularies
    counts = Counter("".join(TEXTS))
    assert (found.column, found.kind) == ("character", "characters")
    assert found.n_categories == len(counts) + 1
    assert dict(found.most_frequent) == dict(counts)
    assert [n for _, n in found.most_frequent] == sorted(counts.values(), reverse=True)
    assert (found.embedding_size, found.frozen, found.unknown_share) == (None, False, 0)


def test_columns_have_their_names_and_their_own_embeddings():
    fit = fitted_classifier(
        "tables", embedding_size={"item": 2}, min_frequency=8, freeze_embedding=True
    )
    action, item = fit.summary().vocabularies
    assert (action.column, item.column) == ("action", "item")
    assert (action.embedding_size, item.embedding_size) == (None, 2)
    assert (action.frozen, item.frozen) == (False, True)
    items = Counter(int(row[3]) for table in tables() for row in table)
    rare = sum(n for n in items.values() if n < 8)
    assert item.unknown_share == pytest.approx(rare / sum(items.values()))
    assert "2 numbers each, frozen" in item.in_words()
    told = str(fit.summary())
    assert "vocabulary of action" in told
    assert '"look" (' in told
    (line,) = [line for line in told.splitlines() if line.startswith("vocabulary of item")]
    assert item.in_words() in line


def test_json_has_tokens_with_their_counts():
    told = fitted_once("classifier", "tables").summary().to_dict()
    again = json.loads(json.dumps(told))["vocabularies"]
    assert [each["column"] for each in again] == ["action", "item"]
    token, count = again[1]["most_frequent"][0]
    assert (type(token), type(count)) == (int, int)


def test_of_numbers_there_is_nothing_to_tell():
    from elman import RNNClassifier

    fit = RNNClassifier(3, max_iter=1, random_state=0).fit([[[1.0]], [[2.0]]], [0, 1])
    assert fit.summary().vocabularies == ()
    assert "vocabulary" not in str(fit.summary())
    assert fit.symbols_ is None


def test_words_are_shortened_and_made_visible():
    told = VocabularySummary("word", "text", 2, 16, False, 0.00001, (("\x1b" + "x" * 99, 1234),))
    words = told.in_words()
    assert "\x1b" not in words
    assert r'"\x1b' in words
    assert "…" in words
    assert "(1,234)" in words
    assert "under 0.01 %" in words
