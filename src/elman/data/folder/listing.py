"""A folder in; its recordings, by id, and the file of their labels, if there is one, out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from elman.data.dataset import ReaderError, listed
from elman.data.table_files import TABLES

RECORDINGS = tuple(suffix for suffix in TABLES if suffix != ".arff")
"""The suffixes of files that may be recordings."""

_NOT_DATA = re.compile(
    r"(readme|license|licence|changelog)(\.\w+)?|thumbs\.db|desktop\.ini", re.IGNORECASE
)


def recordings(folder: Path, labels: Path | None) -> dict[str, str]:
    """The recordings of a folder: their paths within it, by id, in natural order.

    Parameters
    ----------
    folder : Path
    labels : Path or None
        A file that is no recording.

    Raises
    ------
    ReaderError
        There is none, a file that is none, or two have one id.
    """
    found: dict[str, str] = {}
    every = sorted(_files(folder), key=natural)
    names = [n for n in every if labels is None or not (folder / n).samefile(labels)]
    for name in names:
        path = PurePosixPath(name)
        if path.suffix.lower() not in RECORDINGS:
            kind = f"suffix {path.suffix!r}" if path.suffix else "no suffix"
            raise ReaderError(
                f"{folder / name}: has {kind}, and is no recording that this reads "
                f"({', '.join(RECORDINGS)}): move it out of the folder"
            )
        id = str(path.with_suffix(""))
        if id in found:
            raise ReaderError(
                f"{folder / name}: {found[id]} has the same name without suffix, by which "
                "recordings are called; rename one"
            )
        found[id] = name
    if not found:
        raise ReaderError(
            f"{folder}: is a folder without a recording ({', '.join(RECORDINGS)}); "
            + (f"it holds {listed(_shown(folder))}" if _shown(folder) else "it is empty")
        )
    return found


def labels_within(folder: Path) -> Path | None:
    """The file called labels, with the suffix of a table, in a folder; None if there is none."""
    found = [
        entry
        for entry in sorted(folder.iterdir())
        if entry.stem.lower() == "labels" and entry.suffix.lower() in TABLES and entry.is_file()
    ]
    if len(found) > 1:
        raise ReaderError(
            f"{folder}: has {listed(entry.name for entry in found)}; say which holds the labels "
            "with labels="
        )
    return found[0] if found else None


def natural(name: str) -> list[tuple[int, int, str]]:
    """What to sort a path by, so that numbers in it count as numbers: rec2 is before rec10."""
    parts = re.split(r"([0-9]+)", name.replace("/", "\0"))
    return [(0, int(p), p) if p.isdecimal() else (1, 0, p) for p in parts]


def called(paths: dict[str, str]) -> dict[str, str | None]:
    """The id of each name that a recording may be called by; None where several may.

    A recording is called by its path within the folder or the name of its file, either with or
    without suffix.
    """
    found: dict[str, str | None] = {}
    for id, path in paths.items():
        for name in {PurePosixPath(path).name, PurePosixPath(id).name}:
            found[name] = None if name in found else id
    return found | {path: id for id, path in paths.items()} | {id: id for id in paths}


def _files(folder: Path) -> Iterator[str]:
    """Paths within a folder, with slashes, of what may be data."""
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        for name in files:
            if not name.startswith((".", "~$")) and not _NOT_DATA.fullmatch(name):
                yield (Path(root) / name).relative_to(folder).as_posix()


def _shown(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())
