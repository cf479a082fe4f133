"""RNNTagger: a label for every time step."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from helpers.sequence_data import make_samples
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline

from elman import RNNClassifier, RNNTagger, SequenceScaler
from elman.formats import archive
from elman.formats.archive import ArchiveError
from elman.nn.losses import softmax


def quick(**parameters):
    defaults = {"hidden_size": 7, "max_iter": 3, "learning_rate_init": 0.02, "random_state": 0}
    return RNNTagger(**(defaults | parameters))


def labels_of(X):
    """Whether the first feature's sum so far is positive."""
    return [np.where(np.cumsum(x[:, 0]) > 0, "up", "down") for x in X]


@pytest.fixture(params=["equal", "ragged", "object"])
def samples(request, rng):
    X, _ = make_samples(rng, 41, request.param)
    return X, labels_of(X)


def integers(y):
    return [(np.asarray(row) == "up").astype(int) for row in y]


def padded(rows, width=None, fill=-1):
    width = width or max(map(len, rows))
    out = np.full((len(rows), width), fill)
    for row, values in zip(out, rows, strict=True):
        row[: len(values)] = values
    return out


def bits(answers):
    return b"".join(np.ascontiguousarray(a).tobytes() for a in answers)


def test_learns(samples):
    X, y = samples
    tagger = quick(max_iter=60).fit(X, y)
    assert tagger.classes_.tolist() == ["down", "up"]
    predicted, p = tagger.predict(X), tagger.predict_proba(X)
    as_given = {"list": (None, None), 3: (2, 3), 1: (1, 1)}[getattr(X, "ndim", "list")]
    assert tuple(getattr(answers, "ndim", None) for answers in (predicted, p)) == as_given
    for x, labels, q in zip(X, predicted, p, strict=True):
        assert labels.shape == (len(x),)
        assert q.shape == (len(x), 2)
        np.testing.assert_allclose(q.sum(axis=1), 1, rtol=1e-12)
        assert np.array_equal(labels, tagger.classes_[q.argmax(axis=1)])
    hits = np.concatenate(list(predicted)) == np.concatenate(y)
    assert tagger.score(X, y) == hits.mean() > 0.9


def test_two_directions_see_what_is_still_to_come(samples):
    X, _ = samples
    y = [np.repeat(x[-1, 0] > 0, len(x)) for x in X]
    scores = [quick(max_iter=60, bidirectional=b).fit(X, y).score(X, y) for b in (False, True)]
    assert scores[1] > 0.95 > scores[0]


def test_the_network_is_the_textbooks(rng):
    X, _ = make_samples(rng, 9, "ragged")
    tagger = quick(dtype="float64").fit(X, labels_of(X))
    w = tagger.weights_
    for x, p, H in zip(X, tagger.predict_proba(X), tagger.hidden_states(X), strict=True):
        h = np.zeros(7)
        for t, step in enumerate((x - tagger.mean_) / tagger.scale_):
            h = np.tanh(step @ w["recurrent0.W_x"] + h @ w["recurrent0.W_h"] + w["recurrent0.b"])
            np.testing.assert_allclose(H[t], h, rtol=1e-10)
            np.testing.assert_allclose(p[t], softmax(h @ w["head.W"] + w["head.b"]), rtol=1e-10)


