"""Symbols from a file that anybody may have written: whole again, or refused."""

from __future__ import annotations

import copy
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.symbols import Symbols
from elman.formats import archive

ROWS = [[("ab", 7, True, 0.5), ("é😀", -(2**63), None, 1.5), ("", 7, False, 2.5)]]
MADE = {
    "characters": lambda: Symbols.learn(["ab", "a😀é"], lowercase=True, strip_accents="unicode"),
    "tokens": lambda: Symbols.learn(
        [["a", "a", None, "rare", "a", None]],
        missing="mask",
        handle_unknown="error",
        min_frequency=2,
    ),
    "steps": lambda: Symbols.learn(ROWS, categorical_features=[0, 1, 2], missing="mask"),
}
DATA = {
    "characters": ["ÉA", "bx"],
    "tokens": [["a", "rare", None]],
    "steps": [*ROWS, [("x", 8, True, 0.1)]],
}


@pytest.mark.parametrize("form", MADE)
def test_a_file_gives_back_the_same(form, tmp_path):
    symbols = MADE[form]()
    config, tensors = symbols.describe("before0.symbols")
    archive.save(tmp_path / "x", tensors, config)
    tensors, config = archive.load(tmp_path / "x")
    again = Symbols.restore(config, tensors, "before0.symbols")
    assert tensors == {}
    assert again.describe()[0] == symbols.describe()[0]
    assert [v.tokens for v in again.vocabularies] == [v.tokens for v in symbols.vocabularies]
    assert [[type(t) for t in v.tokens] for v in again.vocabularies] == [
        [type(t) for t in v.tokens] for v in symbols.vocabularies
    ]
    for a, b in zip(again.encode(DATA[form]), symbols.encode(DATA[form]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_same_data_give_the_same_bytes(tmp_path):
    """Whatever the order of sets and dicts in a process is."""
    for name, X in (("a", [["x", "y", "z"]]), ("b", [["z", "y", "x"]])):
        config, tensors = Symbols.learn(X).describe()
        archive.save(tmp_path / name, tensors, config)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def refused(form, says, *, config=None, tensors=None):
    described, arrays = MADE[form]().describe()
    described = copy.deepcopy(described)
    for way, value in (config or {}).items():
        at = described
        *path, last = way.split(".")
        for key in path:
            at = at[int(key) if key.isdigit() else key]
        at[int(last) if last.isdigit() else last] = value
    for name, value in (tensors or {}).items():
        if value is None:
            del arrays[name]
        else:
            arrays[name] = value
    with pytest.raises((KeyError, TypeError, ValueError), match=says) as error:
        Symbols.restore(described, arrays)
    assert len(str(error.value)) < 1000


def text(*tokens):
    encoded = [t if isinstance(t, bytes) else t.encode() for t in tokens]
    return {
        "symbols0.text": np.frombuffer(b"".join(encoded), np.uint8),
        "symbols0.offsets": np.cumsum([0, *map(len, encoded)]),
    }


COUNTS = {"symbols0.counts": np.array([0, 5, 3, 2])}


@pytest.mark.parametrize(
    ("form", "says", "tensors"),
    [
        ("characters", "twice", text("a", "a", "b", "c")),
        ("characters", "not one character", text("a", "bc", "d", "e")),
        ("characters", "not one character", text("a", "", "d", "e")),
        ("characters", "UTF-8", text("a", b"\xed\xa0\x80", "d", "e")),
        ("characters", "UTF-8", text("a", b"\xc3", b"\xa9", "e")),
        ("characters", "UTF-8", text("a", b"\xc0\x80", "d", "e")),
        ("characters", "3 tokens, but", text("a", "b", "c")),
        ("characters", "at least 2", {"symbols0.counts": np.array([4])}),
        ("characters", "at least 2", {"symbols0.counts": np.array([], np.int64)}),
        ("characters", "no numbers of occ", {"symbols0.counts": np.array([0, 1, 2, 3, -1])}),
        ("characters", "no numbers of occ", {"symbols0.counts": np.full(5, 2**62)}),
        ("characters", "type float64", {"symbols0.counts": np.zeros(5)}),
        ("characters", "type int32", {"symbols0.counts": np.zeros(5, np.int32)}),
        ("characters", r"shape \(5, 1\)", {"symbols0.counts": np.zeros((5, 1), np.int64)}),
        ("characters", "type int8", {"symbols0.text": np.zeros(5, np.int8)}),
        ("characters", "begin and end", {"symbols0.offsets": np.array([0, 2, 1, 3, 5])}),
        ("characters", "begin and end", {"symbols0.offsets": np.array([1, 2, 3, 4, 5])}),
        ("characters", "begin and end", {"symbols0.offsets": np.array([0, 1, 2, 3, 99])}),
        ("characters", "begin and end", {"symbols0.offsets": np.array([], np.int64)}),
        (
            "characters",
            "begin and end",
            {"symbols0.offsets": np.array([0, -(2**63), 2**63 - 1, 3, 5])},
        ),
        ("characters", "no array symbols0.text", {"symbols0.text": None}),
        ("tokens", "1,000,000 bytes", text("x" * 1_000_000, "y")),
        ("tokens", "no array symbols0.counts", {"symbols0.counts": None}),
        ("steps", "type float64", {"symbols1.values": np.array([7.0, 1.0])}),
        ("steps", "twice", {"symbols1.values": np.array([7, 7])}),
        ("steps", "twice", {"symbols2.values": np.array([True, True])}),
        ("steps", "no array symbols2.values", {"symbols2.values": None}),
    ],
)
def test_arrays_of_no_vocabulary(form, says, tensors):
    refused(form, says, tensors=tensors)


@pytest.mark.parametrize(
    ("form", "config"),
    [
        ("steps", {"form": "rows"}),
        ("steps", {"form": None}),
        ("steps", {"form": "characters"}),
        ("tokens", {"form": "characters"}),
        ("characters", {"form": "tokens"}),
        ("steps", {"n_columns": 2}),
        ("steps", {"n_columns": 10**9}),
        ("steps", {"n_columns": True}),
        ("steps", {"n_columns": 4.0}),
        ("steps", {"categorical": []}),
        ("steps", {"categorical": [0, 1]}),
        ("steps", {"categorical": [1, 0, 2]}),
        ("steps", {"categorical": [0, 0, 2]}),
        ("steps", {"categorical": [0, 1, 4]}),
        ("steps", {"categorical": [0, 1, -1]}),
        ("steps", {"categorical": [0, True, 2]}),
        ("steps", {"categorical": "012"}),
        ("steps", {"feature_names": ["a", "b", "c"]}),
        ("steps", {"feature_names": ["a", "b", "c", "a"]}),
        ("steps", {"feature_names": ["a", "b", "c", 3]}),
        ("steps", {"feature_names": "abcd"}),
        ("steps", {"handle_unknown": "ignore"}),
        ("steps", {"missing": ["mask"]}),
        ("steps", {"lowercase": 1}),
        ("steps", {"strip_accents": "\x1b[31m"}),
        *(
            ("tokens", {"rarity": rarity})
            for rarity in (None, "no", [2], [2, None, 3], [0, 3], [True, None], [1.5, None], [2, 1])
        ),
        ("tokens", {"rarity": [None, 3.0]}),
        ("steps", {"vocabularies": []}),
        ("steps", {"vocabularies": {}}),
        ("steps", {"vocabularies.0": None}),
        ("steps", {"vocabularies.0.kind": "int"}),
        ("steps", {"vocabularies.1.kind": "bool"}),
        ("steps", {"vocabularies.0.kind": "characters"}),
        ("steps", {"vocabularies.0.missing_id": 9}),
        ("steps", {"vocabularies.0.missing_id": -1}),
        ("steps", {"vocabularies.0.missing_id": True}),
        ("steps", {"vocabularies.0.n_rare": 1}),
        ("steps", {"vocabularies.0.n_rare": -1}),
        ("steps", {"vocabularies.0.more": 1}),
        ("steps", {"more": 1}),
        ("characters", {"vocabularies.0.missing_id": 1}),
    ],
    ids=str,
)
def test_words_of_no_symbols(form, config):
    refused(form, None, config=config)


@pytest.mark.parametrize("config", [None, [], "x", {}, {"form": "tokens"}])
def test_no_description(config):
    with pytest.raises(ValueError, match="symbols are described by"):
        Symbols.restore(config, {})


def test_escape_codes_are_not_shown_as_they_are():
    for key, value in (("form", "\x1b[31m"), ("\x1b[31m", 1)):
        config, tensors = MADE["tokens"]().describe()
        with pytest.raises(ValueError, match=r"\[31m") as error:
            Symbols.restore(config | {key: value}, tensors)
        assert "\x1b" not in str(error.value)


def test_a_million_categories():
    """As quick as reading them, and in memory of the order of the tokens themselves."""
    n = 1_000_000
    tokens = [f"{i:x}" for i in range(n)]
    tensors = text(*tokens) | {"symbols0.counts": np.ones(n + 1, np.int64)}
    config, _ = Symbols.learn([["a"]]).describe()
    tracemalloc.start()
    symbols = Symbols.restore(config, tensors)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400 * n
    assert symbols.n_categories == (n + 1,)
    assert symbols.encode([["f423f", "0", "f4240"]])[0][:, 0].tolist() == [n, 1, 0]


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**20),
    st.floats(),
    st.text(max_size=4),
    st.lists(st.integers(0, 3), max_size=4),
    st.dictionaries(st.text(max_size=2), st.integers(0, 3), max_size=2),
)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_any_change_is_refused_or_harmless(data):
    form = data.draw(st.sampled_from([*MADE]))
    config, tensors = MADE[form]().describe()
    config = json.loads(json.dumps(config))
    if data.draw(st.booleans()):
        at = data.draw(st.sampled_from([config, *config["vocabularies"]]))
        at[data.draw(st.sampled_from([*at]))] = data.draw(ODD)
    else:
        name = data.draw(st.sampled_from([*tensors]))
        array = tensors[name].copy()
        if array.size:
            i = data.draw(st.integers(0, array.size - 1))
            array[i] = data.draw(st.integers(-(2**40), 2**40)) % 200
        tensors[name] = array[: data.draw(st.integers(0, array.size))]
    try:
        symbols = Symbols.restore(config, tensors)
    except (KeyError, TypeError, ValueError):
        return
    symbols.describe()
    assert symbols.encode([]) == []
    try:
        encoded = symbols.encode(DATA[form])
    except (TypeError, ValueError):
        return
    ids = np.concatenate(encoded)[:, : symbols.n_codes]
    known = ids[~np.isnan(ids)]
    assert (known >= 0).all()
    assert (ids < np.array(symbols.n_categories)).all() or np.isnan(ids).any()
    symbols.decode(encoded)
