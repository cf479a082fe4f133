"""Keras 3 itself as the judge of models that go there and come from there.

The default suite has the same models judged by Keras's equations in NumPy, over files that it
writes itself; here those are held against Keras as well.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import json
import warnings

import numpy as np
import pytest
from helpers import keras_files as kf
from helpers import keras_models as km

from elman.exchange import read_keras, write_keras

if os.environ.get("ELMAN_REQUIRE_RUNTIMES") == "1":
    import keras
else:
    keras = pytest.importorskip("keras")
L = keras.layers

MODELS = km.models()
MASK_VALUE = -77.25
ONCE = 1e-6
"""How far two probabilities may be apart."""


def answers(model, inputs):
    """What a model of Keras's answers to a batch."""
    given = list(inputs.values()) if isinstance(inputs, dict) else [inputs]
    return np.asarray(model.predict(given if len(given) > 1 else given[0], verbose=0))


# Ours there


@pytest.mark.parametrize("name", MODELS)
def test_keras_opens_what_we_write_and_answers_as_we_do(name, tmp_path):
    model, X = MODELS[name]
    path = tmp_path / "model.keras"
    write_keras(model, path, mask_value=MASK_VALUE)
    there = keras.models.load_model(path)  # in safe mode
    inputs = km.padded(model, X, MASK_VALUE)
    assert [each.name for each in there.inputs] == list(inputs)
    found = answers(there, inputs)
    for row, own in zip(found, km.expected(model, X), strict=True):
        row = row[: len(own)] if model.network.layout.at_every_step else row
        np.testing.assert_allclose(km.matching(row, own), own, atol=ONCE, rtol=2e-6)


def test_padding_and_company_change_nothing(tmp_path):
    model, X = MODELS["gru, residual both ways, readouts"]
    path = tmp_path / "model.keras"
    write_keras(model, path)
    there = keras.models.load_model(path)
    together = answers(there, km.padded(model, X, -1e9))
    for x, own in zip(X, together, strict=True):
        np.testing.assert_allclose(answers(there, x[np.newaxis])[0], own, atol=ONCE)


def test_a_sequence_without_steps(tmp_path):
    model = km.classifier(bidirectional=True)
    write_keras(model, tmp_path / "model.keras")
    there = keras.models.load_model(tmp_path / "model.keras")
    own = model.predict_proba(model.check([np.zeros((0, 2), np.float32)]))
    found = answers(there, np.full((1, 3, 2), -1e9, np.float32))
    np.testing.assert_allclose(found, own, atol=ONCE)


def test_what_keras_trains_on_and_saves_comes_back(tmp_path):
    model, X = MODELS["gru, both ways, max"]
    write_keras(model, tmp_path / "model.keras", mask_value=MASK_VALUE)
    there = keras.models.load_model(tmp_path / "model.keras")
    there.compile("adam", "sparse_categorical_crossentropy")
    inputs = km.padded(model, X, MASK_VALUE)["X"]
    there.fit(inputs, np.array([0, 2, 1]), epochs=2, verbose=0)
    there.save(tmp_path / "again.keras")
    clf = read_keras(tmp_path / "again.keras", mask_value=MASK_VALUE)
    found = clf.predict_proba(X)
    assert abs(found - np.array(km.expected(model, X))).max() > 1e-4
    np.testing.assert_allclose(found, answers(there, inputs), atol=ONCE)


# Theirs here


def drawn(model, seed=0):
    """A model whose weights, biases too, are all drawn."""
    rng = np.random.default_rng(seed)
    model.set_weights(
        [
            rng.normal(size=w.shape, scale=0.5).astype(np.float32) if w.dtype.kind == "f" else w
            for w in model.get_weights()
        ]
    )
    return model


def numbers():
    return L.Input((None, 2))


def sequential(*layers):
    return drawn(keras.Sequential([numbers(), *layers]))


def branched():
    """A Functional model with a residual layer and several readouts."""
    x = numbers()
    a = L.GRU(4, return_sequences=True)(x)
    b = L.Add()([a, L.GRU(4, return_sequences=True)(a)])
    read = [L.GlobalAveragePooling1D()(b), L.GlobalMaxPooling1D()(b)]
    return drawn(keras.Model(x, L.Dense(3, activation="softmax")(L.Concatenate()(read))))


