"""Gradients and answers computed by several processes or machines, to the bits of one.

`connect` makes an engine of what a user has: a `concurrent.futures` executor, a Dask client or an
MPI communicator. The estimators take any of these, or an engine, as `executor`. `predict` keeps
answers in a folder while they are made, and goes on from there when it is called again.
"""

from elman.distributed.connecting import connect
from elman.distributed.engine import (
    DistributedError,
    Engine,
    EnvironmentMismatchError,
    NoWorkersError,
    WorkerLostError,
)
from elman.distributed.kept import predict

__all__ = [
    "DistributedError",
    "Engine",
    "EnvironmentMismatchError",
    "NoWorkersError",
    "WorkerLostError",
    "connect",
    "predict",
]
