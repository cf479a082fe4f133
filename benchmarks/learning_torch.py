"""A learning task and a seed in; the test score of PyTorch, trained as we train, out.

The same data, the same initial weights, the same batches in the same order, the same solver, rate,
clipping and decay. What differs is PyTorch's own: a second bias of each gate, which starts at zero
and learns too, and the draws of dropout. Symbols are read through nn.Embedding, which begins with
our vectors; here too rare ones are read as the unknown one now and then, by draws of PyTorch's.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from benchmarks.earlier import as_recorded
from benchmarks.learning_tasks import Task
from elman import RNNClassifier
from elman.backends.cells import Cell
from elman.hyperparameters.seeds import make_rng
from elman.nn.layout import Layout, layer_sizes
from elman.nn.network import Network
from elman.nn.schedules import cosine

Array = NDArray[Any]
UNKNOWN_RATE = 0.25
"""A symbol that occurs n times in training is read as the unknown one with probability
rate / (rate + n): Kiperwasser and Goldberg (2016), "Simple and accurate dependency parsing using
bidirectional LSTM feature representations", section 4"""
NO_LABEL = -100
"""stands behind the end of a sentence, and is not learned from"""
MODULES = {"elman": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
SOLVERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


class Padded(NamedTuple):
    """Samples of unequal length in one tensor."""

    X: torch.Tensor
    """(n_samples, n_timesteps, n_features), or of symbols (n_samples, n_timesteps) int64; zeros
    behind a sample's end"""
    lengths: torch.Tensor
    """(n_samples,), int64, none 0"""

    def batch(self, rows: Any) -> Padded:
        """Some samples, no longer than the longest of them."""
        rows = torch.as_tensor(rows)
        lengths = self.lengths[rows]
        return Padded(self.X[rows, : int(lengths.max())], lengths)


class Model(torch.nn.Module):
    """One recurrent layer, a readout and a head, from the weights our network starts with.

    Parameters
    ----------
    network : Network
        With one categorical column and no other if there is an embedding.
    embedding : torch.nn.Embedding, optional
        What symbols are read through.
    """

    def __init__(self, network: Network, embedding: torch.nn.Embedding | None = None) -> None:
        super().__init__()
        params, layout = network.params, network.layout
        self.readout, self.embedding = layout.readout, embedding
        of_elman = {"nonlinearity": layout.cell.activation}
        self.recurrent = MODULES[layout.cell.name](
            layout.n_features if embedding is None else embedding.embedding_dim,
            layout.hidden_sizes[0],
            batch_first=True,
            bidirectional=layout.bidirectional,
            **(of_elman if layout.cell.name == "elman" else {}),
        )
        self.dropout = torch.nn.Dropout(layout.dropout)
        self.head = torch.nn.Linear(*params["head.W"].shape)
        self._take(params, "recurrent0", "l0")
        if layout.bidirectional:
            self._take(params, "recurrent0.reverse", "l0_reverse")
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor(params["head.W"].T.copy()))
            self.head.bias.copy_(torch.tensor(params["head.b"].copy()))

    def _take(self, params: Any, ours: str, theirs: str) -> None:
        """Copy the weights of one direction."""
        W_x, W_h, b = (params[f"{ours}.{name}"] for name in ("W_x", "W_h", "b"))
        width = W_x.shape[1]  # a GRU's b has one block more, which stands beside the state
        b_state = np.zeros(width, b.dtype)
        b_state[width - (len(b) - width) :] = b[width:]
        with torch.no_grad():
            for name, values in (
                ("weight_ih", W_x.T.copy()),
                ("weight_hh", W_h.T.copy()),
                ("bias_ih", b[:width].copy()),
                ("bias_hh", b_state),
            ):
                getattr(self.recurrent, f"{name}_{theirs}").copy_(torch.tensor(values))

    def forward(self, batch: Padded) -> torch.Tensor:
        """States behind a sample's end are computed and not read; packing is much slower here, but
        a way back has to begin at the end.
        """
        X = batch.X if self.embedding is None else self.embedding(batch.X)
        if self.recurrent.bidirectional:
            packed = pack_padded_sequence(X, batch.lengths, True, enforce_sorted=False)
            H, _ = pad_packed_sequence(self.recurrent(packed)[0], batch_first=True)
        else:
            H, _ = self.recurrent(X)
        if self.readout == "every":
            features = H
        elif self.readout == "last":
            features = H[torch.arange(len(H)), batch.lengths - 1]
        else:
            over = torch.arange(H.shape[1]) >= batch.lengths[:, None]
            features = H.masked_fill(over[:, :, None], -math.inf).amax(dim=1)
        return self.head(self.dropout(features))


