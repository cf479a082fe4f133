"""A live stream: nanoseconds from a time step to the probabilities, head and softmax included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.options import Options
from benchmarks.sheet import Sheet, seconds_text, timing_text
from benchmarks.timing import interleave
from benchmarks.workloads import Array
from elman.backends import get_backend
from elman.backends.cells import Cell
from elman.models.classifier import TrainedClassifier
from elman.models.stepping import ComposedNetwork
from elman.models.streaming import Stream, plan_of
from elman.nn.layout import Layout
from elman.nn.network import Network

CELLS = ("elman", "gru")
FEATURES, HIDDEN, CLASSES, STREAMS = 16, 32, 9, 64
IN_THE_KERNEL = 1000
"""steps in one call, to see what a step takes without Python"""
KERNEL, STEP = "elman, in the kernel", "elman, stream.step"
MANY, COMPOSED = f"elman, each of {STREAMS} streams", "elman, composed in NumPy"
GOALS = {KERNEL: 1e-6, STEP: 3e-6}
MAX_DIFFERENCE = 2e-6


Peer = Callable[[Array], Array]
"""One step of another implementation, which hands its own state on: x (FEATURES,) -> probabilities
(CLASSES,)"""


def measure(options: Options) -> dict[str, Any]:
    rows = []
    for cell in CELLS:
        rng = np.random.default_rng(0)
        model = _model(cell, rng)
        X = rng.standard_normal((50, FEATURES)).astype(np.float32)
        peers = {"PyTorch": _pytorch(model), "ONNX Runtime": _onnx_runtime(model)}
        difference = _check_equal(model, peers, X)
        timings = _timed(model, peers, X[0], options)
        rows.append({"cell": cell, "difference": difference, "timings": timings})
    return {"rows": rows, "features": FEATURES, "hidden": HIDDEN, "classes": CLASSES}


def _model(cell: str, rng: np.random.Generator) -> TrainedClassifier:
    layout = Layout(FEATURES, (HIDDEN,), CLASSES, cell=Cell(cell), readout="last")
    network = Network.initialised(layout, rng=rng, dtype=np.float32)
    for name in ("recurrent0.b", "head.b"):
        network.params[name][...] = rng.normal(scale=0.3, size=network.params[name].shape)
    return TrainedClassifier(
        network=network, n_features_in=FEATURES, two_d=False, classes=np.arange(CLASSES)
    )


def _check_equal(model: TrainedClassifier, peers: dict[str, Peer], X: Array) -> float:
    stream, largest = model.stream(), 0.0
    for x in X:
        ours = stream.step(x)
        for peer in peers.values():
            largest = max(largest, float(np.abs(peer(x) - ours).max()))
    if not largest <= MAX_DIFFERENCE:
        raise SystemExit(f"streams disagree by {largest:.1e}; not timed")
    return largest


def _timed(
    model: TrainedClassifier, peers: dict[str, Peer], x: Array, options: Options
) -> list[dict[str, Any]]:
    stream, many = model.stream(), model.stream(STREAMS)
    kernel = _compiled(stream)
    backend = get_backend("native", n_threads=1)
    composed = ComposedNetwork(plan_of(model, backend, None), backend)
    X = np.repeat(x[np.newaxis], STREAMS, axis=0)
    functions: dict[str, Callable[[], object]] = {
        KERNEL: lambda: kernel.repeat(x, IN_THE_KERNEL),
        STEP: lambda: stream.step(x),
        MANY: lambda: many.step(X),
        COMPOSED: lambda: composed.step(x),
        **{name: lambda peer=peer: peer(x) for name, peer in peers.items()},
    }
    steps = {KERNEL: IN_THE_KERNEL, MANY: STREAMS}
    timings = interleave(
        list(functions.values()), seconds=options.seconds, min_rounds=options.min_rounds
    )
    return [
        {"name": name, "steps": steps.get(name, 1), **t._asdict()}
        for name, t in zip(functions, timings, strict=True)
    ]


def _compiled(stream: Stream) -> Any:
    compiled = getattr(stream._steps, "compiled", None)
    if compiled is None:
        raise SystemExit("the compiled kernel is not in use: there is nothing to time")
    return compiled


def _pytorch(model: TrainedClassifier) -> Peer:
    """nn.RNNCell or GRUCell, and nn.Linear; the state is a tensor handed on."""
    import torch

    torch.set_num_threads(1)
    params, cell = model.network.params, model.network.layout.cell.name
    b = params["recurrent0.b"]
    rnn = (torch.nn.GRUCell if cell == "gru" else torch.nn.RNNCell)(FEATURES, HIDDEN)
    head = torch.nn.Linear(HIDDEN, CLASSES)
    with torch.no_grad():
        rnn.weight_ih.copy_(torch.from_numpy(params["recurrent0.W_x"].T.copy()))
        rnn.weight_hh.copy_(torch.from_numpy(params["recurrent0.W_h"].T.copy()))
        n_input = len(rnn.bias_ih)
        rnn.bias_ih.copy_(torch.from_numpy(b[:n_input].copy()))
        rnn.bias_hh.zero_()
        if len(b) > n_input:
            rnn.bias_hh[-HIDDEN:] = torch.from_numpy(b[n_input:].copy())
        head.weight.copy_(torch.from_numpy(params["head.W"].T.copy()))
        head.bias.copy_(torch.from_numpy(params["head.b"].copy()))
    state = [torch.zeros(HIDDEN)]

    def step(x: Array) -> Array:
        with torch.inference_mode():
            state[0] = rnn(torch.from_numpy(x), state[0])
            return torch.softmax(head(state[0]), 0).numpy()

    return step


def _onnx_runtime(model: TrainedClassifier) -> Peer:
    """A model of one step: RNN or GRU over a sequence of 1, Gemm, Softmax; the state handed on."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    params, cell = model.network.params, model.network.layout.cell.name
    W, R, b = params["recurrent0.W_x"].T, params["recurrent0.W_h"].T, params["recurrent0.b"]
    if cell == "gru":  # z, r, h there; r, z, n here
        order = np.r_[HIDDEN : 2 * HIDDEN, :HIDDEN, 2 * HIDDEN : 3 * HIDDEN]
        behind = np.r_[np.zeros(2 * HIDDEN, np.float32), b[3 * HIDDEN :]]
        W, R, bias = W[order], R[order], np.r_[b[order], behind]
        node = helper.make_node(
            "GRU", ["x", "W", "R", "B", "", "h"], ["Y", "h_next"], hidden_size=HIDDEN,
            linear_before_reset=1,
        )  # fmt: skip
    else:
        bias = np.r_[b, np.zeros_like(b)]
        node = helper.make_node(
            "RNN", ["x", "W", "R", "B", "", "h"], ["Y", "h_next"], hidden_size=HIDDEN
        )
    weights = {"W": W[np.newaxis], "R": R[np.newaxis], "B": bias[np.newaxis].astype(np.float32)}
    weights |= {"V": params["head.W"], "c": params["head.b"], "axis": np.array([0])}
    state = [1, 1, HIDDEN]
    graph = helper.make_graph(
        [
            node,
            helper.make_node("Squeeze", ["h_next", "axis"], ["row"]),
            helper.make_node("Gemm", ["row", "V", "c"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["p"]),
        ],
        "step",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, FEATURES]),
            helper.make_tensor_value_info("h", TensorProto.FLOAT, state),
        ],
        [
            helper.make_tensor_value_info("p", TensorProto.FLOAT, [1, CLASSES]),
            helper.make_tensor_value_info("h_next", TensorProto.FLOAT, state),
        ],
        [numpy_helper.from_array(np.ascontiguousarray(w), name) for name, w in weights.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feed = {"h": np.zeros(state, np.float32)}

    def step(x: Array) -> Array:
        feed["x"] = x.reshape(1, 1, FEATURES)
        p, feed["h"] = session.run(None, feed)
        return p[0]

    return step


def sheets(result: dict[str, Any]) -> list[Sheet]:
    return [_sheet(row, result) for row in result["rows"]]


def _sheet(row: dict[str, Any], result: dict[str, Any]) -> Sheet:
    base = next(t["median"] for t in row["timings"] if t["name"] == STEP)
    lines = []
    for t in row["timings"]:
        seconds, goal = t["median"] / t["steps"], GOALS.get(t["name"])
        lines.append(
            [
                t["name"],
                timing_text(t, t["steps"]),
                f"{seconds / base:.1f}",
                "" if goal is None else f"≤ {seconds_text(goal)}",
            ]
        )
    return Sheet(
        f"{row['cell']}: one time step to probabilities, {result['features']} features, hidden "
        f"{result['hidden']}, {result['classes']} classes",
        ["", "a step", "/ stream.step", "goal"],
        lines,
        "One thread each; one call of Python a step, but for the kernel, which repeats a step, and "
        f"for streams side by side. Probabilities of 50 steps differ by {row['difference']:.0e} at "
        "most.",
    )
