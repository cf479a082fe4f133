"""A trained classifier of sequences: recordings in; labels, probabilities and logits out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.backends.streams import Link
from elman.data.sequences import Sequences
from elman.models.early import decision_step
from elman.models.labels import describe_labels, restored_labels
from elman.models.model import Described, Tensors, TrainedModel
from elman.nn.losses import linked
from elman.nn.network import Network

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedClassifier(TrainedModel):
    """What a fitted `RNNClassifier` answers with.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> from elman.models.fitted import fitted
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> y = (X[:, -1, 0] > 0).astype(int)
    >>> model = fitted(RNNClassifier(hidden_size=4, max_iter=3, random_state=0).fit(X, y)).model
    >>> print(type(model).__name__, model.classes, model.n_features_in)
    TrainedClassifier [0 1] 2
    """

    kind: ClassVar[str] = "RNNClassifier"

    classes: Array
    """(n_classes,) labels, sorted; for several labels at once the numbers of their columns"""
    multilabel: bool = False

    def predict(self, data: Sequences) -> Array:
        """Most probable label of each sample, (n_samples,), or an indicator of 0 and 1."""
        return self.predicted(self.logits(data))

    def predict_proba(self, data: Sequences) -> Array:
        """Probability of each class, (n_samples, n_classes)."""
        backend = self.current_backend()
        return linked(self.logits(data, backend), self.link, backend.fused)

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
        """Labels (n_samples,), and the step at which `early.decision_step` decides for each."""
        if self.multilabel:
            raise ValueError(
                "predict_early wants one label for each sample, but this gives several at once: "
                "read predict_proba_over_time"
            )
        backend = self.current_backend()
        logits = self.logits_over_time(data, backend)
        before = self.network.logits_before(backend)
        decided, steps = np.empty((len(logits), len(before)), before.dtype), []
        for i, z in enumerate(logits):
            shares = linked(z, self.link, backend.fused).max(axis=1, initial=0)
            step = decision_step(z.argmax(axis=1), shares, confidence, patience)
            decided[i] = before if step < 0 else z[step]
            steps.append(step)
        return self.predicted(decided), np.array(steps, np.int64)

    @property
    @override
    def link(self) -> Link:
        return "sigmoid" if self.multilabel else "softmax"

    @override
    def predicted(self, logits: Array) -> Array:
        if self.multilabel:
            return (logits > 0).astype(np.int64)
        return np.asarray(self.classes[logits.argmax(axis=1)])

    @override
    def describe_answers(self) -> tuple[Described, Tensors]:
        described, tensors = describe_labels(self.classes)
        return described | ({"multilabel": True} if self.multilabel else {}), tensors

    @classmethod
    @override
    def restore_answers(
        cls, described: Mapping[str, Any], tensors: Tensors, network: Network
    ) -> dict[str, Any]:
        layout = network.layout
        if layout.at_every_step:
            raise ValueError(f"readout={layout.readout!r} is not that of a classifier")
        classes = restored_labels(dict(described), tensors, layout.n_outputs)
        multilabel = described.get("multilabel", False)
        if not isinstance(multilabel, bool):
            raise TypeError(f"multilabel is {multilabel!r}; it must be true or false")
        if multilabel and not np.array_equal(classes, np.arange(layout.n_outputs)):
            raise ValueError("several labels at once are the numbers of their columns, not others")
        return {"classes": classes, "multilabel": multilabel}
