"""A state dict of PyTorch's in; a fitted estimator that answers as the network did, out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.backends.cells import Cell
from elman.backends.streams import MISSING
from elman.data.frontend import Frontend
from elman.data.scaling import Standardisation
from elman.data.symbols import Symbols, Vocabulary
from elman.exchange.given import in_order, labels_of
from elman.exchange.parts import ExchangeError, model_of
from elman.exchange.torch.description import of_text, put_together, taken_apart
from elman.exchange.torch.found import CONVERSION, Affine, Finder, Stack
from elman.exchange.torch.names import listed
from elman.exchange.torch.tensors import Tensors, tensors_of
from elman.models.classifier import TrainedClassifier
from elman.models.files import Saved
from elman.models.history import History
from elman.models.labels import describe_labels
from elman.models.model import TrainedModel
from elman.models.pipeline import SCALER, PipelineSteps, StepBefore
from elman.models.regressor import TrainedRegressor
from elman.models.tagger import TrainedTagger
from elman.nn.categories import embedding_name
from elman.nn.layout import Layout
from elman.nn.network import Network, network_shapes
from elman.nn.parameters import Parameters
from elman.nn.readouts import EVERY, Readout, names_of, plain_readout

Array = NDArray[Any]

TASKS = ("classify", "multilabel", "tag", "regress")


def from_state_dict(
    weights: Any,
    *,
    readout: str | Sequence[str] | None = None,
    task: str = "classify",
    classes: Iterable[Any] | None = None,
    rnn: str | Sequence[str] | None = None,
    head: str | None = None,
    cell: str | None = None,
    activation: str = "tanh",
    scaling: Any = None,
    target_scaling: Any = None,
    missing: str = "error",
    feature_names: Sequence[str] | None = None,
    vocabulary: Sequence[Any] | None = None,
    unknown: Any = None,
    embedding: str | None = None,
    ignore: Sequence[str] = (),
    like: Any = None,
) -> Any:
    """A fitted estimator of the weights of a network that PyTorch trained.

    Of a file that `save_state_dict` wrote nothing else need be said; nor of the state dict of a
    module that `to_torch` made, if `like` is the model that it was made of. Of any other network
    the arguments say what the weights do not: above all how the head reads the states, and which
    class each of its outputs is.

    The network has to be ``torch.nn.RNN``, ``GRU`` or ``LSTM``, of any number of layers and in one
    or two directions, an ``nn.Linear`` on what is read of the states, and before them possibly one
    ``nn.Embedding``. The cell is told from the shapes. Tensors that are left over, or missing, are
    an error that names them.

    **What the head reads** has no default, because a wrong one gives answers that look right.
    With samples of unequal length, or in two directions, these are different things:

    - ``h_n[-1]`` after ``pack_padded_sequence``, and of a bidirectional network
      ``torch.cat([h_n[-2], h_n[-1]], 1)``, is ``readout="last"``: the state at each sample's own
      last step, and backward that once its first step was read.
    - ``output[:, -1]`` of a padded batch that was not packed is the state after the padding. It
      is ``readout="last"`` only if no sample was padded, in training and now. A head that was
      trained on padded samples learned what padding makes of a state, which no readout gives back:
      train it again on ``h_n``.
    - ``output[:, -1]`` of a bidirectional network is no readout of elman's, padded or not: its
      backward half has read a single step. Train the head again on ``h_n``.
    - A mean or a maximum over a sample's own steps is ``readout="mean"`` or ``"max"``. One over
      ``dim=1`` of a padded output is the same only if no sample was padded.
    - Several of them side by side, as ``torch.cat([h_n[-1], output.mean(1)], 1)``, are a tuple:
      ``readout=("last", "mean")``, in that order.

    Parameters
    ----------
    weights : mapping of str to ndarray or torch.Tensor, str or Path
        A state dict, or the file of one: .safetensors, or what ``torch.save`` wrote (.pt, .pth,
        .bin, .ckpt), which PyTorch from 2.6 on reads with ``weights_only=True``, and nothing else
        does. All weights are float32, or all float64.
    readout : {"last", "mean", "max", "every"} or a tuple of the first three
        What the head reads; "every" is each state, for an answer at every time step.
    task : {"classify", "multilabel", "tag", "regress"}, default="classify"
        What the outputs are: logits of classes, of which one is right, of a sample (an
        RNNClassifier) or of each time step (an RNNTagger, whose readout is "every"); logits of
        independent labels; or numbers (an RNNRegressor; with readout "every" of each time step).
        A head with one output that classifies is the logit of the second of two classes, as of
        ``BCEWithLogitsLoss``.
    classes : sequence of labels, optional
        The label of each output, in their order; 0, 1, ... by default. The estimator has them
        sorted, as every classifier of scikit-learn has, and its outputs with them.
    rnn : str or sequence of str, optional
        What the names of the recurrent layers begin with, such as "encoder.gru."; several modules,
        each of which reads what the one before gives, in that order. None is the only one.
    head : str, optional
        What the names of the head begin with. None is the only layer that reads as many columns.
    cell : {"elman", "gru", "lstm"}, optional
        What the cell has to be, if you want it checked.
    activation : {"tanh", "relu"}, default="tanh"
        The ``nonlinearity`` of an ``nn.RNN``, which its weights do not show.
    scaling : (mean, scale), SequenceScaler or StandardScaler, optional
        What was subtracted from each feature before the network, and what it was divided by.
    target_scaling : (mean, scale), SequenceScaler or StandardScaler, optional
        Of a regressor: its value is output * scale + mean.
    missing : {"error", "mask", "skip"}, default="error"
        What NaN in X means. With "mask" the network's inputs are the features with 0 for NaN, and
        then for each of them 1 where it was NaN, else 0; with "skip" the step is left out.
    feature_names : sequence of str, optional
        Names of the columns of X.
    vocabulary : str or sequence, optional
        What each row of an ``nn.Embedding`` stands for, in their order: a str, whose characters are
        the steps of texts; or a sequence of tokens, str or int. None in it is a row that stands for
        no token, such as that of padding, of which elman has no need.
    unknown : str or int, optional
        The entry of `vocabulary` that stands for all tokens that are not in it; by default such a
        token is an error.
    embedding : str, optional
        What the name of the ``nn.Embedding`` begins with; None is the only one that fits.
    ignore : sequence of str
        Names of tensors that have no part in the answers, such as the weights of a loss; one that
        ends in a dot is all that begins with it.
    like : RNNClassifier, RNNTagger, RNNRegressor, Pipeline, TrainedModel, str or Path, optional
        A model, or the file of one, which has all that the weights do not say: for the state dict
        of a module that `to_torch` made of it. The names have to be those of `to_state_dict`.

    Returns
    -------
    RNNClassifier, RNNTagger or RNNRegressor
        Fitted. It predicts, can be saved, and goes on training with ``partial_fit``; its history is
        empty. A Pipeline, if there are scalers before the model.

    Raises
    ------
    ExchangeError
        The weights are not those of such a network; the message names the tensors.
    TypeError
        An argument of another type.
    ImportError
        A .pt file without PyTorch; the message shows how to convert it.
    OSError
        The file cannot be read.

    See Also
    --------
    to_torch : a module that gives our probabilities, to be trained further.

    Examples
    --------
    The weights of ``nn.GRU(2, 3)`` and ``nn.Linear(3, 2)``, here drawn at random:

    >>> import numpy as np
    >>> from elman.exchange import from_state_dict
    >>> rng = np.random.default_rng(0)
    >>> shapes = {"gru.weight_ih_l0": (9, 2), "gru.weight_hh_l0": (9, 3), "gru.bias_ih_l0": (9,),
    ...           "gru.bias_hh_l0": (9,), "fc.weight": (2, 3), "fc.bias": (2,)}
    >>> weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    >>> clf = from_state_dict(weights, readout="last", classes=["sit", "run"])
    >>> clf.cell, clf.classes_.tolist(), clf.predict_proba(rng.normal(size=(3, 5, 2))).shape
    ('gru', ['run', 'sit'], (3, 2))
    >>> del weights["gru.bias_hh_l0"]
    >>> from_state_dict(weights, readout="last")
    Traceback (most recent call last):
        ...
    elman.exchange.parts.ExchangeError: the state dict lacks gru.bias_hh_l0
    """
    given = {
        "readout": readout,
        "classes": classes,
        "rnn": rnn,
        "head": head,
        "cell": cell,
        "scaling": scaling,
        "target_scaling": target_scaling,
        "feature_names": feature_names,
        "vocabulary": vocabulary,
        "unknown": unknown,
        "embedding": embedding,
    }
    said = [name for name, value in given.items() if value is not None]
    said += ["task"] * (task != "classify") + ["missing"] * (missing != "error")
    said += ["activation"] * (activation != "tanh")
    tensors = tensors_of(weights)
    if isinstance(ignore, str):
        raise TypeError(f"ignore={ignore!r:.80}; it must be a list of names")
    tensors = tensors.without(tuple(ignore))
    if like is not None or tensors.description is not None:
        if said:
            whose = "the model in like=" if like is not None else "the file"
            raise ExchangeError(f"{listed(said)}: {whose} says it already; leave it out")
        return estimator_around(_described(tensors, like))
    if task not in TASKS:
        raise ExchangeError(f"task={task!r:.80} is not known; choose one of {', '.join(TASKS)}")
    if missing not in MISSING:
        raise ExchangeError(f"missing={missing!r:.80}; choose one of {', '.join(MISSING)}")
    read = _readout(readout, task)
    finder = Finder(tensors)
    stack = finder.stack(rnn)
    if cell is not None and cell != stack.cell:
        raise ExchangeError(f"cell={cell!r:.80}, but by their shapes the weights are {stack.cell}")
    weights_of_tokens, symbols = None, None
    if vocabulary is not None:
        weights_of_tokens, symbols = _tokens(
            finder, vocabulary, unknown, embedding, stack.n_inputs, missing
        )
    elif unknown is not None or embedding is not None:
        raise ExchangeError("unknown and embedding belong to a vocabulary, and there is none")
    n_readouts = len(names_of(read))
    reads = f"{' and '.join(names_of(read))} of states of {stack.width}"
    found = finder.head(head, n_readouts * stack.width, reads)
    finder.refuse_left()
    dtype = finder.one_type()
    if activation != "tanh" and stack.cell != "elman":
        raise ExchangeError(
            f"activation={activation!r:.80} is that of an nn.RNN, but the weights are those of "
            f"{stack.cell}, which has tanh inside"
        )
    n_features = 1 if symbols is not None else _n_features(stack, missing)
    shared: dict[str, Any] = {
        "n_features_in": n_features,
        "two_d": False,
        "standardisation": _affine("scaling", scaling, n_features),
        "missing": missing,
        "feature_names": _names(feature_names, n_features),
        "symbols": symbols,
        "frontend": Frontend(n_codes=0 if symbols is None else symbols.n_codes),
    }
    if symbols is not None and (scaling is not None or feature_names is not None):
        raise ExchangeError("scaling and feature_names are of numbers, and X holds tokens")
    meaning, found = _answers(task, read, classes, target_scaling, found)
    network = _network(stack, found, read, activation, dtype, weights_of_tokens)
    kind: type[TrainedModel] = {
        "tag": TrainedTagger,
        "regress": TrainedRegressor,
    }.get(task, TrainedClassifier)
    return estimator_around(kind(network=network, **shared, **meaning))


def estimator_around(model: TrainedModel) -> Any:
    """The estimator of a model; a pipeline, if it has scalers before it."""
    from elman.estimators.loading import estimator_of

    if not model.before:
        return estimator_of(model)
    from elman.estimators.pipelines import pipeline_of

    last = estimator_of(replace(model, before=(), feature_names=None))
    scalers = [StepBefore(f"scaler{i}", SCALER) for i, _ in enumerate(model.before)]
    steps = PipelineSteps(
        before=tuple(scalers), name=type(last).__name__.lower(), feature_names=None
    )
    return pipeline_of(Saved(model, {}, History()), last, steps)


def _described(tensors: Tensors, like: Any) -> TrainedModel:
    """The model of tensors under our own names, and of what says the rest."""
    if tensors.others:
        name, what = next(iter(tensors.others.items()))
        raise ExchangeError(f"{name} is {what}; {CONVERSION}")
    for name, array in tensors.arrays.items():
        if not np.isfinite(array).all():
            raise ExchangeError(f"{name} holds NaN or infinity")
    if like is not None:
        return put_together(tensors.arrays, taken_apart(model_of(like))[1])
    return put_together(tensors.arrays, of_text(str(tensors.description)))


# What the arguments say


def _readout(readout: Any, task: str) -> Readout:
    if readout is None:
        if task == "tag":
            return EVERY
        raise ExchangeError(
            "readout is not given: say what the head reads, 'last' (h_n, the state at each "
            "sample's own last step), 'mean' or 'max' over its own steps, several of them in a "
            "tuple, or 'every' step. The weights do not show it, and output[:, -1] of padded "
            "samples, or in two directions, is none of them"
        )
    found = plain_readout(readout)
    if "attention" in names_of(found):
        raise ExchangeError(
            "readout='attention' comes back from a file that save_state_dict wrote, or with like=: "
            "the attention of another network has other equations"
        )
    if (task == "tag") != (found == EVERY) and task != "regress":
        raise ExchangeError(
            f"task={task!r} and readout={found!r}: 'every' is for answers at every time step, of "
            "task='tag' or 'regress', and a tagger reads 'every'"
        )
    return found


def _n_features(stack: Stack, missing: str) -> int:
    if missing != "mask":
        return stack.n_inputs
    if stack.n_inputs % 2:
        raise ExchangeError(
            f"missing='mask' gives a network two columns for each feature, but this one reads "
            f"{stack.n_inputs}"
        )
    return stack.n_inputs // 2


def _names(names: Any, n_features: int) -> tuple[str, ...] | None:
    if names is None:
        return None
    found = [names] if isinstance(names, str) else in_order("feature_names", names)
    fits = len(set(map(str, found))) == n_features == len(found)
    if not fits or not all(isinstance(name, str) for name in found):
        raise ExchangeError(
            f"feature_names={found!r:.200}; it must be {n_features} different names"
        )
    return tuple(found)


def _affine(name: str, given: Any, n: int) -> Standardisation | None:
    """Mean and scale of what a user passed; they are (n,) each."""
    if given is None:
        return None
    if hasattr(given, "mean_") and hasattr(given, "scale_"):
        mean, scale = given.mean_, given.scale_
        # StandardScaler(with_mean=False) has a mean, which it does not subtract.
        mean = np.zeros(n) if mean is None or not getattr(given, "with_mean", True) else mean
        scale = np.ones(n) if scale is None else scale
    elif isinstance(given, (tuple, list)) and len(given) == 2:
        mean, scale = given
    else:
        raise TypeError(
            f"{name} is a {type(given).__name__}; it must be a pair (mean, scale), or a scaler "
            "with mean_ and scale_"
        )
    found = Standardisation(*(np.array(each, np.float64).reshape(-1) for each in (mean, scale)))
    for part, each in zip(("mean", "scale"), found, strict=True):
        if each.shape != (n,):
            raise ExchangeError(f"{name}: the {part} has {each.size} value(s), for {n} column(s)")
        if not np.isfinite(each).all() or (part == "scale" and (each <= 0).any()):
            raise ExchangeError(f"{name}: the {part} is {each.tolist()!r:.200}")
    return found


def _answers(
    task: str, readout: Readout, classes: Any, target_scaling: Any, head: Affine
) -> tuple[dict[str, Any], Affine]:
    """What the outputs mean, and the head with a column for each of the answers."""
    n_outputs = len(head.weight)
    if task != "regress" and target_scaling is not None:
        raise ExchangeError(f"target_scaling is that of a regressor, and task={task!r}")
    if task in ("regress", "multilabel") and classes is not None:
        raise ExchangeError(f"classes are of task='classify' or 'tag', and task={task!r}")
    if task == "regress":
        scale = _affine("target_scaling", target_scaling, n_outputs)
        return {
            "target_scale": scale or Standardisation(np.zeros(n_outputs), np.ones(n_outputs)),
            "one_target": n_outputs == 1,
            "per_step": readout == EVERY,
        }, head
    if task == "multilabel":
        return {"classes": np.arange(n_outputs), "multilabel": True}, head
    if n_outputs == 1:  # softmax of (0, z) is (1 - s(z), s(z))
        head = Affine(
            np.concatenate([np.zeros_like(head.weight), head.weight]),
            np.concatenate([np.zeros_like(head.bias), head.bias]),
        )
    labels = np.arange(len(head.weight)) if classes is None else labels_of(classes)
    if len(labels) != len(head.weight):
        raise ExchangeError(
            f"classes has {len(labels)} labels, but the head has {n_outputs} output(s)"
            + (": one output is the logit of the second of two classes" * (n_outputs == 1))
        )
    try:
        order = np.argsort(labels, kind="stable")
        distinct = len(np.unique(labels)) == len(labels)
        describe_labels(labels)
    except TypeError as error:
        raise ExchangeError(f"classes={labels.tolist()!r:.200}: {error}") from error
    if not distinct:
        raise ExchangeError(f"classes={labels.tolist()!r:.200} has a label twice")
    return {"classes": labels[order]}, Affine(head.weight[order], head.bias[order])


def _tokens(
    finder: Finder, vocabulary: Any, unknown: Any, embedding: str | None, size: int, missing: str
) -> tuple[Array, Symbols]:
    """The vectors of categories in our order, the unknown first, and what they stand for."""
    characters = isinstance(vocabulary, str)
    given = [*vocabulary] if characters else in_order("vocabulary", vocabulary)
    rows = [each.item() if isinstance(each, np.generic) else each for each in given]
    tokens = [token for token in rows if token is not None]
    kinds = {type(token) for token in tokens}
    if len(kinds) != 1 or not kinds <= {str, int}:
        raise ExchangeError(
            f"vocabulary={rows!r:.200}; its entries must be all texts, or all whole numbers, and "
            "None for a row of no token"
        )
    if missing == "mask":
        raise ExchangeError(
            "missing='mask' gives the network 0 for a number that is missing, and X holds tokens: "
            "leave it out, or take 'skip', with which a step without a token is left out"
        )
    if len(set(tokens)) < len(tokens):
        twice = next(token for i, token in enumerate(tokens) if token in tokens[:i])
        raise ExchangeError(f"the vocabulary holds {twice!r:.80} twice")
    if unknown is not None and unknown not in tokens:
        raise ExchangeError(f"unknown={unknown!r:.80} is not in the vocabulary")
    E = finder.embedding(embedding, len(rows), size)
    known = [i for i, token in enumerate(rows) if token is not None and token != unknown]
    if not known:
        raise ExchangeError("the vocabulary has no token that is known")
    of_unknown = np.zeros((1, size), E.dtype)
    if unknown is not None:
        of_unknown = E[[rows.index(unknown)]]
    kind: Any = "characters" if characters else "int" if kinds == {int} else "text"
    found = Vocabulary(
        kind=kind,
        tokens=tuple(rows[i] for i in known),
        counts=np.zeros(len(known) + 1, np.int64),
    )
    symbols = Symbols(
        form="characters" if characters else "tokens",
        categorical=(0,),
        n_columns=1,
        feature_names=None,
        vocabularies=(found,),
        handle_unknown="error" if unknown is None else "unknown",
        missing=missing,  # type: ignore[arg-type]  # checked above
    )
    return np.concatenate([of_unknown, E[known]]), symbols


def _network(
    stack: Stack,
    head: Affine,
    readout: Readout,
    activation: str,
    dtype: np.dtype[Any],
    vectors: Array | None,
) -> Network:
    try:
        layout = Layout(
            stack.n_inputs if vectors is None else 1,
            stack.hidden_sizes,
            len(head.weight),
            cell=Cell(stack.cell, activation),  # type: ignore[arg-type]  # which it checks
            readout=readout,
            bidirectional=stack.n_directions == 2,
            categories=() if vectors is None else ((len(vectors), vectors.shape[1]),),
        )
    except ValueError as error:
        raise ExchangeError(str(error)) from error
    arrays = stack.weights | {"head.W": head.weight.T, "head.b": head.bias}
    if vectors is not None:
        arrays[embedding_name(0)] = vectors
    ordered = {name: arrays[name] for name in network_shapes(layout)}
    params = Parameters.from_arrays(ordered, dtype)
    spoilt = params.unusable()
    if spoilt is not None:
        raise ExchangeError(
            f"the weights that became {spoilt} are so large that no network can compute with them"
        )
    return Network(layout, params)
