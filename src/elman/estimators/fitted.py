"""A trained model in; what every fitted estimator answers and knows of it, and its files, out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from elman.data.containers import as_given
from elman.data.frontend import Frontend
from elman.data.sequences import Sequences
from elman.data.symbols import Symbols
from elman.distributed.answers import answering
from elman.hyperparameters.declared import PARAMETERS, declarations
from elman.inspection.summary import Summary
from elman.models.files import Saved, load_kind, pack, save
from elman.models.history import History
from elman.models.model import TrainedModel
from elman.models.streaming import Stream
from elman.models.summary import summary
from elman.models.token_vectors import TokenVectors, token_vectors
from elman.nn.network import Network
from elman.nn.optimizers import SGD, Adam
from elman.training.local import Replicas

Array = NDArray[Any]

M = TypeVar("M", bound=TrainedModel)


class GoingOn(NamedTuple):
    """The optimizer and the generator that a later `partial_fit` needs beside the model."""

    optimizer: SGD | Adam | Replicas
    settings: dict[str, Any]
    """what the optimizer was made with"""
    rng: np.random.Generator
    """of the shuffling"""
    states: dict[str, Array]
    """of `stateful`: by layer the state after each sample's last step; empty at a beginning"""


class FittedEstimator(BaseEstimator, Generic[M]):  # type: ignore[misc]
    """What an estimator does once it holds a model: answers, attributes and files.

    A fitted estimator holds one model, `model_`, and the record of its training, `history_`; both
    are set last, so that a fit that fails leaves the estimator as it was. All other attributes that
    end in an underscore are read from the two.
    """

    _MODEL: ClassVar[type[TrainedModel]]
    """what it trains"""

    model_: M
    history_: History
    _going_on: GoingOn | None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.missing != "error"
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return "model_" in self.__dict__

    def _set_fitted(self, model: M, history: History, going_on: GoingOn | None) -> None:
        """Replace model, history and what training goes on with in one assignment."""
        self.__dict__.update(model_=model, history_=history, _going_on=going_on)

    # The model

    def _hyperparameters(self) -> dict[str, Any]:
        """The declared hyper-parameters, also those that are no arguments of a subclass."""
        return {name: getattr(self, name) for name in declarations(PARAMETERS[self._MODEL.kind])}

    def _model(self) -> M:
        """The fitted model, computing as the hyper-parameters say now."""
        check_is_fitted(self)
        model = self.model_
        if (model.backend, model.n_jobs) != (self.backend, self.n_jobs):
            model = replace(model, backend=self.backend, n_jobs=self.n_jobs)
        return model

    def _asked(self, X: Any) -> tuple[M, Sequences]:
        """The fitted model, and X validated for it."""
        model = self._model()
        return model, model.check(X, estimator=type(self).__name__)

    @contextmanager
    def _asking(self, X: Any, executor: Any) -> Iterator[tuple[M, Sequences]]:
        """The same, for as long as the answers are asked for; the model asks on the executor."""
        model, data = self._asked(X)
        with answering(model, executor) as model:
            yield model, data

    def _of(self, attribute: str) -> M:
        """The model, or an AttributeError that names the attribute if there is none yet."""
        if not self.__sklearn_is_fitted__():
            raise AttributeError(f"{attribute} exists once the {type(self).__name__} is fitted")
        return self.model_

    # What every fitted estimator answers

    def hidden_states(self, X: Any, *, executor: Any = None) -> Any:
        """The last layer's hidden state after every time step.

        Parameters
        ----------
        X : array-like
            Sequences, in a form that the class describes.
        executor : executor, Client or Comm, optional
            Computes the answers elsewhere, to the same bits, in pieces: whatever `fit` takes.

        Returns
        -------
        list of ndarray of shape (n_timesteps_i, width)
            An array (n_samples, n_timesteps, width) if X is one. `width` is the last layer's size;
            twice that if bidirectional, forward half first. With `stride` every step of a block has
            the state after its block.
        """
        with self._asking(X, executor) as (model, data):
            return as_given(X, model.hidden_states(data))

    def stream(self, n: int | None = None) -> Stream:
        """The fitted network reading sequences while they happen, a time step in each call.

        Parameters
        ----------
        n : int, optional
            Streams that go on side by side, a row of every array for each; by default one, whose
            arrays have no axis for streams.

        Returns
        -------
        elman.models.streaming.Stream
            What it answers after step t is, bit for bit, the answer to a sequence that ends there.
            With a `stride` above 1, which "auto" may choose where sequences have more than 128
            steps (`frontend_` says), this holds for its `answer` and `predict`; what `step` returns
            changes at the end of a block. It does not see what is trained later.

        Raises
        ------
        ValueError
            The network is bidirectional, or `scale_each` is set: there is no answer before a
            sequence has ended.

        Notes
        -----
        A pipeline that ends in the estimator has no `stream`; `elman.stream` makes one, whose steps
        go through the scaler of the pipeline first.
        """
        return self._model().stream(n)

    def summary(
        self,
        *,
        n_features: int | None = None,
        n_outputs: int | None = None,
        batch_size: int | None = None,
        n_timesteps: int | None = None,
    ) -> Summary:
        """Layers, shapes, parameters, arithmetic and memory of the network, as a table.

        Parameters
        ----------
        n_features, n_outputs : int, optional
            Columns of a time step of X, and classes, labels or targets: needed before `fit`, and
            not to be given after it.
        batch_size : int, optional
            Sequences in a batch, for the memory of training; by default that of the estimator.
        n_timesteps : int, optional
            Time steps of each sequence of that batch; by default those of a 2-D X after its fit,
            and 100 as an example where nothing says it.

        Returns
        -------
        elman.inspection.summary.Summary
            Print it, or show it in a notebook; it has `frame()` and `to_dict()`, and says how
            everything is counted.

        Examples
        --------
        >>> from elman import RNNTagger
        >>> tagger = RNNTagger(8, bidirectional=True, dtype="float32")
        >>> tagger.summary(n_features=3, n_outputs=4).frame()[["layer", "output", "parameters"]]
                        layer            output  parameters
        0          recurrent0  (n_timesteps, 8)          96
        1  recurrent0.reverse  (n_timesteps, 8)          96
        2                head  (n_timesteps, 4)          68
        """
        return summary(
            self,
            n_features=n_features,
            n_outputs=n_outputs,
            batch_size=batch_size,
            n_timesteps=n_timesteps,
        )

    def token_vectors(self, column: str | int | None = None) -> TokenVectors:
        """The vectors that the network has for the categories of a column of X.

        Parameters
        ----------
        column : str or int, optional
            Name or index of the column; by default the only categorical one.

        Returns
        -------
        tokens : list
            By id: the first is "<unknown>", for whatever is not known or too rare; the others are
            the tokens of training, the commonest first. None stands for missing values.
        vectors : ndarray of shape (n_categories, width)
            A row for each: of the embedding, or, of a column that is fed one-hot, of the input
            weights of the first layer, which the category adds to the sums of a step (of two
            directions side by side).

        Raises
        ------
        ValueError
            The estimator was trained on numbers alone, or there is no such column.
        """
        check_is_fitted(self)
        return token_vectors(self.model_, column)

    # Files

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to a safetensors file, atomically.

        Everything is kept bit for bit but `on_epoch`, a `random_state` that is a generator, a
        `scoring` that is a function (all become None), the optimizer's memory (a later
        `partial_fit` starts with a fresh one), and the states of `stateful` (it begins new
        sequences). Pickle keeps the last two.

        A pipeline that ends in the estimator has no `save`; `elman.save` writes it, its scaler
        included.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        sklearn.exceptions.NotFittedError
            The estimator is not fitted.
        ValueError
            The suffix of the name is that of a file of data, such as .npz.
        OSError
            The file cannot be written; one that was there before is left whole.
        """
        save(path, Saved(self._model(), self.get_params(deep=False), self.history_))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read an estimator that `save` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        estimator
            Predicts bit for bit what the saved one did.

        Raises
        ------
        elman.formats.archive.ArchiveError
            The file is damaged, from a newer version, or not one of elman's. No code in it is run.
        OSError
            It cannot be read.
        """
        return cls._of_saved(load_kind(path, cls._MODEL.kind, known=cls._get_param_names()))

    @classmethod
    def _of_saved(cls, saved: Saved[TrainedModel]) -> Self:
        """The fitted estimator of which a file held the parts."""
        estimator = cls(**saved.parameters)
        estimator._set_fitted(cast(M, saved.model), saved.history, None)
        return estimator

    def _packed(self, network: Network, history: History) -> tuple[dict[str, Any], dict[str, Any]]:
        """The content of a model file with the given network and history."""
        model = replace(self._model(), network=network)
        return pack(Saved(model, self.get_params(deep=False), history))

    # What a fitted estimator knows

    @property
    def network_(self) -> Network:
        """The trained network."""
        return self._of("network_").network

    @property
    def weights_(self) -> dict[str, Array]:
        """Named weights: views of the network's own."""
        return dict(self._of("weights_").network.params)

    @property
    def n_features_in_(self) -> int:
        """`X.shape[-1]` in training: for a 2-D X the number of its columns."""
        return self._of("n_features_in_").n_features_in

    @property
    def feature_names_in_(self) -> Array:
        """Names of the columns of X; only if it was one or several data frames that have some."""
        names = self._of("feature_names_in_").feature_names
        if names is None:
            raise AttributeError(
                "feature_names_in_ exists once X was a data frame with names, or a list of them"
            )
        return np.array(names, dtype=object)

    @property
    def mean_(self) -> NDArray[np.float64] | None:
        """What `standardize` subtracts from each feature; None without it."""
        standardisation = self._of("mean_").standardisation
        return None if standardisation is None else standardisation.mean

    @property
    def scale_(self) -> NDArray[np.float64] | None:
        """What `standardize` divides each feature by; None without it."""
        standardisation = self._of("scale_").standardisation
        return None if standardisation is None else standardisation.scale

    @property
    def frontend_(self) -> Frontend:
        """What the network reads of standardised steps; printed, also why "auto" chose so.

        It has the attributes `deltas`, `stride`, `scale_each` and `reasons`.
        """
        return self._of("frontend_").frontend

    @property
    def symbols_(self) -> Symbols | None:
        """The vocabularies of categorical columns of X; None if X has numbers alone.

        It has the attributes `vocabularies` (each with `tokens`, `counts`, `unknown_share` and
        `most_frequent(n)`), `categorical` and `numeric` (which columns of X are which), `form`
        ("characters", "tokens" or "steps") and `n_categories`, and the methods `encode` and
        `decode`.
        """
        return self._of("symbols_").symbols

    @property
    def batch_size_(self) -> int | None:
        """Samples in a batch of the last training at most: `batch_size`, or what "auto" stood for.

        Training is `fit` or `partial_fit`. None if an older file did not record it.
        """
        self._of("batch_size_")
        return self.history_.batch_size or None

    @property
    def batch_size_reason_(self) -> str | None:
        """Why `batch_size="auto"` stood for `batch_size_`, in a sentence; None for a number."""
        self._of("batch_size_reason_")
        return self.history_.batch_size_reason or None

    @property
    def max_iter_(self) -> int | None:
        """Epochs that the last `fit` was to run at most: `max_iter`, or what "auto" stood for.

        None after `partial_fit` alone, or if an older file did not record it.
        """
        self._of("max_iter_")
        return self.history_.max_iter or None

    @property
    def max_iter_reason_(self) -> str | None:
        """Why `max_iter="auto"` stood for `max_iter_`, in a sentence; None for a number."""
        self._of("max_iter_reason_")
        return self.history_.max_iter_reason or None

    @property
    def n_iter_(self) -> int:
        """Epochs run."""
        self._of("n_iter_")
        return len(self.history_)

    @property
    def loss_curve_(self) -> list[float]:
        """Training loss of each epoch."""
        self._of("loss_curve_")
        return self.history_.loss

    @property
    def score_curve_(self) -> list[float | None]:
        """Training score of each epoch, as `elman.models.history.Epoch.score` has it."""
        self._of("score_curve_")
        return self.history_.score

    @property
    def validation_loss_curve_(self) -> list[float | None]:
        """Validation loss of each epoch; empty without validation data."""
        self._of("validation_loss_curve_")
        return self.history_.validation_loss

    @property
    def validation_scores_(self) -> list[float | None]:
        """Validation score of each epoch; empty without validation data."""
        self._of("validation_scores_")
        return self.history_.validation_score

    @property
    def best_epoch_(self) -> int:
        """Number of the best epoch."""
        self._of("best_epoch_")
        return self.history_.best_epoch
