"""Keep a training in MLflow: parameters, every epoch, the model.

Run: pip install mlflow; python mlflow_log.py
"""

from collections.abc import Callable

from elman import RNNClassifier
from elman.data import load_japanese_vowels
from elman.models.history import Epoch


def to_mlflow() -> Callable[[Epoch], None]:
    """An `on_epoch` that logs every number of an epoch to the MLflow run that is active."""
    try:
        import mlflow
    except ImportError as error:
        raise ImportError("to_mlflow needs mlflow: pip install mlflow") from error

    def log(epoch: Epoch) -> None:
        columns = epoch.history.to_dict()
        numbers = {name: column[-1] for name, column in columns.items() if name != "epoch"}
        metrics = {name: value for name, value in numbers.items() if value is not None}
        mlflow.log_metrics(metrics, step=epoch.epoch)

    return log


if __name__ == "__main__":
    import mlflow

    X, y = load_japanese_vowels("train")
    clf = RNNClassifier(early_stopping=True, random_state=0)
    with mlflow.start_run():
        mlflow.log_params(clf.get_params())
        clf.set_params(on_epoch=to_mlflow()).fit(X, y)
        clf.save("vowels.safetensors")
        mlflow.log_artifact("vowels.safetensors")
