"""The classroom class: small arrays in, the last hidden state out, and gradient descent by hand."""

from __future__ import annotations

import numbers
import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Array = NDArray[Any]

BACKWARD_RULES = ("exact", "notebook")
"""What `backward` may step along; `ScratchSimpleRNNClassifier` explains both."""


class _Weights(NamedTuple):
    """The three weights, or the three updates that belong to them, as float64."""

    Wx: _Array
    """(n_features, n_nodes)"""
    Wh: _Array
    """(n_nodes, n_nodes)"""
    b: _Array
    """(n_nodes,)"""


class ScratchSimpleRNNClassifier:
    """A simple recurrent network that one can read and take apart.

    The states follow Elman (1990), "Finding structure in time", with h_0 = 0::

        h_t = tanh(x_t Wx + h_{t-1} Wh + b)

    The class stands alone: it computes with NumPy's ordinary operators, in float64, in the order in
    which the formulas are written here.

    Parameters
    ----------
    n_features : int
        Width of one input step.
    n_nodes : int
        Width of the hidden state.
    learning_rate : float, default=0.01
        Step of gradient descent in `backward`.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        The generator that `initialize_weights` draws from. None means NumPy's global one, the one
        that `np.random.seed` sets. A number gives this network a generator of its own: 0 draws the
        weights that `np.random.seed(0)` would give, and leaves the global generator as it is.
    backward_rule : {"exact", "notebook"}, default="exact"
        What `backward` steps along.

        - "exact" is the gradient of the loss, by backpropagation through time (Werbos 1990).
        - "notebook" is the rule of the classroom's notebook, kept so that its numbers can be
          reproduced. It is not the gradient of this loss, nor of any other: it takes the last state
          in place of the state of each step, adds the output error at every step, and leaves the
          derivative of tanh out of the recursion. docs/explanation/the-seed.md shows how far it
          misses. Use it to compare, not to train.

    Attributes
    ----------
    Wx : (n_features, n_nodes) array or None
    Wh : (n_nodes, n_nodes) array or None
    b : (n_nodes,) array or None
        The weights; None until you assign your own or call `initialize_weights`. They may be of any
        real dtype: integers are computed with as floats.
    hs : list of n_sequences + 1 arrays, each (batch_size, n_nodes)
        The hidden states of the last `forward`: `hs[t]` is the state after t steps, and so `hs[0]`
        is all zeros. The list is empty before the first `forward`.

    Examples
    --------
    >>> import numpy as np
    >>> from elman.scratch import ScratchSimpleRNNClassifier
    >>> rnn = ScratchSimpleRNNClassifier(n_features=2, n_nodes=4)
    >>> rnn.Wx = np.array([[1, 3, 5, 7], [3, 5, 7, 8]]) / 100
    >>> rnn.Wh = np.array([[1, 3, 5, 7], [2, 4, 6, 8], [3, 5, 7, 8], [4, 6, 8, 10]]) / 100
    >>> rnn.b = np.array([1, 1, 1, 1])
    >>> print(rnn.forward(np.array([[[1, 2], [2, 3], [3, 4]]]) / 100))
    [[0.79494228 0.81839002 0.83939649 0.85584174]]
    >>> len(rnn.hs)
    4
    >>> print(rnn.hs[1])
    [[0.76188798 0.76213958 0.76239095 0.76255841]]
    """

    def __init__(
        self,
        n_features: int,
        n_nodes: int,
        learning_rate: float = 0.01,
        random_state: int | np.random.Generator | np.random.RandomState | None = None,
        *,
        backward_rule: str = "exact",
    ) -> None:
        for name, size in (("n_features", n_features), ("n_nodes", n_nodes)):
            is_number = isinstance(size, numbers.Real) and not isinstance(size, bool)
            if not is_number or not size >= 1 or size % 1:
                raise ValueError(f"{name}={size!r} must be a whole number of at least 1")
        _check_rule(backward_rule)
        self.n_features = int(n_features)
        self.n_nodes = int(n_nodes)
        self.learning_rate = learning_rate
        self.backward_rule = backward_rule
        self._rng = _own_generator(random_state)
        self.Wx: _Array | None = None
        self.Wh: _Array | None = None
        self.b: _Array | None = None
        self.hs: list[_Array] = []

    def initialize_weights(self) -> None:
        """Draw Wx, then Wh, then b, each number from a normal distribution of mean 0, variance 1.

        They come from NumPy's global generator, as `np.random.randn` does, unless the network was
        given a `random_state`.
        """
        self.Wx = self._randn(self.n_features, self.n_nodes)
        self.Wh = self._randn(self.n_nodes, self.n_nodes)
        self.b = self._randn(self.n_nodes)

    def forward(self, x: ArrayLike) -> _Array:
        """Run every step of every sequence.

        Parameters
        ----------
        x : (batch_size, n_sequences, n_features) array-like
            `n_sequences` is the number of time steps.

        Returns
        -------
        h : (batch_size, n_nodes) array
            The last hidden state; `hs` keeps all of them.

        Raises
        ------
        ValueError
            If a weight is None, or if x or a weight has the wrong shape.
        TypeError
            If x or a weight is masked, or does not hold real numbers.
        """
        self.hs = _states(*self._checked(x))
        return self.hs[-1]

    def gradients(self, x: ArrayLike, y: ArrayLike) -> tuple[_Array, _Array, _Array]:
        """Gradients of the loss at Wx, Wh and b, by backpropagation through time (Werbos 1990).

        The loss is 1/2 ||h_T - y||^2 per sample, averaged over the batch. These are the exact
        gradients whatever `backward_rule` is.

        Parameters
        ----------
        x : (batch_size, n_sequences, n_features) array-like
        y : (batch_size, n_nodes) array-like
            The last hidden state wanted. For a batch of one, (n_nodes,) will do.

        Returns
        -------
        dWx, dWh, db : arrays
            Of the shapes of Wx, Wh and b.
        """
        X, weights = self._checked(x)
        hs = _states(X, weights)
        updates = _exact_updates(X, weights, hs, self._error(hs[-1], y))
        return updates.Wx, updates.Wh, updates.b

    def backward(self, x: ArrayLike, y: ArrayLike, h: ArrayLike) -> None:
        """Move Wx, Wh and b by one step, in place: learning_rate times what `backward_rule` gives.

        An array that cannot hold the step, of integers or read-only, is replaced by one of floats.

        Parameters
        ----------
        x : (batch_size, n_sequences, n_features) array-like
        y : (batch_size, n_nodes) array-like
            The last hidden state wanted. For a batch of one, (n_nodes,) will do.
        h : (batch_size, n_nodes) array-like
            What `forward(x)` returned. The exact rule steps at the present weights whatever `h` is,
            and warns if it came from other weights or another x. The notebook's rule computes with
            the `h` that it is given.

        Raises
        ------
        ValueError
            If a weight is None, or if x, y, h or a weight has the wrong shape.
        TypeError
            If one of them is masked, or does not hold real numbers.
        """
        _check_rule(self.backward_rule)
        X, weights = self._checked(x)
        given = _as_floats("h", h, (len(X), self.n_nodes), "(batch_size, n_nodes)")
        if self.backward_rule == "notebook":
            updates = _notebook_updates(X, weights, given, self._error(given, y))
        else:
            hs = _states(X, weights)
            if not np.allclose(given, hs[-1], rtol=1e-6, atol=1e-9, equal_nan=True):
                warnings.warn(
                    "h is not what forward(x) returns at the present weights, which this step uses "
                    "instead; call h = rnn.forward(x) before each backward(x, y, h)",
                    stacklevel=2,
                )
            updates = _exact_updates(X, weights, hs, self._error(hs[-1], y))
        self.Wx = self._stepped(self.Wx, updates.Wx)
        self.Wh = self._stepped(self.Wh, updates.Wh)
        self.b = self._stepped(self.b, updates.b)

    def _randn(self, *shape: int) -> _Array:
        if self._rng is None:
            return np.random.randn(*shape)  # noqa: NPY002 - the notebook's generator is the global
        return self._rng.standard_normal(shape)

    def _checked(self, x: ArrayLike) -> tuple[_Array, _Weights]:
        """X and the weights as float64 arrays of the right shapes."""
        n_features, n_nodes = self.n_features, self.n_nodes
        values = {"Wx": self.Wx, "Wh": self.Wh, "b": self.b}
        _check_assigned(values)
        X = _as_floats("x", x, (-1, -1, n_features), "(batch_size, n_sequences, n_features)")
        if len(X) == 0:
            raise ValueError(f"x has shape {X.shape}: it holds no sample; give at least one")
        shapes = {
            "Wx": ((n_features, n_nodes), "(n_features, n_nodes)"),
            "Wh": ((n_nodes, n_nodes), "(n_nodes, n_nodes)"),
            "b": ((n_nodes,), "(n_nodes,)"),
        }
        return X, _Weights(*(_as_floats(name, values[name], *shapes[name]) for name in shapes))

    def _error(self, h: _Array, y: ArrayLike) -> _Array:
        """The gradient at the last state h: the mean over the batch is part of the loss."""
        shape, axes = h.shape, "(batch_size, n_nodes)"
        if len(h) == 1 and np.ndim(y) == 1:
            shape, axes = h.shape[1:], "(n_nodes,)"
        error: _Array = (h - _as_floats("y", y, shape, axes)) / len(h)
        return error

    def _stepped(self, weight: _Array | None, update: _Array) -> _Array:
        weight = np.asarray(weight)
        if weight.dtype.kind != "f":
            weight = weight.astype(np.float64)
        elif not weight.flags.writeable:
            weight = weight.copy()
        weight -= self.learning_rate * update
        return weight


