"""Fits that keep their state in a folder: small ones, ends of them, and what two have in common."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from elman import RNNClassifier


class KilledError(Exception):
    """The end of a process, as far as a checkpoint can tell."""


def killed_after(epoch):
    def hook(state):
        if state.epoch == epoch:
            raise KilledError

    return hook


def quick(folder=None, **options):
    options = {"hidden_size": 5, "max_iter": 6, "batch_size": 8, "random_state": 0, **options}
    return RNNClassifier(checkpoint=folder, **options)


def kill(estimator, epoch, *data):
    """Fit until that epoch has ended and before its state is kept."""
    with pytest.raises(KilledError):
        clone(estimator).set_params(on_epoch=killed_after(epoch)).fit(*data)


def assert_same_end(one, other):
    assert one.network_.params.flat.tobytes() == other.network_.params.flat.tobytes()
    state, expected = one._going_on.optimizer.get_state(), other._going_on.optimizer.get_state()
    assert state.keys() == expected.keys()
    for name, value in state.items():
        assert np.array_equal(value, expected[name]), name
    assert one._going_on.rng.bit_generator.state == other._going_on.rng.bit_generator.state
    columns, expected = one.history_.to_dict(), other.history_.to_dict()
    assert columns.keys() == expected.keys()
    for name in set(columns) - {"seconds", "sequences_per_second"}:
        assert columns[name] == expected[name], name
    assert one.history_.best_epoch == other.history_.best_epoch
    assert one.history_.stopped_by == other.history_.stopped_by


def content(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}