def with_states():
    x = numbers()
    h, *ends = L.Bidirectional(L.LSTM(3, return_sequences=True, return_state=True))(x)
    last = L.Concatenate()([ends[0], ends[2]])
    y = L.Concatenate()([last, L.GlobalMaxPooling1D()(h)])
    return drawn(keras.Model(x, L.Dense(3, activation="softmax")(y)))


THEIRS = {
    "SimpleRNN": lambda: sequential(L.SimpleRNN(4), L.Dense(3, activation="softmax")),
    "relu": lambda: sequential(L.SimpleRNN(4, activation="relu"), L.Dense(1, activation="sigmoid")),
    "GRU": lambda: sequential(L.GRU(4), L.Dropout(0.5), L.Dense(3), L.Activation("softmax")),
    "LSTM, no bias": lambda: sequential(L.LSTM(4, use_bias=False), L.Dense(3), L.Softmax()),
    "both ways, above each other": lambda: sequential(
        L.Bidirectional(L.LSTM(4, return_sequences=True, dropout=0.1)),
        L.SpatialDropout1D(0.1),
        L.Bidirectional(L.LSTM(3)),
        L.Dense(3, activation="softmax"),
    ),
    "several labels": lambda: sequential(
        L.GRU(4, return_sequences=True),
        L.GlobalMaxPooling1D(),
        L.Dense(3, activation="sigmoid"),
    ),
    "numbers": lambda: sequential(
        L.Bidirectional(L.GRU(4, return_sequences=True)),
        L.GlobalAveragePooling1D(),
        L.Dense(2),
        L.Rescaling([2.0, 3.0], [0.5, -1.0]),
    ),
    "each step": lambda: sequential(
        L.Bidirectional(L.SimpleRNN(4, return_sequences=True)),
        L.TimeDistributed(L.Dense(3, activation="softmax")),
    ),
    "scaled": lambda: sequential(
        L.Normalization(mean=[0.5, -1.0], variance=[2.0, 0.25]),
        L.GaussianNoise(0.1),
        L.GRU(4),
        L.Dense(1),
    ),
    "branched": branched,
    "with states": with_states,
}
X = np.random.default_rng(6).normal(size=(3, 5, 2)).astype(np.float32)


def same(found, there, given=X, told=None):
    ask = getattr(found, "predict_proba", found.predict)
    expected = answers(there, given)
    own = np.asarray(ask(told if told is not None else given))
    if expected.shape[-1] == 1 and own.shape[-1:] == (2,):
        expected = np.concatenate([1 - expected, expected], axis=-1)
    np.testing.assert_allclose(own, expected.reshape(own.shape), atol=ONCE, rtol=2e-6)


