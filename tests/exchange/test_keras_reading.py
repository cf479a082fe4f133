"""Models of Keras's become ours, with the same answers, or are refused by the layer's name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from helpers import keras_files as kf

import elman
from elman.exchange import ExchangeError, read_keras

RNG = np.random.default_rng(5)
LENGTHS = (4, 1, 6)
CELLS = ("SimpleRNN", "GRU", "LSTM")


def sequences(n_features=2):
    return [RNG.normal(size=(n, n_features)) for n in LENGTHS]


def model(kind="GRU", *, head="softmax", units=3, per_step=False, **config):
    """A recurrent layer of 4 units over 2 features, and a head."""
    both = config.get("bidirectional", False)
    return [
        kf.recurrent(kind, 2, 4, RNG, return_sequences=per_step, **config),
        kf.simple("Dropout", rate=0.5, seed=None, noise_shape=None),
        kf.dense(8 if both else 4, units, head, RNG),
    ]


def saved(tmp_path, parts, shape=(None, 2)):
    return kf.write_keras3(tmp_path / "model.keras", parts, shape)


def same(estimator, parts, X):
    """Whether an estimator's answers are those of Keras."""
    ask = getattr(estimator, "predict_proba", estimator.predict)
    for found, x in zip(ask(X), X, strict=True):
        expected = kf.answers(parts, x)
        if expected.shape[-1] == 1 and isinstance(estimator, elman.RNNClassifier | elman.RNNTagger):
            expected = np.concatenate([1 - expected, expected], axis=-1)  # one sigmoid unit
        if np.ndim(found) < np.ndim(expected):
            expected = expected[..., 0]
        np.testing.assert_allclose(found, expected, atol=1e-6)


# What comes in


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", CELLS)
def test_every_cell(tmp_path, kind, bidirectional):
    parts = model(kind, bidirectional=bidirectional)
    clf = read_keras(saved(tmp_path, parts), classes=["a", "b", "c"])
    assert clf.classes_.tolist() == ["a", "b", "c"]
    same(clf, parts, sequences())


@pytest.mark.parametrize("kind", CELLS)
def test_layers_above_each_other_without_bias(tmp_path, kind):
    parts = [
        kf.recurrent(kind, 2, 4, RNG, return_sequences=True, bidirectional=True, use_bias=False),
        kf.simple("SpatialDropout1D", rate=0.5, seed=None, noise_shape=None),
        kf.recurrent(kind, 8, 3, RNG, bidirectional=True),
        kf.dense(6, 2, "softmax", RNG, use_bias=False),
    ]
    clf = read_keras(saved(tmp_path, parts))
    assert clf.network_.layout.hidden_sizes == (4, 3)
    same(clf, parts, sequences())


def test_relu(tmp_path):
    parts = model("SimpleRNN", activation="relu")
    clf = read_keras(saved(tmp_path, parts))
    assert clf.activation == "relu"
    same(clf, parts, sequences())


HEADS = [
    ("softmax", 3, False, "RNNClassifier"),
    ("sigmoid", 1, False, "RNNClassifier"),
    ("sigmoid", 3, False, "RNNClassifier"),
    ("linear", 1, False, "RNNRegressor"),
    ("linear", 3, False, "RNNRegressor"),
    ("softmax", 3, True, "RNNTagger"),
    ("sigmoid", 1, True, "RNNTagger"),
    ("linear", 1, True, "RNNRegressor"),
]


@pytest.mark.parametrize(("head", "units", "per_step", "kind"), HEADS)
def test_the_head_says_which_estimator_it_is(tmp_path, head, units, per_step, kind):
    parts = model(head=head, units=units, per_step=per_step)
    found = read_keras(saved(tmp_path, parts))
    assert type(found).__name__ == kind
    same(found, parts, sequences())


@pytest.mark.parametrize("name", ["Activation", "Softmax"])
def test_the_head_s_activation_may_be_a_layer(tmp_path, name):
    config = {"activation": "softmax"} if name == "Activation" else {"axis": -1}
    parts = [*model(head="linear"), kf.simple(name, **config)]
    same(read_keras(saved(tmp_path, parts)), parts, sequences())


