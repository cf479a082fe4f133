"""A configuration in; its estimator trained, its files written, and a record of all that came, out.

Only what users have is called, for everything else may be elsewhere in the other build.
"""

from __future__ import annotations

import inspect
import json
import pickle
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

import elman
from benchmarks.bits.cases import AXES
from benchmarks.bits.data import SIZES, Data, make_data, objects
from benchmarks.bits.values import Record

Array = NDArray[Any]

ESTIMATORS = {
    "classifier": "RNNClassifier",
    "multilabel": "RNNClassifier",
    "tagger": "RNNTagger",
    "regressor": "RNNRegressor",
    "targets": "RNNRegressor",
}
FORMER_NAMES = {"recompute_every": "checkpoint_every"}
"""hyper-parameters that got another name, and the one that older builds know"""
NOT_OF_BITS = ("seconds", "sequences_per_second")
"""columns of a history that a clock says"""
SCORERS = {
    "classifier": "f1_macro",
    "multilabel": "f1_macro",
    "tagger": "balanced_accuracy",
    "regressor": "neg_mean_absolute_error",
    "targets": "neg_mean_absolute_error",
}
SEED = 5
KILLED_AFTER = 2
"""epochs"""


class KilledError(Exception):
    """The end of a process, as far as a checkpoint can tell."""


