"""A training that ended before its last epoch, or whose state could not be kept, in; text out."""

from __future__ import annotations

from pathlib import Path

from elman.models.history import History


def interrupted(history: History) -> str:
    """A warning that says where an interrupted training stands."""
    if not len(history):
        return "training was interrupted before its first epoch ended: the weights are as they were"
    return f"training was interrupted after epoch {history.epoch[-1]}: {_best_of(history)}"


def _best_of(history: History) -> str:
    by = "validation score" if history.validation_score else "training loss"
    return f"kept the weights of epoch {history.best_epoch}, the best so far by {by}"


def not_kept(history: History, error: OSError, newest: Path | None) -> str:
    """A warning that says why a state could not be written and where training stands."""
    where = "" if error.filename is None else f" to {error.filename}"
    could_not = f"its state could not be written{where} ({error.strerror or error})"
    if history.stopped_by == "checkpoint":
        happened = f"stopped after epoch {history.epoch[-1]}, because {could_not}: "
        happened += _best_of(history)
    else:
        happened = f"ended as it should after epoch {history.epoch[-1]}, with all it learned, but "
        happened += could_not
    if newest is None:
        return f"training {happened}. No state is left on disk; the same fit would begin afresh"
    return (
        f"training {happened}. The last state on disk is {newest}; the same fit goes on from there "
        "once the folder can be written to"
    )