def test_a_head_at_each_step_may_be_wrapped(tmp_path):
    parts = [*model(per_step=True)[:2], kf.dense(4, 3, "softmax", RNG, per_step=True)]
    tagger = read_keras(saved(tmp_path, parts), classes=["a", "b", "c"])
    same(tagger, parts, sequences())


@pytest.mark.parametrize("pool", ["GlobalMaxPooling1D", "GlobalAveragePooling1D"])
def test_pooling_over_time_is_a_readout(tmp_path, pool):
    states, _, head = model(per_step=True, bidirectional=True)
    pooled = kf.simple(pool, data_format="channels_last", keepdims=False)
    parts = [states, pooled, head]
    clf = read_keras(saved(tmp_path, parts))
    assert clf.readout == ("max" if "Max" in pool else "mean")
    same(clf, parts, sequences())


def test_standardisation(tmp_path):
    numbers = [np.array([3.0, -2.0], np.float32), np.array([0.25, 4.0], np.float32), np.int32(0)]
    adapted = kf.Part(
        "Normalization", {"axis": [-1], "mean": None, "variance": None}, {"": numbers}
    )
    given = kf.simple("Normalization", axis=[-1], mean=[1.0, 0.5], variance=[0.0, 2.0])
    scaled = kf.simple("Rescaling", scale=[0.5, 2.0], offset=[1.0, -1.0])
    parts = [kf.simple("Rescaling", scale=1 / 8, offset=0.0), given, adapted, scaled, *model()]
    clf = read_keras(saved(tmp_path, parts))
    X = [x * 1e-6 + [8.0, 1] for x in sequences()]
    same(clf, parts, X)
    assert clf.standardize


def test_targets_are_scaled_back(tmp_path):
    scaled = kf.simple("Rescaling", scale=2.0, offset=-3.0)
    parts = [*model(head="linear", units=2), scaled, scaled]
    same(read_keras(saved(tmp_path, parts)), parts, sequences())


def test_a_masked_step_is_one_of_nan_and_padding_is_cut_off(tmp_path):
    masking = kf.simple("Masking", mask_value=0.0)
    pool = kf.simple("GlobalAveragePooling1D", data_format="channels_last", keepdims=False)
    states, _, head = model("LSTM", per_step=True, bidirectional=True)
    parts = [masking, states, pool, head]
    clf = read_keras(saved(tmp_path, parts), mask_value=0.0)
    assert clf.missing == "skip"
    (x,) = sequences()[2:]
    x[[1, 4, 5]] = 0
    ours = x[:4].copy()
    ours[1] = np.nan
    np.testing.assert_allclose(clf.predict_proba([ours])[0], kf.answers(parts, x), atol=1e-6)


def test_ids_of_an_embedding(tmp_path):
    parts = [
        kf.embedding(6, 3, RNG),
        kf.recurrent("GRU", 3, 4, RNG),
        kf.dense(4, 2, "softmax", RNG),
    ]
    clf = read_keras(saved(tmp_path, parts, (None,)))
    X = [[0, 5, 2], [3], [1, 1, 4, 0]]
    same(clf, parts, [np.array(x) for x in X])
    with pytest.raises(ValueError, match="6"):
        clf.predict([[6]])


def test_tokens_of_an_embedding_with_padding(tmp_path):
    parts = [
        kf.embedding(7, 3, RNG, mask_zero=True),
        kf.recurrent("LSTM", 3, 4, RNG),
        kf.dense(4, 2, "softmax", RNG),
    ]
    words = ["", "[UNK]", "the", "sea", "of"]
    path = saved(tmp_path, parts, (None,))
    clf = read_keras(path, vocabulary=words)
    found = clf.predict_proba([["the", "sea"], ["fish", "of", "the"]])
    np.testing.assert_allclose(found[0], kf.answers(parts, np.array([2, 3])), atol=1e-6)
    np.testing.assert_allclose(found[0], kf.answers(parts, np.array([2, 3, 0])), atol=1e-6)
    np.testing.assert_allclose(found[1], kf.answers(parts, np.array([1, 4, 2])), atol=1e-6)
    strict = read_keras(path, vocabulary=words, unknown=None)
    with pytest.raises(ValueError, match="fish"):
        strict.predict([["fish"]])
    by_id = read_keras(path)
    np.testing.assert_array_equal(by_id.predict_proba([[2, 3]])[0], found[0])
    with pytest.raises(ValueError, match="0"):
        by_id.predict([[2, 0]])


