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

from mpi4py import MPI

from elman.distributed import connect
from helpers.engine_fits import LABELS, NUMBERS, TAGS, X, classifier, end_of, regressor, tagger
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


def other_parameters(folder):
    """The last process has another parameter, one after the other, or weights to go on with."""
    makers = {"label": classifier, "tag": tagger, "number": regressor}
    targets = {"label": LABELS, "tag": TAGS, "number": NUMBERS}
    changes = [{"alpha": 0.5}, {"max_iter": 2}, {"hidden_size": 3}, {"mode": "local"}]
    errors = []
    for kind, make in makers.items():
        for change in changes if kind == "label" else changes[:1]:
            clf = make(**{"max_iter": 1, **(change if LAST else {})})
            errors.append(
                refusal(lambda clf=clf, kind=kind: clf.fit(X, targets[kind], executor=COMM))
            )
    warm = classifier(max_iter=1, warm_start=True).fit(X, LABELS)
    if LAST:
        warm.fit(X, LABELS)
    return [*errors, refusal(lambda: warm.fit(X, LABELS, executor=COMM))]


def alone(folder):
    """The last process does not call fit until the others have warned that it has not."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if LAST:
            COMM.recv(source=0)
        engine = connect(COMM, timeout=0.01) if LAST else _warned(said)
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


def refusal(call):
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


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
