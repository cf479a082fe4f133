"""Settings in; the same with what estimators had as their defaults when results were recorded, out.

Comparisons set these, so that they stay the same work whatever the defaults become.
"""

from __future__ import annotations

import inspect
from typing import Any

EARLIER: dict[str, Any] = {"deltas": 0, "stride": 1, "max_iter": 60, "batch_size": 32}
OF_REGRESSOR: dict[str, Any] = {"readout": "max", "max_grad_norm": 1.0}
"""What was the default of a regressor, too, and is now that of the others alone."""


def as_recorded(estimator: Any, **settings: Any) -> dict[str, Any]:
    """Settings of an estimator, beside `EARLIER`; without what an older build's does not have."""
    earlier = EARLIER | (OF_REGRESSOR if estimator.__name__ == "RNNRegressor" else {})
    names = inspect.signature(estimator).parameters
    return {name: earlier[name] for name in earlier if name in names} | settings
