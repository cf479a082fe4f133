"""Wall time until the package, or the command, is there; and what it loaded for that."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.child import run_child, wall_seconds
from benchmarks.options import Options
from benchmarks.sheet import Sheet, timing_text
from benchmarks.timing import interleave_measured

HEAVY = ("sklearn", "scipy", "matplotlib")
GOALS = {"import elman": 0.25, "elman --help": 0.30}
FLOOR = "python, nothing imported"


def measure(options: Options) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        predict = ["predict", *_files(Path(folder))]
        commands = {
            FLOOR: ["-c", "pass"],
            "import numpy": ["-c", "import numpy"],
            "import elman": ["-c", "import elman"],
            "elman --help": ["-m", "elman", "--help"],
            "elman predict": ["-m", "elman", *predict],
        }
        loaded = {
            "import elman": run_child(__name__),
            "elman --help": run_child(__name__, "--help"),
            "elman predict": run_child(__name__, *predict),
        }
        timings = interleave_measured(
            [lambda c=command: wall_seconds(*c) for command in commands.values()],
            seconds=options.seconds,
            min_rounds=options.min_rounds,
        )
    rows = [
        {"name": name, **timing._asdict(), **loaded.get(name, {})}
        for name, timing in zip(commands, timings, strict=True)
    ]
    return {"rows": rows}


def _files(folder: Path) -> list[str]:
    """A model and something to predict."""
    from elman import RNNClassifier
    from elman.data import write_npz

    X = np.random.default_rng(0).standard_normal((30, 5, 2))
    model, data = folder / "model.safetensors", folder / "new.npz"
    RNNClassifier(deltas=0, stride=1, max_iter=1, batch_size=32, random_state=0).fit(
        X, np.arange(30) % 3
    ).save(model)
    write_npz(data, X)
    return [str(model), str(data)]


def main(*arguments: str) -> None:
    import contextlib
    import io
    import json
    import sys

    import elman  # noqa: F401

    if arguments:
        from elman.cli import main as command

        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            command(list(arguments))
    print(json.dumps({"loaded": [name for name in HEAVY if name in sys.modules]}))


def sheets(result: dict[str, Any]) -> list[Sheet]:
    lines = [
        [
            row["name"],
            timing_text(row),
            (", ".join(row["loaded"]) or "none") if "loaded" in row else "",
            f"≤ {GOALS[row['name']]} s" if row["name"] in GOALS else "",
        ]
        for row in result["rows"]
    ]
    headings = ["", "wall time", f"of {', '.join(HEAVY)} loaded", "goal"]
    return [Sheet("Start-up", headings, lines, "Each in a process of its own, files cached.")]


if __name__ == "__main__":
    import sys

    main(*sys.argv[1:])
