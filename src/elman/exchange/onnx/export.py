"""A trained model in; an ONNX file that runs without elman out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from elman.exchange.onnx.answers import label_table
from elman.exchange.onnx.categories import TYPES, Tokens
from elman.exchange.onnx.graph import Type
from elman.exchange.onnx.metadata import description, elman_version, metadata
from elman.exchange.onnx.numbers import n_numbers
from elman.exchange.onnx.stream import graph_of_steps
from elman.exchange.onnx.whole import graph_of_whole
from elman.exchange.parts import ExchangeError, affine_of, model_of
from elman.formats.atomic import replacing
from elman.models.kinds import kind_of_model
from elman.models.model import TrainedModel

MOST_BYTES = 2_000_000_000
"""Of weights: a protobuf message, and so an ONNX file, has at most 2 GiB."""

MOST_LOST = 0.01
"""Of a feature's deviation, by the rounding of the feature to float32."""

OTHER_ROAD = "elman.exchange.to_c writes it as plain C"


def to_onnx(
    model: Any,
    path: str | os.PathLike[str],
    *,
    stream: bool = False,
    labels: bool = True,
    lengths: bool = True,
    tokens: Tokens | None = None,
) -> None:
    """Write a trained model as an ONNX file, which answers on its own in ONNX Runtime and others.

    The file is of opset 17 and IR version 8, with the operators RNN, GRU or LSTM, and holds all
    that the model does to X: scaling (also that of a pipeline), the front end, missing values,
    categories, readouts, labels. Its inputs are

    - ``X`` (batch, time, n_features), float32: sequences in the columns of training, padded to one
      length by anything, NaN included. Of a model of 2-D X, whose one feature has a column for each
      step, it is (batch, time, 1).
    - ``lengths`` (batch,), int32: how many steps of each are its own. A sample of length 0 has the
      answer that it has here.

    and its outputs

    - ``label`` (batch,) or, of a tagger, (batch, time): strings or int64. Of several labels at once
      (batch, n_labels), int64.
    - ``probabilities`` (batch, n_classes), of a tagger (batch, time, n_classes), float32.
    - of a regressor, instead of both, ``y``: (batch,), (batch, n_targets), or with the axis of time
      between them, float64.

    Past a sample's end probabilities are 0 and numbers NaN. The label there is "" (or,
    if that is a class, "?") or, among whole numbers, the largest negative one that is no class: the
    metadata's ``no_label``. A sample that holds NaN or infinity, which is an error here, or numbers
    so large that sums leave float32, has NaN as its probabilities or numbers, and that label; NaN
    is a missing value there as well if the model has ``missing="mask"``.

    With categories among the columns ``X`` holds the numbers alone, and each categorical column is
    an input of its own, ``tokens0``, ``tokens1``, ... (batch, time): strings, int64 or bool. If
    there is one such column and nothing else (texts, tokens), it is ``X``. With ``tokens="ids"``
    one input ``ids`` (batch, time, n_categorical), int64, takes their place, or ``X`` (batch,
    time); the metadata's ``vocabularies`` number the tokens from 1 on. A missing category is its id
    there (``missing_ids``), and among strings the empty one.

    The `metadata_props` of the file hold classes, feature names, what NaN means, and a digest of
    the model, as JSON.

    Parameters
    ----------
    model : RNNClassifier, RNNTagger, RNNRegressor, Pipeline, TrainedModel, str or Path
        Fitted, or the path of a model file. In a pipeline only `SequenceScaler` may come before.
    path : str or path-like
        The file, whose name ends in ".onnx". An older one is replaced, at once and whole.
    stream : bool, default=False
        Whether the graph reads one time step in a call. Its inputs are then ``x``, the step without
        the axis of time, and ``state`` (batch, state_size), float64; it has the output ``stateN``
        as well, which is the next call's ``state``. Zeros begin a sequence. After every step the
        answer is that of a whole sequence of so many steps, also within a block of a front end. A
        step that has no answer, because it holds NaN or infinity, leaves the state of its stream
        as it is.
    labels : bool, default=True
        Whether ``label`` holds the classes; False: their numbers, int64, for runtimes that know no
        strings (tract, OpenVINO, OpenCV), and -1 for none.
    lengths : bool, default=True
        Whether whole sequences come with ``lengths``. False: all samples of a batch have every step
        of it, at least one, for one sequence at a time, and for runtimes whose recurrent operators
        know no lengths (tract).
    tokens : {"text", "ids"}, optional
        As what categories come in: by default as ids where ``labels=False``, and else as text.

    Raises
    ------
    ExchangeError
        The operators of ONNX cannot say what the model does; `reasons_against` lists why.
    ImportError
        onnx is not installed: ``pip install "elman[onnx]"``.
    TypeError, ValueError
        It is no fitted model, or the name does not end in ".onnx".
    OSError
        The file cannot be written.

    Notes
    -----
    What comes in is float32, which holds 7 digits. A feature such as a time stamp, whose deviation
    is lost in them, is refused: subtract a constant before training. The file answers in float32,
    with the weights of a float64 network rounded; its probabilities are within about 1e-6 of the
    model's. An empty batch ends ONNX Runtime's process if the cell is a GRU or an LSTM, and so
    does, without ``lengths``, an empty sequence: do not feed one. tract reads every Elman network
    as one of tanh, so that ``activation="relu"`` answers wrongly there.

    Examples
    --------
    >>> import numpy as np
    >>> from elman import RNNClassifier
    >>> from elman.exchange import to_onnx
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 2)).astype(np.float32)
    >>> y = np.where(X[:, -1, 0] > 0, "up", "down")
    >>> clf = RNNClassifier(hidden_size=4, max_iter=3, random_state=0).fit(X, y)
    >>> to_onnx(clf, "model.onnx")

    It runs without elman:

    >>> import onnxruntime
    >>> session = onnxruntime.InferenceSession("model.onnx")
    >>> lengths = np.full(len(X), 5, np.int32)
    >>> label, probabilities = session.run(None, {"X": X, "lengths": lengths})
    >>> bool((label == clf.predict(X)).all())
    True
    >>> bool(np.allclose(probabilities, clf.predict_proba(X), rtol=0, atol=1e-6))
    True
    """
    if Path(path).suffix.lower() != ".onnx":
        raise ValueError(f"{path}: the name of an ONNX file ends in .onnx; name it so")
    made = onnx_model(model, stream=stream, labels=labels, lengths=lengths, tokens=tokens)
    content = made.SerializeToString()
    with replacing(path) as file:
        file.write(content)


