"""What a user may pass as X, and what every mistake is told."""

from __future__ import annotations

import decimal
import fractions
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from elman.data import check_sequences, from_channels_first


@pytest.fixture
def cube(rng):
    return rng.standard_normal((3, 5, 2)).astype(np.float32)


@pytest.fixture
def samples(rng):
    return [rng.standard_normal((n, 2)).astype(np.float32) for n in (4, 0, 7)]


def assert_holds(found, X):
    assert len(found) == len(X)
    for x, expected in zip(found, X, strict=True):
        np.testing.assert_array_equal(x, np.asarray(expected, dtype=x.dtype))
    values = found.values
    assert values.flags.c_contiguous
    assert values.flags.aligned
    assert values.dtype.isnative


# What is accepted


def test_no_copy_of_what_already_fits(cube):
    for dtype in (np.float32, np.float64):
        X = cube.astype(dtype)
        X.flags.writeable = False
        found = check_sequences(X, dtype=dtype)
        assert found.values.base is X
        assert_holds(found, X)


def test_no_copy_of_a_2d_array(cube):
    X = np.ascontiguousarray(cube[:, :, 0])
    found = check_sequences(X)
    assert np.shares_memory(found.values, X)
    assert found.two_d
    assert found.n_features == 1
    assert found.n_features_in == 5
    assert_holds(found, X[:, :, np.newaxis])


def unaligned(X):
    buffer = bytearray(1 + X.nbytes)
    out = np.frombuffer(buffer, dtype=X.dtype, offset=1, count=X.size).reshape(X.shape)
    out[...] = X
    assert not out.flags.aligned
    return out


