"""Callbacks that write by way of other packages, with stand-ins that keep what they are given, and
with tensorboardX itself."""

from __future__ import annotations

import copy
import pickle
import struct
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.sequence_data import make_samples
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from elman import RNNClassifier
from elman.callbacks import MLflow, TensorBoard


@pytest.fixture
def samples(rng):
    return make_samples(rng, 23, "ragged")


def quick(hook, **options):
    return RNNClassifier(3, **{"max_iter": 3, "random_state": 0, "on_epoch": hook, **options})


def killed_after(n, hook):
    def killing(epoch):
        hook(epoch)
        if epoch.epoch == n:
            raise KeyError

    return killing


def scalars(folder):
    """(tag, step) -> value in the event files of a folder, in the order of their names; a file that
    begins with a step to purge from takes later ones away."""
    from tensorboardX.proto.event_pb2 import Event

    found, histograms = {}, set()
    for path in sorted(folder.glob("events*")):
        content, at = path.read_bytes(), 0
        while at < len(content):
            (size,) = struct.unpack_from("<Q", content, at)
            event = Event.FromString(content[at + 12 : at + 12 + size])
            at += 12 + size + 4
            if event.HasField("session_log"):
                found = {key: value for key, value in found.items() if key[1] < event.step}
            for value in event.summary.value:
                if value.HasField("histo"):
                    histograms.add((value.tag, event.step))
                else:
                    assert (value.tag, event.step) not in found
                    found[value.tag, event.step] = value.simple_value
    return found, histograms


def curve(folder, name="loss"):
    found, _ = scalars(folder)
    return [value for (tag, _), value in sorted(found.items()) if tag == name]


def test_tensorboard_has_every_number(samples, tmp_path):
    clf = quick(TensorBoard(tmp_path / "logs"), early_stopping=True).fit(*samples)
    found, histograms = scalars(tmp_path / "logs" / "run-1")
    columns = clf.history_.to_dict()
    expected = {
        (name.replace(".", "/"), n): np.float32(value)
        for name, column in columns.items()
        for n, value in enumerate(column, 1)
        if value is not None and name != "epoch"
    }
    assert found == expected
    assert ("saturated", 2) not in found  # not read in that epoch
    assert ("spectral_radius/recurrent0", 3) in found
    assert {("recurrent0/W_h", 1), ("head/b", 3)} <= histograms


def test_each_fit_has_a_folder_of_its_own(samples, tmp_path):
    hook = TensorBoard(tmp_path, histograms=False)
    clf = quick(hook).fit(*samples)
    second = quick(hook, max_iter=2, random_state=1).fit(*samples)
    second.partial_fit(*samples)
    assert curve(tmp_path / "run-1") == [np.float32(loss) for loss in clf.loss_curve_]
    assert curve(tmp_path / "run-2") == [np.float32(loss) for loss in second.loss_curve_]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run-1", "run-2"]
    assert not scalars(tmp_path / "run-1")[1]


def test_fits_side_by_side_have_a_folder_each(samples, tmp_path):
    hook = TensorBoard(tmp_path, histograms=False)
    inner = []

    def another(epoch):
        if epoch.epoch == 2:
            inner.append(quick(hook, max_iter=2, random_state=1).fit(*samples))

    outer = quick([hook, another]).fit(*samples)
    assert curve(tmp_path / "run-1") == [np.float32(loss) for loss in outer.loss_curve_]
    assert curve(tmp_path / "run-2") == [np.float32(loss) for loss in inner[0].loss_curve_]


def test_tensorboard_goes_on_from_a_checkpoint(samples, tmp_path):
    options = {"max_iter": 6, "checkpoint": tmp_path / "kept", "checkpoint_epochs": 2}
    with pytest.raises(KeyError):
        quick(killed_after(5, TensorBoard(tmp_path / "logs")), **options).fit(*samples)
    clf = quick(TensorBoard(tmp_path / "logs"), **options).fit(*samples)
    expected = [np.float32(loss) for loss in clf.loss_curve_]
    assert curve(tmp_path / "logs" / "run-1") == expected
    late = quick(TensorBoard(tmp_path / "late"), **options).fit(*samples)
    assert late.loss_curve_ == clf.loss_curve_
    assert not (tmp_path / "late").exists()  # it was finished


def test_tensorboard_that_begins_late_has_the_epochs_before(samples, tmp_path):
    options = {"max_iter": 4, "checkpoint": tmp_path / "kept"}
    with pytest.raises(KeyError):
        quick(killed_after(3, lambda epoch: None), **options).fit(*samples)
    clf = quick(TensorBoard(tmp_path / "logs"), **options).fit(*samples)
    assert curve(tmp_path / "logs" / "run-1") == [np.float32(x) for x in clf.loss_curve_]


