"""Epochs of training in, one at a time; their record as columns, or as a data frame, out."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from elman.models.tables import to_frame
from elman.nn.network import Network

STOPPED_BY = (
    "",
    "max_iter",
    "early_stopping",
    "on_epoch",
    "interrupt",
    "checkpoint",
    "diverged",
)
"""What may have ended a training; "" while it goes on."""

GAPS = ("score", "saturated", "spectral_radius")
"""Columns that need not have a value for each epoch."""


@dataclass
class Epoch:
    """One finished epoch: what `on_epoch` is called with, and a row of `History`.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> y = (X[:, -1, 0] > 0).astype(int)
    >>> def follow(epoch):
    ...     print("epoch", epoch.epoch, "of", epoch.n_epochs)
    ...     return epoch.epoch == 2  # that is enough
    >>> clf = RNNClassifier(hidden_size=4, on_epoch=follow, random_state=0).fit(X, y)
    epoch 1 of 100
    epoch 2 of 100
    """

    epoch: int
    """from 1"""
    loss: float
    """mean training loss over the epoch's batches (cross-entropy in nats, or the error of
    standardised values), without the penalty of alpha"""
    score: float | None
    """training score of the epoch: accuracy on the training data, or R^2 of values. It is a running
    score, taken from the passes that the epoch learns from: the weights change from batch to batch,
    and dropout is on, so that it lags behind `validation_score`, which the weights at the end of
    the epoch have. Samples weigh in it what `sample_weight` says, without `class_weight`. None if
    it is not finite"""
    validation_loss: float | None
    """the same on the validation data, with the weights at the end of the epoch"""
    validation_score: float | None
    """accuracy on the validation data, or R^2 of values"""
    gradient_norm: float
    """mean over batches of the gradient's norm, before clipping"""
    saturated: float | None
    """share of gates and states with next to no derivative (`elman.training.gauges`), which is
    measured in the first epoch and the last and, where that would cost over a hundredth of the
    time, not in every epoch between: None"""
    spectral_radius: dict[str, float] | None
    """of each recurrent layer's W_h, by the layer's name; likewise"""
    learning_rate: float
    """of this epoch; set it, and training goes on at that rate, whatever the schedule says"""
    seconds: float
    """wall-clock time of the epoch, validation included"""
    sequences_per_second: float
    """training samples by the time that training on them took"""
    n_epochs: int
    """how many epochs there will be at most"""
    best_epoch: int
    """the best epoch so far, by validation score (then loss), or by training loss"""
    network: Network
    """the network being trained: look, do not change"""
    history: History
    """all epochs so far, this one included: look, do not change"""
    stopped: bool = False
    """whether this is to be the last epoch"""
    is_writer: bool = True
    """whether this process writes files and messages: of several that run the same training, one
    does, and `on_epoch` is called in all of them"""

    def stop(self) -> None:
        """Make this the last epoch, as returning True does."""
        self.stopped = True


