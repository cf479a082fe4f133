"""Answers to many sequences kept in a folder, so that an interrupted call can be made again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.containers import as_given
from elman.data.sequences import Sequences
from elman.distributed.answers import answering_on, identity, piece_of, say_where
from elman.distributed.connecting import connected
from elman.distributed.engine import Engine
from elman.distributed.tasks import Environment
from elman.distributed.tree import shares
from elman.formats.atomic import replacing
from elman.models.model import TrainedModel
from elman.targets.checks import shown
from elman.training.checkpoints import digest

Array = NDArray[Any]

FORMAT = 1
KEPT_VALUES = 1 << 25
"""Values of X whose answers are kept in one file: 128 to 256 MiB of them."""
METHODS = (
    "predict",
    "predict_proba",
    "decision_function",
    "predict_proba_over_time",
    "predict_over_time",
    "hidden_states",
)


def predict(
    estimator: Any,
    X: Any,
    folder: str | os.PathLike[str],
    *,
    executor: Any = None,
    method: str = "predict",
    collect: bool = True,
) -> Any:
    """Answer for many sequences, and keep the answers in a folder while they are made.

    The answers to each part of X are written to a file as soon as they are there. When the call is
    interrupted, for whatever reason, the same call goes on behind the last file. With an executor
    the workers share each part.

    The folder holds `answers.json`, which says what the answers are of, and `00000.npy`,
    `00001.npy` and so on: the answers to consecutive samples, as NumPy reads them. Answers for time
    steps lie end to end, a row for each step. Labels that are Python objects are kept as their
    places in `classes_`.

    Parameters
    ----------
    estimator : estimator or elman.models.model.TrainedModel
        A fitted one.
    X : array-like or SequenceStore
    folder : path-like
        Made if it is not there.
    executor : executor, Client or Comm, optional
        What `connect` takes; None is this process.
    method : str, default="predict"
        Which of its methods: "predict", "predict_proba", "decision_function",
        "predict_proba_over_time", "predict_over_time" or "hidden_states".
    collect : bool, default=True
        Whether to return the answers; if not, they are only kept, and need no memory.

    Returns
    -------
    ndarray, list of ndarray, or None
        What the method itself returns for X, to the bit; None without `collect`.

    Raises
    ------
    ValueError
        The folder has answers of another model, of other data or of another method, or it holds
        other files; or X cannot be used.
    OSError
        The folder cannot be written to.
    """
    if not isinstance(estimator, TrainedModel) and not hasattr(estimator, "_model"):
        raise TypeError(
            f"estimator is {shown(estimator)}, a {type(estimator).__name__}; pass a fitted "
            "estimator, such as elman.load(path)"
        )
    model: Any = estimator if isinstance(estimator, TrainedModel) else estimator._model()
    if method not in METHODS or not hasattr(model, method):
        known = [name for name in METHODS if hasattr(model, name)]
        raise ValueError(f"method={method!r}; this {model.kind} has {', '.join(known)}")
    data = model.check(X)
    with connected(executor) as engine:
        kept = _Folder(Path(folder), engine)
        borders = _borders(data)
        kept.claim(_manifest(model, data, method, borders))
        if engine is not None:
            model = answering_on(engine, model)
        # Asked about no sample, it says what the answers look like, and what is wrong with a model.
        nothing = getattr(model, method)(piece_of(data, 0, 0))
        per_step = isinstance(nothing, list)
        found: list[Any] = []
        for number, (start, stop) in enumerate(borders):
            n_rows = int(data.lengths[start:stop].sum()) if per_step else stop - start
            answers = kept.read(number, n_rows)
            if answers is None:
                answers = _asked(model, method, data, start, stop)
                answers = np.concatenate(answers) if per_step else answers
                kept.write(number, _plain(answers, model))
            elif method == "predict" and _are_objects(model):
                answers = model.classes[answers]
            if collect and per_step:
                found += np.split(answers, data.offsets[start + 1 : stop] - data.offsets[start])
            elif collect:
                found.append(answers)
    if not collect:
        return None
    if per_step:
        return found if isinstance(estimator, TrainedModel) else as_given(X, found)
    return np.concatenate(found) if found else nothing


def _asked(model: Any, method: str, data: Sequences, start: int, stop: int) -> Any:
    """The answers to some samples; errors number samples as X does."""
    piece = piece_of(data, start, stop)
    piece.pending_check = data.pending_check
    try:
        return getattr(replace(model, first=start), method)(piece)
    except ValueError as error:
        say_where(data, model.standardisation, model.network.params.dtype, error)


def _borders(data: Sequences) -> list[tuple[int, int]]:
    """Which samples each file has; whatever computes them, they are the same."""
    values = (data.reads + 1).astype(np.float64) * max(data.n_features, 1)
    return shares(values, max(1, int(-(-values.sum() // KEPT_VALUES))))


def _manifest(
    model: TrainedModel, data: Sequences, method: str, borders: list[tuple[int, int]]
) -> dict[str, Any]:
    """All that decides the bits of the answers, and which file has those of which samples."""
    described, tensors = model.describe()
    named = [part for name in sorted(tensors) for part in (name, tensors[name])]
    return {
        "format": FORMAT,
        "method": method,
        "model": digest(json.dumps(described, sort_keys=True), *named),
        "X": identity(data),
        "computed by": list(Environment.of(model.current_backend())),
        "samples": [list(border) for border in borders],
    }


def _are_objects(model: Any) -> bool:
    return getattr(model, "classes", np.empty(0)).dtype == object


def _plain(answers: Array, model: Any) -> Array:
    """Answers as a file without pickles holds them."""
    if answers.dtype != object:
        return answers
    places = {label: i for i, label in enumerate(model.classes.tolist())}
    return np.array([places[label] for label in answers.tolist()], np.int64)


class _Folder:
    """The folder, in the hands of the one process that writes."""

    def __init__(self, path: Path, engine: Engine | None) -> None:
        self.path = path
        self._shared: Callable[[Callable[[], Any]], Any] = (
            (lambda make: make()) if engine is None else engine.shared
        )

    def claim(self, manifest: dict[str, Any]) -> None:
        """Make the folder, or see that it is that of the same call."""
        self._shared(lambda: self._claim(manifest))

    def _claim(self, manifest: dict[str, Any]) -> None:
        file = self.path / "answers.json"
        self.path.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            others = [entry for entry in sorted(os.listdir(self.path)) if not _is_left_over(entry)]
            if others:
                raise ValueError(
                    f"{self.path}: holds {others[0]}, but no answers.json; name a new or an empty "
                    "folder"
                )
            with replacing(file) as out:
                out.write(json.dumps(manifest, indent=1).encode())
            return
        try:
            there = json.loads(file.read_bytes())
        except ValueError as error:
            raise ValueError(f"{file}: is not what elman wrote ({error})") from error
        differ = [
            name
            for name in manifest
            if not isinstance(there, dict) or there.get(name) != manifest[name]
        ]
        if differ:
            what = {"method": "method", "model": "model", "X": "data (X)"}
            named = [what.get(name, f"'{name}'") for name in differ]
            raise ValueError(
                f"{self.path}: holds answers of another {', another '.join(named)}; name another "
                "folder, or delete this one"
            )

    def read(self, number: int, n_rows: int) -> Array | None:
        """What a file holds; None if there is none that is whole."""
        found: Array | None = self._shared(lambda: self._read(number, n_rows))
        return found

    def _read(self, number: int, n_rows: int) -> Array | None:
        try:
            answers: Array = np.load(self._file(number), allow_pickle=False)
        except FileNotFoundError:
            return None
        except (ValueError, EOFError):  # damaged since: it is made again
            return None
        return answers if answers.ndim and len(answers) == n_rows else None

    def write(self, number: int, answers: Array) -> None:
        """Keep answers: the file is there once it is whole."""

        def write() -> None:
            with replacing(self._file(number)) as file:
                np.save(file, answers, allow_pickle=False)

        self._shared(write)

    def _file(self, number: int) -> Path:
        return self.path / f"{number:05}.npy"


def _is_left_over(entry: str) -> bool:
    """Whether a file is one that was being written when a process was killed."""
    return entry.startswith(".elman-") and entry.endswith(".tmp")
