"""Every page of the documentation, pasted: Python in its order, its output, and each command."""

from __future__ import annotations

import re

import pytest
from helpers.pages import DOCS, ROOT, Block, Runner, Skipped, blocks, fences, pieces

PAGES = [
    *sorted(page for page in DOCS.rglob("*.md") if "generated" not in page.parts),
    *sorted(ROOT.glob("*.md")),
]
OF_OTHERS = {
    "docs/architecture.md": "tests/test_guides.py follows its recipes in a copy of the package",
    "docs/how-to/on-a-cluster.md": "tests/test_on_a_cluster.py runs it as one program",
    "README.md": "tests/test_readme.py runs it in a process of its own",
}
"""Pages whose code other tests run, and how."""


def name_of(page):
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_piece_runs_and_prints_what_the_page_says(tmp_path, monkeypatch, page):
    monkeypatch.chdir(tmp_path)
    if name_of(page) in OF_OTHERS:
        return
    runner = Runner(page)
    for block in blocks(page):
        runner.run(block)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_piece_is_left_out(page):
    """Each fence is of a language that is run, or is skipped with a reason."""
    found = [each.language for each in pieces(page)]
    assert found == fences(page)


def test_the_guides_show_every_kind():
    """Or nothing of them would be run."""
    for page, n_python, n_text in (("your-data.md", 15, 10), ("stores.md", 6, 6)):
        kinds = [block.language for block in blocks(DOCS / "how-to" / page)]
        assert kinds.count("python") >= n_python
        assert kinds.count("text") >= n_text
        assert "sh" in kinds


def test_a_wrong_text_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1 + 2)\n```\n\n```text\n4\n```\n")
    runner = Runner(page)
    code, text = blocks(page)
    runner.run(code)
    with pytest.raises(AssertionError, match=r"-3\n\+4"):
        runner.run(text)


def test_a_skipped_piece_has_a_reason(tmp_path):
    page = tmp_path / "page.md"
    page.write_text('<!-- skip: next "no such package" -->\n\n```python\nimport nothing\n```\n')
    assert pieces(page) == [Skipped("python", "no such package")]
    page.write_text("```python\nimport nothing\n```\n")
    assert pieces(page) == [Block("python", "import nothing\n", 1)]


def test_a_piece_that_is_in_no_example_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text('```c\n#include "model.h"\n```\n\n```c\n#include "modell.h"\n```\n')
    there, gone = blocks(page)
    Runner(page).run(there)
    with pytest.raises(AssertionError, match=r"page\.md:5: no file of examples in c has it"):
        Runner(page).run(gone)


def test_what_is_skipped_can_be_had_elsewhere(tmp_path):
    page = tmp_path / "page.md"
    page.write_text('<!-- skip: next "no such package" -->\n\n```python\nimport nothing\n```\n')
    assert blocks(page) == []
    assert [each.text for each in blocks(page, skipping=False)] == ["import nothing\n"]


def test_every_link_to_a_file_of_the_repository_leads_somewhere():
    for page in PAGES:
        text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", text):
            if "generated/" not in target:
                assert (page.parent / target).exists(), f"{name_of(page)}: {target}"