@pytest.mark.parametrize("name", THEIRS)
def test_what_keras_saves_answers_here_as_there(name, tmp_path):
    there = THEIRS[name]()
    for file in ("model.keras", "model.h5"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Keras, about the older format
            there.save(tmp_path / file)
        same(read_keras(tmp_path / file), there)
    there.save_weights(tmp_path / "model.weights.h5")
    config = json.loads(there.to_json())
    same(read_keras(tmp_path / "model.weights.h5", config=config), there)
    largest = max(weight.nbytes for weight in there.get_weights()) / 2**30  # in GiB
    there.save_weights(tmp_path / "shards.weights.json", max_shard_size=1.01 * largest)
    assert len(list(tmp_path.glob("shards_*.weights.h5"))) > 1
    same(read_keras(tmp_path / "shards.weights.json", config=config), there)


def test_weights_alone_tell_most(tmp_path):
    there = THEIRS["both ways, above each other"]()
    there.save_weights(tmp_path / "model.weights.h5")
    given = {"readout": "last", "head": "softmax"}
    same(read_keras(tmp_path / "model.weights.h5", **given), there)
    there = THEIRS["relu"]()
    there.save_weights(tmp_path / "model.weights.h5")
    same(
        read_keras(
            tmp_path / "model.weights.h5", activation="relu", readout="last", head="sigmoid"
        ),
        there,
    )
    simple = {"activation": "tanh", "head": "softmax"}
    there = THEIRS["each step"]()
    there.save_weights(tmp_path / "model.weights.h5")
    same(read_keras(tmp_path / "model.weights.h5", readout="every", **simple), there)


def test_statistics_that_a_layer_learned(tmp_path):
    layer = L.Normalization()
    layer.adapt(X * 3 + 7)
    there = keras.Sequential([numbers(), layer, L.GRU(4), L.Dense(2, activation="softmax")])
    for file in ("model.keras", "model.h5"):
        there.save(tmp_path / file)
        same(read_keras(tmp_path / file), there, X * 3 + 7)


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("both", [False, True])
def test_masked_steps_are_nan_wherever_they_stand(both, pool, tmp_path):
    layer = L.LSTM(4, return_sequences=pool)
    inner = [L.Bidirectional(layer) if both else layer]
    inner += [L.GlobalAveragePooling1D()] * pool
    there = sequential(L.Masking(0.0), *inner, L.Dense(3, activation="softmax"))
    given = X.copy()
    given[0, 3:] = given[1, :2] = given[2, 1] = 0
    there.save(tmp_path / "model.keras")
    clf = read_keras(tmp_path / "model.keras", mask_value=0.0)
    told = np.where((given == 0).all(axis=-1, keepdims=True), np.nan, given)
    same(clf, there, given, [told[0, :3], told[1], told[2]])


def test_ids_with_padding(tmp_path):
    layers = [L.Input((None,)), L.Embedding(7, 3, mask_zero=True), L.Bidirectional(L.GRU(4))]
    there = drawn(keras.Sequential([*layers, L.Dense(2, activation="softmax")]))
    ids = np.array([[2, 6, 1, 0, 0], [3, 0, 0, 0, 0], [1, 1, 2, 5, 6]])
    told = [row[row > 0].tolist() for row in ids]
    for file in ("model.keras", "model.h5"):
        there.save(tmp_path / file)
        same(read_keras(tmp_path / file), there, ids, told)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16", "float16"])
def test_half_precision(policy, tmp_path):
    # the default initializer does not work in half precision
    cell = L.GRU(4, dtype=policy, recurrent_initializer="glorot_uniform")
    there = drawn(keras.Sequential([numbers(), cell, L.Dense(2, "softmax", dtype=policy)]))
    there.save(tmp_path / "model.keras")
    with pytest.warns(UserWarning, match=f"computes in {policy}"):
        clf = read_keras(tmp_path / "model.keras")
    np.testing.assert_allclose(clf.predict_proba(X), answers(there, X).astype(float), atol=0.02)


# What the default suite writes is what Keras writes


def parts():
    rng = np.random.default_rng(9)
    numbers = [np.array([3.0, -2.0], np.float32), np.array([0.25, 4.0], np.float32), np.int32(0)]
    pooled = {"data_format": "channels_last", "keepdims": False}
    return {
        "scaled": [
            kf.Part("Normalization", {"axis": [-1], "mean": None, "variance": None}, {"": numbers}),
            kf.recurrent("GRU", 2, 4, rng, return_sequences=True, bidirectional=True),
            kf.recurrent("GRU", 8, 3, rng, return_sequences=True),
            kf.simple("GlobalAveragePooling1D", **pooled),
            kf.dense(3, 2, "softmax", rng),
        ],
        "masked": [
            kf.simple("Masking", mask_value=0.0),
            kf.recurrent("LSTM", 2, 4, rng, return_sequences=True, bidirectional=True),
            kf.recurrent("LSTM", 8, 3, rng, bidirectional=True),
            kf.dense(6, 2, "sigmoid", rng),
        ],
        "each step": [
            kf.recurrent("SimpleRNN", 2, 4, rng, return_sequences=True, activation="relu"),
            kf.dense(4, 2, "softmax", rng, per_step=True),
        ],
    }


@pytest.mark.parametrize("kind", ["keras", "weights", "legacy", "legacy weights"])
@pytest.mark.parametrize("name", ["scaled", "masked", "each step"])
def test_files_of_the_default_suite(name, kind, tmp_path):
    layers = parts()[name]
    given = X.copy()
    given[0, 3:] = given[2, 1] = 0
    path = tmp_path / ("model.h5" if "legacy" in kind else "model.keras")
    there = keras.models.load_model(kf.write_keras3(tmp_path / "model.keras", layers, (None, 2)))
    if kind == "weights":
        drawn(there).load_weights(kf.write_weights(tmp_path / "m.weights.h5", layers))
    elif kind == "legacy":
        there = keras.models.load_model(kf.write_legacy(path, layers, (None, 2)))
    elif kind == "legacy weights":
        drawn(there).load_weights(kf.write_legacy(path, layers, (None, 2), whole=False))
    expected = np.array([kf.answers(layers, x) for x in given])
    np.testing.assert_allclose(answers(there, given), expected, atol=ONCE)
