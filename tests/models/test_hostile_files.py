"""A model file is not trusted: its checksum is right, and whoever made it means harm."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import pty
import re
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
from helpers.cli_tools import run
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.data.readers import suffixes
from elman.formats import archive
from elman.formats.archive import ArchiveError
from elman.models.files import load

ESCAPE = "\x1b[2J\x1b]0;owned\x07"
rng = np.random.default_rng(5)
X = [rng.normal(size=(n, 2)).astype(np.float32) for n in (4, 1, 6, 3, 5)]
MAKERS = {
    "classifier": lambda: RNNClassifier(3, max_iter=2, random_state=0).fit(X, list("abbca")),
    "tagger": lambda: RNNTagger(3, max_iter=2, random_state=0).fit(
        X, [["p"] * (len(x) - 1) + ["q"] for x in X]
    ),
    "regressor": lambda: RNNRegressor(3, max_iter=2, random_state=0).fit(
        X, [float(len(x)) for x in X]
    ),
}


@pytest.fixture(params=MAKERS)
def kind(request):
    return request.param


def parts(kind, folder):
    """The arrays and the configuration of a whole file."""
    path = folder / "whole.safetensors"
    MAKERS[kind]().save(path)
    return archive.load(path)


def forged(folder, tensors, config):
    path = folder / "forged.safetensors"
    archive.save(path, tensors, config)
    return path


def refused(kind, path, message):
    classes = {"classifier": RNNClassifier, "tagger": RNNTagger, "regressor": RNNRegressor}
    for read in (load, classes[kind].load):
        with pytest.raises(ArchiveError, match=message):
            read(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e38, -3e38])
@pytest.mark.parametrize("name", ["recurrent0.W_h", "head.b"])
def test_weights_that_no_training_leaves(kind, name, value, tmp_path):
    tensors, config = parts(kind, tmp_path)
    tensors[name].flat[-1] = value
    refused(kind, forged(tmp_path, tensors, config), f"weights {name} hold NaN, infinity")


def test_no_file_is_written_that_could_not_be_read(kind, tmp_path):
    estimator = MAKERS[kind]()
    estimator.network_.params["head.b"][...] = 1e30
    with pytest.raises(ValueError, match="no file of them could be read back"):
        estimator.save(tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_no_model_takes_the_name_of_a_file_of_data(kind, tmp_path):
    estimator = MAKERS[kind]()
    for suffix in (*suffixes(), ".NPZ"):
        with pytest.raises(ValueError, match=r"suffix of files of data.*name the model m\.safet"):
            estimator.save(tmp_path / f"m{suffix}")
    assert not any(tmp_path.iterdir())
    for name in ("m", "m.safetensors", "m.elman", "m.npz.old"):
        estimator.save(tmp_path / name)
        assert type(estimator).load(tmp_path / name).n_features_in_ == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_size", 60_000),
        ("n_layers", 3),
        ("cell", "lstm"),
        ("activation", "relu"),
        ("layer_norm", True),
        ("bidirectional", True),
        ("learn_initial_state", True),
    ],
)
def test_parameters_of_another_network(kind, name, value, tmp_path):
    """A later fit would make that network, of whatever size, with the file's word for it."""
    tensors, config = parts(kind, tmp_path)
    config["parameters"][name] = value
    refused(kind, forged(tmp_path, tensors, config), "among the hyper-parameters and")


