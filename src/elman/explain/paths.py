"""Recordings in; the network's answers to them, with the gradient of each at its inputs, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.explain.asked import Asked
from elman.nn.network import Network

Array = NDArray[Any]
Floats = NDArray[np.float64]

ROWS = 64
"""recordings in a batch"""
BATCH_VALUES = 1 << 22
"""values that a batch and all states of it may hold together"""


@dataclass(frozen=True, eq=False)
class Gradients:
    """A network in float64, which gives explained numbers and their gradients.

    The numbers are the model's, to its own rounding; in float64 the sum of an integral is not
    blurred by it.
    """

    asked: Asked
    network: Network

    @classmethod
    def of(cls, asked: Asked, network: Network | None = None) -> Gradients:
        """Of the network that is asked, or of one that takes other inputs in its place."""
        network = network or asked.network
        flat = network.params.flat
        if flat.dtype != np.float64:
            network = Network.over(network.layout, flat.astype(np.float64))
        return cls(asked, network)

    def at(
        self, points: Sequence[Floats], rows: Sequence[int], *, gradient: bool = True
    ) -> tuple[Floats, list[Floats]]:
        """The explained number at each point, and its gradient there.

        Parameters
        ----------
        points : sequence of ndarray of shape (n_steps, n_inputs)
            Each as long as what `asked.seen` has of its row.
        rows : sequence of int
            The row of the question that each point belongs to.
        gradient : bool
            Without it the second part of the answer is empty.

        Returns
        -------
        numbers : ndarray of shape (n_points,)
        gradients : list of ndarray, shaped like the points
        """
        numbers = np.empty(len(points))
        gradients: list[Floats] = [np.zeros((0, 0))] * (len(points) if gradient else 0)
        layout = self.network.layout
        width = layout.n_features + 4 * layout.n_directions * sum(layout.hidden_sizes)
        order = sorted(range(len(points)), key=lambda i: -len(points[i]))
        start = 0
        while start < len(order):
            longest = max(1, len(points[order[start]]))
            room = max(1, min(ROWS, BATCH_VALUES // (longest * width)))
            chosen = order[start : start + room]
            start += room
            some = [points[i] for i in chosen]
            found, slopes = self._batch(some, [rows[i] for i in chosen], gradient)
            numbers[chosen] = found
            if gradient:
                for i, slope in zip(chosen, slopes, strict=True):
                    gradients[i] = slope
        return numbers, gradients

    def _batch(
        self, points: list[Floats], rows: list[int], gradient: bool
    ) -> tuple[Floats, list[Floats]]:
        """The same of some points, the longest first."""
        asked, network = self.asked, self.network
        frontend = asked.model.frontend
        read = points
        if not frontend.plain:
            self._check_observed(points, rows)
            read = [asked.through_frontend(point) for point in points]
        lengths = np.array([len(inputs) for inputs in read], np.int64)
        X = np.zeros((len(points), int(lengths[0]), network.layout.n_features))
        for own, inputs in zip(X, read, strict=True):
            own[: len(inputs)] = inputs
        logits: Array
        if gradient:
            logits, backward = network.forward(X, lengths, asked.backend, need_dX=True)
        else:
            logits = network.logits(X, lengths, asked.backend)
        columns, at = asked.columns[rows], None
        whole = logits
        if asked.places is not None:
            at = np.arange(len(points)), asked.places[rows] // frontend.stride
            if X.shape[1] == 0:  # every answer is the one before the first step
                logits = np.tile(network.logits_before(asked.backend), (len(points), 1))
            else:
                logits = logits[at]
                before = asked.places[rows] < 0
                if before.any():
                    logits[before] = network.logits_before(asked.backend)
        numbers, slopes = asked.output.with_gradient(logits, columns, gradient=gradient)
        if not gradient:
            return numbers, []
        dlogits = slopes
        if at is not None and asked.places is not None:
            slopes[asked.places[rows] < 0] = 0
            dlogits = np.zeros_like(whole)
            if X.shape[1]:
                dlogits[at] = slopes
        _, dX = backward(dlogits)
        dX = np.asarray(dX)
        gradients = [own[:n] for own, n in zip(dX, lengths.tolist(), strict=True)]
        if frontend.plain:
            return numbers, gradients
        return numbers, [
            frontend.taken_back(point, own) for point, own in zip(points, gradients, strict=True)
        ]

    def _check_observed(self, points: list[Floats], rows: list[int]) -> None:
        """Raise ValueError if a value is missing, of which a front end has no gradient."""
        for point, row in zip(points, rows, strict=True):
            if np.isnan(point).any():
                step, feature = np.argwhere(np.isnan(point))[0].tolist()
                raise ValueError(
                    f"X[{self.asked.samples[row]}] has a missing value (step {step}, feature "
                    f"{feature}), and this model's front end takes means and differences of what "
                    "is observed, which have no gradient there: fill it in, or use occlusion"
                )
