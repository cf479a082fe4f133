"""The same arrays from whatever holds X, and the tokens back."""

from __future__ import annotations

import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from elman.data.named import NamedSequences
from elman.data.symbols import Symbols

TEXTS = ["ába", "", "cab😀", "a"]
TOKENS = [["to", "be", "or"], [], ["not", "to", "be"], ["be"]]
STRINGS = np.dtypes.StringDType()
ROWS = [
    [("a", 1, 2.5, True), ("b", 2, None, False), ("a", 1, 0.5, True)],
    [],
    [("a", 3, 1.0, True)],
]
COLUMNS = ["item", "dwell", "price", "new"]


def frames(**types):
    return [pd.DataFrame(rows, columns=COLUMNS).astype(FRAME_TYPES | types) for rows in ROWS]


FRAME_TYPES = {"item": str, "dwell": np.int64, "price": np.float64, "new": bool}


def same(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        np.array,
        lambda X: np.array(X, object),
        lambda X: np.array(X, STRINGS),
        pd.Series,
        lambda X: pd.Series(X, dtype=object),
        lambda X: pd.Series(X, dtype="category"),
        lambda X: pd.Series(X, dtype="string[pyarrow]"),
        pl.Series,
        lambda X: pl.Series(X, dtype=pl.Categorical),
        pa.array,
        lambda X: pa.chunked_array([X[:1], X[1:]]),
    ],
)
def test_characters(make):
    symbols = Symbols.learn(make(TEXTS))
    assert (symbols.form, symbols.n_codes, symbols.numeric) == ("characters", 1, ())
    (vocabulary,) = symbols.vocabularies
    assert vocabulary.tokens == ("a", "b", "c", "á", "😀")  # by frequency, then code points
    assert vocabulary.counts.tolist() == [0, 3, 2, 1, 1, 1]
    expected = [np.array(ids, np.float32)[:, None] for ids in ([4, 2, 1], [], [3, 1, 2, 5], [1])]
    same(symbols.encode(make(TEXTS)), expected)
    assert symbols.decode(symbols.encode(make(TEXTS))) == TEXTS
    same(
        symbols.encode(["aç\U0010ffff", "\ud800"]),
        [np.array([[1], [0], [0]], "f4"), np.zeros((1, 1), "f4")],
    )
    assert symbols.decode([np.array([[1], [0]])]) == ["a\ufffd"]


@pytest.mark.parametrize(
    "make",
    [
        lambda X: X,
        lambda X: [tuple(x) for x in X],
        lambda X: [np.array(x, str) for x in X],
        lambda X: [np.array(x, object) for x in X],
        lambda X: [np.array(x, STRINGS) for x in X],
        lambda X: [np.array(x, object)[:, np.newaxis] for x in X],
        lambda X: [[(token,) for token in x] for x in X],
        lambda X: [pd.Series(x, dtype=str) for x in X],
        lambda X: [pd.Series(x, dtype="category") for x in X],
        lambda X: [pl.Series(x, dtype=pl.String) for x in X],
        lambda X: [pa.array(x, pa.string()) for x in X],
        pd.Series,
        pl.Series,
        pa.array,
    ],
)
def test_tokens(make):
    symbols = Symbols.learn(make(TOKENS))
    assert symbols.vocabularies[0].tokens == ("be", "to", "not", "or")
    expected = [np.array(ids, np.float32)[:, None] for ids in ([2, 1, 4], [], [3, 2, 1], [1])]
    same(symbols.encode(make(TOKENS)), expected)
    same(Symbols.learn(TOKENS).encode(make(TOKENS)), expected)
    same(symbols.encode([["bee", "be"]]), [np.array([[0], [1]], np.float32)])
    assert Symbols.learn(TOKENS).decode([*expected, np.array([[0]])]) == [*TOKENS, [None]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: ROWS,
        lambda: [[np.array(row, object) for row in rows] for rows in ROWS],
        lambda: [np.array(rows, object).reshape(-1, 4) for rows in ROWS],
        lambda: NamedSequences([np.array(rows, object).reshape(-1, 4) for rows in ROWS], COLUMNS),
        frames,
        lambda: frames(item=object, price=object),
        lambda: frames(item="category", new=object),
        lambda: frames(dwell="Int64", price="Float64", new="boolean", item="string"),
        lambda: [pl.from_pandas(frame) for frame in frames()],
        lambda: [pl.from_pandas(f).cast({"item": pl.Categorical}) for f in frames()],
        lambda: [pl.from_pandas(f).cast({"item": pl.Enum(["b", "a"])}) for f in frames()],
        lambda: [pl.from_pandas(frame).lazy() for frame in frames()],
        lambda: [pa.Table.from_pandas(frame) for frame in frames()],
        lambda: [pa.RecordBatch.from_pandas(frame) for frame in frames()],
    ],
)
def test_mixed_steps(make):
    X = make()
    symbols = Symbols.learn(X)
    assert (symbols.categorical, symbols.numeric) == ((0, 3), (1, 2))
    assert [vocabulary.tokens for vocabulary in symbols.vocabularies] == [("a", "b"), (True, False)]
    expected = [
        np.array([[1, 1, 1, 2.5], [2, 2, 2, np.nan], [1, 1, 1, 0.5]]),
        np.zeros((0, 4)),
        np.array([[1, 1, 3, 1]], float),
    ]
    same(symbols.encode(X), expected)
    block, lengths = symbols.encode_block(X)
    np.testing.assert_array_equal(block, np.concatenate(expected))
    assert lengths.tolist() == [len(each) for each in expected]
    assert symbols.decode(expected)[-1].tolist() == [["a", 3, 1.0, True]]
    if symbols.feature_names is not None:
        assert symbols.encoded_names == ("item", "new", "dwell", "price")


