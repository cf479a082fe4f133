"""Gradients of weights over groups of a batch, each in a call of its own, for every backend."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from helpers.problems import KINDS, assert_same_bits, frozen, make_problem

from elman.backends.cells import Weights
from elman.nn.groups import add_in_tree


def rows_of(problem, start, stop):
    """The problem of these samples, as long as that of all."""

    def cut(array):
        return None if array is None else frozen(array[start:stop])

    return replace(
        problem,
        X=cut(problem.X),
        lengths=cut(problem.lengths),
        initial=cut(problem.initial),
        dH=cut(problem.dH),
        dfinal=cut(problem.dfinal),
    )


def weight_gradients(backend, problem, batch_samples=None, h_mask=None, every=0):
    tape = problem.forward(
        backend,
        keep_tape=True,
        recompute_every=every,
        h_mask=h_mask,
        batch_samples=batch_samples,
    ).tape
    return backend.backward(problem.dH, problem.dfinal, tape).dweights.arrays


def borders_of(n_rows, group_rows):
    return [*range(0, n_rows, group_rows), n_rows]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("every", [0, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_groups_add_up_to_the_batch(backend, dtype, every, masked, kind):
    for n_samples, n_timesteps, hidden_size in ((13, 9, 7), (37, 5, 130), (150, 3, 5)):
        problem = make_problem(n_samples, n_timesteps, 2, hidden_size, kind=kind, dtype=dtype)
        mask = None
        if masked:
            rng = np.random.default_rng(n_samples)
            mask = (rng.random((n_samples, hidden_size)) < 0.7).astype(dtype)
        expected = weight_gradients(backend, problem, None, mask, every)
        size = backend.group_rows(problem.cell, n_samples, hidden_size)
        borders = borders_of(n_samples, size)
        assert (len(borders) == 2) == (backend.name == "reference")
        parts = [
            weight_gradients(
                backend,
                rows_of(problem, start, stop),
                n_samples,
                None if mask is None else mask[start:stop],
                every,
            )
            for start, stop in pairwise(borders)
        ]
        for name, whole, *of_parts in zip(Weights._fields, expected, *parts, strict=False):
            assert_same_bits(add_in_tree(of_parts), whole, name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(13, 3, 5), (37, 5, 140), (150, 7, 1), (700, 2, 300)])
def test_groups_of_the_affine_map_add_up(backend, dtype, sizes):
    n_rows, n_in, n_out = sizes
    rng = np.random.default_rng(n_rows)
    X, W, dY = (
        rng.standard_normal(shape).astype(dtype)
        for shape in ((n_rows, n_in), (n_in, n_out), (n_rows, n_out))
    )
    _, *expected = backend.linear_backward(dY, X, W)
    borders = borders_of(n_rows, backend.group_rows(None, n_rows, n_out))
    assert (len(borders) == 2) == (backend.name == "reference")
    parts = [
        backend.linear_backward(dY[start:stop], X[start:stop], W, batch_rows=n_rows)[1:]
        for start, stop in pairwise(borders)
    ]
    for whole, *of_parts in zip(expected, *parts, strict=True):
        assert_same_bits(add_in_tree(of_parts), whole)


def test_a_batch_has_a_group_at_least(backend):
    cell = make_problem(3, 5, 2, 7).cell
    for n_rows in (0, 1, 5):
        assert backend.group_rows(cell, n_rows, 7) == max(n_rows, 1)
        assert backend.group_rows(None, n_rows, 7) == max(n_rows, 1)


@pytest.mark.parametrize("n_batch", [4, 0, -5])
def test_a_batch_smaller_than_its_part_is_refused(backend, n_batch):
    problem = make_problem(5, 6, 2, 7)
    message = f"={n_batch}, but there are 5 already: it counts those of the whole batch"
    with pytest.raises(ValueError, match=f"batch_samples{message}"):
        problem.forward(backend, batch_samples=n_batch)
    rows = np.ones((5, 3))
    with pytest.raises(ValueError, match=f"batch_rows{message}"):
        backend.linear_backward(rows, rows, np.ones((3, 3)), batch_rows=n_batch)
