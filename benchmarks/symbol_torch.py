"""PyTorch's modules over our weights: a network that reads symbols, and its step in a stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[Any]
MODULES = {"elman": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
CELLS = {"elman": torch.nn.RNNCell, "gru": torch.nn.GRUCell, "lstm": torch.nn.LSTMCell}


class Net(torch.nn.Module):
    """Vectors of symbols, one recurrent layer, and a head that reads the last state.

    Parameters
    ----------
    params : mapping of str to ndarray
        Our weights, which are copied.
    cell : str
    embedding_size : int
        0: one-hot rows, which are looked up in an identity matrix and do not learn.
    """

    def __init__(self, params: Mapping[str, Array], cell: str, embedding_size: int) -> None:
        super().__init__()
        W_x, W_h, b = (params[f"recurrent0.{name}"] for name in ("W_x", "W_h", "b"))
        self.cell, self.n_gates_b = cell, len(b) // len(W_h)
        self.vectors = vectors_of(params, embedding_size)
        self.recurrent = MODULES[cell](W_x.shape[0], W_h.shape[0])
        self.head = torch.nn.Linear(*params["head.W"].shape)
        layer = self.recurrent
        copy_layer(
            params,
            (layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0),
            self.head,
        )

    def learned(self) -> list[torch.nn.Parameter]:
        """The parameters that training changes."""
        return [p for p in self.parameters() if p.requires_grad]

    def looked_up(self, ids: torch.Tensor) -> torch.Tensor:
        """(...,) numbers of symbols -> (..., size) their vectors."""
        return self.vectors(ids)

    def packed(self, X: Any) -> torch.Tensor:
        """Logits of packed samples, longest first."""
        return self.head(self._hidden(self.recurrent(X)[1])[0])

    def padded(self, X: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Logits of samples (n_samples, n_timesteps, size); the state at each one's last step."""
        H, last = self.recurrent(X.transpose(0, 1))
        if int(lengths[-1]) == len(H):
            return self.head(self._hidden(last)[0])
        return self.head(H[lengths - 1, torch.arange(len(lengths))])

    def _hidden(self, state: Any) -> torch.Tensor:
        return state[0] if self.cell == "lstm" else state

    def gradients(self) -> dict[str, Array]:
        """Of the last backward pass, under our names and in our layout."""
        layer, hidden = self.recurrent, self.head.in_features
        of_b = layer.bias_ih_l0.grad
        if self.n_gates_b * hidden > len(of_b):
            of_b = torch.cat([of_b, layer.bias_hh_l0.grad[-hidden:]])
        found = {
            "recurrent0.W_x": layer.weight_ih_l0.grad.T,
            "recurrent0.W_h": layer.weight_hh_l0.grad.T,
            "recurrent0.b": of_b,
            "head.W": self.head.weight.grad.T,
            "head.b": self.head.bias.grad,
        }
        if self.vectors.weight.requires_grad:
            found["embedding0.E"] = self.vectors.weight.grad
        return {name: values.numpy().copy() for name, values in found.items()}


def vectors_of(params: Mapping[str, Array], embedding_size: int) -> torch.nn.Embedding:
    """An embedding with our vectors, or the identity."""
    if embedding_size:
        vectors = torch.from_numpy(params["embedding0.E"].copy())
        return torch.nn.Embedding.from_pretrained(vectors, freeze=False)
    return torch.nn.Embedding.from_pretrained(torch.eye(len(params["recurrent0.W_x"])))


def copy_layer(
    params: Mapping[str, Array], layer: tuple[torch.Tensor, ...], head: torch.nn.Linear
) -> None:
    """Our weights into (weight_ih, weight_hh, bias_ih, bias_hh) and into the head."""
    weight_ih, weight_hh, bias_ih, bias_hh = layer
    b, hidden = params["recurrent0.b"], weight_hh.shape[1]
    with torch.no_grad():
        weight_ih.copy_(torch.from_numpy(params["recurrent0.W_x"].T.copy()))
        weight_hh.copy_(torch.from_numpy(params["recurrent0.W_h"].T.copy()))
        bias_ih.copy_(torch.from_numpy(b[: len(bias_ih)].copy()))
        bias_hh.zero_()
        if len(b) > len(bias_ih):  # a GRU's last block stands beside the state
            bias_hh[-hidden:] = torch.from_numpy(b[len(bias_ih) :].copy())
        head.weight.copy_(torch.from_numpy(params["head.W"].T.copy()))
        head.bias.copy_(torch.from_numpy(params["head.b"].copy()))


def stepper(params: Mapping[str, Array], cell: str, embedding_size: int) -> Callable[[int], Array]:
    """One symbol after the other: its vector, nn.RNNCell, GRUCell or LSTMCell, nn.Linear, softmax;
    the state is handed on.
    """
    n_inputs, hidden = params["recurrent0.W_x"].shape[0], params["recurrent0.W_h"].shape[0]
    vectors = vectors_of(params, embedding_size)
    unit, head = CELLS[cell](n_inputs, hidden), torch.nn.Linear(*params["head.W"].shape)
    copy_layer(params, (unit.weight_ih, unit.weight_hh, unit.bias_ih, unit.bias_hh), head)
    zeros = torch.zeros(hidden)
    state: list[Any] = [(zeros, zeros) if cell == "lstm" else zeros]

    def step(symbol: int) -> Array:
        with torch.inference_mode():
            state[0] = unit(vectors.weight[symbol], state[0])
            h = state[0][0] if cell == "lstm" else state[0]
            found: Array = torch.softmax(head(h), 0).numpy()
            return found

    return step


def adam_alone(shape: tuple[int, ...], rate: float) -> Callable[[], None]:
    """A step of dense Adam on one array, with a gradient that is there already."""
    rng = np.random.default_rng(0)
    weights = torch.nn.Parameter(torch.from_numpy(rng.standard_normal(shape, np.float32)))
    weights.grad = torch.from_numpy(rng.standard_normal(shape, np.float32))
    optimizer = torch.optim.Adam([weights], lr=rate, fused=True)

    def step() -> None:
        torch.set_num_threads(1)
        optimizer.step()

    return step
