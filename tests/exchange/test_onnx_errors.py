"""What is an error here is none of the answers of an ONNX file, which can raise no error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.exchange_models import model_of_kind, ragged
from helpers.onnx_judge import feeds_of, session_of

from elman.data.scaling import Standardisation
from elman.exchange.onnx import onnx_model, reasons_against

ONCE = ("classifier", "multilabel", "regressor")
KINDS = (*ONCE, "tagger", "step regressor")


def outputs(model, X):
    """What the graph of whole sequences gives, by name."""
    session = session_of(onnx_model(model))
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds_of(model, X)), strict=True))


def last_of_stream(model, sample):
    """What the graph of steps gives after the last step of a sequence, and all states."""
    session = session_of(onnx_model(model, stream=True))
    names = [each.name for each in session.get_outputs()]
    size = next(each.shape[1] for each in session.get_inputs() if each.name == "state")
    states = [np.zeros((1, size))]
    for x in sample:
        values = session.run(None, {"x": x[np.newaxis], "state": states[-1]})
        found = dict(zip(names, values, strict=True))
        states.append(found["stateN"])
    return found, states


def assert_none(model, found, i, n_steps):
    """The sample i, of so many steps if these are answered, has no answer: NaN, and no label."""

    stop = n_steps if n_steps and model.network.layout.at_every_step else None

    def own(name):
        values = np.asarray(found[name][i])
        return np.ravel(values if stop is None else values[:stop])

    assert np.isnan(own("y" if "y" in found else "probabilities")).all()
    if "label" in found:
        nothing = "" if found["label"].dtype == object else -1
        assert set(own("label").tolist()) == {nothing}


@pytest.mark.parametrize("frontend", [{}, {"deltas": 1, "stride": 2}, {"scale_each": True}])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_scaler_refuses_is_no_missing_value(kind, frontend):
    model = model_of_kind(kind, missing="mask", n_scalers=2, frontend=frontend)
    strict = replace(model.before[0], allow_nan=False)
    model = replace(model, before=(strict, model.before[1]))
    good, bad = ragged(lengths=(4, 3))
    whole = outputs(model, [good, good])
    bad[1, 0] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        model.check([good, bad])
    found = outputs(model, [good, bad])
    name = "y" if "y" in found else "probabilities"
    assert np.array_equal(found[name][0], whole[name][0])
    assert_none(model, found, 1, 3)
    if not frontend.get("scale_each"):
        found, states = last_of_stream(model, bad[:2])
        assert_none(model, found, 0, 0)
        assert np.array_equal(states[2], states[1])


@pytest.mark.parametrize(
    ("kind", "readout"),
    [
        *zip(KINDS, ("last", "mean", "max", "every", "every"), strict=True),
        ("classifier", "attention"),
    ],
)
@pytest.mark.parametrize("stack", ["one", "residual", "two both ways"])
def test_states_that_grow_beyond_float32(kind, stack, readout):
    model = model_of_kind(kind, cell="relu", stack=stack, readout=readout)
    for name, weight in model.network.params.items():
        if name.endswith(("W_h", "W_x")):
            weight[...] = np.abs(weight) * 100
    short, long = ragged(lengths=(3, 60))
    short, long = np.abs(short), np.abs(long) + 20
    found = outputs(model, [short, long])
    assert_none(model, found, 1, 60)
    name = "y" if "y" in found else "probabilities"
    assert np.isfinite(found[name][0][:3] if kind not in ONCE else found[name][0]).all()
    if stack != "two both ways":
        found, states = last_of_stream(model, long)
        assert_none(model, found, 0, 0)
        assert np.isfinite(states[-1]).all()


@pytest.mark.parametrize("cell", ["tanh", "gru", "lstm"])
@pytest.mark.parametrize("stream", [False, True])
def test_numbers_whose_products_leave_float32(cell, stream):
    model = model_of_kind(cell=cell, standardised=False)
    large = np.full((1, 2), 3e38, np.float32) * [1, -1]
    large = large.astype(np.float32)
    found = last_of_stream(model, large)[0] if stream else outputs(model, [large])
    assert_none(model, found, 0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_lengths_that_no_sample_of_the_batch_can_have(kind):
    # The recurrent operators see lengths in blocks, in which these look possible.
    model = model_of_kind(kind, frontend={"stride": 2})
    X = ragged(lengths=(3, 3, 3))
    feeds = feeds_of(model, X) | {"lengths": np.array([4, -1, 3], np.int32)}
    session = session_of(onnx_model(model))
    names = [each.name for each in session.get_outputs()]
    found = dict(zip(names, session.run(None, feeds), strict=True))
    assert_none(model, found, 0, 3)
    if kind in ONCE:
        assert_none(model, found, 1, 3)
    name = "y" if "y" in found else "probabilities"
    assert np.isfinite(found[name][2]).all()


@pytest.mark.parametrize("kind", ["classifier", "tagger", "regressor"])
@pytest.mark.parametrize("n_scalers", [0, 1])
def test_features_whose_deviation_float32_does_not_hold(kind, n_scalers):
    model = model_of_kind(kind, n_scalers=n_scalers)

    def far(mean, scale):
        learned = Standardisation(np.array([0.5, mean]), np.array([1.0, scale]))
        if not n_scalers:
            return replace(model, standardisation=learned, feature_names=("speed", "clock"))
        scaler = replace(model.before[0], mean=learned.mean, scale=learned.scale)
        return replace(model, before=(scaler,), feature_names=("speed", "clock"))

    for stream in (False, True):
        reasons = reasons_against(far(1e9 + 1, 3.0), stream=stream)
        assert len(reasons) == 1
        assert "feature 1 ('clock') lies about 1e+09 from 0" in reasons[0]
    assert reasons_against(far(1e9 + 1, 1e6)) == []
    assert reasons_against(far(1e3 + 0.1, 1.0)) == []
    if not n_scalers:  # constant, and as float32 has it
        assert reasons_against(far(2.0**30, 1.0)) == []
