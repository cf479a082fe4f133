"""Categories in a network: gradients, and the same network over one-hot columns and vectors."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers.problems import assert_same_bits, cell_of

import elman.nn.embedding as embedding
from elman.backends import available_backends, get_backend
from elman.backends.contract import Coded
from elman.inspection.gradcheck import gradcheck
from elman.inspection.gradient_flow import state_gradients
from elman.models.stepping import ComposedNetwork
from elman.models.streaming import plan_of
from elman.nn import truncation
from elman.nn.dropout import Masking
from elman.nn.gradient import Samples, add_groups, fixed_groups, gradient
from elman.nn.groups import add_in_tree
from elman.nn.layout import Layout
from elman.nn.losses import cross_entropy
from elman.nn.network import Network
from elman.nn.objectives import OneClass
from elman.nn.readouts import READOUTS

LENGTHS = (7, 6, 4, 3, 1, 0)
ONE_HOT = ((4, 0), (6, 0))
VECTORS = ((5, 3), (2, 1))
MIXED = ((4, 0), (7, 2), (3, 0))


def build(categories, n_numbers=2, *, kind="gru", sizes=(3,), dtype="float64", seed=0, **options):
    """A network of random weights; biases and what else begins at zero are different."""
    rng = np.random.default_rng(seed)
    layout = Layout(
        len(categories) + n_numbers, sizes, 4, cell_of(kind), categories=categories, **options
    )
    network = Network.initialised(layout, rng=rng, dtype=dtype)
    network.params.flat[...] += (0.3 * rng.normal(size=network.params.flat.size)).astype(dtype)
    return network


def batch_of(network, lengths=LENGTHS, padding=-1.0, seed=1):
    """X with what is no category past each end, and lengths."""
    rng, layout = np.random.default_rng(seed), network.layout
    X = rng.normal(size=(len(lengths), max(lengths), layout.n_features))
    for k, (n, _) in enumerate(layout.categories):
        X[:, :, k] = rng.integers(0, n, X.shape[:2])
    X[np.arange(max(lengths)) >= np.array(lengths)[:, np.newaxis]] = padding
    return X.astype(network.params.dtype), np.array(lengths, np.int64)


def dense_of(network, X, lengths):
    """The same network over numbers alone, and what X is for it."""
    layout, params = network.layout, network.params
    parts = []
    past = np.arange(X.shape[1]) >= lengths[:, np.newaxis]
    for k, (n, size) in enumerate(layout.categories):
        rows = params[f"embedding{k}.E"] if size else np.eye(n, dtype=X.dtype)
        parts.append(rows[np.where(past, 0, X[:, :, k]).astype(int)])
    dense = np.concatenate([*parts, X[:, :, len(layout.categories) :]], axis=2)
    dense[past] = np.nan
    plain = replace(layout, n_features=dense.shape[2], categories=(), frozen_embeddings=False)
    found = Network.initialised(plain, rng=np.random.default_rng(0), dtype=X.dtype)
    for name, array in found.params.items():
        array[...] = params[name]
    return found, np.ascontiguousarray(dense)


def taken_back(network, X, lengths, backend, **options):
    """Logits, the gradients of the weights by name, and that at X."""
    logits, backward = network.forward(X, lengths, backend, need_dX=True, **options)
    dlogits = np.random.default_rng(5).normal(size=logits.shape).astype(logits.dtype)
    found, dX = backward(dlogits, network.params.copy())  # what is there is overwritten
    return logits, dict(found), dX


def expected_of(network, X, lengths, backend, **options):
    """As `taken_back`, by the network over numbers alone."""
    dense, X_dense = dense_of(network, X, lengths)
    logits, found, dX_dense = taken_back(dense, X_dense, lengths, backend, **options)
    dX, start = np.zeros_like(X), 0
    past = np.arange(X.shape[1]) >= lengths[:, np.newaxis]
    for k, (n, size) in enumerate(network.layout.categories):
        stop = start + (size or n)
        if size:
            dE = np.zeros((n, size))
            np.add.at(dE, X[:, :, k][~past].astype(int), dX_dense[~past][:, start:stop])
            found[f"embedding{k}.E"] = dE
        start = stop
    dX[:, :, len(network.layout.categories) :] = dX_dense[:, :, start:]
    return logits, found, dX


def assert_alike(ours, expected, network):
    logits, found, dX = ours
    assert found.keys() == network.params.keys() == expected[1].keys()
    np.testing.assert_allclose(logits, expected[0], rtol=1e-12, atol=1e-13)
    for name, array in expected[1].items():
        np.testing.assert_allclose(found[name], array, rtol=1e-10, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(dX, expected[2], rtol=1e-10, atol=1e-12)
    assert not dX[:, :, : len(network.layout.categories)].any()


CASES = [
    (ONE_HOT, 0, {"kind": "tanh", "readout": "mean"}),
    (VECTORS, 0, {"kind": "gru", "readout": "max"}),
    (MIXED, 1, {"kind": "lstm", "readout": "last"}),
    (MIXED, 2, {"kind": "normed gru", "readout": "attention", "bidirectional": True}),
    (VECTORS, 1, {"kind": "normed lstm", "readout": "every", "sizes": (3, 2)}),
    (ONE_HOT, 3, {"kind": "relu", "sizes": (2, 2), "residual": True, "bidirectional": True}),
    (MIXED, 0, {"kind": "gru", "bidirectional": True, "readout": ("last", "max", "mean")}),
    (((300, 0), (270, 2)), 1, {"kind": "gru", "learn_initial_state": True}),
    (((1, 0),), 0, {"kind": "normed tanh", "sizes": (3,)}),
    (((1, 2),), 1, {"kind": "tanh", "bidirectional": True, "readout": "mean"}),
]


@pytest.mark.parametrize(("categories", "n_numbers", "options"), CASES, ids=str)
def test_it_is_the_network_over_one_hot_columns_and_vectors(
    backend, categories, n_numbers, options
):
    network = build(categories, n_numbers, **options)
    X, lengths = batch_of(network)
    ours = taken_back(network, X, lengths, backend)
    assert_alike(ours, expected_of(network, X, lengths, backend), network)


def test_all_samples_of_one_length(backend):
    network = build(MIXED, 1, bidirectional=True)
    X, lengths = batch_of(network, (4, 4, 4))
    ours = taken_back(network, X, None, backend)
    assert_alike(ours, expected_of(network, X, lengths, backend), network)


@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm", "normed gru"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_hot_columns_have_the_bits_of_numbers(backend, kind, dtype):
    network = build(((5, 0),), 0, kind=kind, dtype=dtype, sizes=(3, 2))
    X, lengths = batch_of(network)
    dense, X_dense = dense_of(network, X, lengths)
    ours, expected = (
        each.forward(x, lengths, backend)[0] for each, x in ((network, X), (dense, X_dense))
    )
    assert_same_bits(ours, expected)


@pytest.mark.parametrize(
    ("cell", "categories", "n_features", "options"),
    [
        ("elman", ((4, 0),), 0, {"readout": "last"}),
        ("gru", ((5, 2),), 0, {"readout": "mean"}),
        ("lstm", ((3, 2), (4, 0)), 1, {"readout": "max"}),
        ("gru", ((5, 3), (3, 1)), 2, {"readout": "attention", "layer_norm": True}),
        ("elman", ((4, 2),), 1, {"readout": "every", "bidirectional": True, "n_layers": 2}),
        ("lstm", ((4, 2),), 0, {"readout": ("last", "mean"), "bidirectional": True}),
        ("elman", ((4, 2), (3, 0)), 1, {"readout": "last", "activation": "relu"}),
        ("gru", ((270, 2),), 0, {"readout": "last", "learn_initial_state": True}),
    ],
    ids=str,
)
def test_against_central_differences(backend, cell, categories, n_features, options):
    report = gradcheck(
        cell=cell,
        categories=categories,
        n_features=n_features,
        hidden_size=3,
        n_timesteps=4,
        n_classes=2,
        backend=backend,
        max_elements=40,
        **options,
    )
    assert report.passed, report
    names = [argument.name for argument in report.arguments]
    assert ("X" in names) == (n_features > 0)
    for k, (_, size) in enumerate(categories):
        assert (f"embedding{k}.E" in names) == (size > 0)


def test_every_readout_is_among_the_cases():
    tried = {str(options.get("readout", "last")) for _, _, options in CASES}
    assert tried >= {*READOUTS, "every"}


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_states_computed_again_have_the_same_bits(backend, kind, every):
    network = build(MIXED, 1, kind=kind, bidirectional=True, readout="attention")
    X, lengths = batch_of(network)
    whole = taken_back(network, X, lengths, backend)
    again = taken_back(network, X, lengths, backend, recompute_every=every)
    assert_same_bits(again[2], whole[2])
    for name, array in whole[1].items():
        assert_same_bits(again[1][name], array, name)


@pytest.mark.parametrize("readout", ["last", "max", "attention"])
@pytest.mark.parametrize("every", [2, 3, 7])
def test_the_way_back_in_chunks(backend, readout, every):
    network = build(MIXED, 1, kind="lstm", sizes=(3, 2), readout=readout)
    X, lengths = batch_of(network)
    found = []
    dense, X_dense = dense_of(network, X, lengths)
    for each, x in ((network, X), (dense, X_dense)):
        logits, backward = truncation.forward(each, x, lengths, backend, every)
        found.append((logits, backward(np.cos(logits))[0]))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-12, atol=1e-13)
    for name, array in found[1][1].items():
        np.testing.assert_allclose(found[0][1][name], array, rtol=1e-10, atol=1e-12, err_msg=name)
    assert found[0][1]["embedding1.E"].any()
    if every == 7:  # one chunk: the whole sequence, whose vectors have the gradient tested above
        whole, backward = network.forward(X, lengths, backend)
        for name, array in backward(np.cos(whole))[0].items():
            assert_same_bits(found[0][1][name], array, name)


def test_vectors_have_the_gradient_of_all_chunks(backend):
    """Each chunk names other categories, and what they add to E is kept."""
    network = build(((9, 2),), 0, kind="tanh", readout="mean")
    X = np.arange(8.0).reshape(1, 8, 1)
    _, backward = truncation.forward(network, X, None, backend, 3)
    dE = backward(np.ones((1, 4)))[0]["embedding0.E"]
    assert dE[:8].all()
    assert not dE[8].any()


def test_dropout_leaves_out_units_and_no_categories(backend):
    network = build(MIXED, 1, kind="gru", sizes=(3, 3), dropout=0.4, recurrent_dropout=0.3)
    X, lengths = batch_of(network)
    masking = Masking(seed=3, epoch=2, samples=np.arange(len(X)))
    ours = taken_back(network, X, lengths, backend, masking=masking)
    assert_alike(ours, expected_of(network, X, lengths, backend, masking=masking), network)


@pytest.mark.parametrize("name", available_backends())
def test_vectors_make_a_batch_one_group_and_one_hot_columns_do_not(name):
    backend = get_backend(name)
    kinds = {}
    for what, categories in (("none", ()), ("one-hot", ONE_HOT), ("vectors", VECTORS)):
        layout = Layout(4, (3,), 2, cell_of("gru"), categories=categories)
        kinds[what] = fixed_groups(layout, 100, 7, backend).tolist()
    assert kinds["one-hot"] == kinds["none"]
    assert kinds["vectors"] == [0, 100]
    frozen = Layout(4, (3,), 2, cell_of("gru"), categories=VECTORS, frozen_embeddings=True)
    assert fixed_groups(frozen, 100, 7, backend).tolist() == [0, 100]


@pytest.mark.parametrize("categories", [ONE_HOT, ((300, 0),), VECTORS])
def test_parts_of_a_batch_add_up(backend, categories):
    network = build(categories, 1, kind="gru", bidirectional=True)
    lengths = tuple(np.sort(np.arange(37) % 8)[::-1].tolist())
    X, lengths = batch_of(network, lengths)
    targets = np.arange(37) % 4
    samples = Samples(X, lengths, targets)
    objective = OneClass()
    whole = gradient(network, samples, objective, backend, need_dX=True)
    borders = fixed_groups(network.layout, 37, X.shape[1], backend)
    total = objective.weight_sum(None, 37, backend.fused)
    parts = [
        gradient(network, samples.part(start, stop), objective, backend, total, need_dX=True)
        for start, stop in pairwise(borders)
    ]
    added = add_groups(parts)
    assert_same_bits(added.gradient.flat, whole.gradient.flat)
    assert_same_bits(added.dX, whole.dX)
    assert_same_bits(add_in_tree([part.gradient.flat for part in parts]), whole.gradient.flat)


@pytest.mark.parametrize("categories", [MIXED, ((300, 0),), ((300, 3), (2, 0))])
def test_a_sample_alone_has_the_bits_of_the_batch(backend, categories):
    network = build(categories, 1, kind="lstm", sizes=(3, 2), bidirectional=True, dtype="float32")
    X, lengths = batch_of(network)
    logits, _, dX = taken_back(network, X, lengths, backend)
    for i, length in enumerate(lengths):
        own = np.ascontiguousarray(X[i : i + 1, :length])
        alone, backward = network.forward(own, None, backend, need_dX=True)
        assert_same_bits(alone[0], logits[i])
        dlogits = np.random.default_rng(5).normal(size=logits.shape).astype(np.float32)[i : i + 1]
        assert_same_bits(backward(dlogits)[1][0], dX[i, :length])


@pytest.mark.parametrize("padding", [np.nan, np.inf, 1e30, 0.5, 3.0])
@pytest.mark.parametrize("categories", [MIXED, ((300, 0),), ((300, 3),)])
def test_what_follows_an_end_is_not_read(backend, categories, padding):
    network = build(categories, 1, bidirectional=True, readout="max")
    expected = taken_back(network, *batch_of(network), backend)
    ours = taken_back(network, *batch_of(network, padding=padding), backend)
    assert_same_bits(ours[0], expected[0])
    assert_same_bits(ours[2], expected[2])
    for name, array in expected[1].items():
        assert_same_bits(ours[1][name], array, name)


def test_more_padding_changes_no_bit(backend):
    network = build(((300, 3), (3, 0)), 1)
    X, lengths = batch_of(network)
    longer = np.full((len(X), 12, X.shape[2]), -1.0)
    longer[:, : X.shape[1]] = X
    expected, ours = (taken_back(network, x, lengths, backend) for x in (X, longer))
    assert_same_bits(ours[0], expected[0])
    for name, array in expected[1].items():
        assert_same_bits(ours[1][name], array, name)


@pytest.mark.parametrize("value", [-1.0, 4.0, 2.5, np.nan, np.inf, 3e9, -0.25])
def test_what_is_no_category_is_named(backend, value):
    network = build(((9, 2), (4, 0)), 1)
    X, lengths = batch_of(network)
    X[2, 3, 1] = value
    what = r"sample 2 of the batch, time step 3: column 1 of X is .* from 0 to 3"
    with pytest.raises(ValueError, match=what):
        network.forward(X, lengths, backend)
    X[2, 3, 1] = 3
    network.forward(X, lengths, backend)


def test_only_named_categories_are_in_the_table(backend):
    """Of many categories; to the bits that the table of all of them gives."""
    network = build(((1000, 0), (400, 3)), 0, kind="gru")
    X, lengths = batch_of(network)
    seen = []

    class Spy(type(backend)):
        def forward(self, *given, coded: Coded, **options):
            seen.append(coded)
            return super().forward(*given, coded=coded, **options)

    spy = Spy() if backend.name == "reference" else Spy(isa=backend.isa)
    ours = taken_back(network, X, lengths, spy)
    past = np.arange(X.shape[1]) >= lengths[:, np.newaxis]
    own = X[~past]
    named = [len(np.unique(own[:, k])) for k in range(2)]
    assert len(seen[0].table) == sum(named) < 50
    for k in range(2):
        gradient_of = ours[1]["recurrent0.W_x"][:1000] if k == 0 else ours[1]["embedding1.E"]
        rows = np.flatnonzero(np.abs(gradient_of).sum(axis=1))
        np.testing.assert_array_equal(rows, np.unique(own[:, k]))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(embedding, "FEW", 10**6)
        big = np.repeat(X, 40, axis=0)  # with as many steps as categories all are in the table
        network.forward(big, np.repeat(lengths, 40), spy)
        assert len(seen[1].table) == 1400
    stream = ComposedNetwork(plan_of(Named(network), backend, 1), backend)
    for t in range(7):
        answers = stream.step(X[:1, t].astype(float))
    assert_same_bits(answers[0], ours[0][0])


class Named:
    """What `plan_of` asks of a model."""

    standardisation = None
    link = "identity"

    def __init__(self, network, missing="error"):
        self.network, self.missing = network, missing

    @property
    def frontend(self):
        return self

    def n_features_of(self, n_features, missing):
        return n_features


@pytest.mark.parametrize("frozen", [False, True])
def test_frozen_vectors_have_no_gradient(backend, frozen):
    network = build(MIXED, 1, bidirectional=True, frozen_embeddings=frozen)
    X, lengths = batch_of(network)
    _, found, dX = taken_back(network, X, lengths, backend)
    _, expected, dX_expected = expected_of(network, X, lengths, backend)
    assert network.layout.frozen == (("embedding1.E",) if frozen else ())
    assert found["embedding1.E"].any() == (not frozen)
    np.testing.assert_allclose(found["recurrent0.W_x"], expected["recurrent0.W_x"], rtol=1e-10)
    np.testing.assert_allclose(dX, dX_expected, rtol=1e-10)


def test_without_an_answer_about_X_there_is_none(backend):
    network = build(MIXED, 0)
    X, lengths = batch_of(network)
    logits, backward = network.forward(X, lengths, backend)
    assert backward(np.ones_like(logits))[1] is None


@pytest.mark.parametrize("readout", ["last", "attention", "every"])
def test_inference_in_chunks_and_over_time(backend, readout):
    network = build(MIXED, 1, kind="lstm", sizes=(3, 2), readout=readout, dtype="float32")
    X, lengths = batch_of(network)
    expected = network.forward(X, lengths, backend)[0]
    for at_once in (1, 3, None):
        logits = network.logits(X, lengths, backend, at_once)
        over_time = network.logits_over_time(X, lengths, backend, at_once)
        for i, n in enumerate(lengths):
            own = slice(0, n) if readout == "every" else slice(None)
            assert_same_bits(logits[i, own], expected[i, own])
            if n and readout != "every":
                assert_same_bits(over_time[i, n - 1], expected[i])
    assert network.hidden_states(X, lengths, backend).shape == (6, 7, 2)
    assert network.tapes(X, lengths, backend)["recurrent0"].coded is not None
    assert network.states_before(backend).shape == (2,)


@pytest.mark.parametrize("kind", ["tanh", "gru", "lstm"])
def test_the_gradient_at_states_is_that_of_the_network_over_numbers(backend, kind):
    network = build(MIXED, 1, kind=kind, bidirectional=True, readout="mean")
    X, lengths = batch_of(network)
    dense, X_dense = dense_of(network, X, lengths)
    targets = np.arange(len(X)) % 4
    ours = state_gradients(network, Samples(X, lengths, targets), OneClass(), backend)
    X_dense = np.nan_to_num(X_dense)
    expected = state_gradients(dense, Samples(X_dense, lengths, targets), OneClass(), backend)
    assert ours.keys() == expected.keys()
    for name, found in ours.items():
        np.testing.assert_allclose(found.total, expected[name].total, rtol=1e-9, atol=1e-13)


def test_initial_values():
    """Vectors are of the size of a standardised number, and sums begin as with numbers."""
    categories = ((500, 40), (2000, 0), (3, 0))
    layout = Layout(5, (60,), 2, cell_of("gru"), categories=categories)
    params = Network.initialised(layout, rng=np.random.default_rng(0), dtype="float64").params
    E, W_x = params["embedding0.E"], params["recurrent0.W_x"]
    assert next(iter(params)) == "embedding0.E"
    assert W_x.shape == (40 + 2000 + 3 + 2, 180)
    assert abs(E.mean()) < 0.03
    assert E.std() == pytest.approx(1, abs=0.03)
    limit = np.sqrt(6 / (40 + 1 + 1 + 2 + 60))
    assert np.abs(W_x).max() == pytest.approx(limit, rel=1e-3)
    # the variance of a sum is that which as many standardised numbers give
    rng = np.random.default_rng(1)
    words = E[rng.integers(0, 500, 400)] @ W_x[:40]
    sums = words + W_x[40 + rng.integers(0, 2000, 400)] + W_x[2040 + rng.integers(0, 3, 400)]
    sums += rng.normal(size=(400, 2)) @ W_x[2043:]
    assert sums.var() == pytest.approx(44 * limit**2 / 3, rel=0.1)


def test_training_learns_categories_that_numbers_do_not_show(backend):
    """The sum of two looked-up numbers, of a permutation: gradient descent reaches it."""
    network = build(((6, 2),), 0, kind="tanh", sizes=(4,), readout="last")
    rng = np.random.default_rng(2)
    X = rng.integers(0, 6, (60, 2, 1)).astype(float)
    targets = np.isin(X[:, 1, 0], [0, 3, 4]).astype(np.int64)
    losses = []
    for _ in range(60):
        logits, backward = network.forward(X, None, backend)
        loss, dlogits = cross_entropy(logits, targets)
        losses.append(loss.sum())
        network.params.flat[...] -= 2 * backward(dlogits)[0].flat
    assert losses[-1] < 0.1 < losses[0]
