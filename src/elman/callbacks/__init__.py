"""An epoch of training in; a log of it, or the end of training, out: values for `on_epoch`."""

from elman.callbacks.logs import CSVLog, JSONLinesLog
from elman.callbacks.mlflow import MLflow
from elman.callbacks.stopping import StopBelow, TimeLimit
from elman.callbacks.tensorboard import TensorBoard

__all__ = ["CSVLog", "JSONLinesLog", "MLflow", "StopBelow", "TensorBoard", "TimeLimit"]
