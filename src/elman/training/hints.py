"""How a training went in; the one thing that a person would want to be told about it, or None, out.

Every rule compares with what a network that knows nothing of X would reach (the base rate:
`elman.training.base_rate`), because a loss by itself says little: 0.3 is good for ten classes and
nothing for a class that one sample in ten has. A rule speaks where a person would act on it and
stays silent where they would not; a healthy training with the defaults gives no hint.

Before training two mistakes can be seen:

one-class
    All targets are the same: there is nothing to tell apart.
validation-is-training
    X_val and y_val hold the training data: the validation score is another training score.

After training, these in order, of which the first that holds is given. The first five ask that the
training **did not learn**: its final loss is above `LITTLE` (half) of the base rate. That alone
says nothing, since half of the base rate is all that noisy labels may allow; so each of them asks
for a cause as well, which can be seen. What no rule can tell from noise is a training that came
smoothly to rest between half and 95 % of the base rate, on a part of what there was to learn.

unscaled
    standardize=False, and a feature's root mean square is above `LARGE_SCALE`, or that of all
    features is below 1 / `LARGE_SCALE`. Weights are drawn for features of about 1: they saturate
    on numbers 30 times as large, and hardly hear those that are 30 times as small.
rate-too-large
    The loss of some epoch was more than `FAR_OFF` (twice; `FAR_FIRST`, four times, where it was the
    first epoch, since weights may be drawn badly) that of a network that was just drawn, which is
    about the base rate, or that of equal probabilities where classes are not equally frequent;
    steps too long drove it to where it is worse than knowing nothing. Or the loss rose again and
    again: the rises from one epoch to the next add up to `SETBACKS` (a fifth) of the base rate.
    Where noise is the limit the loss comes down to it smoothly, and wavers there by less than
    `WAVERS` (5 %) of the base rate in an epoch, with small batches too, which does not count; with
    dropout, whose masks differ in every epoch, 5 / sqrt(targets) does not either.
saturated
    Most gates and states (`SATURATED`; of relu `DEAD`) have next to no derivative in the end, so
    that no gradient passes. By itself this is no fault: networks that learned a rule of bits hold
    their states at -1 and 1.
rate-too-small, too-few-steps
    All steps of the optimizer together could not carry a weight farther than a recurrent weight is
    from 0 when it is drawn, 1 / sqrt(hidden_size): the network is about the one that was drawn.
    Which of the two it is, the learning rate says (`LOW_RATES`). Not where the training score says
    that most answers are right (`GAINED`): probabilities of easy classes may lag behind them. Where
    early stopping ended the training, few steps may have been enough: then only next to nothing
    learned (`NOTHING`) counts. A training that went on with weights (warm_start) did not begin at
    those that were drawn.
one-class-predicted
    Every sample gets the same answer, and the commonest class has at least `COMMON` of the samples
    (so that accuracy looks good), or the loss got away from the base rate.
not-learned
    The final loss is above `NOTHING` (95 %) of the base rate, and no cause is to be seen. A network
    that has converged at the limit of noisy labels has left the base rate behind by more than that,
    or there is nothing in X that it could use, which is worth knowing too.
overfits
    Without early stopping: the validation loss was lowest long ago (`LONG`), has risen since by a
    tenth of the base rate (`RISE`; of fewer than 25 samples by 0.5 / sqrt(samples)) or more while
    the training loss fell, and the validation score did not get better meanwhile; where it did,
    only the probabilities suffer, and a person may not mind. Or the network learned the training
    data and was never better on the validation data than the base rate, which
    fewer than `MIN_VALIDATION` samples cannot tell.
still-falling
    All `max_iter` epochs were run, and the median loss of the last fifth of them was lower than
    that of the fifth before by `FALLS` (5 %) of the base rate, with more than `LEFT` (a tenth) of
    it left, and the validation loss, if there is one, was falling as well.
    A rate that falls along a cosine flattens the loss at the end, so that a healthy training has
    settled long before; a fall from 0.002 to 0.001 is no reason to train for longer.

Label smoothing leaves a loss to the best of answers: the share of the base rate that is left is
taken after that loss was taken away from both. With dropout the loss of an epoch is that of a
network with units left out: where it looks as if little was learned, the network is asked once more
without.

Epochs that a person chose to be few say little. All rules but one-class wait for `MIN_EPOCHS`
epochs, or for early stopping, the first seven after training also for `MIN_STEPS` steps of the
optimizer; a training that `on_epoch`, Ctrl-C or a full disk ended gives no hint after it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.backends.contract import Backend
from elman.data.prepared import Prepared
from elman.data.sequences import Sequences
from elman.models.history import History
from elman.models.inference import predict_logits, predict_logits_over_time
from elman.nn.network import Network
from elman.nn.objectives import AnyLabels, Objective, OneClass
from elman.training.base_rate import N_ROWS, BaseRate, base_rate, rows
from elman.training.labelled import Labelled, has_target

Array = NDArray[Any]

LITTLE = 0.5
NOTHING = 0.95
LARGE_SCALE = 30.0
FAR_OFF, FAR_FIRST = 2.0, 4.0
SETBACKS, WAVERS = 0.2, 0.05
SATURATED, DEAD = 0.5, 0.95
LOW_RATES = {"adam": 1e-3, "adamw": 1e-3, "sgd": 1e-2}
"""by solver, a third of what is usual: below it a rate is called too small"""
COMMON = 0.6
GAINED = 0.8
"""of what the commonest answer gets wrong: a network that gets more of it right did learn"""
NEAR = 0.02
"""how far above the commonest class's share the training score may be for a closer look"""
LONG = 10
"""epochs, or a quarter of all of them if that is more"""
RISE = 0.1
NO_BETTER = 0.98
FALLS = 0.05
LEFT = 0.1
MIN_EPOCHS = 10
MIN_VALIDATION = 30
MIN_STEPS = 1000
N_PROBED = 256
"""samples that a closer look takes, at most"""
STEPS_PROBED = 1 << 16
"""time steps that a closer look takes, about, at most"""


