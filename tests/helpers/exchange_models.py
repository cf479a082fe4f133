"""Trained models of every kind with random weights, and ragged data for them, without a fit.

A road out of the package is held against these: whatever a network can be made of is in one of
them. Sizes are small, odd and all different.
"""

from __future__ import annotations

import numpy as np

from elman.backends.cells import Cell
from elman.data.frontend import Frontend
from elman.data.scaler import Scaler
from elman.data.scaling import Standardisation
from elman.data.symbols import Symbols
from elman.models.classifier import TrainedClassifier
from elman.models.regressor import TrainedRegressor
from elman.models.tagger import TrainedTagger
from elman.nn.layout import Layout
from elman.nn.network import Network

CELLS = {
    "tanh": Cell("elman", "tanh"),
    "relu": Cell("elman", "relu"),
    "gru": Cell("gru"),
    "lstm": Cell("lstm"),
}
"""The cells without layer normalisation, by short names."""

STACKS = {
    "one": {"hidden_sizes": (3,)},
    "two": {"hidden_sizes": (3, 4)},
    "both ways": {"hidden_sizes": (3,), "bidirectional": True},
    "two both ways": {"hidden_sizes": (4, 3), "bidirectional": True},
    "residual": {"hidden_sizes": (3, 3, 3), "residual": True},
    "residual both ways": {"hidden_sizes": (3, 3), "residual": True, "bidirectional": True},
}
"""Options of `Layout`, by short names."""

READOUTS = ("last", "mean", "max", "attention", ("last", "max"), ("attention", "mean", "last"))
"""What a network that answers once may read: each readout, and some tuples of several."""

KINDS = ("classifier", "multilabel", "tagger", "regressor", "two targets", "step regressor")
"""What a model may answer with."""

HOSTILE_CLASSES = np.array(['a "quoted" \\ one', "été ≤ 3", "名\n前"])
"""Sorted names of classes that break what is written without care."""

LENGTHS = (5, 0, 1, 7, 3)
"""Of the samples that `ragged` makes."""

TOKENS = [
    ["the", "sea", "is", "blue", "the", "sea"],
    ["sea"],
    ["blue", "été", "the"],
    [],
    ["is", "is", "the", "blue", "sea"],
]
TEXTS = ["abba", "", "cab é", "b", "cabbage"]


def network_of(layout, seed=0, dtype="float32"):
    """A network whose weights are all drawn, biases, initial states and queries among them."""
    rng = np.random.default_rng([seed, layout.n_features, *layout.hidden_sizes])
    network = Network.initialised(layout, rng=rng, dtype=dtype)
    for name, weight in network.params.items():
        if name.endswith((".b", ".initial", ".query", ".gain")):
            weight[...] += rng.normal(scale=0.5, size=weight.shape)
    network.params["head.W"][...] *= 2  # so that answers differ from sample to sample
    return network


def model_of_kind(
    kind="classifier",
    *,
    cell="gru",
    stack="one",
    readout="last",
    initial=False,
    n_features=2,
    classes=HOSTILE_CLASSES,
    missing="error",
    frontend=None,
    standardised=True,
    n_scalers=0,
    two_d=False,
    layer_norm=False,
    dtype="float32",
    seed=0,
):
    """A trained model of numbers.

    Parameters
    ----------
    kind : one of KINDS
    cell : one of CELLS
    stack : one of STACKS
    readout : one of READOUTS
        Not read where each time step is answered.
    initial : bool
        Whether the initial state is learned.
    frontend : dict, optional
        `deltas`, `stride` and `scale_each`.
    standardised : bool
        Whether the model standardises.
    n_scalers : int
        Scalers of a pipeline before it.
    """
    rng = np.random.default_rng([seed, 77])
    front = _frontend(rng, n_features, **frontend or {})
    layout = _layout(
        kind,
        cell,
        stack,
        readout,
        initial,
        len(classes),
        front.n_inputs(n_features, missing),
        layer_norm=layer_norm,
    )
    n_features_in = 6 if two_d else n_features

    def drawn():
        mean, scale = rng.normal(2, 1, n_features), rng.uniform(2, 4, n_features)
        return Standardisation(mean, scale)

    before = tuple(
        Scaler(
            mean=each.mean,
            scale=each.scale,
            n_features_in=n_features_in,
            two_d=two_d,
            feature_names=None,
            allow_nan=missing != "error",
        )
        for each in (drawn() for _ in range(n_scalers))
    )
    return _answering(
        kind,
        classes,
        network=network_of(layout, seed, dtype),
        n_features_in=n_features_in,
        two_d=two_d,
        standardisation=drawn() if standardised else None,
        frontend=front,
        missing=missing,
        before=before,
    )


