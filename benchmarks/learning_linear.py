"""Sequences of symbols in; how well a linear model of their n-grams does, out.

Logistic regression on counts of n-grams, weighted or not, knows what stands in a sequence, and
within n symbols in which order, but not where. Which counts, and how strongly it is penalised, is
chosen for each task by cross-validation over three folds of the training data of seed 0; the
folds' scores are kept, so that a run that was ended goes on with --resume.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from benchmarks.learning_tasks import SEEDS, Split, Task
from benchmarks.machine import machine
from benchmarks.tables import RESULTS
from elman.formats.atomic import replacing

PATH = RESULTS / "learning-linear.json"
N_FOLDS = 3
WINDOW = 2
"""words to either side of the one whose tag is asked for"""
COUNTS, WEIGHTED = "counts", "tf-idf"
VECTORIZERS = {COUNTS: CountVectorizer, WEIGHTED: TfidfVectorizer}


class Candidate(NamedTuple):
    """One kind of linear model."""

    of: str
    """what it counts, in words"""
    weighting: str
    settings: dict[str, Any]
    """of the vectorizer"""
    C: float
    """of `LogisticRegression`, the inverse of the penalty"""

    def __str__(self) -> str:
        return f"{self.weighting} of {self.of}, C={self.C:g}"

    def make(self) -> Pipeline:
        """The model, not yet fitted."""
        features = VECTORIZERS[self.weighting](lowercase=False, **self.settings)
        # Class against the rest by liblinear: on these sparse columns it is many times quicker than
        # lbfgs on all classes at once, which needs so many rounds that a usual tolerance ends it
        # points of accuracy too early.
        one = LogisticRegression(C=self.C, solver="liblinear", max_iter=1000)
        return make_pipeline(features, OneVsRestClassifier(one))


def _each(of: str, settings: dict[str, Any], C: float) -> list[Candidate]:
    """Plain counts with that C; and weighted ones, which are small, with three larger ones."""
    kinds = ((COUNTS, C), (WEIGHTED, 10.0), (WEIGHTED, 30.0), (WEIGHTED, 100.0))
    return [Candidate(of, weighting, settings, penalty) for weighting, penalty in kinds]


LETTERS = {"ngram_range": (1, 4)}
OF_TOKENS = {"preprocessor": list, "tokenizer": list, "token_pattern": None}
OF_JOINED = {"preprocessor": "".join, "analyzer": "char"}
CANDIDATES: dict[str, list[Candidate]] = {
    "letters": [
        *_each("1 to 4 letters", LETTERS | {"analyzer": "char"}, 1.0),
        *_each("1 to 4 letters, ends marked", LETTERS | {"analyzer": "char_wb"}, 1.0),
    ],
    "codons": [
        *_each("1 to 4 letters of DNA", OF_JOINED | {"ngram_range": (1, 4)}, 0.1),
        *_each("1 to 6 letters of DNA", OF_JOINED | {"ngram_range": (1, 6)}, 0.1),
        *_each("1 to 2 codons", OF_TOKENS | {"ngram_range": (1, 2)}, 0.1),
    ],
    "counts": [Candidate("events", COUNTS, OF_TOKENS, 1.0)],
    "windows": [Candidate(f"words, {WINDOW} to either side", COUNTS, OF_TOKENS, 1.0)],
}
"""What the linear models of a task may be."""


def run(tasks: Iterable[Task], *, resume: bool) -> None:
    """Choose, fit and score; every figure is written as soon as it is there."""
    for task in tasks:
        known = _recorded().get(task.name, {})
        of_it = {"about": task.about, "linear": task.linear}
        if not resume or {name: known.get(name) for name in of_it} != of_it:
            known = of_it | {"tried": {}, "scores": {}, "limits": {}}
        candidates = CANDIDATES[task.linear]
        if len(candidates) > 1:
            _try(task, candidates, known)
        chosen = max(candidates, key=lambda c: np.mean(known["tried"].get(str(c), [0.0])))
        known["chosen"] = str(chosen)
        for seed in [0] if task.is_given else SEEDS:
            if str(seed) in known["scores"]:
                continue
            data = task.data(seed)
            known["scores"][str(seed)] = score = _scored(chosen, data)
            if task.limit is not None:
                known["limits"][str(seed)] = task.limit(data)
            _record(task.name, known)
            print(f"{task.name}, {chosen}, seed {seed}: {score:.2f} %", flush=True)


def _try(task: Task, candidates: list[Candidate], known: dict[str, Any]) -> None:
    """Accuracy of each candidate on folds of the training data, in per cent."""
    data = task.data(0)
    X, y = data.X_train, data.y_train
    kind = StratifiedGroupKFold if data.groups else StratifiedKFold
    rows = np.zeros(len(X))  # a splitter only counts them
    folds = list(kind(N_FOLDS, shuffle=True, random_state=0).split(rows, y, data.groups))
    for candidate in candidates:
        scores = known["tried"].setdefault(str(candidate), [])
        for train, test in folds[len(scores) :]:
            start = time.perf_counter()
            parts = (([X[i] for i in rows], [y[i] for i in rows]) for rows in (train, test))
            (X_train, y_train), (X_test, y_test) = parts
            scores.append(_scored(candidate, Split(X_train, y_train, X_test, y_test)))
            _record(task.name, known)
            seconds = time.perf_counter() - start
            print(f"{task.name}, {candidate}: {scores[-1]:.2f} % in {seconds:.0f} s", flush=True)


def _scored(candidate: Candidate, data: Split) -> float:
    """Test accuracy in per cent."""
    as_read: Callable[[Any], Any] = windows if candidate.of.startswith("words") else list
    labels = _flat if candidate.of.startswith("words") else np.asarray
    model = candidate.make().fit(as_read(data.X_train), labels(data.y_train))
    answers = model.predict(as_read(data.X_test))
    return 100 * float(np.mean(answers == labels(data.y_test)))


def windows(sentences: list[list[str]]) -> list[list[str]]:
    """For each word of all sentences the words around it, each with where it stands."""
    return [
        [
            f"{offset:+d} {sentence[t + offset]}"
            for offset in range(-WINDOW, WINDOW + 1)
            if 0 <= t + offset < len(sentence)
        ]
        for sentence in sentences
        for t in range(len(sentence))
    ]


def _flat(tags: list[list[str]]) -> Any:
    return np.concatenate([np.asarray(of_sentence) for of_sentence in tags])


def _recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PATH.read_text())["tasks"] if PATH.exists() else {}
    return found


def _record(name: str, known: dict[str, Any]) -> None:
    """What is known of a task into the JSON, which is whole whenever the run is ended."""
    tasks = _recorded() | {name: known}
    with replacing(PATH) as file:
        whole = {"machine": machine("numpy", "scikit-learn"), "tasks": tasks}
        file.write((json.dumps(whole, indent=1) + "\n").encode())
