"""The folder of checkpoints of a training that several processes run: one of them keeps it."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from elman.distributed.engine import Engine
from elman.training.checkpoints import CheckpointFolder, Fingerprint, Pack
from elman.training.state import TrainingState


class SharedCheckpoints:
    """A `CheckpointFolder` held by the process that writes; the others hear what it says.

    Parameters
    ----------
    engine : Engine
    folder : CheckpointFolder
        Entered, written to and left by the process that writes.
    """

    def __init__(self, engine: Engine, folder: CheckpointFolder) -> None:
        self._engine, self._folder = engine, folder

    def __enter__(self) -> Self:
        self._engine.shared(lambda: self._folder.__enter__() and None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._engine.is_writer:
            self._folder.__exit__(kind, error, traceback)

    @property
    def entropy(self) -> Any:
        """As of the folder."""
        return self._engine.shared(lambda: self._folder.entropy)

    @property
    def failure(self) -> OSError | None:
        """As of the folder."""
        return self._engine.shared(lambda: self._folder.failure)

    @property
    def newest(self) -> Path | None:
        """As of the folder."""
        return self._engine.shared(lambda: self._folder.newest)

    def claim(self, fingerprint: Fingerprint, entropy: Any, pack: Pack) -> None:
        """As of the folder."""
        self._engine.shared(lambda: self._folder.claim(fingerprint, entropy, pack))

    def resumed(self) -> TrainingState | None:
        """As of the folder."""
        return self._engine.shared(self._folder.resumed)

    def due(self, epoch: int) -> bool:
        """As of the folder, by the clock of the process that writes."""
        return self._engine.shared(lambda: self._folder.due(epoch))

    def keep(self, state: TrainingState) -> None:
        """As of the folder."""
        self._engine.shared(lambda: self._folder.keep(state))
