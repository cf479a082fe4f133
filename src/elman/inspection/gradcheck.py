"""A configuration in; how far every gradient lies from central differences, in float64, out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends import get_backend
from elman.backends.cells import Activation, Cell, Weights
from elman.backends.contract import Backend
from elman.inspection.kinks import draw_inputs, draw_stack_inputs
from elman.nn.cells import weight_shapes
from elman.nn.gradient import Samples, gradient, losses_of
from elman.nn.layout import Layout, layer_sizes
from elman.nn.network import Network
from elman.nn.objectives import REGRESSION_LOSSES, AnyLabels, Objective, OneClass, Values
from elman.nn.readouts import plain_readout, readout_text

Array = NDArray[np.float64]

STEP = 4e-4
"""Distance between evaluations. The five-point rule is off by the fourth power of it, rounding by
1e-16 over it: here both stay below 1e-11 for values of order 1."""

NORMED_STEP = STEP / 4
"""With layer normalisation, which bends more sharply where a layer's units happen to be alike."""

FLOOR = 1e-3
"""Share of an argument's largest gradient below which an element's error is relative to this share,
not to the element: a difference quotient has no correct digits left for an element near zero."""

LEAST_FLOOR = 1e-5
"""At least that for losses of order 1: 1e-16 over `STEP` is some 1e-12, a 1e-7th of it."""


OBJECTIVES: dict[str, Objective] = {
    "cross_entropy": OneClass(),
    "binary": AnyLabels(),
    **{name: Values(name) for name in REGRESSION_LOSSES},
}
"""What a whole network may be checked with."""


@dataclass(frozen=True)
class ArgumentReport:
    """The worst element of the gradient with respect to one argument."""

    name: str
    shape: tuple[int, ...]
    n_checked: int
    """elements compared"""
    error: float
    """largest error of an element, relative to the element"""
    index: tuple[int, ...]
    """where it is"""
    analytic: float
    numeric: float


@dataclass(frozen=True)
class GradcheckReport:
    """What `gradcheck` found; `print(report)` shows it as a table."""

    configuration: str
    tolerance: float
    arguments: tuple[ArgumentReport, ...]

    @property
    def worst(self) -> ArgumentReport:
        """The argument with the largest relative error; NaN counts as the largest."""
        return max(self.arguments, key=lambda a: math.inf if math.isnan(a.error) else a.error)

    @property
    def passed(self) -> bool:
        """Whether every argument's error is within the tolerance."""
        return all(argument.error <= self.tolerance for argument in self.arguments)

    def __str__(self) -> str:
        head = ("argument", "shape", "checked", "rel. error", "at", "analytic", "numeric")
        rows = [
            (
                a.name,
                str(a.shape),
                str(a.n_checked),
                f"{a.error:.1e}",
                str(a.index),
                f"{a.analytic:+.9e}",
                f"{a.numeric:+.9e}",
            )
            for a in self.arguments
        ]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (head, *rows)
        ]
        verdict = "passed" if self.passed else "FAILED"
        worst = self.worst
        lines.append(
            f"{verdict}: worst is {worst.name} at {worst.error:.1e}, tolerance {self.tolerance:.0e}"
        )
        return "\n".join([self.configuration, *lines])


