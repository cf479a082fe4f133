"""
Numbers out: regression and forecasting
=======================================

Two questions with numbers for answers. How fast does something oscillate, whatever its phase and
noise? And how will a series go on? Both are an ``RNNRegressor``.
"""

# %%
# A number for each sequence
# --------------------------
#
# Waves of random frequency, phase and length, with noise. The target is the frequency.

import matplotlib.pyplot as plt
import numpy as np

from elman import RNNRegressor


def waves(n, rng):
    """n noisy waves and their frequencies, in cycles per step."""
    frequency = rng.uniform(0.02, 0.2, n)
    X = []
    for f in frequency:
        t = np.arange(rng.integers(40, 80))
        X.append(np.sin(2 * np.pi * (f * t + rng.random())) + 0.3 * rng.normal(size=len(t)))
    return X, frequency


rng = np.random.default_rng(0)
X_train, y_train = waves(600, rng)
X_test, y_test = waves(200, rng)

# %%
# A regressor standardises the targets inside, and answers in their own units. An average over time
# is what tells a frequency, so that is what is read. ``score`` is R^2: 1 is perfect, and 0 is what
# the mean of the targets would reach.

reg = RNNRegressor(32, cell="gru", readout="mean", max_iter=40, random_state=0)
reg.fit(X_train, y_train)
print(f"R^2 on new waves: {reg.score(X_test, y_test):.3f}")

figure, ax = plt.subplots(figsize=(5, 5), layout="constrained")
ax.scatter(y_test, reg.predict(X_test), s=8)
ax.axline((0.1, 0.1), slope=1, color="grey", linewidth=1)
ax.set(xlabel="true frequency", ylabel="answer")

# %%
# Watch it come to its answer: ``predict_over_time`` has the answer after each step.

over_time = reg.predict_over_time(X_test[:4])
figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
for k, answers in enumerate(over_time):
    (line,) = ax.plot(answers)
    ax.axhline(y_test[k], color=line.get_color(), linestyle=":", linewidth=1)
ax.set(xlabel="steps seen", ylabel="frequency (dotted: the true one)")

# %%
# How a series goes on
# --------------------
#
# Three years of a daily measurement with the rhythm of a week and of a year, a memory of what came
# before, and noise. ``elman.data.windows`` cuts it: 28 days are a sequence, and the 7 days that
# follow it are its targets.

from elman.data import windows

day = np.arange(3 * 365)
memory = np.zeros(len(day))
for t in range(1, len(day)):
    memory[t] = 0.8 * memory[t - 1] + rng.normal()
series = 20 + 4 * np.sin(2 * np.pi * day / 7) + 5 * np.sin(2 * np.pi * day / 365) + memory

# %%
# Split in time first, and cut then. Windows overlap: of windows split at random, those to test on
# would share their days with those to learn from, and the score would be a lie.

train, test = series[:-200], series[-200:]
X, y = windows(train, 28, 7)
X_new, y_new = windows(test, 28, 7)
forecaster = RNNRegressor(32, cell="gru", readout="last", max_iter=15, random_state=0).fit(X, y)

# %%
# The honest rule to beat is "as a week ago", which knows the rhythm of the week.

error = np.abs(forecaster.predict(X_new) - y_new).mean()
last_value = np.abs(X_new[:, -1] - y_new).mean()
week_ago = np.abs(X_new[:, -7:, 0] - y_new).mean()
print("mean absolute error over seven days")
print(f"  the last value again: {last_value:.2f}")
print(f"  as a week ago:        {week_ago:.2f}")
print(f"  the network:          {error:.2f}")

# %%
figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
start = 60
ax.plot(np.arange(start, start + 35), test[start : start + 35], color="grey", label="what happened")
ax.plot(
    np.arange(start + 28, start + 35),
    forecaster.predict(X_new[start : start + 1])[0],
    marker="o",
    label="forecast of seven days",
)
ax.set(xlabel="day")
ax.legend()

# %%
# Errors that outliers do not rule
# --------------------------------
#
# If a few targets are wild, squared errors let them pull everything. ``loss="huber"`` counts large
# errors less, and ``loss="absolute"`` makes the answer a median. Here one target of twenty is
# spoilt.

spoilt = y_train.copy()
wild = rng.random(len(spoilt)) < 0.05
spoilt[wild] += 0.5
for loss in ("squared", "huber", "absolute"):
    reg = RNNRegressor(
        32, cell="gru", readout="mean", loss=loss, huber_delta=0.3, max_iter=40, random_state=0
    ).fit(X_train, spoilt)
    found = np.abs(reg.predict(X_test) - y_test).mean()
    print(f"{loss:9} mean absolute error on clean targets: {found:.4f}")
