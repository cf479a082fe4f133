"""Workers that die, stop, come late or differ: a fit ends with the same bits, or with an error."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster, worker_client
from helpers import engine_fits
from helpers.engine_fits import LABELS, X, classifier, end_of, regressor, tagger
from helpers.engines import (
    AlwaysDies,
    DiesAfter,
    DiesBefore,
    DiesDuring,
    Faulty,
    IsLate,
    Raises,
    Stops,
    at_most,
    in_round,
    pool,
    unsendable,
)

from elman.distributed import (
    DistributedError,
    EnvironmentMismatchError,
    NoWorkersError,
    WorkerLostError,
    connect,
)
from elman.training.divergence import DivergedError

whole = pytest.mark.cluster
DEATHS = [DiesBefore, DiesDuring, DiesAfter]


@pytest.fixture(autouse=True)
def _no_hang():
    with at_most():
        yield


def cluster_of(n_workers):
    return LocalCluster(
        n_workers=n_workers, threads_per_worker=1, processes=True, dashboard_address=":0"
    )


@pytest.fixture(scope="module")
def clusters():
    made = []
    yield made
    for cluster in made:
        cluster.close()


@pytest.fixture
def shared_cluster(clusters):
    """That of the tests before, unless a worker that one of them killed did not come back."""
    if clusters:
        with suppress(TimeoutError), Client(clusters[-1], set_as_default=False) as client:
            client.wait_for_workers(2, timeout=15)
            return clusters[-1]
    clusters.append(cluster_of(2))
    return clusters[-1]


@pytest.fixture
def client(shared_cluster):
    with Client(shared_cluster) as client:
        client.wait_for_workers(2)
        yield client


@pytest.fixture(params=["pool", "dask"])
def engine(request):
    """An engine over two workers that gives up a late task after 5 s."""
    if request.param == "dask":
        yield connect(request.getfixturevalue("client"), timeout=20)
        return
    made = connect(partial(pool, 2), timeout=20)
    yield made
    made.close()


def fitted(engine, **options):
    return classifier(max_iter=3, **options).fit(X, LABELS, executor=engine)


SERIAL = {}


def serial():
    if not SERIAL:
        SERIAL["end"] = end_of(fitted(None))
    return SERIAL["end"]


# Workers that die


@pytest.mark.parametrize("kind", DEATHS)
def test_a_worker_dies(engine, kind, tmp_path):
    faulty = Faulty(engine, in_round(2, kind, tmp_path / "mark", which=1))
    assert end_of(fitted(faulty)) == serial()
    assert (tmp_path / "mark").exists()


@whole
@pytest.mark.parametrize("kind", DEATHS)
def test_each_worker_dies_in_turn(engine, kind, tmp_path):
    def harm(number, tasks):
        return [
            kind(task, tmp_path / f"{number}-{i}") if i == number % 2 else task
            for i, task in enumerate(tasks)
        ]

    assert end_of(fitted(Faulty(engine, harm))) == serial()


def test_all_workers_die_and_come_back(engine, tmp_path):
    def harm(number, tasks):
        if number != 3:
            return tasks
        return [DiesBefore(task, tmp_path / str(i)) for i, task in enumerate(tasks)]

    assert end_of(fitted(Faulty(engine, harm))) == serial()


def test_a_share_that_kills_every_worker(engine):
    """The error names the samples as the user numbers them."""
    made = []

    def harm(number, tasks):
        if number != 2:
            return tasks
        made.append(tasks[1])
        return [tasks[0], AlwaysDies(tasks[1])]

    engine._retries = 1
    with pytest.raises(WorkerLostError, match="could not be computed") as error:
        fitted(Faulty(engine, harm))
    named = re.search(r"samples ([\d, ]+) of X", str(error.value))
    own = np.concatenate([X[int(i)] for i in named[1].split(", ")])
    (task,) = made
    sent = np.concatenate(
        [x[:n] for x, n in zip(task.samples.X, task.samples.lengths, strict=True)]
    )
    mean, std = np.concatenate(X).mean(0), np.concatenate(X).std(0)
    np.testing.assert_allclose(sent, (own - mean) / std, rtol=1e-4, atol=1e-5)


def test_the_samples_named_are_those_of_X_when_some_are_held_out(engine):
    clf = classifier(max_iter=1, early_stopping=True, validation_fraction=0.5)
    names = []

    def harm(number, tasks):
        names.extend(task.name for task in tasks)
        return tasks

    clf.fit(X, LABELS, executor=Faulty(engine, harm))
    numbers = {int(i) for name in names for i in re.findall(r"\d+", name.split(" of X")[0])}
    assert len(numbers) <= len(X) // 2 + 1
    assert max(numbers) > len(X) // 2 + 1


def test_a_broken_pool_of_the_user_is_not_made_anew(tmp_path):
    with pool(2) as executor:
        faulty = Faulty(connect(executor), in_round(1, DiesBefore, tmp_path / "mark"))
        with pytest.raises(WorkerLostError, match="Pass a function that makes the executor"):
            fitted(faulty)


def test_an_executor_is_shut_down_while_a_round_waits():
    goes_on, executor = threading.Event(), ThreadPoolExecutor(1)
    executor.submit(goes_on.wait)

    def submit(*given):
        future = ThreadPoolExecutor.submit(executor, *given)
        ThreadPoolExecutor.shutdown(executor, wait=False, cancel_futures=True)
        return future

    executor.submit = submit
    try:
        with pytest.raises(DistributedError):
            classifier(max_iter=1).fit(X, LABELS, executor=connect(executor, timeout=1e6))
    finally:
        goes_on.set()


@pytest.mark.parametrize("make", [partial(ThreadPoolExecutor, 2), partial(pool, 2)])
def test_an_executor_that_was_shut_down(make):
    executor = make()
    executor.shutdown()
    with pytest.raises(DistributedError, match="takes no work"):
        fitted(executor)


# Workers that stop, and late answers


def test_a_worker_stops_without_dying(request, engine, tmp_path):
    mark = tmp_path / "mark"
    engine._timeout = 3
    try:
        assert end_of(fitted(Faulty(engine, in_round(2, Stops, mark)))) == serial()
    finally:
        try:
            os.kill(int(mark.read_text()), signal.SIGCONT)
        except ProcessLookupError:
            assert engine._factory is not None  # the pool was given up, and its workers killed


def test_a_pool_of_the_user_has_a_worker_stopped(tmp_path):
    mark = tmp_path / "mark"
    with pool(2) as executor:
        try:
            faulty = Faulty(connect(executor, timeout=3), in_round(2, Stops, mark))
            assert end_of(fitted(faulty)) == serial()
        finally:
            os.kill(int(mark.read_text()), signal.SIGCONT)


def test_a_late_answer_is_ignored(client, tmp_path):
    engine = connect(client, timeout=0.5)
    harm = in_round(2, IsLate, tmp_path / "mark", seconds=2.0)
    assert end_of(fitted(Faulty(engine, harm))) == serial()


@whole
def test_every_worker_is_stopped(tmp_path):
    def harm(number, tasks):
        return [Stops(task, tmp_path / f"{number}-{i}") for i, task in enumerate(tasks)]

    with pool(2) as executor:
        try:
            with pytest.raises(WorkerLostError, match=r"no result came within 1 s"):
                fitted(Faulty(connect(executor, timeout=1, retries=1), harm))
        finally:
            for process in list(executor._processes.values()):
                process.kill()


# Errors of a task


def test_an_error_of_a_task_is_raised_at_once(engine):
    """With where it was raised on the worker."""
    rounds = []

    def harm(number, tasks):
        rounds.append(number)
        return [tasks[0], Raises(tasks[1], TypeError("a mistake"))]

    with pytest.raises(TypeError, match="a mistake") as error:
        fitted(Faulty(engine, harm))
    assert rounds == [1]
    assert "helpers/engines.py" in "".join(error.value.__notes__)


def test_an_error_that_cannot_be_sent(engine):
    harm = in_round(1, Raises, unsendable)
    with pytest.raises(DistributedError, match="a worker raised ValueError: no pickle of it"):
        fitted(Faulty(engine, harm))


# Workers that differ


@pytest.mark.parametrize(
    "kind", [classifier, *(pytest.param(k, marks=whole) for k in (tagger, regressor))]
)
def test_another_version_on_a_worker(kind):
    y = {classifier: LABELS, tagger: engine_fits.TAGS, regressor: engine_fits.NUMBERS}[kind]
    with (
        pool(1, initializer=another_version) as executor,
        pytest.raises(EnvironmentMismatchError, match=r"its elman is 0\.0\.7, the caller's is"),
    ):
        kind(max_iter=1).fit(X, y, executor=executor)


def another_version():
    import elman.distributed.tasks

    elman.distributed.tasks.version = lambda name: "0.0.7"


def test_another_numpy_on_a_worker():
    with (
        pool(1, initializer=another_numpy) as executor,
        pytest.raises(EnvironmentMismatchError, match=r"its numpy is 2\.0\.0\.7"),
    ):
        fitted(executor)


def another_numpy():
    np.__version__ = "2.0.0.7"


def test_no_kernel_on_a_worker():
    with (
        pool(1, initializer=no_kernel) as executor,
        pytest.raises(EnvironmentMismatchError, match="backend is native"),
    ):
        fitted(executor)


def no_kernel():
    import elman.distributed.tasks

    def refused(*args, **options):
        raise ImportError("no kernel here")

    elman.distributed.tasks.get_backend = refused


def test_an_instruction_set_that_a_worker_has_not():
    with (
        pool(1, initializer=only_baseline) as executor,
        pytest.raises(EnvironmentMismatchError, match="avx9"),
    ):
        fitted(Faulty(connect(executor), lambda number, tasks: [with_isa(t) for t in tasks]))


def only_baseline():
    os.environ["ELMAN_ISA"] = "baseline"


def with_isa(task):
    return replace(task, environment=task.environment._replace(isa="avx9"))


def test_a_worker_computes_on_the_set_of_the_caller():
    """Whatever its own environment variable says."""
    with pool(2, initializer=only_baseline) as executor:
        assert end_of(fitted(executor)) == serial()


# Data that diverge


@pytest.mark.parametrize("n_workers", [2, *(pytest.param(n, marks=whole) for n in (1, 3))])
@pytest.mark.parametrize("kind", [classifier, tagger, regressor])
def test_what_is_not_finite_is_named_alike(n_workers, kind):
    y = {classifier: LABELS, tagger: engine_fits.TAGS, regressor: engine_fits.NUMBERS}[kind]
    silent = [x * [1, 0, 1] for x in X]
    for i in (61, 37):  # in different groups and shares of a batch
        silent[i][-1, 1] = 10

    def huge(epoch):
        if epoch.epoch == 1:
            epoch.network.params["recurrent0.W_x"][1] = 3e38

    options = {
        "activation": "relu",
        "standardize": False,
        "dtype": "float32",
        "solver": "sgd",
        "learning_rate_init": 1e-6,
        "alpha": 0.0,
        "on_epoch": huge,
    }

    def error(executor):
        with pytest.raises(DivergedError) as caught:
            kind(max_iter=3, **options).fit(silent, y, executor=executor)
        return caught.value

    here = error(None)
    assert here.place is not None
    assert here.place.sample in (37, 61)
    assert here.place.layer == "recurrent0"
    with pool(n_workers) as executor:
        there = error(executor)
    assert there.place == here.place
    assert str(there) == str(here)
    assert np.array_equal(there.network.params.flat, here.network.params.flat)


# The caller


def test_ctrl_c_while_a_round_waits(engine, tmp_path):
    """The estimator keeps the best epoch so far, and nothing goes on running."""

    def harm(number, tasks):
        if number != 5:
            return tasks
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        return [IsLate(task, tmp_path / str(i), seconds=3) for i, task in enumerate(tasks)]

    with pytest.warns(UserWarning, match="interrupted after epoch"):
        clf = fitted(Faulty(engine, harm))
    here = classifier(max_iter=3, on_epoch=lambda epoch: epoch.epoch == 2).fit(X, LABELS)
    assert len(clf.history_) == 2
    best = int(np.argmin(clf.history_.loss))
    assert clf.history_.loss == here.history_.loss
    assert clf.history_.stopped_by == "interrupt"
    if best == 1:
        assert np.array_equal(clf.network_.params.flat, here.network_.params.flat)
    if (client := getattr(engine, "_client", None)) is not None:
        # A task that runs cannot be taken back; Dask knows of none that is wanted.
        wanted = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks))
        assert [key for key in wanted if str(key).startswith("elman-")] == []
    else:
        assert end_of(fitted(engine)) == serial()  # and it can be used again


def test_the_caller_is_killed(client, tmp_path):
    """Another number of workers and another engine go on from its checkpoint, to the same bits."""
    folder = tmp_path / "kept"
    options = {"checkpoint": folder, "checkpoint_epochs": 1}
    program = (
        "import sys\n"
        "from helpers.engine_fits import X, LABELS, classifier\n"
        "from helpers.engines import kill_self, pool\n"
        "if __name__ == '__main__':\n"
        "    on_epoch = lambda epoch: kill_self() if epoch.epoch == 2 else None\n"
        "    classifier(max_iter=3, checkpoint=sys.argv[1], checkpoint_epochs=1,\n"
        "               on_epoch=on_epoch).fit(X, LABELS, executor=lambda: pool(3))\n"
    )
    path = tmp_path / "program.py"
    path.write_text(program)
    tests = str(Path(__file__).parents[1])
    found = subprocess.run(
        [sys.executable, str(path), str(folder)], env=os.environ | {"PYTHONPATH": tests}
    )
    assert found.returncode == -signal.SIGKILL
    seen = []
    clf = fitted(client, on_epoch=lambda epoch: seen.append(epoch.epoch), **options)
    assert seen == [2, 3]
    assert end_of(clf) == serial()


def test_two_fits_at_once_on_one_client(client):
    with ThreadPoolExecutor(2) as threads:
        other = threads.submit(lambda: end_of(regressor(max_iter=3).fit(X, Y, executor=client)))
        own = threads.submit(lambda: end_of(fitted(client)))
        assert own.result() == serial()
        assert other.result() == end_of(regressor(max_iter=3).fit(X, Y))


Y = engine_fits.NUMBERS


def fit_in_a_task():
    with worker_client() as client:
        return end_of(fitted(client))


def test_a_fit_inside_a_task(client):
    assert client.submit(fit_in_a_task, pure=False).result() == serial()


def test_executor_of_a_client(client):
    assert end_of(fitted(client.get_executor())) == serial()


# Workers that come and go


def test_no_workers():
    with cluster_of(0) as cluster, Client(cluster) as client:
        with pytest.raises(NoWorkersError, match=r"no worker, and none came within 0\.3 s"):
            fitted(connect(client, timeout=0.3))
        threading.Timer(0.5, cluster.scale, (1,)).start()
        assert end_of(fitted(client)) == serial()
        counts = []

        def harm(number, tasks):
            counts.append(len(tasks))
            if number == 2:
                cluster.scale(2)
                client.wait_for_workers(2)
            elif number == 30:
                cluster.scale(1)
            return tasks

        clf = classifier().fit(X, LABELS, executor=Faulty(connect(client), harm))
        assert set(counts) >= {1, 2}
        assert end_of(clf) == engine_fits.serial("classifier")


@whole
def test_the_cluster_is_restarted(client):
    def harm(number, tasks):
        if number == 3:
            threading.Timer(0.1, client.restart).start()
        return tasks

    assert end_of(classifier().fit(X, LABELS, executor=Faulty(connect(client), harm))) == (
        engine_fits.serial("classifier")
    )


def test_the_scheduler_is_gone():
    with cluster_of(1) as cluster, Client(cluster, timeout=3) as client:

        def harm(number, tasks):
            if number == 2:
                cluster.close(timeout=5)
            return tasks

        with pytest.raises(DistributedError):
            fitted(Faulty(connect(client, timeout=5), harm))


def test_a_client_that_is_not_the_default_one(shared_cluster):
    with Client(shared_cluster, set_as_default=False) as client:
        assert fitted(client).loss_curve_ == fitted(None).loss_curve_


def test_a_pool_that_breaks_while_it_is_given_a_task():
    """Its pipe is closed a moment before it says that it is broken."""
    made = []

    class Closing(ThreadPoolExecutor):
        n_submitted = 0

        def submit(self, *given):
            self.n_submitted += 1
            if len(made) == 1 and self.n_submitted == 5:
                raise OSError("handle is closed")
            return super().submit(*given)

    def make():
        made.append(Closing(2))
        return made[-1]

    assert end_of(fitted(make)) == serial()
    assert made[0].n_submitted > 5


@pytest.mark.cluster
@pytest.mark.parametrize("n_workers", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["pool", "dask"])
def test_fifty_steps_with_each_worker_killed_once(kind, n_workers, tmp_path):
    """Weights, optimizer and history are those of one process that nothing happened to."""
    killed = []

    def harm(number, tasks):
        worker = number // 10 - 1
        if number % 10 or worker >= n_workers:
            return tasks
        killed.append(number)
        i = worker % len(tasks)
        return [*tasks[:i], DiesBefore(tasks[i], tmp_path / str(number)), *tasks[i + 1 :]]

    def ended(executor):
        return end_of(classifier(max_iter=25).fit(X, LABELS, executor=executor))

    if kind == "pool":
        engine = connect(partial(pool, n_workers), timeout=20)
        found = ended(Faulty(engine, harm))
        engine.close()
    else:
        with cluster_of(n_workers) as cluster, Client(cluster) as client:
            found = ended(Faulty(connect(client, timeout=20), harm))
    assert found == ended(None)
    assert killed == [10 * (worker + 1) for worker in range(n_workers)]
