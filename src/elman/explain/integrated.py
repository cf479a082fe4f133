"""A model and recordings in; gradients at X, plain or integrated along a path, out."""

from __future__ import annotations

import numbers
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.explain.asked import Asked, ask, check_count, refuse_untrained_unknown
from elman.explain.dense import Dense
from elman.explain.explanation import Explanation, explanation_of
from elman.explain.paths import Gradients

Floats = NDArray[np.float64]

NODES = ((1 / 4, 16), (1 / 32, 8), (0, 3))
"""points of the Gauss-Legendre rule by the least width of an interval of the path"""
BENT = 1 / 16
"""width of an interval below which an integral that is off is taken for two straight lines"""
SHORTEST = 1e-12
"""width of an interval that is not divided any more"""
AT_ONCE = 1 << 22
"""values of the gradients that are held at a time"""


def integrated_gradients(
    given: Any,
    X: Any,
    *,
    baseline: Any = "mean",
    n_steps: int | None = None,
    tolerance: float = 1e-6,
    max_steps: int = 4096,
    target: Any = None,
    step: Any = None,
    output: str | None = None,
) -> Explanation:
    """How much each feature at each time step adds to an answer, on the way from a baseline.

    The gradient of the answer is integrated along the straight line from the baseline x' to the
    recording x, and multiplied by the way that each value goes:

        values = (x - x') * integral from 0 to 1 of grad f(x' + a (x - x')) da

    The values add up to f(x) - f(x'), which is called completeness. What they lack of it is the
    `residual`, the error of the numerical integral, which is there to be looked at.

    A category has no values between its own and another one, but its vector has: the line leads
    from the vector of the baseline's category to that of the recording's (rows of the embedding, or
    unit vectors where a column is fed one-hot), and its value is the sum over the vector.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
        Fitted. Of a pipeline, what is explained is the X that its last step takes.
    X : array-like
        Recordings, as `predict` takes them.
    baseline : "mean", float or array-like, default="mean"
        What a value is compared with: the mean of the training data; or, in the units of X, one
        number, one for each feature, or an array or list like X. With missing="mask" the baseline
        counts as observed, and what the indicator of a missing value adds is added to its feature.
        Of categories there is no mean: "mean" makes them unknown; otherwise the baseline is a list
        like X.
    n_steps : int, optional
        At how many points the gradient is taken, by the rule of Gauss and Legendre. None begins
        with 16, and divides those parts of the path in which completeness is off, until `tolerance`
        or `max_steps` is reached.
    tolerance : float, default=1e-6
        By how much all parts of a path together may be off, each taken positive; relative to the
        difference of the answers where that is above 1. Not used beside `n_steps`.
    max_steps : int, default=4096
        Points after which no part is divided any more. Not used beside `n_steps`.
    target : label, int or array-like of shape (n_samples,), optional
        Whose answer is explained: a class of a classifier or tagger, the number of one of several
        labels, or the number of a regressor's target; or one for each recording. None is the class
        that is predicted; of several labels or targets each of them.
    step : int or array-like of shape (n_samples,), optional
        Only where the model answers at every time step: the time step whose answer is explained,
        or one for each recording; negative numbers count from the end, and None is the last.
    output : {"log_odds", "probability", "value"}, optional
        In what the answer is measured. "log_odds", the default for classes and labels, is the
        logarithm of p / (1 - p), for two classes the difference of their logits. "probability" is
        flat near 0 and 1, so that most of its integral comes from a short part of the path. A
        regressor has "value" only, in the units of y.

    Returns
    -------
    Explanation
        With `residual` and `baseline_answers`. Steps that the model leaves out (missing="skip")
        have the value 0. All is computed in float64.

    Raises
    ------
    TypeError, ValueError
        A model that is not fitted, an X that it cannot use, or an argument that does not fit it.

    Notes
    -----
    The baseline decides what counts: a value that is equal to it gets exactly 0, whatever the
    network makes of it. A class that is told by what is missing has to be explained by
    `occlusion`. With activation="relu" or readout="max" the gradient jumps along the path, and the
    residual falls slowly: to 1e-4 or so in 4,096 points, for recordings of 200 steps and 64 units.
    With layer_norm=True and less than eight units or so it can be as large as the answer, because
    sums that are nearly equal in all units, as near a baseline of the mean, are blown up to 1.
    With scale_each=True a baseline that never changes has no amplitude, and the path begins with a
    jump from it, which the residual says: pass recordings that do change as the baseline, or use
    `occlusion`.
    A network with a memory may also tip over at one point of the path, between two answers that
    hardly change: any fixed number of points misses much of such a step, and dividing the path
    finds it. Look at the residual before you rely on the values.

    References
    ----------
    Sundararajan, Taly and Yan (2017), "Axiomatic attribution for deep networks", equation 1 and
    proposition 1.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNRegressor
    >>> from elman.explain import integrated_gradients
    >>> X = np.random.default_rng(0).normal(size=(60, 5, 2))
    >>> y = X[:, :, 0].sum(axis=1)
    >>> model = RNNRegressor(hidden_size=8, max_iter=40, random_state=0).fit(X, y)
    >>> x = np.zeros((5, 2))
    >>> x[2, 0] = 2.0
    >>> explanation = integrated_gradients(model, [x], baseline=0.0)
    >>> [(c.step, c.feature) for c in explanation.top(1)]
    [(2, 'feature 0')]
    >>> bool(abs(explanation.residual[0]) < 1e-5)
    True
    """
    if n_steps is not None:
        check_count("n_steps", n_steps)
    check_count("max_steps", max_steps)
    if not isinstance(tolerance, numbers.Real) or not tolerance > 0:
        raise ValueError(f"tolerance={tolerance!r}; it must be a number above 0")
    asked = ask(given, X, target, step, output)
    if isinstance(baseline, str):
        refuse_untrained_unknown(
            asked.model, "pass a baseline= like X, or use occlusion, which removes steps"
        )
    background = asked.background(baseline)
    dense = None
    if asked.network.layout.categories:
        dense = Dense.of(asked.network, [*asked.inputs, *background])
    paths = _paths(asked, background, dense)
    gradients = Gradients.of(asked, None if dense is None else dense.network)
    ends = [path.x for path in paths], [path.base for path in paths]
    rows = list(range(len(paths)))
    answers, before = (gradients.at(points, rows, gradient=False)[0] for points in ends)
    for path, low, high in zip(paths, before, answers, strict=True):
        path.pending.append(_Interval(0.0, 1.0, float(low), float(high)))
    _integrate(paths, gradients, n_steps, float(tolerance), max_steps)
    values, lacking = [], np.zeros(len(paths))
    for row, path in enumerate(paths):
        own = path.total * (path.x - path.base)
        if dense is not None:
            own = dense.collapsed(own)
        asked.check_finite(row, own)
        values.append(asked.over_all_steps(row, own))
        lacking[row] = answers[row] - before[row] - _sum(values[row])
    method = "integrated gradients"
    return explanation_of(asked, values, method, baseline_answers=before, residual=lacking)


