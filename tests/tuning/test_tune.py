"""`elman.tune` as a user calls it: every kind of answers, containers, processes, limits, errors."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pandas as pd
import pytest
from helpers.sequence_data import make_samples
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GroupKFold

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.data import SequenceStore
from elman.tuning import tune as tuning
from elman.tuning.tune import tune_with_clock

pytestmark = pytest.mark.filterwarnings("ignore::elman.TrainingWarning")

SMALL = {"hidden_size": 3, "max_iter": 3, "batch_size": 5}
QUICK = {"cv": 2, "n_jobs": 1, "random_state": 0, "verbose": 0}


@pytest.fixture(autouse=True)
def all_cores(monkeypatch):
    """A Dask cluster of another test may have left the number of threads in the environment."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.fixture
def samples(rng):
    return make_samples(rng, 21, "ragged")


def answers(kind, X, y):
    if kind == "tags":
        return RNNTagger, [np.array(["low", "high"])[(x[:, 0] > 0).astype(int)] for x in X]
    if kind == "values":
        return RNNRegressor, np.array([x[:, 0].sum() for x in X])
    if kind == "step values":
        return RNNRegressor, [x[:, 1] for x in X]
    if kind == "labels at once":
        return RNNClassifier, np.array([[x[0, 0] > 0, x[-1, 1] > 0] for x in X]).astype(int)
    return RNNClassifier, y


KINDS = ["label", "labels at once", "tags", "values", "step values"]


def without_seconds(table):
    told = table.to_dict()
    for row in [*told["candidates"], told["best"]]:
        del row["seconds"]
    return told


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind, samples):
    X, _ = samples
    estimator, y = answers(kind, *samples)
    best, table = elman.tune(X, y, estimator=estimator(**SMALL), n_candidates=3, **QUICK)
    assert type(best) is estimator
    assert len(best.predict(X)) == 21
    assert best.random_state == table.random_state
    assert best.n_iter_ == best.max_iter
    assert [row["candidate"] for row in table.rows if not row["changes"]] == [0]
    assert len(table.rows) == 3
    assert {row["failure"] for row in table.rows} == {None}
    assert len(table.baselines) == 3
    assert all(each.score is not None for each in table.baselines), table.baselines
    again = type(best)(**best.get_params()).fit(X, y)
    assert again.network_.params.flat.tobytes() == best.network_.params.flat.tobytes()
    assert "What mattered" in repr(table)


@pytest.mark.parametrize("dtype", [int, bool, float])
def test_a_column_for_each_time_step_may_be_two_things(dtype, rng):
    X, y = rng.normal(size=(8, 3, 2)), (rng.normal(size=(8, 3)) > 0).astype(dtype)
    y = y if dtype is not float else y + 0.5
    with pytest.raises(ValueError, match=r"shape \(8, 3\), .* 3 time steps, .*: say which"):
        elman.tune(X, y, n_candidates=1, **QUICK)


@pytest.mark.parametrize("kind", KINDS)
def test_y_says_which_estimator(kind, samples):
    estimator, y = answers(kind, *samples)
    assert type(tuning.chosen_estimator(None, y)) is estimator


def test_what_y_may_be():
    classes = {
        RNNClassifier: [["a", "b"], [1.0, 2.0], [True, False], np.array([[1], [4]])],
        RNNRegressor: [[0.5, 2.0], np.ones((2, 3)) / 3, np.ones((2, 3, 1)) / 3],
        RNNTagger: [[["a"], ["b", "c"]], np.array([["a", "b"], ["b", "a"]])],
    }
    for estimator, ys in classes.items():
        for y in ys:
            assert type(tuning.chosen_estimator(None, y)) is estimator, y
    with pytest.raises(ValueError, match=r"say which, with estimator='tagger'"):
        tuning.chosen_estimator(None, np.array([[1, 2], [3, 1]]))
    for name, estimator in (("tagger", RNNTagger), ("RNNRegressor", RNNRegressor)):
        assert type(tuning.chosen_estimator(name, None)) is estimator
    with pytest.raises(ValueError, match="'classifier', 'tagger', 'regressor'"):
        tuning.chosen_estimator("forest", None)
    with pytest.raises(TypeError, match="A pipeline is tuned by"):
        tuning.chosen_estimator(object(), None)


