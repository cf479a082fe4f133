"""What belongs to sequences beside their values, a shard at a time: y, weights and ids.

Texts of y are kept as codes, which are places among the classes of the manifest, -1 for one that is
missing. Numbers are kept as they are; where a whole number or a bool is missing, a second array
says so. Numbers that are missing among floats are NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.budget import Budget
from elman.data.dataset import ReaderError
from elman.data.npz.labels import BadArrayError, flat_labels, stored_texts, take_texts
from elman.data.ragged import split_rows
from elman.data.store.manifest import FIX, MOST_COUNTED, Manifest, StoreError, Target
from elman.data.text import ALWAYS_FIXED, MOST_PADDING
from elman.targets.checks import shown

Array = NDArray[Any]
Load = Callable[[int, str], Array]
"""The array of a shard's part."""

KINDS = {"b": "bool", "i": "int", "u": "int", "f": "float", "U": "text", "M": "date"}


class Absent(NamedTuple):
    """A sequence without y."""

    n_steps: int


# Writing


class TargetWriter:
    """Collects y of the sequences of one shard, and knows what y is in all shards.

    Parameters
    ----------
    per_step : bool or None
        Whether every time step has a label or target; None to go by the first y.
    earlier : Target, optional
        What y is in the shards that are there already.
    """

    def __init__(self, per_step: bool | None, earlier: Target | None = None) -> None:
        self.per_step = per_step
        self.kind: str | None = None
        self.columns: int | None = None
        self._dtype: np.dtype[Any] = np.dtype(bool)
        self._counts: dict[Any, int] | None = {}
        self._n_missing = 0
        self._parts: list[Array | Absent] = []
        if earlier is not None:
            self.per_step, self.kind = earlier.per_step, earlier.kind
            self.columns, self._dtype = earlier.columns, np.dtype(earlier.dtype)
            self._n_missing = earlier.n_missing
            self._counts = None
            if earlier.classes is not None and earlier.counts is not None:
                self._counts = dict(zip(earlier.classes, earlier.counts, strict=True))

    def add(self, y: Any, n_steps: int, place: str) -> None:
        """Take the y of a sequence of `n_steps` steps; None says that it has none.

        Raises
        ------
        TypeError, ValueError
            It is not what the y of the sequences before was; `place` is what errors call it.
        """
        if y is None:
            self._parts.append(Absent(n_steps))
            return
        part, per_step = self._read(y, n_steps, place)
        kind = _kind_of(part)
        if kind is not None:
            self._agree(kind, part, place)
        self.per_step = per_step
        self._parts.append(part)

    def taken(self) -> dict[str, Array]:
        """The arrays of this shard's y, by part; none if every label is missing."""
        parts, self._parts = self._parts, []
        if self.kind is None or all(isinstance(part, Absent) for part in parts):
            return {}
        if self.kind == "text":
            return {"y": self._codes(parts)}
        rows = [self._rows(part) for part in parts]
        values = np.concatenate([values for values, _ in rows])
        missing = np.concatenate([missing for _, missing in rows])
        if self.kind == "float" or not missing.any():
            self._count(values)
            return {"y": values}
        if self.columns is not None:
            raise ValueError(
                f"y is missing for a sequence, where others have {self.columns} whole numbers: "
                "leave the sequence out, or pass floats, NaN where one is missing"
            )
        self._count(values[~missing])
        self._n_missing += int(missing.sum())
        return {"y": values, "y_missing": missing}

    def described(self) -> Target | None:
        """What y is in all shards; None if there is none."""
        if self.kind is None:
            return None
        counts = self._counts if self.kind != "float" else None
        return Target(
            self.kind,
            self._dtype.name,
            bool(self.per_step),
            self.columns,
            self._n_missing,
            None if counts is None else tuple(counts),
            None if counts is None else tuple(counts.values()),
        )

    def _read(self, y: Any, n_steps: int, place: str) -> tuple[Array, bool]:
        """The y of a sequence, a row for each step or one, and whether it is of steps."""
        if isinstance(y, (str, bytes, np.generic)) or np.ndim(y) == 0:
            if self.per_step:
                raise ValueError(
                    f"{place} is {shown(y)}, one for the whole sequence of {n_steps} steps; pass a "
                    "label or target for each step, as for the sequences before it"
                )
            return flat_labels(np.array([y]) if isinstance(y, np.generic) else [y], place), False
        array: Array = y if isinstance(y, np.ndarray) else np.asarray(y)
        per_step = len(array) == n_steps if self.per_step is None else self.per_step
        if per_step:
            if array.ndim > 2 or len(array) != n_steps:
                raise ValueError(
                    f"{place} has shape {array.shape}, and its sequence {n_steps} time steps: pass "
                    "a label or target, or a row of targets, for each step. If these belong to the "
                    "whole sequence, write the store with per_step=False"
                )
            part = flat_labels(y, place) if array.ndim == 1 else array
        else:
            if array.ndim != 1:
                raise ValueError(
                    f"{place} has shape {array.shape}: pass one label, or a row of targets, for "
                    "each sequence. If these belong to time steps, write the store with "
                    "per_step=True"
                )
            part = array[np.newaxis]
        if part.ndim == 2 and (part.dtype.kind not in "fiub" or part.shape[1] == 0):
            raise TypeError(
                f"{place} has dtype {array.dtype} and shape {array.shape}; if there are several "
                "for each sequence or step, they must be numbers"
            )
        return part, per_step

    def _agree(self, kind: str, part: Array, place: str) -> None:
        """Make sure that a y is of the kind of those before it, or widen that."""
        columns = part.shape[1] if part.ndim == 2 else None
        dtype: np.dtype[Any] = np.dtype(np.int32)
        if kind != "text":
            dtype = part.dtype if part.dtype != object else np.dtype({"bool": bool}.get(kind, int))
        if self.kind is None:
            self.kind, self.columns, self._dtype = kind, columns, dtype
            return
        if columns != self.columns:
            raise ValueError(
                f"{place} has {_columns(columns)}, and y had {_columns(self.columns)} before it: "
                "every sequence needs as many"
            )
        if kind != self.kind and {kind, self.kind} != {"int", "float"}:
            raise TypeError(
                f"{place} is {_first(part)} ({kind}), and y was of kind {self.kind} before it: "
                "make all of one kind"
            )
        if kind == "text":
            return
        found = np.result_type(self._dtype, dtype)
        if kind == self.kind == "int" and found.kind == "f":
            raise TypeError(f"{place}: y mixes signed and unsigned integers: make them of one type")
        if kind != self.kind:
            self.kind, found = "float", np.dtype(np.float64)
        self._dtype = found

    def _codes(self, parts: list[Array | Absent]) -> Array:
        """The codes of texts, of which new ones become classes."""
        assert self._counts is not None
        places = {label: i for i, label in enumerate(self._counts)}
        codes: list[int] = []
        for part in parts:
            if isinstance(part, Absent):
                codes += [-1] * self._n_rows(part)
                continue
            for label in part.tolist():
                if label is None:
                    codes.append(-1)
                else:
                    codes.append(places.setdefault(label, len(places)))
        found = np.array(codes, np.int32)
        counts = np.bincount(found[found >= 0], minlength=len(places)).tolist()
        for label, count in zip(places, counts, strict=True):
            self._counts[label] = self._counts.get(label, 0) + count
        self._n_missing += int((found < 0).sum())
        return found

    def _rows(self, part: Array | Absent) -> tuple[Array, NDArray[np.bool_]]:
        """Numbers as they are written, and which of their rows are missing."""
        width = () if self.columns is None else (self.columns,)
        dtype = self._dtype
        if isinstance(part, Absent):
            n_rows = self._n_rows(part)
            values = np.full((n_rows, *width), np.nan if dtype.kind == "f" else 0, dtype)
            return values, np.ones(n_rows, bool)
        if len(part) == 0:
            return np.empty((0, *width), dtype), np.zeros(0, bool)
        if part.dtype != object:
            return part.astype(dtype, copy=False), np.zeros(len(part), bool)
        missing = np.array([label is None for label in part.tolist()], bool)
        filler = np.nan if dtype.kind == "f" else 0
        values = np.array([filler if label is None else label for label in part.tolist()], dtype)
        return values, missing

    def _n_rows(self, part: Absent) -> int:
        return part.n_steps if self.per_step else 1

    def _count(self, values: Array) -> None:
        """Count each number, as long as there are few of them."""
        if self.kind == "float" or self.columns is not None:
            self._counts = None
        if self._counts is None:
            return
        found, counts = np.unique(values, return_counts=True)
        for label, count in zip(found.tolist(), counts.tolist(), strict=True):
            self._counts[label] = self._counts.get(label, 0) + count
        if len(self._counts) > MOST_COUNTED:
            self._counts = None


