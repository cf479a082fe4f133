"""Random problems for a backend, and the comparisons of its answers that several tests share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from elman.backends.cells import Cell, Weights
from elman.backends.contract import Tape
from elman.backends.tolerances import TOLERANCES, gradient_atol
from elman.nn.cells import weight_shapes

PLAIN = ("tanh", "relu")
GATED = ("gru", "lstm")
NORMED = ("normed tanh", "normed relu", "normed gru", "normed lstm")
KINDS = (*PLAIN, *GATED, *NORMED)


def cell_of(kind):
    """The cell of one of `KINDS`: "tanh" and "relu" are the Elman cell's."""
    layer_norm = kind.startswith("normed ")
    kind = kind.removeprefix("normed ")
    return Cell("elman", kind, layer_norm) if kind in PLAIN else Cell(kind, layer_norm=layer_norm)


def draw_weights(rng, cell, n_features, hidden_size, dtype):
    """Normal weights, the recurrent ones scaled to keep the states from saturating."""
    shapes = weight_shapes(cell, n_features, hidden_size)
    drawn = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}
    drawn["W_h"] = (drawn["W_h"] * hidden_size**-0.5).astype(dtype)
    return Weights(**drawn)


def random_lengths(rng, n_samples, n_timesteps):
    """Unequal lengths, longest first, that one of the longest and one of none are among."""
    lengths = np.sort(rng.integers(0, n_timesteps + 1, n_samples))[::-1].astype(np.int64)
    lengths[-1:] = 0
    lengths[:1] = n_timesteps
    return lengths


@dataclass(frozen=True)
class Problem:
    """Read-only arguments of one forward and one backward call; the padding holds NaN."""

    cell: Cell
    X: np.ndarray
    lengths: np.ndarray | None
    initial: np.ndarray | None
    weights: Weights
    dH: np.ndarray | None
    dfinal: np.ndarray | None

    @property
    def sizes(self):
        n_samples, n_timesteps, n_features = self.X.shape
        return n_samples, n_timesteps, n_features, len(self.weights.W_h)

    @property
    def weight_gradients(self):
        """Their names among the answers."""
        return [f"d{name}" for name in self.cell.weight_names]

    @property
    def own_lengths(self):
        n_samples, n_timesteps, *_ = self.sizes
        return np.full(n_samples, n_timesteps) if self.lengths is None else self.lengths

    def forward(self, backend, **options):
        return backend.forward(
            self.cell, self.X, self.lengths, self.initial, self.weights, **options
        )

    def answers(self, backend, tape: Tape | None = None):
        """Every output of a forward and its backward, by name."""
        forward = self.forward(backend, keep_tape=True)
        backward = backend.backward(self.dH, self.dfinal, tape or forward.tape)
        return {
            "H": forward.H,
            "final": forward.final,
            "dX": backward.dX,
            "dinitial": backward.dinitial,
            **dict(zip(self.weight_gradients, backward.dweights.arrays, strict=True)),
        }

    def select(self, rows, n_timesteps=None, fill=np.nan):
        """The problem of these samples, longest first, padded to `n_timesteps`; and their order."""
        rows = np.asarray(rows)
        rows = rows[np.argsort(-self.own_lengths[rows], kind="stable")]
        lengths = self.own_lengths[rows].astype(np.int64)
        n_timesteps = int(lengths.max(initial=0)) if n_timesteps is None else n_timesteps

        def padded(array):
            if array is None:
                return None
            out = np.full((len(rows), n_timesteps, array.shape[2]), fill, dtype=array.dtype)
            for i, (row, length) in enumerate(zip(rows, lengths, strict=True)):
                out[i, :length] = array[row, :length]
            return frozen(out)

        def picked(array):
            return None if array is None else frozen(array[rows].copy())

        problem = replace(
            self,
            X=padded(self.X),
            lengths=None if np.all(lengths == n_timesteps) else lengths,
            initial=picked(self.initial),
            dH=padded(self.dH),
            dfinal=picked(self.dfinal),
        )
        return problem, rows


