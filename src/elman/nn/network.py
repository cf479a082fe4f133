"""Batches of sequences in; logits out, and the gradient of every weight back.

X -> recurrent layers -> readout -> Head -> logits

Where columns of X are categories, `elman.nn.embedding` cuts them off before the first layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from elman.backends.contract import Backend, Tape
from elman.backends.streams import Stepper
from elman.nn.categories import all_named, table_of
from elman.nn.cells import FORGET_BIAS
from elman.nn.chunks import Chunk, chunks
from elman.nn.dropout import Masking
from elman.nn.embedding import Embedding
from elman.nn.layers import (
    Bidirectional,
    Dropout,
    Head,
    HeadAtEveryStep,
    Layer,
    PassContext,
    RecurrentLayer,
    Residual,
    States,
    Wanted,
    Watch,
    through,
)
from elman.nn.layout import Layout
from elman.nn.parameters import Parameters, Shapes
from elman.nn.readouts.layer import ReadoutLayer

Array = NDArray[Any]
Lengths = NDArray[np.int64] | None
BackwardPass = Callable[..., tuple[Parameters, Array | None]]


@dataclass(frozen=True, eq=False)
class Network:
    """A recurrent network over sequences: its layout and its weights.

    Parameters
    ----------
    layout : Layout
        With readout="every" the logits are (n_samples, n_timesteps, n_outputs); past a sample's end
        they mean nothing, and their gradient is not read there. Backward "last" is the final state
        of that direction, which has seen the whole sample.
    params : Parameters
        recurrent0.W_x, recurrent0.W_h, recurrent0.b, head.W, head.b; for every layer, with
        recurrent0.gain, ... if the cell has layer normalisation,
        recurrent0.reverse.W_x, ... if `bidirectional`, recurrent0.initial, ... if
        `learn_initial_state`, and attention.query of that readout. Before them embedding0.E, ... of
        each column of categories that has vectors, which both directions share. recurrent0.W_x
        has a row for each category of a column that is fed one-hot, or for each number of a
        vector, column after column, and then one for each column of numbers.

    Raises
    ------
    ValueError
        The weights do not have the shapes of the layout.
    """

    layout: Layout
    params: Parameters

    def __post_init__(self) -> None:
        expected = network_shapes(self.layout)
        if self.params.shapes != expected:
            raise ValueError(
                f"the weights have shapes {self.params.shapes}, but this network takes {expected}"
            )

    @classmethod
    def initialised(
        cls,
        layout: Layout,
        *,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
        recurrent_init: str = "orthogonal",
        forget_bias: float = FORGET_BIAS,
    ) -> Network:
        """A network with fresh weights: the same numbers in float32 and float64, but for rounding.

        Parameters
        ----------
        layout : Layout
        rng : numpy.random.Generator
        dtype : float32 or float64
        recurrent_init : {"orthogonal", "identity", "uniform"}
            How recurrent weights are drawn: `elman.nn.initializers`.
        forget_bias : float
            An LSTM's initial b_f.
        """
        initial: dict[str, NDArray[np.float64]] = {}
        for layer in layers_of(layout, recurrent_init, forget_bias):
            initial |= layer.initial(rng)
        return cls(layout, Parameters.from_arrays(initial, dtype))

    @classmethod
    def over(cls, layout: Layout, flat: Array) -> Network:
        """A network over all its weights in one vector, as `params.flat` has them.

        The vector is held without a copy if it is C-contiguous and aligned.
        """
        return cls(layout, Parameters(network_shapes(layout), flat.dtype, flat))

    def copy(self) -> Network:
        """The same network over weights of its own."""
        return replace(self, params=self.params.copy())

    @property
    def values_per_step(self) -> int:
        """How many values `logits` holds at once for each time step, at most."""
        layout = self.layout
        n = layout.n_directions
        widths = [layout.n_features, *(n * size for size in layout.hidden_sizes)]
        if layout.n_layers == 1 and not layout.at_every_step and layout.readout_class.outputs:
            return layout.n_features * n
        # a layer's input and its output, each in two versions where there are two directions
        return n * max(a + b for a, b in pairwise(widths))

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in the order of the forward pass."""
        return layers_of(self.layout)

    def forward(
        self,
        X: Array,
        lengths: Lengths,
        backend: Backend,
        *,
        need_dX: bool = False,
        recompute_every: int = 0,
        masking: Masking | None = None,
        states: dict[str, Array] | None = None,
        watch: Watch | None = None,
        batch_samples: int | None = None,
    ) -> tuple[Array, BackwardPass]:
        """Logits, and the function that takes their gradient back to the weights.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_timesteps, n_features)
            In columns of categories their whole numbers.
        lengths : ndarray of shape (n_samples,), int64, longest first, or None
        backend : Backend
        need_dX : bool
            Whether `backward` returns the gradient at X as well, which is 0 in columns of
            categories.
        recompute_every : int
            With k > 0 only the states after every k steps are kept, and the backward pass computes
            those between again, to the same bits; 0 keeps all.
        masking : Masking, optional
            Whose masks `dropout` takes; without them nothing is left out.
        states : dict, optional
            By a recurrent layer's name the state to go on from, which is overwritten with the one
            after the last step. It is a given number, so `backward` ends there.
        watch : callable, optional
            Shown what each recurrent layer's backend makes.
        batch_samples : int, optional
            Samples of the batch of which these are whole groups: `elman.nn.gradient.fixed_groups`.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes)
            For readout="every" (n_samples, n_timesteps, n_classes).
        backward : callable
            Gradient at the logits -> (gradient of the weights, gradient at X or None). Given
            parameters as a second argument, it writes the gradient of the weights there.

        Raises
        ------
        ValueError
            What X holds before a sample's end is not one of the categories of its column.
        """
        context = PassContext(
            self.params,
            backend,
            lengths,
            need_dX,
            recompute_every,
            masking=masking,
            watch=watch,
            states=states,
            batch_samples=batch_samples,
        )
        logits, back = through(self.layers, X, context)

        def backward(
            dlogits: Array, gradient: Parameters | None = None
        ) -> tuple[Parameters, Array | None]:
            gradient = self.params.zeros_like() if gradient is None else gradient
            return gradient, back(dlogits, gradient)

        return logits, backward

    def logits(
        self, X: Array, lengths: Lengths, backend: Backend, steps_at_once: int | None = None
    ) -> Array:
        """Logits as `forward` gives them, without anything kept for a backward pass.

        Parameters
        ----------
        X, lengths, backend
            As `forward` takes them.
        steps_at_once : int, optional
            Where states of all time steps would be kept, they are for so many steps at a time; not
            in a network that reads in both directions, or answers at every step. No bit depends on
            it.
        """
        context = PassContext(self.params, backend, lengths, keep_tape=False)
        n_samples, n_timesteps, _ = X.shape
        if steps_at_once is None or steps_at_once >= n_timesteps or not self._goes_in_chunks:
            return np.asarray(self._infer(self.layers, X, context))
        n_steps = np.full(n_samples, n_timesteps) if lengths is None else lengths
        readout = self.layout.readout_class(context, n_steps, self.layout.width)
        final = np.empty((n_samples, self.layout.width), X.dtype)
        for chunk, states in self._states_by_chunk(X, lengths, backend, steps_at_once):
            readout.take(np.asarray(states.H), chunk)
            final[: chunk.n_samples] = states.final
        return np.asarray(self._infer(self.tail, readout.value(final), context))

    def tapes(
        self,
        X: Array,
        lengths: Lengths,
        backend: Backend,
        *,
        masking: Masking | None = None,
        states: dict[str, Array] | None = None,
    ) -> dict[str, Tape]:
        """What each recurrent layer keeps of a forward pass, by its name.

        Parameters
        ----------
        X, lengths, backend, masking, states
            As `forward` takes them.

        Returns
        -------
        dict of str to Tape
            A layer that reads backward ("recurrent0.reverse") has its steps in its own order.
        """
        tapes: dict[str, Tape] = {}

        def watch(name: str, out: Any) -> None:
            tapes[name] = out.tape

        context = PassContext(
            self.params, backend, lengths, masking=masking, watch=watch, states=states
        )
        self._infer(self.body, X, context)
        return tapes

    def hidden_states(self, X: Array, lengths: Lengths, backend: Backend) -> Array:
        """The last layer's states (n_samples, n_timesteps, width), zero past each sample's end."""
        context = PassContext(self.params, backend, lengths, keep_tape=False)
        return np.asarray(self._infer(self.body, X, context).H)

    def logits_over_time(
        self, X: Array, lengths: Lengths, backend: Backend, steps_at_once: int | None = None
    ) -> Array:
        """Logits (n_samples, n_timesteps, n_classes) of every prefix of each sample.

        At a sample's own last step they are, bit for bit, those of `logits`; what follows its end
        means nothing. With readout="every" they are those of `logits`.

        Parameters
        ----------
        X, lengths, backend
            As `forward` takes them.
        steps_at_once : int, optional
            States are kept for so many time steps at a time, and not for all of them, but in a
            network that reads in both directions. No bit depends on it.

        Raises
        ------
        ValueError
            The network has no answer for a sample that is still going on (`check_over_time`).
        """
        self.check_over_time()
        n_samples, n_timesteps, _ = X.shape
        context = PassContext(self.params, backend, None, keep_tape=False)
        readout = self.layout.readout_class(
            context, np.zeros(n_samples, np.int64), self.layout.width
        )
        head = HeadAtEveryStep(self.layout.n_read, self.layout.n_outputs)
        logits = np.zeros((n_samples, n_timesteps, self.layout.n_outputs), X.dtype)
        for chunk, states in self._states_by_chunk(X, lengths, backend, steps_at_once):
            values = readout.over_time(np.asarray(states.H))
            own = logits[: chunk.n_samples, chunk.start : chunk.stop]
            own[...] = head.forward(values, context)[0]
        return logits

    @property
    def _goes_in_chunks(self) -> bool:
        """Whether running in chunks of steps saves memory and gives the same answer."""
        keeps_states = self.values_per_step > self.layout.n_features
        return keeps_states and not (self.layout.bidirectional or self.layout.at_every_step)

    def _states_by_chunk(
        self, X: Array, lengths: Lengths, backend: Backend, steps_at_once: int | None
    ) -> Iterator[tuple[Chunk, States]]:
        """The last layer's states, so many steps at a time; None: all at once."""
        if self.layout.bidirectional:  # the backward direction cannot begin in the first chunk
            steps_at_once = None
        n_samples, n_timesteps, _ = X.shape
        carried: dict[str, Array] = {}
        for chunk in chunks(lengths, n_samples, n_timesteps, steps_at_once):
            context = PassContext(self.params, backend, chunk.lengths, keep_tape=False)
            context.states = chunk.states(carried)
            yield chunk, self._infer(self.body, chunk.of(X), context)
            chunk.carry(context.states, carried)

    def check_over_time(self) -> None:
        """Raise ValueError if the network has no answer for a sample that is still going on."""
        if self.layout.bidirectional and not self.layout.at_every_step:
            raise ValueError(
                "bidirectional=True reads a sequence from its end as well, so there is no answer "
                "at a time step before it: ask for the answer to whole sequences, or train with "
                "bidirectional=False"
            )

    def check_stream(self) -> None:
        """Raise ValueError if the network cannot read a sequence while it happens."""
        if self.layout.bidirectional:
            raise ValueError(
                "bidirectional=True reads a sequence from its end as well, so it has no answer "
                "while the sequence goes on: train with bidirectional=False to read a stream"
            )

    @property
    def recurrent_layers(self) -> tuple[RecurrentLayer, ...]:
        """The recurrent layers, from below; of a network that is not bidirectional."""
        inner = (layer.layer if isinstance(layer, Residual) else layer for layer in self.layers)
        return tuple(layer for layer in inner if isinstance(layer, RecurrentLayer))

    def steppers(self, backend: Backend, n_samples: int) -> tuple[Stepper, ...]:
        """A stepper for each recurrent layer; of a network that is not bidirectional."""
        found, named = [], all_named(self.layout.categories, self.params)
        for layer in self.recurrent_layers:
            cell, weights = layer.cell, layer.weights(self.params)
            if layer.columns:
                table = table_of(named, layer.blocks(self.params), backend)
                found.append(
                    backend.stepper(cell, weights, n_samples, table=table, n_codes=len(named))
                )
            else:
                found.append(backend.stepper(cell, weights, n_samples))
        return tuple(found)

    def logits_before(self, backend: Backend) -> Array:
        """Logits (n_classes,) before the first time step: the head on the initial state."""
        context = PassContext(self.params, backend, None, keep_tape=False)
        head = Head(self.layout.n_read, self.layout.n_outputs)
        # Without a step, every readout is the initial state.
        n_readouts = self.layout.n_read // self.layout.width
        before = np.tile(self.states_before(backend), n_readouts)[np.newaxis]
        return np.asarray(head.forward(before, context)[0][0])

    def states_before(self, backend: Backend) -> Array:
        """The state (width,) before the first time step, as `hidden_states` would give it."""
        X = np.zeros((1, 0, self.layout.n_features), self.params.dtype)
        context = PassContext(self.params, backend, None, keep_tape=False)
        return np.asarray(self._infer(self.body, X, context).final[0])

    @cached_property
    def body(self) -> tuple[Layer, ...]:
        """The recurrent layers, of which the last one returns `States`."""
        return _recurrent_layers(self.layout, "states")

    @cached_property
    def tail(self) -> tuple[Layer, ...]:
        """The layers after the readout: dropout, if there is any, and the head."""
        return _layers_above(self.layout)

    @staticmethod
    def _infer(layers: tuple[Layer, ...], value: Any, context: PassContext) -> Any:
        for layer in layers:  # their backward functions are dropped
            value, _ = layer.forward(value, context)
        return value


