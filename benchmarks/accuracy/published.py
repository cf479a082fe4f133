"""Scores that others published for the official splits, in per cent, and where.

Only figures that were read in the file named beside them. Of JapaneseVowels, whose recordings are
of unequal length, of Tecator and of the digits there are none: none could be checked.
"""

from __future__ import annotations

from typing import NamedTuple


class Source(NamedTuple):
    """Figures of one method from one place."""

    about: str
    citation: str
    scores: dict[str, float]


RUIZ = (
    "A. P. Ruiz and others: The great multivariate time series classification bake off, Data "
    "Mining and Knowledge Discovery 35, 2021; results/tsml/MultivariateDefaultTrainTest.csv of "
    "github.com/time-series-machine-learning/tsml-eval"
)
COVID_VARIANCE = 0.0019913016185886443
"""Of the targets of Covid3Month's test split: a published error becomes R^2"""

ROCKET = (
    Source(
        "ROCKET: 10,000 random convolutions and a ridge classifier, the mean of ten runs",
        "A. Dempster, F. Petitjean, G. I. Webb: ROCKET, Data Mining and Knowledge Discovery 34, "
        "2020; results/results_ucr.csv of github.com/angus924/rocket",
        {
            "ItalyPowerDemand": 96.958212,
            "GunPoint": 100.0,
            "ArrowHead": 81.428571,
            "OSULeaf": 94.090909,
            "Trace": 100.0,
            "Coffee": 100.0,
            "ACSF1": 88.6,
        },
    ),
    Source("one run on BasicMotions", RUIZ, {"BasicMotions": 100.0}),
)
DTW = (
    Source(
        "Nearest neighbour: the nearest under dynamic time warping, its window learned on the "
        "training split",
        "H. A. Dau and others: The UCR Time Series Archive, IEEE/CAA Journal of Automatica Sinica "
        "6, 2019; DTW (learned_w) in the archive's DataSummary.csv, which lists errors",
        {
            "ItalyPowerDemand": 95.53,
            "GunPoint": 91.33,
            "ArrowHead": 80.0,
            "OSULeaf": 61.16,
            "Trace": 99.0,
            "Coffee": 100.0,
            "ACSF1": 62.0,
        },
    ),
    Source("DTW_D on BasicMotions", RUIZ, {"BasicMotions": 97.5}),
    Source(
        "five neighbours on Covid3Month",
        "D. Guijo-Rubio and others: Unsupervised feature based algorithms for time series "
        "extrinsic regression, arXiv 2305.01429, 2023; results/regression/5NN-DTW_RMSE.csv of "
        "github.com/time-series-machine-learning/tsml-eval, fold 0, which lists errors",
        {"Covid3Month": 100 * (1 - 0.041965338741943754**2 / COVID_VARIANCE)},
    ),
)
METHODS = {"ROCKET": ROCKET, "nearest neighbour": DTW}


def score(method: str, name: str) -> float | None:
    """Of a method on a data set, in per cent."""
    found = (source.scores[name] for source in METHODS[method] if name in source.scores)
    return next(found, None)


def citations() -> str:
    """Which method is what, and from where."""
    return " ".join(
        f"{'; '.join(f'{each.about} ({each.citation})' for each in sources)}."
        for sources in METHODS.values()
    )
