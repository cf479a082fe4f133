"""Files on the command line: data and models in, output that never destroys what was there."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.cli.columns import asked_of
from elman.cli.errors import UserError

STDIN = Path("-")
"""What stands for standard input in the place of a file."""

if TYPE_CHECKING:
    from elman.data import Dataset
    from elman.data.tables.roles import NoColumnError
    from elman.models.files import Saved
    from elman.models.model import TrainedModel


def read_data(
    path: Path, given: Mapping[str, Any], *, missing: str = "error", need_labels: bool = True
) -> Dataset:
    """The data set in a file or folder, with NaN only for a model whose `missing` allows it.

    Parameters
    ----------
    path : Path
    given : mapping
        Options of `elman.data.read` that were given.
    missing : str
        The model's.
    need_labels : bool
        Whether there must be labels or targets; if not, none are looked for.
    """
    return _checked(path, _as_read(path, given, missing, (), need_labels), missing, need_labels)


def read_for(
    model: TrainedModel,
    path: Path,
    given: Mapping[str, Any],
    *,
    need_labels: bool,
    model_path: Path,
) -> Dataset:
    """The data set in a file or folder for a model, which remembers the columns it was trained on.

    Parameters
    ----------
    model : TrainedModel
    path : Path
    given : mapping
        Options of `elman.data.read` that were given now.
    need_labels : bool
        Whether there must be labels or targets; if not, none are looked for.
    model_path : Path
        Where the model is from, for errors.
    """
    from elman.data.readers import options_for

    if path == STDIN:
        raise UserError("standard input has no labels, which this needs: name a file")
    wanted, may_lack = asked_of(model, given, answers=need_labels)
    known = options_for(path, wanted)
    wanted = {name: wanted[name] for name in wanted if name in known or name in given}
    from elman.data.tables.roles import NoColumnError

    try:
        dataset = _as_read(path, wanted, model.missing, may_lack, need_labels)
    except NoColumnError as error:
        if error.role in given or error.role not in wanted:
            raise
        raise UserError(_not_as_in_training(error, model, model_path)) from error
    time = wanted.get("time")
    if time is not None and "time" not in dataset.metadata:
        warnings.warn(
            f"{path}: has no column {time!r}, by which the steps of the training data were sorted; "
            "they are taken in the order of the rows",
            stacklevel=2,
        )
    return _with_names(_checked(path, dataset, model.missing, need_labels))


def _not_as_in_training(error: NoColumnError, model: TrainedModel, model_path: Path) -> str:
    """An error about a column that the model remembers and the data have not."""
    from elman.data.dataset import cut, enumerated

    def names(several: Iterable[str]) -> str:
        return enumerated(name if name.isidentifier() else cut(name) for name in several)

    seen = f"{error.source} has no column {cut(error.name)}; it has {names(error.there)}"
    if error.role == "features":
        of_training = names(model.feature_names or ())
        return (
            f"the model was trained on the columns {of_training} (remembered in {model_path}), and "
            f"{seen}. Rename the one that holds {cut(error.name)}"
        )
    what = {"id": "the id of each recording", "time": "the time of each step"}
    held = what.get(error.role, f"the {error.role.removeprefix('step_')}")
    return (
        f"in training the column {cut(error.name)} held {held} (remembered in {model_path}), and "
        f"{seen}. If it is called otherwise here, name it with --{error.role.replace('_', '-')}"
    )


def _with_names(dataset: Dataset) -> Dataset:
    """With sequences that know the names of their features, which a model compares with its own."""
    from elman.data.named import NamedSequences

    names = dataset.feature_names
    if names is None or hasattr(dataset.X, "feature_names") or np.ndim(dataset.X[0]) != 2:
        return dataset
    return replace(dataset, X=NamedSequences(dataset.X, names, dataset.ids))


def _as_read(
    path: Path, options: Mapping[str, Any], missing: str, may_lack: Collection[str], answers: bool
) -> Dataset:
    from elman.data.readers import read_as_given

    allowed = {"missing": "error" if missing == "error" else "nan"}
    if answers:
        allowed["unlabelled"] = "error"
    return read_as_given(path, {**options, **allowed}, may_lack=may_lack, with_labels=answers)


def _checked(path: Path, dataset: Dataset, missing: str, need_labels: bool) -> Dataset:
    from elman.data import check_sequences

    if need_labels and dataset.y is None:
        is_table = dataset.ids is not None or isinstance(dataset.X[0], str)
        fix = "; --label, --step-label or --target names their column" if is_table else ""
        if path.is_dir():
            fix = "; --labels names the file that has them, --step-label a column of the recordings"
        raise UserError(f"{path}: has no labels, and this needs them{fix}")
    if dataset.categorical or isinstance(dataset.X[0], str):
        return dataset  # the reader has looked at the numbers, and the estimator numbers the rest
    # The estimator checks again, but it cannot name the file.
    check_sequences(dataset.X, name=str(path), dtype=None, missing=missing)
    return dataset


def load_model(path: Path) -> Saved[TrainedModel]:
    """The model saved in `path`: without scikit-learn, which takes a second to import."""
    from elman.data.readers import suffixes
    from elman.models.files import load

    if path.is_dir():
        raise UserError(f"{path}: is a directory, not a model saved by elman")
    if path.suffix.lower() in suffixes() and path.exists() and not _is_model(path):
        raise UserError(f"{path}: holds data, not a model saved by elman; the model comes first")
    return load(path)


def check_output(
    path: Path, *, force: bool, must_be: str | None = None, inputs: tuple[Path, ...] = ()
) -> None:
    """Refuse, before any work is done, an output that cannot be written or would destroy a file.

    `force` allows a file to be replaced, but not one of the `inputs`; with `must_be="model"` only
    one which elman saved.
    """
    if must_be == "model":
        from elman.models.files import check_name

        check_name(path)
    if path.is_dir():
        raise UserError(f"{path}: is a directory; name a file to write")
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no directory {path.parent}; make it first")
    for source in inputs:
        if source.is_dir() and source.resolve() in path.resolve().parents:
            raise UserError(f"{path}: lies in the folder that is read; write it elsewhere")
    if path.exists():
        if not path.is_file():
            raise UserError(f"{path}: is not a regular file; name another, or use > for a device")
        if any(source.exists() and path.samefile(source) for source in inputs):
            raise UserError(f"{path}: is read by this command; name another file to write")
        if must_be == "model" and not _is_model(path):
            raise UserError(f"{path}: exists and is not a model saved by elman; name another file")
        if not force:
            raise UserError(f"{path}: exists; --force replaces it")
    try:
        # The only certain way to know that a directory can be written to is to write to it.
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error


def check_log(path: Path, inputs: tuple[Path, ...] | None) -> None:
    """Refuse a log of training that is no .csv or .jsonl file, or another file than a log.

    `inputs` is what the command reads; None if this process does not write the log.
    """
    from elman.callbacks.logs import LOGS

    log = LOGS.get(path.suffix.lower())
    if log is None:
        raise UserError(f"--log {path}: the name must end in {' or '.join(LOGS)}")
    if inputs is not None:
        check_output(path, force=True, inputs=inputs)
        try:
            log(path).check()
        except ValueError as error:
            raise UserError(f"--log {error}") from error


def check_checkpoint(folder: Path, output: Path, inputs: tuple[Path, ...]) -> None:
    """Refuse a folder of checkpoints that would be in the way of the model, or of what is read."""
    from elman.training.checkpoints import BEST, EPOCH_FILE

    here, model = folder.resolve(), output.resolve()
    if here == model or model in here.parents:
        raise UserError(
            f"--checkpoint {folder}: is or lies in what --output names, which is a file; name "
            "another folder"
        )
    if model.parent == here and (model.name == BEST or EPOCH_FILE.fullmatch(model.name)):
        raise UserError(
            f"{output}: is the name of a file that --checkpoint {folder} keeps; name another"
        )
    for source in map(Path.resolve, inputs):
        if source.is_dir() and (here == source or source in here.parents):
            raise UserError(
                f"--checkpoint {folder}: is or lies in the folder that is read; name another folder"
            )


def _is_model(path: Path) -> bool:
    from elman.formats.archive import ArchiveError, load

    try:
        load(path)
    except (ArchiveError, OSError):
        return False
    return True
