"""What answering takes of a fitted estimator: recordings in; labels, values, states out.

Without scikit-learn, which takes longer to import than most files take to answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from elman.backends import available_threads, get_backend
from elman.backends.contract import Backend, Link
from elman.data.prepared import Prepared
from elman.data.scaling import Standardisation
from elman.data.sequences import Sequences
from elman.data.validation import check_sequences
from elman.models.early import decision_step
from elman.models.inference import (
    hidden_states,
    predict_logits,
    predict_logits_over_time,
)
from elman.models.streaming import Stream
from elman.nn.losses import linked
from elman.nn.network import Network

Array = NDArray[Any]
T = TypeVar("T")


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedModel:
    """A network with what it was trained on: the methods that share an estimator's names are its.

    Each takes the `Sequences` that `check` made of X.
    """

    network: Network
    n_features_in: int
    """`X.shape[-1]`: for a 2-D X the number of its columns"""
    two_d: bool
    standardisation: Standardisation | None = None
    backend: str | None = None
    n_jobs: int | None = None
    name: str = "RNNClassifier"
    """of the estimator: what errors call it"""
    missing: str = "error"
    """what NaN becomes; see `elman.data.missing`"""

    def check(self, X: Any, name: str = "X") -> Sequences:
        """Sequences of what the user passed, which errors call `name`.

        Whether every value is finite is left to the answer that reads them.

        Raises
        ------
        TypeError, ValueError
            X cannot be used, or is not what the network was trained on.
        """
        # Standardisation works in float64 on what X holds.
        dtype = self.network.params.dtype if self.standardisation is None else None
        return check_sequences(
            X,
            name=name,
            dtype=dtype,
            n_features=self.n_features_in,
            two_d=self.two_d,
            estimator=self.name,
            ensure_min_timesteps=0,
            look_at_values=False,  # inference does, a batch at a time
            missing=self.missing,
        )

    def hidden_states(self, data: Sequences) -> list[Array]:
        """For each sample (n_timesteps_i, width) of the last layer, both directions together."""
        return self._ask(hidden_states, data)

    def logits(self, data: Sequences) -> Array:
        """(n_samples, n_outputs): the head's, as they are."""
        return self._ask(predict_logits, data)

    def stream(self, n: int | None = None) -> Stream:
        """The model reading sequences while they happen; see `elman.models.streaming.Stream`."""
        return Stream(replace(self, network=self.network.copy()), n)

    @property
    def link(self) -> Link:
        """What makes answers of logits."""
        return "softmax"

    def predicted(self, logits: Array) -> Array:
        """What `predict` says of logits (n, n_outputs)."""
        raise NotImplementedError

    def from_linked(self, linked: Array) -> Array:
        """What a stream's step says, of what `link` made of logits (..., n_outputs)."""
        return linked

    def _ask(
        self,
        question: Callable[[Network, Prepared, Backend], T],
        data: Sequences,
        backend: Backend | None = None,
    ) -> T:
        prepared = Prepared(data, self.standardisation, self.network.params.dtype)
        return question(self.network, prepared, backend or self._computes())

    def _linked_over_time(self, data: Sequences) -> list[Array]:
        backend = self._computes()
        logits = self._ask(predict_logits_over_time, data, backend)
        return [linked(z, self.link, backend.fused) for z in logits]

    def _computes(self) -> Backend:
        return get_backend(self.backend, n_threads=available_threads(self.n_jobs))


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedClassifier(TrainedModel):
    """What a fitted `RNNClassifier` answers with."""

    classes: Array
    """(n_classes,) labels, sorted; for several labels at once the numbers of their columns"""
    multilabel: bool = False

    def predict(self, data: Sequences) -> Array:
        """Most probable label of each sample, (n_samples,), or an indicator of 0 and 1."""
        return self.predicted(self.logits(data))

    def predict_proba(self, data: Sequences) -> Array:
        """Probability of each class, (n_samples, n_classes)."""
        backend = self._computes()
        return linked(self._ask(predict_logits, data, backend), self.link, backend.fused)

    def decision_function(self, data: Sequences) -> Array:
        """Logits (n_samples, n_classes); for two classes the second minus the first."""
        logits = self.logits(data)
        if len(self.classes) == 2 and not self.multilabel:
            return np.asarray(logits[:, 1] - logits[:, 0])
        return logits

    def predict_proba_over_time(self, data: Sequences) -> list[Array]:
        """For each sample (n_timesteps_i, n_classes), had the recording stopped at step t."""
        return self._linked_over_time(data)

    def predict_early(
        self, data: Sequences, confidence: float, patience: int
    ) -> tuple[Array, NDArray[np.int64]]:
        """Labels (n_samples,) and the step each was decided at; see `early.decision_step`."""
        if self.multilabel:
            raise ValueError(
                "predict_early wants one label for each sample, but this gives several at once: "
                "read predict_proba_over_time"
            )
        backend = self._computes()
        logits = self._ask(predict_logits_over_time, data, backend)
        before = self.network.logits_before(backend)
        decided, steps = np.empty((len(logits), len(before)), before.dtype), []
        for i, z in enumerate(logits):
            shares = linked(z, self.link, backend.fused).max(axis=1, initial=0)
            step = decision_step(z.argmax(axis=1), shares, confidence, patience)
            decided[i] = before if step < 0 else z[step]
            steps.append(step)
        return self.predicted(decided), np.array(steps, np.int64)

    @property
    def link(self) -> Link:
        """See `TrainedModel.link`."""
        return "sigmoid" if self.multilabel else "softmax"

    def predicted(self, logits: Array) -> Array:
        """See `TrainedModel.predicted`."""
        if self.multilabel:
            return (logits > 0).astype(np.int64)
        return np.asarray(self.classes[logits.argmax(axis=1)])


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedRegressor(TrainedModel):
    """What a fitted `RNNRegressor` answers with."""

    target_scale: Standardisation
    """of the targets"""
    one_target: bool
    """whether y was (n_samples,)"""

    def predict(self, data: Sequences) -> Array:
        """Values (n_samples,) or (n_samples, n_targets), float64."""
        return self.predicted(self.logits(data))

    def predict_over_time(self, data: Sequences) -> list[Array]:
        """For each sample its values had the recording stopped at step t.

        (n_timesteps_i,) or (n_timesteps_i, n_targets), float64.
        """
        return [self.predicted(z) for z in self._ask(predict_logits_over_time, data)]

    @property
    def link(self) -> Link:
        """See `TrainedModel.link`."""
        return "identity"

    def predicted(self, logits: Array) -> Array:
        """See `TrainedModel.predicted`."""
        return self.from_linked(logits)

    def from_linked(self, linked: Array) -> Array:
        """See `TrainedModel.from_linked`; here what `predict` says."""
        mean, scale = self.target_scale
        values = linked * scale + mean
        return values[..., 0] if self.one_target else values


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedTagger(TrainedModel):
    """What a fitted `RNNTagger` answers with."""

    classes: Array
    """(n_classes,) labels, sorted"""

    def predict(self, data: Sequences) -> list[Array]:
        """For each sample the most probable label of every step, (n_timesteps_i,)."""
        return [self.predicted(z) for z in self._ask(predict_logits_over_time, data)]

    def predict_proba(self, data: Sequences) -> list[Array]:
        """For each sample (n_timesteps_i, n_classes)."""
        return self._linked_over_time(data)

    def predicted(self, logits: Array) -> Array:
        """See `TrainedModel.predicted`."""
        return np.asarray(self.classes[logits.argmax(axis=1)])
