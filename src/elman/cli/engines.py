"""Where a command has its work done: here, on a cluster of Dask, or by processes of MPI."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from elman.cli.errors import UserError

DaskAddress = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        help="Have the workers of a Dask cluster do the work, to the same bits: the address of its "
        "scheduler, or its scheduler file.",
    ),
]


def is_writer(context: typer.Context) -> bool:
    """Whether this process writes files; of several that MPI started one does."""
    return context.obj is None or bool(context.obj.is_writer)


def executor_of(context: typer.Context, dask: str | None) -> Any:
    """What estimators take as executor, or None; it is given up when the command ends."""
    return context.with_resource(_executor(context, dask))


@contextmanager
def _executor(context: typer.Context, dask: str | None) -> Iterator[Any]:
    if dask is not None and context.obj is not None:
        raise UserError(
            "--dask has the workers of a cluster do the work, and mpiexec the processes that it "
            "started: choose one of them"
        )
    if dask is not None:
        from elman.distributed.connecting import client_at

        with client_at(dask) as client:
            yield client
    else:
        yield None if context.obj is None else context.obj.comm
