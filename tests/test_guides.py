"""The recipes of CONTRIBUTING.md are followed, in a copy of the package, and they are enough.

Each toy is added only where its recipe says. Then it trains, is checked against central
differences, saved, loaded and streamed by what was there before.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import elman
from elman.backends import reference

PACKAGE = Path(elman.__file__).parent
START = """
import sys
# an editable install would answer for the package wherever the path leads
sys.meta_path[:] = [finder for finder in sys.meta_path if "ScikitBuild" not in repr(type(finder))]
sys.path.insert(0, {folder!r})
import numpy as np
import elman
assert elman.__file__.startswith({folder!r}), elman.__file__
rng = np.random.default_rng(4)
X = [rng.normal(size=(n, 2)) for n in (4, 1, 6, 3, 5, 2, 7)]
y = ["up" if x[-1, 0] > 0 else "down" for x in X]
"""


class Copy:
    """A copy of the package's Python files, to be edited as a recipe says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(PACKAGE, folder / "elman", ignore=ignored)

    def add(self, file: str, after: str, text: str) -> None:
        """Put a text behind the one place in a file where another one stands."""
        path = self.folder / "elman" / file
        content = path.read_text(encoding="utf-8")
        assert content.count(after) == 1, f"{file} has {after!r} {content.count(after)} times"
        path.write_text(content.replace(after, after + text), encoding="utf-8")

    def change(self, file: str, old: str, new: str) -> None:
        """Put one text in the place of another, which stands in a file once."""
        path = self.folder / "elman" / file
        content = path.read_text(encoding="utf-8")
        assert content.count(old) == 1, f"{file} has {old!r} {content.count(old)} times"
        path.write_text(content.replace(old, new), encoding="utf-8")

    def write(self, file: str, text: str) -> None:
        """Add a file."""
        (self.folder / "elman" / file).write_text(textwrap.dedent(text), encoding="utf-8")

    def add_kernel(self) -> None:
        """Copy the compiled kernel as well."""
        native = pytest.importorskip("elman.backends._native")
        shutil.copy(native.__file__, self.folder / "elman" / "backends")

    def run(self, program: str, backend: str = "reference") -> str:
        """What a program that imports the copy prints; it has X (a list) and y (labels)."""
        start = START.format(folder=str(self.folder))
        ran = subprocess.run(
            [sys.executable, "-c", start + textwrap.dedent(program)],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={
                "PATH": "/usr/bin:/bin",
                "ELMAN_BACKEND": backend,
                "PYTHONDONTWRITEBYTECODE": "1",  # two edits within a second look like one
            },
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@pytest.fixture
def package(tmp_path):
    return Copy(tmp_path)


WORKS = """
    from elman.inspection.gradcheck import gradcheck
    clf = elman.RNNClassifier(5, max_iter=3, random_state=0, {parameters}).fit(X, y)
    assert clf.loss_curve_[-1] < clf.loss_curve_[0]
    clf.save("model.safetensors")
    again = elman.RNNClassifier.load("model.safetensors")
    assert again.get_params() == clf.get_params()
    assert again.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()
    stream = again.stream()
    for x, whole in zip(X, clf.predict_proba_over_time(X)):
        stream.reset()
        for x_t, so_far in zip(x, whole):
            assert stream.step(x_t).tobytes() == so_far.tobytes()
    cut = elman.RNNClassifier(5, max_iter=3, random_state=0, bptt_steps=2, {parameters})
    cut.fit(X, y)
"""


def test_a_cell(package):
    """A leaky cell, whose state is half of what it was and half of what comes."""
    table = "CELLS: dict[str, CellKind] = {\n"
    package.add(
        "backends/cells.py",
        table,
        '    "leaky": CellKind(("h",), ("h",), ("h",), ("a",), (0,), (0,), "h"),\n',
    )
    package.add(
        "backends/reference.py",
        '    ("lstm", "tanh"): Pointwise(_lstm_forward, _lstm_backward),\n',
        '    ("leaky", "tanh"): Pointwise(_leaky_forward, _leaky_backward),\n',
    )
    package.change(
        "backends/reference.py",
        "\nPOINTWISE: dict",
        textwrap.dedent(
            """
            def _leaky_forward(S, previous):
                a = np.tanh(S)
                return Step((a + previous) / 2, a)


            def _leaky_backward(dstate, h, trace, previous):
                return StepBackward(dstate * (1 - trace * trace) / 2, dstate / 2)


            POINTWISE: dict"""
        ),
    )
    package.run(WORKS.format(parameters='cell="leaky"'))
    printed = package.run(
        """
        from elman.inspection.gradcheck import gradcheck
        for readout in (None, "mean", "max"):
            report = gradcheck(cell="leaky", readout=readout)
            assert report.passed, str(report)
        for estimator in (elman.RNNTagger, elman.RNNRegressor):
            assert "leaky" in estimator.__doc__
        tags = [list(map(int, x[:, 0] > 0)) for x in X]
        tagger = elman.RNNTagger(3, cell="leaky", max_iter=1).fit(X, tags)
        print(*tagger.history_.spectral_radius[0])
        """
    )
    assert printed.split() == ["recurrent0"]


def example(text):
    """The Python of the worked examples in which a text stands."""
    page = (Path(__file__).parent.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    (found,) = (block for block in blocks if text in block)
    return found


def add_readout(package):
    """The one of docs/architecture.md: a file and its row."""
    package.write("nn/readouts/squashed.py", example("class Squashed(Fold)"))
    rows = "READOUTS: dict[str, type[Fold]] = {\n"
    package.add("nn/readouts/__init__.py", rows, '    "squashed": Squashed,\n')
    mean = "from elman.nn.readouts.mean import Mean\n"
    squashed = "from elman.nn.readouts.squashed import Squashed\n"
    package.add("nn/readouts/__init__.py", mean, squashed)


@pytest.mark.parametrize(
    ("backend", "options"),
    [("native", ""), ("reference", 'cell="gru", n_layers=2, residual=True')],
    ids=["native", "reference"],
)
def test_a_readout(package, backend, options):
    """The mean of tanh(w h), with weights of its own and unknown to the kernel."""
    add_readout(package)
    if backend == "native":
        package.add_kernel()
    package.run(WORKS.format(parameters=f'readout="squashed", {options}'), backend)
    start = f"""
    from elman.backends import get_backend
    assert get_backend().name == "{backend}"
    options = dict(readout="squashed", {options})
    """
    package.run(
        start
        + """
    from elman.inspection.gradcheck import gradcheck
    for more in ({}, {"bidirectional": True, "learn_initial_state": True}):
        report = gradcheck(**options, **more)
        assert report.passed and report.tolerance == 1e-7, str(report)
        assert "squashed.w" in str(report)
    """,
        backend,
    )
    package.run(
        start
        + """
    from elman.models import inference
    reg = elman.RNNRegressor(3, max_iter=3, random_state=0, dropout=0.25, **options)
    reg.fit(X, [len(x) for x in X])
    whole, over_time = reg.predict(X), reg.predict_over_time(X)
    inference.STEPS_AT_ONCE = 2
    assert reg.predict(X).tobytes() == whole.tobytes()
    for now, before, answer in zip(reg.predict_over_time(X), over_time, whole):
        assert now.tobytes() == before.tobytes()
        assert now[-1] == answer

    clf = elman.RNNClassifier(3, max_iter=3, random_state=0, missing="skip", **options).fit(X, y)
    assert np.all(clf.network_.params["squashed.w"] != 1)  # they are learned
    streams = clf.stream(7)
    for t in range(7):
        streams.step([x[t] if t < len(x) else (np.nan, 0) for x in X])
    assert "readout.sum" in streams.state
    assert streams.answer().tobytes() == clf.predict_proba(X).tobytes()
    """,
        backend,
    )
    printed = package.run(
        """
        from elman.cli import main
        from elman.data import write_npz
        for estimator in (elman.RNNClassifier, elman.RNNRegressor):
            assert '"squashed": the mean over its own steps of tanh(w h)' in " ".join(
                estimator.__doc__.split()
            )
        write_npz("data.npz", X, y)
        fit = ["fit", "data.npz", "-o", "m.safetensors", "-q", "--max-iter", "1"]
        assert main([*fit, "--readout", "squashed"]) == 0
        assert elman.RNNClassifier.load("m.safetensors").readout == "squashed"
        assert main(["gradcheck", "--readout", "squashed"]) == 0
        assert main(["fit", "--help"]) == 0
        try:
            elman.RNNClassifier(3, readout="squished").fit(X, y)
        except ValueError as error:
            print(error)
        """,
        backend,
    )
    assert "squashed" in printed.split("--readout")[1].split("--")[0]
    assert "readout='squished' is not known; choose one of 'squashed', 'last'" in printed


def test_a_readout_is_held_against_the_tests_of_all_folds(package):
    """They take another row as it is, and fail if it is wrong."""
    add_readout(package)
    tests = str(Path(__file__).parent)
    program = f"""
        import pytest
        sys.path.insert(0, {tests!r})
        folds = {tests!r} + "/nn/readouts/test_folds.py"
        options = ["-p", "no:cacheprovider", "-c", "/dev/null", "-q", "-k", "squashed"]
        code = pytest.main([*options, folds])
        print("ended with", int(code))
    """
    printed = package.run(program)
    assert "ended with 0" in printed
    assert " passed" in printed
    package.change("nn/readouts/squashed.py", "1 - np.square", "2 - np.square")
    assert "ended with 1" in package.run(program)


def test_a_reader(package):
    """A file of one number in a line, an empty line behind each sequence, its label before it."""
    package.write(
        "data/lines.py",
        '''
        """A file of lines in, `Dataset` out."""

        import numpy as np

        from elman.data.dataset import Dataset


        def read_lines(path):
            """Read sequences of one feature: a label, a number a line, and an empty line."""
            with open(path) as file:
                blocks = [block.split() for block in file.read().strip().split("\\n\\n")]
            X = [np.array(block[1:], float)[:, np.newaxis] for block in blocks]
            return Dataset(X, np.array([block[0] for block in blocks]), {})
        ''',
    )
    package.add("data/readers.py", '".npz": read_npz', ', ".lines": read_lines')
    imports = "from elman.data.npz import read_npz, write_npz\n"
    package.add("data/readers.py", imports, "from elman.data.lines import read_lines\n")
    printed = package.run(
        """
        blocks = ["\\n".join([label, *map(str, x[:, 0])]) for x, label in zip(X, y)]
        open("data.lines", "w").write("\\n\\n".join(blocks) + "\\n")
        from elman.cli import main
        fit = ["fit", "data.lines", "-o", "model.safetensors", "--max-iter", "2", "--quiet"]
        assert main(fit) == 0
        assert main(["evaluate", "model.safetensors", "data.lines"]) == 0
        """
    )
    assert " of 7)" in printed


def test_a_hyper_parameter(package):
    """Of training: a factor on the learning rate."""
    package.change(
        "hyperparameters/declared.py",
        "    alpha: float = declared(\n",
        textwrap.indent(
            textwrap.dedent(
                '''
                rate_factor: float = declared(
                    1.0,
                    real(0, open_low=True),
                    help="Times the learning rate.",
                    doc="""
                    What every learning rate is multiplied by.
                    """,
                    shapes="training",
                )
                alpha: float = declared(
                '''
            ).lstrip("\n"),
            "    ",
        ),
    )
    package.change(
        "estimators/assembly.py",
        "float(e.learning_rate_init)",
        "float(e.learning_rate_init) * float(e.rate_factor)",
    )
    package.run(WORKS.format(parameters="rate_factor=0.5"))
    printed = package.run(
        """
        import inspect
        from elman.cli import main
        from elman.data import write_npz
        for estimator in (elman.RNNClassifier, elman.RNNTagger, elman.RNNRegressor):
            assert inspect.signature(estimator).parameters["rate_factor"].default == 1.0
            assert "rate_factor : " in estimator.__doc__
        half = elman.RNNClassifier(3, max_iter=1, random_state=0, rate_factor=0.5).fit(X, y)
        other = elman.RNNClassifier(3, max_iter=1, random_state=0, learning_rate_init=0.0015)
        assert half.network_.params.flat.tobytes() == other.fit(X, y).network_.params.flat.tobytes()
        try:
            elman.RNNClassifier(3, rate_factor=0).fit(X, y)
        except ValueError as error:
            print(error)
        write_npz("data.npz", X, y)
        fit = ["fit", "data.npz", "-o", "m.safetensors", "-q", "--max-iter", "1"]
        assert main([*fit, "--rate-factor", "2"]) == 0
        assert elman.RNNClassifier.load("m.safetensors").rate_factor == 2
        half.set_params(checkpoint="kept").fit(X, y)
        try:
            half.set_params(rate_factor=0.25).fit(X, y)
        except ValueError as error:
            print(error)
        """
    )
    assert "rate_factor=0; it must lie in (0, inf)" in printed
    assert "rate_factor is 0.25 here and 0.5 there" in printed


def test_a_hyper_parameter_of_the_network(package):
    """A head that begins at zero: a field of the layout, from which all else follows."""
    package.change(
        "hyperparameters/declared.py",
        "    learn_initial_state: bool = declared(\n",
        textwrap.indent(
            textwrap.dedent(
                '''
                zero_head: bool = declared(
                    False,
                    boolean,
                    help="Begin with a head of zeros.",
                    doc="""
                    The head's weights are zero before training.
                    """,
                    shapes="network",
                )
                learn_initial_state: bool = declared(
                '''
            ).lstrip("\n"),
            "    ",
        ),
    )
    package.change(
        "nn/layout.py",
        "    learn_initial_state: bool = False\n",
        "    learn_initial_state: bool = False\n    zero_head: bool = False\n",
    )
    package.change(
        "nn/layout.py",
        '("bidirectional", "residual", "learn_initial_state", "frozen_embeddings")',
        '("bidirectional", "residual", "learn_initial_state", "frozen_embeddings", "zero_head")',
    )
    package.change(
        "nn/network.py",
        "            initial |= layer.initial(rng)\n",
        "            initial |= layer.initial(rng)\n"
        "        if layout.zero_head:\n"
        '            initial["head.W"][...] = 0\n',
    )
    package.run(WORKS.format(parameters="zero_head=True"))
    files = Path(__file__).parent / "models" / "files"
    printed = package.run(
        f"""
        import glob
        clf = elman.RNNClassifier(3, max_iter=1, random_state=0, zero_head=True).fit(X, y)
        assert clf.network_.layout.zero_head
        clf.save("m.safetensors")
        assert elman.load("m.safetensors").network_.layout.zero_head
        old = sorted(glob.glob({str(files)!r} + "/*.safetensors"))
        assert len(old) >= 3
        for path in old:
            assert not elman.load(path).network_.layout.zero_head
        again = elman.RNNClassifier(3, max_iter=1, random_state=0, warm_start=True).fit(X, y)
        for name, changed in [("warm_start", again.fit), ("partial_fit", again.partial_fit)]:
            try:
                again.set_params(zero_head=True)
                changed(X, y)
            except ValueError as error:
                print(name, error)
        """
    )
    assert printed.count("zero_head is False, but it is True now") == 2


def test_the_copy_is_what_is_imported(package):
    """Or none of these tests would test anything."""
    package.change("scratch.py", '"""The classroom class', '"""A copy of the classroom class')
    assert package.run("import elman.scratch; print(elman.scratch.__doc__)").startswith("A copy")
    assert reference.__file__.startswith(str(PACKAGE))


def test_the_table_of_data_names_every_file_and_no_other():
    root = Path(__file__).parent.parent
    page = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("| question | files of `data/` |")[1].split("\n\n")[0]
    folder = root / "src" / "elman" / "data"
    there = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    there |= {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}
    named = set(re.findall(r"`(\w+\.py|\w+/)`", table))
    below = {
        path.name
        for part in ("tables", "store", "symbols")
        for path in (folder / part).glob("*.py")
    }
    assert there <= named
    assert named <= there | below
