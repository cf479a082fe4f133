"""A layout and how it is trained in; a table of its layers, with what they cost, out.

Parameters are counted from the shapes of the weights, and the bytes of a tape and of a stream's
state from what the layers keep. None of it needs weights, so an estimator can be summed up before
it is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from elman.backends.cells import Cell
from elman.backends.checks import n_checkpoints
from elman.inspection.vocabulary import VocabularySummary
from elman.nn.categories import n_rows
from elman.nn.embedding import Embedding
from elman.nn.layers import (
    Bidirectional,
    Dropout,
    Head,
    Layer,
    PassContext,
    RecurrentLayer,
    Residual,
)
from elman.nn.layout import Layout
from elman.nn.network import layers_of
from elman.nn.parameters import Parameters, Shapes
from elman.nn.readouts import readout_text
from elman.nn.readouts.layer import ReadoutLayer
from elman.targets.checks import visible

Per = Literal["step", "sequence"]

TABLE = ("layer", "output", "weights", "parameters", "multiply-adds")
"""What the columns of the printed table are called."""
LEFT = 3
"""How many of them, the first ones, stand at the left: they are texts."""


@dataclass(frozen=True)
class LayerSummary:
    """One layer of a network, in numbers."""

    name: str
    """as its weights are called: "recurrent0", "recurrent0.reverse", "attention", "head" """
    what: str
    """in words: "gru", "readout", "dropout 0.2" """
    output: tuple[int | None, ...]
    """shape of what it gives for a sequence; None is the number of time steps"""
    weights: Shapes
    """shapes of its weights, by name, without that of the layer"""
    multiply_adds: int
    """multiplications by weights or of states by their shares, each with its addition"""
    per: Per
    """whether these are of each time step, or once of a sequence"""

    @property
    def parameters(self) -> int:
        """How many numbers its weights are."""
        return sum(math.prod(shape) for shape in self.weights.values())


@dataclass(frozen=True)
class Training:
    """What decides how much memory training takes, beside the network."""

    batch_size: int
    """sequences in a batch"""
    n_timesteps: int
    """time steps of each of them"""
    optimizer_vectors: int = 2
    """vectors, each as long as the weights, that the optimizer remembers: 2 of Adam, 1 of SGD"""
    decays: bool = False
    """whether there is an L2 penalty, for which the optimizer keeps one vector more"""
    recompute_every: int = 0
    """steps between the states that are kept; 0: all are"""
    bptt_steps: int | None = None
    """steps that are taken back at once; None: all"""
    stride: int = 1
    """time steps that the network reads as one"""


@dataclass(frozen=True)
class Summary:
    """What a network is made of and what it costs: a table, in a terminal and in a notebook.

    Attributes
    ----------
    kind : str
        Name of the estimator.
    fitted : bool
    before : tuple of str
        What X goes through before the estimator: "SequenceScaler" for each in a pipeline.
    layers : tuple of LayerSummary
        From the input to the head, with dropout where there is any.
    n_features, n_outputs : int
        Width of a time step as the network takes it, differences and indicators included, and
        columns of the head.
    dtype : str
        "float32" or "float64".
    backend, isa : str
        What this process computes with: "native" or "reference", and the instruction set of the
        kernel, or "numpy".
    batch_size, n_timesteps : int
        What the memory of training is of.
    length_is_known : bool
        Whether somebody named `n_timesteps`, or a 2-D X says it; otherwise it is an example.
    frontend : str
        What is made of time steps before the network reads them; "none" if nothing is. With a
        stride a "step" of the network, of which multiply-adds are counted, is a block of time
        steps.
    vocabularies : tuple of VocabularySummary
        Of each categorical column of X: how many categories there are, which are the commonest, the
        share that was unknown in training, and how they are fed to the network. Empty before a fit,
        and if X has numbers alone.
    training_memory : dict of str to int
        Bytes by what they are for; `training_bytes` is their sum.
    stream_state : int or None
        Bytes that one stream carries from step to step; None if the network is bidirectional, so
        that it has no stream.

    Notes
    -----
    Multiply-adds of a time step are those of products with weights: for each direction of a
    recurrent layer of H units, G gates and inputs of width D they are ``G * H * (D + H)``, for
    attention over states of width W ``2 * W``, for the head ``W * n_outputs``. What is done to each
    unit by itself (activations, gates, normalisation, means) is not counted. A head that answers
    once for a sequence counts once for a sequence; a stream asks it after every step. A category
    adds a row to the sums of a step and multiplies nothing: D counts the numbers of a step alone.
    Where categories have vectors of width S, the rows are products that are made once of a batch,
    ``S * G * H`` for each category that the batch names, and are not counted.

    The memory of training is, with P parameters of s bytes, B sequences of T steps in a batch:

    - weights, gradient and the best weights so far: ``3 * P * s``;
    - optimizer: ``(vectors + 1) * P * s``, the vectors that it remembers (2 of Adam, 1 of SGD) and
      one to work in, and one more with `alpha`;
    - tape, of each recurrent layer and direction: ``B * T * (H + trace) * s``, its hidden states
      and what the backward pass needs of the gates: 0, 4 H and 5 H numbers a step for elman, gru
      and lstm, and N (H + 1) more with layer normalisation of N sums. With `recompute_every` of k
      steps only every k-th state is kept, and one stretch of k steps is made again at a time, by
      one layer after the other; with `bptt_steps` T is at most that;
    - between layers: inputs that are turned round for a second direction, two directions side by
      side, and sums of residual layers, which are kept, and the largest gradient at the outputs of
      a layer with that at its inputs, with the copies that are made on their way;
    - prepared batch: ``B * T * D * s``, columns of categories counted in D;
    - categories, at most: for each that a batch names its row of ``G * H`` numbers and the gradient
      at it, in each direction, and with vectors of width S those and their gradient; and the codes
      and numbers that the steps are cut into.

    Not counted are the training data themselves (which are kept standardised beside X if they are
    fewer than 2^24 values), Python with its libraries (some 100 MB), and the work space of threads.
    Measured by what a process held at most, fits that took over 80 MB took 5 to 10 % more than this
    says, and smaller ones up to 30 MB more, which the allocator keeps. Replicas of `mode="local"`
    have weights, gradient and optimizer each.
    """

    kind: str
    fitted: bool
    before: tuple[str, ...]
    layers: tuple[LayerSummary, ...]
    n_features: int
    n_outputs: int
    dtype: str
    backend: str
    isa: str
    batch_size: int
    n_timesteps: int
    training_memory: Mapping[str, int]
    stream_state: int | None
    frontend: str = "none"
    length_is_known: bool = True
    vocabularies: tuple[VocabularySummary, ...] = ()

    @property
    def parameters(self) -> int:
        """How many numbers all weights are."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def training_bytes(self) -> int:
        """Bytes that training takes at this batch: see Notes."""
        return sum(self.training_memory.values())

    def multiply_adds(self, per: Per) -> int:
        """Multiply-adds of each time step, or once of each sequence."""
        return sum(layer.multiply_adds for layer in self.layers if layer.per == per)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON has it: lists, dicts, texts, numbers, true, false and null.

        Returns
        -------
        dict
            "layers" is a list with a dict for each; an output shape has null for the number of time
            steps. "parameters", "multiply_adds" ("step" and "sequence") and "training_bytes" are
            the totals.
        """
        described = asdict(self)
        described["before"] = [*self.before]
        described["vocabularies"] = [asdict(each) for each in self.vocabularies]
        for each in described["vocabularies"]:
            each["most_frequent"] = [[token, count] for token, count in each["most_frequent"]]
        described["layers"] = [
            {
                "name": layer.name,
                "what": layer.what,
                "output": [*layer.output],
                "weights": {name: [*shape] for name, shape in layer.weights.items()},
                "parameters": layer.parameters,
                "multiply_adds": layer.multiply_adds,
                "per": layer.per,
            }
            for layer in self.layers
        ]
        totals = {"step": self.multiply_adds("step"), "sequence": self.multiply_adds("sequence")}
        return described | {
            "training_memory": dict(self.training_memory),
            "parameters": self.parameters,
            "multiply_adds": totals,
            "training_bytes": self.training_bytes,
        }

    def frame(self) -> Any:
        """A data frame with a row for each layer: pandas' if it is installed, else Polars'.

        Raises
        ------
        ImportError
            Neither is installed.
        """
        columns: dict[str, list[Any]] = {
            "layer": [layer.name for layer in self.layers],
            "what": [layer.what for layer in self.layers],
            "output": [_shape(layer.output) for layer in self.layers],
            "weights": [_weights(layer.weights) for layer in self.layers],
            "parameters": [layer.parameters for layer in self.layers],
            "multiply_adds": [layer.multiply_adds for layer in self.layers],
            "per": [layer.per for layer in self.layers],
        }
        try:
            import pandas as pd
        except ImportError:
            try:
                import polars as pl
            except ImportError as error:
                raise ImportError(
                    "Summary.frame needs pandas or polars: pip install pandas; Summary.to_dict "
                    "needs neither"
                ) from error
            return pl.DataFrame(columns)
        return pd.DataFrame(columns)

    def rows(self) -> list[tuple[str, ...]]:
        """The lines of the table, as texts, in the order of `TABLE`."""
        return [
            (
                layer.name if layer.what == layer.name else f"{layer.name} ({layer.what})",
                _shape(layer.output),
                _weights(layer.weights),
                f"{layer.parameters:,}" if layer.weights else "",
                _count(layer.multiply_adds, layer.per),
            )
            for layer in self.layers
        ]

    def facts(self) -> list[tuple[str, str]]:
        """What stands below the table: a name and a text for each line."""
        once = self.multiply_adds("sequence")
        state = self.stream_state
        facts = [
            ("parameters", f"{self.parameters:,} of {self.dtype}"),
            (
                "multiply-adds",
                f"{self.multiply_adds('step'):,} a time step"
                + (f", {once:,} once a sequence" if once else ""),
            ),
            (
                "memory of training",
                f"{_bytes(self.training_bytes)} at batch_size={self.batch_size}, {self._length()}",
            ),
            *((f"  {name}", _bytes(n)) for name, n in self.training_memory.items()),
            (
                "state of a stream",
                "none: the network is bidirectional" if state is None else f"{state:,} bytes",
            ),
            ("computed by", f"{self.backend} ({self.isa})"),
        ]
        if self.frontend != "none":
            facts.insert(0, ("front end", self.frontend))
        facts[:0] = [(vocabulary.title, vocabulary.in_words()) for vocabulary in self.vocabularies]
        if self.before:
            facts.insert(0, ("X goes through", ", ".join(self.before)))
        return facts

    def _length(self) -> str:
        steps = f"{self.n_timesteps:,} time step{'s' * (self.n_timesteps != 1)}"
        return steps if self.length_is_known else f"if sequences have {steps}, for example"

    def __str__(self) -> str:
        table = [TABLE, *self.rows()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [self._title(), ""]
        for i, row in enumerate(table):
            cells = [
                text.ljust(width) if j < LEFT else text.rjust(width)
                for j, (text, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(cells).rstrip())
            if i == 0:
                lines.append("  ".join("-" * width for width in widths))
        width = max(len(name) for name, _ in self.facts())
        lines += ["", *(f"{name.ljust(width)}  {value}" for name, value in self.facts())]
        return "\n".join(visible(line) for line in lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The same as a table of a notebook."""
        head = "".join(f'<th style="text-align: left">{escape(name)}</th>' for name in TABLE)
        body = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align: {"left" if j < LEFT else "right"}">{escape(text)}</td>'
                for j, text in enumerate(row)
            )
            + "</tr>"
            for row in self.rows()
        )
        facts = "".join(
            f'<tr><th style="text-align: left">{escape(name)}</th>'
            f'<td style="text-align: left">{escape(value)}</td></tr>'
            for name, value in self.facts()
        )
        return (
            f"<div><p><strong>{escape(self._title())}</strong></p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<table><tbody>{facts}</tbody></table></div>"
        )

    def _title(self) -> str:
        outputs = "output" if self.n_outputs == 1 else "outputs"
        inputs = "input" if self.n_features == 1 else "inputs"
        return (
            f"{self.kind}{'' if self.fitted else ' (not fitted)'}: {self.n_features} {inputs}, "
            f"{self.n_outputs} {outputs}"
        )


