"""The hyper-parameters of all estimators, each declared once.

A declaration has the name, default, check, one-line help and documentation of a hyper-parameter,
and says what it shapes. Constructors, docstrings, options of `elman fit`, what a model file keeps
and what a checkpoint compares all come from here.

The annotations are evaluated at once (no `from __future__ import annotations`), so that
`typing.get_type_hints` of an estimator's constructor works wherever the estimator is defined.
"""

import math
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from os import PathLike
from typing import Any, Literal, NoReturn, TypeVar

from elman.backends.cells import ACTIVATIONS, CELLS
from elman.backends.streams import MISSING
from elman.hyperparameters.checks import (
    Check,
    batch_samples,
    block_steps,
    boolean,
    class_weighting,
    deltas_order,
    epochs_or_share,
    float_dtype,
    functions,
    integer,
    most_epochs,
    one_of,
    optional,
    path,
    readout_of_any,
    readout_of_samples,
    real,
    scorer,
    seed,
    sizes,
    thread_count,
    verbosity,
)
from elman.hyperparameters.symbol_checks import (
    categorical_columns,
    embedding_width,
    frequency,
    initial_vectors,
    known_categories,
)
from elman.nn.initializers import RECURRENT
from elman.nn.objectives import REGRESSION_LOSSES
from elman.nn.optimizers import OUTER_SOLVERS, SOLVERS
from elman.nn.readouts import EVERY, READOUTS
from elman.nn.schedules import SCHEDULES

T = TypeVar("T")
Shapes = Literal["network", "training", "run"]
"""What a hyper-parameter decides: what the network is made of, how its weights are found, or how a
fit is carried out (where it computes, what it keeps on disk, what it reports)."""

PLACE = "(written from `elman.hyperparameters.declared`)"
"""Stands in an estimator's docstring where its parameters go."""


@dataclass(frozen=True, eq=False)
class Declaration:
    """All there is to know of one hyper-parameter but its name."""

    default: Any
    check: Check
    check_of: Mapping[str, Check]
    """for the estimators named another check, of the same type of values"""
    help: str
    """one line, for the command line"""
    doc: str
    """for the docstring of an estimator"""
    doc_of: Mapping[str, str]
    """the same in other words, for the estimators named"""
    shapes: Shapes
    bits: bool
    """whether another value may change a bit of what `fit` learns"""
    saved: bool
    """whether a model file keeps it; a path or a function is not to come from a file"""
    option: bool
    """whether `elman fit` has an option of this name"""
    formerly: str | None
    """its name in files of older versions"""
    earlier: Any
    """what all was done with before it could be chosen, and so what a model file or a checkpoint
    means that does not mention it: the default, unless that has changed"""

    def check_for(self, estimator: str) -> Check:
        """The check of the values that an estimator of this name takes."""
        return self.check_of.get(estimator, self.check)


def declared(
    default: T,
    check: Check,
    *,
    help: str,
    doc: str,
    shapes: Shapes,
    check_of: Mapping[str, Check] | None = None,
    doc_of: Mapping[str, str] | None = None,
    bits: bool = True,
    saved: bool = True,
    option: bool = True,
    formerly: str | None = None,
    earlier: T | None = None,
) -> T:
    """Declare a hyper-parameter: a field of a dataclass, with a `Declaration`.

    To a type checker it is its default.
    """
    declaration = Declaration(
        default,
        check,
        check_of or {},
        help,
        doc,
        doc_of or {},
        shapes,
        bits,
        saved,
        option,
        formerly,
        default if earlier is None else earlier,
    )
    return field(default=default, metadata={"declaration": declaration})


def of_its_own(parameters: type, name: str, default: T) -> T:
    """Declare that an estimator has another default than the dataclass that it inherits from.

    Parameters
    ----------
    parameters : type
        The dataclass in which the hyper-parameter is declared.
    name : str
    default : object
    """
    declaration = next(each for each in fields(parameters) if each.name == name).metadata[
        "declaration"
    ]
    return field(default=default, metadata={"declaration": replace(declaration, default=default)})


