"""Archives: what goes in comes out bit for bit, and a hostile or damaged file is an error."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.formats import archive
from elman.formats.archive import ArchiveError, load, save

KEPT = Path(__file__).parent / "archives"
CONFIG = {"cell": "elman", "classes": ["a", "ü"], "alpha": 1e-4, "size": 7, "none": None}


def some_tensors():
    rng = np.random.default_rng(3)
    return {
        "recurrent0.W_x": rng.standard_normal((2, 7)).astype(np.float32),
        "recurrent0.b": rng.standard_normal(7),
    }


def assert_same(tensors, expected):
    assert list(tensors) == sorted(expected)
    for name, array in expected.items():
        found = tensors[name]
        assert found.shape == np.shape(array)
        assert found.dtype == np.asarray(array).dtype.newbyteorder("=")
        little = np.asarray(array).astype(found.dtype, order="C")
        assert found.tobytes() == little.tobytes()
        assert found.flags.c_contiguous
        assert found.flags.writeable
        assert found.dtype.isnative


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.elman"


@pytest.fixture
def small(path):
    save(path, {"b": np.array([1.5, -0.0], np.float32), "n": np.arange(3)}, {"size": 7})
    return path


# What goes in comes out


@pytest.mark.parametrize("code", archive.DTYPES)
def test_every_type_round_trips(path, code):
    dtype = np.dtype(archive.DTYPES[code])
    values = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    save(path, {"a": values}, {})
    tensors, config = load(path)
    assert_same(tensors, {"a": values})
    assert config == {}


@pytest.mark.parametrize(
    "array",
    [
        np.float32(2.5),
        np.array(3.0),
        np.zeros((0,)),
        np.zeros((3, 0, 2), np.float32),
        np.zeros((0, 5), bool),
        np.array([np.nan, -np.nan, np.inf, -0.0, 5e-324]),
        np.arange(15.0).reshape(3, 5).T,
        np.arange(15.0)[::-2],
        np.arange(15, dtype=">i4").reshape(3, 5),
        np.arange(5, dtype=">f8")[::-1],
        np.frombuffer(b"x" + np.arange(3.0).tobytes(), offset=1),
        np.arange(3, dtype=np.longlong),
    ],
    ids=lambda a: f"{a.dtype.str}{a.shape}",
)
def test_every_layout_round_trips(path, array):
    save(path, {"a": array, "b": np.ones(2)}, CONFIG)
    tensors, config = load(path)
    assert_same(tensors, {"a": array, "b": np.ones(2)})
    assert config == CONFIG


def test_nothing_but_a_configuration(path):
    save(path, {}, CONFIG)
    assert load(path) == ({}, CONFIG)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=9,
)


@settings(max_examples=60, deadline=None)
@given(config=st.dictionaries(st.text(), json_values, max_size=4), name=st.text(max_size=7))
def test_any_configuration_round_trips(tmp_path_factory, config, name):
    path = tmp_path_factory.mktemp("any") / "a"
    name = name.encode("utf-8", "replace").decode() + "x"
    save(path, {name: np.ones(2)}, config)
    tensors, found = load(path)
    assert list(tensors) == [name]
    assert found == config
    assert json.dumps(found, sort_keys=True) == json.dumps(config, sort_keys=True)


def test_infinity_in_the_configuration(path):
    save(path, {}, {"max_grad_norm": np.inf})
    assert load(path)[1] == {"max_grad_norm": np.inf}


def test_same_arguments_same_bytes(tmp_path):
    tensors = some_tensors()
    for name in ("a", "b"):
        save(tmp_path / name, tensors, CONFIG)
    save(tmp_path / "c", dict(reversed(tensors.items())), dict(reversed(CONFIG.items())))
    contents = {(tmp_path / name).read_bytes() for name in "abc"}
    assert len(contents) == 1


def test_other_tools_read_the_arrays(path):
    tensors = some_tensors()
    save(path, tensors, CONFIG)
    assert_same(dict(sorted(safetensors.numpy.load_file(path).items())), tensors)
    with safetensors.safe_open(path, "numpy") as file:
        assert json.loads(file.metadata()["config"]) == CONFIG


# What cannot be stored


@pytest.mark.parametrize(
    ("tensors", "error", "words"),
    [
        ({"a": np.zeros(2, complex)}, TypeError, "complex128"),
        ({"a": np.array(["x"])}, TypeError, "<U1"),
        ({"a": np.array([None])}, TypeError, "object"),
        ({"a": np.zeros(2, "M8[s]")}, TypeError, "datetime64"),
        ({"a": np.ma.array([1, 2], mask=[0, 1])}, TypeError, "masked"),
        ({1: np.zeros(2)}, TypeError, "must be a str"),
        ({"__metadata__": np.zeros(2)}, ValueError, "reserves"),
        ({"\ud800": np.zeros(2)}, ValueError, "UTF-8"),
    ],
)
def test_tensors_that_cannot_be_stored(small, tensors, error, words):
    before = small.read_bytes()
    with pytest.raises(error, match=words):
        save(small, tensors, {})
    assert small.read_bytes() == before


@pytest.mark.parametrize(
    ("config", "error", "words"),
    [
        ({"a": (1, 2)}, TypeError, r"config\['a'\] is \(1, 2\), a tuple"),
        ({"a": [{"b": np.int64(3)}]}, TypeError, r"config\['a'\]\[0\]\['b'\].*int64"),
        ({1: 2}, TypeError, "the key 1"),
        ({"a": np.arange(2)}, TypeError, "ndarray"),
        ({"a": {1, 2}}, TypeError, "set"),
    ],
)
def test_configurations_that_json_would_change(path, config, error, words):
    with pytest.raises(error, match=words):
        save(path, {}, config)
    assert not path.exists()


def test_a_configuration_that_holds_itself(path):
    config = {}
    config["self"] = config
    with pytest.raises(ValueError, match="holds itself"):
        save(path, {}, config)


# Writing


def test_a_crash_before_the_replacement_keeps_the_old_file(small, monkeypatch):
    before = small.read_bytes()

    def crash(*_):
        raise OSError("no more room")

    for function in ("replace", "fsync", "chmod"):
        with monkeypatch.context() as patch:
            patch.setattr(archive.os, function, crash)
            with pytest.raises(OSError, match="no more room"):
                save(small, some_tensors(), CONFIG)
        assert small.read_bytes() == before
        assert os.listdir(small.parent) == [small.name]


def test_errors_of_writing_name_the_file_that_was_asked_for(path, monkeypatch):
    missing = path.parent / "missing" / "model"
    with pytest.raises(FileNotFoundError) as raised:
        save(missing, some_tensors(), CONFIG)
    assert raised.value.filename == str(missing)

    def full(*_):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(archive.os, "fsync", full)
    with pytest.raises(OSError, match="no space left") as raised:
        save(path, some_tensors(), CONFIG)
    assert raised.value.filename == str(path)


def test_an_interrupt_keeps_the_old_file_and_leaves_no_litter(small, monkeypatch):
    before = small.read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(archive.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(small, some_tensors(), CONFIG)
    assert small.read_bytes() == before
    assert os.listdir(small.parent) == [small.name]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_killed_process_keeps_the_old_file(small, moment):
    before = small.read_bytes()
    program = f"""
        import os, signal, sys
        import numpy as np
        from elman.formats.archive import save
        os.{moment} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        save(sys.argv[1], {{"a": np.ones(1000)}}, {{}})
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program), small], check=False)
    assert done.returncode == -signal.SIGKILL
    assert small.read_bytes() == before
    assert load(small)[1] == {"size": 7}
    save(small, {}, {"size": 8})
    assert load(small)[1] == {"size": 8}


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_permissions(path):
    old = os.umask(0o027)
    try:
        save(path, {}, {})
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        save(path, {}, CONFIG)
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(old)


