"""A trained model in; what its ONNX file says of itself, besides the graph, out."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from elman.exchange.digest import digest_of
from elman.exchange.onnx.answers import label_table, no_label
from elman.exchange.onnx.categories import TYPES, Tokens
from elman.exchange.onnx.graph import Type
from elman.exchange.onnx.numbers import n_numbers
from elman.exchange.onnx.stream import widths_of_state
from elman.models.kinds import is_of_numbers, kind_of_model
from elman.models.model import TrainedModel

EMPTY_BATCH = (
    "A batch must hold at least one sample: of an empty one ONNX Runtime's GRU and LSTM end the "
    "whole process."
)
EMPTY_SEQUENCE = (
    "Without lengths a sequence must have at least one time step: of an empty one ONNX Runtime "
    "ends the whole process."
)
NAN = {
    "error": "A sample that holds NaN or infinity, or numbers too large to compute with, has NaN "
    "as its probabilities, and no label.",
    "mask": "NaN is a missing value; a sample that holds infinity, or numbers too large to "
    "compute with, has NaN as its probabilities, and no label.",
}


def elman_version() -> str:
    """The version of this package."""
    return version("elman")


def metadata(
    model: TrainedModel, *, stream: bool, labels: bool, lengths: bool, tokens: Tokens
) -> dict[str, str]:
    """Entries of `metadata_props`; lists and objects are JSON.

    Parameters
    ----------
    model : TrainedModel
    stream, labels, lengths, tokens
        As the graph was asked for.
    """
    kind = kind_of_model(model)
    notes = [EMPTY_BATCH]
    if not (stream or lengths):
        notes.append(EMPTY_SEQUENCE)
    if model.symbols is None or model.symbols.numeric:
        notes.append(NAN[model.missing])
    found: dict[str, Any] = {
        "elman_version": elman_version(),
        "kind": model.kind,
        "missing": model.missing,
        "digest": digest_of(model),
        "note": " ".join(notes),
    }
    if model.feature_names is not None:
        found["feature_names"] = [*model.feature_names]
    if not is_of_numbers(kind):
        found["classes"] = model.__dict__["classes"].tolist()
        table = label_table(model.__dict__["classes"]) if labels and kind != "labels" else None
        found["no_label"] = -1 if table is None else no_label(table)
    if model.symbols is not None:
        found |= _of_symbols(model, tokens)
    if stream:
        widths = widths_of_state(model)
        found["state_size"] = sum(widths.values())
        found["state_parts"] = widths
        found["state_note"] = (
            "state is float64, (batch, state_size). Zeros begin a sequence. Pass stateN as state "
            "with the next step; set a row to zeros to begin another sequence in it."
        )
        if model.frontend.stride > 1:
            found["stride"] = model.frontend.stride
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in found.items()
    }


def _of_symbols(model: TrainedModel, tokens: Tokens) -> dict[str, Any]:
    symbols = model.symbols
    if symbols is None:
        return {}
    found: dict[str, Any] = {
        "categorical_columns": [*symbols.categorical],
        "numeric_columns": [*symbols.numeric],
        "handle_unknown": symbols.handle_unknown,
    }
    if tokens == "ids":
        found["vocabularies"] = [[*each.tokens] for each in symbols.vocabularies]
        found["missing_ids"] = [each.missing_id for each in symbols.vocabularies]
        found["lowercase"] = symbols.lowercase
        found["strip_accents"] = symbols.strip_accents
    elif symbols.missing == "mask":
        found["missing_token"] = [
            "" if TYPES[each.kind] == Type.STRING and "" not in each.tokens else None
            for each in symbols.vocabularies
        ]
    return found


def description(model: TrainedModel, *, stream: bool) -> str:
    """What the file is, in a few lines for those who look at it."""
    layout = model.network.layout
    what = "answers after each time step" if stream else "answers to whole sequences"
    sizes = ", ".join(map(str, layout.hidden_sizes))
    inputs = n_numbers(model) + (model.symbols.n_codes if model.symbols is not None else 0)
    return (
        f"A recurrent network ({layout.cell.name}, hidden_size {sizes}) that {what} of {inputs} "
        f"feature(s), written by elman {elman_version()}. {EMPTY_BATCH}"
    )
