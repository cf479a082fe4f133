from __future__ import annotations

import contextlib
import pickle
import signal
import sys
import threading
import time

import numpy as np
import pytest
from helpers.backends import make_backend
from helpers.sequence_data import make_network, make_samples

from elman.data.prepared import Prepared
from elman.data.split import hold_out
from elman.data.validation import check_sequences
from elman.models.history import History
from elman.nn.optimizers import make_optimizer
from elman.training.divergence import DivergedError
from elman.training.labelled import Labelled
from elman.training.loop import evaluate, train
from elman.training.plan import Plan

BACKEND = make_backend("reference")


def labelled(rng, n_samples=21, kind="ragged"):
    X, y = make_samples(rng, n_samples, kind)
    codes = (y == "up").astype(np.int64)
    return Labelled(Prepared(check_sequences(X, dtype=np.float64)), codes, None)


def run(rng, *, plan=None, network=None, rate=0.01, solver="adam", data=None, **kwargs):
    network = network or make_network(np.random.default_rng(1))
    data = data or labelled(np.random.default_rng(2))
    plan = plan or Plan(5, 8, lambda epoch: rate, 1.0)
    optimizer = make_optimizer(solver, network.params)
    kwargs.setdefault("backend", BACKEND)
    history = train(network, data, optimizer, plan, rng=rng, **kwargs)
    return network, history


def test_learns_and_records(rng):
    seen = []
    plan = Plan(60, 8, lambda epoch: 0.02 / (1 + epoch), 1.0)
    data = labelled(np.random.default_rng(2))
    network, history = run(rng, plan=plan, data=data, on_epoch=[seen.append])
    assert history.epoch == list(range(1, 61))
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert history.learning_rate == [0.02 / (1 + e) for e in range(60)]
    assert history.validation_loss == history.validation_score == []
    assert all(norm > 0 for norm in history.gradient_norm)
    assert all(s > 0 for s in history.seconds)
    assert history.stopped_by == "max_iter"
    assert history.loss[history.best_epoch - 1] == min(history.loss)
    assert [e.epoch for e in seen] == history.epoch
    assert [e.loss for e in seen] == history.loss
    assert seen[0].n_epochs == 60
    assert seen[0].network is network


def test_the_loss_of_an_epoch_is_the_mean_over_its_samples(rng):
    """With steps too small to matter it is the loss of the data."""
    data = labelled(np.random.default_rng(2))
    data = data._replace(weights=np.linspace(0.0, 2.0, 21))
    network, history = run(rng, rate=1e-300, data=data)
    loss, _ = evaluate(network, data, BACKEND)
    np.testing.assert_allclose(history.loss, loss, rtol=1e-12)


def test_evaluate_weighs_samples(rng):
    data = labelled(rng)
    network = make_network(rng)
    loss, score = evaluate(network, data, BACKEND)
    repeats = rng.integers(0, 3, size=len(data.X))
    repeats[0] = 2
    rows = np.repeat(np.arange(len(data.X)), repeats)
    repeated = Labelled(data.X.subset(rows), data.targets[rows], None)
    weighted = data._replace(weights=repeats.astype(np.float64))
    np.testing.assert_allclose(
        evaluate(network, weighted, BACKEND), evaluate(network, repeated, BACKEND), rtol=1e-12
    )
    assert evaluate(network, weighted, BACKEND) != (loss, score)


