"""
While it happens: streams and early decisions
=============================================

A sensor does not wait for the end of a recording. This page answers after every time step, decides
as soon as it is sure, puts a stream away and takes it up again, and reads many sensors in one
call.
"""

# %%
# A model that reads one way
# --------------------------
#
# The recordings of speech stand in for a sensor: 12 numbers at each of 7 to 29 steps, of nine
# speakers. Any network will do that does not read from the end (``bidirectional=False``, the
# default). Where recordings have more than 128 steps, ``stride="auto"`` may let the network read
# the mean of a block of steps as one. ``clf.frontend_`` says so. Then ``stream.step`` changes its
# answer at the end of a block, while ``stream.answer()`` counts every step.

import matplotlib.pyplot as plt
import numpy as np

from elman import RNNClassifier
from elman.data import load_japanese_vowels

X_train, y_train = load_japanese_vowels("train")
X_test, y_test = load_japanese_vowels("test")
clf = RNNClassifier(random_state=0).fit(X_train, y_train)

# %%
# Step by step
# ------------
#
# ``stream.step`` takes one time step and returns the probability of each class, had the recording
# ended there. Its memory does not grow, and a step takes about a microsecond.

stream = clf.stream()
for t, x_t in enumerate(X_test[0]):
    p = stream.step(x_t)
    if t % 4 == 0:
        print(f"step {t + 1:2}: speaker {stream.predict()} ({p.max():.0%})")

whole = clf.predict_proba(X_test[:1])[0]
print("the same bits as the whole recording at once:", np.array_equal(p, whole))

# %%
# When did it know?
# -----------------
#
# The answer counts as known once its probability stays above a bound to the end. Before that, the
# network may have been right, but could not have been relied on.

from elman.plotting import plot_probabilities_over_time

figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
plot_probabilities_over_time(clf, X_test[37], true_class=y_test[37], ax=ax)

# %%
# Decide early
# ------------
#
# A decision that can be taken after a third of a recording is worth more than one at its end.
# ``predict_early`` decides as soon as one label has had a probability of at least ``confidence``
# for ``patience`` steps in a row. The rule is chosen on data that are not the test data: here on a
# fifth of the training recordings.

others, chosen_on = np.arange(len(X_train)) % 5 != 0, np.arange(0, len(X_train), 5)
trial = RNNClassifier(random_state=0)
trial.fit([x for x, keep in zip(X_train, others, strict=True) if keep], y_train[others])
held_out = [X_train[i] for i in chosen_on]
for confidence in (0.6, 0.8, 0.9, 0.95, 0.99):
    labels, steps = trial.predict_early(held_out, confidence=confidence, patience=3)
    seen = np.mean([(step + 1) / len(x) for step, x in zip(steps, held_out, strict=True)])
    right = np.mean(labels == y_train[chosen_on])
    print(f"confidence {confidence:.2f}: {right:.1%} right after {seen:.0%} of each recording")

# %%
# With a rule taken from that table, the test recordings:

labels, steps = clf.predict_early(X_test, confidence=0.9, patience=3)
seen = np.mean([(step + 1) / len(x) for step, x in zip(steps, X_test, strict=True)])
print(f"{np.mean(labels == y_test):.1%} right after {seen:.0%} of each recording")
print(f"{clf.score(X_test, y_test):.1%} right at the end")

# %%
# Put away and taken up again
# ---------------------------
#
# ``state`` is a dict of named arrays: all that the stream remembers. It can be stored, sent to
# another machine, and set again.

stream.reset()
for x_t in X_test[1][:7]:
    stream.step(x_t)
kept = stream.state
print({name: array.shape for name, array in kept.items()})

other = clf.stream()
other.state = kept
for x_t in X_test[1][7:]:
    other.step(x_t)
print("the same answer:", other.predict() == clf.predict(X_test[1:2])[0])

# %%
# Many sensors in one call
# ------------------------
#
# ``stream(n=3)`` has a row for each sensor. When a sensor's recording ends, its row begins again
# and the others go on.

sensors = clf.stream(n=3)
place = [0, 0, 0]
for _ in range(24):
    sensors.step([X_test[i][place[i]] for i in range(3)])
    for i in range(3):
        place[i] += 1
        if place[i] == len(X_test[i]):
            print(f"sensor {i}: {sensors.predict()[i]} (it was {y_test[i]})")
            sensors.reset(i)
            place[i] = 0

# %%
# On the command line
# -------------------
#
# .. code-block:: sh
#
#     sensor | elman stream model.safetensors
#
# reads a time step from each line and answers on a line at once.
