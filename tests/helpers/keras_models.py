"""Models of every kind that Keras's layers can say, with drawn weights, and sequences for them."""

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

LENGTHS = (4, 1, 6)
MEAN, SCALE = np.array([1.5, -300.3]), np.array([0.5, 2.0])


def network(layout, *, dtype=np.float32, seed=3):
    """A network of which no weight is zero."""
    rng = np.random.default_rng(seed)
    found = Network.initialised(layout, rng=rng, dtype=dtype)
    for name, array in found.params.items():
        if name.endswith((".b", ".gain", ".initial", ".query")):
            array[...] = rng.normal(size=array.shape)
    return found


def sequences(*, n_features=2, missing="error", seed=7):
    """Recordings of unequal length, in which values are missing if they may be."""
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(n, n_features)) * SCALE + MEAN for n in LENGTHS]
    if missing != "error":
        X[0][1, 0] = X[0][3, 1] = X[2][0] = np.nan
    return [x.astype(np.float32) for x in X]


def classifier(*, sizes=(3,), n_inputs=2, dtype=np.float32, cell=Cell("gru"), **options):  # noqa: B008
    """A classifier of three classes; `options` are those of a layout, or fields of the model."""
    of_layout = {k: options.pop(k) for k in list(options) if k in Layout.__dataclass_fields__}
    layout = Layout(n_inputs, sizes, 3, cell=cell, **of_layout)
    fields = {
        "n_features_in": 2,
        "two_d": False,
        "classes": np.array(["a", 'b"', "\u00e7"]),
        "standardisation": Standardisation(MEAN, SCALE),
    }
    return TrainedClassifier(network=network(layout, dtype=dtype), **fields | options)


def tagger(**options):
    """A tagger of two classes, which are numbers."""
    layout = Layout(2, (3, 4), 2, cell=Cell("lstm"), readout="every", **options)
    return TrainedTagger(
        network=network(layout), n_features_in=2, two_d=False, classes=np.array([-1, 5])
    )


def regressor(n_targets=2, *, per_step=False, scaled=True, **options):
    """A regressor."""
    readout = "every" if per_step else "max"
    layout = Layout(2, (4,), n_targets, cell=Cell("elman", "relu"), readout=readout, **options)
    ones = np.ones(n_targets)
    return TrainedRegressor(
        network=network(layout),
        n_features_in=2,
        two_d=False,
        target_scale=Standardisation(20 * ones, 3 * ones)
        if scaled
        else Standardisation(0 * ones, ones),
        one_target=n_targets == 1,
        per_step=per_step,
    )


def of_symbols(X, **options):
    """A classifier of what `Symbols` makes of X."""
    asked = {
        name: options.pop(name)
        for name in ("handle_unknown", "missing", "min_frequency")
        if name in options
    }
    symbols = Symbols.learn(X, **asked)
    sizes = options.pop("vectors", [3] * symbols.n_codes)
    categories = tuple(zip(symbols.n_categories, sizes, strict=True))
    n_columns = symbols.n_columns
    n_inputs = n_columns
    if symbols.missing == "mask":  # with an indicator for each number
        n_inputs += n_columns - symbols.n_codes
    standardisation = options.pop("standardisation", None)
    layout = Layout(n_inputs, (4,), 3, cell=Cell("gru"), categories=categories, **options)
    return TrainedClassifier(
        network=network(layout),
        n_features_in=n_columns,
        two_d=False,
        classes=np.arange(3),
        symbols=symbols,
        frontend=Frontend(n_codes=symbols.n_codes),
        standardisation=standardisation,
        missing=symbols.missing,
    )


WORDS = [["the", "sea", "the"], ["a"], ["sea", "of", "a", "the", "sea"]]
TABLES = [
    [("x", 1.5, "p"), ("y", -0.5, "q")],
    [("x", 0.25, "p")],
    [("z", 1.0, "q"), ("x", 0.0, "q"), ("y", 2.0, "p")],
]


def scaled_first(mean, scale):
    """What X goes through before a model, as the scaler of a pipeline."""
    return Scaler(
        mean=mean, scale=scale, n_features_in=2, two_d=False, feature_names=None, allow_nan=False
    )


