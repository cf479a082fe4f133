"""The optimizers and clipping against PyTorch's, live, over steps along random gradients."""

from __future__ import annotations

import os
import secrets

import numpy as np
import pytest
from helpers.problems import assert_within
from helpers.torch_judge import torch

from elman.nn.optimizers import clip_scale, global_norm, make_optimizer
from elman.nn.parameters import Parameters

SEED = int(os.environ.get("ELMAN_PARITY_SEED") or secrets.randbelow(2**32))
REPLAY = f"ELMAN_PARITY_SEED={SEED}"
SHAPES = {"recurrent0.W_h": (5, 5), "recurrent0.b": (5,), "head.W": (5, 3), "head.b": (3,)}
N_STEPS = 25


def judge_of(solver, groups, momentum, nesterov):
    if solver == "sgd":
        return torch.optim.SGD(groups, lr=1.0, momentum=momentum, nesterov=nesterov)
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[solver](groups, lr=1.0)


@pytest.mark.parametrize("alpha", [0.0, 0.03])
@pytest.mark.parametrize(
    ("solver", "momentum", "nesterov"),
    [
        ("sgd", 0.0, False),
        ("sgd", 0.9, False),
        ("sgd", 0.9, True),
        ("adam", 0.9, True),
        ("adamw", 0.9, True),
    ],
)
def test_steps(solver, momentum, nesterov, alpha):
    rng = np.random.default_rng(SEED)
    params = Parameters(SHAPES, "float64", rng.standard_normal(48))
    tensors = {name: torch.tensor(params[name], requires_grad=True) for name in SHAPES}
    # biases are not shrunk, in any of them
    groups = [
        {"params": [tensors[name]], "weight_decay": alpha if len(shape) > 1 else 0.0}
        for name, shape in SHAPES.items()
    ]
    judge = judge_of(solver, groups, momentum, nesterov)
    ours = make_optimizer(solver, params, alpha=alpha, momentum=momentum, nesterov=nesterov)
    learning_rate = rng.uniform(0.001, 0.1)
    for group in judge.param_groups:
        group["lr"] = learning_rate
    for step in range(N_STEPS):
        gradient = Parameters(SHAPES, "float64", rng.standard_normal(48))
        for name, tensor in tensors.items():
            tensor.grad = torch.tensor(gradient[name])
        judge.step()
        ours.step(params.flat, gradient.flat, learning_rate)
        for name, tensor in tensors.items():
            expected = tensor.detach().numpy()
            assert_within(1e-12, params[name], expected, f"{name}, step {step}; {REPLAY}")


@pytest.mark.parametrize("max_norm", [0.5, 1000.0])
def test_clipping(max_norm):
    rng = np.random.default_rng(SEED)
    gradient = rng.standard_normal(48)
    tensor = torch.zeros(48, dtype=torch.float64, requires_grad=True)
    tensor.grad = torch.tensor(gradient)
    norm = torch.nn.utils.clip_grad_norm_([tensor], max_norm)
    assert global_norm(gradient) == pytest.approx(float(norm), rel=1e-12)
    gradient *= clip_scale(global_norm(gradient), max_norm)
    # PyTorch divides by the norm plus 1e-6
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-5, err_msg=REPLAY)
