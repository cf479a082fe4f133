"""The members of a class in; those that are documented as its own out."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def _skip(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what scikit-learn adds to every estimator and documents with links of its own."""
    routing = name.startswith("set_") and name.endswith("_request")
    if routing or name in ("get_metadata_routing", "set_output"):
        return True
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Ask before each member is documented."""
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
