"""Writes a fitted estimator (model, hyper-parameters, history) to a file, and reads it back."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from numpy.typing import NDArray

from elman.data.readers import suffixes
from elman.formats import archive
from elman.formats.archive import ArchiveError
from elman.hyperparameters.checks import Check, plain
from elman.hyperparameters.declared import DECLARED, PARAMETERS, declarations, defaults_of
from elman.hyperparameters.network import layout_of, parameters_of
from elman.models.classifier import TrainedClassifier
from elman.models.history import STOPPED_BY, History
from elman.models.model import TrainedModel
from elman.models.pipeline import PipelineSteps
from elman.models.regressor import TrainedRegressor
from elman.models.tagger import TrainedTagger
from elman.nn.readouts import plain_readout

CHECKS: dict[str, dict[str, Check]] = {
    kind: {name: each.check_for(kind) for name, each in declarations(parameters).items()}
    for kind, parameters in PARAMETERS.items()
}
"""Kinds of estimators that a file may hold, and how their hyper-parameters are checked."""
FORMER_READOUT = "max"
"""Of regressors in older files whose user chose none, also where targets asked for "every"."""
FORMER_NAMES = {each.formerly: name for name, each in DECLARED.items() if each.formerly}
"""Hyper-parameters by the names that they have in files of older versions."""
KINDS: dict[str, type[TrainedModel]] = {
    model.kind: model for model in (TrainedClassifier, TrainedRegressor, TrainedTagger)
}
"""The models that a file may hold, by the name of the estimator that trains each."""

LONGEST_REASON = 1000
"""characters of a text that says why "auto" chose something"""

M = TypeVar("M", bound=TrainedModel)


class Saved(NamedTuple, Generic[M]):
    """A fitted estimator as a file holds it."""

    model: M
    parameters: dict[str, Any]
    """hyper-parameters by name, without those that no file holds once restored"""
    history: History
    pipeline: PipelineSteps | None = None
    """the steps of the pipeline that the estimator is the last one of; None: it is alone. The
    scalers themselves are in `model.before`, so that the model answers as the pipeline does"""


def save(path: str | Path, saved: Saved[M]) -> None:
    """Write a fitted estimator to a file, atomically."""
    check_name(path)
    archive.save(path, *pack(saved))


def check_name(path: str | Path) -> None:
    """Raise ValueError if a file of that name would be taken for data, by its suffix."""
    suffix = Path(path).suffix
    if suffix.lower() in suffixes():
        raise ValueError(
            f"{path}: {suffix} is the suffix of files of data, by which elman.data.read and the "
            f"commands know them; name the model {Path(path).stem}.safetensors"
        )


def pack(saved: Saved[M]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the configuration of a fitted estimator's file.

    Raises
    ------
    ValueError
        What no file could give back: weights that are not finite, or hyper-parameters that were
        changed after training and ask for another network.
    """
    changed = ": it was changed after training; set it back, or fit again before saving"
    _check_agrees(saved.model, saved.parameters, changed)
    described, tensors = saved.model.describe()
    config = {
        **described,
        "parameters": plain_parameters(saved.parameters),
        "history": asdict(saved.history),
    }
    if saved.pipeline is not None:
        config["pipeline"] = saved.pipeline.describe()
    return tensors, config


