"""What a search shows on a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from elman.tuning.candidates import Candidate
from elman.tuning.progress import Lines, Live, Silent, view_here
from elman.tuning.words import Wording


class Terminal(io.StringIO):
    def isatty(self):
        return True


def candidates():
    best = Candidate(1, {"deltas": 1, "cell": "[gru]"}, "single change")
    best.scores[1.0] = {0: 0.5, 1: 1.0}
    return [best]


def test_a_table_on_a_terminal(monkeypatch):
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("COLUMNS", "99")
    view = view_here(1, Wording(True), "accuracy", 20, 10)
    assert type(view) is Live
    with view:
        view.begin("random, 33% of the epochs", 45)
        view.trained(candidates()[0])
        view.ranked(candidates(), [0, 1], 7)
        view._live.refresh()
    shown = out.getvalue()
    assert "75.0 % +- 35.4   deltas=1, cell='[gru]'" in shown
    assert "7 candidates  random, 33% of the epochs: 1 of 45 trainings" in shown
    assert "Ctrl-C keeps the best" in shown


@pytest.mark.parametrize(("verbose", "kind"), [(0, Silent), (1, Lines)])
def test_lines_or_nothing_elsewhere(verbose, kind, capsys):
    view = view_here(verbose, Wording(False), "R^2", 20, 10)
    assert type(view) is kind
    with view:
        view.begin("random", 45)
        view.ranked([], [0, 1], 1)
        view.ranked(candidates(), [0, 1], 7)
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines
        == [
            "random: 45 trainings; 1 candidate so far, nothing is scored yet",
            "random: 45 trainings; 7 candidates so far, best R^2 0.750 +- 0.354: deltas=1, "
            "cell='[gru]'",
        ]
        * verbose
    )
