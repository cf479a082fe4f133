"""A fingerprint of a trained model, by which an exported file says what it was made from."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from elman.models.model import TrainedModel


def digest_of(model: TrainedModel) -> str:
    """SHA-256 of all that a file would keep of the model, but for its training: 64 hex digits.

    The same for an estimator and for the model of its file, on every machine.

    Raises
    ------
    ValueError
        The weights are not finite.
    """
    described, tensors = model.describe()
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