def frozen(array):
    if array is not None:
        array.flags.writeable = False
    return array


def make_problem(
    n_samples,
    n_timesteps,
    n_features,
    hidden_size,
    *,
    dtype="float64",
    kind="tanh",
    ragged=True,
    initial=True,
    dH=True,
    dfinal=True,
    seed=0,
):
    """Random arguments; ragged lengths reach 1 and 0 where there are samples enough."""
    cell = cell_of(kind)
    state_size = cell.state_size(hidden_size)
    shapes = weight_shapes(cell, n_features, hidden_size)
    rng = np.random.default_rng([seed, n_samples, n_timesteps, n_features, hidden_size])

    def normal(*shape):
        return rng.standard_normal(shape).astype(dtype)

    def uniform(*shape):
        bound = hidden_size**-0.5
        return frozen(rng.uniform(-bound, bound, shape).astype(dtype))

    X, gradient = normal(n_samples, n_timesteps, n_features), None
    if dH:
        gradient = normal(n_samples, n_timesteps, hidden_size)
    lengths = None
    if ragged:
        lengths = rng.integers(0, n_timesteps + 1, n_samples)
        lengths[:1] = n_timesteps
        if n_samples > 3:
            lengths[-2:] = 0, min(1, n_timesteps)
        lengths = np.sort(lengths)[::-1].astype(np.int64)
        past_end = np.arange(n_timesteps) >= lengths[:, None]
        X[past_end] = np.nan
        if dH:
            gradient[past_end] = np.nan
    return Problem(
        cell,
        frozen(X),
        frozen(lengths),
        frozen(normal(n_samples, state_size) / 2) if initial else None,
        Weights(**{name: uniform(*shape) for name, shape in shapes.items()}),
        frozen(gradient),
        frozen(normal(n_samples, state_size)) if dfinal else None,
    )


SAMPLE_OUTPUTS = ("H", "final", "dX", "dinitial")
WEIGHT_GRADIENTS = ("dW_x", "dW_h", "db", "dgain")


def assert_close(ours, reference, *, n_live_steps=None, name=""):
    """Within the contract's tolerance; give `n_live_steps` for the gradient of a weight."""
    tolerance = TOLERANCES[reference.dtype.name]
    atol = tolerance.atol
    assert ours.dtype == reference.dtype, name
    if n_live_steps is not None:
        atol = gradient_atol(reference.dtype, n_live_steps)
        # what the widened atol lets pass in one weight must still be rare over the whole gradient
        size = np.linalg.norm(np.nan_to_num(reference, posinf=0, neginf=0))
        if np.all(np.isfinite(reference)):
            assert np.linalg.norm(ours - reference) <= tolerance.rtol * size + tolerance.atol, name
    np.testing.assert_allclose(ours, reference, rtol=tolerance.rtol, atol=atol, err_msg=name)


def assert_all_close(ours, reference, own_lengths):
    """Every answer of `Problem.answers` within the contract's tolerances."""
    for name, expected in reference.items():
        n_live_steps = int(np.sum(own_lengths)) if name in WEIGHT_GRADIENTS else None
        assert_close(ours[name], expected, n_live_steps=n_live_steps, name=name)


def assert_same_bits(ours, expected, name=""):
    """Equal to the last bit, the sign of zero included; NaN where NaN is expected."""
    np.testing.assert_array_equal(ours, expected, err_msg=name, strict=True)
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(
        np.signbit(ours[numbers]), np.signbit(expected[numbers]), err_msg=f"sign of {name}"
    )


def assert_within(bound, ours, expected, name=""):
    """|ours - expected| <= bound, times the array's largest |expected| where that exceeds 1."""
    assert ours.shape == expected.shape, name
    scale = max(1.0, np.max(np.abs(expected), initial=0.0))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=bound * scale, err_msg=name)
