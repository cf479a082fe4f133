"""How small batches are to be, how many epochs are enough, and the sentences that say why."""

from __future__ import annotations

import pytest

from elman.hyperparameters.declared import DECLARED
from elman.training import enough
from elman.training.enough import enough_epochs, samples_in_batch, steps_of_epoch


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(enough, "MIN_EPOCHS", 3)
    monkeypatch.setattr(enough, "MIN_STEPS", 20)
    monkeypatch.setattr(enough, "MAX_EPOCHS", 9)


@pytest.mark.parametrize(
    ("n_steps", "number", "why"),
    [
        (1, 9, "1 step of the optimizer, and 20 steps would take more than 9 epochs, the most"),
        (2, 9, "2 steps of the optimizer, and 20 steps would take more than 9 epochs, the most"),
        (3, 7, "3 steps of the optimizer, and training takes 20 steps or more"),
        (7, 3, "7 steps of the optimizer, and training takes 20 steps or more"),
        (10, 3, "10 steps of the optimizer, so that 3 epochs, the fewest, are 30 steps"),
        (999, 3, "999 steps of the optimizer, so that 3 epochs, the fewest, are 2997 steps"),
    ],
)
def test_enough_epochs(n_steps, number, why, small):
    assert enough_epochs(n_steps) == (number, f"max_iter={number}: an epoch has {why}")


@pytest.mark.parametrize(
    ("n_samples", "mean_length", "options", "n_steps"),
    [
        (1, 5.0, {"batch_size": 32}, 1),
        (7, 3.0, {"batch_size": 3}, 3),
        (7, 3.0, {"batch_size": 2, "replicas": 3}, 1),
        (13, 1.6, {"batch_size": 2, "replicas": 3}, 2),
        (3, 7.0, {"batch_size": 2, "replicas": 5}, 1),
        (7, 3.0, {"batch_size": 3, "bptt_steps": 2}, 6),
        (7, 0.0, {"batch_size": 3, "bptt_steps": 2}, 3),
        (7, 3.0, {"batch_size": 2, "replicas": 2, "bptt_steps": 1}, 6),
        (7, 4 + 1e-15, {"batch_size": 7, "bptt_steps": 2}, 2),
        (7, 4.2, {"batch_size": 7, "bptt_steps": 2}, 3),
    ],
)
def test_steps_of_epoch(n_samples, mean_length, options, n_steps):
    assert steps_of_epoch(n_samples, mean_length, **options) == n_steps


@pytest.mark.parametrize(
    ("n_samples", "replicas", "number", "why"),
    [
        (1, 1, 32, "1 sample makes 1 batch in an epoch, and so few are not shared out"),
        (32, 1, 32, "32 samples make 1 batch in an epoch, and so few are not shared out"),
        (33, 1, 8, "33 samples make 5 batches in an epoch, and the size is at least 8"),
        (175, 1, 8, "175 samples make 22 batches in an epoch, and the size is at least 8"),
        (200, 1, 8, "200 samples make 25 batches in an epoch, and smaller ones would be more than"),
        (201, 1, 9, "201 samples make 23 batches in an epoch, and smaller ones would be more than"),
        (800, 1, 32, "800 samples make 25 batches in an epoch, and smaller ones would be more"),
        (801, 1, 32, "801 samples make 26 batches in an epoch, and the size is at most 32"),
        (9, 2, 8, "9 samples make 2 batches in an epoch, and larger ones would be too few for 2 r"),
        (9, 3, 4, "9 samples make 3 batches in an epoch, and larger ones would be too few for 3 "),
        (13, 5, 3, "13 samples make 5 batches in an epoch, and larger ones would be too few for 5"),
        (999, 40, 25, "999 samples make 40 batches in an epoch, and larger ones would be too few"),
        (5, 5, 1, "5 samples make 5 batches in an epoch, and larger ones would be too few for 5 "),
        (3, 7, 1, "3 samples make 3 batches in an epoch, and larger ones would be too few for 7 "),
    ],
)
def test_samples_in_batch(n_samples, replicas, number, why):
    found = samples_in_batch(n_samples, replicas=replicas)
    assert found.number == number
    assert found.reason.startswith(f"batch_size={number}: {why}")


@pytest.mark.parametrize("replicas", [1, 2, 3, 7, 30])
def test_what_the_reasons_say_is_so(replicas):
    for n_samples in range(1, 950):
        number, reason = samples_in_batch(n_samples, replicas=replicas)
        n_batches, more, fewer = (
            -(-n_samples // max(n, 1)) for n in (number, number - 1, number + 1)
        )
        assert f" {n_batches} batch" in reason
        if "too few" in reason:
            assert fewer < replicas <= n_batches or n_samples < replicas
        elif "not shared" in reason:
            assert n_batches == replicas == 1
        else:
            assert n_batches >= replicas
            assert enough.SMALLEST <= number <= enough.LARGEST
        if "smaller ones" in reason:
            assert n_batches <= enough.BATCHES < more
        elif "at least" in reason:
            assert number == enough.SMALLEST
            assert n_batches < enough.BATCHES
        elif "at most" in reason:
            assert number == enough.LARGEST
            assert n_batches > enough.BATCHES


def test_the_documentation_has_the_numbers():
    said = " ".join(DECLARED["max_iter"].doc.split())
    assert f"takes for {enough.MIN_STEPS} steps of the optimizer" in said
    assert f"no fewer than {enough.MIN_EPOCHS} and no more than {enough.MAX_EPOCHS}:" in said
    declaration = DECLARED["batch_size"]
    for doc in (declaration.doc, declaration.doc_of["RNNTagger"]):
        said = " ".join(doc.split())
        assert f"has {enough.BATCHES} batches, but no fewer than {enough.SMALLEST} s" in said
        assert f"and no more than {enough.LARGEST}:" in said
        assert f"Up to {enough.LARGEST} s" in said
