"""Imports point downward only, and importing the package stays cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import elman
from elman.data import write_npz

SOURCE = Path(elman.__file__).parent

LEVELS = [
    {"__main__"},
    {"cli"},
    {"report", "plotting"},
    {"estimator", "regressor", "tagger", "baselines", "scores"},
    {"base"},
    {"preprocessing"},
    {"scoring"},
    {"step_targets", "checkpoints"},
    {"persistence", "callbacks", "progress", "targets"},
    {"training", "model"},
    {"epochs", "streaming"},
    {"divergence"},
    {"inference", "stepping", "early", "history", "gauges", "hyperparameters", "labelled"},
    {"data", "nn", "formats"},
    {"backends", "masked"},
]
"""Upper parts first. A part may import from its own level only itself, and anything below."""

BESIDES = {
    "inspection": {"nn", "backends", "training", "inference", "data", "history"},
    "scratch": {"backends"},
    "data": {"formats"},
}
"""Parts that stand beside the levels, or see a neighbour: what they may import."""


def part(module):
    """elman.nn.layers -> nn; elman -> "" (the public names)."""
    return module.split(".")[1] if "." in module else ""


def module_name(path):
    parts = ("elman", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imported(path):
    """Modules that a file imports anywhere, in functions too; not those only for type checkers."""
    tree = ast.parse(path.read_text())
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            skipped |= set(ast.walk(node))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def level(name):
    return next((i for i, parts in enumerate(LEVELS) if name in parts), None)


def allowed(importer, target):
    if importer == target or importer == "" or target in BESIDES.get(importer, ()):
        return True
    if importer in ("backends", "formats", "scratch", "inspection"):
        return False
    if target in ("inspection", "scratch", ""):
        return level(importer) < level("estimator")
    return level(importer) < level(target)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_downward(module):
    importer = part(module)
    assert importer == "" or importer in BESIDES or level(importer) is not None, (
        f"{module}: say in LEVELS where this new part belongs"
    )
    for target in imported(MODULES[module]):
        if target.split(".")[0] != "elman":
            continue
        assert allowed(importer, part(target)), f"{module} imports {target}"


def test_data_and_networks_know_no_scikit_learn():
    for module, path in MODULES.items():
        if part(module) in ("data", "nn", "backends", "formats", "scratch"):
            outside = {name.split(".")[0] for name in imported(path)}
            assert not outside & {"sklearn", "scipy", "matplotlib", "pandas", "torch"}, module


def test_formats_stand_alone():
    for module, path in MODULES.items():
        if part(module) == "formats":
            ours = {part(name) for name in imported(path) if name.split(".")[0] == "elman"}
            assert ours <= {"formats"}, module


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import elman", ("sklearn", "scipy", "matplotlib", "pandas", "rich", "safetensors")),
        ("import elman.data, elman.nn.network, elman.training", ("sklearn", "scipy", "rich")),
        ("import elman; elman.RNNClassifier", ("matplotlib", "torch", "safetensors", "typer")),
    ],
)
def test_importing_is_cheap(code, heavy):
    program = f"{code}\nimport sys\nprint(*[m for m in {heavy!r} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == []


def test_modules_are_there_after_import_elman():
    program = "import elman; print(elman.data.make_parity, elman.plotting, elman.nn, elman.scratch)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert {"data", "plotting", "RNNClassifier"} <= set(dir(elman))


@pytest.mark.parametrize("command", ["predict", "evaluate", "inspect"])
def test_answering_loads_no_scikit_learn(command, tmp_path, rng):
    X, y = rng.normal(size=(9, 5, 2)), list("abc" * 3)
    classifier = elman.RNNClassifier(hidden_size=7, max_iter=1, random_state=0).fit(X, y)
    model, data = str(tmp_path / "model.safetensors"), str(tmp_path / "data.npz")
    classifier.save(model)
    write_npz(data, list(X), y)
    arguments = [command, model] + [data] * (command != "inspect")
    program = (
        f"import sys\nfrom elman.cli import main\nassert main({arguments!r}) == 0\n"
        "found = {'sklearn', 'scipy', 'matplotlib', 'pandas'} & set(sys.modules)\n"
        "sys.exit(f'loaded {found}' if found else 0)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout
