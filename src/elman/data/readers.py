"""A file or a folder of sequences in, `Dataset` out, by the suffix of its name."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from errno import ENOENT
from functools import partial
from pathlib import Path
from typing import Any

from elman.data.arff import read_arff
from elman.data.budget import checked_max_bytes
from elman.data.dataset import Dataset, PathLike, ReaderError
from elman.data.folder import read_folder
from elman.data.npz import read_npz, write_npz
from elman.data.store.manifest import is_store
from elman.data.store.store import read_store
from elman.data.table_files import ROLES, TABLES, read_table
from elman.data.ts import read_ts

__all__ = [
    "READERS",
    "Dataset",
    "ReaderError",
    "read",
    "read_folder",
    "read_npz",
    "read_ts",
    "write_npz",
]

READERS: dict[str, Callable[..., Dataset]] = {
    ".ts": read_ts,
    ".npz": read_npz,
    ".arff": read_arff,  # with id= it is one of `TABLES`
}
"""The readers of files of sequences, by suffix. Their keyword arguments are options of `read`."""

_SHEET = "save the sheet as .csv, or pass pandas.read_excel's table to elman.data.from_table"
_PACKED = "unpack it first"
FIXES = {
    ".json": "JSON lines, an object on each line, are .jsonl (of pandas: "
    "to_json(path, orient='records', lines=True))",
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _SHEET),
    **dict.fromkeys((".gz", ".bz2", ".xz", ".zst", ".zip", ".tar", ".tgz"), _PACKED),
    ".txt": "call it .csv if it is a table whose fields stand between delimiters",
    ".npy": "load it with numpy, and write X and y with elman.data.write_npz",
    **dict.fromkeys((".pkl", ".pickle"), "load it in Python, and pass what it holds to fit"),
    ".safetensors": "a model is loaded by elman.load, and a command takes it before the data",
}
"""What to do with a file of a suffix that this does not read."""

AS_TABLE = ("id", "text")
"""Options by which a file that may be a table is one."""

DEFAULTS = {
    "time_delta": False,
    "decimal": ".",
    "header": True,
    "timestamps": "order",
    "unlabelled": "keep",
}
"""What options of `read` are unless they are given, those that are not None."""


def read(
    path: PathLike,
    *,
    missing: str = "error",
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
    delimiter: str | None = None,
    decimal: str = ".",
    header: bool = True,
    timestamps: str = "order",
    unlabelled: str = "keep",
    max_bytes: int | None = None,
) -> Dataset:
    """Read a file of sequences by its suffix, or a folder with a file for each of them.

    .ts and .npz files are laid out as `read_ts` and `read_npz` say, and say themselves what is
    what. So does an .arff file of the UCR/UEA archive, with a sequence on each line, unless `id` is
    given.

    All others are tables: .csv and .tsv, .jsonl (JSON lines), .parquet, .feather and .arrow (these
    three with the extra, ``pip install "elman[tables]"``), and .arff with `id` or `text`. A table
    has a row for each time step, and then `id` says which sequence it belongs to; or a row for each
    sequence, with a text in the column that `text` names or, where the format has lists, with lists
    in the place of numbers. `elman.data.from_table` describes them, which columns are taken for
    categories, and every argument that names columns.

    A folder has a table for each recording, and the labels of all in one more, or in the names of
    folders within it: ``read("runs", labels="labels.csv")``. `elman.data.read_folder` describes it.

    A folder with a `manifest.json` is a store: X is then a `SequenceStore`, of which no values are
    read, and which estimators take as it is. It says itself what is what.

    In CSV these fields are missing values: an empty one, ``?``, ``NA``, ``N/A``, ``#N/A``,
    ``<NA>``, ``NaN``, ``nan``, ``NAN``, ``-nan``, ``NaT``, ``null`` and ``NULL``. In a feature that
    is text, and in the column of `text`, only an empty field is missing, and these are words.

    Parameters
    ----------
    path : path-like
        The file or folder.
    missing : {"error", "nan"}
        What to do with a missing value among the features: refuse the file, or return NaN. A .npz
        file says NaN itself.
    id, time, text, features, categorical_features, label, step_label, target, step_target, weight,\
    time_delta
        What the columns of a table are, as `elman.data.from_table` takes them.
    labels : path-like, or mapping from ids to labels; optional
        A second table with a row for each sequence, which has the columns of `id`, and of `label`
        or `target`. Its rows of other ids are left out, with a warning.
    delimiter : str of length 1, optional
        What stands between fields of CSV. By default a tab in a .tsv file, a semicolon if the
        decimal mark is a comma, and a comma otherwise.
    decimal : {".", ","}
        The decimal mark in CSV.
    header : bool
        Whether the first line of CSV names the columns; if not, they are called "0", "1", ...
    timestamps : {"order", "feature", "error"}
        What to do with values that have time stamps in a .ts file: hold the order of the steps
        against them, make a feature of them, or refuse the file. `read_ts` says how.
    unlabelled : {"keep", "error"}
        What to do with a recording without a label among others in a .ts file: return None as its
        label, or refuse the file.
    max_bytes : int, optional
        The most memory, in bytes, that what is read may take; by default 100 times the size of the
        file, or 64 MiB if that is more.

    Returns
    -------
    Dataset

    Raises
    ------
    ReaderError
        The suffix is another one, the content is not what the suffix says, or the table does not
        hold what the arguments say, or would take more memory than allowed; the message names file,
        line and fix.
    ImportError
        The file takes pyarrow, which is not installed.
    OSError
        The file cannot be opened.

    Examples
    --------
    >>> from pathlib import Path
    >>> from elman.data import read
    >>> _ = Path("runs.csv").write_text('''run,t,speed,label
    ... a,0,1.5,up
    ... a,1,2.5,up
    ... b,0,0.5,down
    ... ''')
    >>> data = read("runs.csv", id="run", time="t", label="label")
    >>> print(data.X[0].tolist(), data.y)
    [[1.5], [2.5]] ['up' 'down']
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"path is a {type(path).__name__}; expected the path of one file, or of a folder "
            "with a file for each recording"
        )
    if missing not in ("error", "nan"):
        raise ValueError(f"missing={missing!r} is not known; choose 'error' or 'nan'")
    if labels is not None and not isinstance(labels, (str, os.PathLike, Mapping)):
        raise TypeError(
            f"labels is a {type(labels).__name__}; expected the path of a file, or a mapping from "
            "ids to labels. A data frame of labels goes with from_table"
        )
    options = {
        "id": id,
        "time": time,
        "text": text,
        "features": features,
        "categorical_features": categorical_features,
        "label": label,
        "step_label": step_label,
        "target": target,
        "step_target": step_target,
        "weight": weight,
        "time_delta": time_delta,
        "labels": labels,
        "delimiter": delimiter,
        "decimal": decimal,
        "header": header,
        "timestamps": timestamps,
        "unlabelled": unlabelled,
        "max_bytes": checked_max_bytes(max_bytes),
    }
    return read_as_given(path, {"missing": missing} | without_defaults(options))


