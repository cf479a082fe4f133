"""Masks: known answers of the generator, and what they depend on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.sequence_data import make_samples

from elman import RNNClassifier
from elman.nn.dropout import Masking, philox


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ("00000000" * 4, "00000000" * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff" * 4, "ffffffff" * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            "243f6a8885a308d313198a2e03707344",
            "a4093822299f31d0",
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_the_generator_gives_its_authors_numbers(counter, key, answer):
    words = [int(counter[i : i + 8], 16) for i in range(0, 32, 8)]
    arrays = tuple(np.array([word], dtype=np.uint64) for word in words)
    found = philox(arrays, (int(key[:8], 16), int(key[8:], 16)))
    assert " ".join(f"{int(word[0]):08x}" for word in found) == answer


def test_a_mask_belongs_to_its_sample():
    samples = np.array([4, 0, 17, 9], dtype=np.int64)
    masking = Masking(123456789012345, 3, samples)
    mask = masking.mask(1, 7, 0.25, np.float32)
    assert (mask.shape, mask.dtype) == ((4, 7), np.float32)
    shuffled = masking._replace(samples=samples[[2, 0]]).mask(1, 7, 0.25, np.float32)
    assert shuffled.tobytes() == mask[[2, 0]].tobytes()
    assert masking.mask(1, 5, 0.25, np.float32).tobytes() == mask[:, :5].tobytes()
    many = Masking(5, 3, np.arange(50))
    first = many.mask(0, 70, 0.5, np.float64)
    others = [
        many.mask(1, 70, 0.5, np.float64),
        many._replace(epoch=4).mask(0, 70, 0.5, np.float64),
        many._replace(seed=6).mask(0, 70, 0.5, np.float64),
        many._replace(seed=5 + (1 << 32)).mask(0, 70, 0.5, np.float64),
        many._replace(samples=np.arange(1, 51)).mask(0, 70, 0.5, np.float64),
    ]
    for other in others:
        assert 0.45 < np.mean(first == other) < 0.55


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_so_many_are_left_out_and_the_mean_stays(share):
    mask = Masking(1, 2, np.arange(300)).mask(0, 333, share, np.float64)
    assert set(np.unique(mask)) == {0.0, 1 / (1 - share)}
    assert abs(np.mean(mask == 0) - share) < 5 * np.sqrt(share * (1 - share) / mask.size)
    # neither the same units for all samples nor the same samples for all units
    assert np.ptp(mask.mean(axis=0)) > 0
    assert np.ptp(mask.mean(axis=1)) > 0


@pytest.fixture
def samples(rng):
    return make_samples(rng)


def fitted(samples, **options):
    chosen = {"hidden_size": 7, "max_iter": 3, "random_state": 0, "dropout": 0.4, **options}
    return RNNClassifier(**chosen).fit(*samples)


@pytest.mark.parametrize("options", [{}, {"n_layers": 2, "bidirectional": True}], ids=str)
def test_threads_change_nothing_and_the_seed_everything(samples, options):
    one = fitted(samples, n_jobs=1, **options).network_.params.flat
    two = fitted(samples, n_jobs=2, **options).network_.params.flat
    assert one.tobytes() == two.tobytes()
    assert (
        one.tobytes() != fitted(samples, random_state=1, **options).network_.params.flat.tobytes()
    )
    assert one.tobytes() != fitted(samples, dropout=0.0, **options).network_.params.flat.tobytes()


def test_nothing_is_left_out_of_an_answer(samples):
    clf = fitted(samples)
    answer = clf.predict_proba(samples[0])
    plain = replace(clf.network_.layout, dropout=0.0)
    clf.model_ = replace(clf.model_, network=replace(clf.network_, layout=plain))
    assert clf.predict_proba(samples[0]).tobytes() == answer.tobytes()


def test_epochs_one_by_one_are_epochs_in_a_row(samples):
    whole = fitted(samples, learning_rate="constant", standardize=False)
    parts = RNNClassifier(
        hidden_size=7,
        max_iter=3,
        random_state=0,
        dropout=0.4,
        learning_rate="constant",
        standardize=False,
    )
    for _ in range(3):
        parts.partial_fit(*samples, classes=["down", "up"])
    assert parts.network_.params.flat.tobytes() == whole.network_.params.flat.tobytes()
