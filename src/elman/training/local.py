"""Local training: replicas that learn by themselves for a while, and are then averaged.

There are K replicas (`replicas`), each with an optimizer of its own. The batches of an epoch are
those of `mode="sync"`, in the same order: a pure function of the seed and of the epoch. They are
dealt in rounds, as `elman.training.batches.dealt` says, H to each replica (`local_steps`). In a
round every replica

1. begins with the weights of the network and with the memory of its own optimizer,
2. learns from its batches one after another, as training with one optimizer does: gradient,
   clipping and a step for each batch, or for each chunk where every time step has a target,
3. and hands back its weights and what its optimizer remembers.

The mean of their weights, over the replicas that had a batch in the round, then becomes the weights
of the network (`outer_solver="average"`), or g = (weights of the network - mean) is the gradient of
which an outer optimizer takes a step: v <- momentum v - rate g, then
w <- w + momentum v - rate g, which is Nesterov's momentum (`outer_solver="nesterov"`). The weights
are added in a fixed tree by the number of the replica, and the mean and the outer step are computed
in float64 and rounded to the type of the weights once. So there is one value for them, wherever the
replicas ran and however many ran at a time.

An epoch ends a round, also one that is not full, so that validation, early stopping, callbacks,
checkpoints and predictions always see the one network. What its optimizer remembers stays with a
replica from round to round and from epoch to epoch and is never averaged. It travels with the work
of the replica and comes back, so that whoever does the work keeps nothing.

With one replica, one local step and "average" training is that of `mode="sync"`, bit for bit.

Stich (2019), "Local SGD converges fast and communicates little"; Douillard et al. (2023), "DiLoCo:
distributed low-communication training of language models", arXiv:2311.08105.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.nn.groups import add_in_tree
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.nn.optimizers import OUTER_SOLVERS, SGD, State, make_optimizer
from elman.nn.parameters import Parameters
from elman.training.batches import EpochBatches, TrainingBatch, dealt
from elman.training.divergence import DivergedError
from elman.training.gradients import Gradients
from elman.training.steps import Learner, Rules, Step, Totals

Array = NDArray[Any]


class Outer(NamedTuple):
    """How the replicas become one network."""

    solver: str = "average"
    learning_rate: float = 0.7
    """of "nesterov" only"""
    momentum: float = 0.5
    """of "nesterov" only"""


class ReplicaResult(NamedTuple):
    """What a replica hands back after a round."""

    flat: Array
    """its weights"""
    state: State
    """of its optimizer"""
    steps: list[tuple[int, list[Step]]]
    """by the number of each of its batches in the epoch"""
    diverged: tuple[int, DivergedError] | None
    """the number of the batch at which it failed, and how; nothing else is of use then"""


@dataclass(frozen=True)
class ReplicaSteps:
    """The work of a replica in a round: whatever it depends on is here.

    Parameters
    ----------
    name : str
        What errors call it.
    replica : int
        Its number, from 0.
    layout, flat
        The network: its layout and its weights in one vector.
    settings : mapping
        What `elman.nn.optimizers.make_optimizer` makes its optimizer with.
    state : dict
        What the optimizer goes on from.
    batches : EpochBatches or list of TrainingBatch
    rules : Rules
    """

    name: str
    replica: int
    layout: Layout
    flat: Array
    settings: Mapping[str, Any]
    state: State
    batches: EpochBatches | list[TrainingBatch]
    rules: Rules

    @property
    def n_batches(self) -> int:
        """How many batches it learns from."""
        return len(self.batches)

    def portable(self) -> Self:
        """The same with all its batches; of sequences in a store still no more than where."""
        batches = [each._replace(chunks=list(each.chunks)) for each in self.batches]
        return replace(self, batches=batches)

    def run(self, backend: Backend) -> ReplicaResult:
        """Learn from the batches. Nothing that it was given is changed."""
        network = Network.over(self.layout, self.flat.copy())
        optimizer = make_optimizer(params=network.params, **self.settings)
        optimizer.set_state(self.state)
        who = f"replica {self.replica + 1}"
        learner = Learner(network, optimizer, self.rules, backend, who=who)
        steps: list[tuple[int, list[Step]]] = []
        failed, number = None, 0
        with np.errstate(all="ignore"):  # what is not finite becomes an error of its own
            try:
                for batch in self.batches:
                    number = batch.number
                    steps.append((number, list(learner.learn(batch, {}))))
                learner.check_weights()
            except DivergedError as error:
                failed = number, error
        return ReplicaResult(network.params.flat, optimizer.get_state(), steps, failed)


class Replicas:
    """What the replicas of a network remember between rounds; it stands where an optimizer does.

    Parameters
    ----------
    params : Parameters
        Only the shapes, names and type are used.
    settings : mapping
        What `elman.nn.optimizers.make_optimizer` makes the optimizer of each replica with.
    n_replicas, local_steps : int
        At least 1.
    outer : Outer
    """

    def __init__(
        self,
        params: Parameters,
        settings: Mapping[str, Any],
        n_replicas: int,
        local_steps: int,
        outer: Outer = Outer(),  # noqa: B008 -- it is immutable
    ) -> None:
        if n_replicas < 1 or local_steps < 1:
            raise ValueError(f"{n_replicas} replicas with {local_steps} steps: at least 1 of each")
        if outer.solver not in OUTER_SOLVERS:
            raise ValueError(
                f"outer solver {outer.solver!r}; choose one of {', '.join(OUTER_SOLVERS)}"
            )
        self.settings, self.n_replicas, self.local_steps = dict(settings), n_replicas, local_steps
        self.outer = outer
        self._shapes, self._dtype = params.shapes, params.dtype
        fresh = make_optimizer(params=params, **self.settings)
        self._inner = [fresh.get_state() for _ in range(n_replicas)]
        self._names = fresh.memory
        self._outer: SGD | None = None
        if outer.solver == "nesterov":
            master = Parameters(params.shapes, np.float64)
            self._outer = SGD(master, momentum=outer.momentum, nesterov=True)

    @property
    def memory(self) -> tuple[str, ...]:
        """What is remembered: another one with the same can go on from the state of this one."""
        return (*self._names, f"{self.n_replicas} replicas", self.outer.solver)

    def copy(self) -> Self:
        """The same with a memory of its own."""
        other = copy.copy(self)
        other._inner = copy.deepcopy(self._inner)
        other._outer = None if self._outer is None else self._outer.copy()
        return other

    def get_state(self) -> State:
        """A copy of what they remember: by name a row for each replica, and the outer velocity."""
        state: State = {"n_steps": [inner["n_steps"] for inner in self._inner]}
        for name in self._names:
            state[name] = np.stack([inner[name] for inner in self._inner])
        if self._outer is not None:
            outer = self._outer.get_state()
            state.update({f"outer_{name}": value for name, value in outer.items()})
        return state

    def set_state(self, state: State) -> None:
        """Go on from what `get_state` returned."""
        names = ("n_steps", *self._names)
        for name in names:
            if len(state[name]) != self.n_replicas:
                raise ValueError(f"{name} is of {len(state[name])} replicas")
        trial = make_optimizer(params=Parameters(self._shapes, self._dtype), **self.settings)
        inner = []
        for k in range(self.n_replicas):
            trial.set_state({name: state[name][k] for name in names})
            inner.append(trial.get_state())
        if self._outer is not None:
            outer = {name: state[f"outer_{name}"] for name in ("n_steps", *self._outer.memory)}
            self._outer.set_state(outer)
        self._inner = inner

    def run_epoch(
        self,
        network: Network,
        batches: EpochBatches,
        rules: Rules,
        backend: Backend,
        gradients: Gradients,
        totals: Totals,
    ) -> None:
        """Train the network in place with all batches of an epoch.

        Parameters
        ----------
        network : Network
        batches : EpochBatches
            All of the epoch.
        rules : Rules
        backend : Backend
        gradients : Gradients
            Where the replicas learn.
        totals : Totals
            Given every step of every replica, in the order of the batches.

        Raises
        ------
        DivergedError
            A replica failed: of several the one that failed at the first batch. Or the outer step
            left a weight that is not finite.
        """
        rounds = dealt(len(batches), self.n_replicas, self.local_steps)
        for number, shares in enumerate(rounds):
            replicas = [k for k, numbers in enumerate(shares) if len(numbers)]
            pieces = (
                ReplicaSteps(
                    f"replica {k + 1} in round {number + 1} of epoch {rules.epoch + 1}",
                    k,
                    network.layout,
                    network.params.flat,
                    self.settings,
                    self._inner[k],
                    batches.some(shares[k]),
                    rules,
                )
                for k in replicas
            )
            results: list[ReplicaResult] = gradients.run(pieces, backend)
            failures = [result.diverged for result in results if result.diverged is not None]
            if failures:
                raise min(failures, key=lambda failure: failure[0])[1]
            for k, result in zip(replicas, results, strict=True):
                self._inner[k] = result.state
            for _, steps in sorted(each for result in results for each in result.steps):
                totals.add(steps)
            self._step(network, [result.flat for result in results])
            spoilt = network.params.unusable(finite=True)
            if spoilt is not None:
                raise DivergedError(
                    f"training diverged in epoch {rules.epoch + 1}, round {number + 1}: the step "
                    f"of the outer optimizer left {spoilt} not finite",
                    None,
                    "Lower outer_learning_rate, or choose outer_solver='average'",
                )

    def _step(self, network: Network, flats: list[Array]) -> None:
        """Make one network of the weights of the replicas."""
        mean = add_in_tree([flat.astype(np.float64) for flat in flats]) / len(flats)
        if self._outer is not None:
            weights = network.params.flat.astype(np.float64)
            self._outer.step(weights, weights - mean, self.outer.learning_rate)
            mean = weights
        # the mean of equal numbers may be rounded
        frozen = {name: network.params[name].copy() for name in network.layout.frozen}
        network.params.flat[...] = mean
        for name, kept in frozen.items():
            network.params[name][...] = kept