def _either(names: Iterable[str]) -> str:
    """Names as a sentence lists them: "last, mean or max"."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


_READ = "; ".join(f'"{name}": {readout.about}' for name, readout in READOUTS.items())
"""What each readout reads, as documentation lists it."""

_SEVERAL = """A tuple, such as ("last", "max"), has several read side by side: the head reads their
vectors one after the other, in that order."""

# The fields of a dataclass begin with those of its last base. eq=False and repr=False leave
# comparing, hashing and printing to scikit-learn's base class.


@dataclass(eq=False, repr=False)
class NetworkParameters:
    """What the network is made of, for every estimator."""

    hidden_size: int | Sequence[int] = declared(
        96,
        sizes,
        help="Width of the hidden state; with commas, of each layer.",
        doc="""
        Units of each recurrent layer (of each direction of it); a sequence has one for each layer.
        """,
        shapes="network",
    )
    _: KW_ONLY
    cell: str = declared(
        "elman",
        one_of(*CELLS),
        help=f"Recurrent cell: {_either(CELLS)}.",
        doc="""
        Recurrent cell: the simple one of Elman (1990), a gated recurrent unit, or long short-term
        memory. `elman.backends.cells.Cell` has the equations.
        """,
        shapes="network",
    )
    activation: str = declared(
        "tanh",
        one_of(*ACTIVATIONS),
        help=f"Activation of the Elman cell: {_either(ACTIVATIONS)}.",
        doc="""
        Only for cell="elman": the others are made of tanh and the logistic function.
        """,
        shapes="network",
    )
    layer_norm: bool = declared(
        False,
        boolean,
        help="Normalise over a layer's units inside the cell.",
        doc="""
        Normalise each sum that goes into an activation or a gate over the units of its layer, then
        scale it by a learned gain, before its bias is added: Ba, Kiros and Hinton (2016), "Layer
        normalization". `elman.backends.cells.Cell` has the equations. Gains start at 0.3 in
        the Elman cell, 0.1 in the GRU and 0.2 in the LSTM. Leave it off where a step has one or few
        features: a sum normalised over the units no longer says how large the input was. In
        cross-validation on sets with one to three features it cost up to 17 points of accuracy.
        """,
        shapes="network",
    )
    forget_bias: float = declared(
        1.0,
        real(-math.inf, open_low=True),
        help="Initial bias of the LSTM's forget gate.",
        doc="""
        Only for cell="lstm": the forget gate's initial bias.
        """,
        shapes="network",
    )
    n_layers: int = declared(
        1,
        integer(1),
        help="Recurrent layers.",
        doc="""
        Recurrent layers, one over the other. Beside a sequence of sizes it may be left out.
        """,
        shapes="network",
    )
    bidirectional: bool = declared(
        False,
        boolean,
        help="Read each recording from its end as well.",
        doc="""
        Every layer reads each sequence from its own end to its start as well; the states of both
        directions stand side by side.
        """,
        shapes="network",
    )
    residual: bool = declared(
        False,
        boolean,
        help="Add each upper layer's input to its output.",
        doc="""
        From the second layer on, a layer's output is the sum of its states and its input, so that
        layers must be of one size. A single layer has nothing to add.
        """,
        shapes="network",
    )
    learn_initial_state: bool = declared(
        False,
        boolean,
        help="Learn the state before the first step.",
        doc="""
        Learn each layer's state before the first step; otherwise it is zero.
        """,
        shapes="network",
    )
    dropout: float = declared(
        0.0,
        real(0, 1),
        help="Share of units left out in training.",
        doc="""
        Share of each layer's output units, and of what the head reads, left out at random in
        training: for each sample and epoch others, the same at all time steps.
        """,
        shapes="network",
    )
    recurrent_dropout: float = declared(
        0.0,
        real(0, 1),
        help="Share of units that the recurrence leaves out in training.",
        doc="""
        Share of units that a layer's recurrence does without in training: one mask for all time
        steps of a sample.
        """,
        shapes="network",
    )
    recurrent_init: str = declared(
        "orthogonal",
        one_of(*RECURRENT),
        help="First recurrent weights: orthogonal, identity or uniform.",
        doc="""
        Initial recurrent weights: a random rotation or reflection, the identity (for relu units),
        or uniform within 1/sqrt(units). `elman.nn.initializers` says where each is from.
        """,
        shapes="network",
    )


@dataclass(eq=False, repr=False, kw_only=True)
class ReadoutParameters:
    """How all states of a sample become one answer."""

    readout: str | Sequence[str] = declared(
        "max",
        readout_of_samples,
        check_of={"RNNRegressor": readout_of_any},
        help=f"What of the hidden states is read: {_either(READOUTS)}; with commas, several side "
        f"by side. Of a regressor {EVERY} as well, for a target at each time step.",
        doc=f"""
        How the last layer's states become one vector for each sample.
        {_READ}.
        {_SEVERAL}
        A sample without a step is read as the initial state.
        """,
        doc_of={
            "RNNRegressor": f"""
            How the last layer's states become one vector for each sample.
            {_READ}.
            {_SEVERAL}
            A sample without a step is read as the initial state. "{EVERY}": the state at each
            of its steps, for a target at each of them; a y that can be nothing else asks for it by
            itself, unless another readout than the default is named.
            """
        },
        shapes="network",
    )


@dataclass(eq=False, repr=False, kw_only=True)
class LossParameters:
    """How the error of an answer is measured."""

    loss: str = declared(
        "squared",
        one_of(*REGRESSION_LOSSES),
        help=f"Error that a regressor minimises: {_either(REGRESSION_LOSSES)}.",
        doc="""
        Error of a target in training, a mean over targets and samples: its square; its size, which
        outliers pull less (the best constant answer is a median); or half its square where it is at
        most `huber_delta` and linear beyond. Each target is standardised inside, so that all count
        alike. `elman.nn.losses` has the equations.
        """,
        shapes="training",
    )
    huber_delta: float = declared(
        1.0,
        real(0, open_low=True),
        help="Error, in standard deviations, from which huber is linear.",
        doc="""
        Only for loss="huber": where the error turns linear, in deviations of the target.
        """,
        shapes="training",
    )


@dataclass(eq=False, repr=False, kw_only=True)
class LabelParameters:
    """How much a label counts."""

    class_weight: Any = declared(
        None,
        class_weighting,
        help="balanced: rare classes count as much as common ones.",
        doc="""
        Factors on the weights of each class's samples in training; "balanced" gives every class
        the same weight in all. A dict may leave classes out, whose factor is 1, or list some that y
        does not have, but not both. Validation is measured without them. Not for several labels at
        once.
        """,
        doc_of={
            "RNNTagger": """
            Factors on the weights of each class's time steps in training; "balanced" gives every
            class the same weight in all. A dict may leave classes out, whose factor is 1, or list
            some that y does not have, but not both. Validation is measured without them.
            """
        },
        shapes="training",
    )
    label_smoothing: float = declared(
        0.0,
        real(0, 1),
        help="Share of each label spread over all classes.",
        doc="""
        Share of every training label that is spread evenly over all classes (of each of several
        labels at once: over 0 and 1), so that the network is not driven to certainty. Validation is
        measured without.
        """,
        doc_of={
            "RNNTagger": """
            Share of every training label that is spread evenly over all classes, so that the
            network is not driven to certainty. Validation is measured without.
            """
        },
        shapes="training",
    )


@dataclass(eq=False, repr=False, kw_only=True)
class TrainingParameters:
    """How the weights are found, for every estimator."""

    solver: str = declared(
        "adam",
        one_of(*SOLVERS),
        help="Optimizer: adam, adamw or sgd.",
        doc="""
        Optimizer: Adam, Adam with decoupled weight decay, or stochastic gradient descent with
        momentum. `elman.nn.optimizers` has the equations.
        """,
        shapes="training",
    )
    momentum: float = declared(
        0.9,
        real(0, 1),
        help="Momentum of the solver sgd.",
        doc="""
        Only for solver="sgd": share of the velocity of one step that the next one keeps.
        """,
        shapes="training",
    )
    nesterovs_momentum: bool = declared(
        True,
        boolean,
        help="Use Nesterov's form of momentum in the solver sgd.",
        doc="""
        Only for solver="sgd": use Nesterov's form of momentum.
        """,
        shapes="training",
    )
    max_iter: int | Literal["auto"] = declared(
        "auto",
        most_epochs,
        earlier=60,
        help="Epochs at most: auto, or how many.",
        doc="""
        Epochs. Without `early_stopping` exactly so many are run. "auto" takes as many as it takes
        for 2500 steps of the optimizer, but no fewer than 60 and no more than 100: small sets have
        few batches in an epoch, and learn from more epochs. What it stood for is in `max_iter_`,
        and why in `max_iter_reason_`.
        """,
        shapes="training",
    )
    batch_size: int | Literal["auto"] = declared(
        "auto",
        batch_samples,
        earlier=32,
        help="Recordings in a batch at most: auto, or how many.",
        doc="""
        Samples in a training step, at most: an epoch is cut into as few batches as that allows, of
        equal size. "auto" is the size of which an epoch has 25 batches, but no fewer than 8 samples
        and no more than 32: small sets learn better from small batches, and large ones faster from
        large ones. Up to 32 samples are one batch. In mode="local" it is smaller where there would
        be fewer batches than replicas. What it stood for is in `batch_size_`, and why in
        `batch_size_reason_`.
        """,
        doc_of={
            "RNNTagger": """
            Sequences in a training step, at most: an epoch is cut into as few batches as that
            allows, of equal size. "auto" is the size of which an epoch has 25 batches, but no fewer
            than 8 sequences and no more than 32: small sets learn better from small batches, and
            large ones faster from large ones. Up to 32 sequences are one batch. In mode="local" it
            is smaller where there would be fewer batches than replicas. What it stood for is in
            `batch_size_`, and why in `batch_size_reason_`.
            """
        },
        shapes="training",
    )
    bucket_by_length: bool = declared(
        False,
        boolean,
        help="Batches of about one length: quicker if lengths differ.",
        doc="""
        Put samples of about one length into a batch, which is quicker where lengths differ much.
        Which of them meet stays a matter of chance, and the batches come in random order.
        """,
        shapes="training",
    )
    learning_rate: str = declared(
        "cosine",
        one_of(*SCHEDULES),
        help="Schedule: constant, cosine, one_cycle or plateau.",
        doc="""
        Schedule: the rate of every epoch. "cosine" falls from `learning_rate_init` to near 0 over
        `max_iter` epochs. "one_cycle" rises from 1/25 of it for three tenths of them first.
        "plateau" halves the rate whenever nothing got better (as `early_stopping` judges it, or by
        the training loss without validation data) for half of `n_iter_no_change` epochs.
        `partial_fit`, which knows no last epoch, keeps to `learning_rate_init`.
        """,
        shapes="training",
    )
    learning_rate_init: float = declared(
        0.003,
        real(0, open_low=True),
        help="Largest learning rate.",
        doc="""
        The largest learning rate of the schedule.
        """,
        shapes="training",
    )
    warm_up: int | float = declared(
        0,
        epochs_or_share,
        help="First epochs, or their share, in which the rate rises to its largest.",
        doc="""
        First epochs (a float: share of `max_iter`) in which the rate rises evenly to
        `learning_rate_init`; the schedule has the others. Not with "one_cycle", which has its own.
        """,
        shapes="training",
    )
    alpha: float = declared(
        0.003,
        real(0),
        help="Strength of the L2 penalty.",
        doc="""
        Strength of weight decay; biases are left alone. For "sgd" and "adam" an L2 penalty: alpha/2
        times the squared norm of the weights is added to the mean loss. For "adamw" weights shrink
        by alpha times the learning rate in every step.
        """,
        shapes="training",
    )
    max_grad_norm: float | None = declared(
        1.0,
        optional(real(0, open_low=True)),
        help="Scale gradients of a larger norm down to this norm.",
        doc="""
        Gradients with a larger norm are scaled down to it.
        """,
        shapes="training",
    )
    max_grad_value: float | None = declared(
        None,
        optional(real(0, open_low=True)),
        help="Cut the elements of a gradient off at this size.",
        doc="""
        Elements of a gradient beyond it are cut off at it, before the norm is looked at.
        """,
        shapes="training",
    )
    early_stopping: bool = declared(
        False,
        boolean,
        help="Stop once held-out recordings no longer get better.",
        doc="""
        Stop once the validation data (`X_val` of `fit`, else `validation_fraction` of X) was no
        better for `n_iter_no_change` epochs, and restore the weights of the best epoch: that of the
        highest accuracy, then of the lowest loss.
        """,
        doc_of={
            "RNNTagger": """
            Stop once the validation data (`X_val` of `fit`, else `validation_fraction` of X) was no
            better for `n_iter_no_change` epochs, and restore the weights of the best epoch: that of
            the highest accuracy over labelled steps, then of the lowest loss.
            """,
            "RNNRegressor": """
            Stop once the validation data (`X_val` of `fit`, else `validation_fraction` of X) was no
            better for `n_iter_no_change` epochs, and restore the weights of the best epoch: that of
            the highest R^2, then of the lowest loss.
            """,
        },
        shapes="training",
    )
    scoring: Any = declared(
        None,
        scorer,
        help="What early stopping goes by: loss, or a scikit-learn scorer's name.",
        doc="""
        What early stopping goes by: None for the accuracy, then the loss (either getting better is
        enough); "loss" for the loss alone; the name of any scikit-learn scorer, or a function
        (estimator, X, y) -> float, for that alone. `validation_scores_` records it. It is given the
        weights of the validation data if it has an argument `sample_weight`.
        """,
        doc_of={
            "RNNTagger": """
            What early stopping goes by: None for the accuracy over labelled steps, then the loss
            (either getting better is enough); "loss" for the loss alone; the name of any
            scikit-learn scorer, to which each labelled time step is a sample, or a function
            (estimator, X, y) -> float, given sequences as `fit` is, for that alone.
            `validation_scores_` records it. It is given the weights of the validation data if it
            has an argument `sample_weight`.
            """,
            "RNNRegressor": """
            What early stopping goes by: None for R^2, then the loss (either getting better is
            enough); "loss" for the loss alone; the name of any scikit-learn scorer, or a function
            (estimator, X, y) -> float, for that alone. `validation_scores_` records it. It is given
            the weights of the validation data if it has an argument `sample_weight`.
            """,
        },
        shapes="training",
    )
    validation_fraction: float = declared(
        0.1,
        real(0, 1, open_low=True),
        help="Share of the recordings held out by early stopping.",
        doc="""
        Share of each class held out of X for early stopping, unless `fit` is given `X_val`.
        """,
        doc_of={
            "RNNTagger": """
            Share of the sequences held out at random for early stopping, unless `fit` is given
            `X_val`.
            """,
            "RNNRegressor": """
            Share of X held out at random for early stopping, unless `fit` is given `X_val`.
            """,
        },
        shapes="training",
    )
    n_iter_no_change: int = declared(
        10,
        integer(1),
        help="Epochs without progress before an early stop.",
        doc="""
        For how many epochs without progress early stopping waits.
        """,
        shapes="training",
    )
    tol: float = declared(
        1e-4,
        real(0),
        help="Smallest gain that counts as progress.",
        doc="""
        By how much validation score or loss must get better to count.
        """,
        shapes="training",
    )
    recompute_every: int | None = declared(
        None,
        optional(integer(1)),
        help="Keep the states of every so many steps only: less memory.",
        doc="""
        Keep the hidden state after every so many steps only, and compute those between again on
        the way back: for sequences of thousands of steps, memory for their history shrinks by
        about that factor, training takes a fifth longer, and no bit of the result changes. The
        compiled kernel rounds the number up to a multiple that suits it.
        """,
        shapes="run",
        bits=False,
        formerly="checkpoint_every",
    )
    bptt_steps: int | None = declared(
        None,
        optional(integer(1)),
        help="Let no gradient go further back than so many steps.",
        doc="""
        Truncated backpropagation through time: every sequence is run in chunks of so many steps,
        counted from its first, and the gradient goes back within a chunk only, while the state goes
        on. The history in memory is then one chunk's, however long the sequences are, and what is
        predicted does not change; dependences that reach back beyond a chunk are no longer
        learned. With readout="last" only the chunk in which a sample ends is learned
        from. A value no smaller than the longest sequence gives the same bits as None. Not with
        `bidirectional`.
        """,
        doc_of={
            "RNNTagger": """
            Truncated backpropagation through time: every sequence is run in chunks of so many
            steps, counted from its first; the state goes on from chunk to chunk, its gradient does
            not, and each chunk is a training step of its own. The history in memory is one chunk's,
            however long the sequences are. A value no smaller than the longest sequence gives the
            same bits as None. Not with `bidirectional`.
            """,
            "RNNRegressor": """
            Truncated backpropagation through time: every sequence is run in chunks of so many
            steps, counted from its first, and the gradient goes back within a chunk only, while the
            state goes on. The history in memory is then one chunk's, however long the sequences
            are, and what is predicted does not change; that a step depends on what happened chunks
            before it is learned no longer. With readout="last" only the chunk in which a sample
            ends is learned from; with a target at each time step each chunk is a training step of
            its own. A value no smaller than the longest sequence gives the same bits as None. Not
            with `bidirectional`.
            """,
        },
        shapes="training",
    )
    warm_start: bool = declared(
        False,
        boolean,
        help="Let fit go on from the weights of the last fit.",
        doc="""
        `fit` goes on from the weights of the last `fit`, its standardisation and its history, for
        `max_iter` epochs more with a fresh optimizer and the schedule from its start. Labels that
        it did not know, another shape or `dtype` of network and another `missing` are errors.
        """,
        doc_of={
            "RNNRegressor": """
            `fit` goes on from the weights of the last `fit`, its standardisation and its history,
            for `max_iter` epochs more with a fresh optimizer and the schedule from its start.
            Another number of targets, another shape or `dtype` of network and another `missing`
            are errors.
            """
        },
        shapes="training",
        option=False,
    )
    stateful: bool = declared(
        False,
        boolean,
        help="Let partial_fit go on from the states of its last call.",
        doc="""
        `partial_fit` goes on from the states in which its last call left each sample, so that a
        sequence may come in pieces: the samples of every call are then the same in number and
        order, and `reset_state` begins new ones. `fit` and predictions begin without a state. Not
        with `bidirectional`, nor with a number of `deltas` above 0 or a `stride` above 1, which
        would begin anew with each piece; their "auto" takes 0 and 1.
        """,
        shapes="training",
        option=False,
    )
    mode: str = declared(
        "sync",
        one_of("sync", "local"),
        help="sync: one network learns from each batch; local: replicas learn, then are averaged.",
        doc="""
        "sync": every batch is a step of the one network. "local": `replicas` copies of it learn
        from `local_steps` batches each, by themselves, and their weights are then averaged. That
        is another training than "sync", and with an `executor` one that waits for its workers once
        a round instead of once a batch. The replicas share the batches of an epoch, so that it
        takes more epochs to come as far. How many workers there are changes no bit of it; without
        an executor the replicas run one after another. Every replica has an optimizer of its own
        (`solver`, at the rate that `learning_rate` has for the epoch; `max_grad_norm` holds for
        each of its steps), which goes on from round to round. The end of an epoch ends a round;
        history, validation and checkpoints are those of the averaged network, and the loss of an
        epoch is the mean over the steps of all replicas. `elman.training.local` says how batches
        are dealt and weights averaged. Not with `stateful`.
        """,
        shapes="training",
    )
    replicas: int = declared(
        4,
        integer(1),
        help="Networks that learn by themselves in mode local.",
        doc="""
        Only for mode="local": how many replicas learn, whatever the number of workers. An epoch
        must have at least as many batches.
        """,
        shapes="training",
    )
    local_steps: int = declared(
        8,
        integer(1),
        help="Batches that a replica learns from between two averages, in mode local.",
        doc="""
        Only for mode="local": batches that each replica learns from in a round. A round takes the
        next `replicas` times `local_steps` batches of the epoch and deals them to the replicas in
        turn; if fewer are left, the last round of the epoch is shorter, and a replica without a
        batch does not count in its average. With an `executor` a round should take less than the
        `timeout` of `elman.distributed.connect`, after which its work is given to another worker.
        """,
        shapes="training",
    )
    outer_solver: str = declared(
        "average",
        one_of(*OUTER_SOLVERS),
        help="How replicas become one network in mode local: average or nesterov.",
        doc="""
        Only for mode="local": "average" replaces the weights by the mean of those of the replicas.
        "nesterov" takes the change from that mean for the gradient of an optimizer with Nesterov's
        momentum, as DiLoCo does (arXiv:2311.08105).
        """,
        shapes="training",
    )
    outer_learning_rate: float = declared(
        0.7,
        real(0, open_low=True),
        help="Learning rate of the outer solver nesterov.",
        doc="""
        Only for outer_solver="nesterov": its learning rate, the same in every epoch. At 1 and
        without momentum the mean replaces the weights.
        """,
        shapes="training",
    )
    outer_momentum: float = declared(
        0.5,
        real(0, 1),
        help="Momentum of the outer solver nesterov.",
        doc="""
        Only for outer_solver="nesterov": share of the velocity of one round that the next keeps.
        0.9, as in DiLoCo, overshoots where rounds are few.
        """,
        shapes="training",
    )


@dataclass(eq=False, repr=False, kw_only=True)
class SymbolParameters:
    """What in X is a symbol, and how symbols are fed to the network, for every estimator."""

    categorical_features: Any = declared(
        "auto",
        categorical_columns,
        help="Columns that are categories: auto, all, or names with commas.",
        doc="""
        Which columns of a time step are categories. "auto": texts, and columns of a data frame
        whose type is text, `category` or an enumeration; all others are numbers. Bools are
        categories beside such a column, and 0 and 1 where there is none. A list of names or
        indices, or True and False for each column, makes categories of columns of integers or bools
        too; "all" of every column, so that a sequence of integers is one of token ids. A sequence
        that is a text has its characters as steps, one that is a list of texts those tokens.
        """,
        shapes="network",
    )
    categories: Any = declared(
        "auto",
        known_categories,
        help="The categories of each column.",
        doc="""
        "auto" learns the categories from the training data (in `partial_fit` from the first call),
        without samples that `early_stopping` holds out or whose weight is 0; or a list with a list
        of categories for each categorical column, where of a single one the list of its categories
        will do.
        """,
        shapes="network",
        saved=False,
        option=False,
    )
    min_frequency: int | float | None = declared(
        None,
        frequency,
        help="Categories that occur less often in training are taken as unknown.",
        doc="""
        Categories that occur less often in the training data are taken together as unknown: an int
        counts how often, a float is a share of all steps.
        """,
        shapes="network",
    )
    max_categories: int | None = declared(
        None,
        optional(integer(2)),
        help="At most so many categories of a column; rarer ones are taken as unknown.",
        doc="""
        At most so many categories of a column, the commonest ones; the rarer ones are taken
        together as unknown, which counts as one of them.
        """,
        shapes="network",
    )
    handle_unknown: str = declared(
        "unknown",
        one_of("unknown", "error"),
        help="What a category is that was not seen in training: unknown, or an error.",
        doc="""
        What becomes of a category that was not seen in training. "unknown" is a category with a
        vector of its own. It is learned from those that are too rare, and from each other one in
        its place now and then: an occurrence of one that occurs n times with probability
        0.25 / (0.25 + n), after Kiperwasser and Goldberg (2016), but for one of each. This is
        drawn once for a fit. "error" refuses it.
        """,
        shapes="network",
    )
    embedding_size: Any = declared(
        "auto",
        embedding_width,
        help="Numbers that stand for a category: auto, how many, or none for a row of W_x each.",
        doc="""
        Numbers that stand for a category, learned with the network. None feeds one-hot columns,
        which costs no more time, since the product with them is a row of the weights. "auto" does
        so for up to 16 categories, and takes 16 numbers for more. A dict has one of these for
        each column, by name or index.
        """,
        shapes="network",
    )
    embedding_init: Any = declared(
        None,
        initial_vectors,
        help="Vectors that embeddings begin with.",
        doc="""
        Vectors that embeddings begin with: an array with a row for each category in the order of
        `symbols_`, or a mapping from tokens to vectors, such as `elman.data.read_word_vectors`
        gives, where tokens without one begin at random; with several categorical columns a dict of
        these by column. They say the size of the embedding if `embedding_size` is "auto".
        """,
        shapes="training",
        saved=False,
        option=False,
    )
    freeze_embedding: bool = declared(
        False,
        boolean,
        help="Leave embeddings as they begin.",
        doc="""
        Leave embeddings as they begin: they are not trained. What is fed one-hot has none, and is
        trained; a warning says so if that is every category.
        """,
        shapes="network",
    )


@dataclass(eq=False, repr=False, kw_only=True)
class RunParameters:
    """What a fit keeps, reads, computes with and reports, for every estimator.

    They are last in the signature. What each of them shapes, its declaration says.
    """

    checkpoint: str | PathLike[str] | None = declared(
        None,
        optional(path),
        help="Folder to keep training's state in; the same command goes on from it.",
        doc="""
        Folder on disk to which `fit` writes where it stands, so that a run that was killed can go
        on: `fit` with the same folder, parameters and data resumes after the last epoch kept there
        and ends with the same bits (but for seconds). A run that had ended returns at once. A
        folder of another run is refused, with what differs. It keeps the last two states and, as
        best.safetensors, the model of the best epoch so far; `load` reads any of them. `on_epoch`
        is called again for epochs done again. If a state cannot be written after an epoch (the disk
        is full, the folder was removed), training ends as by Ctrl-C: the best weights so far are
        kept, and a warning says which state on disk is the last. Not saved by `save`, and not for
        `partial_fit`.
        """,
        shapes="run",
        bits=False,
        saved=False,
    )
    checkpoint_epochs: int | None = declared(
        None,
        optional(integer(1)),
        help="Keep the state after every so many epochs.",
        doc="""
        Only with `checkpoint`: keep the state after every so many epochs. With neither this nor
        `checkpoint_minutes` after each.
        """,
        shapes="run",
        bits=False,
    )
    checkpoint_minutes: float | None = declared(
        None,
        optional(real(0)),
        help="Keep the state every so many minutes.",
        doc="""
        Only with `checkpoint`: keep the state at the end of an epoch so many minutes after the
        last time.
        """,
        shapes="run",
        bits=False,
    )
    standardize: bool = declared(
        True,
        boolean,
        help="Standardise each feature over all time steps.",
        doc="""
        Give each feature mean 0 and deviation 1 over all time steps of the training data, inside.
        """,
        shapes="training",
    )
    missing: str = declared(
        "error",
        one_of(*MISSING),
        help="What to do with missing values: error, mask or skip.",
        doc="""
        What NaN in X means. "error" refuses it. "mask" takes it for a missing value: a zero once
        standardised (by the mean and deviation of the values that were observed), and beside every
        feature the network sees an indicator, 1 where it is missing and 0 where it was observed,
        which learns only from a feature that is missing now and then in training. "skip" carries
        the state over a time step at which any feature is missing, as if X did not have that step;
        a sample of nothing else is one of length 0, and an answer for each step repeats that of
        the last step before. Infinity is an error always.
        """,
        doc_of={
            "RNNTagger": """
            What NaN in X means. "error" refuses it. "mask" takes it for a missing value: a zero
            once standardised (by the mean and deviation of the values that were observed), and
            beside every feature the network sees an indicator, 1 where it is missing and 0 where it
            was observed, which learns only from a feature that is missing now and then in training.
            "skip" carries the state over a time step at which any feature is missing, as if X did
            not have that step: nothing is learned from its label, and its answer repeats that of
            the last step before. Infinity is an error always.
            """
        },
        shapes="network",
    )
    deltas: int | Literal["auto"] = declared(
        "auto",
        deltas_order,
        earlier=0,
        help="Differences of features to the step before, as features: auto, 0, 1 or 2.",
        doc="""
        Differences that the network sees beside the features, as in the recognition of speech: of
        order 1, x_t - x_{t-1}, and with 2 also the differences of these. Of a smooth series, whose
        neighbouring steps hardly differ, they say what happens. 0 at the first step (of order 2 at
        the first two), where there is nothing to differ from. Each is divided by its own root mean
        square in training. "auto" takes 1 if neighbouring steps have an autocorrelation of at least
        0.97 (the median over training recordings), else 0; with `stateful` always 0. What was
        chosen, and why, is in `frontend_`; `partial_fit` and `warm_start` keep to the choice of the
        first call.
        """,
        shapes="network",
    )
    stride: int | Literal["auto"] = declared(
        "auto",
        block_steps,
        earlier=1,
        help="Time steps of which the network reads the mean as one step: auto, or how many.",
        doc="""
        The network reads the mean of each block of so many time steps as one step; the last block
        of a sequence may be shorter. What repeats every `stride` steps, or faster, is lost or
        weakened. An answer over time, and that of a stream's `step`, changes at the end of a block.
        "auto" takes 1, unless sequences have a median of more than 128 steps: then it thins them to
        about 128, or as far as the means keep 95 % of the variance within a training recording. Of
        targets at each time step, and with `stateful`, it takes 1. `frontend_` says what was chosen
        and why; `partial_fit` and `warm_start` keep to the choice of the first call. `bptt_steps`
        counts blocks.
        """,
        doc_of={
            "RNNTagger": """
            The network reads the mean of each block of so many time steps as one step, and its
            answer is the answer to all of them; the last block of a sequence may be shorter. Each
            labelled step of a block is an example for it. What repeats every `stride` steps, or
            faster, is lost or weakened. That of a stream's `step` changes at the end of a block.
            "auto" takes 1, since each step has a label of its own. `bptt_steps` counts blocks.
            """
        },
        shapes="network",
    )
    scale_each: bool = declared(
        False,
        boolean,
        help="Divide each recording by its own amplitude, about its mean; both become features.",
        doc="""
        Subtract from each feature of a sequence its own mean there, divide it by its own amplitude
        (the root mean square of what is left), and let the network see the logarithm of that
        amplitude and the mean as further features: for recordings whose amplitudes differ by orders
        of magnitude. Both are known once a sequence has ended, so that there are no streams and no
        answers over time.
        """,
        shapes="network",
    )
    dtype: Any = declared(
        "auto",
        float_dtype,
        help="Type of weights and arithmetic: auto, float32 or float64.",
        doc="""
        Of weights and arithmetic. "auto" takes that of the training data: float32 for an X of
        float32 (or of a type that it holds exactly: float16, small integers), else float64.
        float32 is twice as fast and accurate enough.
        """,
        shapes="network",
    )
    backend: str | None = declared(
        None,
        optional(one_of("native", "reference")),
        help="Implementation: native (compiled) or reference (NumPy).",
        doc="""
        None takes `$ELMAN_BACKEND`, else the compiled kernel, else NumPy.
        """,
        shapes="run",
    )
    n_jobs: int | None = declared(
        None,
        optional(thread_count),
        help="Threads; -1 takes every core.",
        doc="""
        Threads of the compiled kernel; None and -1 use all cores.
        """,
        shapes="run",
        bits=False,
    )
    random_state: Any = declared(
        None,
        seed,
        help="Same seed, same model.",
        doc="""
        Of initial weights, shuffling and the validation split. The same int gives the same bits on
        one machine, whatever the number of threads.
        """,
        shapes="run",
        option=False,
    )
    verbose: int = declared(
        0,
        verbosity,
        help="How much is printed of each epoch.",
        doc="""
        1 shows a progress bar on a terminal and in a notebook, about ten lines elsewhere, and then
        one line that sums the fit up; 2 a line for every epoch.
        """,
        shapes="run",
        bits=False,
        option=False,
    )
    on_epoch: Callable[[Any], Any] | Sequence[Callable[[Any], Any]] | None = declared(
        None,
        functions,
        help="Called after each epoch.",
        doc="""
        Called after each epoch with an `elman.models.history.Epoch`: its losses and scores,
        `history` so far, the `network`. Training ends if it returns True or "stop" or calls
        `epoch.stop()`; "pause" ends it as well, but the state that `checkpoint` keeps is then one
        that the same fit goes on from, to the same bits. If it sets `epoch.learning_rate`, training
        goes on at that rate. Those of a list are all called after each epoch, in its order, also
        once one has ended training.
        `elman.callbacks` has logs and limits to pass here. Not saved by `save`.
        """,
        shapes="run",
        saved=False,
        option=False,
    )


@dataclass(eq=False, repr=False, kw_only=True)
class ClassifierParameters(
    RunParameters,
    SymbolParameters,
    TrainingParameters,
    LabelParameters,
    ReadoutParameters,
    NetworkParameters,
):
    """The hyper-parameters of `RNNClassifier`."""


@dataclass(eq=False, repr=False, kw_only=True)
class TaggerParameters(
    RunParameters, SymbolParameters, TrainingParameters, LabelParameters, NetworkParameters
):
    """The hyper-parameters of `RNNTagger`."""


@dataclass(eq=False, repr=False, kw_only=True)
class RegressorParameters(
    RunParameters,
    SymbolParameters,
    TrainingParameters,
    LossParameters,
    ReadoutParameters,
    NetworkParameters,
):
    """The hyper-parameters of `RNNRegressor`.

    Two defaults are its own, as cross-validation over many sets chose them. A target may depend on
    the end of a recording, on all of it or on a moment in it, so that the three readouts stand side
    by side. The last state alone trains unreliably from few samples; shorter gradients mend that.
    """

    readout: str | Sequence[str] = of_its_own(ReadoutParameters, "readout", ("last", "mean", "max"))
    max_grad_norm: float | None = of_its_own(TrainingParameters, "max_grad_norm", 0.3)


PARAMETERS: dict[str, type] = {
    "RNNClassifier": ClassifierParameters,
    "RNNTagger": TaggerParameters,
    "RNNRegressor": RegressorParameters,
}
"""The hyper-parameters of each estimator, by its name."""


def declarations(parameters: type) -> dict[str, Declaration]:
    """Return each declaration by name, in the order of the signature.

    Parameters
    ----------
    parameters : type
        One of the dataclasses of this module.
    """
    return {each.name: each.metadata["declaration"] for each in fields(parameters)}


DECLARED: dict[str, Declaration] = {
    name: declaration
    for parameters in (
        NetworkParameters,
        ReadoutParameters,
        LossParameters,
        LabelParameters,
        TrainingParameters,
        SymbolParameters,
        RunParameters,
    )
    for name, declaration in declarations(parameters).items()
}
"""All hyper-parameters by name, whichever estimator has them; `defaults_of` knows what defaults
an estimator has of its own."""


def defaults_of(kind: str) -> dict[str, Any]:
    """The defaults of an estimator, by the name of its hyper-parameters.

    Parameters
    ----------
    kind : str
        Its name, as in `PARAMETERS`.
    """
    return {name: each.default for name, each in declarations(PARAMETERS[kind]).items()}


def decides_bits(name: str) -> bool:
    """Whether another value of a hyper-parameter may change a bit of what `fit` learns.

    So may one that is not declared here, which a subclass of an estimator has added.
    """
    return name not in DECLARED or DECLARED[name].bits


def completed(estimator: type[T]) -> type[T]:
    """Complete the class of an estimator, which inherits the hyper-parameters of `PARAMETERS`.

    It gets a constructor of its own, so that errors name the estimator, and the documentation of
    its hyper-parameters in the place of `PLACE` in its docstring. `dataclasses` does not call it
    one of its own: tools that take a dataclass for its fields alone, such as dask when it compares
    objects, would take two estimators that learned different things for the same.

    Parameters
    ----------
    estimator : type
        Called as in `PARAMETERS`.

    Raises
    ------
    TypeError
        It has a field that is not declared, or a docstring without `PLACE`.
    """
    doc = estimator.__doc__  # None under python -OO; then a dataclass writes one itself
    made: Any = dataclass(eq=False, repr=False, kw_only=True)(estimator)
    strangers = {each.name for each in fields(made)} - {*declarations(PARAMETERS[made.__name__])}
    if strangers:
        raise TypeError(
            f"{made.__name__} annotates {sorted(strangers)} in its body, which makes arguments of "
            "its constructor of them: declare them, or annotate them where they are assigned"
        )
    if doc is not None:
        made.__doc__ = with_parameters(doc, made.__name__, made.__name__)
    made.__dataclass_fields__ = _Hidden()
    return estimator


def with_parameters(
    doc: str, owner: str, kind: str, changed: Mapping[str, tuple[Any, str]] | None = None
) -> str:
    """Return a docstring with the hyper-parameters of an estimator in the place of `PLACE`.

    Parameters
    ----------
    doc : str
    owner : str
        What the docstring is of, for errors.
    kind : str
        The estimator, called as in `PARAMETERS`.
    changed : dict of str to (object, str), optional
        Hyper-parameters that have another default in what the docstring describes: that default,
        and what is said of it behind the documentation of the hyper-parameter.

    Raises
    ------
    TypeError
        The docstring has no line `PLACE`.
    """
    place = re.search(f"^( *){re.escape(PLACE)}$", doc, re.MULTILINE)
    if place is None:
        raise TypeError(f"the docstring of {owner} has no line {PLACE}")
    section = textwrap.indent(_documentation(kind, changed or {}), place[1])
    return doc.replace(place[0], section)


class _Hidden:
    """Descriptor of an attribute that `hasattr` does not find."""

    def __get__(self, instance: object, owner: type | None = None) -> NoReturn:
        raise AttributeError("an estimator is not the sum of its fields")


def _documentation(name: str, changed: Mapping[str, tuple[Any, str]]) -> str:
    """The Parameters section of an estimator's docstring, without its heading."""
    lines = []
    for parameter, declaration in declarations(PARAMETERS[name]).items():
        default, more = changed.get(parameter, (declaration.default, ""))
        written = f'"{default}"' if isinstance(default, str) else repr(default)
        lines.append(f"{parameter} : {declaration.check_for(name).accepts}, default={written}")
        doc = declaration.doc_of.get(name, declaration.doc)
        lines += textwrap.wrap(
            " ".join(f"{doc} {more}".split()),
            width=96,
            initial_indent="    ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)
