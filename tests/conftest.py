"""Fixtures shared by the tests: every backend and instruction set, and a seeded generator."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.backends import BACKENDS, make_backend


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Each available backend, the native one once for each instruction set."""
    return make_backend(request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)
