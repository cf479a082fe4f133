"""A table as columns in; its sequences with labels, ids and names out, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elman.data.columns import Columns
from elman.data.dataset import Dataset, ReaderError, cut, listed
from elman.data.named import NamedSequences
from elman.data.tables.categories import refuse_answer
from elman.data.tables.features import feature_block, feature_columns, list_columns
from elman.data.tables.plain import object_array
from elman.data.tables.roles import Roles, check_known, roles_of
from elman.data.tables.steps import Grouped, a_text_each, long_table, one_row_each
from elman.data.tables.targets import labels_table, weights_of, y_of


def dataset_of(
    columns: Columns,
    *,
    id: Any = None,
    time: Any = None,
    features: Any = None,
    label: Any = None,
    step_label: Any = None,
    target: Any = None,
    step_target: Any = None,
    weight: Any = None,
    time_delta: bool = False,
    labels: Columns | Mapping[Any, Any] | None = None,
    text: Any = None,
    categorical_features: Any = None,
    release: bool = False,
    is_part: bool = False,
    numbers_only: bool = False,
) -> Dataset:
    """Sequences of the columns of a table.

    Every reader of tables calls this, so that all tables are read by the same rules.

    Parameters
    ----------
    columns : Columns
        The table. Its `place` and `source` say in errors where something is.
    id, time, features, label, step_label, target, step_target, weight, time_delta
        As `elman.data.from_table` takes them.
    labels : Columns or mapping, optional
        A second table, with the id columns and one row for each sequence; or a mapping from ids to
        labels, or to targets if `target` is given.
    release : bool
        Whether columns of lists are removed from `columns` once they have been joined, so that they
        are not in memory beside the sequences.
    text, categorical_features
        As `elman.data.from_table` takes them.
    is_part : bool
        Whether the table is a part of a larger one, so that labels of steps may all be missing.
    numbers_only : bool
        Whether categories are refused, because the features go where only numbers are kept.

    Returns
    -------
    Dataset

    Raises
    ------
    ReaderError
        The table does not hold what the arguments say; the message names the place and the fix.
    TypeError
        An argument is of the wrong type.
    """
    roles = roles_of(
        id=id,
        time=time,
        features=features,
        label=_label_of(labels, id, label, target),
        step_label=step_label,
        target=target,
        step_target=step_target,
        weight=weight,
        time_delta=time_delta,
        text=text,
        categorical_features=categorical_features,
    )
    _check_columns(columns, roles, labels)
    if columns.n_rows == 0:
        raise ReaderError(f"{columns.source} has no rows, and so no sequences")
    if roles.text is not None:
        return _of_texts(columns, roles, labels, is_part)
    lists = list_columns(columns, roles)
    table = one_row_each(columns, roles, lists) if lists else long_table(columns, roles)
    if release:
        for column in lists:
            del columns.columns[column]
    second = None if labels is None else labels_table(labels, table, roles)
    block, names, categorical = feature_block(table, roles, numbers_only=numbers_only)
    groups = table.steps.groups
    metadata: dict[str, Any] = {}
    if roles.id:
        metadata["id"] = list(roles.id)
    if roles.time is not None:
        metadata["time"] = roles.time
        metadata["times"] = groups.split(groups.steps(table.steps.columns.columns[roles.time]))
    ids = _ids(table.whole)
    y = y_of(table, roles, second, is_part=is_part)
    for name in categorical:
        if name not in roles.categorical:
            refuse_answer(table, name, roles, y)
    return Dataset(
        NamedSequences(groups.parts(block), names, ids, categorical),
        y,
        metadata,
        ids=ids,
        feature_names=tuple(names),
        sample_weight=weights_of(table, roles, second),
        categorical=tuple(categorical),
    )


def _of_texts(
    columns: Columns, roles: Roles, labels: Columns | Mapping[Any, Any] | None, is_part: bool
) -> Dataset:
    """Sequences that are texts, of which a row of the table holds one."""
    table, texts = a_text_each(columns, roles)
    second = None if labels is None else labels_table(labels, table, roles)
    return Dataset(
        texts,
        y_of(table, roles, second, is_part=is_part),
        {"id": list(roles.id)} if roles.id else {},
        ids=_ids(table.whole),
        feature_names=(str(roles.text),),
        sample_weight=weights_of(table, roles, second),
    )


def _ids(whole: Grouped) -> Any:
    """(n_sequences,): the ids, or tuples of them if several columns make one."""
    if not whole.names:
        return None
    if len(whole.names) == 1:
        return whole.names[0]
    parts = [names.tolist() if names.dtype.kind != "M" else [*names] for names in whole.names]
    return object_array(list(zip(*parts, strict=True)))


def _label_of(labels: Columns | Mapping[Any, Any] | None, id: Any, label: Any, target: Any) -> Any:
    """The label, or the one column of a second table of labels that can be meant."""
    if labels is None or label is not None or target is not None:
        return label
    if isinstance(labels, Mapping):
        return "label"
    ids = {str(name) for name in ([id] if isinstance(id, (str, int)) else id or [])}
    others = [name for name in labels.columns if name not in ids]
    if len(others) == 1:
        return others[0]
    raise ReaderError(
        f"{labels.source} has {len(others)} columns beside the id, {listed(others)}: name the one "
        "to learn as label= or target="
    )


def _check_columns(
    columns: Columns, roles: Roles, labels: Columns | Mapping[Any, Any] | None
) -> None:
    """Every column that plays a role is there, in the one table that it can be in."""
    for name, role in roles.played().items():
        if labels is None or role not in ("label", "target", "weight"):
            check_known(columns, name, role)
        elif role == "weight":
            if isinstance(labels, Mapping) or name not in labels.columns:
                check_known(columns, name, role)
        elif isinstance(labels, Mapping):
            if len(roles.target) > 1:
                raise ReaderError(
                    "labels= is a mapping, which has one value for each id, and target= names "
                    f"{len(roles.target)} columns: pass a table"
                )
        else:
            check_known(labels, name, role)
            if name in columns.columns:
                raise ReaderError(
                    f"column {cut(name)} is in {columns.source} and in {labels.source}: leave it "
                    "out of one of them"
                )
    for name in roles.categorical:
        check_known(columns, name, "categorical_features")
    for name in feature_columns(columns, roles):
        if name == f"{roles.time}_delta" and name not in columns.columns:
            raise ReaderError(
                f"features= lists {cut(name)}, the time since the step before: pass time_delta=True"
            )
        check_known(columns, name, "features")