def test_classes_are_sorted_with_their_outputs(tmp_path):
    parts = model()
    clf = read_keras(saved(tmp_path, parts), classes=["c", "a", "b"])
    assert clf.classes_.tolist() == ["a", "b", "c"]
    expected = kf.answers(parts, np.ones((3, 2)))[[1, 2, 0]]
    np.testing.assert_allclose(clf.predict_proba(np.ones((1, 3, 2)))[0], expected, atol=1e-6)


def test_it_can_be_saved_and_goes_on_training(tmp_path):
    for head, kind, y in (
        ("softmax", elman.RNNClassifier, "bab"),
        ("linear", elman.RNNRegressor, 0),
    ):
        parts = model(head=head, units=2 if y else 1)
        classes = {"classes": ["a", "b"]} if y else {}
        found = read_keras(saved(tmp_path, parts), feature_names=["p", "q"], **classes)
        X = [pd.DataFrame(x, columns=["p", "q"]) for x in sequences()]
        found.save(tmp_path / "model.safetensors")
        again = kind.load(tmp_path / "model.safetensors")
        np.testing.assert_array_equal(again.predict(X), found.predict(X))
        assert again.model_.feature_names == ("p", "q")
        before = found.weights_["head.W"].copy()
        found.partial_fit(X, list(y) if y else [1.0, 2.0, 3.0])
        assert not np.array_equal(found.weights_["head.W"], before)


# Kinds of files


def legacy(**options):
    return lambda path, parts: kf.write_legacy(path / "m.h5", parts, (None, 2), **options)


FILES = {
    "npz": lambda path, parts: kf.write_npz_keras(path / "m.keras", parts, (None, 2)),
    "legacy": legacy(),
    "legacy of Keras 3": legacy(vlen=True, colon=""),
    "legacy in pieces": legacy(chunked=True),
}
WEIGHTS = {
    "weights.h5": lambda path, parts: kf.write_weights(path / "m.weights.h5", parts),
    "shards": lambda path, parts: kf.write_shards(path / "m.weights.json", parts),
    "legacy weights": legacy(whole=False),
    "legacy weights in pieces": legacy(whole=False, chunked=True),
}


def deep(**config):
    """Layers of several classes, for every kind of file."""
    return [
        kf.recurrent("GRU", 2, 4, RNG, return_sequences=True, bidirectional=True),
        kf.recurrent("GRU", 8, 3, RNG, return_sequences=True, bidirectional=True),
        kf.simple("GlobalMaxPooling1D", data_format="channels_last", keepdims=False),
        kf.dense(6, 3, "softmax", RNG),
    ]


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_file_with_its_layers(tmp_path, kind):
    parts = deep()
    same(read_keras(FILES[kind](tmp_path, parts)), parts, sequences())


@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_alone_with_a_description_or_what_they_tell(tmp_path, kind):
    parts = deep()
    path = WEIGHTS[kind](tmp_path, parts)
    config = kf.described(parts, (None, 2))
    (tmp_path / "config.json").write_text(json.dumps(config))
    told_of_deep = {"readout": "max", "head": "softmax"}
    for told in ({"config": config}, {"config": tmp_path / "config.json"}, told_of_deep):
        same(read_keras(path, **told), parts, sequences())


def test_what_weights_alone_tell_of_other_layers(tmp_path):
    adapted = [np.array([3.0, -2.0], np.float32), np.array([0.25, 4.0], np.float32), np.int32(0)]
    parts = [
        kf.Part("Normalization", {"axis": [-1], "mean": None}, {"": adapted}),
        kf.recurrent("SimpleRNN", 2, 4, RNG, return_sequences=True, activation="relu"),
        kf.dense(4, 1, "linear", RNG, per_step=True),
    ]
    path = kf.write_weights(tmp_path / "m.weights.h5", parts)
    found = read_keras(path, readout="every", head="linear", activation="relu")
    same(found, parts, sequences())
    parts = [
        kf.embedding(6, 3, RNG),
        kf.recurrent("LSTM", 3, 4, RNG),
        kf.dense(4, 1, "sigmoid", RNG),
    ]
    path = kf.write_weights(tmp_path / "m.weights.h5", parts)
    ids, told = [np.array([0, 5, 2]), np.array([3])], {"readout": "last", "head": "sigmoid"}
    same(read_keras(path, **told), parts, ids)
    np.savez(tmp_path / "m.npz", **kf.arrays_of(parts))
    same(read_keras(tmp_path / "m.npz", **told), parts, ids)


