"""The orders of gates, and two biases of one."""

from __future__ import annotations

import numpy as np
import pytest

from elman.backends.cells import CELLS
from elman.exchange.gates import ORDERS, from_order, one_bias, to_order, two_biases

SIZE = 3


def blocks_of(names):
    """A row in which the block of each gate holds that gate's number in our order, from 1."""
    return np.concatenate([np.full(SIZE, 1.0 + i) for i, _ in enumerate(names)])[np.newaxis]


@pytest.mark.parametrize("of", ORDERS)
@pytest.mark.parametrize("cell", CELLS)
class TestOrders:
    def test_every_gate_has_its_place(self, of, cell):
        assert sorted(ORDERS[of][cell]) == sorted(CELLS[cell].gates)

    def test_blocks_stand_in_the_order_of_the_format(self, of, cell):
        gates = CELLS[cell].gates
        found = to_order(blocks_of(gates), cell, of)[0, ::SIZE]
        assert [gates[int(number) - 1] for number in found] == list(ORDERS[of][cell])

    def test_back_is_the_inverse(self, of, cell):
        blocks = np.arange(2.0 * SIZE * len(CELLS[cell].gates)).reshape(2, -1)
        assert np.array_equal(from_order(to_order(blocks, cell, of), cell, of), blocks)


def test_blocks_of_unequal_size_are_refused():
    with pytest.raises(ValueError, match="7 columns are no 3 blocks"):
        to_order(np.zeros((2, 7)), "gru", "onnx")


@pytest.mark.parametrize("cell", CELLS)
class TestBiases:
    def test_two_of_one_are_one_again(self, cell):
        b = np.arange(1.0, 1 + SIZE * len(CELLS[cell].biases))
        b_x, b_h = two_biases(b, cell)
        assert b_x.shape == b_h.shape == (SIZE * len(CELLS[cell].gates),)
        assert np.array_equal(one_bias(b_x, b_h, cell), b)

    def test_two_are_added_but_for_the_halves_of_the_candidate(self, cell):
        n = SIZE * len(CELLS[cell].gates)
        b_x, b_h = np.arange(1.0, 1 + n), 100 * np.arange(1.0, 1 + n)
        found = one_bias(b_x, b_h, cell)
        apart = n - SIZE if cell == "gru" else n
        assert np.array_equal(found[:apart], (b_x + b_h)[:apart])
        if cell == "gru":
            assert np.array_equal(found[apart:], [*b_x[apart:], *b_h[apart:]])
