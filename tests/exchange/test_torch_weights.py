"""Our weights under PyTorch's names and back, as mappings and files; without PyTorch."""

from __future__ import annotations

import json
import struct
import sys

import numpy as np
import pytest
from helpers.explained import MODELS, NETWORKS, classifier, recordings, small
from helpers.symbol_fits import DATA
from helpers.symbol_fits import KINDS as OF_SYMBOLS
from safetensors.numpy import load_file, save_file

import elman
from elman import RNNClassifier
from elman.exchange import (
    ExchangeError,
    from_state_dict,
    from_torch,
    save_state_dict,
    to_state_dict,
    to_torch,
)
from elman.exchange.torch import reasons_against
from elman.exchange.torch.names import from_torch_names, to_torch_names, torch_shapes
from elman.nn.layout import Layout
from elman.nn.network import Network

X = [*recordings(), np.zeros((0, 3))]
LAYOUTS = {
    "elman": {},
    "gru": {"hidden_sizes": (4, 4), "bidirectional": True},
    "lstm": {"learn_initial_state": True, "readout": ("attention", "last")},
    "residual": {"hidden_sizes": (4, 4), "residual": True},
    "of two sizes": {"hidden_sizes": (4, 6), "bidirectional": True},
    "categories": {"categories": ((5, 2), (3, 0)), "n_features": 4},
    "every": {"readout": "every"},
    "normed": {"hidden_sizes": (4, 4), "bidirectional": True},
}


@pytest.fixture(autouse=True)
def one_backend(monkeypatch):
    """The same for a model and for what comes back, which does not keep the user's choice."""
    monkeypatch.setenv("ELMAN_BACKEND", "reference")


def drawn(name, dtype=np.float64):
    """A network whose every weight is another number."""
    from elman.backends.cells import Cell

    cell = Cell(name if name in ("gru", "lstm") else "elman", layer_norm=name == "normed")
    options = {"n_features": 3, "hidden_sizes": (4,), "n_outputs": 5} | LAYOUTS[name]
    network = Network.initialised(
        Layout(**options, cell=cell), rng=np.random.default_rng(0), dtype=dtype
    )
    network.params.flat[:] = np.arange(1.0, 1 + network.params.flat.size)
    return network


