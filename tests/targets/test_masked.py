"""Masked values are refused wherever a user passes something; what is under a mask is not used."""

from __future__ import annotations

import numpy as np
import pytest

from elman import RNNClassifier, RNNRegressor, RNNTagger, SequenceScaler, plotting
from elman.data import from_channels_first, write_npz
from elman.evaluation import baselines, scores
from elman.targets.masked import refuse_masked

SMALL = {"hidden_size": 3, "max_iter": 1, "random_state": 0}
LENGTHS = (4, 1, 5, 2, 3, 6, 2)
N = len(LENGTHS)
rng = np.random.default_rng(11)
X = [rng.normal(size=(n, 2)) for n in LENGTHS]
CUBE = rng.normal(size=(N, 5, 2))
HIDDEN = 1e9
"""What is under a mask."""


def masked(values, at):
    """The values as a masked array, with a number under the mask that would be seen in any fit."""
    array = np.ma.array(values, copy=True)
    array[at] = HIDDEN if array.dtype.kind == "f" else array[at]
    array[at] = np.ma.masked
    assert np.ma.is_masked(array)
    return array


CODES = np.arange(N) % 3
VALUES = np.linspace(-1, 1, N)
SEVERAL = np.column_stack([CODES > 0, CODES > 1]).astype(int)
WEIGHTS = np.linspace(1, 2, N)
TAGS = [np.arange(n) % 2 for n in LENGTHS]
STEP_WEIGHTS = [np.linspace(1, 2, n) for n in LENGTHS]
PADDED = np.full((N, 6), -1)
for row, tags in zip(PADDED, TAGS, strict=True):
    row[: len(tags)] = tags


def with_one(rows, i, at):
    """The list with row i masked at a place."""
    return [masked(row, at) if k == i else row for k, row in enumerate(rows)]


