"""An engine for whatever a user has to run tasks on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from typing import Any

from elman.distributed.dask import DaskEngine
from elman.distributed.engine import Engine
from elman.distributed.executors import ExecutorEngine
from elman.distributed.mpi import MpiEngine

TIMEOUT = 60.0
RETRIES = 3
REACHED_IN = 10.0
"""seconds in which a scheduler of Dask must answer"""


def connect(executor: Any, *, timeout: float = TIMEOUT, retries: int = RETRIES) -> Engine:
    """Make an engine of an executor, a Dask client or an MPI communicator.

    Parameters
    ----------
    executor : object
        One of

        - a `concurrent.futures.Executor`, among them `ProcessPoolExecutor` and
          `mpi4py.futures.MPIPoolExecutor`;
        - a function without arguments that makes such an executor: it is called again when a
          worker died and the executor is broken, and what it made is shut down at the end. The
          class of an executor is such a function;
        - a `distributed.Client`;
        - an `mpi4py.MPI.Comm`, if every process of it runs the same program on the same data; start
          it with `mpiexec -n 4 python -m mpi4py program.py`, so that an error in one process ends
          the job, which goes on from a checkpoint with any number of processes;
        - an engine, which is returned as it is.
    timeout : float, default=60
        Seconds without any result after which work is given to another worker as well, and the
        longest wait for a first worker. Among processes of MPI, seconds after which a warning says
        that others have not made the same call.
    retries : int, default=3
        How often a piece of work may be lost with its worker, or time out, before that is an error.

    Returns
    -------
    Engine

    Raises
    ------
    TypeError
        It is none of these.
    ValueError
        `timeout` is not above 0, or `retries` is negative.
    """
    if not timeout > 0:
        raise ValueError(f"timeout={timeout!r}; it must be above 0 seconds")
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
        raise ValueError(f"retries={retries!r}; it must be a whole number, 0 or more")
    module = type(executor).__module__.split(".")[0]
    if isinstance(executor, Executor):
        client = getattr(executor, "_client", None)
        if module == "distributed" and client is not None:  # Client.get_executor()
            return DaskEngine(client, timeout, retries)
        return ExecutorEngine(executor, None, timeout, retries)
    if module == "distributed" and hasattr(executor, "submit") and hasattr(executor, "nthreads"):
        return DaskEngine(executor, timeout, retries)
    if module == "mpi4py" and hasattr(executor, "allgather"):
        return MpiEngine(executor, timeout)
    if all(hasattr(executor, name) for name in ("run", "shared", "n_workers", "is_writer")):
        engine: Engine = executor
        return engine
    if _makes_executors(executor):
        return ExecutorEngine(None, executor, timeout, retries)
    raise TypeError(
        f"executor is {_seen(executor)}; pass a concurrent.futures executor or a function that "
        f"makes one, a distributed.Client, or an mpi4py communicator{_hint(executor)}"
    )


def _makes_executors(executor: Any) -> bool:
    if isinstance(executor, type):
        return issubclass(executor, Executor)
    return callable(executor) and type(executor).__module__.split(".")[0] != "joblib"


def _seen(executor: Any) -> str:
    """What was passed, in words."""
    if isinstance(executor, type):
        return f"the class {executor.__name__}"
    if isinstance(executor, (str, int, float)):
        return f"{executor!r} ({type(executor).__name__})"
    return f"an object of the class {type(executor).__name__}"


def _hint(executor: Any) -> str:
    """What whoever passed this probably wants, if that can be told; begins with a full stop."""
    module = type(executor).__module__.split(".")[0]
    if isinstance(executor, (str, os.PathLike)):
        return (
            ". A client is made of the address of a Dask scheduler: executor=Client("
            f"{os.fspath(executor)!r}), after `from distributed import Client`"
        )
    if isinstance(executor, int) and not isinstance(executor, bool):
        n = f"{executor}" if executor > 0 else ""
        return (
            ". The number of threads is the estimator's n_jobs; processes are made by executor="
            f"lambda: ProcessPoolExecutor({n})"
        )
    if hasattr(executor, "scheduler_address"):
        return ". A client is made of a Dask cluster: executor=Client(cluster)"
    if module in ("multiprocessing", "joblib"):
        return ". Processes of this machine are made by executor=lambda: ProcessPoolExecutor(4)"
    return ""


@contextmanager
def connected(executor: Any) -> Iterator[Engine | None]:
    """The engine of what a user passed as `executor`, for as long as it is needed; None of None.

    An engine that the user made is left open.
    """
    if executor is None:
        yield None
        return
    engine = connect(executor)
    try:
        with engine.attended() if isinstance(engine, MpiEngine) else nullcontext():
            yield engine
    finally:
        if engine is not executor:
            engine.close()


@contextmanager
def client_at(address: str) -> Iterator[Any]:
    """A client of the Dask cluster whose scheduler is there; it is closed at the end.

    Parameters
    ----------
    address : str
        As "tcp://host:8786" or "host:8786"; or the path of a scheduler file.

    Raises
    ------
    ImportError
        Dask is not installed.
    OSError, ValueError
        The file cannot be read or is another one, or no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError(f"Dask is not installed ({error}): pip install elman[dask]") from error
    make: Any = Client
    where = _scheduler_of(address)
    try:
        client = make(where, timeout=REACHED_IN)
    except (OSError, ValueError) as error:
        cause: BaseException | None = error
        reason = type(error).__name__
        while cause is not None:  # what the connection itself met, if it says so
            reason = str(cause) or reason
            cause = cause.__cause__
        raise ConnectionError(
            f"no Dask scheduler answers at {where} ({reason}): is it running, and can this machine "
            "reach it?"
        ) from error
    with client:
        yield client


def _scheduler_of(address: str) -> str:
    """The address that is given, or is in the scheduler file that is given."""
    if "://" in address or not (os.path.exists(address) or address.endswith(".json")):
        return address
    with open(address, encoding="utf-8") as file:
        try:
            found = json.load(file)["address"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{address}: is not a scheduler file of Dask") from error
    return str(found)
