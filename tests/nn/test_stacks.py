"""Networks of several layers and directions: gradients, definitions, bits, files, errors."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from helpers.backends import BACKENDS, make_backend
from helpers.cli_tools import run
from helpers.sequence_data import draw_network, make_batch, make_samples

from elman import RNNClassifier
from elman.backends.cells import Cell
from elman.data import write_npz
from elman.formats import archive
from elman.formats.archive import ArchiveError
from elman.inspection.gradcheck import gradcheck
from elman.nn.cells import INITIAL_GAINS
from elman.nn.dropout import Masking
from elman.nn.losses import cross_entropy
from elman.nn.readouts import names_of

REFERENCE = make_backend("reference")
CELLS = [
    ("elman", "tanh"),
    ("elman", "relu"),
    ("gru", "tanh"),
    ("lstm", "tanh"),
    ("elman", "tanh", "normed"),
    ("gru", "tanh", "normed"),
    ("lstm", "tanh", "normed"),
]
READOUTS = ["last", "mean", "max", "attention", ("max", "last"), ("attention", "mean", "max")]
SIZES = [(5,), (3, 4), (3, 3), (2, 2, 2)]
COMBINATIONS = [
    (cell, readout, sizes, bidirectional, residual, learned)
    for cell, readout, sizes, bidirectional, residual, learned in itertools.product(
        CELLS, READOUTS, SIZES, [False, True], [False, True], [False, True]
    )
    if not residual or (len(sizes) > 1 and len(set(sizes)) == 1)
]
SAMPLE = random.Random(7).sample(COMBINATIONS, 90)
OPTIONS = [
    {},
    {"hidden_size": (3, 4), "learn_initial_state": True},
    {"hidden_size": 1, "bidirectional": True},
    {"n_layers": 3, "residual": True},
    {"n_layers": 2, "bidirectional": True, "residual": True, "learn_initial_state": True},
]


def build(rng, *, readout="last", cell="gru", dtype=np.float64, hidden_size=3, **options):
    network = draw_network(
        2, hidden_size, 3, cell=Cell(cell), readout=readout, rng=rng, dtype=dtype, **options
    )
    # biases, queries and initial states start at zero, where much is right by accident
    network.params.flat[...] += (0.3 * rng.normal(size=network.params.flat.size)).astype(dtype)
    return network


def name_of(value):
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize(
    ("cell", "readout", "sizes", "bidirectional", "residual", "learned"), SAMPLE, ids=name_of
)
def test_gradients_of_every_kind(cell, readout, sizes, bidirectional, residual, learned):
    layer_norm = len(cell) == 3
    report = gradcheck(
        cell=cell[0],
        activation=cell[1],
        layer_norm=layer_norm,
        readout=readout,
        # a few units that happen to be alike bend the normalisation too sharply for differences
        hidden_size=tuple(size + 5 * layer_norm for size in sizes),
        bidirectional=bidirectional,
        residual=residual,
        learn_initial_state=learned,
        backend=make_backend(BACKENDS[len(name_of(sizes) + name_of(readout)) % len(BACKENDS)]),
        max_elements=15,
    )
    names = {argument.name for argument in report.arguments}
    assert (f"recurrent{len(sizes) - 1}.reverse.W_h" in names) == bidirectional
    assert ("recurrent0.initial" in names) == learned
    assert ("attention.query" in names) == ("attention" in names_of(readout))
    assert report.passed, report


def test_the_sample_leaves_nothing_out():
    for values, drawn in zip(
        [CELLS, READOUTS, SIZES, [False, True], [False, True], [False, True]],
        zip(*SAMPLE, strict=True),
        strict=True,
    ):
        assert set(values) == set(drawn)


def differences(array, value, chosen=None, step=1e-5):
    """Central differences at the elements `chosen`, by default all."""
    numeric = np.full_like(array, np.nan)
    for i in range(array.size) if chosen is None else chosen:
        kept = array.flat[i]
        array.flat[i] = kept + step
        above = value()
        array.flat[i] = kept - step
        below = value()
        array.flat[i] = kept
        numeric.flat[i] = (above - below) / (2 * step)
    return numeric


@pytest.mark.parametrize("options", [{}, OPTIONS[2], OPTIONS[4], {"dropout": 0.4}], ids=str)
def test_gradient_of_a_head_at_every_step(backend, rng, options):
    network = build(rng, readout="every", cell="elman", **options)
    X, lengths = make_batch(rng)
    masking = Masking(9, 2, np.array([8, 3, 1, 0]))
    live = np.arange(X.shape[1]) < lengths[:, np.newaxis]
    direction = rng.normal(size=(4, 5, 3))

    def value():
        logits, _ = network.forward(X, lengths, backend, masking=masking)
        return float((logits * direction)[live].sum())

    logits, backward = network.forward(X, lengths, backend, need_dX=True, masking=masking)
    assert logits.shape == (4, 5, 3)
    dlogits = np.where(live[:, :, np.newaxis], direction, np.nan)
    gradient, dX = backward(dlogits)
    for array, analytic in ((network.params.flat, gradient.flat), (X, dX)):
        numeric = differences(array, value)
        np.testing.assert_allclose(analytic, numeric, atol=1e-8 * np.abs(numeric).max())


@pytest.mark.parametrize("readout", ["max", "attention"])
def test_gradient_under_dropout(rng, readout):
    network = build(
        rng,
        cell="elman",
        readout=readout,
        n_layers=2,
        bidirectional=True,
        residual=True,
        dropout=0.4,
    )
    X, lengths = make_batch(rng)
    codes, masking = np.array([2, 0, 1, 1]), Masking(1 << 60, 3, np.array([12, 5, 7, 1]))

    def loss():
        logits, backward = network.forward(X, lengths, REFERENCE, masking=masking)
        losses, dlogits = cross_entropy(logits, codes)
        return losses.sum(), backward(dlogits)[0].flat

    flat = network.params.flat
    chosen = rng.choice(flat.size, 50, replace=False)
    numeric = differences(flat, lambda: loss()[0], chosen)[chosen]
    np.testing.assert_allclose(loss()[1][chosen], numeric, atol=1e-7 * np.abs(numeric).max())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("readout", [*READOUTS, "every"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sample_has_the_same_bits_in_any_company(backend, rng, options, readout, dtype):
    network = build(rng, readout=readout, dtype=dtype, **options)
    X, lengths = make_batch(rng, (9, 4, 1, 0), dtype=dtype, padding=np.nan)
    logits = network.logits(X, lengths, backend)
    trained, backward = network.forward(X, lengths, backend, need_dX=True)
    assert trained.dtype == dtype
    weight = rng.normal(size=logits.shape).astype(dtype)
    _, dX = backward(weight)
    states = network.hidden_states(X, lengths, backend)
    assert states.shape == (4, 9, network.layout.width)
    for i, n in enumerate(lengths):
        own = logits[i, :n] if readout == "every" else logits[i]
        alone, backward = network.forward(X[[i], :n].copy(), None, backend, need_dX=True)
        _, dalone = backward(weight[[i], :n].copy() if readout == "every" else weight[[i]])
        assert np.isfinite(own).all()
        assert alone[0].tobytes() == own.tobytes()
        assert dalone.tobytes() == dX[i, :n].tobytes()
        assert not dX[i, n:].any()
        assert not states[i, n:].any()
        trained_own = trained[i, :n] if readout == "every" else trained[i]
        assert trained_own.tobytes() == own.tobytes()
    if options.get("bidirectional") and readout != "every":
        with pytest.raises(ValueError, match="bidirectional=True"):
            network.logits_over_time(X, lengths, backend)
        return
    over_time = network.logits_over_time(X, lengths, backend)
    for i, n in enumerate(lengths):
        for t in range(n):
            if readout == "every":
                assert over_time[i, t].tobytes() == logits[i, t].tobytes()
            else:
                prefix = network.logits(X[[i], : t + 1].copy(), None, backend)
                assert over_time[i, t].tobytes() == prefix[0].tobytes()


def by_hand(network, x, *, backward=False, layer=0):
    """States of one Elman sample, one step after another."""
    prefix = f"recurrent{layer}" + ".reverse" * backward
    W_x, W_h, b, h = (network.params[f"{prefix}.{key}"] for key in ("W_x", "W_h", "b", "initial"))
    states = []
    for x_t in x[::-1] if backward else x:
        h = np.tanh(x_t @ W_x + h @ W_h + b)
        states.append(h)
    return np.reshape(states[::-1] if backward else states, (len(x), len(h))), h


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("residual", [False, True])
def test_a_stack_follows_its_definition(backend, rng, readout, residual):
    network = build(
        rng,
        cell="elman",
        readout=readout,
        hidden_size=3,
        n_layers=2,
        bidirectional=True,
        residual=residual,
        learn_initial_state=True,
    )
    X, lengths = make_batch(rng, padding=np.nan)
    logits = network.logits(X, lengths, backend)
    states = network.hidden_states(X, lengths, backend)
    for i, n in enumerate(lengths):
        H, last = X[i, :n], 0
        for layer in range(2):
            below, below_last = H, last
            ahead, last_ahead = by_hand(network, below, layer=layer)
            behind, last_behind = by_hand(network, below, layer=layer, backward=True)
            H, last = np.hstack([ahead, behind]), np.hstack([last_ahead, last_behind])
            if residual and layer:
                H, last = H + below, last + below_last
        np.testing.assert_allclose(states[i, :n], H, rtol=1e-12, atol=1e-14)
        parts = []
        for name in names_of(readout):
            read = last
            if n and name == "mean":
                read = H.mean(axis=0)
            elif n and name == "max":
                read = H.max(axis=0)
            elif n and name == "attention":
                share = np.exp(H @ network.params["attention.query"] / np.sqrt(6))
                read = share @ H / share.sum()
            parts.append(read)
        read = np.hstack(parts)
        expected = read @ network.params["head.W"] + network.params["head.b"]
        np.testing.assert_allclose(logits[i], expected, rtol=1e-12, atol=1e-14)


def test_names_and_shapes(rng):
    network = build(
        rng, cell="lstm", hidden_size=(3, 4), bidirectional=True, learn_initial_state=True
    )
    assert network.params.shapes == {
        "recurrent0.W_x": (2, 12),
        "recurrent0.W_h": (3, 12),
        "recurrent0.b": (12,),
        "recurrent0.initial": (6,),
        "recurrent0.reverse.W_x": (2, 12),
        "recurrent0.reverse.W_h": (3, 12),
        "recurrent0.reverse.b": (12,),
        "recurrent0.reverse.initial": (6,),
        "recurrent1.W_x": (6, 16),
        "recurrent1.W_h": (4, 16),
        "recurrent1.b": (16,),
        "recurrent1.initial": (8,),
        "recurrent1.reverse.W_x": (6, 16),
        "recurrent1.reverse.W_h": (4, 16),
        "recurrent1.reverse.b": (16,),
        "recurrent1.reverse.initial": (8,),
        "head.W": (8, 3),
        "head.b": (3,),
    }
    layout = network.layout
    assert (layout.n_layers, layout.width, layout.hidden_sizes) == (2, 8, (3, 4))


def test_options_that_draw_nothing_leave_the_other_weights_alone():
    plain, more = (
        draw_network(2, 5, 3, cell=Cell(), readout=readout, rng=np.random.default_rng(4), **options)
        for readout, options in (
            ("last", {}),
            ("attention", {"learn_initial_state": True, "dropout": 0.5}),
        )
    )
    for name, weight in plain.params.items():
        np.testing.assert_array_equal(more.params[name], weight)


def quick(**options):
    return RNNClassifier(**{"hidden_size": 3, "max_iter": 2, "random_state": 0, **options})


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_saved_and_loaded(cell, options, rng, tmp_path):
    X, y = make_samples(rng)
    clf = quick(cell=cell, readout="attention", dropout=0.25, **options).fit(X, y)
    clf.save(tmp_path / "model")
    again = RNNClassifier.load(tmp_path / "model")
    assert again.get_params() == clf.get_params()
    assert again.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()
    assert again.network_.layout.dropout == 0.25
    for H, x in zip(again.hidden_states(X), X, strict=True):
        assert H.shape == (len(x), clf.network_.layout.width)


def test_files_without_the_newer_options_load(rng, tmp_path):
    X, y = make_samples(rng)
    clf = quick().fit(X, y)
    clf.save(tmp_path / "model")
    tensors, config = archive.load(tmp_path / "model")
    newer = ("n_layers", "bidirectional", "residual", "learn_initial_state", "dropout")
    for name in newer:
        del config["network"][name], config["parameters"][name]
    del config["parameters"]["forget_bias"]
    del config["parameters"]["layer_norm"], config["network"]["layer_norm"]
    archive.save(tmp_path / "model", tensors, config)
    again = RNNClassifier.load(tmp_path / "model")
    assert again.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()
    assert again.get_params() == clf.get_params()


@pytest.mark.parametrize(
    "change",
    [
        {"n_layers": 10**12},
        {"n_layers": 2},
        {"hidden_size": [3, 3]},
        {"hidden_size": []},
        {"bidirectional": True},
        {"bidirectional": "yes"},
        {"learn_initial_state": True},
        {"dropout": 1.0},
        {"n_layers": "1"},
    ],
    ids=str,
)
def test_a_forged_stack_is_refused(change, rng, tmp_path):
    quick().fit(*make_samples(rng)).save(tmp_path / "model")
    tensors, config = archive.load(tmp_path / "model")
    config["network"].update(change)
    archive.save(tmp_path / "model", tensors, config)
    with pytest.raises(ArchiveError, match="does not describe"):
        RNNClassifier.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "gru", "activation": "relu"}, "'relu' is for cell='elman'; cell='gru' has tanh"),
        ({"hidden_size": (3, 5), "n_layers": 3}, r"n_layers=3, but hidden_size=\(3, 5\) names 2"),
        (
            {"hidden_size": (3, 5), "residual": True},
            r"\(3, 5\) gives layer 1 an input of 3 units .* output of 5",
        ),
        ({"hidden_size": (3, 0)}, r"hidden_size\[1\]=0"),
        ({"hidden_size": ()}, r"hidden_size=\(\) is empty"),
        ({"n_layers": 0}, "n_layers=0"),
        ({"dropout": 1.0}, r"dropout=1.0; it must lie in \[0, 1\)"),
        ({"forget_bias": np.inf}, "forget_bias=inf"),
        ({"readout": "every"}, "readout='every'"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_named_at_fit(options, message, rng):
    with pytest.raises(ValueError, match=message):
        quick(**options).fit(*make_samples(rng))


def test_a_classifier_of_both_directions_has_no_answer_before_the_end(rng):
    X, y = make_samples(rng)
    clf = quick(bidirectional=True).fit(X, y)
    with pytest.raises(ValueError, match=r"bidirectional=True.*whole sequences"):
        clf.predict_proba_over_time(X)


def test_gaps_carry_the_learned_state(rng):
    """A step left out shows the state before it; before any step, the initial one."""
    X, y = make_samples(rng)
    clf = quick(missing="skip", learn_initial_state=True, readout="last").fit(X, y)
    clf.network_.params["recurrent0.initial"][...] = [0.5, -0.25, 0.75]
    x = np.vstack([np.full((1, 2), np.nan), X[0][:1], np.full((1, 2), np.nan)])
    (H,) = clf.hidden_states([x])
    np.testing.assert_array_equal(H[0], np.array([0.5, -0.25, 0.75], H.dtype))
    np.testing.assert_array_equal(H[2], H[1])
    (P,) = clf.predict_proba_over_time([x])
    np.testing.assert_array_equal(P[0], clf.predict_proba([np.zeros((0, 2))])[0])


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
def test_layer_norm(rng, tmp_path, cell):
    X, y = make_samples(rng)
    options = {"cell": cell, "n_layers": 2, "bidirectional": True}
    clf = quick(layer_norm=True, **options).fit(X, y)
    gain = clf.weights_["recurrent1.reverse.gain"]
    assert gain.shape == clf.weights_["recurrent1.reverse.b"].shape
    assert np.any(gain != np.float32(INITIAL_GAINS[cell]))
    assert not any("gain" in name for name in quick(**options).fit(X, y).weights_)
    clf.save(tmp_path / "model")
    again = RNNClassifier.load(tmp_path / "model")
    assert again.layer_norm is True
    assert again.network_.layout.cell.layer_norm
    assert again.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()
    # what is normalised does not depend on the scale of what comes in
    clf = quick(layer_norm=True, cell=cell, readout="last", standardize=False).fit(X, y)
    clf.weights_["recurrent0.W_x"][...] *= 4
    clf.weights_["recurrent0.W_h"][...] *= 4
    scaled = clf.predict_proba(X)
    clf.weights_["recurrent0.W_x"][...] /= 4
    clf.weights_["recurrent0.W_h"][...] /= 4
    np.testing.assert_allclose(clf.predict_proba(X), scaled, atol=1e-3)


def test_forget_bias(rng):
    X, y = make_samples(rng)
    biases = {}
    for forget_bias in (1.0, -2.0):
        clf = quick(cell="lstm", forget_bias=forget_bias, learning_rate_init=1e-12).fit(X, y)
        biases[forget_bias] = clf.weights_["recurrent0.b"]
    np.testing.assert_allclose(biases[1.0], [0] * 3 + [1] * 3 + [0] * 6, atol=1e-6)
    np.testing.assert_allclose(biases[-2.0], [0] * 3 + [-2] * 3 + [0] * 6, atol=1e-6)


def test_the_backward_half_sees_the_start_from_the_last_state(rng):
    """What only the first step knows is read by "last" in one epoch's few dozen steps."""
    X = rng.normal(size=(60, 40, 1))
    y = X[:, 0, 0] > 0
    options = {"readout": "last", "hidden_size": 5, "max_iter": 25, "learning_rate_init": 0.02}
    assert quick(bidirectional=True, **options).fit(X, y).score(X, y) > 0.95


