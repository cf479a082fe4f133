"""Missing labels, in whatever holds them: no label for a tagger, an error with the place else."""

from __future__ import annotations

import datetime
import tracemalloc
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.evaluation import baselines, scores
from elman.targets.checks import listed
from elman.targets.labels import check_labels
from elman.targets.missing import is_missing, plain
from elman.targets.steps import check_tags

SMALL = {"hidden_size": 3, "max_iter": 1, "random_state": 0}
MISSING = {
    "None": None,
    "NaN": float("nan"),
    "NumPy's NaN": np.float32("nan"),
    "NA": pd.NA,
    "NaT": pd.NaT,
    "NumPy's NaT": np.datetime64("NaT"),
    "Decimal's NaN": Decimal("NaN"),
    "pyarrow's null": pa.scalar(None, pa.int64()),
}
VALUES = {"str": ["b", None, "a", "b"], "int": [2, None, 7, 2], "bool": [True, None, False, True]}


def objects(values):
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


def series(dtype):
    return lambda values: pd.Series(values, dtype=dtype, index=range(3, 3 + len(values)))


HOLDERS = {
    "list": (list, "str int bool"),
    "tuple": (tuple, "str int bool"),
    "objects": (objects, "str int bool"),
    "list with NaN": (lambda v: [float("nan") if x is None else x for x in v], "str int bool"),
    "list with NA": (lambda v: [pd.NA if x is None else x for x in v], "str int bool"),
    "pandas, object": (series(object), "str int bool"),
    "pandas, str": (series("str"), "str"),
    "pandas, string": (series("string"), "str"),
    "pandas, category": (series("category"), "str int bool"),
    "pandas, float": (series("float64"), "int"),
    "pandas, Int64": (series("Int64"), "int"),
    "pandas, boolean": (series("boolean"), "bool"),
    "pandas, pyarrow": (lambda v: pd.Series(pd.array(pa.array(v), pd.ArrowDtype(pa.array(v).type)))
                        , "str int bool"),
    "pandas, array": (lambda v: pd.array(v), "str int bool"),
    "polars": (lambda v: pl.Series(v), "str int bool"),
    "polars, Categorical": (lambda v: pl.Series(v, dtype=pl.Categorical), "str"),
    "pyarrow": (lambda v: pa.array(v), "str int bool"),
    "pyarrow, chunks": (lambda v: pa.chunked_array([v[:2], v[2:]]), "str int bool"),
    "pyarrow, dictionary": (lambda v: pa.array(v).dictionary_encode(), "str int"),
    "pyarrow, scalars": (lambda v: list(pa.array(v)), "str int bool"),
}  # fmt: skip
CASES = [(holder, kind) for holder, (_, kinds) in HOLDERS.items() for kind in kinds.split()]


def held(holder, values):
    return HOLDERS[holder][0](values)


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing(name):
    assert is_missing(MISSING[name]) or name == "pyarrow's null"  # which is made a None
    for there in ("a", 3):
        found = plain([there, MISSING[name], there])
        assert found.missing.tolist() == [False, True, False]
        assert found.values[~found.missing].tolist() == [there, there]


@pytest.mark.parametrize("value", ["", "nan", "None", 0, False, -1, np.inf, datetime.date.max, b""])
def test_what_is_not_missing(value):
    assert not is_missing(value)
    assert not plain([value, value]).missing.any()


@pytest.mark.parametrize(("holder", "kind"), CASES)
def test_containers_give_plain_arrays(holder, kind):
    found = plain(held(holder, VALUES[kind]))
    assert found.missing.tolist() == [False, True, False, False]
    there = found.values[~found.missing].tolist()
    assert there == [VALUES[kind][i] for i in (0, 2, 3)]
    wanted = {"str": "O", "int": "i", "bool": "b"}[kind]
    assert found.values.dtype.kind == ("f" if holder == "pandas, float" else wanted)
    full = plain(held(holder, [VALUES[kind][i] for i in (0, 2, 3)]))
    assert not full.missing.any()
    assert full.values.tolist() == there


