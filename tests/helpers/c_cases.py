"""Models of every kind with sequences for them: what is written as C and compiled."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from helpers.exchange_models import (
    CELLS,
    KINDS,
    READOUTS,
    STACKS,
    data_of_symbols,
    model_of_kind,
    model_of_symbols,
    ragged,
)

FRONTS = (
    {"deltas": 1},
    {"stride": 3},
    {"deltas": 2, "stride": 2},
    {"scale_each": True},
    {"deltas": 2, "stride": 2, "scale_each": True},
)


def cases():
    """Models and sequences for them, by names that C takes."""
    found = {}

    def add(model, X):
        found[f"m{len(found)}"] = model, X

    def numbers(n_features=2, *, two_d=False, missing="error", **options):
        X = ragged(n_features, missing, two_d=two_d)
        X = X.astype(np.float64) if two_d else [sample.astype(np.float64) for sample in X]
        add(model_of_kind(n_features=n_features, two_d=two_d, missing=missing, **options), X)

    cells, stacks = itertools.cycle(CELLS), itertools.cycle(STACKS)
    initial = itertools.cycle((True, True, False))
    for kind, readout, cell, stack in zip(KINDS, READOUTS, cells, stacks, strict=False):
        numbers(kind=kind, readout=readout, cell=cell, stack=stack, initial=next(initial))
    next(cells)
    for kind, readout, stack in zip(KINDS, READOUTS[::-1], list(STACKS)[::-1], strict=False):
        numbers(kind=kind, readout=readout, cell=next(cells), stack=stack, initial=True)
    for cell, readout in zip(CELLS, READOUTS, strict=False):
        numbers(cell=cell, readout=readout, stack="two both ways", initial=next(initial))
        numbers(cell=cell, readout=readout, stack="residual", layer_norm=True)
    for missing, front in itertools.product(("error", "mask", "skip"), FRONTS):
        kind, stack = KINDS[len(found) % len(KINDS)], ("one", "two", "both ways")[len(found) % 3]
        numbers(
            3,
            kind=kind,
            cell=next(cells),
            stack=stack,
            missing=missing,
            frontend=front,
            initial=True,
        )
    for missing, kind in itertools.product(("mask", "skip"), ("tagger", "classifier")):
        numbers(kind=kind, missing=missing, initial=True, stack=next(stacks))
        numbers(kind=kind, missing=missing, n_scalers=2, initial=True)
    numbers(1, two_d=True, n_scalers=1, frontend={"deltas": 1, "stride": 2})
    numbers(standardised=False)
    for front in (None, {"deltas": 1, "stride": 2}):  # a scaler that refuses NaN before "mask"
        model = model_of_kind(missing="mask", n_scalers=1, frontend=front)
        strict = replace(model.before[0], allow_nan=False)
        X = [sample.astype(np.float64) for sample in ragged()]
        add(replace(model, before=(strict,)), X)
    for form, (kind, size) in zip(
        ("characters", "tokens", "ints", "steps", "categories") * 2,
        itertools.cycle([("classifier", 0), ("tagger", 3), ("regressor", 2)]),
        strict=False,
    ):
        stack = next(stacks)
        add(model_of_symbols(kind, form, size=size, stack=stack), data_of_symbols(form))
    for form, missing in itertools.product(("tokens", "steps"), ("mask", "skip")):
        X = data_of_symbols(form)
        X[0][1] = None if form == "tokens" else [None, None, 1.0, 12]
        add(model_of_symbols("tagger", form, size=3, missing=missing), X)
    return found


CASES = cases()
"""By name a model and X."""
