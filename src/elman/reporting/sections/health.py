"""The numbers of a report in; a table of gauges of the network, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.reporting.html import number, percent, table, text

Fact = dict[str, Any]


def health_section(facts: Fact) -> Sequence[str]:
    """Saturation, spectral radii and the norm of the gradient, each with what it is."""
    told = facts["health"]
    saturated, norm = told["saturated"], told["gradient_norm"]
    rows = [
        [
            "saturated gates and states",
            percent(saturated),
            "share without a derivative to speak of, on "
            f"{told['n_probed']} of these recordings; near 100 % such a network learns nothing "
            "more",
        ]
    ]
    for layer, radius in told["spectral_radius"].items():
        rows.append(
            [
                f"spectral radius, {text(layer)}",
                number(radius),
                "of the weights from state to state; far above 1 gradients may explode, far below "
                "they vanish",
            ]
        )
    if norm is not None:
        rows.append(
            [
                "norm of the gradient",
                number(norm["last"]),
                f"in the last epoch, before clipping; {number(norm['first'])} in the first, "
                f"{number(norm['largest'])} at most",
            ]
        )
    return [table("Gauges", ["gauge", "value", "what it is"], rows, words=(0, 2))]
