"""Names of features: which columns have them, and the errors and warnings where they differ.

A column is read by its place, so that the same columns in another order would be other features.
The rules and their first sentences are scikit-learn's for a two-dimensional data frame.
"""

from __future__ import annotations

import datetime
import numbers
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from elman.targets.callers import warn_caller
from elman.targets.checks import shown, visible

Names = tuple[str, ...]
Labels = tuple[Any, ...]
"""What a table calls its columns, which need not be strings."""

MOST_NAMES = 20
"""Names that an error lists."""
MOST_CHARACTERS = 300
"""Characters of the names that an error lists."""
MOST_DIFFERENCES = 5
"""Names that an error lists of those that are missing, and of those that nobody knows."""


def names_of(labels: Labels | None, place: str = "") -> Names | None:
    """The names of a table's columns, if they are names.

    Parameters
    ----------
    labels : tuple or None
        What the table calls its columns; None if it has no way to.
    place : str
        Which table it is, as an error about it ends: "sample 3 of X".

    Returns
    -------
    tuple of str or None
        None unless every label is a string.

    Raises
    ------
    TypeError
        Some are strings and some are not; or they are tuples, which nothing would compare.
    ValueError
        Two columns have one name, so that it says of neither which it is.

    Warns
    -----
    UserWarning
        The labels are numbers or dates in an order other than their own. Nobody compares them, as
        nobody compares those of arrays.
    """
    if not labels:
        return None
    kinds = sorted({type(label).__qualname__ for label in labels})
    if kinds == ["str"]:
        twice = first_repeated(labels)
        if twice is not None:
            raise ValueError(
                f"{place or 'the table'} has {shown(twice)} twice among the names of its columns, "
                "which does not tell them apart: rename one of them, or leave it out"
            )
        return labels
    if any(isinstance(label, tuple) for label in labels):
        first = next(label for label in labels if isinstance(label, tuple))
        raise TypeError(
            f"{place or 'the table'} has columns that are called by tuples, such as {shown(first)} "
            "(a MultiIndex of pandas), and only names that are strings are kept and compared: join "
            'them, by frame.columns = ["_".join(map(str, c)) for c in frame.columns]'
        )
    if not _in_order(labels):
        warn_caller(
            f"{place or 'the table'} has columns that are called by numbers or dates, in "
            f"the order {listed(labels)}: they are read by position, and nothing compares them "
            "with those of other data. Sort the columns, or give them names (strings), which are "
            "compared",
        )
    if "str" in kinds:
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your "
            f"input has {kinds} as feature name / column name types. If you want feature names to "
            "be stored and validated, you must convert them all to strings, by using X.columns = "
            "X.columns.astype(str) for example. Otherwise you can remove feature / column names "
            "from your input data, or convert them all to a non-string data type."
            + (f" The input is {place}." if place else "")
        )
    return None


def shared_names(labels: Sequence[Labels | None], name: str) -> Names | None:
    """The names that all samples of a list have.

    Parameters
    ----------
    labels : sequence of (tuple or None)
        For each sample what it calls its columns; None for an array.
    name : str
        What errors call the list.

    Raises
    ------
    ValueError
        Samples have other names, the same in another order, or none beside others that have some;
        says which sample, and how to put it right.
    TypeError
        A sample has names of which some are not strings.
    """
    if len({id(each) for each in labels}) == 1 or len(set(labels)) == 1:
        return names_of(labels[0], f"sample 0 of {name}")
    first: dict[Labels | None, int] = {}
    for i, each in enumerate(labels):
        first.setdefault(each, i)
    named = {each: names_of(each, f"sample {i} of {name}") for each, i in first.items()}
    of_samples = [named[each] for each in labels]
    counts = Counter(of_samples)
    if len(counts) == 1:
        _refuse_turned(first, name)
        return None
    usual = max(counts, key=lambda names: (names is not None, counts[names]))
    assert usual is not None  # there are two, and only one can be None
    at = of_samples.index(usual)
    odd = next(i for i, names in enumerate(of_samples) if names != usual)
    if of_samples[odd] is None:
        raise ValueError(
            f"{name}: sample {odd} has no names for its columns, but sample {at} has "
            f"{listed(usual)}, so that nobody can tell whether their order is the same. Pass every "
            "sample as a data frame, or every one as an array, which a frame becomes by "
            f"frame[{_literal(usual, f'list({name}[{at}].columns)')}].to_numpy()"
        )
    other = of_samples[odd] or ()
    missing = [each for each in usual if each not in other]
    unknown = [each for each in other if each not in usual]
    differences = [f"it has no {listed(missing)}"] * bool(missing)
    differences += [f"only it has {listed(unknown)}"] * bool(unknown)
    raise ValueError(
        f"{name}: sample {odd} has the columns {listed(other)}, but sample {at} has "
        f"{listed(usual)}: every sample needs the same features in the same order"
        + "".join(f"; {each}" for each in differences)
        + ". Take the columns of every sample by name: "
        f"frame[{_literal(usual, f'list({name}[{at}].columns)')}]"
    )


