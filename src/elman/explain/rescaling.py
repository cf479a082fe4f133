"""A way to explain in; one that looks at time first, and at features second, out."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.explain.asked import Asked, ask, baseline_data, like_X, refuse_untrained_unknown
from elman.explain.explanation import Explanation, explanation_of
from elman.explain.integrated import integrated_gradients

Array = NDArray[Any]
Floats = NDArray[np.float64]

N_STEPS = 16
AT_ONCE = 1 << 21
"""values of masked recordings that are explained together"""


def two_step_rescaling(
    given: Any,
    X: Any,
    *,
    explain: Callable[..., Explanation] | None = None,
    quantile: float = 0.5,
    baseline: Any = "mean",
    target: Any = None,
    step: Any = None,
    output: str | None = None,
) -> Explanation:
    """How much an explanation changes when a time step, and then a feature at it, is masked.

    Gradients and what is made of them tend to spread what one feature says at one time step over
    all features of the step, and over the steps around it. This takes the two apart: the relevance
    of time step t is how much the explanation of the whole recording changes when the step is
    overwritten by the baseline; that of feature i at t is how much it changes when that feature
    alone is; a value is the product of both.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
        Fitted. Of a pipeline, what is explained is the X that its last step takes.
    X : array-like
        Recordings, as `predict` takes them.
    explain : callable, optional
        (model, X, target=, output=, step=) -> Explanation with a value for each feature, such as
        `input_gradient` or a `functools.partial` of one of those here. By default
        `integrated_gradients` at 16 points, with the same baseline.
    quantile : float in [0, 1), default=0.5
        Time steps whose relevance is not above this quantile of the recording are given 0, and
        their features are not looked at.
    baseline : "mean", float or array-like, default="mean"
        What masked values are overwritten by, as in `integrated_gradients`: "mean" makes a category
        unknown.
    target, step, output
        As `integrated_gradients` takes them.

    Returns
    -------
    Explanation
        Its values are not negative: they say how much something counts, and not for what. They
        have no unit.

    Raises
    ------
    TypeError, ValueError
        As for `integrated_gradients`.

    Notes
    -----
    The paper masks with 0 and works on padded arrays, where nearly all relevance can end up on the
    padding. Here there is none. The recording is explained once for each time step, and once for
    each feature of the steps that count.

    References
    ----------
    Ismail, Gunady, Corrada Bravo and Feizi (2020), "Benchmarking deep learning interpretability in
    time series predictions", algorithm 1 (temporal saliency rescaling).

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNRegressor
    >>> from elman.explain import two_step_rescaling
    >>> X = np.random.default_rng(0).normal(size=(60, 5, 2))
    >>> y = X[:, :, 0].sum(axis=1)
    >>> model = RNNRegressor(hidden_size=8, max_iter=40, random_state=0).fit(X, y)
    >>> x = np.zeros((5, 2))
    >>> x[2, 0] = 2.0
    >>> explanation = two_step_rescaling(model, [x], baseline=0.0)
    >>> [(c.step, c.feature) for c in explanation.top(1)]
    [(2, 'feature 0')]
    """
    if not isinstance(quantile, numbers.Real) or not 0 <= float(quantile) < 1:
        raise ValueError(f"quantile={quantile!r}; it must be at least 0 and below 1")
    asked = ask(given, X, target, step, output)
    if isinstance(baseline, str):
        refuse_untrained_unknown(asked.model, "pass a baseline= like X")
    bases = _bases(asked, baseline)
    values = []
    for row in range(len(asked.samples)):
        way = _explainer(asked, row, explain, bases)
        values.append(_rescaled(asked, row, way, bases, float(quantile)))
    return explanation_of(asked, values, "two-step rescaling")


def _bases(asked: Asked, baseline: Any) -> list[Floats]:
    """Of each recording what masks it, in the units of what the estimator takes."""
    found = baseline_data(asked, baseline)
    if found is None:
        known = asked.model.standardisation
        mean = np.zeros(asked.data.n_features) if known is None else known.mean
        return [mean[np.newaxis]] * len(asked.data)
    rows = [np.asarray(x, np.float64) for x in found]
    return rows if len(rows) == len(asked.data) else rows * len(asked.data)


def _explainer(
    asked: Asked, row: int, explain: Callable[..., Explanation] | None, bases: list[Floats]
) -> Callable[[list[Array]], list[Floats]]:
    """What explains versions of the recording of a row: a list of them to a list of values."""
    arguments: dict[str, Any] = {"target": asked.target[row], "output": asked.output.unit}
    if asked.steps is not None:
        arguments["step"] = int(asked.steps[row])
    base = bases[asked.samples[row]]
    model = asked.model.after_scalers  # which the recordings have been through

    def of(versions: list[Array]) -> list[Floats]:
        X = like_X(model, versions)
        if explain is None:
            shaped = [np.broadcast_to(base, version.shape) for version in versions]
            found = integrated_gradients(
                model,
                X,
                n_steps=N_STEPS,
                baseline=like_X(model, [np.array(b) for b in shaped]),
                **arguments,
            )
        else:
            found = explain(model, X, **arguments)
        if not found.per_feature:
            raise ValueError(
                f"explain gives values of whole time steps ({found.method}), of which features "
                "cannot be told apart: pass a way that has a value for each feature, such as "
                "integrated_gradients, or functools.partial(occlusion, by='mean')"
            )
        return found.values

    return of


def _rescaled(
    asked: Asked,
    row: int,
    explain: Callable[[list[Array]], list[Floats]],
    bases: list[Floats],
    quantile: float,
) -> Floats:
    sample = asked.samples[row]
    x, kept = np.array(asked.data[int(sample)]), asked.kept[sample]
    out = np.zeros(x.shape)
    steps = np.arange(len(x)) if kept is None else np.flatnonzero(kept)
    if not len(steps):
        return out
    base = np.broadcast_to(bases[sample], x.shape)

    def masked(t: int, features: Any) -> Array:
        version = x.copy()
        version[t, features] = base[t, features]
        return version

    (whole,) = explain([x])
    of_time = np.empty(len(steps))
    at_once = max(1, AT_ONCE // x.size)
    for start in range(0, len(steps), at_once):
        some = steps[start : start + at_once]
        found = explain([masked(t, slice(None)) for t in some.tolist()])
        of_time[start : start + at_once] = [_change(whole, other) for other in found]
    counts = of_time > np.quantile(of_time, quantile)
    places = [(t, i) for t in np.flatnonzero(counts).tolist() for i in range(x.shape[1])]
    for start in range(0, len(places), at_once):
        pairs = places[start : start + at_once]
        found = explain([masked(int(steps[t]), i) for t, i in pairs])
        for (t, i), other in zip(pairs, found, strict=True):
            out[steps[t], i] = of_time[t] * _change(whole, other)
    return out


def _change(one: Floats, other: Floats) -> float:
    return float(np.add.reduce(np.abs(one - other), axis=None))
