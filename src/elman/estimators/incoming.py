"""Hyper-parameters, X, y and validation data as a user passes them in; what is trained on out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.alignment import check_alignment
from elman.data.axes import warn_of_channels_first, warn_of_features_as_steps
from elman.data.missing import without_missing_steps
from elman.data.names import Names
from elman.data.prepared import Prepared
from elman.data.sequences import Sequences
from elman.data.symbols import (
    Symbols,
    encoded_sequences,
    has_symbols,
    hint_of_token_ids,
    hint_of_whole_texts,
    renumber,
    symbols_of_training,
)
from elman.data.validation import check_sequences
from elman.estimators.assembly import check_together
from elman.estimators.fitted import M
from elman.estimators.hooks import Meaning, TargetHooks
from elman.estimators.scoring import check_scoring_name
from elman.estimators.steps import labelled_steps, validated_steps
from elman.hyperparameters.declared import PARAMETERS, declarations
from elman.targets.callers import warn_caller
from elman.targets.checks import shown
from elman.targets.weights import check_weights
from elman.training.labelled import Labelled
from elman.training.loop import OnEpoch

Array = NDArray[Any]


FOR_CATEGORIES: dict[str, Any] = {
    "embedding_init": None,
    "embedding_size": "auto",
    "freeze_embedding": False,
    "categories": "auto",
}
"""What says something of categories, and the value, beside None, that does not."""


class IncomingData(TargetHooks[M]):
    """Checks what a user passes to an estimator, and makes data for training of it."""

    def _check_parameters(self) -> None:
        declared = declarations(PARAMETERS[self._MODEL.kind])
        for name, value in self._hyperparameters().items():
            declared[name].check_for(self._MODEL.kind)(name, value)
        check_together(self)
        check_scoring_name(self.scoring)

    def _own_hooks(self) -> list[OnEpoch]:
        """What `on_epoch` says to call, in order."""
        given = self.on_epoch
        if given is None:
            return []
        return [*given] if isinstance(given, (list, tuple)) else [given]

    def _check_fresh_X(
        self, X: Any, *, each: bool = False
    ) -> tuple[Sequences, Names | None, Symbols | None]:
        """X to begin training with, the names of its columns, and what its symbols are.

        With `each`, each token has a number, also a rare one: `_of_training` tells which of them
        are known once it is certain what is trained on.
        """
        if has_symbols(X, self.categorical_features):
            symbols = self._learned_symbols(X, each=each)
            data = encoded_sequences(
                X,
                symbols,
                dtype=self._dtype(),
                estimator=type(self).__name__,
                ensure_min_timesteps=1,
            )
            hint = hint_of_whole_texts(data, symbols)
            if hint is not None:
                warn_caller(hint)
            return data, symbols.feature_names, symbols
        for name, neutral in FOR_CATEGORIES.items():
            value = getattr(self, name)
            says_nothing = isinstance(value, (str, bool, np.bool_)) and bool(value == neutral)
            if value is not None and not says_nothing:
                raise ValueError(
                    f"{name} is {shown(value)}, for categories, but X has numbers alone: leave "
                    f"{name} out, or say in categorical_features which columns are categories"
                )
        hint = hint_of_token_ids(X)
        if hint is not None:
            warn_caller(hint)
        data = check_sequences(
            X, dtype=self._dtype(), estimator=type(self).__name__, missing=self.missing
        )
        warn_of_channels_first(data)
        warn_of_features_as_steps(data)
        return data, data.feature_names, None

    def _learned_symbols(self, X: Any, *, each: bool) -> Symbols:
        """Vocabularies of an X with symbols; with `each`, of all its tokens."""
        for name, neutral in (("deltas", 0), ("stride", 1), ("scale_each", False)):
            value = getattr(self, name)
            if value not in ("auto", neutral):
                raise ValueError(
                    f"X has categories, and {name}={value!r} is made for numbers alone: leave "
                    f"{name} out"
                )
        return Symbols.learn(
            X,
            categorical_features=self.categorical_features,
            categories=self.categories,
            handle_unknown=self.handle_unknown,
            missing=self.missing,
            **({} if each else self._rarity()),
        )

    def _rarity(self) -> dict[str, Any]:
        """What says which tokens are rare."""
        most = None if self.max_categories is None else int(self.max_categories)
        return {"min_frequency": self.min_frequency, "max_categories": most}

    def _of_training(
        self, data: Sequences, symbols: Symbols, training: Labelled, validation: Labelled | None
    ) -> tuple[Symbols, Labelled, Labelled | None]:
        """What symbols the samples that are trained on have, and all samples in their numbers."""
        rarity = self._rarity()
        if training.X.data.n_steps == data.n_steps and not any(rarity.values()):
            return symbols, training, validation
        symbols, ids = symbols_of_training(
            symbols,
            training.X.data.values,
            None if validation is None else validation.X.data.values,
            categories=self.categories,
            **rarity,
        )
        training = _with_values(training, renumber(training.X.data.values, ids))
        if validation is not None:
            validation = _with_values(validation, renumber(validation.X.data.values, ids))
        return symbols, training, validation

    def _check_more_X(self, X: Any) -> tuple[Sequences, Names | None, Symbols | None]:
        """X to go on training with, the names of its columns, and what its symbols are."""
        model, data = self._asked(X)
        if data.pending_check is not None:
            data.pending_check()
            data.pending_check = None
        return data, model.feature_names, model.symbols

    @staticmethod
    def _check_alignment(X: Any, data: Sequences, y: Any, sample_weight: Any) -> None:
        """Raise an error where the container of X says why y or sample_weight cannot be its."""
        check_alignment(X, data, y, "X", "y")
        check_alignment(X, data, sample_weight, "X", "sample_weight")

    def _dtype(self) -> Any:
        """The dtype in which a fresh fit reads X; None keeps the dtype of X.

        Standardisation works in float64 on what X holds: rounded to float32 first, 1e6 +- 0.01 has
        lost its digits.
        """
        return None if self.standardize or self.dtype == "auto" else np.dtype(self.dtype)

    @staticmethod
    def _with_unknown(
        training: Labelled, symbols: Symbols | None, rng: np.random.Generator
    ) -> Labelled:
        """Training data in which some rare tokens became unknown, so that it is learned."""
        if symbols is None or symbols.handle_unknown == "error":
            return training
        return _with_values(training, symbols.thinned_block(training.X.data.values, rng))

    def _labelled(
        self, data: Sequences, targets: Array, meaning: Meaning, sample_weight: Any
    ) -> Labelled:
        """Samples to train on: those of positive weight, without the steps to be skipped."""
        X = self._kept(data)
        what = self._step_target(meaning)
        if what is not None:
            carries = bool(self.stateful)
            return labelled_steps(data, X, targets, sample_weight, all_samples=carries, what=what)
        if sample_weight is None:
            return Labelled(Prepared(X), targets, None)
        weights = check_weights(sample_weight, len(data))
        labelled = Labelled(Prepared(X), targets, weights)
        # To leave out samples of weight 0 changes no bit, but their states may have to go on.
        if weights.all() or self.stateful:
            return labelled
        return labelled.subset(np.flatnonzero(weights))

    def _kept(self, data: Sequences) -> Sequences:
        """X to train on without the steps to be skipped."""
        kept = without_missing_steps(data)
        if kept.n_steps == 0 and data.n_steps:
            raise ValueError(
                "Input X contains NaN at every time step of every sample, so that missing='skip' "
                "leaves nothing to train on: choose missing='mask', or leave features out"
            )
        return kept

    def _to_validate(self, data: Sequences, targets: Array, meaning: Meaning) -> Labelled:
        """Validation data, without the steps to be skipped."""
        what = self._step_target(meaning)
        if what is not None:
            return validated_steps(data, targets, what)
        return Labelled(Prepared(without_missing_steps(data)), targets, None)

    def _check_validation(
        self,
        X_val: Any,
        y_val: Any,
        data: Sequences,
        names: Names | None,
        symbols: Symbols | None,
        meaning: Meaning,
    ) -> Labelled | None:
        """Validation data that goes with the training data, or None if there is none."""
        if (X_val is None) != (y_val is None):
            given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
            raise ValueError(f"{given} was given without {missing}: pass both or neither")
        if X_val is None:
            return None
        dtype = None if self.standardize else data.dtype
        called = type(self).__name__
        if symbols is not None:
            validation = encoded_sequences(
                X_val, symbols, name="X_val", dtype=dtype, estimator=called
            )
        else:
            validation = check_sequences(
                X_val,
                name="X_val",
                dtype=dtype,
                n_features=data.n_features_in,
                two_d=data.two_d,
                feature_names=names,
                estimator=called,
                ensure_min_timesteps=0,
                missing=data.missing,
            )
        check_alignment(X_val, validation, y_val, "X_val", "y_val")
        targets, _ = self._targets(y_val, validation, meaning, name="y_val")
        return self._to_validate(validation, targets, meaning)

    def _prepared(self, labelled: Labelled, model: M, *, elsewhere: bool = False) -> Labelled:
        """Sequences and targets as the network takes them: scaled, and complete.

        `elsewhere` says that other processes read them, who open a store by themselves.
        """
        dtype = model.network.params.dtype
        data = labelled.X.data
        X = Prepared.for_training(
            data, model.standardisation, dtype, model.frontend, elsewhere=elsewhere
        )
        return self._scaled_targets(labelled._replace(X=X), model)


def _with_values(labelled: Labelled, values: Array) -> Labelled:
    """Samples with other values of their steps."""
    data = labelled.X.data
    found = Sequences(values, data.lengths, two_d=data.two_d)
    found.missing, found.feature_names = data.missing, data.feature_names
    return labelled._replace(X=Prepared(found))
