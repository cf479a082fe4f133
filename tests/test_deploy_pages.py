"""What the guide to deploying says beside its code: sizes of files, and what runs without elman."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from helpers.pages import DOCS, Runner, blocks

from elman.exchange import to_c

GUIDE = DOCS / "how-to" / "deploy"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder in which the code of the first page was run."""
    folder = tmp_path_factory.mktemp("sizes")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        runner = Runner(GUIDE / "index.md")
        for block in blocks(GUIDE / "index.md"):
            runner.run(block)
    return folder


def kilobytes(n_bytes):
    return f"{n_bytes / 1000:.0f} kB"


def test_the_sizes_in_the_table_are_those_of_the_files(written):
    text = (GUIDE / "index.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|.*\| ([^|]+) \|$", text, flags=re.MULTILINE)
    assert rows[0] == "size here"
    whole, live = (kilobytes((written / f"{n}.onnx").stat().st_size) for n in ("speakers", "live"))
    model = written / "speakers.safetensors"
    flash = [
        to_c(model, written / weights, weights=weights).costs.flash for weights in ("float", "int8")
    ]
    assert rows[1:] == [
        kilobytes(model.stat().st_size),
        whole,
        live,
        whole,
        "{}, with `--int8` {}".format(*map(kilobytes, flash)),
        kilobytes((written / "weights.safetensors").stat().st_size),
        kilobytes((written / "speakers.keras").stat().st_size),
    ]


def test_what_runs_elsewhere_runs_without_elman(written):
    """The block of the page that answers, in a process where elman cannot be imported."""
    page = GUIDE / "onnxruntime.md"
    (block,) = [each for each in blocks(page) if "def answer(" in each.text]
    program = (
        "import sys\nsys.modules['elman'] = None\n"
        f"{block.text}\n"
        "given = [np.full((n, 12), 0.1 * n, np.float32) for n in (3, 1, 7)]\n"
        "label, probabilities = answer(given)\n"
        "print(' '.join(label))\nprint(*probabilities.ravel().tolist())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=written, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    classes, labels, probabilities = done.stdout.splitlines()
    assert classes == "['1', '2', '3', '4', '5', '6', '7', '8', '9']"
    import elman

    clf = elman.load(written / "speakers.safetensors")
    given = [np.full((n, 12), 0.1 * n, np.float32) for n in (3, 1, 7)]
    assert labels.split() == clf.predict(given).tolist()
    found = np.array(probabilities.split(), float).reshape(3, 9)
    np.testing.assert_allclose(found, clf.predict_proba(given), rtol=0, atol=1e-6)