def test_a_symbolic_link_stays_one(small):
    link = small.parent / "link"
    link.symlink_to(small.name)
    save(link, some_tensors(), CONFIG)
    assert link.is_symlink()
    assert not small.is_symlink()
    assert load(small)[1] == load(link)[1] == CONFIG


def test_a_link_to_nothing_makes_its_target(tmp_path):
    (tmp_path / "link").symlink_to("target")
    save(tmp_path / "link", {}, CONFIG)
    assert not (tmp_path / "target").is_symlink()
    assert load(tmp_path / "target")[1] == CONFIG


def test_what_is_not_a_file_is_left_alone(tmp_path):
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        save(tmp_path, {}, {})
    with pytest.raises(OSError, match="not a regular file"):
        save(os.devnull, {}, {})
    with pytest.raises(FileNotFoundError):
        save(tmp_path / "no" / "folder", {}, {})
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_read_only_file_is_not_replaced(small, monkeypatch):
    before = small.read_bytes()
    small.chmod(0o444)
    # Root may write anything: say what the system tells everyone else.
    monkeypatch.setattr(archive.os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match=small.name):
        save(small, {}, {})
    assert small.read_bytes() == before


def test_relative_paths_and_strings(small, monkeypatch):
    monkeypatch.chdir(small.parent)
    save("other", some_tensors(), CONFIG)
    assert_same(load("other")[0], some_tensors())