def test_integers_beside_a_missing_one_keep_all_digits():
    large = 2**53 + 1
    for holder in ("pandas, Int64", "pandas, pyarrow", "polars", "pyarrow, chunks", "list"):
        found = plain(held(holder, [large, None]))
        assert int(found.values[0]) == large, holder


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2, np.int32(3)], np.int64),
        ([2**63, 1], np.uint64),
        ([1.5, 2], np.float64),
        ([np.True_, False], np.bool_),
        ([True, 2], object),
        (["a", 2], object),
        ([2**70, 1], object),
    ],
)
def test_objects_are_what_they_hold(values, dtype):
    found = plain(objects(values))
    assert found.values.dtype == dtype
    assert found.values.tolist() == values
    assert plain(objects([[3, 4], None])).missing.tolist() == [False, True]


# Taggers: a step without a label


@pytest.mark.parametrize(("holder", "kind"), CASES)
@pytest.mark.filterwarnings("error")
def test_a_tagger_learns_nothing_from_a_missing_label(holder, kind, rng):
    X = [rng.normal(size=(n, 2)) for n in (4, 4, 2)]
    blank = VALUES[kind]
    y = [held(holder, blank), held(holder, blank), held(holder, [blank[0], blank[2]])]
    tagger = RNNTagger(**SMALL).fit(X, y, validation_data=(X, y))
    expected = sorted({label for label in blank if label is not None})
    assert tagger.classes_.tolist() == expected
    assert tagger.classes_.dtype.kind == {"str": "U", "int": "i", "bool": "b"}[kind]
    codes = [-1 if label is None else 5 + expected.index(label) for label in blank]
    in_codes = RNNTagger(**SMALL).fit(X, [codes, codes, [codes[0], codes[2]]])
    assert tagger.network_.params.flat.tobytes() == in_codes.network_.params.flat.tobytes()
    assert tagger.score(X, y) == in_codes.score(X, [codes, codes, [codes[0], codes[2]]])
    tagger.partial_fit(X, y)
    RNNTagger(**SMALL).partial_fit(X, y, classes=held(holder, [blank[0], blank[2]]))


def test_missing_labels_may_pad_what_is_2_d(rng):
    X = [rng.normal(size=(n, 2)) for n in (4, 1, 3)]
    rows = [["a", "b", "a", "b"], ["a", None, None, None], ["b", None, "b", None]]
    codes = np.array([[0, 1, 0, 1], [0, -1, -1, -1], [1, -1, 1, -1]])
    frame = pd.DataFrame(rows, dtype="string")
    floats = np.where(codes < 0, np.nan, codes)
    given = (codes, floats, np.array(rows, object), frame)
    fits = [RNNTagger(**SMALL).fit(X, y) for y in given]
    assert [fit.classes_.tolist() for fit in fits] == [[0, 1]] * 2 + [["a", "b"]] * 2
    assert len({fit.network_.params.flat.tobytes() for fit in fits}) == 1


@pytest.mark.parametrize("kind", VALUES)
def test_a_sample_may_have_no_label_at_all(kind, rng):
    X = [rng.normal(size=(4, 2)) for _ in range(3)]
    for nothing in ([None] * 4, np.full(4, np.nan), pd.Series([pd.NA] * 4), [pd.NaT] * 4):
        tagger = RNNTagger(**SMALL).fit(X, [VALUES[kind], nothing, VALUES[kind]])
        assert tagger.classes_.tolist() == sorted({v for v in VALUES[kind] if v is not None})
    table = pd.DataFrame({"t": VALUES[kind]})
    for nothing_at_all in (None, float("nan"), pd.NA):
        tagger = RNNTagger(**SMALL).fit(X, [VALUES[kind], nothing_at_all, table])
        assert tagger.classes_.tolist() == sorted({v for v in VALUES[kind] if v is not None})
    scalars = list(pa.array([VALUES[kind], None, VALUES[kind]]))
    assert RNNTagger(**SMALL).fit(X, scalars).classes_.tolist() == tagger.classes_.tolist()
    with pytest.raises(ValueError, match="labels no time step"):
        RNNTagger(**SMALL).fit(X, [nothing] * 3)


# Classifiers and regressors: an error


NUMBERS = {name for name, (_, kinds) in HOLDERS.items() if "int" in kinds}


