"""From a model and recordings to folders that run without elman: a web page, Node, C.

Run: python prepare.py MODEL RECORDINGS FOLDER. After `elman demo` that is

    cd elman-demo/vowels
    python .../examples/deploy/prepare.py model.safetensors test.npz deploy

The model is a classifier of recordings whose features are numbers. RECORDINGS is a file with
labels that `elman.data.read` takes; of a table the columns are those that the model was trained on.
FOLDER, which is made, gets a copy of the folders beside this file, and in each of them the model
as it is needed there, with recordings to try it on: those in which no value is missing.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np

import elman
from elman.data import read
from elman.exchange import to_c, to_onnx

N_RECORDINGS = 40
"""For the page and for Node; all of them would make a large file."""


def loaded(path):
    """The model, if the programs here can be of use to it."""
    clf = elman.load(path)
    if not isinstance(clf, elman.RNNClassifier):
        raise TypeError(f"{path} is a {type(clf).__name__}; the programs here are for classifiers")
    if clf.model_.symbols is not None:
        raise TypeError(f"{path} reads text or categories; the programs here feed numbers alone")
    return clf


def recordings_like(clf, path):
    """Recordings with labels from a file, of those columns that the model was trained on."""
    columns = {} if path.endswith(".npz") else dict(clf.model_.columns or {})
    if "id" in columns and clf.model_.feature_names is not None:
        columns["features"] = clf.model_.feature_names
    data = read(path, missing="error" if clf.missing == "error" else "nan", **columns)
    if data.y is None:
        raise ValueError(f"{path} has no labels")
    whole = [i for i, x in enumerate(data.X) if len(x) and not np.isnan(x).any()]
    if not whole:
        raise ValueError(f"{path} has no recording in which no value is missing")
    return [data.X[i] for i in whole], [data.y[i] for i in whole]


def recordings_of(clf, X, y) -> dict:
    """A few of each class, in the form that classify.js and classify.mjs read."""
    chosen = range(0, len(X), max(1, len(X) // N_RECORDINGS))
    return {
        "classes": [str(label) for label in clf.classes_],
        "recordings": [
            {"name": f"number {i}", "label": str(y[i]), "steps": X[i].tolist()} for i in chosen
        ],
    }


def array_of(x) -> str:
    """A recording as an array of C."""
    rows = ",\n".join("    {" + ", ".join(f"{float(v)!r}f" for v in step) + "}" for step in x)
    return f"static const float recording[{len(x)}][{x.shape[1]}] = {{\n{rows},\n}};\n"


if len(sys.argv) != 4:
    sys.exit(__doc__)
folder = Path(sys.argv[3])
try:
    clf = loaded(sys.argv[1])
    X, y = recordings_like(clf, sys.argv[2])
except (OSError, TypeError, ValueError) as error:
    sys.exit(str(error))
if folder.exists():
    sys.exit(f"{folder} is there already: name a folder that is not")
shutil.copytree(Path(__file__).parent, folder, ignore=shutil.ignore_patterns("*.py"))

for name in ("browser", "node"):
    to_onnx(clf, folder / name / "model.onnx")
    content = json.dumps(recordings_of(clf, X, y))
    (folder / name / "recordings.json").write_text(content, encoding="utf-8")

written = to_c(clf, folder / "c", name="model")
(folder / "c" / "recording.h").write_text(array_of(X[0]), encoding="utf-8")
print(f"wrote {folder}: browser, node, c")
print(f"in C: {written.costs.flash:,} bytes of flash, {written.costs.state:,} of RAM")
