"""The parts of a module that PyTorch has no class for; they are made once, at the first call."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from elman.backends.cells import NORM_EPSILON
from elman.exchange.torch.steps import reversed_steps
from elman.nn.layout import Layout

if TYPE_CHECKING:
    from torch import Tensor


class Layers(NamedTuple):
    """Classes of modules."""

    NormedRNN: Any
    Attention: Any
    Statistics: Any


@cache
def layer_classes() -> Layers:
    """The classes; ImportError if there is no PyTorch."""
    import torch
    from torch import nn

    class NormedRNN(nn.Module):  # type: ignore[misc]  # Module is Any where there is no PyTorch
        """One recurrent layer with layer normalisation, step by step."""

        def __init__(self, layout: Layout, n_inputs: int, hidden_size: int) -> None:
            super().__init__()
            self.cell, self.hidden_size = layout.cell, hidden_size
            self.ends = ("", "_reverse")[: layout.n_directions]
            kind = layout.cell.kind
            n_rows, n_sums = len(kind.gates) * hidden_size, len(kind.biases) * hidden_size
            for end in self.ends:
                for name, shape in (
                    ("weight_ih", (n_rows, n_inputs)),
                    ("weight_hh", (n_rows, hidden_size)),
                    ("bias", (n_sums,)),
                    ("gain", (n_sums,)),
                ):
                    setattr(self, f"{name}_l0{end}", nn.Parameter(torch.zeros(shape)))

        def forward(self, x: Tensor, lengths: Tensor, states: list[Tensor]) -> Any:
            """H (n, T, directions * hidden_size) and the last hidden states, side by side."""
            H, last = [], []
            for end, state in zip(self.ends, states, strict=True):
                turned = reversed_steps(x, lengths) if end else x
                own, final = self._run(turned, lengths, state, end)
                H.append(reversed_steps(own, lengths) if end else own)
                last.append(final[:, : self.hidden_size])
            return torch.cat(H, 2), torch.cat(last, 1)

        def _run(self, x: Tensor, lengths: Tensor, state: Tensor, end: str) -> Any:
            A_x = x @ getattr(self, f"weight_ih_l0{end}").T
            H = []
            for t in range(x.shape[1]):
                new = self._step(A_x[:, t], state, end)
                state = torch.where((t < lengths)[:, None], new, state)
                H.append(state[:, : self.hidden_size])
            empty = x.new_zeros((len(x), 0, self.hidden_size))
            return torch.stack(H, 1) if H else empty, state

        def _step(self, A_x: Tensor, state: Tensor, end: str) -> Tensor:
            h = state[:, : self.hidden_size]
            A_h = h @ getattr(self, f"weight_hh_l0{end}").T
            size, kind = self.hidden_size, self.cell.kind
            bias, gain = getattr(self, f"bias_l0{end}"), getattr(self, f"gain_l0{end}")
            sums = []
            for i in range(len(kind.biases)):
                own = slice(i * size, (i + 1) * size)
                parts = [
                    A[:, gate * size : (gate + 1) * size]
                    for A, into in ((A_x, kind.x_sums), (A_h, kind.h_sums))
                    for gate, at in enumerate(into)
                    if at == i
                ]
                sums.append(
                    nn.functional.layer_norm(
                        sum(parts[1:], parts[0]), (size,), gain[own], bias[own], NORM_EPSILON
                    )
                )
            if self.cell.name == "elman":
                return torch.relu(sums[0]) if self.cell.activation == "relu" else sums[0].tanh()
            if self.cell.name == "gru":
                r, z = sums[0].sigmoid(), sums[1].sigmoid()
                n = torch.tanh(sums[2] + r * sums[3])
                return n + z * (h - n)
            i, f, g, o = sums[0].sigmoid(), sums[1].sigmoid(), sums[2].tanh(), sums[3].sigmoid()
            c = f * state[:, size:] + i * g
            return torch.cat([o * torch.tanh(c), c], 1)

    class Attention(nn.Module):  # type: ignore[misc]
        """The query of the readout "attention"."""

        def __init__(self, width: int) -> None:
            super().__init__()
            self.query = nn.Parameter(torch.zeros(width))

        def forward(self, H: Tensor, own: Tensor) -> Tensor:
            scores = (H @ self.query) / len(self.query) ** 0.5
            # The lowest number, not -inf: a sample without a step has nothing else.
            scores = scores.masked_fill(~own, torch.finfo(scores.dtype).min)
            return (scores.softmax(1)[:, :, None] * H).sum(1)

    class Statistics(nn.Module):  # type: ignore[misc]
        """Buffers by name."""

        def __init__(self, arrays: dict[str, Any]) -> None:
            super().__init__()
            for name, array in arrays.items():
                self.register_buffer(name, torch.tensor(array))

    found = Layers(NormedRNN, Attention, Statistics)
    for name, each in found._asdict().items():
        each.__module__, each.__qualname__ = __name__, name
    return found


def __getattr__(name: str) -> Any:
    # So that pickle, and torch.save of a whole module, find the classes by their names.
    if name in Layers._fields:
        return getattr(layer_classes(), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
