"""`elman demo`: the name of a task in; a trained network, its scores and its pictures out."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from elman.cli.console import output as output_console
from elman.cli.errors import UserError
from elman.cli.tables import (
    new_table,
    percent,
    print_class_table,
    print_confusion,
    print_table,
)
from elman.evaluation.scores import class_scores, confusion_counts

ATTEMPTS = 3

if TYPE_CHECKING:
    from rich.console import Console

    from elman.cli.demo_tasks import Task


def demo(
    task: Annotated[
        str,
        typer.Option(help="vowels (speech), or a task of memory: parity, temporal-xor or tomita."),
    ] = "vowels",
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Directory for pictures, model and data.")
    ] = Path("elman-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same numbers.")] = 0,
    max_iter: Annotated[
        int | None, typer.Option(min=1, help="Epochs, instead of the task's own number.")
    ] = None,
) -> None:
    """Train on real speech and show what was learned.

    With --task, on a task that only memory can solve. Files of an earlier demo in the output
    directory are replaced; other files are left alone.
    """
    from elman.backends import get_backend
    from elman.cli.demo_tasks import make_task
    from elman.estimators.classifier import RNNClassifier

    chosen = make_task(task, seed)
    _make_directory(output)
    backend = get_backend()
    console = output_console()
    console.print(chosen.title, style="bold")
    console.print(chosen.about)
    console.print()

    settings = dict(chosen.settings) | ({} if max_iter is None else {"max_iter": max_iter})
    classifier = RNNClassifier(**settings, verbose=1)
    threads = f"{backend.n_threads} thread{'s' * (backend.n_threads > 1)}"
    where = f"{backend.name} backend ({backend.isa}, {threads})"
    console.print(f"Training an Elman network of {classifier.hidden_size} hidden units: {where}")
    seconds = _train(console, classifier, chosen, seed)
    epochs = f"{classifier.n_iter_} epoch{'s' * (classifier.n_iter_ > 1)}"
    console.print(f"{epochs} in {seconds:.2f} s on the {where}")
    console.print()

    predicted = classifier.predict(chosen.X_test)
    _print_accuracies(console, chosen, predicted)
    if chosen.length_groups:
        _print_lengths(console, chosen, predicted)
    classes, counts = confusion_counts(chosen.y_test, predicted, classifier.classes_)
    print_class_table(console, class_scores(classes, counts))
    print_confusion(console, classes, counts)

    _save(classifier, chosen, output)
    _draw(console, classifier, chosen, predicted, output)
    _print_next(console, chosen, output)


def _train(console: Console, classifier: Any, task: Task, seed: int) -> float:
    """Fit until no validation sequence is wrong, `ATTEMPTS` times at most; seconds of the last."""
    for attempt in range(ATTEMPTS):
        classifier.set_params(random_state=seed + 1000 * attempt)
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "training was interrupted")
            classifier.fit(task.X_train, task.y_train, X_val=task.X_val, y_val=task.y_val)
        seconds = time.perf_counter() - start
        if classifier.history_.stopped_by == "interrupt":
            raise KeyboardInterrupt
        if task.X_val is None or attempt == ATTEMPTS - 1:
            break
        accuracy = classifier.score(task.X_val, task.y_val)
        if accuracy == 1:
            break
        console.print(
            f"Right on {percent(accuracy)} of other strings longer than it trained on: not the "
            "rule. Training again from other weights."
        )
    return seconds


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise UserError(
            f"{path}: exists and is not a directory; choose another --output"
        ) from error
    if not os.access(path, os.W_OK):
        raise UserError(f"{path}: cannot be written to; choose another --output")


def _print_accuracies(console: Console, task: Task, predicted: NDArray[Any]) -> None:
    """The network beside classifiers that keep it honest, all on the test recordings."""
    from elman.evaluation.baselines import accuracies

    found = accuracies(task.baselines, task.X_train, task.y_train, task.X_test, task.y_test)
    accuracy = float(np.mean(predicted == task.y_test))
    table = new_table()
    table.add_column("classifier")
    table.add_column("accuracy", justify="right")
    for name, value in found.items():
        table.add_row(name, percent(value))
    table.add_row("Elman network", percent(accuracy), style="bold")
    print_table(console, f"Accuracy on {task.test_name}", table)
    console.print(task.verdict(accuracy, found))
    console.print()


def _print_lengths(console: Console, task: Task, predicted: NDArray[Any]) -> None:
    """Accuracy by length: only lengths never seen in training prove that the rule was found."""
    lengths = np.array([len(x) for x in task.X_test])
    longest = max(len(x) for x in task.X_train)
    table = new_table()
    table.add_column("steps", justify="right")
    table.add_column("sequences", justify="right")
    table.add_column("accuracy", justify="right")
    for first, last in task.length_groups:
        group = (lengths >= first) & (lengths <= last)
        if group.any():
            right = float(np.mean(predicted[group] == task.y_test[group]))
            steps = f"{first}" if first == last else f"{first} to {last}"
            table.add_row(steps, str(int(group.sum())), percent(right))
    print_table(console, f"By length (trained on at most {longest} steps)", table)


def _save(classifier: Any, task: Task, directory: Path) -> None:
    """The model and the data, so that the next commands have something to work on."""
    from elman.data import write_npz

    classifier.save(directory / "model.safetensors")
    write_npz(directory / "train.npz", task.X_train, task.y_train)
    write_npz(directory / "test.npz", task.X_test, task.y_test)


def _draw(
    console: Console, classifier: Any, task: Task, predicted: NDArray[Any], directory: Path
) -> None:
    from elman.plotting import plots

    shown, why = _instructive_recording(classifier, task, predicted)
    x, label = task.X_test[shown], task.y_test[shown]
    step = task.step_label
    try:
        pictures = {
            "loss.png": plots.plot_loss_curve(classifier),
            "confusion.png": plots.plot_confusion_matrix(
                task.y_test, predicted, classes=classifier.classes_
            ),
            "hidden-states.png": plots.plot_hidden_states(classifier, x, step_label=step),
            "when-did-it-know.png": plots.plot_probabilities_over_time(
                classifier, x, true_class=label, step_label=step
            ),
        }
    except ImportError as error:
        console.print(f"No pictures: {error}", markup=False)
        return
    if task.answer_so_far:
        pictures["when-did-it-know.png"].set_title("The answer so far, step by step", fontsize=13)
    for name, ax in pictures.items():
        ax.figure.savefig(directory / name)  # type: ignore[union-attr]
    console.print(f"Pictures in {directory}/", style="bold", markup=False)
    console.print("  loss.png               how training went")
    console.print("  confusion.png          which classes are taken for which")
    console.print(f"  hidden-states.png      what the network holds while it reads a {task.noun}")
    console.print("  when-did-it-know.png   the probability of each class, had it stopped earlier")
    console.print(f"The last two show {task.noun} {shown} of the test data (from 0), {why}.")


def _instructive_recording(classifier: Any, task: Task, predicted: NDArray[Any]) -> tuple[int, str]:
    """Index of the recording to draw, and why that one."""
    from elman.plotting.knowledge import knows_from

    right = np.flatnonzero(predicted == task.y_test)
    if task.answer_so_far or not len(right):
        shortest = min(range(len(task.X_test)), key=lambda i: len(task.X_test[i]))
        return shortest, "the shortest, so that its steps can be told apart"
    over_time = classifier.predict_proba_over_time([task.X_test[i] for i in right])
    codes = np.searchsorted(classifier.classes_, task.y_test[right])
    known = [knows_from(p, int(k), 0.5) or 0 for p, k in zip(over_time, codes, strict=True)]
    share = np.array([n / len(p) for n, p in zip(known, over_time, strict=True)])
    chosen = int(right[int(np.abs(share - 0.5).argmin())])
    return chosen, "which it understood halfway through"


def _print_next(console: Console, task: Task, directory: Path) -> None:
    command = _own_command()
    model, train, test = (
        shlex.quote(str(directory / name))
        for name in ("model.safetensors", "train.npz", "test.npz")
    )
    second = shlex.quote(str(directory / "second.safetensors"))
    other = "parity" if task.name == "vowels" else "vowels"
    console.print()
    console.print("Try next", style="bold")
    for line in (
        f"inspect {model}",
        f"evaluate {model} {test}",
        f"predict {model} {test} --proba | head -5",
        f"fit {train} --test {test} {task.retry} --force -o {second}",
        f"demo --task {other}",
    ):
        console.print(f"  {command} {line}", markup=False, soft_wrap=True)


def _own_command() -> str:
    """What to type for this command: `elman`, or its path where the shell would not find it."""
    script = Path(sys.executable).with_name("elman")
    if not script.exists():
        return f"{shlex.quote(sys.executable)} -m elman"
    found = shutil.which("elman")
    if found is not None and Path(found) == script:
        return "elman"
    return shlex.quote(str(_relative(script)))


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