def test_parameters_changed_after_training_are_not_saved(kind, tmp_path):
    estimator = MAKERS[kind]().set_params(hidden_size=20)
    with pytest.raises(ValueError, match=r"hidden_size is \(20,\) .* \(3,\) .* fit again before"):
        estimator.save(tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []
    estimator.set_params(hidden_size=3, dropout=0.5, max_iter=7).save(
        tmp_path / "model.safetensors"
    )


@pytest.mark.parametrize("name", ["hidden_size", "layer_norm", "n_layers"])
def test_a_size_that_the_parameters_leave_out_is_that_of_the_network(kind, name, tmp_path):
    tensors, config = parts(kind, tmp_path)
    del config["parameters"][name]
    estimator = type(MAKERS[kind]()).load(forged(tmp_path, tensors, config))
    estimator.save(tmp_path / "again.safetensors")
    assert load(tmp_path / "again.safetensors").parameters["hidden_size"] in (3, [3], (3,))


@pytest.mark.parametrize("name", ["checkpoint", "on_epoch"])
@pytest.mark.parametrize("value", ["/tmp/elsewhere", None])
def test_paths_and_functions_are_not_taken_from_a_file(kind, name, value, tmp_path):
    tensors, config = parts(kind, tmp_path)
    config["parameters"][name] = value
    refused(kind, forged(tmp_path, tensors, config), f"'{name}', which no file may set")


@pytest.mark.parametrize("value", [True, 2.0, "3", None, 0, -1, 10**30])
@pytest.mark.parametrize("name", ["n_classes", "n_features", "hidden_size", "n_layers"])
def test_sizes_that_are_none(kind, name, value, tmp_path):
    tensors, config = parts(kind, tmp_path)
    config["network"][name] = value
    refused(kind, forged(tmp_path, tensors, config), "does not describe")


@pytest.mark.parametrize("kind", ["classifier", "tagger"])
def test_labels_far_wider_than_their_texts(kind, tmp_path):
    """200,000 labels of 16,000 characters' width would take 12 GB; their texts take 1 MB."""
    tensors, config = parts(kind, tmp_path)
    n = 200_000
    config["network"]["n_classes"] = n
    config["classes"] = {"dtype": "<U16000", "labels": [f"{i:06}" for i in range(n)]}
    tensors["head.W"] = np.zeros((3, n), np.float32)
    tensors["head.b"] = np.zeros(n, np.float32)
    path = forged(tmp_path, tensors, config)
    tracemalloc.start()
    refused(kind, path, "shorten the longest ones")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * path.stat().st_size + (64 << 20)


@pytest.mark.parametrize("kind", ["classifier", "tagger"])
@pytest.mark.parametrize(
    "labels", [[{}, {}, {}], [["a"], ["b"], ["c"]], "abc", [None, None, None], ["c", "b", "a"]]
)
def test_labels_that_are_none(kind, labels, tmp_path):
    tensors, config = parts(kind, tmp_path)
    config["classes"] = {"dtype": "|O", "labels": labels}
    refused(kind, forged(tmp_path, tensors, config), "does not describe")


@pytest.mark.parametrize("unit", ["[],", "{},", '"",', "0,", "[[],[]],"])
def test_memory_stays_near_the_size_of_the_file(unit, tmp_path):
    """Millions of empty lists take twenty times their text once they are parsed."""
    tensors, config = parts("classifier", tmp_path)
    config["more"] = 0
    whole = forged(tmp_path, tensors, config)
    text = json.dumps(config, sort_keys=True)
    body = "[" + (unit * (9_000_000 // len(unit))).rstrip(",") + "]"
    text = text.replace('"more": 0', f'"more": {body}')
    header = {"__metadata__": {"format": "elman", "format_version": "2", "config": text}}
    header["__metadata__"]["sha256"] = archive._digest(text, tensors, "2")
    start, chunks = 0, []
    for name, array in sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])):
        described = {"dtype": archive.CODES[array.dtype], "shape": list(array.shape)}
        header[name] = described | {"data_offsets": [start, start + array.nbytes]}
        start += array.nbytes
        chunks.append(array.tobytes())
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    whole.write_bytes(len(encoded).to_bytes(8, "little") + encoded + b"".join(chunks))
    del text, body, header, encoded, chunks
    tracemalloc.start()
    with contextlib.suppress(ArchiveError):  # whether it is refused does not matter here
        load(whole)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * whole.stat().st_size + (64 << 20)


