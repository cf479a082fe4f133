"""What PyTorch says of a forward and a backward pass, in float64 and in this package's layout."""

from __future__ import annotations

import numpy as np

try:
    import torch
except ImportError as error:
    raise ImportError(
        "PyTorch is the judge here and is not installed: run `make parity`, which installs "
        "torch==2.13.0 in an environment of its own"
    ) from error

torch.set_num_threads(1)


def _tensor(array, *, gradient=True):
    return torch.tensor(np.ascontiguousarray(array), dtype=torch.float64, requires_grad=gradient)


def _numpy(tensor):
    return np.array(tensor.detach().numpy(), order="C")


KINDS = {
    "tanh": (torch.nn.RNN, {"nonlinearity": "tanh"}),
    "relu": (torch.nn.RNN, {"nonlinearity": "relu"}),
    "gru": (torch.nn.GRU, {}),
    "lstm": (torch.nn.LSTM, {}),
}
"""Modules by kind of cell. Their gates stand in our order, their weights are transposes, and they
have a second bias, which adds to the first everywhere but at a GRU's n: there it is our b_hn."""


def _biases(kind, b, hidden_size):
    """Ours -> bias_ih, bias_hh."""
    if kind == "gru":
        return b[: 3 * hidden_size], np.r_[np.zeros(2 * hidden_size), b[3 * hidden_size :]]
    return b, np.zeros_like(b)


def _module(kind, layers):
    """A stack with our weights: for each layer the (W_x, W_h, b) of one direction or of both."""
    n_features, hidden_size = layers[0][0][0].shape[0], layers[0][0][1].shape[0]
    make, options = KINDS[kind]
    module = make(
        n_features,
        hidden_size,
        num_layers=len(layers),
        bidirectional=len(layers[0]) == 2,
        batch_first=True,
        dtype=torch.float64,
        **options,
    )
    with torch.no_grad():
        for suffix, (W_x, W_h, b) in _by_suffix(layers):
            given = (W_x.T, W_h.T, *_biases(kind, b, hidden_size))
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            for name, array in zip(names, given, strict=True):
                getattr(module, name + suffix).copy_(torch.tensor(array.copy()))
    return module


def _by_suffix(layers):
    """What PyTorch appends to the name of each layer's and direction's weights, and the weights."""
    for index, directions in enumerate(layers):
        for reverse, weights in zip(("", "_reverse"), directions, strict=False):
            yield f"_l{index}{reverse}", weights


def _state_for(module, state):
    """Ours (n_samples, state_size) -> PyTorch's, which for an LSTM are two."""
    if state is None:
        return None
    parts = [part[None].contiguous() for part in state.split(module.hidden_size, dim=1)]
    return tuple(parts) if isinstance(module, torch.nn.LSTM) else parts[0]


def _run(module, X, lengths, initial):
    """H (n_samples, n_timesteps, width) and the last layer's final state; lengths of at least 1."""
    state = _state_for(module, initial)
    if lengths is None:
        H, final = module(X, state)
    else:
        packed = torch.nn.utils.rnn.pack_padded_sequence(X, torch.tensor(lengths), batch_first=True)
        packed_H, final = module(packed, state)
        H, _ = torch.nn.utils.rnn.pad_packed_sequence(
            packed_H, batch_first=True, total_length=X.shape[1]
        )
    parts = final if isinstance(final, tuple) else (final,)
    n_directions = 2 if module.bidirectional else 1
    return H, torch.cat([half for part in parts for half in part[-n_directions:]], dim=1)


def _gradients_of(kind, module, suffix="_l0"):
    bias = module.get_parameter("bias_ih" + suffix).grad
    if kind == "gru":
        recurrent = module.get_parameter("bias_hh" + suffix).grad
        bias = torch.cat([bias, recurrent[2 * module.hidden_size :]])
    return {
        "W_x": _numpy(module.get_parameter("weight_ih" + suffix).grad.T),
        "W_h": _numpy(module.get_parameter("weight_hh" + suffix).grad.T),
        "b": _numpy(bias),
    }


