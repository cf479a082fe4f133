"""An estimator, a pipeline or a trained model in; its `Summary` out."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from elman.backends import available_backends, get_backend
from elman.backends.streams import MISSING
from elman.data.frontend import Frontend
from elman.hyperparameters.checks import LARGEST_BATCH
from elman.hyperparameters.declared import DECLARED
from elman.hyperparameters.network import layout_of
from elman.inspection.summary import Summary, Training, summarised
from elman.inspection.vocabulary import vocabulary_summaries
from elman.models.fitted import KINDS, fitted
from elman.models.history import History
from elman.models.model import TrainedModel
from elman.nn.optimizers import make_optimizer
from elman.nn.parameters import Parameters

N_TIMESTEPS = 100
"""Time steps of a sequence, as an example, where nothing says how many there are."""


def summary(
    given: Any,
    *,
    n_features: int | None = None,
    n_outputs: int | None = None,
    batch_size: int | None = None,
    n_timesteps: int | None = None,
) -> Summary:
    """Sum up a network: layers, shapes, parameters, arithmetic and memory.

    Printed, it is a table; in a notebook too. `Summary` says how everything is counted, and has
    `frame()` and `to_dict()`.

    Parameters
    ----------
    given : RNNClassifier, RNNTagger, RNNRegressor, Pipeline or TrainedModel
        Fitted or not. A pipeline has to end in one of the three estimators.
    n_features : int, optional
        Columns of a time step of X. Only for what is not fitted, which needs it.
    n_outputs : int, optional
        Classes, labels or targets. Only for what is not fitted, which needs it. (Of a regressor
        that is not fitted, targets are taken to be of whole sequences.)
    batch_size : int, optional
        Sequences in a batch of training; by default that of the estimator, or for a trained model
        alone the default of the estimators. "auto" is counted as what it stood for in the last
        training, and before one as 32, the most that it stands for.
    n_timesteps : int, optional
        Time steps of each sequence of that batch; by default those of a 2-D X that a model was
        trained on. If nothing says it, the memory of training is that of 100 time steps, as an
        example, and the table says so.

    Returns
    -------
    elman.inspection.summary.Summary

    Raises
    ------
    TypeError
        It is none of these.
    ValueError
        It is not fitted and its widths are missing; or it is, and they are given; or a number is
        below 1.

    Examples
    --------
    >>> import elman
    >>> clf = elman.RNNClassifier(16, cell="gru", dtype="float32")
    >>> found = elman.summary(clf, n_features=3, n_outputs=4)
    >>> found.parameters, found.multiply_adds("step"), found.multiply_adds("sequence")
    (1044, 912, 64)
    >>> for line in str(found).splitlines()[:5]:
    ...     print(line)
    RNNClassifier (not fitted): 3 inputs, 4 outputs
    <BLANKLINE>
    layer             output             weights                        parameters  multiply-adds
    ----------------  -----------------  -----------------------------  ----------  -------------
    recurrent0 (gru)  (n_timesteps, 16)  W_x 3 x 48, W_h 16 x 48, b 64         976     912 a step
    """
    for name, value in (
        ("n_features", n_features),
        ("n_outputs", n_outputs),
        ("batch_size", batch_size),
        ("n_timesteps", n_timesteps),
    ):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
            raise ValueError(f"{name}={value!r}; it must be a whole number of at least 1")
    steps = list(getattr(given, "steps", None) or [("", given)])
    last = steps[-1][1]
    unfitted = not isinstance(given, TrainedModel) and "model_" not in getattr(last, "__dict__", {})
    if unfitted and {base.__name__ for base in type(last).__mro__} & set(KINDS):
        before = [
            type(step).__name__ for _, step in steps[:-1] if step not in (None, "passthrough")
        ]
        return _of_unfitted(last, before, n_features, n_outputs, batch_size, n_timesteps)
    found = fitted(given)
    if n_features is not None or n_outputs is not None:
        raise ValueError(
            f"this {found.model.kind} is fitted, which says how many features and outputs it has: "
            "leave n_features and n_outputs out"
        )
    parameters = {} if found.estimator is found.model else found.estimator.get_params(deep=False)
    names = [type(step).__name__ for _, step in found.steps]
    return summary_of(
        found.model,
        parameters,
        before=names,
        batch_size=batch_size,
        n_timesteps=n_timesteps,
        history=getattr(found.estimator, "history_", None),
    )


def summary_of(
    model: TrainedModel,
    parameters: Mapping[str, Any],
    *,
    before: list[str] | None = None,
    batch_size: int | None = None,
    n_timesteps: int | None = None,
    history: History | None = None,
) -> Summary:
    """Sum up a trained model whose hyper-parameters are known; missing ones have their defaults.

    `history` says what batch_size="auto" stood for.
    """
    if n_timesteps is None and model.two_d:
        n_timesteps = model.n_features_in
    backend, isa = _computed_by(model.backend)
    return summarised(
        model.network.layout,
        _training(parameters, batch_size, n_timesteps, model.frontend.stride, history),
        kind=model.kind,
        frontend=model.frontend.in_words(),
        dtype=model.network.params.dtype,
        backend=backend,
        isa=isa,
        before=["SequenceScaler" for _ in model.before] if before is None else before,
        length_is_known=n_timesteps is not None,
        vocabularies=vocabulary_summaries(
            model.symbols,
            model.network.layout.categories,
            frozen=model.network.layout.frozen_embeddings,
        ),
    )


def _of_unfitted(
    estimator: Any,
    before: list[str],
    n_features: int | None,
    n_outputs: int | None,
    batch_size: int | None,
    n_timesteps: int | None,
) -> Summary:
    """Sum up the network that an estimator would train."""
    kind = type(estimator).__name__
    lacks = [
        f"{name}= ({what})"
        for name, what, value in (
            ("n_features", "columns of a time step of X", n_features),
            ("n_outputs", "classes, labels or targets", n_outputs),
        )
        if value is None
    ]
    if n_features is None or n_outputs is None:
        raise ValueError(
            f"this {kind} is not fitted, so that nothing says how wide its input and its output "
            f"are: pass {' and '.join(lacks)}, or call fit first"
        )
    estimator._check_parameters()
    parameters = estimator._hyperparameters()
    missing = parameters["missing"] if parameters["missing"] in MISSING else "error"
    # "auto" is decided by the training data; until then it is taken for doing nothing
    deltas, stride = (
        plain if parameters[name] == "auto" else int(parameters[name])
        for name, plain in (("deltas", 0), ("stride", 1))
    )
    frontend = Frontend(deltas, stride, bool(parameters["scale_each"]))
    n_inputs = frontend.n_inputs(int(n_features), missing)
    layout = layout_of(parameters, n_inputs, int(n_outputs))
    backend, isa = _computed_by(parameters["backend"])
    dtype = parameters["dtype"]
    return summarised(
        layout,
        _training(parameters, batch_size, n_timesteps, stride),
        kind=kind,
        frontend=frontend.in_words(),
        # "auto" takes that of the training data, which are float64 unless they say otherwise
        dtype=np.float64 if isinstance(dtype, str) and dtype == "auto" else dtype,
        backend=backend,
        isa=isa,
        fitted=False,
        before=before,
        length_is_known=n_timesteps is not None,
    )


def _training(
    parameters: Mapping[str, Any],
    batch_size: int | None,
    n_timesteps: int | None,
    stride: int = 1,
    history: History | None = None,
) -> Training:
    """How much is trained on at once; what is not said has the estimators' default."""

    def value(name: str) -> Any:
        return parameters.get(name, DECLARED[name].default)

    bptt_steps = value("bptt_steps")
    size = value("batch_size") if batch_size is None else batch_size
    if size == "auto":
        size = (history.batch_size if history is not None else 0) or LARGEST_BATCH
    return Training(
        batch_size=int(size),
        n_timesteps=int(N_TIMESTEPS if n_timesteps is None else n_timesteps),
        optimizer_vectors=len(make_optimizer(value("solver"), Parameters({})).memory),
        decays=bool(value("alpha")),
        recompute_every=int(value("recompute_every") or 0),
        bptt_steps=None if bptt_steps is None else int(bptt_steps),
        stride=stride,
    )


def _computed_by(asked: str | None) -> tuple[str, str]:
    """The backend that computes here, and its instruction set."""
    if asked is not None and asked not in available_backends():
        return asked, "not installed here"
    found = get_backend(asked, n_threads=1)
    return found.name, found.isa