def test_processes_change_no_bit(samples):
    """Random candidates too, which are halved; and the states of all are gone."""
    space = {"hidden_size": [2, 4], **dict.fromkeys(("max_iter", "cell", "readout", "n_layers"))}
    options = {"estimator": RNNClassifier(max_iter=30, hidden_size=3, batch_size=11)}
    options |= {"space": space, "n_candidates": 12} | QUICK
    one = elman.tune(*samples, **options)
    two = elman.tune(*samples, **options | {"n_jobs": 2})
    assert without_seconds(one.table) == without_seconds(two.table)
    weights = [found.estimator.network_.params.flat.tobytes() for found in (one, two)]
    assert weights[0] == weights[1]
    assert one.estimator.get_params() == two.estimator.get_params()
    assert {row["share_of_epochs"] for row in one.table.rows} == {1.0, 1 / 3}
    other = elman.tune(*samples, **options | {"random_state": 1, "n_candidates": 4})
    assert other.table.rows[0]["score"] != one.table.rows[0]["score"]


def test_a_script_without_a_guard_and_no_process_stays(tmp_path, samples):
    """Other processes do not run the script again; one that is killed leaves none behind."""
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np, elman, os, sys\n"
        "print('begun', flush=True)\n"
        "rng = np.random.default_rng(0)\n"
        "X, y = rng.normal(size=(20, 5, 2)), ['a', 'b'] * 10\n"
        "start = elman.RNNClassifier(3, max_iter=2)\n"
        "options = dict(n_candidates=2, cv=2, n_jobs=2, verbose=0)\n"
        "best, table = elman.tune(X, y, estimator=start, **options)\n"
        "print(len(table), best.n_iter_)\n"
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.split() == ["begun", "2", "2"]


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_a_search_that_is_killed_leaves_no_process_and_no_file(tmp_path):
    """Its processes hold standard error open, so that the test ends when the last of them does."""
    program = (
        "import elman, numpy as np\n"
        "X, y = np.random.default_rng(0).normal(size=(20, 5, 2)), ['a', 'b'] * 10\n"
        "start = elman.RNNClassifier(3, max_iter=2)\n"
        "elman.tune(X, y, estimator=start, minutes=9, cv=2, n_jobs=2)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as ran:
        assert ran.stdout.readline().startswith(b"untouched")
        assert [path.name[:11] for path in tmp_path.iterdir()] == ["elman-tune-"]
        ran.kill()
        ran.communicate()
    assert [*tmp_path.iterdir()] == []


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_search_that_is_ended_leaves_no_file_and_says_nothing(tmp_path, n_jobs, name):
    program = (
        "import elman, numpy as np, signal\n"
        f"signal.signal(signal.{name}, signal.SIG_DFL)\n"  # nohup has the tests ignore SIGHUP
        "X, y = np.random.default_rng(0).normal(size=(20, 5, 2)), ['a', 'b'] * 10\n"
        "start = elman.RNNClassifier(3, max_iter=2)\n"
        f"elman.tune(X, y, estimator=start, minutes=9, cv=2, n_jobs={n_jobs})\n"
    )
    number = getattr(signal, name)
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as ran:
        assert ran.stdout.readline().startswith(b"untouched")
        ran.send_signal(number)
        assert ran.communicate()[1] == b""
    assert ran.returncode == 128 + number
    assert [*tmp_path.iterdir()] == []


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_ctrl_c_twice_at_once_keeps_the_best(samples, tmp_path, monkeypatch):
    """The second comes while files are removed: the first one of the two is meant."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    removed = tempfile.TemporaryDirectory.cleanup

    def cleanup(folder):
        signal.raise_signal(signal.SIGINT)
        removed(folder)

    monkeypatch.setattr(tempfile.TemporaryDirectory, "cleanup", cleanup)
    closed = tuning.Here.close

    def close(runner):
        signal.raise_signal(signal.SIGINT)
        closed(runner)

    monkeypatch.setattr(tuning.Here, "close", close)
    X, y = samples
    told = []

    def score(estimator, X, y):
        told.append(1)
        if len(told) == 5:
            signal.raise_signal(signal.SIGINT)
        return accuracy_score(y, estimator.predict(X))

    start = RNNClassifier(**SMALL)
    best, table = elman.tune(X, y, estimator=start, scoring=score, n_candidates=9, **QUICK)
    assert table.interrupted
    assert best.n_iter_ == 3
    assert [*tmp_path.iterdir()] == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_functions_of_the_program_itself(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np, elman, warnings\n"
        "warnings.simplefilter('error')\n"
        "X, y = np.random.default_rng(0).normal(size=(20, 5, 2)), ['a', 'b'] * 10\n"
        "def own(estimator, X, y): return 0.5\n"
        "options = dict(estimator=elman.RNNClassifier(3, max_iter=2), n_candidates=1, cv=2)\n"
        "elman.tune(X, y, scoring=own, n_jobs=2, verbose=0, **options)\n"
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert "ValueError: scoring is defined in the program itself" in ran.stderr
    assert "set n_jobs=1" in ran.stderr


@pytest.mark.parametrize("at", [4, 9])
def test_ctrl_c_keeps_the_best_so_far(samples, monkeypatch, at):
    from elman.tuning import runners

    seen = []

    def interrupted(material, trial, clock):
        seen.append(trial)
        if len(seen) == at:
            raise KeyboardInterrupt
        return carry_out(material, trial, clock)

    carry_out = runners.carry_out
    monkeypatch.setattr(runners, "carry_out", interrupted)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        best, table = elman.tune(
            *samples, estimator=RNNClassifier(**SMALL), n_candidates=30, **QUICK
        )
    assert table.interrupted
    assert "Interrupted: the best that was found" in repr(table)
    assert best.n_iter_ == best.max_iter
    assert len(seen) == at
    assert best.get_params()["deltas"] == table.best["changes"].get("deltas", "auto")


def test_ctrl_c_before_anything_was_scored_is_ctrl_c(samples, monkeypatch):
    from elman.tuning import runners

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(runners, "carry_out", interrupted)
    with pytest.raises(KeyboardInterrupt):
        elman.tune(*samples, estimator=RNNClassifier(**SMALL), **QUICK)


def test_ctrl_c_after_the_last_training_loses_no_model(samples, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning, "rules_on", interrupted)
    best, table = elman.tune(*samples, estimator=RNNClassifier(**SMALL), n_candidates=1, **QUICK)
    assert best.n_iter_ == 3
    assert table.interrupted
    assert table.baselines == []


@pytest.mark.skipif(os.name != "posix", reason="looks for processes")
def test_ctrl_c_ends_the_other_processes(samples, monkeypatch):
    from elman.tuning import runners, search

    workers = []
    started = runners._Worker.__init__

    def note(self, folder):
        started(self, folder)
        workers.append(self._process)

    monkeypatch.setattr(runners._Worker, "__init__", note)
    trained = search.Candidate.add
    calls = []

    def interrupted(self, *arguments):
        trained(self, *arguments)
        calls.append(self.number)
        if len(calls) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(search.Candidate, "add", interrupted)
    _, table = elman.tune(
        *samples, estimator=RNNClassifier(**SMALL), n_candidates=30, **QUICK | {"n_jobs": 2}
    )
    assert table.interrupted
    assert len(workers) == 2
    assert all(worker.poll() is not None for worker in workers)


def test_a_process_that_is_killed_fails_its_candidate_only(samples, tmp_path):
    path = tmp_path / "killed_once.py"
    path.write_text(
        "import os, signal\n"
        "def score(estimator, X, y):\n"
        "    if estimator.deltas == 1:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return estimator.score(X, y)\n"
    )
    program = (
        "import sys, numpy as np, elman\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "from killed_once import score\n"
        "X, y = np.random.default_rng(0).normal(size=(20, 5, 2)), ['a', 'b'] * 10\n"
        "start = elman.RNNClassifier(3, max_iter=2)\n"
        "options = dict(n_candidates=2, cv=2, n_jobs=2, verbose=0)\n"
        "_, table = elman.tune(X, y, estimator=start, scoring=score, **options)\n"
        "for row in table.rows:\n"
        "    print(row['candidate'], row['changes'], row['failure'])\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    failed = [line for line in ran.stdout.splitlines() if "signal 9" in line]
    assert len(failed) == 1
    assert "{'deltas': 1}" in failed[0]
    assert "memory" in failed[0]


def test_minutes_on_a_clock_of_ones_own(samples):
    """Each epoch of any training takes two seconds; all of it stays within the minutes."""
    now = [0.0]

    def clock():
        now[0] += 0.5
        return now[0]

    options = {"estimator": RNNClassifier(**SMALL), "n_candidates": None, "scoring": None}
    options |= {"groups": None, "sample_weight": None, "streams": False, "space": None} | QUICK
    best, table = tune_with_clock(*samples, minutes=2, clock=clock, **options)
    assert now[0] <= 121
    assert len(table.rows) > 3
    assert not table.cut_short
    assert best.n_iter_ == best.max_iter
    assert best.on_epoch is None

    now[0] = 0.0
    options["estimator"] = RNNClassifier(**SMALL | {"max_iter": 400})
    best, table = tune_with_clock(*samples, minutes=1, clock=clock, **options)
    assert now[0] <= 62
    assert table.cut_short
    assert table.best["score"] is None
    assert "was not scored" in repr(table)
    assert "fit the estimator again, without a limit" in repr(table)
    assert 0 < best.n_iter_ < 400


def test_groups_are_never_on_both_sides(samples):
    X, y = samples
    groups = np.array(["ann", "ben", "cy"])[np.arange(21) % 3]
    seen = []

    def score(estimator, X, y):
        seen.append({groups[i] for i, x in enumerate(samples[0]) if any(x is z for z in X)})
        return accuracy_score(y, estimator.predict(X))

    estimator = RNNClassifier(**SMALL)
    options = QUICK | {"n_candidates": 1, "scoring": score, "cv": 5}
    _, table = elman.tune([*X], y, estimator=estimator, groups=groups, **options)
    assert table.folds.startswith("3 grouped stratified folds (not 5: there are 3 groups)")
    assert table.best["n_folds"] == 3
    cv = GroupKFold(2)
    _, table = elman.tune(
        X, y, estimator=estimator, groups=groups, **QUICK | {"cv": cv, "n_candidates": 2}
    )
    assert table.best["fresh_score"] is None
    with pytest.raises(ValueError, match="groups has shape"):
        elman.tune(X, y, estimator=estimator, groups=groups[1:], **options)


def test_streams_leave_out_what_they_refuse(samples):
    options = QUICK | {"estimator": RNNClassifier(**SMALL), "n_candidates": 15, "streams": True}
    best, table = elman.tune(*samples, **options)
    changed = {name for row in table.rows for name in row["changes"]}
    assert not changed & {"bidirectional", "scale_each"}
    assert "cell" in changed
    assert best.stream() is not None
    for wrong in ({"bidirectional": True}, {"scale_each": True}):
        with pytest.raises(ValueError, match=f"streams=True.*{next(iter(wrong))}"):
            elman.tune(*samples, **options | {"estimator": RNNClassifier(**wrong)})
    with pytest.raises(ValueError, match=r"streams=True leaves out bidirectional=True"):
        elman.tune(*samples, **options, space={"bidirectional": [True]})


@pytest.mark.parametrize("container", ["3-D", "2-D", "store", "groups", "frames"])
def test_containers(container, rng, tmp_path):
    X3, y = rng.normal(size=(20, 6, 2)), np.array(["a", "b"] * 10)
    X = X3
    if container == "2-D":
        X = X3[:, :, 0]
    elif container == "store":
        X = SequenceStore.write(tmp_path / "store", zip(X3, y, strict=True))
        y = None
    elif container == "groups":
        table = pd.DataFrame(X3.reshape(-1, 2), columns=["u", "v"])
        X = table.assign(id=np.repeat(np.arange(20), 6)).groupby("id")
    elif container == "frames":
        X, y = [pd.DataFrame(x, columns=["u", "v"]) for x in X3], pd.Series(y)
    start = RNNClassifier(**SMALL)
    best, table = elman.tune(X, y, estimator=start, n_candidates=2, **QUICK)
    plain, expected = elman.tune(
        X3[:, :, :1] if container == "2-D" else X3, ["a", "b"] * 10, estimator=start,
        n_candidates=2, **QUICK,
    )  # fmt: skip
    assert without_seconds(table) == without_seconds(expected)
    assert best.network_.params.flat.tobytes() == plain.network_.params.flat.tobytes()
    if container in ("groups", "frames"):
        assert [*best.feature_names_in_] == ["u", "v"]


def test_small_classes(rng):
    X = rng.normal(size=(20, 5, 2))
    y = ["a"] * 14 + ["b"] * 3 + ["c"] * 3
    options = {"estimator": RNNClassifier(**SMALL), "n_candidates": 1} | QUICK
    _, table = elman.tune(X, y, **options | {"cv": 5})
    assert table.folds == "3 stratified folds (not 5: class 'b' has 3 sample(s))"
    y[-1] = "alone"  # is in one fold only: trained on in the others, or not known
    _, table = elman.tune(X, y, **options | {"cv": 5})
    assert table.folds.startswith("2 stratified folds")
    with pytest.raises(ValueError, match=r"3 sample\(s\), and a search wants at least 4"):
        elman.tune(X[-3:], ["a", "b", "a"], **options)


def test_what_the_user_sets_is_kept(samples):
    start = RNNClassifier(deltas=1, **SMALL)
    _, table = elman.tune(
        *samples,
        estimator=start,
        n_candidates=20,
        space={"cell": ["gru"], "readout": None},
        **QUICK,
    )
    assert {row["changes"].get("cell", "gru") for row in table.rows} == {"gru"}
    assert all("readout" not in row["changes"] for row in table.rows)
    assert {"deltas": 0} in [row["changes"] for row in table.rows]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"minutes": 1, "n_candidates": 2}, ValueError, "pass one of the two"),
        ({"minutes": 0}, ValueError, "finite number above 0"),
        ({"minutes": "5"}, TypeError, "finite number above 0"),
        ({"n_candidates": 0}, ValueError, "at least 1"),
        ({"n_candidates": 2.5}, TypeError, "int of at least 1"),
        ({"cv": 1}, ValueError, "at least 2 folds"),
        ({"cv": "five"}, TypeError, "a number of folds, a splitter"),
        ({"cv": [([0, 1], [2, 99]), ([0], [1])]}, ValueError, "numbers of samples from 0 to 20"),
        ({"scoring": "loss"}, ValueError, "neg_log_loss"),
        ({"scoring": "acuracy"}, ValueError, "is not known"),
        ({"scoring": 3}, TypeError, "the name of a scorer"),
        ({"n_jobs": 0}, ValueError, "n_jobs"),
        ({"space": {"cells": ["gru"]}}, ValueError, "no hyper-parameter .* to be searched"),
        ({"space": {"cell": ["gro"]}}, ValueError, "cell='gro'"),
        ({"space": {"cell": "gru"}}, TypeError, "a list of values"),
        ({"space": ["cell"]}, TypeError, "of type list; it must be a mapping"),
        ({"space": {"deltas": []}}, ValueError, "is empty"),
        ({"space": {"random_state": [1]}}, ValueError, "no hyper-parameter"),
        ({"estimator": RNNClassifier(checkpoint="here")}, ValueError, "a folder of its own"),
        ({"estimator": RNNClassifier(warm_start=True)}, ValueError, "begins afresh"),
        ({"estimator": RNNClassifier(max_iter=0)}, ValueError, "max_iter"),
        ({"sample_weight": [1.0]}, ValueError, "sample_weight"),
        ({"sample_weight": [1.0] * 2 + [0.0] * 19, "cv": 5}, ValueError, "is 0 for all"),
        ({"random_state": -1}, ValueError, "random_state"),
        ({"random_state": "a"}, (TypeError, ValueError), "random_state"),
        ({"y": ["a"]}, ValueError, "21"),
        ({"y": [*"abcdefghijklmnopqrstu"]}, ValueError, "each of the 21 classes"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_training(samples, options, error, words):
    X, y = samples
    with pytest.raises(error, match=words):
        elman.tune(X, **{"y": y} | QUICK | options)


def divided(estimator, X, y):
    """A scorer that fails where two directions are read, or none is said."""
    return 1 / (0 if estimator.bidirectional in FAILS else 2)


def no_number(estimator, X, y):
    return {"accuracy": 1.0}


def not_finite(estimator, X, y):
    return float("nan")


FAILS = {True}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("scoring", "words"),
    [
        (divided, "function divided failed for {}: ZeroDivisionError: division by zero"),
        (
            no_number,
            "function no_number failed for {}: ValueError: it returned {{'accuracy': 1.0}}",
        ),
        (not_finite, "function not_finite failed for {}: ValueError: it gave nan"),
        ("neg_mean_poisson_deviance", "scoring='neg_mean_poisson_deviance' failed for {}: "),
    ],
)
def test_a_scorer_that_fails_is_named(kind, scoring, words, samples, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "FAILS", {True, False})
    estimator, y = answers(kind, *samples)
    who = "the estimator as it was given on fold 1 of 10, of 11 samples"
    options = {"estimator": estimator(**SMALL), "n_candidates": 2, "scoring": scoring} | QUICK
    with pytest.raises(ValueError, match=re.escape(words.format(who))):
        elman.tune(samples[0], y, **options)


def test_a_scorer_that_fails_for_one_candidate_ends_no_search(samples):
    """In other processes as in this one."""
    options = {"estimator": RNNClassifier(**SMALL), "n_candidates": 3, "scoring": divided} | QUICK
    options["space"] = {"stride": None}
    tables = [elman.tune(*samples, **options | {"n_jobs": n}).table for n in (1, 2)]
    for table in tables:
        row = table.rows[-1]
        assert row["changes"] == {"bidirectional": True}
        assert row["failure"].startswith("the scoring function divided failed for candidate 2 (bid")
        assert "\n1 candidate failed, the first of them 2 (bidirectional=True): the " in repr(table)
        assert {each.why_not for each in table.baselines} != {None}  # which have no directions
    assert without_seconds(tables[0]) == without_seconds(tables[1])


def test_other_processes_say_where_a_scorer_failed(samples):
    start = RNNClassifier(bidirectional=True, **SMALL)
    options = {"estimator": start, "n_candidates": 2, "scoring": divided} | QUICK
    with pytest.raises(ValueError, match="function divided failed for the estimator as") as told:
        elman.tune(*samples, **options | {"n_jobs": 2})
    assert "in divided\n" in told.value.__notes__[0]


def test_baselines_that_win_are_told(rng):
    """Two levels that ten points tell at once, and a network that learned nothing."""
    y = np.array(["a", "b"] * 16)
    X = rng.normal(size=(32, 6, 1)) + 20 * (y == "a")[:, None, None]
    start = RNNClassifier(2, max_iter=1, learning_rate_init=1e-9)
    _, table = elman.tune(X, y, estimator=start, n_candidates=1, **QUICK)
    assert "Logistic regression on 10 points of each recording does no worse" in table.summary
    assert table.baselines[1].score.mean == 1
    assert table.baselines[0].score.mean == 0.5
    assert table.baselines[0].gain_of_best.n_folds == 2
    assert "The only candidate: the estimator as it was given." in table.summary


def test_table_as_csv_and_frame(samples, tmp_path):
    _, table = elman.tune(*samples, estimator=RNNClassifier(**SMALL), n_candidates=9, **QUICK)
    frame = table.to_frame()
    assert len(frame) == len(table) == 9
    assert {"candidate", "score", "deltas", "cell"} <= {*frame.columns}
    table.to_csv(tmp_path / "table.csv")
    read = pd.read_csv(tmp_path / "table.csv")
    assert [*read.candidate] == [row["candidate"] for row in table.rows]
    assert table.to_csv() == (tmp_path / "table.csv").read_text()
    assert [each.gain for each in table.what_mattered] == sorted(
        (each.gain for each in table.what_mattered), reverse=True
    )


def test_lines_where_there_is_no_terminal(samples, capsys):
    options = QUICK | {"verbose": 1}
    _, table = elman.tune(*samples, estimator=RNNClassifier(**SMALL), n_candidates=2, **options)
    out = capsys.readouterr().out
    assert out.startswith("untouched: 2 trainings; 1 candidate so far, best accuracy ")
    assert out.endswith(repr(table) + "\n")
    assert "\x1b" not in out
