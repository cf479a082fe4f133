"""ONNX files in ONNX Runtime beside the models that they were written of."""

from __future__ import annotations

import numpy as np
import onnxruntime

from elman.exchange.onnx import onnx_model
from helpers.exchange_models import padded

TOLERANCE = 1e-6
"""Of probabilities."""
LOGITS = 2e-6
"""Of the outputs of a regressor's head, which a softmax does not make smaller: a dozen products."""


def session_of(proto, threads=1):
    """An ONNX Runtime session over a model in memory."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    return onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def feeds_of(model, X, tokens="text", n_timesteps=None):
    """The inputs of a graph of whole sequences, padded by what must not be read."""
    if model.symbols is None:
        samples = [row[:, np.newaxis] for row in X] if model.two_d else X
        filled, lengths = padded(samples, n_timesteps=n_timesteps)
        return {"X": filled, "lengths": lengths}
    feeds, lengths = _columns(model.symbols, X, tokens)
    return feeds | {"lengths": lengths}


def _columns(symbols, X, tokens):
    """The inputs of categories and of numbers."""
    lengths = np.array([len(sample) for sample in X], np.int32)
    steps = int(lengths.max())
    feeds = {}
    if symbols.numeric:
        columns = list(symbols.numeric)
        numbers = [
            np.array([[step[j] for j in columns] for step in each], np.float32) for each in X
        ]
        numbers = [each.reshape(-1, len(columns)) for each in numbers]
        feeds["X"], _ = padded(numbers)
    alone = symbols.n_codes == 1 and not symbols.numeric
    if tokens == "ids":
        encoded = [each[:, : symbols.n_codes].astype(np.int64) for each in symbols.encode(X)]
        ids, _ = padded(encoded, fill=-(10**6))
        return feeds | ({"X": ids[:, :, 0]} if alone else {"ids": ids}), lengths
    types = {"int": (np.int64, -(10**6)), "bool": (bool, True)}
    for k, (j, vocabulary) in enumerate(
        zip(symbols.categorical, symbols.vocabularies, strict=True)
    ):
        dtype, fill = types.get(vocabulary.kind, (object, "never seen"))
        column = np.full((len(X), steps), fill, dtype)
        for row, sample in zip(column, X, strict=True):
            own = list(sample) if symbols.n_columns == 1 else [step[j] for step in sample]
            row[: len(own)] = ["" if token is None else token for token in own]
        feeds["X" if alone else f"tokens{k}"] = column
    return feeds, lengths


def answers_of(model, X):
    """What the model says, in the form of the graph's outputs, of each sample."""
    data = model.check(X)
    if model.kind == "RNNRegressor":
        return {"y": model.predict(data)}
    return {"label": model.predict(data), "probabilities": model.predict_proba(data)}


def assert_same(model, found, expected, lengths=None):
    """The outputs of a graph are what the model says, and past an end what the file says.

    Parameters
    ----------
    found : dict
        The outputs by name.
    expected : dict
        As `answers_of` gives it.
    lengths : ndarray, optional
        Of samples whose steps are answered.
    """
    assert set(found) == set(expected)
    for name, values in found.items():
        wanted = expected[name]
        if lengths is not None:
            past = np.arange(values.shape[1]) >= lengths[:, np.newaxis]
            _assert_past(model, name, values[past])
            values, wanted = values[~past], np.concatenate(list(wanted))
        assert values.shape == wanted.shape
        if name == "label":
            assert values.tolist() == wanted.tolist()
        elif name == "probabilities":
            np.testing.assert_allclose(values, wanted, rtol=0, atol=TOLERANCE)
        else:
            scale, mean = model.target_scale.scale, model.target_scale.mean
            of_one = 0 if model.one_target else slice(None)
            # In units of the targets' deviation, as the network has them.
            logits, own = ((each - mean[of_one]) / scale[of_one] for each in (values, wanted))
            np.testing.assert_allclose(logits, own, rtol=LOGITS, atol=LOGITS)


def _assert_past(model, name, values):
    if name == "y":
        assert np.isnan(values).all()
    elif name == "probabilities":
        assert (values == 0).all()
    else:
        past = "" if model.classes.dtype.kind in "UO" else -1
        assert set(values.tolist()) <= {past}


def check_whole(model, X, *, tokens="text", threads=(1,), n_timesteps=None, with_lengths=True):
    """A graph of whole sequences answers what the model does, for every number of threads."""
    proto = onnx_model(model, tokens=tokens, lengths=with_lengths)
    feeds = feeds_of(model, X, tokens, n_timesteps)
    expected = answers_of(model, X)
    lengths = feeds["lengths"] if model.network.layout.at_every_step else None
    if not with_lengths:
        assert (feeds["lengths"] == feeds["X" if "X" in feeds else "ids"].shape[1]).all()
        del feeds["lengths"]
    for n in threads:
        session = session_of(proto, n)
        names = [output.name for output in session.get_outputs()]
        found = dict(zip(names, session.run(None, feeds), strict=True))
        assert_same(model, found, expected, lengths)
    return proto
