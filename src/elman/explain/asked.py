"""A fitted model, X, a target and a step in; what is to be explained of which recording out."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.data.frontend import standardised
from elman.data.named import NamedSequences
from elman.data.prepared import Prepared
from elman.data.sequences import Sequences
from elman.data.sources import observed_rows
from elman.data.symbols.naming import name_of_column, names_of_encoded
from elman.explain.outputs import Output, Unit
from elman.models.fitted import Fitted, fitted
from elman.models.model import TrainedModel
from elman.nn.network import Network
from elman.targets.checks import listed, shown
from elman.targets.masked import refuse_masked

Array = NDArray[Any]
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Asked:
    """Recordings as the network takes them, and which of its answers to them are explained.

    A row is one answer: of one recording, about one output, and of a network that answers at every
    time step at one of them.
    """

    found: Fitted
    backend: Backend
    data: Sequences
    """as the estimator takes them"""
    inputs: list[Array]
    """of each recording (n_kept_i, n_inputs): standardised, with indicators beside the features if
    missing values are masked, without the steps that are skipped for them. Of a model with a front
    end (n_kept_i, n_features), what goes into that: standardised, with NaN if those are masked"""
    kept: list[NDArray[np.bool_] | None]
    """(n_timesteps_i,) of each recording, which steps the network sees; None: all"""
    output: Output
    samples: Indices
    """(n_rows,), the recording of each row"""
    columns: Indices
    """(n_rows,), the output of each row"""
    places: Indices | None
    """(n_rows,), where every step is answered: which of the steps that the network sees has the
    answer; -1 is the answer before the first"""
    steps: Indices | None
    """(n_rows,), where every step is answered: the time step that was asked for"""
    answers: Floats
    """(n_rows,), the explained numbers"""
    target: Array
    """(n_rows,), the label or the number of each row's output"""

    @property
    def model(self) -> TrainedModel:
        """The trained model."""
        return self.found.model

    @property
    def network(self) -> Network:
        """Its network."""
        return self.model.network

    @property
    def looks_ahead(self) -> bool:
        """Whether the front end has the answer at a time step rest on steps that come later."""
        return self.model.frontend.stride > 1 or self.model.frontend.scale_each

    def how_it_reads(self) -> dict[str, Any]:
        """The arguments of `elman.explain.changed.answers_to` about the front end."""
        frontend = self.model.frontend
        through = None if frontend.plain else self.through_frontend
        return {"through": through, "stride": frontend.stride}

    def through_frontend(self, steps: Array) -> Floats:
        """What the network reads of a recording like those of `inputs`."""
        frontend = self.model.frontend
        lengths = np.array([len(steps)], np.int64)
        return frontend.apply(np.asarray(steps, np.float64), lengths, self.model.missing)[0]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What the features are called; "feature 0", ... where they have no names.

        Those of X with symbols are its columns of categories, and then those of numbers.
        """
        if self.model.symbols is not None:
            return names_of_encoded(self.model.symbols)
        names = names_of_X(self.found)
        if names is not None and len(names) == self.data.n_features and not self.model.two_d:
            return names
        return tuple(f"feature {i}" for i in range(self.data.n_features))

    def seen(self, row: int) -> Array:
        """The inputs of a row that can matter to its answer."""
        x: Array = self.inputs[self.samples[row]]
        if self.places is None:
            return x
        if self.network.layout.bidirectional or self.looks_ahead:
            return x if self.places[row] >= 0 else x[:0]
        return x[: self.places[row] + 1]

    def over_all_steps(self, row: int, values: Floats) -> Floats:
        """Values of the steps that matter, (n, width), as (n_timesteps_i, width): zero elsewhere.

        `values` may have one column for each input of the network: those of an indicator are added
        to those of its feature.
        """
        sample, n_features = self.samples[row], self.data.n_features
        n_indicators = values.shape[1] - n_features  # of the last features: categories have none
        if n_indicators > 0 and self.model.missing == "mask":
            with_indicator = values[:, n_features - n_indicators : n_features]
            values = np.concatenate(
                [
                    values[:, : n_features - n_indicators],
                    with_indicator + values[:, n_features:],
                ],
                axis=1,
            )
        out = np.zeros((int(self.data.lengths[sample]), values.shape[1]))
        kept = self.kept[sample]
        where = np.arange(len(out)) if kept is None else np.flatnonzero(kept)
        out[where[: len(values)]] = values
        return out

    def check_finite(self, row: int, values: Floats) -> None:
        """Raise ValueError if what explains a row is NaN or infinite."""
        if not np.isfinite(values).all():
            raise ValueError(
                f"an explanation of the answer to X[{self.samples[row]}] is NaN or infinite: on "
                "the way to it the network was given values that are too large for it. Pass a "
                "baseline that is nearer to the data, or train with standardize=True"
            )

    def background(self, baseline: Any) -> list[Floats]:
        """What stands in the place of a value that is taken away, for each recording.

        Parameters
        ----------
        baseline : "mean", number or array-like
            As the functions of `elman.explain` take it.

        Returns
        -------
        list of ndarray of shape (1 or n_kept_i, n_inputs), float64
            As the network takes it.
        """
        return _background(self, baseline)


def ask(given: Any, X: Any, target: Any, step: Any, unit: Any) -> Asked:
    """Find what is to be explained.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
    X, target, step, output
        As the functions of `elman.explain` take them.

    Raises
    ------
    TypeError, ValueError
        One of them cannot be used.
    """
    found = fitted(given)
    model = found.model
    output = _output(model, unit)
    data = checked(found, X)
    backend = model.current_backend()
    every = model.network.layout.at_every_step
    steps = _steps(data, step, model) if every else None
    if step is not None and not every:
        raise ValueError(
            f"step={step!r:.60}, but this {model.kind} has one answer for each recording: leave "
            "step out; to explain the answer had a recording stopped earlier, pass x[: step + 1]"
        )
    logits = model.logits_over_time(data) if every else model.logits(data)
    at: Array = (
        np.stack([z[t] for z, t in zip(logits, steps, strict=True)])
        if steps is not None and len(data)
        else np.asarray(logits).reshape(len(data), -1)
    )
    samples, columns = _rows(model, at, target)
    inputs, kept = inputs_of(model, data, backend)
    places = None
    if steps is not None:
        seen = [t if k is None else np.count_nonzero(k[: t + 1]) - 1 for t, k in zip(steps, kept)]  # noqa: B905
        places, steps = np.array(seen, np.intp)[samples], steps[samples]
    answers = output.of(at[samples], columns) if len(samples) else np.zeros(0)
    labels = getattr(model, "classes", np.arange(model.network.layout.n_outputs))
    return Asked(
        found,
        backend,
        data,
        inputs,
        kept,
        output,
        samples,
        columns,
        places,
        steps,
        answers,
        np.asarray(labels)[columns],
    )


def checked(found: Fitted, X: Any, name: str = "X") -> Sequences:
    """X as the estimator takes it, taken through a pipeline's steps; `name` is for errors."""
    refuse_masked(X, name)
    kind = type(found.estimator).__name__
    return found.model.check(
        found.transform(X), name=name, estimator=kind if kind.startswith("RNN") else None
    )