def gradcheck(
    *,
    cell: str = "elman",
    activation: Activation = "tanh",
    readout: str | tuple[str, ...] | None = None,
    loss: str = "cross_entropy",
    n_layers: int = 1,
    bidirectional: bool = False,
    residual: bool = False,
    learn_initial_state: bool = False,
    layer_norm: bool = False,
    categories: tuple[tuple[int, int], ...] = (),
    n_samples: int = 4,
    n_timesteps: int = 5,
    n_features: int = 2,
    hidden_size: int | tuple[int, ...] = 7,
    n_classes: int = 3,
    ragged: bool = True,
    backend: str | Backend | None = None,
    seed: int = 0,
    tolerance: float = 1e-7,
    max_elements: int = 500,
) -> GradcheckReport:
    """Compare every gradient of a configuration with central differences in float64.

    The difference quotient is the five-point rule
    `f'(x) = (f(x - 2s) - 8 f(x - s) + 8 f(x + s) - f(x + 2s)) / 12s`, with an error of order s^4:
    Abramowitz and Stegun (1964), "Handbook of Mathematical Functions", 25.3.6.

    The relative error of an element is `|analytic - numeric| / max(|analytic|, |numeric|, floor)`,
    with floor a thousandth of the largest numeric one compared of the same argument, and 1e-5 at
    least.

    Parameters
    ----------
    cell, activation, layer_norm
        The cell and its activation; `elman.backends.cells.Cell` has the equations.
    readout : str, tuple of str or None
        One of `elman.nn.readouts.READOUTS`, or several of them side by side, or "every".
        None checks the cell alone, through a random linear function of every state and of the final
        one: X, initial, W_x, W_h, b. A readout checks the whole network with its weighted loss: X
        and every weight, by name. "every" answers at every time step, as a tagger.
    loss : {"cross_entropy", "binary", "squared", "absolute", "huber"}
        Of the whole network: of one class, of several labels, of values.
    n_layers, bidirectional, residual, learn_initial_state
        Options of the whole network, as in `elman.nn.layout.Layout`.
    categories : tuple of (int, int)
        Columns of categories that a whole network has beside its n_features numbers, which may be
        0 then: for each how many categories there are, and the length of the vectors that stand for
        them, 0 being one-hot. Past a sample's end they hold what is no category.
    n_samples, n_timesteps, n_features, n_classes : int
    hidden_size : int or tuple of int
        A tuple has one for each layer of the whole network.
    ragged : bool
        Unequal lengths from n_timesteps down to 1 and 0, what is past the end being noise.
    backend : str, Backend or None
        None takes the one that `elman.backends.get_backend` prefers.
    seed : int
        Of the random problem. For relu, and for the max over time, it is drawn so that no kink lies
        within reach of the differences.
    tolerance : float
        Largest relative error that passes.
    max_elements : int
        Elements compared in each argument: all, or this many chosen at random.

    Returns
    -------
    GradcheckReport

    Raises
    ------
    TypeError, ValueError
        A size below 1, an unknown cell, activation, readout or backend, or options that do not go
        together.

    Examples
    --------
    >>> from elman import gradcheck
    >>> report = gradcheck(cell="gru", readout="mean")
    >>> report.passed
    True
    """
    sizes = {
        "n_samples": n_samples,
        "n_timesteps": n_timesteps,
        "n_features": n_features,
        "n_layers": n_layers,
        "n_classes": n_classes,
        "max_elements": max_elements,
    }
    for name, size in sizes.items():
        if size < 1 and not (name == "n_features" and categories and size == 0):
            raise ValueError(f"{name}={size} must be at least 1")
    widths = layer_sizes(hidden_size, n_layers)
    if not widths or min(widths) < 1:
        raise ValueError(f"hidden_size={hidden_size} must be at least 1")
    options: dict[str, Any] = {
        "bidirectional": bidirectional,
        "residual": residual,
        "learn_initial_state": learn_initial_state,
    }
    if readout is None and (len(widths) > 1 or any(options.values())):
        raise ValueError(
            "n_layers, bidirectional, residual and learn_initial_state are of a whole network: "
            "choose a readout too"
        )
    if readout is None and categories:
        raise ValueError("categories are of a whole network: choose a readout too")
    if not tolerance > 0:
        raise ValueError(f"tolerance={tolerance} must be a positive number")
    readout = None if readout is None else plain_readout(readout)
    if loss not in OBJECTIVES:
        raise ValueError(f"loss={loss!r} is not known; choose one of {', '.join(OBJECTIVES)}")
    if readout is None and loss != "cross_entropy":
        raise ValueError(f"loss={loss!r} is of a whole network: choose a readout too")
    if backend is None or isinstance(backend, str):
        backend = get_backend(backend)
    kind = Cell(cell, activation, layer_norm)
    rng = np.random.default_rng(seed)
    lengths = _unequal_lengths(n_samples, n_timesteps) if ragged else None

    if readout is None:
        problem = _cell_problem(
            kind, n_samples, n_timesteps, n_features, widths[0], lengths, backend, rng
        )
    else:
        layout = Layout(
            n_features + len(categories),
            widths,
            n_classes,
            kind,
            readout,
            categories=categories,
            **options,
        )
        network = Network.initialised(layout, rng=rng, dtype="float64")
        _widen_gains(network)
        problem = _network_problem(network, n_samples, n_timesteps, lengths, loss, backend, rng)

    step = NORMED_STEP if layer_norm else STEP
    arguments = tuple(
        _compare(name, array, problem.gradients[name], problem.values, max_elements, rng, step)
        for name, array in problem.arguments.items()
    )
    through = "cell alone"
    if readout is not None:
        through = f"readout={readout_text(readout)}, n_classes={n_classes}, loss={loss}"
    if len(widths) > 1:
        through += f", n_layers={len(widths)}"
    through += "".join(f", {name}" for name, chosen in options.items() if chosen)
    for n_categories, size in categories:
        through += f", {n_categories} categories {f'as vectors of {size}' if size else 'one-hot'}"
    normed = " with layer_norm" if layer_norm else ""
    of_lengths = "all equal" if lengths is None else ", ".join(map(str, lengths))
    configuration = (
        f"{cell} {activation}{normed}, {through}, backend {backend.name} ({backend.isa}), float64\n"
        f"n_samples={n_samples}, n_timesteps={n_timesteps}, n_features={n_features}, "
        f"hidden_size={hidden_size}, lengths {of_lengths}, seed {seed}"
    )
    return GradcheckReport(configuration, tolerance, arguments)