def plain_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Hyper-parameters as JSON has them, but for those that no file holds.

    Those that a subclass adds to the declared ones are kept if they are numbers, bools or texts.
    """
    return {
        name: DECLARED[name].check.to_json(value) if name in DECLARED else plain(value)
        for name, value in parameters.items()
        if name not in DECLARED or DECLARED[name].saved
    }


OF_OTHERS = {
    ".onnx": "other runtimes, and nothing comes back from it",
    ".keras": "Keras; elman.exchange.read_keras reads it",
    ".h5": "Keras; elman.exchange.read_keras reads it",
    ".pt": "PyTorch; elman.exchange.from_state_dict reads it",
    ".pth": "PyTorch; elman.exchange.from_state_dict reads it",
}
"""Suffixes of files that are taken for models of ours, and what they are for."""


def load(path: str | Path) -> Saved[TrainedModel]:
    """Read an estimator of any kind, or a pipeline, that `save` wrote; nothing in it is run.

    The model of a pipeline has its scalers in `before`, and takes X as the pipeline does.
    """
    tensors, config = _content(path)
    kind = config.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ArchiveError(
            f"{path}: holds a {kind!r}, which this version of elman does not know: it knows "
            + ", ".join(KINDS)
        )
    return _checked(path, tensors, config, CHECKS[kind])


def load_kind(path: str | Path, kind: str, *, known: Collection[str]) -> Saved[TrainedModel]:
    """Read an estimator of one kind.

    Parameters
    ----------
    path : str or Path
    kind : str
        One of `KINDS`.
    known : collection of str
        Names of the hyper-parameters that there are; a file with others is refused.
    """
    return load_training(path, kind, known=known)[0]


def load_training(
    path: str | Path, kind: str, *, known: Collection[str]
) -> tuple[Saved[TrainedModel], dict[str, NDArray[Any]], dict[str, Any]]:
    """Read an estimator of one kind, and what a checkpoint holds beside it.

    Returns
    -------
    saved : Saved
    arrays : dict of str to ndarray
        Those called "training.*"; none in a model file.
    training : dict
        The part of the configuration called "training"; empty in a model file.
    """
    tensors, config = _content(path)
    if config.get("kind") != kind:
        raise ArchiveError(
            f"{path}: holds a {config.get('kind')!r}, not a {kind}; load it with its own class"
        )
    if "pipeline" in config or "before" in config:
        raise ArchiveError(
            f"{path}: holds a pipeline that ends in a {kind}, not one alone; elman.load reads it"
        )
    saved = _checked(path, tensors, config, known)
    arrays = {name: array for name, array in tensors.items() if name.startswith("training.")}
    return saved, arrays, config.get("training", {})


def _content(path: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays and the configuration of a model file; ArchiveError if it is none."""
    try:
        return archive.load(path)
    except ArchiveError as error:
        if Path(path).suffix.lower() in suffixes():
            raise ArchiveError(
                f"{path}: is no model: by its suffix it holds data, which elman.data.read reads"
            ) from error
        if Path(path).suffix.lower() in OF_OTHERS:
            raise ArchiveError(
                f"{path}: is no model file of elman's, which is a .safetensors file: by its suffix "
                f"it is for {OF_OTHERS[Path(path).suffix.lower()]}"
            ) from error
        raise


def _checked(
    path: str | Path, tensors: dict[str, Any], config: dict[str, Any], known: Collection[str]
) -> Saved[TrainedModel]:
    kind = config["kind"]
    tensors = dict(tensors)
    if "training" in config:
        tensors = {name: tensors[name] for name in tensors if not name.startswith("training.")}
    try:
        return _restored(tensors, config, known)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ArchiveError(
            f"{path}: is whole, but does not describe a {kind} of this version of elman "
            f"({type(error).__name__}: {error}); it may come from a newer one"
        ) from error


def _restored(
    tensors: dict[str, Any], config: dict[str, Any], known: Collection[str]
) -> Saved[TrainedModel]:
    kind = config["kind"]
    parameters = _restored_parameters(config["parameters"], known, CHECKS[kind])
    model = KINDS[kind].restore(config, tensors)
    if tensors:
        raise ValueError(f"unknown arrays {sorted(tensors)}")
    if model.network.layout.at_every_step and parameters.get("readout") == FORMER_READOUT:
        parameters["readout"] = defaults_of(kind)["readout"]
    _check_agrees(model, parameters, "")
    for name, value in parameters_of(model.network.layout).items():
        if name in known:  # what the file leaves out, the network says
            parameters.setdefault(name, value)
    for name in ("deltas", "stride", "scale_each"):
        if name in known:
            parameters.setdefault(name, getattr(model.frontend, name))
    for name in known:  # what has another default since was done as by the earlier one
        if name in DECLARED and DECLARED[name].earlier != DECLARED[name].default:
            parameters.setdefault(name, DECLARED[name].earlier)
    pipeline = None
    if "pipeline" in config or model.before:
        pipeline = PipelineSteps.restore(config["pipeline"], model.n_features_in, len(model.before))
    model = replace(model, backend=parameters.get("backend"), n_jobs=parameters.get("n_jobs"))
    return Saved(model, parameters, _restored_history(config["history"]), pipeline)


