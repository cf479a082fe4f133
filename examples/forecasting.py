"""Forecasting a time series from windows of it, then step by step. Run: python forecasting.py"""

import numpy as np

from elman import RNNRegressor
from elman.data import windows

# Three years of a made-up daily measurement: a week's rhythm, a year's, a memory of what came
# before, and noise.
rng = np.random.default_rng(0)
day = np.arange(3 * 365)
memory = np.zeros(len(day))
for t in range(1, len(day)):
    memory[t] = 0.8 * memory[t - 1] + rng.normal()
series = 20 + 4 * np.sin(2 * np.pi * day / 7) + 5 * np.sin(2 * np.pi * day / 365) + memory

# Split in time, then cut: a window of 28 days, and the 7 days that follow it.
train, test = series[:-200], series[-200:]
X, y = windows(train, 28, 7)
X_test, y_test = windows(test, 28, 7)
reg = RNNRegressor(32, cell="gru", readout="last", max_iter=15, random_state=0).fit(X, y)

error = np.abs(reg.predict(X_test) - y_test).mean()
naive = np.abs(X_test[:, -1] - y_test).mean()  # the last value, for each of the 7 days
print(f"mean absolute error, 7 days ahead: {error:.2f}; of the last value: {naive:.2f}")

# Or an answer at each step: the next day's value, after every day that is read. NaN would say that
# it is not known. A stream goes on with one day at a time.
reg = RNNRegressor(32, cell="gru", bptt_steps=56, max_iter=60, random_state=0)
reg.fit([train[:-1, np.newaxis]], [train[1:]])
stream = reg.stream()
answers = np.array([stream.step(value) for value in test[:-1]])
later = slice(28, None)  # once it has seen four weeks
error = np.abs(answers - test[1:])[later].mean()
naive = np.abs(test[:-1] - test[1:])[later].mean()
print(f"mean absolute error, the next day: {error:.2f}; of the last value: {naive:.2f}")