def agreed_names(
    labels: Sequence[Labels | None], expected: Names | None, name: str, estimator: str
) -> Names | None:
    """The names that all samples of a list have.

    Parameters
    ----------
    labels : sequence of (tuple or None)
        For each sample what it calls its columns; None for an array.
    expected : tuple of str or None
        The names that a fitted estimator knows: a sample that has others is refused for that.
    name, estimator : str
        What errors call the list, and the estimator.

    Raises
    ------
    TypeError, ValueError
        As `check_names` and `shared_names`.
    """
    if expected is not None:
        for other in {*labels} - {None, expected}:
            i = labels.index(other)
            seen = names_of(other, f"sample {i} of {name}")
            if seen is not None:
                check_names(seen, expected, name=name, sample=i, estimator=estimator)
    return shared_names(labels, name)


def check_names(
    seen: Names | None, expected: Names | None, *, name: str, sample: int | None, estimator: str
) -> None:
    """Whether the columns of X are called as those that an estimator was fitted on.

    Parameters
    ----------
    seen, expected : tuple of str or None
        The names of X, and those of the data it was fitted on.
    name : str
        What errors call X.
    sample : int or None
        Which sample of a list has these names; None if X is one table.
    estimator : str
        What errors call the estimator.

    Raises
    ------
    ValueError
        They are others, or in another order.

    Warns
    -----
    UserWarning
        One of the two has names, and the other has none.
    """
    if seen == expected:
        return
    if expected is None:
        warn_caller(
            f"{name} has feature names, but {estimator} was fitted without feature names",
        )
        return
    if seen is None:
        warn_caller(
            f"{name} does not have valid feature names, but {estimator} was fitted with feature "
            "names",
        )
        return
    unknown, missing = sorted(set(seen) - set(expected)), sorted(set(expected) - set(seen))
    lines = ["The feature names should match those that were passed during fit."]
    if unknown:
        lines += ["Feature names unseen at fit time:", *_bullets(unknown)]
    if missing:
        lines += ["Feature names seen at fit time, yet now missing:", *_bullets(missing)]
    if not unknown and not missing:
        lines.append("Feature names must be in the same order as they were in fit.")
    whose = name if sample is None else f"{name}: sample {sample}"
    lines.append(f"{whose} has the columns {listed(seen)}; {estimator} was fitted on")
    literal = _literal(expected, "list(feature_names_in_)")
    lines[-1] += f" {listed(expected)}. Take them by name: frame[{literal}]"
    raise ValueError("\n".join(lines))


def listed(names: Iterable[str]) -> str:
    """Names in an error message: no more of them than a reader can compare."""
    return ", ".join(_cut(map(shown, names)))


def first_repeated(names: Iterable[str]) -> str | None:
    """The first name that is there a second time; None if each is there once."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _cut(texts: Iterable[str]) -> list[str]:
    out: list[str] = []
    n_characters = 0
    for text in texts:
        n_characters += len(text) + 2
        if len(out) == MOST_NAMES or (out and n_characters > MOST_CHARACTERS):
            return [*out, "..."]
        out.append(text)
    return out


def _literal(names: Names, otherwise: str) -> str:
    """Python's list of the names, or what else gives it where that would be long."""
    texts = [repr(name) for name in names]
    return f"[{', '.join(texts)}]" if _cut(texts) == texts else otherwise


def _in_order(labels: Labels) -> bool:
    """Whether labels are not all numbers, or all dates, in an order other than their own."""
    for kind in (numbers.Real, datetime.date, np.datetime64):
        if all(isinstance(label, kind) for label in labels):
            return list(labels) == sorted(labels)
    return True


def _bullets(names: list[str]) -> list[str]:
    texts = [*map(visible, names[:MOST_DIFFERENCES])]
    cut = [text if len(text) <= 60 else text[:57] + "..." for text in texts]
    return [f"- {name}" for name in [*cut, *["..."] * (len(names) > MOST_DIFFERENCES)]]


def _refuse_turned(first: dict[Labels | None, int], name: str) -> None:
    """Columns that are numbered, not named, may differ; but not be the same in another order."""
    seen: dict[frozenset[Any], Labels] = {}
    for labels, i in first.items():
        if labels is None:
            continue
        other = seen.setdefault(frozenset(labels), labels)
        if other != labels:
            raise ValueError(
                f"{name}: sample {i} has the columns {listed(labels)}, but sample {first[other]} "
                f"has them in the order {listed(other)}: every sample needs the same features in "
                f"the same order: [frame[{list(other)!r:.200}] for frame in {name}]"
            )