def test_the_loss_is_the_mean_over_labelled_steps(samples, rng):
    X, y = samples
    codes = integers(y)
    for i in (0, 3, 7):
        codes[i] = np.where(rng.random(len(codes[i])) < 0.5, -1, codes[i])
    codes[5][:] = -1
    weights = [rng.random(len(row)) for row in codes]
    flat, w = np.concatenate(codes), np.concatenate(weights)
    for sample_weight in (None, weights):
        for smoothing in (0.0, 0.3):
            tagger = quick(max_iter=1, learning_rate_init=1e-300, label_smoothing=smoothing)
            tagger.fit(X, codes, sample_weight, X_val=X, y_val=codes)
            p = np.concatenate(list(tagger.predict_proba(X)))
            q = (1 - smoothing) * np.eye(2)[flat] + smoothing / 2
            losses = -(q * np.log(p)).sum(axis=1)
            plain = -np.log(p)[np.arange(len(p)), flat]
            share = (flat >= 0) * (1 if sample_weight is None else w)
            np.testing.assert_allclose(
                tagger.loss_curve_, np.average(losses, weights=share), rtol=1e-9
            )
            np.testing.assert_allclose(
                tagger.history_.validation_loss, np.average(plain, weights=flat >= 0), rtol=1e-9
            )
            hits = p.argmax(axis=1) == flat
            assert tagger.score(X, codes) == np.average(hits, weights=flat >= 0)
            np.testing.assert_allclose(
                tagger.score(X, codes, weights), np.average(hits, weights=(flat >= 0) * w)
            )


def test_one_step_is_the_gradient_by_central_differences(rng):
    """Labels missing here and there, lengths 1 and 0, weights: what sgd's first step follows."""
    X = [rng.normal(size=(n, 2)) for n in (5, 1, 0, 3)]
    y = [[0, -1, 2, 1, -1], [1], [], [2, 0, 0]]
    weights = [[1.0, 3, 0.5, 0, 1], [2.0], [], [0.25, 1, 1]]
    rate = 1e-3
    options = {"solver": "sgd", "alpha": 0, "momentum": 0, "nesterovs_momentum": False}
    options |= {"max_grad_norm": None, "standardize": False, "batch_size": 4, "dtype": "float64"}
    options |= {"learning_rate": "constant"}
    start = quick(max_iter=1, learning_rate_init=1e-300, **options).fit(X, y, weights)
    after = quick(max_iter=1, learning_rate_init=rate, **options).fit(X, y, weights)
    gradient = (start.network_.params.flat - after.network_.params.flat) / rate
    flat = np.concatenate([np.array(row, int) for row in y])
    share = np.concatenate([np.array(row, float) for row in weights]) * (flat >= 0)

    def loss():
        p = np.concatenate(start.predict_proba(X))
        return np.average(-np.log(p[np.arange(len(p)), flat]), weights=share)

    theta = start.network_.params.flat
    for k in range(0, len(theta), 3):
        kept = theta[k]
        theta[k] = kept + 1e-6
        above = loss()
        theta[k] = kept - 1e-6
        below = loss()
        theta[k] = kept
        assert abs((above - below) / 2e-6 - gradient[k]) < 1e-7


def test_ways_to_write_the_labels(samples):
    X, y = samples
    codes = integers(y)
    expected = bits(quick().fit(X, codes).predict_proba(X))
    as_object = np.empty(41, object)
    as_object[:] = codes
    longest = max(map(len, codes))
    for same in (
        [row.tolist() for row in codes],
        tuple(codes),
        as_object,
        padded(codes),
        padded(codes, longest + 2),
        padded(codes).astype(np.int8),
        [row.astype(object) for row in codes],
        [row.astype(bool) for row in codes],
        y,
        [row.astype(object) for row in y],
    ):
        assert bits(quick().fit(X, same).predict_proba(X)) == expected
    none = [row.astype(object) for row in y]
    none[4][0] = none[2][0] = None
    minus = [row.copy() for row in codes]
    minus[4][0] = minus[2][0] = -1
    first, second = (quick().fit(X, z) for z in (none, minus))
    assert bits(first.predict_proba(X)) == bits(second.predict_proba(X)) != expected
    assert first.classes_.tolist() == ["down", "up"]
    assert second.classes_.tolist() == [0, 1]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, bool, "U5"])
def test_labels_come_back_as_they_were(dtype, rng, tmp_path):
    X = rng.normal(size=(6, 5, 2))
    y = rng.integers(0, 2, size=(6, 5)).astype(dtype)
    tagger = quick().fit(X, y)
    assert tagger.predict(X).dtype == y.dtype
    assert tagger.predict(X).shape == (6, 5)
    assert isinstance(tagger.predict(list(X)), list)
    tagger.save(tmp_path / "model")
    again = RNNTagger.load(tmp_path / "model")
    assert again.predict(X).tolist() == tagger.predict(X).tolist()
    assert again.predict(X).dtype == y.dtype


