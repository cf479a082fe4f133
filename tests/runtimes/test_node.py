"""ONNX files under Node, in the builds of ONNX Runtime for browsers and for Node.

Needs `node`, and the npm packages onnxruntime-web and onnxruntime-node in the folder node_modules
of this Python environment, or in the one that ELMAN_NODE_MODULES names.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.exchange_models import (
    CELLS,
    HOSTILE_CLASSES,
    KINDS,
    data_of_symbols,
    model_of_kind,
    model_of_symbols,
    ragged,
)
from helpers.onnx_judge import answers_of, assert_same, feeds_of
from helpers.runtimes import absent

from elman.exchange import to_onnx

SCRIPT = Path(__file__).with_name("node_answers.mjs")
PACKAGES = Path(os.environ.get("ELMAN_NODE_MODULES", Path(sys.prefix) / "node_modules"))
ALL = ("last", "mean", "max", "attention")


@pytest.fixture(params=["onnxruntime-web", "onnxruntime-node"])
def in_node(request):
    """A function of files and their inputs: the outputs, each a dict of arrays by name."""
    if shutil.which("node") is None:
        absent("node")
    if not (PACKAGES / request.param).is_dir():
        absent(f"the npm package {request.param} in {PACKAGES}")

    def run(cases):
        given = {
            "packages": str(PACKAGES),
            "engine": request.param,
            "cases": [
                {"file": str(path), "feeds": {name: _written(v) for name, v in feeds.items()}}
                for path, feeds in cases
            ],
        }
        done = subprocess.run(
            ["node", str(SCRIPT)],
            input=json.dumps(given),
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers = json.loads(done.stdout)
        return [{name: _read(value) for name, value in each.items()} for each in answers]

    return run


def _written(values):
    dims = list(values.shape)
    if values.dtype == object:
        return {"type": "string", "dims": dims, "data": values.ravel().tolist()}
    data = base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
    return {"type": values.dtype.name, "dims": dims, "data": data}


def _read(value):
    if value["type"] == "string":
        return np.array(value["data"], object).reshape(value["dims"])
    dtype = np.dtype(value["type"])
    return np.frombuffer(base64.b64decode(value["data"]), dtype).reshape(value["dims"])


def check(in_node, models, tmp_path):
    """All models, each with its data, in one process of Node."""
    cases = []
    for i, (model, X) in enumerate(models):
        to_onnx(model, tmp_path / f"{i}.onnx")
        cases.append((tmp_path / f"{i}.onnx", feeds_of(model, X)))
    for (model, X), (_, feeds), found in zip(models, cases, in_node(cases), strict=True):
        lengths = feeds["lengths"] if model.network.layout.at_every_step else None
        assert_same(model, found, answers_of(model, X), lengths)


def test_every_cell_with_samples_of_any_length(in_node, tmp_path):
    models = [
        (model_of_kind(cell=cell, stack=stack, readout=ALL, initial=True), ragged())
        for cell in CELLS
        for stack in ("one", "two both ways", "residual")
    ]
    check(in_node, models, tmp_path)


def test_every_kind_of_answer(in_node, tmp_path):
    models = [(model_of_kind(kind, n_scalers=1), ragged()) for kind in KINDS]
    models.append((model_of_kind("tagger", classes=np.array([-5, 1, 2**62])), ragged()))
    check(in_node, models, tmp_path)


def test_front_ends_and_missing_values(in_node, tmp_path):
    models = [
        (model_of_kind(frontend=frontend, missing=missing), ragged(missing=missing))
        for frontend in ({}, {"deltas": 2, "stride": 2}, {"scale_each": True})
        for missing in ("error", "mask")
    ]
    check(in_node, models, tmp_path)


def test_categories_and_names_of_classes(in_node, tmp_path):
    models = [
        (model_of_symbols(form=form, size=size, classes=HOSTILE_CLASSES), data_of_symbols(form))
        for form in ("characters", "tokens", "ints", "steps", "categories")
        for size in (0, 2)
    ]
    check(in_node, models, tmp_path)


def test_steps_of_a_stream(in_node, tmp_path):
    model = model_of_kind(cell="lstm", stack="two", readout=ALL, initial=True)
    X = np.array(ragged(lengths=(3, 3)))
    to_onnx(model, tmp_path / "steps.onnx", stream=True)
    import onnx

    loaded = onnx.load(tmp_path / "steps.onnx")
    state = np.zeros((2, loaded.graph.input[1].type.tensor_type.shape.dim[1].dim_value))
    for t in range(3):
        (found,) = in_node([(tmp_path / "steps.onnx", {"x": X[:, t], "state": state})])
        state = found.pop("stateN")
    assert_same(model, found, answers_of(model, list(X)))
