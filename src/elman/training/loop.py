"""Trains a network in place, epoch after epoch, and returns the `History`."""

from __future__ import annotations

import math
import numbers
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.models.history import Epoch, History
from elman.models.inference import predict_logits, predict_logits_over_time
from elman.nn.chunks import chunks
from elman.nn.network import Network
from elman.nn.objectives import Objective, OneClass
from elman.nn.optimizers import Optimizer
from elman.nn.schedules import LOWERED
from elman.training.best import Best
from elman.training.divergence import DivergedError, Suspects, first_not_finite
from elman.training.epoch import run_epoch
from elman.training.gauges import interval, probe, saturated, spectral_radii
from elman.training.gradients import HERE, Gradients
from elman.training.labelled import Labelled, has_target
from elman.training.local import Replicas
from elman.training.plan import Plan
from elman.training.state import CheckpointStore, TrainingState, snapshot

Array = NDArray[Any]


OnEpoch = Callable[[Epoch], Any]
"""Called once after each epoch; True or "stop" ends training."""


class Progress(Protocol):
    """Shows a person how training goes."""

    def show(self, epoch: Epoch) -> None:
        """Report an epoch."""
        ...


def train(
    network: Network,
    training: Labelled,
    optimizer: Optimizer | Replicas,
    plan: Plan,
    objective: Objective = OneClass(),  # noqa: B008 -- it is frozen
    *,
    backend: Backend,
    rng: np.random.Generator,
    validation: Labelled | None = None,
    scorer: Callable[[], float] | None = None,
    progress: Progress | None = None,
    on_epoch: Sequence[OnEpoch] = (),
    states: dict[str, Array] | None = None,
    store: CheckpointStore | None = None,
    gradients: Gradients = HERE,
) -> History:
    """Train a network in place.

    Every epoch goes once through the samples in a fresh random order, `plan.batch_size` at a time.
    With `plan.early_stopping` training ends once neither validation score nor validation loss has
    got better by more than `plan.tol` for `plan.n_iter_no_change` epochs, and however it ends the
    weights of the best epoch (highest score, then lowest loss) are restored; `plan.judged_by` has
    one of the two count alone. A KeyboardInterrupt
    ends training as well and restores the best weights so far, by validation if there is any, else
    by training loss; the history says so. So does a state that cannot be kept, unless it is that of
    the last epoch, when training is over anyway. Before the first epoch has ended, or after any
    other error, network, optimizer and rng are left as they were.

    Parameters
    ----------
    network : Network
        Its weights are changed in place.
    training : Labelled
    optimizer : Optimizer or Replicas
        Goes on from the state it is in. Replicas learn by themselves and are averaged:
        `elman.training.local`.
    plan : Plan
    objective : Objective, default=OneClass()
    backend : Backend
    rng : numpy.random.Generator
        Of the shuffling.
    validation : Labelled, optional
    scorer : callable, optional
        Scores the network as it is on the validation data, in the place of the objective's score.
    progress : Progress, optional
    on_epoch : sequence of callable
        Called in order after each epoch; one that returns True or "stop", or calls `Epoch.stop`,
        ends training, and one that sets `Epoch.learning_rate` changes it from the next epoch on.
    states : dict, optional
        As in `run_epoch`, changed by every epoch. After an error they mean nothing.
    store : CheckpointStore, optional
        Asked for the state to go on from, and given the state before the first epoch, after epochs
        that are due and after the last. Only of the first does an OSError reach the caller.
    gradients : Gradients
        Where the gradients are computed, by default in this process; it changes no bit.

    Returns
    -------
    History

    Raises
    ------
    DivergedError
        The loss, a gradient or a weight became NaN or infinite; names epoch and batch, and the
        first sample, time step and layer. It holds the last good weights.
    OSError
        The state before the first epoch cannot be kept.
    """
    if plan.early_stopping and validation is None:
        raise ValueError("early_stopping needs validation data: pass `validation`")
    n_asked, reason = (0, "") if plan.asked is None else plan.asked
    chosen: dict[str, Any] = {
        "batch_size": plan.batch_size,
        "batch_size_reason": plan.batch_size_reason,
        "max_iter": n_asked,
        "max_iter_reason": reason,
    }
    history = History(stopped_by="max_iter", **chosen)
    best = Best()
    n_batches = -(-len(training.X) // plan.batch_size)
    probed, every = probe(training.X), interval(network, training.X, n_batches)
    score_of = training.scoring(objective)
    rate_set: float | None = None  # by on_epoch, or lowered
    last_epoch = plan.first_epoch + plan.n_epochs
    undo = snapshot(network, optimizer, rng)

    def state(finished: bool) -> TrainingState:
        stopped_by = history.stopped_by if finished else ""
        parts = {
            "optimizer": optimizer.get_state(),
            "shuffling": dict(rng.bit_generator.state),
            "best": best.get_state(),
            "learning_rate": {"set": rate_set},
        }
        return TrainingState(network, replace(history, stopped_by=stopped_by), parts, finished)

    finished = False
    try:
        if store is not None:
            resumed = store.resumed()
            if resumed is None:
                store.keep(state(False))
            else:
                try:
                    network.params.flat[...] = resumed.network.params.flat
                    optimizer.set_state(resumed.parts["optimizer"])
                    rng.bit_generator.state = resumed.parts["shuffling"]
                    best.set_state(resumed.parts["best"])
                    rate_set = resumed.parts["learning_rate"]["set"]
                    if rate_set is not None:
                        rate_set = _checked_rate(rate_set)
                except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                    raise ValueError(
                        f"the state kept after epoch {len(resumed.history)} is not one of this "
                        f"training ({type(error).__name__}: {error}); choose another folder"
                    ) from error
                finished = resumed.finished
                stopped_by = resumed.history.stopped_by or history.stopped_by
                history = replace(resumed.history, stopped_by=stopped_by, **chosen)
                if not history.score:  # an older version of elman began the training
                    history.score = [None] * len(history)
        good = network.params.flat.copy()
        first_epoch = last_epoch if finished else plan.first_epoch + len(history)
        for number in range(first_epoch, last_epoch):
            start = time.perf_counter()
            rate = plan.learning_rate(number) if rate_set is None else rate_set
            with np.errstate(all="ignore"):  # what is not finite becomes an error of its own
                loss, norm, marked = run_epoch(
                    network,
                    training,
                    optimizer,
                    plan,
                    objective,
                    rate,
                    backend,
                    rng,
                    number,
                    states,
                    gradients,
                )
            trained = time.perf_counter()
            training_score = score_of(marked)
            if validation is None:
                validation_loss = score = None
                best.update(network, number + 1, loss, None, plan)
            else:
                with np.errstate(all="ignore"):
                    validation_loss, score = evaluate(network, validation, backend, objective)
                if not math.isfinite(validation_loss):
                    raise _diverged_on(
                        network, validation, backend, objective, number, validation_loss, rate
                    )
                if scorer is not None:
                    score = gradients.agreed(scorer(), network)
                best.update(network, number + 1, validation_loss, score, plan)
            good[...] = network.params.flat
            gauged = number % every == 0 or number + 1 == last_epoch
            epoch = Epoch(
                epoch=number + 1,
                loss=loss,
                score=training_score if math.isfinite(training_score) else None,
                validation_loss=validation_loss,
                validation_score=score,
                gradient_norm=norm,
                saturated=saturated(network, training.X, probed, backend) if gauged else None,
                spectral_radius=spectral_radii(network, backend) if gauged else None,
                learning_rate=rate,
                seconds=time.perf_counter() - start,
                sequences_per_second=len(training.X) / (trained - start),
                n_epochs=last_epoch,
                best_epoch=best.epoch,
                network=network,
                history=history,
                is_writer=gradients.is_writer,
            )
            history.append(epoch)
            history.best_epoch = best.epoch
            if progress is not None:
                progress.show(epoch)
            answers = [hook(epoch) for hook in on_epoch]
            stops = epoch.stopped or any(map(_says_stop, answers))
            stops, rate_asked = gradients.agreed((stops, epoch.learning_rate), network)
            if rate_asked != rate:
                rate_set = _checked_rate(rate_asked)
            elif plan.lowers_rate is not None and plan.lowers_rate(number, best.n_stale):
                rate_set = rate * LOWERED
            if stops:
                history.stopped_by = "on_epoch"
            elif plan.early_stopping and best.n_stale >= plan.n_iter_no_change:
                history.stopped_by = "early_stopping"
            finished = history.stopped_by != "max_iter" or number + 1 == last_epoch
            # Weights that on_epoch made unusable are not kept; the next epoch raises the error.
            whole = network.params.unusable() is None
            if store is not None and whole and (finished or store.due(number + 1)):
                try:
                    store.keep(state(finished))
                except OSError:  # the weights must not be lost; `store.failure` has the error
                    if not finished:
                        history.stopped_by = "checkpoint"
                        break
            if finished:
                break
    except KeyboardInterrupt:
        history.stopped_by = "interrupt"
        history.trim()
        if not len(history):
            undo()
            return history
    except DivergedError as error:
        flat = best.flat if plan.early_stopping and best.flat is not None else good
        error.network = replace(network, params=network.params.copy())
        error.network.params.flat[...] = flat
        error.history = replace(history, stopped_by="diverged")
        undo()
        raise
    except BaseException:
        undo()
        raise
    restore = plan.early_stopping or history.stopped_by in ("interrupt", "checkpoint")
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
        counts = has_target(targets)
        outputs, targets = np.concatenate(over_time)[counts], targets[counts]
        weights = None if weights is None else weights[counts]
    else:
        outputs = predict_logits(network, data.X, backend)
    return objective.evaluate(outputs, targets, weights, backend.fused)


def _diverged_on(
    network: Network,
    validation: Labelled,
    backend: Backend,
    objective: Objective,
    number: int,
    loss: float,
    learning_rate: float,
) -> DivergedError:
    """The error for validation data of which the loss is not finite."""
    place = None
    for i in range(len(validation.X)):
        batch = validation.X.batch(np.array([i]), backend)
        (chunk,) = chunks(batch.lengths, len(batch.X), batch.X.shape[1], None)
        suspects = Suspects(validation.samples(batch, chunk), batch.order)
        place = first_not_finite(network, suspects, backend, objective, back=False)
        if place is not None:
            break
    if place is not None:
        source = validation.source
        if source is None:
            place = place._replace(source="X_val")
        else:  # held out of X
            place = place._replace(sample=int(source[place.sample]))
    error = DivergedError(
        f"training diverged in epoch {number + 1}: the loss of the validation data is {loss:g} at "
        f"a learning rate of {learning_rate:g}",
        place,
        "Lower learning_rate_init, or look for huge values in X_val and y_val",
        learning_rate,
    )
    error.in_validation = validation.source is None
    return error


def _checked_rate(rate: Any) -> float:
    if not isinstance(rate, numbers.Real) or not 0 < float(rate) < math.inf:
        raise ValueError(f"on_epoch set learning_rate={rate!r}; it must be a finite number above 0")
    return float(rate)


def _says_stop(answer: Any) -> bool:
    return (isinstance(answer, (bool, np.bool_)) and bool(answer)) or (
        isinstance(answer, str) and answer == "stop"
    )