def inputs_of(
    model: TrainedModel, data: Sequences, backend: Backend
) -> tuple[list[Array], list[NDArray[np.bool_] | None]]:
    """Each recording as `Asked.inputs` has it, and which of its steps those are."""
    if not model.frontend.plain:
        return _before_frontend(model, data)
    dtype = model.network.params.dtype
    prepared = Prepared(data, model.standardisation, dtype, model.frontend)
    inputs, kept = [], []
    for i in range(len(data)):
        batch = prepared.batch(np.array([i], np.int64), backend)
        inputs.append(np.array(batch.X[0]))
        kept.append(None if batch.kept is None else batch.kept[0])
    return inputs, kept


def _before_frontend(
    model: TrainedModel, data: Sequences
) -> tuple[list[Array], list[NDArray[np.bool_] | None]]:
    """The same of a model with a front end: what goes into that."""
    if data.pending_check is not None:
        data.pending_check()
    inputs: list[Array] = []
    kept: list[NDArray[np.bool_] | None] = []
    for x in data:
        observed = observed_rows(x) if data.missing == "skip" else np.ones(len(x), bool)
        inputs.append(standardised(x[observed], model.standardisation))
        kept.append(None if observed.all() else observed)
    return inputs, kept


def refuse_untrained_unknown(model: TrainedModel, instead: str) -> None:
    """Raise ValueError if the network has never learned what an unknown category is.

    `instead` is what the error advises.
    """
    symbols = model.symbols
    if symbols is None or symbols.handle_unknown != "error":
        return
    for k, vocabulary in enumerate(symbols.vocabularies):
        if not vocabulary.counts[0]:
            name = name_of_column(symbols, symbols.categorical[k])
            raise ValueError(
                f"a category ({name}) is taken away by calling it unknown, but this {model.kind} "
                "was trained with handle_unknown='error' and has never met an unknown one: "
                f"{instead}"
            )