def test_a_2d_X_is_one_feature_over_time(rng):
    import pandas as pd

    X = rng.normal(size=(9, 5))
    y = (X.cumsum(axis=1) > 0).astype(int)
    flat, cube = quick().fit(X, y), quick().fit(X[:, :, np.newaxis], y)
    assert flat.predict_proba(X).tobytes() == cube.predict_proba(X[:, :, np.newaxis]).tobytes()
    frame = pd.DataFrame(X, columns=list("abcde"))
    named = quick().fit(frame, pd.DataFrame(y))
    assert named.feature_names_in_.tolist() == list("abcde")
    assert np.array_equal(named.predict(frame), flat.predict(X))


def test_a_sample_has_the_same_bits_in_any_company(samples):
    X, y = samples
    tagger = quick(dtype="float32").fit(X, y)
    together = tagger.predict_proba(X)
    for i in (0, 7, 40):
        assert tagger.predict_proba([X[i]])[0].tobytes() == together[i].tobytes()
        assert tagger.predict_proba([X[i][:1]])[0].tobytes() == together[i][:1].tobytes()
    assert tagger.predict([X[0], np.empty((0, 2))])[1].shape == (0,)
    assert len({bits(quick(n_jobs=n).fit(X, y).predict_proba(X)) for n in (1, 2)}) == 1


def test_no_weight_no_label_and_left_out_are_the_same(samples, rng):
    X, y = samples
    codes = integers(y)
    kept = np.flatnonzero(rng.integers(0, 2, size=41))
    none = [row if i in kept else np.full(len(row), -1) for i, row in enumerate(codes)]
    weights = np.isin(np.arange(41), kept).astype(float)
    steps = [np.full(len(row), w) for row, w in zip(codes, weights, strict=True)]
    answers = {
        bits(quick().fit(X, codes, sample_weight=weights).predict_proba(X)),
        bits(quick().fit(X, codes, sample_weight=steps).predict_proba(X)),
        bits(quick().fit(X, codes, sample_weight=padded(steps, fill=0.0)).predict_proba(X)),
    }
    assert len(answers) == 1
    some = [X[i] for i in kept], [codes[i] for i in kept]
    assert answers == {
        bits(quick().fit(*some, sample_weight=np.ones(len(kept))).predict_proba(X)),
    }
    plain = bits(quick().fit(*some).predict_proba(X))
    assert bits(quick().fit(X, none).predict_proba(X)) == plain


def test_class_weight(rng):
    X = rng.normal(size=(30, 5, 2))
    y = np.where(rng.random((30, 5)) < 0.1, "rare", "common")
    n_rare = (y == "rare").sum()
    by_hand = {"rare": 75 / n_rare, "common": 75 / (150 - n_rare)}
    plain, balanced, given = (
        quick(hidden_size=1, max_iter=150, class_weight=c).fit(X, y).predict_proba(X)[..., 1].mean()
        for c in (None, "balanced", by_hand)
    )
    assert plain < 0.2
    assert 0.35 < balanced < 0.65
    np.testing.assert_allclose(given, balanced, rtol=1e-6)
    with pytest.raises(ValueError, match="class_weight has the label 'odd'"):
        quick(class_weight={"odd": 1}).fit(X, y)


def test_early_stopping(samples, rng):
    X, y = samples
    X_val, _ = make_samples(rng, 20, "ragged")
    y_val = labels_of(X_val)
    tagger = quick(max_iter=300, early_stopping=True, n_iter_no_change=3, learning_rate_init=0.05)
    tagger.fit(X, y, X_val=X_val, y_val=y_val)
    assert tagger.history_.stopped_by == "early_stopping"
    assert tagger.score(X_val, y_val) == max(tagger.validation_scores_)
    assert len(quick(early_stopping=True).fit(X, y).validation_scores_) > 0