class WeightWriter:
    """Collects weights of sequences, or of their steps, of one shard."""

    def __init__(self, of: str | None, *, some_before: bool) -> None:
        self.of = of
        self._settled = some_before
        self._parts: list[Array] = []

    def add(self, weight: Any, n_steps: int, place: str) -> None:
        """Take the weight of a sequence, or of its steps, if there are weights."""
        if (weight is None) != (self.of is None) and self._settled:
            had = "none" if self.of is None else "one"
            raise ValueError(f"{place} is {shown(weight)}, and the sequences before it had {had}")
        self._settled = True
        if weight is None:
            return
        array = np.asarray(weight)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{place} is {shown(weight)}; a weight is a number")
        of = "sequence" if array.ndim == 0 else "step"
        if self.of is None:
            self.of = of
        if of != self.of or (of == "step" and array.shape != (n_steps,)):
            raise ValueError(
                f"{place} has shape {array.shape}; pass one for each {self.of}"
                + (f", {n_steps} in all" if self.of == "step" else "")
            )
        values = array.reshape(-1).astype(np.float64)
        if not (np.isfinite(values) & (values >= 0)).all():
            raise ValueError(f"{place} holds a number that is negative, NaN or infinite")
        self._parts.append(values)

    def taken(self) -> dict[str, Array]:
        """The array of this shard's weights, by part."""
        parts, self._parts = self._parts, []
        return {} if self.of is None else {"weights": np.concatenate(parts)}


