"""Files that attack their reader are refused with one exception, before anything is read of them.

HDF5 can name other files and promise what it does not hold, zip archives can unpack to anything,
and descriptions can nest without end.
"""

from __future__ import annotations

import contextlib
import io
import json
import struct
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
from helpers import keras_files as kf

from elman.exchange import ExchangeError, read_keras

RNG = np.random.default_rng(8)
KERNEL = "layers/gru/cell/vars/0"


def parts():
    return [kf.recurrent("GRU", 2, 4, RNG), kf.dense(4, 3, "softmax", RNG)]


def h5_of(change, *, path=KERNEL):
    """The weights of a model, of which one array was replaced by `change(file, path)`."""
    content = io.BytesIO(kf.h5_bytes(kf.arrays_of(parts())))
    with h5py.File(content, "r+") as file:
        del file[path]
        change(file, path)
    return content.getvalue()


def refused(path, said):
    with pytest.raises(ExchangeError, match=said) as error:
        read_keras(path)
    assert len(str(error.value)) < 1000


@pytest.fixture
def secret(tmp_path):
    """A file with a kernel beside the model, which is none of its business."""
    path = tmp_path / "secret.h5"
    with h5py.File(path, "w") as file:
        file["kernel"] = np.ones((2, 12), np.float32)
    np.ones((2, 12), np.float32).tofile(tmp_path / "secret.bin")
    return path


def external_link(secret):
    return lambda file, path: file.__setitem__(path, h5py.ExternalLink(str(secret), "kernel"))


def soft_link(secret):
    return lambda file, path: file.__setitem__(path, h5py.SoftLink("/layers/gru/cell/vars/1"))


def external_storage(secret):
    values = [(str(secret.with_suffix(".bin")), 0, 96)]
    return lambda file, path: file.create_dataset(path, (2, 12), "f4", external=values)


def virtual(secret):
    layout = h5py.VirtualLayout((2, 12), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "kernel", (2, 12))
    return lambda file, path: file.create_virtual_dataset(path, layout)


def huge_shape(secret):
    return lambda file, path: file.create_dataset(path, (1 << 24, 1 << 24), "f4")


def huge_chunks(secret):
    return lambda file, path: file.create_dataset(
        path, (1 << 20, 1 << 20), "f4", chunks=(64, 64), compression="gzip"
    )


def compressed(secret):
    return lambda file, path: file.create_dataset(
        path, data=np.zeros((2000, 2000), "f4"), compression="gzip"
    )


def many_axes(secret):
    return lambda file, path: file.create_dataset(path, data=np.zeros((1,) * 20, "f4"))


def hard_link(secret):
    return lambda file, path: file.__setitem__(path, file["layers/gru/cell/vars/1"])


def circle(secret):
    return lambda file, path: file["layers/gru"].__setitem__("again", file["layers"])


def texts(secret):
    return lambda file, path: file.create_dataset(path, data=["a" * 9] * 3)


def compound(secret):
    return lambda file, path: file.create_dataset(path, data=np.zeros(3, "f4,i4"))


def references(secret):
    return lambda file, path: file.create_dataset(
        path, data=file["layers"].ref, dtype=h5py.ref_dtype
    )


def a_type(secret):
    return lambda file, path: file.__setitem__(path, np.dtype("f4"))


