"""Makes a random generator from `random_state`, and says how to make the same one again."""

from __future__ import annotations

from typing import Any

import numpy as np


def make_rng(random_state: Any) -> np.random.Generator:
    """A generator of one's own: from a seed, drawn from the caller's generator, or fresh (None)."""
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**32, size=4, dtype=np.uint64))
    if isinstance(random_state, np.random.Generator):
        return np.random.default_rng(random_state.integers(0, 2**32, size=4, dtype=np.uint64))
    return np.random.default_rng(None if random_state is None else int(random_state))


def entropy_of(rng: np.random.Generator) -> int | list[int]:
    """The entropy from which `SeedSequence` makes the generator that this one was at first."""
    sequence: Any = rng.bit_generator.seed_seq
    entropy = sequence.entropy
    return int(entropy) if np.ndim(entropy) == 0 else [int(word) for word in entropy]
