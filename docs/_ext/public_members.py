"""The members of a class in; those that are documented as its own out."""

from __future__ import annotations

import inspect
from typing import Any

from sphinx.application import Sphinx


def _skip(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what scikit-learn adds to every estimator and documents with links of its own."""
    routing = name.startswith("set_") and name.endswith("_request")
    if routing or name in ("get_metadata_routing", "set_output"):
        return True
    return None


def _signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: Any
) -> tuple[str, Any] | None:
    """Give a class that was made with its constructor's signature that signature.

    The bases of such a class, of a library that is not installed, hide it.
    """
    given = getattr(getattr(obj, "__init__", None), "__signature__", None)
    if what != "class" or given is None:
        return None
    parameters = [each.replace(annotation=each.empty) for each in given.parameters.values()][1:]
    return str(inspect.Signature(parameters)), None


def setup(app: Sphinx) -> dict[str, bool]:
    """Ask before each member is documented, and for the signature of each class."""
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-signature", _signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
