"""The one seam: arrays of whole sequences in, arrays of whole sequences out, and who checks them.

A backend computes the time loops of every recurrent cell and the affine map of the head. The NumPy
reference (`reference.py`) defines the right answer; every other backend agrees with it within
`TOLERANCES`. Shapes in this file use

    n_samples    B    sequences in the batch
    n_timesteps  T    steps of the longest sequence; X is padded to it
    n_features   D    width of one input step
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

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Activation = Literal["tanh", "relu"]
Outputs = Literal["sequence", "final", "mean", "max"]

OUTPUTS: tuple[Outputs, ...] = ("sequence", "final", "mean", "max")
POOLS: tuple[Outputs, ...] = ("mean", "max")
ACTIVATIONS: tuple[Activation, ...] = ("tanh", "relu")


class CellKind(NamedTuple):
    """What sets one cell's shapes apart from another's."""

    gates: tuple[str, ...]
    """blocks of `hidden_size` columns in W_x and W_h, in order"""
    biases: tuple[str, ...]
    """blocks of `hidden_size` in b, in order"""
    states: tuple[str, ...]
    """blocks of `hidden_size` columns in a state, the hidden state first"""
    trace: tuple[str, ...]
    """what the tape keeps of each step beside the hidden state, in blocks of `hidden_size`"""
    x_sums: tuple[int, ...]
    """for each gate, which of the biased sums its product with x goes into"""
    h_sums: tuple[int, ...]
    """likewise its product with the hidden state"""
    candidate: str
    """the gate that goes through tanh: what a new state is made of"""


CELLS: dict[str, CellKind] = {
    "elman": CellKind(("h",), ("h",), ("h",), (), (0,), (0,), "h"),
    "gru": CellKind(
        ("r", "z", "n"),
        ("r", "z", "n", "hn"),
        ("h",),
        ("r", "z", "n", "hn"),
        (0, 1, 2),
        (0, 1, 3),
        "n",
    ),
    "lstm": CellKind(
        ("i", "f", "g", "o"),
        ("i", "f", "g", "o"),
        ("h", "c"),
        ("i", "f", "g", "o", "c"),
        (0, 1, 2, 3),
        (0, 1, 2, 3),
        "g",
    ),
}
"""The cells by name; `Cell` has their equations."""

NORM_EPSILON = 1e-5
"""Added to the variance of a sum in layer normalisation."""


@dataclass(frozen=True)
class Cell:
    """Which cell the time loop runs, and its options.

    With s the logistic function, and products and biases of a gate named by the gate:

    - elman: h_t = f(x_t W_x + h_{t-1} W_h + b), Elman (1990), "Finding structure in time".
    - gru: r = s(x_t W_xr + h_{t-1} W_hr + b_r), z likewise, hn = h_{t-1} W_hn + b_hn,
      n = tanh(x_t W_xn + b_n + r hn), h_t = (1 - z) n + z h_{t-1}: Cho et al. (2014), "Learning
      phrase representations using RNN encoder-decoder", with the reset after the recurrent product.
    - lstm: i, f, o = s(...), g = tanh(...), c_t = f c_{t-1} + i g, h_t = o tanh(c_t): Hochreiter
      and Schmidhuber (1997), "Long short-term memory", with the forget gate of Gers et al. (2000).
      A state is (h, c) side by side.

    With `layer_norm` every sum a that a bias is added to (`CellKind.biases`: a vector over the
    hidden units, such as x_t W_x + h_{t-1} W_h) becomes gain (a - mean(a)) / sqrt(var(a) + 1e-5)
    first, mean and variance taken over its units: Ba, Kiros and Hinton (2016), "Layer
    normalization". An LSTM's c is not normalised, so that nothing stands in its way through time.

    Parameters
    ----------
    name : {"elman", "gru", "lstm"}
    activation : {"tanh", "relu"}
        f of the Elman cell; the others are made of tanh and the logistic function.
    layer_norm : bool
    """

    name: str = "elman"
    activation: Activation = "tanh"
    layer_norm: bool = False

    def __post_init__(self) -> None:
        if self.name not in CELLS:
            raise ValueError(f"cell={self.name!r} is not known; choose one of {', '.join(CELLS)}")
        if self.activation not in ACTIVATIONS:
            choices = ", ".join(ACTIVATIONS)
            raise ValueError(
                f"activation={self.activation!r} is not known; choose one of {choices}"
            )
        if self.name != "elman" and self.activation != "tanh":
            raise ValueError(
                f"activation={self.activation!r} is for cell='elman'; cell={self.name!r} has tanh "
                "inside"
            )

    @property
    def kind(self) -> CellKind:
        """Its blocks."""
        return CELLS[self.name]

    def state_size(self, hidden_size: int) -> int:
        """Columns of a state."""
        return len(self.kind.states) * hidden_size

    def trace_size(self, hidden_size: int) -> int:
        """Columns of what the tape keeps of a step beside the hidden state.

        The blocks of `CellKind.trace`; with `layer_norm` also each sum, normalised but not yet
        scaled, and 1 / sqrt(var + epsilon) of each.
        """
        norms = len(self.kind.biases) * (hidden_size + 1) if self.layer_norm else 0
        return len(self.kind.trace) * hidden_size + norms

    @property
    def weight_names(self) -> tuple[str, ...]:
        """The fields of `Weights` it has."""
        return Weights._fields if self.layer_norm else Weights._fields[:-1]


class Weights(NamedTuple):
    """Weights of one recurrent layer; with G gates and N biases (`CellKind`)."""

    W_x: Array
    """(n_features, G * hidden_size)"""
    W_h: Array
    """(hidden_size, G * hidden_size)"""
    b: Array
    """(N * hidden_size,)"""
    gain: Array | None = None
    """(N * hidden_size,) with layer normalisation, else None"""

    @property
    def arrays(self) -> tuple[Array, ...]:
        """Those there are."""
        return self[:3] if self.gain is None else tuple(w for w in self if w is not None)


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
    states after each `checkpoint_every` steps, (n_samples, n_checkpoints, state_size)"""
    checkpoint_every: int = 0
    """steps between checkpoints, as the backend rounded them; 0: every state is there"""
    outputs: Outputs = "sequence"
    pooled: Array | None = None
    """(n_samples, hidden_size) for outputs="max": as in `Forward`"""
    ties: Array | None = None
    """(n_samples, hidden_size) for outputs="max": how many steps reached `pooled`"""
    trace: Array | None = None
    """(n_samples, n_timesteps, `Cell.trace_size`); past a sample's end it means nothing; None
    where that is 0, and with checkpoints"""
    h_mask: Array | None = None
    batch_samples: int | None = None
    """samples of the batch that these are a part of; None: they are all"""


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
    value, over the sample's own steps; the initial one at length 0. The mean is a sum in float64,
    one step after another, and the number of steps, each rounded to the dtype and divided"""


class Backward(NamedTuple):
    """What `backward` returns: gradients of the loss."""

    dX: Array | None
    """(n_samples, n_timesteps, n_features), zero past each sample's end; None unless need_dX"""
    dinitial: Array
    """(n_samples, state_size)"""
    dweights: Weights
    """same shapes as the weights"""