def models():
    """Models by name, each with sequences for it."""
    X = sequences()
    both = {"bidirectional": True}
    return {
        "elman tanh, mean": (classifier(cell=Cell(), readout="mean"), X),
        "elman relu, max": (classifier(cell=Cell("elman", "relu"), readout="max"), X),
        "gru, last": (classifier(), X),
        "gru, both ways, max": (classifier(readout="max", **both), X),
        "gru, stack both ways, mean": (classifier(sizes=(3, 5), readout="mean", **both), X),
        "lstm, last, both ways": (classifier(cell=Cell("lstm"), **both), X),
        "lstm, stack": (classifier(cell=Cell("lstm"), sizes=(5, 3)), X),
        "lstm, all readouts, both ways": (
            classifier(cell=Cell("lstm"), readout=("max", "last", "mean"), **both),
            X,
        ),
        "gru, residual": (classifier(sizes=(4, 4, 4), residual=True), X),
        "gru, residual both ways, readouts": (
            classifier(sizes=(4, 4), residual=True, readout=("last", "mean"), **both),
            X,
        ),
        "float64": (classifier(dtype=np.float64), X),
        "scalers before": (
            classifier(before=(scaled_first(np.array([1.0, 2.0]), np.array([3.0, 0.5])),)),
            X,
        ),
        "not standardised": (classifier(standardisation=None), [x / 100 for x in X]),
        "several labels": (classifier(classes=np.arange(3), multilabel=True), X),
        "tagger": (tagger(), [x / 100 for x in X]),
        "tagger, both ways": (tagger(**both), [x / 100 for x in X]),
        "two targets": (regressor(), [x / 100 for x in X]),
        "one target": (regressor(1), [x / 100 for x in X]),
        "one target, not scaled": (regressor(1, scaled=False), [x / 100 for x in X]),
        "targets of steps": (regressor(1, per_step=True), [x / 100 for x in X]),
        "mask": (
            classifier(n_inputs=4, missing="mask", readout=("last", "max")),
            sequences(missing="mask"),
        ),
        "skip": (
            classifier(missing="skip", readout=("last", "max", "mean"), **both),
            sequences(missing="skip"),
        ),
        "words": (of_symbols(WORDS, readout="mean"), WORDS),
        "letters, one-hot": (of_symbols(["abba", "cab"], vectors=[0]), ["ab", "c", "bbca"]),
        "tables": (of_symbols(TABLES, vectors=[3, 0]), TABLES),
        "tables, standardised, mask": (
            of_symbols(
                TABLES,
                vectors=[3, 0],
                missing="mask",
                # The numbers stand behind the categories, to which nothing is done.
                standardisation=Standardisation(np.array([0, 0, 0.5]), np.array([1, 1, 2.0])),
            ),
            [[("y", np.nan, "q"), ("x", 1.5, "p")], *TABLES],
        ),
    }


REFUSED = {
    "layer_norm=True": lambda: classifier(cell=Cell("gru", layer_norm=True)),
    "learn_initial_state=True": lambda: classifier(learn_initial_state=True),
    'readout="attention"': lambda: classifier(readout=("attention", "last")),
}
"""Models that Keras's layers cannot say, by what the error says."""


def padded(model, X, mask_value):
    """What goes into the model of Keras's, by the names of its inputs; padding at the end."""
    data = model.check(X)
    steps = [np.array(data[i]) for i in range(len(data))] if model.symbols else list(X)
    longest = max(len(each) for each in steps) + 1
    n_codes = 0 if model.symbols is None else model.symbols.n_codes
    n_numbers = (1 if model.two_d else model.n_features_in) - n_codes
    found = {}
    for k in range(n_codes):
        ids = np.zeros((len(X), longest), np.int32)
        for i, each in enumerate(steps):
            ids[i, : len(each)] = each[:, k] + 1
        found["ids" if n_codes == 1 and n_numbers == 0 else f"ids{k}"] = ids
    if n_codes > 1 or n_numbers:
        name = "numbers" if n_codes else "X"
        numbers = np.full((len(X), longest, n_numbers), mask_value, np.float32)
        for i, each in enumerate(steps):
            numbers[i, : len(each)] = each[:, n_codes:]
        if n_numbers:
            found[name] = numbers
    return found


def expected(model, X):
    """Our answers, a row for each sample, or an array for each step of one."""
    data = model.check(X)
    ask = getattr(model, "predict_proba", model.predict)
    found = ask(data)
    return [np.asarray(each) for each in found]


def matching(found, own):
    """Keras's answers, in which one target has an axis, as ours have it."""
    return found[..., 0] if np.ndim(found) > np.ndim(own) else found
