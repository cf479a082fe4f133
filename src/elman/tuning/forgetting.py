"""Candidates in; their states on disk gone."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from elman.tuning.candidates import Candidate
from elman.tuning.trial import Material, state_folders


def forget(material: Material, candidates: Sequence[Candidate]) -> None:
    """Remove the states of candidates that are not trained any further."""
    for candidate in candidates:
        for path in Path(material.folder).glob(state_folders(candidate.number)):
            shutil.rmtree(path)
