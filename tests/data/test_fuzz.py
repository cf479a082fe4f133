"""Some damaged files for every reader, of those that `make fuzz` makes; and what it finds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from helpers import reader_fuzz
from helpers.reader_fuzz import TARGETS, FuzzError, attempt, case

from elman.data import Dataset, ReaderError, read_ts


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_files_are_read_right_or_refused(name, tmp_path):
    outcomes = [attempt(name, *case(name, seed, tmp_path)) for seed in range(150)]
    assert 5 < sum(outcomes) < 145  # neither whole files alone, nor rubbish


@pytest.mark.parametrize("name", TARGETS)
def test_a_case_is_the_same_every_time(name, tmp_path):
    contents = [case(name, seed, tmp_path)[1] for seed in range(20)]
    assert contents == [case(name, seed, tmp_path)[1] for seed in range(20)]
    assert len(set(contents)) > 10


def raising(error):
    def read(path):
        raise error

    return read


def hungry(path):
    np.ones(20 << 20, np.uint8)
    raise ReaderError(f"{path}: no")


def endless(path):
    while True:
        pass


def wrong(path):
    found = read_ts(path)
    return dataclasses.replace(found, X=[-x for x in found.X])


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (raising(KeyError("x")), "KeyError"),
        (raising(ReaderError("there is no place in this")), "an error without its place"),
        (hungry, "bytes of memory"),
        (endless, "TimeoutError: not done"),
        (wrong, "read, but wrong"),
        (lambda path: Dataset(np.ones((1, 2, 1))), "read, but wrong"),
    ],
)
def test_every_fault_of_a_reader_is_found(read, words, tmp_path, monkeypatch):
    path = tmp_path / "case.ts"
    content = b"@classLabel true a\n@data\n1,2:a\n3,4:a\n"
    path.write_bytes(content)
    assert attempt("ts", path, content)
    if read is endless:
        monkeypatch.setattr(reader_fuzz, "SECONDS", 0.2)
    monkeypatch.setitem(TARGETS, "ts", dataclasses.replace(TARGETS["ts"], read=read))
    with pytest.raises(FuzzError, match=words):
        attempt("ts", path, content)