def test_what_was_assumed_of_weights_alone_is_said(tmp_path):
    parts = [kf.recurrent("SimpleRNN", 2, 4, RNG), kf.dense(4, 2, "softmax", RNG)]
    path = kf.write_weights(tmp_path / "m.weights.h5", parts)
    with pytest.warns(UserWarning, match="readout='last', head='softmax', activation='tanh'"):
        same(read_keras(path), parts, sequences())
    with pytest.warns(UserWarning, match=r"assumed were activation='tanh'\."):
        read_keras(path, readout="last", head="softmax")


def test_what_weights_alone_do_not_tell(tmp_path):
    parts = [  # which of the two is below cannot be told
        kf.recurrent("GRU", 4, 4, RNG, return_sequences=True),
        kf.recurrent("LSTM", 4, 4, RNG),
        kf.dense(4, 2, "softmax", RNG),
    ]
    path = kf.write_weights(tmp_path / "m.weights.h5", parts)
    with pytest.raises(ExchangeError, match="fit together in 2 orders: pass config="):
        read_keras(path)
    with pytest.raises(ValueError, match="head='relu'"):
        read_keras(path, head="relu")
    with pytest.raises(ValueError, match="for files of weights alone"):
        read_keras(saved(tmp_path, model()), head="softmax")


@pytest.mark.parametrize("name", ["float64", "float16", "bfloat16"])
def test_types_of_weights(tmp_path, name):
    parts = model(dtype=np.float64)
    arrays = kf.arrays_of(parts)
    config = json.dumps(kf.described(parts, (None, 2)))
    if name == "float64":
        assert read_keras(saved(tmp_path, parts)).weights_["head.W"].dtype == np.float32
        parts[2] = kf.dense(4, 3, "softmax", RNG, dtype=np.float64)
        clf = read_keras(saved(tmp_path, parts))
        np.testing.assert_array_equal(clf.weights_["head.W"], parts[2].arrays[""][0], strict=True)
        return
    halves = {}
    for path, array in arrays.items():
        bits = array.astype(np.float32).view(np.uint32) >> 16
        short = (bits << 16).astype(np.uint32).view(np.float32)
        halves[path] = (
            bits.astype(np.uint16).view("V2") if name == "bfloat16" else array.astype("f2")
        )
        arrays[path] = short if name == "bfloat16" else array.astype("f2")
    content = kf.h5_bytes(halves)
    config = json.loads(config.replace('"float32"', f'"mixed_{name}"'))
    path = kf.write_keras3(tmp_path / "m.keras", parts, None, config=config, weights=content)
    with pytest.warns(UserWarning, match=f"computes in mixed_{name}"):
        clf = read_keras(path)
    kernel = arrays["layers/dense/vars/0"]
    np.testing.assert_array_equal(clf.weights_["head.W"], kernel.astype(np.float32))


# What is refused, by name


def changed(part, **config):
    """A part with other settings; of a Bidirectional of both halves."""
    if part.kind != "Bidirectional":
        return part._replace(config=part.config | config)
    found = dict(part.config)
    for half in ("layer", "backward_layer"):
        inner = found[half]
        found[half] = inner | {"config": inner["config"] | config}
    return part._replace(config=found)


EQUATIONS = [
    ("GRU", {"reset_after": False}, "reset_after=False"),
    ("GRU", {"recurrent_activation": "hard_sigmoid"}, "recurrent_activation='hard_sigmoid'"),
    ("LSTM", {"recurrent_activation": "tanh"}, "recurrent_activation='tanh'"),
    ("LSTM", {"activation": "relu"}, "activation='relu'"),
    ("GRU", {"activation": "linear"}, "activation='linear'"),
    ("SimpleRNN", {"activation": "sigmoid"}, "activation='sigmoid'"),
    ("GRU", {"time_major": True}, "time_major=True"),
]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("kind", "config", "said"), EQUATIONS)
def test_other_equations(tmp_path, kind, config, said, bidirectional):
    states, *others = model(kind, bidirectional=bidirectional)
    path = saved(tmp_path, [changed(states, **config), *others])
    name = "bidirectional" if bidirectional else kf.snake(kind)
    with pytest.raises(ExchangeError, match=said) as error:
        read_keras(path)
    assert f"'{name}'" in str(error.value)


