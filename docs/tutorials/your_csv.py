"""
From your CSV to a model that explains itself
=============================================

A factory logs its pumps: every few seconds a row with pressure, flow and temperature. Some runs
ended with a leak. We want a model that tells a leaking run from a sound one, that says what it
looked at, and that someone else can use from a single file.

The table is made here, so that the page can be run as it stands. Use your own file and the names
of its columns from "Read the table" on.
"""

# %%
# A table as people have it
# -------------------------
#
# A row for each time step, a column that says which run it belongs to, a column with the time, and
# a column with the outcome. Runs have different lengths. A leak is a small, lasting drop of the
# flow that begins somewhere in the run; temperature has nothing to do with it.

import tempfile
from pathlib import Path

import numpy as np

folder = Path(tempfile.mkdtemp())
rng = np.random.default_rng(0)
rows = ["run,seconds,pressure,flow,temperature,outcome"]
for run in range(240):
    n = int(rng.integers(30, 60))
    pressure = 5 + 0.3 * np.cumsum(rng.normal(size=n)) / np.sqrt(n)
    flow = 2 * pressure + 0.4 * rng.normal(size=n)
    temperature = 60 + np.cumsum(rng.normal(size=n))
    leaks = run % 3 == 0
    if leaks:
        begin = int(rng.integers(5, n - 12))
        flow[begin : begin + 10] -= 0.8
    for t in range(n):
        outcome = "leak" if leaks else "sound"
        rows.append(
            f"pump-{run},{5 * t},{pressure[t]:.3f},{flow[t]:.3f},{temperature[t]:.2f},{outcome}"
        )
(folder / "pumps.csv").write_text("\n".join(rows) + "\n")
print("\n".join(rows[:4]))

# %%
# Read the table
# --------------
#
# Name the columns that are not features. All others are. If values are missing, say
# ``missing="nan"`` here and ``RNNClassifier(missing="mask")`` below; :doc:`missing_values` has more
# on that.

from elman.data import read

data = read(folder / "pumps.csv", id="run", time="seconds", label="outcome")
print(data)

# %%
# A cell that is no number, two outcomes of one run, or a time that comes twice would have been an
# error that names the row and the column. Runs with equal ids are one run, wherever in the
# table their rows are.
#
# Hold some runs back
# -------------------
#
# What the model is worth shows on runs that it never saw. If several runs were of one pump, all of
# that pump's runs would have to be on one side: ``GroupShuffleSplit`` does that.

from sklearn.model_selection import train_test_split

train, test = train_test_split(
    np.arange(len(data.X)), test_size=0.3, stratify=data.y, random_state=0
)
X_train, y_train = data.X[train], data.y[train]
X_test, y_test = data.X[test], data.y[test]

# %%
# What can be had without a network?
# ----------------------------------
#
# Two thirds of the runs are sound, so that a model has to be clearly above that. The rules to beat
# are logistic regression on the mean, deviation and last value of each column, and on ten points of
# each run.

from elman.evaluation.baselines import accuracies, resampled, summarised

rules = {"mean, deviation and last value": summarised, "ten points": resampled(10)}
for name, accuracy in accuracies(rules, X_train, y_train, X_test, y_test).items():
    print(f"{accuracy:.1%}  {name}")

# %%
# Train
# -----
#
# The leak may begin anywhere, which is what the default readout, the largest value of each unit
# over time, is good at.

from elman import RNNClassifier

clf = RNNClassifier(32, max_iter=100, random_state=0).fit(X_train, y_train)
print(f"{clf.score(X_test, y_test):.1%} of {len(test)} runs that it never saw are right")

# %%
# What did it look at?
# --------------------
#
# Occlusion overwrites one value at a time with the average of the training data, and asks how much
# the answer moves. Here is a leaking run of the test data, with the values that mattered.

import matplotlib.pyplot as plt

from elman.explain import occlusion
from elman.plotting import AttributionDisplay

leaking = [i for i in range(len(X_test)) if y_test[i] == "leak"]
sure = max(leaking, key=lambda i: clf.predict_proba(X_test[[i]])[0, 0])
explained = occlusion(clf, X_test[[sure]], by="mean")
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
AttributionDisplay.from_explanation(clf, explained, X_test[[sure]], ax=ax)

# %%
# Flow and pressure carry it, as they should: a leak is less flow than the pressure promises. Which
# columns matter over all runs? Permutation importance shuffles a column between runs of about one
# length, and measures what the score loses.

from elman.explain import permutation_importance

importance = permutation_importance(clf, X_test, y_test, n_repeats=5, random_state=0)
print(importance)

# %%
# Temperature is worth nothing, as it was made. On your data a column that should not matter and
# does is worth a second look: it often gives the answer away, like a time stamp.
#
# A report for others
# -------------------
#
# One HTML file with the data, honest baselines, scores with intervals, what is confused, and six
# runs explained. It needs no program but a browser, and nothing in it is fetched from elsewhere.

import elman

report = elman.report(clf, X_test, y_test, X_train=X_train, y_train=y_train, title="Pumps")
report.save(folder / "pumps.html")
print(sorted(path.name for path in folder.iterdir()))

# %%
# Save, and answer new tables
# ---------------------------
#
# The file remembers the names and the order of the columns. A table with other columns is refused;
# one with more is read for those that it knows.

clf.save(folder / "pumps.safetensors")
again = elman.load(folder / "pumps.safetensors")

from elman.data import to_table

answers = to_table(again.predict(X_test), data.ids[test], name="outcome")
print([answers[column][0] for column in answers])

# %%
# On the command line the same is
#
# .. code-block:: sh
#
#     elman fit pumps.csv --id run --time seconds --label outcome -o pumps.safetensors
#     elman predict pumps.safetensors new.csv -o answers.csv
#     elman report pumps.safetensors new.csv --output pumps.html
