"""Columns of a table to sequences: the order of ids and steps, labels, weights, and each error."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import elman
from elman.data.columns import Columns
from elman.data.dataset import ReaderError
from elman.data.tables import dataset_of
from elman.data.tables.plain import plain_column


def table(source="the table", categorical=(), **columns):
    columns = {name: plain_column(values) for name, values in columns.items()}
    n_rows = len(next(iter(columns.values())))
    return Columns(columns, n_rows, source=source, categorical=frozenset(categorical))


RUNS = {"run": ["b", "a", "b", "a", "b"], "t": [12, 1, 3, 5, 7], "x": [1.0, 2.0, 3.0, 4.0, 5.0]}


def of_runs(**more):
    """A table of sequences b (rows 2, 4, 0 by time) and a (rows 1, 3)."""
    return table(**RUNS, **more)


# The order of sequences and of steps


def test_interleaved_rows_are_sorted_by_time_and_ids_keep_their_first_appearance():
    data = dataset_of(of_runs(), id="run", time="t")
    assert data.ids.tolist() == ["b", "a"]
    assert [x.tolist() for x in data.X] == [[[3], [5], [1]], [[2], [4]]]
    assert data.feature_names == data.X.feature_names == ("x",)
    assert data.y is data.sample_weight is None
    assert [times.tolist() for times in data.metadata["times"]] == [[3, 7, 12], [1, 5]]
    assert repr(data) == "Dataset(2 sequences, 1 feature x, 2-3 steps)"


def test_without_time_the_rows_keep_their_order():
    data = dataset_of(table(run=[7, 3, 7, 3, 7], x=[9.0, 2.0, 1.0, 8.0, 5.0]), id="run")
    assert data.ids.tolist() == [7, 3]
    assert [x.ravel().tolist() for x in data.X] == [[9, 1, 5], [2, 8]]


def test_numbers_held_as_text_are_ids_in_the_order_they_appear():
    rows = table(run=["10", "9", "10", "2"], x=[1.0, 2.0, 3.0, 4.0])
    assert dataset_of(rows, id="run").ids.tolist() == ["10", "9", "2"]


@pytest.mark.parametrize(
    "ids",
    [
        [2**60 + 1, 2**60, 2**60 + 1],
        [True, False, True],
        [0.5, -0.5, 0.5],
        np.array(["2024-03-02", "2024-03-01", "2024-03-02"], "datetime64[D]"),
        [b"b", b"a", b"b"],
    ],
)
def test_ids_of_any_type_keep_it(ids):
    data = dataset_of(table(run=ids, x=[1.0, 2.0, 3.0]), id="run")
    assert data.ids.tolist() == plain_column(ids)[:2].tolist()
    assert [x.ravel().tolist() for x in data.X] == [[1, 3], [2]]


def test_several_columns_make_an_id():
    rows = table(who=[1, 1, 2, 1], day=np.array([3, 4, 3, 3], "M8[D]"), x=[1.0, 2.0, 3.0, 4.0])
    data = dataset_of(rows, id=["who", "day"])
    assert [(who, str(day)[:10]) for who, day in data.ids] == [
        (1, "1970-01-04"),
        (1, "1970-01-05"),
        (2, "1970-01-04"),
    ]
    assert [x.ravel().tolist() for x in data.X] == [[1, 4], [2], [3]]


@pytest.mark.parametrize(
    "times",
    [
        [12.5, 1.0, -3.0, 5.0, 7.0],
        np.array(RUNS["t"], np.uint8),
        np.array(RUNS["t"], "M8[D]"),
        ["2024-03-12", "2024-03-01", "2024-03-03", "2024-03-05", "2024-03-07T01:00"],
    ],
)
def test_time_may_be_numbers_dates_or_text_of_iso_8601(times):
    data = dataset_of(table(**{**RUNS, "t": times}), id="run", time="t")
    assert [x.ravel().tolist() for x in data.X] == [[3, 5, 1], [2, 4]]


def test_time_differences_become_a_feature():
    data = dataset_of(of_runs(), id="run", time="t", time_delta=True)
    assert data.feature_names == ("x", "t_delta")
    assert [x[:, 1].tolist() for x in data.X] == [[0, 4, 5], [0, 4]]
    dates = table(**{**RUNS, "t": np.array(RUNS["t"], "M8[h]")})
    data = dataset_of(dates, id="run", time="t", time_delta=True, features=["t_delta", "x"])
    assert data.feature_names == ("t_delta", "x")
    assert data.X[0].tolist() == [[0, 3], [4 * 3600, 5], [5 * 3600, 1]]


# Features


def test_booleans_and_missing_values_are_numbers():
    rows = table(run=[1, 1, 1], a=[True, None, False], b=[None, 3, 4], c=[None] * 3, d=[True] * 3)
    data = dataset_of(rows, id="run")
    nan = np.nan
    expected = [[1, nan, nan, 1], [nan, 3, nan, 1], [0, 4, nan, 1]]
    assert np.array_equal(data.X[0], expected, equal_nan=True)
    assert data.X[0].dtype == np.float64


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        ((np.float32, np.int16, bool), np.float32),
        ((np.float32, np.int32), np.float64),
        ((np.uint16, np.float64), np.float64),
    ],
)
def test_float32_where_it_holds_every_value(dtypes, expected):
    columns = {f"f{k}": np.array([1, 0, 1], dtype) for k, dtype in enumerate(dtypes)}
    data = dataset_of(table(run=[1, 2, 1], **columns), id="run")
    assert {x.dtype for x in data.X} == {np.dtype(expected)}


def test_features_are_taken_in_the_order_of_a_fitted_model():
    rows = table(extra=["?", "?"], b=[1.0, 2.0], run=["u", "u"], a=[3.0, 4.0])
    names = np.array(["a", "b"], object)
    estimator = SimpleNamespace(fit=None, feature_names_in_=names)
    model = SimpleNamespace(predict=None, feature_names=("a", "b"))
    for features in (estimator, model, names, ["a", "b"]):
        data = dataset_of(rows, id="run", features=features)
        assert data.feature_names == ("a", "b")
        assert data.X[0].tolist() == [[3, 1], [4, 2]]


# Labels, targets and weights of sequences


@pytest.mark.parametrize("labels", [["p", "q"], [3, -1], [True, False], [2**60 + 1, 5]])
@pytest.mark.parametrize("present", [[1, 1, 1, 1, 1], [0, 1, 1, 0, 0], [0, 0, 1, 1, 1]])
def test_a_label_is_in_every_row_or_once(labels, present):
    column = [
        labels[k] if there else None for k, there in zip([0, 1, 0, 1, 0], present, strict=True)
    ]
    data = dataset_of(of_runs(y=column), id="run", time="t", label="y")
    assert data.y.tolist() == labels
    assert {type(label) for label in data.y.tolist()} == {type(labels[0])}
    assert data.feature_names == ("x",)


def test_whole_floats_are_integers_as_labels_and_floats_as_targets():
    rows = of_runs(y=[2.0, np.nan, np.nan, -1.0, 2.0])
    assert dataset_of(rows, id="run", label="y", features=["x"]).y.dtype == np.int64
    data = dataset_of(rows, id="run", target="y")
    assert data.y.dtype == np.float64
    assert data.y.tolist() == [2, -1]
    assert dataset_of(rows, id="run", target=["y"], features=["x"]).y.tolist() == [[2], [-1]]


@pytest.mark.parametrize("weights", [[2.0, 0.5, 2.0, 0.5, 2.0], [2, None, None, 0.5, 2]])
def test_a_weight_of_each_sequence(weights):
    data = dataset_of(of_runs(w=weights), id="run", weight="w")
    assert data.sample_weight.tolist() == [2, 0.5]


# Labels, targets and weights of steps


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["p", None, "q", "p", "q"], [["q", "q", "p"], [None, "p"]]),
        ([4, 0, -1, 2, 4], [[-1, 4, 4], [0, 2]]),
        ([4, None, 3, 2, 4], [[3, 4, 4], [None, 2]]),
        ([True, None, False, True, True], [[False, True, True], [None, True]]),
        ([True, False, False, True, True], [[False, True, True], [False, True]]),
        ([2**60 + 1, None, 3, 2, 4], [[3, 4, 2**60 + 1], [None, 2]]),
    ],
)
def test_labels_of_steps_follow_their_steps(labels, expected):
    data = dataset_of(of_runs(tag=labels), id="run", time="t", step_label="tag")
    assert repr([part.tolist() for part in data.y]) == repr(expected)  # True is not 1


@pytest.mark.parametrize("labels", [[True, None, False, True, True], ["p", "q", None, "p", "p"]])
def test_a_tagger_learns_the_labels_that_a_table_has(labels, tmp_path):
    data = dataset_of(of_runs(tag=labels), id="run", time="t", step_label="tag", features=["x"])
    elman.data.write_npz(tmp_path / "runs.npz", data)
    for X, y, _ in (data, elman.data.read(tmp_path / "runs.npz")):
        tagger = elman.RNNTagger(hidden_size=3, max_iter=1).fit(X, y)
        assert tagger.classes_.tolist() == sorted({*labels} - {None})
        assert tagger.classes_.dtype.kind == np.array(labels[0]).dtype.kind
        assert {type(tag) for tags in tagger.predict(X) for tag in tags.tolist()} <= {
            type(labels[0])
        }
        assert round(tagger.score(X, y) * 4, 9) in range(5)


def test_targets_of_steps_may_be_unknown():
    rows = of_runs(u=[1, None, 3, 4, 5], v=[True, False, True, True, False])
    data = dataset_of(rows, id="run", time="t", step_target="u", features=["x"])
    assert np.array_equal(data.y[0], [3, 5, 1])
    assert np.array_equal(data.y[1], [np.nan, 4], equal_nan=True)
    data = dataset_of(rows, id="run", time="t", step_target=["v", "u"], features=["x"])
    assert data.y[0].tolist() == [[1, 3], [0, 5], [1, 1]]


def test_weights_of_steps():
    rows = of_runs(tag=list("pqpqp"), w=[1, 0, 2, 3, 4], w2=[5, 1, 5, 1, 5])
    data = dataset_of(rows, id="run", time="t", step_label="tag", weight="w", features=["x"])
    assert [part.tolist() for part in data.sample_weight] == [[2, 4, 1], [0, 3]]
    data = dataset_of(rows, id="run", time="t", step_label="tag", weight="w2", features=["x"])
    assert data.sample_weight.tolist() == [5, 1]


def test_every_estimator_takes_what_is_read(rng):
    rows = table(
        run=["b", "a"] * 7,
        x=rng.normal(size=14),
        z=rng.normal(size=14),
        y=["q", "p"] * 7,
        w=[1.0, 3.0] * 7,
        tag=[None, *rng.choice(["u", "v"], 13)],
        size=[2.5, 1.0] * 7,
    )
    options = {"hidden_size": 3, "max_iter": 1, "random_state": 0}
    for estimator, y in [
        (elman.RNNClassifier(**options), {"label": "y"}),
        (elman.RNNTagger(**options), {"step_label": "tag"}),
        (elman.RNNRegressor(**options), {"target": "size"}),
    ]:
        data = dataset_of(rows, id="run", features=["z", "x"], weight="w", **y)
        estimator.fit(data.X, data.y, sample_weight=data.sample_weight)
        plain = type(estimator)(**options).fit(list(data.X), data.y, data.sample_weight)
        for ours, theirs in zip(
            estimator.predict(data.X), plain.predict(list(data.X)), strict=True
        ):
            assert np.array_equal(ours, theirs)
    scaled = elman.SequenceScaler().fit_transform(data.X)
    assert [x.shape for x in scaled] == [(7, 2), (7, 2)]


# A second table of labels


@pytest.mark.parametrize(
    "labels",
    [
        {"a": 1, "b": 2},
        table(run=["a", "b"], y=[1, 2]),
        table(y=[1.0, 2.0], run=["a", "b"]),
    ],
)
def test_labels_of_a_second_table_follow_the_ids(labels):
    data = dataset_of(of_runs(), id="run", time="t", labels=labels)
    assert data.y.tolist() == [2, 1]
    assert data.y.dtype == np.int64


def test_targets_and_weights_of_a_second_table():
    labels = table(run=["a", "b"], size=[0.5, 2.5], other=["n", "m"], w=[3, 4])
    data = dataset_of(of_runs(), id="run", target="size", weight="w", features=["x"], labels=labels)
    assert data.y.tolist() == [2.5, 0.5]
    assert data.sample_weight.tolist() == [4, 3]
    assert dataset_of(of_runs(), id="run", target="s", labels={"a": 1, "b": 2}).y.tolist() == [2, 1]


def test_labels_by_several_ids():
    rows = table(who=[1, 1, 2], day=["m", "t", "m"], x=[1.0, 2.0, 3.0])
    labels = {(2, "m"): "p", (1, "t"): "q", (1, "m"): "r"}
    assert dataset_of(rows, id=["who", "day"], labels=labels).y.tolist() == ["r", "q", "p"]


# A row for each sequence


def test_a_row_for_each_sequence_with_lists():
    rows = table(
        name=["v", "u", "w"],
        a=[[1, 2, 3], [4], []],
        b=[np.array([5.0, 6.0, None]), [True], []],
        y=["p", "q", "p"],
    )
    data = dataset_of(rows, id="name", label="y")
    nan = np.nan
    assert np.array_equal(data.X[0], [[1, 5], [2, 6], [3, nan]], equal_nan=True)
    assert data.X[1].tolist() == [[4, 1]]
    assert data.X[2].shape == (0, 2)
    assert data.ids.tolist() == ["v", "u", "w"]
    assert data.y.tolist() == ["p", "q", "p"]
    assert dataset_of(rows, features=["b"]).ids is None


def test_lists_are_sorted_by_their_times_with_their_labels_and_weights():
    rows = table(
        a=[[1, 2, 3], [], [4, 5]],
        t=[[3.0, 1.0, 2.0], [], [8.0, 7.0]],
        tag=[["p", None, "q"], [], ["q", "p"]],
        w=[[1, 2, 3], [], [4, 5]],
        v=[2, 3, 4],
    )
    roles = {"time": "t", "features": ["a"], "step_label": "tag", "time_delta": True}
    data = dataset_of(rows, weight="w", **roles)
    assert [x.tolist() for x in data.X] == [[[2, 0], [3, 1], [1, 1]], [], [[5, 0], [4, 1]]]
    assert [y.tolist() for y in data.y] == [[None, "q", "p"], [], ["p", "q"]]
    assert [w.tolist() for w in data.sample_weight] == [[2, 3, 1], [], [5, 4]]
    assert dataset_of(rows, weight="v", **roles).sample_weight.tolist() == [2, 3, 4]


# Errors, each with its place and what to do


@pytest.mark.parametrize(
    ("more", "arguments", "message"),
    [
        ({}, {}, "has a row for each time step, so that id= has to name"),
        (
            {},
            {"id": "runs"},
            "no column 'runs', which id= names; did you mean 'run'[?] Its columns",
        ),
        ({}, {"id": "run", "features": ["x", "q"]}, "no column 'q', which features= names"),
        ({}, {"id": "run", "features": []}, "features= is an empty list"),
        ({}, {"id": "run", "features": ["x", "x"]}, "features= names column 'x' twice"),
        ({}, {"id": "run", "time": "run"}, "'run' is given twice, as id= and as time="),
        ({}, {"id": "run", "features": ["x", "t_delta"], "time": "t"}, "pass time_delta=True"),
        ({}, {"id": "run", "time_delta": True}, "time_delta=True needs time="),
        ({}, {"id": "run", "label": "x", "target": "t"}, "label= and target= are both given"),
        ({}, {"id": "run", "label": "x", "features": ["x"]}, "'x' is in features= and is label="),
        (
            {},
            {"id": "run", "features": SimpleNamespace(fit=0)},
            "Namespace without names of features",
        ),
        ({}, {"id": "x", "time": "t", "label": "run", "features": ["x"]}, "is id= as well"),
        ({"t_delta": [1] * 5}, {"id": "run", "time": "t", "time_delta": True}, "already"),
        (
            {"n": [1, None, 3, 4, 5]},
            {"id": "n"},
            "the id, column 'n', is missing in row 1: fill",
        ),
        (
            {"n": [3, 1, None, 4, 5]},
            {"id": "run", "time": "n"},
            "time, column 'n', is missing in row 2",
        ),
        (
            {"n": [3, 1, np.inf, 4, 5]},
            {"id": "run", "time": "n"},
            "is inf in row 2: times are finite",
        ),
        (
            {"n": [1, 1, 1, 2, 1]},
            {"id": "run", "time": "n"},
            r"b' has the time 1 .*row 0 and in row 2",
        ),
        (
            {"n": list("97531")},
            {"id": "run", "time": "n"},
            "holds numbers as text .it is '9' in row 0",
        ),
        (
            {"n": ["2024-01-01"] * 4 + ["x"]},
            {"id": "run", "time": "n"},
            "is 'x' in row 4, which is not",
        ),
        ({"n": [True] * 5}, {"id": "run", "time": "n"}, "is of type bool"),
        (
            {"n": ["p", "2", "3,5", None, "q"]},
            {"id": "run"},
            r"'n' holds text \('p' in row 0\), and half of its values.*features=\['t', 'x'\]",
        ),
        ({"n": ["1", None, "2.5", "1", "1"]}, {"id": "run"}, "in row 0, numbers as text: convert"),
        ({"n": np.zeros(5, "M8[s]")}, {"id": "run"}, "'n' holds dates, which are no features"),
        ({"n": np.zeros(5, "M8[s]")}, {"id": "run", "features": ["n"]}, "feature 'n' holds dates"),
        ({"n": [1, "a", 2, 3, 4]}, {"id": "run"}, "of type int, str: convert every value"),
        ({"n": [1j] * 5}, {"id": "run"}, "complex: convert every value"),
        ({"n": [{}] * 5}, {"id": "run"}, "of type dict"),
        ({"n": list("pqpqq")}, {"id": "run", "label": "n"}, "'p' in row 0 and 'q' in row 4"),
        (
            {"n": ["p", None] * 2 + ["p"]},
            {"id": "run", "label": "n"},
            r"missing for run 'a' \(row 1\)",
        ),
        ({"n": [0.5, 1] * 2 + [0.5]}, {"id": "run", "label": "n"}, "is 0.5 for run 'b'.*target="),
        (
            {"n": np.zeros(5, "M8[s]")},
            {"id": "run", "label": "n"},
            "holds dates, and label= takes text",
        ),
        (
            {"n": [0.5, 1] * 2 + [2]},
            {"id": "run", "step_label": "n"},
            "is 0.5 in row 0.*step_target=",
        ),
        ({"n": [None] * 5}, {"id": "run", "step_label": "n"}, "missing for every step"),
        ({"n": list("pqpqp")}, {"id": "run", "target": "n"}, "'n' holds no numbers .*label="),
        ({"n": list("pqpqp")}, {"id": "run", "step_target": "n"}, "holds no numbers .*step_label="),
        ({"n": [1, 2, np.inf, 2, 1]}, {"id": "run", "target": "n"}, "changes within run 'b'"),
        ({"n": [np.inf, 2] * 2 + [np.inf]}, {"id": "run", "target": "n"}, "is inf for run 'b'"),
        ({"n": [1, -2] * 2 + [1]}, {"id": "run", "weight": "n"}, "is -2.0 for run 'a'"),
        (
            {"n": [1, 2, 3, 2, 1]},
            {"id": "run", "weight": "n"},
            "changes within run 'b'.*step_label=",
        ),
        (
            {"n": [1, 2, -3, 2, 1]},
            {"id": "run", "weight": "n", "step_label": "t"},
            "is -3.0 in row 2",
        ),
        (
            {"n": [1, 2, None, 2, 1]},
            {"id": "run", "weight": "n", "step_label": "t"},
            "missing in row 2",
        ),
    ],
)
def test_what_is_refused_in_a_long_table(more, arguments, message):
    with pytest.raises(ReaderError, match=message):
        dataset_of(of_runs(**more), **arguments)


def test_weights_of_steps_name_the_row_and_not_the_step():
    rows = of_runs(n=[-1, 2, 3, 2, 1], tag=list("pqpqp"))
    with pytest.raises(ReaderError, match=r"is -1\.0 in row 0"):
        dataset_of(rows, id="run", time="t", weight="n", step_label="tag", features=["x"])


@pytest.mark.parametrize(
    "arguments", [{"id": 3.5}, {"id": "run", "time": ["t"]}, {"features": 7.5}]
)
def test_what_is_no_name_is_refused(arguments):
    with pytest.raises(TypeError, match="expected the name of a column"):
        dataset_of(of_runs(), **arguments)


def test_categories_are_refused_where_only_numbers_are_kept():
    rows = table(
        categorical=["kind", "level"], run=[1, 2], kind=["p", "q"], level=[3, 4], x=[1.0, 2.0]
    )
    match = r"'kind' is a category \('p' in row 0\), and a store .*; nor can 'level' be features"
    with pytest.raises(ReaderError, match=match):
        dataset_of(rows, id="run", numbers_only=True)
    assert dataset_of(rows, id="run", label="kind", features=["x"]).y.tolist() == ["p", "q"]


@pytest.mark.parametrize(
    ("columns", "arguments", "message"),
    [
        (
            {"a": [[1], [2, 3]], "b": [[1], [2]]},
            {},
            "in row 1 column 'a' has 2 .* column 'b' has 1",
        ),
        ({"a": [[1], None]}, {}, "'a' has no list in row 1"),
        ({"a": [[1], [2]], "b": [5, 6]}, {}, r"'b' has one value in each row.*features=\['a'\]"),
        ({"a": [[1], [2]], "t": [5, 6]}, {"time": "t", "features": ["a"]}, "'t' has one value"),
        ({"a": [[1], ["x"]]}, {}, "in row 0, step 0 and is of type int, str"),
        ({"a": [["7"], ["9"]]}, {}, "holds '7' in row 0, step 0, numbers as text"),
        ({"a": [[[1, 2]], [[3, 4], [5, 6]]]}, {}, "'a' holds lists, where a number is expected"),
        ({"a": [np.zeros((2, 3)), np.zeros((1, 3))]}, {}, r"array of shape \(2, 3\) in row 0"),
        ({"a": [[1], [2]], "n": ["u", "u"]}, {"id": "n"}, "n 'u' is in row 0 and in row 1"),
        ({"a": [[1], [2]], "n": [[1], [2]]}, {"id": "n"}, "'n' holds lists, which are no ids"),
        ({"a": [[1], [2]], "y": [[1], [2]]}, {"label": "y"}, "holds lists.*step_label="),
        ({"a": [[1], [2]], "y": ["p", None]}, {"label": "y"}, "missing for the sequence of row 1"),
        (
            {"a": [[1], [2, 3]], "t": [[1], [4, 4]]},
            {"time": "t"},
            "row 1, step 0 and in row 1, step 1",
        ),
        ({"a": [[1], [2, 3]], "t": [[1], [4, None]]}, {"time": "t"}, "is missing in row 1, step 1"),
    ],
)
def test_what_is_refused_in_a_table_with_lists(columns, arguments, message):
    with pytest.raises(ReaderError, match=message):
        dataset_of(table(**columns), **arguments)


@pytest.mark.parametrize(
    ("labels", "arguments", "message"),
    [
        ({"a": 1}, {}, "1 of the 2 sequences have no row in it: run 'b'. Add"),
        (
            {"runs/a.csv": 1, "runs/b.csv": 2},
            {},
            "2 of the 2 sequences have no row in it: run 'b', run 'a'. Its rows are of "
            "'runs/a.csv', 'runs/b.csv'. Add",
        ),
        (
            {"a": 1, "b": 2, "c": 3, 7: 4},
            {},
            "2 of its 4 rows belong to no sequence.*run 'c', run 7",
        ),
        ({}, {}, "2 of the 2 sequences have no row"),
        (
            {"a": "p", "b": None},
            {},
            r"label, column 'label', is missing for run 'b' \(labels\['b'\]\)",
        ),
        ({1: "p"}, {}, "text in the table and not text in the mapping"),
        (table(run=["a", "b", "a"], y=[1, 2, 1]), {}, "run 'a' is in row 0 and in row 2"),
        (table(run=["a", "b"], y=[1, 2], z=[1, 2]), {}, "2 columns beside the id, 'y', 'z': name"),
        (table(runs=["a", "b"], y=[1, 2]), {"label": "y"}, "no column 'run'"),
        (table(run=["a", "b"], y=[1, 2]), {"label": "x"}, "no column 'x', which label= names"),
        (table(run=["a", "b"], x=[1, 2]), {}, "column 'x' is in the table and in second.csv"),
        ({"a": 1, "b": 2}, {"target": ["u", "v"]}, "labels= is a mapping"),
        ({"a": 1, "b": 2}, {"id": None}, "so that id= has to name"),
    ],
)
def test_what_is_refused_in_a_second_table(labels, arguments, message):
    if isinstance(labels, Columns):
        labels = Columns(labels.columns, labels.n_rows, source="second.csv")
    with pytest.raises(ReaderError, match=message):
        dataset_of(of_runs(), **{"id": "run", "labels": labels, **arguments})


def test_an_empty_table_is_refused():
    with pytest.raises(ReaderError, match="has no rows"):
        dataset_of(table(run=[], x=[]), id="run")


def test_a_table_of_ids_alone_is_refused():
    with pytest.raises(ReaderError, match="no columns left that could be features"):
        dataset_of(table(run=["a", "b"]), id="run")


def test_errors_use_the_places_and_the_name_of_the_source():
    rows = of_runs(y=["p", "q", "p", "q", "r"])
    lines = Columns(rows.columns, 5, lambda row: f"runs.csv, line {row + 2}", "runs.csv")
    with pytest.raises(ReaderError, match=r"^runs.csv: .* in runs.csv, line 2 and .* line 6"):
        dataset_of(lines, id="run", label="y")


def test_no_message_lists_a_hundred_names():
    many = {f"column number {k} with a name that is rather long": [1.0, 2.0] for k in range(200)}
    ids = [f"sequence {k} with an id that goes on and on and on and on" for k in range(200)]
    for rows, arguments in [
        (table(**many), {"id": "run"}),
        (table(run=ids, x=[1.0] * 200), {"id": "run", "labels": {}}),
        (table(run=[1, 2], **{name: ["1", "q"] for name in many}), {"id": "run"}),
    ]:
        with pytest.raises(ReaderError, match=r"and 1[78]\d more") as caught:
            dataset_of(rows, **arguments)
        assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("labels", [[-1.0, np.nan, 1.0], [-1, None, 2**60 + 1]])
def test_minus_one_beside_a_missing_label_of_a_step_is_refused(labels):
    rows = table(run=["a", "a", "b"], x=[1.0, 2.0, 3.0], state=labels)
    with pytest.raises(ReaderError, match="'state', is -1 in row 0 and missing in row 1"):
        dataset_of(rows, id="run", step_label="state")
