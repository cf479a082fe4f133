"""What a readout is: it begins, takes chunks of steps, has a value, and shares its gradient out.

The same four operations serve every way of reading a sequence. A whole sequence is one chunk.
Training that is cut by `bptt_steps` takes several, one after the other, and shares the gradient of
the value out among them when each is run again. A stream takes chunks of one step, and asks for the
value after each. The value has the same bits whichever way the steps came.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend, Outputs
from elman.nn.chunks import Chunk
from elman.nn.layers import Backprop, PassContext, States
from elman.nn.parameters import Parameters, Shapes

Array = NDArray[Any]


class Fold(ABC):
    """A readout of a batch of samples, somewhere on its way through their time steps.

    The class says which weights the readout has; an instance is one pass over some samples. A
    readout defines `about`, `begin`, `take`, `value` and `share`, and of the rest what differs.

    Parameters
    ----------
    context : PassContext
        What the pass through the network shares: `params` has the weights of the readout, `dtype`
        of them is that of the states, and `keep_tape` says whether `share` will be called.
    n_steps : ndarray of shape (n_samples,), int64
        How many steps of each sample the value is of. Of sequences that are there from the start
        it is their length. Of a stream, and in `over_time`, it is the number of steps taken so
        far: whoever takes the steps counts them in this array.
    width : int
        Columns of a hidden state.

    Attributes
    ----------
    state : dict of str to ndarray
        All that goes from one chunk to the next, by name: arrays with a row for each sample. They
        are changed in place, because a stream saves, restores and resets them.
    """

    about: ClassVar[str]
    """what it reads, for the documentation of `readout`: a phrase without a full stop"""
    outputs: ClassVar[Outputs | tuple[Outputs, ...] | None] = None
    """what a backend is asked for if it can take the readout while it makes the states, of several
    readouts in their order; None if the states have to come out"""
    at_every_step: ClassVar[bool] = False
    """whether the network answers at every time step, so that there is a value for each"""
    kink_at_ties: ClassVar[bool] = False
    """whether the value has no derivative where the two largest states of a unit are equal; a check
    of gradients keeps away from there"""

    def __init__(self, context: PassContext, n_steps: NDArray[np.int64], width: int) -> None:
        self.context, self.n_steps, self.width = context, n_steps, width
        self.state = self.begin()

    @classmethod
    def n_values(cls, width: int) -> int:
        """Columns of the value: by default those of a state."""
        return width

    # Its weights

    @classmethod
    def shapes(cls, width: int) -> Shapes:
        """Full names and shapes of its weights: "attention.query"; by default it has none."""
        return {}

    @classmethod
    def initial(cls, width: int, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Full names and initial values of its weights: by default zeros."""
        return {name: np.zeros(shape) for name, shape in cls.shapes(width).items()}

    @classmethod
    def branches(
        cls, width: int, n_samples: int, n_timesteps: int, backend: Backend
    ) -> tuple[int, ...]:
        """Samples in the smallest branch of each tree that sums up gradients of its weights.

        By default only the whole batch: a gradient of weights is one sum over all of its samples.
        """
        return (n_samples,) if cls.shapes(width) else ()

    # The fold

    @abstractmethod
    def begin(self) -> dict[str, Array]:
        """Return `state` as it is before the first step.

        Of a stream, every row has to begin alike.
        """

    @abstractmethod
    def take(self, H: Array, chunk: Chunk) -> None:
        """Go on by the steps of a chunk.

        Parameters
        ----------
        H : ndarray of shape (n, n_timesteps, width)
            The states of the first n samples, zero past the end of each.
        chunk : Chunk
            Which steps these are; `chunk.past` says which lie past an end. What does must not
            change the row of its sample in `state`.
        """

    @abstractmethod
    def value(self, final: Array) -> Array:
        """Return the readout of all steps so far; nothing of the fold changes.

        Parameters
        ----------
        final : ndarray of shape (n, width)
            The states of the first n samples after their last steps; the initial state of a sample
            without a step, which is what it is read as (`or_initial`).

        Returns
        -------
        ndarray of shape (n, n_values)
        """

    @abstractmethod
    def share(self, H: Array, chunk: Chunk, dvalue: Array, gradient: Parameters) -> States:
        """Take the gradient back to the states of one chunk, once all chunks were taken.

        Parameters
        ----------
        H, chunk
            As `take` was given them, to the same bits.
        dvalue : ndarray of shape (n_samples, n_values)
            The gradient at the value.
        gradient : Parameters
            What the chunk adds to the gradient of the readout's own weights is written there; the
            chunks are added up elsewhere.

        Returns
        -------
        States
            `H` (n, n_timesteps, width), not read past an end; `final` (n, width), where the
            gradient of a sample without a step belongs. `spread` makes `States` of `H`.
        """

    def depends_on(self, chunk: Chunk) -> bool:
        """Whether the value depends on the states of this chunk: if not, `share` is not called."""
        return True

    def over_time(self, H: Array) -> Array:
        """Go on by some steps, and return the value after each of them.

        Parameters
        ----------
        H : ndarray of shape (n, n_timesteps, width)
            The states of the first n samples.

        Returns
        -------
        ndarray of shape (n, n_timesteps, n_values)
            Past the end of a sample it means nothing.
        """
        n = len(H)
        one = Chunk(0, 1, n, None)
        out = np.empty((*H.shape[:2], self.n_values(self.width)), H.dtype)
        for t in range(H.shape[1]):
            self.take(H[:, t : t + 1], one)
            self.n_steps[:n] += 1
            out[:, t] = self.value(H[:, t])
        return out

    # Whole sequences

    @classmethod
    def of_whole(cls, states: States, context: PassContext, width: int) -> tuple[Array, Backprop]:
        """The readout of whole sequences, which are one chunk, and the way back.

        Parameters
        ----------
        states : States
            Both of its arrays are there.
        context : PassContext
        width : int

        Returns
        -------
        value : ndarray of shape (n_samples, n_values)
        backward : callable
            (gradient at the value, where to write those of weights) -> that at `states`.
        """
        H, final = np.asarray(states.H), np.asarray(states.final)
        n_samples, n_timesteps, _ = H.shape
        n_steps = np.full(n_samples, n_timesteps) if context.lengths is None else context.lengths
        chunk = Chunk(0, n_timesteps, n_samples, context.lengths)
        fold = cls(context, n_steps, width)
        fold.take(H, chunk)

        def backward(dvalue: Array, gradient: Parameters) -> States:
            return fold.share(H, chunk, dvalue, gradient)

        return fold.value(final), backward

    # Helpers for the classes of readouts

    def divisor(self, n: int, dtype: Any) -> Array:
        """The steps of each of the first n samples, at least 1, as (n, 1) of a dtype."""
        return np.asarray(np.maximum(self.n_steps[:n, np.newaxis], 1).astype(dtype))

    def or_initial(self, value: Array, final: Array) -> Array:
        """The value where a sample has steps, and `final` where it has none.

        The sign of a zero is dropped, because a backend that takes the readout itself does not
        tell the two apart.
        """
        zero = final.dtype.type(0)
        return np.where(self.n_steps[: len(final), np.newaxis] == 0, final, value + zero)

    def spread(self, dH: Array, dvalue: Array, chunk: Chunk) -> States:
        """The gradient at the states of a chunk, and at the initial state of samples without one.

        Those are in the first chunk, and in no other.
        """
        n = chunk.n_samples
        unread = self.n_steps[:n, np.newaxis] == 0
        return States(dH, np.where(unread, dvalue[:n], dvalue.dtype.type(0)))