def test_tensorboard_in_a_grid_search(samples, tmp_path):
    hook = TensorBoard(tmp_path, histograms=False)
    grid = {"max_iter": [2, 3]}
    GridSearchCV(quick(hook), grid, cv=2, n_jobs=2, refit=False).fit(*samples)
    lengths = sorted(len(curve(folder)) for folder in tmp_path.iterdir())
    assert lengths == [2, 2, 3, 3]


class FakeMLflow(SimpleNamespace):
    """Keeps metrics by run, as MLflow does; runs are a stack."""

    def __init__(self):
        super().__init__()
        self.runs, self.stack, self.parents = {}, [], {}

    def active_run(self):
        return SimpleNamespace(info=SimpleNamespace(run_id=self.stack[-1])) if self.stack else None

    @contextmanager
    def start_run(self, run_id=None, nested=False):
        assert nested or not self.stack, "a run is already active"
        if run_id is None:
            run_id = f"run{len(self.runs)}"
            self.runs[run_id] = {}
            self.parents[run_id] = self.stack[-1] if self.stack else None
        assert run_id in self.runs
        self.stack.append(run_id)
        try:
            yield self.active_run()
        finally:
            self.stack.pop()

    def log_metrics(self, metrics, step):
        assert all(isinstance(value, float) for value in metrics.values())
        self.runs[self.stack[-1]][step] = metrics

    def losses(self, run):
        return [metrics["loss"] for _, metrics in sorted(self.runs[run].items())]


@pytest.fixture
def mlflow(monkeypatch):
    fake = FakeMLflow()
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    return fake


def test_mlflow_logs_to_the_run_that_is_active(samples, mlflow):
    with mlflow.start_run():
        clf = quick(MLflow()).fit(*samples)
        assert mlflow.stack == ["run0"]
    assert list(mlflow.runs) == ["run0"]
    assert mlflow.losses("run0") == clf.loss_curve_
    assert "saturated" in mlflow.runs["run0"][3]
    assert "saturated" not in mlflow.runs["run0"][2]
    assert "epoch" not in mlflow.runs["run0"][3]


def test_mlflow_makes_a_run_for_each_fit_where_none_is_active(samples, mlflow):
    clf = quick(MLflow()).fit(*samples)
    other = quick(clf.on_epoch, max_iter=2, random_state=1).fit(*samples)
    assert mlflow.losses("run0") == clf.loss_curve_
    assert mlflow.losses("run1") == other.loss_curve_
    assert mlflow.stack == []


def test_mlflow_makes_runs_below_the_active_one(samples, mlflow):
    search = GridSearchCV(quick(MLflow(nested=True)), {"max_iter": [1, 2]}, cv=2, refit=False)
    with mlflow.start_run():
        search.fit(*samples)
    assert list(mlflow.parents.values()) == [None, "run0", "run0", "run0", "run0"]
    assert sorted(map(len, mlflow.runs.values())) == [0, 1, 1, 2, 2]


def test_a_run_of_its_own_has_the_epochs_before_a_checkpoint(samples, mlflow, tmp_path):
    options = {"max_iter": 5, "checkpoint": tmp_path}
    with pytest.raises(KeyError):
        quick(killed_after(3, MLflow()), **options).fit(*samples)
    clf = quick(MLflow(), **options).fit(*samples)
    assert mlflow.losses("run1") == clf.loss_curve_


@pytest.mark.parametrize(
    ("hook", "package", "extra"),
    [(TensorBoard("never"), "tensorboardX", "tensorboard"), (MLflow(), "mlflow", "mlflow")],
)
def test_they_say_what_to_install(samples, monkeypatch, hook, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"pip install 'elman\[{extra}\]'"):
        quick(hook).fit(*samples)


def test_copies_are_equal_and_carry_no_fit(samples, mlflow, tmp_path):
    for hook in (TensorBoard(tmp_path), MLflow(nested=True)):
        clf = quick(hook, max_iter=1).fit(*samples)
        for copied in (clone(clf).on_epoch, copy.deepcopy(hook), pickle.loads(pickle.dumps(hook))):
            assert copied == hook
            kept = copied._open if isinstance(hook, TensorBoard) else copied._run
            assert kept.newest is None


def test_a_process_that_is_not_the_writer_writes_nothing(samples, mlflow, tmp_path):
    hooks = [TensorBoard(tmp_path / "logs"), MLflow()]

    def other(epoch):
        epoch.is_writer = False
        for hook in hooks:
            hook(epoch)

    quick(other).fit(*samples)
    assert not (tmp_path / "logs").exists()
    assert not mlflow.runs
