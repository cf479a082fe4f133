"""What is passed as `executor`: what is none is refused with the next step to take."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import joblib
import pytest
from distributed import Client, LocalCluster
from helpers import engine_fits
from helpers.engine_fits import classifier, regressor, tagger

from elman.distributed import DistributedError, connect


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(n_workers=0, processes=False, dashboard_address=None) as made:
        yield made


@pytest.mark.parametrize(
    ("executor", "reason"),
    [
        ("tcp://scheduler:8786", r"executor is 'tcp://scheduler:8786' \(str\).*Client\('tcp://sch"),
        (Path("scheduler.json"), r"Client\('scheduler.json'\)"),
        (3, r"executor is 3 \(int\).*n_jobs.*ProcessPoolExecutor\(3\)"),
        (-1, r"executor is -1 \(int\).*n_jobs.*ProcessPoolExecutor\(\)"),
        (True, r"executor is True \(bool\).*communicator$"),
        (Client, r"executor is the class Client"),
        (LocalCluster, r"executor is the class LocalCluster"),
        (joblib.Parallel(2), r"class Parallel.*lambda: ProcessPoolExecutor"),
        (object(), r"an object of the class object; pass a concurrent.futures executor"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_executor(executor, reason):
    with pytest.raises(TypeError, match=f"(?s){reason}"):
        connect(executor)


def test_a_cluster_is_not_its_client(cluster):
    with pytest.raises(TypeError, match=r"class LocalCluster.*executor=Client\(cluster\)"):
        connect(cluster)


def test_a_pool_of_multiprocessing():
    with (
        multiprocessing.get_context("spawn").Pool(1) as pool,
        pytest.raises(TypeError, match=r"class Pool.*lambda: ProcessPoolExecutor"),
    ):
        connect(pool)


def test_a_function_that_makes_a_client(cluster):
    with (
        Client(cluster) as client,
        pytest.raises(TypeError, match=r"made a Client.*A Dask client .* is passed as it is"),
    ):
        connect(lambda: client)


@pytest.mark.parametrize(
    ("make", "y"), [(classifier, "LABELS"), (tagger, "TAGS"), (regressor, "NUMBERS")]
)
def test_a_client_that_is_closed(cluster, make, y):
    client = Client(cluster)
    client.close()
    with pytest.raises(DistributedError, match="or the client was closed"):
        make().fit(engine_fits.X, getattr(engine_fits, y), executor=client)


@pytest.mark.parametrize("made", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_a_class_of_executors_makes_one(made):
    engine = connect(made)
    try:
        assert engine.n_workers >= 1
    finally:
        engine.close()
