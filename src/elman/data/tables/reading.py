"""A table of any library in; its sequences out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elman.data.columns import Columns
from elman.data.dataset import Dataset, ReaderError
from elman.data.tables.assembly import dataset_of
from elman.data.tables.frames import columns_of, levels, library_of
from elman.data.tables.roles import names_of


def from_table(
    table: Any,
    *,
    id: Any = None,
    time: str | None = None,
    text: str | None = None,
    features: Any = None,
    categorical_features: Any = None,
    label: str | None = None,
    step_label: str | None = None,
    target: Any = None,
    step_target: Any = None,
    weight: str | None = None,
    time_delta: bool = False,
    labels: Any = None,
) -> Dataset:
    """Sequences of a table: what `fit` and `predict` take, with ids, labels and names.

    A table is one of

    - a long one, with a row for each time step; `id` says which sequence a row belongs to. The rows
      may be in any order. Sequences come in the order in which their ids first appear, and the
      steps of each in the order of `time`, or of the rows without it.
    - one with a row for each sequence, whose features are columns of lists or arrays, of one length
      in each row: of numbers, or of words and other categories.
    - one with a row for each sequence that is a text, whose characters are the time steps: `text`
      names its column.

    Features are numbers, or categories. Categories are columns of text, of a categorical type or an
    enumeration, and those that `categorical_features` names. A column of text is refused if it is
    likely there by mistake: its values are numbers, dates or times of the day; or more than half of
    them differ from each other, as those of comments, names and hashes do (of at least 20 rows; of
    at least 20 sequences if it does not change within any of them); or they go together one to one
    with the labels of at least 20 sequences or steps, so that it says the answer. In
    `categorical_features` every column of text may be named.

    Parameters
    ----------
    table : data frame or dict of columns
        Of pandas, polars (a LazyFrame is collected), pyarrow, or of another library that narwhals
        knows. The index of a pandas frame is ignored, so that an id in it needs `reset_index()`; a
        MultiIndex alone is read: its levels are columns, by name or position, and without `id` and
        `time` the last level is the time and those before it are the id.
    id : str or list of str
        The column, or columns, that say which sequence a row belongs to. Values of any type: each
        is a sequence of its own, and none may be missing. It may be left out for a table with a row
        for each sequence.
    time : str, optional
        The column that steps are sorted by: numbers, dates, date-times (those with a time zone are
        compared in UTC), or text of ISO 8601. It is no feature. A sequence that has one time twice
        is an error.
    text : str, optional
        The column with a text for each sequence, which is a row. All columns that are nothing else
        are left out. Labels of its characters (`step_label`) are lists, or texts of equal length.
    features : list of str, or a fitted estimator or model; optional
        The columns that are features, in their order: numbers, booleans as 0 and 1, or categories;
        null, NA and NaN are missing values (NaN, or None among categories), which an estimator
        takes with `missing="mask"` or "skip". By default, all columns that are nothing else. To
        predict, pass what was trained: its names are taken in its order, and other columns do not
        matter.
    categorical_features : list of str, optional
        Features that are categories whatever they hold: text, integers (which remain integers), or
        booleans.
    label : str, optional
        The class of each sequence: text, integers or booleans. In every row of the sequence, or in
        some of its rows and missing in the others.
    step_label : str, optional
        The class of each time step, for `RNNTagger`; a missing one is a step without a label.
    target : str or list of str, optional
        Numbers to predict of each sequence, given as labels are.
    step_target : str or list of str, optional
        Numbers to predict at each time step; NaN where they are not known.
    weight : str, optional
        Weights: one for each sequence, given as labels are; with `step_label` or `step_target` they
        may differ from step to step.
    time_delta : bool
        Whether the time since the step before becomes a feature, the last one, called
        "<time>_delta": in seconds if times are dates, and 0 at the first step.
    labels : data frame, mapping, or pandas Series; optional
        A second table with one row for each sequence, which has the columns of `id`, and of `label`
        or `target` (and `weight`, if the first table lacks it); or labels by id, in a dict or in a
        Series whose index is the id.

    Returns
    -------
    Dataset
        `X` is a list of (n_timesteps_i, n_features) arrays that knows the names of its columns:
        float32 if that holds every value of the columns' types, else float64. If some features are
        categories, the arrays are of objects: categories as they are in these columns, and floats
        in the others. With `text` it is a list of str. `y` is an array of
        (n_sequences,) or (n_sequences, n_targets), or a list of an array for each sequence. `ids`
        has the id of each, or tuples of several; `sample_weight` is as `fit` takes it; `metadata`
        has the names of the id's columns and, with `time`, the times of each sequence.

    Raises
    ------
    ReaderError
        A ValueError: a column does not exist, or holds what its role cannot be; ids or times are
        missing; two rows have one id and time; a label changes within a sequence or is missing for
        it. The message names column, id and rows, which count from 0.
    TypeError
        `table` is no table, or an argument no name.

    Examples
    --------
    >>> from elman.data import from_table
    >>> table = {
    ...     "run": ["b", "b", "a", "b", "a"],
    ...     "second": [2, 1, 1, 3, 2],
    ...     "speed": [1.5, 1.0, 7.0, 2.0, 8.0],
    ...     "state": ["slow", "slow", "fast", "slow", "fast"],
    ... }
    >>> data = from_table(table, id="run", time="second", label="state")
    >>> data
    Dataset(2 sequences, 1 feature speed, 2-3 steps, 2 classes)
    >>> data.X[0].ravel(), data.ids
    (array([1. , 1.5, 2. ]), array(['b', 'a'], dtype=object))

    Categories beside numbers, and texts:

    >>> table["key"] = ["up", "down", "up", "up", "up"]
    >>> data = from_table(table, id="run", time="second", label="state")
    >>> data
    Dataset(2 sequences, 2 features speed key, 1 categorical, 2-3 steps, 2 classes)
    >>> data.X[0].tolist()
    [[1.0, 'down'], [1.5, 'up'], [2.0, 'up']]
    >>> names = {"name": ["Nagy", "Novak"], "language": ["hu", "cs"]}
    >>> data = from_table(names, text="name", label="language")
    >>> data.X, data.y.tolist()
    (['Nagy', 'Novak'], ['hu', 'cs'])
    """
    columns = columns_of(table)
    known = levels(table)
    if known and id is None and time is None:
        id, time = known[:-1], known[-1]
    id, time = _named(id, known, columns), _named(time, known, columns)
    refuse_index(table, columns, [*names_of(id), *names_of(time)])
    data = dataset_of(
        columns,
        id=id,
        time=time,
        text=text,
        features=features,
        categorical_features=categorical_features,
        label=label,
        step_label=step_label,
        target=target,
        step_target=step_target,
        weight=weight,
        time_delta=time_delta,
        labels=None if labels is None else second_table(labels, id, label, target),
    )
    library = library_of(table)
    if library is not None:
        data.metadata["library"] = library  # for to_table
    return data


def _named(role: Any, known: list[str], columns: Columns) -> Any:
    """Positions of levels of a MultiIndex as their names."""
    if isinstance(role, (list, tuple)):
        return [_named(one, known, columns) for one in role]
    is_position = isinstance(role, int) and not isinstance(role, bool) and 0 <= role < len(known)
    return known[role] if is_position and str(role) not in columns.columns else role


def refuse_index(table: Any, columns: Columns, names: list[Any]) -> None:
    """Raise ReaderError if a column that is asked for is the index of a pandas frame."""
    index: Any = getattr(table, "index", None)
    if getattr(index, "nlevels", 0) != 1 or index.name is None:
        return
    if index.name in names and str(index.name) not in columns.columns:
        raise ReaderError(
            f"{index.name!r} is the index of {columns.source}, which is not read: reset_index() "
            "makes a column of it"
        )


def second_table(labels: Any, id: Any, label: Any, target: Any) -> Columns | Mapping[Any, Any]:
    """`labels` as columns, or a mapping whose values are labels."""
    names = [str(name) for name in names_of(id)]
    if isinstance(labels, Mapping):
        is_table = names and all(name in labels for name in names)
        if not is_table or not all(
            hasattr(v, "__len__") and not isinstance(v, str) for v in labels.values()
        ):
            return labels
    if hasattr(labels, "index") and getattr(labels, "ndim", 0) == 1:  # a Series of pandas
        name = label or (target if isinstance(target, str) else None) or "label"
        if len(names) != labels.index.nlevels:
            raise ReaderError(
                f"labels= has an index of {labels.index.nlevels} level(s), and id= names "
                f"{len(names)} column(s): they have to be the same"
            )
        frame = labels.index.to_frame(index=False, name=names if len(names) > 1 else names[0])
        labels = {**{key: frame[key] for key in names}, str(name): labels.reset_index(drop=True)}
    columns = columns_of(labels, name="labels", source="the table of labels")
    refuse_index(labels, columns, names)
    return columns