def of_all(**config):
    return lambda parts: [parts[0]._replace(config=parts[0].config | config), *parts[1:]]


OTHERS = {
    "go_backwards=True": of_all(go_backwards=True),
    "merge_mode='sum'": lambda parts: [
        changed(model(bidirectional=True)[0])._replace(
            config=model(bidirectional=True)[0].config | {"merge_mode": "sum"}
        ),
        *parts[1:],
    ],
    "no such layer in elman": lambda parts: [kf.simple("Conv1D", filters=3), *parts],
    "Lambda": lambda parts: [*parts, kf.simple("Lambda", function="os.system")],
    "it is applied to outputs": lambda parts: [*parts, kf.dense(3, 2, "softmax", RNG)],
    "activation='gelu'": lambda parts: [*parts[:2], kf.dense(4, 3, "gelu", RNG)],
    "without a Dense": lambda parts: parts[:1],
    "it is applied to the numbers of a step": lambda parts: [
        kf.simple("Dropout", rate=0.1),
        kf.dense(2, 3, "softmax", RNG),
    ],
    "its kernel has shape": lambda parts: [parts[0], kf.dense(5, 3, "softmax", RNG)],
    "does not have its bias": lambda parts: [
        parts[0]._replace(arrays={"cell": parts[0].arrays["cell"][:2]}),
        *parts[1:],
    ],
    "different cells": lambda parts: [
        kf.recurrent("LSTM", 2, 2, RNG, return_sequences=True),
        *parts,
    ],
    "some are not": lambda parts: [
        kf.recurrent("GRU", 2, 1, RNG, return_sequences=True, bidirectional=True),
        *parts,
    ],
    "say so by read_keras": lambda parts: [kf.simple("Masking", mask_value=-1.0), *parts],
    "scale is 0 or negative": lambda parts: [
        kf.simple("Rescaling", scale=-1.0, offset=0.0),
        *parts,
    ],
    "a variance is negative": lambda parts: [
        kf.simple("Normalization", axis=[-1], mean=[0.0, 0.0], variance=[1.0, -1.0]),
        *parts,
    ],
    "keepdims=True": lambda parts: [
        changed(parts[0], return_sequences=True),
        kf.simple("GlobalMaxPooling1D", keepdims=True),
        *parts[1:],
    ],
    "quantised": lambda parts: [*parts[:2], kf.dense(4, 3, "softmax", RNG, quantization_config={})],
    "computes in 'int8'": of_all(dtype="int8"),
    "units is -1": of_all(units=-1),
    "use_bias is 'yes'": of_all(use_bias="yes"),
    "an object of its own": of_all(activation={"class_name": "function", "config": "mine"}),
}


@pytest.mark.parametrize("said", OTHERS)
def test_other_layers_and_settings(tmp_path, said):
    with pytest.raises(ExchangeError, match=said):
        read_keras(saved(tmp_path, OTHERS[said](model()), (None, 2)))


def test_a_mask_of_other_numbers_than_those_of_a_recording(tmp_path):
    masking = kf.simple("Masking", mask_value=0.0)
    early = kf.simple("Rescaling", scale=2.0, offset=1.0)
    with pytest.raises(ExchangeError, match="after they were scaled"):
        read_keras(saved(tmp_path, [early, masking, *model()]), mask_value=0.0)
    parts = [masking, early, *model()]
    same(read_keras(saved(tmp_path, parts), mask_value=0.0), parts, sequences())
    vectors = [kf.embedding(5, 2, RNG), masking, *model()]
    with pytest.raises(ExchangeError, match="by their ids alone"):
        read_keras(saved(tmp_path, vectors, (None,)), mask_value=0.0)


def test_several_labels_of_a_step(tmp_path):
    with pytest.raises(ExchangeError, match="one label"):
        read_keras(saved(tmp_path, model(head="sigmoid", per_step=True)))