def onnx_model(
    model: Any,
    *,
    stream: bool = False,
    labels: bool = True,
    lengths: bool = True,
    tokens: Tokens | None = None,
) -> Any:
    """The `onnx.ModelProto` that `to_onnx` writes, checked.

    Parameters
    ----------
    model, stream, labels, lengths, tokens
        As `to_onnx` takes them.
    """
    trained = model_of(model)
    reasons = reasons_against(trained, stream=stream, labels=labels, lengths=lengths, tokens=tokens)
    if reasons:
        raise ExchangeError(
            f"this {trained.kind} cannot go into an ONNX file: " + " ".join(reasons)
        )
    onnx = _onnx()
    form = _form(labels, tokens)
    if stream:
        graph = graph_of_steps(trained, labels=labels, tokens=form)
    else:
        graph = graph_of_whole(trained, labels=labels, tokens=form, lengths=lengths)
    made = graph.model(
        "elman",
        description(trained, stream=stream),
        elman_version(),
        metadata(trained, stream=stream, labels=labels, lengths=lengths, tokens=form),
    )
    onnx.checker.check_model(made, full_check=True)
    return made


def reasons_against(
    model: TrainedModel,
    *,
    stream: bool = False,
    labels: bool = True,
    lengths: bool = True,
    tokens: Tokens | None = None,
) -> list[str]:
    """What of a model an ONNX file cannot hold; [] if all of it can.

    Parameters
    ----------
    model : TrainedModel
    stream, labels, lengths, tokens
        As `to_onnx` takes them.

    Returns
    -------
    list of str
        Each names a hyper-parameter with its value, why, and what to do instead.
    """
    if tokens not in (None, "text", "ids"):
        raise ValueError(f"tokens={tokens!r:.60}; it must be 'text', 'ids' or None")
    layout, found = model.network.layout, []
    if layout.cell.layer_norm:
        found.append(
            "layer_norm=True normalises sums within the cell, for which ONNX has no recurrent "
            f"operator; {OTHER_ROAD}"
        )
    if model.missing == "skip":
        found.append(
            "missing='skip' leaves out steps of each sample, which the recurrent operators of ONNX "
            f"cannot do; {OTHER_ROAD}, or leave out the steps yourself and train with "
            "missing='error'"
        )
    if stream and layout.bidirectional:
        found.append(
            "bidirectional=True reads a sequence from its end as well, so that it has no answer "
            "while it goes on: export it with stream=False"
        )
    if stream and model.frontend.scale_each:
        found.append(
            "scale_each=True divides a recording by its own amplitude, which is known at its end "
            "only: export it with stream=False"
        )
    if _form(labels, tokens) == "text":
        found += _against_text(model)
    kind = kind_of_model(model)
    if labels and kind in ("label", "steps") and label_table(model.__dict__["classes"]) is None:
        shown = model.__dict__["classes"].tolist()[:3]
        found.append(
            f"classes_ ({str(shown)[1:-1]:.60}, ...) are neither text nor whole numbers: export "
            "with labels=False, which gives the numbers of classes"
        )
    with np.errstate(over="ignore"):
        too_large = [
            name
            for name, weight in model.network.params.items()
            if not np.isfinite(weight.astype(np.float32)).all()
        ]
    if too_large:
        found.append(f"the weights {too_large[0]} leave the range of float32; {OTHER_ROAD}")
    found += _against_offsets(model)
    if 4 * model.network.params.flat.size > MOST_BYTES:
        found.append("its weights take more than 2 GB, which no ONNX file holds by itself")
    return [f"{reason}." for reason in found]


