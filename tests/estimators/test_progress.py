"""What a fit shows of itself: lines, a bar on a terminal or in a notebook, and a summary."""

from __future__ import annotations

import os
import re
import select
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.estimators.progress import REDRAW, EpochProgress, summary
from elman.models.history import History
from elman.training.divergence import DivergedError

X = [np.random.default_rng(t).standard_normal((t, 2)) for t in (3, 5, 2, 7)]
ESTIMATORS = {
    "classifier": (RNNClassifier, [0, 1, 0, 1]),
    "regressor": (RNNRegressor, [0.5, 1, 2, -1]),
    "tagger": (RNNTagger, [np.arange(len(x)) % 2 for x in X]),
}
EVERY_KIND = pytest.mark.parametrize("kind", [*ESTIMATORS])
NUMBER = r"-?\d+\.\d{4}"


def made(kind, **options):
    estimator, y = ESTIMATORS[kind]
    return estimator(3, random_state=0, **{"verbose": 1, **options}), y


def words(kind):
    """The name of a score, and a pattern of its value in the summary."""
    return ("R^2", rf"R\^2 {NUMBER}") if kind == "regressor" else ("accuracy", r"[\d.]+ %")


@EVERY_KIND
def test_ten_lines_and_a_summary_where_there_is_no_terminal(kind, capsys):
    estimator, y = made(kind, max_iter=37)
    estimator.fit(X, y)
    *lines, last = capsys.readouterr().out.splitlines()
    score, value = words(kind)
    shown = [int(re.match(r"epoch +(\d+)/37  ", line)[1]) for line in lines]
    assert len(shown) == 10
    assert (shown[0], shown[-1]) == (1, 37)
    assert set(np.diff(shown)) == {4}
    assert all(re.search(rf"loss {NUMBER}  training {re.escape(score)} ", line) for line in lines)
    assert re.fullmatch(rf"37 epochs in [\d.]+ s(, best \d+)?, training {value}.*", last)


@EVERY_KIND
def test_both_losses_and_both_scores_are_shown(kind, capsys):
    estimator, y = made(kind, max_iter=2)
    estimator.fit(X, y, X_val=X, y_val=y)
    *lines, last = capsys.readouterr().out.splitlines()
    score, value = words(kind)
    name = re.escape(score)
    for line in lines:
        training = rf"  loss {NUMBER}  training {name} {NUMBER}"
        assert re.search(rf"{training}  validation loss {NUMBER}  {name} {NUMBER}  ", line)
    assert re.fullmatch(rf"2 epochs in [\d.]+ s, best \d, validation {value}.*", last)


def test_a_line_for_every_epoch_if_asked_for(capsys):
    clf, y = made("classifier", max_iter=13, verbose=2)
    clf.fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 14
    assert lines[-1].startswith("13 epochs in ")
    clf.partial_fit(X, y)
    assert re.match("epoch 14/14  loss ", capsys.readouterr().out)


def test_nothing_if_asked_for(capsys):
    clf, y = made("classifier", max_iter=2, verbose=0)
    clf.fit(X, y).partial_fit(X, y)
    assert capsys.readouterr().out == ""


@EVERY_KIND
def test_an_early_end_shows_its_epoch_and_its_reason(kind, capsys):
    ends = {"on_epoch": lambda epoch: epoch.epoch == 5}
    estimator, y = made(kind, max_iter=100, batch_size=32, **ends)
    estimator.fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:-1]] == ["1/100", "5/100"]
    assert re.fullmatch(r"5 epochs in .*, stopped by on_epoch", lines[-1])


def test_what_a_fit_goes_on_from_is_not_counted(capsys, tmp_path):
    clf, y = made("classifier", max_iter=20, warm_start=True)
    clf.fit(X, y)
    capsys.readouterr()
    clf.fit(X, y)
    *lines, last = capsys.readouterr().out.splitlines()
    assert [lines[0].split()[1], lines[-1].split()[1], len(lines)] == ["21/40", "40/40", 10]
    assert last.startswith("20 epochs in ")


def test_the_summary_counts_the_time_before_a_restart(capsys, tmp_path):
    clf, y = made("classifier", max_iter=3, checkpoint=tmp_path)
    clf.fit(X, y)
    capsys.readouterr()
    clf.fit(X, y)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("3 epochs in ")


def test_no_summary_after_an_error(capsys):
    def spoil(epoch):
        epoch.network.params.flat[:] = np.nan

    clf, y = made("classifier", max_iter=3, on_epoch=spoil)
    with pytest.raises(DivergedError):
        clf.fit(X, y)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("epoch 1/3")


def history(**columns):
    made = {"epoch": [1, 2, 3], "loss": [3.0, 1.0, 2.0], "score": [0.5, 0.9996, 0.75]}
    return History(**{**made, "best_epoch": 2, "stopped_by": "max_iter", **columns})


VALIDATED = {"validation_loss": [1.0, 1.0, 1.0], "validation_score": [0.1, 0.976, 0.9]}


