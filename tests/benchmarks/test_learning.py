"""What `benchmarks.learning` keeps and shows, and that every linear model can be fitted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import learning, learning_linear, learning_table, learning_tasks
from benchmarks.learning_linear import CANDIDATES
from benchmarks.learning_tasks import TASKS, Split
from elman import RNNClassifier, RNNRegressor, RNNTagger

MACHINE = {
    "cpu": "a CPU",
    "cores": 3,
    "system": "Linux",
    "python": "3.11",
    "versions": {"numpy": "0"},
    "date": "2000-01-02",
}


def task(name):
    return next(task for task in TASKS if task.name == name)


def test_scores_of_tasks_that_stayed_the_same_are_not_forgotten():
    written = json.loads(learning.PATH.read_text())["rows"]
    kept = {(row["task"], row["cell"]): row for row in learning.recorded()["rows"]}
    for row in written:
        assert kept[row["task"], row["cell"]] == row


def test_each_task_has_the_estimator_of_its_answers():
    assert task("parity").estimator is RNNClassifier
    assert task("adding problem").estimator is RNNRegressor
    assert task("tags of words").estimator is RNNTagger


def test_accuracy_is_of_samples_or_of_steps():
    answers, y = [["x", "y", "x"], ["x"]], [["x", "x", "x"], ["y"]]
    assert learning.accuracy(task("tags of words"), answers, y) == 50.0
    assert learning.accuracy(task("language of a word"), ["de", "en", "de"], ["de"] * 3) == (
        pytest.approx(200 / 3)
    )


def test_codons_are_read_from_the_first_letter_on():
    assert learning_tasks.codons("ATGCCNTA") == ["ATG", "CCN"]
    assert learning_tasks.codons("AT") == []


def test_a_group_belongs_to_one_side_of_a_split():
    groups = [i // 3 for i in range(60)]
    y = ["b" if group % 2 else "a" for group in groups]
    train, test = learning_tasks.fifth(y, groups, 0)
    assert sorted([*train, *test]) == list(range(60))
    assert len(test) == 12
    assert not {groups[i] for i in train} & {groups[i] for i in test}


def test_linear_models_are_of_tasks_of_symbols():
    for each in TASKS:
        assert (each.linear is not None) == ("embedding_size" in each.settings)
        assert each.linear is None or each.linear in CANDIDATES


@pytest.mark.parametrize(
    ("of", "candidate"),
    [(of, each) for of, candidates in CANDIDATES.items() for each in candidates],
    ids=str,
)
def test_every_linear_model_tells_apart_what_it_counts(of, candidate, rng):
    def sequence(kind):
        symbols = {"letters": "ab", "codons": ["AAT", "GGC"]}.get(of, ["ab", "cd"])
        drawn = [symbols[i] for i in rng.choice(2, 9, p=[0.9, 0.1] if kind else [0.1, 0.9])]
        return "".join(drawn) if of == "letters" else drawn

    kinds = np.arange(20) % 2
    X = [sequence(kind) for kind in kinds]
    y = [["yes" if symbol == "ab" else "no" for symbol in x] for x in X]
    y = y if of == "windows" else kinds.tolist()
    assert learning_linear._scored(candidate, Split(X, y, X[:7], y[:7])) == 100.0


def test_names_of_candidates_differ():
    for candidates in CANDIDATES.values():
        assert len({str(candidate) for candidate in candidates}) == len(candidates)


def test_a_window_ends_with_the_sentence():
    assert learning_linear.windows([["a", "b", "c", "d"], ["e"]])[1:] == [
        ["-1 a", "+0 b", "+1 c", "+2 d"],
        ["-2 a", "-1 b", "+0 c", "+1 d"],
        ["-2 b", "-1 c", "+0 d"],
        ["+0 e"],
    ]


class TestResume:
    """Of a task with two candidates, of which the second is better."""

    def run(self, monkeypatch, tmp_path, *, resume, about="so"):
        asked = []

        def scored(candidate, data):
            asked.append((candidate.C, len(data.X_train)))
            if fails and len(asked) > 2:
                raise KeyboardInterrupt
            return candidate.C

        fails = not resume
        monkeypatch.setattr(learning_linear, "PATH", tmp_path / "linear.json")
        monkeypatch.setattr(learning_linear, "_scored", scored)
        pair = [learning_linear.Candidate("n", "counts", {}, C) for C in (3.0, 50.0)]
        monkeypatch.setitem(CANDIDATES, "letters", pair)
        split = Split(["a"] * 12, [0, 1] * 6, ["b"], [1])
        given = task("language of a word")._replace(data=lambda seed: split, about=about)
        try:
            learning_linear.run([given], resume=resume)
        except KeyboardInterrupt:
            assert fails
        found = json.loads((tmp_path / "linear.json").read_text())["tasks"][given.name]
        return asked, found

    def test_a_run_goes_on_at_the_fold_where_it_was_ended(self, monkeypatch, tmp_path):
        asked, found = self.run(monkeypatch, tmp_path, resume=False)
        assert asked == [(3.0, 8)] * 3
        assert list(found["tried"].values()) == [[3.0, 3.0]]
        asked, found = self.run(monkeypatch, tmp_path, resume=True)
        assert asked == [(3.0, 8), *[(50.0, 8)] * 3, (50.0, 12)]
        assert (found["chosen"], found["scores"]) == ("counts of n, C=50", {"0": 50.0})
        asked, _ = self.run(monkeypatch, tmp_path, resume=True)
        assert asked == []

    def test_figures_of_another_task_are_not_gone_on_with(self, monkeypatch, tmp_path):
        self.run(monkeypatch, tmp_path, resume=False)
        asked, _ = self.run(monkeypatch, tmp_path, resume=True, about="otherwise")
        assert len(asked) == 7


LINEAR = {
    "words": {
        "about": "so",
        "chosen": "a model",
        "scores": {"0": 88.0},
        "limits": {},
    },
    "tags": {
        "about": "and so",
        "chosen": "another",
        "scores": {"0": 70.0, "1": 72.0},
        "limits": {"0": 90.0, "1": 91.0},
    },
}


class TestTable:
    def row(self, name, cell, ours, torch=()):
        scores = [{str(i): s for i, s in enumerate(of)} for of in (ours, torch)]
        return {"task": name, "cell": cell, "scores": dict(zip(("elman", "torch"), scores))}  # noqa: B905

    def test_the_better_cell_stands_beside_the_linear_model(self):
        rows = [
            self.row("words", "gru", [87.0, 87.0], [86.0]),
            self.row("words", "lstm", [85.0, 86.0], [87.0]),
            self.row("tags", "gru", [80.0, 80.0]),
        ]
        sheet = learning_table.linear_sheet(LINEAR, rows)
        assert sheet.rows == [
            [
                "words: so",
                "a model",
                "88.00",
                "87.00 ± 0.00 (gru)",
                "87.00 ± 0.00 (lstm)",
                "-",
                "linear",
            ],
            [
                "tags: and so",
                "another",
                "71.00 ± 1.00",
                "80.00 ± 0.00 (gru)",
                "-",
                "90.50",
                "elman",
            ],
        ]
        assert sheet.notes == "The linear model is better on: words."

    def test_nothing_is_said_of_networks_that_were_not_trained(self, tmp_path):
        assert learning_table.linear_section(tmp_path) is None
        path = tmp_path / "learning-linear.json"
        path.write_text(json.dumps({"machine": MACHINE, "tasks": LINEAR}))
        text = learning_table.linear_section(tmp_path)
        assert "| words: so | a model | 88.00 | - | - | - | - |" in text
        assert "better on" not in text
