"""A page with links as the repository has them in; with links as the site has them out."""

from __future__ import annotations

from sphinx.application import Sphinx

SHOWN_AS = {name: name.lower() for name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")}
"""Files of the repository outside docs/, and the pages of docs/ that include them."""


def _rewrite(app: Sphinx, page: str, source: list[str]) -> None:
    above = "../" * page.count("/")  # from the page's folder to docs/
    for outside, on_the_site in SHOWN_AS.items():
        source[0] = source[0].replace(f"]({above}../{outside}", f"]({above}{on_the_site}")


def setup(app: Sphinx) -> dict[str, bool]:
    """Rewrite the links of each page as it is read."""
    app.connect("source-read", _rewrite)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