@pytest.mark.parametrize(
    "change",
    [
        {"stopped_by": ESCAPE},
        {"stopped_by": None},
        {"best_epoch": 99},
        {"best_epoch": -1},
        {"best_epoch": True},
        {"loss": [1.0, float("nan")]},
        {"loss": [1.0, float("inf")]},
        {"loss": [1.0, "0.5"]},
        {"loss": [True, False]},
        {"loss": [1.0]},
        {"epoch": [1.5, 2.5]},
        {"spectral_radius": [{"recurrent0": "1"}, None]},
        {"spectral_radius": [[], []]},
        {ESCAPE: []},
    ],
    ids=str,
)
def test_a_history_that_no_training_writes(kind, change, tmp_path):
    tensors, config = parts(kind, tmp_path)
    config["history"] |= change
    path = forged(tmp_path, tensors, config)
    refused(kind, path, "does not describe")
    with pytest.raises(ArchiveError) as error:
        load(path)
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize(
    "columns",
    [
        [],
        "run",
        {"weight": "w"},
        {"id": 3},
        {"id": []},
        {"target": ["a", None]},
        {"time": "t", "time_delta": 1},
        {"time_delta": True},
        {"text": ["a"]},
        {"text": 1},
        {"categorical_features": []},
        {"categorical_features": [1]},
        {"categorical_features": {"a": "text"}},
        {"timestamps": "features"},
        {"timestamps": ["order"]},
        {"timestamps": True},
    ],
    ids=repr,
)
def test_columns_that_no_training_remembers(kind, columns, tmp_path):
    tensors, config = parts(kind, tmp_path)
    config["columns"] = columns
    refused(kind, forged(tmp_path, tensors, config), "does not describe")


def test_answers_are_never_nan_in_silence(tmp_path):
    """Weights and values that are numbers, of which a relu network makes something that is none."""
    classifier = RNNClassifier(
        3, activation="relu", readout="last", standardize=False, max_iter=1, random_state=0
    ).fit(X, list("abbca"))
    for name in ("recurrent0.W_x", "recurrent0.W_h"):
        classifier.network_.params[name][...] = 1e15
    classifier.save(tmp_path / "model.safetensors")
    again = RNNClassifier.load(tmp_path / "model.safetensors")
    samples = [np.zeros((2, 2), np.float32), np.full((6, 2), 1e9, np.float32)]
    assert np.isfinite(again.predict_proba(samples[:1])).all()
    for ask in (again.predict, again.predict_proba, again.decision_function):
        with pytest.raises(ValueError, match=r"answer to X\[1\] is NaN or infinite"):
            ask(samples)
    for ask in (again.predict_proba_over_time, again.predict_early):
        with pytest.raises(ValueError, match=r"answer to X\[1\], time step 1, is NaN or infinite"):
            ask(samples)


