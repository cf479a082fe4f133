"""One table in every format gives the same sequences, and `read` says what it cannot do."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pytest
from helpers.reading import peak_memory

from elman.data.dataset import ReaderError
from elman.data.readers import read
from elman.data.tables import from_table

ROWS = {
    "run": ["b", "a", "b", "a", "b"],
    "t": [3, 1, 1, 2, 2],
    "ax": [0.1, -1e-300, 3.0, 1 / 3, 2.5],
    "n": [1, 2, 3, 4, 5],
    "on": [True, False, False, True, True],
    "state": ["up", "no, not", "up", "no, not", "up"],
}


def write_text(path, delimiter, decimal="."):
    rows = [[*ROWS], *zip(*ROWS.values(), strict=True)]
    lines = []
    for row in rows:
        fields = [
            f'"{v}"' if isinstance(v, str) and "," in v
            else str(v).lower() if isinstance(v, bool)
            else repr(v).replace(".", decimal) if isinstance(v, float)
            else str(v)
            for v in row
        ]  # fmt: skip
        lines.append(delimiter.join(fields))
    path.write_text("\n".join(lines))


def write_stream(path):
    table = pyarrow.table(ROWS)
    with pyarrow.OSFile(str(path), "wb") as file, pyarrow.ipc.new_stream(file, table.schema) as out:
        out.write_table(table)


def write_arff(path):
    kinds = ["string", "numeric", "numeric", "integer", "{True,False}", "{up,'no, not'}"]
    head = [f"@attribute {name} {kind}" for name, kind in zip(ROWS, kinds, strict=True)]
    rows = [
        ",".join(f"'{v}'" if isinstance(v, str) else repr(v) for v in row)
        for row in zip(*ROWS.values(), strict=True)
    ]
    path.write_text("\n".join(["@relation runs", *head, "@data", *rows]))


def write_json(path):
    rows = (dict(zip(ROWS, row, strict=True)) for row in zip(*ROWS.values(), strict=True))
    path.write_text("\n".join(map(json.dumps, rows)))


FORMATS = {
    "csv": (lambda path: write_text(path, ","), {}),
    "CSV": (lambda path: write_text(path, ";", ","), {"delimiter": ";", "decimal": ","}),
    "tsv": (lambda path: write_text(path, "\t"), {}),
    "jsonl": (write_json, {}),
    "ndjson": (write_json, {}),
    "parquet": (lambda path: pyarrow.parquet.write_table(pyarrow.table(ROWS), path), {}),
    "feather": (lambda path: pyarrow.feather.write_feather(pyarrow.table(ROWS), path), {}),
    "arrow": (write_stream, {}),
    "arff": (write_arff, {}),
}


@pytest.mark.parametrize(("suffix", "made"), FORMATS.items(), ids=FORMATS)
def test_every_format_gives_the_same_bits(tmp_path, suffix, made):
    write, options = made
    path = tmp_path / f"runs.{suffix}"
    write(path)
    features = ["n", "ax"] if suffix == "arff" else ["n", "ax", "on"]
    data = read(path, id="run", time="t", features=features, label="state", **options)
    assert data.ids.tolist() == ["b", "a"]
    assert data.y.tolist() == ["up", "no, not"]
    assert data.feature_names == tuple(features)
    order = {"b": [2, 4, 0], "a": [1, 3]}
    for name, x in zip(data.ids, data.X, strict=True):
        expected = np.array([[ROWS[f][row] for f in features] for row in order[name]], np.float64)
        assert x.tobytes() == expected.tobytes()
    assert data.metadata["time"] == "t"
    with pytest.raises(ReaderError, match=r"has no column 'ay', which features= names.*'ax'"):
        read(path, id="run", features=["ay"], **options)
    with pytest.raises(ReaderError, match=r"more than the (7|8) bytes of memory"):
        read(path, id="run", features=["ax"], max_bytes=7, **options)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_row_for_each_sequence(tmp_path, suffix):
    rows = [
        {"ax": [1.5, 2.0, 3.0], "ay": [1, 2, 3], "tags": ["p", None, "q"], "label": 5},
        {"ax": [0.5], "ay": [None], "tags": ["q"], "label": 3},
    ]
    path = tmp_path / f"x.{suffix}"
    if suffix == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    data = read(path, features=["ax"], label="label")
    assert [x.ravel().tolist() for x in data.X] == [[1.5, 2, 3], [0.5]]
    assert data.y.tolist() == [5, 3]
    data = read(path, features=["ay", "ax"], step_label="tags", missing="nan")
    assert repr(data.X[1].tolist()) == "[[nan, 0.5]]"
    assert [tags.tolist() for tags in data.y] == [["p", None, "q"], ["q"]]
    with pytest.raises(ReaderError, match=r"(line 2|row 1), step 0: the feature 'ay' is missing"):
        read(path, features=["ay"])


def test_lists_of_lists_are_named_together(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"X": [[1, 2], [3, 4]], "y": "a"}\n{"X": [[5, 6]], "y": "b"}\n')
    data = read(path, features=["X"], label="y")
    assert data.feature_names == ("X[0]", "X[1]")
    assert [x.tolist() for x in data.X] == [[[1, 2], [3, 4]], [[5, 6]]]


@pytest.fixture
def runs(tmp_path):
    path = tmp_path / "runs.csv"
    write_text(path, ",")
    return path


def test_labels_in_a_second_file(runs):
    labels = runs.with_name("labels.jsonl")
    labels.write_text('{"run": "a", "y": 2}\n{"run": "c", "y": 1}\n{"run": "b", "y": 7}\n')
    with pytest.warns(UserWarning, match=r"1 of its 3 rows belong to no sequence of .*: 'c'"):
        data = read(runs, id="run", features=["ax"], labels=labels, delimiter=",")
    assert data.y.tolist() == [7, 2]
    assert read(runs, id="run", features=["ax"], labels={"a": "p", "b": "q"}).y.tolist() == [
        "q",
        "p",
    ]
    labels.write_text('{"run": "a", "y": 2}\n')
    with pytest.raises(ReaderError, match=r"labels\.jsonl: 1 of the 2 sequences have no row"):
        read(runs, id="run", features=["ax"], labels=labels)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"id": "run", "label": "stat"}, "'stat', which label= names; did you mean 'state'"),
        ({"id": "run", "target": "y"}, "'y', which target= names"),
        ({"id": "t", "label": "state"}, "'t', which id= names"),
    ],
)
def test_a_second_file_without_the_column_shows_all_that_it_has(runs, tmp_path, options, words):
    labels = tmp_path / "labels.csv"
    labels.write_text("run,state,note\na,up,x\nb,down,y\n")
    with pytest.raises(ReaderError, match=words) as caught:
        read(runs, features=["ax"], labels=labels, **options)
    assert str(caught.value).startswith(f"{labels} has no column")
    assert str(caught.value).endswith("Its columns are 'run', 'state', 'note'")


MISTAKES = {
    "no id": ({"features": ["ax"]}, r"id= has to name the column.*'run', 't', 'ax'"),
    "another name": ({"id": "Run"}, "no column 'Run', which id= names; did you mean 'run'"),
    "a target that is text": (
        {"id": "run", "features": ["ax"], "target": "state"},
        "line 2: column 'state' holds 'up', .*: targets and weights are numbers",
    ),
    "another delimiter": ({"id": "run", "time": "t", "delimiter": ";"}, "delimiter=','"),
}


@pytest.mark.parametrize(("options", "words"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_name_the_column(runs, options, words):
    with pytest.raises(ReaderError, match=words) as caught:
        read(runs, **options)
    assert str(runs) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "option", "formats"),
    [
        (
            "x.ts",
            {"id": "run"},
            r"id= says nothing about this file; it is for \.csv, .*fol",
        ),
        ("x.npz", {"labels": "x.csv"}, r"labels= .* for \.csv"),
        ("x.parquet", {"delimiter": ";"}, r"delimiter= .* for \.csv, \.tsv, folders"),
        ("x.jsonl", {"header": False}, r"header= .* for \.csv"),
        ("x.arff", {"time": "t"}, r"time= .* for \.csv"),
    ],
)
def test_an_option_of_another_format_is_refused(tmp_path, name, option, formats):
    with pytest.raises(ReaderError, match=formats):
        read(tmp_path / name, **option)


def test_other_arguments_that_cannot_be(runs):
    with pytest.raises(TypeError, match="labels is a list"):
        read(runs, id="run", labels=["a"])
    with pytest.raises(ValueError, match="missing='skip' is not known"):
        read(runs, id="run", missing="skip")
    with pytest.raises(ReaderError, match="label= and target= are both given"):
        read(runs, id="run", label="state", target="n")
    (runs.parent / "x.parquet").mkdir()
    with pytest.raises(ReaderError, match="a table in parts has to be joined"):
        read(runs.parent / "x.parquet")


@pytest.mark.parametrize("suffix", ["parquet", "feather", "arrow"])
def test_damaged_files_of_arrow(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    FORMATS[suffix][0](path)
    content = path.read_bytes()
    for damaged in (b"", b"run,t\n1,2\n", content[: len(content) // 2], content[:-3]):
        path.write_bytes(damaged)
        with pytest.raises(ReaderError, match=rf"x\.{suffix}: "):
            read(path, id="run", features=["ax"])


def test_parquet_that_would_fill_the_memory(tmp_path):
    """A constant column takes no room in the file."""
    path = tmp_path / "x.parquet"
    run = pyarrow.array(np.zeros(10_000_000, np.int8))
    pyarrow.parquet.write_table(pyarrow.table({"run": run, "x": run}), path)
    with pytest.raises(ReaderError, match=r"more than the 67,108,864 bytes"):
        read(path, id="run")


@pytest.mark.parametrize("container", ["file", "stream"])
def test_columns_of_arrow_that_are_not_asked_for_are_not_decompressed(tmp_path, container):
    lists = pyarrow.array([np.zeros(50_000)] * 30)
    table = pyarrow.table({"far": lists, "x": np.arange(30) / 4, "run": [1, 2] * 15})
    path = tmp_path / "x.arrow"
    new = {"file": pyarrow.ipc.new_file, "stream": pyarrow.ipc.new_stream}[container]
    options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
    with new(str(path), table.schema, options=options) as out:
        out.write_table(table)
    usual = pyarrow.default_memory_pool()
    pool = pyarrow.proxy_memory_pool(usual)
    pyarrow.set_memory_pool(pool)
    try:
        data = read(path, id="run", features=["x"])
    finally:
        pyarrow.set_memory_pool(usual)
    assert [x[:, 0].tolist() for x in data.X] == [[i / 4 for i in range(k, 30, 2)] for k in (0, 1)]
    assert pool.max_memory() < lists.nbytes / 10


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
@pytest.mark.parametrize("encoded", [False, True], ids=["text", "dictionary"])
def test_a_long_text_of_all_rows_is_read_once(tmp_path, suffix, encoded):
    """Once for each row it would take 40 MB, of a file of a few thousand bytes."""
    path = tmp_path / f"x.{suffix}"
    text = pyarrow.array(["x" * 100_000] * 400)
    table = pyarrow.table(
        {
            "run": text.dictionary_encode() if encoded else text,
            "x": np.arange(400.0),
        }
    )
    if suffix == "parquet":
        pyarrow.parquet.write_table(table, path)
    else:
        pyarrow.feather.write_feather(table, path)
    tracemalloc.start()
    data = read(path, id="run")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.ids.tolist() == ["x" * 100_000]
    assert data.X[0].shape == (400, 1)
    assert peak < 4_000_000


@pytest.mark.parametrize("kind", ["number", "text", "list", "bytes"])
def test_parquet_that_would_fill_the_memory_with_long_values(tmp_path, kind):
    """Values that all rows share are stored once, and what the file says of columns is small."""
    path = tmp_path / "x.parquet"
    n = 1_000_000
    cells = {
        "number": pyarrow.array([np.zeros(n)] * 30),
        "text": pyarrow.array([["x" * 50_000] * 30] * 50),
        "list": pyarrow.array([[np.zeros(n)]] * 30),
        "bytes": pyarrow.array([b"x" * n] * 80, pyarrow.binary(n)),
    }[kind]
    table = pyarrow.table({"run": np.arange(len(cells)), "x": cells})
    pyarrow.parquet.write_table(table, path)
    assert path.stat().st_size < 300_000
    with pytest.raises(ReaderError, match=r"more than the 67,108,864 bytes"):
        read(path, id="run")


def test_text_of_every_type_of_arrow_in_parts_that_have_dictionaries_of_their_own(tmp_path):
    """Files in parts have a dictionary for each, and polars has text as views in them."""
    runs = ["b", "a", "", "b", "a", "c", "b"]
    labels = ["x", None, "", "x", "y", "x", None]
    wanted = [["x", "x", None], [None, "y"], [""], ["x"]]
    types = [pyarrow.string(), pyarrow.large_string(), pyarrow.string_view()]
    types += [pyarrow.dictionary(pyarrow.int8(), dtype) for dtype in types]
    for dtype in types:
        parts = [
            pyarrow.table(
                {
                    "run": _encoded(runs[rows], dtype),
                    "x": np.arange(7.0)[rows],
                    "state": _encoded(labels[rows], dtype),
                }
            )
            for rows in (slice(0, 3), slice(3, 3), slice(3, 7))
        ]
        table = pyarrow.concat_tables(parts)
        paths = [tmp_path / "x.parquet", tmp_path / "x.arrow"]
        if dtype.equals(pyarrow.dictionary(pyarrow.int8(), pyarrow.string_view())):
            paths.pop(0)  # pyarrow does not write it
        else:
            pyarrow.parquet.write_table(table, paths[0], row_group_size=2)
        with pyarrow.ipc.new_stream(paths[-1], table.schema) as file:
            file.write_table(table)
        for data in [
            from_table(table, id="run", step_label="state"),
            *(read(path, id="run", step_label="state") for path in paths),
        ]:
            assert data.ids.tolist() == ["b", "a", "", "c"]
            assert [list(y) for y in data.y] == wanted
            assert [x.ravel().tolist() for x in data.X] == [[0, 3, 6], [1, 4], [2], [5]]


def _encoded(values, dtype):
    if not pyarrow.types.is_dictionary(dtype):
        return pyarrow.array(values, dtype)
    known = list(dict.fromkeys(value for value in values if value is not None))
    indices = [None if value is None else known.index(value) for value in values]
    return pyarrow.DictionaryArray.from_arrays(
        pyarrow.array(indices, dtype.index_type), pyarrow.array(known, dtype.value_type)
    )


def test_text_of_parquet_is_no_category_because_it_is_read_as_one(tmp_path):
    path = tmp_path / "x.parquet"
    text = pyarrow.array([f"{k} and more" for k in range(20)])
    for column in (text, text.dictionary_encode()):
        pyarrow.parquet.write_table(pyarrow.table({"run": [1, 2] * 10, "x": column}), path)
        if column is text:
            with pytest.raises(ReaderError, match="'x' holds text with 20 different values in 20"):
                read(path, id="run")
        else:
            assert read(path, id="run").categorical == ("x",)


def test_without_pyarrow_one_line_says_what_to_install(tmp_path):
    path = tmp_path / "x.parquet"
    FORMATS["parquet"][0](path)
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from elman.data.readers import read\n"
        f"read({str(path)!r}, id='run')"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert 'x.parquet: Parquet files take pyarrow: pip install "elman[tables]"' in ran.stderr


def test_an_index_of_pandas_is_no_feature(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"run": [1, 1, 2], "x": [0.5, 1.5, 2.5]}, index=[7, 5, 9])
    frame.to_parquet(tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet", id="run").feature_names == ("x",)


@pytest.mark.parametrize("ids", ["in order", "shuffled"])
def test_many_sequences_take_little_more_than_their_arrays(tmp_path, ids):
    n = 100_000
    order = np.arange(n) if ids == "in order" else np.random.default_rng(3).permutation(n)
    path = tmp_path / "x.csv"
    path.write_text("id,ax\n" + "".join(f"{i},{i % 7}\n" for i in order.tolist()))
    # An array and its place in a list take 136 bytes; its value, its id and their columns 40.
    assert peak_memory(lambda: read(path, id="id")) < 185 * n + 1_000_000


def test_lists_that_were_read_are_not_kept_beside_the_sequences(tmp_path):
    n = 50_000
    path = tmp_path / "x.jsonl"
    path.write_text("".join(f'{{"ax": [{i % 7}], "c": {i % 2}}}\n' for i in range(n)))
    # An array and its places in lists, once for a line of the file and once for the sequence.
    assert peak_memory(lambda: read(path, label="c")) < 270 * n
