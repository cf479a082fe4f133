"""A fit that was killed goes on to the same bits as one that never was; nothing else is touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.kept_fits import KilledError, assert_same_end, content, kill, killed_after, quick
from helpers.sequence_data import make_samples
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.formats import archive
from elman.nn.schedules import SCHEDULES

TESTS = Path(__file__).parents[1]


@pytest.fixture
def samples(rng):
    return make_samples(rng, 21, "ragged")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_killed_for_real(tmp_path):
    """By SIGKILL: at lines all over the code that writes, and at random times."""
    ran = subprocess.run(
        [sys.executable, "-m", "helpers.killed_fits", tmp_path],
        cwd=TESTS,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    whole, *others = [line.split() for line in ran.stdout.splitlines()]
    assert [kind for kind, _ in others] == ["line"] * 24 + ["time"] * 6
    assert {end for _, end in others} == {whole[1]}


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(
    kills=st.lists(st.integers(1, 7), max_size=4),
    every=st.sampled_from([None, 1, 2, 3, 50]),
    options=st.fixed_dictionaries(
        {
            "cell": st.sampled_from(["elman", "gru", "lstm"]),
            "solver": st.sampled_from(["adam", "adamw", "sgd"]),
            "learning_rate": st.sampled_from([*SCHEDULES]),
            "bucket_by_length": st.booleans(),
            "early_stopping": st.booleans(),
            "n_iter_no_change": st.sampled_from([1, 2, 10]),
            "dropout": st.sampled_from([0.0, 0.4]),
            "bidirectional": st.booleans(),
            "n_layers": st.sampled_from([1, 2]),
            "class_weight": st.sampled_from([None, "balanced"]),
        }
    ),
    kind=st.sampled_from(["ragged", "equal"]),
)
def test_resumed_is_uninterrupted(tmp_path_factory, kills, every, options, kind):
    """Wherever it was killed, however often, whatever is trained."""
    samples = make_samples(np.random.default_rng(1), 21, kind)
    whole = quick(max_iter=7, **options).fit(*samples)
    folder = tmp_path_factory.mktemp("run")
    resumed = quick(folder, max_iter=7, checkpoint_epochs=every, **options)
    for epoch in kills:
        hook = killed_after(epoch)
        try:
            clone(resumed).set_params(on_epoch=hook).fit(*samples)
        except KilledError:
            pass
        else:  # it had got past that epoch
            assert epoch > whole.n_iter_ or every in (None, 1, 2, 3)
    assert_same_end(resumed.fit(*samples), whole)
    assert_same_end(clone(resumed).fit(*samples), whole)


@pytest.mark.parametrize("kind", ["values", "step values", "tags"])
def test_regressor_and_tagger(kind, tmp_path, samples, rng):
    X, _ = samples
    estimator, y = RNNRegressor, rng.normal(size=21)
    if kind == "step values":
        y = [np.where(x[:, 0] > 1, np.nan, x[:, 1]) for x in X]
    elif kind == "tags":
        estimator = RNNTagger
        y = [np.array(["low", "high"])[(x[:, 0] > 0).astype(int)] for x in X]
    options = {"hidden_size": 5, "max_iter": 5, "random_state": 0}
    whole = estimator(**options).fit(X, y)
    resumed = estimator(checkpoint=tmp_path / "run", **options)
    kill(resumed, 3, X, y)
    assert_same_end(resumed.fit(X, y), whole)
    again = estimator.load(tmp_path / "run" / "epoch-000005.safetensors")
    assert again.network_.params.flat.tobytes() == whole.network_.params.flat.tobytes()
    other = -y if kind == "values" else [v[::-1] for v in y]
    with pytest.raises(ValueError, match="y is another"):
        clone(resumed).fit(X, other)


def test_multilabel(tmp_path, samples, rng):
    y = rng.integers(0, 2, size=(21, 3))
    whole = quick().fit(samples[0], y)
    kill(quick(tmp_path), 3, samples[0], y)
    assert_same_end(quick(tmp_path).fit(samples[0], y), whole)


def test_with_validation_data_weights_and_missing_values(tmp_path, samples, rng):
    X, y = samples
    X = [np.where(rng.random(x.shape) < 0.1, np.nan, x) for x in X]
    weights = rng.integers(0, 3, size=21)
    X_val, y_val = make_samples(rng, 9, "ragged")
    data = X, y, weights, X_val, y_val
    whole = quick(missing="mask", early_stopping=True).fit(*data)
    resumed = quick(tmp_path, missing="mask", early_stopping=True)
    kill(resumed, 4, *data)
    for other, name in [
        ((X, y, weights, X_val, np.roll(y_val, 1)), "validation data is another"),
        ((X, y, weights), "validation data is in one only"),
        ((X, y, np.where(weights, 1, 0), X_val, y_val), "sample_weight is another"),
    ]:
        with pytest.raises(ValueError, match=name):
            clone(resumed).fit(*other)
    assert_same_end(resumed.fit(*data), whole)


def test_every_way_to_train_is_resumed(tmp_path, samples):
    """A rate that was lowered, a scorer, batches by length, chunks."""
    options = {"learning_rate": "plateau", "warm_up": 1, "tol": 9.0, "n_iter_no_change": 2}
    options |= {"scoring": "neg_log_loss", "bucket_by_length": True, "bptt_steps": 2}
    options |= {"max_grad_value": 0.01, "batch_size": 4, "dropout": 0.3}
    validation = {"validation_data": samples}
    whole = quick(**options).fit(*samples, **validation)
    assert len(set(whole.history_.learning_rate)) > 3
    with pytest.raises(KilledError):
        quick(tmp_path, on_epoch=killed_after(4), **options).fit(*samples, **validation)
    assert_same_end(quick(tmp_path, **options).fit(*samples, **validation), whole)


def test_a_rate_that_on_epoch_set_is_kept(tmp_path, samples):
    def slow_down(epoch):
        if epoch.epoch == 2:
            epoch.learning_rate = 0.0007

    whole = quick(on_epoch=slow_down).fit(*samples)

    def slow_down_and_die(epoch):
        slow_down(epoch)
        killed_after(5)(epoch)

    with pytest.raises(KilledError):
        quick(tmp_path, on_epoch=slow_down_and_die).fit(*samples)
    assert_same_end(quick(tmp_path).fit(*samples), whole)
    assert whole.history_.learning_rate[2:] == [0.0007] * 4


def test_partial_fit_goes_on_after_a_resumed_fit(tmp_path, samples):
    whole = quick().fit(*samples).partial_fit(*samples)
    kill(quick(tmp_path), 3, *samples)
    before = content(tmp_path)
    resumed = quick(tmp_path).fit(*samples)
    assert content(tmp_path) != before
    before = content(tmp_path)
    assert_same_end(resumed.partial_fit(*samples), whole)
    assert content(tmp_path) == before


# A run that ended


def test_a_finished_run_returns_at_once(tmp_path, samples):
    first = quick(tmp_path).fit(*samples)
    before = content(tmp_path)
    calls = []
    again = quick(tmp_path, on_epoch=calls.append).fit(*samples)
    assert calls == []
    assert_same_end(again, first)
    assert again.history_ == first.history_  # the seconds too
    assert content(tmp_path) == before


def test_a_run_that_on_epoch_ended_has_ended(tmp_path, samples):
    first = quick(tmp_path, on_epoch=lambda e: e.epoch == 3).fit(*samples)
    assert first.n_iter_ == 3
    assert_same_end(quick(tmp_path).fit(*samples), first)


def test_an_interrupted_run_goes_on(tmp_path, samples):
    def interrupt(epoch):
        if epoch.epoch == 4:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        quick(tmp_path, on_epoch=interrupt).fit(*samples)
    assert_same_end(quick(tmp_path).fit(*samples), quick().fit(*samples))


def test_a_warm_start_is_not_a_resumption(tmp_path, samples):
    clf = quick(tmp_path, warm_start=True).fit(*samples)
    with pytest.raises(ValueError, match=r"warm_start=True.*set one of them"):
        clf.fit(*samples)


# What is in the folder


def test_the_last_two_states_and_the_best_model(tmp_path, samples):
    seen = []

    def look(epoch):
        seen.append(sorted(content(tmp_path / "run")))

    clf = quick(tmp_path / "run", max_iter=8, early_stopping=True, on_epoch=look)
    clf.fit(*samples)
    assert seen[0] == ["epoch-000000.safetensors", "lock"]
    assert seen[3] == [
        "best.safetensors",
        "epoch-000002.safetensors",
        "epoch-000003.safetensors",
        "lock",
    ]
    best = RNNClassifier.load(tmp_path / "run" / "best.safetensors")
    assert best.predict_proba(samples[0]).tobytes() == clf.predict_proba(samples[0]).tobytes()
    assert best.get_params()["checkpoint"] is None
    last = RNNClassifier.load(tmp_path / "run" / "epoch-000008.safetensors")
    assert last.history_ == clf.history_
    last.save(tmp_path / "plain")  # without what only a checkpoint holds
    assert not any(name.startswith("training.") for name in archive.load(tmp_path / "plain")[0])
    state = RNNClassifier.load(tmp_path / "run" / "epoch-000007.safetensors")
    assert state.history_.stopped_by == ""
    assert state.n_iter_ == 7


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"checkpoint_epochs": 4}, [4, 6]),
        ({"checkpoint_minutes": 0}, [1, 2, 3, 4, 5, 6]),
        ({"checkpoint_minutes": 1e6}, [6]),
        ({"checkpoint_minutes": 1e6, "checkpoint_epochs": 5}, [5, 6]),
    ],
)
def test_how_often(tmp_path, samples, monkeypatch, options, kept):
    written = []
    save = archive.save

    def noting(path, *args):
        written.append(path.name)
        save(path, *args)

    monkeypatch.setattr(archive, "save", noting)
    quick(tmp_path, **options).fit(*samples)
    states = [name for name in written if name != "best.safetensors"]
    assert states == [f"epoch-{n:06d}.safetensors" for n in [0, *kept]]


def test_the_best_model_is_there_even_if_the_process_died_before_it_was_written(tmp_path, samples):
    clf = quick(tmp_path).fit(*samples)
    best = content(tmp_path)["best.safetensors"]
    (tmp_path / "best.safetensors").unlink()
    quick(tmp_path).fit(*samples)
    assert content(tmp_path)["best.safetensors"] == best
    assert clf.history_.best_epoch == RNNClassifier.load(tmp_path / "best.safetensors").best_epoch_


# Another run's folder


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"hidden_size": 6}, "hidden_size is 6 here and 5 there"),
        ({"max_iter": 7}, "max_iter is 7 here and 6 there"),
        ({"random_state": 1}, "random_state is 1 here and 0 there"),
        ({"random_state": None}, "random_state is None here and 0 there"),
        ({"solver": "sgd", "alpha": 0.1}, "solver is 'sgd' here and 'adam' there"),
        ({"backend": "reference"}, r"backend is 'reference \(numpy\)' here"),
    ],
)
def test_other_parameters_are_refused(tmp_path, samples, options, named):
    if options.get("backend") == "reference" and os.environ.get("ELMAN_BACKEND") == "reference":
        pytest.skip("is the same")
    kill(quick(tmp_path), 3, *samples)
    before = content(tmp_path)
    with pytest.raises(ValueError, match=named):
        quick(tmp_path, **options).fit(*samples)
    assert content(tmp_path) == before


@pytest.mark.parametrize("options", [{"n_jobs": 2}, {"verbose": 1}, {"recompute_every": 3}])
def test_parameters_that_change_no_bit_may_differ(tmp_path, samples, options):
    kill(quick(tmp_path), 3, *samples)
    assert_same_end(quick(tmp_path, **options).fit(*samples), quick().fit(*samples))


def test_other_data_are_refused(tmp_path, samples):
    X, y = samples
    kill(quick(tmp_path), 3, X, y)
    before = content(tmp_path)
    nudged = [x.copy() for x in X]
    nudged[20][0, 1] = np.nextafter(nudged[20][0, 1], 9)
    turned = [*X[:-2], X[-1], X[-2]]
    renamed = np.where(y == "up", "yes", "no")
    for data, named in [
        ((nudged, y), "X is another"),
        ((turned, y), "X is another"),
        ((X, np.roll(y, 1)), "y is another"),
        ((X, renamed), "y is another"),
        ((X, y, np.linspace(1, 2, 21)), "sample_weight is in one only"),
    ]:
        with pytest.raises(ValueError, match=named):
            quick(tmp_path).fit(*data)
        assert content(tmp_path) == before


def test_another_version_and_another_estimator_are_refused(tmp_path, samples, monkeypatch):
    kill(quick(tmp_path), 3, *samples)
    with pytest.raises(ValueError, match=r"holds a 'RNNClassifier', not a RNNRegressor"):
        RNNRegressor(checkpoint=tmp_path).fit(samples[0], np.arange(21.0))
    monkeypatch.setattr("elman.estimators.fingerprint.version", lambda name: "99.1")
    with pytest.raises(ValueError, match=r"version of elman is '99\.1' here and "):
        quick(tmp_path).fit(*samples)


def test_random_numbers_that_come_from_nowhere_are_those_of_the_run(tmp_path, samples):
    options = {"random_state": None, "early_stopping": True, "dropout": 0.3}
    kill(quick(tmp_path / "a", **options), 2, *samples)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    one = quick(tmp_path / "a", **options).fit(*samples)
    kill(quick(tmp_path / "b", **options), 4, *samples)
    assert_same_end(quick(tmp_path / "b", **options).fit(*samples), one)


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_a_generator_must_stand_where_it_stood(tmp_path, samples, make):
    whole = quick(random_state=make(7)).fit(*samples)
    with pytest.raises(KilledError):
        quick(tmp_path, random_state=make(7), on_epoch=killed_after(3)).fit(*samples)
    moved = make(7)
    moved.bytes(4)
    with pytest.raises(ValueError, match="random_state is "):
        quick(tmp_path, random_state=moved).fit(*samples)
    assert_same_end(quick(tmp_path, random_state=make(7)).fit(*samples), whole)


def test_a_model_that_is_no_checkpoint_is_not_replaced(tmp_path, samples):
    (tmp_path / "best.safetensors").write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"best\.safetensors.*another folder"):
        quick(tmp_path).fit(*samples)
    assert content(tmp_path)["best.safetensors"] == b"mine"
    model = tmp_path / "run" / "epoch-000003.safetensors"
    model.parent.mkdir()
    quick().fit(*samples).save(model)
    with pytest.raises(ValueError, match="not a checkpoint"):
        quick(tmp_path / "run").fit(*samples)


def test_a_folder_that_cannot_be_one(tmp_path, samples):
    (tmp_path / "file").write_bytes(b"")
    for folder, message in (
        ("file", "must be a folder, but this is a file"),
        ("file/below", "file"),
    ):
        with pytest.raises(NotADirectoryError, match=message):
            quick(tmp_path / folder).fit(*samples)
    for bad in (3, "", b""):
        with pytest.raises((TypeError, ValueError), match="checkpoint="):
            quick(bad).fit(*samples)
    for options in ({"checkpoint_epochs": 0}, {"checkpoint_minutes": -1}):
        with pytest.raises(ValueError, match="checkpoint_"):
            quick(tmp_path, **options).fit(*samples)


def test_two_at_once_are_refused(tmp_path, samples):
    pytest.importorskip("fcntl")

    def meet(epoch):
        with pytest.raises(OSError, match="another process trains into this folder"):
            quick(tmp_path).fit(*samples)

    quick(tmp_path, max_iter=2, on_epoch=meet).fit(*samples)


def test_labels_that_no_file_holds_are_refused_before_training(tmp_path, samples):
    X, _ = samples
    y = np.array([np.datetime64("2026-01-01") + i % 2 for i in range(21)])
    with pytest.raises(TypeError, match=r"a date or a time: .*which a file can hold"):
        quick(tmp_path, on_epoch=pytest.fail).fit(X, y)


# Damage


def damage(path, how):
    data = bytearray(path.read_bytes())
    if how == "cut":
        del data[len(data) // 2 :]
    elif how == "empty":
        data.clear()
    elif how == "flipped":
        data[-9] ^= 4
    elif how == "rubbish":
        data[:] = b"x" * len(data)
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["cut", "empty", "flipped", "rubbish"])
def test_a_damaged_state_gives_way_to_the_one_before(tmp_path, samples, how):
    kill(quick(tmp_path), 5, *samples)
    newest = tmp_path / "epoch-000004.safetensors"
    damage(newest, how)
    damaged = newest.read_bytes()
    with pytest.warns(UserWarning, match=r"epoch-000004.*goes on from epoch 3 instead") as caught:
        resumed = quick(tmp_path).fit(*samples)
    assert caught[0].filename == __file__
    assert_same_end(resumed, quick().fit(*samples))
    assert content(tmp_path)["epoch-000004.safetensors.damaged"] == damaged
    damage(tmp_path / "epoch-000006.safetensors", how)  # of the finished run
    with pytest.warns(UserWarning, match="goes on from epoch 5"):
        assert_same_end(quick(tmp_path).fit(*samples), resumed)


def test_damage_twice_to_the_same_epoch_is_kept_apart(tmp_path, samples):
    for how in ("cut", "empty"):
        kill(quick(tmp_path), 5, *samples) if how == "cut" else None
        damage(tmp_path / "epoch-000004.safetensors", how)
        with pytest.warns(UserWarning, match="instead"):
            kill(quick(tmp_path), 5, *samples)
    assert {name for name in content(tmp_path) if "damaged" in name} == {
        "epoch-000004.safetensors.damaged",
        "epoch-000004.safetensors.damaged1",
    }


def test_nothing_is_changed_where_no_state_is_whole(tmp_path, samples):
    kill(quick(tmp_path), 5, *samples)
    for path in tmp_path.glob("epoch-*"):
        damage(path, "cut")
    before = content(tmp_path)
    with pytest.raises(ValueError, match=r"epoch-000004.*epoch-000003.*begin afresh"):
        quick(tmp_path).fit(*samples)
    assert content(tmp_path) == before


def test_nor_where_a_damaged_folder_is_another_runs(tmp_path, samples):
    kill(quick(tmp_path), 5, *samples)
    damage(tmp_path / "epoch-000004.safetensors", "cut")
    before = content(tmp_path)
    with (
        pytest.warns(UserWarning, match="instead"),
        pytest.raises(ValueError, match="hidden_size"),
    ):
        quick(tmp_path, hidden_size=9).fit(*samples)
    assert content(tmp_path) == before


def test_a_state_that_is_whole_but_strange(tmp_path, samples):
    """Right by its checksum, wrong in what it says: an error, never a guess."""
    kill(quick(tmp_path), 5, *samples)
    path = tmp_path / "epoch-000004.safetensors"
    tensors, config = archive.load(path)
    del config["training"]["parts"]["shuffling"]
    archive.save(path, tensors, config)
    with pytest.raises(ValueError, match=r"epoch 4.*KeyError: 'shuffling'"):
        quick(tmp_path).fit(*samples)


def test_what_a_killed_process_left_half_written_is_cleared_away(tmp_path, samples):
    kill(quick(tmp_path), 3, *samples)
    (tmp_path / ".elman-0123456789abcdef.tmp").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    quick(tmp_path).fit(*samples)
    assert sorted(content(tmp_path))[-2:] == ["lock", "notes.txt"]
    assert not list(tmp_path.glob(".elman-*"))


def test_a_state_can_be_read_by_other_tools(tmp_path, samples):
    from safetensors import safe_open

    quick(tmp_path).fit(*samples)
    with safe_open(tmp_path / "epoch-000006.safetensors", "numpy") as file:
        assert {"training.optimizer.m", "training.best.flat"} <= set(file.keys())
        training = json.loads(file.metadata()["config"])["training"]
    assert training["finished"] is True
    assert training["fingerprint"]["hidden_size"] == 5


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("every", [None, 50])
def test_paused_is_uninterrupted(tmp_path, samples, every, early_stopping):
    """A fit that on_epoch paused goes on from the very epoch, and trains none of them twice."""
    options = {"early_stopping": early_stopping, "max_iter": 7, "dropout": 0.4}
    whole = quick(**options).fit(*samples)
    seen = []

    def pause_at(*epochs):
        def hook(epoch):
            seen.append(epoch.epoch)
            return "pause" if epoch.epoch in epochs else None

        return quick(tmp_path, checkpoint_epochs=every, on_epoch=hook, **options).fit(*samples)

    first = pause_at(2, 7)
    assert (first.n_iter_, first.history_.stopped_by) == (2, "on_epoch")
    assert first.loss_curve_ == whole.loss_curve_[:2]
    assert pause_at(5).n_iter_ == 5
    assert_same_end(pause_at(7), whole)  # the last epoch ends as it does without
    assert seen == [1, 2, 3, 4, 5, 6, 7]


def test_pause_without_a_checkpoint_ends_training(samples):
    paused = quick(max_iter=7, on_epoch=lambda epoch: "pause").fit(*samples)
    assert (paused.n_iter_, paused.history_.stopped_by) == (1, "on_epoch")
