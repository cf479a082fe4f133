"""X with symbols, in whatever holds it, in; its columns over all steps of all samples out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elman.data.containers import is_table, unpacked
from elman.data.frames import LIBRARIES, is_frame_type, type_of_categories
from elman.data.names import Names
from elman.data.nested import holds_sequences, is_pandas
from elman.data.samples import HOW_TO_UNMASK, as_array, how_to_open
from elman.data.sequences import SMALL, is_small
from elman.data.store.stored import Stored
from elman.data.symbols.flat import Flat, a_kind, flat_array, flat_list, is_missing
from elman.data.symbols.frames import flat_frames
from elman.data.symbols.places import Place, in_column, place_of
from elman.targets.checks import shown
from elman.targets.masked import refuse_masked

Array = NDArray[Any]
Form = Literal["characters", "tokens", "steps"]

FORMS = (
    "a list of str (each a sequence of characters), a list of lists of str (each a sequence of "
    "tokens), or a list of tables (each step a row)"
)
CALLED = {
    "characters": "text, a str for each sequence",
    "tokens": "sequences of tokens",
    "steps": "sequences of rows",
}
"""What an error calls each form of X."""


@dataclass(frozen=True, eq=False)
class Raw:
    """X, read but not yet understood."""

    form: Form
    lengths: NDArray[np.int64]
    """(n_samples,)"""
    texts: list[str]
    """the samples, if their steps are characters; else empty"""
    columns: tuple[Flat, ...]
    """each of all steps, if steps are not characters"""
    names: Names | None
    """of the columns"""
    name: str
    """what errors call X"""

    @property
    def n_columns(self) -> int:
        """Columns of a step; 1 for characters."""
        return 1 if self.form == "characters" else len(self.columns)

    def place(self, step: int) -> str:
        """Where a step is that is counted over all samples."""
        return place_of(step, self.lengths, self.name)

    def column(self, j: int) -> str:
        """What errors call a column."""
        return column_called(j, self.names, self.n_columns, self.name)


def column_called(j: int, names: Names | None, n_columns: int, name: str) -> str:
    """What errors call a column of X."""
    if names is not None:
        return f"column {shown(names[j])} of {name}"
    return name if n_columns == 1 else f"column {j} of {name}"


def is_series(X: Any) -> bool:
    """Whether X is a column of some library of data frames."""
    kind = type(X)
    if kind.__module__.partition(".")[0] not in LIBRARIES or is_frame_type(kind):
        return False
    return (
        any(hasattr(X, as_list) for as_list in ("to_pylist", "to_list", "tolist"))
        and not is_table(X)
        and not hasattr(X, "as_py")
    )


def series_list(X: Any) -> list[Any]:
    """The values of a column of some library."""
    for call in ("to_pylist", "to_list", "tolist"):
        if hasattr(X, call):
            return list(getattr(X, call)())
    raise TypeError(f"{type(X).__name__} has no list of its values")


def read_raw(X: Any, name: str = "X") -> Raw:
    """Read X, whose steps are characters, tokens or rows.

    Raises
    ------
    TypeError, ValueError
        X is no list of sequences; names the sample, and what it is.
    """
    if isinstance(X, np.ndarray) and X.ndim in (2, 3):
        return _of_array(X, name)
    if isinstance(X, (list, tuple)) and X and set(map(type, X)) == {str}:
        return _characters(X, name)  # at once, for there may be millions
    samples = samples_of(X, name)
    if isinstance(samples, np.ndarray):  # of a library of tensors
        return _of_array(samples, name)
    names = getattr(samples, "feature_names", None)
    kinds = set(map(type, samples))
    if kinds <= {str, np.str_}:
        return _characters(samples, name)
    for i, sample in enumerate(samples):
        if isinstance(sample, np.ma.MaskedArray):
            refuse_masked(sample, f"{name}: sample {i}", HOW_TO_UNMASK)
    forms = [_form(sample) for sample in samples]
    known = {form for form in forms if form != "empty"}
    if "other" in known or len(known) > 1:
        _refuse_samples(samples, forms, name)
    form = known.pop() if known else "tokens"
    if form == "characters":
        return _characters(samples, name)
    if form == "tokens":
        return _tokens(samples, name, names)
    if form == "frames":
        return _frames(samples, name)
    return _rows(samples, name, names)


def samples_of(X: Any, name: str) -> Any:
    """The samples of X: a list, a tuple, or an array of two or three dimensions.

    Raises
    ------
    TypeError, ValueError
        X is one text, one table, or holds no sequences.
    """
    if isinstance(X, (str, bytes)):
        kind = "str" if isinstance(X, str) else "bytes"
        fix = f"pass [{name}] if it is the only sequence" if kind == "str" else "decode it to a str"
        raise TypeError(
            f"{name} is {shown(X)}, a single {kind}; expected {FORMS}: {fix}{how_to_open(X)}"
        )
    if isinstance(X, Stored):
        if not is_small(X.n_steps * X.n_features):
            raise ValueError(
                f"{name} is a store of {X.n_steps * X.n_features:,} values, and categories are "
                f"numbered in memory, of no more than {SMALL:,} values at a time: pass parts, such "
                f"as {name}[:100], to partial_fit, with categories= listing those of each column, "
                f"and to predict; or pass list({name}) if all of it fits"
            )
        return list(X)
    if is_series(X) and not (is_pandas(X) and holds_sequences(X, None)):
        return series_list(X)
    found = X if isinstance(X, np.ndarray) else unpacked(X, name)
    if isinstance(found, np.ndarray) and found.ndim == 1:
        if found.dtype.kind not in "OUT":
            fix = "decode each to a str" if found.dtype.kind == "S" else f"pass {FORMS}"
            raise TypeError(f"{name} is a 1-D array of {found.dtype}, not of sequences: {fix}")
        return list(found.tolist())
    if isinstance(found, np.ndarray) and found.ndim in (2, 3):
        return found
    if isinstance(found, (list, tuple)):
        return found
    if is_frame_type(type(found)):
        raise TypeError(
            f"{name} is a single {type(found).__name__}: pass one of its columns, "
            f'{name}["text"], if each of its values is a sequence of characters, or '
            f"{name}.to_numpy() if each row is a sequence of tokens; if it is a long table, a row "
            "for each time step, elman.data.from_table makes sequences of it"
        )
    raise TypeError(f"{name} is {shown(found)}, {a_kind(found)}; expected {FORMS}")


def _form(sample: Any) -> str:
    """What the steps of a sample are."""
    if isinstance(sample, str):
        return "characters"
    if is_frame_type(type(sample)):
        return "frames"
    if isinstance(sample, np.ndarray):
        if sample.ndim == 2:
            return "rows"
        if sample.ndim != 1:
            return "other"
        if sample.dtype.kind != "O":
            return "tokens" if sample.dtype.kind in "UTiufb" else "other"
    elif is_series(sample):
        return "tokens"
    elif not isinstance(sample, (list, tuple)):
        return "other"
    if len(sample) == 0:
        return "empty"
    return "rows" if isinstance(sample[0], (list, tuple, np.ndarray)) else "tokens"


def _refuse_samples(samples: Sequence[Any], forms: list[str], name: str) -> None:
    first = next((i for i, form in enumerate(forms) if form not in ("empty", "other")), None)
    i = next(
        i
        for i, form in enumerate(forms)
        if form == "other" or (first is not None and form not in ("empty", forms[first]))
    )
    sample, form = samples[i], forms[i]
    seen = f"{name}: sample {i} is {shown(sample)}, {a_kind(sample)}"
    if is_missing(sample):
        raise TypeError(
            f"{seen}: a whole sequence cannot be missing; leave the sample out, or pass an empty "
            "one"
        )
    if isinstance(sample, bytes):
        raise TypeError(f"{seen}: decode it to a str")
    if isinstance(sample, np.ndarray) and form == "other":
        raise TypeError(
            f"{name}: sample {i} is an array of {sample.ndim} dimension(s) and type "
            f"{sample.dtype}; expected {FORMS}"
        )
    if isinstance(sample, Mapping):
        raise TypeError(f"{seen}: pass a data frame, or a list of tuples")
    if first is None or form == "other":
        raise TypeError(f"{seen}; expected {FORMS}")
    raise TypeError(
        f"{seen}, but sample {first} is {shown(samples[first])}, a "
        f"{type(samples[first]).__name__}: pass every sample in the same form, {FORMS}"
    )


def _lengths(samples: Sequence[Any]) -> NDArray[np.int64]:
    return np.fromiter(map(len, samples), np.int64, len(samples))


def _place(lengths: NDArray[np.int64], name: str) -> Place:
    return lambda step: place_of(step, lengths, name)


def _characters(samples: Sequence[Any], name: str) -> Raw:
    for i, sample in enumerate(samples if {*map(type, samples)} != {str} else ()):
        if not isinstance(sample, str):  # an empty list beside texts
            raise TypeError(
                f"{name}: sample {i} is {shown(sample)}, {a_kind(sample)}, beside "
                'samples that are str: pass "" for an empty text'
            )
    return Raw("characters", _lengths(samples), list(samples), (), None, name)


def _tokens(samples: Sequence[Any], name: str, names: Names | None) -> Raw:
    lengths = _lengths(samples)
    place = _place(lengths, name)
    categorical = any(
        type_of_categories(sample) is not None
        for sample in samples
        if not isinstance(sample, (list, tuple, np.ndarray))
    )
    arrays = [sample for sample in samples if len(sample)]
    kinds = {a.dtype.kind if isinstance(a, np.ndarray) else "O" for a in arrays}
    if kinds and (kinds <= set("iuf") or kinds == {"b"}):
        flat = flat_array(np.concatenate(arrays), place)
    else:
        lists = [
            sample
            if isinstance(sample, (list, tuple))
            else sample.tolist()
            if isinstance(sample, np.ndarray)
            else series_list(sample)
            for sample in samples
        ]
        flat = flat_list(list(chain.from_iterable(lists)), place)
    if names is not None and len(names) != 1:
        names = None
    return Raw("tokens", lengths, [], (flat._replace(categorical=categorical),), names, name)


def _of_array(X: Array, name: str) -> Raw:
    """An array (n_samples, n_timesteps), or (n_samples, n_timesteps, n_columns)."""
    X = as_array(X, name)
    lengths = np.full(len(X), X.shape[1], np.int64)
    place = _place(lengths, name)
    if X.ndim == 2:
        return Raw("tokens", lengths, [], (flat_array(X.reshape(-1), place),), None, name)
    table = X.reshape(-1, X.shape[2])
    columns = _columns_of(table, place)
    return Raw("steps", lengths, [], columns, None, name)


def _frames(samples: Sequence[Any], name: str) -> Raw:
    for i, sample in enumerate(samples):
        if not is_frame_type(type(sample)):
            raise TypeError(
                f"{name}: sample {i} is {shown(sample)}, {a_kind(sample)}, beside "
                "samples that are data frames: pass an empty frame with the same columns"
            )
    lengths, columns, names = flat_frames(samples, name)
    return Raw("steps", lengths, [], columns, names, name)


def _rows(samples: Sequence[Any], name: str, names: Names | None) -> Raw:
    """Samples that are 2-D arrays, or lists of rows."""
    lengths = _lengths(samples)
    place = _place(lengths, name)
    parts = [sample for sample in samples if len(sample)]
    if all(isinstance(part, np.ndarray) and part.ndim == 2 for part in samples):
        widths = [part.shape[1] for part in samples]
        for i, width in enumerate(widths):
            if width != widths[0]:
                raise ValueError(
                    f"{name}: sample {i} has {width} column(s), but sample 0 has {widths[0]}: "
                    "every sample needs the same columns in the same order"
                )
        table = np.concatenate([part.astype(object) for part in parts]) if _unlike(parts) else None
        if table is None:
            table = np.concatenate(parts) if parts else np.empty((0, widths[0]))
        columns = _columns_of(table, place)
    else:
        rows = list(chain.from_iterable(samples))
        for i, row in enumerate(rows):
            if not isinstance(row, (list, tuple, np.ndarray)):
                raise TypeError(
                    f"{place(i)} is {shown(row)}, {a_kind(row)}, but other steps are "
                    "rows: every step has a value for each column"
                )
            if len(row) != len(rows[0]):
                raise ValueError(
                    f"{place(i)} has {len(row)} value(s), but {place(0)} has {len(rows[0])}: "
                    "every step needs a value for each column; pass None for one that is missing"
                )
        columns = tuple(
            flat_list(list(column), in_column(place, j))
            for j, column in enumerate(zip(*rows, strict=True))
        )
    if names is not None and len(names) != len(columns):
        raise ValueError(f"{name} has {len(names)} feature names for {len(columns)} columns")
    known = getattr(samples, "categorical", ())  # of `NamedSequences`: those that a table called so
    if known and names is not None:
        columns = tuple(
            flat._replace(categorical=True) if each in known else flat
            for each, flat in zip(names, columns, strict=True)
        )
    return Raw("steps", lengths, [], columns, None if names is None else tuple(names), name)


def _columns_of(table: Array, place: Place) -> tuple[Flat, ...]:
    return tuple(flat_array(table[:, j], in_column(place, j)) for j in range(table.shape[1]))


def _unlike(parts: list[Array]) -> bool:
    """Whether arrays are of types that NumPy would turn into each other."""
    return len({part.dtype.kind for part in parts} - {"i", "u", "f"}) > 0 and (
        len({part.dtype.kind for part in parts}) > 1
    )
