"""Scores in; the JSON that keeps them, and a line for each time that test splits were scored, out.

Each command has a JSON of its own, which is whole whenever a run is ended. Scores belong to the
source that made them: those of another version of it are forgotten.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import sets
from benchmarks.accuracy.contestants import Found, Job
from benchmarks.machine import machine
from elman.formats.atomic import replacing

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
RUNS = "accuracy-runs.jsonl"
DATA = ("benchmarks/sets.py", "benchmarks/archive.py")
OURS = ("src/elman/**/*.py", "native/**/*.h", "native/**/*.cpp", *DATA)
SOURCES = {
    "accuracy": OURS,
    "accuracy-tuned": OURS,
    "accuracy-torch": ("benchmarks/accuracy/torch_gru.py", *DATA),
    "accuracy-sktime": ("benchmarks/accuracy/libraries.py", *OURS),
    "accuracy-aeon": ("benchmarks/accuracy/libraries.py", *OURS),
}
"""Of each JSON: what its scores depend on"""
PACKAGES = {
    "accuracy": ("elman", "numpy", "scikit-learn"),
    "accuracy-tuned": ("elman", "numpy", "scikit-learn"),
    "accuracy-torch": ("torch", "numpy"),
    "accuracy-sktime": ("elman", "sktime", "torch", "numpy"),
    "accuracy-aeon": ("elman", "aeon", "tensorflow-cpu", "numpy"),
}


class Record:
    """The scores of one command.

    Parameters
    ----------
    path : Path
        The JSON, read if it is there.
    about : dict
        What scores belong to: the digest of the source, and settings.
    """

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self.path = path
        self.about = about
        self.scores: dict[str, dict[str, dict[str, Found]]] = {}
        """contestant -> data set -> seed, as JSON has it -> what was found"""
        self.n_forgotten = 0
        if not path.exists():
            return
        old = json.loads(path.read_text())
        if {name: old.get(name) for name in about} == about:
            self.scores = old["scores"]
        else:
            of_sets = [
                by_set for kind in old.get("scores", {}).values() for by_set in kind.values()
            ]
            self.n_forgotten = sum(map(len, of_sets))

    def __contains__(self, job: Job) -> bool:
        return str(job.seed) in self.scores.get(job.contestant, {}).get(job.name, {})

    def add(self, job: Job, found: Found, machine: dict[str, Any]) -> None:
        """Keep a score, and write the JSON."""
        of_set = self.scores.setdefault(job.contestant, {}).setdefault(job.name, {})
        of_set[str(job.seed)] = found
        ordered = dict(sorted(of_set.items(), key=lambda item: int(item[0])))
        self.scores[job.contestant][job.name] = ordered
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole = {"machine": machine, **self.about, "scores": self.scores}
        with replacing(self.path) as file:
            file.write((json.dumps(whole, indent=1) + "\n").encode())


def digest(patterns: Iterable[str], root: Path = ROOT) -> str:
    """Of the files that match; changes with any byte and any name of them."""
    found = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
        found.update(path.relative_to(root).as_posix().encode() + b"\0")
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


def note_run(jobs: list[Job], path: Path) -> None:
    """Write down that test splits are scored, before they are; made sets have no official ones."""
    public = [job for job in jobs if job.name in (*sets.PUBLIC, *sets.HELD_OUT)]
    if not public:
        return
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    line = {
        "date": now,
        **commit(),
        "contestants": list(dict.fromkeys(job.contestant for job in public)),
        "sets": list(dict.fromkeys(job.name for job in public)),
        "seeds": sorted({job.seed for job in public}),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def commit() -> dict[str, Any]:
    """The commit, and whether source differs from it; None where git does not know."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    if head.returncode:
        return {"commit": None, "changed": None}
    changes = subprocess.run(
        [*git, "status", "--porcelain", "--", "src", "native", "benchmarks/*.py"],
        capture_output=True,
        text=True,
    )
    return {"commit": head.stdout.strip(), "changed": bool(changes.stdout.strip())}


def about_machine(stem: str) -> dict[str, Any]:
    """What the figures of a JSON depend on; ours also on the kernel."""
    found = machine(*PACKAGES[stem])
    if stem != "accuracy-torch":
        from elman.backends import get_backend

        backend = get_backend()
        found["backend"] = f"{backend.name} {backend.isa}"
    return found
