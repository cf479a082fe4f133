"""Every part of the benchmarks can be loaded, and calls a backend by names that it has."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.parts import PARTS, part

FOLDER = Path(__file__).parents[2] / "benchmarks" / "parts"


def test_every_file_is_a_part():
    assert sorted(PARTS) == sorted(f.stem for f in FOLDER.glob("*.py") if f.stem != "__init__")


@pytest.mark.parametrize("name", PARTS)
def test_a_part_measures_and_makes_tables(name):
    module = part(name)
    assert callable(module.measure)
    assert callable(module.sheets)
