"""One description of a network: sizes, cell, directions, readout and options, without weights."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

from elman.backends.cells import Cell
from elman.nn.categories import Columns, embeddings_of
from elman.nn.readouts import Readout, plain_readout, readout_named
from elman.nn.readouts.fold import Fold

MOST_CATEGORIES = 2**24
"""Of a column: up to it every whole number is a float32."""


@dataclass(frozen=True)
class Layout:
    """What a network is made of, but for its weights.

    Two networks of equal layouts take each other's weights. Files, checkpoints, a warm start and
    the estimators pass and compare this one object.

    Parameters
    ----------
    n_features : int
        Width of an input step, columns of categories counted too.
    hidden_sizes : tuple of int
        Units of each recurrent layer, in each of its directions, from below.
    n_outputs : int
        Columns of the head: classes, labels or targets.
    cell : Cell
    readout : str or tuple of str
        One of `elman.nn.readouts.READOUTS`; several of them, whose values stand side by side in
        that order; or "every", which puts the head at every time step. One in a tuple is that one.
    bidirectional : bool
        Every layer reads each sample backward as well; the two halves of its output stand side by
        side.
    residual : bool
        From the second recurrent layer on, a layer's output is the sum of its states and its input.
    learn_initial_state : bool
        The state before the first step is a weight of each layer; else it is zero.
    dropout : float in [0, 1)
        Share of units left out in training between a recurrent layer and what follows it, the head
        included.
    recurrent_dropout : float in [0, 1)
        Share of units that a layer's own recurrence does without in training: one mask for all
        steps of a sample, Gal and Ghahramani (2016), "A theoretically grounded application of
        dropout in recurrent neural networks".
    categories : tuple of (int, int)
        For each of the first columns of a step, which are categories, how many there are (at most
        2^24, so that a float32 holds their numbers), and the length of the vectors that stand for
        them; 0: they are fed one-hot.
    frozen_embeddings : bool
        Training leaves those vectors as they are.

    Raises
    ------
    TypeError, ValueError
        A value of another type or out of range, or sizes that do not fit each other.
    """

    n_features: int
    hidden_sizes: tuple[int, ...]
    n_outputs: int
    cell: Cell = Cell()  # noqa: RUF009 -- it is frozen
    readout: Readout = "last"
    bidirectional: bool = False
    residual: bool = False
    learn_initial_state: bool = False
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    categories: Columns = ()
    frozen_embeddings: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.hidden_sizes, tuple) or not self.hidden_sizes:
            raise TypeError(
                f"hidden_sizes={self.hidden_sizes!r}; it must be a tuple with a size for each layer"
            )
        _check_count("n_features", self.n_features, 1)
        _check_count("n_outputs", self.n_outputs, 1)
        for i, size in enumerate(self.hidden_sizes):
            _check_count(f"hidden_sizes[{i}]", size, 1)
        self._check_categories()
        for name in ("bidirectional", "residual", "learn_initial_state", "frozen_embeddings"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name}={getattr(self, name)!r}; it must be True or False")
        for name in ("dropout", "recurrent_dropout"):
            share = getattr(self, name)
            if not isinstance(share, float) or not 0 <= share < 1:
                raise ValueError(f"{name}={share!r}; it must be a float in [0, 1)")
        object.__setattr__(self, "readout", plain_readout(self.readout))
        if self.residual:
            check_residual(self.hidden_sizes)

    def _check_categories(self) -> None:
        if not isinstance(self.categories, tuple) or not all(
            isinstance(column, tuple) and len(column) == 2 for column in self.categories
        ):
            raise TypeError(
                f"categories={self.categories!r:.200}; it must be a tuple with a pair for each "
                "column of categories: how many there are, and the length of their vectors"
            )
        for k, (n_categories, size) in enumerate(self.categories):
            _check_count(f"categories[{k}][0]", n_categories, 1)
            _check_count(f"categories[{k}][1]", size, 0)
            if n_categories > MOST_CATEGORIES:
                raise ValueError(
                    f"categories[{k}][0]={n_categories}; a column has at most {MOST_CATEGORIES}"
                )
        if len(self.categories) > self.n_features:
            raise ValueError(
                f"categories has {len(self.categories)} columns, but n_features={self.n_features} "
                "counts them too"
            )

    @property
    def frozen(self) -> tuple[str, ...]:
        """Names of the weights that training leaves as they are."""
        return embeddings_of(self.categories) if self.frozen_embeddings else ()

    @property
    def n_layers(self) -> int:
        """Recurrent layers."""
        return len(self.hidden_sizes)

    @property
    def n_directions(self) -> int:
        """How often each layer reads a sample."""
        return 2 if self.bidirectional else 1

    @property
    def width(self) -> int:
        """Columns of a hidden state of the last layer, both directions together."""
        return self.n_directions * self.hidden_sizes[-1]

    @property
    def n_read(self) -> int:
        """Columns of what the head reads: those of a state, once for each readout."""
        return self.readout_class.n_values(self.width)

    @property
    def readout_class(self) -> type[Fold]:
        """The class of its readout, or of its readouts."""
        return readout_named(self.readout)

    @property
    def at_every_step(self) -> bool:
        """Whether the network answers at every time step, and not once for each sample."""
        return self.readout_class.at_every_step

    @property
    def sums_layers(self) -> bool:
        """Whether the last layer adds its input to its states, which no backend does."""
        return self.residual and self.n_layers > 1

    @property
    def options(self) -> dict[str, Any]:
        """The fields that are hyper-parameters by the same name, but for the readout."""
        described_otherwise = (
            "n_features",
            "hidden_sizes",
            "n_outputs",
            "cell",
            "readout",
            "categories",
            "frozen_embeddings",
        )
        return {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.name not in described_otherwise
        }

    def differences(self, other: Layout) -> Iterator[tuple[str, Any, Any]]:
        """Yield each field that gives two layouts other weights: name, value here, value there.

        Dropout does not count, because no weight depends on it, nor what is trained.
        """
        for each in fields(self):
            here, there = getattr(self, each.name), getattr(other, each.name)
            if here != there and each.name not in (
                "dropout",
                "recurrent_dropout",
                "frozen_embeddings",
            ):
                yield {"hidden_sizes": "hidden_size"}.get(each.name, each.name), here, there

    def to_dict(self) -> dict[str, Any]:
        """The layout as JSON keeps it, in the words of a model file."""
        sizes = self.hidden_sizes
        described = {
            "n_features": self.n_features,
            "hidden_size": sizes[0] if len(set(sizes)) == 1 else list(sizes),
            "n_layers": self.n_layers,
            "n_classes": self.n_outputs,
            "cell": self.cell.name,
            "activation": self.cell.activation,
            "layer_norm": self.cell.layer_norm,
            "readout": self.readout if isinstance(self.readout, str) else list(self.readout),
            **self.options,
        }
        if self.categories:
            described["categories"] = [list(column) for column in self.categories]
            described["frozen_embeddings"] = self.frozen_embeddings
        return described

    @classmethod
    def from_dict(cls, described: Mapping[str, Any], *, most_layers: int) -> Layout:
        """The layout that `to_dict` described; older files leave out what came later.

        Parameters
        ----------
        described : mapping
            As a file holds it, which may have been forged.
        most_layers : int
            More layers than that are refused before anything is made for each of them.

        Raises
        ------
        KeyError, TypeError, ValueError
            It describes no network.
        """
        given = dict(described)
        n_layers = given.pop("n_layers", 1)
        _check_count("n_layers", n_layers, 1)
        hidden_size = given.pop("hidden_size")
        if n_layers > most_layers or (
            isinstance(hidden_size, list) and len(hidden_size) > most_layers
        ):
            raise ValueError(f"more than {most_layers} layers, which the weights cannot be of")
        for size in hidden_size if isinstance(hidden_size, list) else [hidden_size]:
            _check_count("hidden_size", size, 1)
        layer_norm = given.pop("layer_norm", False)
        if not isinstance(layer_norm, bool):
            raise TypeError(f"layer_norm={layer_norm!r}; it must be true or false")
        cell = Cell(given.pop("cell"), given.pop("activation"), layer_norm)
        sizes, n_outputs = layer_sizes(hidden_size, n_layers), given.pop("n_classes")
        if "categories" in given:
            given["categories"] = _columns(given["categories"])
        known = {field.name for field in fields(cls)} - {"hidden_sizes", "n_outputs", "cell"}
        unknown = sorted(set(given) - known)
        if unknown:
            raise ValueError(f"unknown part(s) of a network: {unknown}")
        return cls(hidden_sizes=sizes, n_outputs=n_outputs, cell=cell, **given)


def _columns(described: Any) -> Columns:
    """The columns of categories that a file describes as a list of pairs."""
    if not isinstance(described, list) or not all(isinstance(pair, list) for pair in described):
        raise TypeError(f"categories={described!r:.200}; it must be a list of pairs")
    return tuple(tuple(pair) for pair in described)


def layer_sizes(hidden_size: Any, n_layers: int = 1) -> tuple[int, ...]:
    """The size of each recurrent layer.

    Parameters
    ----------
    hidden_size : int, or sequence of int
        Of every layer, or of each in turn.
    n_layers : int
        Beside a sequence 1, or its length.

    Raises
    ------
    ValueError
        The two do not agree.
    """
    if isinstance(hidden_size, numbers.Integral):
        return (int(hidden_size),) * int(n_layers)
    sizes = tuple(int(size) for size in hidden_size)
    if int(n_layers) not in (1, len(sizes)):
        raise ValueError(
            f"n_layers={n_layers!r}, but hidden_size={hidden_size!r} names {len(sizes)}: give one "
            "size for each layer, or a single int for all"
        )
    return sizes


def check_residual(sizes: tuple[int, ...]) -> None:
    """Raise ValueError unless layers of these sizes can be added to their inputs."""
    for i, (below, size) in enumerate(pairwise(sizes), start=1):
        if below != size:
            raise ValueError(
                f"residual=True adds a layer's input to its output, but hidden_size={sizes} gives "
                f"layer {i} an input of {below} units and an output of {size}: give all layers one "
                "size, or set residual=False"
            )


def _check_count(name: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}={value!r}; it must be an int of at least {least}")
    if value < least:
        raise ValueError(f"{name}={value!r}; it must be at least {least}")
