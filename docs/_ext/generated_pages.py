"""The declared hyper-parameters and the commands in; pages of the reference out.

The pages are written into docs/generated before Sphinx looks for pages, and only where they
changed, so that a second build reads no more than it has to.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SHAPES = {
    "network": (
        "The network",
        "What the network is made of. A model that goes on learning (`warm_start`, "
        "`partial_fit`) has to keep these as they were.",
    ),
    "training": ("Training", "How the weights are found."),
    "run": ("The run", "How a fit is carried out: where it computes, what it keeps and reports."),
}
"""Heading and first sentence of each part of the page of hyper-parameters."""


def hyperparameters_page() -> str:
    """Return the page of all hyper-parameters, as reStructuredText."""
    from elman.hyperparameters.declared import DECLARED, PARAMETERS, declarations

    lines = [
        *_rst_heading("Hyper-parameters", "="),
        "The arguments of the constructors of `elman.RNNClassifier`, `elman.RNNTagger` and "
        "`elman.RNNRegressor`, each of which is declared in one place: this page, the docstrings, "
        "the options of ``elman fit`` and what a model file keeps are made of the same "
        "declarations.",
        "",
    ]
    for shapes, (heading, first) in SHAPES.items():
        lines += [*_rst_heading(heading, "-"), first, ""]
        for name, each in DECLARED.items():
            if each.shapes != shapes:
                continue
            having = [kind for kind, of in PARAMETERS.items() if name in declarations(of)]
            lines += [f".. hyperparameter:: {name}", ""]
            body = [f"{_literal(each.check.accepts)}, default ``{each.default!r}``"]
            for kind in having:
                own = declarations(PARAMETERS[kind])[name].default
                if own != each.default:
                    body[0] += f", of {kind} ``{own!r}``"
            for kind, check in each.check_of.items():
                body[0] += f"; of {kind} {_literal(check.accepts)}"
            if len(having) < len(PARAMETERS):
                body[0] += f"; only of {' and '.join(f'`elman.{kind}`' for kind in having)}"
            if each.option:
                body[0] += f"; ``elman fit --{name.replace('_', '-')}``"
            body += ["", *_wrapped(each.doc), ""]
            for kind, doc in each.doc_of.items():
                if kind in having:
                    body += [f"{kind}: {' '.join(doc.split())}", ""]
            lines += [f"   {line}".rstrip() for line in body]
    return "\n".join(lines) + "\n"


def _rst_heading(text: str, mark: str) -> list[str]:
    return [text, mark * len(text), ""]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), 96, break_long_words=False, break_on_hyphens=False)


def _literal(text: str) -> str:
    return f"``{text}``"


def command_pages() -> dict[str, str]:
    """Return a page of Markdown for each command, by its name ("store build")."""
    from typer.main import get_command

    from elman.cli.app import make_app

    whole = get_command(make_app(["fit"]))
    return {path: _command_page(path, command) for path, command in _commands("", whole)}


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Each command below one, with the words by which it is called."""
    for name, below in getattr(command, "commands", {}).items():
        words = f"{path} {name}".strip()
        if getattr(below, "commands", None):
            yield from _commands(words, below)
        else:
            yield words, below


def _command_page(path: str, command: Any) -> str:
    import typer

    context = typer.Context(command, info_name=f"elman {path}")
    first, *others = re.split(r"\n\s*\n", _dedented(command.help or ""))
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"# elman {path}", "", _escaped(first), "", "```console"]
    lines += [f"$ elman {path} {usage}", "```", ""]
    for paragraph in others:
        lines += [_escaped(paragraph), ""]
    lines += [f"```{{program}} elman {path}", "```", ""]
    for kind, heading in (("argument", "Arguments"), ("option", "Options")):
        records = [
            record
            for each in command.params
            if each.param_type_name == kind and (record := each.get_help_record(context))
        ]
        if records:
            lines += [f"## {heading}", ""]
        for written, text in records:
            if kind == "argument":
                lines += [f"`{written}`", f": {_escaped(text)}", ""]
            else:
                lines += [f"```{{option}} {written}", _escaped(text), "```", ""]
    return "\n".join(lines)


def _dedented(text: str) -> str:
    return textwrap.dedent(text.replace("\b", "")).strip()


def _escaped(text: str) -> str:
    """Text of a help as Markdown that shows the same characters; code in backticks stays code."""
    pieces = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([\\*_<>\[\]{}$|])", r"\\\1", piece)
        for piece in pieces
    )


def commands_index(pages: dict[str, str]) -> str:
    """Return the page that lists the commands."""
    lines = [
        "# Commands",
        "",
        "What the `elman` command can do; each page is made of the command itself, as "
        "`elman COMMAND --help` is.",
        "",
        "| command | what it does |",
        "|---|---|",
    ]
    for path, page in pages.items():
        first = page.split("\n\n")[1].split(". ")[0].rstrip(".")
        lines.append(f"| [`elman {path}`]({_file(path)}) | {first} |")
    lines += ["", "```{toctree}", ":hidden:", "", *(_file(path) for path in pages), "```", ""]
    return "\n".join(lines)


def _file(path: str) -> str:
    return f"{path.replace(' ', '-')}.md"


def write_pages(app: Sphinx) -> None:
    """Write all generated pages."""
    folder = Path(app.srcdir) / "generated"
    pages = command_pages()
    written = {folder / "hyper-parameters.rst": hyperparameters_page()}
    written[folder / "commands" / "index.md"] = commands_index(pages)
    for path, page in pages.items():
        written[folder / "commands" / _file(path)] = page
    for file, text in written.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
    for file in (folder / "commands").glob("*.md"):
        if file not in written:
            file.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before Sphinx looks for them, and know hyper-parameters by name."""
    app.add_object_type(
        "hyperparameter",
        "hyperparameter",
        indextemplate="pair: %s; hyper-parameter",
        objname="hyper-parameter",
    )
    app.connect("builder-inited", write_pages, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
