"""A trained model in; its weights under PyTorch's names out, as a mapping or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.exchange.parts import ExchangeError, model_of
from elman.exchange.torch.description import as_text, taken_apart
from elman.formats.atomic import replacing
from elman.models.model import TrainedModel

METADATA = "elman"
"""The key in the metadata of a file under which the description of the model stands."""


def reasons_against(model: TrainedModel) -> list[str]:
    """What PyTorch cannot say of a model: nothing, whatever the model is."""
    return []


def to_state_dict(model: Any) -> dict[str, NDArray[Any]]:
    """The weights of a trained model under the names that PyTorch gives them.

    Those of the recurrent layers are in PyTorch's shapes and order of gates, so that
    ``torch.nn.RNN``, ``GRU`` or ``LSTM`` take them as they are. All of our bias is in ``bias_ih``,
    and ``bias_hh`` is zero, but for the block of a GRU's candidate.

    ===========================================  ==================================================
    name                                         what it is
    ===========================================  ==================================================
    ``rnn.weight_ih_l0``, ``weight_hh_l0``,      the recurrent layers, from below; ``_reverse`` at
    ``bias_ih_l0``, ``bias_hh_l0``               the end of a name is the backward direction
    ``rnn.0.weight_ih_l0``, ``rnn.1. ...``       the same where one module of PyTorch's cannot be
                                                 the stack: hidden sizes differ, ``residual``, or
                                                 ``layer_norm``, which has ``bias_l0`` and
                                                 ``gain_l0`` for the two biases
    ``embedding.0.weight``                       the vectors of the first column of categories, by
                                                 id; one that is fed one-hot has none
    ``head.weight``, ``head.bias``               the output layer, a ``torch.nn.Linear``
    ``initial_l0``, ``initial_l0_reverse``       with ``learn_initial_state`` the state before the
                                                 first step; of an LSTM h, then c
    ``attention.query``                          of the readout "attention"
    ``standardize.mean``, ``standardize.scale``  float64, as are the next three: what is subtracted
                                                 from a feature, and what it is divided by
    ``before0.mean``, ``before0.scale``          the same of the scalers of a pipeline
    ``frontend.delta_scale``, ``log_mean``,      what the front end learned
    ``log_scale``
    ``target.mean``, ``target.scale``            of a regressor: its value is output * scale + mean
    ===========================================  ==================================================

    They are the names in the state dict of the module that `to_torch` makes. What is not a number
    of the network (the cell, the readout, classes, vocabularies) is not in the mapping;
    `save_state_dict` writes it beside the weights.

    Parameters
    ----------
    model : RNNClassifier, RNNTagger, RNNRegressor, Pipeline, TrainedModel, str or Path
        Fitted, or the file of one. Of a pipeline the scalers before the estimator come along.

    Returns
    -------
    dict of str to ndarray
        Copies, of the type that the model computes in, float32 or float64.

    Raises
    ------
    TypeError, ValueError
        It is none of these, is not fitted, or its weights are not finite.

    See Also
    --------
    from_state_dict : the way back.

    Examples
    --------
    >>> import elman
    >>> from elman.data import make_parity
    >>> X, y = make_parity(20, random_state=0)
    >>> clf = elman.RNNClassifier(4, cell="gru", max_iter=2, random_state=0).fit(X, y)
    >>> for name, array in elman.exchange.to_state_dict(clf).items():
    ...     print(name, array.shape)
    rnn.weight_ih_l0 (12, 1)
    rnn.weight_hh_l0 (12, 4)
    rnn.bias_ih_l0 (12,)
    rnn.bias_hh_l0 (12,)
    head.weight (2, 4)
    head.bias (2,)
    standardize.mean (1,)
    standardize.scale (1,)
    """
    return taken_apart(model_of(model))[0]


def save_state_dict(model: Any, path: str | Path) -> None:
    """Write the weights of a trained model, under PyTorch's names, to a safetensors file.

    Its tensors are those of `to_state_dict`, so that ``safetensors.torch.load_file`` gives a state
    dict. Its metadata say under "elman", as JSON, what the weights leave unsaid: the cell, its
    activation, the readout, classes, vocabularies, what a missing value means. With them
    ``from_state_dict(path)`` gives the model back whole, to the bit of every prediction of the same
    backend; the hyper-parameters of its training, and its history, are only in the file of
    `elman.save`. The file is replaced in one step, and the same model gives the same bytes.

    Parameters
    ----------
    model : RNNClassifier, RNNTagger, RNNRegressor, Pipeline, TrainedModel, str or Path
        As `to_state_dict` takes it.
    path : str or Path
        Its suffix must be .safetensors.

    Raises
    ------
    TypeError, ValueError
        The model is none, or the suffix is another one.
    OSError
        The file cannot be written; one that was there before is left whole.

    Examples
    --------
    >>> import tempfile
    >>> import elman
    >>> from elman.data import make_parity
    >>> X, y = make_parity(20, random_state=0)
    >>> clf = elman.RNNClassifier(4, max_iter=2, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     elman.exchange.save_state_dict(clf, f"{folder}/weights.safetensors")
    ...     again = elman.exchange.from_state_dict(f"{folder}/weights.safetensors")
    >>> bool((again.predict_proba(X) == clf.predict_proba(X)).all())
    True
    """
    from safetensors.numpy import save

    if Path(path).suffix != ".safetensors":
        raise ExchangeError(f"{path}: the suffix of a file of weights is .safetensors")
    state, unsaid = taken_apart(model_of(model))
    # With one key there is one order of the metadata, which safetensors else draws at random.
    content = save(_ordered(state), {METADATA: as_text(unsaid)})
    with replacing(path) as file:
        file.write(content)


def _ordered(state: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name: np.ascontiguousarray(state[name]) for name in sorted(state)}
