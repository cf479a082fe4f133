"""PyTorch's weights in and out, and a trained model as a module of PyTorch's.

`import torch` in this folder's files is PyTorch itself: imports are absolute everywhere.
"""

from elman.exchange.torch.module import from_torch, to_torch
from elman.exchange.torch.reading import from_state_dict
from elman.exchange.torch.writing import reasons_against, save_state_dict, to_state_dict

__all__ = [
    "from_state_dict",
    "from_torch",
    "reasons_against",
    "save_state_dict",
    "to_state_dict",
    "to_torch",
]
