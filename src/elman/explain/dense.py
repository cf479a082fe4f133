"""A network of categories in; one that takes vectors in their place, and gives the same, out.

Between two categories there is nothing, but between what the network makes of them there is: a
category is a row of a matrix E, or, fed one-hot, of the unit matrix, and a straight line leads from
one row to the other. The network over such rows is the same one without its first look-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.nn.categories import blocks_of, embedding_name
from elman.nn.network import Network, network_shapes
from elman.nn.parameters import Parameters

Array = NDArray[Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Dense:
    """A network that takes a vector for each category, and what the vectors are."""

    network: Network
    """in float64, of a layout without categories"""
    tables: tuple[Floats, ...]
    """of each column of categories a row for each of `used`"""
    used: tuple[NDArray[np.int64], ...]
    """of each column the categories that have a row, ascending"""

    @classmethod
    def of(cls, network: Network, inputs: Sequence[Array]) -> Dense:
        """Of a network of categories.

        Parameters
        ----------
        network : Network
        inputs : sequence of ndarray of shape (n_steps, n_inputs)
            All that is to be taken: the categories in them have vectors.
        """
        layout = network.layout
        n_codes = len(layout.categories)
        tables, used = [], []
        for k, (_, size) in enumerate(layout.categories):
            codes = np.concatenate([np.asarray(x[:, k], np.int64) for x in inputs])
            found = np.unique(codes)
            used.append(found)
            if size:
                tables.append(network.params[embedding_name(k)][found].astype(np.float64))
            else:
                tables.append(np.eye(len(found)))
        width = sum(table.shape[1] for table in tables) + layout.n_features - n_codes
        dense = replace(layout, categories=(), frozen_embeddings=False, n_features=width)
        weights = {}
        for name in network_shapes(dense):
            array = network.params[name].astype(np.float64)
            if name in ("recurrent0.W_x", "recurrent0.reverse.W_x"):
                blocks = blocks_of(array, layout.categories)
                numbers = array[sum(map(len, blocks)) :]
                kept = [
                    block if size else block[rows]
                    for block, rows, (_, size) in zip(blocks, used, layout.categories, strict=True)
                ]
                array = np.concatenate([*kept, numbers])
            weights[name] = array
        params = Parameters.from_arrays(weights, np.dtype(np.float64))
        return cls(Network(dense, params), tuple(tables), tuple(used))

    def expanded(self, x: Array) -> Floats:
        """Inputs (n_steps, n_inputs) with a vector in the place of each category."""
        n_codes = len(self.tables)
        parts = [
            table[np.searchsorted(used, np.asarray(x[:, k], np.int64))]
            for k, (table, used) in enumerate(zip(self.tables, self.used, strict=True))
        ]
        return np.concatenate([*parts, np.asarray(x[:, n_codes:], np.float64)], axis=1)

    def collapsed(self, values: Floats) -> Floats:
        """Values of such inputs as those of (n_steps, n_inputs): a vector's are added up."""
        parts, start = [], 0
        for table in self.tables:
            stop = start + table.shape[1]
            parts.append(np.add.reduce(values[:, start:stop], axis=1)[:, np.newaxis])
            start = stop
        return np.concatenate([*parts, values[:, start:]], axis=1)
