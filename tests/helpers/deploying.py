"""The folders that examples/deploy/prepare.py makes of a model and recordings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import numpy as np

from elman import RNNClassifier
from elman.data import load_japanese_vowels, write_npz
from helpers.runtimes import absent

ROOT = Path(__file__).parents[2]
PREPARE = ROOT / "examples" / "deploy" / "prepare.py"


class Deployed:
    """A small model of the speech recordings, and what was made of it.

    Attributes
    ----------
    folder : Path
        With the folders browser, node and c.
    clf : RNNClassifier
    X, y : the recordings that are in the folders, and the labels that are written beside them:
        what the model answers, but for one
    """

    def __init__(self, folder):
        X, y = load_japanese_vowels("train")
        self.clf = RNNClassifier(9, cell="gru", max_iter=3, random_state=0).fit(X, y)
        # Every 74th recording, of which there are five of different lengths.
        self.X = load_japanese_vowels("test")[0][::74]
        self.y = self.labels.copy()
        self.y[2] = next(label for label in self.clf.classes_ if label != self.labels[2])
        self.clf.save(folder / "model.safetensors")
        write_npz(folder / "test.npz", self.X, self.y)
        self.folder = folder / "deploy"
        command = [sys.executable, PREPARE, "model.safetensors", "test.npz", "deploy"]
        self.said = run(command, folder)

    @cached_property
    def probabilities(self):
        """(n_recordings, n_classes)"""
        return self.clf.predict_proba(self.X)

    @cached_property
    def labels(self):
        """(n_recordings,)"""
        return self.clf.predict(self.X)

    def over_time(self, i):
        """Probabilities after each time step of a recording, (n_timesteps, n_classes)."""
        x = self.X[i]
        return self.clf.predict_proba([x[:n] for n in range(1, len(x) + 1)])


def run(command, folder):
    """What a program prints, which has to end well."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def tool(*names):
    """The path of the first of these programs that is there."""
    for name in names:
        found = shutil.which(name)
        if found is not None:
            return found
    return absent(" or ".join(names))


def node_package(name):
    """The folder of a package that `make runtimes` installed with npm."""
    packages = Path(os.environ.get("ELMAN_NODE_MODULES", Path(sys.prefix) / "node_modules"))
    folder = packages / name
    return folder if folder.is_dir() else absent(f"the npm package {name}")


def assert_within(found, expected, tolerance=1e-6):
    """Probabilities of another runtime are ours."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
