"""
A label for every time step
===========================

A wrist sensor records all day, and we want to know for every moment what its wearer was doing. That
is tagging: the answer is a label for each time step, and where one activity ends and the next
begins is part of the question.
"""

# %%
# Recordings with labels for their steps
# --------------------------------------
#
# The recordings are made here: three activities follow one another, each a rhythm of two
# accelerations with noise, from 15 to 40 steps each. y is a list with an array of labels for
# each recording.

import matplotlib.pyplot as plt
import numpy as np

from elman import RNNTagger

ACTIVITIES = {"sit": (0.0, 0.1), "walk": (0.12, 0.8), "run": (0.25, 1.2)}  # frequency, size


def record(n, rng):
    """n recordings, with the activity at each step."""
    X, y = [], []
    for _ in range(n):
        labels, values = [], []
        for name in rng.choice(list(ACTIVITIES), 5):
            frequency, size = ACTIVITIES[name]
            t = np.arange(rng.integers(15, 40)) + rng.uniform(0, 10)
            wave = size * np.column_stack(
                [np.sin(2 * np.pi * frequency * t), np.cos(2 * np.pi * frequency * t)]
            )
            values.append(wave + 0.35 * rng.normal(size=wave.shape))
            labels += [str(name)] * len(t)
        X.append(np.concatenate(values))
        y.append(np.array(labels))
    return X, y


rng = np.random.default_rng(0)
X_train, y_train = record(60, rng)
X_test, y_test = record(30, rng)
print(X_train[0].shape, y_train[0][:3])

# %%
# A single step says little: with so much noise the three overlap. What a rule reaches that sees
# one step alone is the figure to beat.

from sklearn.linear_model import LogisticRegression

steps, labels = np.concatenate(X_train), np.concatenate(y_train)
alone = LogisticRegression().fit(np.column_stack([steps, np.abs(steps)]), labels)
steps_test, labels_test = np.concatenate(X_test), np.concatenate(y_test)
of_one_step = alone.score(np.column_stack([steps_test, np.abs(steps_test)]), labels_test)
print(f"one step alone: {of_one_step:.1%} of steps right")

# %%
# Train, reading both ways
# ------------------------
#
# Whoever labels a finished recording may look at what comes after a step as well as at what came
# before: ``bidirectional=True``. For a live sensor leave it out; both are shown.

both = RNNTagger(24, cell="gru", bidirectional=True, max_iter=60, random_state=0)
both.fit(X_train, y_train)
live = RNNTagger(24, cell="gru", max_iter=60, random_state=0).fit(X_train, y_train)
print(f"both ways: {both.score(X_test, y_test):.1%} of steps right")
print(f"one way:   {live.score(X_test, y_test):.1%}")

# %%
# One recording, read
# -------------------
#
# The probability of each activity at every step. The true activity is the colour below.

probabilities = both.predict_proba(X_test[:1])[0]
figure, (top, bottom) = plt.subplots(
    2, 1, figsize=(8, 4), sharex=True, height_ratios=(3, 1), layout="constrained"
)
for k, name in enumerate(both.classes_):
    top.plot(probabilities[:, k], label=name)
top.set_ylabel("probability")
top.legend(loc="upper right")
codes = np.searchsorted(both.classes_, y_test[0])
bottom.imshow(codes[np.newaxis], aspect="auto", cmap="viridis")
bottom.set(yticks=[], xlabel="time step", title="what it was")

# %%
# Where are the mistakes?
# -----------------------
#
# Most of them are close to a change of activity, where even a person would hesitate. A tagger
# that is wrong in the middle of an activity has learned too little; one that is wrong at its
# edges is asked for more than the data say.

distance, wrong = [], []
predicted = both.predict(X_test)
for truth, answer in zip(y_test, predicted, strict=True):
    changes = np.flatnonzero(truth[1:] != truth[:-1]) + 0.5
    steps = np.arange(len(truth))
    nearest = np.abs(steps[:, np.newaxis] - changes).min(axis=1) if len(changes) else steps + 99.0
    distance.append(nearest)
    wrong.append(truth != answer)
distance, wrong = np.concatenate(distance), np.concatenate(wrong)
for low, high in ((0, 2), (2, 5), (5, 10), (10, 1000)):
    chosen = (distance >= low) & (distance < high)
    print(f"{low:2} to {high:4} steps from a change: {wrong[chosen].mean():.1%} wrong")

# %%
# Steps that nobody labelled
# --------------------------
#
# Labelling is work. Steps without a label are marked with None (or -1 where labels are numbers):
# they are read, and not learned from. Here four steps of five are unlabelled.

few = []
for truth in y_train:
    some = truth.astype(object)
    some[rng.random(len(some)) < 0.8] = None
    few.append(some)
sparse = RNNTagger(24, cell="gru", bidirectional=True, max_iter=60, random_state=0)
sparse.fit(X_train, few)
print(f"with a fifth of the labels: {sparse.score(X_test, y_test):.1%} of steps right")

# %%
# Live
# ----
#
# The network that reads one way answers while the sensor runs, in memory that does not grow, and to
# the same bits as above.

stream = live.stream()
for t, x_t in enumerate(X_test[0][:60]):
    p = stream.step(x_t)
    if t % 10 == 0:
        print(f"step {t:2}: {stream.predict()} ({p.max():.0%}); it was {y_test[0][t]}")