def judge_cell(X, lengths, initial, W_x, W_h, b, dH, dfinal, kind):
    """Values, and gradients of sum(dH * H) + sum(dfinal * final); lengths of at least 1.

    `kind` is one of `KINDS`. What X and dH hold past a sample's end must be finite: packing leaves
    it out.
    """
    module = _module(kind, [[(W_x, W_h, b)]])
    inputs = _tensor(X)
    state = _tensor(np.zeros_like(dfinal) if initial is None else initial)
    H, final = _run(module, inputs, lengths, state)
    loss = (H * _tensor(dH, gradient=False)).sum() + (final * _tensor(dfinal, gradient=False)).sum()
    loss.backward()
    return {
        "H": _numpy(H),
        "final": _numpy(final),
        "dX": _numpy(inputs.grad),
        "dinitial": _numpy(state.grad),
        **{f"d{name}": array for name, array in _gradients_of(kind, module).items()},
    }


def judge_normed_cell(X, lengths, initial, W_x, W_h, b, dH, dfinal, gain, kind):
    """As `judge_cell`, of a cell with layer normalisation, which PyTorch has no module for.

    Its formula step by step on PyTorch's `layer_norm`, its gradients by PyTorch's autograd.
    """
    weights = {"W_x": W_x, "W_h": W_h, "b": b, "gain": gain}
    weights = {name: _tensor(array) for name, array in weights.items()}
    inputs = _tensor(X)
    first = _tensor(np.zeros_like(dfinal) if initial is None else initial)
    n_samples, n_timesteps, _ = X.shape
    size = len(W_h)
    own = [n_timesteps] * n_samples if lengths is None else list(lengths)

    def normed(index, a):
        block = slice(index * size, (index + 1) * size)
        gain, bias = weights["gain"][block], weights["b"][block]
        return torch.nn.functional.layer_norm(a, (size,), gain, bias, eps=1e-5)

    def after(x, state):
        gates = x @ weights["W_x"], state[:size] @ weights["W_h"]
        from_x, from_h = (product.split(size) for product in gates)
        if kind in ("tanh", "relu"):
            return getattr(torch, kind)(normed(0, from_x[0] + from_h[0]))
        if kind == "gru":
            r = torch.sigmoid(normed(0, from_x[0] + from_h[0]))
            z = torch.sigmoid(normed(1, from_x[1] + from_h[1]))
            n = torch.tanh(normed(2, from_x[2]) + r * normed(3, from_h[2]))
            return (1 - z) * n + z * state
        i, f, g, o = (normed(index, from_x[index] + from_h[index]) for index in range(4))
        c = torch.sigmoid(f) * state[size:] + torch.sigmoid(i) * torch.tanh(g)
        return torch.cat([torch.sigmoid(o) * torch.tanh(c), c])

    H, final = [], []
    for sample in range(n_samples):
        state = first[sample]
        for t in range(own[sample]):
            state = after(inputs[sample, t], state)
            H.append((sample, t, state[:size]))
        final.append(state)
    final = torch.stack(final)
    loss = (final * _tensor(dfinal, gradient=False)).sum()
    for sample, t, h in H:
        loss = loss + (h * torch.tensor(dH[sample, t])).sum()
    loss.backward()
    states = np.zeros((n_samples, n_timesteps, size))
    for sample, t, h in H:
        states[sample, t] = _numpy(h)
    return {
        "H": states,
        "final": _numpy(final),
        "dX": _numpy(inputs.grad),
        "dinitial": _numpy(first.grad),
        **{f"d{name}": _numpy(tensor.grad) for name, tensor in weights.items()},
    }


