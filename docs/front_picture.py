"""Draws docs/front.png, the picture of the README: python docs/front_picture.py."""

from pathlib import Path

from elman import RNNClassifier
from elman.data import load_japanese_vowels
from elman.plotting import KnowledgeCurveDisplay

RECORDING = 37
"""of the test data: one that is not clear at once"""

X_train, y_train = load_japanese_vowels("train")
X_test, y_test = load_japanese_vowels("test")
clf = RNNClassifier(random_state=0).fit(X_train, y_train)
display = KnowledgeCurveDisplay.from_estimator(
    clf, X_test[RECORDING], true_class=y_test[RECORDING], step_label="frame (6.4 ms apart)"
)
display.plot().figure_.savefig(Path(__file__).with_name("front.png"), dpi=110)
