"""A network and labelled sequences in; the network trained in place and its History out."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.data.sequences import Sequences
from elman.history import Epoch, History
from elman.inference import predict_logits
from elman.nn.dropout import Masking
from elman.nn.losses import cross_entropy
from elman.nn.network import Network
from elman.nn.optimizers import Optimizer, clip_scale, global_norm

Array = NDArray[Any]


class DivergedError(ValueError):
    """The loss or a gradient became NaN or infinite."""


class Labelled(NamedTuple):
    """Sequences, already scaled and of the network's dtype, with what they should be taken for."""

    X: Sequences
    targets: Array
    """(n_samples,) index of each sample's class"""
    weights: NDArray[np.float64] | None
    """(n_samples,) or None (all equal)"""

    def subset(self, indices: NDArray[np.intp]) -> Labelled:
        """The samples at `indices`, in that order."""
        weights = None if self.weights is None else self.weights[indices]
        return Labelled(self.X.subset(indices), self.targets[indices], weights)


OnEpoch = Callable[[Epoch], Any]
"""Called once after each epoch; True or "stop" ends training."""


class Progress(Protocol):
    """Where training says how it goes."""

    def show(self, epoch: Epoch) -> None:
        """Report an epoch."""
        ...


@dataclass(frozen=True)
class Plan:
    """How to train."""

    n_epochs: int
    batch_size: int
    """at most; an epoch has as few batches as that allows, all of one size, within one sample"""
    learning_rate: Callable[[int], float]
    """number of the epoch, from 0 -> learning rate"""
    max_grad_norm: float | None
    early_stopping: bool = False
    """stop when validation no longer gets better, and go back to the best weights"""
    n_iter_no_change: int = 10
    tol: float = 1e-4
    first_epoch: int = 0
    """epochs already done"""
    checkpoint_every: int = 0
    """steps between the states kept for the backward pass; 0 keeps all"""


@dataclass
class _Best:
    """The best weights so far, and for how long nothing has got better."""

    flat: Array | None = None
    epoch: int = 0
    key: tuple[float, ...] = ()
    high_score: float = -math.inf
    low_loss: float = math.inf
    n_stale: int = 0

    def update(
        self, network: Network, epoch: int, loss: float, score: float | None, tol: float
    ) -> None:
        """`loss` and `score` are the validation's, or the training loss and None."""
        key = (-loss,) if score is None else (score, -loss)
        if self.flat is None or key > self.key:
            if self.flat is None:
                self.flat = network.params.flat.copy()
            else:
                self.flat[...] = network.params.flat
            self.key, self.epoch = key, epoch
        better_score = score is not None and score > self.high_score + tol
        better_loss = loss < self.low_loss - tol
        self.n_stale = 0 if better_score or better_loss else self.n_stale + 1
        if better_score and score is not None:
            self.high_score = score
        if better_loss:
            self.low_loss = loss


def train(
    network: Network,
    training: Labelled,
    optimizer: Optimizer,
    plan: Plan,
    *,
    backend: Backend,
    rng: np.random.Generator,
    validation: Labelled | None = None,
    progress: Progress | None = None,
    on_epoch: Sequence[OnEpoch] = (),
) -> History:
    """Train a network in place.

    Every epoch goes once through the samples in a fresh random order, `plan.batch_size` at a time.
    With `plan.early_stopping` training ends once neither validation score nor validation loss has
    got better by more than `plan.tol` for `plan.n_iter_no_change` epochs, and however it ends the
    weights of the best epoch (highest score, then lowest loss) are restored. A KeyboardInterrupt
    ends training as well and restores the best weights so far, by validation if there is any, else
    by training loss; the history says so. Before the first epoch has ended, or after any other
    error, network, optimizer and rng are left as they were.

    Parameters
    ----------
    network : Network
        Its weights are changed in place.
    training : Labelled
    optimizer : Optimizer
        Goes on from the state it is in.
    plan : Plan
    backend : Backend
    rng : numpy.random.Generator
        Of the shuffling.
    validation : Labelled, optional
    progress : Progress, optional
    on_epoch : sequence of callable
        Called in order after each epoch; one that returns True or "stop" ends training.

    Returns
    -------
    History

    Raises
    ------
    DivergedError
        The loss, a gradient or a weight became NaN or infinite; names the epoch and the batch.
    """
    if plan.early_stopping and validation is None:
        raise ValueError("early_stopping needs validation data")
    history = History(stopped_by="max_iter")
    best = _Best()
    undo = _snapshot(network, optimizer, rng)
    try:
        for number in range(plan.first_epoch, plan.first_epoch + plan.n_epochs):
            start = time.perf_counter()
            rate = plan.learning_rate(number)
            with np.errstate(all="ignore"):  # what is not finite becomes an error of its own
                loss, norm = _run_epoch(
                    network, training, optimizer, plan, rate, backend, rng, number
                )
            if validation is None:
                validation_loss = score = None
                best.update(network, number + 1, loss, None, plan.tol)
            else:
                with np.errstate(all="ignore"):
                    validation_loss, score = evaluate(network, validation, backend)
                if not math.isfinite(validation_loss):
                    raise DivergedError(
                        f"training diverged in epoch {number + 1}: the loss of the validation data "
                        f"is {validation_loss:g} at a learning rate of {rate:g}. Lower "
                        "learning_rate_init, or look for huge values in X_val"
                    )
                best.update(network, number + 1, validation_loss, score, plan.tol)
            epoch = Epoch(
                epoch=number + 1,
                loss=loss,
                validation_loss=validation_loss,
                validation_score=score,
                gradient_norm=norm,
                learning_rate=rate,
                seconds=time.perf_counter() - start,
                n_epochs=plan.first_epoch + plan.n_epochs,
                best_epoch=best.epoch,
                network=network,
            )
            history.append(epoch)
            history.best_epoch = best.epoch
            if progress is not None:
                progress.show(epoch)
            answers = [hook(epoch) for hook in on_epoch]
            if any(map(_says_stop, answers)):
                history.stopped_by = "on_epoch"
                break
            if plan.early_stopping and best.n_stale >= plan.n_iter_no_change:
                history.stopped_by = "early_stopping"
                break
    except KeyboardInterrupt:
        history.stopped_by = "interrupt"
        history.trim()
        if not len(history):
            undo()
            return history
    except BaseException:
        undo()
        raise
    restore = plan.early_stopping or history.stopped_by == "interrupt"
    if restore and best.flat is not None:
        network.params.flat[...] = best.flat
    return history


