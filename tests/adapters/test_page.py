"""The page on other libraries, pasted: what needs the library that is installed here too."""

from __future__ import annotations

import pytest
from helpers.adapting import LIBRARIES
from helpers.pages import DOCS, Block, Runner, pieces

PAGE = DOCS / "how-to" / "other-libraries.md"


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_page_holds(library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner, n_of_library = Runner(PAGE), 0
    for block, kept in zip(pieces(PAGE, skipping=False), pieces(PAGE), strict=True):
        if isinstance(kept, Block) or kept.reason == f"needs {library}":
            runner.run(block)
            n_of_library += not isinstance(kept, Block)
    assert n_of_library == 4
