"""Follow a training in TensorBoard.

Run: pip install tensorboardX tensorboard; python tensorboard_log.py; tensorboard --logdir runs
"""

from collections.abc import Callable

from elman import RNNClassifier
from elman.data import load_japanese_vowels
from elman.models.history import Epoch


def to_tensorboard(folder: str) -> Callable[[Epoch], None]:
    """An `on_epoch` that writes every number of an epoch, and the weights as histograms."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError("to_tensorboard needs tensorboardX: pip install tensorboardX") from error
    writer = SummaryWriter(folder)

    def log(epoch: Epoch) -> None:
        for name, column in epoch.history.to_dict().items():
            if name != "epoch" and column[-1] is not None:
                writer.add_scalar(name.replace(".", "/"), column[-1], epoch.epoch)
        for name, weights in epoch.network.params.items():
            writer.add_histogram(name.replace(".", "/"), weights, epoch.epoch)
        writer.flush()

    return log


if __name__ == "__main__":
    X, y = load_japanese_vowels("train")
    clf = RNNClassifier(early_stopping=True, random_state=0, on_epoch=to_tensorboard("runs/vowels"))
    clf.fit(X, y)
    print(f"{clf.n_iter_} epochs; now: tensorboard --logdir runs")