class AdamStep(NamedTuple):
    """The numbers of one step of Adam or AdamW: see `elman.nn.optimizers.Adam`."""

    scale: float
    """of the gradient"""
    penalty: float
    """times decay * weights, added to the gradient"""
    beta_1: float
    beta_2: float
    root_correction_2: float
    """sqrt(1 - beta_2^t)"""
    epsilon: float
    rate: float
    """learning rate / (1 - beta_1^t)"""
    shrink: float
    """times decay * weights, taken off the weights"""


class Fused(Protocol):
    """One compiled pass for what `nn` and `data` otherwise do in a dozen NumPy operations."""

    def gather(
        self,
        values: Array,
        offsets: NDArray[np.int64],
        order: NDArray[np.int64],
        n_timesteps: int,
        /,
    ) -> Array:
        """Row i is `values[offsets[k] : offsets[k + 1]]` of k = order[i], then zeros.

        `values` (total_steps, n_features); returns (len(order), n_timesteps, n_features).
        """
        ...

    def all_finite(self, values: Array, n_threads: int, /) -> bool:
        """Whether `values` (total_steps, n_features) holds neither NaN nor infinity."""
        ...

    def standardise(
        self, values: Array, mean: Array, scale: Array, out: Array, n_threads: int, /
    ) -> bool:
        """As `elman.data.scaling.standardise`, to the same bits."""
        ...

    def cross_entropy(
        self,
        logits: Array,
        codes: NDArray[np.int64],
        weights: NDArray[np.float64] | None,
        total: float,
        /,
    ) -> tuple[NDArray[np.float64], Array]:
        """As `elman.nn.losses.cross_entropy`, to rounding."""
        ...

    def sum(self, values: NDArray[np.float64], /) -> float:
        """The sum of a vector, added one value after the other from the first."""
        ...

    def softmax(self, logits: Array, /) -> Array:
        """As `elman.nn.losses.softmax` of logits (n_samples, n_classes), to rounding."""
        ...

    def sigmoid(self, logits: Array, /) -> Array:
        """As `elman.nn.losses.sigmoid` of logits (n_samples, n_classes), to rounding."""
        ...

    def norm(self, vector: Array) -> float:
        """Euclidean norm of a vector, summed in float64 in a fixed order."""
        ...

    def adam(
        self,
        weights: Array,
        gradient: Array,
        m: Array,
        v: Array,
        decay: Array | None,
        step: AdamStep,
    ) -> None:
        """One step in place, to the bits of `elman.nn.optimizers.Adam` in NumPy."""
        ...