def test_groups_and_frames_of_sequences():
    long = pd.concat([frame for frame in frames() if len(frame)], keys=[0, 1])
    expected = Symbols.learn(frames()).encode([frame for frame in frames() if len(frame)])
    for X in (long, long.reset_index(0, names="run").groupby("run")):
        same(Symbols.learn(X).encode(X), expected)


def test_categories_of_integers_in_frames_of_several_types():
    """pandas joins columns of unequal categories to one of integers, which are numbers."""
    X = [pd.DataFrame({"a": pd.Series(v, dtype="category"), "b": 0.5}) for v in ([3, 1], [3, 7])]
    symbols = Symbols.learn(X)
    assert symbols.vocabularies[0].tokens == (3, 1, 7)
    same(symbols.encode(X), [np.array([[1, 0.5], [2, 0.5]]), np.array([[1, 0.5], [3, 0.5]])])


BIG = 2**63 - 1


@pytest.mark.parametrize("asked", ["all", [0], (0,), [True]])
@pytest.mark.parametrize(
    "X",
    [
        [[5, -2, 5], [], [BIG]],
        [np.array([5, -2, 5]), np.array([], int), np.array([BIG])],
        [np.array([5, -2, 5])[:, None], np.zeros((0, 1), int), np.array([[BIG]])],
        [pd.Series([5, -2, 5]), pd.Series([], dtype="Int64"), pd.Series([BIG])],
        [pl.Series([5, -2, 5]), pl.Series([], dtype=pl.Int64), pl.Series([BIG])],
    ],
    ids=str,
)
def test_ids_of_tokens(X, asked):
    symbols = Symbols.learn(X, categorical_features=asked)
    assert symbols.vocabularies[0].tokens == (5, -2, BIG)
    assert {type(token) for token in symbols.vocabularies[0].tokens} == {int}
    expected = [np.array(ids, np.float32).reshape(-1, 1) for ids in ([1, 2, 1], [], [3])]
    same(symbols.encode(X), expected)
    seen = symbols.encode([[4, 5, 6, -3, -(2**63), BIG - 1, BIG]])
    assert seen[0][:, 0].tolist() == [0, 1, 0, 0, 0, 0, 3]


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64, np.float32, object])
def test_ids_in_arrays_of_any_type(dtype):
    X = np.array([[7, 3, 3], [3, 9, 7]], dtype)
    symbols = Symbols.learn(X, categorical_features="all")
    assert symbols.vocabularies[0].tokens == (3, 7, 9)
    same(symbols.encode(X), [np.array(i, np.float32)[:, None] for i in ([2, 1, 1], [1, 3, 2])])
    same(symbols.encode([[7.0]]), [np.array([[2]], np.float32)])


def test_some_columns_of_numbers():
    X = np.array([[[0.5, 7, 2], [1.5, 3, 2]], [[2.5, 7, 2], [3.5, 7, 1]]])
    for asked in ([1, 2], [2, 1], [False, True, True]):
        symbols = Symbols.learn(X, categorical_features=asked)
        same(
            symbols.encode(X),
            [np.array([[1, 1, 0.5], [2, 1, 1.5]]), np.array([[1, 1, 2.5], [1, 2, 3.5]])],
        )
    named = NamedSequences([*X], ["a", "b", "c"])
    by_name = Symbols.learn(named, categorical_features=["c"])
    assert (by_name.categorical, by_name.encoded_names) == ((2,), ("c", "a", "b"))


def test_numbers_keep_their_bits(rng):
    values = rng.normal(size=(7, 2)) * [1e-30, 1e30]
    X = [[("a", *row) for row in values.tolist()]]
    np.testing.assert_array_equal(Symbols.learn(X).encode(X)[0][:, 1:], values)
    decimals = [[("a", Decimal("0.1")), ("b", Decimal("nan"))]]
    np.testing.assert_array_equal(Symbols.learn(decimals).encode(decimals)[0][:, 1], [0.1, np.nan])


class Named(str):
    """Text of a library of its own."""

    __slots__ = ()

    def __str__(self):
        return "something else"