def model_of_symbols(
    kind="classifier",
    form="tokens",
    *,
    size=0,
    cell="gru",
    stack="one",
    readout="last",
    initial=False,
    missing="error",
    classes=HOSTILE_CLASSES,
    seed=0,
    **options,
):
    """A trained model of characters, tokens, whole numbers, or of steps with numbers among them.

    Parameters
    ----------
    form : {"characters", "tokens", "ints", "steps", "categories"}
        The last two are rows: of two numbers and two categories (of text and of whole numbers),
        and of three categories (of text, of whole numbers, of bools) alone.
    size : int
        Length of the vectors of categories; 0: they are fed one-hot.
    options
        Of `Symbols.learn`.
    """
    X = data_of_symbols(form)
    asked = {"ints": "all", "steps": [1, 3], "categories": "all"}.get(form, "auto")
    symbols = Symbols.learn(X, categorical_features=asked, missing=missing, **options)
    n_codes, n_numbers = symbols.n_codes, len(symbols.numeric)
    layout = _layout(
        kind,
        cell,
        stack,
        readout,
        initial,
        len(classes),
        n_codes + n_numbers * (2 if missing == "mask" else 1),
        categories=tuple((n, size) for n in symbols.n_categories),
    )
    standardisation = None
    if n_numbers:
        mean, scale = np.zeros(symbols.n_columns), np.ones(symbols.n_columns)
        mean[n_codes:], scale[n_codes:] = [1.5, -2.0], [2.0, 0.7]
        standardisation = Standardisation(mean, scale)
    return _answering(
        kind,
        classes,
        network=network_of(layout, seed),
        n_features_in=symbols.n_columns,
        two_d=False,
        standardisation=standardisation,
        frontend=Frontend(n_codes=n_codes),
        missing=missing,
        symbols=symbols,
        feature_names=symbols.feature_names,
    )


def data_of_symbols(form):
    """What the model of a form was trained on: ragged, a sample without a step among it."""
    if form == "characters":
        return list(TEXTS)
    if form == "tokens":
        return [list(sample) for sample in TOKENS]
    rng = np.random.default_rng(5)
    if form == "ints":
        return [rng.integers(-2, 3, size=n).tolist() for n in LENGTHS]
    rows = []
    for n in LENGTHS:
        table = np.empty((n, 4 if form == "steps" else 3), object)
        words, items = rng.choice(["buy", "lóok", "go"], size=n), rng.integers(10, 14, size=n)
        if form == "steps":
            table[:, 0], table[:, 1] = rng.normal(2, 2, size=n), words
            table[:, 2], table[:, 3] = rng.normal(size=n), items
        else:
            table[:, 0], table[:, 1], table[:, 2] = words, items, rng.random(n) < 0.5
        rows.append(table)
    return rows


def ragged(n_features=2, missing="error", lengths=LENGTHS, seed=0, two_d=False):
    """Samples of unequal length in float32, one of no step and one of one step among them.

    With another `missing` than "error" some values are NaN, and one feature of one sample is
    missing throughout. Of a 2-D X all samples have the six steps of `model_of_kind`.
    """
    rng = np.random.default_rng([seed, n_features])
    if two_d:
        return rng.normal(2, 3, size=(4, 6)).astype(np.float32)
    samples = [rng.normal(2, 3, size=(n, n_features)).astype(np.float32) for n in lengths]
    if missing != "error":
        for sample in samples:
            sample[rng.random(sample.shape) < 0.3] = np.nan
        samples[-1][:, -1] = np.nan
    return samples


def padded(samples, fill=np.nan, n_timesteps=None):
    """Samples as one array (batch, time, ...), with `fill` past their ends, and their lengths."""
    lengths = np.array([len(sample) for sample in samples], np.int32)
    longest = int(lengths.max(initial=0)) if n_timesteps is None else n_timesteps
    first = np.asarray(samples[0])
    out = np.full((len(samples), longest, *first.shape[1:]), fill, first.dtype)
    for row, sample in zip(out, samples, strict=True):
        row[: len(sample)] = sample
    return out, lengths


def _layout(
    kind, cell, stack, readout, initial, n_classes, n_features, *, layer_norm=False, **more
):
    of_steps = kind in ("tagger", "step regressor")
    outputs = {"regressor": 1, "step regressor": 1, "two targets": 2}
    base = CELLS[cell]
    return Layout(
        n_features=n_features,
        n_outputs=outputs.get(kind, n_classes),
        cell=Cell(base.name, base.activation, layer_norm),
        readout="every" if of_steps else readout,
        learn_initial_state=initial,
        **STACKS[stack],
        **more,
    )


def _frontend(rng, n_features, deltas=0, stride=1, scale_each=False):
    log_amplitude = None
    if scale_each:
        log_amplitude = Standardisation(
            rng.normal(size=n_features), rng.uniform(0.5, 2, n_features)
        )
    scale = rng.uniform(0.5, 2, (deltas, n_features))
    return Frontend(deltas, stride, scale_each, scale, log_amplitude)


def _answering(kind, classes, **shared):
    """A model of a kind around what all kinds share."""
    if kind == "classifier":
        return TrainedClassifier(classes=classes, **shared)
    n_outputs = shared["network"].layout.n_outputs
    if kind == "multilabel":
        return TrainedClassifier(classes=np.arange(n_outputs), multilabel=True, **shared)
    if kind == "tagger":
        return TrainedTagger(classes=classes, **shared)
    mean, scale = np.array([[1e3, -2.0], [7.0, 0.3]])[:, :n_outputs].copy()
    return TrainedRegressor(
        target_scale=Standardisation(mean, scale),
        one_target=kind != "two targets",
        per_step=kind == "step regressor",
        **shared,
    )
