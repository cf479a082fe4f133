"""Signals in; a search that ends without leaving a file behind, out."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that end a process which has said nothing about them"""


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


@contextlib.contextmanager
def ended_by_exceptions() -> Iterator[None]:
    """Signals that end the process raise SystemExit meanwhile, so that its files are removed.

    Only those are meant that would end it at once: what a program has said of a signal stays. Only
    the main thread can say anything about signals; elsewhere nothing is done.
    """
    with contextlib.ExitStack() as stack:
        for number in ENDING:
            if _is_main() and signal.getsignal(number) is signal.SIG_DFL:
                stack.callback(signal.signal, number, signal.SIG_DFL)
                signal.signal(number, _end)
        yield


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Forget a Ctrl-C that comes meanwhile: a person who presses twice means once."""
    if not _is_main():
        yield
        return
    before: Any = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        if before is not None:  # which only Python's handlers are not
            signal.signal(signal.SIGINT, before)


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()
