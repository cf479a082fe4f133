"""A data set and a seed in; a network of aeon or sktime, trained beside our adapter, out.

Each as it comes, and once with our adapter's size, epochs and rate, as far as there is an argument
for it. Theirs take recordings of one length: shorter ones get zeros at their end, which ours do not
need. One thread each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.contestants import Fitted, Found
from benchmarks.sets import DataSet

Array = NDArray[Any]
SETS = {"sktime": ("JapaneseVowels", "ItalyPowerDemand"), "aeon": ("Covid3Month", "Tecator")}
"""aeon has a recurrent regressor, and no recurrent classifier."""
N_SEEDS = 3
SIZE: dict[str, Any] = {"units": 96, "epochs": 60, "batch": 16, "rate": 0.003}
"""of those that are trained as ours are"""
OUR_GRU: dict[str, Any] = {
    "cell": "gru",
    "hidden_size": SIZE["units"],
    "max_iter": SIZE["epochs"],
    "batch_size": SIZE["batch"],
    "learning_rate_init": SIZE["rate"],
}
"""the same by our names"""
N_ALONE = 20
"""Recordings of the test split of which probabilities are compared, in a batch and one by one"""


def equal(X: Any, n_steps: int | None = None) -> Array:
    """Channels first, with zeros at the end of what is shorter, cut at `n_steps`."""
    n_steps = max(map(len, X)) if n_steps is None else n_steps
    padded = np.zeros((len(X), np.shape(X[0])[1], n_steps))
    for row, x in zip(padded, X, strict=True):
        x = np.asarray(x)[:n_steps]
        row[:, : len(x)] = x.T
    return padded


def _of_sktime(make: Callable[[int], Any], data: DataSet, seed: int) -> Fitted:
    import torch

    torch.set_num_threads(1)
    X = equal(data.X_train)
    n_steps = X.shape[2]
    return _answering(make(seed).fit(X, data.y_train), lambda X: equal(X, n_steps))


def _answering(model: Any, form: Callable[[Any], Any]) -> Fitted:
    """What answers; beside the answers, which are not timed, it is asked for some one by one."""
    about: Found = {}

    def predict(X: Any) -> Array:
        some = [form(X[i : i + 1]) for i in range(N_ALONE)]
        alone = np.concatenate([model.predict_proba(each) for each in some])
        together = model.predict_proba(form(X[:N_ALONE]))
        about["alone"] = float(np.abs(together - alone).max())
        return model.predict(form(X))

    return predict, about


def simple_rnn(data: DataSet, seed: int) -> Fitted:
    """sktime's simple network, as it comes: 6 units, 100 epochs, one recording at a time."""
    from sktime.classification.deep_learning.rnn import SimpleRNNClassifierTorch

    return _of_sktime(lambda seed: SimpleRNNClassifierTorch(random_state=seed), data, seed)


def gru(data: DataSet, seed: int) -> Fitted:
    """sktime's GRU, as it comes: 4 layers of 256 units, 10 epochs."""
    from sktime.classification.deep_learning.gru import GRUClassifier

    return _of_sktime(lambda seed: GRUClassifier(random_state=seed), data, seed)


def gru_like_ours(data: DataSet, seed: int) -> Fitted:
    """sktime's GRU of a layer, which reads recordings along time."""
    from sktime.classification.deep_learning.gru import GRUClassifier

    def make(seed: int) -> Any:
        return GRUClassifier(
            hidden_dim=SIZE["units"],
            n_layers=1,
            batch_first=True,
            num_epochs=SIZE["epochs"],
            batch_size=SIZE["batch"],
            lr=SIZE["rate"],
            random_state=seed,
        )

    return _of_sktime(make, data, seed)


def _ours_in_sktime(data: DataSet, seed: int, **parameters: Any) -> Fitted:
    import pandas as pd

    from elman.adapters.sktime import ElmanClassifier

    def panel(X: Any) -> list[Any]:
        return [pd.DataFrame(x) for x in X]

    made = ElmanClassifier(random_state=seed, n_jobs=1, **parameters)
    return _answering(made.fit(panel(data.X_train), data.y_train), panel)


def ours_in_sktime(data: DataSet, seed: int) -> Fitted:
    """Our classifier as it comes."""
    return _ours_in_sktime(data, seed)


def our_gru_in_sktime(data: DataSet, seed: int) -> Fitted:
    """Our classifier with a GRU, of the size and the training that theirs is given."""
    return _ours_in_sktime(data, seed, **OUR_GRU)


def _of_aeon(data: DataSet, seed: int, **arguments: Any) -> Fitted:
    import tensorflow as tf
    from aeon.regression.deep_learning import RecurrentRegressor

    if tf.config.threading.get_intra_op_parallelism_threads() != 1:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    model = RecurrentRegressor(random_state=seed, **arguments)
    model.fit(equal(data.X_train), data.y_train)
    return lambda X: model.predict(equal(X)), {}


def recurrent(data: DataSet, seed: int) -> Fitted:
    """aeon's regressor as it comes: an LSTM of 64 units, 100 epochs."""
    return _of_aeon(data, seed)


def recurrent_like_ours(data: DataSet, seed: int) -> Fitted:
    """aeon's regressor with a GRU, of the size and the epochs that ours is given."""
    return _of_aeon(
        data,
        seed,
        rnn_type="gru",
        n_units=SIZE["units"],
        n_epochs=SIZE["epochs"],
        batch_size=SIZE["batch"],
    )


def _ours_in_aeon(data: DataSet, seed: int, **parameters: Any) -> Fitted:
    from elman.adapters.aeon import ElmanRegressor

    model = ElmanRegressor(random_state=seed, **parameters).fit(equal(data.X_train), data.y_train)
    return lambda X: model.predict(equal(X)), {}


def ours_in_aeon(data: DataSet, seed: int) -> Fitted:
    """Our regressor as it comes."""
    return _ours_in_aeon(data, seed)


def our_gru_in_aeon(data: DataSet, seed: int) -> Fitted:
    """Our regressor with a GRU, of the size and the training that theirs is given."""
    return _ours_in_aeon(data, seed, **OUR_GRU)


CONTESTANTS: dict[str, dict[str, Callable[[DataSet, int], Fitted]]] = {
    "sktime": {
        "ElmanClassifier": ours_in_sktime,
        "sktime's SimpleRNNClassifierTorch": simple_rnn,
        "sktime's GRUClassifier": gru,
        "ElmanClassifier, one GRU": our_gru_in_sktime,
        "sktime's GRUClassifier, one GRU": gru_like_ours,
    },
    "aeon": {
        "ElmanRegressor": ours_in_aeon,
        "aeon's RecurrentRegressor": recurrent,
        "ElmanRegressor, one GRU": our_gru_in_aeon,
        "aeon's RecurrentRegressor, one GRU": recurrent_like_ours,
    },
}
"""Of each library, in the order of the table"""


def warm_up(library: str) -> None:
    """Fit each once on next to nothing, since imports are not to be timed with the first fit."""
    rng = np.random.default_rng(0)
    X, y = list(rng.normal(size=(N_ALONE, 5, 2))), np.arange(N_ALONE) % 2
    kind: Any = "classification"
    if library == "aeon":
        kind, y = "regression", y - 0.25  # whole numbers would be classes to aeon
    for fit in CONTESTANTS[library].values():
        fit(DataSet("none", kind, X[:4], y[:4], X, y), 0)
