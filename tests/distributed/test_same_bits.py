"""Weights, optimizer and history are those of one process to the bit, on every engine."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
from distributed import Client, LocalCluster
from helpers import engine_fits
from helpers.engine_fits import CASES, LEAN
from helpers.engines import Faulty, at_most, mpiexec, pool

from elman.distributed import connect

WORKERS = (1, 2, 3, 4)
whole = pytest.mark.cluster


@pytest.fixture(autouse=True)
def _no_hang():
    with at_most():
        yield


@pytest.fixture(scope="module", params=[2, *(pytest.param(n, marks=whole) for n in (1, 3, 4))])
def n_workers(request):
    return request.param


@pytest.fixture(scope="module")
def processes(n_workers):
    with pool(n_workers) as executor:
        yield executor


@pytest.fixture(scope="module")
def client(n_workers):
    with (
        LocalCluster(
            n_workers=n_workers, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def cases(lean=LEAN):
    return [pytest.param(c, marks=() if c in lean else whole, id=c) for c in CASES]


@pytest.mark.parametrize("case", CASES)
def test_pool(processes, case):
    assert engine_fits.end_of(CASES[case](processes)) == engine_fits.serial(case)


@pytest.mark.parametrize("case", cases())
def test_dask(client, case):
    assert engine_fits.end_of(CASES[case](client)) == engine_fits.serial(case)


@pytest.mark.parametrize("names", [LEAN, pytest.param(CASES, marks=whole)], ids=["lean", "all"])
@pytest.mark.parametrize("n", [2, *(pytest.param(n, marks=whole) for n in (1, 3, 4))])
def test_mpi(n, names):
    found = mpiexec(n, "-m", "helpers.engine_fits", *names)
    assert found.returncode == 0, found.stderr
    every = json.loads(found.stdout)
    assert len(every) == n
    for own in every:
        assert own == {name: engine_fits.serial(name) for name in names}


@pytest.mark.parametrize("make", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_pools_of_the_standard_library(make):
    with make(3) as executor:
        assert engine_fits.end_of(CASES["tagger"](executor)) == engine_fits.serial("tagger")


@whole
def test_mpi_pool():
    """mpi4py's own executor, in a process of its own, as it cannot be started twice."""
    program = (
        "from mpi4py.futures import MPICommExecutor; from mpi4py import MPI;"
        "from helpers.engine_fits import CASES, end_of, serial\n"
        "with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:\n"
        "    if executor is not None:\n"
        "        print(end_of(CASES['tagger'](executor)) == serial('tagger'))"
    )
    found = mpiexec(3, "-c", program)
    assert found.returncode == 0, found.stderr
    assert found.stdout == "True\n"


def test_nothing_of_an_engine_stays(processes):
    clf = engine_fits.classifier(max_iter=1).fit(
        engine_fits.X, engine_fits.LABELS, executor=processes
    )
    assert "executor" not in clf.get_params()
    assert b"concurrent" not in pickle.dumps(clf)


def test_every_worker_gets_work(processes, n_workers):
    """Or equal bits would prove nothing."""
    counts = []

    def seen(number, tasks):
        counts.append(len(tasks))
        return tasks

    clf = engine_fits.classifier(max_iter=2)
    clf.fit(engine_fits.X, engine_fits.LABELS, executor=Faulty(connect(processes), seen))
    assert counts == [n_workers] * 4
