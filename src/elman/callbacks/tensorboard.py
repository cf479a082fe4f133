"""A callback that shows a training in TensorBoard, by way of tensorboardX."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elman.callbacks.fits import OfOneFit
from elman.callbacks.rows import last_row, numbers_of, rows_of
from elman.models.history import Epoch

_RUN = re.compile(r"run-(\d+)")
_N_BINS = 30


@dataclass
class _Open:
    """Where a fit is written to."""

    folder: Path
    events: Any

    def write(self, summary: Any, step: int) -> None:
        """Add what tensorboardX made of a number, or of an array."""
        from tensorboardX.proto.event_pb2 import Event

        self.events.write_event(Event(step=step, wall_time=time.time(), summary=summary))


@dataclass
class TensorBoard:
    """Show every number of an epoch in TensorBoard, and the weights as histograms.

    Each fit has a folder of its own in `log_dir`, `run-1`, `run-2` and so on, so that TensorBoard
    draws it as a curve of its own, and the fits of a grid search can write at the same time. A fit
    that goes on from a checkpoint, `partial_fit` and `fit` with warm_start write to the folder that
    this callback used last, else to the newest one.

    The package is imported at the first epoch: ``pip install 'elman[tensorboard]'``. To look at the
    curves, install `tensorboard` and run ``tensorboard --logdir`` with the folder.

    Parameters
    ----------
    log_dir : str or path-like
        The folder, made if there is none.
    histograms : bool, default=True
        Whether the weights are written as well, every epoch all of them.

    Raises
    ------
    ImportError
        When it is called: tensorboardX is not installed.
    OSError
        When it is called: the folder cannot be written to.

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.callbacks import TensorBoard
    >>> RNNClassifier(on_epoch=TensorBoard("runs"))
    RNNClassifier(on_epoch=TensorBoard(log_dir='runs', histograms=True))
    """

    log_dir: str | os.PathLike[str]
    histograms: bool = True
    _open: OfOneFit[_Open] = field(default_factory=OfOneFit, init=False, repr=False, compare=False)

    def __call__(self, epoch: Epoch) -> None:
        """Write the epoch."""
        if not epoch.is_writer:
            return
        now, is_new = self._open.of(epoch), False
        if now is None:
            now, is_new = self._opened(epoch)
            for over in self._open.put(epoch, now):
                over.events.close()
        from tensorboardX.summary import histogram, scalar

        for row in rows_of(epoch) if is_new else [last_row(epoch)]:
            for name, value in numbers_of(row).items():
                now.write(scalar(name.replace(".", "/"), value), row["epoch"])
        if self.histograms:
            for name, weights in epoch.network.params.items():
                now.write(histogram(name.replace(".", "/"), weights, _N_BINS), epoch.epoch)
        now.events.flush()

    def _opened(self, epoch: Epoch) -> tuple[_Open, bool]:
        """The folder for a fit that begins, and whether it is a new one."""
        try:
            # Not SummaryWriter, whose thread writes later, and after the last epoch perhaps never.
            from tensorboardX import event_file_writer
        except ImportError as error:
            raise ImportError(
                "TensorBoard needs tensorboardX: pip install 'elman[tensorboard]'"
            ) from error
        base, before = Path(self.log_dir), self._open.newest
        base.mkdir(parents=True, exist_ok=True)
        numbers = [int(found[1]) for each in base.iterdir() if (found := _RUN.fullmatch(each.name))]
        newest = max(numbers, default=0)
        is_new = epoch.history.epoch == [1] or not newest
        if not is_new:
            folder = base / f"run-{newest}" if before is None else before.folder
        while is_new:
            newest += 1
            folder = base / f"run-{newest}"
            try:
                folder.mkdir()
                break
            except FileExistsError:  # another process was faster
                continue
        # Files are named by the second, in which one fit may follow another.
        suffix = f".{sum(1 for _ in folder.iterdir())}"
        opened = _Open(folder, event_file_writer.EventsWriter(str(folder / "events"), suffix))
        if not is_new:  # later epochs, which are done again, are to be forgotten
            from tensorboardX.proto.event_pb2 import Event, SessionLog

            start = SessionLog(status=SessionLog.START)
            opened.events.write_event(
                Event(step=epoch.epoch, wall_time=time.time(), session_log=start)
            )
        return opened, is_new