def check_count(name: str, number: Any) -> None:
    """Raise ValueError unless a number is a whole one of at least 1."""
    whole = isinstance(number, numbers.Integral) and not isinstance(number, bool)
    if not whole or int(number) < 1:
        raise ValueError(f"{name}={number!r}; it must be a whole number of at least 1")


def _output(model: TrainedModel, unit: Any) -> Output:
    """What is explained of the answers of a model."""
    scale = getattr(model, "target_scale", None)
    if scale is not None:
        if unit not in (None, "value"):
            raise ValueError(
                f"output={unit!r}, but a regressor predicts values: leave it out, or pass 'value'"
            )
        return Output("value", False, scale.mean, scale.scale)
    if unit not in (None, "log_odds", "probability"):
        raise ValueError(
            f"output={unit!r}; of a {model.kind} it must be 'log_odds', which is the default, or "
            "'probability'"
        )
    if model.network.layout.n_outputs == 1 and model.link == "softmax":
        raise ValueError(
            "the model knows one class only, so that its answer is always that class, and there "
            "is nothing to explain: train on data of at least two classes"
        )
    return Output(cast(Unit, unit or "log_odds"), model.link == "softmax")


def _steps(data: Sequences, step: Any, model: TrainedModel) -> Indices:
    """(n_samples,): the time step of each recording whose answer is explained."""
    empty = np.flatnonzero(data.lengths == 0)
    if len(empty):
        raise ValueError(
            f"X: sample {empty[0]} has no time step, so that this {model.kind} has no answer to "
            "it that could be explained: leave it out"
        )
    refuse_masked(step, "step")
    asked = np.asarray(-1 if step is None else step)
    if asked.dtype.kind not in "iu" or asked.shape not in ((), (len(data),)):
        raise ValueError(
            f"step={step!r:.60} must be a whole number, which counts from the end if it is "
            f"negative, or an array of {len(data)} of them, one for each recording"
        )
    steps = np.broadcast_to(asked, len(data)).astype(np.intp)
    for i, (t, length) in enumerate(zip(steps.tolist(), data.lengths.tolist(), strict=True)):
        if not -length <= t < length:
            raise ValueError(
                f"step {t} is not one of the {length} time steps of X[{i}], which are numbered "
                f"from 0 to {length - 1}, or from -{length} to -1"
            )
    return np.asarray(steps % np.maximum(data.lengths, 1), np.intp)


def _rows(model: TrainedModel, logits: Array, target: Any) -> tuple[Indices, Indices]:
    """The recording and the output of each row."""
    n_samples, n_outputs = len(logits), model.network.layout.n_outputs
    samples = np.arange(n_samples, dtype=np.intp)
    classes = None if model.link == "identity" else getattr(model, "classes", None)
    if target is None:
        if model.link == "softmax":
            return samples, logits.argmax(axis=1).astype(np.intp)
        return (
            np.repeat(samples, n_outputs),
            np.tile(np.arange(n_outputs, dtype=np.intp), n_samples),
        )
    refuse_masked(target, "target")
    given = np.asarray(target) if not isinstance(target, (list, tuple)) else _objects(target)
    if given.ndim > 1 or (given.ndim == 1 and len(given) != n_samples):
        raise ValueError(
            f"target has shape {given.shape}; it must be None, one target, or one for each of the "
            f"{n_samples} recordings"
        )
    wanted = given.tolist() if given.ndim else [given.item()] * n_samples
    known = (
        {label: k for k, label in enumerate(np.asarray(classes).tolist())}
        if (classes is not None)
        else {k: k for k in range(n_outputs)}
    )
    columns = []
    for label in wanted:
        right_kind = classes is not None or (
            isinstance(label, numbers.Integral) and not isinstance(label, bool)
        )
        try:
            column = known.get(label) if right_kind else None
        except TypeError:  # not hashable
            column = None
        if column is None:
            what = "classes" if classes is not None else "numbers of targets"
            raise ValueError(
                f"target={shown(label)} is not one of the model's {what}: {listed(known)}"
            )
        columns.append(column)
    return samples, np.array(columns, np.intp)


def _objects(values: Any) -> Array:
    """A list as an array of its elements, which keep their types."""
    out = np.empty(len(values), object)
    out[:] = values
    return out


