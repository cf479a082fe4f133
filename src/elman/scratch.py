"""The classroom class: small arrays in, the last hidden state out, and exact gradient descent."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elman.backends.contract import Cell, Tape, Weights
from elman.backends.reference import ReferenceBackend

_CELL = Cell("elman", "tanh")
_BACKEND = ReferenceBackend()


def _as_floats(name: str, array: ArrayLike, shape: tuple[int, ...], axes: str) -> NDArray[Any]:
    """`array` as C-contiguous float64 of `shape`, in which -1 stands for any size."""
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; fill it first, with {name}.filled(value)")
    out = np.asarray(array)
    if out.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {out.dtype}; give an array of real numbers")
    if out.ndim != len(shape) or any(
        s not in (-1, n) for s, n in zip(shape, out.shape, strict=True)
    ):
        raise ValueError(f"{name} has shape {out.shape}, expected {axes} = {shape} (-1: any size)")
    return np.require(out, dtype=np.float64, requirements=["C", "A"])


class ScratchSimpleRNNClassifier:
    """A simple recurrent network that one can read and take apart.

    The states follow Elman (1990), "Finding structure in time", with h_0 = 0::

        h_t = tanh(x_t Wx + h_{t-1} Wh + b)

    Parameters
    ----------
    n_features : int
        Width of one input step.
    n_nodes : int
        Width of the hidden state.
    learning_rate : float, default=0.01
        Step of gradient descent in `backward`.
    random_state : int, numpy.random.Generator or None
        Where the initial weights come from; NumPy's global state is never touched.

    Attributes
    ----------
    Wx : (n_features, n_nodes) array
    Wh : (n_nodes, n_nodes) array
    b : (n_nodes,) array
        The weights. Assign your own, of any real dtype: integers are computed with as floats.
    hs : (batch_size, n_sequences, n_nodes) array
        Every hidden state of the last `forward`.

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
    """

    def __init__(
        self,
        n_features: int,
        n_nodes: int,
        learning_rate: float = 0.01,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        for name, size in (("n_features", n_features), ("n_nodes", n_nodes)):
            if size != int(size) or size < 1:
                raise ValueError(f"{name}={size!r} must be a whole number of at least 1")
        self.n_features = int(n_features)
        self.n_nodes = int(n_nodes)
        self.learning_rate = learning_rate
        self._rng = np.random.default_rng(random_state)
        self.hs = np.zeros((0, 0, self.n_nodes))
        self.initialize_weights()

    def initialize_weights(self) -> None:
        """Draw new weights: each column of Wx and of Wh about of length 1, b zero."""
        n_features, n_nodes = self.n_features, self.n_nodes
        self.Wx: NDArray[Any] = self._rng.standard_normal((n_features, n_nodes)) / n_features**0.5
        self.Wh: NDArray[Any] = self._rng.standard_normal((n_nodes, n_nodes)) / n_nodes**0.5
        self.b: NDArray[Any] = np.zeros(n_nodes)

    def forward(self, x: ArrayLike) -> NDArray[Any]:
        """Run every step of every sequence.

        Parameters
        ----------
        x : (batch_size, n_sequences, n_features) array-like
            `n_sequences` is the number of time steps.

        Returns
        -------
        h : (batch_size, n_nodes) array
            The last hidden state; `hs` keeps all of them.
        """
        h, tape = self._run(x)
        self.hs = tape.H
        return h

    def gradients(self, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], ...]:
        """Gradients of the loss at Wx, Wh and b, by backpropagation through time (Werbos 1990).

        The loss is 1/2 ||h_T - y||^2 per sample, averaged over the batch.

        Parameters
        ----------
        x : (batch_size, n_sequences, n_features) array-like
        y : (batch_size, n_nodes) array-like
            The last hidden state wanted.

        Returns
        -------
        dWx, dWh, db : arrays
            Of the shapes of Wx, Wh and b.
        """
        return self._through_time(*self._run(x), y)

    def backward(self, x: ArrayLike, y: ArrayLike, h: ArrayLike) -> None:
        """One step of gradient descent on Wx, Wh and b, in place.

        An array of integers cannot hold the step: it is replaced by one of floats.

        Parameters
        ----------
        x : (batch_size, n_sequences, n_features) array-like
        y : (batch_size, n_nodes) array-like
            The last hidden state wanted.
        h : (batch_size, n_nodes) array-like
            What `forward(x)` returned. The step is taken at the present weights whatever `h` is; a
            warning says if it came from other weights or another x.
        """
        present, tape = self._run(x)
        given = _as_floats("h", h, present.shape, "(batch_size, n_nodes)")
        if not np.allclose(given, present, rtol=1e-6, atol=1e-9, equal_nan=True):
            warnings.warn(
                "h is not what forward(x) returns at the present weights, which this step uses "
                "instead; call h = rnn.forward(x) before each backward(x, y, h)",
                stacklevel=2,
            )
        dWx, dWh, db = self._through_time(present, tape, y)
        self.Wx = self._descended(self.Wx, dWx)
        self.Wh = self._descended(self.Wh, dWh)
        self.b = self._descended(self.b, db)

    def _through_time(self, h: NDArray[Any], tape: Tape, y: ArrayLike) -> tuple[NDArray[Any], ...]:
        error = h - _as_floats("y", y, h.shape, "(batch_size, n_nodes)")
        return tuple(_BACKEND.backward(None, error / len(h), tape, need_dX=False).dweights.arrays)

    def _descended(self, weight: NDArray[Any], gradient: NDArray[Any]) -> NDArray[Any]:
        weight = np.asarray(weight)
        if weight.dtype.kind != "f":
            weight = weight.astype(np.float64)
        weight -= self.learning_rate * gradient
        return weight

    def _run(self, x: ArrayLike) -> tuple[NDArray[Any], Tape]:
        n_features, n_nodes = self.n_features, self.n_nodes
        X = _as_floats("x", x, (-1, -1, n_features), "(batch_size, n_sequences, n_features)")
        weights = Weights(
            _as_floats("Wx", self.Wx, (n_features, n_nodes), "(n_features, n_nodes)"),
            _as_floats("Wh", self.Wh, (n_nodes, n_nodes), "(n_nodes, n_nodes)"),
            _as_floats("b", self.b, (n_nodes,), "(n_nodes,)"),
        )
        if len(X) == 0:
            raise ValueError(f"x has shape {X.shape}: it holds no sample; give at least one")
        forward = _BACKEND.forward(_CELL, X, None, None, weights, keep_tape=True)
        if forward.tape is None:
            raise RuntimeError("the reference backend kept no tape")
        return forward.final, forward.tape