def test_one_step_is_the_gradient_of_all_samples(rng):
    """A batch of everything: the mean of the gradients of its samples, each run alone."""
    from elman.nn.losses import cross_entropy

    data = labelled(rng)
    network = make_network(rng)
    start = network.copy()
    expected = np.zeros_like(start.params.flat)
    for i, x in enumerate(data.X.data):
        logits, backward = start.forward(np.ascontiguousarray(x)[np.newaxis], None, BACKEND)
        expected += backward(cross_entropy(logits, data.targets[i : i + 1])[1])[0].flat / 21
    plan = Plan(1, 21, lambda epoch: 0.5, None)
    run(rng, plan=plan, network=network, data=data, solver="sgd")
    # the first Nesterov step is (1 + momentum) times as long
    np.testing.assert_allclose(
        start.params.flat - network.params.flat, 0.5 * 1.9 * expected, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("kind", ["ragged", "equal"])
def test_same_seed_same_bits_at_any_thread_count(kind):
    data = labelled(np.random.default_rng(2), 67, kind)
    bits = set()
    for n_threads in (1, 2, 3):
        names = [n for n in ("native", "reference") if _available(n)]
        backend = make_backend(names[0], n_threads=n_threads)
        network, history = run(
            np.random.default_rng(4), network=_network(33), data=data, backend=backend
        )
        bits.add((network.params.flat.tobytes(), tuple(history.loss)))
    assert len(bits) == 1
    other, _ = run(np.random.default_rng(5), network=_network(33), data=data)
    assert other.params.flat.tobytes() not in {flat for flat, _ in bits}


def _network(hidden_size):
    return make_network(np.random.default_rng(1), hidden_size=hidden_size)


def _available(name):
    from elman.backends import available_backends

    return name in available_backends()


@pytest.mark.parametrize("answer", [True, "stop", np.bool_(True)])
def test_on_epoch_stops(rng, answer):
    _, history = run(rng, on_epoch=[lambda e: answer if e.epoch == 2 else None])
    assert history.epoch == [1, 2]
    assert history.stopped_by == "on_epoch"


@pytest.mark.parametrize("answer", [None, False, 1.0, "go on"])
def test_on_epoch_goes_on(rng, answer):
    _, history = run(rng, on_epoch=[lambda e: answer])
    assert len(history) == 5


def test_on_epoch_stops_by_a_call(rng):
    _, history = run(rng, on_epoch=[lambda e: e.stop() if e.epoch == 3 else None])
    assert history.epoch == [1, 2, 3]
    assert history.stopped_by == "on_epoch"


def test_on_epoch_changes_the_learning_rate_for_good(rng):
    """From the next epoch on, whatever the schedule says; the same as a schedule of those rates."""

    def halve(epoch):
        if epoch.epoch in (2, 3):
            epoch.learning_rate *= 0.5

    network, history = run(np.random.default_rng(3), on_epoch=[halve], rate=0.02)
    rates = [0.02, 0.02, 0.01, 0.005, 0.005]
    assert history.learning_rate == rates
    plan = Plan(5, 8, rates.__getitem__, 1.0)
    scheduled, _ = run(np.random.default_rng(3), plan=plan)
    assert np.array_equal(network.params.flat, scheduled.params.flat)


@pytest.mark.parametrize("rate", [0, -1.0, np.nan, np.inf, "fast", None])
def test_on_epoch_cannot_set_a_rate_that_is_none(rng, rate):
    with pytest.raises(ValueError, match=r"on_epoch set learning_rate="):
        run(rng, on_epoch=[lambda e: setattr(e, "learning_rate", rate)])


def test_on_epoch_sees_the_history_so_far(rng):
    seen = []
    _, history = run(rng, on_epoch=[lambda e: seen.append(list(e.history.loss))])
    assert seen == [history.loss[: i + 1] for i in range(5)]


def test_early_stopping_restores_the_best_weights(rng):
    """Training that only gets worse (a huge rate) must hand back the weights of its best epoch."""
    kept = []
    plan = Plan(40, 8, lambda e: 0.01 if e < 4 else 3.0, None, True, n_iter_no_change=3, tol=0.0)
    validation = labelled(np.random.default_rng(9))
    network, history = run(
        rng,
        plan=plan,
        validation=validation,
        on_epoch=[lambda e: kept.append(e.network.params.flat.copy())],
    )
    assert history.stopped_by == "early_stopping"
    assert len(history) < 40
    best = max(
        range(len(history)),
        key=lambda i: (history.validation_score[i], -history.validation_loss[i]),
    )
    assert history.best_epoch == best + 1 < len(history)
    assert np.array_equal(network.params.flat, kept[best])
    assert not np.array_equal(network.params.flat, kept[-1])
    loss, score = evaluate(network, validation, BACKEND)
    assert (loss, score) == (history.validation_loss[best], history.validation_score[best])


def test_without_early_stopping_the_last_weights_stay(rng):
    kept = []
    plan = Plan(6, 8, lambda e: 0.01 if e < 2 else 3.0, None)
    network, history = run(
        rng,
        plan=plan,
        validation=labelled(np.random.default_rng(9)),
        on_epoch=[lambda e: kept.append(e.network.params.flat.copy())],
    )
    assert len(history.validation_loss) == len(history) == 6
    assert np.array_equal(network.params.flat, kept[-1])


def test_patience_counts_epochs_without_progress(rng):
    plan = Plan(40, 8, lambda e: 1e-300, 1.0, True, n_iter_no_change=4)
    _, history = run(rng, plan=plan, validation=labelled(np.random.default_rng(9)))
    assert len(history) == 5


def test_early_stopping_needs_validation_data(rng):
    with pytest.raises(ValueError, match="validation"):
        run(rng, plan=Plan(1, 8, lambda e: 0.1, 1.0, True))


@pytest.mark.parametrize("with_validation", [True, False])
def test_ctrl_c_keeps_the_best_weights_so_far(rng, with_validation):
    kept = []

    def interrupt(epoch):
        kept.append(epoch.network.params.flat.copy())
        if epoch.epoch == 4:
            epoch.network.params["head.W"][...] *= -9  # from here on it is worse
        if epoch.epoch == 7:
            raise KeyboardInterrupt

    plan = Plan(40, 8, lambda e: 0.02, None)
    validation = labelled(np.random.default_rng(9)) if with_validation else None
    network, history = run(rng, plan=plan, validation=validation, on_epoch=[interrupt])
    assert history.stopped_by == "interrupt"
    assert len(history) == 7
    assert history.best_epoch <= 4
    assert np.array_equal(network.params.flat, kept[history.best_epoch - 1])


def test_a_real_ctrl_c_in_the_middle_of_an_epoch(rng):
    """SIGINT from outside, wherever the loop happens to be."""
    started = threading.Event()
    main = threading.main_thread().ident

    def send():
        started.wait()
        time.sleep(0.05)
        signal.pthread_kill(main, signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    plan = Plan(1_000_000, 8, lambda e: 0.01, 1.0)
    network, history = run(rng, plan=plan, on_epoch=[lambda e: started.set()])
    sender.join()
    assert history.stopped_by == "interrupt"
    assert np.isfinite(network.params.flat).all()
    assert len({len(column) for column in history.to_dict().values()}) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_ends_the_first_epoch_leaves_everything_as_it_was(error, monkeypatch):
    data, network = labelled(np.random.default_rng(2)), make_network(np.random.default_rng(1))
    optimizer = make_optimizer("adam", network.params)
    plan = Plan(2, 4, lambda e: 0.02, 1.0)
    rng = np.random.default_rng(3)
    before = network.params.flat.copy()
    n_steps = 0

    def step(*args):
        nonlocal n_steps
        n_steps += 1
        if n_steps == 3:
            raise error
        return type(optimizer).step(optimizer, *args)

    monkeypatch.setattr(optimizer, "step", step, raising=False)
    with pytest.raises(error) if error is RuntimeError else contextlib.nullcontext():
        assert train(network, data, optimizer, plan, backend=BACKEND, rng=rng).epoch == []
    assert np.array_equal(network.params.flat, before)
    train(network, data, optimizer, plan, backend=BACKEND, rng=rng)
    untroubled, _ = run(np.random.default_rng(3), data=data, plan=plan)
    assert np.array_equal(network.params.flat, untroubled.params.flat)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_divergence_names_epoch_and_batch(rng, value):
    network = make_network(rng)

    def spoil(epoch):
        if epoch.epoch == 2:
            epoch.network.params["head.b"][0] = value

    with pytest.raises(DivergedError, match=r"epoch 3, batch 1.*learning_rate_init"):
        run(rng, network=network, on_epoch=[spoil])


def test_weights_that_overflow_in_the_last_step_are_noticed(rng):
    with pytest.raises(DivergedError, match="epoch 1"), np.errstate(over="ignore"):
        run(rng, plan=Plan(1, 21, lambda e: 1e308, None), solver="adam")


def test_history_as_columns_and_frames(rng):
    import pandas as pd

    _, history = run(rng, validation=labelled(np.random.default_rng(9)))
    frame = history.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == [
        "spectral_radius.recurrent0" if name == "spectral_radius" else name
        for name in History.columns()
    ]
    assert frame["loss"].tolist() == history.loss
    again = pickle.loads(pickle.dumps(history))
    assert again == history
    joined = history.extended(run(rng)[1])
    assert joined.validation_score == history.validation_score + [None] * 5
    assert len(joined.to_frame()) == 10


def test_history_is_short_in_a_notebook(rng):
    history = run(rng)[1]
    assert repr(history).startswith(f"<History of 5 epoch(s): loss {history.loss[0]:.4g} at first")
    assert f"best epoch {history.best_epoch}, stopped by max_iter" in repr(history)
    assert "spectral_radius" not in repr(history)
    assert repr(History()) == "<History of no epoch>"


def test_history_without_a_data_frame_library(rng, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        History().to_frame()


def test_hold_out_takes_the_same_share_of_each_class(rng):
    codes = np.repeat([0, 1, 2], [50, 30, 1])
    training, validation = hold_out(codes, 0.2, rng)
    assert sorted([*training, *validation]) == list(range(81))
    assert len(validation) == 16
    counts = np.bincount(codes[validation], minlength=3)
    assert abs(counts[0] - 10) <= 1
    assert counts[2] == 0
    again = hold_out(codes, 0.2, np.random.default_rng(0))[1]
    assert not np.array_equal(validation, again)


def test_hold_out_leaves_a_sample_of_each_class_to_train_on(rng):
    for _ in range(50):
        codes = rng.integers(0, 4, size=9)
        training, validation = hold_out(codes, 0.9, rng)
        assert set(codes[training]) == set(codes)
        assert len(validation) > 0
    with pytest.raises(ValueError, match=r"early_stopping.*3 sample"):
        hold_out(np.array([0, 1, 2]), 0.5, rng)
