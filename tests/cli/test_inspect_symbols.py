"""`elman inspect` of a model of symbols tells of its vocabularies."""

from __future__ import annotations

import json

import pytest
from helpers.cli_tools import run
from helpers.symbol_fits import KINDS, fitted_once


@pytest.mark.parametrize("kind", KINDS)
def test_inspect_tells_of_vocabularies(kind, tmp_path, capsys):
    fit, path = fitted_once(kind, "tables"), tmp_path / "model.safetensors"
    fit.save(path)
    _, out, _ = run(capsys, "inspect", path)
    for vocabulary in fit.summary().vocabularies:
        assert vocabulary.in_words() in out.replace("\n", " ")
        assert f"Commonest tokens of {vocabulary.column}" in out
    token, count = fit.symbols_.vocabularies[0].most_frequent(1)[0]
    (line,) = [line for line in out.splitlines() if line.startswith(f'"{token}" ')]
    assert line.split() == [f'"{token}"', str(count)]
    told = json.loads(run(capsys, "inspect", path, "--json")[1])
    assert [each["column"] for each in told["vocabularies"]] == ["action", "item"]
    assert told["vocabularies"][0]["most_frequent"][0] == [token, count]


def test_inspect_of_numbers_tells_of_none(tmp_path, capsys):
    from elman import RNNClassifier

    path = tmp_path / "model.safetensors"
    RNNClassifier(3, max_iter=1, random_state=0).fit([[[1.0]], [[2.0]]], [0, 1]).save(path)
    assert "Commonest tokens" not in run(capsys, "inspect", path)[1]
    assert json.loads(run(capsys, "inspect", path, "--json")[1])["vocabularies"] == []
