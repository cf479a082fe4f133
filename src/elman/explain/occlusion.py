"""A model and recordings in; what answers lose when a part of a recording is taken away out."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elman.explain.asked import Asked, ask, check_count, refuse_untrained_unknown
from elman.explain.changed import Change, answers_to
from elman.explain.explanation import Explanation, explanation_of

Array = NDArray[Any]
Floats = NDArray[np.float64]

WAYS = ("delete", "mean", "window")


def occlusion(
    given: Any,
    X: Any,
    *,
    by: Literal["delete", "mean", "window"] = "delete",
    window: int = 1,
    target: Any = None,
    step: Any = None,
    output: str | None = None,
    baseline: Any = "mean",
) -> Explanation:
    """How much an answer changes when a part of a recording is taken away.

    A value is the answer to the recording less the answer to the recording without that part: what
    speaks for the target is positive, and what speaks against it negative.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
        Fitted. Of a pipeline, what is explained is the X that its last step takes.
    X : array-like
        Recordings, as `predict` takes them.
    by : {"delete", "mean", "window"}, default="delete"
        What is taken away.

        - "delete": a time step is removed, so that the recording is shorter. The values are those
          of time steps, (n_timesteps_i, 1). This is the only way that invents no input.
        - "mean": one feature at one time step is overwritten by `baseline`. The values are
          (n_timesteps_i, n_features). A category, such as a character or a token, becomes unknown.
        - "window": all features of a time step are overwritten by `baseline`. The values are
          those of time steps, (n_timesteps_i, 1).
    window : int, default=1
        So many time steps in a row are taken away together. They slide over the recording one step
        at a time, and the value of a step is the mean of all windows that it lies in. A recording
        that is shorter is taken away as a whole.
    target : label, int or array-like of shape (n_samples,), optional
        Whose answer is explained: a class of a classifier or tagger, the number of one of several
        labels, or the number of a regressor's target; or one for each recording. None is the class
        that is predicted; of several labels or targets each of them.
    step : int or array-like of shape (n_samples,), optional
        Only where the model answers at every time step: the time step whose answer is explained,
        or one for each recording; negative numbers count from the end, and None is the last. When
        that step itself is removed, the answer is that at the last step before it that is left, or
        that before the first step if there is none.
    output : {"log_odds", "probability", "value"}, optional
        In what the answer is measured. "log_odds", the default for classes and labels, is the
        logarithm of p / (1 - p): a probability near 0 or 1 hides what an answer rests on, because
        it hardly changes whatever is taken away. A regressor has "value" only, in the units of y.
    baseline : "mean", float or array-like, default="mean"
        What "mean" and "window" write: the mean of the training data; or, in the units of X, one
        number, one for each feature, or an array or list like X. With missing="mask" the baseline
        counts as observed. Of categories there is no mean: "mean" makes them unknown; otherwise the
        baseline is a list like X.

    Returns
    -------
    Explanation
        Steps that the model leaves out (missing="skip") have the value 0, and so have steps that
        come after `step` in a network that reads forward only.

    Raises
    ------
    TypeError, ValueError
        A model that is not fitted, an X that it cannot use, or an argument that does not fit it.

    Notes
    -----
    A class may be told by what is missing: then no step speaks for it, and "delete" gives values
    near 0 wherever nothing happens, and negative values at what speaks for other classes. "mean"
    and "window" write a value that may itself look like evidence to the network (the mean of what
    is 0 nearly always and 5 at times is neither); where they disagree with "delete", the network
    has met a recording unlike all that it has learned from.

    The answers come in batches from the kernel. A network that reads forward only goes on from the
    state before the change, so that half of the time steps need not be computed; no bit depends on
    that, nor on what else is in X.

    References
    ----------
    Zeiler and Fergus (2014), "Visualizing and understanding convolutional networks". Li, Monroe and
    Jurafsky (2016), "Understanding neural networks through representation erasure".

    Examples
    --------
    The sum of the first feature is what y is; the third step holds most of it.

    >>> import numpy as np
    >>> from elman import RNNRegressor
    >>> from elman.explain import occlusion
    >>> X = np.random.default_rng(0).normal(size=(60, 5, 2))
    >>> y = X[:, :, 0].sum(axis=1)
    >>> model = RNNRegressor(hidden_size=8, max_iter=40, random_state=0).fit(X, y)
    >>> x = np.zeros((5, 2))
    >>> x[2, 0] = 2.0
    >>> explanation = occlusion(model, [x], by="mean")
    >>> explanation.values[0].shape
    (5, 2)
    >>> [(c.step, c.feature) for c in explanation.top(1)]
    [(2, 'feature 0')]
    """
    if by not in WAYS:
        raise ValueError(f"by={by!r}; it must be 'delete', 'mean' or 'window'")
    check_count("window", window)
    asked = ask(given, X, target, step, output)
    background = None
    if by != "delete":
        if isinstance(baseline, str):
            refuse_untrained_unknown(asked.model, "pass by='delete', or a baseline= like X")
        background = asked.background(baseline)
    found = _losses(asked, by, int(window), background)
    what = {"delete": "removing", "mean": "overwriting each feature at", "window": "overwriting"}
    steps = "each time step" if window == 1 else f"every {window} time steps in a row"
    method = f"occlusion, {what[by]} {steps}"
    return explanation_of(asked, found, method, per_feature=by == "mean")


def _losses(asked: Asked, by: str, window: int, background: list[Floats] | None) -> list[Floats]:
    """What the answer of each row loses by each part, spread over the steps of the part."""
    network = asked.network
    # Rows of one recording that end at one step share all their answers.
    keys = [
        (int(sample), len(asked.seen(row)), -1 if asked.places is None else int(asked.places[row]))
        for row, sample in enumerate(asked.samples)
    ]
    cases = list(dict.fromkeys(keys))
    recordings = [asked.inputs[sample][:length] for sample, length, _ in cases]
    changes: list[Change] = []
    places: list[int] = []
    for i, (sample, length, place) in enumerate(cases):
        width = min(window, length)
        base = None if background is None else background[sample]
        for start in range(length - width + 1) if length else ():
            written = base if base is None or len(base) == 1 else base[start : start + width]
            n_features = asked.data.n_features if by == "mean" else None
            changes.append(Change(i, start, width, written, n_features))
            places.append(_place_after(place, start, width) if by == "delete" else place)
    answers = answers_to(
        network, recordings, changes, asked.backend, places, **asked.how_it_reads()
    )
    by_case: dict[int, list[Array]] = {}
    for change, logits in zip(changes, answers, strict=True):
        by_case.setdefault(change.recording, []).append(logits)
    numbers = {case: i for i, case in enumerate(cases)}
    found = []
    for row, key in enumerate(keys):
        n_values = asked.data.n_features if by == "mean" else 1
        none = np.zeros((0, network.layout.n_outputs))
        flat = np.concatenate(by_case.get(numbers[key], [none]))
        columns = np.full(len(flat), asked.columns[row])
        lost = asked.answers[row] - asked.output.of(flat, columns)
        asked.check_finite(row, lost)
        spread = _spread(lost.reshape(-1, n_values), key[1])
        found.append(asked.over_all_steps(row, spread))
    return found


def _place_after(place: int, start: int, width: int) -> int:
    """Where the last step up to `place` is once those from `start` on are removed."""
    if place < start:
        return place
    return place - width if place >= start + width else start - 1


def _spread(lost: Floats, n_steps: int) -> Floats:
    """Of windows (n_windows, n) to steps (n_steps, n): the mean of all that a step lies in."""
    n_windows = len(lost)
    width = n_steps - n_windows + 1
    if width <= 1 or not n_windows:
        return lost
    total, count = np.zeros((n_steps, lost.shape[1])), np.zeros((n_steps, 1))
    for start in range(n_windows):
        total[start : start + width] += lost[start]
        count[start : start + width] += 1
    return total / count
