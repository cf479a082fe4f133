"""A model and labelled recordings in; what its score owes to each feature, or time, out."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elman.data.named import NamedSequences
from elman.data.sequences import Sequences
from elman.data.symbols import has_symbols
from elman.data.symbols.tables import SymbolTables
from elman.data.validation import check_sequences
from elman.explain.asked import check_count
from elman.models.fitted import Fitted, fitted
from elman.models.tables import to_frame
from elman.targets.checks import visible
from elman.targets.masked import refuse_masked

Array = NDArray[Any]
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

GROUP = 5
"""recordings of one length from which on they trade among themselves alone"""


@dataclass(frozen=True, eq=False)
class Importance:
    """How much worse a model scores when recordings trade a feature, or a part of their time.

    Attributes
    ----------
    importances : ndarray of shape (n, n_repeats), float64
        The score on X less the score on X with the n-th feature or block of time traded.
    mean, std : ndarray of shape (n,), float64
        Over the repeats.
    score : float
        On X as it is.
    names : tuple of str
        Of the features; or which share of a recording each block is, "0-10 %".

    Examples
    --------
    >>> import numpy as np
    >>> from elman.explain import Importance
    >>> found = Importance(np.array([[0.3, 0.5], [0.0, 0.1]]), 0.9, ("speed", "noise"))
    >>> found.mean
    array([0.4 , 0.05])
    >>> found
    Importance by permutation; the score is 0.9
      speed: +0.4 +- 0.1
      noise: +0.05 +- 0.05
    """

    importances: Floats
    score: float
    names: tuple[str, ...]

    @property
    def mean(self) -> Floats:
        """(n,), over the repeats."""
        return np.asarray(self.importances.mean(axis=1))

    @property
    def std(self) -> Floats:
        """(n,), over the repeats."""
        return np.asarray(self.importances.std(axis=1))

    def frame(self) -> Any:
        """A data frame with a row for each name: pandas' if it is installed, else Polars'.

        Raises
        ------
        ImportError
            Neither is installed.
        """
        names = np.array(self.names, dtype=object)
        columns = {"name": names, "importance": self.mean, "deviation": self.std}
        return to_frame(columns, "Importance.frame")

    def __repr__(self) -> str:
        lines = [f"Importance by permutation; the score is {self.score:.4g}"]
        mean, std = self.mean, self.std
        for i in np.argsort(-mean, kind="stable")[:10].tolist():
            lines.append(f"  {visible(self.names[i]):.40}: {mean[i]:+.4g} +- {std[i]:.2g}")
        if len(mean) > 10:
            lines.append(f"  ... and {len(mean) - 10} more")
        return "\n".join(lines)


def permutation_importance(
    given: Any,
    X: Any,
    y: Any,
    *,
    by: Literal["feature", "time"] = "feature",
    n_repeats: int = 5,
    n_blocks: int = 10,
    scoring: str | Callable[..., float] | None = None,
    random_state: int | np.random.Generator | None = None,
) -> Importance:
    """How much worse a model scores when recordings trade one feature, or one part of their time.

    Each recording is given the series that another one has in that feature, all of it, so that the
    series stay as they are over time and only what they say of y is lost. scikit-learn's function
    of the same name takes a table; this takes sequences of any lengths. Of texts and tokens the
    only feature is the character or the token; with by="time" parts of them are traded. A column
    of categories is traded like one of numbers.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor, or Pipeline that ends in one
        Fitted.
    X : array-like
        Recordings that it was not trained on, at least two. A pipeline is given them before its
        first step.
    y : array-like
        Their targets, as `score` takes them.
    by : {"feature", "time"}, default="feature"
        What is traded: one feature at all time steps; or all features in one of `n_blocks` blocks
        of time, each an equal share of every recording.
    n_repeats : int, default=5
        How often, each time with other partners.
    n_blocks : int, default=10
        Used with by="time" only.
    scoring : str or callable, optional
        The name of a scorer of scikit-learn, or a function (estimator, X, y) -> float. None is
        `given.score`. Of answers at every time step: None, or `elman.metrics.per_step(name)`.
    random_state : int or numpy.random.Generator, optional
        Who trades with whom depends on nothing else.

    Returns
    -------
    Importance

    Raises
    ------
    TypeError, ValueError
        A model that is not fitted, fewer than two recordings, or an argument that cannot be used.

    Notes
    -----
    Recordings trade with those of their own length where there are at least five of it. The others
    are put together, in the order of their lengths, into groups of five or more; what a recording
    is given from a longer or a shorter one is read at the same share of its time. Everyone trades.

    Two features that say the same hide each other: the model reads from one what is lost in the
    other, and both seem to count for little.

    References
    ----------
    Breiman (2001), "Random forests", section 10. Fisher, Rudin and Dominici (2019), "All models are
    wrong, but many are useful".

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNRegressor
    >>> from elman.explain import permutation_importance
    >>> X = np.random.default_rng(0).normal(size=(60, 5, 2))
    >>> y = X[:, :, 0].sum(axis=1)
    >>> model = RNNRegressor(hidden_size=8, max_iter=40, random_state=0).fit(X, y)
    >>> found = permutation_importance(model, X, y, random_state=0)
    >>> found.names[int(found.mean.argmax())]
    'feature 0'
    """
    found = fitted(given)
    if by not in ("feature", "time"):
        raise ValueError(f"by={by!r}; it must be 'feature' or 'time'")
    check_count("n_repeats", n_repeats)
    check_count("n_blocks", n_blocks)
    seeded = isinstance(random_state, numbers.Integral) and int(random_state) >= 0
    if random_state is not None and not (seeded or isinstance(random_state, np.random.Generator)):
        raise ValueError(
            f"random_state={random_state!r}; it must be None, a whole number of at least 0, or a "
            "numpy.random.Generator"
        )
    score_of = _score_of(found, scoring)
    of_symbols = found.model.symbols is not None or has_symbols(X)
    data = SymbolTables(X) if of_symbols else _Numbers(X, _checked(found, X))
    samples = data.samples
    if len(samples) < 2:
        raise ValueError(
            f"X has {len(samples)} recording(s), which cannot trade: pass at least two"
        )
    rng = np.random.default_rng(random_state)
    partners = [_partners(data.lengths, rng) for _ in range(n_repeats)]
    score = float(score_of(given, data.like_X(samples), y))
    n = len(data.names) if by == "feature" else n_blocks
    importances = np.empty((n, n_repeats))
    for k in range(n):
        for repeat, partner in enumerate(partners):
            traded = [
                _traded(x, samples[j], k, n_blocks if by == "time" else None)
                for x, j in zip(samples, partner.tolist(), strict=True)
            ]
            importances[k, repeat] = score - float(score_of(given, data.like_X(traded), y))
    if by == "time":
        names = [f"{100 * k / n:.3g}-{100 * (k + 1) / n:.3g} %" for k in range(n)]
    else:
        names = data.names
    return Importance(importances, score, tuple(map(str, names)))


def _score_of(found: Fitted, scoring: Any) -> Callable[..., float]:
    """What scores the estimator: a function (estimator, X, y)."""
    if callable(scoring):
        return scoring  # type: ignore[no-any-return]
    if not hasattr(found.given, "score"):
        raise ValueError(
            f"a {type(found.given).__name__} has no score: pass the estimator, or scoring=a "
            "function (model, X, y) -> float"
        )
    if scoring is None:
        return lambda estimator, X, y: estimator.score(X, y)
    if found.model.network.layout.at_every_step:
        raise ValueError(
            f"scoring={scoring!r} compares one answer for each recording, but this "
            f"{found.model.kind} has one at every time step: pass "
            f"scoring=elman.metrics.per_step({scoring!r}), or leave it out"
        )
    from sklearn.metrics import get_scorer

    return get_scorer(scoring)  # type: ignore[no-any-return]


def _checked(found: Fitted, X: Any) -> Sequences:
    """X before the first step of a pipeline; values may be missing."""
    refuse_masked(X, "X")
    return check_sequences(
        X, dtype=None, two_d=found.model.two_d, missing="keep", estimator=found.model.kind
    )


def _partners(lengths: NDArray[np.int64], rng: np.random.Generator) -> Indices:
    """(n_samples,), from whom each recording gets what is traded; nobody from itself."""
    partner = np.empty(len(lengths), np.intp)
    for group in _groups(lengths):
        members = rng.permutation(group)
        partner[members] = np.roll(members, 1)
    return partner


def _groups(lengths: NDArray[np.int64]) -> list[Indices]:
    """Who trades among themselves: recordings of one length, or of about one; at least two."""
    order = np.argsort(lengths, kind="stable")
    found, counts = np.unique(lengths, return_counts=True)
    own = found[counts >= GROUP]
    groups = [np.flatnonzero(lengths == length) for length in own]
    rest = order[~np.isin(lengths[order], own)]
    if len(rest) == 1 and groups:  # nobody else: it joins those whose length is nearest
        nearest = int(np.abs(own - lengths[rest[0]]).argmin())
        groups[nearest] = np.append(groups[nearest], rest)
    elif len(rest):
        borders = [k * GROUP for k in range(max(1, len(rest) // GROUP))]
        groups += [rest[a:b] for a, b in zip(borders, [*borders[1:], len(rest)], strict=True)]
    return groups


def _traded(x: Array, other: Array, k: int, n_blocks: int | None) -> Array:
    """A recording with feature k, or block k of its time, of another one."""
    if not len(x) or not len(other):
        return x
    out = x.copy()
    steps = np.arange(len(x))
    if n_blocks is not None:
        steps = steps[len(x) * k // n_blocks : len(x) * (k + 1) // n_blocks]
    source = (2 * steps + 1) * len(other) // (2 * len(x))  # at the same share of its time
    if n_blocks is None:
        out[:, k] = other[source, k]
    else:
        out[steps] = other[source]
    return out


class _Numbers:
    """Recordings of numbers, which can be put together again as X was."""

    def __init__(self, X: Any, data: Sequences) -> None:
        self._X, self._data = X, data
        self.samples: list[Array] = list(data)
        """(n_timesteps_i, n_features) of each"""
        self.lengths = data.lengths

    @property
    def names(self) -> list[str]:
        """Of the features."""
        data = self._data
        known = None if data.two_d else data.feature_names
        return [f"feature {k}" for k in range(data.n_features)] if known is None else [*known]

    def like_X(self, samples: list[Array]) -> Any:
        """Recordings in the layout of X: 2-D, or a list that knows the names of features."""
        if self._data.two_d:
            return np.stack([x[:, 0] for x in samples])
        if self._data.feature_names is not None:
            return NamedSequences(samples, self._data.feature_names)
        if isinstance(self._X, np.ndarray) and self._X.ndim == 3:
            return np.stack(samples)
        return samples
