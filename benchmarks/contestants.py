"""One recurrent layer, ours and the peers': a workload in, functions to time and to compare out.

Each peer gets its data in the layout it likes best, before the clock starts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.workloads import Array, Workload
from elman.backends import get_backend
from elman.backends.cells import Cell, Weights


class Gradients(NamedTuple):
    """Gradients of the weights, in our layout."""

    W_x: Array
    W_h: Array
    b: Array


class Contestant(NamedTuple):
    """One implementation at one thread count."""

    name: str
    n_threads: int
    infer: Callable[[], Any]
    step: Callable[[], Any] | None
    """None: it cannot train"""
    states: Callable[[], Array]
    """what `infer` computed, as (B, T, H)"""
    gradients: Callable[[], Gradients] | None
    """what `step` computed"""


def ours(work: Workload, n_threads: int, isa: str | None = None) -> Contestant:
    """The compiled backend."""
    backend = get_backend("native", n_threads=n_threads, isa=isa)
    cell, weights = Cell(work.cell), Weights(work.W_x, work.W_h, work.b)
    dfinal = np.zeros((work.size.B, cell.state_size(work.size.H)), np.float32)
    dfinal[:, : work.size.H] = work.dfinal

    def infer() -> Any:
        return backend.forward(cell, work.X, None, None, weights)

    def step() -> tuple[Array, ...]:
        tape = backend.forward(
            cell, work.X, None, None, weights, outputs="final", keep_tape=True
        ).tape
        return backend.backward(None, dfinal, tape, need_dX=False).dweights.arrays

    name = f"elman {backend.isa}"
    return Contestant(name, n_threads, infer, step, lambda: infer().H, lambda: Gradients(*step()))


def pytorch(work: Workload, n_threads: int) -> Contestant:
    """torch.nn.RNN, GRU or LSTM, time-major, autograd for the step."""
    import torch

    size, H = work.size, work.size.H
    kind = {"elman": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[work.cell]
    rnn = kind(size.D, H)
    n_input = work.W_x.shape[1]  # biases beside the inputs; a GRU has one more beside the state
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(torch.from_numpy(work.W_x.T))
        rnn.weight_hh_l0.copy_(torch.from_numpy(work.W_h.T))
        rnn.bias_ih_l0.copy_(torch.from_numpy(work.b[:n_input]))
        rnn.bias_hh_l0.zero_()
        if len(work.b) > n_input:
            rnn.bias_hh_l0[-H:] = torch.from_numpy(work.b[n_input:])
    X = torch.from_numpy(work.X.transpose(1, 0, 2).copy())
    dfinal = torch.from_numpy(work.dfinal)

    def infer() -> torch.Tensor:
        torch.set_num_threads(n_threads)
        with torch.inference_mode():
            return rnn(X)[0]

    def step() -> None:
        torch.set_num_threads(n_threads)
        rnn.zero_grad(set_to_none=True)
        final = rnn(X)[1]
        (final[0] if work.cell == "lstm" else final)[0].backward(dfinal)

    def gradients() -> Gradients:
        step()
        by_name = {name: p.grad.numpy() for name, p in rnn.named_parameters()}
        db = np.concatenate([by_name["bias_ih_l0"], by_name["bias_hh_l0"][-H:]])[: len(work.b)]
        return Gradients(by_name["weight_ih_l0"].T, by_name["weight_hh_l0"].T, db)

    return Contestant(
        "PyTorch",
        n_threads,
        infer,
        step,
        lambda: infer().numpy().transpose(1, 0, 2),
        gradients,
    )


def jax(work: Workload) -> Contestant:
    """jax.jit over lax.scan, time-major; XLA chooses its own threads."""
    import jax
    import jax.numpy as jnp

    X = jnp.asarray(work.X.transpose(1, 0, 2))
    weights = (jnp.asarray(work.W_x), jnp.asarray(work.W_h), jnp.asarray(work.b))
    dfinal = jnp.asarray(work.dfinal)
    H = work.size.H
    zeros = jnp.zeros((work.size.B, H), jnp.float32)
    start = (zeros, zeros) if work.cell == "lstm" else zeros

    def elman_step(h, x, W_h, b):
        h = jnp.tanh(x + h @ W_h)
        return h, h

    def gru_step(h, x, W_h, b):
        a = h @ W_h
        rz = jax.nn.sigmoid(x[:, : 2 * H] + a[:, : 2 * H])
        r, z = rz[:, :H], rz[:, H:]
        n = jnp.tanh(x[:, 2 * H :] + r * (a[:, 2 * H :] + b[3 * H :]))
        h = n + z * (h - n)
        return h, h

    def lstm_step(state, x, W_h, b):
        h, c = state
        i, f, g, o = jnp.split(x + h @ W_h, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    advance = {"elman": elman_step, "gru": gru_step, "lstm": lstm_step}[work.cell]

    def run(weights, X):
        W_x, W_h, b = weights
        inputs = X @ W_x + b[: W_x.shape[1]]  # the input product in one piece
        return jax.lax.scan(lambda state, x: advance(state, x, W_h, b), start, inputs)

    def loss(weights, X, dfinal):
        state = run(weights, X)[0]
        return ((state[0] if work.cell == "lstm" else state) * dfinal).sum()

    forward = jax.jit(lambda weights, X: run(weights, X)[1])
    gradient = jax.jit(jax.grad(loss))

    def infer() -> Any:
        return forward(weights, X).block_until_ready()

    def step() -> Any:
        return jax.block_until_ready(gradient(weights, X, dfinal))

    return Contestant(
        "JAX",
        0,
        infer,
        step,
        lambda: np.asarray(infer()).transpose(1, 0, 2),
        lambda: Gradients(*(np.asarray(g) for g in step())),
    )


def onnx_runtime(work: Workload, n_threads: int) -> Contestant:
    """ONNX Runtime's RNN operator; inference only."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    size = work.size
    bias = np.concatenate([work.b, np.zeros_like(work.b)])[None]
    node = helper.make_node(
        "RNN", ["X", "W", "R", "B"], ["Y"], hidden_size=size.H, activations=["Tanh"]
    )
    graph = helper.make_graph(
        [node],
        "rnn",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [size.T, size.B, size.D])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [size.T, 1, size.B, size.H])],
        [
            numpy_helper.from_array(np.ascontiguousarray(work.W_x.T)[None], "W"),
            numpy_helper.from_array(np.ascontiguousarray(work.W_h.T)[None], "R"),
            numpy_helper.from_array(bias, "B"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    # A spinning pool would steal the core from whoever is timed next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feed = {"X": work.X.transpose(1, 0, 2).copy()}

    def infer() -> Array:
        return session.run(None, feed)[0]

    return Contestant(
        "ONNX Runtime",
        n_threads,
        infer,
        None,
        lambda: infer()[:, 0].transpose(1, 0, 2),
        None,
    )