@dataclass(frozen=True)
class _Problem:
    arguments: dict[str, Array]
    """perturbed in place, one element at a time"""
    gradients: dict[str, Array]
    """what the code under test says"""
    values: Callable[[], Array]
    """terms whose sum is the loss; kept apart so that those an element does not touch cancel"""


def _cell_problem(
    cell: Cell,
    n_samples: int,
    n_timesteps: int,
    n_features: int,
    hidden_size: int,
    lengths: NDArray[np.int64] | None,
    backend: Backend,
    rng: np.random.Generator,
) -> _Problem:
    bound = hidden_size**-0.5
    shapes = weight_shapes(cell, n_features, hidden_size)
    weights = Weights(**{key: rng.uniform(-bound, bound, shape) for key, shape in shapes.items()})
    state_size = cell.state_size(hidden_size)
    initial = rng.uniform(-1, 1, (n_samples, state_size))
    X = draw_inputs(cell, weights, initial, n_timesteps, None, rng)
    dH = rng.standard_normal((n_samples, n_timesteps, hidden_size))
    dfinal = rng.standard_normal((n_samples, state_size))

    def values() -> Array:
        H, final, *_ = backend.forward(cell, X, lengths, initial, weights)
        if H is None:
            raise RuntimeError(f"backend {backend.name} returned no H though it was asked to")
        return np.concatenate([(dH * H).ravel(), (dfinal * final).ravel()])

    tape = backend.forward(cell, X, lengths, initial, weights, keep_tape=True).tape
    if tape is None:
        raise RuntimeError(f"backend {backend.name} kept no tape though it was asked to")
    back = backend.backward(dH, dfinal, tape)
    if back.dX is None:
        raise RuntimeError(f"backend {backend.name} returned no dX though it was asked to")
    return _Problem(
        {"X": X, "initial": initial, **dict(zip(shapes, weights.arrays, strict=True))},
        {"X": back.dX, "initial": back.dinitial}
        | dict(zip(shapes, back.dweights.arrays, strict=True)),
        values,
    )


def _widen_gains(network: Network) -> None:
    """Set the gains of layer normalisation to different numbers around 1.

    Training starts with small ones, through which gradients are so small that rounding is most of
    their difference quotients.
    """
    for name in network.params:
        if name.endswith(".gain"):
            gain = network.params[name]
            gain[...] = np.linspace(0.75, 1.25, gain.size)


