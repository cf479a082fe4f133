"""Trials in; their outcomes, as they come, from this process or from several others, out."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from elman.tuning.trial import Clock, Material, Outcome, Trial, carry_out

MATERIAL = "material.pickle"
HEADER = struct.Struct("<Q")
POLL = 0.2
"""Seconds after which a wait looks for Ctrl-C"""


class Runner(Protocol):
    """Carries trials out."""

    n_workers: int

    def run(self, trials: Sequence[Trial], stop_at: float | None) -> Iterator[tuple[Trial, Any]]:
        """Each trial with its outcome, or the exception it raised, in any order.

        Those that have not begun by `stop_at`, on the clock of the search, are left out, and those
        that go on then end at the end of an epoch.
        """
        ...

    def close(self) -> None:
        """End whatever still runs."""
        ...


def _limited(trial: Trial, stop_at: float | None, clock: Clock) -> Trial | None:
    """The trial with the seconds that are left; None if there are none."""
    if stop_at is None:
        return trial
    left = stop_at - clock()
    return trial._replace(seconds=left) if left > 0 else None


class Here:
    """Carries trials out in this process, one after the other."""

    n_workers = 1

    def __init__(self, material: Material, clock: Clock) -> None:
        self._material, self._clock = material, clock

    def run(self, trials: Sequence[Trial], stop_at: float | None) -> Iterator[tuple[Trial, Any]]:
        """Each trial with its outcome, in their order."""
        for trial in trials:
            limited = _limited(trial, stop_at, self._clock)
            if limited is None:
                return
            try:
                told: Any = carry_out(self._material, limited, self._clock)
            except Exception as error:
                told = error
            yield trial, told

    def close(self) -> None:
        """Nothing runs."""


class WorkerLostError(RuntimeError):
    """A process that was to carry trials out did not come up."""


class Processes:
    """Carries trials out in other processes, a trial in each at a time, on one thread.

    They are started as programs of their own, so that a script that calls `elman.tune` needs no
    guard, and end when this process does, however it ends.
    """

    def __init__(self, material: Material, n_workers: int, clock: Clock) -> None:
        self.n_workers = n_workers
        self._folder, self._clock = Path(material.folder), clock
        with open(self._folder / MATERIAL, "wb") as file:
            for part in (sys.path, material):
                pickle.dump(part, file, protocol=pickle.HIGHEST_PROTOCOL)
        self._workers: list[_Worker] = []
        self._threads: list[threading.Thread] = []
        self._closed = False

    def run(self, trials: Sequence[Trial], stop_at: float | None) -> Iterator[tuple[Trial, Any]]:
        """Each trial with its outcome, as they end."""
        waiting: queue.SimpleQueue[Trial] = queue.SimpleQueue()
        for each in trials:
            waiting.put(each)
        done: queue.SimpleQueue[tuple[Trial | None, Any]] = queue.SimpleQueue()
        n_needed = min(self.n_workers, len(trials))
        while len(self._workers) < n_needed:
            self._workers.append(_Worker(self._folder))
        self._threads = [
            threading.Thread(target=self._serve, args=(number, waiting, done, stop_at), daemon=True)
            for number in range(n_needed)
        ]
        for thread in self._threads:
            thread.start()
        n_busy = n_needed
        while n_busy:
            try:
                trial, told = done.get(timeout=POLL)
            except queue.Empty:
                continue
            if trial is None:
                n_busy -= 1
                if told is not None:
                    raise told
            else:
                yield trial, told

    def _serve(
        self,
        number: int,
        waiting: queue.SimpleQueue[Trial],
        done: queue.SimpleQueue[tuple[Trial | None, Any]],
        stop_at: float | None,
    ) -> None:
        """Give a worker trial after trial; a thread of its own does so."""
        failure: BaseException | None = None
        try:
            while not self._closed:
                try:
                    limited = _limited(waiting.get_nowait(), stop_at, self._clock)
                except queue.Empty:
                    break
                if limited is None:
                    break
                if self._workers[number].is_lost:
                    self._workers[number] = _Worker(self._folder)
                done.put((limited, self._workers[number].ask(limited)))
        except BaseException as error:
            failure = error
        done.put((None, failure))

    def close(self) -> None:
        """End all workers at once."""
        self._closed = True
        for worker in self._workers:
            worker.kill()
        for thread in self._threads:
            if thread.ident is not None:  # Ctrl-C may have come before it was started
                thread.join()
        # what a thread has started in the place of one that was lost
        for worker in self._workers:
            worker.kill()
        self._workers = []


class _Worker:
    """One process, and the pipes to it."""

    def __init__(self, folder: Path) -> None:
        one_thread = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
        )
        own_group = {"process_group": 0} if os.name == "posix" else {}
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder / MATERIAL)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **one_thread},
            **own_group,  # type: ignore[call-overload]  # Ctrl-C is for the process that was called
        )
        self.is_lost = False
        self._has_answered = False

    def ask(self, trial: Trial) -> Any:
        """The outcome of a trial, or the exception it raised."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            send(self._process.stdin, trial)
            told = receive(self._process.stdout)
            self._has_answered = True
            return told
        except (EOFError, OSError):
            self.is_lost = True
            code = self._process.wait()
            if code > 0 and not self._has_answered:
                raise WorkerLostError(
                    "a process that was to train candidates could not be started; the lines above "
                    "say why. n_jobs=1 trains in this process"
                ) from None
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            return Outcome(
                failure=f"its process ended ({how}), perhaps because memory was short: a smaller "
                "n_jobs needs less"
            )

    def kill(self) -> None:
        """End the process at once and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # it holds what the process did not read
                    pipe.close()


PROGRAM = (
    "import pickle, sys\n"
    "with open(sys.argv[1], 'rb') as file:\n"
    "    sys.path[:] = pickle.load(file)\n"
    "from elman.tuning.worker import main\n"
    "main(sys.argv[1])\n"
)


def send(pipe: IO[bytes], value: Any) -> None:
    """Write a value, and how long it is."""
    content = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(HEADER.pack(len(content)) + content)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """Read what `send` wrote; EOFError if the other side is gone."""
    (size,) = HEADER.unpack(_exactly(pipe, HEADER.size))
    return pickle.loads(_exactly(pipe, size))  # of a process of our own


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    content = b""
    while len(content) < size:
        part = pipe.read(size - len(content))
        if not part:
            raise EOFError
        content += part
    return content
