"""A file of recordings and a model in; the recordings, and the answers it is held against, out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from elman.cli.files import read_for
from elman.cli.kinds import check_targets, kind_of_model, known_to_model


class LabelledFile(NamedTuple):
    """What a file holds, checked: errors named the file."""

    X: Any
    """as the model takes it"""
    y: Any
    """as `score` of an estimator takes it"""
    ids: list[Any] | None


def read_labelled(
    model: Any, path: Path, given: Mapping[str, Any], model_path: Path
) -> LabelledFile:
    """Read recordings with labels or targets for a model.

    Parameters
    ----------
    model : TrainedModel
    path : Path
    given : mapping
        Options of `elman.data.read` that were given.
    model_path : Path
        Where the model is from, for errors.
    """
    dataset = read_for(model, path, given, need_labels=True, model_path=model_path)
    targets = check_targets(kind_of_model(model), dataset, path, known_to_model(model))
    model.check(dataset.X, str(path))
    y = targets.y if targets.kind in ("label", "labels", "values") else dataset.y
    return LabelledFile(dataset.X, y, None if dataset.ids is None else [*dataset.ids])
