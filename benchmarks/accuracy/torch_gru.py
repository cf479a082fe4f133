"""A data set and a seed in; PyTorch's GRU, trained at a sensible setting, out.

Two layers of 64 units that read both ways, the largest value of each unit over time, one linear
layer on top (cross-validation on training splits chose it among the state at the end, mean and
largest value, alone and side by side). Inputs are thinned to at most 128 steps (means of
blocks) and standardised, weights are those that PyTorch starts with, Adam's rate falls from 0.003
along a cosine for 120 epochs in batches of about 32, and gradients are clipped at a norm of 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.sets import DataSet

Array = NDArray[Any]
SETTINGS: dict[str, Any] = {
    "layers": 2,
    "units": 64,
    "readout": "max",
    "steps": 128,
    "epochs": 120,
    "batch": 32,
    "rate": 0.003,
    "clip": 1.0,
}


class Model(torch.nn.Module):
    """A GRU of two directions, and a linear layer."""

    def __init__(self, n_features: int, n_outputs: int, readout: str) -> None:
        super().__init__()
        units = SETTINGS["units"]
        self.readout = readout
        self.gru = torch.nn.GRU(
            n_features, units, SETTINGS["layers"], batch_first=True, bidirectional=True
        )
        self.head = torch.nn.Linear(2 * units * len(readout.split("+")), n_outputs)

    def forward(self, X: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Recordings (n_samples, n_timesteps, n_features), zeros behind the end of each."""
        pad, pack = torch.nn.utils.rnn.pad_packed_sequence, torch.nn.utils.rnn.pack_padded_sequence
        if int(lengths.min()) == X.shape[1]:
            H, ends = self.gru(X)
        else:
            packed, ends = self.gru(pack(X, lengths, batch_first=True, enforce_sorted=False))
            H, _ = pad(packed, batch_first=True)
        behind = torch.arange(H.shape[1])[None, :] >= lengths[:, None]
        values = {
            "last": lambda: torch.cat([ends[-2], ends[-1]], dim=1),
            "mean": lambda: H.sum(dim=1) / lengths[:, None],
            "max": lambda: H.masked_fill(behind[:, :, None], -math.inf).amax(dim=1),
        }
        return self.head(torch.cat([values[name]() for name in self.readout.split("+")], dim=1))


def fit(data: DataSet, seed: int, readout: str = SETTINGS["readout"]) -> Callable[[Any], Array]:
    """Train; returns the function that answers recordings with labels or numbers."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    stride = math.ceil(np.median([len(x) for x in data.X_train]) / SETTINGS["steps"])
    steps = np.concatenate([thinned(x, stride) for x in data.X_train])
    mean, scale = steps.mean(axis=0), steps.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)

    def tensors(X: Any) -> tuple[torch.Tensor, torch.Tensor]:
        samples = [torch.tensor((thinned(x, stride) - mean) / scale).float() for x in X]
        padded = torch.nn.utils.rnn.pad_sequence(samples, batch_first=True)
        return padded, torch.tensor([len(x) for x in samples])

    y, classes, centre, spread = np.asarray(data.y_train), None, 0.0, 1.0
    if data.kind == "regression":
        centre, spread = float(y.mean()), float(y.std())
        targets = torch.tensor((y - centre) / spread).float()
    else:
        classes, codes = np.unique(y, return_inverse=True)
        targets = torch.tensor(codes)
    model = Model(steps.shape[1], 1 if classes is None else len(classes), readout)
    train(model, *tensors(data.X_train), targets, rng)

    def predict(X: Any) -> Array:
        model.eval()
        inputs, lengths = tensors(X)
        with torch.inference_mode():
            parts = [
                model(inputs[rows, : int(lengths[rows].max())], lengths[rows]).numpy()
                for rows in torch.arange(len(lengths)).split(256)
            ]
        answers = np.concatenate(parts)
        if classes is None:
            return answers[:, 0] * spread + centre
        return classes[answers.argmax(axis=1)]

    return predict


def thinned(x: Array, stride: int) -> Array:
    """Means of blocks of `stride` steps; the last block may be a shorter one."""
    x = np.asarray(x, np.float64)
    starts = np.arange(0, len(x), stride)
    sizes = np.diff(np.append(starts, len(x)))
    return np.add.reduceat(x, starts, axis=0) / sizes[:, np.newaxis]


def train(
    model: Model,
    X: torch.Tensor,
    lengths: torch.Tensor,
    targets: torch.Tensor,
    rng: np.random.Generator,
) -> None:
    """All epochs, in batches of about equal size."""
    n_samples, n_epochs = len(targets), SETTINGS["epochs"]
    optimizer = torch.optim.Adam(model.parameters(), lr=SETTINGS["rate"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_epochs)
    for _ in range(n_epochs):
        n_batches = math.ceil(n_samples / SETTINGS["batch"])
        for part in np.array_split(rng.permutation(n_samples), n_batches):
            rows = torch.tensor(part)
            answers = model(X[rows, : int(lengths[rows].max())], lengths[rows])
            if targets.is_floating_point():
                loss = torch.nn.functional.mse_loss(answers[:, 0], targets[rows])
            else:
                loss = torch.nn.functional.cross_entropy(answers, targets[rows])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
            optimizer.step()
        schedule.step()
