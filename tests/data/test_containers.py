"""Every container in which people keep sequences: taken as it is meant, or told the one call."""

from __future__ import annotations

import array
import collections

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xarray as xr

from elman.data import check_sequences
from elman.data.containers import ids_of, is_one_array, unpacked
from elman.data.dataset import Dataset

LENGTHS = (4, 1, 6)
NAMES = ["ax", "ay"]


@pytest.fixture
def samples(rng):
    return [rng.standard_normal((n, 2)) for n in LENGTHS]


@pytest.fixture
def table(samples):
    """A row for each time step; the ids are in an order of their own."""
    ids = np.repeat([7, 2, 11], LENGTHS)
    steps = np.concatenate([np.arange(n) for n in LENGTHS])
    return pd.DataFrame(np.concatenate(samples), columns=NAMES).assign(run=ids, t=steps)


def assert_same(X, expected, **options):
    found = check_sequences(X, dtype=np.float64, **options)
    assert not found.two_d
    assert found.lengths.tolist() == [len(x) for x in expected]
    for x, e in zip(found, expected, strict=True):
        np.testing.assert_array_equal(x, e)


def told(X, error=TypeError, **options):
    """What is said of an X that needs a call."""
    with pytest.raises(error) as caught:
        check_sequences(X, **options)
    return str(caught.value)


# What is left alone


def test_arrays_and_lists_of_them_are_given_back(samples, rng):
    for X in (rng.normal(size=(3, 5, 2)), samples, tuple(samples), [x.tolist() for x in samples]):
        assert unpacked(X, "X") is X
    objects = np.empty(3, object)
    objects[:] = samples
    assert unpacked(objects, "X") is objects
    frames = [pd.DataFrame(samples[0]), pl.DataFrame(samples[1]), pa.table({"a": [1.0]})]
    assert unpacked(frames, "X") is frames
    masked = np.ma.masked_array(samples[0])
    assert unpacked(masked, "X") is masked
    frame = pd.DataFrame(samples[0])
    assert unpacked(frame, "X") is frame


# Groups


def test_groups_of_pandas(table, samples):
    sorted_ids = [samples[1], samples[0], samples[2]]
    columns = table[["run", *NAMES]]
    assert_same(columns.groupby("run"), sorted_ids)
    assert_same(columns.groupby("run", sort=False), samples)
    assert_same(columns.groupby(["run"], as_index=False), sorted_ids)
    assert_same(columns.groupby(columns["run"]), sorted_ids)
    assert_same(table.groupby("run")[NAMES], sorted_ids)
    assert_same(table.groupby("run")[["run", *NAMES]], sorted_ids)
    assert_same(table.set_index("run")[NAMES].groupby(level=0, sort=False), samples)
    assert_same(table.groupby("run", sort=False)["ay"], [x[:, 1:] for x in samples])
    assert [f.columns.tolist() for f in unpacked(columns.groupby("run"), "X")] == [NAMES] * 3


def test_groups_of_one_length_stay_sequences(rng):
    X = rng.normal(size=(3, 5, 1))
    table = pd.DataFrame({"run": np.repeat([0, 1, 2], 5), "v": X.ravel()})
    assert_same(table.groupby("run"), X)
    assert_same(table.groupby("run")["v"], X)


def test_rows_of_a_group_keep_their_order(table, samples):
    mixed = table[["run", *NAMES]].iloc[np.random.default_rng(3).permutation(len(table))]
    for run, group in mixed.groupby("run"):
        at = [7, 2, 11].index(run)
        assert sorted(map(tuple, group[NAMES].to_numpy())) == sorted(map(tuple, samples[at]))
    expected = [group[NAMES].to_numpy() for _, group in mixed.groupby("run")]
    assert_same(mixed.groupby("run"), expected)


