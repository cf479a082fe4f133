"""The fixed tree in which the sums of a batch's groups are added.

Leaf i of the tree is group i. Neighbours are added first, then neighbouring sums; a sum without a
neighbour goes up as it is. Whoever has some consecutive groups can add up whole branches of that
tree and no more: the bits of the batch then do not depend on who had which groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray

Array = NDArray[Any]

HALVINGS = 30


class Branch(NamedTuple):
    """A branch of the tree: 2^level groups, or fewer at the end of the batch."""

    level: int
    number: int
    """which it is among the branches of its level"""

    def groups(self, n_groups: int) -> tuple[int, int]:
        """The first group and the one after the last of a tree over `n_groups`."""
        return self.number << self.level, min((self.number + 1) << self.level, n_groups)


def branches_of(start: int, stop: int, n_groups: int) -> list[Branch]:
    """The fewest branches that make up the groups from `start` to before `stop`, in order.

    Parameters
    ----------
    start, stop : int
        0 <= start <= stop <= n_groups.
    n_groups : int
        Of the whole batch.
    """
    found: list[Branch] = []
    while start < stop:
        level = 0
        while True:
            wider = Branch(level + 1, start >> (level + 1))
            first, last = wider.groups(n_groups)
            whole = Branch(level, start >> level).groups(n_groups) == (0, n_groups)
            if first != start or last > stop or whole:
                break
            level += 1
        branch = Branch(level, start >> level)
        found.append(branch)
        start = branch.groups(n_groups)[1]
    return found


def added(sums: Mapping[Branch, Array], n_groups: int) -> Array:
    """The sum over all groups, from the sums of branches that make up the tree.

    Parameters
    ----------
    sums : mapping of Branch to ndarray
        Without overlap; together every group.
    n_groups : int

    Raises
    ------
    ValueError
        A group is missing.
    """

    def value(branch: Branch) -> Array:
        if branch in sums:
            return sums[branch]
        start, stop = branch.groups(n_groups)
        if branch.level == 0:
            raise ValueError(f"the sum of group {start} of {n_groups} is missing")
        left = Branch(branch.level - 1, 2 * branch.number)
        right = Branch(branch.level - 1, 2 * branch.number + 1)
        if right.groups(n_groups)[0] >= stop:  # no neighbour: the same sum, one level higher
            return value(left)
        return value(left) + value(right)

    top = Branch(max(n_groups - 1, 0).bit_length(), 0)
    return value(top)


def shares(weights: Array, n_shares: int) -> list[tuple[int, int]]:
    """Consecutive groups for each of some workers, so that the largest share is smallest.

    Parameters
    ----------
    weights : ndarray of shape (n_groups,)
        The work of each group.
    n_shares : int
        At least 1.

    Returns
    -------
    list of (int, int)
        The first group and the one after the last of each share that has any.
    """
    works: list[float] = weights.tolist()
    low, high = max(works, default=0.0), sum(works)
    for _ in range(HALVINGS):  # the smallest largest share, but for a rounding
        middle = (low + high) / 2
        if len(_packed(works, middle)) <= n_shares:
            high = middle
        else:
            low = middle
    return _packed(works, high)


def _packed(works: list[float], largest: float) -> list[tuple[int, int]]:
    """Consecutive groups in as few shares as there can be of at most so much work each."""
    found: list[tuple[int, int]] = []
    start, work = 0, 0.0
    for i, more in enumerate(works):
        if i > start and work + more > largest:
            found.append((start, i))
            start, work = i, 0.0
        work += more
    if start < len(works):
        found.append((start, len(works)))
    return found