ATTACKS = {
    external_link: "an external link",
    soft_link: "a soft link",
    external_storage: "values in another file",
    virtual: "a virtual dataset",
    huge_shape: "promises 1,125,899,906,842,624 bytes",
    huge_chunks: "in chunks or compressed",
    compressed: "in chunks or compressed",
    many_axes: "at most 3 axes",
    hard_link: "another name has",
    circle: "another name has",
    texts: "not numbers",
    compound: "not numbers",
    references: "not numbers",
    a_type: "neither a group nor an array",
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_arrays_that_are_not_what_they_seem(attack, tmp_path, secret):
    content = h5_of(attack(secret))
    said = ATTACKS[attack]
    refused(kf.write_keras3(tmp_path / "m.keras", parts(), (None, 2), weights=content), said)
    (tmp_path / "m.weights.h5").write_bytes(content)
    refused(tmp_path / "m.weights.h5", said)


@pytest.mark.parametrize("attack", [external_link, soft_link], ids=lambda attack: attack.__name__)
def test_groups_that_are_links(attack, tmp_path, secret):
    content = h5_of(attack(secret), path="layers/gru")
    refused(kf.write_keras3(tmp_path / "m.keras", parts(), (None, 2), weights=content), "link")
    content = h5_of(attack(secret), path="layers")
    refused(kf.write_keras3(tmp_path / "m.keras", parts(), (None, 2), weights=content), "link")


@pytest.mark.parametrize(
    "attack", [external_link, external_storage, virtual, huge_shape], ids=lambda each: each.__name__
)
def test_older_files_are_trusted_no_more(attack, tmp_path, secret):
    path = kf.write_legacy(tmp_path / "m.h5", parts(), (None, 2))
    with h5py.File(path, "r+") as file:
        del file["model_weights/gru/gru/rnn_cell/kernel:0"]
        attack(secret)(file, "model_weights/gru/gru/rnn_cell/kernel:0")
    refused(path, ATTACKS[attack])


def test_arrays_that_share_their_bytes(tmp_path):
    content = bytearray(
        kf.h5_bytes({f"layers/gru/cell/vars/{i}": np.ones((9, 9)) for i in range(3)})
    )
    places = []
    with h5py.File(io.BytesIO(content)) as file:
        for i in range(3):
            places.append(file[f"layers/gru/cell/vars/{i}"].id.get_offset())
    assert len(content) > 3 * 648
    whole = bytes(content)
    for place in places[1:]:  # where each array begins, its header says
        assert whole.count(struct.pack("<QQ", place, 648)) == 1
        whole = whole.replace(struct.pack("<QQ", place, 648), struct.pack("<QQ", places[0], 648))
    (tmp_path / "m.weights.h5").write_bytes(whole[: places[0] + 648])  # too short for three
    refused(tmp_path / "m.weights.h5", "damaged|promise more than")


def test_groups_within_groups(tmp_path):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_group("layers/" + "/".join("abcdefgh" * 5))
    (tmp_path / "m.weights.h5").write_bytes(content.getvalue())
    refused(tmp_path / "m.weights.h5", "more than 32 deep")


def test_texts_without_end(tmp_path):
    path = kf.write_legacy(tmp_path / "m.h5", parts(), (None, 2), whole=False)
    with h5py.File(path, "r+") as file:
        del file.attrs["layer_names"]
        names = np.array(["x" * 50_000] * 101, object)  # each may point to the same text
        file.attrs.create("layer_names", names, dtype=h5py.string_dtype())
    refused(path, "101 texts; at most 100")
    with h5py.File(path, "r+") as file:
        file.attrs["layer_names"] = np.ones((2, 3))
    refused(path, "must be a list")
    with h5py.File(path, "r+") as file:
        file.attrs["layer_names"] = [1.0, 2.0]
    refused(path, "holds no text")
    path = kf.write_legacy(tmp_path / "m.h5", parts(), (None, 2))
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = ["a", "b"]
    refused(path, "must be one text")


def test_heaps_of_texts_that_lead_nowhere(tmp_path):
    path = kf.write_legacy(tmp_path / "m.h5", parts(), (None, 2), vlen=True)
    whole = path.read_bytes()
    heap = whole.index(b"GCOL\1")
    place = heap + 16
    while whole[place : place + 2] != b"\0\0":  # what is left of it is called 0
        (size,) = struct.unpack_from("<Q", whole, place + 8)
        place += 16 + -(-size // 8) * 8
    first, last = heap + 24, place + 8
    for i, (at, length) in enumerate(((last, 0), (last, 8), (first, 2**64 - 16), (first, 2**40))):
        damaged = whole[:at] + struct.pack("<Q", length) + whole[at + 8 :]
        (tmp_path / f"{i}.h5").write_bytes(damaged)
    code = f"""
from elman.exchange import ExchangeError, read_keras
for i in range(4):
    try:
        read_keras({str(tmp_path)!r} + f"/{{i}}.h5")
    except ExchangeError as error:
        print(error)
"""
    found = subprocess.run(  # the library never comes back from the first and the third
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert found.stdout.count("do not lead to its end") == 4


def test_texts_that_promise_more_than_they_hold(tmp_path):
    path = kf.write_legacy(tmp_path / "m.h5", parts(), (None, 2), vlen=True)
    whole = path.read_bytes()
    heap = whole.index(b"GCOL\1")
    name = whole.index(b"model_config\0")
    at = whole.index(struct.pack("<Q", heap), name) - 4  # the reference to its text
    changes = {
        "promises 4,294,967,280 bytes": struct.pack("<IQ", 2**32 - 16, heap),
        "not in a heap": struct.pack("<IQ", 9, heap + 8),
        "not in its heap": struct.pack("<IQI", 9, heap, 4000),
    }
    for said, reference in changes.items():
        path.write_bytes(whole[:at] + reference + whole[at + len(reference) :])
        refused(path, said)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_files_that_were_cut_short(share, tmp_path):
    path = kf.write_keras3(tmp_path / "m.keras", parts(), (None, 2))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    refused(path, "damaged")
    path = kf.write_legacy(tmp_path / "m.h5", parts(), (None, 2))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    refused(path, "damaged")


def test_files_of_something_else(tmp_path):
    for content in (b"", b"PK", b"hello", b"[1]", b"\x89HDF\r\n\x1a\nnothing"):
        path = tmp_path / "m.keras"
        path.write_bytes(content)
        refused(path, "damaged|neither")
    refused(tmp_path, "not a regular file")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["x"] = [1.0]
    refused(tmp_path / "m.h5", "no model of Keras")


@pytest.mark.filterwarnings("ignore:.*weights alone")
def test_every_byte_of_a_file_may_be_wrong(tmp_path):
    whole = kf.write_keras3(tmp_path / "m.keras", parts(), (None, 2)).read_bytes()
    weights = kf.write_weights(tmp_path / "m.weights.h5", parts()).read_bytes()
    rng = np.random.default_rng(4)
    for content, name in ((whole, "m.keras"), (weights, "m.weights.h5")):
        for _ in range(20):
            damaged = bytearray(content)
            for at in rng.integers(0, len(content), size=4):
                damaged[at] = rng.integers(0, 256)
            (tmp_path / name).write_bytes(damaged)
            with contextlib.suppress(ExchangeError):
                read_keras(tmp_path / name)


# Zip archives


def members():
    return {
        "config.json": json.dumps(kf.described(parts(), (None, 2))).encode(),
        "model.weights.h5": kf.h5_bytes(kf.arrays_of(parts())),
    }


def test_members_that_unpack_without_end(tmp_path):
    path = tmp_path / "m.keras"
    for name in ("model.weights.h5", "config.json"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for member, content in members().items():
                bomb = content + bytes(80 << 20) if member == name else content
                archive.writestr(member, bomb)
        assert path.stat().st_size < 1 << 20
        refused(path, "far more than its size|at most 67,108,864 are read")


def test_members_that_are_not_of_the_size_they_promise(tmp_path):
    path = kf.zipped(tmp_path / "m.keras", members())
    whole = path.read_bytes()
    size = struct.pack("<I", len(members()["model.weights.h5"]))
    at = whole.rindex(size)  # in the list of members
    for promised in (100, 60 << 20, 0xFFFFFFFE):
        path.write_bytes(whole[:at] + struct.pack("<I", promised) + whole[at + 4 :])
        refused(path, "damaged|far more than its size")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_the_same_name(tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in [*members().items(), *members().items()]:
            archive.writestr(member, content)
    refused(path, "'config.json' is there twice")


@pytest.mark.parametrize("name", ["../config.json", "/etc/passwd", "a/../../b", "..\\b", "C:\\b"])
def test_members_that_lead_out(name, tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("x" * len(name))
        info.filename = name
        archive.writestr(info, b"")
        for member, content in members().items():
            archive.writestr(member, content)
    refused(path, "leads out of the archive")


def test_a_thousand_members(tmp_path):
    path = kf.zipped(tmp_path / "m.keras", members() | {f"assets/{i}": b"" for i in range(1000)})
    refused(path, "1,002 members")
    path = kf.zipped(
        tmp_path / "m.keras", members() | {"a" * 60_000 + str(i): b"" for i in range(20)}
    )
    refused(path, "list of members takes")


def test_an_archive_without_weights(tmp_path):
    refused(kf.zipped(tmp_path / "m.keras", {"config.json": b"{}"}), "holds no weights")


# Arrays of NumPy's


def test_pickles(tmp_path):
    class Evil:
        def __reduce__(self):
            return exec, ("raise SystemExit('a pickle was run')",)

    content = io.BytesIO()
    np.savez(content, **{"layers/gru/cell/vars": np.array({"0": Evil()}, object)})
    path = kf.zipped(
        tmp_path / "m.keras",
        {"config.json": members()["config.json"], "model.weights.npz": content.getvalue()},
    )
    refused(path, "a pickle.*never loaded.*with weights in HDF5")
    (tmp_path / "m.npz").write_bytes(content.getvalue())
    refused(tmp_path / "m.npz", "a pickle.*never loaded")


def test_an_array_that_promises_more_than_it_holds(tmp_path):
    header = io.BytesIO()
    described = {"descr": "<f4", "fortran_order": False, "shape": (1 << 30, 1 << 20)}
    np.lib.format.write_array_header_1_0(header, described)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("layers/gru/cell/vars/0.npy", header.getvalue())
    files = {"config.json": members()["config.json"], "model.weights.npz": content.getvalue()}
    refused(kf.zipped(tmp_path / "m.keras", files), "promises")


# Descriptions


DESCRIPTIONS = {
    "nested without end": b"[" * 200_000,
    "a number without end": b"1" * 10_000,
    "cut short": b'{"class_name": "Sequential", ',
    "no text": b"\xff\xfe\xfd",
    "a list": b"[]",
    "nothing": b"",
    "without layers": b'{"class_name": "Sequential", "config": {"layers": []}}',
    "layers of text": b'{"class_name": "Sequential", "config": {"layers": "GRU"}}',
    "a layer of text": b'{"class_name": "Sequential", "config": {"layers": ["GRU"]}}',
    "a class that is a list": json.dumps(
        {"class_name": "Sequential", "config": {"layers": [{"class_name": [], "config": {}}]}}
    ).encode(),
    "layers without end": json.dumps(
        {
            "class_name": "Sequential",
            "config": {"layers": [{"class_name": "Dropout", "config": {}}] * 1001},
        }
    ).encode(),
}


@pytest.mark.parametrize("value", [10**400, [[[1]]] * 2], ids=["a long number", "nested"])
@pytest.mark.parametrize("place", ["inbound_nodes", "module", "config"])
def test_descriptions_that_are_too_large_in_some_place(value, place, tmp_path):
    if isinstance(value, list):
        for _ in range(400):
            value = [value]
    config = json.loads(members()["config.json"])
    config["config"]["layers"][1][place] = [{"args": [value], "kwargs": {}}]
    text = json.dumps(config).encode()
    path = kf.zipped(tmp_path / "m.keras", members() | {"config.json": text})
    refused(path, "nested too deep|whole number of 401 digits")


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_descriptions_of_nothing(name, tmp_path):
    path = kf.zipped(tmp_path / "m.keras", members() | {"config.json": DESCRIPTIONS[name]})
    refused(path, "JSON|describe|description|layer")


@pytest.mark.filterwarnings("ignore:.* is stateful")
@pytest.mark.parametrize("value", [None, True, 1e400, [], {"config": {}}])
def test_settings_of_any_type(value, tmp_path):
    config = json.loads(members()["config.json"])
    for layer in (0, 1, 2):
        own = config["config"]["layers"][layer]
        for key in own["config"]:
            changed = json.loads(json.dumps(config))
            changed["config"]["layers"][layer]["config"][key] = value
            path = kf.zipped(
                tmp_path / "m.keras",
                members() | {"config.json": json.dumps(changed).encode()},
            )
            with contextlib.suppress(ExchangeError):  # most settings do not matter
                read_keras(path)


@pytest.mark.parametrize(
    "name", ["../m_0.weights.h5", "/etc/passwd", "a/b.h5", "..\\b.h5", 3, None]
)
def test_shards_elsewhere(name, tmp_path):
    path = tmp_path / "m.weights.json"
    path.write_text(json.dumps({"weight_map": {"/layers/gru/cell/vars": name}}))
    refused(path, "no .h5 file beside the map")


def test_shards_that_are_links_or_missing_or_overlap(tmp_path, secret):
    path = kf.write_shards(tmp_path / "m.weights.json", parts())
    shard = tmp_path / "m_00001.weights.h5"
    first = (tmp_path / "m_00000.weights.h5").read_bytes()
    shard.unlink()
    with pytest.raises(FileNotFoundError):
        read_keras(path)
    shard.write_bytes(first)
    refused(path, "is in two shards")
    shard.unlink()
    shard.symlink_to(secret)
    refused(path, "is a link")
    for text in ("{}", '{"weight_map": []}', "{"):
        path.write_text(text)
        refused(path, "no map of shards|JSON")


@pytest.mark.parametrize(
    "ours",
    [
        [],
        {"classes": 3},
        {"classes": ["a"]},
        {"classes": ["a", "a", "b"]},
        {"classes": [[], {}, None]},
        {"feature_names": 3},
        {"feature_names": ["a", "a"]},
        {"tokens": 3},
    ],
)
def test_what_a_file_says_of_elman_may_be_forged(ours, tmp_path):
    text = json.dumps({"elman": ours}).encode()
    path = kf.zipped(tmp_path / "m.keras", members() | {"metadata.json": text})
    if isinstance(ours, dict) and "classes" not in ours:
        assert read_keras(path).classes_.tolist() == [0, 1, 2]
    else:
        refused(path, "classes|says")
