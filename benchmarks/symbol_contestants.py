"""Networks that read symbols, ours and PyTorch's: a case and a cell in, functions to time out.

Keras's is in `symbol_keras`. All begin with the same weights and read the same numbers of symbols,
made before the clock starts. PyTorch's runs in two ways: packed, where no step behind a sample's
end is computed, and padded, where they are computed and not read. What is quicker depends on
lengths and cell.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends import get_backend
from elman.backends.cells import Cell
from elman.data.prepared import Prepared
from elman.data.sequences import Sequences
from elman.models.classifier import TrainedClassifier
from elman.nn.gradient import Samples, gradient
from elman.nn.layout import Layout
from elman.nn.network import Network
from elman.nn.objectives import OneClass
from elman.nn.optimizers import make_optimizer
from elman.training.epoch import run_epoch
from elman.training.labelled import Labelled
from elman.training.plan import Plan

Array = NDArray[Any]

HIDDEN, CLASSES, BATCH, RATE, CLIP = 64, 10, 64, 1e-3, 1.0
ANSWERED_AT_ONCE = 256
"""samples of a batch that PyTorch answers about, put in the order of their lengths"""


class Case(NamedTuple):
    """What is read."""

    name: str
    n_symbols: int
    embedding_size: int
    """0: one-hot"""
    shortest: int
    longest: int
    n_samples: int

    def __str__(self) -> str:
        lengths = f"{self.shortest}-{self.longest}" if self.is_unequal else f"{self.longest:,}"
        fed = f"vectors of {self.embedding_size}" if self.embedding_size else "one-hot"
        return f"{self.name}: {self.n_symbols:,} symbols, {fed}, {lengths} steps"

    @property
    def is_unequal(self) -> bool:
        """Whether lengths differ."""
        return self.shortest < self.longest


CHARACTERS = Case("characters", 60, 32, 3, 20, 4096)
WORDS = Case("words", 20_000, 64, 50, 400, 512)
DNA = Case("DNA", 5, 0, 1000, 1000, 256)
CASES = (CHARACTERS, WORDS, DNA)


class Problem(NamedTuple):
    """Symbols by number, their classes, and the network that all sides begin with."""

    case: Case
    cell: str
    ids: list[Array]
    """(n_timesteps_i,) int64 each"""
    y: Array
    network: Network


def make_problem(case: Case, cell: str, n_samples: int | None = None) -> Problem:
    """The k-th of many symbols is as frequent as 1 / k, as words are; of few, all are alike."""
    rng = np.random.default_rng(0)
    n_samples = n_samples or case.n_samples
    lengths = rng.integers(case.shortest, case.longest + 1, n_samples)
    share = np.ones(case.n_symbols)
    if case.n_symbols > 1000:
        share /= np.arange(1, case.n_symbols + 1)
    drawn = rng.choice(case.n_symbols, int(lengths.sum()), p=share / share.sum())
    ids = np.split(drawn, np.cumsum(lengths)[:-1])
    categories: dict[str, Any] = {"categories": ((case.n_symbols, case.embedding_size),)}
    layout = Layout(1, (HIDDEN,), CLASSES, cell=Cell(cell), readout="last", **categories)
    return Problem(case, cell, ids, rng.integers(0, CLASSES, n_samples), drawn_network(layout))


def drawn_network(layout: Layout) -> Network:
    """Weights of which none is zero, so that a forgotten bias would show."""
    rng = np.random.default_rng(1)
    network = Network.initialised(layout, rng=rng, dtype=np.float32)
    for name in network.params:
        if name.endswith(".b"):
            network.params[name][...] = rng.normal(scale=0.3, size=network.params[name].shape)
    return network


def dense(problem: Problem) -> Problem:
    """The same for a network of as many numbers as there are symbols, of which one is 1."""
    layout = Layout(
        problem.case.n_symbols,
        (HIDDEN,),
        CLASSES,
        cell=Cell(problem.cell),
        readout="last",
    )
    params = problem.network.params
    network = drawn_network(layout)
    for name in network.params:
        network.params[name][...] = params[name]
    return problem._replace(network=network)


class Contestant(NamedTuple):
    """One side, and what is asked of it."""

    name: str
    n_threads: int
    epoch: Callable[[], Any]
    """Train for one; the weights go on from where they are."""
    predict: Callable[[], Array]
    """(n_samples,) labels"""
    step: Callable[[int], Array] | None
    """Read one symbol in a stream; (n_classes,) probabilities. None: not asked for, or another
    contestant has it."""
    logits: Callable[[], Array]
    """(n_samples, n_classes)"""
    gradients: Callable[[Array], dict[str, Array]]
    """numbers of samples -> the gradient of their mean loss, under our names"""
    one_batch: Callable[[], Any]
    """A training step with the first samples."""


def ours(
    problem: Problem, n_threads: int, *, is_dense: bool = False, recompute_every: int = 0
) -> Contestant:
    """Our engine, on numbers of symbols or, for comparison, on arrays of zeros and ones.

    With `recompute_every` training keeps the states after every so many steps alone.
    """
    if is_dense:
        problem = dense(problem)
    backend = get_backend("native", n_threads=n_threads)
    network = problem.network
    start = network.params.flat.copy()
    data = sequences_of(problem.ids, problem.case.n_symbols if is_dense else 0)
    trained = Network(network.layout, type(network.params).from_arrays(network.params, np.float32))

    def trainer(n_samples: int) -> Callable[[], Any]:
        some = np.arange(n_samples)
        training = Labelled(Prepared(data), problem.y, None).subset(some)
        plan = Plan(1, BATCH, lambda epoch: RATE, CLIP, recompute_every=recompute_every)
        optimizer = make_optimizer("adam", trained.params)
        shuffling = np.random.default_rng(1)
        return lambda: run_epoch(
            trained, training, optimizer, plan, OneClass(), RATE, backend, shuffling, 0
        )

    model = TrainedClassifier(
        network=network,
        n_features_in=problem.case.n_symbols if is_dense else 1,
        two_d=False,
        classes=np.arange(CLASSES),
        n_jobs=n_threads,
    )
    stream = model.stream()
    rows = np.eye(problem.case.n_symbols if is_dense else 1, dtype=np.float32)

    def step(symbol: int) -> Array:
        return stream.step(rows[symbol] if is_dense else np.array([symbol], np.float32))

    def gradients(rows: Array) -> dict[str, Array]:
        batch = data.batch(rows)
        samples = Samples(batch.X, batch.lengths, problem.y[batch.order])
        return dict(gradient(network, samples, OneClass(), backend).gradient)

    def check_kept() -> Array:
        if not np.array_equal(network.params.flat, start):
            raise SystemExit("a contestant was trained that is asked for its first answers")
        return model.logits(data)

    name = f"elman {backend.isa}{', dense one-hot' if is_dense else ''}"
    return Contestant(
        name,
        n_threads,
        trainer(len(problem.ids)),
        lambda: model.predict(data),
        step if n_threads == 1 else None,
        check_kept,
        gradients,
        trainer(min(BATCH, len(problem.ids))),
    )


class FromText(NamedTuple):
    """The estimator on text as people have it: what making numbers of it costs as well."""

    name: str
    n_threads: int
    epoch: Callable[[], Any]
    """A whole `fit` of one epoch: it makes the vocabulary, and the network."""
    predict: Callable[[], Array]


def from_text(problem: Problem) -> FromText:
    """One thread. Words are a list of tokens for each sample, other symbols one string."""
    from elman import RNNClassifier

    X, case = as_text(problem), problem.case
    settings: dict[str, Any] = {
        "embedding_size": case.embedding_size or None,
        "hidden_size": HIDDEN,
        "cell": problem.cell,
        "readout": "last",
        "deltas": 0,
        "stride": 1,
        "max_iter": 1,
        "batch_size": BATCH,
        "learning_rate_init": RATE,
        "learning_rate": "constant",
        "max_grad_norm": CLIP,
        "standardize": False,
        "solver": "adam",
        "alpha": 0.0,
        "random_state": 0,
        "n_jobs": 1,
    }
    fitted = RNNClassifier(**settings).fit(X, problem.y)
    return FromText(
        "elman, from text",
        1,
        lambda: RNNClassifier(**settings).fit(X, problem.y),
        lambda: fitted.predict(X),
    )


def as_text(problem: Problem) -> list[Any]:
    """The symbols of each sample as letters, or as words where there are more than letters."""
    letters = string.ascii_letters + string.digits
    if problem.case.n_symbols > len(letters):
        return [[f"w{number}" for number in x] for x in problem.ids]
    return ["".join(letters[number] for number in x) for x in problem.ids]


def sequences_of(ids: list[Array], n_symbols: int) -> Sequences:
    """Numbers of symbols as a column of float32; with `n_symbols` as so many columns, one-hot."""
    joined = np.concatenate(ids)
    steps = np.eye(n_symbols, dtype=np.float32)[joined] if n_symbols else joined[:, np.newaxis]
    return Sequences(np.ascontiguousarray(steps, np.float32), [len(x) for x in ids])


def pytorch(problem: Problem, n_threads: int, *, packed: bool) -> Contestant:
    """nn.Embedding and nn.RNN, GRU or LSTM with our weights; one-hot rows are looked up as well."""
    import torch
    from torch.nn.functional import cross_entropy
    from torch.nn.utils.rnn import PackedSequence, pack_sequence

    from benchmarks import symbol_torch

    case, params = problem.case, problem.network.params
    tensors = [torch.from_numpy(x) for x in problem.ids]
    y = torch.from_numpy(problem.y)
    lengths = torch.tensor([len(x) for x in tensors])
    padded = torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True)
    first, trained = (symbol_torch.Net(params, problem.cell, case.embedding_size) for _ in range(2))

    def answers(net: symbol_torch.Net, rows: Any) -> torch.Tensor:
        if packed:
            both = pack_sequence([tensors[i] for i in rows.tolist()])
            return net.packed(PackedSequence(net.looked_up(both.data), both.batch_sizes))
        longest = int(lengths[rows[0]])
        return net.padded(net.looked_up(padded[rows, :longest]), lengths[rows])

    def sorted_by_length(rows: Any) -> torch.Tensor:
        rows = torch.as_tensor(rows)
        return rows[lengths[rows].argsort(descending=True, stable=True)]

    def trainer(n_samples: int) -> Callable[[], Any]:
        optimizer = torch.optim.Adam(trained.learned(), lr=RATE, fused=True)
        rng = np.random.default_rng(1)

        def epoch() -> None:
            torch.set_num_threads(n_threads)
            order = rng.permutation(n_samples)
            for chosen in np.array_split(order, -(-n_samples // BATCH)):
                rows = sorted_by_length(chosen)
                loss = cross_entropy(answers(trained, rows), y[rows])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(trained.learned(), CLIP)
                optimizer.step()

        return epoch

    in_order = sorted_by_length(np.arange(len(tensors)))

    def logits() -> Array:
        torch.set_num_threads(n_threads)
        out = torch.empty(len(tensors), CLASSES)
        with torch.inference_mode():
            for rows in in_order.split(ANSWERED_AT_ONCE):
                out[rows] = answers(first, rows)
        return out.numpy()

    def gradients(rows: Array) -> dict[str, Array]:
        torch.set_num_threads(n_threads)
        chosen = sorted_by_length(rows)
        first.zero_grad(set_to_none=True)
        cross_entropy(answers(first, chosen), y[chosen]).backward()
        return first.gradients()

    step = symbol_torch.stepper(params, problem.cell, case.embedding_size)
    return Contestant(
        f"PyTorch, {'packed' if packed else 'padded'}",
        n_threads,
        trainer(len(tensors)),
        lambda: logits().argmax(1),
        step if n_threads == 1 and not packed else None,
        logits,
        gradients,
        trainer(min(BATCH, len(tensors))),
    )
