"""
Who is speaking?
================

Nine men said the Japanese vowels /ae/ again and again. Each recording became a sequence of 7 to 29
time steps, with 12 numbers at each that describe the sound. We want to know from a new recording
which of the nine is speaking.

In about ten minutes you will look at sequences of unequal lengths, find out what a simple rule
reaches, train a recurrent network, see what it confuses and when it makes up its mind, and save it.
"""

# %%
# The data
# --------
#
# The recordings come with the package (Kudo, Toyama and Shimbo 1999, from the UCI repository,
# CC BY 4.0). X is a list with one array (n_timesteps, n_features) for each recording, and y has the
# speaker of each.

import matplotlib.pyplot as plt
import numpy as np

from elman import RNNClassifier, load
from elman.data import load_japanese_vowels

X_train, y_train = load_japanese_vowels("train")
X_test, y_test = load_japanese_vowels("test")
lengths = [len(x) for x in X_train]
print(len(X_train), "recordings to learn from,", len(X_test), "to test with")
print(min(lengths), "to", max(lengths), "time steps of", X_train[0].shape[1], "features")

# %%
# Two recordings of one speaker and one of another, as the network gets them. No line is as long as
# another, and nothing has to be done about that: there is no padding, and nothing is cut.

options = {"sharey": True, "layout": "constrained"}
figure, axes = plt.subplots(1, 3, figsize=(9, 3), **options)
for ax, i in zip(axes, (0, 1, 100), strict=True):
    ax.plot(X_train[i][:, :4])
    ax.set_title(f"speaker {y_train[i]}, {len(X_train[i])} steps")
    ax.set_xlabel("time step")
axes[0].set_ylabel("first four features")

# %%
# What does a simple rule reach?
# ------------------------------
#
# A score says little by itself. Before any network, ask what answers can be had without one: always
# the most frequent speaker, and logistic regression on the last step alone, which knows
# nothing of the time before. A third rule stretches every recording to the same number of steps and
# gives all of them to logistic regression.

from elman.evaluation.baselines import accuracies, last_step, resampled

rules = {"last step": last_step, "ten points": resampled(10)}
found = accuracies(rules, X_train, y_train, X_test, y_test)
for name, accuracy in found.items():
    print(f"{accuracy:.1%}  {name}")

# %%
# Train
# -----
#
# The defaults need no tuning here. ``random_state`` fixes the first weights and the order of the
# recordings: you get the same bits as this page. A fifth of the recordings is held back, to see how
# training goes on data that it does not learn from; ``early_stopping`` keeps the weights that
# were best on these.

clf = RNNClassifier(early_stopping=True, validation_fraction=0.2, random_state=0)
clf.fit(X_train, y_train)
print(f"best epoch: {clf.best_epoch_} of {clf.n_iter_}")
print(f"accuracy on the test recordings: {clf.score(X_test, y_test):.1%}")

# %%
# The network is above the rule that sees the last step alone: it does use what came before. It is
# not above the rule that sees ten points of each recording, and that is worth knowing: these
# recordings are short, and their shape says nearly all. On your own data, try the simple rules
# first, as here.
#
# The learning curve shows whether training went well: the loss falls, and the recordings that were
# held back are recognised better and better.

from elman.plotting import plot_loss_curve

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
plot_loss_curve(clf, ax=ax)

# %%
# What did it know, and when?
# ---------------------------
#
# The network reads one step after another, and has an answer after each. Here is a recording that
# is not clear at once: the probability of every speaker after each time step, had the
# recording stopped there.

# sphinx_gallery_thumbnail_number = 3
from elman.plotting import plot_probabilities_over_time

over_time = clf.predict_proba_over_time(X_test)
predicted = clf.predict(X_test)


def last_wrong_step(i):
    """The last step after which another speaker was more probable."""
    answers = clf.classes_[over_time[i].argmax(axis=1)]
    return max(np.flatnonzero(answers != y_test[i]), default=-1)


late = max(np.flatnonzero(predicted == y_test), key=last_wrong_step)

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
plot_probabilities_over_time(clf, X_test[late], true_class=y_test[late], ax=ax)

# %%
# Most recordings are clear much earlier. If the recording had been cut after a share of its
# steps, how many of the answers would have been right?

from elman.plotting import plot_accuracy_by_share

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
plot_accuracy_by_share(clf, X_test, y_test, ax=ax)

# %%
# What does it confuse?
# ---------------------
#
# Rows are the true speakers and columns the answers. What is off the diagonal is wrong.

from elman.plotting import plot_confusion_matrix

figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
plot_confusion_matrix(y_test, predicted, ax=ax)

# %%
# Where it is wrong, is it at least unsure? The probability of the answer that was given says so.

sure = clf.predict_proba(X_test).max(axis=1)
print(f"median probability of right answers: {np.median(sure[predicted == y_test]):.3f}")
print(f"median probability of wrong answers: {np.median(sure[predicted != y_test]):.3f}")

# %%
# Save it
# -------
#
# The file holds the weights, the hyper-parameters and the names of the classes, as numbers and
# text: nothing in it is run when it is loaded. The model that comes back gives the same bits.

import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    clf.save(Path(folder) / "speakers.safetensors")
    again = load(Path(folder) / "speakers.safetensors")
print((again.predict_proba(X_test) == clf.predict_proba(X_test)).all())

# %%
# Where to go next
# ----------------
#
# - :doc:`/start/from-a-csv` does the same with a table of yours.
# - :doc:`/how-to/your-data` shows every form that sequences may have.
# - :doc:`/generated/hyper-parameters` says what else can be chosen.
