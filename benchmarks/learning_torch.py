"""A learning task and a seed in; the test score of PyTorch, trained as we train, out.

The same data, the same initial weights, the same batches in the same order, the same solver, rate,
clipping and decay. What differs is PyTorch's own: a second bias of each gate, which starts at zero
and learns too, and the draws of dropout.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.earlier import as_recorded
from benchmarks.learning_tasks import Task
from elman import RNNClassifier
from elman.backends.cells import Cell
from elman.hyperparameters.seeds import make_rng
from elman.nn.layout import Layout, layer_sizes
from elman.nn.network import Network
from elman.nn.schedules import cosine

Array = NDArray[Any]
MODULES = {"elman": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
SOLVERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


class Padded(NamedTuple):
    """Samples of unequal length in one tensor."""

    X: torch.Tensor
    """(n_samples, n_timesteps, n_features), zeros behind a sample's end"""
    lengths: torch.Tensor
    """(n_samples,), int64, none 0"""

    def batch(self, rows: Any) -> Padded:
        """Some samples, no longer than the longest of them."""
        rows = torch.as_tensor(rows)
        lengths = self.lengths[rows]
        return Padded(self.X[rows, : int(lengths.max())], lengths)


class Model(torch.nn.Module):
    """One recurrent layer, a readout and a head, from the weights our network starts with."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        params, hidden_size = network.params, network.layout.hidden_sizes[0]
        self.readout = network.layout.readout
        of_elman = {"nonlinearity": network.layout.cell.activation}
        self.recurrent = MODULES[network.layout.cell.name](
            network.layout.n_features,
            hidden_size,
            batch_first=True,
            **(of_elman if network.layout.cell.name == "elman" else {}),
        )
        self.dropout = torch.nn.Dropout(network.layout.dropout)
        self.head = torch.nn.Linear(*params["head.W"].shape)
        W_x, W_h, b = (params[f"recurrent0.{name}"] for name in ("W_x", "W_h", "b"))
        width = W_x.shape[1]  # a GRU's b has one block more, which stands beside the state
        b_state = np.zeros(width, b.dtype)
        b_state[width - (len(b) - width) :] = b[width:]
        with torch.no_grad():
            self.recurrent.weight_ih_l0.copy_(torch.tensor(W_x.T.copy()))
            self.recurrent.weight_hh_l0.copy_(torch.tensor(W_h.T.copy()))
            self.recurrent.bias_ih_l0.copy_(torch.tensor(b[:width].copy()))
            self.recurrent.bias_hh_l0.copy_(torch.tensor(b_state))
            self.head.weight.copy_(torch.tensor(params["head.W"].T.copy()))
            self.head.bias.copy_(torch.tensor(params["head.b"].copy()))

    def forward(self, batch: Padded) -> torch.Tensor:
        """States behind a sample's end are computed and not read; packing is much slower here."""
        H, _ = self.recurrent(batch.X)
        if self.readout == "last":
            features = H[torch.arange(len(H)), batch.lengths - 1]
        else:
            over = torch.arange(H.shape[1]) >= batch.lengths[:, None]
            features = H.masked_fill(over[:, :, None], -math.inf).amax(dim=1)
        return self.head(self.dropout(features))


def fit_and_score(task: Task, cell: str, seed: int) -> float:
    """Test accuracy in per cent, or mean squared error."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data = task.data(seed)
    # what the task leaves as it is, RNNClassifier's defaults say, also for RNNRegressor
    settings = RNNClassifier(**as_recorded(RNNClassifier, **task.settings_of(cell))).get_params()
    y, n_outputs = np.asarray(data.y_train), int(np.max(data.y_train)) + 1
    mean, scale = 0.0, 1.0
    if task.is_regression:
        mean, scale, n_outputs = float(y.mean()), float(y.std()), 1
    initial, shuffle, _ = make_rng(seed).spawn(3)
    layout = Layout(
        data.X_train[0].shape[1],
        layer_sizes(settings["hidden_size"]),
        n_outputs,
        cell=Cell(cell, settings["activation"]),
        readout=settings["readout"],
        dropout=settings["dropout"],
    )
    network = Network.initialised(layout, rng=initial)
    model = Model(network)
    X_train, X_test = prepared(data.X_train, data.X_test, settings["standardize"])
    targets = torch.tensor(((y - mean) / scale).astype(np.float32) if task.is_regression else y)
    train(model, X_train, targets, settings, shuffle, task.enough)
    model.eval()
    with torch.inference_mode():
        parts = [model(X_test.batch(rows)).numpy()
                 for rows in torch.arange(len(X_test.lengths)).split(250)]  # fmt: skip
    answers = np.concatenate(parts)
    if task.is_regression:
        return float(np.mean((answers[:, 0] * scale + mean - data.y_test) ** 2))
    return 100 * float(np.mean(answers.argmax(axis=1) == data.y_test))


def prepared(X_train: Any, X_test: Any, standardize: bool) -> list[Padded]:
    """Tensors, scaled by all steps of the training data."""
    steps = np.concatenate(list(X_train)).astype(np.float64)
    mean, scale = (steps.mean(axis=0), steps.std(axis=0)) if standardize else (0.0, 1.0)
    both = []
    for X in (X_train, X_test):
        samples = [torch.tensor(((x - mean) / scale).astype(np.float32)) for x in X]
        padded = torch.nn.utils.rnn.pad_sequence(samples, batch_first=True)
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
    matrices = [p for p in model.parameters() if p.ndim > 1]
    biases = [p for p in model.parameters() if p.ndim == 1]
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
            else:
                loss = torch.nn.functional.cross_entropy(answers, wanted)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings["max_grad_norm"])
            optimizer.step()
            loss_sum += len(rows) * loss.item()
        if loss_sum / n_samples < enough:
            break