def _states(X: _Array, weights: _Weights) -> list[_Array]:
    """The state after 0, 1, ..., n_sequences steps."""
    hs = [np.zeros((len(X), len(weights.b)))]
    for t in range(X.shape[1]):
        hs.append(np.tanh(X[:, t, :] @ weights.Wx + hs[t] @ weights.Wh + weights.b))
    return hs


def _exact_updates(X: _Array, weights: _Weights, hs: list[_Array], error: _Array) -> _Weights:
    """The gradient at each weight, where `error` is the one at the last state."""
    dWx, dWh, db = (np.zeros_like(weight) for weight in weights)
    dh = error
    for t in reversed(range(X.shape[1])):
        da = dh * (1 - hs[t + 1] ** 2)
        dWx += X[:, t, :].T @ da
        dWh += hs[t].T @ da
        db += da.sum(axis=0)
        dh = da @ weights.Wh.T
    return _Weights(dWx, dWh, db)


def _notebook_updates(X: _Array, weights: _Weights, h: _Array, error: _Array) -> _Weights:
    """What the notebook steps along, to the last bit. This is not a gradient."""
    dWx, dWh, db = (np.zeros_like(weight) for weight in weights)
    dh = np.zeros_like(h)
    for t in reversed(range(X.shape[1])):
        dh = dh + error  # at every step, where only the last state is compared with y
        da = dh * (1 - h**2)  # the last state, where that of step t belongs
        dWx += X[:, t, :].T @ da
        dWh += h.T @ da  # the last state, where that before step t belongs
        db += da.sum(axis=0)
        dh = dh @ weights.Wh.T  # dh, where da belongs
    return _Weights(dWx, dWh, db)