class IdWriter:
    """Collects the ids of the sequences of one shard."""

    def __init__(self, kind: str | None, *, some_before: bool) -> None:
        self.kind = kind
        self._settled = some_before
        self._ids: list[Any] = []

    def add(self, given: Any, place: str) -> None:
        """Take the id of a sequence, if they have ids."""
        if (given is None) != (self.kind is None) and self._settled:
            had = "none" if self.kind is None else "one"
            raise ValueError(f"{place} is {shown(given)}, and the sequences before it had {had}")
        self._settled = True
        if given is None:
            return
        if isinstance(given, np.datetime64):
            kind: str | None = "date"
        else:
            kind = _kind_of(flat_labels([given], place))
        if kind is None or kind == "bool":
            raise TypeError(f"{place} is {shown(given)}; an id is a text, a number or a date")
        if self.kind is None:
            self.kind = kind
        if kind != self.kind:
            raise TypeError(
                f"{place} is {shown(given)} ({kind}), and ids were of kind {self.kind} before it: "
                "make all of one kind"
            )
        self._ids.append(given)

    def taken(self) -> dict[str, Array]:
        """The arrays of this shard's ids, by part."""
        ids, self._ids = self._ids, []
        if self.kind is None:
            return {}
        return stored_texts("ids", map(str, ids)) if self.kind == "text" else {"ids": np.array(ids)}


def _kind_of(part: Array) -> str | None:
    """The kind of some labels; None if there is none or all are missing."""
    if len(part) == 0:
        return None
    if part.dtype != object:
        return KINDS[part.dtype.kind]
    first = next((label for label in part.tolist() if label is not None), None)
    if first is None:
        return None
    return {str: "text", bool: "bool", np.bool_: "bool"}.get(
        type(first), "text" if isinstance(first, str) else "int"
    )


def _first(part: Array) -> str:
    return shown(next(x for x in part.reshape(-1).tolist() if x is not None))


def _columns(columns: int | None) -> str:
    return "one value" if columns is None else f"{columns} columns"


# Reading