def network_shapes(layout: Layout) -> Shapes:
    """Names and shapes of the weights of a network, in the order of its vector."""
    shapes: Shapes = {}
    for layer in layers_of(layout):
        shapes |= layer.shapes()
    return shapes


def layers_of(
    layout: Layout, recurrent_init: str = "orthogonal", forget_bias: float = FORGET_BIAS
) -> tuple[Layer, ...]:
    """The layers in the order of the forward pass; the last two arguments say how they begin."""
    outputs: Wanted = "states" if layout.sums_layers else layout.readout_class.outputs or "states"
    below = _recurrent_layers(layout, outputs, recurrent_init, forget_bias)
    # Where the backend computes the readout itself, there is no layer for it.
    reader = (ReadoutLayer(layout.readout, layout.width),) if outputs == "states" else ()
    return *below, *reader, *_layers_above(layout)


def _recurrent_layers(
    layout: Layout,
    last: Wanted,
    recurrent_init: str = "orthogonal",
    forget_bias: float = FORGET_BIAS,
) -> tuple[Layer, ...]:
    """The recurrent layers, with dropout between them; `last`: what the last one is asked for."""
    sizes = layout.hidden_sizes
    layers: list[Layer] = []
    if layout.categories:
        layers.append(Embedding(layout.categories, layout.frozen_embeddings))
    n_in = layout.n_features
    for i, size in enumerate(sizes):
        outputs: Wanted = last if i == len(sizes) - 1 else "sequence"
        if layout.sums_layers:
            outputs = "states"
        names = (f"recurrent{i}", f"recurrent{i}.reverse")[: layout.n_directions]
        directions = [
            RecurrentLayer(
                name,
                layout.cell,
                n_in,
                size,
                outputs,
                recurrent_init,
                forget_bias,
                learn_initial=layout.learn_initial_state,
                recurrent_dropout=layout.recurrent_dropout,
                place=len(sizes) + 2 * i + direction,  # after those between layers
                first=i == 0,
                columns=() if i else layout.categories,
            )
            for direction, name in enumerate(names)
        ]
        layer = Bidirectional(*directions) if layout.bidirectional else directions[0]
        layers.append(Residual(layer) if i and layout.sums_layers else layer)
        n_in = layout.n_directions * size
        if layout.dropout and i < len(sizes) - 1:
            layers.append(Dropout(i, n_in, layout.dropout))
    return tuple(layers)


def _layers_above(layout: Layout) -> tuple[Layer, ...]:
    """The layers over what the readout gives: dropout, and the head."""
    layers: list[Layer] = []
    if layout.dropout:
        layers.append(Dropout(layout.n_layers - 1, layout.n_read, layout.dropout))
    head = HeadAtEveryStep if layout.at_every_step else Head
    layers.append(head(layout.n_read, layout.n_outputs))
    return tuple(layers)
