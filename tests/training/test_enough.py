"""How many epochs are enough steps of the optimizer, and the sentence that says why."""

from __future__ import annotations

import pytest

from elman.hyperparameters.declared import DECLARED
from elman.training import enough
from elman.training.enough import enough_epochs, steps_of_epoch


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(enough, "MIN_EPOCHS", 3)
    monkeypatch.setattr(enough, "MIN_STEPS", 20)
    monkeypatch.setattr(enough, "MAX_EPOCHS", 11)


@pytest.mark.parametrize(
    ("n_steps", "number", "why"),
    [
        (1, 11, "1 step of the optimizer, and 20 steps would take more than 11 epochs, the most"),
        (2, 10, "2 steps of the optimizer, and training takes 20 steps or more"),
        (3, 7, "3 steps of the optimizer, and training takes 20 steps or more"),
        (7, 3, "7 steps of the optimizer, and training takes 20 steps or more"),
        (10, 3, "10 steps of the optimizer, so that 3 epochs, the fewest, are 30 steps"),
        (999, 3, "999 steps of the optimizer, so that 3 epochs, the fewest, are 2997 steps"),
    ],
)
def test_enough_epochs(n_steps, number, why, small):
    assert enough_epochs(n_steps) == (number, f"max_iter={number}: an epoch has {why}")


@pytest.mark.parametrize(
    ("n_samples", "n_timesteps", "options", "n_steps"),
    [
        (1, 5, {"batch_size": 32}, 1),
        (7, 21, {"batch_size": 3}, 3),
        (7, 21, {"batch_size": 2, "replicas": 3}, 1),
        (13, 21, {"batch_size": 2, "replicas": 3}, 2),
        (3, 21, {"batch_size": 2, "replicas": 5}, 1),
        (7, 21, {"batch_size": 3, "bptt_steps": 2}, 6),
        (7, 0, {"batch_size": 3, "bptt_steps": 2}, 3),
        (7, 21, {"batch_size": 2, "replicas": 2, "bptt_steps": 1}, 6),
    ],
)
def test_steps_of_epoch(n_samples, n_timesteps, options, n_steps):
    assert steps_of_epoch(n_samples, n_timesteps, **options) == n_steps


def test_the_documentation_has_the_numbers():
    said = " ".join(DECLARED["max_iter"].doc.split())
    assert f"takes for {enough.MIN_STEPS} steps of the optimizer" in said
    assert f"no fewer than {enough.MIN_EPOCHS} and no more than {enough.MAX_EPOCHS}" in said
