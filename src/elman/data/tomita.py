"""The number of a Tomita grammar in; strings of bits, half of them in its language, out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.synthetic import (
    RandomState,
    Samples,
    balanced_labels,
    check_sizes,
    cut_to_lengths,
)


class Automaton(NamedTuple):
    """A deterministic finite automaton over {0, 1}; state 0 is where it starts."""

    next_state: NDArray[np.int64]
    """(n_states, 2), the state after reading a bit"""
    accepting: NDArray[np.bool_]
    """(n_states,)"""


def _automaton(next_state: list[tuple[int, int]], accepting: set[int]) -> Automaton:
    states = range(len(next_state))
    return Automaton(np.array(next_state), np.array([state in accepting for state in states]))


TOMITA = {
    1: _automaton([(1, 0), (1, 1)], {0}),
    2: _automaton([(2, 1), (0, 2), (2, 2)], {0}),
    # States: an even run of ones; an odd one; after it, an odd run of zeros; an even one; rejected.
    3: _automaton([(0, 1), (2, 0), (3, 4), (2, 3), (4, 4)], {0, 1, 3}),
    4: _automaton([(1, 0), (2, 0), (3, 0), (3, 3)], {0, 1, 2}),
    5: _automaton([(1, 2), (0, 3), (3, 0), (2, 1)], {0}),
    6: _automaton([(1, 2), (2, 0), (0, 1)], {0}),
    7: _automaton([(0, 1), (2, 1), (2, 3), (4, 3), (4, 4)], {0, 1, 2, 3}),
}


def make_tomita(
    grammar: int,
    n_samples: int = 100,
    *,
    min_length: int = 1,
    max_length: int = 15,
    random_state: RandomState = None,
) -> tuple[Samples, NDArray[np.int64]]:
    """Whether a string of bits belongs to one of the seven regular languages of Tomita (1982).

    The languages, from "Dynamic construction of finite-state automata from examples using
    hill-climbing", Proceedings of the Fourth Annual Conference of the Cognitive Science Society:

    1. no zeros: 1*
    2. (10)*
    3. no odd run of ones that an odd run of zeros follows, at once or later
    4. no three zeros in a row
    5. an even number of zeros and an even number of ones
    6. as many zeros as ones, modulo 3
    7. 0*1*0*1*

    Parameters
    ----------
    grammar : int
        1 to 7.
    n_samples : int
        Number of strings; half of them (within one) are in the language.
    min_length, max_length : int
        Length of a string, drawn uniformly from those at which there are strings both in the
        language and outside it, so that the length does not give the label away. Usual are 1 to 15
        to train on, 16 to 50 to see whether what was learned holds for longer strings.
    random_state : int, Generator or None
        Seed, or generator to draw from.

    Returns
    -------
    X : list of ndarray of shape (n_timesteps_i, 1), float32
        Bits, 0 or 1. Strings in the language are uniform among those of their length; so is half of
        the others, while the rest, where possible, miss the language by one bit. An array of shape
        (n_samples, n_timesteps, 1) if min_length == max_length.
    y : ndarray of shape (n_samples,), int64
        1 in the language, 0 outside.

    Raises
    ------
    ValueError
        If there is no such grammar, a size cannot be used, or no length in the range has strings
        of both kinds.

    Examples
    --------
    >>> from elman.data import make_tomita
    >>> X, y = make_tomita(1, 4, min_length=3, max_length=6, random_state=0)  # only ones
    >>> for x, label in zip(X, y):
    ...     print(x[:, 0].astype(int), label)
    [1 1 1 1 1 1] 1
    [0 0 1 0 1] 0
    [1 1 1 1 1] 1
    [0 1 1 1] 0
    """
    if grammar not in TOMITA:
        raise ValueError(f"grammar={grammar!r}; choose one of 1, 2, 3, 4, 5, 6, 7")
    check_sizes(n_samples, min_length, max_length, least=1)
    automaton = TOMITA[grammar]
    rng = np.random.default_rng(random_state)

    inside = _chances(automaton.next_state, automaton.accepting, max_length)
    outside = _chances(automaton.next_state, ~automaton.accepting, max_length)
    usable = np.flatnonzero((inside[:, 0] > 0) & (outside[:, 0] > 0))
    usable = usable[usable >= min_length]
    if len(usable) == 0:
        raise ValueError(
            f"Tomita grammar {grammar} has no length from min_length={min_length} to max_length="
            f"{max_length} with strings both in the language and outside it: widen the range"
        )
    lengths = rng.choice(usable, n_samples)
    y = balanced_labels(rng, n_samples, 2)

    bits = np.zeros((n_samples, max_length), dtype=np.int64)
    near = np.flatnonzero((y == 0) & (rng.random(n_samples) < 0.5))
    for chances, rows in ((inside, np.flatnonzero(y == 1)), (outside, np.flatnonzero(y == 0))):
        bits[rows] = _strings(rng, automaton.next_state, chances, lengths[rows], max_length)
    misses = _strings(rng, automaton.next_state, inside, lengths[near], max_length)
    misses[np.arange(len(near)), rng.integers(0, lengths[near])] ^= 1
    missed = ~accepts(automaton, misses, lengths[near])
    bits[near[missed]] = misses[missed]
    return cut_to_lengths(bits[:, :, np.newaxis].astype(np.float32), lengths, min_length), y


def accepts(
    automaton: Automaton, bits: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether the first lengths[i] of each row of bits (n, longest) are in the language."""
    state = np.zeros(len(bits), dtype=np.int64)
    for t in range(bits.shape[1]):
        state = np.where(t < lengths, automaton.next_state[state, bits[:, t]], state)
    return automaton.accepting[state]


def _chances(
    next_state: NDArray[np.int64], wanted: NDArray[np.bool_], max_length: int
) -> NDArray[Any]:
    """(max_length + 1, n_states): of the strings of n bits read from a state, how many end well.

    Each row is scaled to a largest entry of 1: only ratios within a row matter, and the share of a
    sparse language would leave the range of float64 at a thousand steps.
    """
    chances = np.zeros((max_length + 1, len(next_state)))
    chances[0] = wanted
    for n in range(1, max_length + 1):
        chances[n] = chances[n - 1][next_state].sum(axis=1)
        chances[n] /= chances[n].max()
    return chances


def _strings(
    rng: np.random.Generator,
    next_state: NDArray[np.int64],
    chances: NDArray[Any],
    lengths: NDArray[np.int64],
    max_length: int,
) -> NDArray[np.int64]:
    """(n, max_length): strings drawn uniformly from those that `chances` counts, zeros after."""
    bits = np.zeros((len(lengths), max_length), dtype=np.int64)
    state = np.zeros(len(lengths), dtype=np.int64)
    for t in range(max_length):
        live = np.flatnonzero(t < lengths)
        after = chances[lengths[live] - t - 1]
        zero, one = (
            np.take_along_axis(after, next_state[state[live], bit, np.newaxis], axis=1)[:, 0]
            for bit in (0, 1)
        )
        bits[live, t] = rng.random(len(live)) * (zero + one) >= zero
        state[live] = next_state[state[live], bits[live, t]]
    return bits
