"""Fits that are killed by SIGKILL and go on: `python -m helpers.killed_fits FOLDER`.

Children of a process that has imported everything: a kill costs milliseconds. Prints what a fit
that was never killed ends with, and then what each of the killed ones does.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

from elman import RNNClassifier
from elman.training.checkpoints import digest
from helpers.sequence_data import make_samples

X, Y = make_samples(np.random.default_rng(3), 23, "ragged")
WRITING = tuple(f"elman/{name}.py" for name in ("checkpoints", "formats/archive", "formats/atomic"))
N_LINES = 24
N_TIMES = 6


def classifier(folder):
    """One with everything that has a state."""
    return RNNClassifier(
        (7, 5),
        max_iter=9,
        batch_size=6,
        dropout=0.3,
        recurrent_dropout=0.2,
        early_stopping=True,
        n_iter_no_change=7,
        random_state=5,
        n_jobs=1,
        checkpoint=folder,
        on_epoch=lambda e: setattr(e, "learning_rate", e.learning_rate * (1 - e.epoch % 2 / 4)),
    )


def end(clf):
    """All that a fit leaves."""
    columns = clf.history_.to_dict()
    return digest(
        clf.network_.params.flat,
        *clf._going_on.optimizer.get_state().values(),
        repr(clf._going_on.rng.bit_generator.state),
        repr({k: v for k, v in columns.items() if k not in ("seconds", "sequences_per_second")}),
        repr((clf.history_.best_epoch, clf.history_.stopped_by)),
    )


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def tracer(n_lines):
    """Kills the process before the n-th line that the code which writes would run."""
    left = n_lines

    def of_line(frame, event, argument):
        nonlocal left
        left -= event == "line"
        if left == 0:
            die()
        return of_line

    return lambda frame, event, argument: (
        of_line if frame.f_code.co_filename.endswith(WRITING) else None
    )


def count_lines(folder):
    """How many lines the code that writes runs in a fit."""
    n = 0

    def of_line(frame, event, argument):
        nonlocal n
        n += event == "line"
        return of_line

    sys.settrace(lambda frame, *_: of_line if frame.f_code.co_filename.endswith(WRITING) else None)
    classifier(folder).fit(X, Y)
    sys.settrace(None)
    return n


def child(work):
    """Fork; the child works and leaves. Its process id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def was_killed(pid):
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


def main(folder):
    print("whole", end(classifier(None).fit(X, Y)))
    start = time.perf_counter()
    n_lines = count_lines(folder / "counted")
    seconds = time.perf_counter() - start
    chance = random.Random(0)
    for i in range(N_LINES):
        where = folder / f"line{i}"
        line = 1 + (n_lines - 2) * i // (N_LINES - 1)

        def work(where=where, line=line):
            sys.settrace(tracer(line))
            classifier(where).fit(X, Y)

        killed = was_killed(child(work))
        print("line" if killed else "alive", end(classifier(where).fit(X, Y)))
    for i in range(N_TIMES):
        where = folder / f"time{i}"
        n_kills = 0
        for _ in range(3):
            pid = child(lambda where=where: classifier(where).fit(X, Y))
            time.sleep(chance.uniform(0, seconds))
            os.kill(pid, signal.SIGKILL)
            n_kills += was_killed(pid)
        print("time", end(classifier(where).fit(X, Y)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
