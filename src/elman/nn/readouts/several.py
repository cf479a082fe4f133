"""Several readouts of the same states, whose values stand side by side.

Each of them stays what it is alone: it keeps its own state, and gets its own columns of the
gradient. What they send back to the states is added up in the order in which they are named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.backends.contract import Backend
from elman.nn.chunks import Chunk
from elman.nn.layers import PassContext, States
from elman.nn.parameters import Parameters, Shapes
from elman.nn.readouts.fold import Fold

Array = NDArray[Any]


class Several(Fold):
    """What each of several readouts makes of the states, concatenated in their order.

    `side_by_side` makes a class of it for the readouts that there are.
    """

    parts: ClassVar[Mapping[str, type[Fold]]]
    """the readouts by name, in their order"""

    def __init__(self, context: PassContext, n_steps: NDArray[np.int64], width: int) -> None:
        self._folds = {
            name: part(context, n_steps, width) for name, part in type(self).parts.items()
        }
        super().__init__(context, n_steps, width)

    @classmethod
    @override
    def n_values(cls, width: int) -> int:
        return sum(part.n_values(width) for part in cls.parts.values())

    @classmethod
    @override
    def shapes(cls, width: int) -> Shapes:
        shapes: Shapes = {}
        for part in cls.parts.values():
            shapes |= part.shapes(width)
        return shapes

    @classmethod
    @override
    def initial(cls, width: int, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        initial: dict[str, NDArray[np.float64]] = {}
        for part in cls.parts.values():
            initial |= part.initial(width, rng)
        return initial

    @classmethod
    @override
    def branches(
        cls, width: int, n_samples: int, n_timesteps: int, backend: Backend
    ) -> tuple[int, ...]:
        branches: tuple[int, ...] = ()
        for part in cls.parts.values():
            branches += part.branches(width, n_samples, n_timesteps, backend)
        return branches

    @override
    def begin(self) -> dict[str, Array]:
        # The arrays are those of the parts, which change them in place: "max.largest".
        return {
            f"{name}.{key}": array
            for name, fold in self._folds.items()
            for key, array in fold.state.items()
        }

    @override
    def take(self, H: Array, chunk: Chunk) -> None:
        for fold in self._folds.values():
            fold.take(H, chunk)

    @override
    def value(self, final: Array) -> Array:
        return np.concatenate([fold.value(final) for fold in self._folds.values()], axis=1)

    @override
    def share(self, H: Array, chunk: Chunk, dvalue: Array, gradient: Parameters) -> States:
        dH: Array | None = None
        dfinal = np.zeros((len(H), self.width), dvalue.dtype)
        start = 0
        for fold in self._folds.values():
            stop = start + fold.n_values(self.width)
            own = np.ascontiguousarray(dvalue[:, start:stop])
            start = stop
            part = fold.share(H, chunk, own, gradient)
            if part.H is not None:
                dH = part.H if dH is None else dH + part.H
            if part.final is not None:
                dfinal += part.final
        return States(dH, dfinal)

    @override
    def depends_on(self, chunk: Chunk) -> bool:
        return any(fold.depends_on(chunk) for fold in self._folds.values())

    @override
    def over_time(self, H: Array) -> Array:
        before = self.n_steps.copy()
        values = []
        for fold in self._folds.values():
            self.n_steps[...] = before  # each of them counts the same steps
            values.append(fold.over_time(H))
        return np.concatenate(values, axis=2)


def side_by_side(parts: Mapping[str, type[Fold]]) -> type[Fold]:
    """The class of several readouts.

    Parameters
    ----------
    parts : mapping of str to a class of readouts
        At least two, by name, in the order of their values; none that answers at every step.
    """
    outputs = tuple(part.outputs for part in parts.values())
    attributes = {
        "parts": dict(parts),
        "about": "; ".join(part.about for part in parts.values()),
        "outputs": None if None in outputs else outputs,
        "kink_at_ties": any(part.kink_at_ties for part in parts.values()),
        "__doc__": f"The readouts {', '.join(parts)}, side by side.",
    }
    return type("Several", (Several,), attributes)