@dataclass
class History:
    """What happened in each epoch, a list for each quantity.

    Attributes
    ----------
    epoch : list of int
        Numbers of the epochs, from 1.
    loss : list of float
        Mean training loss: cross-entropy in nats, or the error of standardised values.
    score : list of float
        Training score, accuracy or R^2, from the passes that an epoch learns from: a running score,
        since the weights change during the epoch, and dropout is on. Empty, or None for epochs of a
        model that was trained by a version of elman that did not record it.
    validation_loss, validation_score : list of float
        Loss, and accuracy or R^2, on the validation data; empty without any, None for epochs of a
        later `partial_fit`, which has none.
    gradient_norm : list of float
        Mean over batches of the gradient's norm before clipping.
    saturated : list of float
        Share of gates and states with next to no derivative, from the training data; see
        `elman.training.gauges`. On small data they are read in every few epochs, and None between.
    spectral_radius : list of dict of str to float
        Of each recurrent layer's W_h, by the layer's name; None where `saturated` is.
    learning_rate : list of float
    seconds : list of float
        Wall-clock time of each epoch, validation included.
    sequences_per_second : list of float
        Training samples by the time that training on them took.
    best_epoch : int
        The best epoch, by validation score (then validation loss), or by training loss.
    stopped_by : str
        Why training ended: "max_iter", "early_stopping", "on_epoch" (or a callback),
        "interrupt", "checkpoint", if its state could not be written to disk, or "diverged".
    batch_size : int
        Samples that a batch of the last `fit` or `partial_fit` had at most: the number of
        `batch_size`, or the one that "auto" stood for. 0 if it was not recorded.
    batch_size_reason : str
        Why "auto" stood for it; empty if `batch_size` was a number.
    max_iter : int
        Epochs that the last `fit` was to have at most: the number of `max_iter`, or the one that
        "auto" stood for. 0 if there was none but `partial_fit`, or if it was not recorded.
    max_iter_reason : str
        Why "auto" stood for it; empty if `max_iter` was a number.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> y = (X[:, -1, 0] > 0).astype(int)
    >>> history = RNNClassifier(hidden_size=4, max_iter=3, random_state=0).fit(X, y).history_
    >>> print(history.epoch, history.loss[-1] < history.loss[0], history.stopped_by)
    [1, 2, 3] True max_iter
    """

    epoch: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    score: list[float | None] = field(default_factory=list)
    validation_loss: list[float | None] = field(default_factory=list)
    validation_score: list[float | None] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    saturated: list[float | None] = field(default_factory=list)
    spectral_radius: list[dict[str, float] | None] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    sequences_per_second: list[float | None] = field(default_factory=list)
    best_epoch: int = 0
    stopped_by: str = ""
    batch_size: int = 0
    batch_size_reason: str = ""
    max_iter: int = 0
    max_iter_reason: str = ""

    def __len__(self) -> int:
        return len(self.epoch)

    def __repr__(self) -> str:
        # as lists, the columns would fill a notebook's page
        if not self.loss:
            return "<History of no epoch>"
        return (
            f"<History of {len(self)} epoch(s): loss {self.loss[0]:.4g} at first, "
            f"{self.loss[-1]:.4g} at last; best epoch {self.best_epoch}, "
            f"stopped by {self.stopped_by or 'nothing yet'}; see to_frame() or to_dict()>"
        )

    def append(self, epoch: Epoch) -> None:
        """Add a row."""
        for name in self.columns():
            value = getattr(epoch, name)
            if value is not None or name in GAPS:
                getattr(self, name).append(value)

    def trim(self) -> None:
        """Drop a row that an interrupt left unfinished."""
        n_whole = min(len(self.epoch), len(self.sequences_per_second))
        for name in self.columns():
            del getattr(self, name)[n_whole:]

    def extended(self, later: History) -> History:
        """Return this history followed by a later one of the same network."""
        joined = History(best_epoch=later.best_epoch, stopped_by=later.stopped_by)
        last = later if later.batch_size else self
        joined.batch_size, joined.batch_size_reason = last.batch_size, last.batch_size_reason
        fit = later if later.max_iter else self
        joined.max_iter, joined.max_iter_reason = fit.max_iter, fit.max_iter_reason
        for name in self.columns():
            first, second = getattr(self, name), getattr(later, name)
            if first or second:
                first = first or [None] * len(self)
                second = second or [None] * len(later)
            setattr(joined, name, first + second)
        return joined

    @staticmethod
    @cache
    def columns() -> tuple[str, ...]:
        """Names of the lists."""
        return tuple(f.name for f in fields(History) if f.default_factory is list)

    def to_dict(self) -> dict[str, list[Any]]:
        """The columns that hold something, as lists of equal length.

        `spectral_radius` becomes a column for each layer: spectral_radius.recurrent0, ...
        """
        columns: dict[str, list[Any]] = {}
        for name in self.columns():
            values = getattr(self, name)
            if name == "spectral_radius":
                layers = {layer: None for radii in values for layer in radii or ()}
                for layer in layers:
                    columns[f"{name}.{layer}"] = [(radii or {}).get(layer) for radii in values]
            elif values:
                columns[name] = list(values)
        return columns

    def to_frame(self) -> Any:
        """A data frame with a row for each epoch: pandas' if it is installed, else Polars'.

        Raises
        ------
        ImportError
            Neither is installed.
        """
        return to_frame(self.to_dict(), "History.to_frame", "History.to_dict needs neither")
