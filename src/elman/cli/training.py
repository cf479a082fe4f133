"""Options and recordings in; what a command trains on them out: targets, estimator, columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from elman.cli.columns import kept
from elman.cli.errors import UserError
from elman.cli.kinds import ESTIMATORS, Targets, check_targets, kind_of
from elman.nn.readouts import EVERY


def asked_categories(
    options: dict[str, Any], given: Mapping[str, Any], data: Path
) -> dict[str, Any]:
    """The options of reading, with the categorical columns that --categorical-features names.

    Where the data are a table, its reader takes the names, and it knows more categorical columns;
    they are then no option of the estimator any more, which sees what the reader found.
    """
    from elman.data.readers import options_for

    names = options.get("categorical_features")
    if not isinstance(names, list) or "categorical_features" not in options_for(data, given):
        return dict(given)
    del options["categorical_features"]
    return {**given, "categorical_features": names}


def tell_categories(options: dict[str, Any], training: Any) -> None:
    """Have the estimator know the categorical columns of data whose columns have no names."""
    if not training.categorical or training.feature_names is not None:
        return
    if "categorical_features" in options:
        return
    rows = [row for x in training.X for row in x]
    options["categorical_features"] = [
        k for k, column in enumerate(zip(*rows, strict=True)) if set(map(type, column)) != {float}
    ]


def asked_targets(
    kind: str, options: Mapping[str, Any], given: Mapping[str, Any], training: Any, data: Path
) -> Targets:
    """What is to be learned: as the option --kind says, or else the columns, or else y."""
    asked = kind_of(training, data, _wanted_kind(kind, given))
    if asked == "values" and options.get("readout") == EVERY:
        asked = "step values"
    return check_targets(asked, training, data)


def asked_estimator(options: dict[str, Any], targets: Targets, data: Path) -> Any:
    """The class that learns such targets; weights of classes in `options` become those of labels.

    Raises
    ------
    UserError
        An option is of another estimator, or names a label that there is not.
    """
    import elman

    estimator_class = getattr(elman, ESTIMATORS[targets.kind])
    _refuse_strangers(options, estimator_class, data)
    if isinstance(options.get("class_weight"), dict):
        options["class_weight"] = _of_labels(options["class_weight"], targets, data)
    return estimator_class


def note_columns(estimator: Any, given: Mapping[str, Any], training: Any, data: Path) -> None:
    """Have the fitted model know by what names its data are read."""
    estimator.model_ = replace(
        estimator.model_,
        columns=kept(_with_id(given, training, data), training.categorical),
        # The one column of a text has its name in `columns`: X is a list of str, without names.
        feature_names=None if "text" in given else training.feature_names,
    )


def as_given(dataset: Any, targets: Targets) -> Any:
    """y as the estimator takes it."""
    return dataset.y if targets.kind in ("steps", "step values") else targets.y


def _with_id(given: Mapping[str, Any], training: Any, data: Path) -> dict[str, Any]:
    """The options, with what a folder's file of labels calls the column of the recordings."""
    names = training.metadata.get("id") if data.is_dir() else None
    if "id" in given or names is None or names == ["id"]:  # as it is called anyway
        return dict(given)
    return {"id": names[0], **given}


def _wanted_kind(kind: str, given: Mapping[str, Any]) -> str:
    """The kind that was asked for, by its name or by what a column was called."""
    roles = {"step_label": "tagger", "target": "regressor", "step_target": "regressor"}
    asked = [name for role, name in roles.items() if role in given]
    return asked[0] if kind == "auto" and asked else kind


def _refuse_strangers(options: dict[str, Any], estimator_class: Any, data: Path) -> None:
    """Raise an error for options of another estimator."""
    for name in options:
        if name not in estimator_class._get_param_names():
            raise UserError(
                f"--{name.replace('_', '-')} is no option of an {estimator_class.__name__}, which "
                f"is what {data} asks for: leave it out, or name another --kind"
            )


def _of_labels(weights: dict[str, float], targets: Targets, data: Path) -> dict[Any, float]:
    """Weights by label, which on the command line is a text."""
    if targets.kind == "labels":
        raise UserError(f"{data}: holds several labels at once; --class-weight is for one")
    from elman.targets.weights import check_listed

    labels = {str(label): label for label in targets.known.tolist()}
    try:
        check_listed(weights, [*labels])
    except ValueError as error:
        raise UserError(f"{data}: {error}") from error
    return {labels.get(label, label): weight for label, weight in weights.items()}
