"""Follow a training in TensorBoard.

Run: pip install 'elman[tensorboard]' tensorboard; python tensorboard_log.py
Then: tensorboard --logdir runs
"""

from elman import RNNClassifier
from elman.callbacks import TensorBoard
from elman.data import load_japanese_vowels

if __name__ == "__main__":
    X, y = load_japanese_vowels("train")
    clf = RNNClassifier(early_stopping=True, random_state=0, on_epoch=TensorBoard("runs"))
    clf.fit(X, y)
    print(f"{clf.n_iter_} epochs; now: tensorboard --logdir runs")
