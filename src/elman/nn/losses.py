"""Outputs of a network and their targets in; each row's loss and the gradient at the outputs out.

The loss of a batch is a mean over its rows, weighted by w. A function here returns each row's share
of it, w_i l_i / total, with the gradient of that share, where total is what all rows of the batch
weigh together. So the rows may be some of a batch that is spread over several calls: as long as all
of them are given the batch's `total`, the shares are, to the bit, those of one call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.fused import Fused
from elman.backends.streams import Link

Array = NDArray[Any]
Losses = NDArray[np.float64]


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
    total: float | None = None,
) -> tuple[Losses, Array]:
    """Softmax cross-entropy of every row, and its gradient.

    l_i = -log p_i[y_i]  and  dl_i/dz_i = p_i - onehot(y_i), both times w_i / total: Bishop (2006),
    "Pattern Recognition and Machine Learning", equations 4.108 and 4.109. Smoothing by e takes
    (1 - e) onehot(y_i) + e / n_classes for onehot(y_i), in the loss too: Szegedy et al. (2016),
    "Rethinking the Inception architecture for computer vision", section 7.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_classes)
    codes : ndarray of shape (n_samples,), int64
        Index of each sample's class.
    weights : ndarray of shape (n_samples,), optional
        Not negative; ones by default. If they sum to 0, losses and gradient are 0.
    fused : Fused, optional
        A backend's compiled version, to rounding the same; it does not smooth.
    label_smoothing : float in [0, 1), default=0
    total : float, optional
        `weight_sum` of the whole batch; that of these rows by default.

    Returns
    -------
    losses : ndarray of shape (n_samples,), float64
        In nats; `loss_sum` adds them up to the loss of the batch.
    dlogits : ndarray of shape (n_samples, n_classes)
    """
    if fused is not None and label_smoothing == 0:
        return cross_entropy_and_hits(logits, codes, weights, fused, total=total)[:2]
    n_classes = logits.shape[1]
    # All in one array: to allocate a dozen would slow a training step of a small network.
    dlogits = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
    flat = dlogits.reshape(-1)
    true = np.arange(0, flat.size, n_classes)
    true += codes
    at_true = flat[true]
    if label_smoothing:
        kept = dlogits.dtype.type(1 - label_smoothing)
        at_true = kept * at_true + (1 - kept) * dlogits.mean(axis=1)
    np.exp(dlogits, out=dlogits)
    sums = np.add.reduce(dlogits, axis=1, keepdims=True)
    # log sum - shifted, not log of a probability, which rounds to log 0
    losses = np.log(sums[:, 0]).astype(np.float64)
    losses -= at_true
    dlogits /= sums
    if label_smoothing:
        dlogits -= (1 - kept) / n_classes
        flat[true] -= kept
    else:
        flat[true] -= 1
    return _shares(losses, dlogits, weights, total)


def cross_entropy_and_hits(
    logits: Array,
    codes: NDArray[np.int64],
    weights: Array | None = None,
    fused: Fused | None = None,
    *,
    label_smoothing: float = 0.0,
    total: float | None = None,
) -> tuple[Losses, Array, NDArray[np.bool_]]:
    """`cross_entropy`, and whether the class of each row's largest logit is the right one.

    Of several logits that are as large the first counts. Of a row with NaN, whose loss is NaN, the
    answer means nothing.

    Returns
    -------
    losses : ndarray of shape (n_samples,), float64
    dlogits : ndarray of shape (n_samples, n_classes)
    hits : ndarray of shape (n_samples,), bool
    """
    if fused is not None and label_smoothing == 0:
        if weights is not None:
            weights = np.ascontiguousarray(weights, dtype=np.float64)
        if total is None:
            total = weight_sum(weights, len(logits), fused)
        return fused.cross_entropy(logits, codes, weights, total)
    losses, dlogits = cross_entropy(
        logits, codes, weights, label_smoothing=label_smoothing, total=total
    )
    return losses, dlogits, logits.argmax(1) == codes


def binary_cross_entropy(
    logits: Array, targets: Array, weights: Array | None = None, *, total: float | None = None
) -> tuple[Losses, Array]:
    """Cross-entropy of independent labels, summed over them, of every row, and its gradient.

    l_i = -sum_k [t_ik log s(z_ik) + (1 - t_ik) log s(-z_ik)] with the logistic function s, and
    dl_i/dz_ik = s(z_ik) - t_ik, both times w_i / total: Bishop (2006), equations 4.90 and 4.91.
    Computed as max(z, 0) - t z + log(1 + exp(-|z|)), in which nothing overflows.

    Parameters
    ----------
    logits, targets : ndarray of shape (n_samples, n_labels)
        Targets lie in [0, 1].
    weights, total
        As `cross_entropy` takes them.

    Returns
    -------
    losses : ndarray of shape (n_samples,), float64
        In nats.
    dlogits : ndarray of shape (n_samples, n_labels)
    """
    targets = targets.astype(logits.dtype)
    each = np.maximum(logits, 0) - targets * logits + np.log1p(np.exp(-np.abs(logits)))
    losses = np.add.reduce(each, axis=1, dtype=np.float64)
    return _shares(losses, sigmoid(logits) - targets, weights, total)


def squared_error(
    outputs: Array, targets: Array, weights: Array | None = None, *, total: float | None = None
) -> tuple[Losses, Array]:
    """Squared error of every row, a mean over targets, and its gradient.

    l_i = mean_k (z_ik - t_ik)^2, times w_i / total.

    Parameters
    ----------
    outputs, targets : ndarray of shape (n_samples, n_targets)
    weights, total
        As `cross_entropy` takes them.

    Returns
    -------
    losses : ndarray of shape (n_samples,), float64
    doutputs : ndarray of shape (n_samples, n_targets)
    """
    error = outputs - targets.astype(outputs.dtype, copy=False)
    return _mean_over_targets(np.square(error, dtype=np.float64), 2 * error, weights, total)


def absolute_error(
    outputs: Array, targets: Array, weights: Array | None = None, *, total: float | None = None
) -> tuple[Losses, Array]:
    """Absolute error, as `squared_error`; its gradient where there is no error is 0.

    l_i = mean_k |z_ik - t_ik|, times w_i / total.
    """
    error = outputs - targets.astype(outputs.dtype, copy=False)
    return _mean_over_targets(np.abs(error, dtype=np.float64), np.sign(error), weights, total)


def huber_loss(
    outputs: Array,
    targets: Array,
    weights: Array | None = None,
    *,
    delta: float = 1.0,
    total: float | None = None,
) -> tuple[Losses, Array]:
    """Huber's loss, as `squared_error`: half the square of a small error, linear in a large one.

    l_i = mean_k h(z_ik - t_ik), times w_i / total, with h(e) = e^2 / 2 where |e| <= delta, else
    delta (|e| - delta / 2): Huber (1964), "Robust estimation of a location parameter".
    """
    error = outputs - targets.astype(outputs.dtype, copy=False)
    size = np.abs(error, dtype=np.float64)
    inner = np.minimum(size, delta)
    losses = inner * (size - inner / 2)
    return _mean_over_targets(losses, np.clip(error, -delta, delta), weights, total)


def squared_errors(
    outputs: Array, targets: Array, fused: Fused | None = None
) -> NDArray[np.float64]:
    """The square of every error, in float64; 0 where the target is NaN.

    Parameters
    ----------
    outputs, targets : ndarray of shape (n_samples, n_targets)
    fused : Fused, optional
        A backend's compiled version, to the same bits.

    Returns
    -------
    ndarray of shape (n_samples, n_targets), float64
    """
    if fused is not None and outputs.dtype == targets.dtype:
        return fused.squared_errors(outputs, targets)
    squared = (outputs - targets).astype(np.float64)
    squared *= squared
    unknown = np.isnan(targets)
    if np.count_nonzero(unknown):
        squared[unknown] = 0
    return squared


def sigmoid(logits: Array) -> Array:
    """1 / (1 + exp(-z)) of every value, of the same dtype, so that no exponential overflows."""
    small = np.exp(-np.abs(logits))
    return np.asarray(np.where(logits >= 0, 1, small) / (1 + small))


def weight_sum(weights: Array | None, n_rows: int, fused: Fused | None = None) -> float:
    """The sum of the weights of the rows of a batch.

    Its last bits depend on the order of the additions, which is another one with `fused`. A loss
    must be given the sum that it would compute itself: pass `fused` here if it is given it.

    Parameters
    ----------
    weights : ndarray of shape (n_rows,), float64, or None
        None: every row weighs 1.
    """
    if weights is None:
        return float(n_rows)
    if fused is not None:
        return fused.sum(weights)
    return float(np.sum(weights, dtype=np.float64))


def loss_sum(losses: Losses, fused: Fused | None = None) -> float:
    """The loss of a batch from the shares of all of its rows, in order; `fused` as `weight_sum`."""
    return float(np.add.reduce(losses)) if fused is None else fused.sum(losses)


def _mean_over_targets(
    losses: Array, gradient: Array, weights: Array | None, total: float | None
) -> tuple[Losses, Array]:
    """From losses and gradients (n_samples, n_targets)."""
    gradient = gradient / gradient.dtype.type(max(gradient.shape[1], 1))
    mean = np.add.reduce(losses, axis=1) / losses.shape[1]  # np.mean is several times as slow
    return _shares(mean, gradient, weights, total)


def _shares(
    losses: Losses, gradient: Array, weights: Array | None, total: float | None
) -> tuple[Losses, Array]:
    """Losses (n_samples,) and their gradients times weights / total, both scaled in place."""
    if total is None:
        total = weight_sum(weights, len(losses))
    if not total > 0:
        total = 1.0
    if weights is None:
        share: Any = 1.0 / total
        gradient *= gradient.dtype.type(share)
    else:
        share = np.asarray(weights, dtype=np.float64) / total
        gradient *= share.astype(gradient.dtype)[:, np.newaxis]
    losses *= share
    return losses, gradient