def on_a_terminal(*arguments):
    """What the command writes to a terminal, with all that a terminal would obey."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "elman", *map(str, arguments)]
    with subprocess.Popen(command, stdout=follower, stderr=follower, stdin=follower) as process:
        os.close(follower)
        written = b""
        while True:
            try:
                block = os.read(leader, 4096)
            except OSError:  # the other end is closed
                break
            if not block:
                break
            written += block
    os.close(leader)
    return process.returncode, written.decode()


def test_no_text_of_a_file_is_obeyed_by_a_terminal(tmp_path):
    """Labels hold escape codes; a terminal is shown them, and a pipe gets them as they are."""
    from elman.data import write_npz

    labels = np.array([f"a{ESCAPE}", "b", "b", "c\u202e", f"a{ESCAPE}"])
    RNNClassifier(3, max_iter=1, random_state=0).fit(X, labels).save(tmp_path / "model.safetensors")
    write_npz(tmp_path / "data.npz", X, labels)
    model, data = tmp_path / "model.safetensors", tmp_path / "data.npz"
    colours = re.compile(r"\x1b\[[0-9;]*m")  # rich's own, for bold and colours
    for arguments in (("inspect", model), ("evaluate", model, data), ("predict", model, data)):
        code, written = on_a_terminal(*arguments)
        assert code == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(colours.sub("", written))
        if arguments[0] != "predict":  # which need not answer with every label
            assert "owned" in written


@pytest.mark.parametrize(
    "place", ["kind", "classes", "parameters", "history", "network", "columns"]
)
def test_error_messages_show_no_text_of_a_file_as_it_is(place, tmp_path, capsys):
    tensors, config = parts("classifier", tmp_path)
    changed = {
        "kind": ESCAPE,
        "classes": {"dtype": ESCAPE, "labels": []},
        "parameters": {ESCAPE: 1},
        "history": {ESCAPE: 1},
        "network": {ESCAPE: 1},
        "columns": {ESCAPE: 1},
    }
    config[place] = changed[place]
    path = forged(tmp_path, tensors, config)
    code, _, err = run(capsys, "inspect", path)
    assert code == 2
    assert "\x1b" not in err
    assert "\x07" not in err


# Whatever else may be in a configuration

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**20),
    st.floats(),
    st.text(max_size=4),
    st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers(0, 3), max_size=2),
)


def places(config):
    """Every place in a configuration, as the keys that lead there."""
    for key, value in config.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *rest) for rest in places(value))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return {kind: parts(kind, folder) for kind in MAKERS}


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_any_change_is_refused_or_harmless(whole, tmp_path_factory, data):
    """A changed file is an ArchiveError, or an estimator that works; there is no third way."""
    kind = data.draw(st.sampled_from([*MAKERS]))
    tensors, config = copy.deepcopy(whole[kind])
    for _ in range(data.draw(st.integers(1, 2))):
        *way, last = data.draw(st.sampled_from([*places(config)]))
        target = config
        for key in way:
            target = target[key] if isinstance(target, dict) and key in target else {}
        if isinstance(target, dict):
            if data.draw(st.booleans()):
                target.pop(last, None)
            else:
                target[last] = data.draw(ODD)
    path = forged(tmp_path_factory.mktemp("changed"), tensors, config)
    classes = {"classifier": RNNClassifier, "tagger": RNNTagger, "regressor": RNNRegressor}
    try:
        estimator = classes[kind].load(path)
    except ArchiveError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.predict(X)
        estimator.hidden_states(X)
        repr(estimator)
        repr(estimator.history_)
        clone(estimator)
        if not estimator.bidirectional:
            estimator.stream().step(X[0][0])
        estimator.save(path)
        classes[kind].load(path)


@pytest.mark.parametrize("kind", ["classifier", "tagger"])
@pytest.mark.parametrize(
    "dtype", ["(1,", "f8,(", "i4,i4", "float128", "M8[s]", "U" * 100_000, 8, None]
)
def test_types_of_labels_that_are_none(kind, dtype, tmp_path):
    tensors, config = parts(kind, tmp_path)
    config["classes"] = {"dtype": dtype, "labels": ["a", "b", "c"]}
    path = forged(tmp_path, tensors, config)
    refused(kind, path, "does not describe")
    with pytest.raises(ArchiveError) as error:
        load(path)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize("change", [{"loss": [None, None]}, {"loss": []}, {"seconds": [1.0, None]}])
def test_a_history_without_what_every_epoch_has(kind, change, tmp_path):
    tensors, config = parts(kind, tmp_path)
    config["history"] |= change
    refused(kind, forged(tmp_path, tensors, config), "does not describe")


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("learning_rate", "set", -1),
        ("learning_rate", "set", "x"),
        ("learning_rate", "set", float("inf")),
        ("best", "low_loss", None),
        ("best", "key", ["x"]),
        ("best", "more", 1),
        ("optimizer", "n_steps", -1),
        ("optimizer", "n_steps", "x"),
        ("shuffling", "state", 3),
    ],
)
def test_a_state_that_no_training_writes(part, name, value, tmp_path):
    """A folder of checkpoints may have been forged as well; the fit says so and trains nothing."""
    clf = RNNClassifier(
        3, max_iter=3, random_state=0, checkpoint=tmp_path, on_epoch=lambda e: e.epoch == 2
    )
    clf.fit(X, list("abbca"))
    (newest,) = tmp_path.glob("epoch-000002.*")
    for other in tmp_path.glob("epoch-*"):
        if other != newest:
            other.unlink()
    tensors, config = archive.load(newest)
    config["training"]["finished"] = False
    config["training"]["parts"][part][name] = value
    archive.save(newest, tensors, config)
    again = clone(clf).set_params(on_epoch=None)
    with pytest.raises(ValueError, match="not one of this training"):
        again.fit(X, list("abbca"))
    assert not hasattr(again, "model_")


@pytest.mark.parametrize(
    "change", [{"finished": "x"}, {"parts": None}, {"parts": [3]}, {"entropy": "x"}]
)
def test_a_checkpoint_that_is_none(change, tmp_path):
    clf = RNNClassifier(3, max_iter=1, random_state=0, checkpoint=tmp_path).fit(X, list("abbca"))
    for path in tmp_path.glob("epoch-*"):
        tensors, config = archive.load(path)
        config["training"] |= change
        archive.save(path, tensors, config)
    with pytest.raises(ValueError, match="holds no state to go on from"):
        clone(clf).fit(X, list("abbca"))


def read_all(stream, steps):
    for step in steps:
        stream.step(step)


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor, RNNTagger])
def test_a_stream_gives_no_answer_that_is_no_number(estimator, backend):
    y = {RNNClassifier: list("abbca"), RNNRegressor: [0.5, 1.0, -2.0, 4.0, 3.5]}.get(
        estimator, [list("abcabc")[: len(x)] for x in X]
    )
    model = estimator(
        hidden_size=4,
        activation="relu",
        standardize=False,
        max_iter=1,
        random_state=0,
        backend=backend,
    ).fit(X, y)
    stream = model.stream()
    with pytest.raises(ValueError, match="answer to the steps so far is NaN or infinite"):
        read_all(stream, np.full((3, 2), 3e38, np.float32))
    for ask in (stream.predict, stream.answer):
        with pytest.raises(ValueError, match="answer to the steps so far is NaN or infinite"):
            ask()
    first = model.stream().step(np.zeros(2))
    np.testing.assert_array_equal(stream.reset().step(np.zeros(2)), first)


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("readout", ["last", "mean", "max", "attention"])
def test_one_stream_of_several_that_overflows_is_named(readout, backend):
    model = RNNClassifier(
        4,
        activation="relu",
        standardize=False,
        readout=readout,
        max_iter=1,
        random_state=0,
        backend=backend,
    ).fit(X, list("abbca"))
    steps = np.random.default_rng(1).normal(size=(5, 3, 2)).astype(np.float32)
    streams, alone = model.stream(3), model.stream()
    streams.step(steps[0])
    steps[1:4, 1] = 3e38
    with pytest.raises(ValueError, match="so far of stream 1 is NaN or infinite"):
        read_all(streams, steps[1:4])
    n_read = int(streams.n_steps[2])
    answers = streams.reset(1).step(steps[4])
    for step in [*steps[:n_read, 2], steps[4, 2]]:
        expected = alone.step(step)
    np.testing.assert_array_equal(answers[2], expected)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_hidden_state_that_is_no_number_is_named(backend):
    model = RNNClassifier(
        4, activation="relu", standardize=False, max_iter=1, random_state=0, backend=backend
    ).fit(X, list("abbca"))
    far = [x.copy() for x in X]
    far[3][1:] = 3.4e38
    with pytest.raises(
        ValueError, match=r"hidden state at X\[3\], time step [12], is NaN or infinite"
    ):
        model.hidden_states(far)


@pytest.mark.parametrize("readout", ["last", "mean", "max", "attention", ("attention", "max")])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_state_that_no_stream_has(readout, bad):
    model = RNNClassifier(4, readout=readout, max_iter=1, random_state=0).fit(X, list("abbca"))
    stream = model.stream(2)
    before = stream.state
    stream.state = before  # the largest so far is -inf before the first step
    stream.step(X[0][:2])
    now = stream.state
    for name, array in now.items():
        if array.dtype.kind != "f":
            continue
        forged = {other: values.copy() for other, values in now.items()}
        forged[name][1] = bad
        with pytest.raises(ValueError, match=rf"state\['{name}'\]\[1.*is {bad}"):
            stream.state = forged
        for other, values in stream.state.items():
            np.testing.assert_array_equal(values, now[other])


@pytest.mark.parametrize(
    ("suffix", "said"),
    [
        (".onnx", "nothing comes back from it"),
        (".keras", "read_keras reads it"),
        (".h5", "read_keras reads it"),
        (".pt", "from_state_dict reads it"),
        (".PTH", "from_state_dict reads it"),
    ],
)
def test_a_file_of_another_framework_is_told_from_a_damaged_one(tmp_path, suffix, said):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ArchiveError, match=said):
        load(path)
