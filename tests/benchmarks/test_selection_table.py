"""The tables that `benchmarks.selection_table` makes of what `benchmarks.selection` found."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import pytest

from benchmarks import selection, selection_table
from benchmarks.selection import summarise
from elman import RNNClassifier, RNNRegressor


def found():
    """Two rows, two sets, two folds."""
    scores = {
        "{}": {"Coffee": (90.0, 80.0), "Tecator": (-30.0, -50.0)},
        '{"deltas": 1}': {"Coffee": (82.0, 80.0), "Tecator": (90.0, 70.0)},
    }
    results = [
        {"name": name, "settings": settings, "score": score, "seconds": 1.5}
        for settings, of_sets in scores.items()
        for name, of_folds in of_sets.items()
        for score in of_folds
    ]
    return summarise(results, ["Coffee", "Tecator"], [{}, {"deltas": 1}])


def test_one_table_over_all_sets_and_one_of_each():
    over_all, each = selection_table.sheets("fronts", found(), 2)
    assert over_all.rows == [
        ["A", "the defaults of that day", "1.50", "42.5", "80.0", "3.0"],
        ["B", "deltas 1", "1.50", "80.5", "4.0", "3.0"],
    ]
    assert each.headings == ("data", "A", "B")
    assert each.rows == [
        ["Coffee", "85.0 (80)", "81.0 (80)"],
        ["Tecator", "-40.0 (-50)", "80.0 (70)"],
    ]


def test_a_row_is_said_in_words():
    row = {"readout": ["last", "max"], "steps": 300}
    assert selection_table.in_words(row) == "readout last and max, steps 300"


def test_there_are_letters_for_any_number_of_rows():
    letters = [selection_table._letter(i) for i in range(80)]
    assert letters[:2] + letters[25:28] == ["A", "B", "Z", "A2", "B2"]
    assert len(set(letters)) == 80


def test_a_section_has_every_comparison_by_name(tmp_path):
    machine = {"cpu": "a CPU", "cores": 3, "system": "Linux", "python": "3", "versions": {}}
    report = {"machine": machine | {"date": "2000-01-02"}, "repeats": 1, "rows": found()}
    assert selection_table.section(tmp_path) is None
    for name in ("steps", "gains"):
        (tmp_path / f"selection-{name}.json").write_text(json.dumps(report))
    text = selection_table.section(tmp_path)
    assert text.index("**gains: all sets**") < text.index("**steps: all sets**")
    assert "Five folds, once, more often" in text


@pytest.mark.parametrize(("size", "number"), [(None, 60), (7, 60), (32, 150), (64, 300)])
def test_steps_are_turned_into_epochs_of_the_batches_that_there_are(size, number):
    settings = {"steps": 600} | ({} if size is None else {"batch_size": size})
    found = selection._for(settings, RNNClassifier, np.arange(103))
    assert found == {"max_iter": number} | ({} if size is None else {"batch_size": size})


def test_a_change_may_be_of_one_kind_of_estimator():
    settings = {"regressor: readout": "max", "classifier: alpha": 0.1, "deltas": 1}
    assert selection._for(settings, RNNClassifier, np.arange(9)) == {"alpha": 0.1, "deltas": 1}
    assert selection._for(settings, RNNRegressor, np.arange(9)) == {"readout": "max", "deltas": 1}
