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


@pytest.fixture(scope="module")
def outputs():
    """By the name of a cell the PNGs among its outputs, of one notebook that was executed."""
    cells = {**ONE_PICTURE, **NO_PICTURE}
    sources = [SETUP, *cells.values()]
    notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, sources)])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return {
        name: [
            output["data"]["image/png"]
            for output in cell["outputs"]
            if "image/png" in output.get("data", {})
        ]
        for name, cell in zip(["setup", *cells], notebook.cells, strict=True)
    }


@pytest.mark.parametrize("cell", ONE_PICTURE)
def test_a_cell_shows_its_picture_once(outputs, cell):
    (encoded,) = outputs[cell]
    picture = image.imread(io.BytesIO(base64.b64decode(encoded)))
    assert min(picture.shape[:2]) > 200
    # opaque and white at its edge, so that dark themes leave it legible; and something is drawn
    assert picture.shape[2] == 3 or (picture[..., 3] == 1).all()
    np.testing.assert_array_equal(picture[0, :, :3], 1)
    assert (picture[..., :3].mean(axis=2) < 0.5).sum() > 200


@pytest.mark.parametrize("cell", ["setup", *NO_PICTURE])
def test_other_cells_show_none(outputs, cell):
    assert outputs[cell] == []


def test_a_picture_that_is_shown_again_is_the_same(outputs):
    assert outputs["kept"] == outputs["display, loss"]
