"""A fitted model and recordings with their answers in; a page that says how good it is, out."""

from __future__ import annotations

import datetime
import html
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elman.formats.atomic import replacing
from elman.models.fitted import fitted
from elman.reporting.facts import report_facts
from elman.reporting.page import GENERATOR, page

SUFFIXES = (".html", ".htm")


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """What `elman.report` found: numbers, and a page that shows them."""

    facts: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """All numbers of the report, in plain values that JSON can hold; NaN is None."""
        copied: dict[str, Any] = json.loads(self.to_json())
        return copied

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(self.facts, indent=1, allow_nan=False) + "\n"

    def to_html(self) -> str:
        """The page: one HTML text that needs no script and no other file."""
        return page(self.facts)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page, and the numbers as JSON beside it.

        An earlier report of the same name is replaced; any other file is not.

        Parameters
        ----------
        path : path-like
            Of the page, with the suffix .html. The numbers go to the same name with .json.

        Raises
        ------
        ValueError
            Another suffix.
        FileExistsError
            There is another kind of file of one of the two names.
        OSError
            One of them cannot be written. It is as it was before; the other one may be new.

        Notes
        -----
        Both are whole on the disk before either takes its name, and each takes its name in one
        step. Whoever ends the process between these two steps finds new numbers beside an older
        page.
        """
        page_path, json_path = paths(path)
        for one in (page_path, json_path):
            refuse_other_files(one)
        if os.path.realpath(page_path) == os.path.realpath(json_path):
            raise FileExistsError(
                f"{json_path}: is a link to the page, whose place the numbers would take; remove "
                "it, or name the report otherwise"
            )
        content = self.to_html().encode()
        numbers = self.to_json().encode()
        with replacing(page_path) as page_file, replacing(json_path) as json_file:
            page_file.write(content)
            json_file.write(numbers)

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that its style stays there."""
        inside = html.escape(self.to_html(), quote=True)
        return (
            f'<iframe srcdoc="{inside}" sandbox title="{html.escape(self.facts["title"])}" '
            'style="width:100%;height:44rem;border:1px solid #8884;border-radius:6px"></iframe>'
        )

    def __repr__(self) -> str:
        main = self.facts["scores"]["main"]
        value = self.facts["scores"]["values"][main]["value"]
        told = "not defined" if value is None else f"{value:.4g}"
        n = self.facts["data"]["n_recordings"]
        return f"<Report on {n} recording(s): {main} {told}; save(path) writes it>"


def report(
    given: Any,
    X: Any,
    y: Any = None,
    *,
    path: str | os.PathLike[str] | None = None,
    X_train: Any = None,
    y_train: Any = None,
    ids: Sequence[Any] | None = None,
    title: str | None = None,
    date: str | datetime.date | None = None,
    n_resamples: int = 1000,
    random_state: int = 0,
) -> Report:
    """Judge a fitted model on recordings that it was not trained on, on one page.

    The page says what the model is, what the recordings are and how far they are from those of
    training, what simple rules reach on them, how good the model is, with intervals, for which
    classes, lengths and probabilities, how its training went, and what its answers to a few
    recordings rest on. It needs no script, no other file and no network, and may be printed.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
        Fitted. A `TrainedModel` lacks the record of its training.
    X : array-like
        Sequences, in a form that the model takes; a store of any size.
    y : array-like
        Their labels or numbers, as in training. By default those of X, if X is a store.
    path : path-like, optional
        Where to write the page, as `Report.save` does; nothing is written by default.
    X_train, y_train : array-like, optional
        The training data. Simple rules then learn from it; without it they are cross-validated on
        X. Recordings of X that it holds as well are pointed out.
    ids : sequence of shape (n_samples,), optional
        What recordings are called. By default those of X, if X is a store.
    title : str, optional
        The heading.
    date : str or datetime.date, optional
        A date to show. By default there is none, so that the same arguments give the same bytes.
    n_resamples : int, default=1000
        Bootstrap resamples behind each interval, at least 100.
    random_state : int, default=0
        Seed of the intervals and of the parts of the cross-validation.

    Returns
    -------
    Report

    Raises
    ------
    TypeError, ValueError
        An argument that cannot be used; names it and the fix.
    FileExistsError, OSError
        As `Report.save` does, but before anything is computed where that can be known.

    Examples
    --------
    >>> import numpy as np
    >>> import elman
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 7, 2))
    >>> y = np.where(X[:, 0, 0] > 0, "up", "down")
    >>> clf = elman.RNNClassifier(hidden_size=4, max_iter=2, random_state=0).fit(X[:40], y[:40])
    >>> told = elman.report(clf, X[40:], y[40:], X_train=X[:40], y_train=y[:40])
    >>> told.to_dict()["data"]["n_recordings"]
    20
    >>> told.to_html().startswith("<!DOCTYPE html>")
    True
    """
    if (X_train is None) and (y_train is not None):
        raise ValueError("y_train was passed without X_train: pass both, or neither")
    _check_whole("n_resamples", n_resamples, 100)
    _check_whole("random_state", random_state, 0)
    if path is not None:
        for one in paths(path):
            refuse_other_files(one)
    facts = report_facts(
        fitted(given),
        X,
        y,
        training=None if X_train is None else (X_train, y_train),
        ids=ids,
        title=title,
        date=None if date is None else str(date),
        n_resamples=int(n_resamples),
        seed=int(random_state),
    )
    found = Report(facts)
    if path is not None:
        found.save(path)
    return found


def _check_whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise ValueError(f"{name}={value!r} must be a whole number, at least {least}")


def paths(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Where the page and the numbers of a report go.

    Raises
    ------
    ValueError
        The suffix is not that of a page.
    """
    page_path = Path(path)
    if page_path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{page_path}: a report is a page: name it {page_path.stem}.html")
    return page_path, page_path.with_suffix(".json")


def refuse_other_files(path: Path) -> None:
    """Raise FileExistsError if there is a file that is not part of a report."""
    if not path.exists():
        return
    if not path.is_file() or not is_of_report(path):
        raise FileExistsError(
            f"{path}: exists and is not a report that elman wrote; name the report otherwise"
        )


def is_of_report(path: Path) -> bool:
    """Whether a file is the page of a report, or its numbers."""
    with open(path, "rb") as file:
        start = file.read(2000)
    if path.suffix.lower() in SUFFIXES:
        return f'<meta name="generator" content="{GENERATOR}">'.encode() in start
    return start.startswith(b'{\n "what": "' + GENERATOR.encode() + b'"')
