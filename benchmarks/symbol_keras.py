"""Keras 3 on JAX over our weights: a network that reads symbols, as a contestant.

A training step is `stateless_call`, its gradient and `stateless_apply` in one jax.jit, as Keras's
guide writes a training loop for JAX. `fit`, `train_on_batch` and `predict` take longer than this.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from benchmarks.symbol_contestants import (
    ANSWERED_AT_ONCE,
    BATCH,
    CLASSES,
    CLIP,
    HIDDEN,
    RATE,
    Array,
    Contestant,
    Problem,
)
from elman.exchange.gates import from_order, to_order, two_biases

os.environ["KERAS_BACKEND"] = "jax"  # Keras reads it when it is imported

import keras

LAYERS = {"elman": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


def network(problem: Problem) -> keras.Model:
    """Embedding, one recurrent layer and Dense, with our weights; 0 stands for padding.

    Where all lengths are equal there is no mask: without one Keras has a quicker GRU. One-hot rows
    are looked up in an identity matrix, which does not learn.
    """
    case, params, cell = problem.case, problem.network.params, problem.cell
    one_hot = np.eye(case.n_symbols, dtype=np.float32)
    vectors = params["embedding0.E"] if case.embedding_size else one_hot
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(
                len(vectors) + 1,
                vectors.shape[1],
                mask_zero=case.is_unequal,
                trainable=bool(case.embedding_size),
            ),
            LAYERS[cell](HIDDEN),
            keras.layers.Dense(CLASSES),
        ]
    )
    b_x, b_h = (to_order(b, cell, "keras") for b in two_biases(params["recurrent0.b"], cell))
    embedding, recurrent, head = model.layers
    embedding.set_weights([np.vstack([np.zeros_like(vectors[:1]), vectors])])
    weights = [to_order(params[f"recurrent0.{name}"], cell, "keras") for name in ("W_x", "W_h")]
    recurrent.set_weights([*weights, np.stack([b_x, b_h]) if cell == "gru" else b_x])
    head.set_weights([params["head.W"], params["head.b"]])
    return model


def gradients_of(found: list[Array], problem: Problem) -> dict[str, Array]:
    """Gradients of what Keras trains, in its order, under our names and in our layout."""
    *of_vectors, W_x, W_h, b, head_W, head_b = found
    W_x, W_h, b = (from_order(blocks, problem.cell, "keras") for blocks in (W_x, W_h, b))
    if problem.cell == "gru":  # of the bias beside the state we have the last block alone
        b = np.concatenate([b[0], b[1, -HIDDEN:]])
    named = {"recurrent0.W_x": W_x, "recurrent0.W_h": W_h, "recurrent0.b": b}
    named |= {"head.W": head_W, "head.b": head_b}
    return named | ({"embedding0.E": of_vectors[0][1:]} if of_vectors else {})


def keras_on_jax(problem: Problem) -> Contestant:
    """JAX chooses its own threads.

    Training pads every batch to the longest sample of all, so that nothing is compiled anew while
    it is timed; answers take samples in the order of their lengths and pad to the longest of those
    answered at once, which are the same every time.
    """
    model = network(problem)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    start = [v.value for v in model.trainable_variables]
    fixed = [v.value for v in model.non_trainable_variables]
    lengths = np.array([len(x) for x in problem.ids])
    padded = np.zeros((len(lengths), lengths.max()), np.int32)
    for row, symbols in zip(padded, problem.ids, strict=True):
        row[: len(symbols)] = symbols + 1
    y = problem.y.astype(np.int32)

    def answer(weights: Any, ids: Any) -> Any:
        return model.stateless_call(weights, fixed, ids)[0]

    def loss(weights: Any, ids: Any, y: Any) -> Any:
        return cross_entropy(y, answer(weights, ids))

    answer_once, gradient = jax.jit(answer), jax.jit(jax.grad(loss))

    def trainer(n_samples: int) -> Callable[[], Any]:
        optimizer = keras.optimizers.Adam(RATE, epsilon=1e-8, global_clipnorm=CLIP)
        optimizer.build(model.trainable_variables)
        state = [
            [jax.numpy.array(v) for v in start],
            [jax.numpy.array(v.value) for v in optimizer.variables],
        ]
        rng = np.random.default_rng(1)

        def step(weights: Any, moments: Any, ids: Any, y: Any) -> Any:
            return optimizer.stateless_apply(moments, jax.grad(loss)(weights, ids, y), weights)

        step_once = jax.jit(step, donate_argnums=(0, 1))

        def epoch() -> None:
            order = rng.permutation(n_samples)
            for rows in np.array_split(order, -(-n_samples // BATCH)):
                state[:] = step_once(*state, padded[rows], y[rows])
            jax.block_until_ready(state)

        return epoch

    in_order = np.argsort(-lengths, kind="stable")

    def logits() -> Array:
        out = np.empty((len(lengths), CLASSES), np.float32)
        for first in range(0, len(lengths), ANSWERED_AT_ONCE):
            rows = in_order[first : first + ANSWERED_AT_ONCE]
            out[rows] = answer_once(start, padded[rows, : lengths[rows[0]]])
        return out

    def gradients(rows: Array) -> dict[str, Array]:
        found = [np.asarray(g) for g in gradient(start, padded[rows], y[rows])]
        return gradients_of(found, problem)

    return Contestant(
        "Keras",
        0,
        trainer(len(lengths)),
        lambda: logits().argmax(1),
        None,
        logits,
        gradients,
        trainer(min(BATCH, len(lengths))),
    )
