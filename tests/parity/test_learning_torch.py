"""What `benchmarks.learning` trains of PyTorch's reads symbols and scores answers as it should."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.torch_judge import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import learning_torch
from benchmarks.learning_tasks import Split, Task
from elman.backends.cells import CELLS, Cell

SENTENCES = [["b", "a", "c"], ["a"], ["c", "a", "a", "b", "d"]]


def network(rng, *, cell="gru", n_inputs=3, readout="last", bidirectional=False):
    """Weights and a layout in our names: one categorical column of as many symbols or numbers."""
    kind, hidden, n_outputs = CELLS[cell], 5, 4
    params = {}
    for name in ("recurrent0", "recurrent0.reverse")[: 1 + bidirectional]:
        params[f"{name}.W_x"] = rng.normal(size=(n_inputs, len(kind.gates) * hidden))
        params[f"{name}.W_h"] = rng.normal(size=(hidden, len(kind.gates) * hidden)) * 0.3
        params[f"{name}.b"] = rng.normal(size=len(kind.biases) * hidden)
    width = hidden * (1 + bidirectional)
    params |= {"head.W": rng.normal(size=(width, n_outputs)), "head.b": rng.normal(size=n_outputs)}
    layout = SimpleNamespace(
        cell=Cell(cell),
        n_features=1,
        hidden_sizes=(hidden,),
        readout=readout,
        bidirectional=bidirectional,
        dropout=0.0,
    )
    params = {name: values.astype(np.float32) for name, values in params.items()}
    return SimpleNamespace(params=params, layout=layout)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("readout", "bidirectional"),
    [("last", False), ("max", False), ("every", False), ("every", True)],
)
def test_what_is_behind_the_end_of_a_sequence_of_symbols_does_not_count(
    cell, readout, bidirectional, rng
):
    vocabulary = learning_torch.vocabulary_of(SENTENCES)
    vectors = rng.normal(size=(len(vocabulary) + 1, 3)).astype(np.float32)
    ours = network(rng, cell=cell, readout=readout, bidirectional=bidirectional)
    embedding = learning_torch.embedding_of(len(vectors), vectors)
    model = learning_torch.Model(ours, embedding).eval()
    X = learning_torch.numbered(SENTENCES, vocabulary)
    with torch.inference_mode():
        together = model(X)
        for i, sentence in enumerate(SENTENCES):
            alone = model(learning_torch.numbered([sentence], vocabulary))[0]
            own = together[i, : len(sentence)] if readout == "every" else together[i]
            torch.testing.assert_close(own, alone)


def test_symbols_are_numbered_by_frequency_and_unknown_ones_are_0():
    vocabulary = learning_torch.vocabulary_of([*SENTENCES, "cc"])
    assert vocabulary == {"a": 1, "c": 2, "b": 3, "d": 4}
    X = learning_torch.numbered([["d", "new", "a"], ["c"]], vocabulary)
    assert X.X.tolist() == [[4, 0, 1], [2, 0, 0]]
    assert X.lengths.tolist() == [3, 1]


def test_without_vectors_a_symbol_is_a_column_that_does_not_learn():
    embedding = learning_torch.embedding_of(3, None)
    assert embedding(torch.tensor([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert not embedding.weight.requires_grad
    assert learning_torch.embedding_of(2, np.eye(2, dtype=np.float32)).weight.requires_grad


def test_rare_symbols_become_unknown_as_often_as_they_should():
    torch.manual_seed(1)
    samples = [["often"] * 40 + ["once" + str(i)] for i in range(3000)]
    X = learning_torch.numbered(samples, learning_torch.vocabulary_of(samples))
    found = learning_torch.rare_unknown(X).X
    assert torch.equal(found[found != 0], X.X[found != 0])
    lost = (found[:, 40] == 0).float().mean().item()  # 0.25 / 1.25, of symbols that occur once
    assert abs(lost - 0.2) < 4 * (0.2 * 0.8 / 3000) ** 0.5
    assert int((found[:, :40] == 0).sum()) <= 3  # 0.25 / 120,000 of 120,000


def tagging_task():
    y = [["x" if symbol == "a" else "y" for symbol in sentence] for sentence in SENTENCES]
    split = Split(SENTENCES, y, SENTENCES, y)
    return Task("tags", lambda seed: split, {}, 0, None, "", is_tagging=True, linear="windows")


def test_tags_behind_the_end_of_a_sentence_are_not_learned_from():
    task = tagging_task()
    targets, answer_of, n_outputs = learning_torch.targets_of(task, task.data(0).y_train)
    x, y, none = 0, 1, learning_torch.NO_LABEL
    assert targets.tolist() == [
        [y, x, y, none, none],
        [x, none, none, none, none],
        [y, x, x, y, y],
    ]
    assert n_outputs == 2
    assert answer_of(np.array([[0.5, 0.1], [0.0, 2.0]])).tolist() == ["x", "y"]


def test_numbers_and_classes_come_back_as_they_were():
    task = tagging_task()._replace(is_tagging=False)
    targets, answer_of, n_outputs = learning_torch.targets_of(task, ["b", "a", "c", "b"])
    assert (targets.tolist(), n_outputs) == ([1, 0, 2, 1], 3)
    assert Counter(answer_of(np.eye(3))) == Counter("abc")
    task = task._replace(is_regression=True)
    y = np.array([1.0, 2.0, 6.0])
    targets, answer_of, n_outputs = learning_torch.targets_of(task, y)
    np.testing.assert_allclose(answer_of(targets.numpy()[:, None]), y, rtol=1e-6)
    assert n_outputs == 1


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_tagger_learns_from_batches_of_unequal_lengths(bidirectional, rng):
    task = tagging_task()
    vocabulary = learning_torch.vocabulary_of(SENTENCES)
    vectors = rng.normal(size=(len(vocabulary) + 1, 3)).astype(np.float32)
    ours = network(rng, readout="every", bidirectional=bidirectional)
    model = learning_torch.Model(ours, learning_torch.embedding_of(len(vectors), vectors))
    X = learning_torch.numbered(SENTENCES, vocabulary)
    targets, answer_of, _ = learning_torch.targets_of(task, task.data(0).y_train)
    settings = {
        "alpha": 0.0,
        "solver": "adam",
        "learning_rate_init": 0.05,
        "max_iter": 40,
        "batch_size": 2,
        "max_grad_norm": 1.0,
    }
    learning_torch.train(model, X, targets, settings, rng, 0.0)
    with torch.inference_mode():
        answers = model.eval()(X).numpy()
    for z, wanted in zip(answers, task.data(0).y_train, strict=True):
        assert answer_of(z[: len(wanted)]).tolist() == wanted
