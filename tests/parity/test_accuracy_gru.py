"""PyTorch's GRU that `benchmarks.accuracy` trains beside us reads recordings as it should."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.torch_judge import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.accuracy import torch_gru
from benchmarks.sets import DataSet


@pytest.mark.parametrize("readout", ["last", "mean", "last+mean", "max", "last+max"])
def test_what_is_behind_the_end_of_a_recording_does_not_count(readout, rng):
    torch.manual_seed(3)
    model = torch_gru.Model(2, 5, readout).eval()
    samples = [torch.tensor(rng.normal(size=(n, 2))).float() for n in (7, 3, 11)]
    lengths = torch.tensor([len(x) for x in samples])
    padded = torch.nn.utils.rnn.pad_sequence(samples, batch_first=True)
    with torch.inference_mode():
        together = model(padded, lengths)
        alone = torch.cat([model(x[None], n[None]) for x, n in zip(samples, lengths, strict=True)])
    torch.testing.assert_close(together, alone)


def test_blocks_become_their_means_also_the_last_and_shorter_one():
    x = np.arange(10.0).reshape(5, 2)
    assert torch_gru.thinned(x, 2).tolist() == [[1.0, 2.0], [5.0, 6.0], [8.0, 9.0]]
    assert np.array_equal(torch_gru.thinned(x, 1), x)


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_it_learns_and_answers_in_the_units_of_y(kind, rng, monkeypatch):
    monkeypatch.setitem(torch_gru.SETTINGS, "epochs", 30)
    X = rng.normal(size=(24, 6, 1))
    total = X[:, :, 0].sum(axis=1)
    y = 1000 + 50 * total if kind == "regression" else np.where(total > 0, "up", "down")
    answers = torch_gru.fit(DataSet("some", kind, X, y, X, y), 0)(X)
    if kind == "regression":
        assert np.mean((answers - y) ** 2) < 0.1 * y.var()
    else:
        assert np.mean(answers == y) > 0.9
