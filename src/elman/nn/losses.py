"""Outputs of a network and their targets in; the loss and its gradient at the outputs out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Fused, Link

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


def linked(logits: Array, link: Link, fused: Fused | None = None) -> Array:
    """What a link makes of logits (n_samples, n_outputs); compiled where `fused` is given."""
    if link == "identity":
        return logits.copy()
    if fused is None:
        return softmax(logits) if link == "softmax" else sigmoid(logits)
    return fused.softmax(logits) if link == "softmax" else fused.sigmoid(logits)


def cross_entropy(
    logits: Array,
    codes: NDArray[np.int64],
    weights: Array | None = None,
    fused: Fused | None = None,
    *,
    label_smoothing: float = 0.0,
) -> tuple[float, Array]:
    """Softmax cross-entropy, a weighted mean over samples, and its gradient.

    L = -sum_i w_i log p_i[y_i] / sum_i w_i  and  dL/dz_i = (p_i - onehot(y_i)) w_i / sum_j w_j,
    Bishop (2006), "Pattern Recognition and Machine Learning", equations 4.108 and 4.109. Smoothing
    by e takes (1 - e) onehot(y_i) + e / n_classes for onehot(y_i), in the loss too: Szegedy et al.
    (2016), "Rethinking the Inception architecture for computer vision", section 7.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_classes)
    codes : ndarray of shape (n_samples,), int64
        Index of each sample's class.
    weights : ndarray of shape (n_samples,), optional
        Not negative; ones by default. If they sum to 0, so do loss and gradient.
    fused : Fused, optional
        A backend's compiled version, to rounding the same; it does not smooth.
    label_smoothing : float in [0, 1), default=0

    Returns
    -------
    loss : float
        In nats, summed in float64.
    dlogits : ndarray of shape (n_samples, n_classes)
    """
    if fused is not None and label_smoothing == 0:
        if weights is not None:
            weights = np.ascontiguousarray(weights, dtype=np.float64)
        return fused.cross_entropy(logits, codes, weights)
    n_classes = logits.shape[1]
    # One array all the way; a training step of a small network would feel a dozen.
    dlogits = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
    flat = dlogits.reshape(-1)
    true = np.arange(0, flat.size, n_classes)
    true += codes
    at_true = flat[true]
    if label_smoothing:
        kept = dlogits.dtype.type(1 - label_smoothing)
        at_true = kept * at_true + (1 - kept) * dlogits.mean(axis=1)
    np.exp(dlogits, out=dlogits)
    total = np.add.reduce(dlogits, axis=1, keepdims=True)
    # log sum - shifted, not log of a probability, which rounds to log 0
    losses = np.log(total[:, 0]).astype(np.float64)
    losses -= at_true
    dlogits /= total
    if label_smoothing:
        dlogits -= (1 - kept) / n_classes
        flat[true] -= kept
    else:
        flat[true] -= 1
    return _weighted_mean(losses, dlogits, weights)


def binary_cross_entropy(
    logits: Array, targets: Array, weights: Array | None = None
) -> tuple[float, Array]:
    """Cross-entropy of independent labels, summed over them, a weighted mean over samples.

    L = -sum_i w_i sum_k [t_ik log s(z_ik) + (1 - t_ik) log s(-z_ik)] / sum_i w_i with the logistic
    function s, and dL/dz_ik = (s(z_ik) - t_ik) w_i / sum_j w_j: Bishop (2006), equations 4.90 and
    4.91. Computed as max(z, 0) - t z + log(1 + exp(-|z|)), in which nothing overflows.

    Parameters
    ----------
    logits, targets : ndarray of shape (n_samples, n_labels)
        Targets lie in [0, 1].
    weights : ndarray of shape (n_samples,), optional
        Not negative; ones by default. If they sum to 0, so do loss and gradient.

    Returns
    -------
    loss : float
        In nats, summed in float64.
    dlogits : ndarray of shape (n_samples, n_labels)
    """
    targets = targets.astype(logits.dtype)
    each = np.maximum(logits, 0) - targets * logits + np.log1p(np.exp(-np.abs(logits)))
    losses = each.sum(axis=1, dtype=np.float64)
    return _weighted_mean(losses, sigmoid(logits) - targets, weights)


def squared_error(
    outputs: Array, targets: Array, weights: Array | None = None
) -> tuple[float, Array]:
    """Squared error, a mean over targets and a weighted mean over samples, and its gradient.

    L = sum_i w_i mean_k (z_ik - t_ik)^2 / sum_i w_i.

    Parameters
    ----------
    outputs, targets : ndarray of shape (n_samples, n_targets)
    weights : ndarray of shape (n_samples,), optional
        Not negative; ones by default. If they sum to 0, so do loss and gradient.

    Returns
    -------
    loss : float
        Summed in float64.
    doutputs : ndarray of shape (n_samples, n_targets)
    """
    error = outputs - targets.astype(outputs.dtype)
    return _mean_over_targets(np.square(error, dtype=np.float64), 2 * error, weights)


def absolute_error(
    outputs: Array, targets: Array, weights: Array | None = None
) -> tuple[float, Array]:
    """Absolute error, as `squared_error`; its gradient where there is no error is 0.

    L = sum_i w_i mean_k |z_ik - t_ik| / sum_i w_i.
    """
    error = outputs - targets.astype(outputs.dtype)
    return _mean_over_targets(np.abs(error, dtype=np.float64), np.sign(error), weights)


def huber_loss(
    outputs: Array, targets: Array, weights: Array | None = None, *, delta: float = 1.0
) -> tuple[float, Array]:
    """Huber's loss, as `squared_error`: half the square of a small error, linear in a large one.

    L = sum_i w_i mean_k h(z_ik - t_ik) / sum_i w_i with h(e) = e^2 / 2 where |e| <= delta, else
    delta (|e| - delta / 2): Huber (1964), "Robust estimation of a location parameter".
    """
    error = outputs - targets.astype(outputs.dtype)
    size = np.abs(error, dtype=np.float64)
    inner = np.minimum(size, delta)
    losses = inner * (size - inner / 2)
    return _mean_over_targets(losses, np.clip(error, -delta, delta), weights)


def sigmoid(logits: Array) -> Array:
    """1 / (1 + exp(-z)) of every value, of the same dtype, so that no exponential overflows."""
    small = np.exp(-np.abs(logits))
    return np.asarray(np.where(logits >= 0, 1, small) / (1 + small))


def _mean_over_targets(
    losses: Array, gradient: Array, weights: Array | None
) -> tuple[float, Array]:
    """From losses and gradients (n_samples, n_targets)."""
    gradient = gradient / gradient.dtype.type(max(gradient.shape[1], 1))
    return _weighted_mean(losses.mean(axis=1), gradient, weights)


def _weighted_mean(losses: Array, gradient: Array, weights: Array | None) -> tuple[float, Array]:
    """Mean of losses (n_samples,) in float64, and their gradients, scaled in place."""
    if weights is None:
        share: Any = 1.0 / max(len(losses), 1)
        gradient *= gradient.dtype.type(share)
    else:
        weight_sum = float(np.sum(weights, dtype=np.float64))
        share = np.asarray(weights, dtype=np.float64) / (weight_sum if weight_sum > 0 else 1.0)
        gradient *= share.astype(gradient.dtype)[:, np.newaxis]
    losses *= share
    return float(np.add.reduce(losses)), gradient
