"""What training begins with: fresh weights, or the fitted model and what goes on with it."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Self, cast

import numpy as np

from elman.backends import available_threads, get_backend
from elman.backends.contract import Backend
from elman.data.frontend import Frontend, learn_frontend
from elman.data.frontend_choice import choose
from elman.data.missing import warn_of_unobserved
from elman.data.names import Names
from elman.data.scaling import Standardisation, location_and_scale
from elman.data.sequences import Sequences
from elman.data.symbols import Symbols
from elman.estimators.assembly import check_same_network, optimizer_of, solver_settings
from elman.estimators.embeddings import (
    begin_with,
    categories_of,
    coverage,
    hint_of_nothing_frozen,
)
from elman.estimators.fitted import GoingOn, M
from elman.estimators.hooks import Meaning
from elman.estimators.incoming import IncomingData
from elman.hyperparameters.network import layout_of
from elman.hyperparameters.seeds import make_rng
from elman.models.history import History
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.nn.optimizers import SGD, Adam
from elman.targets.callers import warn_caller
from elman.training.labelled import Labelled
from elman.training.local import Replicas


class Beginning(IncomingData[M]):
    """Makes the model and the optimizer that training begins with."""

    def _backend(self) -> Backend:
        return get_backend(self.backend, n_threads=available_threads(self.n_jobs))

    def _fresh_model(
        self,
        data: Sequences,
        names: Names | None,
        symbols: Symbols | None,
        training: Labelled,
        meaning: Meaning,
        rng: np.random.Generator,
    ) -> M:
        """Fresh weights, and the statistics of the training data."""
        standardisation = None
        weights = training.sample_weights()
        if self.standardize and (symbols is None or symbols.numeric):
            standardisation = Standardisation(*location_and_scale(training.X.data, weights))
        if symbols is not None:
            return self._over_categories(
                data, names, symbols, standardisation, training, meaning, rng
            )
        every_step = self._step_target(meaning) is not None
        chosen = choose(
            training.X.data,
            self.deltas,
            self.stride,
            weights,
            every_step=every_step,
            in_pieces=bool(self.stateful),
        )
        frontend = learn_frontend(
            training.X.data,
            standardisation,
            weights,
            scale_each=bool(self.scale_each),
            **chosen._asdict(),
        )
        return self._over(data, names, None, standardisation, frontend, training, meaning, rng)

    def _over_categories(
        self,
        data: Sequences,
        names: Names | None,
        symbols: Symbols,
        standardisation: Standardisation | None,
        training: Labelled,
        meaning: Meaning,
        rng: np.random.Generator,
    ) -> M:
        """As `_fresh_model`, of data whose first columns are categories, which nothing scales."""
        if standardisation is not None:
            standardisation.mean[: symbols.n_codes] = 0
            standardisation.scale[: symbols.n_codes] = 1
        frontend = Frontend(n_codes=symbols.n_codes)
        return self._over(data, names, symbols, standardisation, frontend, training, meaning, rng)

    def _over(
        self,
        data: Sequences,
        names: Names | None,
        symbols: Symbols | None,
        standardisation: Standardisation | None,
        frontend: Frontend,
        training: Labelled,
        meaning: Meaning,
        rng: np.random.Generator,
    ) -> M:
        """Fresh weights over data that are standardised so, behind that front end."""
        warn_of_unobserved(training.X.data)
        meaning = self._learned_scale(training, meaning)
        n_features = frontend.n_inputs(data.n_features, data.missing)
        network = Network.initialised(
            layout_of(
                self._asks_for(meaning),
                n_features,
                self._n_outputs(meaning),
                categories_of(symbols, self.embedding_size, self.embedding_init),
            ),
            rng=rng,
            dtype=data.dtype if self.dtype == "auto" else np.dtype(self.dtype),
            recurrent_init=self.recurrent_init,
            forget_bias=float(self.forget_bias),
        )
        self._warn_of_frozen(network.layout)
        begin_with(network, symbols, self.embedding_init)
        model = cast(
            M,
            self._MODEL(
                network=network,
                n_features_in=data.n_features_in,
                two_d=data.two_d,
                standardisation=standardisation,
                frontend=frontend,
                missing=data.missing,
                symbols=symbols,
                feature_names=names,
                backend=self.backend,
                n_jobs=self.n_jobs,
                **meaning,
            ),
        )
        self._prepare_head(training, model)
        return model

    @staticmethod
    def _warn_of_frozen(layout: Layout) -> None:
        hint = hint_of_nothing_frozen(layout)
        if hint is not None:
            warn_caller(hint)

    def _print_coverage(self, symbols: Symbols | None) -> None:
        """How many tokens begin with a vector that the user gave."""
        for line in coverage(symbols, self.embedding_init, frozen=bool(self.freeze_embedding)):
            print(line, flush=True)

    def _with_model(self, model: M) -> Self:
        """A copy of the estimator that answers with a model which is still in training."""
        draft = copy.copy(self)
        draft._set_fitted(model, History(), None)
        return draft

    def _warm_model(self, earlier: M) -> tuple[M, SGD | Adam | Replicas, np.random.Generator]:
        """What `warm_start` begins with: weights and scale as they are, a fresh optimizer."""
        model, going_on = self._continued(earlier, "warm_start=True")
        return model, optimizer_of(self, model.network), going_on.rng

    def _fresh_start(self, model: M, rng: np.random.Generator) -> GoingOn:
        """A fresh optimizer of the model's weights, and no states to go on from."""
        return GoingOn(optimizer_of(self, model.network), solver_settings(self), rng, {})

    def _continued(self, earlier: M, going_on_by: str) -> tuple[M, GoingOn]:
        """The fitted model and what training goes on with, as the hyper-parameters say now.

        Dropout and the solver may have changed since. What is missing after loading is recreated:
        an optimizer, a generator, writable weights.

        Raises
        ------
        ValueError
            The hyper-parameters ask for another network than the fitted one.
        """
        built = earlier.network.layout
        layout = layout_of(
            self._asks_for(earlier.meaning), built.n_features, built.n_outputs, built.categories
        )
        check_same_network(self, layout, earlier, going_on_by)
        model, going_on = earlier, self._going_on
        if not model.network.params.flat.flags.writeable:  # joblib's memory map of a file
            model = replace(model, network=model.network.copy())
            if going_on is not None:
                going_on = going_on._replace(optimizer=going_on.optimizer.copy())
        if layout.frozen_embeddings != built.frozen_embeddings:
            self._warn_of_frozen(layout)
        if layout != model.network.layout:
            model = replace(model, network=replace(model.network, layout=layout))
        if going_on is None:
            _, rng, _ = make_rng(self.random_state).spawn(3)
            going_on = self._fresh_start(model, rng)
        elif going_on.settings != solver_settings(self):
            changed = self._fresh_start(model, going_on.rng)
            if changed.optimizer.memory == going_on.optimizer.memory:
                changed.optimizer.set_state(going_on.optimizer.get_state())
            going_on = changed._replace(states=going_on.states)
        return model, going_on
