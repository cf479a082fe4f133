"""Batches made ahead are those made one by one, and errors come in their order."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from elman.backends import get_backend
from elman.data.ahead import read_ahead
from elman.data.prepared import Prepared
from elman.data.sequences import Sequences

BACKEND = get_backend("reference")
BATCHES = [np.array([3, 1]), np.array([2, 2, 0]), np.array([1]), np.array([0, 3])]


class Disk:
    """Says that it is a disk; a sample may be broken, and who reads is noted."""

    on_disk = True
    n_features = 2
    dtype = np.dtype(np.float32)

    def __init__(self, lengths, broken=None, error=OSError):
        self.reads = np.asarray(lengths)
        self.values = [np.full((n, 2), i, np.float32) for i, n in enumerate(lengths)]
        self.broken, self.error = broken, error
        self.readers = []

    def rows(self, order):
        self.readers.append(threading.current_thread())
        if self.broken in order:
            raise self.error(f"sample {self.broken}")
        with np.errstate(all="warn"):
            return np.concatenate([self.values[i] for i in order])


def prepared(source):
    return Prepared(Sequences(source, source.reads))


def test_the_batches_are_those_of_one_by_one():
    X = prepared(Disk([4, 2, 5, 3]))
    made = list(read_ahead(X, BATCHES, BACKEND))
    for found, indices in zip(made, BATCHES, strict=True):
        expected = X.batch(indices, BACKEND)
        np.testing.assert_array_equal(found.X, expected.X)
        np.testing.assert_array_equal(found.order, expected.order)
    assert list(read_ahead(X, [], BACKEND)) == []


def test_one_thread_reads_one_batch_ahead():
    source = Disk([4, 2, 5, 3])
    batches = read_ahead(prepared(source), BATCHES, BACKEND)
    next(batches)
    for thread in source.readers:
        thread.join()
    next(batches)
    assert threading.main_thread() not in source.readers
    batches.close()  # waits for what is being read
    assert len(source.readers) == len(set(source.readers)) == 3
    assert not any(thread.is_alive() for thread in source.readers)


def test_what_is_in_memory_is_not_read_in_a_thread():
    source = Disk([4, 2, 5, 3])
    source.on_disk = False
    assert len(list(read_ahead(prepared(source), BATCHES, BACKEND))) == 4
    assert set(source.readers) == {threading.main_thread()}


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize(("broken", "n_before"), [(3, 0), (2, 1), (1, 0)])
def test_an_error_is_raised_when_its_batch_is_asked_for(error, broken, n_before):
    source = Disk([4, 2, 5, 3], broken, error)
    seen = []
    with pytest.raises(error, match=f"sample {broken}"):
        seen.extend(read_ahead(prepared(source), BATCHES, BACKEND))
    assert len(seen) == n_before
    assert not any(thread.is_alive() for thread in source.readers)


def test_whoever_stops_leaves_no_thread():
    source = Disk([4, 2, 5, 3])

    def stop():
        for _ in read_ahead(prepared(source), BATCHES, BACKEND):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    for thread in source.readers:
        thread.join(10)
        assert not thread.is_alive()
