"""What is passed as `executor`: what cannot be used is refused with the next step to take."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import joblib
import pytest
from distributed import Client, LocalCluster
from helpers import engine_fits
from helpers.engine_fits import classifier, regressor, tagger

from elman.distributed import DistributedError, WorkerLostError, connect, connecting, predict
from elman.distributed.connecting import client_at


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


KINDS = pytest.mark.parametrize(
    ("make", "y"), [(classifier, "LABELS"), (tagger, "TAGS"), (regressor, "NUMBERS")]
)


@KINDS
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


def pool_that_ends_at_once():
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=os._exit, initargs=(3,))


@KINDS
def test_workers_that_die_as_they_are_started(make, y):
    """As those of a script do whose calls are under no condition; X is not to blame, nor named."""
    target = getattr(engine_fits, y)
    with pytest.raises(WorkerLostError, match=r"die as they are started.*__main__") as error:
        make().fit(engine_fits.X, target, executor=pool_that_ends_at_once)
    assert "sample" not in str(error.value)
    with (
        pool_that_ends_at_once() as executor,
        pytest.raises(WorkerLostError, match=r"before any answered.*__main__.*Pass a function"),
    ):
        make().fit(engine_fits.X, target, executor=executor)


SCRIPT = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from helpers import engine_fits

def pool():
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))

engine_fits.regressor().fit(engine_fits.X, engine_fits.NUMBERS, executor=pool)
"""


@pytest.mark.cluster
def test_a_script_without_a_condition_on_its_name(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    ended = subprocess.run(
        [sys.executable, tmp_path / "script.py"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(engine_fits.__file__).parents[1])},
    )
    assert ended.returncode == 1
    assert "the ProcessPoolExecutor takes no work" in ended.stderr  # in the worker
    assert "put the calls under `if __name__" in ended.stderr.splitlines()[-1]


def test_an_executor_that_is_shut_down_is_not_asked_for_again_and_again():
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    asked = []
    with pytest.raises(DistributedError, match="takes no work"):
        regressor().fit(
            engine_fits.X, engine_fits.NUMBERS, executor=lambda: asked.append(1) or executor
        )
    assert asked == [1]


def test_a_pool_that_was_broken_before(tmp_path):
    with pool_that_ends_at_once() as executor:
        with pytest.raises(BrokenProcessPool):
            executor.submit(int).result()
        with pytest.raises(WorkerLostError, match=r"was broken already.*Pass a function") as error:
            regressor().fit(engine_fits.X, engine_fits.NUMBERS, executor=executor)
    assert "__main__" not in str(error.value)


def test_answers_of_what_is_no_estimator(tmp_path):
    with pytest.raises(TypeError, match=r"estimator is 'm.safetensors', a str.*elman.load\(path"):
        predict("m.safetensors", engine_fits.X, tmp_path / "answers")
    assert not (tmp_path / "answers").exists()


def test_the_reason_why_no_scheduler_answers(monkeypatch):
    monkeypatch.setattr(connecting, "REACHED_IN", 3)
    with (
        pytest.raises(
            ConnectionError, match=r"at tcp://127.0.0.1:1 \(.*(refused|Timed out)"
        ) as error,
        client_at("tcp://127.0.0.1:1"),
    ):
        pass
    assert "object at 0x" not in str(error.value)
