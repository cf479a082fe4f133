"""A disk that fails while a training keeps its state costs nothing of what was learned."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.cli_tools import recordings, run, write_ts
from helpers.kept_fits import assert_same_end, content, quick
from helpers.sequence_data import make_samples

from elman import RNNClassifier, RNNRegressor, RNNTagger
from elman.formats import archive, atomic

EARLY = {"early_stopping": True, "tol": 9.0, "n_iter_no_change": 4}
FULL = os.strerror(errno.ENOSPC)


@pytest.fixture
def samples(rng):
    return make_samples(rng, 21, "ragged")


class Disk:
    """Lets `function` of `module` succeed so many times, and then reports a full disk."""

    def __init__(self, monkeypatch, module, function, n_good=10**9):
        self.n_calls = 0
        works = getattr(module, function)

        def used(*args, **options):
            self.n_calls += 1
            if self.n_calls > n_good:
                raise OSError(errno.ENOSPC, FULL)
            return works(*args, **options)

        monkeypatch.setattr(module, function, used)


def interrupted_after(epoch, *samples, **options):
    """What Ctrl-C after that epoch leaves."""

    def interrupt(state):
        if state.epoch == epoch:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        return quick(on_epoch=interrupt, **options).fit(*samples)


def assert_as_after_ctrl_c(estimator, samples, **options):
    expected = interrupted_after(estimator.n_iter_, *samples, **options)
    assert estimator.history_.stopped_by == "checkpoint"
    estimator.history_.stopped_by = "interrupt"
    assert_same_end(estimator, expected)


WRITES = {"save": (archive, 1), "fsync": (atomic.os, 2), "replace": (atomic.os, 1)}
WRITES |= {"unlink": (Path, 0)}
"""Where it is, and how often it is called before the first epoch."""


@pytest.mark.parametrize("function", WRITES)
@pytest.mark.parametrize("options", [{}, EARLY], ids=["", "early"])
def test_a_full_disk_at_every_write(tmp_path, monkeypatch, samples, function, options):
    """At each call of what writes a file, makes it last, gives it its name, drops an old one."""
    module, n_first = WRITES[function]
    whole = quick(**options).fit(*samples)
    with monkeypatch.context() as patch:
        disk = Disk(patch, module, function)
        assert_same_end(quick(tmp_path / "whole", **options).fit(*samples), whole)
    assert disk.n_calls > 2
    ends = []
    for n_good in range(disk.n_calls):
        folder = tmp_path / str(n_good)
        with monkeypatch.context() as patch:
            Disk(patch, module, function, n_good)
            estimator = quick(folder, **options)
            if n_good < n_first:
                with pytest.raises(OSError, match="nothing was trained") as failed:
                    estimator.fit(*samples)
                assert failed.value.errno == errno.ENOSPC
                assert not hasattr(estimator, "network_")
            else:
                with pytest.warns(UserWarning, match=FULL) as caught:
                    estimator.fit(*samples)
                assert [w.filename for w in caught] == [__file__]
                message = str(caught[0].message)
                newest = max(folder.glob("epoch-*"))
                assert f"The last state on disk is {newest}; the same fit goes on" in message
                ends.append(estimator.history_.stopped_by)
        assert not [name for name in content(folder) if name.endswith(".tmp")]
        if ends and ends[-1] == "checkpoint":
            assert f"training stopped after epoch {estimator.n_iter_}, because" in message
            assert f"kept the weights of epoch {estimator.best_epoch_}" in message
            assert_as_after_ctrl_c(estimator, samples, **options)
        elif ends:
            assert "ended as it should" in message
            assert_same_end(estimator, whole)
        for _ in range(2):  # there is room again
            assert_same_end(quick(folder, **options).fit(*samples), whole)
    by_itself = whole.history_.stopped_by
    assert ends == sorted(ends, key=["checkpoint", by_itself].index)
    assert set(ends) == {"checkpoint", by_itself}


@pytest.mark.parametrize("how", ["removed", "a file instead"])
@pytest.mark.parametrize("options", [{}, {"checkpoint_epochs": 4}], ids=["every epoch", "fourth"])
def test_a_folder_that_is_gone(tmp_path, samples, how, options):
    folder = tmp_path / "run"

    def remove(epoch):
        if epoch.epoch == 3:
            shutil.rmtree(folder)
            if how != "removed":
                folder.write_bytes(b"")

    estimator = quick(folder, on_epoch=remove, **options)
    with pytest.warns(UserWarning, match=r"stopped after.*run/epoch-00000.*No state is left"):
        estimator.fit(*samples)
    assert estimator.n_iter_ == (4 if options else 3)
    assert_as_after_ctrl_c(estimator, samples)
    if how == "removed":
        assert_same_end(quick(folder, **options).fit(*samples), quick().fit(*samples))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_no_longer_ones_own(tmp_path, samples):
    def lock_out(epoch):
        tmp_path.chmod(0o500)

    try:
        with pytest.warns(UserWarning, match="Permission denied"):
            estimator = quick(tmp_path, on_epoch=lock_out).fit(*samples)
    finally:
        tmp_path.chmod(0o700)
    assert_as_after_ctrl_c(estimator, samples)
    assert_same_end(quick(tmp_path).fit(*samples), quick().fit(*samples))


def gone_after(folder, epoch):
    def remove(state):
        if state.epoch == epoch:
            shutil.rmtree(folder)

    return remove


@pytest.mark.parametrize("kind", [RNNRegressor, RNNTagger])
def test_regressor_and_tagger(kind, tmp_path, samples, rng):
    X, _ = samples
    y = rng.normal(size=21)
    if kind is RNNTagger:
        y = [(x[:, 0] > 0).astype(int) for x in X]
    options = {"hidden_size": 5, "max_iter": 5, "random_state": 0}
    hook = gone_after(tmp_path / "run", 3)
    with pytest.warns(UserWarning, match="training stopped after epoch 3"):
        stopped = kind(checkpoint=tmp_path / "run", on_epoch=hook, **options).fit(X, y)
    stopped.save(tmp_path / "model")
    again = kind.load(tmp_path / "model")
    assert again.history_.stopped_by == "checkpoint"
    assert again.score(X, y) == stopped.score(X, y)
    stopped.set_params(on_epoch=None).partial_fit(X, y)
    assert stopped.n_iter_ == 4


def test_what_was_fitted_before_gives_way_as_to_ctrl_c(tmp_path, samples):
    estimator = quick(hidden_size=3).fit(*samples)
    estimator.set_params(hidden_size=5, checkpoint=tmp_path / "run")
    estimator.set_params(on_epoch=gone_after(tmp_path / "run", 2))
    with pytest.warns(UserWarning, match="training stopped after epoch 2"):
        estimator.fit(*samples)
    assert_as_after_ctrl_c(estimator, samples)


def test_what_was_fitted_before_is_kept_where_nothing_was_trained(tmp_path, samples, monkeypatch):
    estimator = quick().fit(*samples)
    before = estimator.network_.params.flat.tobytes()
    estimator.set_params(hidden_size=3, checkpoint=tmp_path / "run")
    Disk(monkeypatch, archive, "save", 0)
    with pytest.raises(OSError, match="nothing was trained"):
        estimator.fit(*samples)
    assert estimator.network_.params.flat.tobytes() == before


def test_a_disk_that_fails_before_a_resumed_run_goes_on(tmp_path, samples, monkeypatch):
    hook = gone_after(tmp_path / "other", 3)
    (tmp_path / "other").mkdir()
    quick(tmp_path / "run", max_iter=3, on_epoch=hook).fit(*samples)
    (tmp_path / "run" / "best.safetensors").unlink()  # which resuming writes again
    before = content(tmp_path / "run")
    with monkeypatch.context() as patch:
        Disk(patch, archive, "save", 0)
        with pytest.raises(OSError, match="nothing was trained"):
            quick(tmp_path / "run", max_iter=3).fit(*samples)
    assert content(tmp_path / "run") == before


def test_an_error_of_the_users_own_is_still_theirs(tmp_path, samples):
    def fail(epoch):
        raise OSError(errno.ENOSPC, "the disk of a log")

    estimator = quick(tmp_path, on_epoch=fail)
    with pytest.raises(OSError, match="the disk of a log"):
        estimator.fit(*samples)
    assert not hasattr(estimator, "network_")


def test_the_command_saves_the_model_and_says_where_training_stands(capsys, tmp_path, monkeypatch):
    write_ts(tmp_path / "train.ts", *recordings())
    command = ["fit", tmp_path / "train.ts", "--max-iter", "9", "--hidden-size", "5", "-q"]
    assert run(capsys, *command, "-o", tmp_path / "whole")[0] == 0
    folder, model = tmp_path / "run", tmp_path / "model"
    save = archive.save

    def full(path, *args):
        if Path(path).name == "epoch-000004.safetensors":
            raise OSError(errno.ENOSPC, FULL, str(path))
        save(path, *args)

    command += ["-o", model, "--checkpoint", folder]
    with monkeypatch.context() as patch:
        patch.setattr(archive, "save", full)
        code, out, err = run(capsys, *command)
    assert code == 3
    best = RNNClassifier.load(model)
    assert best.n_iter_ == 4
    assert out.startswith(f"Stopped: saved the best weights so far, of epoch {best.best_epoch_}, ")
    newest = folder / "epoch-000003.safetensors"
    assert err == (
        f"elman: training stopped after epoch 4, because its state could not be written to {folder}"
        f"/epoch-000004.safetensors ({FULL}): kept the weights of epoch {best.best_epoch_}, the "
        f"best so far by training loss. The last state on disk is {newest}; the same fit goes on "
        "from there once the folder can be written to\n"
    )
    assert run(capsys, "inspect", model)[1].count("checkpoint") >= 1
    assert run(capsys, *command, "--force")[0] == 0
    done, whole = RNNClassifier.load(model), RNNClassifier.load(tmp_path / "whole")
    assert np.array_equal(done.network_.params.flat, whole.network_.params.flat)


def test_the_command_stops_at_once_where_nothing_can_be_written(capsys, tmp_path, monkeypatch):
    write_ts(tmp_path / "train.ts", *recordings())
    command = ["fit", tmp_path / "train.ts", "--max-iter", "3", "-o", tmp_path / "model"]
    Disk(monkeypatch, archive, "save", 0)
    code, out, err = run(capsys, *command, "--checkpoint", tmp_path / "run")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert f"{FULL}: nothing was trained" in err
    assert not (tmp_path / "model").exists()
