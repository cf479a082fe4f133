"""Names of features: what is asked of all of them at once."""

from __future__ import annotations

import pytest

from elman.data.names import first_repeated


class Counted(str):
    """A text that counts how often it is compared."""

    __slots__ = ()
    n_compared = 0

    def __eq__(self, other):
        Counted.n_compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


@pytest.mark.parametrize(
    ("names", "twice"),
    [([], None), (["a", "b"], None), (["a", "b", "b", "a"], "b"), (["", "a", ""], "")],
)
def test_the_first_name_that_is_there_a_second_time(names, twice):
    assert first_repeated(names) == twice
    assert first_repeated(iter(names)) == twice


def test_a_repeated_name_is_found_in_time_in_proportion_to_their_number():
    names = [Counted(f"k{i}") for i in range(3000)] + [Counted("k2999")]
    Counted.n_compared = 0
    assert first_repeated(names) == "k2999"
    assert Counted.n_compared < 2 * len(names)
