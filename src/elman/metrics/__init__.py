"""Scorers of time steps for scikit-learn: a metric's name in, what `scoring=` takes out."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["per_step"]


def per_step(scoring: str | Callable[..., float]) -> Callable[..., float]:
    """A scorer of a tagger that takes each labelled time step for a sample of its own.

    scikit-learn's scorers compare one answer for each sample. Of an `RNNTagger`, which has one for
    each time step, they raise an error, or would score something else; this joins the labelled
    steps of all sequences first.

    Parameters
    ----------
    scoring : str or callable
        The name of a scikit-learn scorer, such as "f1_macro" or "neg_log_loss", or a scorer that
        `sklearn.metrics.make_scorer` made.

    Returns
    -------
    callable
        (estimator, X, y, sample_weight=None) -> float, for `cross_val_score`, `GridSearchCV`, other
        searches, and the `scoring` of an `RNNTagger`, where the name alone means the same. The
        estimator is a fitted `RNNTagger`, or a pipeline or a search that ends in one.

    Raises
    ------
    ValueError
        scikit-learn does not know the name.
    TypeError
        It is neither a name nor a function.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from elman import RNNTagger
    >>> from elman.metrics import per_step
    >>> X = np.random.default_rng(0).normal(size=(20, 6, 1))
    >>> y = (np.cumsum(X[..., 0], axis=1) > 0).astype(int)
    >>> tagger = RNNTagger(hidden_size=4, max_iter=2, random_state=0)
    >>> cross_val_score(tagger, X, y, scoring=per_step("f1_macro"), cv=2).shape
    (2,)
    """
    from elman.estimators.scoring import PerStep

    return PerStep(scoring)
