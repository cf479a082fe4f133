"""Keeps the state of a training in a folder, from which it can go on to the same bits.

The folder holds

    epoch-000012.safetensors   where training stood after epoch 12, and the same one checkpoint back
    best.safetensors           the model of the best epoch so far
    lock                       held by the process that trains

Every file is one that `load` reads as a model. Those of epochs hold in addition what going on
takes, in arrays called "training.*" and a part of the configuration called "training".

Whenever the process dies, every file is whole: a new one is written beside them and takes its name
in one step. Whatever epoch training goes on from, it comes to the same end, so that a file lost
costs time and nothing else.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from elman.data.sequences import Sequences
from elman.formats import archive
from elman.formats.archive import ArchiveError
from elman.hyperparameters.declared import DECLARED
from elman.models.files import load_training
from elman.models.history import History
from elman.models.model import TrainedModel
from elman.nn.network import Network
from elman.nn.readouts import EVERY
from elman.training.state import TrainingState

Array = NDArray[Any]
Pack = Callable[[Network, History], tuple[dict[str, Array], dict[str, Any]]]
"""A network and its history -> the arrays and the configuration of a model file."""
Fingerprint = dict[str, Any]
"""What a run is made of, by name: all that decides its bits, as JSON has it."""

N_KEPT = 2
EPOCH_FILE = re.compile(r"epoch-(\d{6,})\.safetensors")
BEST = "best.safetensors"
PREFIX = "training."


class _Stored(NamedTuple):
    """The content of an epoch's file."""

    epoch: int
    network: Network
    history: History
    parts: dict[str, dict[str, Any]]
    finished: bool
    fingerprint: Fingerprint
    entropy: Any


