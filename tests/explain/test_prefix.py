"""The shortest prefix that decides is the first from which the answer stays what it will be."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.explained import (
    LENGTHS,
    MODELS,
    classifier,
    labels,
    recordings,
    regressor,
    several_labels,
    small,
    tagger,
)

from elman import RNNClassifier, RNNTagger
from elman.explain import shortest_prefix
from elman.models.fitted import fitted


def by_hand(same):
    """The least number of steps from which on everything is true; -1 if there is none."""
    n = len(same)
    while n and same[n - 1]:
        n -= 1
    return -1 if n == len(same) else n


def prefix_answers(fit, x, of):
    """What `of` says of the prefixes of x, the one without a step included."""
    return [of(fit, x[:n]) for n in range(len(x) + 1)]


@pytest.mark.parametrize(
    "network", [{}, {"cell": "gru", "readout": "last"}, {"bidirectional": True, "readout": "mean"}]
)
@pytest.mark.parametrize("probability", [None, 0.45, 0.99])
def test_of_a_classifier_the_label_stays(network, probability):
    fit = classifier(**network)
    X = recordings()
    found = shortest_prefix(fit, X, probability=probability)
    for i, x in enumerate(X):
        shares = prefix_answers(fit, x, lambda fit, x: fit.predict_proba([x])[0])
        k = int(shares[-1].argmax())
        n = by_hand([p.argmax() == k and p[k] >= (probability or 0) for p in shares])
        assert found.n_steps[i] == n
        assert found.answers[i] == fit.predict([x])[0]
        assert found.before[i] == (fit.predict([x[: n - 1]])[0] if n > 0 else None)
        assert found.lengths[i] == len(x)
    if probability == 0.99:
        assert not found.decided.any()
    else:
        assert found.decided.any()
        assert len(set(found.n_steps.tolist())) > 1


@pytest.mark.parametrize("kind", [RNNClassifier, RNNTagger])
def test_labels_may_be_objects(kind):
    text = labels()
    y = (
        [text]
        if kind is RNNClassifier
        else [[np.full(n, t) for n, t in zip(LENGTHS, text, strict=True)]]
    )
    y.append([np.asarray(of, object) for of in y[0]] if kind is RNNTagger else text.astype(object))
    found = [shortest_prefix(small(kind).fit(recordings(), of), recordings()) for of in y]
    assert (found[0].n_steps > 0).any()
    assert found[1].before.tolist() == found[0].before.tolist()
    assert repr(found[1]) == repr(found[0])


@pytest.mark.parametrize("tolerance", [None, 0.3, 0.0])
def test_of_a_regressor_the_value_stays_within_the_tolerance(tolerance):
    fit = regressor()
    X = recordings()
    found = shortest_prefix(fit, X, tolerance=tolerance)
    for row, i in enumerate(found.sample):
        column = row % 2
        values = np.array(
            [v[column] for v in prefix_answers(fit, X[i], lambda f, x: f.predict([x])[0])]
        )
        allowed = fit.model_.target_scale.scale[column] / 10 if tolerance is None else tolerance
        assert found.n_steps[row] == by_hand(np.abs(values - values[-1]) <= allowed)
        assert found.answers[row] == values[-1]


def test_of_several_labels_each_has_its_own():
    fit = several_labels()
    X = recordings()
    found = shortest_prefix(fit, X, probability=0.5)
    assert found.target.tolist() == [0, 1] * len(X)
    for row, i in enumerate(found.sample):
        answers = np.array(prefix_answers(fit, X[i], lambda f, x: f.predict([x])[0]))[:, row % 2]
        assert found.n_steps[row] == by_hand(answers == answers[-1])


@pytest.mark.parametrize("bidirectional", [False, True])
def test_of_a_tagger_the_answer_at_a_step_stays(bidirectional):
    fit = tagger(bidirectional=bidirectional)
    model = fit.model_
    first = model.predicted(model.network.logits_before(model.current_backend())[np.newaxis])[0]
    X = recordings()
    for step in (-1, 0, [3, 4, 6, 0, 1, -2, 2]):
        found = shortest_prefix(fit, X, step=step)
        for i, x in enumerate(X):
            t = np.broadcast_to(step, len(X))[i] % len(x)
            answers = np.array(
                [first, *(fit.predict([x[:n]])[0][min(t, n - 1)] for n in range(1, len(x) + 1))]
            )
            assert answers[-1] == found.answers[i] == fit.predict([x])[0][t]
            assert found.n_steps[i] == by_hand(answers == answers[-1])
            assert bidirectional or found.n_steps[i] <= t + 1


@pytest.mark.parametrize("bidirectional", [False, True])
def test_steps_that_are_skipped_are_steps_of_the_recording(bidirectional):
    X = recordings()
    X[2][[0, 4], 1] = np.nan
    fit = small(RNNClassifier, missing="skip", bidirectional=bidirectional).fit(X, labels())
    found = shortest_prefix(fit, X)
    answers = np.array(prefix_answers(fit, X[2], lambda f, x: f.predict([x])[0]))
    assert found.n_steps[2] == by_hand(answers == answers[-1])


@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_of_model_is_asked_to_the_same_end_alone_and_in_a_batch(kind):
    fit = MODELS[kind]()
    X = recordings()
    found = shortest_prefix(fit, X)
    rows = len(found) // len(X)
    alone = shortest_prefix(fitted(fit).given, [X[2]])
    np.testing.assert_array_equal(alone.n_steps, found.n_steps[2 * rows : 3 * rows])
    assert repr(found).startswith(f"Shortest prefixes that decide {len(found)} answer(s)")
    assert len(found.frame()) == len(found)


@pytest.mark.parametrize(
    ("fit", "arguments", "message"),
    [
        (classifier, {"probability": 1.5}, "probability=1.5"),
        (classifier, {"tolerance": 0.1}, "pass probability"),
        (classifier, {"step": 0}, "one answer for each recording"),
        (regressor, {"probability": 0.5}, "pass tolerance"),
        (regressor, {"tolerance": -1.0}, "tolerance=-1.0"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(fit, arguments, message):
    with pytest.raises(ValueError, match=message):
        shortest_prefix(fit(), recordings(), **arguments)