class Stepper(Protocol):
    """A cell fed one time step at a time, by one thread at a time: see `Backend.stepper`."""

    state: Array
    """(n_samples, state_size), the states so far: zeros at first, changed in place by `step`;
    write to it to reset or restore them"""

    def step(self, x: Array, /) -> None:
        """x (n_samples, n_features), C-contiguous and of the weights' dtype: one step further.

        The same bits as `Backend.forward`. TypeError for anything else.
        """
        ...


Link = Literal["identity", "softmax", "sigmoid"]
LINKS: tuple[Link, ...] = ("identity", "softmax", "sigmoid")
"""What makes an answer of logits."""

MISSING: tuple[str, ...] = ("error", "mask", "skip")
"""What is made of NaN in a time step: see `elman.data.missing`."""

STREAM_READOUTS: tuple[str, ...] = ("last", "mean", "max", "attention")
"""The readouts a backend may compute in a `stream` of its own. Others are left to `elman.models`,
but for "every", which is "last" asked after every step."""


class StreamPlan(NamedTuple):
    """What happens to a time step on its way through a network; see `elman.models.stepping`.

    Arrays are copied, but the steppers, which are the stream's own from then on, are not.
    """

    steppers: tuple[Stepper, ...]
    """one for each layer, all of the same n_samples and of the dtype of W"""
    hidden_sizes: tuple[int, ...]
    residual: bool
    """whether from the second layer on a layer's output is its state and its input"""
    readout: str
    """its name: one of `elman.nn.readouts`"""
    readout_weights: dict[str, Array]
    """those of the readout, by name: "attention.query" (width,)"""
    W: Array
    """(width, n_outputs), of the head"""
    b: Array
    """(n_outputs,)"""
    link: Link
    """from logits to the answer"""
    n_features: int
    """of a step as it comes in"""
    mean: NDArray[np.float64] | None
    """(n_features,), subtracted; None: steps are taken as they come"""
    scale: NDArray[np.float64] | None
    """(n_features,), divided by"""
    missing: str
    """one of `MISSING`"""
    flat: bool
    """one stream, whose steps and answers have no axis for streams"""