def read_target(
    manifest: Manifest, lengths: NDArray[np.int64], load: Load, where: str
) -> Array | list[Array] | None:
    """All of y, as `Dataset` has it.

    Parameters
    ----------
    manifest : Manifest
    lengths : ndarray of shape (n_sequences,)
    load : callable
    where : str
        What errors call the store.
    """
    target = manifest.target
    if target is None:
        return None
    width = () if target.columns is None else (target.columns,)
    n_rows = manifest.n_steps if target.per_step else manifest.n_sequences
    dtype = np.dtype(target.dtype)
    values = np.empty((n_rows, *width), dtype)
    missing = np.zeros(n_rows, bool)
    start = 0
    for i, shard in enumerate(manifest.shards):
        stop = start + (shard.n_steps if target.per_step else shard.n_sequences)
        rows = slice(start, stop)
        if "y" in shard.parts:
            part = load(i, "y")
            if part.shape != values[rows].shape or not np.can_cast(part.dtype, dtype, "same_kind"):
                raise StoreError(
                    f"{where}: y of shard {i} has shape {part.shape} and type {part.dtype}, where "
                    f"the manifest says {values[rows].shape} and {dtype}; {FIX}"
                )
            values[rows] = part
            if "y_missing" in shard.parts:
                gone = load(i, "y_missing")
                if gone.shape != (stop - start,) or gone.dtype != bool:
                    raise StoreError(f"{where}: y_missing of shard {i} is not of its rows; {FIX}")
                missing[rows] = gone
        else:
            values[rows] = -1 if target.kind == "text" else 0
            missing[rows] = True
        start = stop
    found: Array
    if target.kind == "text":
        assert target.classes is not None
        found = _texts(values, target.classes, where)
    elif target.kind == "float":
        if missing.any():
            values[missing] = np.nan
        found = values
    elif missing.any():
        found = values.astype(object)
        found[missing] = None
    else:
        found = values
    return split_rows(found, lengths) if target.per_step else found


def _texts(codes: Array, classes: tuple[str, ...], where: str) -> Array:
    """The texts that codes stand for: of one width, or objects if one is missing or far longer."""
    if len(codes) and (codes.min() < -1 or codes.max() >= len(classes)):
        raise StoreError(f"{where}: y has codes other than -1 to {len(classes) - 1}; {FIX}")
    widths = np.array([len(text) for text in classes] or [1], np.int64)
    whole = bool((codes >= 0).all()) and not any("\0" in text for text in classes)
    if whole:
        total = int(widths[codes].sum())
        if 4 * len(codes) * int(widths.max()) <= ALWAYS_FIXED + MOST_PADDING * total:
            return np.array(classes, dtype=f"U{max(1, int(widths.max()))}")[codes]
    known = np.empty(len(classes) + 1, dtype=object)
    known[:-1] = classes  # the last is None
    return known[codes]


def read_weights(
    manifest: Manifest, lengths: NDArray[np.int64], load: Load, where: str
) -> Array | list[Array] | None:
    """All weights, as `Dataset` has them."""
    if manifest.weights is None:
        return None
    per_step = manifest.weights == "step"
    parts = []
    for i, shard in enumerate(manifest.shards):
        part = load(i, "weights")
        n_rows = shard.n_steps if per_step else shard.n_sequences
        if part.shape != (n_rows,) or part.dtype.kind != "f":
            raise StoreError(f"{where}: weights of shard {i} are not {n_rows} numbers; {FIX}")
        parts.append(part)
    found = np.concatenate(parts)
    return split_rows(found, lengths) if per_step else found


def read_ids(manifest: Manifest, load: Load, where: str) -> Array | None:
    """All ids, as `Dataset` has them."""
    if manifest.ids is None:
        return None
    parts = []
    for i, shard in enumerate(manifest.shards):
        arrays = {name: load(i, name) for name in shard.parts if name.startswith("ids")}
        size = sum(array.nbytes for array in arrays.values())
        try:
            part = take_texts("ids", arrays, Budget(f"{where}: ids of shard {i}", size, None))
        except (BadArrayError, ReaderError) as error:
            raise StoreError(f"{where}: ids of shard {i} cannot be read ({error})") from error
        kind = "text" if part is not None and part.dtype == object else None
        if part is None or part.shape != (shard.n_sequences,):
            raise StoreError(f"{where}: shard {i} has not an id for each sequence; {FIX}")
        if (kind or KINDS.get(part.dtype.kind)) != manifest.ids:
            raise StoreError(f"{where}: ids of shard {i} are not of kind {manifest.ids}; {FIX}")
        parts.append(part)
    if any(part.dtype == object for part in parts):
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)
