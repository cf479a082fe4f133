"""What an ONNX file cannot hold is refused by name, and no file is harmed."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from helpers.exchange_models import model_of_kind, model_of_symbols

from elman import RNNClassifier
from elman.exchange import ExchangeError, to_onnx
from elman.exchange.onnx import export, onnx_model, reasons_against


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layer_norm": True}, "layer_norm=True"),
        ({"missing": "skip"}, "missing='skip'"),
        ({"layer_norm": True, "missing": "skip"}, "missing='skip'"),
    ],
)
@pytest.mark.parametrize("kind", ["classifier", "tagger", "regressor"])
@pytest.mark.parametrize("stream", [False, True])
def test_what_the_operators_cannot_say(kind, options, said, stream, tmp_path):
    model = model_of_kind(kind, **options)
    (tmp_path / "old.onnx").write_bytes(b"old")
    with pytest.raises(ExchangeError, match="to_c writes it as plain C") as refused:
        to_onnx(model, tmp_path / "old.onnx", stream=stream)
    assert said in str(refused.value)
    assert (tmp_path / "old.onnx").read_bytes() == b"old"
    assert len(reasons_against(model, stream=stream)) == len(options)


def test_symbols_of_which_steps_are_left_out():
    assert "missing='skip'" in reasons_against(model_of_symbols(missing="skip"))[0]


@pytest.mark.parametrize(
    "classes", [np.array([0.5, 1.5]), np.array(["a", "\ud800"]), np.array([1, 2**63], np.uint64)]
)
@pytest.mark.parametrize("kind", ["classifier", "tagger"])
def test_labels_that_are_neither_text_nor_int64(kind, classes):
    model = model_of_kind(kind, classes=classes)
    with pytest.raises(ExchangeError, match="labels=False"):
        onnx_model(model)
    onnx_model(model, labels=False)


def test_weights_beyond_float32():
    model = model_of_kind(dtype="float64")
    model.network.params["head.W"][0, 1] = 1e39
    with pytest.raises(ExchangeError, match=r"head\.W"):
        onnx_model(model)


def test_weights_beyond_a_file(monkeypatch):
    monkeypatch.setattr(export, "MOST_BYTES", 100)
    assert "2 GB" in reasons_against(model_of_kind())[0]


@pytest.mark.parametrize("name", ["model.safetensors", "model", "model.onnx.npz"])
def test_names_of_other_files(name, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.onnx"):
        to_onnx(model_of_kind(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_tokens_have_two_forms():
    with pytest.raises(ValueError, match="tokens='bytes'"):
        onnx_model(model_of_symbols(), tokens="bytes")


def test_models_that_are_not_fitted_and_other_things(tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        to_onnx(RNNClassifier(), tmp_path / "model.onnx")
    with pytest.raises(TypeError, match="expected a fitted"):
        to_onnx({"a": 1}, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_what_is_written_is_checked_first(tmp_path, monkeypatch):
    import onnx

    def refuse(proto, full_check):
        assert full_check
        raise onnx.checker.ValidationError("no")

    monkeypatch.setattr(onnx.checker, "check_model", refuse)
    (tmp_path / "model.onnx").write_bytes(b"old")
    with pytest.raises(onnx.checker.ValidationError):
        to_onnx(model_of_kind(), tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == b"old"


def test_an_older_file_is_replaced_with_its_permissions(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    path.chmod(0o640)
    to_onnx(model_of_kind(), path)
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_bytes() == onnx_model(model_of_kind()).SerializeToString()


def test_onnx_is_asked_for_by_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'pip install "elman\[onnx\]"'):
        onnx_model(model_of_kind())


def test_reasons_need_no_onnx(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert reasons_against(model_of_kind()) == []
    assert reasons_against(replace(model_of_kind(), missing="skip"))
