"""Makes the optimizer and the plan of training that the hyper-parameters ask for."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from elman.data.frontend import Frontend
from elman.distributed.timing import Timing
from elman.estimators.embeddings import symbol_differences
from elman.hyperparameters import checks as hp
from elman.models.model import TrainedModel
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.nn.optimizers import SGD, Adam, make_optimizer
from elman.nn.schedules import Schedule
from elman.training.enough import (
    MIN_EPOCHS,
    BatchSize,
    Epochs,
    enough_epochs,
    samples_in_batch,
    steps_of_epoch,
)
from elman.training.labelled import Labelled
from elman.training.local import Outer, Replicas
from elman.training.plan import Plan


def check_together(estimator: Any) -> None:
    """Raise ValueError unless hyper-parameters, each right by itself, go together."""
    e = estimator
    hp.check_stack(e.hidden_size, e.n_layers, e.residual, e.cell, e.activation)
    hp.check_warm_up(e.learning_rate, e.warm_up)
    hp.check_carrying(e.bidirectional, e.bptt_steps, e.stateful)
    hp.check_mode(e.mode, e.stateful)
    hp.check_whole_recordings(e.deltas, e.stride, e.scale_each, e.stateful)


def check_same_network(estimator: Any, layout: Layout, model: TrainedModel, going_on: str) -> None:
    """Raise ValueError unless the hyper-parameters ask for the network that is there.

    `going_on` is what goes on with it, for the error: "warm_start=True" or "partial_fit".
    """
    network = model.network
    if estimator.stateful and not model.frontend.plain:
        raise ValueError(
            f"{going_on} goes on with the network that is fitted, which reads "
            f"{model.frontend.in_words()}, and stateful=True with recordings in pieces, with each "
            "of which that would begin anew: set stateful=False, or call fit, without warm_start, "
            "for a new network"
        )
    others: list[tuple[str, Any, Any]] = [("missing", estimator.missing, model.missing)]
    for name in ("deltas", "stride", "scale_each"):
        asked = getattr(estimator, name)
        if asked != "auto":
            others.append((name, asked, getattr(model.frontend, name)))
    if estimator.dtype != "auto":
        others.append(("dtype", np.dtype(estimator.dtype), network.params.dtype))
    others += symbol_differences(estimator, model.symbols, network.layout.categories)
    for name, asked, built in [*layout.differences(network.layout), *others]:
        if asked != built:
            raise ValueError(
                f"{going_on} goes on with the network that is fitted, whose {name} is "
                f"{built!s:.200}, but it is {asked!s:.200} now: set it back, or "
                "call fit, without warm_start, for a new one"
            )


def solver_settings(estimator: Any) -> dict[str, Any]:
    """What an optimizer is made with, beside weights; in local mode what the replicas are."""
    e = estimator
    settings = {
        "solver": e.solver,
        "alpha": float(e.alpha),
        "momentum": float(e.momentum),
        "nesterov": bool(e.nesterovs_momentum),
    }
    if e.mode == "sync":
        return settings
    return {
        "settings": settings,
        "n_replicas": int(e.replicas),
        "local_steps": int(e.local_steps),
        "outer": Outer(e.outer_solver, float(e.outer_learning_rate), float(e.outer_momentum)),
    }


def optimizer_of(estimator: Any, network: Network) -> SGD | Adam | Replicas:
    """A fresh optimizer of the network's weights; in local mode that of all its replicas."""
    settings = solver_settings(estimator)
    if network.layout.frozen:
        settings.get("settings", settings)["frozen"] = network.layout.frozen
    if estimator.mode == "local":
        return Replicas(network.params, **settings)
    return make_optimizer(settings.pop("solver"), network.params, **settings)


def batch_size_of(estimator: Any, n_samples: int) -> BatchSize:
    """How many samples a batch is to have at most: `batch_size`, or what "auto" stands for.

    Parameters
    ----------
    estimator : estimator
        Whose hyper-parameters were checked.
    n_samples : int
        All that are trained on, without those held out and those of weight 0.
    """
    e = estimator
    if e.batch_size != "auto":
        return BatchSize(int(e.batch_size))
    return samples_in_batch(n_samples, replicas=int(e.replicas) if e.mode == "local" else 1)