def input_gradient(
    given: Any, X: Any, *, target: Any = None, step: Any = None, output: str | None = None
) -> Explanation:
    """The gradient of an answer at X: how it would change with a small change of each value.

    It says what the network is sensitive to where it stands, and not what an answer rests on:
    where a network is sure of its answer it is flat, and a value that decided everything may have
    a smaller gradient than one that counts for nothing. `integrated_gradients` and `occlusion`
    explain answers; this is what they are compared with.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
        Fitted.
    X : array-like
        Recordings, as `predict` takes them.
    target, step, output
        As `integrated_gradients` takes them.

    Returns
    -------
    Explanation
        Its values are derivatives in the units of `output` for each unit of the X that the
        estimator takes; in a pipeline, of what the steps before it make of X. A value that is
        missing has none: 0.

    Raises
    ------
    TypeError, ValueError
        As for `integrated_gradients`; and of a model of categories, which cannot change by a
        little.

    References
    ----------
    Simonyan, Vedaldi and Zisserman (2014), "Deep inside convolutional networks: visualising image
    classification models and saliency maps".

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNRegressor
    >>> from elman.explain import input_gradient
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> model = RNNRegressor(hidden_size=3, max_iter=2, random_state=0).fit(X, X[:, 0, 0])
    >>> input_gradient(model, X[:3]).values[0].shape
    (5, 2)
    """
    asked = ask(given, X, target, step, output)
    if asked.network.layout.categories:
        raise ValueError(
            "X has categories, which cannot change by a little, so that an answer has no gradient "
            "at them: use occlusion or integrated_gradients"
        )
    gradients = Gradients.of(asked)
    rows = list(range(len(asked.samples)))
    points = [np.asarray(asked.seen(row), np.float64) for row in rows]
    _, slopes = gradients.at(points, rows)
    n_features = asked.data.n_features
    standardisation = asked.model.standardisation
    values = []
    for row, (slope, point) in enumerate(zip(slopes, points, strict=True)):
        own = slope[:, :n_features]
        if standardisation is not None:
            own = own / standardisation.scale
        if asked.model.missing == "mask" and asked.model.frontend.plain:
            own = np.where(point[:, n_features:] != 0, 0.0, own)
        asked.check_finite(row, own)
        values.append(asked.over_all_steps(row, np.ascontiguousarray(own)))
    return explanation_of(asked, values, "the gradient")