def same_answers(one, other):
    ask = "predict_proba" if hasattr(one, "predict_proba") else "predict"
    pairs = zip(getattr(one, ask)(X), getattr(other, ask)(X), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


class TestNames:
    @pytest.mark.parametrize("name", LAYOUTS)
    def test_there_and_back_to_the_bit(self, name):
        network = drawn(name)
        state = to_torch_names(network.layout, network.params)
        assert {key: array.shape for key, array in state.items()} == torch_shapes(network.layout)
        back = from_torch_names(network.layout, state)
        assert state == {}
        assert list(back) == list(network.params)
        assert all(np.array_equal(back[key], network.params[key]) for key in back)

    def test_names_of_a_stack_in_two_directions(self):
        network = drawn("gru")
        names = list(to_torch_names(network.layout, network.params))
        ends = [f"_l{k}{end}" for k in (0, 1) for end in ("", "_reverse")]
        parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        expected = [f"rnn.{part}{end}" for end in ends for part in parts]
        assert names == [*expected, "head.weight", "head.bias"]

    def test_what_a_module_cannot_be_is_several(self):
        for name in ("residual", "of two sizes", "normed"):
            layout = drawn(name).layout
            names = [*torch_shapes(layout)]
            assert {"rnn.0.weight_ih_l0", "rnn.1.weight_hh_l0"} <= set(names)
            assert ("rnn.1.gain_l0_reverse" in names) == (name == "normed")
            assert ("rnn.1.bias_hh_l0" in names) == (name != "normed")

    def test_what_pytorch_has_no_module_for(self):
        names = [*torch_shapes(drawn("lstm").layout)]
        assert {"initial_l0", "attention.query"} <= set(names)
        names = [*torch_shapes(drawn("categories").layout)]
        assert [name for name in names if "embedding" in name] == ["embedding.0.weight"]

    def test_the_bias_of_a_gru(self):
        network = drawn("gru")
        b = network.params["recurrent0.b"]
        state = to_torch_names(network.layout, network.params)
        assert np.array_equal(state["rnn.bias_ih_l0"], b[:12])
        assert np.array_equal(state["rnn.bias_hh_l0"], [*np.zeros(8), *b[12:]])

    def test_two_biases_are_added(self):
        network = drawn("lstm")
        state = to_torch_names(network.layout, network.params)
        state["rnn.bias_hh_l0"] += 0.25
        back = from_torch_names(network.layout, state)
        assert np.array_equal(back["recurrent0.b"], network.params["recurrent0.b"] + 0.25)


class TestStateDicts:
    @pytest.mark.parametrize("kind", MODELS)
    def test_a_file_gives_the_model_back(self, kind, tmp_path):
        fitted = MODELS[kind](deltas=1, stride=2, scale_each=True, cell="gru")
        save_state_dict(fitted, tmp_path / "weights.safetensors")
        again = from_state_dict(tmp_path / "weights.safetensors")
        assert type(again) is type(fitted)
        assert same_answers(fitted, again)
        state = to_state_dict(fitted)
        stored = load_file(tmp_path / "weights.safetensors")
        assert stored.keys() == state.keys()
        assert all(np.array_equal(stored[name], state[name]) for name in state)
        assert same_answers(from_state_dict(state, like=fitted), fitted)

    @pytest.mark.parametrize("network", NETWORKS)
    def test_networks(self, network, tmp_path):
        fitted = classifier(**NETWORKS[network])
        save_state_dict(fitted, tmp_path / "weights.safetensors")
        assert same_answers(from_state_dict(tmp_path / "weights.safetensors"), fitted)
        assert reasons_against(fitted.model_) == []

    @pytest.mark.parametrize("form", DATA)
    @pytest.mark.parametrize("kind", OF_SYMBOLS)
    def test_symbols(self, kind, form, tmp_path):
        fitted = OF_SYMBOLS[kind](form, embedding_size=2)
        save_state_dict(fitted, tmp_path / "weights.safetensors")
        again = from_state_dict(tmp_path / "weights.safetensors")
        pairs = zip(again.predict(DATA[form]()), fitted.predict(DATA[form]()), strict=True)
        assert all(np.array_equal(one, other) for one, other in pairs)
        one, other = (each.model_.describe() for each in (again, fitted))
        assert one[0] == other[0]

    def test_a_path_and_a_model_are_as_good(self, tmp_path):
        fitted = classifier()
        fitted.save(tmp_path / "model.safetensors")
        for given in (tmp_path / "model.safetensors", fitted.model_):
            state = to_state_dict(given)
            assert all(np.array_equal(state[k], v) for k, v in to_state_dict(fitted).items())
            assert same_answers(from_state_dict(state, like=given), fitted)

    def test_what_comes_back_is_saved_and_trained(self, tmp_path):
        again = from_state_dict(to_state_dict(classifier()), like=classifier())
        again.save(tmp_path / "model.safetensors")
        assert same_answers(elman.load(tmp_path / "model.safetensors"), again)
        before = again.predict_proba(X)
        again.partial_fit(recordings(), ["no", "yes", "why", "no", "yes", "why", "no"])
        assert not np.array_equal(again.predict_proba(X), before)

    def test_the_same_model_gives_the_same_bytes(self, tmp_path):
        fitted = classifier()
        for name in ("a.safetensors", "b.safetensors"):
            save_state_dict(fitted, tmp_path / name)
        assert (tmp_path / "a.safetensors").read_bytes() == (
            tmp_path / "b.safetensors"
        ).read_bytes()

    def test_a_person_reads_the_metadata(self, tmp_path):
        fitted = small(RNNClassifier, cell="lstm", readout=("mean", "max"), missing="mask")
        fitted.fit(recordings(), np.array([5, 7, 5, 7, 5, 7, 5]))
        save_state_dict(fitted, tmp_path / "weights.safetensors")
        said = json.loads(metadata_of(tmp_path / "weights.safetensors")["elman"])
        assert said["model"]["network"]["cell"] == "lstm"
        assert said["model"]["network"]["readout"] == ["mean", "max"]
        assert said["model"]["missing"] == "mask"
        assert said["arrays"]["classes"]["values"] == [5, 7]

    def test_another_suffix_is_refused(self, tmp_path):
        with pytest.raises(ExchangeError, match=r"weights\.pt: the suffix"):
            save_state_dict(classifier(), tmp_path / "weights.pt")
        assert not list(tmp_path.iterdir())

    def test_without_pytorch(self, monkeypatch, tmp_path):
        import elman.exchange.torch.module as module

        module._module_class.cache_clear()
        monkeypatch.setitem(sys.modules, "torch", None)
        with pytest.raises(ImportError, match="pip install torch"):
            to_torch(classifier())
        (tmp_path / "net.pt").write_bytes(b"PK")
        with pytest.raises(ImportError, match=r"net\.pt.*not installed(.|\n)*save_file"):
            from_state_dict(tmp_path / "net.pt", readout="last")
        with pytest.raises(TypeError, match="made, and got a dict"):
            from_torch({})


class TestWhatDoesNotFit:
    def test_tensors_that_are_missing_left_over_or_of_another_shape(self):
        fitted = classifier(cell="gru", standardize=True)
        state = to_state_dict(fitted)
        for name in state:
            with pytest.raises(ExchangeError, match=name.replace(".", r"\.")):
                from_state_dict({k: v for k, v in state.items() if k != name}, like=fitted)
            with pytest.raises(ExchangeError, match=name.replace(".", r"\.")):
                from_state_dict(state | {name: state[name][:-1]}, like=fitted)
            with pytest.raises(ExchangeError, match=rf"{name} holds NaN".replace(".", r"\.")):
                from_state_dict(state | {name: state[name] * np.nan}, like=fitted)
        with pytest.raises(ExchangeError, match=r"rnn\.weight_ih_l1.*no place"):
            from_state_dict(state | {"rnn.weight_ih_l1": np.ones((3, 3))}, like=fitted)

    def test_other_types(self):
        fitted = classifier(dtype="float32")
        state = to_state_dict(fitted)
        for dtype in ("float16", "int64"):
            bad = state | {"head.bias": state["head.bias"].astype(dtype)}
            with pytest.raises(ExchangeError, match=rf"head\.bias is {dtype}"):
                from_state_dict(bad, like=fitted)
        mixed = state | {"head.bias": state["head.bias"].astype("f8")}
        with pytest.raises(ExchangeError, match=r"float32, and head\.bias is float64"):
            from_state_dict(mixed, like=fitted)
        wide = {name: array.astype("f8") for name, array in state.items()}
        assert from_state_dict(wide, like=fitted).get_params()["dtype"] == "float64"

    def test_arguments_that_the_file_has_already(self, tmp_path):
        save_state_dict(classifier(), tmp_path / "weights.safetensors")
        for more in ({"readout": "last"}, {"classes": [1, 2, 3]}, {"task": "tag"}):
            with pytest.raises(ExchangeError, match=f"{next(iter(more))}: the file says it"):
                from_state_dict(tmp_path / "weights.safetensors", **more)

    def test_a_model_file_is_no_state_dict(self, tmp_path):
        classifier().save(tmp_path / "model.safetensors")
        with pytest.raises(ExchangeError, match=r"elman\.load reads it"):
            from_state_dict(tmp_path / "model.safetensors")


def metadata_of(path):
    content = path.read_bytes()
    (n,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + n])["__metadata__"]


