"""ONNX files of whole sequences: ONNX Runtime gives the answers of the models."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import numpy as np
import onnx
import pytest
from helpers.exchange_models import (
    CELLS,
    HOSTILE_CLASSES,
    KINDS,
    READOUTS,
    STACKS,
    model_of_kind,
    model_of_symbols,
    network_of,
    padded,
    ragged,
)
from helpers.onnx_judge import answers_of, assert_same, check_whole, feeds_of, session_of
from sklearn.pipeline import make_pipeline

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler
from elman.exchange import to_onnx
from elman.exchange.onnx import onnx_model
from elman.models.classifier import TrainedClassifier
from elman.models.fitted import fitted
from elman.nn.layout import Layout

FRONT_ENDS = (
    {"deltas": 1},
    {"deltas": 2},
    {"stride": 2},
    {"stride": 3, "deltas": 2},
    {"scale_each": True},
    {"scale_each": True, "stride": 2, "deltas": 2},
)
ALL = ("last", "mean", "max", "attention")


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("cell", CELLS)
class TestEveryNetwork:
    def test_every_readout(self, cell, stack):
        for readout, initial in product(READOUTS, (False, True)):
            model = model_of_kind(cell=cell, stack=stack, readout=readout, initial=initial)
            check_whole(model, ragged())

    def test_every_kind_of_answer(self, cell, stack):
        for kind in KINDS:
            model = model_of_kind(kind, cell=cell, stack=stack, initial=True, readout=ALL)
            check_whole(model, ragged())

    def test_no_sample_has_a_step(self, cell, stack):
        for kind, n_timesteps in product(("classifier", "tagger"), (0, 3)):
            model = model_of_kind(kind, cell=cell, stack=stack, initial=True, readout=ALL)
            check_whole(model, ragged(lengths=(0, 0, 0)), n_timesteps=n_timesteps)


@pytest.mark.parametrize("cell", CELLS)
def test_threads_and_samples_that_are_many(cell):
    rng = np.random.default_rng(3)
    lengths = rng.integers(0, 20, size=130)
    for kind in ("classifier", "tagger", "regressor"):
        model = model_of_kind(kind, cell=cell, stack="two both ways", readout=ALL)
        check_whole(model, ragged(lengths=lengths), threads=(1, 2))


@pytest.mark.parametrize("missing", ["error", "mask"])
@pytest.mark.parametrize("kind", KINDS)
def test_front_ends_and_missing_values(kind, missing):
    ways = [(True, 0), (False, 0), (True, 2), (False, 1)]
    for i, frontend in enumerate(({}, *FRONT_ENDS)):
        for standardised, n_scalers in (ways[i % 4], ways[(i + 1) % 4]):
            model = model_of_kind(
                kind,
                readout=ALL,
                initial=True,
                n_features=3,
                frontend=frontend,
                missing=missing,
                standardised=standardised,
                n_scalers=n_scalers,
            )
            check_whole(model, ragged(3, missing))
            check_whole(model, ragged(3, missing, lengths=(0, 0)))


@pytest.mark.parametrize("length", [7, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_without_lengths_every_step_is_a_samples_own(kind, length):
    for frontend, missing in product(({}, *FRONT_ENDS), ("error", "mask")):
        model = model_of_kind(
            kind, readout=ALL, initial=True, frontend=frontend, missing=missing, stack="both ways"
        )
        X = ragged(missing=missing, lengths=(length, length))
        proto = check_whole(model, X, with_lengths=False)
        assert [each.name for each in proto.graph.input] == ["X"]


@pytest.mark.parametrize("frontend", [{}, {"deltas": 1, "stride": 2}])
def test_a_table_with_a_column_for_each_step(frontend):
    model = model_of_kind(two_d=True, n_features=1, frontend=frontend, n_scalers=1)
    proto = check_whole(model, ragged(1, two_d=True))
    shape = [each.dim_value or each.dim_param for each in _shape(proto.graph.input[0])]
    assert shape == ["batch", "time", 1]


def test_weights_of_float64_are_rounded():
    for kind, cell in product(KINDS, CELLS):
        check_whole(model_of_kind(kind, cell=cell, dtype="float64", readout=ALL), ragged())


@pytest.mark.parametrize(
    ("classes", "past", "kind"),
    [
        (HOSTILE_CLASSES, "", str),
        (np.array(["", "a"]), "?", str),
        (np.array(["a", "b"], object), "", str),
        (np.array([3, 5, 11]), -1, int),
        (np.array([-2, -1, 1], np.int8), -3, int),
        (np.array([-1.0, 1.0]), -2, int),
        (np.array([False, True]), -1, int),
        (np.array([False, True], object), -1, int),
    ],
)
class TestClasses:
    def test_of_samples(self, classes, past, kind):
        model = model_of_kind(classes=classes)
        proto, feeds = onnx_model(model), feeds_of(model, ragged())
        label = session_of(proto).run(["label"], feeds)[0].tolist()
        assert {type(each) for each in label} == {kind}
        assert label == [kind(each) for each in answers_of(model, ragged())["label"]]

    def test_of_steps_and_what_stands_past_their_end(self, classes, past, kind):
        model = model_of_kind("tagger", classes=classes)
        proto, feeds = onnx_model(model), feeds_of(model, ragged())
        label = session_of(proto).run(["label"], feeds)[0]
        for row, own in zip(label, answers_of(model, ragged())["label"], strict=True):
            expected = [kind(each) for each in own]
            assert row.tolist() == expected + [past] * (len(row) - len(own))
        assert _metadata(proto, "no_label") == str(past)

    def test_numbers_instead(self, classes, past, kind):
        for of in ("classifier", "tagger"):
            model = model_of_kind(of, classes=classes)
            proto, feeds = onnx_model(model, labels=False), feeds_of(model, ragged())
            codes = session_of(proto).run(["label"], feeds)[0]
            assert codes.dtype == np.int64
            expected = answers_of(model, ragged())["label"]
            if of == "tagger":
                own = np.arange(codes.shape[1]) < feeds["lengths"][:, np.newaxis]
                assert set(codes[~own].tolist()) == {-1}
                codes, expected = codes[own], np.concatenate(expected)
            assert classes[codes].tolist() == expected.tolist()
            types = {each.type.tensor_type.elem_type for each in proto.graph.output}
            assert onnx.TensorProto.STRING not in types


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("kind", KINDS)
def test_a_value_that_is_an_error_here_spoils_the_answer_to_its_sample_alone(kind, bad):
    for missing, frontend in product(("error", "mask"), ({}, {"deltas": 1, "stride": 2})):
        if np.isnan(bad) and missing == "mask":
            continue
        if bad == 3e38 and frontend:
            continue
        model = model_of_kind(kind, readout=ALL, missing=missing, frontend=frontend, n_scalers=1)
        if bad == 3e38:
            model.standardisation.scale[1] = 1e-3
        X = ragged()
        spoilt = [sample.copy() for sample in X]
        spoilt[3][2, 1] = bad
        session = session_of(onnx_model(model))
        found = session.run(None, feeds_of(model, spoilt))
        expected = session.run(None, feeds_of(model, X))
        flat = [values.reshape(5, -1) for values in found]
        assert np.isnan(flat[-1][3]).all()  # it is the longest, so that no step is past its end
        if len(flat) == 2:
            nothing = -1 if kind == "multilabel" else ""
            assert set(flat[0][3].tolist()) == {nothing}
        for values, wanted in zip(flat, expected, strict=True):
            rest, of_rest = values[[0, 1, 2, 4]], wanted.reshape(5, -1)[[0, 1, 2, 4]]
            if values.dtype.kind == "f":
                np.testing.assert_allclose(rest, of_rest, rtol=0, atol=1e-5)
            else:
                assert rest.tolist() == of_rest.tolist()


# Files


class TestFittedModels:
    def test_classifier_of_the_defaults(self, tmp_path, rng):
        X = [rng.normal(size=(n, 2)).cumsum(axis=0).astype(np.float32) for n in [150, 7, 140] * 3]
        y = ["b" if sample[-1, 0] > 0 else "a" for sample in X]
        clf = RNNClassifier(hidden_size=3, max_iter=1, random_state=0).fit(X, y)
        assert clf.frontend_.stride > 1
        self._check(clf, X, tmp_path)

    @pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger, RNNRegressor])
    def test_pipelines_models_and_their_files(self, kind, tmp_path, rng):
        X = rng.normal(3, 2, size=(9, 6, 2)).astype(np.float32)
        X[1, 2, 0] = np.nan
        y = {"RNNTagger": (X[..., 1] > 3).astype(int), "RNNRegressor": X[:, -1, 1]}
        y = y.get(kind.__name__, (X[:, -1, 1] > 3).astype(int))
        estimator = kind(hidden_size=3, max_iter=1, random_state=0, missing="mask")
        pipeline = make_pipeline(SequenceScaler(allow_nan=True), estimator).fit(X, y)
        written = self._check(pipeline, X, tmp_path)
        elman.save(pipeline, tmp_path / "model.safetensors")
        again = elman.load(tmp_path / "model.safetensors")
        for other in (tmp_path / "model.safetensors", str(tmp_path / "model.safetensors"), again):
            to_onnx(other, tmp_path / "other.onnx")
            assert (tmp_path / "other.onnx").read_bytes() == written
        self._check(fitted(estimator).model, X, tmp_path)

    @staticmethod
    def _check(given, X, tmp_path):
        to_onnx(given, tmp_path / "model.onnx")
        written = (tmp_path / "model.onnx").read_bytes()
        proto = onnx.load_from_string(written)
        data, lengths = padded([np.asarray(sample) for sample in X])
        session = session_of(proto)
        names = [each.name for each in session.get_outputs()]
        values = session.run(None, {"X": data, "lengths": lengths})
        found = dict(zip(names, values, strict=True))
        model = fitted(given).model
        if hasattr(given, "transform_input") or hasattr(given, "steps"):
            expected = {"y": given.predict(X)}
            if model.kind != "RNNRegressor":
                expected = {"label": given.predict(X), "probabilities": given.predict_proba(X)}
        else:
            expected = answers_of(model, X)
        of_steps = model.network.layout.at_every_step
        assert_same(model, found, expected, lengths if of_steps else None)
        return written


def test_the_versions_are_those_that_old_runtimes_read():
    for model in (model_of_kind(), model_of_symbols()):
        proto = onnx_model(model)
        versions = {each.domain: each.version for each in proto.opset_import}
        assert proto.ir_version == 8
        assert versions.pop("") == 17
        assert versions in ({}, {"ai.onnx.ml": 3})
        assert ("ai.onnx.ml" in versions) == (model.symbols is not None)
        onnx.checker.check_model(proto, full_check=True)


@pytest.mark.parametrize("cell", CELLS)
def test_layers_are_operators_over_constants(cell):
    proto = onnx_model(model_of_kind("tagger", cell=cell, stack="two both ways", initial=True))
    nodes = [node for node in proto.graph.node if node.op_type in ("RNN", "GRU", "LSTM")]
    constants = {each.name for each in proto.graph.initializer}
    assert len(nodes) == 2
    for node in nodes:
        assert set(node.input[1:4]) <= constants
        assert node.input[4] == "lengths"
    assert not {"Loop", "Scan", "If", "ZipMap"} & {node.op_type for node in proto.graph.node}


def test_a_file_is_as_large_as_its_weights():
    for cell in CELLS:
        layout = Layout(
            n_features=37, hidden_sizes=(53, 47), n_outputs=5, cell=CELLS[cell], bidirectional=True
        )
        network = network_of(layout)
        model = TrainedClassifier(
            network=network, n_features_in=37, two_d=False, classes=np.arange(5)
        )
        # Each layer has a second bias, which is most of what is not a weight of ours.
        n_biases = sum(weight.size for name, weight in network.params.items() if ".b" in name)
        size = 4 * (network.params.flat.size + n_biases)
        assert size / 2 < len(onnx_model(model).SerializeToString()) < size + 8000


def test_metadata_say_what_the_file_is():
    model = model_of_kind("tagger", missing="mask")
    proto = onnx_model(model)
    assert json.loads(_metadata(proto, "classes")) == HOSTILE_CLASSES.tolist()
    assert _metadata(proto, "kind") == "RNNTagger"
    assert _metadata(proto, "missing") == "mask"
    assert _metadata(proto, "elman_version") == elman.__version__
    assert "empty" in _metadata(proto, "note")
    assert session_of(proto).get_modelmeta().custom_metadata_map["kind"] == "RNNTagger"


def test_names_of_features_are_kept():
    model = model_of_symbols(form="steps")
    names = ("a", 'b"\n', "ü", "\ud800")
    named = replace(model, feature_names=names, symbols=replace(model.symbols, feature_names=names))
    assert json.loads(_metadata(onnx_model(named), "feature_names")) == [*names]


def test_the_digest_is_that_of_the_model():
    model = model_of_kind(stack="two")
    digests = {
        _metadata(onnx_model(each, stream=stream), "digest")
        for each in (model, replace(model, missing="error"))
        for stream in (False, True)
    }
    assert len(digests) == 1
    other = replace(model, network=model.network.copy())
    other.network.params["head.b"][1] += 1
    assert _metadata(onnx_model(other), "digest") not in digests


def test_the_same_model_gives_the_same_bytes():
    first, second = (
        onnx_model(model_of_symbols(form="steps")).SerializeToString() for _ in range(2)
    )
    assert first == second


def _metadata(proto, name):
    return {each.key: each.value for each in proto.metadata_props}[name]


def _shape(value):
    return value.type.tensor_type.shape.dim