def test_several_grouping_columns(table, samples):
    by_two = table.assign(day="d").groupby(["day", "run"], sort=False)
    assert_same(by_two[NAMES], samples)
    assert_same(
        table.drop(columns="t").assign(day="d").groupby(["day", "run"], sort=False), samples
    )
    assert ids_of(by_two) == [("d", 7), ("d", 2), ("d", 11)]


def test_an_unobserved_category_is_an_empty_sequence(table, samples):
    run = pd.Categorical(table["run"].map({7: "b", 2: "c", 11: "d"}), ["a", "b", "c", "d"])
    groups = table.assign(run=run).groupby("run", observed=False)[NAMES]
    assert_same(groups, [np.empty((0, 2)), *samples], ensure_min_timesteps=0)


def test_rows_that_pandas_would_drop_are_an_error(table):
    table["run"] = table["run"].where(table["run"] != 2)
    said = told(table.groupby("run"), ValueError)
    assert "X is a DataFrameGroupBy that leaves out 1 of 11 rows" in said
    assert "missing" in said


def test_groups_of_polars(table, samples):
    frame = pl.from_pandas(table[["run", *NAMES]])
    assert_same(frame.group_by("run", maintain_order=True), samples)
    assert_same(frame.group_by(pl.col("run"), maintain_order=True), samples)
    assert_same(frame.group_by(["run"], maintain_order=True), samples)
    assert "maintain_order=True" in told(frame.group_by("run"), ValueError)
    for groups in (frame.lazy().group_by("run"), pa.Table.from_pandas(table).group_by("run")):
        assert "elman.data.from_table" in told(groups)


def test_pairs_of_id_and_group(table):
    assert "[group[columns] for _, group in X]" in told(list(table.groupby("run")))


# Frames of whole sequences


def test_an_index_of_instance_and_time(table, samples):
    frame = table.set_index(["run", "t"])
    assert_same(frame, samples)
    assert_same(frame["ax"], [x[:, :1] for x in samples])
    dates = pd.Timestamp("2024-03-01") + pd.to_timedelta(table["t"], unit="D")
    for times in (dates, dates.dt.tz_localize("UTC"), dates.dt.to_period("D"), table["t"] / 7):
        assert_same(table.assign(t=times).set_index(["run", "t"]), samples)
    assert_same(table.assign(day="d").set_index(["day", "run", "t"]), samples)
    assert unpacked(frame, "X")[2].columns.tolist() == NAMES
    assert ids_of(frame) == [7, 2, 11]


def test_instances_may_be_interleaved(table, samples):
    frame = table.set_index(["run", "t"])
    interleaved = frame.iloc[np.argsort(table["t"], kind="stable")]
    assert interleaved.index[:3].tolist() == [(7, 0), (2, 0), (11, 0)]
    assert_same(interleaved, samples)


INDEXES = {
    "a time twice": (
        lambda f: pd.concat([f, f.iloc[2:3]]),
        ["rows 2 and 11 are both (7, 2)", "once"],
    ),
    "not in order": (
        lambda f: f.iloc[[1, 0, *range(2, 11)]],
        ["row 1, (7, 0), comes after row 0, (7, 1)", "X.sort_index()"],
    ),
    "a missing id": (
        lambda f: f.reset_index().replace({"run": {2: np.nan}}).set_index(["run", "t"]),
        ["row 4 has no value at 'run'"],
    ),
    "a missing time": (
        lambda f: f.reset_index().replace({"t": {5: np.nan}}).set_index(["run", "t"]),
        ["row 10 has no value at 't'"],
    ),
    "text for times": (
        lambda f: f.reset_index().astype({"t": str}).set_index(["run", "t"]),
        ["such as '0'", "numbers or dates"],
    ),
    "exchanged": (lambda f: f.swaplevel(0, 1), ["'t' comes first", "X.swaplevel(0, -1)"]),
    "dates first": (
        lambda f: (
            f.reset_index()
            .assign(t=lambda g: pd.to_datetime(g["t"], unit="D"))
            .rename(columns={"t": "when"})
            .set_index(["when", "run"])
        ),
        ["'when' comes first", "X.swaplevel(0, -1)"],
    ),
    "a row each": (lambda f: f.iloc[[0, 4, 5]], ["X.to_numpy()", "X.to_numpy()[:, np.newaxis]"]),
}


