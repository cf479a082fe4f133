"""The JSON of `benchmarks.accuracy` in; the tables of docs/explanation/accuracy.md out.

Scores are kept in per cent; R^2 is shown as it is written, 0.95.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks import sets
from benchmarks.accuracy import libraries, published
from benchmarks.learning_table import keeps_up, summary
from benchmarks.machine import machine_text
from benchmarks.sheet import Sheet

Found = dict[str, Any]
Seeds = dict[str, Found]
"""seed, as JSON has it -> score, seconds and more"""
Kept = dict[str, dict[str, Seeds]]
"""contestant -> data set -> seeds"""

N_SEEDS = 10
"""Means are of the seeds 0 to 9, also where more were run."""
TARGETS = {
    "JapaneseVowels": 97.5,
    "ItalyPowerDemand": 95.5,
    "GunPoint": 98.0,
    "ArrowHead": 72.0,
    "OSULeaf": 75.0,
    "Trace": 99.5,
    "Coffee": 99.0,
    "Tecator": 95.0,
}
"""The mean that the untouched estimator is to reach: accuracy, or R^2, in per cent"""
MOST_BELOW = 10.0
"""Points that the worst seed may be below the median"""
LINEAR = ("ten points", "statistics")
FILES = ("accuracy", "accuracy-tuned", "accuracy-torch")
OF_LIBRARIES = tuple(f"accuracy-{library}" for library in libraries.SETS)


def read(folder: Path, stems: tuple[str, ...] = FILES) -> tuple[Kept, list[Found]]:
    """All scores, and what each JSON says of its machine."""
    kept: Kept = {}
    machines = []
    for path in (folder / f"{stem}.json" for stem in stems):
        if path.exists():
            found = json.loads(path.read_text())
            kept |= found["scores"]
            machines.append(found["machine"])
    return kept, machines


def sheets(folder: Path) -> list[Sheet]:
    """Every table for which there are scores."""
    kept, _ = read(folder, (*FILES, *OF_LIBRARIES))
    made = (make(kept) for make, _ in SECTIONS.values())
    return [sheet for sheet in made if sheet is not None]


def section(name: str, folder: Path) -> str | None:
    """The Markdown of a marked section of a page, or None without scores."""
    make, stems = SECTIONS[name]
    kept, machines = read(folder, stems)
    sheet = make(kept)
    if sheet is None:
        return None
    lines = "\n\n".join(dict.fromkeys(map(machine_text, machines)))
    return f"{sheet.markdown()}\n\n{lines}"


def untouched(kept: Kept) -> Sheet | None:
    """The estimators as they come."""
    lines = []
    for name, found in _ordered(kept, "untouched").items():
        scores, n_digits = [s / _unit(name) for s in _scores(found)], _digits(name)
        target = TARGETS.get(name)
        lines.append(
            [
                _label(name),
                f"{statistics.mean(scores):.{n_digits}f}",
                f"{statistics.stdev(scores) if scores[1:] else 0.0:.{n_digits}f}",
                f"{min(scores):.{n_digits}f}",
                f"{max(scores):.{n_digits}f}",
                _median(found, "seconds"),
                _median(found, "wall"),
                "-" if target is None else f"{target / _unit(name):.{max(1, n_digits - 1)}f}",
                "-" if target is None else "yes" if _reaches(name, found) else "**no**",
                *_chosen(found),
            ]
        )
    headings = (
        *("data", "mean", "sd", "worst", "best", "CPU s per fit", "s per fit", "target", "met"),
        *("deltas", "stride", "epochs", "steps"),
    )
    notes = (
        "Accuracy in %, or R^2. Seconds are medians, of one thread while another fit had the other "
        "core. Deltas, stride, epochs and steps of the optimizer are what the estimator chose."
    )
    return _sheet(f"Untouched, {_n_seeds(kept, 'untouched')} seeds", headings, lines, notes)


def rivals(kept: Kept) -> Sheet | None:
    """Beside PyTorch, linear models, and what tuning makes of it."""
    lines, behind = [], []
    for name, found in _ordered(kept, "untouched").items():
        others = {kind: _scores(kept.get(kind, {}).get(name, {})) for kind in kept}
        torch = kept.get("torch", {}).get(name, {})
        lines.append(
            [
                _label(name),
                _mean_text(name, _scores(found)),
                _mean_text(name, others.get("tuned", [])),
                _mean_text(name, _scores(torch)),
                _no_worse(found, torch),
                _mean_text(name, others.get("constant", [])),
                *(_mean_text(name, others.get(kind, [])) for kind in LINEAR),
            ]
        )
        mean = statistics.mean(_scores(found))
        ahead = [kind for kind in LINEAR if others.get(kind) and others[kind][0] > mean]
        behind += [_label(name)] if ahead else []
    headings = (
        *("data", "untouched", "tuned", "PyTorch's GRU", "no worse than it", "no model"),
        *("linear, ten points", "linear, statistics"),
    )
    notes = (
        "Accuracy in %, or R^2: the mean ± its standard error where there are several seeds. "
        + (f"A linear model is better than the untouched network on {_and(behind)}."
           if behind else "No linear model is better than the untouched network.")
    )  # fmt: skip
    return _sheet("Beside others on the same splits", headings, lines, notes)


def tuned(kept: Kept) -> Sheet | None:
    """What tuning gained, and by which changes."""
    lines = []
    for name, found in _ordered(kept, "tuned").items():
        before = kept.get("untouched", {}).get(name, {})
        after = statistics.mean(_scores(found)) / _unit(name)
        gain = after - statistics.mean(_scores(before)) / _unit(name) if before else None
        settings = next(iter(found.values()))["settings"]
        lines.append(
            [
                _label(name),
                _mean_text(name, _scores(before)),
                _mean_text(name, _scores(found)),
                "-" if gain is None else f"{gain:+.{_digits(name)}f}",
                ", ".join(f"{k}={v}" for k, v in settings.items()) or "nothing",
            ]
        )
    headings = ("data", "untouched", "tuned", "gain", "what tuning changed (first seed)")
    return _sheet(f"Tuned, {_n_seeds(kept, 'tuned')} seed(s)", headings, lines, "")


def worst_seeds(kept: Kept) -> Sheet | None:
    """How far the worst seed falls."""
    lines = []
    for name, found in _ordered(kept, "untouched").items():
        scores, n_digits = [each["score"] / _unit(name) for each in found.values()], _digits(name)
        if len(scores) <= N_SEEDS:
            continue
        below = statistics.median(scores) - min(scores)
        lines.append(
            [
                _label(name),
                f"{len(scores)}",
                f"{statistics.median(scores):.{n_digits}f}",
                f"{min(scores):.{n_digits}f}",
                f"{below:.{n_digits}f}",
                "yes" if below * _unit(name) <= MOST_BELOW else "**no**",
            ]
        )
    headings = ("data", "seeds", "median", "worst", "below the median", "within 10 points")
    return _sheet("The worst of many seeds, untouched", headings, lines, "")


def horizon(kept: Kept) -> Sheet | None:
    """Beside figures that others published."""
    lines: list[list[str]] = []
    behind: dict[str, list[str]] = {method: [] for method in published.METHODS}
    for name, found in _ordered(kept, "untouched").items():
        others = {method: published.score(method, name) for method in published.METHODS}
        if not any(score is not None for score in others.values()):
            continue
        tuned = kept.get("tuned", {}).get(name, {})
        best = max(statistics.mean(_scores(each)) for each in (found, tuned) if each)
        for method, score in others.items():
            behind[method] += [_label(name)] if score is not None and score > best else []
        lines.append(
            [
                _label(name),
                _mean_text(name, _scores(found)),
                _mean_text(name, _scores(tuned)),
                *(_mean_text(name, [] if score is None else [score]) for score in others.values()),
            ]
        )
    headings = ("data", "untouched", "tuned", *published.METHODS)
    above = "; ".join(f"{method} on {_and(names)}" for method, names in behind.items() if names)
    told = [f"Published figures above ours, untouched and tuned: {above}."] if above else []
    return _sheet(
        "Beside published figures", headings, lines, " ".join([*told, published.citations()])
    )


def in_libraries(kept: Kept) -> Sheet | None:
    """Our adapters beside recurrent networks of aeon and sktime."""
    lines = []
    for library, names in libraries.SETS.items():
        contestants = libraries.CONTESTANTS[library]
        for name in [*names, *(each for each in [*sets.PUBLIC, *sets.MADE] if each not in names)]:
            ours: Seeds = {}
            for contestant in contestants:
                found = kept.get(contestant, {}).get(name, {})
                if not found:
                    continue
                ours = found if contestant.startswith("Elman") else ours
                times = "-"
                if ours and found is not ours:
                    times = f"{_middle(found, 'seconds') / _middle(ours, 'seconds'):.1f}"
                alone = [each["alone"] for each in found.values() if "alone" in each]
                lines.append(
                    [
                        f"{_label(name)}: {contestant}",
                        _mean_text(name, _scores(found)),
                        _median(found, "seconds"),
                        times,
                        f"{max(alone):.0e}" if alone else "-",
                    ]
                )
    headings = ("data", "mean", "CPU s per fit", "times ours", "alone or in a batch")
    notes = (
        "Accuracy in %, or R^2: the mean ± its standard error. Seconds are medians, of one thread "
        "while other work had the other core. Each network is set against the last of ours above "
        "it. Alone or in a batch: the largest difference of probabilities of the same recordings."
    )
    return _sheet("In aeon and sktime", headings, lines, notes)


def missed(kept: Kept) -> list[str]:
    """Sets whose target the untouched estimator misses; those of fewer than ten seeds are not."""
    return [
        name
        for name, found in _ordered(kept, "untouched").items()
        if len(_scores(found)) == N_SEEDS and name in TARGETS and not _reaches(name, found)
    ]


SECTIONS = {
    "accuracy": (untouched, FILES[:1]),
    "accuracy-seeds": (worst_seeds, FILES[:1]),
    "accuracy-rivals": (rivals, FILES),
    "accuracy-tuned": (tuned, FILES[:2]),
    "accuracy-horizon": (horizon, FILES[:2]),
    "accuracy-libraries": (in_libraries, OF_LIBRARIES),
}
"""A section of a page -> what makes its table, and of which JSON"""


def _sheet(title: str, headings: Any, lines: list[list[str]], notes: str) -> Sheet | None:
    return Sheet(title, headings, lines, notes) if lines else None


def _ordered(kept: Kept, contestant: str) -> dict[str, Seeds]:
    """Sets as `benchmarks.sets` has them, and made ones after them."""
    found = kept.get(contestant, {})
    known = [*sets.PUBLIC, *sets.HELD_OUT]
    return {name: found[name] for name in [*known, *sets.MADE] if name in found}


def _unit(name: str) -> float:
    return 100.0 if name in sets.REGRESSION else 1.0


def _digits(name: str) -> int:
    return 3 if name in sets.REGRESSION else 2


def _label(name: str) -> str:
    label = f"{name}, R^2" if name in sets.REGRESSION else name
    return f"{label} (held out)" if name in sets.HELD_OUT else label


def _scores(found: Seeds) -> list[float]:
    """In per cent, of the seeds 0 to 9."""
    return [each["score"] for seed, each in found.items() if int(seed) < N_SEEDS]


def _reaches(name: str, found: Seeds) -> bool:
    return statistics.mean(_scores(found)) >= TARGETS[name]


def _median(found: Seeds, key: str) -> str:
    return f"{_middle(found, key):.2f}"


def _middle(found: Seeds, key: str) -> float:
    return statistics.median(each[key] for each in found.values())


def _chosen(found: Seeds) -> list[str]:
    """Of all seeds; more than one value where seeds differ."""
    keys = ("deltas", "stride", "n_epochs", "n_steps")
    values = [dict.fromkeys(str(each[key]) for each in found.values()) for key in keys]
    return [" or ".join(each) for each in values]


def _mean_text(name: str, scores: list[float]) -> str:
    if not scores:
        return "-"
    mean, error = summary([score / _unit(name) for score in scores])
    text = f"{mean:.{_digits(name)}f}"
    return f"{text} ± {error:.{_digits(name)}f}" if scores[1:] else text


def _no_worse(ours: Seeds, theirs: Seeds) -> str:
    """By two standard errors of the difference, over the seeds that both have."""
    same = [seed for seed in theirs if seed in ours and int(seed) < N_SEEDS]
    if not same:
        return "-"
    both = [summary([found[seed]["score"] for seed in same]) for found in (ours, theirs)]
    return "yes" if keeps_up(*both, is_regression=False) else "**no**"


def _n_seeds(kept: Kept, contestant: str) -> str:
    counts = {len(_scores(found)) for found in kept.get(contestant, {}).values()}
    return " or ".join(map(str, sorted(counts)))


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
