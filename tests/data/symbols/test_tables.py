"""What a table says of its columns, `Symbols` knows without being told."""

from __future__ import annotations

import numpy as np
import pytest

from elman.data import from_table
from elman.data.symbols import Symbols, has_symbols

TABLE = {
    "run": list("aabbb"),
    "item": [7, 8, 7, 7, None],
    "x": [1.0, 2.0, 3.0, 4.0, 5.0],
    "place": ["in", "out", "in", "in", "out"],
}


@pytest.mark.parametrize("chosen", [slice(None), [1, 0], slice(0, 1)])
@pytest.mark.parametrize("place", [True, False])
def test_integers_that_a_table_calls_categories_are_some(place, chosen):
    table = TABLE if place else {k: v for k, v in TABLE.items() if k != "place"}
    X = from_table(table, id="run", categorical_features=["item"]).X[chosen]
    assert has_symbols(X)
    symbols = Symbols.learn(X, missing="mask")
    assert symbols.categorical == ((0, 2) if place else (0,))
    assert symbols.feature_names == X.feature_names
    assert set(symbols.vocabularies[0].tokens) <= {7, 8, None}
    encoded = symbols.encode(X)
    assert [e[0, -1] for e in encoded] == [x[0, 1] for x in X]


def test_integers_are_numbers_otherwise():
    X = from_table({k: TABLE[k] for k in ("run", "item", "x")}, id="run").X
    assert not has_symbols(X)
    assert np.isnan(X[1][2, 0])


def test_a_text_for_each_sequence_is_read_character_by_character():
    X = from_table({"name": ["Nagy", "Ga"], "y": [0, 1]}, text="name", label="y").X
    symbols = Symbols.learn(X)
    assert (symbols.form, symbols.vocabularies[0].tokens) == (
        "characters",
        ("a", "G", "N", "g", "y"),
    )


def test_new_data_are_read_as_what_was_learned_from():
    X = from_table(TABLE, id="run", categorical_features=["item"], features=["item", "place"]).X

    class Trained:
        predict = None
        feature_names_in_ = X.feature_names
        symbols_ = Symbols.learn(X, missing="mask")

    new = {"run": ["c"], "place": ["1"], "item": [9], "note": ["n"]}
    data = from_table(new, id="run", features=Trained())
    assert data.X[0].tolist() == [[9, "1"]]
    assert data.categorical == ("item", "place")
    assert Trained.symbols_.encode(data.X)[0].tolist() == [[0, 0]]