@pytest.mark.parametrize("case", INDEXES.values(), ids=INDEXES)
def test_an_index_that_says_too_little(table, case):
    change, words = case
    said = told(change(table.set_index(["run", "t"])), ValueError)
    for word in words:
        assert word in said


def test_groups_of_nothing(table):
    for X in (table.iloc[:0].set_index(["run", "t"]), table.iloc[:0].groupby("run")):
        assert "0 sample(s)" in told(X, ValueError)


def test_an_index_of_names_for_the_rows_of_a_2d_X(table):
    frame = table.set_index(["run", "t"])
    found = check_sequences(frame, n_features=2, two_d=True)
    assert found.two_d
    assert len(found) == 11
    single = frame.iloc[[0, 4, 5]]
    assert_same(single, single.to_numpy()[:, np.newaxis], n_features=2, two_d=False)


CELLS = {
    "series": pd.Series,
    "arrays": np.asarray,
    "lists": list,
    "tuples": tuple,
    "series with times": lambda x: pd.Series(x, pd.date_range("2024-01-01", periods=len(x))),
}


@pytest.mark.parametrize("make", CELLS.values(), ids=CELLS)
def test_frames_with_a_sequence_in_each_cell(samples, make):
    cells = {name: [make(x[:, j]) for x in samples] for j, name in enumerate(NAMES)}
    X = pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in cells.items()})
    assert_same(X, samples)
    assert unpacked(X, "X")[1].columns.tolist() == NAMES
    assert_same(X[["ay"]], [x[:, 1:] for x in samples])
    equal = X.map(lambda cell: cell[:1])
    assert_same(equal, [x[:1] for x in samples])


def nested(samples):
    return pd.DataFrame({n: [pd.Series(x[:, j]) for x in samples] for j, n in enumerate(NAMES)})


def test_cells_that_do_not_go_together(samples):
    X = nested(samples)
    X.iat[2, 1] = pd.Series(np.zeros(5))
    assert "sample 2 has 6 time steps in column 'ax' but 5 in column 'ay'" in told(X, ValueError)
    X.iat[2, 1] = pd.Series(np.zeros(6), range(3, 9))
    assert "sample 2 has another index in column 'ax' than in column 'ay'" in told(X, ValueError)
    X.iat[2, 1] = None
    assert "sample 2, column 'ay' is None" in told(X, ValueError)
    said = told(nested(samples).assign(age=3), ValueError)
    assert "column 'age' holds single values" in said
    assert "X[['ax', 'ay']]" in said


def test_lists_in_the_cells_of_other_libraries(samples):
    cells = {"a": [x[:, 0].tolist() for x in samples]}
    for X in (pl.DataFrame(cells), pa.table(cells)):
        assert "elman.data.from_table" in told(X)
    column = pd.Series(cells["a"], dtype=pd.ArrowDtype(pa.list_(pa.float64())))
    assert_same(pd.DataFrame({"a": column}), [x[:, :1] for x in samples])


# Axes with names


def test_axes_with_names(rng, samples):
    X = rng.normal(size=(3, 5, 2))
    for dims in (("sample", "time", "feature"), ("id", "Steps", "channels"), ("a", "b", "c")):
        assert_same(xr.DataArray(X, dims=dims), X)
    assert_same([xr.DataArray(x, dims=("time", "channel")) for x in samples], samples)
    found = check_sequences(xr.DataArray(X[0], dims=("station", "time")))
    assert found.two_d


