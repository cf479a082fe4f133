"""A model and recordings in; how much of each decides the answer to it out."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.explain.asked import Asked, ask
from elman.explain.changed import Change, answers_to
from elman.models.model import TrainedModel
from elman.models.tables import to_frame
from elman.nn.losses import linked
from elman.targets.checks import visible

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Prefixes:
    """The shortest prefix of each recording that decides the answer to it.

    There is a row for each recording, or, of several labels or targets, one for each of them.

    Attributes
    ----------
    n_steps : ndarray of shape (n_rows,), int
        Time steps of the prefix: 0 if the answer is what the network says before it has seen
        anything; -1 if no prefix decides, because the whole recording is not likely enough.
    answers : ndarray of shape (n_rows,)
        The answer to the whole recording: label, 0 or 1 of one of several labels, or value.
    before : ndarray of shape (n_rows,), object
        The answer to the prefix that is one time step shorter, which is another one, or not likely
        enough; None where there is none.
    lengths : ndarray of shape (n_rows,), int
        Time steps of the whole recording.
    sample : ndarray of shape (n_rows,), int
        The recording of each row, by its number in X.
    target : ndarray of shape (n_rows,)
        The number of the label or target; of one label the label.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNRegressor
    >>> from elman.explain import shortest_prefix
    >>> X = np.random.default_rng(0).normal(size=(9, 5, 2))
    >>> model = RNNRegressor(3, max_iter=2, random_state=0).fit(X, X[:, 0, 0])
    >>> found = shortest_prefix(model, X[:3], tolerance=100.0)
    >>> found.n_steps
    array([0, 0, 0])
    >>> found.decided
    array([ True,  True,  True])
    """

    n_steps: NDArray[np.int64]
    answers: Array
    before: Array
    lengths: NDArray[np.int64]
    sample: NDArray[np.intp]
    target: Array

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.n_steps)

    @property
    def decided(self) -> NDArray[np.bool_]:
        """(n_rows,), whether any prefix decides."""
        return self.n_steps >= 0

    def frame(self) -> Any:
        """A data frame with a row for each row: pandas' if it is installed, else Polars'.

        Raises
        ------
        ImportError
            Neither is installed.
        """
        columns = {
            "sample": self.sample,
            "target": self.target,
            "n_steps": self.n_steps,
            "length": self.lengths,
            "answer": self.answers,
            "before": self.before,
        }
        return to_frame(columns, "Prefixes.frame")

    def __repr__(self) -> str:
        lines = [f"Shortest prefixes that decide {len(self)} answer(s)"]
        rows = zip(self.sample, self.n_steps, self.lengths, self.answers, self.before, strict=True)
        for sample, n, length, answer, before in list(rows)[:5]:
            what = f"  X[{sample}], answer {visible(answer):.30}: "
            if n < 0:
                lines.append(what + f"not decided after all {length} steps")
            elif n == 0:
                lines.append(what + f"0 of {length} steps, which is what is said of nothing")
            else:
                lines.append(
                    what + f"{n} of {length} steps; one step less gives {visible(before):.30}"
                )
        if len(self) > 5:
            lines.append(f"  ... and {len(self) - 5} more")
        return "\n".join(lines)


def shortest_prefix(
    given: Any,
    X: Any,
    *,
    probability: float | None = None,
    tolerance: float | None = None,
    step: Any = None,
) -> Prefixes:
    """How many time steps of each recording decide the answer to it.

    The prefix of n steps decides if its answer, and that of every longer one up to the whole
    recording, is the answer to the whole recording. The prefix one step shorter is the
    counterfactual: had the recording stopped there, the answer would be another.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
        Fitted. It may be bidirectional: every prefix is then read as a recording of its own.
    X : array-like
        Recordings, as `predict` takes them.
    probability : float, optional
        Of classes and labels: what the probability of the answer has to reach as well, from the
        prefix on to the end. A label can be the likeliest of many at a probability that nobody
        would rely on.
    tolerance : float, optional
        Of regressors: by how much the answer may differ from that to the whole recording, in the
        units of y; a tenth of the deviation of each target in training by default.
    step : int or array-like of shape (n_samples,), optional
        Only where the model answers at every time step: the time step whose answer is explained,
        or one for each recording; negative numbers count from the end, and None is the last. The
        answer of a prefix that ends before it is the one at its own last step.

    Returns
    -------
    Prefixes

    Raises
    ------
    TypeError, ValueError
        A model that is not fitted, an X that it cannot use, or an argument that does not fit it.

    References
    ----------
    Wachter, Mittelstadt and Russell (2018), "Counterfactual explanations without opening the black
    box". Here what is changed is where a recording stops.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> from elman.explain import shortest_prefix
    >>> y = np.arange(60) % 2
    >>> X = np.zeros((60, 9, 1))
    >>> X[:, 4, 0] = np.where(y == 1, 1.0, -1.0)
    >>> model = RNNClassifier(8, cell="gru", max_iter=30, random_state=0).fit(X, y)
    >>> shortest_prefix(model, X[:1])
    Shortest prefixes that decide 1 answer(s)
      X[0], answer 0: 5 of 9 steps; one step less gives 1
    """
    asked = ask(given, X, None, step, None)
    model = asked.model
    _check(model, probability, tolerance)
    link = model.link
    n_steps, answers, before = [], [], []
    for row, z in enumerate(_over_prefixes(asked)):
        column = int(asked.columns[row])
        found = model.predicted(z)
        if link == "softmax":
            same = z.argmax(axis=1) == column
        else:
            found = found if found.ndim == 1 else found[:, column]
            if link == "identity":
                scale = getattr(model, "target_scale").scale  # noqa: B009 -- of a regressor
                allowed = scale[column] / 10 if tolerance is None else float(tolerance)
                same = np.abs(found - found[-1]) <= allowed
            else:
                same = found == found[-1]
        if probability is not None:
            shares = linked(z, link, asked.backend.fused)[:, column]
            sure = shares if link == "softmax" or found[-1] else 1 - shares
            same &= sure >= probability
        others = np.flatnonzero(~same)
        n = int(others[-1]) + 1 if len(others) else 0
        n = -1 if n == len(z) else n
        n_steps.append(n)
        answers.append(found[-1])
        before.append(found[n - 1 : n].tolist()[0] if n > 0 else None)
    lengths = asked.data.lengths[asked.samples]
    objects = np.empty(len(before), object)
    objects[:] = before
    return Prefixes(
        np.array(n_steps, np.int64),
        np.array(answers),
        objects,
        lengths,
        asked.samples,
        asked.target,
    )


def _check(model: TrainedModel, probability: Any, tolerance: Any) -> None:
    """Raise ValueError unless the numbers are what they should be, for this kind of model."""
    of_values = model.link == "identity"
    if probability is not None:
        if of_values:
            raise ValueError(
                f"probability={probability!r}, but a regressor has none: pass tolerance, in the "
                "units of y"
            )
        if not isinstance(probability, numbers.Real) or not 0 < float(probability) <= 1:
            raise ValueError(f"probability={probability!r}; it must be above 0 and at most 1")
    if tolerance is not None:
        if not of_values:
            raise ValueError(
                f"tolerance={tolerance!r}, but only the answers of a regressor differ by so much: "
                "pass probability"
            )
        if not isinstance(tolerance, numbers.Real) or not 0 <= float(tolerance) < np.inf:
            raise ValueError(f"tolerance={tolerance!r}; it must be a number of at least 0")


def _over_prefixes(asked: Asked) -> list[Array]:
    """For each row the logits (1 + n_timesteps_i, n_outputs) of its prefixes, from 0 steps on."""
    network = asked.network
    if network.layout.bidirectional or asked.looks_ahead:
        return _read_apart(asked)
    before = network.logits_before(asked.backend)[np.newaxis]
    over_time = asked.model.logits_over_time(asked.data)
    found = []
    for row, sample in enumerate(asked.samples):
        z = over_time[sample]
        if asked.steps is not None:
            z = z[np.minimum(np.arange(len(z)), asked.steps[row])]
        found.append(np.concatenate([before, z]))
    return found


def _read_apart(asked: Asked) -> list[Array]:
    """The same, with each prefix read as a recording of its own."""
    changes: list[Change] = []
    places: list[int] = []
    rows: list[tuple[int, int]] = []
    cases: dict[tuple[int, int], int] = {}
    for row, sample in enumerate(asked.samples.tolist()):
        place = -1 if asked.places is None else int(asked.places[row])
        rows.append((sample, place))
        if (sample, place) in cases:
            continue
        cases[sample, place] = len(changes)
        length = len(asked.inputs[sample])
        for n in range(length + 1):
            changes.append(Change(sample, n, length - n, None))
            places.append(min(place, n - 1))
    logits = answers_to(
        asked.network, asked.inputs, changes, asked.backend, places, **asked.how_it_reads()
    )
    found = []
    for sample, place in rows:
        start = cases[sample, place]
        z = np.concatenate(logits[start : start + len(asked.inputs[sample]) + 1])
        kept = asked.kept[sample]
        found.append(z if kept is None else z[np.concatenate([[0], np.cumsum(kept)])])
    return found
