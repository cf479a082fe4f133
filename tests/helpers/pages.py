"""A page of the documentation in; its pieces of code, and what they do when they are run, out.

Python is run in the order of the page, in one namespace. A block of text behind it is what it has
to print. Lines of shell are commands of `elman`. C and JavaScript are part of a file of `examples`,
which tests of its own run. A piece that cannot be run here stands behind a comment,
`<!-- skip: next "the reason" -->`.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import re
import shlex
import unittest
from pathlib import Path
from typing import NamedTuple

from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from elman.cli import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LANGUAGES = ("python", "text", "sh")
SHOWN = {"c": (".c",), "js": (".js", ".mjs")}
"""Languages of which a page shows parts of examples, and the suffixes of those files."""


class Block(NamedTuple):
    """A piece of code, or of what is printed."""

    language: str
    text: str
    line: int


class Skipped(NamedTuple):
    """A piece that is only shown."""

    language: str
    reason: str


class Runner:
    """What is left of the pieces before: the names of Python, and what was printed last."""

    def __init__(self, page: Path) -> None:
        self.page = page
        self.names: dict[str, object] = {"__name__": "__main__"}
        self.printed = ""

    def run(self, block: Block) -> None:
        """Run a piece of code, or compare a text with what was printed."""
        if block.language == "text":
            if block.text != self.printed:
                lines = self.printed.splitlines(), block.text.splitlines()
                difference = "\n".join(difflib.unified_diff(*lines, "printed", "page", lineterm=""))
                raise AssertionError(f"{self.page}:{block.line}\n{difference}")
            return
        if block.language in SHOWN:
            suffixes, wanted = SHOWN[block.language], unindented(block.text)
            files = [path for path in (ROOT / "examples").rglob("*") if path.suffix in suffixes]
            if not any(wanted in unindented(file.read_text(encoding="utf-8")) for file in files):
                raise AssertionError(
                    f"{self.page}:{block.line}: no file of examples in {block.language} has it"
                )
            return
        with contextlib.redirect_stdout(io.StringIO()) as out:
            if block.language == "python":
                text = "\n" * block.line + block.text
                exec(compile(text, str(self.page), "exec"), self.names)
            else:
                for line in block.text.splitlines():
                    command, *arguments = shlex.split(line)
                    assert command == "elman", f"{self.page}:{block.line}: {line}"
                    assert main(arguments) == 0, f"{self.page}:{block.line}: {line}"
        self.printed = out.getvalue()


def unindented(text: str) -> str:
    """Lines without the spaces before and behind them."""
    return "".join(f"{line.strip()}\n" for line in text.splitlines())


def pieces(page: Path, *, skipping: bool = True) -> list[Block | Skipped]:
    """All fenced pieces of a page, in order; without `skipping` those that are only shown too."""
    found: list[Block | Skipped] = []

    def keep(example):
        found.append(Block(example.region.lexemes["arguments"], str(example.parsed), example.line))

    parsers = [CodeBlockParser(language, keep) for language in (*LANGUAGES, *SHOWN)]
    document = Sybil(parsers=[*parsers, *[SkipParser()] * skipping]).parse(page)
    for example in document.examples():
        try:
            example.evaluate()
        except unittest.SkipTest as skip:
            found.append(Skipped(example.region.lexemes["arguments"], str(skip)))
    return found


def blocks(page: Path, *, skipping: bool = True) -> list[Block]:
    """The pieces that are run or compared; with skipping=False all, where nothing is missing."""
    return [each for each in pieces(page, skipping=skipping) if isinstance(each, Block)]


def fences(page: Path) -> list[str]:
    """The language of every fence of a page that is not a directive of the site."""
    text = page.read_text(encoding="utf-8")
    opened = re.findall(r"^```(.*)\n(?:.*\n)*?```$", text, flags=re.MULTILINE)
    return [language for language in opened if not language.startswith("{")]
