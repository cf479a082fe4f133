"""Your own recordings, a list of arrays of any lengths. Run: python own_data.py"""

import numpy as np

from elman import RNNClassifier
from elman.data import from_channels_first, write_npz

rng = np.random.default_rng(0)


def record(gesture: str) -> np.ndarray:
    """A made-up sensor with two channels, 20 to 40 steps: (n_timesteps, 2)."""
    t = np.linspace(0, 2 * np.pi, int(rng.integers(20, 41)))
    direction = 1 if gesture == "clockwise" else -1
    trace = np.stack([np.cos(t), -direction * np.sin(t)], axis=1)
    return 3 * trace + rng.normal(scale=0.5, size=trace.shape)


labels = np.array(["clockwise", "anticlockwise"] * 60)
recordings = [record(label) for label in labels]

clf = RNNClassifier(hidden_size=16, random_state=0)
clf.fit(recordings[:80], labels[:80])
print(f"accuracy on 40 new recordings: {clf.score(recordings[80:], labels[80:]):.1%}")

# How early was it sure of the first one?
over_time = clf.predict_proba_over_time(recordings[80:81])[0]
sure = int(np.argmax(over_time.max(axis=1) > 0.95)) + 1
print(f"more than 95 % sure after {sure} of {len(over_time)} steps")

# Some libraries keep (channel, time); elman wants (time, channel).
channels_first = [recording.T for recording in recordings]
assert np.array_equal(from_channels_first(channels_first)[0], recordings[0])

# For the command line: elman fit gestures.npz -o gestures.safetensors
write_npz("gestures.npz", recordings, labels)
print("wrote gestures.npz")
