"""Logs in text files hold every epoch of every run once, and nothing they held is lost."""

from __future__ import annotations

import copy
import csv
import json
import os
import pickle

import pytest
from helpers.sequence_data import make_samples
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.callbacks import CSVLog, JSONLinesLog, StopBelow, logs
from elman.models.history import History

LOGS = [(CSVLog, "history.csv"), (JSONLinesLog, "history.jsonl")]
both = pytest.mark.parametrize(("log", "name"), LOGS)


@pytest.fixture
def samples(rng):
    return make_samples(rng, 23, "ragged")


def quick(log, **options):
    return RNNClassifier(3, **{"max_iter": 3, "random_state": 0, "on_epoch": log, **options})


def rows_in(path):
    """Rows as dicts; of CSV with numbers for texts and None for empty cells."""
    if str(path).endswith(".jsonl"):
        return [json.loads(line) for line in path.read_text().splitlines()]
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(None not in row and None not in row.values() for row in rows)
    return [{name: float(text) if text else None for name, text in row.items()} for row in rows]


def places(path):
    """Run and epoch of each row."""
    return [(row["run"], row["epoch"]) for row in rows_in(path)]


class KilledError(Exception):
    pass


def killed_after(n, log):
    """The log, and after epoch n an end without a checkpoint."""

    def hook(epoch):
        log(epoch)
        if epoch.epoch == n:
            raise KilledError

    return hook


@both
@pytest.mark.parametrize("kind", ["classifier", "tagger", "regressor"])
def test_it_holds_the_history(rng, samples, tmp_path, log, name, kind):
    X, y = samples
    if kind == "tagger":
        y = [rng.integers(0, 2, len(x)) for x in X]
    if kind == "regressor":
        y = rng.normal(size=len(X))
    estimator_class = {"classifier": RNNClassifier, "tagger": RNNTagger, "regressor": RNNRegressor}
    path = tmp_path / name
    options = {"max_iter": 5, "random_state": 0, "early_stopping": kind == "tagger"}
    estimator = estimator_class[kind]((3, 2), on_epoch=log(path), **options).fit(X, y)
    rows = rows_in(path)
    columns = estimator.history_.to_dict()
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert {"spectral_radius.recurrent0", "spectral_radius.recurrent1"} <= set(columns)
    for column, values in columns.items():
        assert [row[column] for row in rows] == values, column
    assert None in columns["saturated"]
    assert (rows[0]["validation_loss"] is None) == (kind != "tagger")


@both
def test_a_second_fit_is_a_second_run(samples, tmp_path, log, name):
    clf = quick(log(tmp_path / name)).fit(*samples)
    first = (tmp_path / name).read_bytes()
    clf.fit(*samples)
    quick(log(tmp_path / name), max_iter=1).fit(*samples)
    assert places(tmp_path / name) == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1)]
    assert (tmp_path / name).read_bytes().startswith(first)


@both
def test_a_fit_from_a_checkpoint_goes_on_with_its_run(samples, tmp_path, log, name):
    path = tmp_path / name
    options = {"max_iter": 7, "checkpoint": tmp_path / "kept", "checkpoint_epochs": 2}
    quick(log(path), max_iter=2).fit(*samples)  # another one, before and after
    with pytest.raises(KilledError):
        quick(killed_after(5, log(path)), **options).fit(*samples)
    quick(log(path), max_iter=3, random_state=1).fit(*samples)
    assert places(path)[2:7] == [(2, n) for n in range(1, 6)]
    clf = quick(log(path), **options).fit(*samples)  # from epoch 4
    of_run = [row for row in rows_in(path) if row["run"] == 2]
    assert [row["epoch"] for row in of_run] == [1, 2, 3, 4, 5, 6, 7]
    assert [row["loss"] for row in of_run] == clf.loss_curve_
    assert len(rows_in(path)) == 2 + 7 + 3
    quick(log(path), **options).fit(*samples)  # it is finished
    assert len(rows_in(path)) == 2 + 7 + 3


@both
def test_a_log_that_begins_late_has_the_epochs_before(samples, tmp_path, log, name):
    options = {"max_iter": 5, "checkpoint": tmp_path / "kept"}
    with pytest.raises(KilledError):
        quick(killed_after(3, lambda epoch: None), **options).fit(*samples)
    quick(log(tmp_path / name), **options).fit(*samples)
    assert places(tmp_path / name) == [(1, n) for n in range(1, 6)]