def test_other_classes_of_the_same_name(tmp_path):
    parts = model()
    for module in ("evil", "keras_evil", None, 3):
        config = kf.described(parts, (None, 2))
        config["config"]["layers"][1]["module"] = module
        with pytest.raises(ExchangeError, match="not of Keras"):
            read_keras(kf.write_keras3(tmp_path / "m.keras", parts, None, config=config))
    config = kf.described(parts, (None, 2))
    config["config"]["layers"][1]["registered_name"] = "mine>GRU"
    with pytest.raises(ExchangeError, match="registered as 'mine>GRU'"):
        read_keras(kf.write_keras3(tmp_path / "m.keras", parts, None, config=config))
    for kind in ("Subclassed", None):
        config = kf.described(parts, (None, 2)) | {"class_name": kind}
        with pytest.raises(ExchangeError, match="only Sequential and Functional"):
            read_keras(kf.write_keras3(tmp_path / "m.keras", parts, None, config=config))


def test_weights_that_no_layer_has(tmp_path):
    parts = model()
    arrays = kf.arrays_of(parts)
    more = arrays | {"layers/gru_1/cell/vars/0": arrays["layers/gru/cell/vars/0"]}
    for left in (more, arrays | {"layers/dense/vars/2": np.ones(3, np.float32)}):
        path = kf.write_keras3(tmp_path / "m.keras", parts, (None, 2), weights=kf.h5_bytes(left))
        with pytest.raises(ExchangeError, match=r"no layer of the model has: '(gru_1|dense)/"):
            read_keras(path)
    seeds = arrays | {"layers/dropout/seed_generator/vars/0": np.ones(2, np.uint32)}
    path = kf.write_keras3(tmp_path / "m.keras", parts, (None, 2), weights=kf.h5_bytes(seeds))
    same(read_keras(path), parts, sequences())


def test_weights_that_are_no_numbers(tmp_path):
    parts = model()
    for bad in (np.nan, np.inf):
        parts[0].arrays["cell"][0][1, 2] = bad
        with pytest.raises(ExchangeError, match="NaN, infinity"):
            read_keras(saved(tmp_path, parts))
    parts = model()
    parts[2].arrays[""][0] = np.ones((4, 3), np.int32)
    with pytest.raises(ExchangeError, match="not floats"):
        read_keras(saved(tmp_path, parts))


def test_notes_where_the_answer_has_a_condition(tmp_path):
    states, *others = model()
    path = saved(tmp_path, [changed(states, stateful=True), *others])
    with pytest.warns(UserWarning, match="'gru' .*is stateful"):
        read_keras(path)
    states, _, head = model(per_step=True)
    pool = kf.simple("GlobalMaxPooling1D", data_format="channels_last", keepdims=False)
    masking = kf.simple("Masking", mask_value=0.0)
    with pytest.warns(UserWarning, match="padding stands at the end"):
        read_keras(saved(tmp_path, [masking, states, pool, head]), mask_value=0.0)
    states, _, head = model(per_step=True, bidirectional=True)
    with pytest.raises(ExchangeError, match="depends on the padding"):
        read_keras(saved(tmp_path, [masking, states, pool, head]), mask_value=0.0)
    with pytest.warns(UserWarning, match="as to a state of zeros"):
        read_keras(saved(tmp_path, [masking, states, head]), mask_value=0.0)
    states, _, head = model(per_step=True, zero_output_for_mask=True)
    with pytest.raises(ExchangeError, match="depends on the padding"):
        read_keras(saved(tmp_path, [masking, states, pool, head]), mask_value=0.0)


@pytest.mark.parametrize("name", ["classes", "vocabulary", "feature_names"])
def test_what_has_no_order_is_no_list(tmp_path, name):
    parts, shape = model(), (None, 2)
    if name == "vocabulary":
        parts = [kf.embedding(3, 2, RNG), *parts]
        shape = (None,)
    path = saved(tmp_path, parts, shape)
    for given in ({"a", "b", "c"}, {"a": 2, "b": 0, "c": 1}):
        with pytest.raises(TypeError, match=f"{name} is a (set|dict), whose order says"):
            read_keras(path, **{name: given})


ARGUMENTS = [
    ({"classes": ["a", "b"]}, "3 outputs"),
    ({"classes": ["a", "b", "a"]}, "some are equal"),
    ({"classes": ["a", 1, 2]}, "of one type"),
    ({"classes": [True, 0, 2]}, "of one type"),
    ({"vocabulary": ["a"]}, "no Embedding"),
    ({"feature_names": ["p"]}, "2 different ones"),
]


