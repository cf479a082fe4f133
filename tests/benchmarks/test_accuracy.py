"""What `benchmarks.accuracy` keeps, forgets and says of scores; next to nothing is fitted here."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import sets
from benchmarks.accuracy import contestants, published, record, sheets
from benchmarks.accuracy.__main__ import jobs_of
from benchmarks.accuracy.contestants import Job
from benchmarks.tables import PAGES, rewrite
from elman import RNNClassifier

MACHINE = {
    "cpu": "a CPU",
    "cores": 3,
    "system": "Linux",
    "python": "3.11",
    "versions": {"elman": "0"},
    "date": "2000-01-02",
}
ABOUT = {"source": "abc", "settings": {"minutes": 5.0}}


def of_seeds(*scores, **more):
    about = {"seconds": 0.5, "wall": 0.7, "deltas": 1, "stride": 4, "n_epochs": 60, "n_steps": 180}
    return {str(i): {"score": score, **about, **more} for i, score in enumerate(scores)}


def data(y_test, kind="classification", y_train=("b", "a", "b")):
    return sets.DataSet("some", kind, [None] * 3, np.array(y_train), [None] * 4, np.array(y_test))


def cells(sheet, name):
    row = next(row for row in sheet.rows if row[0] == name)
    return dict(zip(sheet.headings, row, strict=True))


class TestScores:
    def test_accuracy_in_per_cent(self):
        assert contestants.score(data(["a", "b", "b", "b"]), ["a", "b", "a", "a"]) == 50.0

    def test_r_squared_in_per_cent_as_scikit_learn_has_it(self):
        from sklearn.metrics import r2_score

        y, answers = [1.0, 2.0, 4.0, 9.0], np.array([[1.5], [2.0], [3.0], [5.0]])
        found = contestants.score(data(y, "regression", (1.0, 2.0)), answers)
        assert found == pytest.approx(100 * r2_score(y, answers[:, 0]))

    def test_steps_are_of_the_batches_that_auto_chose(self):
        X, y = np.zeros((34, 3, 1)), np.arange(34) % 2
        model = RNNClassifier(2, batch_size="auto", max_iter=2, n_jobs=1).fit(X, y)
        assert contestants.chosen(model, 34)["n_steps"] == 2 * 5

    def test_no_model_answers_the_commonest_class_or_the_mean(self):
        predict, _ = contestants.constant(data(["a"]), 0)
        assert predict([None] * 2).tolist() == ["b", "b"]
        predict, _ = contestants.constant(data([1.0], "regression", (1.0, 2.0, 6.0)), 0)
        assert predict([None] * 2).tolist() == [3.0, 3.0]

    @pytest.mark.parametrize("kind", ["classification", "regression"])
    @pytest.mark.parametrize("contestant", contestants.WITHOUT_SEED)
    def test_linear_models_answer_both_kinds(self, contestant, kind, rng):
        X = rng.normal(size=(17, 11, 2))
        y = X[:, -1, 0] if kind == "regression" else np.where(X[:, -1, 0] > 0, "up", "down")
        some = sets.DataSet("some", kind, X[:12], y[:12], X[12:], y[12:])
        predict, _ = contestants.CONTESTANTS[contestant](some, 0)
        assert np.shape(np.ravel(predict(some.X_test))) == (5,)


class TestJobs:
    def test_a_contestant_without_a_seed_runs_once(self):
        jobs = jobs_of(["untouched", "constant"], ["Coffee"], 3)
        assert [(job.contestant, job.seed) for job in jobs] == [
            *(("untouched", seed) for seed in range(3)),
            ("constant", 0),
        ]

    def test_costly_sets_come_first(self):
        jobs = jobs_of(["torch"], ["Coffee", "OSULeaf", "ACSF1"], 1)
        assert [job.name for job in jobs] == ["ACSF1", "OSULeaf", "Coffee"]


class TestRecord:
    def test_every_score_is_kept_in_the_order_of_seeds(self, tmp_path):
        path = tmp_path / "new" / "accuracy.json"
        kept = record.Record(path, ABOUT)
        for seed in (10, 2, 9):
            kept.add(Job("untouched", "Coffee", seed), {"score": seed}, MACHINE)
        again = record.Record(path, ABOUT)
        assert list(again.scores["untouched"]["Coffee"]) == ["2", "9", "10"]
        assert Job("untouched", "Coffee", 9) in again
        assert Job("untouched", "Coffee", 1) not in again
        assert Job("untouched", "Trace", 9) not in again
        assert Job("torch", "Coffee", 9) not in again

    @pytest.mark.parametrize(
        "other", [{"source": "abd"}, {"settings": {"minutes": 4.0}}], ids=["source", "settings"]
    )
    def test_scores_of_another_version_are_forgotten_and_counted(self, tmp_path, other):
        path = tmp_path / "accuracy.json"
        kept = record.Record(path, ABOUT)
        kept.add(Job("untouched", "Coffee", 0), {"score": 1.0}, MACHINE)
        kept.add(Job("untouched", "Trace", 1), {"score": 1.0}, MACHINE)
        again = record.Record(path, ABOUT | other)
        assert (again.scores, again.n_forgotten) == ({}, 2)

    def test_a_digest_changes_with_bytes_and_names(self, tmp_path):
        folder = tmp_path / "src"
        folder.mkdir()
        digests = set()
        for name, text in (("a.py", "1"), ("a.py", "2"), ("b.py", "2")):
            (folder / name).write_text(text)
            digests.add(record.digest(["src/*.py"], tmp_path))
            (folder / name).unlink()
        assert len(digests) == 3

    @pytest.mark.parametrize("stem", record.SOURCES)
    def test_each_pattern_of_a_source_finds_a_file(self, stem):
        for pattern in record.SOURCES[stem]:
            assert any(record.ROOT.glob(pattern)), pattern

    def test_a_run_on_test_splits_is_written_down(self, tmp_path):
        path = tmp_path / "runs.jsonl"
        jobs = [Job("untouched", "Coffee", 1), Job("untouched", "Coffee", 0)]
        for _ in range(2):
            record.note_run([*jobs, Job("untouched", "bumps", 7)], path)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert len(lines) == 2
        for line in lines:
            assert line["sets"] == ["Coffee"]
            assert line["seeds"] == [0, 1]
            assert line["contestants"] == ["untouched"]
            assert set(line) == {"date", "commit", "changed", "sets", "seeds", "contestants"}

    def test_made_sets_alone_are_no_look_at_a_test_split(self, tmp_path):
        record.note_run([Job("untouched", "bumps", 0)], tmp_path / "runs.jsonl")
        assert not (tmp_path / "runs.jsonl").exists()


class TestSheets:
    def test_the_mean_is_of_ten_seeds_also_where_more_were_run(self):
        kept = {"untouched": {"GunPoint": of_seeds(*[98.0] * 10, 10.0)}}
        row = cells(sheets.untouched(kept), "GunPoint")
        assert (row["mean"], row["worst"], row["met"]) == ("98.00", "98.00", "yes")
        row = cells(sheets.worst_seeds(kept), "GunPoint")
        assert (row["seeds"], row["worst"], row["within 10 points"]) == ("11", "10.00", "**no**")

    def test_r_squared_is_shown_as_it_is_written(self):
        kept = {"untouched": {"Tecator": of_seeds(94.0, 97.0)}}
        row = cells(sheets.untouched(kept), "Tecator, R^2")
        assert [row[n] for n in ("mean", "worst", "best", "target", "met")] == [
            *("0.955", "0.940", "0.970", "0.95", "yes")
        ]

    def test_what_was_chosen_is_shown_and_that_seeds_differ(self):
        kept = {"untouched": {"Coffee": of_seeds(99.0, 99.0)}}
        kept["untouched"]["Coffee"]["1"]["n_epochs"] = 61
        row = cells(sheets.untouched(kept), "Coffee")
        assert (row["deltas"], row["stride"], row["epochs"]) == ("1", "4", "60 or 61")

    def test_a_target_is_missed_by_ten_seeds_only(self):
        kept = {"untouched": {"Coffee": of_seeds(*[98.0] * 10), "Trace": of_seeds(*[98.0] * 9)}}
        assert sheets.missed(kept) == ["Coffee"]

    def test_no_worse_is_within_two_standard_errors_of_the_difference(self):
        ours, theirs = of_seeds(90.0, 92.0, 94.0), of_seeds(93.0, 95.0, 97.0)
        kept = {"untouched": {"OSULeaf": ours}, "torch": {"OSULeaf": theirs}}
        # each standard error is 2 / sqrt(3), and twice that of the difference 3.27
        assert cells(sheets.rivals(kept), "OSULeaf")["no worse than it"] == "yes"
        kept["torch"]["OSULeaf"] = of_seeds(93.5, 95.5, 97.5)
        assert cells(sheets.rivals(kept), "OSULeaf")["no worse than it"] == "**no**"
        kept["torch"] = {}
        assert cells(sheets.rivals(kept), "OSULeaf")["no worse than it"] == "-"

    @pytest.mark.parametrize(("linear", "said"), [(91.0, True), (89.0, False)])
    def test_a_linear_model_that_wins_is_named(self, linear, said):
        kept = {"untouched": {"ArrowHead": of_seeds(90.0)}}
        kept["ten points"] = {"ArrowHead": of_seeds(linear)}
        sheet = sheets.rivals(kept)
        assert cells(sheet, "ArrowHead")["linear, ten points"] == f"{linear:.2f}"
        assert ("better than the untouched network on ArrowHead" in sheet.notes) == said

    def test_a_published_figure_above_ours_is_named_unless_tuning_reaches_it(self):
        kept = {"untouched": {"OSULeaf": of_seeds(70.0), "digits": of_seeds(90.0)}}
        said = "Published figures above ours, untouched and tuned: ROCKET on OSULeaf."
        assert sheets.horizon(kept).notes.startswith(said)
        assert [row[0] for row in sheets.horizon(kept).rows] == ["OSULeaf"]
        kept["tuned"] = {"OSULeaf": of_seeds(95.0)}
        assert "above ours" not in sheets.horizon(kept).notes

    def test_what_tuning_changed_and_gained(self):
        changes = {"cell": "'gru'", "deltas": "1"}
        kept = {"tuned": {"Tecator": of_seeds(97.5, settings=changes)}}
        row = cells(sheets.tuned(kept), "Tecator, R^2")
        assert (row["tuned"], row["gain"]) == ("0.975", "-")
        kept["untouched"] = {"Tecator": of_seeds(95.0, 94.0)}
        row = cells(sheets.tuned(kept), "Tecator, R^2")
        assert row["gain"] == "+0.030"
        assert row["what tuning changed (first seed)"] == "cell='gru', deltas=1"
        kept["tuned"]["Tecator"]["0"]["settings"] = {}
        assert sheets.tuned(kept).rows[0][-1] == "nothing"

    def test_a_held_out_set_is_marked(self):
        kept = {"untouched": {"ACSF1": of_seeds(50.0)}}
        assert sheets.untouched(kept).rows[0][0] == "ACSF1 (held out)"

    def test_a_network_of_a_library_is_set_against_the_last_of_ours_above_it(self):
        ours, theirs, gru = "ElmanClassifier", "sktime's GRUClassifier", "ElmanClassifier, one GRU"
        kept = {
            theirs: {"JapaneseVowels": of_seeds(40.0, 60.0, alone=0.25)},
            ours: {"JapaneseVowels": of_seeds(97.0, 99.0, seconds=0.25, alone=0.0)},
            gru: {"JapaneseVowels": of_seeds(95.0, seconds=0.125)},
            f"{theirs}, one GRU": {"JapaneseVowels": of_seeds(90.0)},
            "aeon's RecurrentRegressor": {"Tecator": of_seeds(50.0)},
        }
        rows = sheets.in_libraries(kept).rows
        assert [row[0].partition(": ")[2] for row in rows] == [
            *(ours, theirs, gru, f"{theirs}, one GRU", "aeon's RecurrentRegressor")
        ]
        assert [row[3] for row in rows] == ["-", "2.0", "-", "4.0", "-"]
        assert [row[4] for row in rows] == ["0e+00", "2e-01", "-", "-", "-"]
        assert rows[0][1] == "98.00 ± 1.00"

    def test_nothing_is_made_of_nothing(self, tmp_path):
        assert sheets.sheets(tmp_path) == []
        assert [sheets.section(name, tmp_path) for name in sheets.SECTIONS] == [None] * len(
            sheets.SECTIONS
        )

    def test_a_section_joins_the_files(self, tmp_path):
        for stem, contestant in (("accuracy", "untouched"), ("accuracy-torch", "torch")):
            scores = {contestant: {"Trace": of_seeds(99.0, 98.0)}}
            whole = {"machine": MACHINE | {"versions": {stem: "1"}}, "scores": scores}
            (tmp_path / f"{stem}.json").write_text(json.dumps(whole))
        text = sheets.section("accuracy-rivals", tmp_path)
        assert "| Trace | 98.50 ± 0.50 | - | 98.50 ± 0.50 | yes |" in text
        assert "accuracy 1;" in text
        assert "accuracy-torch 1;" in text
        assert "accuracy-torch 1;" not in sheets.section("accuracy", tmp_path)


def test_targets_and_published_figures_are_of_sets_that_there_are():
    known = {*sets.PUBLIC, *sets.HELD_OUT}
    assert set(sheets.TARGETS) <= known
    for sources in published.METHODS.values():
        for source in sources:
            assert set(source.scores) <= known
            assert all(0 < score <= 100 for score in source.scores.values())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_section_of_a_page_has_a_source(page, tmp_path):
    text, renewed, left = rewrite(page.read_text(), tmp_path)
    assert (text, renewed) == (page.read_text(), [])
    assert len(left) == text.count("<!-- figures:")
