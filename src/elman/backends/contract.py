"""What a backend owes: arrays of whole sequences in, arrays of whole sequences out.

A backend computes the time loops of every recurrent cell and the affine map of the head. The NumPy
reference (`reference.py`) defines the right answer; every other backend agrees with it within
`tolerances.TOLERANCES`. Beside this file, `cells.py` has the cells and their weights, `streams.py`
what goes through a network step by step, `fused.py` what else a backend may have compiled, and
`checks.py` the checks of arguments that every backend makes. Shapes in all of them use

    n_samples    B    sequences in the batch
    n_timesteps  T    steps of the longest sequence; X is padded to it
    n_features   D    width of one input step, not counting categories
    hidden_size  H    width of the hidden state
    state_size        width of all that goes from step to step: H, or 2 H for an LSTM

Arrays are batch-major, C-contiguous and aligned, of one dtype (float32 or float64) throughout.
Inputs are never written, outputs are freshly allocated, no state is kept between calls, and every
call may come from any thread.

Exactness, which every backend keeps:

- the same call gives the same bits, whatever the number of threads;
- a sample's outputs (H, final, dX, dinitial, Y) do not depend on the batch it came in, on its place
  in it, or on what the padding holds (NaN in the padding never leaks);
- gradients of weights are summed over fixed groups of samples in a fixed tree, so that calls which
  share the groups of a batch out among them can have them added up to the bits of one call: see
  `Backend.group_rows`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from elman.backends.cells import Cell, Weights
from elman.backends.fused import Fused
from elman.backends.streams import SteppedNetwork, Stepper, StreamPlan

Array = NDArray[Any]
Outputs = Literal["sequence", "final", "mean", "max", "mean_max"]

OUTPUTS: tuple[Outputs, ...] = ("sequence", "final", "mean", "max", "mean_max")
POOLS: tuple[Outputs, ...] = ("mean", "max", "mean_max")
"""What is taken of the states while they are made; "mean_max" is both, side by side."""
LARGEST: tuple[Outputs, ...] = ("max", "mean_max")
"""Those of them that end with the largest states."""


def pooled_width(outputs: Outputs, hidden_size: int) -> int:
    """Columns of what is pooled."""
    return 2 * hidden_size if outputs == "mean_max" else hidden_size


class Coded(NamedTuple):
    """The categories of each step, and what each of them adds to the products of the step with W_x.

    A category is a row of a table. A layer fed one-hot takes rows of its W_x as the table, a layer
    with an embedding E the rows of E W_x; neither needs an array of zeros and ones.
    """

    codes: NDArray[np.int32]
    """(n_samples, n_timesteps, n_codes), n_codes at least 1, each in [0, n_rows); what they hold
    past a sample's end is not read"""
    table: Array
    """(n_rows, n_gates * hidden_size), of X's dtype, its columns those of W_x"""


class Tape(NamedTuple):
    """What `forward` keeps for `backward`: references to its inputs, and hidden states."""

    cell: Cell
    X: Array
    """(n_samples, n_timesteps, n_features), the caller's own array"""
    lengths: NDArray[np.int64] | None
    initial: Array | None
    weights: Weights
    H: Array
    """(n_samples, n_timesteps, hidden_size), zero past each sample's end; with checkpoints only the
    states after each `recompute_every` steps, (n_samples, n_checkpoints, state_size)"""
    recompute_every: int = 0
    """steps between checkpoints, as the backend rounded them; 0: every state is there"""
    outputs: Outputs = "sequence"
    pooled: Array | None = None
    """for outputs="max" and "mean_max": as in `Forward`"""
    ties: Array | None = None
    """(n_samples, hidden_size) for outputs="max" and "mean_max": how many steps reached the largest
    value"""
    trace: Array | None = None
    """(n_samples, n_timesteps, `Cell.trace_size`); past a sample's end it means nothing; None
    where that is 0, and with checkpoints"""
    h_mask: Array | None = None
    batch_samples: int | None = None
    """samples of the batch that these are a part of; None: they are all"""
    coded: Coded | None = None


class Forward(NamedTuple):
    """What `forward` returns."""

    H: Array | None
    """(n_samples, n_timesteps, hidden_size), zero past each end; None unless outputs="sequence" """
    final: Array
    """(n_samples, state_size), the state at each sample's own last step; `initial` at length 0"""
    tape: Tape | None
    """None unless keep_tape"""
    pooled: Array | None = None
    """(n_samples, hidden_size) for outputs="mean" or "max": the mean of each unit, or its largest
    value, over the sample's own steps; the initial one at length 0. For "mean_max" (n_samples,
    2 hidden_size): the means, and then the largest values. A mean is a sum in float64,
    one step after another, and the number of steps, each rounded to the dtype and divided"""


class CellGradients(NamedTuple):
    """What `backward` returns: gradients of the loss."""

    dX: Array | None
    """(n_samples, n_timesteps, n_features), zero past each sample's end; None unless need_dX"""
    dinitial: Array
    """(n_samples, state_size)"""
    dweights: Weights
    """same shapes as the weights"""
    dtable: Array | None = None
    """(n_rows, n_gates * hidden_size): for each row of `Coded.table` the sum, over all codes that
    name it, of the gradient at the products of that step with W_x; zero for a row that no code
    names. None without codes"""


