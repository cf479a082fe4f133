"""ONNX files of models of texts, tokens and mixed tables: ONNX Runtime gives their answers."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
from helpers.exchange_models import TEXTS, data_of_symbols, model_of_symbols
from helpers.onnx_judge import check_whole, feeds_of, session_of
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

from elman.exchange import ExchangeError
from elman.exchange.onnx import onnx_model, reasons_against

FORMS = ("characters", "tokens", "ints", "steps", "categories")


@pytest.mark.parametrize("missing", ["error", "mask"])
@pytest.mark.parametrize("form", FORMS)
class TestEveryForm:
    # An Elman network of 3 units has fewer sums than there are categories, a GRU more.
    @pytest.mark.parametrize("cell", ["tanh", "gru"])
    def test_one_hot_and_vectors(self, form, missing, cell):
        for kind, size in product(("classifier", "tagger", "regressor"), (0, 2)):
            for stack, tokens in (("two", "text"), ("both ways", "ids")):
                model = model_of_symbols(
                    kind, form, size=size, cell=cell, stack=stack, missing=missing, initial=True
                )
                check_whole(model, data_of_symbols(form), tokens=tokens)

    def test_what_is_missing(self, form, missing):
        if form == "characters" or missing == "error":
            return
        X = data_of_symbols(form)
        if form in ("steps", "categories"):
            X[0][2, 1 if form == "steps" else 0] = None
            if form == "steps":
                X[3][1, 0] = np.nan
        else:
            X[0][2] = None
        model = model_of_symbols(form=form, missing="mask")
        check_whole(model, X, tokens="ids")
        if form != "ints":  # among whole numbers there is none that would mean it
            check_whole(model, X, tokens="text")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("form", FORMS)
class TestUnknownTokens:
    def test_they_have_the_answer_of_unknown_ones(self, form):
        check_whole(model_of_symbols(form=form), _with_unknown(form))

    def test_they_are_an_error_where_they_are_one(self, form):
        model = model_of_symbols(form=form, handle_unknown="error")
        for tokens in ("text", "ids"):
            session = session_of(check_whole(model, data_of_symbols(form), tokens=tokens))
            feeds = feeds_of(model, data_of_symbols(form), tokens)
            if tokens == "text":
                feeds = feeds_of(model, _with_unknown(form))
                with pytest.raises(InvalidArgument, match="out of data bounds"):
                    session.run(None, feeds)
                continue
            name = "ids" if "ids" in feeds else "X"
            for wrong in (-1, 10**9):
                spoilt = feeds | {name: feeds[name].copy()}
                spoilt[name][0, 1] = wrong
                with pytest.raises(InvalidArgument, match="out of data bounds"):
                    session.run(None, spoilt)


def test_rare_tokens_are_unknown_and_no_error():
    model = model_of_symbols(min_frequency=2, handle_unknown="error")
    assert model.symbols.vocabularies[0].rare
    check_whole(model, data_of_symbols("tokens"))


def test_labels_are_numbers_where_tokens_are_ids():
    for form in FORMS:
        proto = onnx_model(model_of_symbols(form=form), labels=False)
        types = {
            each.type.tensor_type.elem_type for each in [*proto.graph.input, *proto.graph.output]
        }
        assert 8 not in types  # STRING
        assert "LabelEncoder" not in {node.op_type for node in proto.graph.node}


def test_vocabularies_are_in_the_metadata_of_ids():
    model = model_of_symbols(form="steps", missing="mask")
    proto = onnx_model(model, tokens="ids")
    found = {each.key: each.value for each in proto.metadata_props}
    assert json.loads(found["vocabularies"]) == [
        [*each.tokens] for each in model.symbols.vocabularies
    ]
    assert json.loads(found["categorical_columns"]) == [1, 3]
    assert json.loads(found["missing_ids"]) == [0, 0]
    assert "vocabularies" not in {each.key for each in onnx_model(model).metadata_props}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lowercase": True}, "lowercase=True"),
        ({"strip_accents": "ascii"}, "strip_accents='ascii'"),
        ({"lowercase": True, "strip_accents": "unicode"}, "strip_accents='unicode'"),
    ],
)
def test_folded_text_goes_out_as_ids_alone(options, said):
    model = model_of_symbols(form="characters", **options)
    with pytest.raises(ExchangeError, match="tokens='ids'") as refused:
        onnx_model(model)
    assert said in str(refused.value)
    assert not reasons_against(model, tokens="ids")
    check_whole(model, [text.upper() for text in TEXTS], tokens="ids")


def test_numbers_are_not_folded():
    model = model_of_symbols(form="ints", lowercase=True)
    check_whole(model, data_of_symbols("ints"))


def _with_unknown(form):
    """Data with a category that training has not seen."""
    X = data_of_symbols(form)
    if form == "characters":
        return ["abXa", *X[1:]]
    if form in ("tokens", "ints"):
        X[0][1] = "fish" if form == "tokens" else 10**12
        return X
    X[0][1, 1] = "sell" if form == "steps" else 99
    return X