class Hint(NamedTuple):
    """What a person would want to be told about a training."""

    code: str
    """which of the rules in `elman.training.hints` it is, such as "overfits" """
    message: str
    """the figures, and what to try"""


class TrainingWarning(UserWarning):
    """What `fit` says, once at most, of a training that probably is not what was wanted.

    To silence all of them, or one kind by the beginning of its message::

        warnings.filterwarnings("ignore", category=elman.TrainingWarning)

    Parameters
    ----------
    message : str
        The figures, and what to try.
    code : str
        Which rule it was: "one-class", "validation-is-training", "unscaled", "rate-too-large",
        "saturated", "rate-too-small", "too-few-steps", "one-class-predicted", "not-learned",
        "overfits" or "still-falling". The guide "Read what training says" tells what each of them
        saw, and what to try.

    Attributes
    ----------
    code : str

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from elman import RNNClassifier, TrainingWarning
    >>> X = np.random.default_rng(0).normal(size=(30, 5, 2))
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     clf = RNNClassifier(hidden_size=3, max_iter=2).fit(X, ["on"] * 30)
    >>> [(w.category is TrainingWarning, w.message.code) for w in caught]
    [(True, 'one-class')]
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message, code)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Trained:
    """A training that has ended, as far as the rules ask for it."""

    history: History
    """of this training, without what was trained before it"""
    base: BaseRate
    asked: Mapping[str, Any]
    """the estimator's hyper-parameters"""
    objective: Objective
    n_batches: int
    """steps of the optimizer in an epoch"""
    n_targets: int = 1
    """training samples, or time steps with a target"""
    n_outputs: int = 1
    n_params: int = 0
    widest: int = 1
    """units of the widest layer"""
    n_validation: int = 0
    scales: tuple[float, float] | None = None
    """the least and the largest root mean square of a feature that is not constant at 0; None where
    features are standardised"""
    only_answer: Callable[[], Answer | None] = lambda: None
    """looks whether all samples get the same answer"""
    commonest: Callable[[], float] = lambda: 0.0
    """computes the share of the training data that have the commonest answer"""
    went_on: bool = False
    """whether it began with weights that had been trained"""
    undropped: float | None = None
    """training loss without dropout, where it was looked for"""

    @property
    def at(self) -> int:
        """Index of the epoch that says what was learned: with early stopping the one of the lowest
        training loss from the kept weights on, else the last.

        The loss of an epoch is a mean over its course, so that in an early epoch it says too little
        of the weights at its end.
        """
        losses, kept = self.history.loss, len(self.history) - 1
        if self.asked["early_stopping"]:
            kept = max(self.history.best_epoch - self.history.epoch[0], 0)
        return kept + int(np.argmin(losses[kept:]))

    @property
    def loss(self) -> float:
        """Training loss of that epoch."""
        loss = self.history.loss[self.at]
        return loss if self.undropped is None else min(loss, self.undropped)

    @property
    def span(self) -> float:
        """How far below the base rate a loss can get."""
        return self.base.training - self.base.least

    @property
    def ratio(self) -> float:
        """The share of the base rate that is left, of what can be got rid of."""
        return (self.loss - self.base.least) / self.span

    @property
    def gained(self) -> float:
        """Of what the commonest answer gets wrong, the share that the network gets right."""
        scores = [score for score in self.history.score if score is not None]
        if not scores or not isinstance(self.objective, (OneClass, AnyLabels)):
            return 0.0
        commonest = self.commonest()
        return (scores[-1] - commonest) / (1 - commonest) if commonest < 1 else 0.0

    @property
    def n_steps(self) -> int:
        """Steps of the optimizer."""
        return self.n_batches * len(self.history)


