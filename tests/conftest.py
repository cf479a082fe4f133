"""Fixtures shared by the tests: every backend and instruction set, and a seeded generator."""

from __future__ import annotations

import numpy as np
import pytest

from elman.backends import available_isas, get_backend

BACKENDS = ["reference", *(f"native-{isa}" for isa in available_isas())]


def make_backend(name: str, n_threads: int = 1):
    kind, _, isa = name.partition("-")
    if kind == "native":
        from elman.backends.native import NativeBackend

        # Eager, or the small sizes of the tests would never leave one thread.
        return NativeBackend(n_threads=n_threads, isa=isa or None, eager_threads=True)
    return get_backend(kind)


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Each available backend, the native one once for each instruction set."""
    return make_backend(request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)
