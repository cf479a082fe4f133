"""What a person is told about a training: a hint, and the warning that says it."""

from __future__ import annotations

from typing import NamedTuple


class Hint(NamedTuple):
    """What a person would want to be told about a training."""

    code: str
    """which of the rules in `elman.training.hints` it is, such as "overfits" """
    message: str
    """the figures, and what to try"""


class TrainingWarning(UserWarning):
    """What `fit` says, once at most, of a training that probably is not what was wanted.

    To silence all of them, or one kind by the beginning of its message::

        warnings.filterwarnings("ignore", category=elman.TrainingWarning)

    Parameters
    ----------
    message : str
        The figures, and what to try.
    code : str
        Which rule it was: "one-class", "validation-is-training", "unscaled", "rate-too-large",
        "saturated", "rate-too-small", "too-few-steps", "one-class-predicted", "not-learned",
        "overfits" or "still-falling". The guide "Read what training says" tells what each of them
        saw, and what to try.

    Attributes
    ----------
    code : str

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from elman import RNNClassifier, TrainingWarning
    >>> X = np.random.default_rng(0).normal(size=(30, 5, 2))
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     clf = RNNClassifier(hidden_size=3, max_iter=2).fit(X, ["on"] * 30)
    >>> [(w.category is TrainingWarning, w.message.code) for w in caught]
    [(True, 'one-class')]
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message, code)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[0])