def test_partial_fit(samples, tmp_path):
    X, y = samples
    whole = quick(max_iter=4, learning_rate="constant").fit(X, y)
    parts = quick()
    with pytest.raises(ValueError, match="classes must be given"):
        parts.partial_fit(X, y)
    with pytest.raises(ValueError, match="balanced"):
        quick(class_weight="balanced").partial_fit(X, y, classes=["up", "down"])
    for _ in range(4):
        parts.partial_fit(X, y, classes=["up", "down"])
    assert bits(parts.predict_proba(X)) == bits(whole.predict_proba(X))
    with pytest.raises(ValueError, match="differ from those of the first call"):
        parts.partial_fit(X, y, classes=["up", "flat"])
    stranger = [np.where(row == "up", "odd", row) for row in y]
    with pytest.raises(ValueError, match=r"y\[\d+\]\[\d\] is 'odd', which is not one of"):
        parts.partial_fit(X, stranger)
    assert parts.score(X, stranger) < parts.score(X, y)
    parts.save(tmp_path / "model")
    assert RNNTagger.load(tmp_path / "model").partial_fit(X, y).n_iter_ == parts.n_iter_ + 1


def test_missing_values(rng):
    X, _ = make_samples(rng, 41, "ragged")
    y = labels_of(X)
    for i in (0, 3, 7, 9):
        X[i][0] = np.nan
    X[5][:] = np.nan  # a sample without a step to learn from
    masked = quick(missing="mask").fit(X, y, X_val=X, y_val=y)
    assert [len(row) for row in masked.predict(X)] == [len(x) for x in X]
    observed = [~np.isnan(x).any(axis=1) for x in X]
    left = [x[o] for x, o in zip(X, observed, strict=True) if o.any()]
    labels = [row[o] for row, o in zip(y, observed, strict=True) if o.any()]
    skipped = quick(missing="skip").fit(X, y, X_val=X, y_val=y)
    by_hand = quick().fit(left, labels, X_val=left, y_val=labels)
    assert skipped.loss_curve_ == by_hand.loss_curve_
    assert skipped.validation_scores_ == by_hand.validation_scores_
    answers = skipped.predict_proba(X)
    assert [len(row) for row in answers] == [len(x) for x in X]
    kept = [p[o] for p, o in zip(answers, observed, strict=True) if o.any()]
    assert bits(kept) == bits(by_hand.predict_proba(left))
    with pytest.raises(ValueError, match="contains NaN"):
        quick().fit(X, y)


def test_numpy_scalars_among_objects_are_labels(rng):
    X = [rng.normal(size=(n, 2)) for n in (3, 1, 2)]
    plain = quick().fit(X, [[1, -1, 0], [-1], [2, 0]])
    one, two, three = map(np.int64, (0, 1, 2))
    objects = [np.array([two, None, one], object), [None], np.array([three, one], object)]
    assert bits(quick().fit(X, objects).predict_proba(X)) == bits(plain.predict_proba(X))
    truths = [np.array([np.True_, np.False_, np.True_], object), [False], [True, True]]
    assert quick().fit(X, truths).classes_.tolist() == [False, True]


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        ([-1, 0, 1], ValueError, "no label: leave"),
        ([0.0, 0.5], TypeError, r"classes\[1\] is 0.5: .* RNNRegressor predicts numbers"),
    ],
)
def test_classes_that_no_step_can_have(classes, error, message, rng):
    tagger = quick()
    with pytest.raises(error, match=message):
        tagger.partial_fit(rng.normal(size=(2, 3, 2)), [[0, 1, 1], [1, 0, -1]], classes)
    assert not hasattr(tagger, "classes_")