def check_enough_batches(estimator: Any, n_samples: int, batch_size: int) -> None:
    """Raise ValueError if an epoch of the samples has fewer batches than there are replicas."""
    n_batches = -(-n_samples // batch_size)
    if estimator.mode == "local" and n_batches < estimator.replicas:
        lower = "replicas" if batch_size == 1 else "replicas or batch_size"
        raise ValueError(
            f"replicas={estimator.replicas}, but {n_samples} samples make only {n_batches} batches "
            f"of batch_size={batch_size} in an epoch, so that some replicas would never "
            f"learn: lower {lower}"
        )


def timing_of(estimator: Any, n_samples: int, batch_size: int) -> Timing:
    """What collects the times of rounds, for the training data of so many samples."""
    if estimator.mode == "sync":
        return Timing(n_samples)
    n_batches = -(-n_samples // batch_size)
    return Timing(n_batches // int(estimator.replicas), local=True)


def epochs_of(
    estimator: Any, training: Labelled, frontend: Frontend, batch_size: BatchSize
) -> Epochs:
    """How many epochs a fit is to have at most: `max_iter`, or what "auto" stands for.

    Parameters
    ----------
    estimator : estimator
        Whose hyper-parameters were checked.
    training : Labelled
        All that is trained on, before it goes through the front end.
    frontend : Frontend
    batch_size : BatchSize
        As `batch_size_of` says.
    """
    e = estimator
    if e.max_iter != "auto":
        return Epochs(int(e.max_iter))
    # With weights, so that a sample of weight 2 is the same as two samples.
    lengths = np.average(frontend.n_blocks(training.X.lengths), weights=training.sample_weights())
    n_steps = steps_of_epoch(
        len(training.X),
        float(lengths),
        batch_size=batch_size.number,
        replicas=int(e.replicas) if e.mode == "local" else 1,
        bptt_steps=int(e.bptt_steps) if training.per_step and e.bptt_steps is not None else None,
    )
    return enough_epochs(n_steps)


def fewest_epochs(estimator: Any) -> int:
    """How many epochs `max_iter` stands for at least, whatever the data."""
    return MIN_EPOCHS if estimator.max_iter == "auto" else int(estimator.max_iter)


def plan_of(
    estimator: Any, *, n_done: int, batch_size: BatchSize, epochs: Epochs | None = None
) -> Plan:
    """How to train.

    Parameters
    ----------
    estimator : estimator
        Whose hyper-parameters were checked.
    n_done : int
        Epochs already done.
    batch_size : BatchSize
        As `batch_size_of` says.
    epochs : Epochs, optional
        How many more there are to be at most, as `epochs_of` says. None is one epoch by itself, as
        of `partial_fit`, at a constant rate and without early stopping.
    """
    e = estimator
    n_epochs = 1 if epochs is None else epochs.number
    rate = Schedule(
        "constant" if epochs is None else e.learning_rate,
        float(e.learning_rate_init),
        n_epochs,
        warm_up=0 if n_epochs == 1 else _n_warm(e.warm_up, n_epochs),
        first_epoch=n_done,
    )
    patience = max(int(e.n_iter_no_change) // 2, 1)
    judged_by = {None: "both", "loss": "loss"}
    return Plan(
        n_epochs=n_epochs,
        batch_size=batch_size.number,
        batch_size_reason=batch_size.reason,
        learning_rate=rate,
        max_grad_norm=None if e.max_grad_norm is None else float(e.max_grad_norm),
        early_stopping=bool(e.early_stopping) and epochs is not None,
        n_iter_no_change=int(e.n_iter_no_change),
        tol=float(e.tol),
        judged_by="score" if callable(e.scoring) else judged_by.get(e.scoring, "score"),
        asked=epochs,
        first_epoch=n_done,
        recompute_every=int(e.recompute_every or 0),
        bptt_steps=None if e.bptt_steps is None else int(e.bptt_steps),
        max_grad_value=None if e.max_grad_value is None else float(e.max_grad_value),
        bucket_by_length=bool(e.bucket_by_length),
        lowers_rate=lambda epoch, n_stale: rate.lowers_after(epoch, n_stale, patience),
    )


def _n_warm(warm_up: int | float, n_epochs: int) -> int:
    """Epochs of `warm_up`."""
    if isinstance(warm_up, numbers.Integral):
        return int(warm_up)
    return round(float(warm_up) * n_epochs)
