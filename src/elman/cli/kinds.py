"""Finds out which kind of answer the y of a data set asks for, and checks that y."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from elman.cli.errors import UserError
from elman.models.kinds import ESTIMATORS as ESTIMATORS
from elman.models.kinds import Kind as Kind
from elman.models.kinds import is_of_numbers as is_of_numbers
from elman.models.kinds import kind_of_model as kind_of_model
from elman.models.kinds import known_to_model as known_to_model
from elman.models.kinds import names_of_answers as names_of_answers

if TYPE_CHECKING:
    from elman.data import Dataset

CHOICES = {"classifier": "RNNClassifier", "tagger": "RNNTagger", "regressor": "RNNRegressor"}
"""What a person may ask for."""


class Targets(NamedTuple):
    """y of a file, checked."""

    kind: Kind
    y: Any
    """labels (n_samples,); an indicator (n_samples, n_labels); classes (n_classes,) and the index
    of each time step's label, -1 for none; values (n_samples,) or (n_samples, n_targets); values
    of all time steps (total_steps, n_targets), NaN where one is not known"""

    @property
    def known(self) -> Any:
        """What other data must keep to: classes, or the number of labels or targets."""
        if self.kind == "label":
            return np.unique(self.y)
        if self.kind == "steps":
            return self.y[0]
        return 1 if self.y.ndim == 1 else self.y.shape[1]


def kind_of(dataset: Dataset, path: Path, wanted: str = "auto") -> Kind:
    """What the y of a file is to be taken for.

    Parameters
    ----------
    dataset : Dataset
        With a y.
    path : Path
        Where it is from, for errors.
    wanted : {"auto", "classifier", "tagger", "regressor"}
        "auto" goes by y: numbers that are not all whole are values (as is whatever a .ts file calls
        targets), a matrix of 0 and 1 several labels, one with a column for each time step labels
        of steps; floats of time steps are values of them.

    Raises
    ------
    UserError
        `wanted` is not one of these, or y says too little.
    """
    if wanted not in ("auto", *CHOICES):
        raise UserError(f"--kind {wanted!r} is not known; choose auto, {', '.join(CHOICES)}")
    if wanted == "auto":
        return _guessed(dataset, path)
    if wanted == "classifier":
        several = isinstance(dataset.y, np.ndarray) and not _is_column(dataset.y)
        return "labels" if several else "label"
    if wanted == "tagger":
        return "steps"
    return "step values" if _step_types(dataset.y) <= set("biuf") else "values"


def _guessed(dataset: Dataset, path: Path) -> Kind:
    from elman.data.dataset import lengths_of
    from elman.targets.missing import plain

    y: Any = dataset.y
    if isinstance(y, list):
        return "step values" if _step_types(y) == {"f"} else "steps"
    y = plain(y).values
    if dataset.metadata.get("targetlabel") is True or not _is_whole(y):
        return "values"
    if _is_column(y):
        return "label"
    n_timesteps = int(lengths_of(dataset.X).max(initial=0))
    if y.dtype.kind in "USO":
        return "steps"
    a_column_each = y.shape[1] == n_timesteps and y.dtype.kind != "f"
    if not np.isin(y, (0, 1)).all():
        padded = y.shape[1] > n_timesteps and (y == -1).any()
        return "steps" if a_column_each or padded else "values"
    if a_column_each:
        raise UserError(
            f"{path}: y has {y.shape[1]} columns, as many as the longest recording has time steps; "
            "say what they are: --kind tagger (labels of steps) or --kind classifier (several "
            "labels of a recording)"
        )
    return "labels"


def _step_types(y: Any) -> set[str]:
    """Of what NumPy calls kinds of types y is, if it is of time steps."""
    if not isinstance(y, list):
        return {"not of time steps"}
    return {np.asarray(row).dtype.kind for row in y if len(row)}


def _is_column(y: Any) -> bool:
    return bool(y.ndim == 1 or y.shape[1] == 1)


def _is_whole(y: Any) -> bool:
    return bool(y.dtype.kind != "f" or (np.isfinite(y) & (y == np.round(y))).all())


def check_targets(kind: Kind, dataset: Dataset, path: Path, known: Any = None) -> Targets:
    """Check that the y of a file is of this kind and agrees with what is `known` from training.

    Raises
    ------
    UserError, TypeError, ValueError
        It is something else; the message names the file.
    """
    from elman.data.dataset import lengths_of
    from elman.targets.checks import refuse_missing
    from elman.targets.labels import check_indicator, refuse_other_than_labels
    from elman.targets.missing import plain
    from elman.targets.step_values import check_step_values
    from elman.targets.steps import check_tags
    from elman.targets.values import check_values

    y: Any = dataset.y
    name = f"{path}: y"
    if kind in ("steps", "step values"):
        if not isinstance(y, list) and y.ndim == 1:
            raise UserError(
                f"{path}: holds one label or number for each recording, not one for each time step"
            )
        lengths = lengths_of(dataset.X)
        if kind == "step values":
            values, _ = check_step_values(y, lengths, n_targets=known, name=name)
            return Targets(kind, values)
        return Targets(kind, check_tags(y, lengths, classes=known, name=name))
    if isinstance(y, list):
        raise UserError(
            f"{path}: holds labels or numbers of time steps, which only a tagger, or a regressor "
            "of time steps, gives"
        )
    if kind == "values":
        return Targets(kind, check_values(y, len(y), n_targets=known, name=name))
    if kind == "labels" and y.ndim == 1:
        raise UserError(f"{path}: holds one label or number for each recording, not several labels")
    if kind == "labels":
        return Targets(kind, check_indicator(y, len(y), n_labels=known, name=name))
    if not _is_column(y):
        raise UserError(
            f"{path}: has {y.shape[1]} labels or numbers for each recording, not one label"
        )
    found = plain(y.reshape(-1))
    refuse_missing(found, name, "every recording needs a label", "leave that recording out")
    refuse_other_than_labels(found, name)
    labels = found.values
    if known is None and labels.dtype.kind == "f" and np.isfinite(labels).all():
        fractions = labels[labels != np.round(labels)].tolist()
        if fractions:
            raise UserError(
                f"{path}: has numbers such as {fractions[0]!r}, which are no labels: "
                "--kind regressor predicts them"
            )
    if known is not None:
        _check_labels(labels, known, path)
    return Targets(kind, labels)


def _check_labels(y: Any, classes: Any, path: Path) -> None:
    from elman.targets.checks import listed, shown

    known = list(dict.fromkeys(np.asarray(classes).tolist()))
    unknown = sorted({shown(label) for label in np.asarray(y).tolist() if label not in set(known)})
    if unknown:
        raise UserError(
            f"{path}: has labels the model was not trained on: {', '.join(unknown[:5])}; it knows "
            + listed(known)[1:-1]
        )