def calls(kind, X, y, good):
    """Everything that takes a y, with what the error calls it."""
    estimator = {"values": RNNRegressor}.get(kind, RNNClassifier)(**SMALL)
    fitted = type(estimator)(**SMALL).fit(X, good)
    yield "y", lambda: estimator.fit(X, y)
    yield "y_val", lambda: estimator.fit(X, good, X_val=X, y_val=y)
    yield "y", lambda: fitted.partial_fit(X, y)
    yield "y", lambda: fitted.score(X, y)
    if kind != "values":
        yield "classes", lambda: type(estimator)(**SMALL).partial_fit(X, good, classes=y)


@pytest.mark.parametrize(
    ("holder", "kind"), [*CASES, *((holder, "values") for holder in sorted(NUMBERS))]
)
def test_a_missing_label_of_a_sample_is_an_error_with_the_place(holder, kind, rng):
    X = rng.normal(size=(4, 5, 2))
    values = VALUES["int" if kind == "values" else kind]
    good = [values[0] if value is None else value for value in values]
    for name, call in calls(kind, X, held(holder, values), good):
        with pytest.raises(ValueError, match=rf"{name}\[1\] is missing") as caught:
            call()
        assert "leave that sample out" in str(caught.value) or name == "classes"
        assert not any(advice in str(caught.value) for advice in ("astype", "str(", "string"))


def test_the_first_of_several_is_named_with_their_number(rng):
    X = rng.normal(size=(4, 5, 2))
    with pytest.raises(ValueError, match=r"y\[1\] is missing, the first of 2 that are"):
        RNNClassifier(**SMALL).fit(X, ["a", None, "b", float("nan")])


def test_a_missing_one_of_several_labels_or_targets(rng):
    X = rng.normal(size=(3, 5, 2))
    y = [[1, 0], [0, pd.NA], [1, 1]]
    frame = pd.DataFrame(y, columns=["u", "v"]).astype("Int64")
    table = pa.table({"u": [1, 0, 1], "v": [0, None, 1]})
    for several in (y, np.array(y, object), frame, pl.from_pandas(frame), table):
        for estimator in (RNNClassifier(**SMALL), RNNRegressor(**SMALL)):
            with pytest.raises(ValueError, match=r"y\[1, 1\] is missing"):
                estimator.fit(X, several)


@pytest.mark.parametrize(("holder", "kind"), CASES)
def test_scores_and_baselines_refuse_a_missing_label(holder, kind, rng):
    y = held(holder, VALUES[kind])
    full = [label for label in VALUES[kind] if label is not None]
    X = rng.normal(size=(4, 3, 2))
    clf = RNNClassifier(**SMALL).fit(X, [*full, full[0]])
    for name, call in {
        "y_true": lambda: scores.confusion_counts(y, VALUES[kind]),
        "y_pred": lambda: scores.confusion_counts([*full, full[0]], y),
        "y": lambda: scores.accuracy_by_share(clf, X, y),
        "y_test": lambda: baselines.majority_accuracy(full, y),
    }.items():
        with pytest.raises(ValueError, match=rf"{name}\[1\] is missing"):
            call()


def test_scores_of_values_and_indicators_refuse_missing_ones():
    one, nothing = [1.0, 2.0, None], np.array([[1, 0], [pd.NA, 1]])
    with pytest.raises(ValueError, match=r"y_true\[2\] is missing"):
        scores.value_scores(one, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"y_pred\[1, 0\] is missing"):
        scores.label_scores([[1, 0], [1, 1]], nothing)


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])
def test_a_missing_one_in_a_table_of_one_column(estimator, rng):
    X = rng.normal(size=(4, 5, 2))
    frame = pd.DataFrame({"y": pd.Series([3, 4, None, 3], dtype="Int64")})
    for column in (frame, pl.from_pandas(frame), pa.table({"y": [3, 4, None, 3]})):
        with pytest.raises(ValueError, match=r"y\[2\] is missing"):
            estimator(**SMALL).fit(X, column)


