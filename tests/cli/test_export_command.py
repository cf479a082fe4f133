"""`elman export` writes what its options say, refuses what makes no sense, and harms no file."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from helpers.cli_tools import run

from elman import RNNClassifier
from elman.data import write_npz
from elman.exchange.roads import ROADS


def recordings():
    rng = np.random.default_rng(5)
    X = [rng.normal(size=(n, 2)) for n in (4, 1, 3, 5, 2, 6, 3)]
    return X, np.array(["yes" if x[0, 0] > 0 else "no" for x in X])


@pytest.fixture
def folder(tmp_path):
    X, y = recordings()
    RNNClassifier(3, max_iter=2, deltas=0, random_state=0).fit(X, y).save(
        tmp_path / "m.safetensors"
    )
    write_npz(tmp_path / "data.npz", X, y)
    return tmp_path


def normed(folder, **settings):
    """A model that some of the roads refuse."""
    path = folder / "other.safetensors"
    settings = {"layer_norm": True, "max_iter": 1, "random_state": 0, "deltas": 0} | settings
    RNNClassifier(3, **settings).fit(*recordings()).save(path)
    return path


def test_onnx_answers_like_the_model(folder, capsys):
    import onnxruntime

    for arguments in ((), ("--numbers",)):
        code, out, err = run(
            capsys, "export", folder / "m.safetensors", folder / "m.onnx", "--force", *arguments
        )
        assert (code, err) == (0, "")
        assert f"wrote {folder}" in out.replace("\n", "")
        session = onnxruntime.InferenceSession(folder / "m.onnx")
        X, _ = recordings()
        padded = np.zeros((len(X), 6, 2), np.float32)
        for row, x in zip(padded, X, strict=True):
            row[: len(x)] = x
        lengths = np.array([len(x) for x in X], np.int32)
        found = session.run(["label"], {"X": padded, "lengths": lengths})[0]
        expected = RNNClassifier.load(folder / "m.safetensors").predict(X)
        if arguments:
            expected = (expected == "yes").astype(int)
        assert found.tolist() == expected.tolist()


def test_onnx_without_lengths_reads_all_of_a_batch(folder, capsys):
    import onnxruntime

    path = folder / "m.onnx"
    code, _, err = run(
        capsys, "export", folder / "m.safetensors", path, "--numbers", "--no-lengths"
    )
    assert (code, err) == (0, "")
    session = onnxruntime.InferenceSession(path)
    assert [each.name for each in session.get_inputs()] == ["X"]
    X = np.random.default_rng(3).normal(size=(5, 4, 2)).astype(np.float32)
    expected = RNNClassifier.load(folder / "m.safetensors").predict(X)
    assert session.run(["label"], {"X": X})[0].tolist() == (expected == "yes").astype(int).tolist()


def test_every_way_at_once(folder, capsys):
    arguments = [folder / "m.keras", "--torch", folder / "w.safetensors", "--c", folder / "c"]
    arguments += ["--name", "swing", "--dtype", "float64", "--tests", folder / "data.npz"]
    code, out, err = run(capsys, "export", folder / "m.safetensors", *arguments)
    assert (code, err) == (0, "")
    assert "multiply-adds a step" in out
    made = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert made == [
        *("c/swing.c", "c/swing.h", "c/swing_test.c"),
        *("data.npz", "m.keras", "m.safetensors", "w.safetensors"),
    ]
    assert "double" in (folder / "c" / "swing.h").read_text()


def test_what_8_bits_change_is_told(folder, capsys):
    arguments = ["--c", folder, "--int8", "--check", folder / "data.npz"]
    code, out, _ = run(capsys, "export", folder / "m.safetensors", *arguments)
    assert code == 0
    assert "int8, over 7 answers" in " ".join(out.split())


def test_a_file_that_is_there_is_not_replaced_unasked(folder, capsys):
    for name, option in (("x.onnx", None), ("x.keras", None), ("x.safetensors", "--torch")):
        path = folder / name
        path.write_text("mine")
        asked = [path] if option is None else [option, path]
        code, _, err = run(capsys, "export", folder / "m.safetensors", *asked)
        assert code == 2
        assert "--force replaces it" in err
        assert path.read_text() == "mine"
    (folder / "model.c").write_text("mine")
    code, _, err = run(capsys, "export", folder / "m.safetensors", "--c", folder)
    assert code == 2
    assert "--force" in err
    assert (folder / "model.c").read_text() == "mine"


def test_the_model_itself_is_not_replaced(folder, capsys):
    path = folder / "m.safetensors"
    before = path.read_bytes()
    code, _, err = run(capsys, "export", path, "--torch", path, "--force")
    assert code == 2
    assert "is read by this command" in err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name what to write"),
        (["m.tflite"], "the suffix has to be .onnx or .keras"),
        (["folder"], "--c FOLDER"),
        (["w.pt"], "--torch FILE.safetensors"),
        (["--torch", "w.pt"], "name PyTorch's weights FILE.safetensors"),
        (["m.onnx", "--int8"], "--int8 is for --c FOLDER"),
        (["m.keras", "--stream"], "--stream is for MODEL.onnx"),
        (["--torch", "w.safetensors", "--no-lengths"], "--no-lengths is for MODEL.onnx"),
        (["--c", "c", "--check", "data.npz"], "give both"),
        (["--c", "c", "--name", "2x"], "2x"),
        (["--c", "c", "--name", ""], "--name is empty"),
        (["--c", "c", "--name", "switch"], "switch"),
    ],
)
def test_what_makes_no_sense_is_told(folder, capsys, monkeypatch, arguments, told):
    monkeypatch.chdir(folder)
    code, out, err = run(capsys, "export", "m.safetensors", *arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert sorted(p.name for p in folder.iterdir()) == ["data.npz", "m.safetensors"]


def test_a_road_that_is_closed_says_why_and_which_is_open(folder, capsys):
    path = normed(folder)
    code, _, err = run(capsys, "export", path, folder / "m.onnx")
    assert code == 2
    assert "ONNX: --layer-norm" in err
    assert "--c FOLDER" in err
    assert not (folder / "m.onnx").exists()


def test_nothing_is_written_where_one_of_several_ways_is_closed(folder, capsys):
    path = normed(folder)
    asked = [folder / "m.keras", "--torch", folder / "w.safetensors", "--c", folder / "c"]
    code, _, err = run(capsys, "export", path, *asked)
    assert code == 2
    assert "Keras: --layer-norm" in err
    assert not (folder / "w.safetensors").exists()
    assert not (folder / "c").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--name", "a b"], "a b"),
        (["--tests", "wide.npz"], "wide.npz has 3 features"),
        (["--tests", "nothing.npz"], "nothing.npz"),
        (["--int8", "--check", "wide.npz"], "wide.npz has 3 features"),
        (["--name", "mine"], "mine.c is there"),
    ],
)
def test_nothing_is_written_where_c_cannot_be(folder, capsys, monkeypatch, arguments, told):
    monkeypatch.chdir(folder)
    X, y = recordings()
    write_npz("wide.npz", [np.c_[x, x[:, 0]] for x in X], y)
    (folder / "mine.c").write_text("mine")
    before = sorted(folder.iterdir())
    asked = ["m.onnx", "--torch", "w.safetensors", "--c", ".", *arguments]
    code, out, err = run(capsys, "export", "m.safetensors", *asked)
    assert (code, out) == (2, "")
    assert told in err
    assert sorted(folder.iterdir()) == before


def test_weights_beyond_float32_go_out_as_float64(folder, capsys):
    clf = RNNClassifier(3, max_iter=1, deltas=0, dtype="float64", random_state=0).fit(*recordings())
    clf.model_.network.params["head.W"][0, 0] = 1e39
    clf.save(folder / "far.safetensors")
    code, _, err = run(capsys, "export", folder / "far.safetensors", "--c", folder / "c")
    assert code == 2
    assert "--dtype" in err
    asked = ["--c", folder / "c", "--dtype", "float64"]
    assert run(capsys, "export", folder / "far.safetensors", *asked)[0] == 0


def test_inspect_tells_which_ways_are_open(folder, capsys):
    path = normed(folder, bidirectional=True)
    out = run(capsys, "inspect", path)[1]
    assert "PyTorch, C99" in out
    told = json.loads(run(capsys, "inspect", path, "--json")[1])["exports"]
    assert list(told) == [road.name for road in ROADS]
    assert [name for name, reasons in told.items() if not reasons] == ["PyTorch", "C99"]
    assert "layer_norm" in told["ONNX"][0]
    assert any("bidirectional" in reason for reason in told["ONNX stream"])


def test_reasons_are_sentences(folder):
    path = normed(folder, bidirectional=True, readout="attention", missing="skip")
    model = RNNClassifier.load(path).model_
    for road in ROADS:
        for reason in road.reasons_against(model):
            assert reason[0].isupper() or "=" in reason.split()[0], reason
            assert reason.endswith("."), reason


def test_scikit_learn_is_not_imported(folder):
    program = (
        "import sys, elman.cli; "
        f"code = elman.cli.main(['export', {str(folder / 'm.safetensors')!r}, "
        f"{str(folder / 'm.onnx')!r}, '--c', {str(folder / 'c')!r}]); "
        "print(code, 'sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "0 False", done.stderr
