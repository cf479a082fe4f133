"""A fit, or a pipeline that ends in one, in; what tells two trainings apart, out."""

from __future__ import annotations

from typing import Any

from elman.nn.optimizers import Adam

EACH = ("classifier", "tagger", "regressor", "regressor of steps")


def last(fit):
    return fit[-1] if hasattr(fit, "steps") else fit


def bits(fit):
    network, history = last(fit).network_, last(fit).history_
    return network.params.flat.tobytes(), history.loss, history.learning_rate


def taken(monkeypatch, fit) -> tuple[int, Any]:
    """The steps that the optimizer takes in a fit, and what was fitted."""
    steps, step = [], Adam.step

    def counting(self, *arguments):
        steps.append(1)
        return step(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Adam, "step", counting)
        made = fit()
    return len(steps), made
