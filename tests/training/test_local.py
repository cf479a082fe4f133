"""Local training: replicas that learn by themselves and are averaged, to the same bits anywhere."""

from __future__ import annotations

import copy
import hashlib
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from helpers.backends import make_backend
from helpers.kept_fits import KilledError, assert_same_end, killed_after
from helpers.killing_pools import KillingPool
from helpers.sequence_data import make_network, make_samples
from sklearn.base import clone

import elman
from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.backends import get_backend
from elman.data import SequenceStore
from elman.data.prepared import Prepared
from elman.data.validation import check_sequences
from elman.formats import archive
from elman.nn.chunks import Chunk
from elman.nn.gradient import gradient
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.nn.objectives import OneClass
from elman.nn.optimizers import clip_scale, global_norm, make_optimizer
from elman.nn.parameters import Parameters
from elman.training import checkpoints
from elman.training.batches import dealt
from elman.training.divergence import DivergedError
from elman.training.gradients import Here
from elman.training.labelled import Labelled
from elman.training.local import Outer, Replicas
from elman.training.loop import train
from elman.training.plan import Plan

rng = np.random.default_rng(0)
X = [rng.normal(size=(n, 2)) for n in (4, 1, 6, 3, 5, 2, 7, 4, 3, 5, 6)]
TARGETS = {
    RNNClassifier: list("abbcaabcabc"),
    RNNRegressor: np.arange(11.0) ** 2,
    RNNTagger: [list("abcabca")[: len(x)] for x in X],
}
CLASSES = {RNNClassifier: {"classes": list("abc")}, RNNTagger: {"classes": list("abc")}}
estimators = pytest.mark.parametrize("estimator", [*TARGETS])
outer_solvers = pytest.mark.parametrize("outer_solver", ["average", "nesterov"])
BACKEND = make_backend("reference")


def made(estimator, **parameters):
    """Eleven samples in batches of two: with two replicas and two local steps the second round of
    an epoch has one batch for each replica."""
    local = {"mode": "local", "replicas": 2, "local_steps": 2}
    common = {"hidden_size": 3, "max_iter": 3, "batch_size": 2, "random_state": 0, "dropout": 0.25}
    return estimator(**{**common, **local, **parameters})


def fitted(estimator, executor=None, **parameters):
    return made(estimator, **parameters).fit(X, TARGETS[estimator], executor=executor)


def digest(model):
    """Of weights, inner and outer optimizers and history."""
    sha = hashlib.sha256(model.network_.params.flat.tobytes())
    for name, value in model._going_on.optimizer.get_state().items():
        sha.update(name.encode() + np.asarray(value).tobytes())
    sha.update(repr((model.loss_curve_, model.history_.gradient_norm)).encode())
    return sha.hexdigest()


# What the algorithm is


def by_hand(network, data, settings, shape, epochs, outer, order_rng):
    """Local training, said as plainly as it can be, for batches of three samples."""
    n_replicas, local_steps = shape
    weights = network.params.flat.copy()
    inner = [make_optimizer(params=network.params, **settings) for _ in range(n_replicas)]
    velocity = np.zeros(len(weights))
    history = []
    for rate in epochs:
        batches = order_rng.permutation(21).reshape(7, 3)
        recorded = {}
        for first in range(0, 7, n_replicas * local_steps):
            own = [weights.copy() for _ in range(n_replicas)]
            learned = set()
            for i in range(first, min(first + n_replicas * local_steps, 7)):
                k = (i - first) % n_replicas
                params = Parameters(network.params.shapes, weights.dtype, own[k])
                batch = data.X.batch(batches[i], BACKEND)
                sums = gradient(
                    Network(network.layout, params),
                    data.samples(batch, whole(batch)),
                    OneClass(),
                    BACKEND,
                )
                norm = global_norm(sums.gradient.flat)
                recorded[i] = OneClass().loss_sum(sums.losses, None), norm
                scale = clip_scale(norm, 0.5)
                inner[k].step(own[k], sums.gradient.flat, rate, scale)
                learned.add(k)
            mean = 0.0
            for k in sorted(learned):
                mean = mean + own[k].astype(np.float64)
            mean = mean / len(learned)
            if outer.solver == "nesterov":
                change = -(weights.astype(np.float64) - mean) * outer.learning_rate
                velocity = outer.momentum * velocity + change
                mean = weights.astype(np.float64) + (change + outer.momentum * velocity)
            weights = mean.astype(weights.dtype)
        history.append([recorded[i] for i in range(7)])
    return weights, inner, velocity, history


