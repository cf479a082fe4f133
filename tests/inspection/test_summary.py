"""What a summary says of a layout is what its network, its tapes and its streams really are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from elman.backends import get_backend
from elman.backends.cells import Cell
from elman.inspection.summary import Training, summarised, tape_values
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.nn.readouts import names_of

LAYOUTS = {
    **{name: Layout(5, (7,), 3, cell=Cell(name)) for name in ("elman", "gru", "lstm")},
    **{f"{r}": Layout(5, (7,), 3, readout=r) for r in ("mean", "max", "attention", "every")},
    **{
        f"{name} normalised": Layout(5, (7,), 3, cell=Cell(name, layer_norm=True))
        for name in ("elman", "gru", "lstm")
    },
    "relu": Layout(5, (7,), 3, cell=Cell("elman", "relu")),
    "stack": Layout(5, (7, 4, 6), 3, cell=Cell("gru")),
    "bidirectional": Layout(5, (7,), 3, cell=Cell("lstm"), bidirectional=True),
    "bidirectional stack": Layout(
        5, (7, 4), 3, cell=Cell("gru"), bidirectional=True, readout="attention", dropout=0.2
    ),
    "residual": Layout(5, (7, 7), 3, residual=True, readout="max"),
    "residual both ways": Layout(
        5, (7, 7), 3, residual=True, bidirectional=True, readout="every", dropout=0.5
    ),
    "initial": Layout(5, (7, 4), 3, learn_initial_state=True, bidirectional=True),
    "side by side": Layout(5, (7,), 3, cell=Cell("gru"), readout=("max", "last")),
    "side by side in a layer": Layout(
        5, (7,), 3, bidirectional=True, readout=("mean", "attention"), dropout=0.2
    ),
    "dropout": Layout(5, (7, 4), 3, dropout=0.2, recurrent_dropout=0.1, readout="mean"),
}


@pytest.fixture(params=LAYOUTS)
def layout(request):
    return LAYOUTS[request.param]


def summed(layout, **training):
    return summarised(
        layout,
        Training(**{"batch_size": 9, "n_timesteps": 11} | training),
        kind="RNNClassifier",
        dtype="float32",
        backend="reference",
        isa="numpy",
    )


def network_of(layout):
    return Network.initialised(layout, rng=np.random.default_rng(0))


def test_parameters_are_those_of_the_network(layout):
    network, found = network_of(layout), summed(layout)
    assert found.parameters == network.params.flat.size
    named = {
        # of several readouts, attention alone has weights
        f"{'attention' if row.what == 'readout' else row.name}.{name}": shape
        for row in found.layers
        for name, shape in row.weights.items()
    }
    assert named == network.params.shapes


def by_hand(layout):
    """Products of a time step, and of the end of a sequence, one layer after the other."""
    gates = {"elman": 1, "gru": 3, "lstm": 4}[layout.cell.name]
    n_in, step, once = layout.n_features, 0, 0
    for size in layout.hidden_sizes:
        for _ in range(2 if layout.bidirectional else 1):
            step += gates * size * n_in + gates * size * size
        n_in = size * (2 if layout.bidirectional else 1)
    if "attention" in names_of(layout.readout):
        step += n_in + n_in  # state times query; state times its share
    if layout.readout == "every":
        step += n_in * layout.n_outputs
    else:
        once += len(names_of(layout.readout)) * n_in * layout.n_outputs
    return step, once


def test_multiply_adds_are_those_counted_by_hand(layout):
    found = summed(layout)
    assert (found.multiply_adds("step"), found.multiply_adds("sequence")) == by_hand(layout)


def test_shapes_go_from_the_input_to_the_head(layout):
    found = summed(layout)
    network = network_of(layout)
    X = np.random.default_rng(1).normal(size=(9, 11, 5)).astype(np.float32)
    logits = network.logits(X, None, get_backend("reference"))
    sized = tuple(11 if n is None else n for n in found.layers[-1].output)
    assert logits.shape == (9, *sized)
    H = network.hidden_states(X, None, get_backend("reference"))
    recurrent = [row for row in found.layers if row.name.startswith("recurrent")]
    last = recurrent[-layout.n_directions :]
    assert H.shape == (9, 11, sum(row.output[1] for row in last))
    width = layout.width * len(names_of(layout.readout))
    readers = [row for row in found.layers if row.what == "readout"]
    assert [row.output for row in readers] == ([] if layout.at_every_step else [(width,)])


@pytest.mark.parametrize("every", [0, 1, 4, 50])
def test_tapes_take_as_many_bytes_as_is_said(layout, every):
    kept = []

    def watch(name, out):
        tape = getattr(out, "tape", None)
        if tape is not None:
            kept.append(sum(a.nbytes for a in (tape.H, tape.trace) if a is not None))

    X = np.random.default_rng(1).normal(size=(9, 11, 5)).astype(np.float32)
    network = network_of(layout)
    network.forward(X, None, get_backend("reference"), recompute_every=every, watch=watch)
    assert sum(kept) == 4 * sum(
        layout.n_directions * tape_values(layout.cell, size, 9, 11, every)
        for size in layout.hidden_sizes
    )
    if not every:
        assert summed(layout).training_memory["tape"] == sum(kept)


def test_memory_grows_with_what_it_is_of(layout):
    def of(part, **training):
        return summed(layout, **training).training_memory[part]

    assert of("tape", batch_size=18) == 2 * of("tape")
    assert of("tape", n_timesteps=33) == 3 * of("tape")
    assert of("tape", bptt_steps=11) == of("tape") == of("tape", n_timesteps=90, bptt_steps=11)
    assert of("prepared batch") == 9 * 11 * 5 * 4
    weights = of("weights")
    assert weights == 4 * summed(layout).parameters == of("gradient")
    assert of("optimizer", optimizer_vectors=1) == 2 * weights
    assert of("optimizer", optimizer_vectors=1, decays=True) == 3 * weights
    assert summed(layout).training_bytes == sum(summed(layout).training_memory.values())


def test_names_are_escaped_in_html_and_on_a_terminal():
    found = replace(summed(LAYOUTS["elman"]), kind="<b>\x1b[2J", before=("<script>",))
    html = found._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;b&gt;" in html
    assert "\x1b" not in str(found)
    assert repr(found) == str(found)


def test_text_and_html_hold_the_same(layout):
    found = summed(layout)
    text, html = str(found), found._repr_html_()
    for row in found.rows():
        for cell in row:
            assert cell in text
            assert cell in html
    for name, value in found.facts():
        assert f"{name} " in text
        assert value in text
        assert value in html


def test_columns_of_categories_have_rows_and_cost_no_products():
    columns = ((1200, 4), (3, 0), (1, 2))
    layout = Layout(5, (7,), 3, cell=Cell("gru"), categories=columns)
    found = summed(layout)
    network = network_of(layout)
    assert found.parameters == network.params.flat.size
    assert [(row.name, row.what, row.output) for row in found.layers[:3]] == [
        ("embedding0", "1,200 categories", (None, 4)),
        ("categories1", "3 categories, one-hot", (None, 3)),
        ("embedding2", "1 category", (None, 2)),
    ]
    named = {
        f"{row.name}.{name}": shape for row in found.layers for name, shape in row.weights.items()
    }
    assert named == network.params.shapes
    assert named["recurrent0.W_x"] == (4 + 3 + 2 + 2, 21)
    # what is multiplied at each step are the two numbers and the state
    assert found.multiply_adds("step") == 21 * (2 + 7)
    for row in found.rows():
        assert all(cell in str(found) for cell in row)
    frozen = summed(replace(layout, frozen_embeddings=True))
    assert frozen.layers[0].what == "1,200 categories, frozen"


def test_memory_of_categories_is_of_those_that_a_batch_can_name():
    layout = Layout(3, (7,), 3, cell=Cell("gru"), categories=((20, 4), (1000, 0)))

    def of(layout, **training):
        return summed(layout, **training).training_memory["categories"] / 4

    named = 20 + 9 * 11  # of the second column at most one for each step of nine samples
    assert of(layout) == 2 * 21 * named + 2 * 4 * 20 + 9 * 11 * 3
    both = of(replace(layout, bidirectional=True))
    assert both - of(layout) == 2 * 21 * named
    assert of(layout, batch_size=1000) - 11000 * 3 == 2 * 21 * 1020 + 2 * 4 * 20
    assert of(layout, bptt_steps=2) == 2 * 21 * (18 + 18) + 2 * 4 * 18 + 18 * 3
    assert "categories" not in summed(replace(layout, categories=())).training_memory
