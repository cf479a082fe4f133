"""docs/your-data.md, pasted: every piece of Python in its order, and every command."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from elman.cli import main

PAGE = (Path(__file__).parent.parent / "docs" / "your-data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(python|text|sh)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_every_piece_runs_and_prints_what_the_page_says(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    for kind, text in BLOCKS:
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(text, "docs/your-data.md", "exec"), names)
            printed = out.getvalue()
        elif kind == "text":
            assert printed == text
        else:
            for line in text.splitlines():
                command, *arguments = shlex.split(line)
                assert command == "elman"
                assert main(arguments) == 0, line
            capsys.readouterr()


def test_the_page_shows_every_kind():
    kinds = [kind for kind, _ in BLOCKS]
    assert kinds.count("python") >= 15
    assert kinds.count("text") >= 10
    assert "sh" in kinds
