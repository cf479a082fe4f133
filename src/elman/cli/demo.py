"""`elman demo`: the name of a task in; a trained network, its scores and its pictures out."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
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
        str | None,
        typer.Option(
            help="vowels (speech), or a task of memory: parity, temporal-xor or tomita. Without it "
            "parity and then vowels are shown, each in a folder of its own.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Directory for pictures, model and data.")
    ] = Path("elman-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same numbers.")] = 0,
    max_iter: Annotated[
        int | None, typer.Option(min=1, help="Epochs, instead of the task's own number.")
    ] = None,
) -> None:
    """Train on a task of memory and on real speech, and show what was learned.

    The first task is one that only memory can solve, the second one has honest rivals. Files of an
    earlier demo in the output directory are replaced; other files are left alone.
    """
    from elman.cli.demo_tasks import SHOWN, make_task

    shown = [make_task(name, seed) for name in (SHOWN if task is None else (task,))]
    folders = [output / one.name if len(shown) > 1 else output for one in shown]
    for folder in folders:
        _make_directory(folder)
    console = output_console()
    for number, (one, folder) in enumerate(zip(shown, folders, strict=True), start=1):
        if len(shown) > 1:
            console.rule(f"{number} of {len(shown)}", align="left")
        _show(console, one, folder, seed, max_iter, alone=len(shown) == 1)
    _print_next(console, shown[-1], folders[-1], {one.name for one in shown})


def _show(
    console: Console, chosen: Task, output: Path, seed: int, max_iter: int | None, *, alone: bool
) -> None:
    """Train on one task, print how right the network is, and draw."""
    from elman.backends import get_backend
    from elman.estimators.classifier import RNNClassifier

    backend = get_backend()
    console.print(chosen.title, style="bold")
    console.print(chosen.about)
    console.print()

    settings = dict(chosen.settings) | ({} if max_iter is None else {"max_iter": max_iter})
    classifier = RNNClassifier(**settings, verbose=1)
    threads = f"{backend.n_threads} thread{'s' * (backend.n_threads > 1)}"
    where = f"{backend.name} backend ({backend.isa}, {threads})"
    console.print(f"Training an Elman network of {classifier.hidden_size} hidden units: {where}")
    _train(console, classifier, chosen, seed)
    console.print()

    predicted = classifier.predict(chosen.X_test)
    rivals = _rivals(chosen)
    _print_accuracies(console, chosen, predicted, rivals, alone=alone)
    if chosen.length_groups:
        _print_lengths(console, chosen, predicted)
    classes, counts = confusion_counts(chosen.y_test, predicted, classifier.classes_)
    print_class_table(console, class_scores(classes, counts))
    print_confusion(console, classes, counts)

    _save(classifier, chosen, output)
    _draw(console, classifier, chosen, predicted, rivals, output)


def _train(console: Console, classifier: Any, task: Task, seed: int) -> None:
    """Fit until no validation sequence is wrong, `ATTEMPTS` times at most."""
    for attempt in range(ATTEMPTS):
        classifier.set_params(random_state=seed + 1000 * attempt)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "training was interrupted")
            classifier.fit(task.X_train, task.y_train, X_val=task.X_val, y_val=task.y_val)
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


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise UserError(
            f"{path}: exists and is not a directory; choose another --output"
        ) from error
    if not os.access(path, os.W_OK):
        raise UserError(f"{path}: cannot be written to; choose another --output")


def _rivals(task: Task) -> dict[str, NDArray[Any]]:
    """Answers to the test sequences of classifiers that keep the network honest."""
    from elman.evaluation.baselines import logistic_predictions

    labels, counts = np.unique(task.y_train, return_counts=True)
    found = {"always the commonest class": np.full(len(task.y_test), labels[counts.argmax()])}
    for name, columns in task.baselines.items():
        found[name] = logistic_predictions(columns, task.X_train, task.y_train, task.X_test)
    return found


def _print_accuracies(
    console: Console,
    task: Task,
    predicted: NDArray[Any],
    rivals: dict[str, NDArray[Any]],
    *,
    alone: bool,
) -> None:
    """The network beside the others, all on the test recordings."""
    found = {name: float(np.mean(y == task.y_test)) for name, y in rivals.items()}
    accuracy = float(np.mean(predicted == task.y_test))
    table = new_table()
    table.add_column("classifier")
    table.add_column("accuracy", justify="right")
    for name, value in found.items():
        table.add_row(name, percent(value))
    table.add_row("Elman network", percent(accuracy), style="bold")
    print_table(console, f"Accuracy on {task.test_name}", table)
    verdict = task.verdict(accuracy, found)
    console.print(f"{verdict} {task.alone}" if alone and task.alone else verdict)
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
    console: Console,
    classifier: Any,
    task: Task,
    predicted: NDArray[Any],
    rivals: dict[str, NDArray[Any]],
    directory: Path,
) -> None:
    from elman.plotting import AccuracyByLengthDisplay, plots

    shown, why = _instructive_recording(classifier, task, predicted)
    x, label = task.X_test[shown], task.y_test[shown]
    step = task.step_label
    try:
        pictures = {}
        if task.length_groups:
            lengths = [len(x) for x in task.X_train]
            display = AccuracyByLengthDisplay.from_predictions(
                task.X_test,
                task.y_test,
                {"Elman network": predicted, **rivals},
                trained_on=(min(lengths), max(lengths)),
            )
            pictures["accuracy-by-length.png"] = display.ax_
        pictures |= {
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
    about = {
        "accuracy-by-length.png": f"what it learned from short {task.noun}s carries on to long ones"
        if np.array_equal(predicted, task.y_test)
        else f"how far what it learned from short {task.noun}s carries on",
        "loss.png": "how training went",
        "confusion.png": "which classes are taken for which",
        "hidden-states.png": f"what the network holds while it reads a {task.noun}",
        "when-did-it-know.png": "the probability of each class, had it stopped earlier",
    }
    for name in pictures:
        console.print(f"  {name:<24}{about[name]}")
    console.print(f"The last two show {task.noun} {shown} of the test data (from 0), {why}.")
    console.print()


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


def _print_next(console: Console, task: Task, directory: Path, seen: set[str]) -> None:
    command = _own_command()
    model, train, test = (
        shlex.quote(str(directory / name))
        for name in ("model.safetensors", "train.npz", "test.npz")
    )
    second = shlex.quote(str(directory / "second.safetensors"))
    other = next(name for name in ("parity", "vowels", "temporal-xor") if name not in seen)
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
