"""`elman report` writes the page of a saved model, and harms no file."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from helpers.cli_tools import run


def write_table(path, n, seed):
    rng = np.random.default_rng(seed)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["who", "ax", "ay", "word"])
        for i in range(n):
            x = rng.normal(size=(int(rng.integers(2, 7)), 2))
            for row in x:
                writer.writerow([f"{path.stem}-{i}", *row, "<b>yes" if x[0, 0] > 0 else "no"])


@pytest.fixture
def folder(tmp_path, capsys):
    write_table(tmp_path / "train.csv", 31, 1)
    write_table(tmp_path / "test.csv", 17, 2)
    fit = ["fit", tmp_path / "train.csv", "--id", "who", "--label", "word", "-q"]
    fit += ["--hidden-size", "3", "--max-iter", "2", "-o", tmp_path / "model.safetensors"]
    assert run(capsys, *fit)[0] == 0
    return tmp_path


def test_page_and_numbers(folder, capsys):
    arguments = ["report", folder / "model.safetensors", folder / "test.csv"]
    arguments += ["--train", folder / "train.csv", "-o", folder / "page.html", "--title", "<i>Ours"]
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    assert "page.html" in out
    assert "page.json" in out
    page = (folder / "page.html").read_text()
    assert "<title>&lt;i&gt;Ours</title>" in page
    assert "&lt;b&gt;yes" in page
    assert "<b>yes" not in page
    facts = json.loads((folder / "page.json").read_text())
    assert facts["data"]["n_recordings"] == 17
    assert facts["training_data"]["n_recordings"] == 31
    assert facts["baselines"]["source"] == "training data"
    assert {one["id"].split("-")[0] for one in facts["recordings"]} == {"test"}
    assert [row["feature"] for row in facts["drift"]["features"]] == ["ax", "ay"]
    assert facts["date"] is None

    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert "--force replaces it" in err
    assert run(capsys, *arguments, "--force", "--date", "2024-02-29")[0] == 0
    assert "2024-02-29" in (folder / "page.html").read_text()


@pytest.mark.parametrize("name", ["page.html", "page.json"])
def test_no_other_file_is_replaced(folder, capsys, name):
    (folder / name).write_text("precious")
    arguments = ["report", folder / "model.safetensors", folder / "test.csv", "--force"]
    code, _, err = run(capsys, *arguments, "-o", folder / "page.html")
    assert code == 2
    assert f"{name}: exists and is not a report" in err
    assert (folder / name).read_text() == "precious"


def test_no_input_is_replaced(folder, capsys):
    before = (folder / "test.csv").read_bytes()
    model, data = folder / "model.safetensors", folder / "test.csv"
    code, _, err = run(capsys, "report", model, data, "--force", "-o", data)
    assert code == 2
    assert "name it test.html" in err
    assert (folder / "test.csv").read_bytes() == before


def test_data_without_labels(folder, capsys):
    rows = (folder / "test.csv").read_text().split()
    (folder / "bare.csv").write_text("\n".join(row.rpartition(",")[0] for row in rows) + "\n")
    code, _, err = run(capsys, "report", folder / "model.safetensors", folder / "bare.csv")
    assert code == 2
    assert "bare.csv" in err
    assert "word" in err