def test_numpys_strings_of_any_length(rng):
    X = rng.normal(size=(3, 4, 2))
    texts = np.dtypes.StringDType(na_object=np.nan)
    full = np.array(["b", "a", "b"], dtype=texts)
    gap = np.array(["b", np.nan, "a", "b"], dtype=texts)
    assert RNNClassifier(**SMALL).fit(X, full).classes_.tolist() == ["a", "b"]
    assert RNNTagger(**SMALL).fit(X, [gap] * 3).classes_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match=r"y\[1\] is missing"):
        RNNClassifier(**SMALL).fit(X, gap[:3])


# Kinds of labels


@pytest.mark.parametrize(
    "dates",
    [
        np.array(["2020-01-01", "2020-01-02"] * 2, dtype="M8[D]"),
        np.array([1, 2] * 2, dtype="m8[s]"),
        [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)] * 2,
        pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"] * 2)),
        pd.Series(pd.to_datetime(["2020-01-01", "2020-01-02"] * 2)).dt.tz_localize("UTC"),
        pl.Series([datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 2)] * 2),
        pd.Series(pd.period_range("2020-01", periods=4, freq="M")),
        pd.cut(pd.Series([1.0, 2.0, 3.0, 4.0]), 2),
        [Decimal("1"), Decimal("2")] * 2,
        [1 + 2j, 2 + 1j] * 2,
        [b"a", b"b"] * 2,
    ],
)
def test_labels_that_no_file_can_hold_are_refused_with_the_fix(dates, rng):
    X = rng.normal(size=(4, 4, 2))
    for estimator, y in ((RNNClassifier, dates), (RNNTagger, [dates] * 4)):
        with pytest.raises((TypeError, ValueError), match=r"astype\(str\)|Complex|decode"):
            estimator(**SMALL).fit(X, y)
        with pytest.raises((TypeError, ValueError), match=r"astype\(str\)|Complex|decode"):
            estimator(**SMALL).partial_fit(X, [0, 1, 0, 1], classes=dates)


@pytest.mark.parametrize(
    "labels", [[3, 5, 3, 5], [True, False, False, True], [2.0, 4.0, 2.0, 4.0]], ids=repr
)
def test_arrays_of_objects_learn_what_plain_arrays_do(labels, tmp_path, rng):
    X = rng.normal(size=(4, 5, 2))
    table = pd.DataFrame({"who": list("abcd"), "y": labels})
    expected = RNNClassifier(**SMALL).fit(X, np.array(labels))
    for y in (objects(labels), table.values[:, 1], table["y"].astype(object)):
        fit = RNNClassifier(**SMALL).fit(X, y)
        assert fit.classes_.dtype == expected.classes_.dtype == np.array(labels).dtype
        assert fit.network_.params.flat.tobytes() == expected.network_.params.flat.tobytes()
        assert fit.score(X, y) == expected.score(X, labels)
    fit.save(tmp_path / "model")
    assert RNNClassifier.load(tmp_path / "model").classes_.tolist() == sorted(set(labels))


def test_whole_floats_are_integers_to_a_tagger_and_others_are_not_labels(rng):
    X = rng.normal(size=(3, 4, 2))
    tagger = RNNTagger(**SMALL).fit(X, [[1.0, 2, -1, 1], pd.Series([1, None, 2, 2]), [1, 2, 2, 2]])
    assert tagger.classes_.tolist() == [1, 2]
    assert tagger.classes_.dtype == np.int64
    for wrong in (1.5, np.inf, 2.0**60):
        with pytest.raises(TypeError, match=r"y\[1\]\[2\] is .*RNNRegressor") as caught:
            tagger.fit(X, [[1.0] * 4, [1.0, 2.0, wrong, np.nan], [1.0] * 4])
        assert "astype" not in str(caught.value)


def test_text_that_was_a_missing_value_is_warned_of(rng):
    X = rng.normal(size=(3, 4, 2))
    y = np.array(["a", float("nan"), "b"])  # NumPy has made a text of it
    with pytest.warns(UserWarning, match="class 'nan', which is what a missing value becomes"):
        RNNClassifier(**SMALL).fit(X, y)
    with pytest.warns(UserWarning, match="class '<NA>'"):
        RNNTagger(**SMALL).fit(X, [["a", "<NA>", "b", "b"]] * 3)


