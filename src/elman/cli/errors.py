"""Tells a mistake of the user from a bug, and writes the mistake on one line."""

from __future__ import annotations

import dis

from elman.cli.text import visible
from elman.cli.wording import as_options

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""
_RAISE = dis.opmap["RAISE_VARARGS"]
_OURS = ("elman", "sklearn")


class UserError(Exception):
    """Something the person at the command line can put right; the message says how."""


def is_users_mistake(error: BaseException) -> bool:
    """Whether one line is enough; a bug of ours deserves its traceback."""
    if hasattr(error, "format_message"):  # what typer raises for a wrong option or argument
        return True
    if isinstance(error, UserError | OSError | MemoryError | UnicodeEncodeError):
        return True
    if isinstance(error, ValueError | TypeError | ImportError) and _raised_on_purpose(error):
        return True
    from elman.distributed.engine import DistributedError

    return isinstance(error, DistributedError)


def _raised_on_purpose(error: BaseException) -> bool:
    """Whether a `raise` statement of ours threw it, rather than an operation that went wrong."""
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    if tb is None:
        return False
    module = str(tb.tb_frame.f_globals.get("__name__", ""))
    return module.split(".")[0] in _OURS and tb.tb_frame.f_code.co_code[tb.tb_lasti] == _RAISE


def one_line(error: BaseException) -> str:
    """What went wrong, on one line."""
    if hasattr(error, "format_message"):
        text = str(error.format_message())
        context = getattr(error, "ctx", None)
        if context is not None and "ossible" not in text:
            stop = "" if text.endswith((".", "?", "!")) else "."
            text = f"{text}{stop} See '{context.command_path} --help'."
    elif isinstance(error, OSError) and error.strerror:
        where = f"{_text(error.filename)}: " if error.filename is not None else ""
        text = f"{where}{error.strerror}"
    elif isinstance(error, UnicodeEncodeError):
        unknown = error.object[error.start : error.end]
        text = f"{error.encoding} output cannot hold {unknown!a}; set PYTHONIOENCODING=utf-8"
    elif isinstance(error, MemoryError):
        text = f"not enough memory: {error}" if str(error) else "not enough memory"
    else:
        text = as_options(str(error)) or type(error).__name__
    return visible(" ".join(text.split()))


def _text(name: object) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)
