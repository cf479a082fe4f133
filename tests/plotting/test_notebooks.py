"""Notebooks show every picture by itself, once, on an opaque background."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
image = pytest.importorskip("matplotlib.image")

SETUP = """
import numpy as np
import elman
from elman import plotting
X = [np.random.default_rng(i).normal(size=(n, 2)) for i, n in enumerate((5, 3, 7))]
y = ["a", "b", "a"]
clf = elman.RNNClassifier(3, readout="mean", max_iter=2, random_state=0)
clf.fit(X, y, X_val=X, y_val=y);
"""

PLAIN = {
    "loss": "plotting.plot_loss_curve(clf)",
    "states": "plotting.plot_hidden_states(clf, X[0])",
    "knowledge": "plotting.plot_probabilities_over_time(clf, X[0])",
    "share": "plotting.plot_accuracy_by_share(clf, X, y)",
    "flow": "plotting.plot_gradient_flow(clf, X, y)",
    "confusion": "plotting.plot_confusion_matrix(y, clf.predict(X))",
}

DISPLAYS = {
    "loss": "plotting.LossCurveDisplay.from_estimator(clf)",
    "states": "plotting.HiddenStatesDisplay.from_estimator(clf, X[0])",
    "knowledge": "plotting.KnowledgeCurveDisplay.from_estimator(clf, X[0])",
    "share": "plotting.AccuracyByShareDisplay.from_estimator(clf, X, y)",
    "length": "plotting.AccuracyByLengthDisplay.from_estimator(clf, X, y)",
    "flow": "plotting.GradientFlowDisplay.from_estimator(clf, X, y)",
}

ONE_PICTURE = {
    **{f"plain, {name}": call for name, call in PLAIN.items()},
    **{f"display, {name}": call for name, call in DISPLAYS.items()},
    "kept": "shown = " + DISPLAYS["loss"],  # no word more: it shows all the same
    "shown before": "shown",  # in a later cell, once more
    "changed": "ax = " + PLAIN["share"] + "\nax.set_title('mine')",
    "drawn again": "shown.plot()",
    "in a loop, one each": "for c in [clf]:\n    " + PLAIN["loss"],
    "where it is told": (
        "import matplotlib.pyplot as plt\n"
        "figure, (left, right) = plt.subplots(1, 2)\n"
        "plotting.plot_loss_curve(clf, ax=left)\n"
        "plotting.LossCurveDisplay.from_estimator(clf, ax=right)"
    ),
    "by a figure": "shown.figure_",
    "in a dark style": "plt.style.use('dark_background')\n" + PLAIN["flow"],
}

NO_PICTURE = {"a frame": "shown.frame()", "the words": "repr(shown)"}


def executed(sources):
    """By the name of a cell the PNGs among its outputs, of one notebook that is executed."""
    cells = [*map(nbformat.v4.new_code_cell, [SETUP, *sources.values()])]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return {
        name: [
            output["data"]["image/png"]
            for output in cell["outputs"]
            if "image/png" in output.get("data", {})
        ]
        for name, cell in zip(["setup", *sources], notebook.cells, strict=True)
    }


def fault_of(encoded):
    """What is wrong with a picture; None if nothing is."""
    picture = image.imread(io.BytesIO(base64.b64decode(encoded)))
    if min(picture.shape[:2]) <= 200:
        return f"small: {picture.shape}"
    if picture.shape[2] == 4 and (picture[..., 3] != 1).any():
        return "not opaque, so that a dark theme shines through"
    if (picture[0, :, :3] != 1).any():
        return "not white at its edge"
    if (picture[..., :3].mean(axis=2) < 0.5).sum() <= 200:
        return "next to empty"
    return None


def test_a_notebook_shows_every_picture_once():
    """All in one notebook: to start a kernel and import takes longer than all pictures."""
    shown = executed({**ONE_PICTURE, **NO_PICTURE})
    counts = {name: len(pictures) for name, pictures in shown.items()}
    assert counts == dict.fromkeys(ONE_PICTURE, 1) | dict.fromkeys(["setup", *NO_PICTURE], 0)
    faults = {name: fault_of(*shown[name]) for name in ONE_PICTURE}
    assert {name: fault for name, fault in faults.items() if fault is not None} == {}
    # shown again it is the same
    assert shown["kept"] == shown["display, loss"]


def test_a_faulty_picture_would_be_found():
    def encoded(pixels):
        file = io.BytesIO()
        image.imsave(file, pixels)
        return base64.b64encode(file.getvalue())

    good = np.ones((230, 310, 4))
    good[50:90, 20:120, :3] = 0
    assert fault_of(encoded(good)) is None
    clear, dark, empty = good.copy(), good.copy(), np.ones_like(good)
    clear[5:9, 5:9, 3] = 0
    dark[..., :3] = 0
    assert "not opaque" in fault_of(encoded(clear))
    assert "not white" in fault_of(encoded(dark))
    assert "empty" in fault_of(encoded(empty))
    assert "small" in fault_of(encoded(good[:100]))