@runtime_checkable
class Backend(Protocol):
    """The functions a backend owes. Each checks its arguments (`check_forward` and the like)."""

    name: str
    """"reference" or "native" """
    isa: str
    """instruction set of the kernel in use, or "numpy" """
    n_threads: int
    """threads a call may use"""
    fused: ClassVar[Fused | None]
    """what else a training step needs, compiled; None: NumPy does it"""

    def forward(
        self,
        cell: Cell,
        X: Array,
        lengths: NDArray[np.int64] | None,
        initial: Array | None,
        weights: Weights,
        *,
        outputs: Outputs = "sequence",
        keep_tape: bool = False,
        recompute_every: int = 0,
        h_mask: Array | None = None,
        batch_samples: int | None = None,
        coded: Coded | None = None,
    ) -> Forward:
        """Run every time step of every sample.

        Parameters
        ----------
        X : (n_samples, n_timesteps, n_features)
            With `coded` n_features may be 0.
        lengths : (n_samples,) int64, longest first, each in [0, n_timesteps], or None (all full)
        initial : (n_samples, state_size) or None (zeros)
        outputs : "sequence" returns H; the others do not, and without a tape never allocate it;
            "mean", "max" and "mean_max" return `pooled`, taken while the states are made; `final`
            is there in any case
        keep_tape : whether to keep what `backward` needs
        recompute_every : with k > 0 the tape keeps the state after every k steps (a backend may
            round k up) and `backward` computes those between again, to the same bits: memory for
            a history of n_timesteps / k + k steps, for one more forward pass in time
        h_mask : (n_samples, hidden_size) or None; what the product with W_h sees of a hidden state
            is h * h_mask, at every step of a sample: recurrent dropout. Nothing else is masked.
        batch_samples : int or None
            How many samples the batch has of which these are whole groups, side by side; X has as
            many time steps as it has there. `backward` then sums the gradients of weights as it
            does for the batch, in the groups of `group_rows`. None: these are the whole batch.
        coded : Coded or None
            Categories of each step. Their rows of the table come before the products of x with
            W_x, one column of codes after the other: table[codes[t, 0]] + table[codes[t, 1]] +
            ... + x_t W_x, in this order. With one column of codes these are the bits that the same
            call gives for one-hot columns placed before those of X, the table placed above W_x.
        """
        ...

    def backward(
        self,
        dH: Array | None,
        dfinal: Array | None,
        tape: Tape,
        *,
        dpooled: Array | None = None,
        need_dX: bool = True,
        out: Weights | None = None,
    ) -> CellGradients:
        """Backpropagation through time.

        Parameters
        ----------
        dH : (n_samples, n_timesteps, hidden_size) or None
            Gradient at every hidden state; what it holds past a sample's end is not read.
        dfinal : (n_samples, state_size) or None
            Gradient at `final`, added to the one at the sample's own last step.
        dpooled : an array of the shape of `pooled`, or None
            Gradient at `pooled`: each step's share is 1 / length ("mean"), or equal among the
            steps that reached the largest value ("max"). Beside `dfinal` or not.
        out : arrays shaped like the weights, or None
            Overwritten with `dweights`, and returned as such.

        Notes
        -----
        `dtable` is summed over the same groups of samples as `dweights`, in the same tree; a group
        in which no code names a row adds nothing to it. Within a group the order of the sum
        depends on the shapes and the codes alone.
        """
        ...

    def group_rows(self, cell: Cell | None, n_rows: int, width: int) -> int:
        """How many samples, or rows, make up a group in the gradients of weights of a batch.

        The rows are cut into groups of this many, from the first row on; the last group may be
        smaller. The gradient of a group depends on its own rows and on the shape of the batch. The
        gradient of the batch is the sum of those of its groups in a fixed tree: neighbours are
        added first, then neighbouring sums; one without a neighbour goes on as it is. A call over
        one group that is told the size of the batch therefore computes one leaf of that tree, and
        a call over 2^k groups, whose first index is divisible by 2^k, a whole branch of it.

        Parameters
        ----------
        cell : Cell or None
            None: of `linear_backward`.
        n_rows : int
            Samples of a batch, or rows of `linear_backward`.
        width : int
            hidden_size, or n_out.

        Returns
        -------
        int
            At least 1; `n_rows` where a batch is one group.
        """
        ...

    def step(
        self,
        cell: Cell,
        x: Array,
        state: Array,
        weights: Weights,
        *,
        coded: Coded | None = None,
    ) -> Array:
        """One time step: x (n_samples, n_features), state (n_samples, state_size) -> new state.

        `coded` has the codes of this step alone: (n_samples, 1, n_codes).
        """
        ...

    def stepper(
        self,
        cell: Cell,
        weights: Weights,
        n_samples: int = 1,
        *,
        table: Array | None = None,
        n_codes: int = 0,
    ) -> Stepper:
        """Weights prepared once for many single steps; a later change of theirs is not seen.

        With a `table` (`Coded`) each step has `n_codes` codes, at least 1, that name rows of it;
        without one n_codes is 0.
        """
        ...

    def stream(self, plan: StreamPlan) -> SteppedNetwork | None:
        """The steps of a whole network in one call, or None: it is left to `elman.models`.

        None where the backend has nothing faster than single steps, where it does not compute the
        readout of the plan, and where the steppers are not its own.
        """
        ...

    def linear_forward(self, X: Array, W: Array, b: Array) -> Array:
        """X (n_samples, n_in) @ W (n_in, n_out) + b (n_out,), a row's bits free of the batch."""
        ...

    def linear_backward(
        self,
        dY: Array,
        X: Array,
        W: Array,
        *,
        need_dX: bool = True,
        out: tuple[Array, Array] | None = None,
        batch_rows: int | None = None,
    ) -> tuple[Array | None, Array, Array]:
        """Take dY (n_samples, n_out) back: dX (n_samples, n_in) or None, dW (n_in, n_out), db.

        `out` is overwritten with dW and db, and returned as such. `batch_rows` is to the rows what
        `batch_samples` of `forward` is to samples.
        """
        ...