# Attacks


def header_of(content):
    n_header = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + n_header]), content[8 + n_header :]


def with_header(header, data):
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(encoded).to_bytes(8, "little") + encoded + data


def refused(path, content, words=None):
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=words) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_every_truncation_is_refused(small):
    content = small.read_bytes()
    for n in range(len(content)):
        refused(small, content[:n])


def test_every_flipped_bit_is_refused(small):
    content = small.read_bytes()
    for position in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[position] ^= 1 << bit
            refused(small, bytes(damaged))


def test_every_byte_zeroed_or_replaced_is_refused_or_the_same(small):
    content = small.read_bytes()
    tensors, config = load(small)
    for position in range(len(content)):
        for byte in b'\x00 "0\xff':
            damaged = bytearray(content)
            damaged[position] = byte
            small.write_bytes(damaged)
            try:
                found = load(small)
            except ArchiveError:
                continue
            # White space for white space, or the byte that was there.
            assert bytes(damaged) == content
            assert_same(found[0], tensors)
            assert found[1] == config


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "a"
    refused(path, content)
    refused(path, with_header(content, b""))


def test_trailing_bytes_are_refused(small):
    content = small.read_bytes()
    refused(small, content + b"\0", "damaged")
    refused(small, content + content, "damaged")


def test_what_is_not_a_file_is_refused(tmp_path):
    for path in (tmp_path, Path(os.devnull)):
        with pytest.raises(ArchiveError, match="not a regular file"):
            load(path)
    with pytest.raises(FileNotFoundError, match="missing"):
        load(tmp_path / "missing")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_refused_at_once(path):
    os.mkfifo(path)
    with pytest.raises(ArchiveError, match="not a regular file"):
        load(path)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 8, b"\xff" * 8, b"PK\x03\x04" + b"\0" * 60, b"\x80\x04K\x01." * 9]
)
def test_foreign_files_are_refused(path, content):
    refused(path, content, "not an elman model")


def test_a_file_of_another_tool_is_not_a_model(path):
    safetensors.numpy.save_file(some_tensors(), path)
    refused(path, path.read_bytes(), "not an elman model")
    safetensors.numpy.save_file(some_tensors(), path, metadata={"format": "pt"})
    refused(path, path.read_bytes(), "not an elman model")


def test_a_pickle_is_never_loaded(path, tmp_path):
    mark = tmp_path / "mark"
    pickle = b"cos\nsystem\n(S'touch " + os.fsencode(mark) + b"'\ntR."
    refused(path, pickle)
    refused(path, with_header(pickle, b""))
    assert not mark.exists()


@pytest.mark.parametrize("version", ["3", "0", "01", "1.0", "", 1, None, "9" * 99])
def test_another_version_is_refused(small, version):
    header, data = header_of(small.read_bytes())
    header["__metadata__"]["format_version"] = version
    refused(small, with_header(header, data), "format version .* reads 1 and 2")


@pytest.mark.parametrize("n_header", [2**63, 2**64 - 1, 10**9, 100_000_001, 400])
def test_an_oversized_header_is_refused(small, n_header):
    content = small.read_bytes()
    refused(small, n_header.to_bytes(8, "little") + content[8:])


@pytest.mark.parametrize("bomb", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 100_000, b"{" * 9])
def test_a_header_bomb_is_refused(path, bomb):
    refused(path, with_header(bomb, b""), "not an elman model")
    metadata = {"format": "elman", "format_version": "1", "sha256": ""}
    metadata["config"] = bomb.decode()
    metadata["sha256"] = archive._digest(metadata["config"], {}, "1")
    refused(path, with_header({"__metadata__": metadata}, b""), "configuration|its header would")


@pytest.mark.parametrize("text", ["[]", "1", "", '{"a": 1, "a": 2}', "{} {}", "nonsense"])
def test_a_configuration_that_is_no_object_is_refused(path, text):
    metadata = {"format": "elman", "format_version": "1", "config": text}
    metadata["sha256"] = archive._digest(text, {}, "1")
    refused(path, with_header({"__metadata__": metadata}, b""), "configuration|its header would")


