"""The results of several parts in; the one short table of the README out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.sheet import Sheet, timing_text

SIZE = {"B": 64, "T": 100, "D": 32, "H": 128}
"""samples, steps, features and hidden units of the row that stands for a layer"""


def overview(results: Path) -> str | None:
    """What a person waits for: ours and the best peer, each at its better number of threads.

    Parameters
    ----------
    results : Path
        Folder of the JSON.

    Returns
    -------
    str or None
        Markdown; None where a part was not measured.
    """
    parts = ("fit", "predict", "stream", "layer", "gru", "lstm")
    paths = {name: results / f"{name}.json" for name in parts}
    if not all(path.exists() for path in paths.values()):
        return None
    found = {name: json.loads(path.read_text()) for name, path in paths.items()}
    stream = next(row for row in found["stream"]["rows"] if row["cell"] == "elman")
    step = [t for t in stream["timings"] if t["steps"] == 1 and "composed" not in t["name"]]
    size = ", ".join(map(str, SIZE.values()))
    rows = [
        ["a whole `fit`: speech, 270 recordings, 60 epochs", *_row(found["fit"]["rows"])],
        ["`predict`: 100,000 sequences of 50 steps", *_row(found["predict"]["rows"])],
        ["a live step: features to probabilities", *_row(step)],
        *(
            [f"a training step of {name} layer ({size})", *_row(_of_size(found[part])["step"])]
            for name, part in (("an Elman", "layer"), ("a GRU", "gru"), ("an LSTM", "lstm"))
        ),
    ]
    headings = ["", "elman", "best peer", "", "best peer / elman"]
    machines = dict.fromkeys(_machine(result) for result in found.values())
    sheet = Sheet("The same work, checked equal, timed in turn", headings, rows)
    return f"{sheet.markdown()}\n\nEach row measured in one run, on {'; or '.join(machines)}."


def _row(timings: list[dict[str, Any]]) -> list[str]:
    """Ours, the quickest peer and its name, and how many times longer it takes."""
    ours = min((t for t in timings if t["name"].startswith("elman")), key=_median)
    peer = min((t for t in timings if not t["name"].startswith("elman")), key=_median)
    ratio = peer["median"] / ours["median"]
    return [timing_text(ours), timing_text(peer), peer["name"], f"{ratio:.1f}"]


def _median(timing: dict[str, Any]) -> float:
    return float(timing["median"])


def _of_size(result: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in result["rows"] if row["size"] == SIZE)
    return found


def _machine(result: dict[str, Any]) -> str:
    about = result["machine"]
    versions = about["versions"]
    peers = ", ".join(
        f"{name} {versions[key]}"
        for name, key in (("PyTorch", "torch"), ("JAX", "jax"), ("ONNX Runtime", "onnxruntime"))
        if key in versions
    )
    return f"{about['cpu']}, {about['cores']} cores, {peers}, {about['date']}"