def _restored_parameters(
    described: dict[str, Any], known: Collection[str], checks: Mapping[str, Check]
) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for written, value in described.items():
        name = FORMER_NAMES.get(written, written)
        if name not in known:
            raise ValueError(f"unknown hyper-parameter {written!r}")
        if name in DECLARED and not DECLARED[name].saved:
            raise ValueError(f"hyper-parameter {written!r}, which no file may set")
        if name in parameters:
            raise ValueError(f"hyper-parameter {name!r} twice, once by its former name")
        parameters[name] = value
        if name in checks:
            parameters[name] = checks[name].from_json(value)
            checks[name](name, parameters[name])
    return parameters


def _check_agrees(model: TrainedModel, parameters: Mapping[str, Any], advice: str) -> None:
    """Raise ValueError unless the hyper-parameters ask for the network that the model has."""
    layout, given = model.network.layout, dict(parameters)
    # Targets of time steps ask for "every" by themselves, where no readout is chosen.
    default = defaults_of(model.kind).get("readout")
    if layout.at_every_step and "readout" in given and plain_readout(given["readout"]) == default:
        del given["readout"]
    # A subclass may keep some of them to itself, and older files lack what came later.
    asked = layout_of(
        parameters_of(layout) | given, layout.n_features, layout.n_outputs, layout.categories
    )
    for name, here, there in asked.differences(layout):
        raise ValueError(
            f"{name} is {here} among the hyper-parameters and {there} in the network{advice}"
        )
    for name in ("deltas", "stride", "scale_each"):
        here, there = given.get(name, "auto"), getattr(model.frontend, name)
        if here not in ("auto", there):
            raise ValueError(
                f"{name} is {here} among the hyper-parameters and {there} in the model{advice}"
            )


def _restored_history(described: dict[str, Any]) -> History:
    strangers = sorted(set(described) - {field.name for field in fields(History)})
    if strangers:
        raise ValueError(f"history has unknown parts {strangers}")
    history = History(**described)
    for name, of in (("batch_size", "samples"), ("max_iter", "epochs")):
        number, reason = getattr(history, name), getattr(history, f"{name}_reason")
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise ValueError(f"history has {name}={number!r:.200}, which is no number of {of}")
        if not isinstance(reason, str) or len(reason) > LONGEST_REASON:
            raise ValueError(f"history has a {name}_reason that is no short text")
    for name in History.columns():
        column = getattr(history, name)
        if not isinstance(column, list):
            raise ValueError(f"history has no list as {name}")
        if name == "spectral_radius":
            values = [value for radii in column for value in _radii(radii)]
        else:
            values = column
        may_lack = name not in ("epoch", "loss", "gradient_norm", "learning_rate", "seconds")
        if not all((value is None and may_lack) or _is_number(value) for value in values):
            raise ValueError(f"history has other values than finite numbers in {name}")
        if len(column) not in ((0, len(history)) if may_lack else (len(history),)):
            raise ValueError(f"history has {len(column)} values of {name}, {len(history)} epochs")
    if not all(isinstance(epoch, int) for epoch in history.epoch):
        raise ValueError("history has epochs without a number")
    best, last = history.best_epoch, max(history.epoch, default=0)
    if not isinstance(best, int) or isinstance(best, bool) or not 0 <= best <= last:
        raise ValueError("history does not say which epoch was best")
    if history.stopped_by not in STOPPED_BY:
        raise ValueError("history does not say what ended training")
    return history


def _radii(radii: Any) -> list[Any]:
    """The numbers of an epoch's spectral radii, which a file has by the names of layers."""
    if radii is None:
        return []
    if not isinstance(radii, dict):
        raise ValueError("history has other values than numbers in spectral_radius")
    return [*radii.values()]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
