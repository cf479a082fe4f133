"""Collects all that decides the bits of a run, so that a checkpoint of another run is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from elman.backends.contract import Backend
from elman.data.sequences import Sequences
from elman.hyperparameters.declared import decides_bits
from elman.hyperparameters.seeds import entropy_of
from elman.models.files import plain_parameters
from elman.models.model import TrainedModel
from elman.nn.readouts import EVERY
from elman.training.checkpoints import digest
from elman.training.labelled import Labelled


def fingerprint(
    estimator: Any,
    given: dict[str, Any],
    backend: Backend,
    root: np.random.Generator,
    model: TrainedModel,
    chosen: dict[str, int],
) -> dict[str, Any]:
    """All that decides a run's bits, by name, as JSON has it.

    Parameters
    ----------
    estimator : estimator
    given : dict
        What `digests` said of the data.
    backend : Backend
    root : numpy.random.Generator
        What all random numbers of the run come from, not drawn from yet.
    model : TrainedModel
        As it was before training. Its front end is what `deltas` and `stride` came to.
    chosen : dict of str to int
        What `batch_size` and `max_iter` came to. "auto" is the same run as the number that it
        stands for, and another one where it stands for another.
    """
    parameters = plain_parameters(estimator.get_params(deep=False)) | chosen
    parameters |= {"deltas": model.frontend.deltas, "stride": model.frontend.stride}
    if "readout" in parameters and model.network.layout.at_every_step:
        parameters["readout"] = EVERY  # which y may have asked for, or the user: it is one run
    if isinstance(estimator.random_state, (np.random.RandomState, np.random.Generator)):
        parameters["random_state"] = entropy_of(root)
    meaning, arrays = model.describe_answers()
    return {
        **{name: value for name, value in parameters.items() if decides_bits(name)},
        **given,
        "y": digest(given["y"], repr(meaning), *arrays.values()),
        **_of_symbols(estimator, model),
        "version of elman": version("elman"),
        "version of numpy": np.__version__,
        "backend": f"{backend.name} ({backend.isa})",
    }


def _of_symbols(estimator: Any, model: TrainedModel) -> dict[str, str]:
    """What tells the vocabularies of X from others, and the vectors that they begin with."""
    if model.symbols is None:
        return {}
    described, arrays = model.symbols.describe()
    named = [part for name in sorted(arrays) for part in (name, arrays[name])]
    found = {"vocabulary of X": digest(json.dumps(described, sort_keys=True), *named)}
    if estimator.embedding_init is not None:
        params = model.network.params
        vectors = [params[name] for name in sorted(params) if name.startswith("embedding")]
        found["embedding_init"] = digest(*vectors)
    return found


def asked_for(estimator: Any) -> dict[str, Any]:
    """The hyper-parameters that processes which train together must have in common."""
    apart = "random_state", "checkpoint"  # a generator is compared by what it draws
    parameters = plain_parameters(estimator.get_params(deep=False))
    found = {
        name: value
        for name, value in parameters.items()
        if name not in apart and decides_bits(name)
    }
    return {**found, "checkpoints": estimator.checkpoint is not None}


def weights_of(model: TrainedModel) -> str:
    """SHA-256 of a model, as a file has it."""
    described, tensors = model.describe()
    named = [part for name in sorted(tensors) for part in (name, tensors[name])]
    return digest(json.dumps(described, sort_keys=True), *named)


def digests(
    training: Labelled,
    validation: Labelled | None,
    *,
    stands_for: Callable[[Sequences], str] | None = None,
) -> dict[str, str | None]:
    """SHA-256 of the data that was given, by name.

    Parameters
    ----------
    training, validation : Labelled
    stands_for : callable, optional
        Makes a text that tells some sequences from all others, where reading their values would
        take too long.
    """

    def told(data: Sequences) -> Any:
        return data if stands_for is None else stands_for(data)

    validated: list[Any] = []
    if validation is not None:
        validated = [told(validation.X.data), validation.targets]
    return {
        "X": digest(told(training.X.data)),
        "y": digest(training.targets),
        "sample_weight": None if training.weights is None else digest(training.weights),
        "validation data": digest(*validated) if validated else None,
    }