def fit_and_score(task: Task, cell: str, seed: int) -> float:
    """Test accuracy in per cent, or mean squared error."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data, make = task.data(seed), task.estimator
    # what the task leaves as it is, the estimator's defaults say; for a regressor, a classifier's
    make = RNNClassifier if task.is_regression else make
    settings = make(**as_recorded(make, **task.settings_of(cell))).get_params()
    targets, answer_of, n_outputs = targets_of(task, data.y_train)
    initial, shuffle, _ = make_rng(seed).spawn(3)
    vocabulary = vocabulary_of(data.X_train) if task.linear else {}
    embedding_size = settings["embedding_size"] if task.linear else None
    categories: dict[str, Any] = (
        {"categories": ((len(vocabulary) + 1, embedding_size or 0),)} if task.linear else {}
    )
    layout = Layout(
        1 if task.linear else data.X_train[0].shape[1],
        layer_sizes(settings["hidden_size"]),
        n_outputs,
        cell=Cell(cell, settings["activation"]),
        readout="every" if task.is_tagging else settings["readout"],
        bidirectional=settings["bidirectional"],
        dropout=settings["dropout"],
        **categories,
    )
    network = Network.initialised(layout, rng=initial)
    if task.linear:
        vectors = network.params["embedding0.E"] if embedding_size else None
        model = Model(network, embedding_of(len(vocabulary) + 1, vectors))
        X_train, X_test = (numbered(X, vocabulary) for X in (data.X_train, data.X_test))
        X_train = rare_unknown(X_train)
    else:
        model = Model(network)
        X_train, X_test = prepared(data.X_train, data.X_test, settings["standardize"])
    train(model, X_train, targets, settings, shuffle, task.enough)
    model.eval()
    answers = []
    with torch.inference_mode():
        for rows in torch.arange(len(X_test.lengths)).split(250):
            batch = X_test.batch(rows)
            found = model(batch).numpy()
            lengths = batch.lengths.tolist()
            parts = [z[:n] for z, n in zip(found, lengths, strict=True)]
            answers += parts if task.is_tagging else [found]
    found = answer_of(np.concatenate(answers))
    y = np.concatenate(data.y_test) if task.is_tagging else np.asarray(data.y_test)
    if task.is_regression:
        return float(np.mean((found - y) ** 2))
    return 100 * float(np.mean(found == y))


def targets_of(task: Task, y: Any) -> tuple[torch.Tensor, Callable[[Array], Array], int]:
    """What training is to come near to; what makes answers of outputs; and how many outputs."""
    if task.is_regression:
        mean, scale = float(np.mean(y)), float(np.std(y))
        standardised = torch.tensor(((np.asarray(y) - mean) / scale).astype(np.float32))
        return standardised, lambda outputs: outputs[:, 0] * scale + mean, 1
    flat = np.concatenate(y) if task.is_tagging else np.asarray(y)
    classes, codes = np.unique(flat, return_inverse=True)
    targets = torch.tensor(codes)
    if task.is_tagging:
        of_samples = targets.split([len(tags) for tags in y])
        targets = pad_sequence(of_samples, batch_first=True, padding_value=NO_LABEL)
    return targets, lambda outputs: classes[outputs.argmax(axis=1)], len(classes)


def vocabulary_of(X: Any) -> dict[str, int]:
    """Numbers of symbols, from 1 on, the most frequent first; 0 is the unknown one."""
    counts = Counter(symbol for x in X for symbol in x)
    ordered = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
    return {symbol: number for number, symbol in enumerate(ordered, 1)}


def numbered(X: Any, vocabulary: dict[str, int]) -> Padded:
    """Symbols by their numbers."""
    samples = [torch.tensor([vocabulary.get(symbol, 0) for symbol in x]) for x in X]
    padded = pad_sequence(samples, batch_first=True)
    return Padded(padded, torch.tensor([len(x) for x in samples]))


def rare_unknown(X: Padded) -> Padded:
    """A share of the rare symbols becomes the unknown one, so that training knows it."""
    inside = torch.arange(X.X.shape[1]) < X.lengths[:, None]
    counts = torch.bincount(X.X[inside])
    dropped = torch.rand(X.X.shape) < UNKNOWN_RATE / (UNKNOWN_RATE + counts[X.X])
    return X._replace(X=X.X.masked_fill(dropped, 0))


def embedding_of(n_symbols: int, vectors: Array | None) -> torch.nn.Embedding:
    """One that begins with these vectors; without any, one that makes one-hot columns for good."""
    if vectors is None:
        return torch.nn.Embedding.from_pretrained(torch.eye(n_symbols))
    return torch.nn.Embedding.from_pretrained(torch.tensor(vectors.copy()), freeze=False)


def prepared(X_train: Any, X_test: Any, standardize: bool) -> list[Padded]:
    """Tensors, scaled by all steps of the training data."""
    steps = np.concatenate(list(X_train)).astype(np.float64)
    mean, scale = (steps.mean(axis=0), steps.std(axis=0)) if standardize else (0.0, 1.0)
    both = []
    for X in (X_train, X_test):
        samples = [torch.tensor(((x - mean) / scale).astype(np.float32)) for x in X]
        padded = pad_sequence(samples, batch_first=True)
        both.append(Padded(padded, torch.tensor([len(x) for x in samples])))
    return both


def train(
    model: Model,
    X: Padded,
    targets: torch.Tensor,
    settings: dict[str, Any],
    rng: np.random.Generator,
    enough: float,
) -> None:
    """All epochs, in batches of equal size, or until the mean loss of one is below `enough`."""
    learned = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in learned if p.ndim > 1]
    biases = [p for p in learned if p.ndim == 1]
    groups = [
        {"params": matrices, "weight_decay": settings["alpha"]},
        {"params": biases, "weight_decay": 0.0},
    ]
    optimizer = SOLVERS[settings["solver"]](groups, lr=settings["learning_rate_init"])
    n_samples, n_epochs = len(targets), settings["max_iter"]
    n_batches = -(-n_samples // settings["batch_size"])
    for epoch in range(n_epochs):
        for group in optimizer.param_groups:
            group["lr"] = cosine(settings["learning_rate_init"], epoch, n_epochs)
        loss_sum = 0.0
        for rows in np.array_split(rng.permutation(n_samples), n_batches):
            answers, wanted = model(X.batch(rows)), targets[torch.as_tensor(rows)]
            if wanted.is_floating_point():
                loss = torch.nn.functional.mse_loss(answers[:, 0], wanted)
            elif wanted.ndim == 2:
                wanted = wanted[:, : answers.shape[1]]
                loss = cross_entropy(answers.flatten(0, 1), wanted.flatten(), ignore_index=NO_LABEL)
            else:
                loss = cross_entropy(answers, wanted)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings["max_grad_norm"])
            optimizer.step()
            loss_sum += len(rows) * loss.item()
        if loss_sum / n_samples < enough:
            break
