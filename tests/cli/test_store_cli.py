"""The commands take a store wherever they take a file of data."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.cli_tools import run

from elman.data import Dataset, SequenceStore, write_npz

KINDS = {
    "label": lambda X: np.array(["up" if x[-1, 0] > 0 else "down" for x in X]),
    "value": lambda X: np.array([x[:, 0].sum() for x in X]),
    "steps": lambda X: [np.where(x[:, 0] > 0, "up", "down") for x in X],
    "step values": lambda X: [np.cumsum(x[:, 0]) for x in X],
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_commands_answer_for_a_store_as_for_a_file(capsys, tmp_path, kind):
    rng = np.random.default_rng(2)
    X = [rng.normal(size=(n, 2)) for n in (4, 2, 7, 3, 5, 6, 1, 8, 3, 2, 5)]
    data = Dataset(X, KINDS[kind](X), ids=np.array([*"abcdefghijk"]), feature_names=("p", "q"))
    SequenceStore.write(tmp_path / "store", data, shard_size=99)
    write_npz(tmp_path / "data.npz", data)
    told = {}
    for name in ("store", "data.npz"):
        model = tmp_path / f"{name}.model"
        options = ("--hidden-size", "3", "--max-iter", "2", "--seed", "0", "--quiet")
        fit = run(capsys, "fit", tmp_path / name, "--output", model, *options)
        assert fit[0] == 0, fit
        others = [
            run(capsys, command, model, tmp_path / other)
            for command in ("evaluate", "predict")
            for other in ("store", "data.npz")
        ]
        assert all(code == 0 for code, *_ in others), others
        assert others[0] == others[1]
        assert others[2] == others[3]
        told[name] = others
    assert told["store"] == told["data.npz"]


def test_what_is_wrong_with_a_store_is_one_line(capsys, tmp_path):
    SequenceStore.write(tmp_path / "store", [np.ones((2, 3))])
    model = tmp_path / "model"
    code, _, message = run(capsys, "fit", tmp_path / "store", "--output", model)
    assert code != 0
    assert "has no labels" in message
    (tmp_path / "store" / "00000.values.npy").unlink()
    code, _, message = run(capsys, "fit", tmp_path / "store", "--output", model)
    assert code != 0
    assert "00000.values.npy: is missing" in message
    code, _, message = run(capsys, "fit", tmp_path / "store", "--output", model, "--label", "y")
    assert code != 0
    assert "--label says nothing about this file" in message
