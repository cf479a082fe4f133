"""Configurations beside the estimators' options: scaler, data sets, files, the command line.

Each is a function of a folder, in which it may leave files, and of a record, which it fills; beside
it there may be one that reads those files in the other build.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import elman
import elman.data
from benchmarks.bits.running import format_version, record_history
from benchmarks.bits.values import Record
from benchmarks.earlier import as_recorded

Array = NDArray[Any]

N_SAMPLES = 31


def scaler(folder: Path, record: Record) -> None:
    """`SequenceScaler` on every form of X."""
    rng = np.random.default_rng(1)
    ragged = [rng.standard_normal((n, 3)) * [1, 0, 1e3] + 5 for n in (1, 4, 9, 6, 2)]
    array = rng.standard_normal((5, 4, 2)).astype(np.float32)
    gaps = [np.where(rng.random(x.shape) < 0.2, np.nan, x) for x in ragged]
    forms = {"ragged": ragged, "array": array, "two_d": array[:, :, 0], "gaps": gaps}
    for name, X in forms.items():
        one = elman.SequenceScaler(allow_nan=name == "gaps")
        record.add(f"scaler/{name}", one.fit_transform(X))
        record.add(f"scaler/{name}/inverse", one.inverse_transform(one.transform(X)))
        record.add(f"scaler/{name}/statistics", [one.mean_, one.scale_])
        weighted = one.fit(X, sample_weight=[1, 0, 2.5, 1, 0.5])
        record.add(f"scaler/{name}/weighted", [weighted.mean_, weighted.scale_])


def data_sets(folder: Path, record: Record) -> None:
    """The shipped recordings, and the tasks with known answers."""
    data = elman.data
    for split in ("train", "test", None):
        record.add(f"data/japanese_vowels/{split}", data.load_japanese_vowels(split))
    lengths: dict[str, Any] = {"min_length": 6, "max_length": 13, "random_state": 3}
    record.add("data/adding", data.make_adding_problem(17, **lengths))
    record.add("data/xor", data.make_temporal_xor(18, **lengths))
    record.add("data/parity", data.make_parity(19, **lengths))
    record.add("data/sinusoids", data.make_noisy_sinusoids(21, n_features=2, **lengths))
    for grammar in range(1, 8):
        record.add(f"data/tomita{grammar}", data.make_tomita(grammar, 22, **lengths))
    channels_first = np.random.default_rng(2).standard_normal((3, 2, 5))
    record.add("data/channels_first", data.from_channels_first(channels_first))


def files(folder: Path, record: Record) -> None:
    """What is written to a file of data, and what is read from one."""
    for kind in ("label", "labels", "steps", "values"):
        X, y = _samples(kind)
        path = folder / f"files-{kind}.npz"
        elman.data.write_npz(path, X, y)
        record.add(f"files/{kind}", path.read_bytes())
        dataset = elman.data.read(path)
        record.add(f"files/{kind}/read", [list(dataset.X), dataset.y])
    path = folder / "files.ts"
    path.write_text(_ts())
    dataset = elman.data.read(path)
    record.add("files/ts", [list(dataset.X), dataset.y])


def japanese_vowels(folder: Path, record: Record) -> None:
    """A classifier of the shipped recordings, behind a scaler, with the earlier defaults."""
    X, y = elman.data.load_japanese_vowels("train")
    X_test, y_test = elman.data.load_japanese_vowels("test")
    one = elman.SequenceScaler().fit(X)
    settings = as_recorded(elman.RNNClassifier, hidden_size=24, max_iter=4, random_state=1)
    estimator = elman.RNNClassifier(**settings)
    estimator.fit(one.transform(X), y)
    record.add_all("fitted_weights", estimator.weights_)
    record_history(record, "fitted_history", estimator)
    record.add("answers/predict_proba", estimator.predict_proba(one.transform(X_test)))
    record.add("answers/score", estimator.score(one.transform(X_test), y_test))


def gradcheck(folder: Path, record: Record) -> None:
    """What the gradient check looks at, and that it passes.

    Its figures are of the element that is furthest off, and which one that is rounding says: they
    would differ with any other order of summation of the loss.
    """
    for cell in ("elman", "gru", "lstm"):
        for readout in ("last", "mean", "attention", "every"):
            report = elman.gradcheck(cell=cell, readout=readout, n_layers=2, seed=4)
            arguments = [[a.name, a.shape, a.n_checked] for a in report.arguments]
            record.add(f"gradcheck/{cell}/{readout}", [report.passed, arguments])


def side_by_side(folder: Path, record: Record) -> None:
    """Several readouts of the same states: answers, streams and what a model file gives."""
    for kind in ("label", "values"):
        X, y = _samples(kind)
        for readout in (("last", "max"), ("max", "mean"), ("attention", "max", "last", "mean")):
            name = f"{kind}/{','.join(readout)}"
            cls: Any = getattr(elman, KINDS[kind])
            options = {"readout": readout, "cell": "gru", "max_iter": 3, "random_state": 2}
            estimator: Any = cls(7, **as_recorded(cls, **options))
            estimator.fit(X, y)
            record.add_all(f"weights/{name}", estimator.weights_)
            record_history(record, f"history/{name}", estimator)
            record.add(f"predict/{name}", estimator.predict(X))
            stream = estimator.stream()
            record.add(f"stream/{name}", [stream.step(x) for x in X[0]])
            estimator.save(folder / f"side-by-side-{name.replace('/', '-')}.safetensors")
    _side_by_side_read(folder, record)


def _side_by_side_read(folder: Path, record: Record) -> None:
    """What the models of a folder answer."""
    for model in sorted(folder.glob("side-by-side-*.safetensors")):
        record.notes["format"] = format_version(model)
        kind = model.stem.split("-")[3]
        record.add(f"read/{model.stem}", elman.load(model).predict(_samples(kind)[0]))


def _command(kind: str) -> Callable[[Path, Record], None]:
    def run(folder: Path, record: Record) -> None:
        """`elman fit`, and what the model that it saved answers."""
        X, y = _samples(kind)
        for number, options in enumerate(_fit_options(kind)):
            data = folder / f"command-{kind}-{number}.npz"
            elman.data.write_npz(data, X, y)
            model = data.with_suffix(".safetensors")
            _run("fit", data, "-o", model, *options, "--quiet")
            estimator = getattr(elman, KINDS[kind]).load(model)
            record.add_all(f"weights/{number}", estimator.weights_)
            record_history(record, f"history/{number}", estimator)
        _command_answers(kind, folder, record)

    return run


def _reading_command(kind: str) -> Callable[[Path, Record], None]:
    return lambda folder, record: _command_answers(kind, folder, record)


def _command_answers(kind: str, folder: Path, record: Record) -> None:
    """`elman predict` and `elman stream` with the models of a folder."""
    for model in sorted(folder.glob(f"command-{kind}-*.safetensors")):
        data = model.with_suffix(".npz")
        record.notes["format"] = format_version(model)
        number = model.stem.rpartition("-")[2]
        record.add(f"predict/{number}", _run("predict", model, data))
        if kind != "values":
            record.add(f"predict --proba/{number}", _run("predict", model, data, "--proba"))
        steps = "".join(f"{a:.4f},{b:.4f}\n" for a, b in _samples(kind)[0][0])
        record.add(f"stream/{number}", _run("stream", model, given=steps))


KINDS = {
    "label": "RNNClassifier",
    "labels": "RNNClassifier",
    "steps": "RNNTagger",
    "values": "RNNRegressor",
}


def _fit_options(kind: str) -> list[list[str]]:
    found = as_recorded(getattr(elman, KINDS[kind]))
    others = found.keys() - {"max_iter", "batch_size", "max_grad_norm"}
    front = [f"--{name}={found[name]}" for name in sorted(others)]
    plain = ["--max-iter", "3", "--hidden-size", "9", "--batch-size", "32", *front]
    plain += ["--max-grad-norm", "1"]
    loss = ["--loss", "huber"] if kind == "values" else ["--label-smoothing", "0.1"]
    more = ["--max-iter", "5", "--hidden-size", "8,6", "--n-layers", "2", "--cell", "gru", *front]
    more += ["--solver", "adamw", "--learning-rate", "plateau", "--bptt-steps", "4"]
    more += ["--early-stopping", "--max-grad-norm", "none", "--seed", "3", "--batch-size", "7"]
    return [plain, [*more, *loss, "--dropout", "0.2", "--layer-norm"]]


def _run(*arguments: Any, given: str = "") -> str:
    """What the command of this build writes to standard output."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "elman", *map(str, arguments)],
        input=given,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"elman {' '.join(map(str, arguments))} failed: {done.stderr}")
    return done.stdout


