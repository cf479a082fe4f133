"""
When values are missing
=======================

Sensors drop out, and people forget to fill in a form. Sequences with missing values can be used as
they are: this page compares the three ways in which a network can take them, and shows the trap of
filling them in beforehand.
"""

# %%
# Waves with holes
# ----------------
#
# Which of three frequencies has a wave? A missing value is NaN, as pandas has it. A
# third of the values of two channels are missing, sometimes in both at once.

import numpy as np

from elman import RNNClassifier
from elman.data import make_noisy_sinusoids

X, y = make_noisy_sinusoids(
    600, n_features=2, min_length=25, max_length=45, noise=0.4, random_state=0
)
rng = np.random.default_rng(0)
for x in X:
    x[rng.random(x.shape) < 0.35] = np.nan
X_train, y_train, X_test, y_test = X[:400], y[:400], X[400:], y[400:]
print(X_train[0][:4])

# %%
# Nothing is filled in silently. Without a word about it, fit refuses the data, and says where the
# first missing value is.

settings = {"hidden_size": 32, "readout": "mean", "max_iter": 60, "random_state": 0}
try:
    RNNClassifier(**settings).fit(X_train, y_train)
except ValueError as error:
    print(error)

# %%
# Three ways
# ----------
#
# ``missing="mask"`` puts the mean in the place of a missing value and adds, for each feature, an
# input that says whether it was there. ``missing="skip"`` leaves out a time step in which anything
# is missing, as if it had not happened. The third way is to fill in beforehand: here with the last
# known value, which is what people usually do.


def filled(x):
    """x, with the last known value of each feature in the place of NaN (0 before the first)."""
    out = x.copy()
    for t in range(len(out)):
        before = out[t - 1] if t else np.zeros(out.shape[1], out.dtype)
        out[t] = np.where(np.isnan(out[t]), before, out[t])
    return out


mask = RNNClassifier(missing="mask", **settings).fit(X_train, y_train)
skip = RNNClassifier(missing="skip", **settings).fit(X_train, y_train)
fill = RNNClassifier(**settings).fit([filled(x) for x in X_train], y_train)
print(f"mask:                {mask.score(X_test, y_test):.1%}")
print(f"skip:                {skip.score(X_test, y_test):.1%}")
print(f"filled in beforehand: {fill.score([filled(x) for x in X_test], y_test):.1%}")

# %%
# Skipping steps destroys the rhythm that the question is about: it suits data in which a row is an
# event, and rows with holes are rare. The mask keeps time, and the network can see what was
# measured and what was not.
#
# Missing more often later
# ------------------------
#
# A model with a mask can be asked about data with more or fewer holes than it was trained on. Ask
# it, before you rely on it:

complete, _ = make_noisy_sinusoids(
    600, n_features=2, min_length=25, max_length=45, noise=0.4, random_state=0
)
for share in (0.0, 0.2, 0.35, 0.5, 0.7):
    holes = [x.copy() for x in complete[400:]]
    for x in holes:
        x[rng.random(x.shape) < share] = np.nan
    print(f"{share:.0%} missing: {mask.score(holes, y_test):.1%}")

# %%
# Streams take NaN in the same way, and so do all three estimators, files and the command line
# (``elman fit ... --missing mask``). A missing *target* is another matter: a time step without a
# label is simply not learned from (None, or NaN for numbers).