class Runner:
    """One configuration in this build.

    Parameters
    ----------
    name : str
    axes : dict of str to str
    """

    def __init__(self, name: str, axes: dict[str, str]) -> None:
        self.name, self.axes = name, axes
        self.size = SIZES[axes["size"]]
        self.data: Data = make_data(name, axes)
        self.cls: Any = getattr(elman, ESTIMATORS[axes["estimator"]])
        self.way = axes["way"]

    # Training

    def run(self, folder: Path, record: Record) -> None:
        """Train in the configuration's way; leave a model, and for some ways a checkpoint.

        Parameters
        ----------
        folder : Path
            The model is written to NAME.safetensors, the folder of a training that was killed to
            NAME.killed, and that of one that came to its end to NAME.checkpoint.
        record : Record
            Filled with all that came out.
        """
        estimator = getattr(self, f"_{self.way}")(record, folder)
        self._record_fitted(record, "fitted", estimator)
        self._record_answers(record, "answers", estimator)
        if self._reads_on:
            self._record_streams(record, "streams", estimator)
        estimator.set_params(on_epoch=None)
        estimator.save(folder / f"{self.name}.safetensors")
        copied = pickle.loads(pickle.dumps(estimator))
        self._record_continued(record, "continued", estimator)
        self._record_continued(record, "copied", copied)

    def read(self, folder: Path, scratch: Path, record: Record) -> None:
        """Read what `run` left, in this build or in the other, and go on from it."""
        path = folder / f"{self.name}.safetensors"
        record.notes["format"] = format_version(path)
        estimator = self.cls.load(path)
        self._record_fitted(record, "loaded", estimator)
        self._record_answers(record, "loaded_answers", estimator)
        if self._reads_on:
            self._record_streams(record, "loaded_streams", estimator)
        estimator.set_params(random_state=SEED)  # a file keeps no generator
        self._record_continued(record, "loaded_continued", estimator)
        killed, finished = folder / f"{self.name}.killed", folder / f"{self.name}.checkpoint"
        for kept, prefix in ((killed, "resumed"), (finished, "found_finished")):
            if kept.exists():
                copy = scratch / kept.name
                shutil.copytree(kept, copy)
                estimator = self._fitted(self._estimator(checkpoint=copy))
                self._record_fitted(record, prefix, estimator)
                self._record_answers(record, f"{prefix}_answers", estimator)
                self._record_continued(record, f"{prefix}_continued", estimator)
                best = self.cls.load(copy / "best.safetensors")
                record.add(f"{prefix}_best/predict", best.predict(self.data.X_new))

    def _fit(self, record: Record, folder: Path) -> Any:
        kept = folder / f"{self.name}.checkpoint"
        estimator = self._fitted(self._estimator(checkpoint=kept, checkpoint_epochs=2))
        _record_checkpoint(record, kept)
        return estimator

    def _resume(self, record: Record, folder: Path) -> Any:
        kept, copy = folder / f"{self.name}.killed", folder / f"{self.name}.copy"

        def kill(epoch: Any) -> None:
            if epoch.epoch == KILLED_AFTER:
                raise KilledError

        try:
            self._fitted(self._estimator(checkpoint=kept, on_epoch=kill))
        except KilledError:
            pass
        else:
            raise RuntimeError(f"training ended before epoch {KILLED_AFTER}")
        _record_checkpoint(record, kept)
        shutil.copytree(kept, copy)
        estimator = self._fitted(self._estimator(checkpoint=copy))
        shutil.rmtree(copy)
        return estimator

    def _warm_start(self, record: Record, folder: Path) -> Any:
        estimator = self._fitted(self._estimator(warm_start=True))
        self._record_fitted(record, "before", estimator)
        return self._fitted(estimator.set_params(max_iter=2, learning_rate_init=0.002))

    def _partial_fit(self, record: Record, folder: Path) -> Any:
        estimator = self._estimator()
        n = self.size.n_samples
        everyone = np.arange(n)
        for rows in (everyone[: n // 2], everyone[n // 3 :], everyone[::-1]):
            y, weights = _taken(self.data.y, rows), _taken(self.data.sample_weight, rows)
            self._continue(estimator, _taken(self.data.X, rows), y, weights)
        return estimator

    def _stateful(self, record: Record, folder: Path) -> Any:
        estimator = self._estimator(stateful=True)
        for part in (0, 1):
            X, y, weights = self.data.X, self.data.y, self.data.sample_weight
            halve = self.axes["data"] != "two_d"
            if self.axes["estimator"] == "tagger":
                y = _part(y, part, halve=halve)
                weights = None if weights is None else _part(weights, part, halve=halve)
            self._continue(estimator, _part(X, part, halve=halve), y, weights)
        return estimator.reset_state()

    def _on_epoch(self, record: Record, folder: Path) -> Any:
        seen: list[Any] = []

        def change(epoch: Any) -> str | None:
            columns = ("epoch", "loss", "validation_loss", "validation_score", "gradient_norm")
            seen.append([getattr(epoch, name) for name in (*columns, "best_epoch", "n_epochs")])
            seen.append(epoch.learning_rate)
            if epoch.epoch == 1:
                epoch.learning_rate *= 0.3
            return "stop" if epoch.epoch == self.size.max_iter - 1 else None

        estimator = self._fitted(self._estimator(on_epoch=change))
        record.add("seen/epochs", seen)
        return estimator

    def _fitted(self, estimator: Any) -> Any:
        data = self.data
        more: dict[str, Any] = {}
        if self.axes["stopping"] in ("followed", "X_val", "loss"):
            more = {"X_val": data.X_val, "y_val": data.y_val}
        return estimator.fit(data.X, data.y, sample_weight=data.sample_weight, **more)

    def _continue(self, estimator: Any, X: Any, y: Any, sample_weight: Any) -> None:
        classes = {} if self.data.classes is None else {"classes": self.data.classes}
        estimator.partial_fit(X, y, sample_weight=sample_weight, **classes)

    def _estimator(self, **more: Any) -> Any:
        axes, size = self.axes, self.size
        yes = {axis: value == "yes" for axis, value in axes.items()}
        relu = axes["cell"] == "relu"
        hidden: Any = size.hidden
        if axes["depth"] == "1":
            hidden = hidden[0]
        elif yes["residual"]:
            hidden = hidden[1]
        warm_up: Any = axes["warm_up"]
        sgd = axes["solver"].endswith("sgd")
        options: dict[str, Any] = {
            "hidden_size": hidden,
            "cell": "elman" if axes["cell"] in ("tanh", "relu") else axes["cell"],
            "activation": "relu" if relu else "tanh",
            "layer_norm": yes["layer_norm"],
            "forget_bias": float(axes["forget_bias"]),
            "n_layers": int(axes["depth"]),
            "bidirectional": axes["directions"] == "both",
            "residual": yes["residual"],
            "learn_initial_state": axes["initial_state"] == "learned",
            "dropout": float(axes["dropout"]),
            "recurrent_dropout": float(axes["recurrent_dropout"]),
            "recurrent_init": axes["recurrent_init"],
            "solver": "sgd" if sgd else axes["solver"],
            "momentum": 0.0 if axes["solver"] == "plain_sgd" else 0.8,
            "nesterovs_momentum": axes["solver"] == "sgd",
            "alpha": 0.01,
            "batch_size": size.batch_size,
            "bucket_by_length": yes["bucket_by_length"],
            "learning_rate": axes["schedule"],
            "learning_rate_init": 0.02 if sgd else 0.006,
            "warm_up": float(warm_up) if "." in warm_up else int(warm_up),
            "max_iter": size.max_iter,
            "max_grad_norm": None if axes["clipping"] != "norm" else 0.7,
            "max_grad_value": 0.02 if axes["clipping"] == "value" else None,
            "recompute_every": None if axes["recompute_every"] == "none" else 3,
            "bptt_steps": None if axes["bptt_steps"] == "none" else 4,
            "standardize": yes["standardize"],
            "missing": axes["missing"],
            "dtype": axes["dtype"] if axes["dtype"].startswith("float") else "auto",
            "random_state": _random_state(axes["random_state"]),
            "n_jobs": int(axes["threads"]),
            **self._of_the_front_end(),
            **self._of_the_estimator(),
            **self._of_stopping(),
            **more,
        }
        return self.cls(**known_as(self.cls, options))

    @property
    def _reads_on(self) -> bool:
        """Whether there are answers before a recording has ended."""
        return self.axes["directions"] == "one" and self.axes["scale_each"] == "no"

    def _of_the_front_end(self) -> dict[str, Any]:
        """Its options where they do something or this build has them; older builds have none."""
        options: dict[str, Any] = {}
        for axis in ("deltas", "stride"):
            known = axis in inspect.signature(self.cls).parameters
            if known or self.axes[axis] != AXES[axis][0]:
                options[axis] = "auto" if self.axes[axis] == "auto" else int(self.axes[axis])
        if self.axes["scale_each"] == "yes":
            options["scale_each"] = True
        return options

    def _of_the_estimator(self) -> dict[str, Any]:
        axes, options = self.axes, {}
        if axes["readout"] != "every":
            options["readout"] = axes["readout"]
        if axes["estimator"] in ("regressor", "targets"):
            return options | {"loss": axes["loss"], "huber_delta": 0.5}
        options["label_smoothing"] = float(axes["label_smoothing"])
        if axes["weights"] == "balanced":
            options["class_weight"] = "balanced"
        if axes["weights"] == "classes":
            assert self.data.classes is not None
            weights = {label: 1 + k / 2 for k, label in enumerate(self.data.classes.tolist())}
            options["class_weight"] = weights
        return options

    def _of_stopping(self) -> dict[str, Any]:
        stopping = self.axes["stopping"]
        return {
            "early_stopping": stopping not in ("none", "followed"),
            "scoring": {"scorer": SCORERS[self.axes["estimator"]], "loss": "loss"}.get(stopping),
            "validation_fraction": 0.3,
            "n_iter_no_change": 2,
            "tol": 0.01,
        }

    # Recording

    def _record_fitted(self, record: Record, prefix: str, estimator: Any) -> None:
        record.add_all(f"{prefix}_weights", estimator.weights_)
        record_history(record, f"{prefix}_history", estimator)
        names = ("mean_", "scale_", "y_mean_", "y_scale_", "classes_", "n_features_in_")
        found = {name: getattr(estimator, name) for name in names if hasattr(estimator, name)}
        record.add_all(f"{prefix}_attributes", found)

    def _record_answers(self, record: Record, prefix: str, estimator: Any) -> None:
        data, forwards = self.data, self._reads_on
        methods: dict[str, Callable[[Any], Any]] = {"predict": estimator.predict}
        for name in ("predict_proba", "decision_function", "hidden_states"):
            if hasattr(estimator, name):
                methods[name] = getattr(estimator, name)
        if forwards:
            for name in ("predict_proba_over_time", "predict_over_time"):
                if hasattr(estimator, name):
                    methods[name] = getattr(estimator, name)
        for name, method in methods.items():
            record.add(f"{prefix}/{name}", method(data.X_new))
        record.add(f"{prefix}/predict, of the training data", estimator.predict(data.X))
        record.add(f"{prefix}/score", estimator.score(data.X_val, data.y_val))
        if forwards and self.axes["estimator"] == "classifier":
            record.add(f"{prefix}/predict_early", estimator.predict_early(data.X_new, 0.6, 2))

    def _record_streams(self, record: Record, prefix: str, estimator: Any) -> None:
        rows, stream = self.data.rows, estimator.stream()
        for i, row in enumerate(rows[:3]):
            record.add(f"{prefix}/one/{i}", np.stack([stream.step(x) for x in row]))
            record.add(f"{prefix}/one/{i}/predict", stream.predict())
            record.add(f"{prefix}/one/{i}/n_steps", stream.n_steps)
            record.add(f"{prefix}/one/{i}/state", stream.state)
            stream.reset()
        longest = sorted(rows, key=len, reverse=True)[:4]
        n_steps = len(longest[-1])
        X = np.stack([row[:n_steps] for row in longest], axis=1)  # (n_steps, 4, n_features)
        many, half = estimator.stream(4), n_steps // 2
        for x in X[:half]:
            many.step(x)
        record.add(f"{prefix}/many/half", many.answer())
        many.reset([1, 3])
        other = estimator.stream(4)
        other.state = many.state
        copied = pickle.loads(pickle.dumps(many))
        for name, one in (("many", many), ("restored", other), ("copied", copied)):
            record.add(f"{prefix}/{name}", np.stack([one.step(x) for x in X[half:]]))
            record.add(f"{prefix}/{name}/predict", one.predict())
            record.add(f"{prefix}/{name}/state", one.state)
            record.add(f"{prefix}/{name}/n_steps", one.n_steps)

    def _record_continued(self, record: Record, prefix: str, estimator: Any) -> None:
        """What one more epoch makes of it: that depends on all that the optimizer remembers."""
        data = self.data
        if "class_weight" in estimator.get_params():
            estimator.set_params(class_weight=None)
        estimator.partial_fit(data.X, data.y, sample_weight=data.sample_weight)
        record.add_all(f"{prefix}_weights", estimator.weights_)
        record_history(record, f"{prefix}_history", estimator)


def record_history(record: Record, prefix: str, estimator: Any) -> None:
    """Record what happened in training, but for what a clock said."""
    columns = estimator.history_.to_dict()
    record.add_all(prefix, {name: v for name, v in columns.items() if name not in NOT_OF_BITS})
    record.add(f"{prefix}/stopped_by", estimator.history_.stopped_by)
    for name in ("n_iter_", "best_epoch_", "loss_curve_", "validation_scores_"):
        record.add(f"{prefix}/{name}", getattr(estimator, name))


def known_as(cls: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Hyper-parameters by the names that this build's estimator has for them."""
    names = inspect.signature(cls).parameters
    known = {}
    for name, value in options.items():
        former = FORMER_NAMES.get(name, name)
        if name not in names and former not in names:
            raise TypeError(f"{cls.__name__} of this build has no {name}")
        known[name if name in names else former] = value
    return known


def format_version(path: Path) -> str:
    """The version of a model file's format, as it says itself."""
    with safe_open(path, "np") as file:
        return str(file.metadata()["format_version"])


def _record_checkpoint(record: Record, folder: Path) -> None:
    """Record where training stands, as the newest file of an epoch has it."""
    path = max(folder.glob("epoch-*.safetensors"))
    with safe_open(path, "np") as file:
        names, metadata = file.keys(), file.metadata()
        record.add_all("checkpoint", {name: file.get_tensor(name) for name in names})
    record.notes["checkpoint's format"] = str(metadata["format_version"])
    training = json.loads(metadata["config"])["training"]
    for name in sorted({*training} - {"fingerprint", "entropy"}):
        record.add(f"checkpoint/{name}", training[name])


def _random_state(kind: str) -> Any:
    if kind == "RandomState":
        return np.random.RandomState(SEED)
    return SEED if kind == "int" else np.random.default_rng(SEED)


def _taken(value: Any, rows: Array) -> Any:
    """Some samples of an array or a list."""
    if value is None or isinstance(value, np.ndarray):
        return None if value is None else value[rows]
    return [value[i] for i in rows]


def _part(value: Any, part: int, *, halve: bool) -> Any:
    """The first or the second half of every sequence.

    Unless `halve`, a 2-D array stays whole, and is read backwards the second time: it must keep
    its number of columns.
    """

    def half(row: Array) -> Array:
        middle = (len(row) + 1) // 2
        return row[middle:] if part else row[:middle]

    if isinstance(value, np.ndarray) and value.dtype != object:
        if value.ndim == 2 and not halve:
            return value[:, ::-1] if part else value
        middle = value.shape[1] // 2
        return value[:, middle:] if part else value[:, :middle]
    halves = [half(row) for row in value]
    return halves if isinstance(value, list) else objects(halves)
