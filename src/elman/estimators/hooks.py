"""What the three kinds of estimators differ in: hooks that say what their targets mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from elman.data.sequences import Sequences
from elman.estimators.fitted import FittedEstimator, M
from elman.nn.objectives import Objective
from elman.training.labelled import Labelled

Array = NDArray[Any]
Meaning = Mapping[str, Any]
"""What the outputs of a model mean: the fields that its kind adds to `TrainedModel`."""


class TargetHooks(FittedEstimator[M]):
    """What an estimator says of its targets; `_targets` and `_n_outputs` at least."""

    _SCORE: ClassVar[str] = "accuracy"
    """what progress calls the validation score"""

    def _targets(
        self, y: Any, data: Sequences, known: Meaning | None, *, name: str = "y"
    ) -> tuple[Array, Meaning]:
        """`y` as training takes it, and what the outputs of the model mean.

        Parameters
        ----------
        known : mapping or None
            The meaning learned from other data, which y must agree with; None: learn it from y.
        name : str
            What errors call y.
        """
        raise NotImplementedError

    def _n_outputs(self, meaning: Meaning) -> int:
        """The number of columns of the head."""
        raise NotImplementedError

    def _objective(self, meaning: Meaning) -> Objective:
        """The objective that training minimises."""
        raise NotImplementedError

    def _step_target(self, meaning: Meaning) -> str | None:
        """What messages call the target of a time step; None if each sample has its own."""
        return None

    def _asks_for(self, meaning: Meaning) -> Mapping[str, Any]:
        """The hyper-parameters of the network that answers with this meaning."""
        return self._hyperparameters()

    def _strata(self, training: Labelled, meaning: Meaning) -> NDArray[np.int64]:
        """Index of each sample's class; validation data gets the same share of every class."""
        return np.zeros(len(training.X), np.int64)

    def _weighted(self, training: Labelled, meaning: Meaning) -> Labelled:
        """Training data with the weights that hyper-parameters add to the user's."""
        return training

    def _learned_scale(self, training: Labelled, meaning: Meaning) -> Meaning:
        """The meaning, completed by the statistics of the targets that are trained on."""
        return meaning

    def _scaled_targets(self, labelled: Labelled, model: M) -> Labelled:
        """The targets in the units of the network's outputs."""
        return labelled

    def _prepare_head(self, training: Labelled, model: M) -> None:
        """Change fresh weights of the head where the targets ask for it."""

    def _loss_unit(self) -> str:
        """What the training loss is in, to be read beside an axis."""
        return "nats per sample"

    def _score_name(self) -> str:
        """What progress calls the validation score."""
        if self.scoring is None or self.scoring == "loss":
            return self._SCORE
        return self.scoring if isinstance(self.scoring, str) else "score"
