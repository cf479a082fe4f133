"""Writes a file so that it replaces an older one at once and whole, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from typing import BinaryIO

PathLike = str | os.PathLike[str]


@contextlib.contextmanager
def replacing(path: PathLike) -> Iterator[BinaryIO]:
    """Open a new file for bytes; a crash at any moment leaves the one that was there before whole.

    The bytes go to a new file in the same folder, reach the disk, and take the old file's place in
    one step, once the body of the `with` is done. Its permissions are kept (hard links to it still
    show the old content); a symbolic link is followed, and stays a link.

    Parameters
    ----------
    path : path-like
        The file, replaced if there is one.

    Yields
    ------
    file
        Open for writing, seekable.

    Raises
    ------
    OSError
        The file cannot be written, or `path` is something other than a regular file. `filename` is
        `path` as it was given.
    """
    target = os.path.realpath(path)
    mode = None
    with contextlib.suppress(FileNotFoundError):
        mode = os.stat(target).st_mode
    if mode is not None:
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file; choose another path", os.fspath(path))
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".elman-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):  # what went wrong first is what the caller must hear
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno and error.filename in (None, temporary):
            error.filename = os.fspath(path)  # the name that the caller knows
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """Make the new name last through a power cut, where the system can open folders."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot; the file itself is already in place and on disk.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
