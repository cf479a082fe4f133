"""Workers read their share of a batch from a store, or refuse one that is not the caller's."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from helpers.engine_fits import LABELS, NUMBERS, TAGS, X, classifier, end_of, regressor, tagger
from helpers.engines import AlwaysDies, Faulty, at_most, pool

from elman.data import Dataset, SequenceStore
from elman.data.store.manifest import StoreError
from elman.distributed import WorkerLostError, connect

whole = pytest.mark.cluster
TARGETS = {classifier: LABELS, tagger: TAGS, regressor: NUMBERS}


@pytest.fixture(autouse=True)
def _no_hang():
    with at_most():
        yield


def stored(folder, y=LABELS):
    return SequenceStore.write(folder / "store", Dataset(X, y), shard_size=800)


@pytest.fixture
def workers():
    """Two that have opened no store; started before there is one that they could inherit."""
    engine = connect(partial(pool, 2), retries=1)
    yield engine
    engine.close()


@pytest.mark.parametrize("kind", TARGETS)
def test_a_store_has_the_bits_of_memory(workers, kind, tmp_path):
    store = stored(tmp_path, TARGETS[kind])
    assert len(store.manifest.shards) > 3
    here = kind(max_iter=2, bptt_steps=2).fit(X, TARGETS[kind])
    there = kind(max_iter=2, bptt_steps=2).fit(store, executor=workers)
    assert end_of(there) == end_of(here)


def values_file(store, shard):
    return Path(store.path) / f"{shard:05d}.values.npy"


def cut_short(store):
    path = values_file(store, 2)
    path.write_bytes(path.read_bytes()[:-5])
    return path


def missing(store):
    path = values_file(store, 2)
    path.unlink()
    return path


def changed(store):
    """One bit of the last value, which no size tells."""
    path = values_file(store, 2)
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    return path


def written_anew(store):
    folder = Path(store.path)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    SequenceStore.write(folder, Dataset(X[::-1], LABELS[::-1]), shard_size=800)
    return folder / "manifest.json"


@pytest.mark.parametrize("harm", [cut_short, missing, changed, written_anew])
@pytest.mark.parametrize(
    "kind", [classifier, *(pytest.param(k, marks=whole) for k in (tagger, regressor))]
)
def test_another_store_on_a_worker(workers, kind, harm, tmp_path):
    """Nothing is learned from it, and the error names the file."""
    store = stored(tmp_path, TARGETS[kind])
    files, rounds = [], []

    def harmed(number, tasks):
        rounds.append(number)
        if number == 1:
            files.append(harm(store))
        return tasks

    with pytest.raises(StoreError) as error:
        kind(max_iter=2, batch_size=83).fit(store, executor=Faulty(workers, harmed))
    assert rounds == [1]
    assert os.fspath(files[0]) in str(error.value)


def test_the_samples_that_kill_every_worker_are_named_with_their_files(workers, tmp_path):
    store = stored(tmp_path)
    view = store[np.arange(20, 83)]

    def harm(number, tasks):
        return [*tasks[:-1], AlwaysDies(tasks[-1])]

    with pytest.raises(WorkerLostError) as error:
        classifier(max_iter=1, batch_size=63).fit(view, executor=Faulty(workers, harm))
    text = str(error.value)
    numbers = [int(i) for i in re.search(r"samples ([\d, ]+) of X", text)[1].split(", ")]
    files = re.findall(r"\d+\.values\.npy", text)
    # The store's own numbers are 20 higher than those of the view that was passed as X.
    first = np.cumsum([0, *(shard.n_sequences for shard in store.manifest.shards)])
    shards = np.searchsorted(first, np.array(numbers) + 20, side="right") - 1
    assert files == [f"{shard:05d}.values.npy" for shard in np.unique(shards)]
    assert store.path in text
