"""What is known of made sequences of symbols: who can be right about them, and how often."""

from __future__ import annotations

import sys
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.made_symbols import (
    N_COMMON,
    RARE,
    HiddenMarkov,
    make_event_logs,
    tag_name,
    word_name,
)


class TestEventLogs:
    def test_the_label_is_the_order_of_two_events_that_stand_in_each_log_once(self):
        logs, labels = make_event_logs(60, 3, 5, 9)
        for log, label in zip(logs, labels, strict=True):
            assert [log.count(event) for event in RARE] == [1, 1]
            assert (log.index(RARE[0]) < log.index(RARE[1])) == (label == "suspect")
        assert {len(log) for log in logs} == {5, 6, 7, 8, 9}

    def test_of_two_logs_with_the_same_counts_one_has_each_label(self):
        """So whoever answers from counts is right about one of the two, whatever was learned."""
        logs, labels = make_event_logs(200, 0)
        labels_of: dict[frozenset, Counter] = {}
        for log, label in zip(logs, labels, strict=True):
            counts = frozenset(Counter(log).items())
            labels_of.setdefault(counts, Counter())[label] += 1
        assert len(labels_of) == 100
        for found in labels_of.values():
            assert found["suspect"] == found["normal"]

    def test_a_linear_model_of_counts_is_right_about_exactly_a_half(self):
        (logs, labels), (others, theirs) = (make_event_logs(80, seed) for seed in (0, 1))
        counts = CountVectorizer(analyzer=lambda log: log)
        model = LogisticRegression().fit(counts.fit_transform(logs), labels)
        answers = model.predict(counts.transform(others))
        assert np.mean(answers == np.array(theirs)) == 0.5

    def test_common_events_are_as_frequent_as_they_are_to_be(self):
        logs, _ = make_event_logs(2000, 0)
        counts = Counter(event for log in logs for event in log)
        n_common = sum(counts.values()) - 2 * len(logs)
        total = sum(1 / rank for rank in range(1, N_COMMON + 1))
        for rank in (1, 2, 5, 40):
            share = counts[f"event {rank - 1}"] / n_common
            # the pairs are the same log twice, so that half as many events were drawn
            error = (1 / (rank * total) / (n_common / 2)) ** 0.5
            assert abs(share - 1 / (rank * total)) < 4 * error

    @pytest.mark.parametrize("n_samples", [0, 3])
    def test_an_odd_number_of_logs_is_refused(self, n_samples):
        with pytest.raises(ValueError, match=rf"n_samples={n_samples}; it must be even"):
            make_event_logs(n_samples, 0)

    def test_a_log_without_room_for_two_events_is_refused(self):
        with pytest.raises(ValueError, match="min_length=1, max_length=4"):
            make_event_logs(2, 0, 1, 4)


class TestHiddenMarkov:
    MODEL = HiddenMarkov(
        np.array([0.2, 0.5, 0.3]),
        np.array([[0.1, 0.6, 0.3], [0.7, 0.1, 0.2], [0.25, 0.25, 0.5]]),
        np.array([[0.4, 0.1, 0.1, 0.4], [0.2, 0.5, 0.2, 0.1], [0.05, 0.15, 0.45, 0.35]]),
    )
    SENTENCE = (2, 0, 0, 3, 1)

    def joint(self, states, words):
        """The probability of a sequence of tags together with its words, factor by factor."""
        start, transitions, emissions = self.MODEL
        p = start[states[0]] * emissions[states[0], words[0]]
        for before, state, word in zip(states, states[1:], words[1:], strict=False):
            p *= transitions[before, state] * emissions[state, word]
        return p

    def enumerated(self, words):
        """Posterior of each tag at each step, by adding up all sequences of tags."""
        found = np.zeros((len(words), 3))
        for states in product(range(3), repeat=len(words)):
            found[range(len(words)), states] += self.joint(states, words)
        return found / found.sum(axis=1, keepdims=True)

    def test_the_posterior_is_that_of_all_sequences_of_tags(self):
        found = self.MODEL.posterior([word_name(word) for word in self.SENTENCE])
        np.testing.assert_allclose(found, self.enumerated(self.SENTENCE), rtol=1e-12)

    def test_without_looking_ahead_it_is_that_of_the_beginning(self):
        names = [word_name(word) for word in self.SENTENCE]
        found = self.MODEL.posterior(names, look_ahead=False)
        for t in range(len(names)):
            ended = self.enumerated(self.SENTENCE[: t + 1])[-1]
            np.testing.assert_allclose(found[t], ended, rtol=1e-12)

    def test_the_limit_is_what_the_best_of_all_answers_expects(self):
        """Over all answers to a short sentence: none expects more right tags than the limit."""
        words = self.SENTENCE[:3]
        names = [word_name(word) for word in words]
        every = list(product(range(3), repeat=3))
        shares = np.array([self.joint(states, words) for states in every])
        shares /= shares.sum()
        hits = np.array([[np.mean(np.equal(a, b)) for b in every] for a in every])
        expected = hits @ shares
        assert 100 * expected.max() == pytest.approx(self.MODEL.limit([names]), rel=1e-12)
        best = every[expected.argmax()]
        assert self.MODEL.decoded(names) == [tag_name(tag) for tag in best]

    def test_words_and_tags_are_drawn_as_the_parameters_say(self):
        sentences, tags = self.MODEL.draw(600, 2, 2, 7)
        assert [len(s) for s in sentences] == [len(z) for z in tags]
        assert {len(s) for s in sentences} == {2, 3, 4, 5, 6, 7}
        moves, emitted, first = np.zeros((3, 3)), np.zeros((3, 4)), np.zeros(3)
        for sentence, own in zip(sentences, tags, strict=True):
            states = [int(tag.removeprefix("tag")) for tag in own]
            first[states[0]] += 1
            np.add.at(moves, (states[:-1], states[1:]), 1)
            np.add.at(emitted, (states, [int(word.removeprefix("word")) for word in sentence]), 1)
        for counts, p in (
            (first[None], self.MODEL.start[None]),
            (moves, self.MODEL.transitions),
            (emitted, self.MODEL.emissions),
        ):
            n = counts.sum(axis=1, keepdims=True)
            assert np.all(np.abs(counts / n - p) < 4 * np.sqrt(p * (1 - p) / n))

    def test_posterior_decoding_is_right_as_often_as_the_limit_says(self):
        model = HiddenMarkov.drawn(8, 300, 1)
        sentences, tags = model.draw(300, 2)
        right = [
            a == b
            for sentence, own in zip(sentences, tags, strict=True)
            for a, b in zip(model.decoded(sentence), own, strict=True)
        ]
        error = 100 * np.std(right) / len(right) ** 0.5
        assert abs(100 * np.mean(right) - model.limit(sentences)) < 4 * error
        assert model.limit(sentences, look_ahead=False) < model.limit(sentences) - 4
