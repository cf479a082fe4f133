"""From a model and recordings to folders that run without elman: a web page, Node, C.

Run: python prepare.py MODEL RECORDINGS FOLDER. After `elman demo` that is

    cd elman-demo/vowels
    python .../examples/deploy/prepare.py model.safetensors test.npz deploy

The model is a classifier of recordings whose features are numbers. FOLDER, which is made, gets
a copy of the folders beside this file, and in each of them the model as it is needed there, with
recordings to try it on.
"""

import json
import shutil
import sys
from pathlib import Path

import elman
from elman.data import read
from elman.exchange import to_c, to_onnx

N_RECORDINGS = 40
"""For the page and for Node; all of them would make a large file."""


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
clf, data, folder = elman.load(sys.argv[1]), read(sys.argv[2]), Path(sys.argv[3])
if not isinstance(clf, elman.RNNClassifier):
    sys.exit(f"{sys.argv[1]} is a {type(clf).__name__}; the programs here are for an RNNClassifier")
if folder.exists():
    sys.exit(f"{folder} is there already: name a folder that is not")
shutil.copytree(Path(__file__).parent, folder, ignore=shutil.ignore_patterns("*.py"))

for name in ("browser", "node"):
    to_onnx(clf, folder / name / "model.onnx")
    content = json.dumps(recordings_of(clf, data.X, data.y))
    (folder / name / "recordings.json").write_text(content, encoding="utf-8")

written = to_c(clf, folder / "c", name="model")
(folder / "c" / "recording.h").write_text(array_of(data.X[0]), encoding="utf-8")
print(f"wrote {folder}: browser, node, c")
print(f"in C: {written.costs.flash:,} bytes of flash, {written.costs.state:,} of RAM")
