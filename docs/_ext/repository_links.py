"""A page with links as the repository has them in; with links as the site has them out."""

from __future__ import annotations

from sphinx.application import Sphinx

SHOWN_AS = {"](../CONTRIBUTING.md": "](contributing.md", "](../CHANGELOG.md": "](changelog.md"}
"""Links of pages in docs/ to files outside it, which the site includes."""


def _rewrite(app: Sphinx, page: str, source: list[str]) -> None:
    for link, on_the_site in SHOWN_AS.items():
        source[0] = source[0].replace(link, on_the_site)


def setup(app: Sphinx) -> dict[str, bool]:
    """Rewrite the links of each page as it is read."""
    app.connect("source-read", _rewrite)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