def summarised(
    layout: Layout,
    training: Training,
    *,
    kind: str,
    dtype: DTypeLike,
    backend: str,
    isa: str,
    fitted: bool = True,
    before: Sequence[str] = (),
    frontend: str = "none",
    length_is_known: bool = True,
    vocabularies: tuple[VocabularySummary, ...] = (),
) -> Summary:
    """Sum up a network.

    Parameters
    ----------
    layout : Layout
    training : Training
        What the memory of training is of.
    kind, dtype, backend, isa, fitted, before, frontend, length_is_known, vocabularies
        As `Summary` has them.
    """
    itemsize = np.dtype(dtype).itemsize
    layers = tuple(row for layer in layers_of(layout) for row in _rows(layer, layout))
    has_reader = layout.at_every_step or any(row.what == "readout" for row in layers)
    if not has_reader:  # the backend computes it: there is no layer of its own
        name = readout_text(layout.readout)
        row = LayerSummary(name, "readout", (layout.n_read,), {}, 0, "step")
        at = max(i for i, row in enumerate(layers) if row.name.startswith("recurrent")) + 1
        layers = (*layers[:at], row, *layers[at:])
    return Summary(
        kind=kind,
        fitted=fitted,
        before=tuple(before),
        layers=layers,
        n_features=layout.n_features,
        n_outputs=layout.n_outputs,
        dtype=np.dtype(dtype).name,
        backend=backend,
        isa=isa,
        batch_size=training.batch_size,
        n_timesteps=training.n_timesteps,
        training_memory=training_memory(layout, training, itemsize),
        stream_state=None if layout.bidirectional else stream_state(layout, dtype),
        frontend=frontend,
        length_is_known=length_is_known,
        vocabularies=vocabularies,
    )