@pytest.mark.parametrize(
    ("columns", "restored", "score", "expected"),
    [
        (VALIDATED, True, "accuracy", "best 2, validation 97.6 %"),
        (VALIDATED, False, "accuracy", "best 2 (97.6 %), validation 90.0 % after epoch 3"),
        (VALIDATED, False, "R^2", "best 2 (R^2 0.9760), validation R^2 0.9000 after epoch 3"),
        ({}, False, "f1", "best 2, training 75.0 % after epoch 3"),
        ({"best_epoch": 3}, False, "f1", "training 75.0 %"),
        ({"stopped_by": "interrupt"}, False, "f1", "best 2, training > 99.9 %, interrupted"),
        ({"best_epoch": 3, "score": []}, False, "f1", ""),
        ({"best_epoch": 3, "score": [None] * 3}, False, "f1", ""),
        (
            {**VALIDATED, "stopped_by": "early_stopping"},
            True,
            "accuracy",
            "best 2, validation 97.6 %, stopped by early_stopping",
        ),
        (
            {**VALIDATED, "stopped_by": "checkpoint"},
            False,
            "accuracy",
            "best 2, validation 97.6 %, stopped because its state could not be written",
        ),
    ],
)
def test_the_summary_tells_of_the_weights_that_are_kept(columns, restored, score, expected):
    line = summary(history(**columns), 0.274, score, "accuracy", restored=restored)
    assert line == "3 epochs in 0.27 s" + (", " + expected if expected else "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.00 s"),
        (9.99, "9.99 s"),
        (9.996, "10.0 s"),
        (99.94, "99.9 s"),
        (100, "2 min"),
        (7169, "119 min"),
        (7200, "2 h 0 min"),
        (90_000, "25 h 0 min"),
    ],
)
def test_long_fits_are_told_in_minutes_and_hours(seconds, text):
    line = summary(
        history(epoch=[1], loss=[1.0], score=[], best_epoch=1), seconds, "", "", restored=False
    )
    assert line == f"1 epoch in {text}"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_a_bar_on_a_terminal(monkeypatch):
    master, slave = os.openpty()
    clf, y = made("classifier", max_iter=5)
    with os.fdopen(slave, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "100")
        clf.fit(X, y, X_val=X, y_val=y)
        terminal.flush()
        shown = b""
        # One read gives what has arrived, which may be a part.
        while not re.search(rb"5/5.*loss .*validation loss .*\n.*5 epochs .*%", shown, re.DOTALL):
            ready, _, _ = select.select([master], [], [], 10)
            assert ready, shown
            shown += os.read(master, 100_000)
    os.close(master)
    assert b"epoch 1/5" not in shown  # which would be a line


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_fits_in_threads_have_lines_on_a_terminal(monkeypatch):
    master, slave = os.openpty()
    both = threading.Barrier(2)

    def fit(_):
        clf, y = made("classifier", max_iter=2, on_epoch=lambda _: both.wait(20) is None)
        return clf.fit(X, y).n_iter_

    with os.fdopen(slave, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "100")
        with ThreadPoolExecutor(2) as threads:
            assert list(threads.map(fit, range(2))) == [2, 2]
        assert sys.stdout is terminal
    shown = os.read(master, 100_000)
    os.close(master)
    assert b"epoch 1/2" in shown
    assert b"\x1b" not in shown


class NoTerminal:
    """What a program without a console may have in the place of standard output."""

    def write(self, text):
        pass

    def flush(self):
        pass


@pytest.mark.parametrize("output", [None, NoTerminal()])
def test_without_a_console_training_goes_on(output, monkeypatch):
    monkeypatch.setattr(sys, "stdout", output)
    clf, y = made("classifier", max_iter=2)
    assert clf.fit(X, y).n_iter_ == 2


class Notebook:
    """IPython as a kernel of Jupyter has it: what a cell shows."""

    def __init__(self, kernel=True):
        self.shell = SimpleNamespace(kernel=object()) if kernel else SimpleNamespace()
        self.outputs = []
        self.n_updates = 0
        self.display = SimpleNamespace(display=self.show)

    def get_ipython(self):
        return self.shell

    def show(self, drawing, *, display_id):
        assert display_id is True
        self.outputs.append(drawing)
        return self

    def update(self, drawing):
        self.n_updates += 1
        self.outputs[-1] = drawing


@EVERY_KIND
def test_one_bar_in_a_notebook(kind, monkeypatch, capsys):
    notebook = Notebook()
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.setattr("elman.estimators.progress.REDRAW", 0)
    seen = []
    estimator, y = made(kind, max_iter=4)
    estimator.set_params(on_epoch=lambda _: seen.append(repr(notebook.outputs[-1])))
    estimator.fit(X, y, X_val=X, y_val=y)
    score, value = words(kind)
    assert capsys.readouterr().out == ""
    (last,) = notebook.outputs
    for number, text in enumerate(seen, 1):
        losses = rf"loss {NUMBER}  validation loss {NUMBER}  {re.escape(score)} {NUMBER}"
        assert re.fullmatch(rf"epoch {number}/4  {losses}  [\d.]+ s left", text)
    assert re.match(rf"4 epochs in [\d.]+ s, best \d, validation {value}", repr(last))
    assert '<progress value="4" max="4"' in last._repr_html_()
    assert re.search(r">4 epochs in [\d.]+ s, ", last._repr_html_())


def test_a_notebook_is_not_drawn_for_every_epoch(monkeypatch):
    notebook = Notebook()
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    clock = iter(np.arange(0, 100, REDRAW / 8))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))
    epoch = SimpleNamespace(
        epoch=0, n_epochs=40, loss=1.0, score=0.5, validation_loss=None, validation_score=None
    )
    with EpochProgress(40, 1) as progress:
        for epoch.epoch in range(1, 41):
            progress.show(epoch)
    assert 4 <= notebook.n_updates <= 20
    assert "epoch 40/40" in repr(notebook.outputs[0])  # also without a summary, after an error


def test_lines_in_a_notebook_if_asked_for_and_in_ipython_on_a_terminal(monkeypatch, capsys):
    for notebook, verbose in ((Notebook(), 2), (Notebook(kernel=False), 1)):
        monkeypatch.setitem(sys.modules, "IPython", notebook)
        clf, y = made("classifier", max_iter=2, verbose=verbose)
        clf.fit(X, y)
        assert len(capsys.readouterr().out.splitlines()) == 3
        assert notebook.outputs == []
