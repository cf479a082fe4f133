"""A commit or a changed tree of the project in; a folder with its package, built, out.

Builds are kept under build/commits/ by the content of the tree, so that the same content is built
once, whatever it is called. The kernel is compiled again only if what it is made of differs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILDS = ROOT / "build" / "commits"
OF_THE_KERNEL = ("native", "CMakeLists.txt", "pyproject.toml")
"""what the compiled files and the package's metadata are made of"""


def build(revision: str) -> Path:
    """Build the package of a revision or of a folder.

    Parameters
    ----------
    revision : str
        What git knows as a revision (main, HEAD~2, 1cd77b9); or a folder with a checkout of the
        project ("." for this one), of which the files as they are now count, committed or not.

    Returns
    -------
    Path
        The folder that goes on the path.
    """
    folder, tree = _tree_of(revision)
    site = BUILDS / tree[:12]
    if site.exists():
        return site
    BUILDS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILDS, prefix=".making-") as making:
        source, made = Path(making) / "source", Path(making) / "site"
        with tarfile.open(fileobj=BytesIO(_git("archive", tree, folder=folder))) as archive:
            archive.extractall(source, filter="data")
        (source / "README.md").touch()  # the first commits name one that they lack
        kernel = _kernel_of(folder, tree)
        if kernel.exists():
            shutil.copytree(source / "src", made)
            shutil.copytree(kernel, made, dirs_exist_ok=True)
        else:
            print(f"building the kernel of {revision} ...", file=sys.stderr, flush=True)
            _install(source, made)
            _keep_compiled(source / "src", made, kernel)
        made.rename(site)
    return site


def python_of(site: Path) -> tuple[list[str], dict[str, str]]:
    """How to start a Python that imports this build, and everything else as this one does.

    Parameters
    ----------
    site : Path
        What `build` returned.

    Returns
    -------
    command : list of str
        To which arguments are added. Without the module `site`, because an editable installation of
        the package, which it prepares, answers before any path does.
    environment : dict of str to str
    """
    paths = [str(site), *(path or "." for path in sys.path), str(ROOT)]
    return [sys.executable, "-S"], os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def _tree_of(revision: str) -> tuple[Path, str]:
    """The checkout that has the content, and the name that git gives it."""
    if not Path(revision).is_dir():
        return ROOT, _git("rev-parse", "--verify", f"{revision}^{{tree}}").decode().strip()
    folder = Path(revision).resolve()
    top = Path(_git("rev-parse", "--show-toplevel", folder=folder).decode().strip())
    if top != folder:
        raise SystemExit(f"{revision} is a folder inside {top}; name that one")
    with _index_of_its_own(folder) as environment:
        _git("add", "--all", folder=folder, environment=environment)
        tree = _git("write-tree", folder=folder, environment=environment)
    return folder, tree.decode().strip()


@contextmanager
def _index_of_its_own(folder: Path) -> Iterator[dict[str, str]]:
    """Let git note the files of a folder without a change to what is staged there."""
    index = _git("rev-parse", "--path-format=absolute", "--git-path", "index", folder=folder)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "index"
        shutil.copyfile(index.decode().strip(), copy)  # so that unchanged files are not read again
        yield {"GIT_INDEX_FILE": str(copy)}


def _kernel_of(folder: Path, tree: str) -> Path:
    """Where the compiled files of a tree are kept, once they were made."""
    made_of = _git("ls-tree", tree, "--", *OF_THE_KERNEL, folder=folder)
    digest = hashlib.sha256(made_of + sys.version.encode()).hexdigest()
    return BUILDS / f"kernel-{digest[:12]}"


def _install(source: Path, target: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--no-deps", "--target", str(target), str(source)],
        check=True,
        env=os.environ | {"ELMAN_REQUIRE_NATIVE": "1"},
    )


def _keep_compiled(source: Path, made: Path, kernel: Path) -> None:
    """Copy what an installation has beside the files of the source."""
    with tempfile.TemporaryDirectory(dir=BUILDS, prefix=".making-") as making:
        kept = Path(making) / "kernel"
        kept.mkdir()
        for path in made.rglob("*"):
            relative = path.relative_to(made)
            if path.is_file() and path.suffix != ".pyc" and not (source / relative).exists():
                (kept / relative).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, kept / relative)
        kept.rename(kernel)


def _git(*arguments: str, folder: Path = ROOT, environment: dict[str, str] | None = None) -> bytes:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        env=os.environ | (environment or {}),
    )
    if done.returncode:
        raise SystemExit(f"git {' '.join(arguments)} failed in {folder}")
    return done.stdout