class StreamSteps(Protocol):
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
        that shape, or if it holds what the plan refuses: infinity, NaN with missing="error", or
        what is infinite once it is standardised.
        """
        ...

    def answer(self) -> Array:
        """The answers (n, n_outputs) of the state as it is."""
        ...


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
        checkpoint_every: int = 0,
        h_mask: Array | None = None,
        batch_samples: int | None = None,
    ) -> Forward:
        """Run every time step of every sample.

        Parameters
        ----------
        X : (n_samples, n_timesteps, n_features)
        lengths : (n_samples,) int64, longest first, each in [0, n_timesteps], or None (all full)
        initial : (n_samples, state_size) or None (zeros)
        outputs : "sequence" returns H; the others do not, and without a tape never allocate it;
            "mean" and "max" return `pooled`, taken while the states are made
        keep_tape : whether to keep what `backward` needs
        checkpoint_every : with k > 0 the tape keeps the state after every k steps (a backend may
            round k up) and `backward` computes those between again, to the same bits: memory for
            a history of n_timesteps / k + k steps, for one more forward pass in time
        h_mask : (n_samples, hidden_size) or None; what the product with W_h sees of a hidden state
            is h * h_mask, at every step of a sample: recurrent dropout. Nothing else is masked.
        batch_samples : int or None
            How many samples the batch has of which these are whole groups, side by side; X has as
            many time steps as it has there. `backward` then sums the gradients of weights as it
            does for the batch: see `group_rows`. None: these are the whole batch.
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
    ) -> Backward:
        """Backpropagation through time.

        Parameters
        ----------
        dH : (n_samples, n_timesteps, hidden_size) or None
            Gradient at every hidden state; what it holds past a sample's end is not read.
        dfinal : (n_samples, state_size) or None
            Gradient at `final`, added to the one at the sample's own last step.
        dpooled : (n_samples, hidden_size) or None
            Gradient at `pooled`: each step's share is 1 / length ("mean"), or equal among the
            steps that reached the largest value ("max").
        out : arrays shaped like the weights, or None
            Overwritten with `dweights`, and returned as such.
        """
        ...

    def group_rows(self, cell: Cell | None, n_rows: int, width: int) -> int:
        """How many samples, or rows, make up a group in the gradients of weights of a batch.

        From the first row on each so many are a group, and the rest is the last one. The gradient
        of a group is a function of its own rows and of the shape of the batch. That of a batch is
        their sum in a fixed tree: neighbours first, then neighbours of sums, where one without a
        neighbour goes on as it is. With the number of rows of the batch a call over a single group
        therefore gives what the batch adds up, and a call over 2^k of them, of which the first has
        a number divisible by 2^k, a whole branch of the tree.

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

    def step(self, cell: Cell, x: Array, state: Array, weights: Weights) -> Array:
        """One time step: x (n_samples, n_features), state (n_samples, state_size) -> new state."""
        ...

    def stepper(self, cell: Cell, weights: Weights, n_samples: int = 1) -> Stepper:
        """Weights prepared once for many single steps; a later change of theirs is not seen."""
        ...

    def stream(self, plan: StreamPlan) -> StreamSteps | None:
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
        """DY (n_samples, n_out) -> dX (n_samples, n_in) or None, dW (n_in, n_out), db (n_out,).

        `out` is overwritten with dW and db, and returned as such. `batch_rows` is to the rows what
        `batch_samples` of `forward` is to samples.
        """
        ...


@dataclass(frozen=True)
class Tolerance:
    """|ours - reference| <= atol + rtol * |reference|, elementwise.

    For gradients of weights atol grows with the number of steps summed over: `gradient_atol`.
    """

    rtol: float
    atol: float


TOLERANCES: dict[str, Tolerance] = {
    "float32": Tolerance(rtol=2e-5, atol=2e-6),
    "float64": Tolerance(rtol=1e-12, atol=1e-14),
}
"""How far a backend may lie from the reference, by dtype, at the small sizes of the tests."""


def gradient_atol(dtype: np.dtype[Any] | type, n_live_steps: int) -> float:
    """Absolute tolerance of one weight's gradient, a sum over `n_live_steps` (sample, step) pairs.

    Each term carries its own rounding, and terms of both signs cancel: a gradient may end near zero
    with the error of a long sum, which no tolerance relative to it alone can express.
    """
    return TOLERANCES[np.dtype(dtype).name].atol * max(1, n_live_steps)


def _check_array(name: str, array: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain numpy array, got {type(array).__name__}")
    if array.dtype != dtype:
        raise TypeError(f"{name} has dtype {array.dtype}, expected {dtype} (one dtype throughout)")
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise ValueError(
            f"{name} must be C-contiguous and aligned; pass np.require({name}, requirements='CA')"
        )


def _check_output(name: str, array: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    _check_array(name, array, shape, dtype)
    if not array.flags.writeable:
        raise ValueError(f"{name} is read-only; pass an array that may be written")


def _check_batch(name: str, n_batch: int | None, n: int) -> None:
    if n_batch is not None and n_batch < n:
        raise ValueError(
            f"{name}={n_batch}, but there are {n} already: it counts those of the whole batch, of "
            "which these are a part; leave it out if they are all"
        )


def check_forward(
    cell: Cell,
    X: Array,
    lengths: NDArray[np.int64] | None,
    initial: Array | None,
    weights: Weights,
    outputs: Outputs = "final",
    checkpoint_every: int = 0,
    h_mask: Array | None = None,
    batch_samples: int | None = None,
) -> None:
    """Raise TypeError or ValueError unless the arguments of `forward` keep the contract."""
    if outputs not in OUTPUTS:
        raise ValueError(f"outputs={outputs!r} is not known; choose one of {', '.join(OUTPUTS)}")
    if checkpoint_every < 0:
        raise ValueError(f"checkpoint_every={checkpoint_every} must be 0 (none) or more")
    if not isinstance(X, np.ndarray) or X.ndim != 3:
        raise ValueError(f"X must be (n_samples, n_timesteps, n_features), got {np.shape(X)}")
    if X.dtype not in (np.float32, np.float64) or not X.dtype.isnative:
        raise TypeError(f"X has dtype {X.dtype}, expected native float32 or float64")
    n_samples, n_timesteps, n_features = X.shape
    _check_batch("batch_samples", batch_samples, n_samples)
    hidden_size = weights.b.shape[0] // len(cell.kind.biases)
    width = hidden_size * len(cell.kind.gates)
    _check_array("X", X, X.shape, X.dtype)
    _check_array("W_x", weights.W_x, (n_features, width), X.dtype)
    _check_array("W_h", weights.W_h, (hidden_size, width), X.dtype)
    _check_array("b", weights.b, (hidden_size * len(cell.kind.biases),), X.dtype)
    if weights.gain is not None and not cell.layer_norm:
        raise ValueError("weights.gain was given, but the cell has no layer normalisation")
    if cell.layer_norm:
        if weights.gain is None:
            raise ValueError("weights.gain is None, but the cell has layer normalisation")
        _check_array("gain", weights.gain, weights.b.shape, X.dtype)
    if initial is not None:
        _check_array("initial", initial, (n_samples, cell.state_size(hidden_size)), X.dtype)
    if h_mask is not None:
        _check_array("h_mask", h_mask, (n_samples, hidden_size), X.dtype)
    if lengths is not None:
        _check_array("lengths", lengths, (n_samples,), np.dtype(np.int64))
        if n_samples and (
            lengths[-1] < 0 or lengths[0] > n_timesteps or np.any(np.diff(lengths) > 0)
        ):
            raise ValueError(
                f"lengths must run longest first and lie in [0, {n_timesteps}], "
                f"got {lengths.tolist()}"
            )


def n_checkpoints(n_timesteps: int, checkpoint_every: int) -> int:
    """States a tape with checkpoints keeps of each sample: none after its last stretch."""
    return max(0, n_timesteps - 1) // checkpoint_every


def check_backward(
    dH: Array | None,
    dfinal: Array | None,
    tape: Tape,
    dpooled: Array | None = None,
    out: Weights | None = None,
) -> None:
    """Raise TypeError or ValueError unless the arguments of `backward` keep the contract."""
    n_samples, n_timesteps, _ = tape.X.shape
    hidden_size, dtype = tape.weights.W_h.shape[0], tape.H.dtype
    if dH is not None:
        _check_array("dH", dH, (n_samples, n_timesteps, hidden_size), dtype)
    if dfinal is not None:
        _check_array("dfinal", dfinal, (n_samples, tape.cell.state_size(hidden_size)), dtype)
    if dpooled is not None:
        if tape.outputs not in POOLS:
            raise ValueError(f"dpooled was given, but the tape is of outputs={tape.outputs!r}")
        _check_array("dpooled", dpooled, (n_samples, hidden_size), dtype)
    if out is not None:
        for name, given, weight in zip(Weights._fields, out, tape.weights, strict=True):
            if (given is None) != (weight is None):
                raise ValueError(f"out.{name} goes with layer normalisation, and only with it")
            if given is not None and weight is not None:
                _check_output(f"out.{name}", given, weight.shape, dtype)


def check_step(cell: Cell, x: Array, state: Array, weights: Weights) -> None:
    """Raise TypeError or ValueError unless the arguments of `step` keep the contract."""
    if not isinstance(x, np.ndarray) or x.ndim != 2:
        raise ValueError(f"x must be (n_samples, n_features), got {np.shape(x)}")
    check_forward(cell, x[:, None, :], None, state, weights)


def check_stepper(cell: Cell, weights: Weights, n_samples: int) -> None:
    """Raise TypeError or ValueError unless the arguments of `stepper` keep the contract."""
    if n_samples < 0:
        raise ValueError(f"n_samples={n_samples} must be 0 or more")
    n_features = np.shape(weights.W_x)[0] if np.ndim(weights.W_x) else 0
    dtype = np.asarray(weights.W_x).dtype
    check_forward(cell, np.zeros((0, 0, n_features), dtype), None, None, weights)


def check_stream(plan: StreamPlan) -> None:
    """Raise TypeError or ValueError unless the plan of a `stream` keeps the contract."""
    if plan.missing not in MISSING:
        choices = ", ".join(MISSING)
        raise ValueError(f"plan.missing={plan.missing!r} is not known; choose one of {choices}")
    if plan.link not in LINKS:
        raise ValueError(f"plan.link={plan.link!r} is not known; choose one of {', '.join(LINKS)}")
    if not plan.steppers:
        raise ValueError("plan.steppers is empty; a network has one for each of its layers")
    n_streams = len(plan.steppers[0].state)
    for i, stepper in enumerate(plan.steppers):
        if stepper.state.dtype != plan.W.dtype:
            raise TypeError(
                f"plan.steppers[{i}] has states of {stepper.state.dtype}, but W has dtype "
                f"{plan.W.dtype}; make it from weights of one dtype (one dtype throughout)"
            )
        if len(stepper.state) != n_streams:
            raise ValueError(
                f"plan.steppers[{i}] has {len(stepper.state)} streams, but the first one has "
                f"{n_streams}; all take the same n_samples"
            )
    if plan.flat and n_streams != 1:
        raise ValueError(f"plan.flat is for one stream, but plan.steppers have {n_streams}")
    _check_array("plan.b", plan.b, plan.W.shape[1:], plan.W.dtype)


def check_linear_forward(X: Array, W: Array, b: Array) -> None:
    """Raise TypeError or ValueError unless the arguments of `linear_forward` keep the contract."""
    for name, array in (("X", X), ("W", W)):
        if not isinstance(array, np.ndarray) or array.ndim != 2:
            raise ValueError(f"{name} must have two axes, got {np.shape(array)}")
    if X.dtype not in (np.float32, np.float64) or not X.dtype.isnative:
        raise TypeError(f"X has dtype {X.dtype}, expected native float32 or float64")
    _check_array("X", X, X.shape, X.dtype)
    _check_array("W", W, (X.shape[1], W.shape[1]), X.dtype)
    _check_array("b", b, (W.shape[1],), X.dtype)


def check_linear_backward(
    dY: Array,
    X: Array,
    W: Array,
    out: tuple[Array, Array] | None = None,
    batch_rows: int | None = None,
) -> None:
    """Raise TypeError or ValueError unless the arguments of `linear_backward` keep the contract."""
    check_linear_forward(X, W, np.zeros(np.shape(W)[-1:], dtype=np.asarray(X).dtype))
    _check_array("dY", dY, (X.shape[0], W.shape[1]), X.dtype)
    _check_batch("batch_rows", batch_rows, len(X))
    if out is not None:
        _check_output("dW", out[0], W.shape, X.dtype)
        _check_output("db", out[1], W.shape[1:], X.dtype)