LAYOUTS = {
    "unaligned": unaligned,
    "big-endian": lambda X: X.astype(">f4"),
    "negative strides": lambda X: X[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
    "every second": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "fortran": np.asfortranarray,
    "swapped axes": lambda X: X.swapaxes(1, 2).copy().swapaxes(1, 2),
    "read-only": lambda X: np.frombuffer(X.tobytes(), X.dtype).reshape(X.shape),
    "broadcast": lambda X: np.broadcast_to(X[:1], X.shape),
    "float64": lambda X: X.astype(np.float64),
    "longdouble": lambda X: X.astype(np.longdouble),
    "float16": lambda X: X.astype(np.float16),
    "int8": lambda X: (9 * X).astype(np.int8),
    "uint64": lambda X: (9 * abs(X)).astype(np.uint64),
    "bool": lambda X: X > 0,
    "object": lambda X: X.astype(object),
    "nested lists": lambda X: X.tolist(),
    "nested tuples": lambda X: tuple(tuple(tuple(row) for row in x) for x in X.tolist()),
    "list of arrays": list,
    "list of lists of arrays": lambda X: [list(x) for x in X],
    "masked, no mask": np.ma.masked_array,
    "frames": lambda X: [pd.DataFrame(x) for x in X],
}


@pytest.mark.parametrize("change", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layouts(cube, change, dtype):
    X = change(cube)
    found = check_sequences(X, dtype=dtype)
    assert found.dtype == dtype
    assert found.n_timesteps == 5
    assert_holds(found, X)


@pytest.mark.parametrize("change", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_of_one_feature(cube, change):
    if change in (LAYOUTS["swapped axes"], LAYOUTS["frames"]):
        pytest.skip("has no 2-D form")
    X = change(cube)
    X2 = [[row[0] for row in x] for x in X] if isinstance(X, (list, tuple)) else X[:, :, 0]
    found = check_sequences(X2)
    assert found.two_d
    assert_holds(found, np.asarray(X2)[:, :, np.newaxis])


def as_objects(samples):
    out = np.empty(len(samples), dtype=object)
    out[:] = samples
    return out


RAGGED = {
    "list": list,
    "tuple": tuple,
    "object array": as_objects,
    "series": lambda X: pd.Series(list(X)),
    "mixed types": lambda X: [x.astype(t) for x, t in zip(X, ("f8", ">f4", "f2"), strict=True)],
    "mixed layouts": lambda X: [np.asfortranarray(X[0]), X[1], X[2][::-1, ::-1]],
    "objects": lambda X: [x.astype(object) for x in X],
    "nested lists": lambda X: [X[0].tolist(), X[1], X[2].tolist()],
}


@pytest.mark.parametrize("change", RAGGED.values(), ids=RAGGED)
def test_ragged(samples, change):
    X = change(samples)
    found = check_sequences(X)
    assert found.lengths.tolist() == [4, 0, 7]
    assert found.n_timesteps is None
    assert not found.two_d
    assert_holds(found, list(X))


def test_json(samples):
    X = json.loads(json.dumps([samples[0].tolist(), samples[2].tolist()]))
    assert_holds(check_sequences(X), X)


def test_frames(rng):
    X = pd.DataFrame(rng.standard_normal((3, 5)), columns=list("abcde"))
    found = check_sequences(X, dtype=np.float64)
    assert found.n_features_in == 5
    assert_holds(found, X.to_numpy()[:, :, np.newaxis])


def test_numbers_that_numpy_does_not_know():
    X = np.array([[decimal.Decimal("1.5"), fractions.Fraction(1, 4)], [True, np.float32(3)]])
    np.testing.assert_array_equal(check_sequences(X).values.ravel(), [1.5, 0.25, 1, 3])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_maps(tmp_path, cube, dtype):
    np.save(tmp_path / "X.npy", cube.astype(dtype))
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    found = check_sequences(X, dtype=dtype)
    assert np.shares_memory(found.values, X)
    assert_holds(found, cube)


def test_the_input_is_left_as_it_was(cube, samples):
    for X in (cube.astype(np.float64), [x.astype(np.float64) for x in samples]):
        before = [x.copy() for x in X]
        check_sequences(X).values.fill(7)
        for x, expected in zip(X, before, strict=True):
            np.testing.assert_array_equal(x, expected)


def test_the_least_type_that_holds_the_values(cube):
    for dtype in ("f2", "f4", "i2", "u2", "?", "i1"):
        assert check_sequences(cube.astype(dtype), dtype=None).dtype == np.float32
        assert check_sequences(list(cube.astype(dtype)), dtype=None).dtype == np.float32
    for dtype in ("f8", "i4", "g", "O", ">f8"):
        assert check_sequences(cube.astype(dtype), dtype=None).dtype == np.float64
    assert check_sequences([cube[0], cube[1].astype("f8")], dtype=None).dtype == np.float64


def test_least_sizes(cube):
    assert len(check_sequences(cube[:0], ensure_min_samples=0)) == 0
    assert len(check_sequences([], ensure_min_samples=0)) == 0
    found = check_sequences(cube[:, :0], ensure_min_timesteps=0)
    assert found.lengths.tolist() == [0, 0, 0]
    assert found.batch([2, 1]).X.shape == (2, 0, 2)
    found = check_sequences([np.empty((0, 2))], ensure_min_timesteps=0)
    assert found.lengths.tolist() == [0]


def test_scipy_and_scikit_learn_are_not_imported():
    program = (
        "import sys, elman.data; elman.data.check_sequences([[[1.0]], [[2.0], [3.0]]]); "
        "print([name for name in sys.modules if name.split('.')[0] in ('scipy', 'sklearn')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


# What is refused: the input, the error, and what it must say


def with_value(value, dtype=np.float32):
    X = np.zeros((3, 5, 2), dtype=dtype)
    X[2, 4, 1] = value
    return X


class Opaque:
    def __repr__(self):
        return "Opaque" * 30


SHAPES = {
    "none": (None, TypeError, ["X is None", "3-D array"]),
    "text": ("abc", TypeError, ["X is 'abc', a str"]),
    "dict": ({"a": [1]}, TypeError, ["X is a dict with the keys ['a']: pass list(X.values())"]),
    "texts": (["abba", "ab"], ValueError, ["strings ('abba', ...)", "directly", "TokenEncoder"]),
    "bytes": ([b"abba", b"ab"], ValueError, ["bytes (b'abba', ...)", "x.decode()"]),
    "set": ({1, 2}, TypeError, ["a set"]),
    "iterator": (iter([1]), TypeError, ["iterator", "list(X)"]),
    "a number": (3.5, ValueError, ["0-D", "3.5"]),
    "an object": (Opaque(), ValueError, ["0-D", "OpaqueOpaque"]),
    "1-D": (np.ones(5), ValueError, ["1-D", "(5,)", "Reshape your data"]),
    "1-D list": ([1.0, 2.0], ValueError, ["1-D", "(2,)", "Reshape your data"]),
    "4-D": (np.ones((2, 3, 5, 1)), ValueError, ["4-D", "(2, 3, 5, 1)", "Reshape your data"]),
    "no samples": (np.ones((0, 5, 2)), ValueError, ["0 sample(s)", "(0, 5, 2)", "minimum of 1"]),
    "no samples, 2-D": (np.ones((0, 5)), ValueError, ["0 sample(s)", "(0, 5)"]),
    "empty list": ([], ValueError, ["0 sample(s)", "minimum of 1"]),
    "empty object array": (np.array([], object), ValueError, ["1-D", "(0,)"]),
    "no steps": (np.ones((3, 0, 2)), ValueError, ["3 sample(s)", "0 timestep(s)", "minimum of 1"]),
    "only empty": ([np.ones((0, 2))] * 3, ValueError, ["3 sample(s)", "0 timestep(s)"]),
    "no features": (np.ones((3, 5, 0)), ValueError, ["0 feature(s) (shape=(3, 5, 0))"]),
    "no columns": (
        np.ones((12, 0)),
        ValueError,
        ["0 feature(s) (shape=(12, 0)) while a minimum of 1 is required"],
    ),
    "no features in a list": (
        [np.ones((3, 2)), np.ones((5, 0))],
        ValueError,
        ["sample 1", "(5, 0)", "0 feature(s)"],
    ),
    "ragged features": (
        [np.ones((3, 2)), np.ones((4, 2)), np.ones((5, 3))],
        ValueError,
        ["sample 2", "(5, 3)", "3 features", "sample 0", "has 2"],
    ),
    "a ragged sample": (
        [[[1, 2]], [[1, 2], [3]]],
        ValueError,
        ["X: sample 1", "rows differ in length"],
    ),
    "an empty sample": ([np.ones((3, 2)), []], ValueError, ["sample 1", "np.empty((0, n_"]),
    "a 1-D sample": ([np.ones((3, 2)), np.ones(2)], ValueError, ["sample 1 is 1-D", "reshape"]),
    "a 3-D sample": ([np.ones((1, 3, 2))] * 2, ValueError, ["sample 0 is 3-D", "(1, 3, 2)"]),
    "a number among samples": ([np.ones((3, 2)), 7.5], ValueError, ["sample 1 is 0-D", "7.5"]),
    "None among samples": ([np.ones((3, 2)), None], TypeError, ["sample 1 is None"]),
    "text among samples": ([np.ones((3, 2)), "ab"], TypeError, ["sample 1 is 'ab'"]),
    "turned": (
        [np.ones((2, 5)), np.ones((2, 7))],
        ValueError,
        ["sample 1", "(sample, feature, time)", "elman.data.from_channels_first(X)"],
    ),
}

VALUES = {
    "NaN": (with_value(np.nan), ValueError, ["Input X contains NaN"]),
    "inf": (with_value(np.inf), ValueError, ["infinity", "is inf"]),
    "-inf": (with_value(-np.inf), ValueError, ["infinity", "is -inf"]),
    "overflow": (with_value(1e39, np.float64), ValueError, ["too large for float32", "is 1e+39"]),
    "overflow of a long double": (
        with_value(np.longdouble("1e400"), np.longdouble),
        ValueError,
        ["too large for float32", "1e+400"],
    ),
    "large int": (with_value(10**39, object), ValueError, ["too large for float32", "1e+39"]),
    "very large int": (with_value(10**400, object), ValueError, ["1000", "too large for float64"]),
    "NaN in an object array": (with_value(np.nan, object), ValueError, ["Input X contains NaN"]),
    "None": (with_value(None, object), TypeError, ["None, a NoneType", "argument must be free"]),
    "missing": (with_value(pd.NA, object), TypeError, ["<NA>"]),
    "text": (with_value("abc", object), TypeError, ["'abc', a str"]),
    "numeric text": (with_value("1.5", object), TypeError, ["'1.5', a str", "number"]),
    "dict": (with_value({"foo": "bar"}, object), TypeError, ["{'foo': 'bar'}, a dict"]),
    "an object": (with_value(Opaque(), object), TypeError, ["OpaqueOpaque", "..."]),
    "complex": (with_value(1 + 2j, object), ValueError, ["Complex data not supported", "(1+2j)"]),
    "masked": (
        np.ma.masked_where(with_value(1) == 1, with_value(1)),
        ValueError,
        ["masked array with 1 masked value(s)", "(2, 4, 1)"],
    ),
}

TYPES = {
    "complex": (np.ones((3, 5, 2), complex), ValueError, ["Complex data not supported"]),
    "text": (np.full((3, 5), "a"), TypeError, ["<U1", "'a'", "RNNTagger and RNNRegressor read"]),
    "numeric text": (np.full((3, 5), "1"), TypeError, ["<U1", "'1'"]),
    "bytes": (np.full((3, 5), b"1"), TypeError, ["S1"]),
    "dates": (np.zeros((3, 5), "M8[D]"), TypeError, ["datetime64[D]", "1970-01-01"]),
    "durations": (np.zeros((3, 5), "m8[s]"), TypeError, ["timedelta64[s]"]),
    "records": (np.zeros((3, 5), [("a", "f4")]), TypeError, ["dtype"]),
    "text in a list": ([np.ones((3, 2)), np.full((5, 2), "a")], TypeError, ["sample 1", "<U1"]),
    "complex in a list": (
        [np.ones((3, 2)), np.ones((5, 2), complex)],
        ValueError,
        ["Complex data not supported", "sample 1"],
    ),
    "text in rows": ([[1.0, 2.0], [3.0, "x"]], TypeError, ["X: sample 1", "<U"]),
    "sparse": (scipy.sparse.csr_array(np.eye(3)), TypeError, ["sparse", "X.toarray()"]),
    "sparse matrix": (scipy.sparse.coo_matrix(np.eye(3)), TypeError, ["sparse coo_matrix"]),
    "sparse in a list": (
        [np.ones((3, 2)), scipy.sparse.csc_array(np.eye(2))],
        TypeError,
        ["sample 1", "sparse"],
    ),
    "missing in a frame": (pd.DataFrame({"a": [1, None]}), ValueError, ["NaN", "sample 1"]),
}


def assert_refused(case, extra=(), **options):
    X, error, words = case
    with pytest.raises(error) as caught:
        check_sequences(X, **options)
    for word in [*words, *extra]:
        assert word in str(caught.value)


@pytest.mark.parametrize("case", SHAPES.values(), ids=SHAPES)
def test_shapes_that_are_refused(case):
    assert_refused(case)


@pytest.mark.parametrize("case", TYPES.values(), ids=TYPES)
def test_types_that_are_refused(case):
    assert_refused(case)


@pytest.mark.parametrize("case", VALUES.values(), ids=VALUES)
def test_values_that_are_refused(case):
    X, error, words = case
    masked = isinstance(X, np.ma.MaskedArray)
    assert_refused(case, [] if masked else ["sample 2, timestep 4, feature 1"])
    row = (X[:, :, 1], error, ["(2, 4)" if masked and w == "(2, 4, 1)" else w for w in words])
    assert_refused(row, [] if masked else ["sample 2, timestep 4"])
    ragged = ([X[0], X[1][:3], X[2]], error, ["(4, 1)" if w == "(2, 4, 1)" else w for w in words])
    assert_refused(ragged, ["sample 2"] if masked else ["sample 2, timestep 4, feature 1"])


def test_other_names(cube):
    cube[1, 3, 0] = np.nan
    with pytest.raises(ValueError, match=r"Input X_val contains NaN: sample 1, timestep 3.*Scaler"):
        check_sequences(cube, name="X_val", estimator="Scaler")


def test_nan_on_request(cube, samples):
    for X in (cube, samples, cube[:, :, 0]):
        X[2][3] = np.nan
        for missing in ("keep", "mask", "skip"):
            found = check_sequences(X, missing=missing)
            assert found.missing == found.subset([2, 0]).missing == missing
            assert_holds(found, X[:, :, np.newaxis] if found.two_d else X)
            assert check_sequences(X, missing=missing, look_at_values=False).pending_check() is None
    with pytest.raises(ValueError, match=r"sample 2, timestep 3, feature 0.*only with ok=True"):
        check_sequences(cube, how_to_allow="ok=True")
    with pytest.raises(ValueError, match="missing='drop' is not known; choose one of 'error', "):
        check_sequences(cube, missing="drop")


@pytest.mark.parametrize("look", [True, False])
def test_infinity_beside_nan(cube, look):
    cube[1, 0, 1], cube[2, 4, 0] = np.nan, np.inf
    with pytest.raises(ValueError, match="infinity: sample 2, timestep 4, feature 0 is inf"):
        check_sequences(cube, missing="mask", look_at_values=look).pending_check()


def test_values_that_only_float64_holds():
    X = with_value(1e39, np.float64)
    assert check_sequences(X, dtype=np.float64).values.max() == 1e39
    assert check_sequences(X, dtype=None).values.max() == 1e39


def test_types_that_are_not_known(cube):
    for dtype in (np.float16, np.int64, ">f4"):
        with pytest.raises(ValueError, match="choose float32 or float64"):
            check_sequences(cube, dtype=dtype)


# What a fitted estimator expects

EXPECTED = {
    "columns": (np.ones((3, 1)), {"n_features": 4, "two_d": True}, ["pass 4 columns"]),
    "features": (np.ones((3, 5, 1)), {"n_features": 4, "two_d": False}, ["pass 4 columns"]),
    "turned": (
        np.ones((3, 2, 5)),
        {"n_features": 2, "two_d": False},
        ["(sample, feature, time)", "from_channels_first(X)"],
    ),
    "turned list": (
        [np.ones((2, 5)), np.ones((2, 7))],
        {"n_features": 2, "two_d": False},
        ["sample 0", "(2, 5)", "from_channels_first(X)"],
    ),
    "list": ([np.ones((3, 2)), np.ones((4, 3))], {"n_features": 2}, ["sample 1 has shape (4, 3)"]),
}


@pytest.mark.parametrize("case", EXPECTED.values(), ids=EXPECTED)
def test_other_features_than_expected(case):
    X, options, words = case
    seen = {"turned": 5, "turned list": 5, "list": 3}
    name = next(name for name, other in EXPECTED.items() if other is case)
    message = (
        f"X has {seen.get(name, 1)} features, but RNNClassifier is expecting "
        f"{options['n_features']} features as input"
    )
    assert_refused((X, ValueError, [message, *words]), **options)


def test_one_recording_of_the_right_features():
    case = (np.ones((29, 12)), ValueError, ["X is 2-D", "(29, 12)", "X[np.newaxis]"])
    assert_refused(case, n_features=12, two_d=False)


def test_2d_for_an_estimator_of_one_feature():
    case = (np.ones((3, 5)), ValueError, ["X is 2-D", "X[:, :, np.newaxis]"])
    assert_refused(case, n_features=1, two_d=False)


@pytest.mark.parametrize("X", [np.ones((3, 5, 4)), [np.ones((3, 4)), np.ones((5, 4))]])
def test_sequences_for_an_estimator_of_rows(X):
    case = (X, ValueError, ["fitted on a 2-D X of 4 columns", "(n_samples, 4)"])
    assert_refused(case, n_features=4, two_d=True)


def test_expected_features_pass(cube, samples):
    check_sequences(cube, n_features=2, two_d=False)
    check_sequences(samples, n_features=2, two_d=False)
    check_sequences(cube[:, :, 0], n_features=5, two_d=True)
    check_sequences(np.ones((3, 2, 2)), n_features=2, two_d=False)


# (sample, feature, time)


def test_from_channels_first(cube, samples):
    turned = from_channels_first(cube.swapaxes(1, 2))
    np.testing.assert_array_equal(turned, cube)
    assert turned.flags.c_contiguous
    assert turned.dtype == cube.dtype
    for X in ([x.T for x in samples], as_objects([x.T for x in samples])):
        out = from_channels_first(X)
        assert isinstance(out, list)
        for x, expected in zip(out, samples, strict=True):
            np.testing.assert_array_equal(x, expected)
            assert x.flags.c_contiguous


def test_from_channels_first_keeps_masks_and_copies(cube):
    masked = np.ma.masked_where(cube > 1, cube)
    np.testing.assert_array_equal(from_channels_first(masked).mask, masked.mask.swapaxes(1, 2))
    assert not np.shares_memory(from_channels_first(cube), cube)


def test_from_channels_first_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"X has shape \(3, 5\).*n_samples, n_features"):
        from_channels_first(np.ones((3, 5)))
    with pytest.raises(ValueError, match=r"sample 1 has shape \(5,\); expected \(n_features"):
        from_channels_first([np.ones((2, 3)), np.ones(5)])
