"""A table that is read some rows at a time gives the sequences that it gives as a whole."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from elman.data import ReaderError, read
from elman.data.store.blocks import table_of, table_of_folder
from elman.data.store.table_sequences import StepsDifferError, TableSequences

BLOCKS = [1, 40, 200, 1 << 20]


def in_blocks(path, block_size, **given):
    """What the blocks of a file hold, joined; and of what types they are said to be."""
    given = {"missing": "error"} | given
    table = (
        table_of_folder(str(path), given)
        if path.is_dir()
        else table_of(str(path), given, block_size)
    )
    sequences = TableSequences(table)
    try:
        found = [*sequences.datasets()]
    except StepsDifferError:
        found = [*sequences.datasets(weights_of_steps=True)]
    return found, sequences


def joined(parts):
    if parts[0] is None:
        return None
    if isinstance(parts[0], list):
        return [one for part in parts for one in part]
    return np.concatenate(parts)


def assert_same_values(found, expected):
    if expected is None:
        assert found is None
        return
    assert type(found) is type(expected)
    if isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        return
    assert found.dtype == expected.dtype
    assert [*map(repr, found.tolist())] == [*map(repr, expected.tolist())]


def assert_same(path, block_size, **given):
    found, sequences = in_blocks(path, block_size, **given)
    expected = read(path, **given)
    X = [x for part in found for x in part.X]
    assert len(X) == len(expected.X)
    for x, other in zip(X, expected.X, strict=True):
        assert np.can_cast(x.dtype, other.dtype)
        np.testing.assert_array_equal(x, other)
    assert sequences.dtype == expected.X[0].dtype
    assert sequences.per_step == isinstance(expected.y, list)
    assert_same_values(joined([part.y for part in found]), expected.y)
    assert_same_values(joined([part.ids for part in found]), expected.ids)
    weights = joined([part.sample_weight for part in found])
    assert_same_values(weights, expected.sample_weight)
    assert found[0].feature_names == expected.feature_names
    return found


def write_csv(path, columns, rows):
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(columns)
        out.writerows(rows)
    return path


def write_rows(path, columns, rows):
    """Rows of text as CSV, or with None and numbers as they are in the other formats."""
    if path.suffix == ".csv":
        return write_csv(path, columns, [["" if v is None else v for v in row] for row in rows])
    table = {name: [row[k] for row in rows] for k, name in enumerate(columns)}
    if path.suffix == ".jsonl":
        lines = [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]
        path.write_text("\n".join(lines) + "\n")
        return path
    pyarrow = pytest.importorskip("pyarrow")
    if path.suffix == ".parquet":
        from pyarrow import parquet

        parquet.write_table(pyarrow.table(table), path, row_group_size=5)
    else:
        with pyarrow.OSFile(str(path), "wb") as file:
            made = pyarrow.table(table)
            with pyarrow.ipc.new_file(file, made.schema) as writer:
                writer.write_table(made, max_chunksize=5)
    return path


def runs(rng, n=7):
    """Rows of n runs, those of each together but in any order of time."""
    rows = []
    for i in range(n):
        steps = rng.permutation(int(rng.integers(1, 6)))
        rows += [[f"r{i}", int(t), *rng.normal(size=2).round(3).tolist(), i % 3] for t in steps]
    return rows


FORMATS = [".csv", ".jsonl", ".parquet", ".feather"]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("block_size", BLOCKS)
def test_every_role(tmp_path, rng, suffix, block_size):
    rows = [[*row, row[4] + 0.5, "ab"[row[1] % 2], row[1] / 2] for row in runs(rng)]
    columns = ["run", "t", "ax", "ay", "state", "speed", "phase", "drift"]
    path = write_rows(tmp_path / f"runs{suffix}", columns, rows)
    features = {"id": "run", "time": "t", "features": ["ax", "ay"]}
    for y in (
        {"label": "state"},
        {"target": "speed"},
        {"target": ["speed", "state"]},
        {"step_label": "phase"},
        {"step_label": "t", "time": None},
        {"step_target": ["drift"]},
        {"label": "state", "weight": "speed"},
        {"step_label": "phase", "weight": "state"},
        {"step_label": "phase", "weight": "drift"},
        {"time_delta": True},
        {"id": ["run", "state"]},
    ):
        assert_same(path, block_size, **features | y)


VALUES = {
    "whole numbers, one of them missing": [1, 2, 3, 4, None, 6, 7],
    "whole numbers": [1, 2, 3, 4, 5, 6, 7],
    "one fraction": [1, 2, 3, 4, 5, 6.5, 7],
    "nothing at first": [None, None, None, 4, 5, 6, 7],
    "all missing": [None] * 7,
    "booleans": [True, False, True, True, False, False, True],
    "large ones": [1, 2, 2**60 + 1, 4, 5, 6, 7],
    "large ones and a missing one": [1, 2, 2**60 + 1, 4, None, 6, 7],
    "large ones and a fraction": [1, 2.5, 2**60 + 1, 4, 5, 6, 7],
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("kind", VALUES)
def test_features_whose_type_shows_late(tmp_path, suffix, kind):
    values = VALUES[kind]
    if kind == "large ones and a fraction" and suffix in (".parquet", ".feather"):
        pytest.skip("Arrow has no such column")
    rows = [[i // 2, value, i] for i, value in enumerate(values)]
    path = write_rows(tmp_path / f"x{suffix}", ["run", "x", "z"], rows)
    for block_size in BLOCKS:
        assert_same(path, block_size, id="run", missing="nan")


LABELS = {
    "text": ["a", "b", "a", "c", "b"],
    "numbers": [3, 1, 2, 1, 3],
    "numbers, and text at last": ["1", "2", "3", "4", "x"],
    "leading zeros at last": ["1", "2", "3", "4", "007"],
    "floats": ["1.0", "2.0", "3.0", "2.0", "1.0"],
    "floats, and text at last": ["1.50", "2.0", "3.0", "2.0", "x"],
    "booleans": [True, False, True, False, True],
    "booleans, and text at last": ["TRUE", "false", "True", "true", "x"],
    "large": ["1", "2", "18446744073709551615", "4", "5"],
    "too large": ["1", "2", "18446744073709551616", "4", "5"],
    "both signs, large": ["-1", "2", "18446744073709551615", "4", "5"],
    "minus nothing": ["1", "2", "-0", "4", "5"],
    "plus": ["1", "2", "+3", "4", "5"],
    "missing in most rows": ["a", None, "b", None, None, "c"],
    "numbers that are missing in most rows": [1, None, 2, None, None, 3],
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("role", ["label", "step_label", "id"])
def test_labels_whose_type_shows_late(tmp_path, suffix, kind, role):
    labels = [*dict.fromkeys(LABELS[kind])] if role == "id" else LABELS[kind]
    gaps = None in labels
    if gaps and role == "id":
        pytest.skip("no id may be missing")
    rows = [[i // 2 if gaps else i, 0.5, label] for i, label in enumerate(labels)]
    path = write_rows(tmp_path / f"y{suffix}", ["run", "x", "y"], rows)
    roles = {"id": "y", "features": ["x"]} if role == "id" else {"id": "run", role: "y"}
    for block_size in BLOCKS:
        assert_same(path, block_size, **roles)


@pytest.mark.parametrize("block_size", BLOCKS)
def test_lists(tmp_path, block_size):
    rows = [
        {"run": 0, "x": [], "z": []},
        {"run": 1, "x": [1, 2], "z": [True, False]},
        {"run": 2, "x": [1.5], "z": [True]},
        {"run": 3, "x": [1, None, 3], "z": [False, True, True]},
        {"run": 4, "x": [4], "z": [False]},
    ]
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert_same(path, block_size, id="run", missing="nan")
    assert_same(path, block_size, id="run", missing="nan", features=["x"])
    assert_same(path, block_size, id="run", features=["z"])
    nested = [{"X": [[1, 2], [3, 4]], "y": "a"}, {"X": [[5, 6.5]], "y": "b"}]
    path.write_text("\n".join(map(json.dumps, nested)))
    assert_same(path, block_size, label="y")


def test_narrow_lists_of_which_the_first_are_empty(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    values = pyarrow.array([[], [], [1.5], [2.0, 3.0]], pyarrow.list_(pyarrow.float32()))
    path = tmp_path / "x.parquet"
    parquet.write_table(pyarrow.table({"id": [0, 1, 2, 3], "x": values}), path)
    for block_size in BLOCKS:
        _, sequences = in_blocks(path, block_size, id="id")
        assert sequences.dtype == read(path, id="id").X[0].dtype == np.float32


def test_small_integers_stay_narrow(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "x.parquet"
    x = pyarrow.array([1, 2, 3, 4, 5], pyarrow.int8())
    parquet.write_table(pyarrow.table({"id": [0, 0, 1, 1, 1], "x": x}), path)
    assert_same(path, 8, id="id")
    x = pyarrow.array([1, 2, 3, None, 5], pyarrow.int8())
    parquet.write_table(pyarrow.table({"id": [0, 0, 1, 1, 1], "x": x}), path)
    assert_same(path, 8, id="id", missing="nan")


@pytest.mark.parametrize("seed", range(6))
def test_any_table_of_text(tmp_path, seed):
    rng = np.random.default_rng(seed)
    pool = ["1", "2", "1.5", "", "true", "false", "007", "x", "-0", " 3", "99999999999999999999"]
    for trial in range(40):
        picked = rng.choice(pool, size=int(rng.integers(1, 5)), replace=False)
        labels = rng.choice(picked, size=int(rng.integers(2, 9)))
        numbers = rng.choice(["1", "2.5", "", "-0", "1e300", "NaN", "12345678901234567890"], 9)
        n = len(labels)
        rows = [[i // 2, numbers[i], labels[i]] for i in range(n)]
        path = write_csv(tmp_path / f"{trial}.csv", ["run", "x", "y"], rows)
        for role in ("label", "step_label"):
            given = {"id": "run", role: "y", "missing": "nan"}
            try:
                read(path, **given)
            except ReaderError:
                with pytest.raises(ReaderError):
                    in_blocks(path, 1, **given)
                continue
            assert_same(path, int(rng.choice(BLOCKS)), **given)


def test_times_as_text_and_several_ids(tmp_path):
    rows = [
        ["b", 1, "2024-01-02T00:00:00", 1.5],
        ["b", 1, "2024-01-01", 2.5],
        ["b", 2, "2024-01-01T12:00:00", 3.5],
        ["a", 2, "2024-03-01", 4.5],
    ]
    path = write_csv(tmp_path / "x.csv", ["who", "day", "at", "x"], rows)
    for block_size in BLOCKS:
        assert_same(path, block_size, id=["who", "day"], time="at", time_delta=True)


def test_rows_that_do_not_stand_together(tmp_path):
    rows = [["a", 1.0], ["b", 2.0], ["b", 2.5], ["c", 1.5], ["b", 3.0]]
    path = write_csv(tmp_path / "x.csv", ["run", "x"], rows)
    assert_same(path, 1 << 20, id="run")  # one block, in any order
    with pytest.raises(ReaderError, match=r"run 'b'.*line 4 and go on in .*line 6.*sort it by"):
        in_blocks(path, 1, id="run")
    again = tmp_path / "x.jsonl"
    lists = [{"run": 1, "x": [1]}, {"run": 2, "x": [1]}, {"run": 1, "x": [1]}]
    again.write_text("\n".join(map(json.dumps, lists)))
    with pytest.raises(ReaderError, match=r"run 1 is in .*line 1 and in .*line 3"):
        in_blocks(again, 1, id="run")


def test_errors_name_the_line_wherever_its_block_begins(tmp_path):
    rows = [[i // 3, i, 0.5] for i in range(11)]
    rows[8][2] = ""
    path = write_csv(tmp_path / "x.csv", ["run", "t", "x"], rows)
    for block_size in BLOCKS:
        with pytest.raises(ReaderError, match="line 10: the feature 'x' is missing"):
            in_blocks(path, block_size, id="run", time="t")
    rows[8][2] = "1"
    rows[8][1] = 6
    write_csv(path, ["run", "t", "x"], rows)
    for block_size in BLOCKS:
        with pytest.raises(ReaderError, match=r"run 2 has the time 6 .* line 8 and in .* line 10"):
            in_blocks(path, block_size, id="run", time="t")
    rows[8][1], rows[8][2] = 8, "blue"
    write_csv(path, ["run", "t", "x"], rows)
    with pytest.raises(ReaderError, match="line 10: column 'x' holds 'blue'"):
        in_blocks(path, 1, id="run")


def test_minus_one_and_missing_labels_in_different_blocks(tmp_path):
    rows = [["a", 1.0, -1], ["b", 1.0, 2], ["c", 1.0, ""], ["d", 1.0, ""]]
    path = write_csv(tmp_path / "x.csv", ["run", "x", "y"], rows)
    for block_size in BLOCKS:
        with pytest.raises(ReaderError, match=r"is -1 in .*line 2 and missing in .*line 4"):
            in_blocks(path, block_size, id="run", step_label="y")
    write_csv(path, ["run", "x", "y"], [[*row[:2], ""] for row in rows])
    for block_size in BLOCKS:
        with pytest.raises(ReaderError, match="missing for every step"):
            in_blocks(path, block_size, id="run", step_label="y")


@pytest.mark.parametrize("block_size", BLOCKS)
def test_a_second_table_of_labels(tmp_path, rng, block_size):
    rows = [row[:4] for row in runs(rng)]
    path = write_csv(tmp_path / "x.csv", ["run", "t", "ax", "ay"], rows)
    ids = [*dict.fromkeys(row[0] for row in rows)][::-1]
    labels = write_csv(tmp_path / "y.csv", ["run", "state"], [[id, id[1:]] for id in ids])
    given = {"id": "run", "time": "t", "labels": labels}
    assert_same(path, block_size, **given)
    assert_same(path, block_size, **given | {"labels": dict.fromkeys(ids, 1.5), "target": "v"})
    write_csv(labels, ["run", "state"], [["other", 3], *([id, id[1:]] for id in ids)])
    with pytest.warns(UserWarning, match="1 of its 8 rows belong to no sequence.*'other'"):
        in_blocks(path, block_size, **given)
    with pytest.raises(ReaderError, match="belong to no sequence"):
        in_blocks(path, block_size, **given | {"labels": dict.fromkeys([*ids, "other"], 1)})
    write_csv(labels, ["run", "state"], [[id, id[1:]] for id in ids[1:]])
    with pytest.raises(ReaderError, match="have no row in it: run 'r6'"):
        in_blocks(path, block_size, **given)


def test_a_folder_of_recordings(tmp_path, rng):
    folder = tmp_path / "runs"
    for i in range(11):
        (folder / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        n = int(rng.integers(1, 5))
        x = rng.normal(size=(n, 2)) if i else rng.integers(0, 9, (n, 2))
        rows = [[t, *row] for t, row in enumerate(x.tolist())]
        write_csv(folder / "ab"[i % 2] / f"rec{i}.csv", ["t", "ax", "ay"], rows)
    assert_same(folder, 1, time="t")
    ids = [f"{'ab'[i % 2]}/rec{i}" for i in range(11)]
    write_csv(folder / "labels.csv", ["file", "speed"], [[id, k / 2] for k, id in enumerate(ids)])
    assert_same(folder, 1, time="t", target="speed")


def test_without_a_header_and_over_several_lines(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('0,1,"a\nb"\n\n0,2,"a\nb"\n1,3,c\n\n2,4,c\n')
    for block_size in BLOCKS:
        found, _ = in_blocks(path, block_size, id="0", label="2", header=False)
        assert [x.ravel().tolist() for part in found for x in part.X] == [[1, 2], [3], [4]]
        assert joined([part.y for part in found]).tolist() == ["a\nb", "c", "c"]
