"""ONNX files in tract, a runtime that shares no code with ONNX Runtime: the answers of the models.

Its recurrent operators know no lengths, and it knows no strings, so that whole sequences go without
`lengths`, and labels and tokens as numbers. Needs the package `tract`.
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers.exchange_models import (
    CELLS,
    KINDS,
    STACKS,
    data_of_symbols,
    model_of_kind,
    model_of_symbols,
    ragged,
)
from helpers.runtimes import absent

from elman.exchange import to_onnx

try:
    import tract
except ImportError:
    absent_tract = True
else:
    absent_tract = False

ALL = ("last", "mean", "max", "attention")
TYPES = {"float32": "f32", "float64": "f64", "int64": "i64"}


@pytest.fixture(autouse=True)
def _tract():
    if absent_tract:
        absent("the package tract")


@pytest.fixture
def answers(tmp_path):
    """A function of a model and inputs: what tract answers, in the order of the outputs."""

    def run(model, feeds, **options):
        path = tmp_path / "model.onnx"
        to_onnx(model, path, labels=False, lengths=False, **options)
        loaded = tract.onnx().load(str(path))
        for i, values in enumerate(feeds):
            shape = ",".join(map(str, values.shape))
            loaded.set_input_fact(i, f"{shape},{TYPES[values.dtype.name]}")
        found = loaded.into_model().into_runnable().run([np.ascontiguousarray(f) for f in feeds])
        return [each.to_numpy() for each in found]

    return run


def check(model, found, X):
    """The answers to samples of equal length are the model's."""
    data = model.check(X)
    if model.kind == "RNNRegressor":
        scale = model.target_scale.scale
        wanted = np.array(model.predict(data))
        np.testing.assert_allclose(found[0], wanted, rtol=0, atol=2e-6 * scale.max())
        return
    codes = np.array(model.predict(data))
    if not getattr(model, "multilabel", False):
        codes = np.searchsorted(model.classes, codes)
    assert found[0].tolist() == codes.tolist()
    wanted = np.array(model.predict_proba(data))
    np.testing.assert_allclose(found[1], wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell != "relu"])
def test_every_network(answers, cell, stack):
    X = ragged(lengths=(5, 5, 5))
    for initial in (False, True):
        model = model_of_kind(cell=cell, stack=stack, initial=initial, readout=ALL)
        check(model, answers(model, [np.array(X)]), X)


def test_relu_is_read_as_tanh(answers):
    # Were it not, what `to_onnx` says of it could go.
    X = ragged(lengths=(5, 5, 5))
    model = model_of_kind(cell="relu")
    found = answers(model, [np.array(X)])[1]
    assert np.abs(found - model.predict_proba(model.check(X))).max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer(answers, kind):
    X = ragged(lengths=(5, 5, 5))
    model = model_of_kind(kind, readout="mean", n_scalers=1)
    check(model, answers(model, [np.array(X)]), X)


@pytest.mark.parametrize("missing", ["error", "mask"])
@pytest.mark.parametrize("frontend", [{}, {"deltas": 2}, {"stride": 2}, {"scale_each": True}])
def test_front_ends_and_missing_values(answers, frontend, missing):
    X = ragged(missing=missing, lengths=(5, 5, 5))
    model = model_of_kind(frontend=frontend, missing=missing)
    check(model, answers(model, [np.array(X)]), X)


@pytest.mark.parametrize("cell", ["tanh", "gru"])
@pytest.mark.parametrize("form", ["tokens", "steps", "categories"])
@pytest.mark.parametrize("size", [0, 2])
def test_categories(answers, form, size, cell):
    X = data_of_symbols(form)
    X = [X[0][:3], X[-1][:3]]
    model = model_of_symbols(form=form, size=size, cell=cell)
    encoded = np.array(model.symbols.encode(X))
    n_codes = model.symbols.n_codes
    feeds = [encoded[:, :, :n_codes].astype(np.int64)]
    if form == "tokens":
        feeds[0] = feeds[0][:, :, 0]
    if form == "steps":
        feeds = [encoded[:, :, n_codes:].astype(np.float32), *feeds]
    check(model, answers(model, feeds), X)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_of_a_stream(answers, kind, tmp_path):
    X = ragged(lengths=(4, 4))
    model = model_of_kind(kind, cell="lstm", stack="two", readout=ALL, initial=True)
    state = None
    for t in range(4):
        if state is None:
            to_onnx(model, tmp_path / "size.onnx", stream=True)
            state = np.zeros((2, size_of_state(tmp_path / "size.onnx")))
        *found, state = answers(model, [np.array(X)[:, t], state], stream=True)
    whole = model_of_kind(kind, cell="lstm", stack="two", readout=ALL, initial=True)
    if whole.network.layout.at_every_step:
        data = whole.check(X)
        if kind == "tagger":
            wanted = np.array(whole.predict_proba(data))[:, -1]
            np.testing.assert_allclose(found[1], wanted, rtol=0, atol=1e-6)
        else:
            wanted = np.array(whole.predict(data))[:, -1]
            np.testing.assert_allclose(found[0], wanted, rtol=0, atol=2e-5)
    else:
        check(whole, found, X)


def size_of_state(path):
    import onnx

    return onnx.load(path).graph.input[1].type.tensor_type.shape.dim[1].dim_value