def whole(batch):
    return Chunk(0, batch.X.shape[1], len(batch.X), batch.lengths)


@pytest.mark.parametrize("outer", [Outer(), Outer("nesterov", 0.7, 0.9)], ids=lambda o: o.solver)
@pytest.mark.parametrize("shape", [(2, 1), (2, 2), (2, 5), (3, 1), (3, 2), (3, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_is_what_a_few_lines_say(shape, outer, dtype):
    draw = np.random.default_rng(2)
    values, y = make_samples(draw, 21, "ragged")
    codes = (y == "up").astype(np.int64)
    data = Labelled(Prepared(check_sequences(values, dtype=dtype)), codes, None)
    network = make_network(np.random.default_rng(1), dtype=dtype)
    settings = {"solver": "adamw", "alpha": 0.01}
    rates = [0.02, 0.01]
    weights, inner, velocity, history = by_hand(
        network.copy(), data, settings, shape, rates, outer, np.random.default_rng(3)
    )
    replicas = Replicas(network.params, settings, *shape, outer)
    plan = Plan(2, 3, lambda epoch: rates[epoch], 0.5)
    found = train(network, data, replicas, plan, backend=BACKEND, rng=np.random.default_rng(3))
    assert network.params.flat.tobytes() == weights.tobytes()
    state = replicas.get_state()
    assert state["n_steps"] == [each.n_steps for each in inner]
    for name in ("m", "v"):
        assert state[name].tobytes() == np.stack([getattr(each, name) for each in inner]).tobytes()
    if outer.solver == "nesterov":
        assert state["outer_velocity"].tobytes() == velocity.tobytes()
    assert found.loss == [sum(loss * 3.0 for loss, _ in epoch) / 21.0 for epoch in history]
    assert found.gradient_norm == [sum(norm for _, norm in epoch) / 7 for epoch in history]


def test_batches_are_dealt_like_cards():
    def rounds(*sizes):
        return [[list(numbers) for numbers in shares] for shares in dealt(*sizes)]

    assert rounds(7, 2, 2) == [[[0, 2], [1, 3]], [[4, 6], [5]]]
    assert rounds(7, 3, 2) == [[[0, 3], [1, 4], [2, 5]], [[6], [], []]]
    assert rounds(3, 1, 2) == [[[0, 1]], [[2]]]
    assert rounds(5, 2, 9) == [[[0, 2, 4], [1, 3]]]
    assert rounds(0, 2, 2) == []


@estimators
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_replica_and_one_step_is_training_in_sync(estimator, dtype):
    options = {"dtype": dtype, "bucket_by_length": True, "bptt_steps": 3, "replicas": 1}
    local = fitted(estimator, local_steps=1, **options)
    sync = fitted(estimator, mode="sync", **options)
    assert local.network_.params.flat.tobytes() == sync.network_.params.flat.tobytes()
    assert local.loss_curve_ == sync.loss_curve_
    assert local.history_.gradient_norm == sync.history_.gradient_norm
    state = local._going_on.optimizer.get_state()
    for name, value in sync._going_on.optimizer.get_state().items():
        assert np.array_equal(state[name][0], value), name


@estimators
def test_replicas_steps_and_outer_solver_each_matter(estimator):
    different = [
        fitted(estimator, mode="sync"),
        fitted(estimator),
        fitted(estimator, replicas=3),
        fitted(estimator, local_steps=1),
        fitted(estimator, outer_solver="nesterov"),
        fitted(estimator, outer_solver="nesterov", outer_learning_rate=0.3),
        fitted(estimator, outer_solver="nesterov", outer_momentum=0.3),
    ]
    assert len({model.network_.params.flat.tobytes() for model in different}) == len(different)


def test_it_learns_what_training_in_sync_learns():
    """Once its replicas have taken as many steps each: four replicas share an epoch's batches."""
    draw = np.random.default_rng(5)
    inputs = draw.standard_normal((320, 6, 1)).astype(np.float32)
    labels = (inputs[:, :, 0].sum(axis=1) > 0).astype(int)
    options = {"hidden_size": 6, "batch_size": 8, "random_state": 1, "learning_rate_init": 0.01}
    sync = RNNClassifier(**options, max_iter=12).fit(inputs, labels)
    assert sync.loss_curve_[-1] < 0.2
    for outer_solver in ("average", "nesterov"):
        local = RNNClassifier(**options, max_iter=48, mode="local", outer_solver=outer_solver)
        local.fit(inputs, labels)
        assert local.loss_curve_[-1] < 1.05 * sync.loss_curve_[-1], outer_solver
        assert local.score(inputs, labels) > sync.score(inputs, labels) - 0.03, outer_solver


# The same bits wherever the replicas run


@estimators
@outer_solvers
def test_neither_workers_nor_threads_change_a_bit(estimator, outer_solver):
    options = {"replicas": 3, "outer_solver": outer_solver, "bptt_steps": 3}
    expected = digest(fitted(estimator, **options))
    for n_workers in (1, 2, 3, 4):
        with ThreadPoolExecutor(n_workers) as executor:
            assert digest(fitted(estimator, executor, **options)) == expected, n_workers
    assert digest(fitted(estimator, n_jobs=1, **options)) == expected


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2) as executor:
        yield executor


@estimators
def test_nor_do_processes(estimator, processes):
    options = {"outer_solver": "nesterov", "early_stopping": True, "validation_fraction": 0.3}
    there = fitted(estimator, processes, **options)
    assert digest(there) == digest(fitted(estimator, **options))
    assert there.validation_scores_ == fitted(estimator, **options).validation_scores_


@estimators
@pytest.mark.parametrize("missing", ["error", "mask", "skip"])
def test_nor_does_a_store_that_is_read_where_the_replicas_run(
    estimator, missing, tmp_path, processes
):
    data = [x.copy() for x in X]
    if missing != "error":
        data[6][1, 0] = data[8][0, 1] = np.nan
    model = made(estimator, missing=missing, bptt_steps=3)
    expected = digest(clone(model).fit(data, TARGETS[estimator]))
    store = SequenceStore.write(tmp_path / "store", zip(data, TARGETS[estimator], strict=True))
    assert digest(clone(model).fit(store)) == expected
    assert digest(clone(model).fit(store, executor=processes)) == expected


@pytest.mark.parametrize("mode", ["sync", "local"])
def test_in_one_process_a_batch_is_made_when_its_turn_comes(mode, monkeypatch):
    seen = []

    def noted(what, own):
        def call(*args, **options):
            seen.append(what)
            return own(*args, **options)

        return call

    monkeypatch.setattr(Here, "gradient", noted("gradient", Here.gradient))
    monkeypatch.setattr(Labelled, "samples", noted("made", Labelled.samples))
    fitted(RNNClassifier, mode=mode)
    assert seen == ["made", "gradient"] * (3 * 6)


@pytest.mark.parametrize("number", [0, 3])
def test_nor_does_a_worker_that_is_killed(tmp_path, number):
    mark = tmp_path / "killed"
    killed = fitted(RNNTagger, lambda: KillingPool(2, mark, number))
    assert mark.exists()
    assert digest(killed) == digest(fitted(RNNTagger))


def test_a_step_without_a_label_is_no_step(processes):
    labels = [list("abcabca")[: len(x)] for x in X]
    for i in (2, 5, 8):
        labels[i] = [None] * len(X[i])
    here, there = made(RNNTagger, batch_size=1), made(RNNTagger, batch_size=1)
    here.fit(X, labels)
    there.fit(X, labels, executor=processes)
    assert digest(here) == digest(there)
    assert sum(here._going_on.optimizer.get_state()["n_steps"]) == 3 * 8


# Going on


@outer_solvers
@pytest.mark.parametrize("n_workers", [None, 3])
def test_a_killed_run_goes_on_to_the_same_end(tmp_path, outer_solver, n_workers):
    options = {"outer_solver": outer_solver, "early_stopping": True, "validation_fraction": 0.3}
    model = made(RNNClassifier, checkpoint=tmp_path, max_iter=4, **options)
    data = X, TARGETS[RNNClassifier]
    with pytest.raises(KilledError):
        clone(model).set_params(on_epoch=killed_after(3)).fit(*data)
    if n_workers is None:
        model.fit(*data)
    else:
        with ThreadPoolExecutor(n_workers) as executor:
            model.fit(*data, executor=executor)
    assert_same_end(model, clone(model).set_params(checkpoint=None).fit(*data))


def test_a_run_of_other_replicas_is_refused(tmp_path):
    fitted(RNNClassifier, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="replicas is 3 here and 2 there"):
        fitted(RNNClassifier, checkpoint=tmp_path, replicas=3)


NEW = (
    "mode",
    "replicas",
    "local_steps",
    "outer_solver",
    "outer_learning_rate",
    "outer_momentum",
)


def test_files_from_before_there_were_replicas(tmp_path, monkeypatch):
    """A run kept by an older version goes on in sync, and an older model loads."""
    model = made(RNNClassifier, mode="sync", replicas=4, local_steps=8, checkpoint=tmp_path / "run")
    data = X, TARGETS[RNNClassifier]
    save = archive.save

    def save_as_before(path, tensors, config):
        config = copy.deepcopy(config)
        for name in NEW:
            del config["parameters"][name]
            config.get("training", {}).get("fingerprint", {}).pop(name, None)
        save(path, tensors, config)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.archive, "save", save_as_before)
        with pytest.raises(KilledError):
            clone(model).set_params(on_epoch=killed_after(2)).fit(*data)
    loaded = elman.load(next((tmp_path / "run").glob("epoch-*1.safetensors")))
    assert (loaded.mode, loaded.replicas) == ("sync", 4)
    with pytest.raises(ValueError, match="mode is 'local' here and 'sync' there"):
        clone(model).set_params(mode="local").fit(*data)
    assert_same_end(clone(model).fit(*data), clone(model).set_params(checkpoint=None).fit(*data))


@estimators
@outer_solvers
def test_partial_fit_goes_on_with_what_the_replicas_remember(estimator, outer_solver):
    options = {"outer_solver": outer_solver, "learning_rate": "constant"}
    whole = fitted(estimator, max_iter=3, **options)
    parts = made(estimator, **options)
    for _ in range(3):
        parts = pickle.loads(pickle.dumps(parts))
        parts.partial_fit(X, TARGETS[estimator], **CLASSES.get(estimator, {}))
    assert digest(parts) == digest(whole)


def test_partial_fit_with_other_replicas_begins_with_fresh_ones():
    model = fitted(RNNRegressor, max_iter=2)
    before = model._going_on.optimizer.get_state()["n_steps"]
    model.set_params(local_steps=1).partial_fit(X, TARGETS[RNNRegressor])
    assert sum(model._going_on.optimizer.get_state()["n_steps"]) == sum(before) * 3 // 2
    model.set_params(replicas=3).partial_fit(X, TARGETS[RNNRegressor])
    assert model._going_on.optimizer.get_state()["n_steps"] == [2, 2, 2]
    model.set_params(mode="sync").partial_fit(X, TARGETS[RNNRegressor])
    assert model._going_on.optimizer.get_state()["n_steps"] == 6


def test_a_warm_start_begins_with_fresh_replicas_and_the_weights_that_are_there():
    model = fitted(RNNRegressor, warm_start=True)
    weights = model.network_.params.flat.copy()
    n_steps = model._going_on.optimizer.get_state()["n_steps"]
    model.set_params(learning_rate_init=1e-300).fit(X, TARGETS[RNNRegressor])
    assert model._going_on.optimizer.get_state()["n_steps"] == n_steps
    np.testing.assert_array_equal(model.network_.params.flat, weights)


def test_a_saved_model_keeps_how_it_was_trained(tmp_path):
    model = fitted(RNNTagger, outer_solver="nesterov", outer_learning_rate=0.5)
    model.save(tmp_path / "model.safetensors")
    loaded = elman.load(tmp_path / "model.safetensors")
    assert {name: getattr(loaded, name) for name in NEW} == {
        name: getattr(model, name) for name in NEW
    }


# What cannot be


@estimators
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"mode": "asynchronous"},
            "mode='asynchronous' is not known",
        ),
        ({"replicas": 0}, "replicas=0"),
        ({"local_steps": 0}, "local_steps=0"),
        (
            {"outer_solver": "adam"},
            "outer_solver='adam' is not known",
        ),
        ({"outer_learning_rate": 0.0}, "outer_learning_rate=0"),
        ({"outer_momentum": 1.0}, "outer_momentum=1"),
        ({"stateful": True}, "stateful=True with mode='local'"),
        ({"replicas": 7}, "replicas=7, but 11 samples make only 6 batches of batch_size=2"),
    ],
)
def test_wrong_values_are_refused(estimator, wrong, message):
    with pytest.raises(ValueError, match=message):
        fitted(estimator, **wrong)