DIMS = {
    "channels first": (("sample", "channel", "time"), "X.transpose('sample', 'time', 'channel')"),
    "time first": (("time", "x", "y"), "X.transpose('x', 'time', 'y')"),
    "time last": (("x", "y", "t"), "X.transpose('x', 't', 'y')"),
    "features first": (("variable", "time", "case"), "X.transpose('case', 'time', 'variable')"),
    "samples last": (("a", "b", "trials"), "X.transpose('trials', 'a', 'b')"),
}


@pytest.mark.parametrize("case", DIMS.values(), ids=DIMS)
def test_axes_in_another_order(rng, case):
    dims, call = case
    X = xr.DataArray(rng.normal(size=(3, 5, 2)), dims=dims)
    assert call in told(X, ValueError)
    turned = eval(call, {"X": X})
    assert_same(turned, turned.to_numpy())


def test_axes_of_few_dimensions(rng, samples):
    X = xr.DataArray(rng.normal(size=(5, 2)), dims=("time", "station"))
    said = told(X, ValueError)
    assert "X.transpose('station', 'time')" in said
    assert "X.expand_dims('sample')" in said
    turned = [xr.DataArray(x.T, dims=("channel", "time")) for x in samples]
    assert "X: sample 0" in told(turned, ValueError)
    assert "x.transpose('time', 'channel')" in told(turned, ValueError)


def test_dates_say_which_axis_is_time(rng):
    dates = pd.date_range("2024-01-01", periods=5)
    X = xr.DataArray(rng.normal(size=(3, 2, 5)), dims=("a", "b", "c"), coords={"c": dates})
    assert "X.transpose('a', 'c', 'b')" in told(X, ValueError)


def test_data_sets_of_xarray(rng):
    X = xr.DataArray(rng.normal(size=(3, 5, 2)), dims=("sample", "time", "feature"))
    data = X.to_dataset("feature")
    call = "X.to_array('feature').transpose(..., 'feature')"
    assert call in told(data)
    assert_same(eval(call, {"X": data}), X.to_numpy())
    assert "X: sample 1 is an xarray Dataset" in told([X[0], data])


# Tensors, and everything that has an array inside


class Tensor:
    """As much of a tensor of PyTorch as is looked at."""

    def __init__(self, values, device="cpu", requires_grad=False):
        self.values, self.device, self.requires_grad = values, device, requires_grad

    def __array__(self, dtype=None, copy=None):
        if self.requires_grad or self.device != "cpu":
            raise RuntimeError("Can't call numpy()")
        return np.asarray(self.values, dtype)

    def detach(self):
        return Tensor(self.values, self.device)

    def cpu(self):
        return Tensor(self.values, "cpu", self.requires_grad)


class OnlyInterface:
    def __init__(self, values):
        self.values = values
        self.__array_interface__ = values.__array_interface__


class OnlyDLPack:
    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


HOLDERS = {
    "tensors": Tensor,
    "interface": OnlyInterface,
    "DLPack": OnlyDLPack,
    "memoryview": memoryview,
    "deque": collections.deque,
    "user list": collections.UserList,
    "xarray": xr.DataArray,
}


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_everything_that_has_an_array_inside(rng, samples, hold):
    X = rng.normal(size=(3, 5, 2))
    assert_same(hold(X), X)
    assert_same([hold(x) for x in samples], samples)
    assert_same(tuple(hold(x) for x in samples), samples)
    objects = np.empty(3, object)
    for i, x in enumerate(samples):
        objects[i] = hold(x)
    assert_same(objects, samples)
    assert_same(collections.deque(hold(x) for x in samples), samples)
    assert is_one_array(hold(X)) == (hold not in (collections.deque, collections.UserList))