def test_duplicate_keys_are_refused(small):
    header, data = header_of(small.read_bytes())
    text = json.dumps(header)
    for key in ("b", "n", "__metadata__", "config", "shape"):
        start = text.index(f'"{key}":')
        _, end = json.JSONDecoder().raw_decode(text, start + len(key) + 4)
        pair = text[start:end]
        doubled = text.replace(pair, f"{pair}, {pair}", 1)
        assert json.loads(doubled) == header
        refused(small, with_header(doubled.encode(), data), "twice")


@pytest.mark.parametrize("key", ["format", "format_version", "config", "sha256"])
def test_missing_metadata_are_refused(small, key):
    header, data = header_of(small.read_bytes())
    del header["__metadata__"][key]
    refused(small, with_header(header, data))


def test_unknown_metadata_are_refused(small):
    header, data = header_of(small.read_bytes())
    header["__metadata__"]["more"] = "x"
    refused(small, with_header(header, data), "metadata")


def resigned(header, data):
    """The file an attacker would write: the digest fits what the header says, if it can."""
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, stop = entry["data_offsets"]
            flat = np.frombuffer(data[start:stop], archive.DTYPES[entry["dtype"]])
            tensors[name] = flat.reshape(entry["shape"])
    metadata = header["__metadata__"]
    metadata["sha256"] = archive._digest(metadata["config"], tensors, metadata["format_version"])
    return with_header(header, data)


def test_swapped_names_are_refused(path):
    save(path, {"a": np.zeros(2), "b": np.ones(2)}, {})
    header, data = header_of(path.read_bytes())
    header["a"], header["b"] = header["b"], header["a"]
    refused(path, with_header(header, data), "SHA-256")
    path.write_bytes(resigned(header, data))  # an honest file again
    assert_same(load(path)[0], {"a": np.ones(2), "b": np.zeros(2)})


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "F64"},
        {"dtype": "BF16"},
        {"dtype": "X"},
        {"dtype": 3},
        {"shape": [4]},
        {"shape": [-2]},
        {"shape": [2**62, 4]},
        {"shape": [2.0]},
        {"shape": [1] * 70 + [2]},
        {"shape": "2"},
        {"data_offsets": [0, 2**40]},
        {"data_offsets": [8, 0]},
        {"data_offsets": [0]},
    ],
    ids=str,
)
def test_a_header_that_lies_is_refused(path, change):
    save(path, {"a": np.ones(2, np.float32)}, {})
    header, data = header_of(path.read_bytes())
    header["a"] |= change
    refused(path, with_header(header, data))


def test_overlapping_and_missing_ranges_are_refused(path):
    save(path, {"a": np.zeros(2), "b": np.ones(2)}, {})
    header, data = header_of(path.read_bytes())
    header["b"]["data_offsets"] = [0, 16]
    refused(path, resigned(header, data))
    del header["b"]
    refused(path, resigned(header, data))


def test_bools_that_are_neither_are_refused(path):
    save(path, {"a": np.array([True, False, True])}, {})
    header, _ = header_of(path.read_bytes())
    refused(path, resigned(header, b"\1\2\0"), "neither true nor false")


def test_an_empty_array_of_impossible_shape_is_refused_or_empty(path):
    save(path, {"a": np.zeros((0, 2))}, {})
    header, data = header_of(path.read_bytes())
    header["a"]["shape"] = [0, 2**62]
    refused(path, with_header(header, data))


def test_a_lying_size_takes_no_memory(path):
    header = {"a": {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]}}
    header["__metadata__"] = {"format": "elman", "format_version": "1"}
    header["__metadata__"] |= {"config": "{}", "sha256": "0" * 64}
    refused(path, with_header(header, b""), "damaged")


# Files of released versions, kept for good


@pytest.mark.parametrize("version", [1, 2])
def test_older_versions_are_read_as_they_were_written(version):
    tensors, config = load(KEPT / f"version-{version}.elman")
    expected = dict(np.load(KEPT / "version-1.npz"))
    assert_same(tensors, expected)
    assert config == json.loads((KEPT / "version-1.json").read_text(encoding="utf-8"))


def test_version_2_is_still_written_byte_for_byte(path):
    save(
        path,
        dict(np.load(KEPT / "version-1.npz")),
        json.loads((KEPT / "version-1.json").read_text(encoding="utf-8")),
    )
    assert path.read_bytes() == (KEPT / "version-2.elman").read_bytes()
