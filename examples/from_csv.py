"""From a CSV file to answers in another: a row for each time step. Run: python from_csv.py

Without an argument the file is made first, of the speech recordings in the package: who speaks?
Yours: python from_csv.py FILE ID TIME LABEL, with the names of its columns.
"""

import csv
import sys

import numpy as np
from sklearn.model_selection import train_test_split

from elman import RNNClassifier
from elman.data import load_japanese_vowels, read, to_table


def write_speech(path: str) -> None:
    """The test recordings as people keep them: one long table."""
    X, y = load_japanese_vowels("test")
    with open(path, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["recording", "frame", *(f"cepstrum{k}" for k in range(12)), "speaker"])
        for i, (x, speaker) in enumerate(zip(X, y, strict=True)):
            for t, row in enumerate(x):
                table.writerow([f"take-{i}", t, *row.tolist(), f"speaker {speaker}"])


if len(sys.argv) == 1:
    path, id_column, time_column, label = "speech.csv", "recording", "frame", "speaker"
    write_speech(path)
    print(f"wrote {path}")
else:
    path, id_column, time_column, label = sys.argv[1:]

data = read(path, id=id_column, time=time_column, label=label)
print(data)

train, test = train_test_split(np.arange(len(data.X)), stratify=data.y, random_state=0)
clf = RNNClassifier(random_state=0).fit(data.X[train], data.y[train])
print(f"accuracy on {len(test)} held-out sequences: {clf.score(data.X[test], data.y[test]):.1%}")
print("columns it wants from now on:", *clf.feature_names_in_)

answers = to_table(clf.predict(data.X[test]), data.ids[test], name=label)
with open("answers.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(answers)
    table.writerows(zip(*answers.values(), strict=True))
print(f"wrote answers.csv: {len(test)} rows of {', '.join(answers)}")
