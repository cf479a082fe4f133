"""Small files for the tests of the command line, and a way to run it as a shell would."""

from __future__ import annotations

import os
import subprocess
import sys
from unittest.mock import patch

import numpy as np

from elman.backends import available_backends
from elman.cli import main

# Without the compiled kernel every command says once, on stderr, that it is missing.
QUIET = {} if "native" in available_backends() else {"ELMAN_BACKEND": "reference"}
CLASSES = ("do", "mi", "sol")


def recordings(n_samples=17, n_features=2, seed=5):
    """Ragged recordings whose class is written in the mean of the first feature."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n_samples) % len(CLASSES)
    X = []
    for code in codes:
        x = rng.normal(scale=0.3, size=(int(rng.integers(3, 8)), n_features))
        x[:, 0] += 2 * code
        X.append(x.astype(np.float32))
    return X, np.array(CLASSES)[codes]


def write_ts(path, X, y):
    lines = ["@problemName notes", "@timeStamps false", "@missing false", "@univariate false"]
    lines += [f"@dimensions {X[0].shape[1]}", "@equalLength false"]
    lines += [f"@classLabel true {' '.join(CLASSES)}", "@data"]
    for x, label in zip(X, y, strict=True):
        dimensions = [",".join(map(repr, column.tolist())) for column in x.T]
        lines.append(":".join([*dimensions, str(label)]))
    path.write_text("\n".join(lines) + "\n")


def run(capsys, *arguments):
    """Exit code, stdout and stderr of the command, run in this process."""
    capsys.readouterr()
    with patch.dict(os.environ, QUIET):
        code = main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def run_shell(*arguments, env=None, **options):
    """The command in a process of its own, without a terminal."""
    environment = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "COLUMNS")}
    return subprocess.run(
        [sys.executable, "-m", "elman", *map(str, arguments)],
        env=environment | QUIET | (env or {}),
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )
