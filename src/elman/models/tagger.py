"""A trained tagger of time steps: recordings in; labels and probabilities of every step out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from elman.data.sequences import Sequences
from elman.models.labels import describe_labels, restored_labels
from elman.models.model import Described, Tensors, TrainedModel
from elman.nn.network import Network

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedTagger(TrainedModel):
    """What a fitted `RNNTagger` answers with.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNTagger
    >>> from elman.models.fitted import fitted
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> y = (X[..., 0] > 0).astype(int)
    >>> model = fitted(RNNTagger(hidden_size=4, max_iter=3, random_state=0).fit(X, y)).model
    >>> print(type(model).__name__, model.classes, model.n_features_in)
    TrainedTagger [0 1] 2
    """

    kind: ClassVar[str] = "RNNTagger"

    classes: Array
    """(n_classes,) labels, sorted"""

    def predict(self, data: Sequences) -> list[Array]:
        """For each sample the most probable label of every step, (n_timesteps_i,)."""
        return [self.predicted(z) for z in self.logits_over_time(data)]

    def predict_proba(self, data: Sequences) -> list[Array]:
        """For each sample (n_timesteps_i, n_classes)."""
        return self._linked_over_time(data)

    @override
    def predicted(self, logits: Array) -> Array:
        return np.asarray(self.classes[logits.argmax(axis=1)])

    @override
    def describe_answers(self) -> tuple[Described, Tensors]:
        return describe_labels(self.classes)

    @classmethod
    @override
    def restore_answers(
        cls, described: Mapping[str, Any], tensors: Tensors, network: Network
    ) -> dict[str, Any]:
        if not network.layout.at_every_step:
            raise ValueError(f"readout={network.layout.readout!r} is not that of a tagger")
        return {"classes": restored_labels(dict(described), tensors, network.layout.n_outputs)}