@pytest.fixture
def written(tmp_path):
    """A file, its tensors, and what its metadata say."""
    path = tmp_path / "weights.safetensors"
    save_state_dict(OF_SYMBOLS["classifier"]("tokens", embedding_size=2), path)
    return path, load_file(path), json.loads(metadata_of(path)["elman"])


class TestHostileFiles:
    def test_every_cut_and_every_flipped_byte_of_the_header(self, written):
        path, _, _ = written
        whole = path.read_bytes()
        rng = np.random.default_rng(0)
        for n in rng.integers(0, len(whole), 40):
            path.write_bytes(whole[:n])
            with pytest.raises(ExchangeError, match=r"weights\.safetensors"):
                from_state_dict(path)
        refused = 0
        n_header = int.from_bytes(whole[:8], "little")
        for at in rng.integers(0, n_header, 200):
            content = bytearray(whole)
            content[at] ^= 1 << int(rng.integers(8))
            path.write_bytes(content)
            try:
                found = from_state_dict(path)
            except ExchangeError:
                refused += 1
            else:
                assert np.isfinite(found.predict_proba(DATA["tokens"]())).all()
        assert refused > 100

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (("version",), 2),
            (("version",), None),
            (("arrays",), []),
            (("model",), None),
            (("model", "kind"), "os.system"),
            (("model", "kind"), ["RNNClassifier"]),
            (("model", "network"), None),
            (("model", "network", "hidden_size"), 10**12),
            (("model", "network", "hidden_size"), -3),
            (("model", "network", "n_layers"), 10**12),
            (("model", "network", "n_classes"), 10**9),
            (("model", "network", "cell"), "gru"),
            (("model", "network", "readout"), "every"),
            (("model", "network", "readout"), "mean and more"),
            (("model", "network", "categories"), [[10**9, 2]]),
            (("model", "missing"), "perhaps"),
            (("model", "n_features_in"), 7),
            (("model", "symbols"), None),
            (("model", "symbols", "form"), "characters"),
            (("arrays", "symbols0.counts"), {"dtype": "O", "values": [1]}),
            (("arrays", "symbols0.counts"), {"dtype": "<i8", "values": "abc"}),
            (("arrays", "symbols0.counts"), {"dtype": "<i8", "values": [2**70]}),
            (("arrays", "symbols0.counts"), {"dtype": "<i8", "shape": [10**12], "base64": ""}),
            (("arrays", "symbols0.counts"), {"dtype": "<i8", "shape": [1], "base64": "??"}),
            (("arrays", "symbols0.counts"), 3),
            (("arrays", "more"), {"dtype": "<i8", "values": [1]}),
        ],
    )
    def test_a_forged_description(self, written, place, value):
        path, tensors, said = written
        inner = said
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        save_file(tensors, path, metadata={"elman": json.dumps(said)})
        with pytest.raises(ExchangeError, match=r".{10}"):
            from_state_dict(path)

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "null", "[" * 100_000, "[" + "[]," * 9_000_000 + "[]]"]
    )
    def test_a_description_that_is_none(self, written, text):
        path, tensors, _ = written
        save_file(tensors, path, metadata={"elman": text})
        with pytest.raises(ExchangeError, match="the description"):
            from_state_dict(path)

    def test_what_is_no_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="no such file"):
            from_state_dict(tmp_path / "none.safetensors")
        (tmp_path / "folder.safetensors").mkdir()
        with pytest.raises(ExchangeError, match="not a regular file"):
            from_state_dict(tmp_path / "folder.safetensors")
        (tmp_path / "weights.h5").write_bytes(b"")
        with pytest.raises(ExchangeError, match="suffix"):
            from_state_dict(tmp_path / "weights.h5")
