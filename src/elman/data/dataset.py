"""What a reader gives back, and the error it raises instead."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from numpy.typing import NDArray

Array = NDArray[Any]
PathLike = str | os.PathLike[str]


class ReaderError(ValueError):
    """A file that cannot be read as what it should be: the message names file, line and fix."""


class Dataset(NamedTuple):
    """What a reader returns."""

    X: Array | list[Array]
    """(n_samples, n_timesteps, n_features), or a list of (n_timesteps_i, n_features) if lengths
    differ; 2-D only if a .npz file holds a 2-D X"""
    y: Array | list[Array] | None
    """(n_samples,): labels as strings or targets as floats (.ts), or as stored (.npz), where it may
    be (n_samples, n), or a list of (n_timesteps_i,), a label for each step; None without any"""
    metadata: dict[str, Any]
    """.ts: the headers, by lower-case name without @. .npz: the arrays that are not X or y"""


def cut(text: str) -> str:
    """Text of a file for an error message: quoted, one line, not endless."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