def without_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `read` that ask for anything: neither None nor what they are by default."""
    return {
        name: value
        for name, value in options.items()
        if value is not None and not (name in DEFAULTS and value == DEFAULTS[name])
    }


def read_as_given(
    path: PathLike,
    given: Mapping[str, Any],
    *,
    may_lack: Collection[str] = (),
    with_labels: bool = True,
) -> Dataset:
    """Read a file or folder with the options of `read` that are given, and no others.

    Parameters
    ----------
    path : path-like
    given : mapping
        Options of `read`; one that the reader of this format does not have is an error, but for
        "missing" and "unlabelled".
    may_lack : collection of str
        The roles, among "id" and "time", whose column a table need not have; and "label" if the
        names of folders within a folder may take its place.
    with_labels : bool
        Whether to look for labels that are not asked for, in files or folders beside recordings.
    """
    reader, known = _reader(path, given, may_lack, with_labels)
    for name in given:
        if name not in known and name not in ("missing", "unlabelled"):
            raise ReaderError(
                f"{os.fspath(path)}: {name}= says nothing about this file; it is for "
                f"{', '.join(_formats_with(name))}"
            )
    dataset = reader(path, **{name: value for name, value in given.items() if name in known})
    if "header" in given:  # then the names of columns are only their numbers
        return replace(dataset, X=list(dataset.X), feature_names=None)
    return dataset


def options_for(path: PathLike, given: Mapping[str, Any]) -> Collection[str]:
    """The options of `read` that say something about a file or folder, if these are given."""
    return _reader(path, given, (), False)[1]


def suffixes() -> list[str]:
    """All suffixes of files that `read` takes."""
    return [*dict.fromkeys([*READERS, *TABLES])]


def _reader(
    path: PathLike, given: Mapping[str, Any], may_lack: Collection[str], with_labels: bool
) -> tuple[Callable[..., Dataset], Collection[str]]:
    """The function that reads a file or folder, and the names of its options."""
    suffix = Path(path).suffix.lower()
    if is_store(path):
        return read_store, _options(read_store)
    if Path(path).is_dir():
        if suffix in TABLES or suffix in READERS:
            raise ReaderError(
                f"{os.fspath(path)}: is a folder, called as if it were a file; a table in parts "
                "has to be joined into one file, and a folder of recordings called otherwise"
            )
        folder = partial(read_folder, with_labels=with_labels, may_lack=may_lack)
        return folder, _options(read_folder)
    if suffix in READERS and not (suffix in TABLES and not given.keys().isdisjoint(AS_TABLE)):
        return READERS[suffix], _options(READERS[suffix])
    if suffix in TABLES:
        return partial(_table, {*may_lack} - {"label"}), _table_options(suffix)
    if not Path(path).exists():
        raise FileNotFoundError(ENOENT, "there is no such file or folder", os.fspath(path))
    seen = f"suffix {suffix!r} is not a format this reads" if suffix else "the name has no suffix"
    fix = f"; {FIXES[suffix]}" if suffix in FIXES else ""
    raise ReaderError(
        f"{os.fspath(path)}: {seen}; choose one of {', '.join(suffixes())}, or a folder of "
        f"recordings{fix}"
    )


def _table(may_lack: Collection[str], path: PathLike, **given: Any) -> Dataset:
    own = _options(TABLES[Path(path).suffix.lower()])
    options = {name: given.pop(name) for name in [*given] if name in own}
    return read_table(path, may_lack=may_lack, options=options, **given)


def _options(reader: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(reader).parameters) - {"path", "choose", "with_labels", "may_lack"}


def _table_options(suffix: str) -> set[str]:
    return _options(TABLES[suffix]) | {*ROLES, "missing", "time_delta", "labels"}


def _formats_with(name: str) -> list[str]:
    """The formats whose readers have an option."""
    tables = {suffix: _table_options(suffix) for suffix in TABLES}
    found = [s for s in suffixes() if name in (_options(READERS[s]) if s in READERS else ())]
    found += [s for s in tables if name in tables[s] and s not in found]
    return [*found, *(["folders"] if name in _options(read_folder) else [])]
