"""Pipelines of `SequenceScaler` and an estimator: saved in one file, read back, and streamed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sklearn.pipeline import Pipeline

from elman.estimators.base import RecurrentEstimator
from elman.estimators.scaler import SequenceScaler
from elman.models import files
from elman.models.files import Saved
from elman.models.fitted import fitted
from elman.models.model import TrainedModel
from elman.models.pipeline import PASSTHROUGH, SCALER, PipelineSteps, StepBefore
from elman.models.streaming import Stream


def save(given: Any, path: str | Path) -> None:
    """Write a fitted estimator, or a pipeline that ends in one, to one safetensors file.

    A pipeline has no `save` of its own, because scikit-learn's class passes on only the methods
    that it knows. Its steps before the estimator have to be `SequenceScaler` or "passthrough". Of
    an estimator alone the file is that of its own `save`, which says what is kept; of a pipeline
    the names of its steps and `verbose` are kept as well, and `memory` is not. There is no pickle
    in the file, and whatever reads it, `elman.load` or the commands, answers bit for bit as the
    pipeline does.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor or Pipeline
        Fitted.
    path : str or Path
        The file, replaced in one step if there is one.

    Raises
    ------
    TypeError
        It is neither, or a step of the pipeline cannot be saved.
    ValueError
        It is not fitted, or the suffix of the name is that of a file of data.
    OSError
        The file cannot be written; one that was there before is left whole.

    Examples
    --------
    >>> import tempfile
    >>> import elman
    >>> from elman.data import make_parity
    >>> from sklearn.pipeline import make_pipeline
    >>> X, y = make_parity(20, random_state=0)
    >>> clf = elman.RNNClassifier(4, max_iter=2, random_state=0)
    >>> pipeline = make_pipeline(elman.SequenceScaler(), clf).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     elman.save(pipeline, f"{folder}/parity.safetensors")
    ...     again = elman.load(f"{folder}/parity.safetensors")
    >>> bool((again.predict_proba(X) == pipeline.predict_proba(X)).all())
    True
    """
    if not isinstance(given, Pipeline):
        if isinstance(given, TrainedModel):
            raise TypeError(
                "a trained model alone does not know its hyper-parameters, which a file keeps: "
                "save the estimator that holds it"
            )
        fitted(given).estimator.save(path)
        return
    found = fitted(given)
    for name, step in found.steps:
        if type(step) is not SequenceScaler:
            raise TypeError(
                f"the step {name!r} of the pipeline is a {_what(step)}, and a model file holds "
                "SequenceScaler and 'passthrough' only, because it runs no code when it is read. "
                "Leave the step out, and let standardize=True of the estimator scale; or save its "
                "last step by elman.save(pipeline[-1], path) and do what comes before it yourself; "
                "or keep the whole pipeline by joblib.dump or skops.io.dump, of which joblib.load "
                "runs code that is in the file"
            )
    estimator: RecurrentEstimator[Any] = found.estimator
    of_names = dict(found.steps)
    steps = PipelineSteps(
        before=tuple(_step_before(name, of_names.get(name)) for name, _ in given.steps[:-1]),
        name=given.steps[-1][0],
        feature_names=estimator._model().feature_names,
        verbose=bool(given.verbose),
    )
    parameters = estimator.get_params(deep=False)
    model = through_scalers(found.steps, estimator._model())
    files.save(path, Saved(model, parameters, estimator.history_, steps))


def pipeline_of(saved: Saved[Any], estimator: RecurrentEstimator[Any], steps: PipelineSteps) -> Any:
    """The pipeline that a file held.

    Parameters
    ----------
    saved : Saved
        With the scalers in `model.before`.
    estimator : estimator
        Its last step.
    steps : PipelineSteps
    """
    scalers = iter(saved.model.before)
    before: list[tuple[str, Any]] = []
    for step in steps.before:
        made: Any = PASSTHROUGH
        if step.kind == SCALER:
            made = SequenceScaler._of_fitted(next(scalers))
            if step.output is not None:
                made.set_output(transform=step.output)
        before.append((step.name, made))
    return Pipeline([*before, (steps.name, estimator)], verbose=steps.verbose)


def stream(given: Any, n: int | None = None) -> Stream:
    """A fitted estimator, pipeline or model reading sequences while they happen.

    A pipeline has no `stream` of its own, because scikit-learn's class passes on only the methods
    that it knows. This stream takes each time step through the scalers of the pipeline first:
    after step t it answers, bit for bit, what `pipeline.predict_proba` (of a regressor `predict`)
    does of the first t steps. Answers at every step of sequences that are already whole come from
    the estimator itself: ``pipeline[-1].predict_proba_over_time(pipeline[:-1].transform(X))``.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
        Fitted.
    n : int, optional
        Streams that go on side by side, a row of every array for each; by default one, whose
        arrays have no axis for streams.

    Returns
    -------
    elman.models.streaming.Stream

    Raises
    ------
    TypeError
        It is none of these, or a step of the pipeline may need whole sequences.
    ValueError
        It is not fitted, or the network is bidirectional, or `scale_each` is set.

    Examples
    --------
    >>> import elman
    >>> from elman.data import make_parity
    >>> from sklearn.pipeline import make_pipeline
    >>> X, y = make_parity(20, random_state=0)
    >>> clf = elman.RNNClassifier(4, max_iter=2, random_state=0)
    >>> pipeline = make_pipeline(elman.SequenceScaler(), clf).fit(X, y)
    >>> live = elman.stream(pipeline)
    >>> for x_t in X[0]:
    ...     answer = live.step(x_t)
    >>> bool((answer == pipeline.predict_proba(X[:1])[0]).all())
    True
    """
    found = fitted(given)
    for name, step in found.steps:
        if type(step) is not SequenceScaler:
            raise TypeError(
                f"the step {name!r} of the pipeline is a {_what(step)}, which transforms whole "
                "sequences and may look at all of one at once, so that it says nothing of a "
                "single time step. Only SequenceScaler and 'passthrough' can be streamed: if the "
                "step treats each time step by itself, do the same to each in your own code, and "
                "stream the last step, elman.stream(pipeline[-1])"
            )
    if isinstance(found.estimator, TrainedModel):
        return found.model.stream(n)
    return through_scalers(found.steps, found.estimator._model()).stream(n)


def through_scalers(steps: Any, model: TrainedModel) -> TrainedModel:
    """The model with the scalers of a pipeline before it.

    Parameters
    ----------
    steps : sequence of (str, SequenceScaler)
        Name and scaler, in order.
    model : TrainedModel

    Raises
    ------
    ValueError
        A scaler was fitted on other features than the model.
    """
    scalers = []
    for name, step in steps:
        learned = step._fitted()
        if (learned.n_features_in, learned.two_d) != (model.n_features_in, model.two_d):
            raise ValueError(
                f"the step {name!r} of the pipeline gives {learned.n_features_in} features"
                f"{' (of a 2-D X)' if learned.two_d else ''}, but the {model.kind} was trained on "
                f"{model.n_features_in}{' (of a 2-D X)' if model.two_d else ''}: fit the pipeline"
            )
        scalers.append(learned)
    if not scalers:
        return model
    return replace(model, before=tuple(scalers), feature_names=scalers[0].feature_names)


def _step_before(name: str, step: Any) -> StepBefore:
    """A step as a file keeps it; None passes X on as it is."""
    if step is None:
        return StepBefore(name, PASSTHROUGH)
    told = getattr(step, "_sklearn_output_config", {}).get("transform")
    return StepBefore(name, SCALER, told)


def _what(step: Any) -> str:
    kind = type(step).__name__
    return f"{kind}, a subclass of SequenceScaler" if isinstance(step, SequenceScaler) else kind