@pytest.mark.parametrize("hold", [memoryview, lambda x: array.array("d", x), collections.deque])
def test_values_of_one_feature(samples, hold):
    assert_same([hold(x[:, 0].copy()) for x in samples], [x[:, :1] for x in samples])


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        ({"requires_grad": True}, ".detach()"),
        ({"device": "cuda:1"}, ".cpu()"),
        ({"device": "mps", "requires_grad": True}, ".detach().cpu()"),
    ],
)
def test_tensors_that_cannot_be_read(samples, arguments, fix):
    assert f"pass X{fix}" in told(Tensor(samples[0], **arguments))
    tensors = [Tensor(samples[0]), Tensor(samples[1], **arguments)]
    assert f"X: sample 1 is a Tensor {'with' if 'detach' in fix else 'on'}" in told(tensors)
    assert f"pass x{fix}" in told(tensors)
    assert_same([eval(f"x{fix}", {"x": x}) for x in tensors], samples[:2])


def with_attributes(**attributes):
    """An object with an array inside, which cannot be read, and some attributes."""

    class Other:
        def __array__(self, dtype=None, copy=None):
            raise BufferError("not here")

    other = Other()
    for name, value in attributes.items():
        setattr(other, name, value)
    return other


KINDS = {
    "nested": ({"is_nested": True}, "list(X.unbind())"),
    "sparse": ({"is_sparse": True}, "X.to_dense()"),
    "bfloat16": ({"dtype": "torch.bfloat16"}, "X.float()"),
    "packed": ({"batch_sizes": 1, "unsorted_indices": 1}, "torch.nn.utils.rnn.unpack_sequence(X)"),
    "ragged, TensorFlow": ({"nested_row_splits": 1, "to_list": 1}, "X.to_list()"),
    "ragged, awkward": ({"fields": [], "to_list": 1}, "X.to_list()"),
    "CuPy": ({"device": "cuda", "get": 1}, "X.get()"),
    "unreadable": ({}, "X is a Other that NumPy cannot read as an array (not here)"),
}


@pytest.mark.parametrize("case", KINDS.values(), ids=KINDS)
def test_kinds_of_arrays_that_want_a_call(case):
    attributes, call = case
    assert call in told(with_attributes(**attributes))


def test_lists_of_arrow_and_polars(samples):
    ragged = [x.tolist() for x in samples]
    of_one = [x[:, 0].tolist() for x in samples]
    for lists in (ragged, of_one):
        for X in (pa.array(lists), pa.chunked_array([lists])):
            assert "pass X.to_pylist()" in told(X)
            assert_same(X.to_pylist(), [np.reshape(x, (len(x), -1)) for x in lists])
    assert "pass X.to_list()" in told(pl.Series(ragged))
    assert_same(pl.Series(of_one), [x[:, :1] for x in samples])


def test_what_holds_no_sequences_in_order(samples):
    by_id = dict(enumerate(samples))
    said = told(by_id)
    assert "list(X.values())" in said
    assert "elman.data.from_table" in said
    assert "pass list(X)" in told(by_id.values())
    assert "pass list(X)" in told(x for x in samples)
    assert "pass list(X)" in told(map(np.abs, samples))
    assert "sample 0 is an iterator" in told([iter(x) for x in samples])
    assert "pass its sequences, X.X" in told(Dataset(samples))
    assert "a bytearray" in told(bytearray(b"abc"))
    assert_same(check_sequences(samples, dtype=np.float64), samples)


def test_a_name_for_validation_data(table):
    said = told(table.set_index(["t", "run"]), ValueError, name="X_val")
    assert "X_val is a DataFrame" in said
    assert "X_val.swaplevel(0, -1)" in said


def test_values_that_cannot_be_used_have_their_place(table, samples):
    table.loc[6, "ay"] = np.inf
    for X in (
        table.groupby("run", sort=False)[NAMES],
        table.set_index(["run", "t"]),
        [Tensor(x) for x in unpacked(table.groupby("run", sort=False)[NAMES], "X")],
    ):
        seen = told(X, ValueError).replace(" (column 'ay')", "")
        assert "sample 2, timestep 1, feature 1 is inf" in seen
