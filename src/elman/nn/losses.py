"""Logits and class indices in; the loss and its gradient at the logits out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Fused

Array = NDArray[Any]


def softmax(logits: Array) -> Array:
    """exp(z_k) / sum_j exp(z_j) of every row, shifted by its largest logit so that none overflows.

    Parameters
    ----------
    logits : ndarray of shape (..., n_classes)

    Returns
    -------
    ndarray of the same shape and dtype; rows sum to 1
    """
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return np.asarray(p)


def cross_entropy(
    logits: Array,
    codes: NDArray[np.int64],
    weights: Array | None = None,
    fused: Fused | None = None,
) -> tuple[float, Array]:
    """Softmax cross-entropy, a weighted mean over samples, and its gradient.

    L = -sum_i w_i log p_i[y_i] / sum_i w_i  and  dL/dz_i = (p_i - onehot(y_i)) w_i / sum_j w_j,
    Bishop (2006), "Pattern Recognition and Machine Learning", equations 4.108 and 4.109.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_classes)
    codes : ndarray of shape (n_samples,), int64
        Index of each sample's class.
    weights : ndarray of shape (n_samples,), optional
        Not negative; ones by default. If they sum to 0, so do loss and gradient.
    fused : Fused, optional
        A backend's compiled version, to rounding the same.

    Returns
    -------
    loss : float
        In nats, summed in float64.
    dlogits : ndarray of shape (n_samples, n_classes)
    """
    if fused is not None:
        if weights is not None:
            weights = np.ascontiguousarray(weights, dtype=np.float64)
        return fused.cross_entropy(logits, codes, weights)
    n_samples, n_classes = logits.shape
    # One array all the way; a training step of a small network would feel a dozen.
    dlogits = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
    flat = dlogits.reshape(-1)
    true = np.arange(0, flat.size, n_classes)
    true += codes
    at_true = flat[true]
    np.exp(dlogits, out=dlogits)
    total = np.add.reduce(dlogits, axis=1, keepdims=True)
    # log sum - shifted, not log of a probability, which rounds to log 0
    losses = np.log(total[:, 0]).astype(np.float64)
    losses -= at_true
    dlogits /= total
    flat[true] -= 1
    if weights is None:
        share: Any = 1.0 / max(n_samples, 1)
        dlogits *= dlogits.dtype.type(share)
    else:
        weight_sum = float(np.sum(weights, dtype=np.float64))
        share = np.asarray(weights, dtype=np.float64) / (weight_sum if weight_sum > 0 else 1.0)
        dlogits *= share.astype(dlogits.dtype)[:, np.newaxis]
    losses *= share
    return float(np.add.reduce(losses)), dlogits
