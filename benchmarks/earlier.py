"""Settings in; the same with what estimators had as their defaults when results were recorded, out.

Comparisons set these, so that they stay the same work whatever the defaults become.
"""

from __future__ import annotations

import inspect
from typing import Any

EARLIER: dict[str, Any] = {"deltas": 0, "stride": 1, "max_iter": 60, "batch_size": 32}


def as_recorded(estimator: Any, **settings: Any) -> dict[str, Any]:
    """Settings of an estimator, beside `EARLIER`; without what an older build's does not have."""
    names = inspect.signature(estimator).parameters
    return {name: EARLIER[name] for name in EARLIER if name in names} | settings
