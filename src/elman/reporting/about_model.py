"""A trained model and the record of its training in; what it is, in plain values, out."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from elman.data.frontend import Frontend
from elman.data.prepared import Prepared
from elman.data.sequences import Sequences
from elman.hyperparameters.declared import DECLARED, defaults_of
from elman.hyperparameters.network import parameters_of
from elman.inspection.vocabulary import vocabulary_summaries
from elman.models.files import plain_parameters
from elman.models.fitted import Fitted
from elman.models.history import History
from elman.models.kinds import kind_of_model
from elman.models.model import TrainedModel
from elman.nn.readouts import readout_text
from elman.reporting.plain import number, plain
from elman.training.gauges import probe, saturated, spectral_radii

Fact = dict[str, Any]

MOST_EPOCHS = 400
"""epochs that are told; of more, as many evenly spread ones, with the first, last and best"""


def model_facts(found: Fitted) -> Fact:
    """The network, its hyper-parameters and what computes it."""
    model = found.model
    layout, params = model.network.layout, model.network.params
    parameters, changed = _parameters(found)
    backend = model.current_backend()
    return {
        "kind": model.kind,
        "answers": kind_of_model(model),
        "cell": layout.cell.name,
        "activation": layout.cell.activation,
        "layer_norm": layout.cell.layer_norm,
        "hidden_sizes": [*layout.hidden_sizes],
        "bidirectional": layout.bidirectional,
        "readout": readout_text(layout.readout),
        "n_features_in": int(model.n_features_in),
        "n_outputs": layout.n_outputs,
        "dtype": str(params.dtype),
        "missing": model.missing,
        "standardize": model.standardisation is not None,
        "frontend": _frontend(model.frontend),
        "vocabularies": [
            {"title": each.title, "in_words": each.in_words(), **asdict(each)}
            for each in vocabulary_summaries(
                model.symbols, layout.categories, frozen=layout.frozen_embeddings
            )
        ],
        "n_parameters": int(sum(w.size for w in params.values())),
        "weights": [
            {"name": name, "shape": [*w.shape], "parameters": int(w.size)}
            for name, w in params.items()
        ],
        "steps_before": [{"name": name, "kind": type(step).__name__} for name, step in found.steps],
        "parameters": parameters,
        "changed": changed,
        "backend": type(backend).__module__.rpartition(".")[2],
        "versions": _versions(),
    }


def _frontend(frontend: Frontend) -> Fact:
    """What the network reads of standardised steps, and why "auto" chose it."""
    return {
        "deltas": frontend.deltas,
        "stride": frontend.stride,
        "scale_each": frontend.scale_each,
        "in_words": frontend.in_words(),
        "reasons": [*frontend.reasons],
    }


def _parameters(found: Fitted) -> tuple[Fact, list[str]]:
    """Hyper-parameters as JSON has them, and the names of those that are not as by default."""
    given: Mapping[str, Any] = parameters_of(found.model.network.layout)
    of_estimator = getattr(found.estimator, "get_params", None)
    if of_estimator is not None:
        given = of_estimator(deep=False)
    told = plain_parameters({name: given[name] for name in given if name in DECLARED})
    own = defaults_of(found.model.kind)
    defaults = plain_parameters({name: own.get(name, DECLARED[name].default) for name in told})
    changed = [name for name in told if plain(told[name]) != plain(defaults[name])]
    return plain(told), changed


def _versions() -> dict[str, str]:
    import elman

    return {
        "elman": elman.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def history_facts(history: History | None) -> Fact | None:
    """The columns of a training's record, thinned where they are long; None without any."""
    if history is None or not len(history):
        return None
    n = len(history)
    kept = [*range(n)]
    if n > MOST_EPOCHS:
        spread = np.linspace(0, n - 1, MOST_EPOCHS).astype(np.int64).tolist()
        kept = sorted({*spread, max(history.best_epoch - 1, 0)})
    columns = {
        name: [plain(values[i]) if i < len(values) else None for i in kept]
        for name, values in history.to_dict().items()
        if name not in ("seconds", "sequences_per_second")
    }
    return {
        "n_epochs": n,
        "best_epoch": int(history.best_epoch),
        "stopped_by": history.stopped_by,
        "batch_size": history.batch_size or None,
        "batch_size_reason": history.batch_size_reason or None,
        "max_iter": history.max_iter or None,
        "max_iter_reason": history.max_iter_reason or None,
        "seconds": number(sum(history.seconds)),
        "thinned": len(kept) < n,
        "columns": columns,
    }


def health_facts(model: TrainedModel, data: Sequences, history: History | None) -> Fact:
    """Gauges of the network as it is now, on these recordings, and of its gradient in training."""
    backend = model.current_backend()
    prepared = Prepared(data, model.standardisation, model.network.params.dtype, model.frontend)
    samples = probe(prepared)
    samples = samples[prepared.lengths[samples] > 0]
    radii = spectral_radii(model.network, backend)
    norms = [] if history is None else list(history.gradient_norm)
    return {
        "saturated": number(saturated(model.network, prepared, samples, backend))
        if len(samples)
        else None,
        "n_probed": len(samples),
        "spectral_radius": {name: number(radius) for name, radius in radii.items()},
        "gradient_norm": {
            "first": number(norms[0]),
            "last": number(norms[-1]),
            "largest": number(max(norms)),
        }
        if norms
        else None,
    }
