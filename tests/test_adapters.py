"""Without aeon and sktime: an error that says what to install. `make adapters` tests the rest."""

from __future__ import annotations

import subprocess
import sys

import pytest

import elman.adapters.adapter
from elman.adapters.adapter import adapter_of
from elman.hyperparameters.declared import PLACE

LIBRARIES = ("aeon", "sktime")


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_to_install_is_said(library):
    """In a process that does not find the library, whether it is installed or not."""
    program = (
        f"import sys\nsys.modules[{library!r}] = None\n"
        f"import elman.adapters\nimport elman.adapters.{library}"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        f"ImportError: elman.adapters.{library} needs {library}, which is not installed: "
        f"pip install 'elman[{library}]'"
    )


def test_a_docstring_has_to_have_a_place():
    with pytest.raises(TypeError, match="the docstring of Own has no line"):

        @adapter_of(elman.RNNClassifier)
        class Own:
            """Nothing of hyper-parameters."""


def test_the_constructor_needs_no_library():
    class Base:
        def __init__(self):
            self.begun = True

    text = f"An estimator.\n\n    Parameters\n    ----------\n    {PLACE}\n    "
    members = {"__doc__": text, "__init__": Base.__init__}
    own = adapter_of(elman.RNNRegressor, {"alpha": (0.5, "It is more here.")})(
        type("Own", (elman.adapters.adapter.Adapter, Base), members)
    )
    made = own(9, cell="gru")
    assert made.begun
    assert (made.hidden_size, made.cell, made.alpha) == (9, "gru", 0.5)
    assert made.readout == elman.RNNRegressor().readout
    assert "alpha : float >= 0, default=0.5\n" in own.__doc__
    assert "It is more here.\n" in own.__doc__