def huge(state):
    if state.epoch == 2:
        state.network.params["recurrent0.W_x"][1] = 3e38


def broken(estimator, culprits, executor=None, **parameters):
    """The error of a training whose samples `culprits` overflow at their first step."""
    data = [x.astype(np.float32) for x in X]
    for x in data:
        x[:, 1] = 0
    for i in culprits:
        data[i][0, 1] = 10
    options = {
        "activation": "relu",
        "standardize": False,
        "solver": "sgd",
        "learning_rate_init": 1e-6,
        "alpha": 0.0,
        "dropout": 0.0,
        "on_epoch": huge,
        "missing": "error",
    }
    model = made(estimator, **{**options, **parameters})
    with pytest.raises(DivergedError) as caught:
        model.fit(data, TARGETS[estimator], executor=executor)
    assert model.n_iter_ == 2
    return caught.value


@estimators
def test_divergence_is_named_alike_wherever_it_happens(estimator):
    """Every replica fails in its first batch or its second: the first batch is named."""
    options = {"replicas": 3, "culprits": range(11)}
    here = broken(estimator, **options)
    assert "epoch 3, batch 1 of replica 1: " in str(here)
    assert here.place[1:] == (0, "recurrent0", "X")
    for n_workers in (1, 2, 3):
        with ThreadPoolExecutor(n_workers) as executor:
            there = broken(estimator, executor=executor, **options)
        assert (str(there), there.place) == (str(here), here.place)


