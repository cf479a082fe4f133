"""How a training went in; the one thing that a person would want to be told about it, or None, out.

Every rule compares with what a network that knows nothing of X would reach (the base rate:
`elman.training.base_rate`), because a loss by itself says little: 0.3 is good for ten classes and
nothing for a class that one sample in ten has. A rule speaks where a person would act on it and
stays silent where they would not; a healthy training with the defaults gives no hint.

This text states every rule and its reason; `hint_after` asks the rules in this order. `before.py`
has those of before training. `trained.py` puts together what the others look at: `scale.py`
(unscaled), `rate.py` (rate-too-large, rate-too-small, too-few-steps), `saturation.py` (saturated),
`nothing_learned.py` (one-class-predicted, not-learned), `validation.py` (overfits) and `falling.py`
(still-falling). A number that is named in capitals below is a constant in the file that uses it
first.

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

from elman.training.hints.answers import Answer
from elman.training.hints.before import MIN_EPOCHS, hint_before
from elman.training.hints.falling import still_falling
from elman.training.hints.hint import Hint, TrainingWarning
from elman.training.hints.nothing_learned import one_answer
from elman.training.hints.rate import barely_moved, rate_too_large
from elman.training.hints.saturation import saturated
from elman.training.hints.scale import unscaled
from elman.training.hints.trained import LITTLE, Trained, looked_at
from elman.training.hints.validation import never_general, overfits

__all__ = [
    "Answer",
    "Hint",
    "Trained",
    "TrainingWarning",
    "hint_after",
    "hint_before",
    "looked_at",
]

MIN_STEPS = 1000
"""steps of the optimizer: from so many on, fewer epochs than `MIN_EPOCHS` can be judged as well"""


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
            for rule in (unscaled, rate_too_large, saturated, barely_moved):
                hint = rule(trained)
                if hint is not None:
                    return hint
        hint = one_answer(trained)
        if hint is not None:
            return hint
    if not long:
        return None
    for rule in (never_general, overfits, still_falling):
        hint = rule(trained)
        if hint is not None:
            return hint
    return None