def objects(rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


M_CODES, M_VALUES = masked(CODES, 4), masked(VALUES, 4)
M_WEIGHTS, M_SEVERAL = masked(WEIGHTS, 4), masked(SEVERAL, (4, 1))
M_TAGS = with_one(TAGS, 2, 3)
M_LISTS = [[*tags] if k != 2 else [*tags[:3], np.ma.masked, 0] for k, tags in enumerate(TAGS)]


def classifier(**options):
    return RNNClassifier(**SMALL, **options)


def regressor(**options):
    return RNNRegressor(**SMALL, **options)


def tagger(**options):
    return RNNTagger(**SMALL, **options)


FITTED = {
    classifier: (X, CODES),
    regressor: (X, VALUES),
    tagger: (X, TAGS),
}


def fitted(make):
    return make().fit(*FITTED[make])


# What is called, with how the error begins
REFUSED = {
    "regressor, y": (lambda: regressor().fit(X, M_VALUES), "y is"),
    "regressor, two targets": (
        lambda: regressor().fit(X, masked(np.column_stack([VALUES, -VALUES]), (4, 0))),
        "y is",
    ),
    "regressor, y of lists": (lambda: regressor().fit(X, [0.5, np.ma.masked] * 3), "y[1] is"),
    "regressor, y of rows": (
        lambda: regressor().fit(X, with_one([np.ones(2)] * N, 3, 1)),
        "y[3] is",
    ),
    "regressor, y of objects": (
        lambda: regressor().fit(X, masked(VALUES.astype(object), 4)),
        "y is",
    ),
    "regressor, y_val": (lambda: regressor().fit(X, VALUES, X_val=X, y_val=M_VALUES), "y_val is"),
    "regressor, validation_data": (
        lambda: regressor().fit(X, VALUES, validation_data=(X, M_VALUES)),
        "y_val is",
    ),
    "regressor, sample_weight": (
        lambda: regressor().fit(X, VALUES, M_WEIGHTS),
        "sample_weight is",
    ),
    "regressor, partial_fit": (lambda: regressor().partial_fit(X, M_VALUES), "y is"),
    "regressor, partial_fit, weight": (
        lambda: regressor().partial_fit(X, VALUES, M_WEIGHTS),
        "sample_weight is",
    ),
    "regressor, score": (lambda: fitted(regressor).score(X, M_VALUES), "y is"),
    "regressor, score, weight": (
        lambda: fitted(regressor).score(X, VALUES, M_WEIGHTS),
        "sample_weight is",
    ),
    "classifier, y": (lambda: classifier().fit(X, M_CODES), "y is"),
    "classifier, strings": (
        lambda: classifier().fit(X, masked(CODES.astype(str), 4)),
        "y is",
    ),
    "classifier, several labels": (lambda: classifier().fit(X, M_SEVERAL), "y is"),
    "classifier, rows of several": (
        lambda: classifier().fit(X, with_one(list(SEVERAL), 4, 1)),
        "y[4] is",
    ),
    "classifier, y_val": (lambda: classifier().fit(X, CODES, X_val=X, y_val=M_CODES), "y_val is"),
    "classifier, several labels in y_val": (
        lambda: classifier().fit(X, SEVERAL, validation_data=(X, M_SEVERAL)),
        "y_val is",
    ),
    "classifier, sample_weight": (
        lambda: classifier().fit(X, CODES, M_WEIGHTS),
        "sample_weight is",
    ),
    "classifier, class_weight": (
        lambda: classifier(class_weight={0: 1.0, 2: np.ma.masked}).fit(X, CODES),
        "class_weight[2] is",
    ),
    "classifier, partial_fit": (
        lambda: classifier().partial_fit(X, M_CODES, classes=[0, 1, 2]),
        "y is",
    ),
    "classifier, classes": (
        lambda: classifier().partial_fit(X, CODES, classes=masked([0, 1, 2, 3], 3)),
        "classes is",
    ),
    "classifier, listed classes": (
        lambda: classifier().partial_fit(X, CODES, classes=[0, 1, 2, np.ma.masked]),
        "classes[3] is",
    ),
    "classifier, score": (lambda: fitted(classifier).score(X, M_CODES), "y is"),
    "classifier, score, weight": (
        lambda: fitted(classifier).score(X, CODES, M_WEIGHTS),
        "sample_weight is",
    ),
    "tagger, y": (lambda: tagger().fit(X, M_TAGS), "y[2] is"),
    "tagger, padded y": (lambda: tagger().fit(X, masked(PADDED, (2, 3))), "y is"),
    "tagger, y of objects": (lambda: tagger().fit(X, objects(M_TAGS)), "y[2] is"),
    "tagger, y of lists": (lambda: tagger().fit(X, M_LISTS), "y[2][3] is"),
    "tagger, y_val": (lambda: tagger().fit(X, TAGS, X_val=X, y_val=M_TAGS), "y_val[2] is"),
    "tagger, sample_weight": (lambda: tagger().fit(X, TAGS, M_WEIGHTS), "sample_weight is"),
    "tagger, weights of steps": (
        lambda: tagger().fit(X, TAGS, with_one(STEP_WEIGHTS, 2, 3)),
        "sample_weight[2] is",
    ),
    "tagger, class_weight": (
        lambda: tagger(class_weight={1: masked(2.0, ())}).fit(X, TAGS),
        "class_weight[1] is",
    ),
    "tagger, partial_fit": (
        lambda: tagger().partial_fit(X, M_TAGS, classes=[0, 1]),
        "y[2] is",
    ),
    "tagger, classes": (
        lambda: tagger().partial_fit(X, TAGS, classes=masked([0, 1, 2], 2)),
        "classes is",
    ),
    "tagger, score": (lambda: fitted(tagger).score(X, M_TAGS), "y[2] is"),
    "tagger, score, weight": (
        lambda: fitted(tagger).score(X, TAGS, with_one(STEP_WEIGHTS, 2, 3)),
        "sample_weight[2] is",
    ),
    "X of lists of rows": (
        lambda: regressor().fit([[masked(row, 1) for row in x] for x in CUBE], VALUES),
        "X: sample 0[0] is",
    ),
    "X of numbers": (
        lambda: regressor(missing="mask").fit([[[0.5, np.ma.masked], [1.0, 2.0]]] * N, VALUES),
        "X: sample 0[0][1] is",
    ),
    "X_val": (
        lambda: regressor().fit(X, VALUES, X_val=with_one(X, 2, (3, 1)), y_val=VALUES),
        "X_val: sample 2 is",
    ),
    "X to predict": (
        lambda: fitted(classifier).predict(with_one(X, 2, (3, 1))),
        "X: sample 2 is",
    ),
    "stream, a step": (lambda: fitted(classifier).stream().step(masked(CUBE[0, 0], 1)), "x_t is"),
    "stream, a step of lists": (
        lambda: fitted(classifier).stream(3).step([CUBE[0, 0], masked(CUBE[0, 1], 1), CUBE[0, 2]]),
        "x_t[1] is",
    ),
    "stream, which ones": (
        lambda: fitted(classifier).stream(3).reset(masked([0, 2], 1)),
        "streams is",
    ),
    "scaler, sample_weight": (
        lambda: SequenceScaler().fit(X, sample_weight=M_WEIGHTS),
        "sample_weight is",
    ),
    "scaler, X": (lambda: SequenceScaler().fit(masked(CUBE, (2, 3, 1))), "X is"),
    "confusion_counts, true": (lambda: scores.confusion_counts(M_CODES, CODES), "y_true is"),
    "confusion_counts, predicted": (lambda: scores.confusion_counts(CODES, M_CODES), "y_pred is"),
    "confusion_counts, classes": (
        lambda: scores.confusion_counts(CODES, CODES, masked([0, 1, 2], 1)),
        "classes is",
    ),
    "label_scores": (lambda: scores.label_scores(M_SEVERAL, SEVERAL), "y_true is"),
    "value_scores": (lambda: scores.value_scores(VALUES, M_VALUES), "y_pred is"),
    "accuracy_by_share": (
        lambda: scores.accuracy_by_share(fitted(classifier), X, M_CODES),
        "y is",
    ),
    "gradient_norms, y": (
        lambda: plotting.gradient_norms(fitted(classifier), X, M_CODES),
        "y is",
    ),
    "gradient_norms, X": (
        lambda: plotting.gradient_norms(fitted(classifier), with_one(X, 2, (3, 1)), CODES),
        "X: sample 2 is",
    ),
    "states": (lambda: plotting.HiddenStatesDisplay(masked(CUBE[0], (2, 1))), "states is"),
    "probabilities": (
        lambda: plotting.KnowledgeCurveDisplay(masked(CUBE[0], (2, 1)), "ab"),
        "probabilities is",
    ),
    "loss": (lambda: plotting.LossCurveDisplay(M_VALUES), "loss is"),
    "validation_loss": (
        lambda: plotting.LossCurveDisplay(VALUES, validation_loss=M_VALUES),
        "validation_loss is",
    ),
    "shares": (lambda: plotting.AccuracyByShareDisplay(M_VALUES, VALUES), "shares is"),
    "norms": (lambda: plotting.GradientFlowDisplay({"layer 1": [M_VALUES]}), "norms['layer 1'][0]"),
    "baselines, majority, train": (
        lambda: baselines.majority_accuracy(M_CODES, CODES),
        "y_train is",
    ),
    "baselines, majority, test": (
        lambda: baselines.majority_accuracy(CODES, M_CODES),
        "y_test is",
    ),
    "baselines, accuracies": (
        lambda: baselines.accuracies(
            {"last": baselines.last_step}, X, CODES, with_one(X, 2, (3, 1)), CODES
        ),
        "X_test[2] is",
    ),
    "baselines, last_step": (lambda: baselines.last_step(with_one(X, 2, (3, 1))), "X[2] is"),
    "baselines, padded": (lambda: baselines.padded(3)(with_one(X, 2, (3, 1))), "X[2] is"),
    "baselines, resampled": (lambda: baselines.resampled(3)(with_one(X, 2, (3, 1))), "X[2] is"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.filterwarnings("error")
def test_a_masked_value_is_refused(case):
    call, begins = REFUSED[case]
    with pytest.raises(ValueError, match="masked") as caught:
        call()
    assert str(caught.value).startswith(begins)


@pytest.mark.parametrize("y", [M_CODES, M_TAGS, objects(M_TAGS), M_SEVERAL])
def test_no_file_is_written_of_masked_labels(tmp_path, y):
    with pytest.raises(ValueError, match="masked"):
        write_npz(tmp_path / "data.npz", X, y)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_a_masked_recording_is_refused():
    pytest.importorskip("matplotlib")
    clf = fitted(classifier)
    for draw in (plotting.plot_hidden_states, plotting.plot_probabilities_over_time):
        with pytest.raises(ValueError, match="x is a masked array"):
            draw(clf, masked(X[0], (3, 1)))


def test_the_state_of_a_stream_has_no_mask():
    stream = fitted(classifier).stream(3)
    stream.step(CUBE[0, :3])
    before = stream.state
    name = "recurrent0"
    state = before | {name: masked(before[name], (1, 2))}
    with pytest.raises(ValueError, match=rf"state\['{name}'\] is a masked array"):
        stream.state = state
    for key, array in stream.state.items():
        np.testing.assert_array_equal(array, before[key])


def test_turning_channels_keeps_every_mask():
    turned = from_channels_first(with_one([x.T for x in X], 2, (1, 3)))
    assert [np.ma.is_masked(x) for x in turned] == [k == 2 for k in range(N)]
    with pytest.raises(ValueError, match="X: sample 2 is a masked array"):
        regressor().fit(turned, VALUES)


def test_a_refused_fit_leaves_the_estimator_as_it_was():
    reg = fitted(regressor)
    before = reg.network_.params.flat.tobytes()
    for data in ((X, M_VALUES), (X, VALUES, M_WEIGHTS)):
        with pytest.raises(ValueError, match="masked"):
            reg.fit(*data)
        with pytest.raises(ValueError, match="masked"):
            reg.partial_fit(*data)
    assert reg.network_.params.flat.tobytes() == before


def test_masked_arrays_without_a_masked_value_are_plain_arrays():
    """As for X: the same bits."""
    for make, plain, given in [
        (classifier, (X, CODES, WEIGHTS), (X, np.ma.array(CODES), np.ma.array(WEIGHTS))),
        (classifier, (X, SEVERAL), (X, np.ma.array(SEVERAL, mask=False))),
        (regressor, (X, VALUES, WEIGHTS), (X, np.ma.array(VALUES), np.ma.array(WEIGHTS))),
        (
            tagger,
            (X, TAGS, STEP_WEIGHTS),
            (X, [np.ma.array(t) for t in TAGS], [np.ma.array(w) for w in STEP_WEIGHTS]),
        ),
    ]:
        expected, fit = make().fit(*plain), make().fit(*given)
        assert fit.network_.params.flat.tobytes() == expected.network_.params.flat.tobytes()
        assert fit.score(*given) == expected.score(*plain)


def test_the_message_says_how_many_where_and_what_to_do():
    with pytest.raises(ValueError, match=r"y is a masked array with 2 .* index 4: .*\.filled\("):
        regressor().fit(X, masked(VALUES, [4, 6]))
    with pytest.raises(ValueError, match=r"y\[2\] is a masked array .* index 3: .*filled\(-1\)"):
        tagger().fit(X, M_TAGS)


def test_a_list_that_holds_itself_ends():
    forever = [1.0, 2.0]
    forever.append(forever)
    forever.append(forever)
    refuse_masked(forever, "y")
    refuse_masked({"a": [np.ones(3), "text", None, 2 + 1j]}, "y")