@pytest.mark.parametrize(("given", "said"), ARGUMENTS)
def test_arguments_that_do_not_go_with_the_file(tmp_path, given, said):
    with pytest.raises(ValueError, match=said):
        read_keras(saved(tmp_path, model()), **given)


def test_other_arguments_that_do_not_go_with_the_file(tmp_path):
    with pytest.raises(ValueError, match="gives numbers"):
        read_keras(saved(tmp_path, model(head="linear")), classes=["a", "b", "c"])
    with pytest.raises(ValueError, match="labels at once"):
        read_keras(saved(tmp_path, model(head="sigmoid")), classes=["a", "b", "c"])
    masking = kf.simple("Masking", mask_value=-1.0)
    with pytest.raises(ExchangeError, match="told mask_value=0"):
        read_keras(saved(tmp_path, [masking, *model()]), mask_value=0)
    parts = [
        kf.embedding(3, 2, RNG),
        kf.recurrent("GRU", 2, 4, RNG),
        kf.dense(4, 2, "softmax", RNG),
    ]
    path = saved(tmp_path, parts, (None,))
    with pytest.raises(ValueError, match="4 entries"):
        read_keras(path, vocabulary=list("abcd"))
    with pytest.raises(ValueError, match="a token twice"):
        read_keras(path, vocabulary=list("aba"))
    with pytest.raises(TypeError, match="one text"):
        read_keras(path, vocabulary="abc")
    with pytest.raises(FileNotFoundError):
        read_keras(tmp_path / "none.keras")


# Graphs


def functional(parts, edges=None):
    """A Functional model of layers one after another, as Keras 3 and Keras 2 describe it."""
    found = kf.described(parts, (None, 2))
    layers = found["config"]["layers"]
    for below, layer in zip([None, *layers[:-1]], layers, strict=True):
        layer["name"] = layer["config"]["name"]
        layer["inbound_nodes"] = []
        if below is not None:
            history = [below["name"], 0, 0]
            tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": history}}
            layer["inbound_nodes"] = [{"args": [tensor], "kwargs": {"training": False}}]
    found["class_name"] = "Functional"
    found["config"]["output_layers"] = [layers[-1]["name"], 0, 0]
    return found


def test_a_graph_without_branches(tmp_path):
    parts = deep()
    config = functional(parts)
    config["config"]["layers"].reverse()  # their order does not say what is called with what
    parts_in_order = parts[::-1]
    weights = kf.h5_bytes(kf.arrays_of(parts_in_order))
    path = kf.write_keras3(tmp_path / "m.keras", parts, None, config=config, weights=weights)
    same(read_keras(path), parts, sequences())
    config = functional(parts)
    for layer in config["config"]["layers"]:
        for node in layer["inbound_nodes"]:
            name = node["args"][0]["config"]["keras_history"][0]
            layer["inbound_nodes"] = [[[name, 0, 0, {}]]]
    config["class_name"] = "Model"
    config["config"]["output_layers"] = [config["config"]["output_layers"]]
    same(
        read_keras(kf.write_keras3(tmp_path / "m.keras", parts, None, config=config)),
        parts,
        sequences(),
    )


