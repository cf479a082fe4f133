"""The reference of the site lists every public name, and each has an example that runs."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import sys
from pathlib import Path

import pytest
from helpers.pages import DOCS

import elman

SOURCE = Path(elman.__file__).parent
UNLISTED = {
    "elman.__version__": "a string, which needs no page",
    "elman.nn": "the parts of which networks are made; docs/architecture.md explains them",
}
"""Public names without a page of their own, and why."""

WITH_A_LIBRARY = {"elman.adapters.aeon", "elman.adapters.sktime"}
"""Modules that import a library which is not installed here: they are read, and `make adapters`
runs their examples."""


def listed():
    """The names in the lists of the reference's pages."""
    names = []
    for page in sorted((DOCS / "reference").glob("*.rst")):
        module, in_list = "", False
        for line in page.read_text(encoding="utf-8").splitlines():
            if found := re.match(r"\.\. currentmodule:: (\S+)", line):
                module = found[1]
            elif line.startswith(".. "):
                in_list = line == ".. autosummary::"
            elif in_list and (found := re.match(r"   (\w[\w.]*)$", line)):
                names.append(f"{module}.{found[1]}")
    return names


def public():
    """The names in `__all__` of the public modules; of a folder without one, of its modules."""
    names = {f"elman.{name}" for name in elman.__all__}
    for module in elman._MODULES:
        name = f"elman.{module}"
        if name in UNLISTED:
            continue
        found = importlib.import_module(name)
        if hasattr(found, "__all__"):
            names |= {f"{name}.{each}" for each in found.__all__}
            continue
        for below in pkgutil.iter_modules(getattr(found, "__path__", [])):
            inner = f"{name}.{below.name}"
            names |= {f"{inner}.{each}" for each in all_of(inner)}
    return names - UNLISTED.keys()


def all_of(module):
    """The `__all__` of a module, or none."""
    if module not in WITH_A_LIBRARY:
        return getattr(importlib.import_module(module), "__all__", ())
    tree = ast.parse((SOURCE.parent / f"{module.replace('.', '/')}.py").read_text("utf-8"))
    (names,) = [
        each.value
        for each in tree.body
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "__all__"
    ]
    return ast.literal_eval(names)


def find(name):
    """The object of a dotted name; of what cannot be imported here a class with its docstring."""
    module, _, attribute = name.rpartition(".")
    if module not in WITH_A_LIBRARY:
        return getattr(importlib.import_module(module), attribute)
    tree = ast.parse((SOURCE.parent / f"{module.replace('.', '/')}.py").read_text("utf-8"))
    (found,) = [each for each in tree.body if getattr(each, "name", None) == attribute]
    return type(attribute, (), {"__doc__": ast.get_docstring(found)})


def test_every_public_name_is_listed():
    names = listed()
    assert sorted(names) == sorted(set(names))
    assert public() - set(names) == set()


def test_what_is_listed_is_there():
    assert len(listed()) > 50
    for name in listed():
        assert find(name) is not None
        assert inspect.getdoc(find(name)), name


def needs_example(found):
    return callable(found) and not (inspect.isclass(found) and issubclass(found, Exception))


def test_every_public_name_has_an_example():
    wanting = {
        name
        for name in listed()
        if needs_example(find(name)) and ">>> " not in (inspect.getdoc(find(name)) or "")
    }
    assert wanting == set()


WITH_EXAMPLES = sorted(
    {
        ".".join(("elman", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(
            ".__init__"
        )
        for path in SOURCE.rglob("*.py")
        if re.search(r"^ *>>> ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }
    - WITH_A_LIBRARY
)


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_the_docstrings_hold(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    importlib.import_module(module)
    found = doctest.testmod(sys.modules[module])  # a function may hide its module by its name
    assert found.attempted > 0
    assert found.failed == 0


def test_the_pages_made_of_the_code_are_complete(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    pages = importlib.import_module("generated_pages")
    from typer.main import get_command

    from elman.cli.app import make_app
    from elman.hyperparameters.declared import DECLARED

    page = pages.hyperparameters_page()
    for name in DECLARED:
        assert page.count(f".. hyperparameter:: {name}\n") == 1
    commands = pages.command_pages()
    assert {path.split()[0] for path in commands} == set(get_command(make_app([])).commands)
    assert "```{option} --hidden-size" in commands["fit"]
    assert commands == pages.command_pages()