class Answer(NamedTuple):
    """The one answer that all samples get."""

    name: str
    n_samples: int
    """how many were looked at"""
    what: str
    """what they are: samples, or labelled time steps"""
    share: float
    """how many of the training samples have the commonest answer"""


# Before training


def hint_before(
    training: Labelled,
    validation: Labelled | None,
    objective: Objective,
    name: Callable[[int], str],
    n_epochs: int = MIN_EPOCHS,
) -> Hint | None:
    """What can be said before a training begins.

    Parameters
    ----------
    training, validation : Labelled
        As the user passed them; validation None if it is a part of the training data, or if there
        is none.
    objective : Objective
    name : callable
        Index of a class to what the user calls it.
    n_epochs : int
        Epochs to come, at most.
    """
    targets = _all_targets(training)
    if len(targets) and (targets == targets[0]).all():
        return Hint("one-class", _all_alike(targets, training, objective, name))
    if validation is not None and n_epochs >= MIN_EPOCHS and _same(training, validation):
        return Hint(
            "validation-is-training",
            f"X_val and y_val are the {len(validation.X)} samples of the training data: the "
            "validation score says nothing of new data, and early_stopping does not stop before "
            "the training data is learned by heart. Hold samples out of X (train_test_split of "
            "scikit-learn), or leave X_val and y_val away",
        )
    return None


def _all_targets(labelled: Labelled) -> Array:
    """The targets that are there."""
    targets = labelled.targets
    return targets[has_target(targets)] if labelled.per_step else targets


def _all_alike(
    targets: Array, training: Labelled, objective: Objective, name: Callable[[int], str]
) -> str:
    many = f"{len(targets)} {'labelled time steps' if training.per_step else 'samples'}"
    if len(targets) == 1:
        what = "labelled time step" if training.per_step else "sample"
        return (
            f"y has one {what}, so that there is nothing to tell it from: pass at least two, "
            "with different targets"
        )
    if isinstance(objective, OneClass):
        return (
            f"y has one class only: all {many} are {name(int(targets[0]))}. A network learns to "
            "tell classes apart, and this one will give the same answer to everything; pass "
            "samples of at least two classes"
        )
    if isinstance(objective, AnyLabels):
        return (
            f"all {many} of y have the same labels, so that there is nothing to learn: pass "
            "samples that differ in their labels"
        )
    return (
        f"all {many} of y have the same target, which will be predicted for everything: pass "
        "targets that differ"
    )


def _same(training: Labelled, validation: Labelled) -> bool:
    """Whether both hold the same samples in the same order.

    Of the sequences `N_PROBED` are compared, of the targets all.
    """
    first, second = training.X.data, validation.X.data
    if len(first) != len(second) or not np.array_equal(first.lengths, second.lengths):
        return False
    numbers = training.targets.dtype.kind == "f"
    if not np.array_equal(training.targets, validation.targets, equal_nan=numbers):
        return False
    some = _spread(first, N_PROBED)
    return all(
        np.array_equal(first[i], second[i].astype(first.dtype), equal_nan=True)
        for i in some.tolist()
    )


