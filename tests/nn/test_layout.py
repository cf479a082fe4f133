"""One description of a network: what it refuses, and how it is written down."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from elman.backends.cells import Cell
from elman.nn.layout import Layout
from elman.nn.network import network_shapes

PLAIN = Layout(2, (7,), 3)
RICH = Layout(
    2,
    (5, 5, 5),
    3,
    cell=Cell("lstm", layer_norm=True),
    readout="attention",
    bidirectional=False,
    residual=True,
    learn_initial_state=True,
    dropout=0.25,
    recurrent_dropout=0.125,
)
CODED = Layout(3, (4,), 2, categories=((9, 2), (3, 0)), frozen_embeddings=True)
UNEQUAL = Layout(1, (4, 6), 2, cell=Cell("elman", "relu"), readout="every", bidirectional=True)


@pytest.mark.parametrize("layout", [PLAIN, RICH, UNEQUAL, CODED])
def test_written_down_and_read_again(layout):
    text = json.dumps(layout.to_dict())
    assert Layout.from_dict(json.loads(text), most_layers=layout.n_layers) == layout


def test_equal_layouts_have_equal_weights():
    assert Layout(2, (7,), 3) == PLAIN
    assert network_shapes(PLAIN) != network_shapes(replace(PLAIN, cell=Cell("gru")))
    assert replace(PLAIN, dropout=0.5) != PLAIN


def test_columns_of_categories_have_weights_of_their_own():
    assert network_shapes(CODED) == {
        "embedding0.E": (9, 2),
        "recurrent0.W_x": (2 + 3 + 1, 4),
        "recurrent0.W_h": (4, 4),
        "recurrent0.b": (4,),
        "head.W": (4, 2),
        "head.b": (2,),
    }
    assert CODED.frozen == ("embedding0.E",)
    assert replace(CODED, frozen_embeddings=False).frozen == ()
    assert replace(CODED, categories=((9, 0), (3, 0))).frozen == ()
    assert "categories" not in PLAIN.to_dict()


def test_what_is_trained_gives_no_other_weights():
    assert list(CODED.differences(replace(CODED, frozen_embeddings=False))) == []
    other = replace(CODED, categories=((9, 2), (4, 0)))
    assert [name for name, *_ in CODED.differences(other)] == ["categories"]


def test_what_older_files_leave_out_has_its_default():
    described = {"n_features": 2, "hidden_size": 7, "n_classes": 3}
    described |= {"cell": "elman", "activation": "tanh", "readout": "last"}
    assert Layout.from_dict(described, most_layers=1) == PLAIN


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_features": 0}, "n_features=0; it must be at least 1"),
        ({"n_features": True}, "n_features=True; it must be an int"),
        ({"n_outputs": 0}, "n_outputs=0; it must be at least 1"),
        ({"n_outputs": 3.0}, "n_outputs=3.0; it must be an int"),
        ({"hidden_sizes": ()}, "a size for each layer"),
        ({"hidden_sizes": [7]}, "a size for each layer"),
        ({"hidden_sizes": (7, -1)}, r"hidden_sizes\[1\]=-1"),
        ({"bidirectional": 1}, "bidirectional=1; it must be True or False"),
        ({"dropout": 1.0}, r"dropout=1.0; it must be a float in \[0, 1\)"),
        ({"recurrent_dropout": float("nan")}, "recurrent_dropout=nan"),
        ({"categories": [(3, 0)]}, "it must be a tuple with a pair for each column"),
        ({"categories": ((3, 0, 1),)}, "it must be a tuple with a pair for each column"),
        ({"categories": ((0, 2),)}, r"categories\[0\]\[0\]=0; it must be at least 1"),
        ({"categories": ((4, 1), (3, -1))}, r"categories\[1\]\[1\]=-1; it must be at least 0"),
        ({"categories": ((3, True),)}, r"categories\[0\]\[1\]=True; it must be an int"),
        ({"categories": ((3.0, 1),)}, r"categories\[0\]\[0\]=3.0; it must be an int"),
        ({"categories": ((2**24 + 1, 1),)}, "a column has at most 16777216"),
        ({"categories": ((3, 0),) * 3}, "categories has 3 columns, but n_features=2 counts them"),
        ({"frozen_embeddings": 1}, "frozen_embeddings=1; it must be True or False"),
        ({"readout": "first"}, "readout='first' is not known; choose one of 'last', 'mean'"),
        (
            {"residual": True, "hidden_sizes": (7, 5)},
            "gives layer 1 an input of 7 units and an output of 5",
        ),
    ],
)
def test_what_is_no_network(change, message):
    with pytest.raises((TypeError, ValueError), match=message):
        replace(PLAIN, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_layers": 10**9}, "more than 3 layers"),
        ({"categories": {"3": 0}}, "it must be a list of pairs"),
        ({"categories": [3, 0]}, "it must be a list of pairs"),
        ({"categories": [[3]]}, "a pair for each column"),
        ({"categories": [[10**12, 1]]}, "a column has at most 16777216"),
        ({"categories": [[3, "2"]]}, r"categories\[0\]\[1\]='2'; it must be an int"),
        ({"categories": [[3, 0]], "frozen_embeddings": "no"}, "must be True or False"),
        ({"hidden_size": [1] * 4}, "more than 3 layers"),
        ({"n_layers": True}, "n_layers=True; it must be an int"),
        ({"n_layers": 0}, "n_layers=0"),
        ({"hidden_size": 7.5}, "hidden_size=7.5; it must be an int"),
        ({"hidden_size": []}, "a size for each layer"),
        ({"hidden_size": [2, "3"]}, "hidden_size='3'; it must be an int"),
        ({"layer_norm": 1}, "layer_norm=1; it must be true or false"),
        ({"cell": "rnn"}, "cell='rnn' is not known"),
        ({"n_classes": True}, "n_outputs=True; it must be an int"),
        ({"colour": "red"}, "unknown part.*colour"),
        ({"hidden_sizes": [3]}, "unknown part.*hidden_sizes"),
        ({"n_outputs": 4}, "unknown part.*n_outputs"),
    ],
)
def test_what_a_forged_file_may_describe(change, message):
    described = PLAIN.to_dict() | change
    with pytest.raises((KeyError, TypeError, ValueError), match=message):
        Layout.from_dict(described, most_layers=3)