def _samples(kind: str) -> tuple[list[Array], Any]:
    """Samples of two features with answers of a kind."""
    rng = np.random.default_rng(7)
    X = [rng.standard_normal((n, 2)) + i % 3 for i, n in enumerate(rng.integers(3, 9, N_SAMPLES))]
    numbers = np.arange(N_SAMPLES)
    if kind == "label":
        return X, np.array(["north", "south", "west"])[numbers % 3]
    if kind == "labels":
        return X, np.stack([numbers % 2, numbers % 3 == 0], axis=1).astype(np.int64)
    if kind == "steps":
        return X, [(x[:, 0] > 1).astype(np.int64) for x in X]
    return X, np.array([x[:, 1].sum() for x in X])


def _ts() -> str:
    """A file of the archive's own format: two dimensions, unequal lengths, a missing value."""
    X, y = _samples("label")
    head = "@problemName Tiny\n@timeStamps false\n@missing false\n@univariate false\n"
    head += "@dimensions 2\n@equalLength false\n@classLabel true north south west\n@data\n"
    lines = [
        ":".join([*(",".join(f"{value:.5f}" for value in row) for row in x.T), str(label)])
        for x, label in zip(X, y, strict=True)
    ]
    return head + "\n".join(lines) + "\n"


class Special(NamedTuple):
    """How one is run, and how its files are read, if it leaves any."""

    run: Callable[[Path, Record], None]
    read: Callable[[Path, Record], None] | None = None


SPECIALS = {
    "scaler": Special(scaler),
    "data_sets": Special(data_sets),
    "files": Special(files),
    "japanese_vowels": Special(japanese_vowels),
    "gradcheck": Special(gradcheck),
    "side_by_side": Special(side_by_side, _side_by_side_read),
    "command_classifier": Special(_command("label"), _reading_command("label")),
    "command_multilabel": Special(_command("labels"), _reading_command("labels")),
    "command_tagger": Special(_command("steps"), _reading_command("steps")),
    "command_regressor": Special(_command("values"), _reading_command("values")),
}
