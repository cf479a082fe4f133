"""ONNX files that read one time step in a call: after each, ours is the answer to all so far."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
from helpers.exchange_models import (
    CELLS,
    KINDS,
    READOUTS,
    data_of_symbols,
    model_of_kind,
    model_of_symbols,
    ragged,
)
from helpers.onnx_judge import answers_of, assert_same, feeds_of, session_of

from elman.exchange import ExchangeError
from elman.exchange.onnx import onnx_model

ALL = ("last", "mean", "max", "attention")
FRONT_ENDS = ({}, {"deltas": 1}, {"deltas": 2}, {"stride": 2}, {"stride": 3, "deltas": 2})


class Steps:
    """A session over a file of steps, with the state that goes from one to the next."""

    def __init__(self, model, n, **options):
        self.session = session_of(onnx_model(model, stream=True, **options))
        self.names = [output.name for output in self.session.get_outputs()]
        size = next(each.shape[1] for each in self.session.get_inputs() if each.name == "state")
        self.state = np.zeros((n, size))

    def step(self, feeds):
        """The answers to one step of each stream."""
        found = dict(
            zip(self.names, self.session.run(None, feeds | {"state": self.state}), strict=True)
        )
        self.state = found.pop("stateN")
        return found


def check_steps(model, X, tokens=None, n_steps=None):
    """Samples of equal length: after each step, or the last alone, the answer is that to all."""
    feeds = feeds_of(model, X, tokens or "text")
    steps = Steps(model, len(X), tokens=tokens)
    longest = int(feeds.pop("lengths")[0])
    for t in range(longest):
        of_step = {name.replace("X", "x"): values[:, t] for name, values in feeds.items()}
        found = steps.step(of_step)
        if n_steps is not None and t + 1 not in n_steps:
            continue
        expected = answers_of(model, [sample[: t + 1] for sample in X])
        if model.network.layout.at_every_step:
            expected = {name: np.array([each[-1] for each in v]) for name, v in expected.items()}
        assert_same(model, found, expected)


@pytest.mark.parametrize("stack", ["one", "two", "residual"])
@pytest.mark.parametrize("cell", CELLS)
class TestEveryNetwork:
    def test_every_readout(self, cell, stack):
        for readout, initial in product(READOUTS, (False, True)):
            model = model_of_kind(cell=cell, stack=stack, readout=readout, initial=initial)
            check_steps(model, ragged(lengths=(4, 4)))

    def test_every_kind_of_answer(self, cell, stack):
        for kind in KINDS:
            model = model_of_kind(kind, cell=cell, stack=stack, initial=True, readout=ALL)
            check_steps(model, ragged(lengths=(3, 3, 3)))


@pytest.mark.parametrize("missing", ["error", "mask"])
@pytest.mark.parametrize("kind", KINDS)
def test_front_ends_and_missing_values(kind, missing):
    for i, frontend in enumerate(FRONT_ENDS):
        standardised, n_scalers = [(True, 0), (False, 0), (True, 2), (False, 1)][i % 4]
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
        check_steps(model, ragged(3, missing, lengths=(7, 7)))


@pytest.mark.parametrize("form", ["characters", "tokens", "ints", "steps", "categories"])
def test_categories(form):
    X = data_of_symbols(form)
    X = [X[0][:3], X[-1][:3]]
    for kind, cell, size, missing in (
        ("classifier", "gru", 0, "error"),
        ("tagger", "tanh", 0, "mask"),
        ("regressor", "lstm", 2, "mask"),
    ):
        model = model_of_symbols(kind, form, cell=cell, size=size, missing=missing)
        for tokens in ("text", "ids"):
            check_steps(model, X, tokens)


@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_steps(kind):
    model = model_of_kind(
        kind, stack="two", readout=ALL, initial=True, frontend={"deltas": 1, "stride": 3}
    )
    check_steps(model, ragged(lengths=(10_000,)), n_steps={1, 9_998, 9_999, 10_000})


def test_answers_are_those_of_our_streams():
    model = model_of_kind(readout=ALL, initial=True, cell="lstm", missing="mask")
    X = ragged(missing="mask", lengths=(9,))[0]
    steps, stream = Steps(model, 1), model.stream()
    for x in X:
        found = steps.step({"x": x[np.newaxis]})["probabilities"][0]
        np.testing.assert_allclose(found, stream.step(x), rtol=0, atol=1e-6)


@pytest.mark.parametrize("frontend", FRONT_ENDS)
def test_zeros_begin_a_sequence_in_any_stream(frontend):
    model = model_of_kind(readout=ALL, initial=True, frontend=frontend)
    first, second = ragged(lengths=(5, 5))
    steps, alone = Steps(model, 2), Steps(model, 1)
    for x in first:
        steps.step({"x": np.stack([x, x])})
    steps.state[1] = 0
    for x, other in zip(second, first, strict=True):
        both = steps.step({"x": np.stack([other, x])})["probabilities"]
        wanted = alone.step({"x": x[np.newaxis]})["probabilities"]
        np.testing.assert_allclose(both[1], wanted[0], rtol=0, atol=1e-6)
        assert not np.allclose(both[0], both[1], rtol=0, atol=1e-6)


@pytest.mark.parametrize("frontend", FRONT_ENDS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_step_that_is_an_error_here_leaves_its_stream_as_it_is(bad, frontend):
    model = model_of_kind(readout=ALL, frontend=frontend)
    steps = Steps(model, 2)
    for x in ragged(lengths=(4,))[0]:
        steps.step({"x": np.stack([x, -x])})
    before = steps.state
    found = steps.step({"x": np.array([[0.5, bad], [0.5, 1.0]], np.float32)})
    assert np.isnan(found["probabilities"][0]).all()
    assert found["label"][0] == ""
    assert np.isfinite(found["probabilities"][1]).all()
    assert np.array_equal(steps.state[0], before[0])
    assert (steps.state[1] != before[1]).any()


def test_the_metadata_say_what_the_state_is():
    proto = onnx_model(model_of_kind(readout=ALL, frontend={"stride": 4}), stream=True)
    found = {each.key: each.value for each in proto.metadata_props}
    parts = json.loads(found["state_parts"])
    assert sum(parts.values()) == int(found["state_size"])
    assert proto.graph.input[1].type.tensor_type.shape.dim[1].dim_value == int(found["state_size"])
    assert found["stride"] == "4"
    assert "Zeros begin a sequence" in found["state_note"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stack": "both ways"}, "bidirectional=True"),
        ({"frontend": {"scale_each": True}}, "scale_each=True"),
    ],
)
def test_what_is_known_at_the_end_only_is_refused(options, said):
    model = model_of_kind(**options)
    with pytest.raises(ExchangeError, match=said):
        onnx_model(model, stream=True)
    onnx_model(model)