@both
def test_epochs_that_come_out_otherwise_are_another_run(samples, tmp_path, log, name):
    options = {"max_iter": 5, "checkpoint": tmp_path / "kept", "checkpoint_epochs": 2}
    with pytest.raises(KilledError):
        quick(killed_after(3, log(tmp_path / name)), **options).fit(*samples)
    follow = log(tmp_path / name)

    def slower(epoch):
        follow(epoch)
        epoch.learning_rate = 1e-5

    with pytest.raises(KilledError):
        quick(killed_after(5, slower), **options).fit(*samples)
    clf = quick(slower, **options).fit(*samples)
    rows = rows_in(tmp_path / name)
    assert [row["loss"] for row in rows if row["run"] == rows[-1]["run"]] == clf.loss_curve_
    for run in {row["run"] for row in rows}:
        epochs = [row["epoch"] for row in rows if row["run"] == run]
        assert epochs == list(range(1, len(epochs) + 1))


@both
def test_partial_fit_goes_on_with_the_run(samples, tmp_path, log, name):
    path = tmp_path / name
    clf, other = (quick(log(path), max_iter=2, random_state=seed) for seed in (0, 1))
    clf.fit(*samples)
    other.fit(*samples)
    clf.partial_fit(*samples).partial_fit(*samples)
    again = pickle.loads(pickle.dumps(other)).partial_fit(*samples)
    assert places(path)[4:] == [(1, 3), (1, 4), (2, 3)]
    assert [row["loss"] for row in rows_in(path) if row["run"] == 2] == again.loss_curve_
    clf.set_params(warm_start=True).fit(*samples)
    assert places(path)[7:] == [(1, 5), (1, 6)]


@both
def test_partial_fit_from_the_beginning(samples, tmp_path, log, name):
    clf = quick(log(tmp_path / name))
    for _ in range(3):
        clf.partial_fit(*samples, classes=["down", "up"])
    assert places(tmp_path / name) == [(1, 1), (1, 2), (1, 3)]


@both
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_grid_search(samples, tmp_path, log, name, n_jobs):
    grid = {"alpha": [0.0, 0.1], "max_iter": [2, 3]}
    search = GridSearchCV(quick(log(tmp_path / name)), grid, cv=2, n_jobs=n_jobs, refit=False)
    search.fit(*samples)
    found = places(tmp_path / name)
    assert len(found) == len(set(found)) == 2 * 2 * (2 + 3)
    lengths = sorted(sum(run == n for run, _ in found) for n in {run for run, _ in found})
    assert lengths == [2] * 4 + [3] * 4


def test_other_columns_are_refused(samples, tmp_path):
    path = tmp_path / "history.csv"
    quick(CSVLog(path)).fit(*samples)
    before = path.read_bytes()
    clf = quick(CSVLog(path), n_layers=2)
    with pytest.raises(ValueError, match=r"history\.csv: has other columns .* lacks spectral_rad"):
        clf.fit(*samples)
    assert path.read_bytes() == before
    quick(CSVLog(path)).fit(*samples)


def test_json_lines_may_have_other_columns(samples, tmp_path):
    path = tmp_path / "history.jsonl"
    quick(JSONLinesLog(path), max_iter=1).fit(*samples)
    quick(JSONLinesLog(path), max_iter=1, n_layers=2).fit(*samples)
    one, two = rows_in(path)
    assert set(two) - set(one) == {"spectral_radius.recurrent1"}


@both
@pytest.mark.parametrize("content", ["a,b\n1,2\n", "a,b\n1,2", '{"a": 1}\n', "run", "\0\xff\n"])
def test_a_file_of_another_kind_is_left_as_it_is(samples, tmp_path, log, name, content):
    path = tmp_path / name
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=f"{name}: .*left as it is"):
        quick(log(path)).fit(*samples)
    with pytest.raises(ValueError, match=f"{name}: .*left as it is"):
        log(path).check()
    assert path.read_bytes() == content.encode("latin-1")


@both
@pytest.mark.parametrize("path", [1, None, b"log", 0.5])
def test_a_path_is_text_or_a_path(log, name, path):
    with pytest.raises(TypeError, match=f"{log.__name__}.*pass the name of a file"):
        log(path)


@both
def test_a_pipe_or_a_device_is_no_log(samples, tmp_path, log, name):
    os.mkfifo(tmp_path / name)
    for path in (tmp_path / name, "/dev/zero"):  # of which reading never ends
        with pytest.raises(ValueError, match="not a file of a disk"):
            quick(log(path)).fit(*samples)
        with pytest.raises(ValueError, match="not a file of a disk"):
            log(path).check()


