"""Fixtures shared by the tests: every backend and instruction set, and a seeded generator."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from helpers.backends import BACKENDS, make_backend

# A shell that starts the tests in the background has them ignore Ctrl-C, which some of them send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Each available backend, the native one once for each instruction set."""
    return make_backend(request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)
