"""One time step at a time: through a single cell, and through a whole network."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Link = Literal["identity", "softmax", "sigmoid"]

LINKS: tuple[Link, ...] = ("identity", "softmax", "sigmoid")
"""What makes an answer of logits."""

MISSING: tuple[str, ...] = ("error", "mask", "skip")
"""What is done with NaN in a step: an error, a column that marks it, or leaving the step out."""

STREAM_READOUTS: tuple[str, ...] = ("last", "mean", "max", "attention")
"""The readouts a backend may compute in a `stream` of its own. Others are left to `elman.models`,
but for "every", which is "last" asked after every step."""


class Stepper(Protocol):
    """A cell whose weights are prepared for single time steps, fed by one thread at a time."""

    state: Array
    """(n_samples, state_size), the states so far: zeros at first, changed in place by `step`;
    write to it to reset or restore them"""
    n_codes: int
    """codes of each step; 0: there is no table"""
    n_rows: int
    """rows of the table"""

    def step(self, x: Array, codes: NDArray[np.int32] | None = None, /) -> None:
        """x (n_samples, n_features), C-contiguous and of the weights' dtype: one step further.

        With a table also codes (n_samples, n_codes), C-contiguous, int32, each in [0, n_rows).

        The same bits as `Backend.forward`. TypeError for anything else, a code that is not a row
        of the table among it; the state has not changed then.
        """
        ...


class StreamPlan(NamedTuple):
    """What happens to a time step on its way through a network, from standardising to the answer.

    Arrays are copied, but the steppers, which are the stream's own from then on, are not.
    """

    steppers: tuple[Stepper, ...]
    """one for each layer, all of the same n_samples and of the dtype of W"""
    hidden_sizes: tuple[int, ...]
    residual: bool
    """whether from the second layer on a layer's output is its state and its input"""
    readout: str | tuple[str, ...]
    """its name, one of `elman.nn.readouts`; or of several in the order of their values"""
    readout_weights: dict[str, Array]
    """those of the readout, by name: "attention.query" (width,)"""
    W: Array
    """(width, n_outputs), of the head; with several readouts (width times their number, n_outputs)
    """
    b: Array
    """(n_outputs,)"""
    link: Link
    """from logits to the answer"""
    n_features: int
    """of a step as it comes in, those that are categories counted too"""
    mean: NDArray[np.float64] | None
    """(n_features,), subtracted; None: steps are taken as they come. 0 for a category"""
    scale: NDArray[np.float64] | None
    """(n_features,), divided by; 1 for a category"""
    missing: str
    """one of `MISSING`"""
    flat: bool
    """one stream, whose steps and answers have no axis for streams"""
    categories: tuple[int, ...] = ()
    """For each of the first columns of a step, which are categories, how many there are of it. Its
    value must be a whole number in [0, that many), and the code that the first stepper takes for
    it is that number and those of all columns before it: column k has the rows of the stepper's
    table from sum(categories[:k]) on. The columns after them are the numbers of the step.

    Indicators with missing="mask" are of the numbers alone and follow them. With missing="skip" a
    row that is left out may hold any finite number where a category should be."""

    @property
    def n_codes(self) -> int:
        """How many of the columns are categories."""
        return len(self.categories)


class SteppedNetwork(Protocol):
    """A network fed one time step at a time, by one thread at a time.

    Shapes are those of n streams; with `flat` the first axis of steps and answers is not there.
    """

    state: dict[str, Array]
    """all that goes from step to step, by name, a row for each stream; zeros at first, largest
    values -inf. Sums over time are float64, whatever the dtype of the network. Changed in place by
    `step`: write to it to reset or restore."""
    logits: Array
    """(n, n_outputs) of the last answer"""

    def step(self, x: Array, /) -> Array | None:
        """One step further: x (n, n_features), float32 or float64 -> the answers (n, n_outputs).

        None, and nothing has changed, if x is anything but a plain C-contiguous, aligned array of
        that shape, or if it holds what the plan refuses: infinity, NaN with missing="error", what
        is infinite once it is standardised, or in the column of a category anything but one of its
        whole numbers (so NaN as well, unless missing="skip" leaves the row out).

        FloatingPointError if a logit is NaN or infinite; the step has been taken then.
        """
        ...

    def answer(self) -> Array:
        """The answers (n, n_outputs) of the state as it is.

        FloatingPointError if a logit is NaN or infinite.
        """
        ...