def test_tokens_are_plain_text():
    symbols = Symbols.learn([[Named("a"), np.str_("b"), "a"]])
    assert [(type(t), t) for t in symbols.vocabularies[0].tokens] == [(str, "a"), (str, "b")]
    assert Symbols.learn([Named("ab")]).vocabularies[0].tokens == ("a", "b")


class Tensor:
    """What another library holds, read through NumPy's protocol."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


def test_arrays_of_other_libraries():
    ids = np.array([[7, 3], [3, 9]])
    expected = [np.array([[2], [1]], np.float32), np.array([[1], [3]], np.float32)]
    for X in (Tensor(ids), [Tensor(row) for row in ids], Tensor(ids[:, :, np.newaxis])):
        same(Symbols.learn(X, categorical_features="all").encode(X), expected)


def test_the_result_is_views_of_one_block():
    encoded = Symbols.learn(TOKENS).encode(TOKENS)
    assert len({id(array.base) for array in encoded}) == 1


# One step after another


@pytest.mark.parametrize("options", [{}, {"lowercase": True, "strip_accents": "unicode"}])
def test_a_stream_of_characters_reads_what_the_whole_has(options):
    X = ["ΣΑΣ", "Ćma É", "ab\ud800"]
    symbols = Symbols.learn(X[:2], **options)
    for text, whole in zip(X, symbols.encode(X), strict=True):
        np.testing.assert_array_equal(np.stack([symbols.encode_step(c) for c in text]), whole)
        np.testing.assert_array_equal(symbols.encode_steps(text, len(text)), whole)


@pytest.mark.parametrize(
    ("X", "asked"),
    [(TOKENS, "auto"), (ROWS, "auto"), ([[5, -2, 5], [], [BIG]], "all"), ([[True, False]], "all")],
)
def test_a_stream_of_steps_reads_what_the_whole_has(X, asked):
    symbols = Symbols.learn(X, categorical_features=asked)
    for sample, whole in zip(X, symbols.encode(X), strict=True):
        for step, expected in zip(sample, whole, strict=True):
            same([symbols.encode_step(step)], [expected])
        if len(sample):
            same([symbols.encode_steps(sample, len(sample))], [whole])


def test_a_step_by_name():
    symbols = Symbols.learn(frames())
    row = dict(zip(COLUMNS, ROWS[0][0], strict=True))
    frame = pd.DataFrame([row])
    for step in (
        row,
        dict(reversed(row.items())),
        frame,
        frame[COLUMNS],
        frame.iloc[0],
        next(frame.itertuples(index=False)),
        np.array(ROWS[0][0], object),
    ):
        np.testing.assert_array_equal(symbols.encode_step(step), [1, 1, 1, 2.5])
    np.testing.assert_array_equal(symbols.encode_steps(frames()[0], 3), symbols.encode(frames())[0])


@pytest.mark.parametrize(
    ("X", "step", "says"),
    [
        (TEXTS, "ab", "expected one character"),
        (TEXTS, "", "expected one character"),
        (TEXTS, 3, "x is 3, an int"),
        (TOKENS, 3, "held text in training, and holds whole numbers now"),
        (TOKENS, None, "x is missing"),
        (ROWS, ("a", 1, 2.5), r"3 value\(s\), but the model is expecting 4"),
        (ROWS, ("a", "b", 2.5, True), "column 1 of x held numbers in training, and now holds text"),
        (ROWS, {"item": "a"}, "trained without feature names"),
        (frames(), {"item": "a", "dwell": 1, "price": 1}, "has no 'new'"),
        (frames(), frames()[0], "table of 3 rows"),
        (ROWS, "a", "expected a row of 4"),
    ],
    ids=str,
)
def test_a_step_that_is_none(X, step, says):
    with pytest.raises((TypeError, ValueError), match=says):
        Symbols.learn(X).encode_step(step)


def test_steps_of_too_few_streams():
    with pytest.raises(ValueError, match=r"2 step\(s\) for 3 streams"):
        Symbols.learn(TEXTS).encode_steps("ab", 3)
    with pytest.raises(TypeError, match="x: stream 1 is 3, an int"):
        Symbols.learn(TEXTS).encode_steps(["a", 3], 2)


def test_copies_answer_the_same():
    symbols = Symbols.learn(ROWS)
    symbols.encode(ROWS)
    same(pickle.loads(pickle.dumps(symbols)).encode(ROWS), symbols.encode(ROWS))


@pytest.mark.parametrize("bad", [[[9]], [[-1]], [[0.5]], [[np.inf]]])
def test_ids_that_are_none_are_not_decoded(bad):
    with pytest.raises(ValueError, match="encoded: sample 1, time step 0 is"):
        Symbols.learn(TEXTS).decode([np.array([[1]]), np.array(bad)])
    with pytest.raises(ValueError, match=r"encoded\[0\] has shape"):
        Symbols.learn(TEXTS).decode([np.zeros((2, 3))])