@estimators
def test_the_place_is_the_one_that_training_in_sync_names(estimator):
    modes = ({"mode": "sync"}, {"replicas": 1}, {"replicas": 2}, {"replicas": 5})
    for culprit in (0, 6, 10):
        places = [broken(estimator, [culprit], **mode).place for mode in modes]
        assert places == [(culprit, 0, "recurrent0", "X")] * 4


def test_an_outer_step_that_overflows_is_named():
    with pytest.raises(DivergedError, match=r"step of the outer optimizer left .* not finite"):
        fitted(RNNClassifier, outer_solver="nesterov", outer_learning_rate=1e308, dtype="float32")


def test_a_state_of_other_replicas_is_refused():
    network = make_network(np.random.default_rng(1))
    two = Replicas(network.params, {"solver": "sgd"}, 2, 1, Outer("nesterov"))
    three = Replicas(network.params, {"solver": "sgd"}, 3, 1, Outer("nesterov"))
    with pytest.raises(ValueError, match="n_steps is of 3 replicas"):
        two.set_state(three.get_state())
    copied = two.copy()
    copied._inner[0]["velocity"][...] = 1
    copied._outer.velocity[...] = 1
    assert not two.get_state()["velocity"].any()
    assert not two.get_state()["outer_velocity"].any()


@pytest.mark.parametrize("outer", [Outer(), Outer("nesterov", 0.7, 0.9)], ids=lambda o: o.solver)
def test_what_is_frozen_does_not_change(outer):
    """Three replicas: the mean of three equal numbers is not always that number."""
    layout = Layout(2, (3,), 2, categories=((5, 4),), frozen_embeddings=True)
    network = Network.initialised(layout, rng=np.random.default_rng(1), dtype="float64")
    before = network.params.copy()
    draw = np.random.default_rng(2)
    values = [np.column_stack([draw.integers(0, 5, 4), draw.normal(size=4)]) for _ in range(18)]
    data = Labelled(Prepared(check_sequences(values, dtype=np.float64)), np.arange(18) % 2, None)
    settings = {"solver": "adamw", "alpha": 0.1, "frozen": layout.frozen}
    replicas = Replicas(network.params, settings, 3, 2, outer)
    train(
        network,
        data,
        replicas,
        Plan(2, 3, lambda epoch: 0.05, 0.5),
        backend=get_backend("reference"),
        rng=np.random.default_rng(3),
    )
    for name, array in network.params.items():
        same = array.tobytes() == before[name].tobytes()
        assert same == (name == "embedding0.E"), name
