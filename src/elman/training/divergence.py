"""Finds the sample, time step and layer at which a batch first became NaN or infinite.

Looked for only once training has failed: the samples are run again one by one, with the weights
that did it, which gives the same bits as their batch did.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend, CellGradients, Forward
from elman.models.history import History
from elman.nn import truncation
from elman.nn.chunks import chunks
from elman.nn.gradient import Samples, gradient, losses_of
from elman.nn.network import Network
from elman.nn.objectives import Objective

Array = NDArray[Any]


class Place(NamedTuple):
    """Where the first number that is not finite appeared."""

    sample: int
    """its number in what was passed in"""
    step: int | None
    """from 0; None if it is no single one"""
    layer: str
    """"input", a layer's name, "loss", or "gradient of" a layer"""
    source: str = "X"
    """what the sample is one of: X or X_val"""

    def __str__(self) -> str:
        step = "" if self.step is None else f"time step {self.step} of "
        return f"{step}{self.source}[{self.sample}], in the {self.layer}"


class DivergedError(ValueError):
    """The loss, a gradient or a weight became NaN or infinite.

    `fit` raises it. The message says where it began, and what to try of what is not set already.

    Parameters
    ----------
    what : str
        What happened, and when.
    place : Place or None
        Sample, time step and layer where it began; None if no sample alone shows it.
    advice : str
        What to try.
    learning_rate : float or None
        At which the last step was taken; None if another step than the optimizer's broke it.

    Attributes
    ----------
    place : Place or None
        Sample, time step and layer where it began; None if no sample alone shows it.
    network : elman.nn.network.Network or None
        With the last good weights: those at the end of the last epoch that ended well, or with
        early stopping those of the best.
    history : elman.models.history.History
        Of the epochs that ended well.
    learning_rate : float or None
        At which the last step was taken; None if another step than the optimizer's broke it.
    in_validation : bool
        Whether it was the loss of X_val and y_val that is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import DivergedError, RNNRegressor
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> reg = RNNRegressor(
    ...     hidden_size=3, solver="sgd", learning_rate_init=1e38, max_grad_norm=None, random_state=0
    ... )
    >>> try:
    ...     reg.fit(X, X.sum(axis=(1, 2)))
    ... except DivergedError as error:
    ...     print("max_grad_norm=0.3" in error.advice, error.network is None)
    True False
    """

    def __init__(
        self,
        what: str,
        place: Place | None,
        advice: str,
        learning_rate: float | None = None,
    ) -> None:
        super().__init__(what, place, advice, learning_rate)
        self.what, self.place, self.advice = what, place, advice
        self.learning_rate = learning_rate
        self.in_validation = False
        self.network: Network | None = None
        self.history = History()

    def __str__(self) -> str:
        began = "" if self.place is None else f" It began at {self.place}."
        return f"{self.what}.{began} {self.advice}"


class Suspects(NamedTuple):
    """The samples of a batch, or of a chunk of its steps, as `gradient` was given them."""

    samples: Samples
    numbers: NDArray[np.int64]
    """(n_samples,), their numbers in what was passed in"""
    start: int = 0
    """number of the first step"""
    bptt_steps: int | None = None


def first_not_finite(
    network: Network,
    suspects: Suspects,
    backend: Backend,
    objective: Objective | None = None,
    *,
    back: bool = True,
) -> Place | None:
    """The first sample, in the order in which they were passed in, at which something overflows.

    Of that sample the layer that comes first on the way through the network, and there the first
    time step (of a layer that reads backward, the last); where all of that is finite, the loss;
    and where that is too, the layer that comes first on the way back.

    Parameters
    ----------
    network : Network
    suspects : Suspects
    backend : Backend
    objective : Objective, optional
        Without it neither loss nor gradient is looked at.
    back : bool
        Whether the gradient is looked at.

    Returns
    -------
    Place or None
    """
    with np.errstate(all="ignore"):
        for row in np.argsort(suspects.numbers, kind="stable"):
            alone = suspects.samples.alone(int(row))
            found = _of_sample(network, alone, suspects.bptt_steps, backend, objective, back=back)
            if found is not None:
                layer, step = found
                step = None if step is None else step + suspects.start
                return Place(int(suspects.numbers[row]), step, layer)
    return None


def _of_sample(
    network: Network,
    sample: Samples,
    bptt_steps: int | None,
    backend: Backend,
    objective: Objective | None,
    *,
    back: bool,
) -> tuple[str, int | None] | None:
    """The layer and the time step at which one sample stops being finite; None if it never does."""
    step = _first(sample.X[0])
    if step is not None:
        return "input", step
    found = _in_states(network, sample, bptt_steps, backend)
    if found is not None:
        return found
    states = None if sample.states is None else dict(sample.states)
    outputs, _ = truncation.forward(
        network, sample.X, None, backend, bptt_steps, masking=sample.masking, states=states
    )
    every = network.layout.at_every_step
    at_end = max(sample.X.shape[1] - 1, 0)
    if not np.isfinite(outputs).all():
        return "head", _first(outputs[0]) if every else at_end
    if objective is None:
        return None
    losses, doutputs = losses_of(outputs, sample, objective, backend.fused)
    loss = objective.loss_sum(losses, backend.fused)
    if not (np.isfinite(loss) and np.isfinite(doutputs).all()):
        return "loss", _first(doutputs[0]) if every else at_end

    if not back:
        return None

    # `watch` is called in the backward pass, but not with bptt_steps: then no step is known.
    behind: dict[str, CellGradients] = {}

    def watch(name: str, out: Forward | CellGradients) -> None:
        if isinstance(out, CellGradients):
            behind[name] = out

    sums = gradient(
        network, sample, objective, backend, bptt_steps=bptt_steps, need_dX=True, watch=watch
    )
    for name in reversed(sums.gradient.names()):
        if not np.isfinite(sums.gradient[name]).all():
            layer = name.rpartition(".")[0]
            step = None
            if layer in behind and (dX := behind[layer].dX) is not None:
                step = _last(dX[0], turned=layer.endswith(".reverse"))
            return f"gradient of {layer}", step
    return None


def _in_states(
    network: Network, sample: Samples, bptt_steps: int | None, backend: Backend
) -> tuple[str, int] | None:
    """The first layer whose gates or states are not finite, and the first time step there."""
    x, masking, given = sample.X, sample.masking, sample.states
    states = {} if given is None else dict(given)
    found: dict[str, int] = {}
    for chunk in chunks(None, 1, x.shape[1], bptt_steps):
        within = states if given is not None or chunk.stop < x.shape[1] or chunk.start else None
        tapes = network.tapes(chunk.of(x), None, backend, masking=masking, states=within)
        for name, tape in tapes.items():
            parts = [tape.X, tape.H] if tape.trace is None else [tape.X, tape.H, tape.trace]
            bad = [step for part in parts if (step := _first(part[0])) is not None]
            if bad and name not in found:
                step = min(bad)
                turned = name.endswith(".reverse")
                found[name] = chunk.stop - 1 - step if turned else chunk.start + step
        if found:
            # of several layers in a chunk the lowest one: it is what the others read
            return next(iter(found.items()))
    return None


def _first(values: Array) -> int | None:
    """The first row of (n_timesteps, width) that is not finite."""
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    return int(bad[0]) if len(bad) else None


def _last(values: Array, *, turned: bool) -> int | None:
    """The last row that is not finite, in a layer's own order; its time step."""
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if not len(bad):
        return None
    return len(values) - 1 - int(bad[-1]) if turned else int(bad[-1])
