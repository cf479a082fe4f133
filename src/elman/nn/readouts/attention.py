"""The readout "attention": a mean over time, weighted by how well each state answers a query.

States are weighted by exp(score), of which only ratios matter. So that a new largest score can
shift what was summed before without rounding it, exp(s) is held as r 2^k with r in [0.7, 1.42]:
a change of the power of two is exact, unless a product falls below the smallest normal number.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.backends.contract import Backend
from elman.nn.chunks import Chunk
from elman.nn.groups import samples_in_branch
from elman.nn.layers import PassContext, States
from elman.nn.parameters import Parameters, Shapes
from elman.nn.readouts.fold import Fold
from elman.nn.readouts.sums import sum_over_time

Array = NDArray[Any]

LARGEST = 2.0**40
"""Where scores are cut off, so that they and their powers of two stay apart by whole numbers."""
NOTHING = -4 * LARGEST
"""The exponent of a weight of zero."""
_SMALLEST_RATIO = -5000  # as a power of two: far below what float64 can hold
_LOG2_E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01  # 32 bits of ln 2, so that k * _LN2_HIGH is exact
_LN2_LOW = 1.90821492927058770002e-10
_TAYLOR = [1 / math.factorial(i) for i in range(12, -1, -1)]


class Attention(Fold):
    """sum_t a_t h_t with a = softmax_t(h_t . q / sqrt(width)), over a sample's own steps.

    Bahdanau, Cho and Bengio (2015), "Neural machine translation by jointly learning to align and
    translate", with one learned query q and the scaled product of Vaswani et al. (2017), "Attention
    is all you need", equation 1. q begins at zero, which makes it the mean.

    The softmax is kept relative to the largest score so far: Milakov and Gimelshein (2018), "Online
    normalizer calculation for softmax", algorithm 3; here to its power of two. What is summed is in
    units of 2^exponent; a sample of which nothing was weighed yet has weight and exponent 0.
    """

    about: ClassVar[str] = (
        "the mean of each unit over its own steps, weighted by a softmax of how well each state "
        "answers a learned query"
    )
    QUERY: ClassVar[str] = "attention.query"

    def __init__(self, context: PassContext, n_steps: NDArray[np.int64], width: int) -> None:
        super().__init__(context, n_steps, width)
        self._n_chunks = 0
        self._weights: Array | None = None  # of all steps, if they are one chunk

    @classmethod
    @override
    def shapes(cls, width: int) -> Shapes:
        return {cls.QUERY: (width,)}

    @classmethod
    @override
    def branches(
        cls, width: int, n_samples: int, n_timesteps: int, backend: Backend
    ) -> tuple[int, ...]:
        # The query's gradient is a sum with a row for each time step.
        size = backend.group_rows(None, n_samples * n_timesteps, 1)
        return (samples_in_branch(size, n_timesteps, n_samples),)

    @override
    def begin(self) -> dict[str, Array]:
        n = len(self.n_steps)
        return {"sum": np.zeros((n, self.width)), "weight": np.zeros(n), "exponent": np.zeros(n)}

    @override
    def take(self, H: Array, chunk: Chunk) -> None:
        weights = self._weigh(H, *self._split_weights(H, chunk))
        self._n_chunks += 1
        self._weights = weights if self.context.keep_tape and self._n_chunks == 1 else None

    @override
    def over_time(self, H: Array) -> Array:
        # The same as one step after another, but the scores are computed at once.
        n = len(H)
        r, k = self._split_weights(H, Chunk(0, H.shape[1], n, None))
        means = np.empty_like(H)
        for t in range(H.shape[1]):
            step = slice(t, t + 1)
            self._weigh(H[:, step], r[:, step], k[:, step])
            means[:, t] = self._quotient(n)
        self.n_steps[:n] += H.shape[1]
        means += H.dtype.type(0)
        return means

    @override
    def value(self, final: Array) -> Array:
        return self.or_initial(self._quotient(len(final)), final)

    @override
    def share(self, H: Array, chunk: Chunk, dvalue: Array, gradient: Parameters) -> States:
        # d share_t = dvalue . h_t;  d score_t = share_t (d share_t - sum_s share_s d share_s)
        n = len(H)
        weights = self._weights
        if weights is None:
            r, k = self._split_weights(H, chunk)
            weights = times_power(r, k - self.state["exponent"][:n, np.newaxis])
        shares = (weights / self._total_weight(n)).astype(H.dtype)
        dshares = np.add.reduce(H * dvalue[:n, np.newaxis], axis=2)
        if self._weights is not None:
            # All steps are here: the sum has their own roundings, so that the dscores add up to 0.
            dscores = shares * dshares
            dscores -= shares * sum_over_time(dscores[:, :, np.newaxis]).astype(H.dtype)
        else:
            # sum_s share_s (dvalue . h_s) is dvalue . value, which needs no other chunk
            mean = np.add.reduce(self._quotient(n) * dvalue[:n], axis=1)
            dscores = dshares - mean[:, np.newaxis]
            dscores *= shares
        dscores *= H.dtype.type(1 / math.sqrt(self.width))
        query = self.context.params[self.QUERY]
        _, dquery, _ = self.context.backend.linear_backward(
            np.ascontiguousarray(dscores.reshape(-1, 1)),
            H.reshape(-1, self.width),
            query[:, np.newaxis],
            need_dX=False,
            batch_rows=self.context.batch_rows(H.shape[1]),
        )
        gradient[self.QUERY][...] = dquery[:, 0]
        dH = shares[:, :, np.newaxis] * dvalue[:n, np.newaxis]
        dH += dscores[:, :, np.newaxis] * query
        return self.spread(dH, dvalue, chunk)

    def _weigh(self, H: Array, r: Array, k: Array) -> Array:
        """Add some steps of these weights to the sums; the weights, in units of 2^exponent."""
        n = len(H)
        total, weight, exponent = (self.state[name][:n] for name in ("sum", "weight", "exponent"))
        largest = k.max(axis=1, initial=NOTHING)
        if weight.any():  # what was summed before goes into the units of the largest score so far
            before = np.where(weight == 0, NOTHING, exponent)
            largest = np.maximum(largest, before)
            kept = times_power(1.0, before - largest)
            weight *= kept
            total *= kept[:, np.newaxis]
        weights = times_power(r, k - largest[:, np.newaxis])
        weight[...] = sum_over_time(weights[:, :, np.newaxis], start=weight[:, np.newaxis])[:, 0]
        total[...] = sum_over_time(H, weights, start=total)
        np.copyto(exponent, largest, where=weight != 0)
        return weights

    def _split_weights(self, H: Array, chunk: Chunk) -> tuple[Array, Array]:
        """exp(score) of every step as r 2^k, (n, n_timesteps) each; nothing past an end."""
        rows = np.ascontiguousarray(H).reshape(-1, self.width)
        scores = attention_scores(rows, self.context.params[self.QUERY], self.context.backend)
        r, k = split_exp(scores.reshape(H.shape[:2]))
        past = chunk.past
        if past is not None:
            k[past] = NOTHING
            r[past] = 0
        return r, k

    def _total_weight(self, n: int) -> Array:
        """(n, 1), 1 where nothing was weighed."""
        weight = self.state["weight"][:n, np.newaxis]
        return np.where(weight == 0, 1, weight)

    def _quotient(self, n: int) -> Array:
        """(n, width), the weighted mean so far."""
        dtype = self.context.params.dtype
        return np.asarray(self.state["sum"][:n].astype(dtype) / self._total_weight(n).astype(dtype))


def attention_scores(H: Array, query: Array, backend: Backend) -> Array:
    """States (n, width) -> h . q / sqrt(width), (n,)."""
    zero = np.zeros(1, query.dtype)
    scores = backend.linear_forward(H, query[:, np.newaxis], zero)[:, 0]
    return np.asarray(scores * H.dtype.type(1 / math.sqrt(len(query))))


def split_exp(x: Array) -> tuple[Array, Array]:
    """Split exp(x) into r 2^k, in float64: k is whole, r lies in [0.7, 1.42].

    Of additions and multiplications in a fixed order, so that the kernel can have the same bits.

    Parameters
    ----------
    x : ndarray, float32 or float64
        Cut off at `LARGEST`.

    Returns
    -------
    r : ndarray of the same shape
        By the Taylor series to the 13th power; its first omitted term is below 2^-57.
    k : ndarray of the same shape
    """
    exact = np.minimum(np.maximum(x.astype(np.float64), -LARGEST), LARGEST)
    k = np.rint(exact * _LOG2_E)
    rest = (exact - k * _LN2_HIGH) - k * _LN2_LOW
    r = np.full(x.shape, 1 / math.factorial(13))
    for factor in _TAYLOR:
        r *= rest
        r += factor
    return r, k


def times_power(r: Array | float, k: Array) -> Array:
    """Return r 2^k for k <= 0, with r and k as `split_exp` returns them."""
    return np.asarray(np.ldexp(r, np.maximum(k, _SMALLEST_RATIO).astype(np.intc)))
