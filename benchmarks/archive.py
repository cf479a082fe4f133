"""The name of a data set in; its official splits out, from a package that carries the files."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from elman.data import Dataset, read_ts

CACHE = Path(__file__).parent.parent / ".cache"
PACKAGE = "sktime==1.2.0"


def load(name: str, split: str) -> Dataset:
    """A split, "train" or "test", of a data set of the UCR/UEA archive that `PACKAGE` carries.

    The first call downloads the package's wheel with pip; nothing is installed.
    """
    file = f"{name}_{split.upper()}.ts"
    path = CACHE / name / file
    if not path.exists():
        with zipfile.ZipFile(_wheel()) as wheel:
            content = wheel.read(f"sktime/datasets/data/{name}/{file}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return read_ts(path)


def _wheel() -> Path:
    pattern = f"{PACKAGE.replace('==', '-')}-*.whl"
    found = next(CACHE.glob(pattern), None)
    if found:
        return found
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--only-binary=:all:", "--dest", str(CACHE)]
    CACHE.mkdir(exist_ok=True)
    result = subprocess.run([*pip, *options, PACKAGE], capture_output=True, text=True)
    found = next(CACHE.glob(pattern), None)
    if result.returncode or not found:
        reason = (result.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise SystemExit(
            f"could not download {PACKAGE}, whose wheel carries the data ({reason}); run this "
            f"again while online, or put the wheel into {CACHE}"
        )
    return found
