"""Sequences that the speed of symbols is measured on, and the tables of what was measured."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.options import Options
from benchmarks.parts import symbols
from benchmarks.symbol_contestants import (
    BATCH,
    CASES,
    CHARACTERS,
    DNA,
    Contestant,
    Problem,
    as_text,
    sequences_of,
)


def timing(name, threads, median):
    return {"name": name, "threads": threads, "median": median, "low": median, "high": median}


def row(**kinds):
    """Of one case and cell; each kind is a list of (name, threads, seconds)."""
    made = {kind: [timing(*each) for each in timings] for kind, timings in kinds.items()}
    differences = {"logits": 1e-7, "gradients": 2e-6, "probabilities": 1e-8}
    named = {f"{what}_difference": value for what, value in differences.items()}
    return {"case": "some", "name": "DNA", "cell": "gru", **named, **made}


class TestSheets:
    TIMINGS = (
        ("elman avx512", 1, 2.0),
        ("elman avx512", 2, 1.0),
        ("elman, from text", 1, 0.5),
        ("elman avx512, dense one-hot", 1, 3.0),
        ("elman avx512, dense one-hot", 2, 0.1),
        ("PyTorch, packed", 1, 12.0),
        ("PyTorch, padded", 1, 10.0),
        ("PyTorch, packed", 2, 7.0),
        ("PyTorch, padded", 2, 9.0),
    )

    def cells(self, kind, rows):
        sheet = symbols._sheet(rows, kind, "")
        assert all(len(line) == len(sheet.headings) for line in sheet.rows)
        return dict(zip(sheet.headings, sheet.rows[0], strict=True))

    def test_the_better_way_of_pytorch_is_set_against_ours_at_the_same_threads(self):
        found = self.cells("epoch", [row(epoch=self.TIMINGS)])
        assert found["PyTorch / elman, 1 thread"] == "5.00"
        assert found["packed / elman, 1 thread"] == "6.00"
        assert found["best / best"] == "7.00"
        assert found["goal"] == "≥ 5"
        assert found["dense / elman, 1 thread"] == "1.50 (≥ 1.3)"
        assert found["difference"] == "2e-06"
        assert found["elman, from text 1"] == "500 ms ±0%"

    def test_keras_has_columns_where_it_ran_and_is_set_against_our_better_number_of_threads(self):
        without, keras = row(epoch=self.TIMINGS), ("Keras", 0, 4.0)
        found = self.cells("epoch", [row(epoch=[*self.TIMINGS, keras]), without])
        assert found["Keras"] == "4 s ±0%"
        assert found["Keras / elman"] == "4.00"
        assert found["PyTorch / elman, 1 thread"] == "5.00"
        assert found["best / best"] == "7.00"
        assert not any("Keras" in heading for heading in self.cells("epoch", [without]))

    def test_of_a_quick_run_pytorch_has_one_thread_and_words_no_dense_path(self):
        few = [t for t in self.TIMINGS if "dense" not in t[0] and not ("Py" in t[0] and t[1] == 2)]
        found = self.cells("predict", [row(predict=few)])
        assert found["PyTorch, packed 2"] == "-"
        assert found["best / best"] == "10.00"
        assert found["dense / elman, 1 thread"] == "-"
        assert found["difference"] == "1e-07"

    def test_a_step_of_a_stream_has_one_thread(self):
        others = ("PyTorch, padded", "elman, from text")
        steps = [t for t in self.TIMINGS if t[1] == 1 and t[0] not in others]
        found = self.cells("step", [row(step=steps)])
        assert found["PyTorch / elman, 1 thread"] == "6.00"
        assert found["dense / elman, 1 thread"] == "1.50"

    def test_everything_that_was_measured_is_shown(self):
        memory = [
            {"name": side, "cell": "gru", "extra_bytes": size, "seconds": 0.25}
            for side, size in zip(symbols.SIDES, (1e6, 2e6, 3e6, 8e6), strict=True)
        ]
        adam = [
            {"name": f"{who}, {what}", "median": m, "low": m, "high": m}
            for who, ms in (("elman", (1.0, 4.0)), ("PyTorch", (3.0, 5.0)))
            for what, m in zip(("Adam alone", "a whole step"), ms, strict=True)
        ]
        kinds = dict.fromkeys(symbols.KINDS, self.TIMINGS)
        result = {"hidden": 3, "classes": 4, "batch": 5, "rows": [row(**kinds)], "memory": memory}
        sheets = symbols.sheets(result | {"adam": {"shape": [700, 6], "rows": adam}})
        assert len(sheets) == len(symbols.KINDS) + 2
        assert [line[1:] for line in sheets[-1].rows] == [
            ["1.0 MB", "0.12", "≤ 0.2", "250 ms"],
            ["2.0 MB", "0.25", "≤ 0.2", "250 ms"],
            ["3.0 MB", "0.38", "≤ 0.2", "250 ms"],
            ["8.0 MB", "", "", "250 ms"],
        ]
        assert [line[-1] for line in sheets[-2].rows] == ["25%", "100%", "60%", "100%"]


class TestEquality:
    """Of two contestants, the second of which gives answers that are given here."""

    def contestants(self, **changes):
        gradients = {"W": np.array([[1e-3, 2e-3]]), "b": np.array([4.0])}
        answers = {
            "logits": np.array([[1.0, 0.5]]),
            "gradients": gradients,
            "step": np.array([0.5]),
        }
        both = []
        for given in (answers, answers | changes):
            both.append(
                Contestant(
                    "someone",
                    1,
                    epoch=lambda: None,
                    predict=lambda: None,
                    step=lambda symbol, given=given: given["step"],
                    logits=lambda given=given: given["logits"],
                    gradients=lambda rows, given=given: given["gradients"],
                    one_batch=lambda: None,
                )
            )
        return both

    @pytest.fixture
    def problem(self):
        class Problem:
            ids = (np.array([1, 0]),)
            case, cell = "some", "gru"

        return Problem

    def test_equal_ones_are_equal(self, problem):
        found = symbols.check_equal(self.contestants(), problem)
        assert set(found.values()) == {0.0}

    @pytest.mark.parametrize(
        "change",
        [
            {"logits": np.array([[1.0, 0.5001]])},
            {"gradients": {"W": np.array([[1.0002e-3, 2e-3]]), "b": np.array([4.0])}},
            {"step": np.array([0.5001])},
        ],
        ids=["logits", "a small gradient", "step"],
    )
    def test_what_differs_is_not_timed(self, change, problem):
        with pytest.raises(SystemExit, match=r"some, gru: .*not timed"):
            symbols.check_equal(self.contestants(**change), problem)

    def test_a_gradient_that_is_missing_is_named(self, problem):
        with pytest.raises(SystemExit, match=r"someone has gradients of \['W'\]"):
            symbols.check_equal(self.contestants(gradients={"W": np.ones((1, 2))}), problem)


@pytest.mark.parametrize("is_installed", [True, False])
def test_keras_takes_part_where_it_is_installed(is_installed, monkeypatch):
    given = {"ours": "elman", "pytorch": "PyTorch"}
    for name, title in given.items():
        monkeypatch.setattr(symbols, name, lambda *args, title=title, **kwargs: title)
    monkeypatch.setattr(symbols, "find_spec", lambda name: name == "keras" and is_installed)
    module = SimpleNamespace(keras_on_jax=lambda problem: f"Keras on {problem.case.name}")
    monkeypatch.setitem(sys.modules, "benchmarks.symbol_keras", module)
    everyone = symbols._field(make_ids(CHARACTERS), Options(quick=True))
    expected = ["elman", "elman", "PyTorch", "PyTorch"]
    assert everyone == expected + (["Keras on characters"] if is_installed else [])


def test_one_hot_columns_stand_for_the_numbers():
    ids = [np.array([2, 0]), np.array([1])]
    as_numbers, as_columns = sequences_of(ids, 0), sequences_of(ids, 4)
    batch = as_columns.batch(np.array([0, 1]))
    assert batch.X.argmax(axis=2).tolist() == [[2, 0], [1, 0]]
    assert batch.X.sum(axis=2).tolist() == [[1, 1], [1, 0]]
    assert as_numbers.batch(np.array([0, 1])).X[:, :, 0].tolist() == [[2, 0], [1, 0]]


def test_text_has_a_symbol_for_each_number():
    few = make_ids(DNA._replace(n_symbols=5))
    assert as_text(few) == ["cab", "e"]
    assert as_text(make_ids(DNA._replace(n_symbols=63))) == [["w2", "w0", "w1"], ["w4"]]


def make_ids(case):
    ids = [np.array([2, 0, 1]), np.array([4])]
    return Problem(case, "gru", ids, np.array([0, 1]), None)


def test_a_quick_run_has_fewer_samples_but_a_batch():
    for case in CASES:
        few = symbols._n_samples(case, Options(quick=True))
        assert BATCH <= few < case.n_samples == symbols._n_samples(case, Options())


def test_a_case_says_what_it_is():
    assert str(CHARACTERS) == "characters: 60 symbols, vectors of 32, 3-20 steps"
    assert str(DNA) == "DNA: 5 symbols, one-hot, 1,000 steps"
