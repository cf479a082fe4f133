"""A report is written whole or not at all, and in the place of nothing but a report."""

from __future__ import annotations

import json

import pytest

import elman


@pytest.fixture
def told(cases):
    case = cases["values"]
    return elman.report(case.model, case.X, case.y, n_resamples=100)


def test_page_and_numbers_are_written(told, tmp_path):
    told.save(tmp_path / "one.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.html", "one.json"]
    assert (tmp_path / "one.html").read_text() == told.to_html()
    assert json.loads((tmp_path / "one.json").read_text()) == told.to_dict()
    told.save(tmp_path / "one.html")  # an earlier report is replaced


@pytest.mark.parametrize("name", ["one.html", "one.json"])
def test_other_files_stay(told, tmp_path, name):
    (tmp_path / name).write_text("{}")
    with pytest.raises(FileExistsError, match=f"{name}: exists and is not a report"):
        told.save(tmp_path / "one.html")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["{}"]


def test_nothing_is_computed_for_a_path_that_cannot_be_used(cases, tmp_path):
    (tmp_path / "one.json").write_text("[]")
    with pytest.raises(FileExistsError):
        elman.report(None, None, path=tmp_path / "one.html")
    with pytest.raises(ValueError, match=r"name it one\.html"):
        elman.report(None, None, path=tmp_path / "one.pdf")


def test_a_failure_leaves_what_was_there(told, tmp_path, monkeypatch):
    told.save(tmp_path / "one.html")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        told.save(tmp_path / "one.html")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_numbers_do_not_take_the_place_of_the_page(told, tmp_path):
    (tmp_path / "one.json").symlink_to(tmp_path / "one.html")
    with pytest.raises(FileExistsError, match="is a link to the page"):
        told.save(tmp_path / "one.html")
    assert not (tmp_path / "one.html").exists()
