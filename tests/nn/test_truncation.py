"""Truncated backpropagation through time: against a slow definition, at every kind of border."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.backends import make_backend
from helpers.sequence_data import draw_network, make_batch
from hypothesis import given, settings
from hypothesis import strategies as st

from elman import RNNClassifier
from elman.backends.cells import Cell, Weights
from elman.data.prepared import Prepared
from elman.data.sequences import Sequences
from elman.models import inference
from elman.nn import network as network_module
from elman.nn import truncation
from elman.nn.chunks import chunks
from elman.nn.dropout import Masking
from elman.nn.losses import cross_entropy
from elman.nn.optimizers import SGD
from elman.nn.readouts import names_of
from elman.training.labelled import Labelled
from elman.training.loop import train
from elman.training.plan import Plan

REFERENCE = make_backend("reference")
CELLS = [("elman", "tanh"), ("elman", "relu"), ("gru", "tanh"), ("lstm", "tanh")]
CELLS += [(*cell, True) for cell in CELLS]  # with layer normalisation
READOUTS = ["last", "mean", "max", "attention"]


def build(rng, *, readout="last", cell=("gru", "tanh"), hidden_size=3, **options):
    network = draw_network(
        2, hidden_size, 3, cell=Cell(*cell), readout=readout, rng=rng, dtype="float64", **options
    )
    network.params.flat[...] += 0.3 * rng.normal(size=network.params.flat.size)
    return network


def beginning(network):
    """States of all layers before the first step."""
    return [
        network.params[name][np.newaxis]
        if (name := f"recurrent{i}.initial") in network.params
        else np.zeros((1, network.layout.cell.state_size(size)))
        for i, size in enumerate(network.layout.hidden_sizes)
    ]


def slowly(network, x, states, masks):
    """A step and a layer at a time: what the readout sees before and after each; states at the end.

    `masks` are of dropout, one for each layer or None.
    """
    rows = []
    for t in range(-1, len(x)):
        value, after = np.ascontiguousarray(x[t : t + 1]), []
        for i, state in enumerate(states):
            weights = (
                network.params[f"recurrent{i}.{key}"] for key in network.layout.cell.weight_names
            )
            if t >= 0:
                state = REFERENCE.step(network.layout.cell, value, state, Weights(*weights))
            after.append(state)
            hidden = state[:, : network.layout.hidden_sizes[i]].copy()
            value = hidden + value if network.layout.residual and i else hidden
            if masks is not None and i < len(states) - 1:
                value = value * masks[i]
        states = after
        rows.append(value[0])
    return np.array(rows), states


class Slowly:
    """One sample whose states at borders are those that were there when this was made.

    The derivative of its logits is the truncated gradient, by definition.
    """

    def __init__(self, network, x, every, masks):
        self.network, self.masks = network, masks
        self.parts = [x[i : i + every] for i in range(0, max(len(x), 1), every)]
        self.given = []
        states = beginning(network)
        for part in self.parts:
            _, states = slowly(network, part, states, masks)
            self.given.append(states)

    def logits(self):
        network = self.network
        begin = [beginning(network), *self.given[:-1]]
        pieces = [
            slowly(network, part, states, self.masks)[0]
            for part, states in zip(self.parts, begin, strict=True)
        ]
        H = np.concatenate([piece[1:] for piece in pieces])
        parts = []
        for name in names_of(network.layout.readout):
            if len(H) == 0 or name == "last":
                parts.append(pieces[-1][-1])
            elif name == "attention":
                query = network.params["attention.query"]
                scores = np.exp(H @ query / np.sqrt(network.layout.width))
                parts.append(scores @ H / scores.sum())
            else:
                parts.append({"mean": H.mean, "max": H.max}[name](axis=0))
        read = np.hstack(parts)
        return head(network, read if self.masks is None else read * self.masks[-1][0])


def head(network, features):
    return features @ network.params["head.W"] + network.params["head.b"]


def differences(array, value, step=1e-5):
    numeric = np.empty_like(array)
    for i in range(array.size):
        kept = array.flat[i]
        array.flat[i] = kept + step
        above = value()
        array.flat[i] = kept - step
        below = value()
        array.flat[i] = kept
        numeric.flat[i] = (above - below) / (2 * step)
    return numeric


LENGTHS = (7, 6, 4, 3, 1, 0)
CASES = [
    (("elman", "tanh"), "last", 2, {"hidden_size": (3, 2), "learn_initial_state": True}),
    (("elman", "relu"), "max", 3, {}),
    (("elman", "tanh"), "mean", 1, {"learn_initial_state": True}),
    (("gru", "tanh"), "attention", 3, {"n_layers": 2, "residual": True, "hidden_size": 2}),
    (("gru", "tanh", True), "max", 3, {"learn_initial_state": True}),
    (("lstm", "tanh"), "last", 3, {"learn_initial_state": True}),
    (("lstm", "tanh"), "max", 2, {"n_layers": 2, "dropout": 0.4, "hidden_size": 2}),
    (("gru", "tanh"), "last", 4, {"n_layers": 2, "residual": True, "learn_initial_state": True}),
    (("elman", "tanh"), "attention", 5, {"learn_initial_state": True, "dropout": 0.5}),
    (("gru", "tanh"), ("last", "max"), 3, {"learn_initial_state": True, "dropout": 0.3}),
    (("elman", "tanh"), ("max", "attention", "mean", "last"), 2, {"hidden_size": 2}),
]


@pytest.mark.parametrize(("cell", "readout", "every", "options"), CASES, ids=str)
def test_the_gradient_is_that_of_states_given_at_borders(backend, cell, readout, every, options):
    rng = np.random.default_rng(4)
    network = build(rng, cell=cell, readout=readout, **options)
    X, lengths = make_batch(rng, LENGTHS, padding=np.nan)
    samples = np.array([8, 3, 1, 0, 5, 2])
    masking = Masking(9, 2, samples)
    direction = rng.normal(size=(len(X), 3))
    slow = []
    for x, n, sample in zip(X, lengths, samples, strict=True):
        own = masking._replace(samples=np.array([sample]))
        sizes = *network.layout.hidden_sizes[:-1], network.layout.n_read
        masks = [
            own.mask(i, size, network.layout.dropout, "float64") for i, size in enumerate(sizes)
        ]
        slow.append(Slowly(network, x[:n], every, masks if network.layout.dropout else None))

    def value():
        return sum(float(one.logits() @ d) for one, d in zip(slow, direction, strict=True))

    logits, backward = truncation.forward(network, X, lengths, backend, every, masking=masking)
    np.testing.assert_allclose(logits, [one.logits() for one in slow], rtol=1e-11, atol=1e-13)
    expected = differences(network.params.flat, value)
    gradient, _ = backward(direction)
    bound = 1e-7 * np.abs(expected).max()
    np.testing.assert_allclose(gradient.flat, expected, rtol=0, atol=bound)
    # it can be asked twice, and writes over whatever is where it is told to write
    garbage = network.params.copy()
    backward(direction, garbage)
    np.testing.assert_array_equal(garbage.flat, gradient.flat)
    whole, full = network.forward(X, lengths, backend, masking=masking)
    np.testing.assert_allclose(whole, logits, rtol=1e-11, atol=1e-13)
    assert np.abs(full(direction)[0].flat - gradient.flat).max() > 100 * bound


def tags(rng, lengths, unlabelled=0.2):
    codes = rng.integers(0, 3, int(np.sum(lengths)))
    codes[rng.random(codes.size) < unlabelled] = -1
    return codes


def test_a_tagger_takes_a_step_after_every_chunk(backend):
    """Stochastic gradient descent by hand, with central differences of each chunk's own loss."""
    rng = np.random.default_rng(6)
    network = build(rng, readout="every", n_layers=2, hidden_size=2, learn_initial_state=True)
    lengths, every, rate = [3, 7, 1, 4], 3, 0.1
    X = [rng.normal(size=(n, 2)) for n in lengths]
    codes = tags(rng, lengths)
    codes[10 + np.arange(3)] = 1
    own = np.split(codes, np.cumsum(lengths)[:-1])
    prepared = Prepared(Sequences(np.concatenate(X), lengths))
    data = Labelled(prepared, codes, None, per_step=True)
    byhand = network.copy()
    states = [None] * 4

    for start in range(0, 7, every):
        live = [i for i in range(4) if len(X[i]) > start]
        labels = np.concatenate([own[i][start : start + every] for i in live])
        counted = labels >= 0

        def chunk(live=live, start=start):
            """Logits of the chunk, and the states after it."""
            logits, ends = [], []
            for i in live:
                begin = beginning(byhand) if states[i] is None else states[i]
                H, end = slowly(byhand, X[i][start : start + every], begin, None)
                logits.append(head(byhand, H[1:]))
                ends.append(end)
            return np.concatenate(logits), ends

        _, ends = chunk()
        gradient = differences(
            byhand.params.flat,
            lambda: cross_entropy(chunk()[0][counted], labels[counted])[0].sum(),  # noqa: B023
        )
        for i, end in zip(live, ends, strict=True):
            states[i] = end
        byhand.params.flat[...] -= rate * gradient

    plan = Plan(1, 4, lambda epoch: rate, None, bptt_steps=every)
    optimizer = SGD(network.params, momentum=0.0)
    train(network, data, optimizer, plan, backend=backend, rng=rng)
    assert optimizer.n_steps == 3
    np.testing.assert_allclose(network.params.flat, byhand.params.flat, rtol=0, atol=1e-8)


