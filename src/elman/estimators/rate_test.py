"""An estimator, and a learning rate that grows from step to step, in; the losses out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from elman.backends.contract import Backend
from elman.data.store.stored import with_stored
from elman.estimators.assembly import batch_size_of, plan_of, solver_settings
from elman.hyperparameters.seeds import make_rng
from elman.models.fitted import parts
from elman.nn.gradient import GradientSums, Samples
from elman.nn.network import Network
from elman.nn.objectives import Objective
from elman.nn.optimizers import make_optimizer
from elman.training.divergence import DivergedError
from elman.training.epoch import run_epoch
from elman.training.gradients import Here

Array = NDArray[Any]


def losses_by_rate(
    given: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    rates: NDArray[np.float64],
    *,
    at_least: int,
    smoothing: float,
    exploded_at: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The loss of a batch before each step of the optimizer, as it is and smoothed.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor or Pipeline
        Only copies of it are used, which are not fitted yet.
    X, y, sample_weight
        As `fit` takes them.
    rates : ndarray of shape (n_steps,)
        The learning rate of each step. The samples are gone through as often as it takes.
    at_least : int
        Samples that there have to be.
    smoothing : float
        What share of the mean so far stays in the mean that a further loss is added to.
    exploded_at : float
        By how many times its least value a smoothed loss may be above it, before no more steps are
        taken; not before it is above its first value.

    Returns
    -------
    losses, smoothed : ndarray of shape (n_taken,)
        As many as steps were taken until the loss exploded; all are finite.

    Raises
    ------
    TypeError
        It is no such estimator or pipeline.
    ValueError
        There are too few samples.
    """
    steps, last = parts(given)
    for _, step in steps:
        X = clone(step).fit_transform(X, y)
    e = clone(last)
    e._check_parameters()
    y, sample_weight = with_stored(X, y, sample_weight)
    data, names, symbols = e._check_fresh_X(X)
    e._check_alignment(X, data, y, sample_weight)
    targets, meaning = e._targets(y, data, None)
    training = e._labelled(data, targets, meaning, sample_weight)
    if len(training.X) < at_least:
        raise ValueError(
            f"lr_range_test found {len(training.X)} samples to train on, and wants {at_least} or "
            "more: of fewer the loss falls at any rate, because the network learns them by heart. "
            "Pass more samples, or keep the default learning_rate_init"
        )
    init_rng, shuffle_rng, _ = make_rng(e.random_state).spawn(3)
    model = e._fresh_model(data, names, symbols, training, meaning, init_rng)
    training = e._prepared(e._weighted(training, model.meaning), model)
    settings = solver_settings(e)
    settings = dict(settings.get("settings", settings))  # those of each replica in local mode
    network = model.network
    optimizer: Any = make_optimizer(
        settings.pop("solver"), network.params, **settings, frozen=network.layout.frozen
    )
    watching = _Watching(rates, optimizer, smoothing, exploded_at)
    objective, backend = e._objective(model.meaning), e._backend()
    plan = plan_of(e, n_done=0, batch_size=batch_size_of(e, len(training.X)))
    number = 0
    try:
        with np.errstate(all="ignore"):  # what is not finite ends the test
            while True:
                run_epoch(
                    model.network,
                    training,
                    watching.optimizer,
                    plan,
                    objective,
                    math.nan,  # the optimizer has rates of its own
                    backend,
                    shuffle_rng,
                    number,
                    gradients=watching,
                )
                number += 1
    except (_EndError, DivergedError):
        pass
    return np.array(watching.losses), np.array(watching.smoothed)


class _EndError(Exception):
    """The test is over: no rate is left, or the loss has exploded."""


class _Watching(Here):
    """Computes gradients here, notes the loss of each, and ends the test when it is over."""

    def __init__(
        self, rates: NDArray[np.float64], optimizer: Any, smoothing: float, exploded_at: float
    ) -> None:
        self.optimizer: Any = _Rising(rates, optimizer)
        self.losses: list[float] = []
        self.smoothed: list[float] = []
        self._n_rates, self._smoothing, self._exploded_at = len(rates), smoothing, exploded_at
        self._mean = 0.0

    def gradient(
        self,
        network: Network,
        samples: Samples,
        objective: Objective,
        backend: Backend,
        **options: Any,
    ) -> GradientSums:
        """As `elman.nn.gradient.gradient`."""
        if len(self.smoothed) == self._n_rates:
            raise _EndError
        sums = super().gradient(network, samples, objective, backend, **options)
        if len(sums.losses):
            loss = objective.loss_sum(sums.losses, backend.fused)
            if not math.isfinite(loss):
                raise _EndError
            self._note(loss)
        return sums

    def _note(self, loss: float) -> None:
        self.losses.append(loss)
        self._mean = self._smoothing * self._mean + (1 - self._smoothing) * loss
        self.smoothed.append(self._mean / (1 - self._smoothing ** len(self.losses)))
        limit = max(self._exploded_at * min(self.smoothed), self.smoothed[0])
        if self.smoothed[-1] > limit:
            raise _EndError


class _Rising:
    """An optimizer of which each step has a rate of its own."""

    def __init__(self, rates: NDArray[np.float64], optimizer: Any) -> None:
        self._left = iter(rates.tolist())
        self._optimizer = optimizer

    def step(self, weights: Array, gradient: Array, rate: float, *rest: Any) -> None:
        """Take the next one."""
        self._optimizer.step(weights, gradient, next(self._left), *rest)