def judge_network(
    X,
    lengths,
    params,
    codes,
    sample_weight,
    kind,
    readout,
    layers=(("recurrent0",),),
    categories=(),
):
    """Logits, loss and its gradients: a weighted mean of cross-entropies over the samples.

    `layers` names each layer's weights in `params`, of one direction or of both. `categories` are
    those of a `Layout`: the first columns of X go through torch.nn.Embedding, or are made one-hot.
    """
    weights = [
        [[params[f"{name}.{key}"] for key in ("W_x", "W_h", "b")] for name in names]
        for names in layers
    ]
    module = _module(kind, weights)
    W, b, inputs = _tensor(params["head.W"]), _tensor(params["head.b"]), _tensor(X)
    embeddings, parts = {}, []
    for k, (n_categories, size) in enumerate(categories):
        ids = torch.tensor(X[:, :, k].astype(np.int64))
        if size:
            E = torch.tensor(params[f"embedding{k}.E"].copy())
            embeddings[k] = torch.nn.Embedding.from_pretrained(E, freeze=False)
            parts.append(embeddings[k](ids))
        else:
            parts.append(torch.nn.functional.one_hot(ids, n_categories).double())
    steps = torch.cat([*parts, inputs[:, :, len(categories) :]], dim=2)
    H, final = _run(module, steps, lengths, None)
    own = [X.shape[1]] * len(X) if lengths is None else lengths.tolist()
    reads = {
        "last": lambda: final[:, : H.shape[2]],  # the hidden states stand first
        "mean": lambda: torch.stack([H[i, :n].mean(dim=0) for i, n in enumerate(own)]),
        "max": lambda: torch.stack([H[i, :n].amax(dim=0) for i, n in enumerate(own)]),
    }
    names = (readout,) if isinstance(readout, str) else readout
    features = torch.cat([reads[name]() for name in names], dim=1)
    logits = features @ W + b
    losses = torch.nn.functional.cross_entropy(logits, torch.tensor(codes), reduction="none")
    share = torch.tensor(sample_weight / sample_weight.sum())
    loss = (losses * share).sum()
    loss.backward()
    return {
        "logits": _numpy(logits),
        "loss": _numpy(loss),
        "X": _numpy(inputs.grad),
        **{f"embedding{k}.E": _numpy(table.weight.grad) for k, table in embeddings.items()},
        **_weight_gradients(kind, module, layers, W, b),
    }


def judge_steps(X, lengths, params, targets, step_weight, kind, loss, delta):
    """Loss of the targets of time steps that are known, and its gradients: their weighted mean.

    `targets` (total_steps, n_targets) and `step_weight` (total_steps,) have samples end to end.
    """
    layers = (("recurrent0",),)
    module = _module(kind, [[[params[f"recurrent0.{key}"] for key in ("W_x", "W_h", "b")]]])
    W, b, inputs = _tensor(params["head.W"]), _tensor(params["head.b"]), _tensor(X)
    H, _ = _run(module, inputs, lengths, None)
    own = [X.shape[1]] * len(X) if lengths is None else lengths.tolist()
    answers = torch.cat([H[i, :n] for i, n in enumerate(own)]) @ W + b
    known = ~np.isnan(targets)
    judged = {
        "squared": torch.nn.MSELoss(reduction="none"),
        "absolute": torch.nn.L1Loss(reduction="none"),
        "huber": torch.nn.HuberLoss(reduction="none", delta=delta),
    }[loss]
    losses = judged(answers[torch.tensor(known)], torch.tensor(targets[known]))
    weights = np.repeat(step_weight[:, np.newaxis], targets.shape[1], axis=1)[known]
    mean = (losses * torch.tensor(weights / weights.sum())).sum()
    mean.backward()
    return {
        "loss": _numpy(mean),
        "X": _numpy(inputs.grad),
        **_weight_gradients(kind, module, layers, W, b),
    }


def _weight_gradients(kind, module, layers, W, b):
    """Gradients of all weights by their names in `params`."""
    return {
        **{
            f"{name}.{key}": array
            for suffix, name in _by_suffix(layers)
            for key, array in _gradients_of(kind, module, suffix).items()
        },
        "head.W": _numpy(W.grad),
        "head.b": _numpy(b.grad),
    }