def test_errors_list_few_labels_and_cut_them(rng):
    X = rng.normal(size=(120, 3, 2))
    y = [f"{i:03}" + "x" * 500 for i in range(60)] * 2
    clf = RNNClassifier(**SMALL).fit(X, y)
    tagger = RNNTagger(**SMALL).fit(X, [[label] * 3 for label in y])
    for call in (
        lambda: clf.fit(X, y, X_val=X[:2], y_val=["z" * 10**5, y[0]]),
        lambda: clf.partial_fit(X[:1], y[:1], classes=y[:40]),
        lambda: tagger.partial_fit(X[:1], [["z" * 10**5] * 3]),
        lambda: RNNClassifier(class_weight={"a": 1, y[0]: 1}).fit(X, y),
        lambda: RNNClassifier(class_weight=dict.fromkeys(y, -1.0)).fit(X, y),
    ):
        with pytest.raises(ValueError, match=r"'000xxx.*in all") as caught:
            call()
        assert len(str(caught.value)) < 2000
    assert listed(range(20)) == str([*range(20)])
    assert listed(np.arange(21)).endswith(" 19, ... (21 in all)]")
    assert listed(["a" * 10**6, 2.5]) == f"['{'a' * 56}..., 2.5]"


@pytest.mark.parametrize("estimator", [RNNClassifier, RNNTagger])
def test_one_long_label_does_not_make_all_of_them_wide(estimator, rng):
    """An array of texts has the width of the longest for each: 400 MB here."""
    X = rng.normal(size=(1001, 3, 1))
    labels = ["a", "b"] * 500 + ["x" * 100_000]
    y = labels if estimator is RNNClassifier else [["a", "b", label] for label in labels]
    model = estimator(2, max_iter=1, random_state=0)
    tracemalloc.start()
    model.fit(X, y)
    answers = model.predict(X[:5])
    model.score(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6
    assert set(np.ravel(list(answers)).tolist()) <= {"a", "b", labels[-1]}
    assert model.classes_.tolist() == ["a", "b", labels[-1]]


@pytest.mark.parametrize("wrap", [list, lambda v: np.fromiter(v, object, len(v))])
@pytest.mark.parametrize("per_step", [False, True])
def test_labels_are_told_apart_in_a_list_as_in_an_array_of_objects(wrap, per_step):
    def classes(labels):
        if per_step:
            return check_tags([wrap(labels)], np.array([len(labels)]))[0]
        return check_labels(wrap(labels), len(labels))[0]

    assert classes(["a", "a\0", "a"]).tolist() == ["a", "a\0"]
    with pytest.raises(TypeError, match=r"is True \(bool\), .* is 1 \(int\)"):
        classes([True, 1, False])


@pytest.mark.parametrize("holder", [list, tuple, objects, series(object)])
@pytest.mark.parametrize("beside", [1.0, np.float32(2), None])
def test_labels_that_floats_cannot_tell_apart_stay_apart(holder, beside, rng):
    large = [2**53, 2**53 + 1, 2**53 + 2, -(2**60) - 1, -(2**60)]
    values = [*large, 3.0, beside]
    found = plain(holder(values))
    assert found.values.dtype == np.int64
    assert found.values[~found.missing].tolist() == [v for v in values if v is not None]
    tags = [holder(values), holder([2**53 + 1, 3.0])]
    X = [rng.normal(size=(n, 1)) for n in (7, 2)]
    tagger = RNNTagger(**SMALL).fit(X, tags)
    expected = {*large, 3} | ({int(beside)} if beside is not None else set())
    assert set(tagger.classes_.tolist()) == expected
    if beside is not None:
        classifier = RNNClassifier(**SMALL).fit(rng.normal(size=(7, 3, 1)), holder(values))
        assert set(classifier.classes_.tolist()) == expected
    with pytest.raises(TypeError, match=r"y\[0\] is 11805916207"):
        RNNClassifier(**SMALL).fit(rng.normal(size=(3, 3, 1)), holder([2**70, 2**70 + 1, 1.0]))
    y = holder([2**70, 1.0, 2**53 + 1, 1e300])
    X = rng.normal(size=(4, 3, 1))
    targets = np.array([float(v) for v in y])
    assert RNNRegressor(**SMALL).fit(X, y).y_mean_ == RNNRegressor(**SMALL).fit(X, targets).y_mean_