def _rows(layer: Layer | ReadoutLayer, layout: Layout) -> list[LayerSummary]:
    """The rows of one layer: two of one that reads in both directions."""
    if isinstance(layer, Residual):
        return [
            row
            if not row.name.startswith("recurrent")
            else LayerSummary(
                row.name,
                f"{row.what}, residual",
                row.output,
                row.weights,
                row.multiply_adds,
                row.per,
            )
            for row in _rows(layer.layer, layout)
        ]
    if isinstance(layer, Bidirectional):
        return [*_rows(layer.onward, layout), *_rows(layer.backward, layout)]
    weights = {name.rpartition(".")[2]: shape for name, shape in layer.shapes().items()}
    if isinstance(layer, Embedding):
        return [
            _column(k, n_categories, size, layer.frozen)
            for k, (n_categories, size) in enumerate(layer.columns)
        ]
    if isinstance(layer, RecurrentLayer):
        products = math.prod(weights["W_x"]) + math.prod(weights["W_h"])
        products -= n_rows(layer.columns) * weights["W_x"][1]  # a category only picks a row
        what = _cell(layer.cell)
        if layer.recurrent_dropout:
            what += f", recurrent dropout {layer.recurrent_dropout:g}"
        return [LayerSummary(layer.name, what, (None, layer.width), weights, products, "step")]
    if isinstance(layer, Dropout):
        name = f"dropout{layer.place}"
        above = layer.place == layout.n_layers - 1 and not layout.at_every_step
        shape = (layer.width,) if above else (None, layer.width)
        return [LayerSummary(name, f"dropout {layer.share:g}", shape, {}, 0, "step")]
    if isinstance(layer, Head):
        products = layer.n_in * layer.n_classes
        if layout.at_every_step:
            return [
                LayerSummary("head", "head", (None, layer.n_classes), weights, products, "step")
            ]
        return [LayerSummary("head", "head", (layer.n_classes,), weights, products, "sequence")]
    if not isinstance(layer, ReadoutLayer):
        raise TypeError(f"a {type(layer).__name__} has no row in a summary")
    if layout.at_every_step:
        return []
    # The product with each array of weights, and the states times what came of it.
    products = sum(2 * math.prod(shape) for shape in weights.values())
    name = readout_text(layout.readout)
    return [LayerSummary(name, "readout", (layer.n_out,), weights, products, "step")]


