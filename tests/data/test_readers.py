"""Files by their suffix: which reader has them, and what no file may do."""

from __future__ import annotations

import io

import numpy as np
import pytest
from helpers.reading import assert_read_or_refused
from hypothesis import given, settings
from hypothesis import strategies as st

import elman
from elman.data import ReaderError, read, write_npz
from elman.formats.archive import ArchiveError

TS = "@classLabel true a b\n@data\n1,2,3:4,5,6:a\n-1.5,2e3:.5,+7.:b\n"


def test_files_that_cannot_be_opened(tmp_path):
    for name in ("none.ts", "none.npz"):
        with pytest.raises(FileNotFoundError, match="none"):
            read(tmp_path / name)
    (tmp_path / "folder.ts").mkdir()
    with pytest.raises(OSError, match="folder"):
        read(tmp_path / "folder.ts")


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=90))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("bytes")
    for name in ("any.ts", "any.npz"):
        (folder / name).write_bytes(content)
        assert_read_or_refused(folder / name)


def test_read_by_suffix(write, tmp_path):
    assert len(read(write(TS, "x.TS")).X) == 2
    write_npz(tmp_path / "x.npz", np.ones((3, 5, 2)))
    assert len(read(str(tmp_path / "x.npz")).X) == 3


@pytest.mark.parametrize("name", ["x.xlsx", "x", "x.ts.gz", ".ts", "x.npy"])
def test_other_suffixes(write, name):
    with pytest.raises(
        ReaderError, match=r"(is not a format this reads|has no suffix); choose one of \.ts, \.npz"
    ):
        read(write("", name))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x.json", r"lines=True"),
        ("x.xlsx", r"save the sheet as \.csv"),
        ("x.csv.gz", "unpack it first"),
        ("x.npy", r"elman\.data\.write_npz"),
        ("x.safetensors", r"elman\.load"),
    ],
)
def test_other_suffixes_say_what_to_do(write, name, words):
    with pytest.raises(ReaderError, match=words):
        read(write("", name))


@pytest.mark.parametrize("name", ["x.csv", "x.npz", "x.ts"])
def test_data_are_not_loaded_as_a_model(write, name):
    for load in (elman.load, elman.RNNTagger.load):
        with pytest.raises(ArchiveError, match=r"x\.\w+: is no model: .* elman\.data\.read reads"):
            load(write("a,b\n1,2\n3,4\n", name))


@pytest.mark.parametrize("path", [None, 3, ["x.csv"], io.StringIO("a,b")])
def test_what_is_no_path(path):
    with pytest.raises(TypeError, match=f"path is a {type(path).__name__}; .* one file"):
        read(path)