@both
def test_fits_side_by_side_with_one_log_have_a_run_each(samples, tmp_path, log, name):
    follow = log(tmp_path / name)

    def another(epoch):
        if epoch.epoch == 2:
            quick(follow).fit(*samples)

    quick([another, follow]).fit(*samples)
    assert sorted(places(tmp_path / name)) == [(run, n) for run in (1, 2) for n in (1, 2, 3)]


@both
def test_a_disk_that_becomes_full_ends_no_training(samples, tmp_path, log, name, monkeypatch):
    full = {2, 3}

    def write(file, content, whole=logs._write):
        if seen[-1] in full:
            raise OSError(28, "No space left on device")
        whole(file, content)

    seen = []
    follow = [lambda epoch: seen.append(epoch.epoch), log(tmp_path / name)]
    monkeypatch.setattr(logs, "_write", write)
    with pytest.warns(
        UserWarning, match=f"{name}: epoch 2 could not be written .*No space"
    ) as said:
        clf = quick(follow, max_iter=5).fit(*samples)
    assert len(said) == 1
    assert clf.n_iter_ == 5
    assert places(tmp_path / name) == [(1, n) for n in range(1, 6)]
    full.add(1)
    with pytest.raises(OSError, match="No space"):
        quick(follow).fit(*samples)


@both
def test_a_last_row_that_is_not_whole(samples, tmp_path, log, name):
    path = tmp_path / name
    quick(log(path)).fit(*samples)
    whole = path.read_bytes()
    path.write_bytes(whole.rstrip(b"\n"))  # as an editor leaves it
    quick(log(path), max_iter=1).fit(*samples)
    assert path.read_bytes().startswith(whole)
    assert places(path) == [(1, 1), (1, 2), (1, 3), (2, 1)]
    path.write_bytes(whole[:-40])  # as a full disk leaves it
    log(path).check()
    quick(log(path), max_iter=1).fit(*samples)
    assert places(path) == [(1, 1), (1, 2), (2, 1)]


@both
def test_a_file_that_is_taken_away_is_begun_again(samples, tmp_path, log, name):
    follow = log(tmp_path / name)

    def hook(epoch):
        follow(epoch)
        if epoch.epoch == 2:
            (tmp_path / name).unlink()

    quick(hook).fit(*samples)
    assert places(tmp_path / name) == [(1, 1), (1, 2), (1, 3)]


@both
def test_a_process_that_is_not_the_writer_writes_nothing(samples, tmp_path, log, name):
    follow = log(tmp_path / name)

    def hook(epoch):
        epoch.is_writer = False
        follow(epoch)

    quick(hook).fit(*samples)
    assert not (tmp_path / name).exists()


@both
def test_numbers_that_are_not_finite(samples, tmp_path, log, name):
    follow = log(tmp_path / name)

    def hook(epoch):
        epoch.history.gradient_norm[-1] = float("inf")
        follow(epoch)

    quick(hook, max_iter=1).fit(*samples)
    expected = None if name.endswith("jsonl") else float("inf")
    assert rows_in(tmp_path / name)[0]["gradient_norm"] == expected


@both
def test_copies_carry_no_fit(samples, tmp_path, log, name):
    follow = log(tmp_path / name)
    clf = quick(follow).fit(*samples)
    for copied in (clone(clf).on_epoch, copy.deepcopy(follow), pickle.loads(pickle.dumps(follow))):
        assert copied == follow
        assert copied._run.newest is None
    assert follow != log(tmp_path / "other")
    assert repr(follow) == f"{log.__name__}(path={tmp_path / name!r})"
    assert repr(clf).count("\n") <= 2


def test_every_column_of_the_history_is_there(samples, tmp_path):
    quick(CSVLog(tmp_path / "history.csv"), max_iter=1).fit(*samples)
    header = (tmp_path / "history.csv").read_text().splitlines()[0].split(",")
    named = [name.partition(".")[0] for name in header]
    assert named == ["run", *History.columns()]


def test_several_callbacks_at_once(samples, tmp_path):
    hooks = [CSVLog(tmp_path / "history.csv"), StopBelow(100.0), JSONLinesLog(tmp_path / "h.jsonl")]
    clf = clone(quick(hooks))
    assert clf.on_epoch == hooks
    assert clf.fit(*samples).history_.stopped_by == "on_epoch"
    assert places(tmp_path / "history.csv") == places(tmp_path / "h.jsonl") == [(1, 1)]
