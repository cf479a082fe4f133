"""A trained regressor of sequences: recordings in; numbers for each, or for each time step, out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray
from typing_extensions import override

from elman.backends.streams import Link
from elman.data.scaling import Standardisation
from elman.data.sequences import Sequences
from elman.models.model import Described, Tensors, TrainedModel, restored_standardisation
from elman.nn.network import Network

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedRegressor(TrainedModel):
    """What a fitted `RNNRegressor` answers with.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNRegressor
    >>> from elman.models.fitted import fitted
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> y = X[:, -1, 0]
    >>> model = fitted(RNNRegressor(hidden_size=4, max_iter=3, random_state=0).fit(X, y)).model
    >>> print(type(model).__name__, model.one_target, model.n_features_in)
    TrainedRegressor True 2
    """

    kind: ClassVar[str] = "RNNRegressor"

    target_scale: Standardisation
    """of the targets"""
    one_target: bool
    """whether y was (n_samples,), or of each sample (n_timesteps_i,)"""
    per_step: bool = False
    """whether each time step has targets of its own"""

    def predict(self, data: Sequences) -> Any:
        """Values (n_samples,) or (n_samples, n_targets), float64.

        Of time steps a list: for each sample (n_timesteps_i,) or (n_timesteps_i, n_targets).
        """
        if self.per_step:
            return [self.predicted(z) for z in self.logits_over_time(data)]
        return self.predicted(self.logits(data))

    def predict_over_time(self, data: Sequences) -> list[Array]:
        """For each sample its values had the recording stopped at step t.

        (n_timesteps_i,) or (n_timesteps_i, n_targets), float64.
        """
        if self.per_step and self.network.layout.bidirectional:
            raise ValueError(
                "bidirectional=True reads a sequence from its end as well, so that the answer at a "
                "time step is not that of a sequence which stopped there: ask predict for the "
                "answers to whole sequences, or train with bidirectional=False"
            )
        return [self.predicted(z) for z in self.logits_while_reading(data)]

    @property
    @override
    def link(self) -> Link:
        return "identity"

    @override
    def predicted(self, logits: Array) -> Array:
        return self.from_linked(logits)

    @override
    def from_linked(self, linked: Array) -> Array:
        mean, scale = self.target_scale
        values = linked * scale + mean
        return values[..., 0] if self.one_target else values

    @override
    def describe_answers(self) -> tuple[Described, Tensors]:
        tensors = {f"target.{k}": v for k, v in self.target_scale._asdict().items()}
        of_steps = {"per_step": True} if self.per_step else {}
        return {"one_target": self.one_target} | of_steps, tensors

    @classmethod
    @override
    def restore_answers(
        cls, described: Mapping[str, Any], tensors: Tensors, network: Network
    ) -> dict[str, Any]:
        layout = network.layout
        per_step = described.get("per_step", False)
        if not isinstance(per_step, bool):
            raise TypeError(f"per_step is {per_step!r}; it must be true or false")
        if layout.at_every_step != per_step:
            raise ValueError(f"per_step is {per_step}, but readout={layout.readout!r}")
        scale = restored_standardisation(tensors, layout.n_outputs, "target")
        if scale is None:
            raise ValueError("target.mean and target.scale are missing")
        one_target = described["one_target"]
        if not isinstance(one_target, bool):
            raise TypeError(f"one_target is {one_target!r}; it must be true or false")
        if one_target and layout.n_outputs != 1:
            raise ValueError(f"one_target, but the network has {layout.n_outputs} outputs")
        return {"target_scale": scale, "one_target": one_target, "per_step": per_step}