def _column(number: int, n_categories: int, size: int, frozen: bool) -> LayerSummary:
    """The row of a column of categories."""
    counted = f"{n_categories:,} categor{'y' if n_categories == 1 else 'ies'}"
    if not size:
        what = f"{counted}, one-hot"
        return LayerSummary(f"categories{number}", what, (None, n_categories), {}, 0, "step")
    what = f"{counted}, frozen" if frozen else counted
    return LayerSummary(
        f"embedding{number}", what, (None, size), {"E": (n_categories, size)}, 0, "step"
    )


def _cell(cell: Cell) -> str:
    name = cell.name if cell.activation == "tanh" else f"{cell.name}, {cell.activation}"
    return f"{name}, layer_norm" if cell.layer_norm else name


def training_memory(layout: Layout, training: Training, itemsize: int) -> dict[str, int]:
    """Bytes that training takes, by what they are for: the formula is in `Summary`."""
    batch, n_timesteps = training.batch_size, -(-training.n_timesteps // training.stride)
    n_parameters = sum(
        math.prod(shape) for layer in layers_of(layout) for shape in layer.shapes().values()
    )
    vectors = training.optimizer_vectors + 1 + training.decays
    at_once = n_timesteps
    if training.bptt_steps is not None:
        at_once = min(n_timesteps, training.bptt_steps)
    tape = sum(
        n * tape_values(layout.cell, size, batch, at_once, training.recompute_every)
        for size in layout.hidden_sizes
        for n in [layout.n_directions]
    )
    if training.recompute_every:
        stretch = min(training.recompute_every, at_once)
        tape += max(
            batch * stretch * (size + layout.cell.trace_size(size)) for size in layout.hidden_sizes
        )
    between = batch * at_once * _between(layout)
    of_categories = {}
    if layout.categories:
        of_categories["categories"] = _of_categories(layout, batch * at_once) * itemsize
    return {
        "weights": n_parameters * itemsize,
        "gradient": n_parameters * itemsize,
        "best weights": n_parameters * itemsize,
        "optimizer": vectors * n_parameters * itemsize,
        "tape": tape * itemsize,
        "between layers": between * itemsize,
        "prepared batch": batch * n_timesteps * layout.n_features * itemsize,
        **of_categories,
    }


def _of_categories(layout: Layout, n_steps: int) -> int:
    """Numbers that tables, vectors and codes of a batch of so many steps are at most."""
    width = len(layout.cell.kind.gates) * layout.hidden_sizes[0]
    named = [(min(n, n_steps), size) for n, size in layout.categories]
    tables = sum(n for n, _ in named) * 2 * width * layout.n_directions
    vectors = sum(n * 2 * size for n, size in named)
    return tables + vectors + n_steps * layout.n_features


def tape_values(
    cell: Cell, hidden_size: int, n_samples: int, n_timesteps: int, recompute_every: int = 0
) -> int:
    """How many numbers a tape of one direction of a layer keeps of a batch, without its input."""
    if recompute_every:
        kept = n_checkpoints(n_timesteps, min(recompute_every, max(n_timesteps, 1)))
        return n_samples * kept * cell.state_size(hidden_size)
    return n_samples * n_timesteps * (hidden_size + cell.trace_size(hidden_size))


def _between(layout: Layout) -> int:
    """Numbers of a time step of a sample that lie between layers, beside what tapes keep."""
    both = layout.n_directions == 2
    kept, most, n_in = 0, 0, layout.n_features
    for i, size in enumerate(layout.hidden_sizes):
        width = layout.n_directions * size
        whole = i < layout.n_layers - 1 or layout.sums_layers or not layout.readout_class.outputs
        if both:
            kept += n_in  # turned round
            kept += width if whole else 0  # side by side
        if layout.sums_layers and i:
            kept += width
        # Of two directions the gradient is cut in halves, one of which is turned round; what comes
        # back from it is turned round again, and added to the other.
        gradients = width + (width + size if both else 0) if whole else 0
        if i:
            gradients += n_in * (3 if both else 1)
        most = max(most, gradients)
        if i == layout.n_layers - 1 and layout.readout_class.shapes(width):
            most = max(most, 2 * width)  # what a readout with weights makes of its own gradient
        n_in = width
    if layout.at_every_step:
        kept += 2 * layout.n_outputs  # answers and their gradient
    return kept + most


def stream_state(layout: Layout, dtype: DTypeLike) -> int:
    """Bytes that one stream of a network carries from one time step to the next."""
    context = PassContext(Parameters({}, dtype), _NO_BACKEND, None, keep_tape=False)
    n_steps = np.zeros(1, np.int64)
    readout = layout.readout_class(context, n_steps, layout.width)
    states = sum(layout.cell.state_size(size) for size in layout.hidden_sizes)
    return (
        n_steps.nbytes
        + states * np.dtype(dtype).itemsize
        + sum(array.nbytes for array in readout.state.values())
    )


_NO_BACKEND: Any = None
"""In the place of a backend, where nothing is computed."""


def _shape(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("n_timesteps" if n is None else str(n) for n in shape) + ")"


def _weights(shapes: Shapes) -> str:
    return ", ".join(f"{name} {' x '.join(map(str, shape))}" for name, shape in shapes.items())


def _count(n: int, per: Per) -> str:
    if not n:
        return ""
    return f"{n:,} a step" if per == "step" else f"{n:,} once"


def _bytes(n: int) -> str:
    """A number of bytes in the unit that a person reads it in."""
    if n < 1000:
        return f"{n} bytes"
    for unit, size in (("kB", 10**3), ("MB", 10**6), ("GB", 10**9)):
        if n < 1000 * size or unit == "GB":
            return f"{n / size:.3g} {unit}" if n < 1000 * size else f"{n / size:,.0f} {unit}"
    raise AssertionError(n)
