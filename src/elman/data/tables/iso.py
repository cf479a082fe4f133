"""Times as text in, datetime64[ns] in UTC out: ISO 8601, to the nanosecond."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.tables.plain import nanoseconds

Array = NDArray[Any]

ISO = re.compile(
    r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?)(Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
"""The date with its time of day, and the time zone."""

BLOCK = 1 << 14
"""Texts converted at once, so that an array of fixed width stays small."""


class NotATimeError(ValueError):
    """A text is no time of ISO 8601: `row` says which, and `reason` what is wrong with it."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row
        self.reason = reason


def iso_times(texts: Array) -> Array:
    """Text such as "2024-03-01", "2024-03-01 12:30" or "2024-03-01T12:30:00.25+01:00" as times.

    Parameters
    ----------
    texts : ndarray of str objects, of shape (n,)
        None of them missing. All have a time zone, or none has.

    Returns
    -------
    ndarray of shape (n,), datetime64[ns]
        In UTC; what has no time zone is kept as it stands.

    Raises
    ------
    NotATimeError
        A text is something else, a day that the calendar does not have, or is the only one with, or
        without, a time zone.
    """
    found = np.empty(len(texts), "datetime64[ns]")
    zoned: bool | None = None
    for start in range(0, len(texts), BLOCK):
        block = [ISO.fullmatch(text.strip()) for text in texts[start : start + BLOCK]]
        for i, match in enumerate(block):
            if match is None:
                raise NotATimeError(start + i, "is not a date or time of ISO 8601")
            if zoned is None:
                zoned = match[2] is not None
            elif zoned != (match[2] is not None):
                has, other = ("a", "none") if match[2] else ("no", "one")
                raise NotATimeError(
                    start + i, f"has {has} time zone, where the first row has {other}"
                )
        found[start : start + BLOCK] = _converted([m[1] for m in block if m], start)
        if zoned:
            offsets = [_minutes(match[2]) for match in block if match]
            found[start : start + BLOCK] -= np.array(offsets, "timedelta64[m]")
    return found


def _converted(texts: list[str], start: int) -> Array:
    try:
        return _exact(texts)
    except ValueError:
        for i, text in enumerate(texts):
            try:
                _exact([text])
            except ValueError as error:
                raise NotATimeError(start + i, f"is no time ({error})") from error
        raise


def _exact(texts: list[str]) -> Array:
    # Whole seconds say whether nanoseconds, which would wrap around silently, reach so far.
    nanoseconds(np.array([text[:19] for text in texts], "datetime64[s]"))
    return np.array(texts, "datetime64[ns]")


def _minutes(zone: str) -> int:
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    minutes = 60 * int(digits[:2]) + int(digits[2:] or 0)
    return -minutes if zone[0] == "-" else minutes