# After training


def looked_at(
    history: History,
    training: Labelled,
    validation: Labelled | None,
    network: Network,
    objective: Objective,
    asked: Mapping[str, Any],
    backend: Backend,
    name: Callable[[int], str],
    *,
    went_on: bool = False,
) -> Trained:
    """What the rules need to know about a training.

    Parameters
    ----------
    history : History
        Of this training alone.
    training, validation : Labelled
        As the network took them.
    network : Network
        Trained.
    objective : Objective
    asked : mapping
        The estimator's hyper-parameters.
    backend : Backend
    name : callable
        Index of a class to what the user calls it.
    went_on : bool
        Whether the training began with weights that had been trained.
    """
    n_batches = -(-len(training.X) // int(asked["batch_size"]))
    if asked["mode"] == "local":
        n_batches = max(n_batches // int(asked["replicas"]), 1)
    if training.per_step and asked["bptt_steps"] is not None:
        n_batches *= max(math.ceil(training.X.n_steps / len(training.X) / asked["bptt_steps"]), 1)
    trained = Trained(
        history,
        base_rate(training, validation, objective, network.layout.n_outputs),
        asked,
        objective,
        n_batches,
        len(_all_targets(training)),
        network.layout.n_outputs,
        network.params.flat.size,
        max(network.layout.hidden_sizes),
        0 if validation is None else len(validation.X),
        None if asked["standardize"] else _scales(training.X, backend),
        lambda: _only_answer(history, training, network, objective, backend, name),
        lambda: _commonest(training),
        went_on,
    )
    dropped = asked["dropout"] or asked["recurrent_dropout"]
    if dropped and len(history) and trained.span > 0 and trained.ratio > LITTLE:
        trained = replace(trained, undropped=_loss_of(network, training, objective, backend))
    return trained


def hint_after(trained: Trained) -> Hint | None:
    """What a person would want to be told of a training that has ended.

    Parameters
    ----------
    trained : Trained

    Returns
    -------
    Hint or None
        None where it is as it should be, or too short to tell.
    """
    history = trained.history
    stopped = history.stopped_by
    if stopped not in ("max_iter", "early_stopping") or not len(history):
        return None
    if not trained.span > 0:
        return None
    long = len(history) >= MIN_EPOCHS or stopped == "early_stopping"
    if long or trained.n_steps >= MIN_STEPS:
        if trained.ratio > LITTLE:
            for rule in (_unscaled, _rate_too_large, _saturated, _barely_moved):
                hint = rule(trained)
                if hint is not None:
                    return hint
        hint = _one_answer(trained)
        if hint is not None:
            return hint
    if not long:
        return None
    for rule in (_never_general, _overfits, _still_falling):
        hint = rule(trained)
        if hint is not None:
            return hint
    return None


def _unscaled(trained: Trained) -> Hint | None:
    if trained.scales is None:
        return None
    low, high = trained.scales
    if high > LARGE_SCALE:
        seen = f"a feature of X has a root mean square of {high:.3g}"
    elif 0 < high < 1 / LARGE_SCALE:
        least = "" if low == high else f"{low:.3g} to "
        seen = f"the root mean square of every feature of X is only {least}{high:.3g}"
    else:
        return None
    return Hint(
        "unscaled",
        f"{_little_learned(trained)}. {seen[0].upper()}{seen[1:]}, and a network starts from "
        "weights for features of about 1: set standardize=True, or scale X before",
    )


def _rate_too_large(trained: Trained) -> Hint | None:
    losses, base = np.array(trained.history.loss), trained.base.training
    worst = int(losses.argmax())
    rises = np.diff(losses)
    setbacks = rises[rises > _wavers(trained) * base]
    if _far_off(trained):
        seen = (
            f"In epoch {trained.history.epoch[worst]} the loss was {losses[worst]:.3g}, far worse "
            "than knowing nothing"
        )
    elif setbacks.sum() > SETBACKS * base:
        n = len(setbacks)
        seen = (
            f"The loss rose again in {n} epoch{'s' * (n > 1)}, by {setbacks.sum():.3g} taken "
            "together"
        )
    else:
        return None
    clipped = _clipped(trained)
    if clipped:
        largest = trained.asked["max_grad_norm"]
        seen += (
            f", and in {clipped} of {len(losses)} epochs the mean norm of the gradients was above "
            f"max_grad_norm={largest:g}"
        )
    rate = float(trained.asked["learning_rate_init"])
    return Hint(
        "rate-too-large",
        f"{_little_learned(trained)}. {seen}: the steps are too long. Lower learning_rate_init "
        f"({rate:g} now) by a factor of 3 to 10"
        + ("" if trained.asked["max_grad_norm"] is not None else ", or set max_grad_norm=1.0"),
    )


def _far_off(trained: Trained) -> bool:
    """Whether an epoch was far worse than a network that was just drawn."""
    losses = trained.history.loss
    drawn = max(trained.base.training, _equal_probabilities(trained))
    worst = max(losses)
    # few units may be drawn badly, and be better from the first epoch on
    return worst > (FAR_OFF if worst > losses[0] else FAR_FIRST) * drawn


def _equal_probabilities(trained: Trained) -> float:
    """The loss of answering with equal probabilities."""
    if isinstance(trained.objective, OneClass):
        return math.log(trained.n_outputs)
    return trained.n_outputs * math.log(2) if isinstance(trained.objective, AnyLabels) else 0.0


def _wavers(trained: Trained) -> float:
    """How much of the base rate the loss may rise in an epoch without a meaning."""
    if trained.asked["dropout"] or trained.asked["recurrent_dropout"]:
        return max(WAVERS, 5 / math.sqrt(max(trained.n_targets, 1)))
    return WAVERS


def _clipped(trained: Trained) -> int:
    """In how many epochs the mean norm of the gradient was above `max_grad_norm`."""
    largest = trained.asked["max_grad_norm"]
    return 0 if largest is None else sum(n > largest for n in trained.history.gradient_norm)


def _saturated(trained: Trained) -> Hint | None:
    shares = [share for share in trained.history.saturated if share is not None]
    relu = trained.asked["cell"] == "elman" and trained.asked["activation"] == "relu"
    if not shares or shares[-1] < (DEAD if relu else SATURATED):
        return None
    what = "hidden states" if trained.asked["cell"] == "elman" else "gates and states"
    how = "are 0, where relu has" if relu else "are at the ends of their range, where they have"
    tries = ["a lower learning_rate_init"]
    if not trained.asked["standardize"]:
        tries.insert(0, "standardize=True")
    if relu:
        tries.append('activation="tanh"')
    tries.append("another random_state")
    return Hint(
        "saturated",
        f"{_little_learned(trained)}. {_percent(shares[-1])} of the {what} {how} next to no "
        f"derivative, so that no gradient passes: try {_listed(tries)}, and look for outliers in X",
    )


def _barely_moved(trained: Trained) -> Hint | None:
    asked, history = trained.asked, trained.history
    rate = float(asked["learning_rate_init"])
    reach, initial = _reach(trained), 1 / math.sqrt(trained.widest)
    early = history.stopped_by == "early_stopping"
    enough = trained.gained > GAINED or (early and trained.ratio <= NOTHING)
    if reach >= initial or trained.went_on or enough:
        return None
    told = (
        f"{_little_learned(trained)}. The {trained.n_steps} steps of the optimizer could move a "
        f"weight by about {reach:.2g} at most, and weights begin at about {initial:.2g}"
    )
    if rate < LOW_RATES[asked["solver"]]:
        return Hint(
            "rate-too-small",
            f"{told}: the steps are too short. Raise learning_rate_init ({rate:g} now) towards "
            f"{3 * LOW_RATES[asked['solver']]:g}" + _tiny_clip(trained, ", or raise"),
        )
    if early:
        longer = (
            f"Raise n_iter_no_change ({asked['n_iter_no_change']} now), with which early_stopping "
            f"ended training after {len(history)} epochs,"
        )
    else:
        n, s = trained.n_batches, "es" * (trained.n_batches > 1)
        longer = f"Raise max_iter ({len(history)} epochs of {n} batch{s} now)"
    shortened = _tiny_clip(trained, "Raise")
    if shortened:
        longer = f"{shortened}. If that is not enough, r{longer[1:]}"
    return Hint(
        "too-few-steps",
        f"{told}: {'they are too short' if shortened else 'there were too few of them'}. "
        f"{longer} or lower batch_size ({asked['batch_size']} now)",
    )


def _reach(trained: Trained) -> float:
    """How far a weight can have been carried by all steps of the optimizer together.

    A step of Adam is about as long as the rate for each weight. One of SGD is the gradient's norm
    times the rate for all weights together; momentum makes it 1 / (1 - momentum) times as long.
    """
    asked, history = trained.asked, trained.history
    rates = np.array(history.learning_rate)
    if asked["solver"] != "sgd":
        return float(rates.sum() * trained.n_batches)
    norms = np.array(history.gradient_norm)
    if asked["max_grad_norm"] is not None:
        norms = np.minimum(norms, float(asked["max_grad_norm"]))
    path = float((rates * norms).sum() * trained.n_batches)
    return path / (1 - float(asked["momentum"])) / math.sqrt(max(trained.n_params, 1))


def _tiny_clip(trained: Trained, verb: str) -> str:
    """What to say of `max_grad_norm` if it shortens every step of SGD."""
    asked = trained.asked
    if asked["solver"] == "sgd" and _clipped(trained) == len(trained.history):
        return f"{verb} max_grad_norm ({asked['max_grad_norm']:g} now), which shortens every step"
    return ""


def _one_answer(trained: Trained) -> Hint | None:
    """Rules that look at what the network answers, or at how far its loss is from the base rate."""
    answer = trained.only_answer()
    if answer is not None and (answer.share >= COMMON or trained.ratio <= NOTHING):
        tries = []
        if trained.asked.get("class_weight", "") is None:
            tries.append('class_weight="balanced"')
        tries += ["more samples of the other classes", "a longer training (max_iter)"]
        return Hint(
            "one-class-predicted",
            f"the network answers {answer.name} to all of {answer.n_samples} training "
            f"{answer.what}; {_percent(answer.share)} of the training data have the commonest "
            f"answer, so that accuracy looks good and says nothing. {_losses(trained)}. "
            f"Try {_listed(tries)}, and judge by balanced accuracy",
        )
    if trained.ratio <= NOTHING:
        return None
    tries = ["another learning_rate_init (a larger and a smaller one)"]
    if trained.asked["cell"] == "elman":
        tries.append('cell="gru"')
    tries += ["more units (hidden_size)", "another readout", "another random_state"]
    if not trained.asked["standardize"]:
        tries.insert(0, "standardize=True")
    always = "" if answer is None else f", and answers {answer.name} to everything"
    return Hint(
        "not-learned",
        f"the network has found next to nothing in X that tells about y{always}. "
        f"{_losses(trained)}. Check that every row of y belongs to its row of X (shuffled labels "
        f"look like this), then try {_listed(tries)}",
    )


def _never_general(trained: Trained) -> Hint | None:
    losses = [loss for loss in trained.history.validation_loss if loss is not None]
    base = trained.base.validation
    if base is None or not losses or min(losses) < NO_BETTER * base:
        return None
    if trained.n_validation < MIN_VALIDATION:
        return None
    tries = ["more samples", "a smaller hidden_size", "dropout", "a larger alpha"]
    return Hint(
        "overfits",
        f"what the network learned does not hold for the validation data. {_losses(trained)}; the "
        f"loss of the {trained.n_validation} validation samples was never below {min(losses):.3g}, "
        f"and there the same answers have {base:.3g}. Check that every row of y and y_val belongs "
        f"to its row of X and X_val, then try {_listed(tries)}",
    )


def _overfits(trained: Trained) -> Hint | None:
    history, base = trained.history, trained.base.validation
    if history.stopped_by != "max_iter" or trained.asked["early_stopping"] or base is None:
        return None
    losses = np.array(history.validation_loss, dtype=np.float64)
    lowest = int(losses.argmin())
    n_since = len(losses) - 1 - lowest
    late = max(len(losses) // 5, 1)
    final = float(np.median(losses[-late:]))
    rise = max(RISE, 0.5 / math.sqrt(max(trained.n_validation, 1))) * base
    if n_since < max(LONG, len(losses) / 4) or final - losses[lowest] < rise:
        return None
    if history.loss[-1] >= history.loss[lowest]:
        return None
    scores = np.array(history.validation_score, dtype=np.float64)
    if final < base and np.median(scores[-late:]) > scores[lowest]:
        return None
    then = history.epoch[lowest]
    tries = ["early_stopping=True", f"max_iter={then}", "dropout", "a larger alpha", "more samples"]
    return Hint(
        "overfits",
        f"the network overfits: since epoch {then} of {history.epoch[-1]} the validation loss "
        f"rose from {losses[lowest]:.3g} to {final:.3g} (its score went from {scores[lowest]:.3g} "
        f"to {scores[-1]:.3g}), while the training loss fell from {history.loss[lowest]:.3g} to "
        f"{history.loss[-1]:.3g}. Try {_listed(tries)}",
    )


def _still_falling(trained: Trained) -> Hint | None:
    history, asked = trained.history, trained.asked
    if history.stopped_by != "max_iter" or asked["early_stopping"]:
        return None
    late = max(len(history) // 5, 1)
    before, last = _lately(history.loss, late)
    if before - last < FALLS * trained.base.training:
        return None
    if trained.ratio < LEFT or history.loss[-1] > before:
        return None
    if trained.n_validation:
        validated_before, validated_last = _lately(history.validation_loss, late)
        if validated_last >= validated_before:
            return None
    tries = [f"a larger max_iter ({len(history)} epochs now)"]
    if _far_off(trained):
        tries.append("a lower learning_rate_init")
    elif float(asked["learning_rate_init"]) <= 3 * LOW_RATES[asked["solver"]]:
        tries.append("a larger learning_rate_init")
    validated = (
        ""
        if trained.n_validation
        else ("; validation data or early_stopping=True would show whether it helps with new data")
    )
    return Hint(
        "still-falling",
        f"training ended while its loss was still falling: {before:.3g} in the epochs before the "
        f"last {late}, {last:.3g} in those. Try {_listed(tries)}{validated}",
    )


# What the rules look at, and how they speak


def _lately(losses: Sequence[float | None], late: int) -> tuple[float, float]:
    """The median of the last `late` epochs but as many, and that of the last ones."""
    some = np.array(losses, dtype=np.float64)
    return float(np.median(some[-2 * late : -late])), float(np.median(some[-late:]))


def _spread(data: Sequences | Prepared, n_most: int) -> NDArray[np.int64]:
    """Which samples a closer look takes: evenly spread, fewer where they are long."""
    n = len(data)
    n_most = min(n, n_most, max(STEPS_PROBED // max(data.n_steps // max(n, 1), 1), 1))
    return np.linspace(0, n, n_most, endpoint=False).astype(np.int64)


def _scales(X: Prepared, backend: Backend) -> tuple[float, float] | None:
    """The least and the largest root mean square of the features that are not 0 throughout."""
    batch = X.batch(_spread(X, N_PROBED), backend)  # zero past each sample's end
    n_steps = batch.X.shape[0] * batch.X.shape[1] if batch.lengths is None else batch.lengths.sum()
    squares = np.square(batch.X, dtype=np.float64).sum(axis=(0, 1))
    found = np.sqrt(squares[squares > 0] / max(int(n_steps), 1))
    return (float(found.min()), float(found.max())) if len(found) else None


def _only_answer(
    history: History,
    training: Labelled,
    network: Network,
    objective: Objective,
    backend: Backend,
    name: Callable[[int], str],
) -> Answer | None:
    """The answer that all samples get, if they get the same one.

    The training score says whether that can be: it is then about the share of the commonest answer.
    Only if it is are answers computed.
    """
    if not isinstance(objective, (OneClass, AnyLabels)):
        return None
    targets, _ = rows(training._replace(weights=None))
    weights = training.weights if training.score_weights is None else training.score_weights
    _, weights = rows(training._replace(weights=weights))
    common, which = np.unique(targets, axis=0, return_inverse=True)
    counts = np.bincount(which.ravel(), weights)
    share = float(counts.max() / counts.sum())
    scores = [score for score in history.score if score is not None]
    if scores and scores[-1] > share + NEAR and history.score[-1] is not None:
        return None
    logits = _logits(network, training.subset(_telling(training, common[counts.argmax()])), backend)
    if not len(logits):
        return None
    what = "labelled time steps" if training.per_step else "samples"
    if isinstance(objective, AnyLabels):
        found = logits > 0
        if (found != found[0]).any():
            return None
        labels = [name(int(label)) for label in np.flatnonzero(found[0])]
        given = f"with the labels {', '.join(labels)}" if labels else "with no label"
        return Answer(given, len(logits), what, share)
    codes = logits.argmax(axis=1)
    if (codes != codes[0]).any():
        return None
    return Answer(name(int(codes[0])), len(logits), what, share)


def _commonest(training: Labelled) -> float:
    """The share of the training data that have the commonest answer, as the score counts them."""
    targets, _ = rows(training._replace(weights=None))
    weights = training.weights if training.score_weights is None else training.score_weights
    _, weights = rows(training._replace(weights=weights))
    _, which = np.unique(targets, axis=0, return_inverse=True)
    counts = np.bincount(which.ravel(), weights)
    return float(counts.max() / counts.sum())


def _telling(training: Labelled, common: Array) -> NDArray[np.int64]:
    """Which samples tell whether there is one answer only: up to half of them have another target
    than the commonest one, since evenly spread ones may have none of a class that is rare.
    """
    other = training.targets != common
    if other.ndim == 2:
        other = other.any(axis=1)
    if training.per_step:
        other &= has_target(training.targets)
        sample = np.repeat(np.arange(len(training.X)), training.X.lengths)
        other = np.bincount(sample, other, len(training.X)) > 0
    spread = _spread(training.X, N_PROBED)
    rare, others = np.flatnonzero(other), np.flatnonzero(~other)
    n_rare = min(len(rare), max(len(spread) // 2, len(spread) - len(others)))
    return np.sort(np.concatenate([_some(rare, n_rare), _some(others, len(spread) - n_rare)]))


def _some(numbers: NDArray[Any], n: int) -> NDArray[np.int64]:
    """`n` of them, evenly spread; all if they are fewer."""
    places = np.linspace(0, len(numbers), min(n, len(numbers)), endpoint=False)
    return np.asarray(numbers[places.astype(np.int64)], np.int64)


def _logits(network: Network, some: Labelled, backend: Backend) -> Array:
    """The outputs of the network for every target that is there."""
    if not some.per_step:
        return predict_logits(network, some.X, backend)
    over_time = predict_logits_over_time(network, some.X, backend)
    return np.concatenate(over_time)[has_target(some.targets)]


def _loss_of(
    network: Network, training: Labelled, objective: Objective, backend: Backend
) -> float | None:
    """The training loss of the network as it answers, of some samples."""
    some = training.subset(_spread(training.X, N_PROBED))
    targets, weights = rows(some)
    if not len(targets) or len(targets) > N_ROWS:
        return None
    with np.errstate(all="ignore"):
        losses, _ = objective.loss(_logits(network, some, backend), targets, weights, None)
    return objective.loss_sum(losses, None)


def _little_learned(trained: Trained) -> str:
    return f"the network has learned little: {_losses(trained, start=False)}"


def _losses(trained: Trained, *, start: bool = True) -> str:
    """The final loss beside the base rate, in words."""
    if isinstance(trained.objective, (OneClass, AnyLabels)):
        nothing = "answering with the share of each class"
    else:
        nothing = "always answering the same number"
    n = trained.at + 1
    least = trained.base.least
    without = "" if trained.undropped is None else " without dropout"
    text = (
        f"after {n} epoch{'s' * (n > 1)} the training loss{without} is {trained.loss:.4g}, and "
        f"{nothing}, whatever X holds, has {trained.base.training:.4g}"
        + (f" (label_smoothing leaves {least:.4g} to the best answers)" if least else "")
    )
    return text[0].upper() + text[1:] if start else text


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _listed(tries: list[str]) -> str:
    """a, b or c."""
    return ", ".join(tries[:-1]) + (" or " if len(tries) > 1 else "") + tries[-1]
