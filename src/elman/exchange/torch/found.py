"""The state dict of another network in; its recurrent layers, its head and its embedding out.

Every tensor is taken or named in an error: a layer that is left out in silence gives answers that
look right and are wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.cells import CELLS
from elman.exchange.given import in_order
from elman.exchange.parts import ExchangeError
from elman.exchange.torch.names import check_one_type, listed, our_half
from elman.exchange.torch.tensors import Tensors

Array = NDArray[Any]

RECURRENT = re.compile(
    r"((?:.*\.)?)(weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)(?:_l([0-9]{1,4})(_reverse)?)?",
    re.DOTALL,
)
"""Prefix, part, layer and direction of a tensor of nn.RNN, GRU or LSTM; a cell module (nn.GRUCell)
has neither layer nor direction, and is read as a stack of one layer."""
CELLS_BY_GATES = {len(kind.gates): name for name, kind in CELLS.items()}
EMBEDDING = r"emb"
HINTS = (
    (
        r"running_(mean|var)|num_batches_tracked",
        "those of a batch normalisation, which no network of elman's has",
    ),
    (r"weight_hr", "those of projections (proj_size), which no network of elman's has"),
    (
        r"parametrizations|_(g|v|orig|u)$",
        "those of weight or spectral normalisation: take it off first, by "
        "torch.nn.utils.parametrize.remove_parametrizations or remove_weight_norm",
    ),
    (r"scale$|zero_point|_packed_params", "those of quantised layers: save the network before it"),
    (
        EMBEDDING,
        "those of an nn.Embedding, it seems: pass its tokens as vocabulary=, in the order of its "
        "rows",
    ),
)
CONVERSION = (
    "elman computes in float32 and float64: pass {name: tensor.float() for name, tensor in "
    "state.items()} (of NumPy arrays .astype('float32')), which keeps the values of half precision"
)


class Stack(NamedTuple):
    """The recurrent layers of a network, with our weights."""

    cell: str
    n_inputs: int
    hidden_sizes: tuple[int, ...]
    n_directions: int
    weights: dict[str, Array]
    """recurrent0.W_x, ..."""

    @property
    def width(self) -> int:
        """Columns of a state of the last layer, both directions together."""
        return self.n_directions * self.hidden_sizes[-1]


class Affine(NamedTuple):
    """An nn.Linear as it is: weight (n_outputs, n_inputs) and bias (n_outputs,)."""

    weight: Array
    bias: Array


@dataclass
class Finder:
    """The tensors of a state dict, taken one after another by those who know what they are."""

    tensors: Tensors
    taken: dict[str, Array] = field(default_factory=dict)

    def take(self, name: str) -> Array:
        """The tensor of a name, which is then no longer left over; checked to hold numbers."""
        if name in self.tensors.others:
            raise ExchangeError(f"{name} is {self.tensors.others[name]}; {CONVERSION}")
        if name not in self.tensors.arrays:
            raise ExchangeError(f"the state dict has no {name}; it has {listed(self.names)}")
        array = self.tensors.arrays[name]
        if not np.isfinite(array).all():
            raise ExchangeError(
                f"{name} holds NaN or infinity at {_first_bad(array)}: the training that made it "
                "broke down"
            )
        self.taken[name] = array
        return array

    @property
    def names(self) -> list[str]:
        """The names of all tensors."""
        return [*self.tensors.arrays, *self.tensors.others]

    @property
    def left(self) -> list[str]:
        """The names of the tensors that nobody took."""
        return [name for name in self.names if name not in self.taken]

    def refuse_left(self) -> None:
        """Raise ExchangeError if there are tensors that nobody took; names them."""
        left = self.left
        if not left:
            return
        biased = {name.removesuffix("bias") for name in left if name.endswith(".bias")}
        hints = []
        for pattern, hint in HINTS:
            found = [name for name in left if re.search(pattern, name)]
            if pattern == EMBEDDING:  # which has a weight and no bias
                found = [name for name in found if name.rpartition(".")[0] + "." not in biased]
            if found:
                hints.append(f"{listed(found)}: {hint}")
        raise ExchangeError(
            f"the state dict has tensors beside the recurrent layers and the head: {listed(left)}. "
            + "".join(f"({hint}.) " for hint in hints)
            + "To leave them out gives other answers, unless they had no part in them: if so, "
            "name them in ignore="
        )

    # What there is

    def stack(self, rnn: str | Sequence[str] | None) -> Stack:
        """The recurrent layers below a prefix, or below several, one module above the other."""
        by_prefix: dict[str, dict[tuple[int, str], set[str]]] = {}
        for name in self.names:
            found = RECURRENT.fullmatch(name)
            if found:
                prefix, part, layer, reverse = found.groups()
                where = int(layer or 0), reverse or ""
                by_prefix.setdefault(prefix, {}).setdefault(where, set()).add(part)
        halves: list[list[dict[str, Array]]] = []
        for prefix in self._prefixes(rnn, list(by_prefix)):
            halves += self._module(prefix, by_prefix[prefix])
        names = [[*half] for half in (half for layer in halves for half in layer)]
        first = names[0]
        for other in names[1:]:
            if len(other) != len(first):
                with_bias, without = (other, first) if len(other) > len(first) else (first, other)
                raise ExchangeError(
                    f"{with_bias[0]} stands beside a bias, and {without[0]} has none: a tensor is "
                    "missing"
                )
        return self._joined(halves)

    def _prefixes(self, rnn: str | Sequence[str] | None, known: list[str]) -> list[str]:
        if rnn is None:
            if len(known) == 1:
                return known
            if not known:
                raise ExchangeError(
                    "the state dict has no recurrent layer, weight_ih_l0 and weight_hh_l0 below "
                    f"any prefix; it has {listed(self.names) or 'no tensor at all'}"
                )
            shown = listed([repr(each) for each in known])
            raise ExchangeError(
                f"the state dict has recurrent layers below several prefixes, {shown}: pass "
                f"rnn= one of them; or, if each of them reads what the one before gives, all of "
                f"them in that order, such as rnn={known[:2]!r:.80}"
            )
        given = [rnn] if isinstance(rnn, str) else in_order("rnn", rnn)
        asked = [_dotted(each) for each in given]
        if not asked or len(set(asked)) < len(asked):
            raise ExchangeError(f"rnn={rnn!r:.80} names no module, or one twice")
        for each in asked:
            if each not in known:
                raise ExchangeError(
                    f"the state dict has no recurrent layer below rnn={each!r:.80}; there are "
                    f"{listed([repr(prefix) for prefix in known]) or 'none'}"
                )
        return asked

    def _module(
        self, prefix: str, parts: dict[tuple[int, str], set[str]]
    ) -> list[list[dict[str, Array]]]:
        """The layers of one module, each with its directions: full names and tensors."""
        projected = [
            name
            for name in self.names
            if name.startswith(f"{prefix}weight_hr") and RECURRENT.fullmatch(name)
        ]
        if projected:
            raise ExchangeError(
                f"{listed(projected)}: a projection (proj_size), which no network of elman's has: "
                "train one without"
            )
        n_layers = max(layer for layer, _ in parts) + 1
        present = {layer for layer, _ in parts}
        gone = next((k for k in range(n_layers) if k not in present), None)
        if gone is not None:
            raise ExchangeError(
                f"the state dict has a layer {n_layers - 1} below {prefix!r}, but no "
                f"{prefix}weight_ih_l{gone}"
            )
        bare = f"{prefix}weight_ih" in self.names
        ends = ["", *(["_reverse"] if any(reverse for _, reverse in parts) else [])]
        layers = []
        for k in range(n_layers):
            directions = []
            for end in ends:
                there = parts.get((k, end), set())
                names = {
                    part: f"{prefix}{part}" if bare else f"{prefix}{part}_l{k}{end}"
                    for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
                }
                needed = ["weight_ih", "weight_hh"]
                if there & {"bias_ih", "bias_hh"}:
                    needed += ["bias_ih", "bias_hh"]
                missing = [names[part] for part in needed if part not in there]
                if missing:
                    raise ExchangeError(f"the state dict lacks {listed(missing)}")
                directions.append({names[part]: self.take(names[part]) for part in needed})
            layers.append(directions)
        return layers

    def _joined(self, layers: list[list[dict[str, Array]]]) -> Stack:
        n_directions = len(layers[0])
        cells, sizes, weights = set[str](), list[int](), dict[str, Array]()
        n_inputs = n_first = 0
        for k, directions in enumerate(layers):
            if len(directions) != n_directions:
                raise ExchangeError(
                    f"{next(iter(layers[0][0]))} and {next(iter(directions[0]))} are layers of "
                    "one and of two directions, which no network of elman's has together"
                )
            for half, end in zip(directions, ("", ".reverse"), strict=False):
                cell, n_in, size = _sizes_of(half)
                cells.add(cell)
                if end and (n_in, size) != (n_inputs, sizes[-1]):
                    raise ExchangeError(f"{next(iter(half))} is not of the size of its other half")
                if not end:
                    if k and n_in != n_directions * sizes[-1]:
                        raise ExchangeError(
                            f"{next(iter(half))} reads {n_in} columns, but the layer below gives "
                            f"{n_directions * sizes[-1]}: it is not the layer above that one"
                        )
                    n_inputs = n_in
                    n_first = n_first or n_in
                    sizes.append(size)
                arrays = dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"),
                                  half.values(), strict=False))  # fmt: skip
                zeros = np.zeros(len(arrays["weight_hh"]), arrays["weight_hh"].dtype)
                both = {"bias_ih": zeros, "bias_hh": zeros} | arrays
                ours = our_half(both, cell)
                weights |= {f"recurrent{k}{end}.{part}": array for part, array in ours.items()}
        if len(cells) > 1:
            raise ExchangeError(
                f"the recurrent layers are of several cells, {listed(sorted(cells))}: a network of "
                "elman's has one"
            )
        return Stack(cells.pop(), n_first, tuple(sizes), n_directions, weights)

    def head(self, head: str | None, n_read: int, reads: str) -> Affine:
        """The layer of type nn.Linear that reads `n_read` columns.

        Parameters
        ----------
        head : str or None
            Its prefix; None is the only one that fits.
        n_read : int
        reads : str
            What these columns are, for errors.
        """
        linear = {
            name[: -len("weight")]: self.tensors.arrays[name].shape
            for name in self.left
            if re.fullmatch(r"(?:.*\.)?weight", name, re.DOTALL)
            and name in self.tensors.arrays
            and self.tensors.arrays[name].ndim == 2
        }
        if head is None:
            fit = [prefix for prefix, shape in linear.items() if shape[1] == n_read]
            others = [name for name in self.left if name in self.tensors.others]
            if not fit and (of_others := [name for name in others if name.endswith("weight")]):
                self.take(of_others[0])  # an error that says of which type it is
            if len(fit) != 1:
                shown = ", ".join(f"{p!r} of shape {shape}" for p, shape in [*linear.items()][:8])
                raise ExchangeError(
                    f"the head is an nn.Linear that reads {n_read} columns, {reads}: "
                    f"{'several' if fit else 'none'} of the layers of the state dict may be it "
                    f"({shown or 'there is no other layer with a 2-D weight'}). "
                    + ("Pass head= its prefix" if fit else "Is readout= what the network does?")
                )
            head = fit[0]
        prefix = _dotted(head)
        weight = self.take(f"{prefix}weight")
        if weight.ndim != 2 or weight.shape[1] != n_read or not len(weight):
            raise ExchangeError(
                f"{prefix}weight has shape {weight.shape}; the head reads {n_read} columns, {reads}"
            )
        bias = np.zeros(len(weight), weight.dtype)
        if f"{prefix}bias" in self.names:
            bias = self.take(f"{prefix}bias")
        if bias.shape != (len(weight),):
            raise ExchangeError(
                f"{prefix}bias has shape {bias.shape}, but {prefix}weight has {len(weight)} rows"
            )
        return Affine(weight, bias)

    def embedding(self, embedding: str | None, n_tokens: int, size: int) -> Array:
        """The weight of the nn.Embedding with so many rows and columns."""
        if embedding is None:
            fit = [
                name[: -len("weight")]
                for name in self.left
                if re.fullmatch(r"(?:.*\.)?weight", name, re.DOTALL)
                and name in self.tensors.arrays
                and self.tensors.arrays[name].shape == (n_tokens, size)
                and f"{name[: -len('weight')]}bias" not in self.names
            ]
            if len(fit) != 1:
                raise ExchangeError(
                    f"the vocabulary has {n_tokens} entries and the recurrent layers read {size} "
                    f"columns, but {'several tensors' if fit else 'no tensor'} of shape "
                    f"{(n_tokens, size)} without a bias may be the nn.Embedding"
                    f"{': ' + listed(fit) if fit else ''}; pass embedding= its prefix, and a "
                    f"vocabulary with an entry for each of its rows"
                )
            embedding = fit[0]
        name = f"{_dotted(embedding)}weight"
        found = self.take(name)
        if found.shape != (n_tokens, size):
            raise ExchangeError(
                f"{name} has shape {found.shape}, but the vocabulary has {n_tokens} entries and "
                f"the recurrent layers read {size} columns"
            )
        return found

    def one_type(self) -> np.dtype[Any]:
        """The type of all that was taken: float32 or float64."""
        return check_one_type(self.taken)


def _dotted(prefix: str) -> str:
    if not isinstance(prefix, str):
        raise TypeError(f"{prefix!r:.80} is no prefix of names, a str")
    return prefix if not prefix or prefix.endswith(".") else f"{prefix}."


def _sizes_of(half: dict[str, Array]) -> tuple[str, int, int]:
    """Cell, inputs and hidden size of one direction of a layer, told from the shapes."""
    (ih, W_x), (hh, W_h), *biases = half.items()
    if W_x.ndim != 2 or W_h.ndim != 2 or not W_x.size or not W_h.size:
        raise ExchangeError(
            f"{ih} of shape {W_x.shape} and {hh} of shape {W_h.shape} are no weights of a layer"
        )
    rows, size = W_h.shape
    cell = CELLS_BY_GATES.get(rows // size) if rows % size == 0 else None
    if cell is None:
        raise ExchangeError(
            f"{hh} has shape {W_h.shape}; of an RNN, a GRU or an LSTM it has 1, 3 or 4 times as "
            "many rows as columns"
        )
    if len(W_x) != rows:
        raise ExchangeError(f"{ih} has {len(W_x)} rows, and {hh} has {rows}: they do not fit")
    for name, bias in biases:
        if bias.shape != (rows,):
            raise ExchangeError(f"{name} has shape {bias.shape}; beside {hh} it has {(rows,)}")
    return cell, W_x.shape[1], size


def _first_bad(array: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
