"""Which column of a table is what, as the caller says it; the same, checked, out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from elman.data.columns import Columns
from elman.data.dataset import ReaderError, cut, listed

NOT_FEATURES = ("id", "text", "label", "step_label", "target", "weight")
"""Roles whose columns cannot be features as well: they tell the network the answer, or nothing that
it could use for a new sequence."""

OF_Y = ("label", "step_label", "target", "step_target")
"""Roles of which a table plays one: what is to be learned."""


@dataclass(frozen=True)
class Roles:
    """The columns that play each role, by name."""

    id: tuple[str, ...]
    time: str | None
    features: tuple[str, ...] | None
    """None for all columns that play no other role"""
    label: str | None
    step_label: str | None
    target: tuple[str, ...]
    step_target: tuple[str, ...]
    weight: str | None
    delta: str | None
    """the feature made of the time since the step before, if there is to be one"""
    many: frozenset[str]
    """the roles that were given as a list of names, so that their values have an axis for it"""
    text: str | None = None
    """the column with a text for each sequence, the characters of which are its time steps"""
    categorical: tuple[str, ...] = ()
    """features that are categories whatever they hold"""

    def played(self) -> dict[str, str]:
        """Each column that plays a role other than that of a feature, with the role."""
        found: dict[str, str] = {}
        for role in ("id", "time", "text", *OF_Y, "weight"):
            names = getattr(self, role)
            for name in (names,) if isinstance(names, str) else names or ():
                if name in found:
                    raise ReaderError(
                        f"column {cut(name)} is given twice, as {found[name]}= and as {role}=: a "
                        "column plays one role"
                    )
                found[name] = role
        return found


def roles_of(
    *,
    id: Any,
    time: Any,
    features: Any,
    label: Any,
    step_label: Any,
    target: Any,
    step_target: Any,
    weight: Any,
    time_delta: bool,
    text: Any = None,
    categorical_features: Any = None,
) -> Roles:
    """The arguments of `dataset_of` as `Roles`, if they agree with each other."""
    time_name = _one(time, "time")
    if time_delta and time_name is None:
        raise ReaderError("time_delta=True needs time=, the column that the differences are of")
    roles = Roles(
        id=_several(id, "id"),
        time=time_name,
        features=None if features is None else _features(features),
        label=_one(label, "label"),
        step_label=_one(step_label, "step_label"),
        target=_several(target, "target"),
        step_target=_several(step_target, "step_target"),
        weight=_one(weight, "weight"),
        delta=f"{time_name}_delta" if time_delta else None,
        many=frozenset(
            role
            for role, names in (("id", id), ("target", target), ("step_target", step_target))
            if names is not None and not isinstance(names, (str, int))
        ),
        text=_one(text, "text"),
        categorical=_categorical(categorical_features, features),
    )
    if roles.text is not None:
        _refuse_beside_text(roles)
    of_y = [role for role in OF_Y if getattr(roles, role)]
    if len(of_y) > 1:
        raise ReaderError(
            f"{' and '.join(f'{role}=' for role in of_y)} are both given: a data set has one y, "
            "so call once for each"
        )
    played = roles.played()
    for name in roles.categorical:
        if name in played:
            raise ReaderError(
                f"column {cut(name)} is in categorical_features= and is {played[name]}= as well: "
                "only features are categories, so leave it out of one of them"
            )
        if roles.features is not None and name not in roles.features:
            raise ReaderError(
                f"column {cut(name)} is in categorical_features= and not in features=: add it to "
                "the features, or leave it out"
            )
    for name in roles.features or ():
        if played.get(name) in NOT_FEATURES:
            raise ReaderError(
                f"column {cut(name)} is in features= and is {played[name]}= as well: leave it out "
                "of the features"
            )
    return roles


def _refuse_beside_text(roles: Roles) -> None:
    """Raise ReaderError for what makes no sense where a text is the whole sequence."""
    for role, given in (
        ("features", roles.features is not None),
        ("categorical_features", bool(roles.categorical)),
        ("time", roles.time is not None),
    ):
        if given:
            raise ReaderError(
                f"{role}= is given beside text={cut(str(roles.text))}, whose characters are the "
                "time steps of a sequence and all that they have: leave one of them out"
            )


class NoColumnError(ReaderError):
    """A table without a column that was asked for: what it calls itself, and its columns."""

    def __init__(self, message: str, role: str, name: str, source: str, there: list[str]) -> None:
        super().__init__(message)
        self.role = role
        self.name = name
        self.source = source
        self.there = there


def check_known(columns: Columns, name: str, role: str) -> None:
    """Raise NoColumnError if the table has no such column."""
    if name in columns.columns:
        return
    close = difflib.get_close_matches(name, columns.columns, 1)
    hint = f"; did you mean {cut(close[0])}?" if close else "."
    message = (
        f"{columns.source} has no column {cut(name)}, which {role}= names{hint} Its columns are "
        f"{listed(columns.columns)}"
    )
    raise NoColumnError(message, role, name, columns.source, [*columns.columns])


def _one(name: Any, role: str) -> str | None:
    if name is None or isinstance(name, str):
        return name
    if isinstance(name, int) and not isinstance(name, bool):
        return str(name)
    raise _wrong_name(name, role, "the name of a column")


def names_of(names: Any) -> list[Any]:
    """One name, or several, or none, as a list."""
    if names is None:
        return []
    return [names] if isinstance(names, (str, int)) or not isinstance(names, Iterable) else [*names]


def _several(names: Any, role: str) -> tuple[str, ...]:
    if names is None:
        return ()
    if isinstance(names, (str, int)):
        names = [names]
    if not isinstance(names, Iterable):
        raise _wrong_name(names, role, "the name of a column, or a list of names")
    found = [_one(name, role) for name in names]
    if not found:
        raise ReaderError(f"{role}= is an empty list: name a column, or leave it out")
    for name in found:
        if name is None:
            raise _wrong_name(name, role, "a list of names of columns")
        if found.count(name) > 1:
            raise ReaderError(f"{role}= names column {cut(name)} twice")
    return tuple(name for name in found if name is not None)


def _features(features: Any) -> tuple[str, ...]:
    """Names, or those that a fitted estimator or a model was trained with."""
    if hasattr(features, "fit") or hasattr(features, "predict"):
        names = getattr(features, "feature_names_in_", None)
        if names is None:
            names = getattr(features, "feature_names", None)  # of a trained model
        if names is None:
            raise ReaderError(
                f"features= is a {type(features).__name__} without names of features: it was "
                "fitted without any, or not at all; pass the names in the order of its training "
                "data"
            )
        return tuple(str(name) for name in names)
    return _several(features, "features")


def categories_of_trained(features: Any) -> dict[str, str]:
    """The categorical columns of a fitted estimator or a model, and what each holds.

    That is "text", or "category" for integers and bools. Of anything else, and where columns have
    no names, nothing.
    """
    model = getattr(features, "model_", features)
    symbols = getattr(features, "symbols_", None) or getattr(model, "symbols", None)
    names = getattr(symbols, "feature_names", None)
    if symbols is None or names is None:
        return {}
    return {
        str(names[j]): "text" if vocabulary.kind == "text" else "category"
        for j, vocabulary in zip(symbols.categorical, symbols.vocabularies, strict=True)
    }


def _categorical(names: Any, features: Any) -> tuple[str, ...]:
    """Names of features that are categories; by default those of a fitted estimator or model."""
    if names is None:
        return tuple(categories_of_trained(features))
    if isinstance(names, (list, tuple)) and not names:
        return ()
    return _several(names, "categorical_features")


def _wrong_name(name: Any, role: str, wanted: str) -> TypeError:
    return TypeError(f"{role}={name!r} is a {type(name).__name__}; expected {wanted}")
