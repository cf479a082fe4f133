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


def _rnn(W_x, W_h, b, activation):
    """`torch.nn.RNN` with our weights; it holds transposes, and a second bias, here zero."""
    n_features, hidden_size = W_x.shape
    rnn = torch.nn.RNN(
        n_features, hidden_size, nonlinearity=activation, batch_first=True, dtype=torch.float64
    )
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(torch.tensor(W_x.T.copy()))
        rnn.weight_hh_l0.copy_(torch.tensor(W_h.T.copy()))
        rnn.bias_ih_l0.copy_(torch.tensor(b.copy()))
        rnn.bias_hh_l0.zero_()
    return rnn


def _run(rnn, X, lengths, initial):
    """H (n_samples, n_timesteps, hidden_size) and the final state; lengths of at least 1."""
    state = None if initial is None else initial[None]
    if lengths is None:
        H, final = rnn(X, state)
        return H, final[0]
    packed = torch.nn.utils.rnn.pack_padded_sequence(X, torch.tensor(lengths), batch_first=True)
    packed_H, final = rnn(packed, state)
    H, _ = torch.nn.utils.rnn.pad_packed_sequence(
        packed_H, batch_first=True, total_length=X.shape[1]
    )
    return H, final[0]


def _gradients_of(rnn):
    return {
        "dW_x": _numpy(rnn.weight_ih_l0.grad.T),
        "dW_h": _numpy(rnn.weight_hh_l0.grad.T),
        "db": _numpy(rnn.bias_ih_l0.grad),
    }


def judge_cell(X, lengths, initial, W_x, W_h, b, dH, dfinal, activation):
    """Values, and gradients of sum(dH * H) + sum(dfinal * final); lengths of at least 1.

    What X and dH hold past a sample's end must be finite: packing leaves it out.
    """
    rnn = _rnn(W_x, W_h, b, activation)
    inputs = _tensor(X)
    state = _tensor(np.zeros((len(X), len(b))) if initial is None else initial)
    H, final = _run(rnn, inputs, lengths, state)
    loss = (H * _tensor(dH, gradient=False)).sum() + (final * _tensor(dfinal, gradient=False)).sum()
    loss.backward()
    return {
        "H": _numpy(H),
        "final": _numpy(final),
        "dX": _numpy(inputs.grad),
        "dinitial": _numpy(state.grad),
        **_gradients_of(rnn),
    }


def judge_network(X, lengths, params, codes, sample_weight, activation, readout):
    """Logits, loss and its gradients: a weighted mean of cross-entropies over the samples."""
    rnn = _rnn(*(params[f"recurrent0.{name}"] for name in ("W_x", "W_h", "b")), activation)
    W, b, inputs = _tensor(params["head.W"]), _tensor(params["head.b"]), _tensor(X)
    H, final = _run(rnn, inputs, lengths, None)
    own = [X.shape[1]] * len(X) if lengths is None else lengths.tolist()
    if readout == "last":
        features = final
    elif readout == "mean":
        features = torch.stack([H[i, :n].mean(dim=0) for i, n in enumerate(own)])
    else:
        features = torch.stack([H[i, :n].amax(dim=0) for i, n in enumerate(own)])
    logits = features @ W + b
    losses = torch.nn.functional.cross_entropy(logits, torch.tensor(codes), reduction="none")
    share = torch.tensor(sample_weight / sample_weight.sum())
    loss = (losses * share).sum()
    loss.backward()
    recurrent = {f"recurrent0.{name[1:]}": grad for name, grad in _gradients_of(rnn).items()}
    return {
        "logits": _numpy(logits),
        "loss": _numpy(loss),
        "X": _numpy(inputs.grad),
        **recurrent,
        "head.W": _numpy(W.grad),
        "head.b": _numpy(b.grad),
    }