@pytest.mark.parametrize("options", OPTIONS[1:], ids=str)
def test_checkpoints_change_no_bit(backend, rng, options):
    network = build(rng, cell="lstm", readout="mean", **options)
    X, lengths = make_batch(rng, (40, 17, 1, 0))
    gradients = []
    for every in (0, 3):
        logits, backward = network.forward(X, lengths, backend, need_dX=True, recompute_every=every)
        gradient, dX = backward(np.cos(logits))
        gradients.append(gradient.flat.tobytes() + dX.tobytes())
    assert gradients[0] == gradients[1]


def test_options_of_a_whole_network_need_one():
    with pytest.raises(ValueError, match="choose a readout too"):
        gradcheck(bidirectional=True)
    with pytest.raises(ValueError, match=r"hidden_size=\(3, 0\)"):
        gradcheck(hidden_size=(3, 0), readout="last")


def test_the_commands_take_them(rng, tmp_path, capsys):
    X, y = make_samples(rng)
    data, model = str(tmp_path / "data.npz"), str(tmp_path / "model")
    write_npz(data, X, y)
    options = ["--cell", "lstm", "--hidden-size", "3,3", "--bidirectional", "--residual"]
    options += ["--readout", "attention", "--learn-initial-state", "--dropout", "0.2"]
    options += ["--forget-bias", "2", "--max-iter", "2"]
    code, _, err = run(capsys, "fit", data, "-o", model, *options)
    assert code == 0, err
    clf = RNNClassifier.load(model)
    assert (clf.hidden_size, clf.dropout, clf.forget_bias) == ((3, 3), 0.2, 2.0)
    assert clf.weights_["recurrent1.reverse.W_h"].shape == (3, 12)
    code, _, err = run(capsys, "fit", data, "-o", model, "--force", "--hidden-size", "3,wide")
    assert code != 0
    assert "--hidden-size" in err
    assert "3,wide" in err
    check = ["gradcheck", "--cell", "gru", "--readout", "attention", "--n-layers", "2"]
    check += ["--bidirectional", "--residual", "--learn-initial-state", "--hidden-size", "2"]
    code, out, _ = run(capsys, *check)
    assert code == 0
    assert "recurrent1.reverse.initial" in out
