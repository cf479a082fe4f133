"""Records of two builds in; what is equal, what differs and in what, out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.bits.cases import AXES, Case
from benchmarks.bits.values import Record

EQUAL, DIFFERS, EXCEPTED, NEWER, FAILED = "equal", "differs", "excepted", "newer format", "failed"
OUTCOMES = (EQUAL, DIFFERS, EXCEPTED, NEWER, FAILED)
BAD = (DIFFERS, FAILED)


class Finding(NamedTuple):
    """What came of one configuration in one comparison."""

    case: Case
    outcome: str
    details: tuple[str, ...] = ()
    """what differs, a line for each group of values"""


class Exceptions:
    """Differences that are known and meant.

    Parameters
    ----------
    text : str
        Exceptions with commas between. Each is one condition or several with + between, and a
        condition is AXIS=VALUE: readout=mean+dtype=float32,special=files. The axis "result"
        has the group of values that may differ: result=checkpoint.

    Raises
    ------
    ValueError
        It is not of that form, or an axis has no such value.
    """

    def __init__(self, text: str = "") -> None:
        self._each = [_conditions(part) for part in text.split(",") if part]

    def allow(self, case: Case, group: str) -> bool:
        """Whether values of that group may differ in that configuration."""
        values = case.axes | {"result": group}
        return any(
            all(values.get(axis) == value for axis, value in conditions.items())
            for conditions in self._each
        )


def _conditions(text: str) -> dict[str, str]:
    conditions = {}
    for condition in text.split("+"):
        axis, equals, value = condition.partition("=")
        known = axis in ("result", "special") or (axis in AXES and value in AXES[axis])
        if not equals or not known:
            axes = "; ".join(f"{name}: {', '.join(values)}" for name, values in AXES.items())
            raise ValueError(
                f"{condition!r} is not AXIS=VALUE with one of these, or with the axis special or "
                f"result: {axes}"
            )
        conditions[axis] = value
    return conditions


def compare(case: Case, one: Record, other: Record, exceptions: Exceptions) -> Finding:
    """Two records of one configuration.

    Parameters
    ----------
    case : Case
    one, other : Record
        Of the older and of the newer build.
    exceptions : Exceptions

    Returns
    -------
    Finding
        Equal, different, different as excepted, or failed if an error came up in either.
    """
    errors = {
        which: record.notes["error"]
        for which, record in (("OLD", one), ("NEW", other))
        if "error" in record.notes
    }
    if errors:
        return Finding(case, FAILED, tuple(f"{which}: {text}" for which, text in errors.items()))
    one, other = _without_names(one, other)
    added = [name for name in other.digests if name not in one.digests]
    names = [*one.digests, *(name for name in added if not _new_column(name))]
    differing = [name for name in names if one.digests.get(name) != other.digests.get(name)]
    if not differing:
        return Finding(case, EQUAL)
    allowed = all(exceptions.allow(case, _group(name)) for name in differing)
    details = [f"first: {differing[0]}"]
    counts = Counter(map(_group, names))
    for group, n_differing in Counter(map(_group, differing)).items():
        some = [name for name in differing if _group(name) == group]
        details.append(
            f"{group}: {n_differing} of {counts[group]} differ{_by_how_much(some, one, other)}"
        )
    return Finding(case, EXCEPTED if allowed else DIFFERS, tuple(details))


def compare_reading(
    case: Case, own: Record, others: Record, exceptions: Exceptions, *, older_reads: bool
) -> Finding:
    """What one build made of the other's files, and what their writer made of them.

    Parameters
    ----------
    case : Case
    own : Record
        Of the build that wrote the files.
    others : Record
        Of the build that did not.
    exceptions : Exceptions
    older_reads : bool
        Whether the other one is the older build: it may refuse files of a format that is newer
        than its own.

    Returns
    -------
    Finding
    """
    if older_reads and "error" in others.notes and "error" not in own.notes:
        own_format, read_format = own.notes.get("format"), others.notes.get("format of its own")
        if own_format and read_format and int(own_format) > int(read_format):
            text = f"format {own_format}, and OLD writes {read_format}: {others.notes['error']}"
            return Finding(case, NEWER, (text.splitlines()[0],))
    pair = (others, own) if older_reads else (own, others)
    return compare(case, *pair, exceptions)


def _without_names(one: Record, other: Record) -> tuple[Record, Record]:
    """The same records, but of checkpoints of two formats only the arrays, named by content.

    Another format may call its arrays by other names, and have other parts beside them.
    """
    if one.notes.get("checkpoint's format") == other.notes.get("checkpoint's format"):
        return one, other
    return _by_content(one), _by_content(other)


def _by_content(record: Record) -> Record:
    renamed = Record()
    for name, digest in record.digests.items():
        if _group(name) == "checkpoint":
            if record.numbers[name].size == 0:
                continue
            name = f"checkpoint/{digest}"
        renamed.digests[name] = digest
        renamed.numbers[name] = record.numbers.get(name, np.empty(0))
    return renamed


def _new_column(name: str) -> bool:
    """Whether it is a column of a history: what the older build did not record cannot differ."""
    return _group(name).endswith("history")


def _group(name: str) -> str:
    return name.partition("/")[0]


def _by_how_much(names: Sequence[str], one: Record, other: Record) -> str:
    """Of the values that can be subtracted the largest difference."""
    worst, of = 0.0, 0.0
    for name in names:
        a, b = one.numbers.get(name), other.numbers.get(name)
        if a is None or b is None:
            return f", {name} is in one only"
        if a.shape != b.shape:
            return f", {name} has {a.size} numbers in OLD and {b.size} in NEW"
        both = np.isfinite(a) & np.isfinite(b)
        difference = np.abs(a[both] - b[both])
        if difference.size and difference.max() >= worst:
            worst, of = float(difference.max()), float(np.abs(a[both]).max())
    if worst == 0:
        return ", in other things than finite numbers, or in their types"
    return f", by at most {worst:.1e} where the largest is {of:.1e}"


def in_common(findings: Iterable[Finding]) -> list[str]:
    """What bad findings have in common: values of axes with which all configurations are bad.

    Returns
    -------
    list of str
        At most three lines, the most telling first; none if nothing is bad, or if nothing tells the
        bad from the good.
    """
    findings = [finding for finding in findings if "special" not in finding.case.axes]
    bad = [finding for finding in findings if finding.outcome in BAD]
    lines: list[tuple[int, str]] = []
    for axis, values in AXES.items():
        for value in values:
            having = [f for f in findings if f.case.axes[axis] == value]
            n_bad = sum(finding.outcome in BAD for finding in having)
            if 1 < n_bad == len(having) < len(findings):
                only = " and no other" if n_bad == len(bad) else f", of {len(bad)} in all"
                lines.append((n_bad, f"all {n_bad} with {axis}={value} differ{only}"))
    return [line for _, line in sorted(lines, key=lambda line: -line[0])[:3]]
