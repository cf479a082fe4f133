"""What every explanation has: values by time step and feature, and the answer that they explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.symbols.naming import StepNames
from elman.explain.asked import Asked, check_count
from elman.models.tables import to_frame
from elman.targets.checks import visible

Array = NDArray[Any]
Floats = NDArray[np.float64]


class Contribution(NamedTuple):
    """One value of an explanation, as `Explanation.top` gives it.

    Examples
    --------
    >>> from elman.explain import Contribution
    >>> Contribution(sample=3, target="up", step=7, feature="speed", value=1.5).step
    7
    """

    sample: int
    """the recording, by its number in X"""
    target: Any
    """the class or the number of the target that is explained"""
    step: int
    """the time step"""
    feature: str | None
    """the name of the feature; None where a value is that of a whole time step"""
    value: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """How much each time step, or each feature at it, counts for an answer.

    A row explains one answer: of one recording, about one output. There is one row for each
    recording, in the order of X, unless several outputs are explained (several labels or several
    targets, and `target=None`): then the rows of a recording stand one after the other.

    Attributes
    ----------
    values : list of ndarray of shape (n_timesteps_i, n_features) or (n_timesteps_i, 1), float64
        Of each row, in the units of `output`; with one column, a value is that of a whole time
        step. A recording has as many entries as it has time steps: nothing stands for padding.
    target : ndarray of shape (n_rows,)
        The class, or the number of the target, that each row explains.
    answers : ndarray of shape (n_rows,), float64
        The model's own answer for it, in the units of `output`.
    sample : ndarray of shape (n_rows,), int
        The recording of each row, by its number in X.
    step : ndarray of shape (n_rows,), int, or None
        Of taggers, and of regressors of time steps: the time step whose answer is explained.
    output : {"log_odds", "probability", "value"}
        What is explained.
    method : str
        How, in words.
    feature_names : tuple of str
        Of all features.
    per_feature : bool
        Whether there is a value for each feature at each time step, or one for the whole step.
    baseline_answers : ndarray of shape (n_rows,), float64, or None
        Of integrated gradients: the answer to the baseline.
    residual : ndarray of shape (n_rows,), float64, or None
        Of integrated gradients: what the values lack of `answers - baseline_answers`.
    step_names : list of list of str, or None
        Of models of symbols: for each row what its time steps are called, their characters, tokens
        or categories.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> from elman.explain import occlusion
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 2)) for n in (5, 3, 4, 6)]
    >>> clf = RNNClassifier(3, max_iter=2, random_state=0).fit(X, ["a", "b", "a", "b"])
    >>> explanation = occlusion(clf, X, by="mean", target="b")
    >>> [values.shape for values in explanation.values]
    [(5, 2), (3, 2), (4, 2), (6, 2)]
    >>> len(explanation.top(2)), len(explanation.frame())
    (8, 36)
    """

    values: list[Floats]
    target: Array
    answers: Floats
    sample: NDArray[np.intp]
    step: NDArray[np.intp] | None
    output: str
    method: str
    feature_names: tuple[str, ...]
    per_feature: bool
    baseline_answers: Floats | None = None
    residual: Floats | None = None
    step_names: list[list[str]] | None = None

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.values)

    def top(self, k: int = 5) -> list[Contribution]:
        """The entries of each row that count most, for or against, the strongest first.

        Parameters
        ----------
        k : int, default=5
            How many of each row; fewer where it has fewer. Those of 0 are left out.

        Returns
        -------
        list of Contribution
            (sample, target, step, feature, value), row by row.
        """
        check_count("k", k)
        found = []
        targets = self.target.tolist()
        for values, sample, target in zip(self.values, self.sample.tolist(), targets, strict=True):
            flat = values.ravel()
            order = np.argsort(-np.abs(flat), kind="stable")[:k]
            for place in order[flat[order] != 0].tolist():
                step, column = divmod(place, values.shape[1])
                name = self.feature_names[column] if self.per_feature else None
                found.append(Contribution(sample, target, step, name, float(flat[place])))
        return found

    def frame(self) -> Any:
        """All values as a data frame: pandas' if it is installed, else Polars'.

        Returns
        -------
        data frame
            Columns "sample", "target", "step", "name" (of the step, where steps have names),
            "feature" (where values have one) and "value", with a row for each value, in the order
            of rows, time steps and features.

        Raises
        ------
        ImportError
            Neither is installed.
        """
        sizes = [values.size for values in self.values]
        width = len(self.feature_names) if self.per_feature else 1
        steps = [np.repeat(np.arange(len(values)), width) for values in self.values]
        columns: dict[str, Array] = {
            "sample": np.repeat(self.sample, sizes),
            "target": np.repeat(self.target, sizes),
            "step": np.concatenate([np.zeros(0, np.intp), *steps]),
        }
        if self.step_names is not None:
            steps_called = [name for names in self.step_names for name in names]
            columns["name"] = np.repeat(np.array(steps_called, dtype=object), width)
        if self.per_feature:
            names = np.array(self.feature_names, dtype=object)
            columns["feature"] = np.tile(names, len(columns["step"]) // width)
        columns["value"] = np.concatenate([np.zeros(0), *(v.ravel() for v in self.values)])
        return to_frame(columns, "Explanation.frame")

    def __repr__(self) -> str:
        lines = [
            f"Explanation of {len(self)} answer(s) ({self.output}) by {self.method}",
        ]
        for row, values in list(enumerate(self.values))[:5]:
            one = Explanation(
                [values],
                self.target[row : row + 1],
                self.answers[row : row + 1],
                self.sample[row : row + 1],
                None,
                self.output,
                self.method,
                self.feature_names,
                self.per_feature,
            )
            at = ""
            if self.step is not None:
                at = f" at step {self.step[row]}{self._called(row, int(self.step[row]))}"
            line = (
                f"  X[{self.sample[row]}]{at}, target {visible(self.target[row]):.30}: "
                f"{self.answers[row]:.4g}"
            )
            if self.baseline_answers is not None and self.residual is not None:
                line += (
                    f", of the baseline {self.baseline_answers[row]:.4g}"
                    f", residual {self.residual[row]:.1e}"
                )
            best = [
                f"{'' if name is None else visible(name) + ' at '}step {step}"
                f"{self._called(row, step)} ({value:+.3g})"
                for _, _, step, name, value in one.top(3)
            ]
            lines.append(line + (f"; most: {', '.join(best)}" if best else "; nothing counts"))
        if len(self) > 5:
            lines.append(f"  ... and {len(self) - 5} more")
        return "\n".join(lines)

    def _called(self, row: int, step: int) -> str:
        """What a step is called, if it has a name."""
        if self.step_names is None:
            return ""
        return f' "{visible(self.step_names[row][step]):.30}"'


def explanation_of(
    asked: Asked, values: list[Floats], method: str, *, per_feature: bool = True, **more: Any
) -> Explanation:
    """The explanation of what was asked."""
    symbols, called = asked.model.symbols, None
    if symbols is not None:
        names = StepNames(symbols)
        called = [names(asked.data[i]) for i in asked.samples.tolist()]
    return Explanation(
        values,
        asked.target,
        asked.answers,
        asked.samples,
        asked.steps,
        asked.output.unit,
        method,
        asked.feature_names,
        per_feature,
        step_names=called,
        **more,
    )