class CheckpointFolder:
    """The folder of one run: a context manager, which locks it.

    Parameters
    ----------
    folder : path-like
        Made if it is not there.
    epochs : int or None
        Keep the state after every so many epochs; with neither this nor `minutes` after each.
    minutes : float or None
        Keep it at the end of an epoch so many minutes after the last time.
    kind : str
        Of the estimator.
    known : collection of str
        Names of its hyper-parameters.

    Raises
    ------
    ValueError
        On entering: there is a model called best.safetensors that no run here has written, or every
        checkpoint is damaged.
    OSError
        On entering: the folder cannot be made or read, or another process trains into it.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        epochs: int | None,
        minutes: float | None,
        kind: str,
        known: Collection[str],
    ) -> None:
        self._given = os.fspath(folder)
        self._folder = Path(folder)
        self._epochs = 1 if epochs is None and minutes is None else epochs
        self._seconds = None if minutes is None else 60 * minutes
        self._kind, self._known = kind, known
        self._lock: int | None = None
        self._stored: _Stored | None = None
        self._damaged: list[Path] = []
        self._pack: Pack | None = None
        self._claim: dict[str, Any] = {}
        self._best_kept = 0
        self._last_kept = time.monotonic()
        self.failure: OSError | None = None
        """why a state could not be kept; None if every one was"""

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise NotADirectoryError(
                errno.ENOTDIR, "checkpoint must be a folder, but this is a file", self._given
            ) from None
        self._lock = _locked(self._folder / "lock", self._given)
        try:
            self._find()
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._unlock()

    @property
    def entropy(self) -> Any:
        """The entropy that the run's random numbers began with; None if the run has not begun."""
        return None if self._stored is None else self._stored.entropy

    def claim(self, fingerprint: Fingerprint, entropy: Any, pack: Pack) -> None:
        """Claim the folder for a run, or refuse if it holds another one.

        Parameters
        ----------
        fingerprint : dict
        entropy : int or list of int
        pack : callable

        Raises
        ------
        ValueError
            It is another run's; the message says what differs.
        OSError
            The folder cannot be written to.
        """
        if self._stored is not None:
            differences = list(_differences(self._stored.fingerprint, fingerprint))
            if differences:
                raise ValueError(
                    f"checkpoint={self._given!r} holds another run: {'; '.join(differences)}. "
                    "Give this one a folder of its own, or delete that one to begin afresh"
                )
        self._claim = {"fingerprint": fingerprint, "entropy": entropy}
        self._pack = pack
        try:
            for path in self._damaged:
                _set_aside(path)
            for leftover in self._folder.glob(".elman-*.tmp"):  # of a process that was killed
                leftover.unlink(missing_ok=True)
            if self._stored is not None:  # it may have been killed before it wrote the best model
                stored = self._stored
                self._keep_best(stored.network, stored.history, stored.parts)
        except OSError as error:
            raise _before_training(error) from error

    @property
    def newest(self) -> Path | None:
        """The file of the newest state on disk; None if there is none, or no folder any more."""
        try:
            return next(iter(_epochs_in(self._folder)), None)
        except OSError:
            return None

    # What `elman.training.loop.CheckpointStore` asks

    def resumed(self) -> TrainingState | None:
        """The state to go on from; None at the beginning of a run."""
        if self._stored is None:
            return None
        stored = self._stored
        return TrainingState(stored.network, stored.history, stored.parts, stored.finished)

    def due(self, epoch: int) -> bool:
        """Whether to keep the state after this epoch."""
        if self._epochs is not None and epoch % self._epochs == 0:
            return True
        return self._seconds is not None and time.monotonic() - self._last_kept >= self._seconds

    def keep(self, state: TrainingState) -> None:
        """Write the state, then the best model if there is a better one; drop older states.

        Raises
        ------
        OSError
            One of them cannot be written, or an older one not dropped; `failure` has it, too. The
            states that were there before are whole.
        """
        if self._pack is None:
            raise RuntimeError("claim comes first")
        try:
            self._keep(state, self._pack)
        except OSError as error:
            self.failure = error
            if len(state.history):
                raise
            raise _before_training(error) from error

    def _keep(self, state: TrainingState, pack: Pack) -> None:
        history = state.history
        epoch = history.epoch[-1] if len(history) else 0
        tensors, config = pack(state.network, history)
        arrays, values = _split(state.parts)
        config["training"] = {"parts": values, "finished": state.finished, **self._claim}
        archive.save(self._folder / f"epoch-{epoch:06d}.safetensors", tensors | arrays, config)
        self._last_kept = time.monotonic()
        self._keep_best(state.network, history, state.parts)
        for path in _epochs_in(self._folder)[N_KEPT:]:
            path.unlink(missing_ok=True)

    def _keep_best(
        self, network: Network, history: History, parts: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Write the best model unless it is on disk already."""
        if self._pack is None:
            raise RuntimeError("claim comes first")
        if history.best_epoch != self._best_kept:
            best = network.copy()
            best.params.flat[...] = parts["best"]["flat"]
            archive.save(self._folder / BEST, *self._pack(best, history))
            self._best_kept = history.best_epoch

    # Reading

    def _find(self) -> None:
        """Read the newest state that is whole."""
        paths = _epochs_in(self._folder)
        if not paths and (self._folder / BEST).exists():
            raise ValueError(
                f"checkpoint={self._given!r} has a {BEST} but no epoch-*.safetensors, so no run to "
                "go on with, and the file would be replaced: choose another folder"
            )
        reasons = []
        for path in paths:
            try:
                self._stored = self._read(path)
                break
            except ArchiveError as error:
                reasons.append(str(error))
                self._damaged.append(path)
        if paths and self._stored is None:
            raise ValueError(
                f"checkpoint={self._given!r} holds no state to go on from: {'; '.join(reasons)}. "
                "To begin afresh, choose another folder or delete this one"
            )
        if self._stored is not None and reasons:
            warnings.warn(
                f"{'; '.join(reasons)}. Training goes on from epoch {self._stored.epoch} instead, "
                "to the same end",
                stacklevel=7,
            )

    def _read(self, path: Path) -> _Stored:
        saved, arrays, training = load_training(path, self._kind, known=self._known)
        try:
            if not isinstance(training["finished"], bool):
                raise TypeError("it does not say whether training was over")
            np.random.SeedSequence(training["entropy"])  # an error unless it is entropy
            return _Stored(
                epoch=len(saved.history),
                network=saved.model.network,
                history=saved.history,
                parts=_joined(arrays, training["parts"]),
                finished=training["finished"],
                fingerprint=_chosen(training["fingerprint"], saved.model),
                entropy=training["entropy"],
            )
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ArchiveError(
                f"{path}: is whole, but not a checkpoint of this version of elman "
                f"({type(error).__name__}: {error})"
            ) from error

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _before_training(error: OSError) -> OSError:
    """The same error, with what it means where nothing was trained yet."""
    return OSError(
        error.errno,
        f"{error.strerror or error}: nothing was trained; make room in the folder of checkpoint "
        "and see that it can be written to, or choose another",
        error.filename,
    )


def digest(*arrays: Any) -> str:
    """SHA-256 of arrays and texts, with the types and shapes of the former.

    Parameters
    ----------
    *arrays : ndarray, Sequences, str or None
        Sequences are the same as the array of their steps and that of their lengths.
    """
    sha = hashlib.sha256()

    def add(dtype: np.dtype[Any], shape: tuple[int, ...], parts: Iterable[Array]) -> None:
        described = f"{dtype.str} {shape}"
        sha.update(f"{len(described)} {described}".encode())
        for part in parts:
            sha.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)

    for array in arrays:
        if isinstance(array, Sequences):
            add(array.dtype, (array.n_steps, array.n_features), array.blocks())
            add(array.lengths.dtype, array.lengths.shape, [array.lengths])
        elif isinstance(array, np.ndarray):
            add(array.dtype, array.shape, [array])
        else:
            sha.update(f"{len(repr(array))} {array!r}".encode())
    return sha.hexdigest()


def _chosen(fingerprint: Mapping[str, Any], model: TrainedModel) -> Fingerprint:
    """A fingerprint with what was chosen in the place of what chose it, which older ones have.

    "auto" is what the data came to, and any readout is "every" where y had asked for that.
    """
    chosen = {"deltas": model.frontend.deltas, "stride": model.frontend.stride}
    found = {k: chosen[k] if k in chosen and v == "auto" else v for k, v in fingerprint.items()}
    if "readout" in found and model.network.layout.at_every_step:
        found["readout"] = EVERY
    return found


def _differences(there: Fingerprint, here: Fingerprint) -> Iterable[str]:
    for name in [*here, *(name for name in there if name not in here)]:
        old, new = _entry(there, name), _entry(here, name)
        if old != new:
            if name in DIGESTS:
                yield f"{name} is another" if old and new else f"{name} is in one only"
            else:
                yield f"{name} is {new!r} here and {old!r} there"


def _entry(fingerprint: Fingerprint, name: str) -> Any:
    """An entry; of a hyper-parameter that there was not yet what all was done with then."""
    if name not in fingerprint and name in DECLARED:
        return DECLARED[name].earlier
    return fingerprint.get(name)


DIGESTS = ("X", "y", "sample_weight", "validation data", "vocabulary of X", "embedding_init")
"""Parts of a fingerprint that are digests; a message says only that they differ."""


def _epochs_in(folder: Path) -> list[Path]:
    """Files of epochs, the newest first."""
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := _epoch_of(path))]
    return [path for _, path in sorted(found, reverse=True)]


def _epoch_of(path: Path) -> re.Match[str] | None:
    return EPOCH_FILE.fullmatch(path.name)


def _set_aside(path: Path) -> None:
    """Rename a damaged file, so that no new one replaces it."""
    number, aside = 0, path.with_name(f"{path.name}.damaged")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged{number}")
    path.rename(aside)


def _locked(path: Path, given: str) -> int | None:
    """A descriptor that holds the lock for as long as it is open; None where there are no locks."""
    try:
        import fcntl
    except ImportError:  # not POSIX
        return None
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            return None  # a file system without locks
        raise OSError(
            error.errno, "another process trains into this folder; choose another", given
        ) from None
    return descriptor


# Parts of a state: nested dicts of arrays and of what JSON keeps


def _split(parts: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays by "training.part.name", and the rest."""
    arrays: dict[str, Array] = {}
    values: dict[str, Any] = {}
    for part, state in parts.items():
        values[part] = {}
        for name, value in state.items():
            if isinstance(value, np.ndarray):
                arrays[f"{PREFIX}{part}.{name}"] = value
            else:
                values[part][name] = value
    return arrays, values


def _joined(
    arrays: Mapping[str, Array], values: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    parts = {part: dict(state) for part, state in values.items()}
    for key, array in arrays.items():
        part, _, name = key.removeprefix(PREFIX).partition(".")
        parts[part][name] = array
    return parts
