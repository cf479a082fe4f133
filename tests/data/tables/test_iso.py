"""Times as text: what is read, to which nanosecond, and what is refused with its row."""

from __future__ import annotations

import numpy as np
import pytest

from elman.data.tables import iso
from elman.data.tables.iso import NotATimeError, iso_times


def times(*texts):
    return iso_times(np.array(texts, object))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2024-03-01", "2024-03-01"),
        ("2024-03-01 12:30", "2024-03-01T12:30"),
        ("2024-03-01T12:30:05", "2024-03-01T12:30:05"),
        (" 2024-03-01T12:30:05.25 ", "2024-03-01T12:30:05.25"),
        ("2024-03-01T12:30:05.123456789", "2024-03-01T12:30:05.123456789"),
        ("2024-03-01T12:30:05Z", "2024-03-01T12:30:05"),
        ("2024-03-01T00:30:05+01:00", "2024-02-29T23:30:05"),
        ("2024-03-01T12:30:05.5-0930", "2024-03-01T22:00:05.5"),
        ("2024-03-01 12:30+05", "2024-03-01T07:30"),
    ],
)
def test_what_is_read(text, same):
    assert times(text).tolist() == np.array([same], "datetime64[ns]").tolist()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("01.03.2024", "not a date"),
        ("20240301", "not a date"),
        ("now", "not a date"),
        ("NaT", "not a date"),
        ("2024-03-01T12:30:05.1234567891", "not a date"),
        ("2024-03-01T12:30:05+01:00", "has a time zone, where the first row has none"),
        ("2023-02-29", "is no time"),
        ("2024-03-01T25:00", "is no time"),
        ("1500-03-01", "is no time .*outside the years"),
        ("٢٠٢٤-03-01", "not a date"),
    ],
)
@pytest.mark.parametrize("before", [2, 5])
def test_what_is_refused_with_its_row(text, reason, before, monkeypatch):
    monkeypatch.setattr(iso, "BLOCK", 3)
    with pytest.raises(NotATimeError, match=reason) as caught:
        times(*["2024-02-28"] * before, text, "2024-03-02")
    assert caught.value.row == before


def test_blocks_are_joined(monkeypatch):
    texts = [f"2024-03-0{day}T00:00:00+0{day}:00" for day in range(1, 8)]
    whole = times(*texts)
    monkeypatch.setattr(iso, "BLOCK", 3)
    assert times(*texts).tolist() == whole.tolist()