def _check_rule(rule: object) -> None:
    if rule not in BACKWARD_RULES:
        raise ValueError(f"backward_rule={rule!r} must be one of {BACKWARD_RULES}")


def _check_assigned(weights: dict[str, _Array | None]) -> None:
    """Raise an error if a weight is None that says whether to draw all of them or assign one."""
    missing = [name for name, weight in weights.items() if weight is None]
    there = [name for name, weight in weights.items() if weight is not None]
    if not missing:
        return
    if not there:
        raise ValueError(
            "Wx, Wh and b are None: call initialize_weights() to draw them at random, or assign "
            "your own to all three"
        )
    raise ValueError(
        f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} None: assign "
        f"{'it' if len(missing) == 1 else 'them'} too, as you assigned {' and '.join(there)} "
        "(initialize_weights() would draw all three anew)"
    )


def _own_generator(random_state: Any) -> np.random.Generator | np.random.RandomState | None:
    """The generator of one network; None where the global one is to be used."""
    if random_state is None or isinstance(
        random_state, (np.random.Generator, np.random.RandomState)
    ):
        return random_state
    if not isinstance(random_state, (int, np.integer)) or isinstance(random_state, bool):
        raise TypeError(
            f"random_state={random_state!r} must be None, a whole number, or a NumPy Generator or "
            "RandomState"
        )
    if not 0 <= random_state < 2**32:
        raise ValueError(f"random_state={random_state!r} must be from 0 to 2**32 - 1")
    # RandomState and not default_rng, because its numbers are those that np.random.seed gives
    return np.random.RandomState(int(random_state))


def _as_floats(name: str, array: Any, shape: tuple[int, ...], axes: str) -> _Array:
    """`array` as float64 of `shape`, in which -1 stands for any size."""
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; fill it first, with {name}.filled(value)")
    out = np.asarray(array)
    if out.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {out.dtype}; give an array of real numbers")
    if out.ndim != len(shape) or any(
        s not in (-1, n) for s, n in zip(shape, out.shape, strict=True)
    ):
        any_size = " (-1: any size)" if -1 in shape else ""
        raise ValueError(f"{name} has shape {out.shape}, expected {axes} = {shape}{any_size}")
    return np.asarray(out, dtype=np.float64)
