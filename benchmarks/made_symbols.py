"""A seed in; sequences of symbols of which it is known what can be found out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

RARE = ("password reset", "large payment")
"""the two events whose order is the label of `make_event_logs`"""
N_COMMON = 40
"""kinds of common events"""


def make_event_logs(
    n_samples: int, random_state: int, min_length: int = 20, max_length: int = 60
) -> tuple[list[list[str]], list[str]]:
    """Logs of common events, among which each of two rare ones stands once; the label is "suspect"
    if the password is reset before the large payment, else "normal".

    Every log comes twice, once in either order of the rare events. So the counts of events, of
    which a pair has the same, say nothing: whatever answers from them alone is right about exactly
    one log of each pair. Kinds of common events are as frequent as 1, 1/2, 1/3, ... to each other.

    Returns
    -------
    logs : list of n_samples lists of str
    labels : list of n_samples str

    Raises
    ------
    ValueError
        n_samples is odd, or a log would have no room for two events.
    """
    if n_samples % 2 or n_samples < 2:
        raise ValueError(f"n_samples={n_samples}; it must be even, because logs come in pairs")
    if not 2 <= min_length <= max_length:
        raise ValueError(
            f"min_length={min_length}, max_length={max_length}; they must satisfy "
            "2 <= min_length <= max_length"
        )
    rng = np.random.default_rng(random_state)
    share = 1 / np.arange(1, N_COMMON + 1)
    share /= share.sum()
    logs, labels = [], []
    for _ in range(n_samples // 2):
        kinds = rng.choice(N_COMMON, rng.integers(min_length, max_length + 1), p=share)
        early, late = np.sort(rng.choice(len(kinds), 2, replace=False))
        for label, order in (("suspect", RARE), ("normal", RARE[::-1])):
            log = [f"event {kind}" for kind in kinds]
            log[early], log[late] = order
            logs.append(log)
            labels.append(label)
    shuffled = rng.permutation(n_samples)
    return [logs[i] for i in shuffled], [labels[i] for i in shuffled]


class HiddenMarkov(NamedTuple):
    """A hidden Markov model: a chain of tags, each of which emits a word."""

    start: Array
    """(n_tags,), how probable each tag is at the first step"""
    transitions: Array
    """(n_tags, n_tags), from the tag of the row to that of the column"""
    emissions: Array
    """(n_tags, n_words)"""

    @classmethod
    def drawn(cls, n_tags: int, n_words: int, random_state: int) -> HiddenMarkov:
        """Few tags follow on a tag, and a tag emits a share of all words, which overlap."""
        rng = np.random.default_rng(random_state)
        return cls(
            np.full(n_tags, 1 / n_tags),
            rng.dirichlet(np.full(n_tags, 0.2), n_tags),
            rng.dirichlet(np.full(n_words, 0.1), n_tags),
        )

    def draw(
        self, n_samples: int, random_state: int, min_length: int = 5, max_length: int = 30
    ) -> tuple[list[list[str]], list[list[str]]]:
        """Sentences, and the tag of each of their words."""
        rng = np.random.default_rng(random_state)
        n_tags, n_words = self.emissions.shape
        sentences, tags = [], []
        for length in rng.integers(min_length, max_length + 1, n_samples):
            states = [rng.choice(n_tags, p=self.start)]
            for _ in range(length - 1):
                states.append(rng.choice(n_tags, p=self.transitions[states[-1]]))
            words = [rng.choice(n_words, p=self.emissions[state]) for state in states]
            sentences.append([word_name(word) for word in words])
            tags.append([tag_name(state) for state in states])
        return sentences, tags

    def posterior(self, sentence: list[str], *, look_ahead: bool = True) -> Array:
        """How probable each tag is at each step, (n_steps, n_tags), given the words of the
        sentence; without `look_ahead` given those up to the step.

        Rabiner (1989), "A tutorial on hidden Markov models and selected applications in speech
        recognition", equations 19 to 27, each step scaled to add up to 1.
        """
        seen = self.emissions[:, [word_number(word) for word in sentence]].T
        forward = np.empty_like(seen)
        before = self.start
        for t, likely in enumerate(seen):
            forward[t] = before * likely
            forward[t] /= forward[t].sum()
            before = forward[t] @ self.transitions
        if not look_ahead:
            return forward
        backward = np.ones_like(seen)
        for t in range(len(seen) - 2, -1, -1):
            backward[t] = self.transitions @ (seen[t + 1] * backward[t + 1])
            backward[t] /= backward[t].sum()
        both = forward * backward
        return both / both.sum(axis=1, keepdims=True)

    def limit(self, sentences: list[list[str]], *, look_ahead: bool = True) -> float:
        """The largest share of tags, in per cent, that anyone can expect to tell rightly from these
        sentences: at each step the most probable tag is right as often as it is probable.
        """
        shares = [
            self.posterior(sentence, look_ahead=look_ahead).max(axis=1) for sentence in sentences
        ]
        return 100 * float(np.concatenate(shares).mean())

    def decoded(self, sentence: list[str]) -> list[str]:
        """The most probable tag at each step, which no other answer beats on average."""
        return [tag_name(tag) for tag in self.posterior(sentence).argmax(axis=1)]


def word_name(number: int) -> str:
    return f"word{number}"


def word_number(word: str) -> int:
    return int(word.removeprefix("word"))


def tag_name(number: int) -> str:
    return f"tag{number}"


def make_topics(
    n_samples: int, n_words: int, random_state: int, n_topics: int = 4
) -> tuple[list[list[str]], list[str]]:
    """Messages of 10 to 40 words, of which one in five is of a topic, the label.

    All words are as frequent as 1, 1/2, 1/3, ... to each other, as in a language, those of a topic
    (an n_topics-th of them, one in so many) within it.
    """
    rng = np.random.default_rng(random_state)
    share = 1 / np.arange(1, n_words + 1)
    of_topic = [np.arange(topic, n_words, n_topics) for topic in range(n_topics)]
    messages, labels = [], []
    for _ in range(n_samples):
        topic = int(rng.integers(n_topics))
        length = rng.integers(10, 41)
        common = rng.choice(n_words, length, p=share / share.sum())
        own = of_topic[topic]
        words = np.where(
            rng.random(length) < 0.2,
            rng.choice(own, length, p=share[own] / share[own].sum()),
            common,
        )
        messages.append([word_name(word) for word in words])
        labels.append(f"topic{topic}")
    return messages, labels