@pytest.mark.parametrize("lengths", [(5, 5, 5), (5, 4, 1, 0), (0, 0), ()])
@pytest.mark.parametrize("every", [None, 1, 2, 3, 5, 9])
def test_chunks_hold_every_step_once(lengths, every):
    longest = max(lengths, default=0)
    own = np.array(lengths, np.int64) if len(set(lengths)) > 1 else None
    seen = np.zeros((len(lengths), longest), int)
    cut = list(chunks(own, len(lengths), longest, every))
    for chunk in cut:
        n_live = len(lengths) if chunk.start == 0 else sum(n > chunk.start for n in lengths)
        assert chunk.n_samples == n_live
        assert chunk.stop - chunk.start <= (every or longest)
        inside = np.ones((n_live, chunk.stop - chunk.start), bool)
        if chunk.past is not None:
            inside = ~chunk.past
        seen[: chunk.n_samples, chunk.start : chunk.stop] += inside
        assert chunk.lengths is None or not (chunk.lengths == chunk.stop - chunk.start).all()
    np.testing.assert_array_equal(seen, np.arange(longest) < np.array(lengths, int)[:, np.newaxis])
    assert len(cut) == max(1, -(-longest // (every or max(longest, 1))))


@st.composite
def problems(draw):
    """Any network the library builds that reads onward only, and a batch for it."""
    sizes = draw(st.sampled_from([(1,), (5,), (3, 4), (3, 3), (2, 2, 2)]))
    equal = len(set(sizes)) == 1
    options = {
        "cell": draw(st.sampled_from(CELLS)),
        "readout": draw(
            st.sampled_from([*READOUTS, "every", ("max", "last"), ("attention", "max")])
        ),
        "hidden_size": sizes,
        "residual": draw(st.booleans()) and equal,
        "learn_initial_state": draw(st.booleans()),
        "dropout": draw(st.sampled_from([0.0, 0.4])),
        "recurrent_dropout": draw(st.sampled_from([0.0, 0.3])),
    }
    lengths = draw(st.lists(st.integers(0, 9), min_size=1, max_size=5))
    return options, lengths, draw(st.integers(0, 2**32 - 1))


def fit(options, lengths, seed, dtype="float64", backend=REFERENCE, **plan):
    """Weights and losses after two epochs."""
    rng = np.random.default_rng(seed)
    network = build(rng, **options)
    X = Prepared(Sequences(rng.normal(size=(sum(lengths), 2)), lengths))
    per_step = options["readout"] == "every"
    targets = tags(rng, lengths) if per_step else rng.integers(0, 3, len(lengths))
    data = Labelled(X, targets, None, per_step)
    optimizer = SGD(network.params)
    plan = Plan(2, 3, lambda epoch: 0.1, 1.0, **plan)
    history = train(network, data, optimizer, plan, backend=backend, rng=rng)
    return network.params.flat, history.loss


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(0, 5), st.sampled_from([0, 2]))
def test_chunks_of_all_steps_are_the_whole_bit_for_bit(problem, more, recompute_every):
    _, lengths, _ = problem
    whole = fit(*problem, recompute_every=recompute_every)
    cut = fit(
        *problem,
        bptt_steps=max(1, max(lengths) + more),
        recompute_every=recompute_every,
    )
    np.testing.assert_array_equal(cut[0], whole[0])
    assert cut[1] == whole[1]


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(1, 9))
def test_the_loss_does_not_see_the_borders(problem, every):
    """What is read of a sample is the same, whatever the chunks: only the way back is cut."""
    options, lengths, seed = problem
    rng = np.random.default_rng(seed)
    network = build(rng, **options)
    lengths = np.array(sorted(lengths, reverse=True), np.int64)
    X, _ = make_batch(rng, lengths)
    masking = Masking(3, 1, rng.permutation(len(X)))
    if options["readout"] == "every":
        carried, logits = {}, np.zeros((*X.shape[:2], 3))
        for chunk in chunks(lengths, *X.shape[:2], every):
            states = chunk.states(carried)
            part, _ = network.forward(
                chunk.of(X),
                chunk.lengths,
                REFERENCE,
                masking=chunk.masking(masking),
                states=states,
            )
            chunk.carry(states, carried)
            logits[: chunk.n_samples, chunk.start : chunk.stop] = part
        live = np.arange(X.shape[1]) < lengths[:, np.newaxis]
        whole, _ = network.forward(X, lengths, REFERENCE, masking=masking)
        np.testing.assert_array_equal(logits[live], whole[live])
        return
    logits, _ = truncation.forward(network, X, lengths, REFERENCE, every, masking=masking)
    whole, _ = network.forward(X, lengths, REFERENCE, masking=masking)
    if options["readout"] in ("last", "max", ("max", "last")):  # neither sums over time
        np.testing.assert_array_equal(logits, whole)
    np.testing.assert_allclose(logits, whole, rtol=1e-12, atol=1e-13)