def _network_problem(
    network: Network,
    n_samples: int,
    n_timesteps: int,
    lengths: NDArray[np.int64] | None,
    loss: str,
    backend: Backend,
    rng: np.random.Generator,
) -> _Problem:
    params = network.params
    # biases start at zero, which would hide a wrong sign
    params.flat += rng.uniform(-0.1, 0.1, params.flat.size)
    layout = network.layout
    if layout.n_layers == 1 and not layout.bidirectional and not layout.categories:
        weights = Weights(*(params[f"recurrent0.{name}"] for name in layout.cell.weight_names))
        state = np.zeros((n_samples, layout.cell.state_size(layout.width)))
        if layout.learn_initial_state:
            state += params["recurrent0.initial"]
        X = draw_inputs(layout.cell, weights, state, n_timesteps, layout.readout, rng, lengths)
    else:
        X = draw_stack_inputs(network, n_samples, n_timesteps, lengths, rng)
    n_codes = len(layout.categories)
    if n_codes and lengths is not None:
        X[np.arange(n_timesteps) >= lengths[:, np.newaxis], :n_codes] = -1
    outputs = network.logits(X, lengths, backend)
    places = _places(network, n_samples, n_timesteps, lengths)
    answers = outputs if places is None else outputs.reshape(-1, layout.n_outputs)[places]
    targets = _targets(loss, answers, rng)
    samples = Samples(X, lengths, targets, rng.uniform(0.5, 2, len(targets)), places)
    objective = OBJECTIVES[loss]

    def values() -> Array:
        outputs = network.logits(X, lengths, backend)
        return losses_of(outputs, samples, objective, backend.fused)[0]

    sums = gradient(network, samples, objective, backend, need_dX=True)
    if sums.dX is None:
        raise RuntimeError("the network returned no dX though it was asked to")
    numbers, dnumbers = {"X": X[:, :, n_codes:]}, {"X": sums.dX[:, :, n_codes:]}
    if layout.n_features == n_codes:
        numbers, dnumbers = {}, {}
    return _Problem(numbers | dict(params), dnumbers | dict(sums.gradient), values)


def _places(
    network: Network, n_samples: int, n_timesteps: int, lengths: NDArray[np.int64] | None
) -> NDArray[np.intp] | None:
    """Of answers for each time step those before an end; None if each sample has one answer."""
    if not network.layout.at_every_step:
        return None
    ends = np.full(n_samples, n_timesteps) if lengths is None else lengths
    return np.flatnonzero(np.arange(n_timesteps) < ends[:, np.newaxis])


def _targets(loss: str, outputs: Array, rng: np.random.Generator) -> Any:
    if loss == "cross_entropy":
        return rng.integers(0, outputs.shape[1], len(outputs))
    if loss == "binary":
        return rng.integers(0, 2, outputs.shape)
    # errors well away from 0 and 1, where the losses of values have their kinks
    error = rng.choice([-1.5, -0.5, 0.5, 1.5], outputs.shape)
    return outputs - error


def _compare(
    name: str,
    array: Array,
    analytic: Array,
    values: Callable[[], Array],
    max_elements: int,
    rng: np.random.Generator,
    step: float,
) -> ArgumentReport:
    chosen = np.arange(array.size)
    if array.size > max_elements:
        chosen = np.sort(rng.choice(array.size, max_elements, replace=False))
    numeric = np.array([_derivative(array, int(i), values, step) for i in chosen])
    ours = np.asarray(analytic, dtype=np.float64).ravel()[chosen]
    floor = max(FLOOR * np.max(np.abs(numeric), initial=0.0), LEAST_FLOOR)
    scale = np.maximum(np.maximum(np.abs(ours), np.abs(numeric)), floor)
    errors = np.abs(ours - numeric) / scale
    worst = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)))
    index = tuple(int(i) for i in np.unravel_index(chosen[worst], array.shape))
    return ArgumentReport(
        name,
        array.shape,
        len(chosen),
        float(errors[worst]),
        index,
        float(ours[worst]),
        float(numeric[worst]),
    )


def _derivative(array: Array, i: int, values: Callable[[], Array], step: float) -> float:
    """Five-point difference quotient of sum(values()) at the i-th element of `array`."""
    kept = array.flat[i]
    # the distances actually taken, after rounding kept + step
    at = {k: (kept + k * step) - kept for k in (-2, -1, 1, 2)}
    results = {}
    for k, distance in at.items():
        array.flat[i] = kept + distance
        results[k] = values()
    array.flat[i] = kept
    near = np.sum(results[1] - results[-1]) / (at[1] - at[-1])
    far = np.sum(results[2] - results[-2]) / (at[2] - at[-2])
    return float((4 * near - far) / 3)


def _unequal_lengths(n_samples: int, n_timesteps: int) -> NDArray[np.int64]:
    lengths = np.linspace(n_timesteps, 0, n_samples).astype(np.int64)
    if n_samples > 2:
        lengths[-2] = min(1, n_timesteps)
    return np.sort(lengths)[::-1].copy()
