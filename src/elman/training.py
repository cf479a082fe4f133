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
from elman.data.sequences import Batch, Sequences
from elman.history import Epoch, History
from elman.inference import predict_logits, predict_logits_over_time
from elman.nn.dropout import Masking
from elman.nn.network import Network
from elman.nn.objectives import Objective, OneClass
from elman.nn.optimizers import Optimizer, clip_scale, global_norm

Array = NDArray[Any]


class DivergedError(ValueError):
    """The loss or a gradient became NaN or infinite."""


class Labelled(NamedTuple):
    """Sequences, already scaled and of the network's dtype, with what they should be taken for."""

    X: Sequences
    targets: Array
    """as the objective takes them, a row for each sample; `per_step` a row for each of `X.values`,
    class indices with -1 for a step without a label"""
    weights: NDArray[np.float64] | None
    """a weight for each row of `targets`, or None (all equal)"""
    per_step: bool = False
    """whether the network has an answer at every time step"""

    def subset(self, indices: NDArray[np.intp]) -> Labelled:
        """The samples at `indices`, in that order."""
        rows = self._steps_of(indices) if self.per_step else indices
        weights = None if self.weights is None else self.weights[rows]
        return self._replace(X=self.X.subset(indices), targets=self.targets[rows], weights=weights)

    def sample_weights(self) -> NDArray[np.float64] | None:
        """(n_samples,): of steps their mean; None if all are equal."""
        if self.weights is None or not self.per_step:
            return self.weights
        sample = np.repeat(np.arange(len(self.X)), self.X.lengths)
        sums = np.bincount(sample, weights=self.weights, minlength=len(self.X))
        return np.asarray(sums / np.maximum(self.X.lengths, 1))

    def rows_of(self, batch: Batch) -> tuple[NDArray[np.intp] | None, NDArray[np.int64]]:
        """Which of a batch's answers count, and the rows of `targets` that belong to them.

        The answers are numbered through (n_samples * n_timesteps); None: all, one for each sample.
        """
        if not self.per_step:
            return None, batch.order
        rows = self._steps_of(batch.order)
        lengths = self.X.lengths[batch.order]
        starts = np.arange(len(lengths)) * batch.X.shape[1] - (np.cumsum(lengths) - lengths)
        places = np.arange(len(rows)) + np.repeat(starts, lengths)
        labelled = self.targets[rows] >= 0
        return places[labelled], rows[labelled]

    def _steps_of(self, indices: NDArray[Any]) -> NDArray[np.int64]:
        """Where in `X.values` the steps of some samples are."""
        lengths = self.X.lengths[indices]
        ends = np.cumsum(lengths)
        rows = np.arange(int(lengths.sum()), dtype=np.int64)
        rows += np.repeat(self.X.offsets[indices] - (ends - lengths), lengths)
        return rows


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
    objective: Objective = OneClass(),  # noqa: B008 -- it is frozen
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
    objective : Objective, default=OneClass()
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
                    network, training, optimizer, plan, objective, rate, backend, rng, number
                )
            if validation is None:
                validation_loss = score = None
                best.update(network, number + 1, loss, None, plan.tol)
            else:
                with np.errstate(all="ignore"):
                    validation_loss, score = evaluate(network, validation, backend, objective)
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


def evaluate(
    network: Network,
    data: Labelled,
    backend: Backend,
    objective: Objective = OneClass(),  # noqa: B008 -- it is frozen
) -> tuple[float, float]:
    """Loss and score of labelled data, weighted as it is."""
    targets, weights = data.targets, data.weights
    if data.per_step:
        over_time = predict_logits_over_time(network, data.X, backend)
        labelled = targets >= 0
        outputs, targets = np.concatenate(over_time)[labelled], targets[labelled]
        weights = None if weights is None else weights[labelled]
    else:
        outputs = predict_logits(network, data.X, backend)
    return objective.evaluate(outputs, targets, weights, backend.fused)


def _run_epoch(
    network: Network,
    training: Labelled,
    optimizer: Optimizer,
    plan: Plan,
    objective: Objective,
    learning_rate: float,
    backend: Backend,
    rng: np.random.Generator,
    number: int,
) -> tuple[float, float]:
    """Mean loss over samples and mean gradient norm over batches of one epoch."""
    X, targets, weights, _ = training
    n_samples = len(X)
    order = rng.permutation(n_samples)
    gradient = network.params.zeros_like()
    masked = bool(network.dropout or network.recurrent_dropout)
    mask_seed = _mask_seed(rng) if masked else 0
    loss_sum = weight_sum = norm_sum = 0.0
    n_batches = 0
    # Of equal size, within one: Adam takes a step as long for a last batch of three samples as for
    # a whole one, and that noise alone can keep a small set from being learned.
    for indices in np.array_split(order, -(-n_samples // plan.batch_size)):
        batch = X.batch(indices, backend.fused)
        places, rows = training.rows_of(batch)
        batch_weights = None if weights is None else weights[rows]
        share = float(len(rows) if batch_weights is None else batch_weights.sum())
        outputs, backward = network.forward(
            batch.X,
            batch.lengths,
            backend,
            checkpoint_every=plan.checkpoint_every,
            masking=Masking(mask_seed, number, batch.order) if masked else None,
        )
        answers = outputs if places is None else outputs.reshape(-1, outputs.shape[-1])[places]
        loss, danswers = objective.loss(answers, targets[rows], batch_weights, backend.fused)
        backward(_spread(danswers, places, outputs.shape), gradient)
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


def _spread(danswers: Array, places: NDArray[np.intp] | None, shape: tuple[int, ...]) -> Array:
    """The gradient at all outputs, from that at those which count."""
    if places is None:
        return danswers
    doutputs = np.zeros((math.prod(shape[:-1]), shape[-1]), danswers.dtype)
    doutputs[places] = danswers
    return doutputs.reshape(shape)


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