def evaluate(network: Network, data: Labelled, backend: Backend) -> tuple[float, float]:
    """Cross-entropy and accuracy of labelled data, weighted as it is."""
    logits = predict_logits(network, data.X, backend)
    loss, _ = cross_entropy(logits, data.targets, data.weights, backend.fused)
    hits = (logits.argmax(axis=1) == data.targets).astype(np.float64)
    if data.weights is None:
        return loss, float(hits.mean())
    total = float(data.weights.sum())
    return loss, float((hits * data.weights).sum() / total) if total > 0 else 0.0


def _run_epoch(
    network: Network,
    training: Labelled,
    optimizer: Optimizer,
    plan: Plan,
    learning_rate: float,
    backend: Backend,
    rng: np.random.Generator,
    number: int,
) -> tuple[float, float]:
    """Mean loss over samples and mean gradient norm over batches of one epoch."""
    X, targets, weights = training
    n_samples = len(X)
    order = rng.permutation(n_samples)
    gradient = network.params.zeros_like()
    mask_seed = _mask_seed(rng) if network.dropout else 0
    loss_sum = weight_sum = norm_sum = 0.0
    n_batches = 0
    # Of equal size, within one: Adam takes a step as long for a last batch of three samples as for
    # a whole one, and that noise alone can keep a small set from being learned.
    for indices in np.array_split(order, -(-n_samples // plan.batch_size)):
        batch = X.batch(indices, backend.fused)
        batch_weights = None if weights is None else weights[batch.order]
        share = float(len(batch.order) if batch_weights is None else batch_weights.sum())
        logits, backward = network.forward(
            batch.X,
            batch.lengths,
            backend,
            checkpoint_every=plan.checkpoint_every,
            masking=Masking(mask_seed, number, batch.order) if network.dropout else None,
        )
        loss, dlogits = cross_entropy(logits, targets[batch.order], batch_weights, backend.fused)
        backward(dlogits, gradient)
        norm = global_norm(gradient.flat, backend.fused)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise _diverged(number, n_batches, learning_rate, loss, norm)
        scale = clip_scale(norm, plan.max_grad_norm)
        optimizer.step(network.params.flat, gradient.flat, learning_rate, scale, backend.fused)
        n_batches += 1
        loss_sum += loss * share
        weight_sum += share
        norm_sum += norm
    if not np.isfinite(network.params.flat).all():
        raise _diverged(number, n_batches - 1, learning_rate, loss_sum, norm_sum)
    return loss_sum / weight_sum if weight_sum else 0.0, norm_sum / max(n_batches, 1)


def _mask_seed(rng: np.random.Generator) -> int:
    """The same in every epoch of one generator, which is not drawn from."""
    root: Any = rng.bit_generator.seed_seq
    child = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, 0))
    return int(child.generate_state(1, np.uint64)[0])


def _diverged(
    number: int, batch: int, learning_rate: float, loss: float, norm: float
) -> DivergedError:
    return DivergedError(
        f"training diverged in epoch {number + 1}, batch {batch + 1}: the loss is {loss:g} and the "
        f"gradient's norm {norm:g} at a learning rate of {learning_rate:g}. Lower "
        "learning_rate_init, set max_grad_norm (1.0 is usual), or keep standardize=True"
    )


def _says_stop(answer: Any) -> bool:
    return (isinstance(answer, (bool, np.bool_)) and bool(answer)) or (
        isinstance(answer, str) and answer == "stop"
    )


def _snapshot(
    network: Network, optimizer: Optimizer, rng: np.random.Generator
) -> Callable[[], None]:
    """A function that puts weights, optimizer and generator back to what they are now."""
    flat, state = network.params.flat.copy(), copy.deepcopy(optimizer.get_state())
    position = rng.bit_generator.state

    def restore() -> None:
        network.params.flat[...] = flat
        optimizer.set_state(state)
        rng.bit_generator.state = position

    return restore
