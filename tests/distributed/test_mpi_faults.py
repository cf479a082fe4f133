"""What goes wrong in one process of an MPI job stops all of them, and none waits for ever."""

from __future__ import annotations

import json

import pytest
from helpers.engine_fits import LABELS, X, classifier, end_of
from helpers.engines import at_most, mpiexec, pool

whole = pytest.mark.cluster
PROCESSES = [2, pytest.param(3, marks=whole), pytest.param(4, marks=whole)]


@pytest.fixture(autouse=True)
def _no_hang():
    with at_most():
        yield


def ran(n, what, folder="-"):
    """The exit status and what each process printed."""
    found = mpiexec(n, "-m", "helpers.mpi_fits", what, str(folder))
    lines = found.stdout.splitlines()
    return found, [json.loads(line) for line in lines if line.startswith(("[", '"'))]


@pytest.mark.parametrize("n", PROCESSES)
def test_a_process_is_killed_and_another_number_goes_on(n, tmp_path):
    folder = tmp_path / "kept"
    found, lines = ran(n, "killed", folder)
    assert found.returncode != 0
    assert lines == []
    whole_run = end_of(classifier(max_iter=3).fit(X, LABELS))
    with pool(2) as executor:
        seen = []
        options = {"checkpoint": folder, "checkpoint_epochs": 1}
        clf = classifier(max_iter=3, on_epoch=lambda e: seen.append(e.epoch), **options)
        assert end_of(clf.fit(X, LABELS, executor=executor)) == whole_run
    assert seen in ([2, 3], [3])


@whole
@pytest.mark.parametrize("n", [1, 3])
def test_mpi_goes_on_where_another_number_of_processes_was_killed(n, tmp_path):
    assert ran(2, "killed", tmp_path / "kept")[0].returncode != 0
    found, lines = ran(n, "resumed", tmp_path / "kept")
    assert found.returncode == 0, found.stderr
    assert lines == [end_of(classifier(max_iter=3).fit(X, LABELS))] * n


@pytest.mark.parametrize("n", PROCESSES)
def test_ctrl_c_in_one_process_interrupts_all_at_the_same_place(n):
    found, lines = ran(n, "interrupted")
    assert found.returncode == 0, found.stderr
    assert len(lines) == n
    assert lines == [lines[0]] * n
    assert lines[0][1:] == ["interrupt", 2]


def test_an_error_in_one_process_ends_the_job():
    found, lines = ran(2, "raised")
    assert found.returncode != 0
    assert lines == []
    assert "only in one process" in found.stderr


def test_an_error_of_a_task_is_raised_in_all():
    found, lines = ran(2, "mistaken")
    assert found.returncode == 0, found.stderr
    assert len(lines) == 2
    for message, *notes in lines:
        assert message == "a mistake"
        assert "helpers/engines.py" in notes[0]


@whole
def test_other_data_in_one_process():
    found, lines = ran(3, "other_data")
    assert found.returncode == 0, found.stderr
    assert len(lines) == 3
    for line in lines:
        assert line.startswith("DistributedError: process 2 of 3 has another training data")


def test_a_process_that_does_not_make_the_call_is_missed_aloud():
    found, lines = ran(2, "alone")
    assert found.returncode == 0, found.stderr
    (said, end), (_, other_end) = sorted(lines, key=lambda line: -len(line[0]))
    assert len(said) == 1
    assert said[0].startswith("process 0 of 2 has waited 0.01 s for the others, and goes on wait")
    assert end == other_end == end_of(classifier(max_iter=3).fit(X, LABELS))


def test_other_settings_in_one_process():
    found, lines = ran(2, "other_settings")
    assert found.returncode == 0, found.stderr
    assert len(lines) == 2
    for rate, length, model, weights in lines:
        for line in (rate, length, model):
            assert line.startswith(
                "DistributedError: process 1 of 2 has another hyper-parameter or fitted model"
            )
        assert weights.startswith("DistributedError: process 1 of 2 has another network")


def test_the_functions_of_the_first_process_decide():
    found, lines = ran(2, "own_hooks")
    assert found.returncode == 0, found.stderr
    (_, ends, scores), (_, ends_of_other, scores_of_other) = sorted(lines)
    for k in range(2):
        assert ends[k][0] == ends_of_other[k][0]  # of MPI
        assert ends[k][0] == ends[k][1]  # of the first process alone
    assert ends[0][0] != ends[1][0]
    assert scores == scores_of_other == [1.0, 2.0, 3.0]


def test_one_process_writes_the_logs(tmp_path):
    found, lines = ran(2, "logged", tmp_path)
    assert found.returncode == 0, found.stderr
    assert sorted(lines) == [[0], [1]]
    rows = (tmp_path / "history.csv").read_text().splitlines()[1:]
    assert [row.split(",")[:2] for row in rows] == [["1", "1"], ["1", "2"], ["1", "3"]]
    assert len(list((tmp_path / "runs").glob("*/*"))) == 1


def test_another_instruction_set_in_one_process():
    found, lines = ran(2, "other_set")
    assert found.returncode == 0, found.stderr
    assert len(lines) == 2
    for line in lines:
        assert line.startswith("EnvironmentMismatchError: process 1 of 2")
        assert "isa='baseline'" in line
