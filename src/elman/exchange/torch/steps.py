"""What the front end makes of the steps of padded samples, on tensors: `elman.data.frontend`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elman.data.frontend import LEAST_AMPLITUDE

if TYPE_CHECKING:
    from torch import Tensor


def own_steps(lengths: Tensor, n_timesteps: int) -> Tensor:
    """(n, n_timesteps), which steps lie before a sample's end."""
    import torch

    return torch.arange(n_timesteps, device=lengths.device) < lengths[:, None]


def reversed_steps(x: Tensor, lengths: Tensor) -> Tensor:
    """Each sample (n, n_timesteps, width) turned round within its own length."""
    import torch

    steps = torch.arange(x.shape[1], device=x.device)
    turned = lengths[:, None] - 1 - steps
    turned = torch.where(turned >= 0, turned, steps)
    return x.gather(1, turned[:, :, None].expand(x.shape))


def each_scaled(x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Samples of mean 0 and amplitude 1, their means and their amplitudes, (n, width) each.

    NaN is left out, and means and amplitudes are NaN where there is nothing else.
    """
    own = own_steps(lengths, x.shape[1])[:, :, None]
    observed = own & ~x.isnan()
    counts = observed.sum(1).to(x.dtype)

    def mean_of(values: Tensor) -> Tensor:
        return values.masked_fill(~observed, 0).sum(1) / counts

    mean = mean_of(x)
    mean = mean + mean_of(x - mean[:, None])  # its rounding
    amplitude = mean_of((x - mean[:, None]) ** 2).clamp(min=LEAST_AMPLITUDE**2).sqrt()
    divisor = amplitude.masked_fill(amplitude.isnan(), 1)
    return (x - mean[:, None]) / divisor[:, None], mean, amplitude


def block_means(x: Tensor, lengths: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """The mean of each block of so many steps, NaN left out; and how many blocks there are."""
    from torch.nn.functional import pad

    n, n_timesteps, width = x.shape
    n_blocks = -(-n_timesteps // stride)
    own = own_steps(lengths, n_timesteps)[:, :, None]
    observed = own & ~x.isnan()
    more = (0, 0, 0, n_blocks * stride - n_timesteps)
    total = pad(x.masked_fill(~observed, 0), more)
    counts = pad(observed.to(x.dtype), more)
    shape = n, n_blocks, stride, width
    means = total.reshape(shape).sum(2) / counts.reshape(shape).sum(2)
    return means, (lengths + stride - 1).div(stride, rounding_mode="floor")


def differences(x: Tensor) -> Tensor:
    """What each step has more than the one before it; NaN at the first."""
    import torch

    before = torch.cat([torch.full_like(x[:, :1], torch.nan), x[:, :-1]], 1)
    return (x - before)[:, : x.shape[1]]
