"""Fits in which something goes wrong in one process of an MPI job: `mpiexec -n 3 python -m mpi4py
-m helpers.mpi_fits WHAT FOLDER`. Each process prints a line of JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import warnings
from functools import partial

from mpi4py import MPI

from elman.callbacks import CSVLog, TensorBoard
from elman.distributed import connect
from helpers.engine_fits import LABELS, X, classifier, end_of
from helpers.engines import Faulty, Raises, kill_self

COMM = MPI.COMM_WORLD
LAST = COMM.Get_rank() == COMM.Get_size() - 1


def fit(executor=COMM, **options):
    return classifier(max_iter=3, **options).fit(X, LABELS, executor=executor)


def resumed(folder):
    """To its end, from the state in a folder if there is one."""
    return end_of(fit(checkpoint=folder, checkpoint_epochs=1))


def killed(folder):
    """The last process dies after the second epoch."""
    hook = at_end_of(2, kill_self)
    return end_of(fit(checkpoint=folder, checkpoint_epochs=1, on_epoch=hook))


def raised(folder):
    """The last process has an error that the others know nothing of."""

    def fail():
        raise ValueError("only in one process")

    return end_of(fit(on_epoch=at_end_of(2, fail)))


def interrupted(folder):
    """Ctrl-C reaches the last process only."""
    clf = fit(on_epoch=at_end_of(2, lambda: os.kill(os.getpid(), signal.SIGINT)))
    return [end_of(clf), clf.history_.stopped_by, len(clf.history_)]


def mistaken(folder):
    """A task of one process raises an error."""

    def harm(number, tasks):
        return [*tasks[:-1], Raises(tasks[-1], TypeError("a mistake"))]

    try:
        fit(Faulty(connect(COMM), harm))
    except TypeError as error:
        return [str(error), *error.__notes__]
    return "no error"


def other_data(folder):
    """The last process has other samples."""
    try:
        classifier(max_iter=3).fit(X, LABELS[::-1] if LAST else LABELS, executor=COMM)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def alone(folder):
    """The last process does not call fit until the others have warned that it has not."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if LAST:
            COMM.recv(source=0)
        engine = connect(COMM) if LAST else _warned(said)
    return [[str(one.message) for one in said], end_of(fit(engine))]


def _warned(said):
    """An engine, of which the last process hears once the warning is there."""
    asked = threading.Thread(target=_tell, args=(said,))
    asked.start()
    engine = connect(COMM, timeout=0.01)
    asked.join()
    return engine


def _tell(said):
    while not said:
        time.sleep(0.01)
    if COMM.Get_rank() == 0:
        COMM.send("go on", dest=COMM.Get_size() - 1)


def told(make):
    try:
        make()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def other_settings(folder):
    """The last process has another hyper-parameter, another fitted model, or other weights."""
    found = []
    for name, values in {"learning_rate_init": (0.1, 0.2), "max_iter": (1, 2)}.items():
        one = classifier(**{"max_iter": 3, name: values[LAST]})
        found.append(told(partial(one.fit, X, LABELS, executor=COMM)))
    one = classifier(max_iter=1, warm_start=True, random_state=int(LAST)).fit(X, LABELS)
    found.append(told(partial(one.fit, X, LABELS, executor=COMM)))

    def harm(epoch):
        if LAST:
            epoch.network.params.flat[0] += 1

    found.append(told(partial(fit, on_epoch=harm)))
    return found


def own_hooks(folder):
    """Only the first process asks for another rate and for an end, and only the others do not."""
    first, found = COMM.Get_rank() == 0, []

    def change(epoch):
        epoch.learning_rate = 0.01
        return epoch.epoch == 2

    for hook in (change if first else None, None if first else change):
        found.append(
            [
                end_of(fit(on_epoch=hook)),
                end_of(classifier(max_iter=3, on_epoch=hook).fit(X, LABELS)),
            ]
        )
    judged = {"early_stopping": True, "n_iter_no_change": 1, "validation_fraction": 0.3}
    scores = iter(range(9)) if first else iter(range(9, 0, -1))
    clf = fit(scoring=lambda *given: float(next(scores)), **judged)
    return [COMM.Get_rank(), found, clf.validation_scores_]


def logged(folder):
    """Every process is given the same log of the training, in one folder."""
    fit(on_epoch=[CSVLog(f"{folder}/history.csv"), TensorBoard(f"{folder}/runs")])
    return [COMM.Get_rank()]


def other_set(folder):
    """The processes compute on different instruction sets, each on its own."""
    os.environ["ELMAN_ISA"] = "baseline" if LAST else ""
    try:
        fit()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def at_end_of(number, harm):
    def hook(epoch):
        if epoch.epoch == number and LAST:
            harm()

    return hook


if __name__ == "__main__":
    what, folder = sys.argv[1:]
    warnings.simplefilter("ignore", UserWarning)
    sys.stdout.write(json.dumps(globals()[what](folder)) + "\n")
    sys.stdout.flush()
