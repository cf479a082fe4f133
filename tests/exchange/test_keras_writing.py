"""Models of ours become .keras files whose layers give the same answers, or are refused."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace

import h5py
import numpy as np
import pytest
from helpers import keras_files as kf
from helpers import keras_models as km
from sklearn.pipeline import make_pipeline

import elman
from elman import SequenceScaler
from elman.backends.cells import Cell
from elman.data.frontend import Frontend
from elman.data.scaling import Standardisation
from elman.exchange import ExchangeError, read_keras, write_keras
from elman.exchange.keras import reasons_against

MODELS = km.models()
MASK_VALUE = -77.25


@pytest.mark.parametrize("name", MODELS)
def test_the_layers_written_give_our_answers(name, tmp_path):
    model, X = MODELS[name]
    path = tmp_path / "model.keras"
    write_keras(model, path, mask_value=MASK_VALUE)
    assert reasons_against(model) == []
    inputs = km.padded(model, X, MASK_VALUE)
    for i, own in enumerate(km.expected(model, X)):
        found = kf.graph_answers(path, **{key: array[i] for key, array in inputs.items()})
        found = found[: len(X[i])] if model.network.layout.at_every_step else found
        np.testing.assert_allclose(km.matching(found, own), own, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", sorted(name for name in MODELS if "tables" not in name))
def test_what_was_written_comes_back(name, tmp_path):
    model, X = MODELS[name]
    path = tmp_path / "model.keras"
    write_keras(model, path, mask_value=MASK_VALUE)
    again = read_keras(path)
    assert type(again).__name__ == model.kind
    assert again.missing == model.missing
    if name == "letters, one-hot":  # which Keras feeds as vectors
        assert again.network_.layout.categories == ((4, 4),)
    else:
        assert again.network_.layout == model.network.layout
        for key, array in model.network.params.items():
            np.testing.assert_array_equal(again.weights_[key], array.astype(np.float32), key)
    if hasattr(model, "classes"):
        np.testing.assert_array_equal(again.classes_, model.classes)
    for own, found in zip(km.expected(model, X), km.expected(again.model_, X), strict=True):
        np.testing.assert_allclose(found, own, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("missing", ["mask", "skip"])
def test_tokens_that_are_missing(missing, tmp_path):
    words = [["the", None, "sea"], ["sea"], ["a", "the"]]
    model = km.of_symbols(words, missing=missing)
    write_keras(model, tmp_path / "model.keras")
    again = read_keras(tmp_path / "model.keras")
    assert again.missing == missing
    for own, found in zip(km.expected(model, words), km.expected(again.model_, words), strict=True):
        np.testing.assert_allclose(found, own, atol=1e-6)


def test_tokens_that_are_unknown(tmp_path):
    words = [["the", "sea", "the"], ["sea", "rare"]]
    model = km.of_symbols(words, handle_unknown="error", min_frequency=2)
    write_keras(model, tmp_path / "model.keras")
    again = read_keras(tmp_path / "model.keras")
    asked = [["the", "rare"]]
    np.testing.assert_allclose(
        again.predict_proba(asked), np.array(km.expected(model, asked)), atol=1e-6
    )
    with pytest.raises(ValueError, match="'new', which is none of"):
        again.predict_proba([["the", "new"]])


def test_several_inputs_go_there_and_do_not_come_back(tmp_path):
    write_keras(MODELS["tables"][0], tmp_path / "model.keras")
    with pytest.raises(ExchangeError, match=r"'step' \(Concatenate\)"):
        read_keras(tmp_path / "model.keras")


@pytest.mark.parametrize("said", km.REFUSED)
def test_models_that_keras_s_layers_cannot_say(said, tmp_path):
    model = km.REFUSED[said]()
    assert [reason for reason in reasons_against(model) if reason.startswith(said)]
    with pytest.raises(ExchangeError, match=f"Keras cannot hold this RNNClassifier: {said}"):
        write_keras(model, tmp_path / "model.keras")
    assert not (tmp_path / "model.keras").exists()


FRONT_ENDS = {
    "deltas=1": {"deltas": 1, "delta_scale": np.ones((1, 2))},
    "stride=3": {"stride": 3},
    "scale_each=True": {"scale_each": True, "log_amplitude": km.Standardisation(km.MEAN, km.SCALE)},
}


@pytest.mark.parametrize("said", FRONT_ENDS)
def test_front_ends_are_refused_by_what_they_do(said, tmp_path):
    front = Frontend(**FRONT_ENDS[said])
    model = km.classifier(n_inputs=front.n_inputs(2, "error"), frontend=front)
    (reason,) = reasons_against(model)
    assert reason.startswith(f"{said}: ")
    with pytest.raises(ExchangeError, match=f"{said}: .* train with deltas=0, stride=1"):
        write_keras(model, tmp_path / "model.keras")


def test_several_reasons_at_once_and_one_of_several_settings():
    model = km.classifier(
        cell=Cell("gru", layer_norm=True), learn_initial_state=True, readout="attention"
    )
    assert len(reasons_against(model)) == 3
    both = replace(km.tagger(bidirectional=True), missing="skip")
    assert "states at steps that are left out" in reasons_against(both)[0]
    assert reasons_against(replace(km.tagger(), missing="skip")) == []


def test_the_file_is_one_that_keras_wrote_but_for_what_elman_keeps(tmp_path):
    path = tmp_path / "model.keras"
    model = km.classifier(bidirectional=True, feature_names=("p", "q"))
    write_keras(model, path)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
        metadata = json.loads(archive.read("metadata.json"))
        config = archive.read("config.json")
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
            paths = []
            file.visit(paths.append)
    assert metadata["elman"] == {
        "kind": "RNNClassifier",
        "missing": "error",
        "mask_value": -1e9,
        "classes": ["a", 'b"', "\u00e7"],
        "feature_names": ["p", "q"],
    }
    modules = re.findall(r'"module": "([^"]*)"', config.decode())
    assert all(module.startswith("keras.") for module in modules)
    arrays = [each for each in paths if each.endswith(("/0", "/1", "/2"))]
    half = [f"cell/vars/{i}" for i in range(3)]
    assert arrays == [
        *(f"layers/bidirectional/backward_layer/{each}" for each in half),
        *(f"layers/bidirectional/forward_layer/{each}" for each in half),
        "layers/dense/vars/0",
        "layers/dense/vars/1",
    ]


def test_equal_models_are_equal_files(tmp_path):
    for name in ("a.keras", "b.keras"):
        write_keras(km.classifier(), tmp_path / name)
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()


@pytest.mark.parametrize("kind", ["estimator", "pipeline", "file"])
def test_whatever_holds_a_model(kind, tmp_path):
    X = km.sequences()
    given = elman.RNNClassifier(hidden_size=3, max_iter=1, deltas=0, stride=1, random_state=0)
    if kind == "pipeline":
        given = make_pipeline(SequenceScaler(), given)
    given.fit(X, ["a", "b", "b"])
    expected = given.predict_proba(X)
    if kind == "file":
        given.save(tmp_path / "model.safetensors")
        given = tmp_path / "model.safetensors"
    path = tmp_path / "model.keras"
    write_keras(given, path)
    for x, own in zip(X, expected, strict=True):
        np.testing.assert_allclose(kf.graph_answers(path, X=x), own, atol=1e-6)


def test_a_table_of_numbers_is_one_feature_over_time(tmp_path):
    X = np.random.default_rng(2).normal(3, 2, size=(5, 4))
    clf = elman.RNNClassifier(hidden_size=3, max_iter=1, deltas=0, stride=1, random_state=0)
    clf.fit(X, [0, 1, 0, 1, 1])
    path = tmp_path / "model.keras"
    write_keras(clf, path)
    found = [kf.graph_answers(path, X=x[:, np.newaxis].astype(np.float32)) for x in X]
    np.testing.assert_allclose(found, clf.predict_proba(X), atol=1e-6)


def test_a_sequence_without_steps(tmp_path):
    model = km.classifier(bidirectional=True)
    path = tmp_path / "model.keras"
    write_keras(model, path)
    empty = np.zeros((0, 2), np.float32)
    own = model.predict_proba(model.check([empty]))[0]
    found = kf.graph_answers(path, X=np.full((3, 2), -1e9, np.float32))
    np.testing.assert_allclose(found, own, atol=1e-6)


def test_means_far_from_zero_lose_nothing_to_float32(tmp_path):
    mean, scale = np.array([12345.678, -9.87654321e6]), np.array([0.015625, 8.0])
    model = km.classifier(standardisation=km.Standardisation(mean, scale))
    rng = np.random.default_rng(4)
    x = (mean + scale * rng.normal(size=(6, 2))).astype(np.float32)
    path = tmp_path / "model.keras"
    write_keras(model, path)
    config = json.loads(zipfile.ZipFile(path).read("config.json"))
    value = x
    for layer in config["config"]["layers"]:  # as Keras computes, every step in float32
        if layer["class_name"] == "Rescaling":
            value = value * np.float32(layer["config"]["scale"]) + np.float32(
                layer["config"]["offset"]
            )
    np.testing.assert_allclose(value, (x - mean) / scale, rtol=1e-6, atol=1e-6)


BAD = [
    ("model.h5", {}, ValueError, "end in .keras"),
    ("model.keras", {"mask_value": 0.1}, ValueError, "mask_value=0.1"),
    ("model.keras", {"mask_value": np.nan}, ValueError, "mask_value=nan"),
    ("model.keras", {"mask_value": 1e39}, ValueError, r"mask_value=1e\+39"),
    ("model.keras", {"mask_value": "0"}, TypeError, "mask_value='0'"),
]


@pytest.mark.parametrize(("name", "options", "kind", "said"), BAD)
def test_arguments_that_cannot_be_used(name, options, kind, said, tmp_path):
    with pytest.raises(kind, match=said):
        write_keras(km.classifier(), tmp_path / name, **options)


def test_weights_beyond_float32(tmp_path):
    model = km.classifier(dtype=np.float64)
    model.network.params["head.W"][1, 2] = 1e39
    with pytest.raises(ExchangeError, match="too large for float32"):
        write_keras(model, tmp_path / "model.keras")


def test_scales_below_float32(tmp_path):
    tiny = Standardisation(np.array([0.0, 1.0]), np.array([1.0, 1e39]))
    model = replace(km.classifier(), standardisation=tiny)
    with pytest.raises(ExchangeError, match=r"the standardisation multiplies .* too small"):
        write_keras(model, tmp_path / "model.keras")
    model = MODELS["two targets"][0]
    scale = Standardisation(model.target_scale.mean, model.target_scale.scale * 1e-40)
    with pytest.raises(ExchangeError, match=r"the scale of the targets .* too small"):
        write_keras(replace(model, target_scale=scale), tmp_path / "model.keras")
