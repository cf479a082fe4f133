"""Files on the command line: data and models in, output that never destroys what was there."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.cli.errors import UserError

if TYPE_CHECKING:
    from elman.models.files import Saved
    from elman.models.model import TrainedModel


def read_data(path: Path, *, need_labels: bool = False, missing: str = "error") -> Any:
    """The data set in a .ts or .npz file, with NaN only for a model whose `missing` allows it."""
    from elman.data import check_sequences, read

    options: dict[str, Any] = {} if missing == "error" else {"missing": "nan"}
    if need_labels:
        options["unlabelled"] = "error"
    dataset = read(path, **options)
    if need_labels and dataset.y is None:
        raise UserError(f"{path}: has no labels, and this needs them")
    # The estimator checks again, but it cannot name the file.
    check_sequences(dataset.X, name=str(path), dtype=None, missing=missing)
    return dataset


def load_model(path: Path) -> Saved[TrainedModel]:
    """The model saved in `path`: without scikit-learn, which takes a second to import."""
    from elman.data.readers import READERS
    from elman.models.files import load

    if path.is_dir():
        raise UserError(f"{path}: is a directory, not a model saved by elman")
    if path.suffix.lower() in READERS and path.exists() and not _is_model(path):
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


def _is_model(path: Path) -> bool:
    from elman.formats.archive import ArchiveError, load

    try:
        load(path)
    except (ArchiveError, OSError):
        return False
    return True