@dataclass
class _Interval:
    """A part of a path, with the answers at its ends."""

    start: float
    stop: float
    low: float
    high: float
    integral: Floats = field(default_factory=lambda: np.zeros(0))
    """of the gradient over the interval"""
    lacks: float = 0.0
    """what completeness lacks in it"""
    first: float = 0.0
    last: float = 0.0
    """how fast the answer changes along the path near both ends"""

    @property
    def width(self) -> float:
        return self.stop - self.start

    @property
    def n_nodes(self) -> int:
        """How many points its integral takes; in a short one little happens, but for a bend."""
        return next(n for width, n in NODES if self.width >= width)

    def cuts(self) -> list[float]:
        """Where to cut it: in halves, or closely around the bend of two straight lines."""
        middle = (self.start + self.stop) / 2
        if self.width < BENT and self.first != self.last:
            rise = self.high - self.low
            bend = (rise + self.first * self.start - self.last * self.stop) / (
                self.first - self.last
            )
            if abs(bend - middle) < 3 / 8 * self.width:
                around = self.width / 64
                return [bend - around, bend + around]
        return [middle]


@dataclass
class _Path:
    """The way from the baseline to a recording."""

    row: int
    x: Floats
    base: Floats
    pending: list[_Interval] = field(default_factory=list)
    done: list[_Interval] = field(default_factory=list)
    n_gradients: int = 0

    def at(self, share: float) -> Floats:
        """The point that lies so far along the path."""
        return self.base + share * (self.x - self.base)

    @property
    def total(self) -> Floats:
        """The integral of the gradient over all of the path, added up from its start."""
        total = np.zeros_like(self.x)
        for part in sorted(self.done, key=lambda part: part.start):
            total += part.integral
        return total

    def worst(self, tolerance: float, max_steps: int) -> list[_Interval]:
        """The intervals that lack most; none if all together lack little, or enough was done."""
        low = min(self.done, key=lambda part: part.start).low
        high = max(self.done, key=lambda part: part.stop).high
        allowed = tolerance * max(1.0, abs(high - low))
        if sum(abs(part.lacks) for part in self.done) <= allowed:
            return []
        if self.n_gradients >= max_steps:
            return []
        least = allowed / (2 * len(self.done))
        return [part for part in self.done if abs(part.lacks) > least and part.width > SHORTEST]


def _paths(asked: Asked, background: list[Floats], dense: Dense | None) -> list[_Path]:
    paths = []
    for row, sample in enumerate(asked.samples):
        x = np.array(asked.seen(row), np.float64)
        base = background[sample]
        base = np.array(np.broadcast_to(base if len(base) == 1 else base[: len(x)], x.shape))
        if dense is not None:
            x, base = dense.expanded(x), dense.expanded(base)
        paths.append(_Path(row, x, base))
    return paths


def _integrate(
    paths: list[_Path],
    gradients: Gradients,
    n_steps: int | None,
    tolerance: float,
    max_steps: int,
) -> None:
    """Integrate over all pending intervals, and where it is chosen over parts of the worst."""
    while any(path.pending for path in paths):
        _over_intervals(
            [(path, part) for path in paths for part in path.pending], gradients, n_steps
        )
        for path in paths:
            path.done += path.pending
            path.pending = []
        if n_steps is not None:
            return
        splits = [
            (path, part, part.cuts()) for path in paths for part in path.worst(tolerance, max_steps)
        ]
        points = [path.at(cut) for path, _, cuts in splits for cut in cuts]
        rows = [path.row for path, _, cuts in splits for _ in cuts]
        found, _ = gradients.at(points, rows, gradient=False)
        answers = iter(found.tolist())
        for path, part, cuts in splits:
            path.done.remove(part)
            ends = [part.start, *cuts, part.stop]
            heights = [part.low, *(next(answers) for _ in cuts), part.high]
            path.pending += [
                _Interval(*between, *height)
                for between, height in zip(pairwise(ends), pairwise(heights), strict=True)
            ]


def _over_intervals(
    parts: list[tuple[_Path, _Interval]], gradients: Gradients, n_steps: int | None
) -> None:
    """The integral of the gradient over intervals, some of them at a time."""
    start = 0
    while start < len(parts):
        some: list[tuple[_Path, _Interval, Floats, Floats]] = []
        size = 0
        while start < len(parts) and (not some or size < AT_ONCE):
            path, part = parts[start]
            nodes, weights = _rule(part.n_nodes if n_steps is None else int(n_steps))
            some.append((path, part, nodes, weights))
            size += len(nodes) * path.x.size
            start += 1
        points = [
            path.at(part.start + part.width * node)
            for path, part, nodes, _ in some
            for node in nodes.tolist()
        ]
        rows = [path.row for path, _, nodes, _ in some for _ in nodes]
        found = iter(gradients.at(points, rows)[1])
        for path, part, nodes, weights in some:
            slopes = [next(found) for _ in nodes]
            way = path.x - path.base
            part.integral = np.zeros_like(way)
            for weight, slope in zip((weights * part.width).tolist(), slopes, strict=True):
                part.integral += weight * slope
            part.lacks = part.high - part.low - _sum(part.integral * way)
            part.first, part.last = _sum(slopes[0] * way), _sum(slopes[-1] * way)
            path.n_gradients += len(nodes)


@cache
def _rule(n_nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss and Legendre between 0 and 1."""
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    return (nodes + 1) / 2, weights / 2


def _sum(values: Floats) -> float:
    return float(np.add.reduce(values, axis=None))
