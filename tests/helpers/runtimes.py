"""What tests of other runtimes share: they need packages and programs that may not be there."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(what) -> NoReturn:
    """Skip a test for what is not installed; with ELMAN_REQUIRE_RUNTIMES=1 that is a failure."""
    if os.environ.get("ELMAN_REQUIRE_RUNTIMES") == "1":
        pytest.fail(f"{what} is not there, and ELMAN_REQUIRE_RUNTIMES=1 asks for it")
    pytest.skip(f"{what} is not there")
