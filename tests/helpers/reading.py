"""What every reader owes, whatever the file: the right data, or an error with a place."""

from __future__ import annotations

import tracemalloc

import numpy as np

from elman.data import Dataset, ReaderError, read


def assert_read_or_refused(path):
    try:
        found = read(path)
    except ReaderError as error:
        found = str(error)
    if isinstance(found, str):
        assert found.startswith(str(path))
        return
    assert isinstance(found, Dataset)
    assert len(found.X) > 0
    for x in found.X:
        assert x.ndim == 2
        assert np.isfinite(x).all()
    assert found.y is None or len(found.y) == len(found.X)


def peak_memory(function, *arguments):
    """The most memory that a call took beyond what was taken before, in bytes."""
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
