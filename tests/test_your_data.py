"""Two pages of docs/how-to/, pasted: all Python in its order, and every command."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from elman.cli import main


def blocks(page):
    """The pieces of a page: what language each is in, and its text."""
    text = (Path(__file__).parent.parent / "docs" / "how-to" / page).read_text(encoding="utf-8")
    return re.findall(r"^```(python|text|sh)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["your-data.md", "stores.md"])
def test_every_piece_runs_and_prints_what_the_page_says(tmp_path, monkeypatch, capsys, page):
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    for kind, text in blocks(page):
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(text, f"docs/how-to/{page}", "exec"), names)
            printed = out.getvalue()
        elif kind == "text":
            assert printed == text
        else:
            for line in text.splitlines():
                command, *arguments = shlex.split(line)
                assert command == "elman"
                assert main(arguments) == 0, line
            capsys.readouterr()


@pytest.mark.parametrize(
    ("page", "n_python", "n_text"), [("your-data.md", 15, 10), ("stores.md", 6, 6)]
)
def test_the_pages_show_every_kind(page, n_python, n_text):
    kinds = [kind for kind, _ in blocks(page)]
    assert kinds.count("python") >= n_python
    assert kinds.count("text") >= n_text
    assert "sh" in kinds
