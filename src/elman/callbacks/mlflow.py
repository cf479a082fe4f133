"""A callback that keeps the numbers of a training in MLflow."""

from __future__ import annotations

from dataclasses import dataclass, field

from elman.callbacks.fits import OfOneFit
from elman.callbacks.rows import last_row, numbers_of, rows_of
from elman.models.history import Epoch


@dataclass
class MLflow:
    """Log every number of an epoch to MLflow, as metrics with the epoch as their step.

    They go to the run that is active, which you began with ``mlflow.start_run()``. Where none is
    active, as in the worker processes of a grid search, each fit gets a run of its own. Log the
    hyper-parameters and the model yourself, as MLflow's own functions do it best.

    The package is imported at the first epoch: ``pip install 'elman[mlflow]'``.

    Parameters
    ----------
    nested : bool, default=False
        Whether each fit gets a run of its own below the active one, so that the fits of a grid
        search are not mixed up in one run.

    Raises
    ------
    ImportError
        When it is called: mlflow is not installed.

    Examples
    --------
    >>> from elman import RNNClassifier
    >>> from elman.callbacks import MLflow
    >>> RNNClassifier(on_epoch=MLflow())
    RNNClassifier(on_epoch=MLflow(nested=False))
    """

    nested: bool = False
    _run: OfOneFit[str | None] = field(
        default_factory=OfOneFit, init=False, repr=False, compare=False
    )

    def __call__(self, epoch: Epoch) -> None:
        """Log the epoch."""
        if not epoch.is_writer:
            return
        try:
            import mlflow
        except ImportError as error:
            raise ImportError("MLflow needs mlflow: pip install 'elman[mlflow]'") from error
        active = mlflow.active_run()
        if active is not None and not self.nested:
            mlflow.log_metrics(numbers_of(last_row(epoch)), step=epoch.epoch)
            return
        # A fit does not say when it is over: its run is ended, and taken up again, at each epoch.
        run = self._run.of(epoch)
        with mlflow.start_run(run_id=run, nested=active is not None) as opened:
            self._run.put(epoch, opened.info.run_id)
            for row in rows_of(epoch) if run is None else [last_row(epoch)]:
                mlflow.log_metrics(numbers_of(row), step=row["epoch"])