def wrong():
    """y for three samples of 4, 1 and 3 steps, and what the error must say."""
    return {
        "nothing": (None, ValueError, "RNNTagger requires y"),
        "a label for each sample": ([0, 1, 0], ValueError, r"y\[0\] is 0, no 1-D sequence"),
        "strings for each sample": (["abcd", "a", "abc"], ValueError, r"y\[0\] is 'abcd'"),
        "1-D": (np.zeros(3, int), ValueError, r"y has shape \(3,\)"),
        "too few samples": ([[0] * 4, [1]], ValueError, r"y has 2 seq.*X has 3 sample"),
        "too few steps": (
            [[0] * 4, [1], [0, 1]],
            ValueError,
            r"y\[2\] has 2 labels, but X\[2\] has 3 time step",
        ),
        "too narrow": (np.zeros((3, 3), int), ValueError, r"y has 3 columns.* up to 4 steps"),
        "labels past the end": (
            np.zeros((3, 4), int),
            ValueError,
            r"y\[1, 1\] is 0, but X\[1\] has only 1 time step.*-1",
        ),
        "padded strings": (
            np.full((3, 4), "a"),
            ValueError,
            r"y\[1, 1\] is 'a', but X\[1\] has only 1 time step.*None",
        ),
        "floats": ([[0.0] * 4, [1.0], [0.0, 0.5, 1.0]], TypeError, r"y\[2\]\[1\] is 0.5: .*RNNReg"),
        "mixed in a sample": (
            [["a", 1, "b", "a"], ["a"], ["b"] * 3],
            TypeError,
            r"y\[0\]\[1\] is 1",
        ),
        "mixed samples": ([["a"] * 4, [1], ["b"] * 3], TypeError, r"y\[0\] has labels such as 'a'"),
        "objects": ([[(0,), (1,)] * 2, [1], [0] * 3], ValueError, r"y\[0\] is .* no 1-D"),
        "beyond int64": ([[2**70] * 4, [1], [0] * 3], TypeError, r"y\[0\]\[0\] is .* beyond int64"),
        "no label at all": ([[-1] * 4, [-1], [-1] * 3], ValueError, "labels no time step"),
    }


@pytest.mark.parametrize("case", wrong())
def test_wrong_y_says_where_and_how_to_mend_it(case, rng):
    y, error, message = wrong()[case]
    X = [rng.normal(size=(n, 2)) for n in (4, 1, 3)]
    tagger = quick()
    with pytest.raises(error, match=message):
        tagger.fit(X, y)
    assert not hasattr(tagger, "classes_")


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1, 2], ValueError, r"sample_weight has shape \(2,\)"),
        ([1, -1, 1], ValueError, r"sample_weight\[1\] is -1.0"),
        ([[1] * 4, [1], [1, np.nan, 1]], ValueError, r"sample_weight\[2\]\[1\] is nan"),
        (
            [[1] * 4, [1], [1] * 4],
            ValueError,
            r"sample_weight\[2\] has 4 weights, but X\[2\] has 3",
        ),
        ([[0] * 4, [0], [0] * 3], ValueError, "sample_weight is zero"),
        ([[0] * 4, [5], [0] * 3], ValueError, "no time step with a label has a positive weight"),
        ([["a"] * 4, ["b"], ["c"] * 3], TypeError, "cannot be read as numbers"),
        (np.ones((3, 5)), ValueError, "sample_weight has 5 columns"),
    ],
)
def test_wrong_weights(weights, error, message, rng):
    X = [rng.normal(size=(n, 2)) for n in (4, 1, 3)]
    y = [[0, 1, 0, 1], [-1], [1, 0, 0]]
    with pytest.raises(error, match=message):
        quick().fit(X, y, sample_weight=weights)
    fitted = quick().fit(X, y)
    with pytest.raises(error, match=message):
        fitted.score(X, y, sample_weight=weights)


def test_validation_data_is_checked(samples):
    X, y = samples
    with pytest.raises(ValueError, match=r"y_val\[0\] has .* but X_val\[0\] has"):
        quick().fit(X, y, X_val=X, y_val=[np.append(row, row[:1]) for row in y])
    with pytest.raises(ValueError, match=r"y_val\[0\]\[0\] is 'odd'"):
        quick().fit(X, y, X_val=X, y_val=[np.full(len(row), "odd") for row in y])