def test_both_directions_at_once_cannot_be_cut(rng):
    network = build(rng, bidirectional=True)
    X, lengths = make_batch(rng)
    with pytest.raises(ValueError, match=r"bptt_steps carries states .* set bidirectional=False"):
        truncation.forward(network, X, lengths, REFERENCE, 2)


@pytest.mark.parametrize("readout", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("sizes", [5, (4, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_long_sequences_are_predicted_in_chunks_to_the_same_bits(
    readout, sizes, dtype, monkeypatch
):
    rng = np.random.default_rng(11)
    X = [rng.normal(size=(n, 2)) for n in (17, 0, 3, 8, 16)]
    settings = {"hidden_size": sizes, "readout": readout, "dtype": dtype}
    clf = RNNClassifier(**settings, max_iter=1, random_state=0)
    expected = clf.fit(X, [0, 1, 0, 1, 0]).predict_proba(X)
    over_time = clf.predict_proba_over_time(X)
    cut = []
    monkeypatch.setattr(inference, "STEPS_AT_ONCE", 7)
    monkeypatch.setattr(network_module, "chunks", lambda *a: cut.append(a[-1]) or chunks(*a))
    assert clf.predict_proba(X).tobytes() == expected.tobytes()
    # one layer keeps no state in any case, but for attention
    assert cut == ([7] if isinstance(sizes, tuple) or readout == "attention" else [])
    for now, before in zip(clf.predict_proba_over_time(X), over_time, strict=True):
        assert now.tobytes() == before.tobytes()