def _background(asked: Asked, baseline: Any) -> list[Floats]:
    found = baseline_data(asked, baseline)
    model, n_samples = asked.model, len(asked.data)
    if found is None:  # 0, as observed
        plain = model.frontend.plain
        n_inputs = model.network.layout.n_features if plain else asked.data.n_features
        return [np.zeros((1, n_inputs))] * n_samples
    inputs, _ = inputs_of(model, found, asked.backend)
    if len(inputs) != n_samples:
        inputs = inputs * n_samples
    out = []
    for x, kept in zip(inputs, asked.kept, strict=True):
        rows = x if len(x) == 1 or kept is None else x[kept]
        out.append(np.asarray(rows, np.float64))
    return out


def baseline_data(asked: Asked, baseline: Any) -> Sequences | None:
    """A baseline as the estimator takes X: one recording for all, or one for each.

    Each has one time step, or as many as its recording. None is the mean of the training data.
    """
    model, data = asked.model, asked.data
    if isinstance(baseline, str):
        if baseline != "mean":
            raise ValueError(
                f"baseline={baseline!r}; it must be 'mean', a number, one number for each feature, "
                "or an array or list like X"
            )
        if not _knows_mean(asked.found) and data.n_features > model.frontend.n_codes:
            raise ValueError(
                "the model does not know the mean of its training data, because it was trained "
                "with standardize=False and without a SequenceScaler before it: pass baseline= a "
                "number for each feature, such as np.concatenate(X_train).mean(axis=0)"
            )
        return None
    found = checked(asked.found, _as_X(baseline, asked), "baseline")
    shared = len(found) == 1 and len(data) != 1
    lengths = found.lengths.tolist() * (len(data) if shared else 1)
    for i, (n, length) in enumerate(zip(lengths, data.lengths.tolist(), strict=True)):
        if n not in (1, length):
            raise ValueError(
                f"baseline: sample {i} has {n} time steps, but X[{i}] has {length}: pass as many"
            )
    if model.missing == "skip" and any(np.isnan(x).any() for x in found):
        raise ValueError(
            "the baseline holds NaN, and the model leaves out time steps that do: pass numbers"
        )
    return found


def names_of_X(found: Fitted) -> tuple[str, ...] | None:
    """What the columns of X are called; of a pipeline, before its first step."""
    if not found.steps:
        return found.model.feature_names
    names = getattr(found.steps[0][1], "feature_names_in_", None)
    return None if names is None else tuple(map(str, names))


def like_X(model: TrainedModel, samples: list[Array]) -> Any:
    """Recordings (n_timesteps_i, n_features) as the model takes X."""
    if model.two_d:
        return np.stack([x[:, 0] for x in samples])
    names = model.feature_names
    return samples if names is None else NamedSequences(samples, names)


def _as_X(baseline: Any, asked: Asked) -> Any:
    """A baseline as X is passed: a recording of one step, or one like each recording."""
    model, n_samples = asked.model, len(asked.data)
    refuse_masked(baseline, "baseline")
    if model.symbols is not None:
        if not isinstance(baseline, (list, tuple, np.ndarray)) or len(baseline) != n_samples:
            raise ValueError(
                f"baseline={baseline!r:.60}; of a model of symbols it must be 'mean' (categories "
                "are then unknown), or a list like X with a sequence for each of its "
                f"{n_samples}, of one step or of as many"
            )
        return baseline
    is_list = isinstance(baseline, (list, tuple)) and any(np.ndim(b) for b in baseline)
    if is_list or np.ndim(baseline) >= 2:
        if len(baseline) != n_samples:
            raise ValueError(
                f"baseline has {len(baseline)} recordings, but X has {n_samples}: pass one number, "
                "one for each feature, or one recording for each of X"
            )
        return baseline
    row = np.asarray(baseline)
    if row.dtype.kind not in "fiu":
        raise TypeError(
            f"baseline={baseline!r:.60} must be 'mean', a number, one number for each feature, or "
            "an array or list like X"
        )
    width = model.n_features_in
    if row.ndim == 0 or (model.two_d and row.shape == (1,)):
        row = np.full(width, row.item())
    if row.shape != (width,):
        raise ValueError(
            f"baseline has {len(row)} numbers, but X has {width} features: pass one for each"
        )
    if model.two_d:  # a column for each time step
        return row[np.newaxis]
    names = names_of_X(asked.found)
    return [row[np.newaxis]] if names is None else NamedSequences([row[np.newaxis]], names)


def _knows_mean(found: Fitted) -> bool:
    """Whether 0 is, to the network, the mean of its training data."""
    return found.model.standardisation is not None or bool(found.scalers)