def test_saved_and_loaded_bit_for_bit(samples, tmp_path):
    X, y = samples
    path = tmp_path / "model"
    with pytest.raises(NotFittedError):
        quick().save(path)
    tagger = quick(cell="gru", bidirectional=True, early_stopping=True, class_weight={"up": 2})
    tagger.fit(X, y).save(path)
    again = RNNTagger.load(path)
    assert again.get_params() == tagger.get_params()
    assert bits(again.predict_proba(X)) == bits(tagger.predict_proba(X))
    assert again.history_ == tagger.history_
    again.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    assert bits(pickle.loads(pickle.dumps(tagger)).predict(X)) == bits(tagger.predict(X))
    with pytest.raises(ArchiveError, match="holds a 'RNNTagger', not a RNNClassifier"):
        RNNClassifier.load(path)
    tensors, config = archive.load(path)
    config["network"]["readout"] = "last"
    archive.save(path, tensors, config)
    with pytest.raises(ArchiveError, match=str(path)):
        RNNTagger.load(path)


def test_model_selection(samples):
    X, y = samples
    tagger = quick(max_iter=60)
    assert cross_val_score(tagger, X, y, cv=3).mean() > 0.7
    search = GridSearchCV(tagger, {"hidden_size": [1, 9]}, cv=2, error_score="raise").fit(X, y)
    assert search.score(X, y) > 0.9
    assert len(search.predict(X)) == 41
    pipeline = make_pipeline(SequenceScaler(), clone(tagger).set_params(standardize=False))
    assert bits(pipeline.fit(X, y).predict_proba(X)) == bits(tagger.fit(X, y).predict_proba(X))


def test_cross_val_predict_of_equal_lengths(rng):
    X, _ = make_samples(rng, 20, "equal")
    assert cross_val_predict(quick(), X, np.array(integers(labels_of(X))), cv=2).shape == (20, 5)


def test_shows_itself_in_a_notebook(samples):
    shown = quick(label_smoothing=0.25).fit(*samples)._repr_html_()
    assert "RNNTagger" in shown
    assert "0.25" in shown


@pytest.mark.parametrize("tags", [[[1, -1], [-1, 1, 1]], [[0, -1], None]])
def test_a_single_class_beside_minus_one_is_warned_of(tags):
    X = [np.zeros((2, 1)), np.ones((3, 1))]
    with pytest.warns(UserWarning, match="y has -1 at .*that there is one class to learn"):
        RNNTagger(hidden_size=2, max_iter=1).fit(X, tags)


@pytest.mark.parametrize(
    ("tags", "up"),
    [
        ([[1, -1], [-1, 0, 1]], 1),
        ([[1.0, -1.0], [-1.0, 0.0, None]], 1),
        ([[2, -1], [-2, -2, 1]], 2),
        ([[-3, -1], [2, 2, 2]], 3),
    ],
)
def test_minus_one_that_may_be_a_class_is_warned_of(tags, up):
    X = [np.zeros((2, 1)), np.ones((3, 1))]
    tagger = RNNTagger(hidden_size=2, max_iter=1)
    with pytest.warns(UserWarning, match=rf"y has -1 at .*add {up} to every label") as seen:
        tagger.fit(X, tags, X_val=X, y_val=tags)
    assert len(seen) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tagger.predict(X)
        tagger.score(X, tags)
        tagger.partial_fit(X, tags)
        tagger.fit(X, [[None if tag == -1 else tag for tag in row] for row in tags])
        tagger.partial_fit(X, tags)


def test_several_classes_beside_steps_without_a_label_are_no_news(recwarn):
    X = [np.zeros((2, 1)), np.ones((3, 1))]
    RNNTagger(hidden_size=2, max_iter=1).fit(X, [[1, -1], [-1, 3, 1]])
    RNNTagger(hidden_size=2, max_iter=1).fit(X, [[1, 0], [2, -1, 1]])
    RNNTagger(hidden_size=2, max_iter=1).fit(X, [["u", None], [None, "v", "u"]])
    assert not recwarn.list
