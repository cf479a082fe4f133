"""A process that carries trials out: trials on standard input in, outcomes on standard output out.

It ends when standard input does, whatever it is at: when the process that started it is gone. It
then removes the folder of states, which that process can remove no more.
"""

from __future__ import annotations

import os
import pickle
import queue
import shutil
import signal
import sys
import threading
import traceback
from typing import IO, Any

from elman.tuning.runners import receive, send
from elman.tuning.trial import Trial, carry_out

ATTEMPTS = 100
"""to remove a folder into which a training may be writing a last state"""


def main(path: str) -> None:
    """Carry trials out until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a user's functions print is no answer
    waiting: queue.SimpleQueue[Trial] = queue.SimpleQueue()
    listens = threading.Thread(target=_listen, args=(sys.stdin.buffer, waiting, path), daemon=True)
    listens.start()
    with open(path, "rb") as file:
        pickle.load(file)  # the path of modules
        material = pickle.load(file)
    while True:
        trial = waiting.get()
        try:
            told: Any = carry_out(material, trial)
        except Exception as error:
            told = _as_pickled(error)
        try:
            send(answers, told)
        except OSError:  # nobody reads it any more, and the other thread is to learn that, too
            listens.join()


def _listen(pipe: IO[bytes], waiting: queue.SimpleQueue[Trial], path: str) -> None:
    """Pass on what comes; end the process when nothing will come any more."""
    try:
        while True:
            waiting.put(receive(pipe))
    except (EOFError, OSError):
        folder = os.path.dirname(path)
        for _ in range(ATTEMPTS):
            if not os.path.exists(folder):
                break
            shutil.rmtree(folder, ignore_errors=True)  # another worker does so, too
        os._exit(0)


def _as_pickled(error: Exception) -> Exception:
    """The exception, or its text where it cannot be sent.

    What it was raised from cannot be sent at all; a note says where that came from.
    """
    if error.__cause__ is not None:
        error.add_note("".join(traceback.format_exception(error.__cause__)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
