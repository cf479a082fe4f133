"""A fitted model of each kind."""

from __future__ import annotations

import pytest
from helpers.explained import MODELS


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]()
