"""Why a model cannot be written as C, in whole sentences."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.exchange.c99.names import unwritable
from elman.exchange.c99.source import class_names
from elman.models.model import TrainedModel


def reasons_against(
    model: TrainedModel, *, dtype: str = "float32", weights: str = "float"
) -> list[str]:
    """Say what of a model C99 cannot have.

    Every network goes; what does not are names that no C string holds, weights beyond float32, and
    a scaler before categories.

    Parameters
    ----------
    model : TrainedModel
    dtype, weights
        As `to_c` takes them.

    Returns
    -------
    list of str
        Whole sentences; empty if the model can be written.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> from elman.exchange.c99 import reasons_against
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2))
    >>> clf = RNNClassifier(hidden_size=4, max_iter=3).fit(X, (X[:, -1, 0] > 0).astype(int))
    >>> reasons_against(clf.model_)
    []
    """
    reasons = []
    classes: Any = getattr(model, "classes", None)
    for text in class_names(classes) if classes is not None else ():
        why = unwritable(str(text))
        if why is not None:
            reasons.append(f"The name of the class {str(text)!r:.60} {why}: rename it and train.")
    if model.symbols is not None:
        for k, vocabulary in enumerate(model.symbols.vocabularies):
            for token in vocabulary.tokens:
                why = None if token is None else unwritable(str(token))
                if why is not None:
                    reasons.append(
                        f"The category {str(token)!r:.60} of categorical column {k} {why}."
                    )
                    break
        if model.before:
            reasons.append(
                "A SequenceScaler stands before a model of categories, whose ids it would change: "
                "export the last step of the pipeline alone."
            )
    if dtype == "float32":
        for name, array in model.network.params.items():
            if array.size and np.abs(array).max() > np.finfo(np.float32).max:
                reasons.append(
                    f"dtype='float32' cannot hold the weights {name}: write dtype='float64'."
                )
    return reasons
