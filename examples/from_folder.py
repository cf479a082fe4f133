"""A folder with a file for each recording, and their labels in one more. Run: python from_folder.py

Without an argument the folder is made first: gestures of a made-up sensor.
Yours: python from_folder.py FOLDER, with a labels.csv of two columns, file and label.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from elman import RNNClassifier
from elman.data import read

rng = np.random.default_rng(0)


def write_gestures(folder: Path) -> None:
    """A CSV file for each of 120 gestures, 20 to 40 steps of a made-up sensor."""
    folder.mkdir(exist_ok=True)
    with open(folder / "labels.csv", "w", newline="") as labels:
        csv.writer(labels).writerow(["file", "label"])
        for i in range(120):
            label = ("clockwise", "anticlockwise")[i % 2]
            t = np.linspace(0, 2 * np.pi, int(rng.integers(20, 41)))
            side = -np.sin(t) if label == "clockwise" else np.sin(t)
            trace = 3 * np.stack([np.cos(t), side], axis=1)
            trace += rng.normal(scale=0.5, size=trace.shape)
            np.savetxt(folder / f"{i:03}.csv", trace, delimiter=",", header="ax,ay", comments="")
            csv.writer(labels).writerow([f"{i:03}", label])


if len(sys.argv) == 1:
    folder = Path("gestures")
    write_gestures(folder)
    print(f"wrote {folder}/")
else:
    folder = Path(sys.argv[1])

data = read(folder, id="file", label="label")
print(data)

train, test = train_test_split(np.arange(len(data.X)), stratify=data.y, random_state=0)
clf = RNNClassifier(16, random_state=0).fit(data.X[train], data.y[train])
print(f"accuracy on {len(test)} held-out recordings: {clf.score(data.X[test], data.y[test]):.1%}")

answers = clf.predict(data.X[test])
for name, answer in list(zip(data.ids[test].tolist(), answers, strict=True))[:3]:
    print(f"{name}: {answer}")
print("the same: elman fit gestures --id file --label label -o gestures.safetensors")
