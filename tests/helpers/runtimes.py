"""Programs and packages that exported models run in; what is missing skips a test, or fails it.

With ELMAN_REQUIRE_RUNTIMES=1 a missing one is a failure, so that a machine on which all of them
should be says when one has gone.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest


def tool(*names):
    """The path of the first of these programs that is there."""
    for name in names:
        found = shutil.which(name)
        if found is not None:
            return found
    return _missing(" or ".join(names))


def node_package(name):
    """The folder of a package that `make runtimes` installed with npm."""
    folder = Path(sys.prefix) / "node_modules" / name
    return folder if folder.is_dir() else _missing(f"the npm package {name}")


def _missing(what):
    if os.environ.get("ELMAN_REQUIRE_RUNTIMES") == "1":
        pytest.fail(f"{what} is not installed, and ELMAN_REQUIRE_RUNTIMES=1 asks for it")
    pytest.skip(f"{what} is not installed")
