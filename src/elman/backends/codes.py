"""Checks that the compiled kernel belongs to this package, and reads its codes for names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from elman.backends.cells import ACTIVATIONS, CELLS, NORM_EPSILON
from elman.backends.contract import OUTPUTS, POOLS
from elman.backends.streams import LINKS, MISSING, STREAM_READOUTS

EXPECTED: dict[str, tuple[str, ...]] = {
    "activations": ACTIVATIONS,
    "pools": ("none", *POOLS),
    "readouts": STREAM_READOUTS,
    "missing": MISSING,
    "links": LINKS,
}
"""What the kernel has to know, in whatever order."""


class Kernel(Protocol):
    """What the compiled module says about itself."""

    NORM_EPSILON: float

    def names(self) -> dict[str, tuple[str, ...]]:
        """Lists of names, by subject; the position of a name in its list is its code."""
        ...

    def shapes(self) -> dict[str, tuple[int, int, int, int]]:
        """How many gates, biases, states and blocks of trace each cell has."""
        ...


class Codes(dict[str, int]):
    """The kernel's codes by name. A name that it does not know is a ValueError that says so."""

    def __init__(self, what: str, names: Iterable[str]) -> None:
        super().__init__({name: code for code, name in enumerate(names)})
        self._what = what

    def __missing__(self, name: str) -> int:
        raise ValueError(
            f"the compiled kernel does not know the {self._what} {name!r}, only "
            f"{', '.join(self)}; use backend='reference' for it"
        )


class KernelCodes(NamedTuple):
    """What the functions of the kernel take in the place of names."""

    cell: Codes
    activation: Codes
    outputs: dict[str, int]
    readout: Codes
    missing: Codes
    link: Codes


def read_codes(kernel: Kernel | Any) -> KernelCodes:
    """Take the codes from a compiled module, which has to be made for this package.

    Its activations, outputs, readouts, ways with missing values and links are those of the
    contract. Its cells are cells of the contract, of the same shapes, but they need not be all:
    a cell begins in the reference.

    Raises
    ------
    ImportError
        They differ: the module was built from other sources.
    """
    try:
        names, shapes, epsilon = kernel.names(), kernel.shapes(), kernel.NORM_EPSILON
        lists = {what: names[what] for what in ("cells", *EXPECTED)}
    except (AttributeError, KeyError) as error:
        raise _of_other_sources(kernel, f"it does not say what it knows ({error})") from error
    for what, expected in EXPECTED.items():
        if sorted(lists[what]) != sorted(expected):
            raise _of_other_sources(
                kernel, f"its {what!r} are {lists[what]}, but those of the package {expected}"
            )
    for cell in lists["cells"]:
        if cell not in CELLS:
            raise _of_other_sources(kernel, f"the package has no cell {cell!r}")
        kind = CELLS[cell]
        shape = (len(kind.gates), len(kind.biases), len(kind.states), len(kind.trace))
        if shapes.get(cell) != shape:
            raise _of_other_sources(
                kernel,
                f"its cell {cell!r} has {shapes.get(cell)} gates, biases, states and blocks of "
                f"trace, but that of the package {shape}",
            )
    if epsilon != NORM_EPSILON:
        raise _of_other_sources(
            kernel, f"its layer normalisation adds {epsilon} to a variance, not {NORM_EPSILON}"
        )
    pools = lists["pools"]
    return KernelCodes(
        Codes("cell", lists["cells"]),
        Codes("activation", lists["activations"]),
        {name: pools.index(name if name in POOLS else "none") for name in OUTPUTS},
        Codes("readout", lists["readouts"]),
        Codes("way with missing values", lists["missing"]),
        Codes("link", lists["links"]),
    )


def _of_other_sources(kernel: Kernel, difference: str) -> ImportError:
    place = getattr(kernel, "__file__", None) or "elman.backends._native"
    return ImportError(
        f"the compiled kernel ({place}) was built from other sources than this package: "
        f"{difference}. Install elman again, so that the kernel is built anew; until then "
        "ELMAN_BACKEND=reference works without it"
    )
