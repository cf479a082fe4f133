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
    {"reporting", "tuning"},
    {"plotting", "metrics", "callbacks", "exchange", "adapters"},
    {"estimators"},
    {"distributed"},
    {"training", "evaluation", "explain"},
    {"models"},
    {"hyperparameters", "inspection"},
    {"nn", "data"},
    {"backends", "targets", "formats"},
]
"""Folders, upper ones first. A folder imports itself and what lies below, nothing beside or above.
"""

OUTSIDE = {
    "sklearn": {"estimators"},
    "scipy": set(),
    "safetensors": {"formats", "exchange"},
    "onnx": set(),
    "torch": set(),
    "h5py": set(),
    "typer": {"cli"},
    "rich": {"cli"},
    "matplotlib": set(),
    "pandas": set(),
    "polars": set(),
    "pyarrow": set(),
    "narwhals": set(),
    "distributed": set(),
    "dask": set(),
    "mpi4py": set(),
    "tensorboardX": set(),
    "mlflow": set(),
    "aeon": {"adapters"},
    "sktime": {"adapters"},
    "numpy": {"", *(folder for level in LEVELS for folder in level)},
}
"""Packages of others, and the folders whose modules may import them when they are themselves
imported. Inside a function any folder may, except for those in `NEVER`."""

NEVER = {"jax", "onnxruntime", "joblib", "tensorflow", "keras"}
"""Packages that nothing here imports, not even inside a function."""

INSIDE = {
    "sklearn": {"cli", "estimators", "evaluation", "explain", "targets", "tuning"},
    "narwhals": {"data"},
    "pyarrow": {"data"},
    "distributed": {"distributed"},
    "dask": {"data", "distributed"},
    "mpi4py": {"cli"},
    "tensorboardX": {"callbacks"},
    "mlflow": {"callbacks"},
    "onnx": {"exchange"},
    "torch": {"exchange"},
    "h5py": {"exchange"},
    "aeon": set(),
    "sktime": set(),
}
"""Packages that only functions in these folders may import."""


def folder(module):
    """elman.nn.layers -> nn; elman and elman.scratch, which lie in no folder, -> ""."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and (SOURCE / parts[1]).is_dir() else ""


def module_name(path):
    parts = ("elman", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imports(path):
    """Modules that a file imports, each with whether it does so when it is itself imported.

    Imports for type checkers alone do not count.
    """
    tree = ast.parse(path.read_text())
    skipped, inside = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            skipped |= set(ast.walk(node))
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            inside |= set(ast.walk(node))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node not in inside
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner if inner in MODULES else node.module), node not in inside


def level(name):
    return next(i for i, folders in enumerate(LEVELS) if name in folders)


def test_every_folder_has_its_place():
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name[0] != "_"}
    placed = [name for names in LEVELS for name in names if name != "__main__"]
    assert sorted(folders) == sorted(placed)
    files = {path.name for path in SOURCE.iterdir() if path.is_file()}
    assert files == {"__init__.py", "__main__.py", "scratch.py", "py.typed"}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_downward(module):
    ours = folder(module)
    for target, _ in imports(MODULES[module]):
        if target.split(".")[0] != "elman" or module in ("elman", "elman.__main__"):
            continue
        other = folder(target)
        assert module != "elman.scratch", f"{module} imports {target}: it is to be read alone"
        if target == "elman":  # the version, and the public names for what lies above them
            assert level(ours) < level("estimators"), f"{module} imports {target}"
        elif other != ours:
            assert level(ours) < level(other), f"{module} imports {target}"


def test_no_modules_import_each_other_in_a_circle():
    graph = {
        module: {target for target, at_import in imports(path) if at_import and target in MODULES}
        for module, path in MODULES.items()
    }
    done = set()

    def visit(module, trail):
        assert module not in trail, " -> ".join([*trail[trail.index(module) :], module])
        if module not in done:
            for target in sorted(graph[module]):
                visit(target, [*trail, module])
            done.add(module)

    for module in sorted(graph):
        visit(module, [])


@pytest.mark.parametrize("module", MODULES)
def test_packages_of_others_stay_where_they_belong(module):
    for target, at_import in imports(MODULES[module]):
        package = target.split(".")[0]
        assert package not in NEVER, f"{module} imports {target}"
        if package in OUTSIDE and at_import:
            assert folder(module) in OUTSIDE[package], f"{module} imports {target}"
        if package in INSIDE and not at_import:
            assert folder(module) in INSIDE[package], f"{module} imports {target}"


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import elman", ("sklearn", "scipy", "matplotlib", "pandas", "rich", "safetensors")),
        ("import elman, elman.data", ("narwhals", "pyarrow", "polars", "pandas", "dask")),
        ("import elman.data, elman.nn.network, elman.training.loop", ("sklearn", "scipy", "rich")),
        ("import elman; elman.RNNClassifier", ("matplotlib", "torch", "safetensors", "typer")),
    ],
)
def test_importing_is_cheap(code, heavy):
    program = f"{code}\nimport sys\nprint(*[m for m in {heavy!r} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == []


def test_modules_are_there_after_import_elman():
    program = (
        "import elman; print(elman.data.make_parity, elman.plotting.plots, elman.nn, elman.scratch)"
    )
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
