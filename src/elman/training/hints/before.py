"""What is to be trained on in; a mistake that can be seen before training, or None, out.

These are the rules one-class and validation-is-training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.nn.objectives import AnyLabels, Objective, OneClass
from elman.training.hints.hint import Hint
from elman.training.hints.samples import N_PROBED, all_targets, evenly_spread
from elman.training.labelled import Labelled

Array = NDArray[Any]

MIN_EPOCHS = 10
"""where fewer epochs are to come, or were run, nearly every rule is silent"""


def hint_before(
    training: Labelled,
    validation: Labelled | None,
    objective: Objective,
    name: Callable[[int], str],
    n_epochs: int = MIN_EPOCHS,
) -> Hint | None:
    """What can be said before a training begins.

    Parameters
    ----------
    training, validation : Labelled
        As the user passed them; validation None if it is a part of the training data, or if there
        is none.
    objective : Objective
    name : callable
        Index of a class to what the user calls it.
    n_epochs : int
        Epochs to come, at most.
    """
    targets = all_targets(training)
    if len(targets) and (targets == targets[0]).all():
        return Hint("one-class", _all_alike(targets, training, objective, name))
    if validation is not None and n_epochs >= MIN_EPOCHS and _same(training, validation):
        return Hint(
            "validation-is-training",
            f"X_val and y_val are the {len(validation.X)} samples of the training data: the "
            "validation score says nothing of new data, and early_stopping does not stop before "
            "the training data is learned by heart. Hold samples out of X (train_test_split of "
            "scikit-learn), or leave X_val and y_val away",
        )
    return None


def _all_alike(
    targets: Array, training: Labelled, objective: Objective, name: Callable[[int], str]
) -> str:
    many = f"{len(targets)} {'labelled time steps' if training.per_step else 'samples'}"
    if len(targets) == 1:
        what = "labelled time step" if training.per_step else "sample"
        return (
            f"y has one {what}, so that there is nothing to tell it from: pass at least two, "
            "with different targets"
        )
    if isinstance(objective, OneClass):
        return (
            f"y has one class only: all {many} are {name(int(targets[0]))}. A network learns to "
            "tell classes apart, and this one will give the same answer to everything; pass "
            "samples of at least two classes"
        )
    if isinstance(objective, AnyLabels):
        return (
            f"all {many} of y have the same labels, so that there is nothing to learn: pass "
            "samples that differ in their labels"
        )
    return (
        f"all {many} of y have the same target, which will be predicted for everything: pass "
        "targets that differ"
    )


def _same(training: Labelled, validation: Labelled) -> bool:
    """Whether both hold the same samples in the same order.

    Of the sequences `N_PROBED` are compared, of the targets all.
    """
    first, second = training.X.data, validation.X.data
    if len(first) != len(second) or not np.array_equal(first.lengths, second.lengths):
        return False
    numbers = training.targets.dtype.kind == "f"
    if not np.array_equal(training.targets, validation.targets, equal_nan=numbers):
        return False
    some = evenly_spread(first, N_PROBED)
    return all(
        np.array_equal(first[i], second[i].astype(first.dtype), equal_nan=True)
        for i in some.tolist()
    )
