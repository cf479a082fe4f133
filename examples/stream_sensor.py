"""A classifier that answers while the recording goes on: python examples/stream_sensor.py

The recordings stand in for a sensor: their time steps come one by one, each is answered at once.
"""

from __future__ import annotations

import pickle

import numpy as np

from elman import RNNClassifier
from elman.data import load_japanese_vowels

X_train, y_train = load_japanese_vowels("train")
X_test, y_test = load_japanese_vowels("test")
clf = RNNClassifier(random_state=0).fit(X_train, y_train)

# One recording, a time step at a time: the probability of each speaker, now.
stream = clf.stream()
for t, x_t in enumerate(X_test[0]):
    p = stream.step(x_t)
    print(f"step {t + 1:2}: speaker {stream.predict()} ({p.max():.0%})")
whole = clf.predict_proba(X_test[:1])[0]
print("the same bits as the whole recording at once:", np.array_equal(p, whole))

# Put away in the middle of a recording, taken up again, perhaps elsewhere: state is named arrays.
stream.reset()
for x_t in X_test[1][:7]:
    stream.step(x_t)
other = clf.stream()
other.state = pickle.loads(pickle.dumps(stream.state))
for x_t in X_test[1][7:]:
    other.step(x_t)
print("put away and taken up again:", other.predict() == clf.predict(X_test[1:2])[0])

# Many sensors in one call; whose recording has ended begins again by itself.
sensors = clf.stream(n=3)
places = [0, 0, 0]
for _ in range(20):
    x_t = [X_test[i][place] for i, place in enumerate(places)]
    sensors.step(x_t)
    for i, place in enumerate(places):
        places[i] = place + 1
        if places[i] == len(X_test[i]):
            print(f"sensor {i}: {sensors.predict()[i]} (it was {y_test[i]})")
            sensors.reset(i)
            places[i] = 0

# As soon as it has been sure for three steps in a row.
labels, steps = clf.predict_early(X_test, confidence=0.9, patience=3)
seen = np.mean([(step + 1) / len(x) for step, x in zip(steps, X_test, strict=True)])
print(f"{np.mean(labels == y_test):.1%} right after {seen:.0%} of each recording", end="; ")
print(f"{clf.score(X_test, y_test):.1%} after all of it")
