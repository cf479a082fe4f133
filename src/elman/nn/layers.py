"""An input and the shared parameters in; an output and the function that takes its gradient back.

A layer holds its configuration only. Its `forward` returns (output, backward); `backward` takes the
loss's gradient at the output, writes the gradients of the layer's own weights where `gradient`
holds them, and returns the gradient at the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.backends.cells import Cell, Weights
from elman.backends.contract import (
    LARGEST,
    POOLS,
    Backend,
    CellGradients,
    Coded,
    Forward,
    Outputs,
    pooled_width,
)
from elman.nn.categories import (
    CodedGradient,
    CodedSteps,
    Columns,
    blocks_of,
    fan_in,
    n_rows,
    table_backward,
    table_of,
)
from elman.nn.cells import FORGET_BIAS, initial_weights, weight_shapes
from elman.nn.dropout import Masking
from elman.nn.groups import samples_in_branch
from elman.nn.initializers import glorot_uniform
from elman.nn.parameters import Parameters, Shapes
from elman.nn.reversal import Reversal

Array = NDArray[Any]
Backprop = Callable[[Any, Parameters], Any]
"""(gradient at the output, where to write the weights' gradients) -> gradient at the input"""
Watch = Callable[[str, Forward | CellGradients], None]
"""Called with the name of each recurrent layer (and direction) and what the backend returned: a
`Forward` in the forward pass, `CellGradients` in the backward pass"""


@dataclass(eq=False)  # made at every step of training: frozen, it would take three times as long
class PassContext:
    """What every layer of one pass through the network shares."""

    params: Parameters
    backend: Backend
    lengths: NDArray[np.int64] | None
    """(n_samples,), longest first, or None"""
    input_gradient: bool = False
    """whether the backward pass returns the gradient at X"""
    recompute_every: int = 0
    """steps between the states kept for the backward pass; 0 keeps all"""
    keep_tape: bool = True
    """whether a backward pass follows"""
    masking: Masking | None = None
    """what dropout takes its masks from; None: nothing is left out"""
    watch: Watch | None = None
    states: dict[str, Array] | None = None
    """by a recurrent layer's name the state (n_samples, state_size) that it goes on from, changed
    by it to the one after its last step; a layer that is not there begins as it always does"""
    batch_samples: int | None = None
    """samples of the batch of which these are whole groups (`elman.nn.gradient.fixed_groups`);
    None: these are all of it"""

    def batch_rows(self, n_timesteps: int) -> int | None:
        """Rows of that batch if each time step of a sample is a row; None if this is all of it."""
        return None if self.batch_samples is None else self.batch_samples * n_timesteps

    def reversed(self, X: Array) -> Array:
        """X (n_samples, n_timesteps, width), each sample reversed within its own length."""
        if self.lengths is None:
            return np.ascontiguousarray(X[:, ::-1])
        key = X.shape[1]
        if key not in self._reversals:
            self._reversals[key] = Reversal.of(self.lengths, key)
        return self._reversals[key].apply(X)

    @cached_property
    def _reversals(self) -> dict[int, Reversal]:
        """The reversal by number of time steps; all layers of a pass share it."""
        return {}


class States(NamedTuple):
    """All hidden states of a batch; or their gradient, where None is zero."""

    H: Array | None
    """(n_samples, n_timesteps, width), zero past each sample's end (a gradient: not read there)"""
    final: Array | None
    """(n_samples, width), what is left once a sample was read, in its direction; at length 0 the
    initial state"""


class Layer(Protocol):
    """What the network asks of a layer."""

    def shapes(self) -> Shapes:
        """Full names and shapes of its weights."""
        ...

    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """Full names and initial values of its weights."""
        ...

    def forward(self, value: Any, context: PassContext) -> tuple[Any, Backprop]:
        """Output, and the function that takes its gradient back."""
        ...

    def branches(self, n_samples: int, n_timesteps: int, backend: Backend) -> tuple[int, ...]:
        """Samples in the smallest branch of each tree that sums up gradients of its weights.

        A branch is a number of samples that divide the batch into parts whose gradients add up to
        the bits of the whole batch (`elman.nn.groups`). It is `n_samples` where only the whole
        batch of that shape gives those bits.
        """
        ...


def through(layers: Iterable[Layer], value: Any, context: PassContext) -> tuple[Any, Backprop]:
    """Run layers one after the other; the output, and the function that takes it back."""
    callbacks = []
    for layer in layers:
        value, callback = layer.forward(value, context)
        callbacks.append(callback)

    def backward(dvalue: Any, gradient: Parameters) -> Any:
        for callback in reversed(callbacks):
            dvalue = callback(dvalue, gradient)
        return dvalue

    return value, backward


Wanted = Outputs | Literal["states"] | tuple[Outputs, ...]
"""What a recurrent layer is asked for: `States` beside what a backend knows, or several readouts
side by side ("final", "mean" and "max" in any order, at least two)."""


def asked_of_backend(outputs: Wanted) -> Outputs:
    """What a backend is asked for, so that all that is wanted is there."""
    if outputs == "states":
        return "sequence"
    if not isinstance(outputs, tuple):
        return outputs
    pools = [each for each in outputs if each in POOLS]  # "final" is there in any case
    return "mean_max" if len(pools) > 1 else pools[0]


@dataclass(frozen=True)
class RecurrentLayer(Layer):
    """X (n_samples, n_timesteps, n_features) -> what `outputs` says of its hidden states.

    With `columns` it takes `CodedSteps` in the place of X.

    (n_samples, hidden_size) for "final", "mean" and "max", taken over each sample's own steps;
    (n_samples, n_timesteps, hidden_size) for "sequence"; `States` for "states". For k of the first
    side by side (n_samples, k hidden_size).
    """

    name: str
    """prefix of its weights' names: recurrent0"""
    cell: Cell
    n_features: int
    hidden_size: int
    outputs: Wanted
    recurrent_init: str = "orthogonal"
    forget_bias: float = FORGET_BIAS
    learn_initial: bool = False
    """whether the state before the first step is a weight; else it is zero"""
    recurrent_dropout: float = 0.0
    """share of units that W_h does not see in training, the same at every step of a sample"""
    place: int = 0
    """its number among the places of the network that have dropout masks"""
    first: bool = True
    """whether its input is that of the network, whose gradient few ask for"""
    columns: Columns = ()
    """of its `n_features` those, from the first one on, that are categories"""

    @property
    def width(self) -> int:
        """Columns of what it gives."""
        return self.hidden_size

    @property
    def n_numbers(self) -> int:
        """How many of its features are numbers."""
        return self.n_features - len(self.columns)

    @property
    def n_inputs(self) -> int:
        """Rows of W_x."""
        return n_rows(self.columns) + self.n_numbers

    @override
    def shapes(self) -> Shapes:
        shapes = weight_shapes(self.cell, self.n_inputs, self.hidden_size)
        if self.learn_initial:
            shapes["initial"] = (self.cell.state_size(self.hidden_size),)
        return {f"{self.name}.{key}": shape for key, shape in shapes.items()}

    @override
    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        # A learned initial state begins at zero.
        values = initial_weights(
            self.cell,
            self.n_inputs,
            self.hidden_size,
            self.recurrent_init,
            rng,
            self.forget_bias,
            fan_in(self.columns, self.n_numbers),
        )
        if self.learn_initial:
            values["initial"] = np.zeros(self.cell.state_size(self.hidden_size))
        return {f"{self.name}.{key}": value for key, value in values.items()}

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(f"{self.name}.{key}" for key in self.cell.weight_names)

    def weights(self, params: Parameters) -> Weights:
        """Its weights as the backend takes them: views. Of W_x those of the numbers."""
        weights = Weights(*[params[name] for name in self._names])
        if self.columns:
            weights = weights._replace(W_x=weights.W_x[n_rows(self.columns) :])
        return weights

    def blocks(self, params: Parameters) -> list[Array]:
        """The rows of W_x that belong to each column of categories: views."""
        return blocks_of(params[f"{self.name}.W_x"], self.columns)

    @override
    def forward(self, value: Any, context: PassContext) -> tuple[Any, Backprop]:
        outputs = self.outputs
        carried = None if context.states is None else context.states.get(self.name)
        learned = self.learn_initial and carried is None
        X, coded = value, None
        if isinstance(value, CodedSteps):
            table = table_of(value.named, self.blocks(context.params), context.backend)
            X, coded = value.numbers, Coded(value.codes, table)
        out = context.backend.forward(
            self.cell,
            X,
            context.lengths,
            self._initial(context, len(X)) if learned else carried,
            self.weights(context.params),
            outputs=asked_of_backend(outputs),
            keep_tape=context.keep_tape,
            recompute_every=context.recompute_every,
            h_mask=self._mask(context),
            batch_samples=context.batch_samples,
            coded=coded,
        )
        if context.watch is not None:
            context.watch(self.name, out)
        if context.states is not None:
            context.states[self.name] = out.final

        def backward(dvalue: Any, gradient: Parameters) -> Array | CodedGradient | None:
            if out.tape is None:
                raise RuntimeError("the backend kept no tape")
            dH, dlast, dpooled = None, None, None
            if outputs == "states":
                dH, dlast = dvalue
            elif outputs == "sequence":
                dH = dvalue
            elif outputs == "final":
                dlast = dvalue
            elif isinstance(outputs, tuple):
                dlast, dpooled = self._of_several(outputs, dvalue)
            else:
                dpooled = dvalue
            back = context.backend.backward(
                dH,
                None if dlast is None else self._state_gradient(dlast),
                out.tape,
                dpooled=dpooled,
                need_dX=context.input_gradient or not self.first,
                out=self.weights(gradient),
            )
            if context.watch is not None:
                context.watch(self.name, back)
            if self.learn_initial:
                dinitial = gradient[f"{self.name}.initial"]
                if learned:
                    # an empty batch has no rows to sum, which `add.reduce` knows
                    np.add.reduce(back.dinitial, axis=0, out=dinitial)
                else:
                    dinitial.fill(0)
            if not isinstance(value, CodedSteps):
                return back.dX
            if back.dtable is None:
                raise RuntimeError("the backend returned no gradient of the table of categories")
            dvectors = table_backward(
                back.dtable,
                value.named,
                self.blocks(context.params),
                self.blocks(gradient),
                context.backend,
            )
            return CodedGradient(back.dX, dvectors)

        return self._of(out), backward

    def branches(self, n_samples: int, n_timesteps: int, backend: Backend) -> tuple[int, ...]:
        """Of its weights; the gradient of an initial state is one sum over all samples."""
        size = backend.group_rows(self.cell, n_samples, self.hidden_size)
        return (size, n_samples) if self.learn_initial else (size,)

    def _mask(self, context: PassContext) -> Array | None:
        if not self.recurrent_dropout or context.masking is None:
            return None
        share, dtype = self.recurrent_dropout, context.params.dtype
        return context.masking.mask(self.place, self.hidden_size, share, dtype)

    def _initial(self, context: PassContext, n_samples: int) -> Array:
        initial = context.params[f"{self.name}.initial"]
        return np.repeat(initial[np.newaxis], n_samples, axis=0)

    def _state_gradient(self, dhidden: Array) -> Array:
        """The gradient at a state, from that at the hidden state in it; the rest is zero."""
        state_size = self.cell.state_size(self.hidden_size)
        if state_size == self.hidden_size:
            return dhidden
        dstate = np.zeros((len(dhidden), state_size), dhidden.dtype)
        dstate[:, : self.hidden_size] = dhidden
        return dstate

    def _of(self, out: Forward) -> Any:
        if self.outputs == "final":
            return self._hidden(out.final)
        if self.outputs == "states":
            return States(out.H, self._hidden(out.final))
        if isinstance(self.outputs, tuple):
            return self._several(self.outputs, out)
        wanted = out.H if self.outputs == "sequence" else out.pooled
        if wanted is None:
            raise RuntimeError(f"the backend returned nothing for outputs={self.outputs!r}")
        return wanted

    def _several(self, outputs: tuple[Outputs, ...], out: Forward) -> Array:
        """Several readouts side by side, in their order."""
        size, asked = self.hidden_size, asked_of_backend(outputs)
        if out.pooled is None:
            raise RuntimeError(f"the backend returned nothing for outputs={asked!r}")
        parts = {"final": out.final[:, :size], "mean": out.pooled[:, :size]}
        if asked in LARGEST:
            parts["max"] = out.pooled[:, -size:]
        return np.hstack([parts[name] for name in outputs])

    def _of_several(
        self, outputs: tuple[Outputs, ...], dvalue: Array
    ) -> tuple[Array | None, Array | None]:
        """The gradients at the final state, or None, and at what the backend pooled."""
        size, asked = self.hidden_size, asked_of_backend(outputs)
        parts = {name: dvalue[:, i * size : (i + 1) * size] for i, name in enumerate(outputs)}
        dlast = parts.get("final")
        pools = [parts[name] for name in ("mean", "max") if name in parts]
        dpooled = np.hstack(pools)
        if dpooled.shape[1] != pooled_width(asked, size):
            raise RuntimeError(f"the gradient of {outputs} is not that of outputs={asked!r}")
        return None if dlast is None else np.ascontiguousarray(dlast), dpooled

    def _hidden(self, state: Array) -> Array:
        return np.ascontiguousarray(state[:, : self.hidden_size])


@dataclass(frozen=True)
class Bidirectional(Layer):
    """Two recurrent layers, the second over reversed samples; their outputs side by side.

    Schuster and Paliwal (1997), "Bidirectional recurrent neural networks". A sample is reversed
    within its own length, and its backward states are turned round again to stand beside the
    forward ones of the same step; its final backward state is that of its first step, which has
    seen all of it.
    """

    onward: RecurrentLayer
    backward: RecurrentLayer

    @property
    def width(self) -> int:
        """Columns of what it gives."""
        return self.onward.width + self.backward.width

    @override
    def shapes(self) -> Shapes:
        return self.onward.shapes() | self.backward.shapes()

    @override
    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        return self.onward.initial(rng) | self.backward.initial(rng)

    @override
    def forward(self, value: Any, context: PassContext) -> tuple[Any, Backprop]:
        ahead, through_onward = self.onward.forward(value, context)
        turned_value = (
            value.turned(context.reversed)
            if isinstance(value, CodedSteps)
            else context.reversed(value)
        )
        behind, through_backward = self.backward.forward(turned_value, context)
        outputs, cut = self.onward.outputs, self.onward.hidden_size

        def halves(d: Array | None) -> tuple[Array | None, Array | None]:
            if d is None:
                return None, None
            if isinstance(outputs, tuple):  # (n, readouts, both directions)
                d = d.reshape(len(d), len(outputs), -1)
                ahead, behind = d[..., :cut], d[..., cut:]
                return ahead.reshape(len(d), -1), behind.reshape(len(d), -1)
            return np.ascontiguousarray(d[..., :cut]), np.ascontiguousarray(d[..., cut:])

        def turned(d: Array | None) -> Array | None:
            return None if d is None else context.reversed(d)

        def backward(dvalue: Any, gradient: Parameters) -> Array | CodedGradient | None:
            dahead: Any
            dbehind: Any
            if outputs == "states":
                (dH, dH_back), (dlast, dlast_back) = map(halves, dvalue)
                dahead, dbehind = States(dH, dlast), States(turned(dH_back), dlast_back)
            else:
                dahead, dbehind = halves(dvalue)
                if outputs == "sequence":
                    dbehind = turned(dbehind)
            dX = through_onward(dahead, gradient)
            dX_back = through_backward(dbehind, gradient)
            if isinstance(dX, CodedGradient):
                return dX.plus(dX_back, context.reversed)
            dX_back = turned(dX_back)
            return None if dX is None else dX + dX_back

        if outputs == "states":
            H = np.concatenate([ahead.H, context.reversed(behind.H)], axis=2)
            return States(H, np.hstack([ahead.final, behind.final])), backward
        if outputs == "sequence":
            return np.concatenate([ahead, context.reversed(behind)], axis=2), backward
        if isinstance(outputs, tuple):  # both directions of each readout side by side
            parts = [each.reshape(len(each), len(outputs), -1) for each in (ahead, behind)]
            return np.concatenate(parts, axis=2).reshape(len(ahead), -1), backward
        return np.hstack([ahead, behind]), backward

    def branches(self, n_samples: int, n_timesteps: int, backend: Backend) -> tuple[int, ...]:
        """Those of both layers."""
        both = (self.onward, self.backward)
        return sum((layer.branches(n_samples, n_timesteps, backend) for layer in both), ())


@dataclass(frozen=True)
class Residual(Layer):
    """States in; those of a recurrent layer over them, plus themselves, out.

    He, Zhang, Ren and Sun (2016), "Deep residual learning for image recognition".
    """

    layer: RecurrentLayer | Bidirectional
    """as wide as its input; outputs="states" """

    @property
    def width(self) -> int:
        """Columns of what it gives."""
        return self.layer.width

    @override
    def shapes(self) -> Shapes:
        return self.layer.shapes()

    @override
    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        return self.layer.initial(rng)

    @override
    def forward(self, value: Any, context: PassContext) -> tuple[States, Backprop]:
        out, through = self.layer.forward(value.H, context)

        def backward(dvalue: States, gradient: Parameters) -> States:
            dX = through(dvalue, gradient)
            return States(dX if dvalue.H is None else dX + dvalue.H, dvalue.final)

        return States(out.H + value.H, out.final + value.final), backward

    def branches(self, n_samples: int, n_timesteps: int, backend: Backend) -> tuple[int, ...]:
        """Those of the layer."""
        return self.layer.branches(n_samples, n_timesteps, backend)


@dataclass(frozen=True)
class Dropout(Layer):
    """A value in; the same without some of each sample's units, one mask for all its steps, out.

    Gal and Ghahramani (2016), "A theoretically grounded application of dropout in recurrent neural
    networks": between layers. Without `PassContext.masking` nothing is left out.
    """

    place: int
    """number of the layer whose output it masks"""
    width: int
    share: float

    @override
    def shapes(self) -> Shapes:
        return {}

    @override
    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        return {}

    @override
    def forward(self, value: Any, context: PassContext) -> tuple[Any, Backprop]:
        if context.masking is None:
            return value, lambda dvalue, gradient: dvalue
        mask = context.masking.mask(self.place, self.width, self.share, context.params.dtype)

        def masked(value: Any) -> Any:
            if isinstance(value, States):
                return States(masked(value.H), masked(value.final))
            if value is None:
                return None
            return value * (mask if value.ndim == 2 else mask[:, np.newaxis])

        return masked(value), lambda dvalue, gradient: masked(dvalue)

    def branches(self, n_samples: int, n_timesteps: int, backend: Backend) -> tuple[int, ...]:
        """None: it has no weights."""
        return ()


@dataclass(frozen=True)
class Head(Layer):
    """Affine map: features (n_samples, n_in) -> logits (n_samples, n_classes)."""

    n_in: int
    n_classes: int
    name: str = "head"

    @override
    def shapes(self) -> Shapes:
        return {
            f"{self.name}.W": (self.n_in, self.n_classes),
            f"{self.name}.b": (self.n_classes,),
        }

    @override
    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        return {
            f"{self.name}.W": glorot_uniform(rng, self.n_in, self.n_classes),
            f"{self.name}.b": np.zeros(self.n_classes),
        }

    @override
    def forward(self, value: Any, context: PassContext) -> tuple[Array, Backprop]:
        return self._of_rows(value, context, context.batch_samples)

    def branches(self, n_samples: int, n_timesteps: int, backend: Backend) -> tuple[int, ...]:
        """Of W and b."""
        return (backend.group_rows(None, n_samples, self.n_classes),)

    def _of_rows(
        self, rows: Array, context: PassContext, batch_rows: int | None
    ) -> tuple[Array, Backprop]:
        W, b = context.params[f"{self.name}.W"], context.params[f"{self.name}.b"]
        logits = context.backend.linear_forward(rows, W, b)

        def backward(dlogits: Array, gradient: Parameters) -> Array | None:
            into = gradient[f"{self.name}.W"], gradient[f"{self.name}.b"]
            return context.backend.linear_backward(
                dlogits, rows, W, out=into, batch_rows=batch_rows
            )[0]

        return logits, backward


@dataclass(frozen=True)
class HeadAtEveryStep(Head):
    """H (n_samples, n_timesteps, n_in) -> logits (n_samples, n_timesteps, n_classes).

    Past a sample's end they mean nothing, and their gradient is not read.
    """

    @override
    def forward(self, value: Any, context: PassContext) -> tuple[Array, Backprop]:
        n_samples, n_timesteps, _ = value.shape
        features = value.reshape(n_samples * n_timesteps, self.n_in)
        logits, through = self._of_rows(features, context, context.batch_rows(n_timesteps))

        def backward(dlogits: Array, gradient: Parameters) -> Array:
            if context.lengths is not None:
                dlogits = dlogits.copy()
                dlogits[np.arange(n_timesteps) >= context.lengths[:, np.newaxis]] = 0
            drows = np.ascontiguousarray(dlogits.reshape(len(features), self.n_classes))
            return np.asarray(through(drows, gradient)).reshape(value.shape)

        return logits.reshape(n_samples, n_timesteps, self.n_classes), backward

    def branches(self, n_samples: int, n_timesteps: int, backend: Backend) -> tuple[int, ...]:
        """Of W and b, with a row for each time step."""
        size = backend.group_rows(None, n_samples * n_timesteps, self.n_classes)
        return (samples_in_branch(size, n_timesteps, n_samples),)
