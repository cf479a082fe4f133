"""Fixtures shared by the tests: every backend and instruction set, and a seeded generator."""

from __future__ import annotations

import numpy as np
import pytest

from elman.backends import available_isas, get_backend

BACKENDS = ["reference", *(f"native-{isa}" for isa in available_isas())]


def make_backend(name: str, n_threads: int = 1):
    kind, _, isa = name.partition("-")
    return get_backend(kind, n_threads=n_threads, isa=isa or None)


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Each available backend, the native one once for each instruction set."""
    return make_backend(request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)