def _against_offsets(model: TrainedModel) -> list[str]:
    """Why features that lie far from 0 cannot come in as float32."""
    n = n_numbers(model)
    mean, scale = np.zeros(n), np.ones(n)
    for each_mean, each_scale in affine_of(model):
        own = slice(len(each_mean) - n, None)
        mean, scale = mean + scale * each_mean[own], scale * each_scale[own]
    # A mean that float32 holds is what a constant feature of float32 had.
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = mean.astype(np.float32)
        lost = np.spacing(np.abs(rounded)) / 2 > MOST_LOST * scale
    far = np.flatnonzero(lost & (rounded != mean))
    if not len(far):
        return []
    j = int(far[0])
    column = j if model.symbols is None else model.symbols.numeric[j]
    names = None if model.two_d else model.feature_names
    called = "" if names is None else f" ({names[column]!r:.40})"
    return [
        f"feature {column}{called} lies about {mean[j]:.3g} from 0 with a deviation of "
        f"{scale[j]:.3g}, which is lost in the 7 digits of float32, the type of X: subtract a "
        f"constant before training; {OTHER_ROAD}, which reads such features as double"
    ]


def _against_text(model: TrainedModel) -> list[str]:
    """Why tokens cannot be looked up in the graph."""
    symbols = model.symbols
    if symbols is None:
        return []
    asked = [
        *(["lowercase=True"] if symbols.lowercase else []),
        *([f"strip_accents={symbols.strip_accents!r}"] if symbols.strip_accents else []),
    ]
    texts = any(TYPES[each.kind] == Type.STRING for each in symbols.vocabularies)
    if not asked or not texts:
        return []
    return [
        f"{' and '.join(asked)} changes text before it is looked up, for which ONNX has no "
        "operator: export with tokens='ids', and number the tokens yourself"
    ]


def _form(labels: bool, tokens: Tokens | None) -> Tokens:
    """As what categories come in."""
    return tokens or ("text" if labels else "ids")


def _onnx() -> Any:
    """The package onnx, with the parts of it that are used."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError('ONNX files need onnx: pip install "elman[onnx]"') from error
    return onnx