def test_graphs_that_hang_together_otherwise(tmp_path):
    parts = model()

    def refused(change, said, **options):
        config = functional(parts)
        change(config["config"])
        path = kf.write_keras3(tmp_path / "m.keras", parts, None, config=config)
        with pytest.raises(ExchangeError, match=said):
            read_keras(path, **options)

    def history(name):
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}

    def nodes(config, i):
        return config["layers"][i]["inbound_nodes"]

    refused(lambda c: nodes(c, 1).append(nodes(c, 1)[0]), "called 2 times")
    refused(lambda c: nodes(c, 1).clear(), "called with 0 tensors")
    refused(lambda c: nodes(c, 1)[0]["args"].append(nodes(c, 1)[0]["args"][0]), "with 2 tensors")
    refused(lambda c: nodes(c, 1)[0]["kwargs"].update(initial_state=[1]), "initial_state")
    refused(lambda c: c.update(output_layers=[["dense", 0, 0], ["gru", 0, 0]]), "2 outputs")
    refused(lambda c: c.update(output_layers=["none", 0, 0]), "given by none")
    refused(lambda c: c.update(output_layers=["dense", 0, 5]), "given by none")
    refused(lambda c: c["layers"].append(c["layers"][1]), "two layers are called")

    refused(
        lambda c: nodes(c, 1)[0]["kwargs"].update(mask=[history("input_layer")]), "several masks"
    )

    def mask_of(axis, name="input_layer"):
        """Let the recurrent layer leave out what is 0 along an axis of an input."""

        def change(config):
            for kind, source in (
                ("NotEqual", [history(name), 0.0]),
                ("Any", [history("NotEqual")]),
            ):
                node = {"args": source, "kwargs": {}}
                own = {"name": kind, **({"axis": [axis]} if kind == "Any" else {})}
                config["layers"].append(
                    {"class_name": kind, "name": kind, "config": own, "inbound_nodes": [node]}
                )
            nodes(config, 1)[0]["kwargs"]["mask"] = history("Any")

        return change

    def of_another_input(config):
        config["layers"].append(json.loads(json.dumps(config["layers"][0])))
        config["layers"][-1]["name"] = "other"
        mask_of(-1, "other")(config)

    refused(mask_of(1), "masks of steps", mask_value=0.0)
    refused(of_another_input, "2 inputs", mask_value=0.0)

    def circle(config):
        nodes(config, 1)[0]["args"][0]["config"]["keras_history"] = ["dense", 0, 0]

    refused(circle, "no layer before it gives")


def test_the_same_readout_twice(tmp_path):
    states = kf.recurrent("GRU", 2, 4, RNG, return_sequences=True)
    pool = kf.simple("GlobalMaxPooling1D", data_format="channels_last", keepdims=False)
    head = kf.dense(8, 2, "softmax", RNG)
    parts = [states, pool, pool, kf.simple("Concatenate", axis=-1), head]
    config = functional(parts)
    by_name = {layer["name"]: layer for layer in config["config"]["layers"]}
    history = {
        name: {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}
        for name in by_name
    }
    second = "global_max_pooling1d_1"
    by_name[second]["inbound_nodes"][0]["args"] = [history["gru"]]
    both = [history["global_max_pooling1d"], history[second]]
    by_name["concatenate"]["inbound_nodes"][0]["args"] = [both]
    path = kf.write_keras3(tmp_path / "m.keras", parts, None, config=config)
    with pytest.raises(ExchangeError, match="'max' twice"):
        read_keras(path)


def test_a_missing_h5py_says_what_to_install(tmp_path):
    path = saved(tmp_path, model())
    code = f"""
import sys
from pathlib import Path
sys.modules["h5py"] = None
from elman.exchange import read_keras
try:
    read_keras({str(path)!r})
except ImportError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'elman[keras]'" in found.stdout


def test_what_keras_2_wrote_otherwise(tmp_path):
    parts = model(bidirectional=True)
    path = kf.write_legacy(tmp_path / "m.h5", parts, (None, 2))
    with h5py.File(path, "r+") as file:  # no input layer, and a list of layers
        config = json.loads(file.attrs["model_config"])
        _, first, *others = config["config"]["layers"]
        first["config"]["batch_input_shape"] = [None, None, 2]
        del first["config"]["backward_layer"]
        config["config"] = [first, *others]
        file.attrs["model_config"] = json.dumps(config)
    same(read_keras(path), parts, sequences())
    arrays = kf.arrays_of(parts)
    weights = kf.h5_bytes(
        {k.replace("layers/", "_layer_checkpoint_dependencies/", 1): v for k, v in arrays.items()}
    )
    path = kf.write_keras3(tmp_path / "m.keras", parts, (None, 2), weights=weights)
    same(read_keras(path), parts, sequences())


@pytest.mark.parametrize("file", ["keras.keras", "keras.h5"])
def test_files_that_keras_wrote(file):
    folder = Path(__file__).parent / "golden"
    told = json.loads((folder / "keras.json").read_text())
    clf = read_keras(folder / file, mask_value=-1.0)
    X = np.array(told["X"])
    X[(X == -1).all(axis=-1)] = np.nan
    np.testing.assert_allclose(clf.predict_proba(X), told["probabilities"], atol=1e-6)
